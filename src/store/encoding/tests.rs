//! Records of any context, whole and damaged.

use super::*;
use proptest::prelude::*;

fn address() -> impl Strategy<Value = FunctionAddress> {
    prop_oneof![
        "[a-z]{1,8}\\.example\\.org".prop_map(|name| name.parse().unwrap()),
        any::<[u8; 4]>().prop_map(|octets| FunctionAddress::Ipv4(octets.into())),
        any::<[u8; 16]>().prop_map(|octets| FunctionAddress::Ipv6(octets.into())),
    ]
}

fn grant() -> impl Strategy<Value = Id1Grant> {
    any::<(u64, u64)>().prop_map(|(id1, until)| Id1Grant { id1: id1.into(), valid_until: UnixSeconds(until) })
}

fn plmn() -> impl Strategy<Value = PlmnId> {
    "[0-9]{3}-[0-9]{2,3}".prop_map(|text| text.parse().unwrap())
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let allowed = (proptest::option::of(plmn()), any::<Option<u32>>(), any::<Option<u32>>())
        .prop_map(|(plmn, discovery_range, direct_allowed)| AllowedPlmn { plmn, discovery_range, direct_allowed });
    (
        any::<u32>(),
        proptest::collection::vec(allowed, 0..3),
        proptest::option::of(plmn()),
        proptest::option::of("hss[0-9]\\.example\\.org"),
        proptest::collection::vec(any::<[u8; 4]>(), 0..3),
    )
        .prop_map(|(permission, allowed_plmns, visited_plmn, hss, reset_ids)| Subscription {
            permission,
            allowed_plmns,
            visited_plmn,
            hss: hss.map(Into::into),
            reset_ids: reset_ids.into_iter().map(|octets| octets.to_vec().into()).collect(),
        })
}

fn binding() -> impl Strategy<Value = Binding> {
    (
        "(app-[0-9]\\.example|)",
        "(as[0-9]\\.|)",
        "(example\\.org|other\\.net|)",
        "\\PC{1,9}",
        any::<u64>(),
        any::<bool>(),
    )
        .prop_map(|(application, host, realm, id2, at, update_pending)| Binding {
            application: application.into(),
            app_server_host: format!("{host}{realm}").into(),
            app_server_realm: realm.into(),
            id2: Id2::new(&id2).unwrap(),
            bound_at: UnixSeconds(at),
            update_pending,
        })
}

fn state() -> impl Strategy<Value = UeState> {
    prop_oneof![
        Just(UeState::Registered),
        (address(), any::<u64>()).prop_map(|(to, at)| UeState::Moving { to, since: UnixSeconds(at) }),
        (address(), any::<u64>()).prop_map(|(to, at)| UeState::Moved { to, forget_after: UnixSeconds(at) }),
    ]
}

pub fn stored() -> impl Strategy<Value = Stored> {
    let head = (any::<u64>(), proptest::option::of(0..u64::MAX), "[0-9]{6,15}", proptest::option::of("[0-9]{1,15}"));
    let grants = (grant(), proptest::collection::vec(grant(), 0..3));
    let moved = proptest::option::of((any::<u64>(), address()));
    let bindings = proptest::collection::vec(binding(), 0..5);
    (head, grants, subscription(), bindings, state(), moved).prop_map(
        |((version, expires, imsi, msisdn), (id1, previous_id1), subscription, bindings, state, moved)| Stored {
            version: Cursor(version),
            expires_at: expires.map(UnixSeconds),
            context: UeContext {
                imsi: imsi.parse().unwrap(),
                msisdn: msisdn.map(|digits| digits.parse().unwrap()),
                id1,
                previous_id1,
                subscription,
                bindings,
                state,
                moved_from: moved.map(|(id1, function)| MovedFrom { id1: id1.into(), function }),
            },
        },
    )
}

proptest! {
    #[test]
    fn any_context_survives(stored in stored()) {
        prop_assert_eq!(decode(&encode(&stored)), Ok(stored));
    }

    #[test]
    fn a_changed_octet_or_a_missing_tail_is_noticed(stored in stored(), place: prop::sample::Index, bit in 0u8..8) {
        let record = encode(&stored);
        let mut flipped = record.clone();
        let at = place.index(flipped.len());
        flipped[at] ^= 1 << bit;
        prop_assert_eq!(decode(&flipped), Err(RecordFault::Checksum));
        prop_assert!(decode(&record[..at]).is_err());
    }

    #[test]
    fn any_octets_under_a_good_checksum_are_answered(mut octets: Vec<u8>, schema: bool) {
        if schema && !octets.is_empty() {
            octets[0] = SCHEMA;
        }
        octets.extend(crc32c::crc32c(&octets).to_be_bytes());
        let _ = decode(&octets);
    }

    #[test]
    fn a_record_spoiled_before_its_checksum_is_answered(stored in stored(), place: prop::sample::Index, octet: u8) {
        let mut record = encode(&stored);
        record.truncate(record.len() - CHECKSUM_OCTETS);
        let at = place.index(record.len());
        record[at] = octet;
        record.extend(crc32c::crc32c(&record).to_be_bytes());
        let _ = decode(&record);
    }
}

#[test]
fn a_newer_schema_is_named() {
    let mut record = vec![SCHEMA + 1, 0, 0];
    record.extend(crc32c::crc32c(&record).to_be_bytes());
    assert_eq!(decode(&record), Err(RecordFault::Schema { found: 2 }));
}

#[test]
fn three_applications_on_one_server_take_their_names_once() {
    let stored = crate::store::tests::stored_with_three_applications();
    let length = encode(&stored).len();
    assert!(length < 300, "{length}");
}
