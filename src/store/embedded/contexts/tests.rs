//! The contexts in memory against what is plainly so.

use super::super::super::indexes::Indexes;
use super::*;
use proptest::prelude::*;

fn sorted(found: impl Iterator<Item = u64>) -> Vec<u64> {
    let found: BTreeSet<u64> = found.collect();
    found.into_iter().collect()
}

/// A UE: present ID1, previous ones, users.
type Ue = (u64, Vec<u64>, Vec<u64>);

fn pairs(imsi: u64, (id1, previous, users): &Ue) -> BTreeSet<(Index, Pair)> {
    let id1s = std::iter::once(id1).chain(previous).map(|id1| (Index::Id1s, (*id1, imsi)));
    let users = users.iter().map(|user| (Index::Users, (*user, imsi)));
    id1s.chain(users).chain([(Index::Expiry, (imsi % 3, imsi))]).collect()
}

fn ue() -> impl Strategy<Value = Ue> {
    (0u64..12, proptest::collection::vec(0u64..12, 0..3), proptest::collection::vec(0u64..6, 0..4))
}

proptest! {
    /// Whatever goes from one UE to another within a commit, the indexes are those of the UEs there are.
    #[test]
    fn what_leads_to_a_ue_is_what_it_has(
        commits in proptest::collection::vec(proptest::collection::vec((0u64..8, proptest::option::of(ue())), 1..6), 1..12),
    ) {
        let (mut contexts, mut plain) = (Contexts::default(), Indexes::default());
        let mut ues = BTreeMap::<u64, Ue>::new();
        for commit in commits {
            let (mut changed_contexts, mut changed) = (ChangedContexts::new(), Changed::default());
            for (imsi, new) in commit {
                let before = ues.get(&imsi).map(|ue| pairs(imsi, ue)).unwrap_or_default();
                let after = new.as_ref().map(|ue| pairs(imsi, ue)).unwrap_or_default();
                for (index, pair) in before.difference(&after) {
                    changed.discard(*index, *pair);
                    plain.discard(*index, *pair);
                }
                for (index, pair) in after.difference(&before) {
                    changed.add(*index, *pair);
                    plain.add(*index, *pair);
                }
                match new {
                    Some(ue) => {
                        changed_contexts.insert(imsi, Some(Record { id1: ue.0, octets: vec![ue.0 as u8; 3].into() }));
                        ues.insert(imsi, ue);
                    }
                    None => {
                        changed_contexts.insert(imsi, None);
                        ues.remove(&imsi);
                    }
                }
            }
            contexts.approach(&[0, 1, 2, 99], &[3, 4, 99]);
            contexts.take_over(changed_contexts, changed);
            for imsi in 0..8 {
                let expected = ues.get(&imsi).map(|ue| vec![ue.0 as u8; 3]);
                prop_assert_eq!(contexts.record(imsi).map(<[u8]>::to_vec), expected);
            }
            prop_assert_eq!(contexts.imsis(0).collect::<Vec<_>>(), ues.keys().copied().collect::<Vec<_>>());
            for first in 0..12 {
                for index in [Index::Id1s, Index::Users] {
                    let found = sorted(contexts.of(index, first));
                    prop_assert_eq!(&found, &sorted(plain.of(index, first)), "{:?} {}", index, first);
                    prop_assert_eq!(contexts.records_of(index, first, 99).len(), found.len());
                }
            }
            let all = |found: &mut dyn Iterator<Item = Pair>| found.collect::<Vec<_>>();
            let expected = all(&mut plain.from(Index::Expiry, (0, 0)));
            prop_assert_eq!(all(&mut contexts.from(Index::Expiry, (0, 0))), expected);
        }
    }
}

#[test]
fn a_record_is_found_among_many_and_when_tables_have_grown() {
    let mut contexts = Contexts::default();
    let record = |number: u64| Some(Record { id1: number << 20, octets: number.to_le_bytes().into() });
    for from in (0..20_000u64).step_by(1000) {
        contexts.take_over((from..from + 1000).map(|number| (number, record(number))).collect(), Changed::default());
    }
    for number in 0..20_000u64 {
        assert_eq!(contexts.record(number), Some(&number.to_le_bytes()[..]));
        assert_eq!(contexts.of(Index::Id1s, number << 20).collect::<Vec<_>>(), [number]);
    }
    contexts.take_over((0..19_999).map(|number| (number, None)).collect(), Changed::default());
    assert_eq!(contexts.imsis(0).collect::<Vec<_>>(), [19_999]);
    assert_eq!((contexts.record(5), contexts.of(Index::Id1s, 5 << 20).count()), (None, 0));
}
