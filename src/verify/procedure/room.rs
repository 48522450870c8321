//! What is remembered of UEs has a bound: what is settled leaves, then what was not told of for longest. And what is missing
//! when the captures end.

use super::{Issued, Procedure, hex};
use crate::verify::Spot;
use crate::verify::checks;
use crate::verify::finding::Report;

/// UEs that are followed at a time.
pub(super) const FOLLOWED: usize = 1 << 16;
/// Pairs of peers that are remembered.
const MET: usize = 1 << 14;

impl Procedure {
    /// True when each ID1 that a message 6 gave out is known.
    pub(super) fn knows_issued(&self) -> bool {
        !self.issued.is_empty() && self.forgotten == 0
    }

    /// Two hosts exchanged capabilities.
    pub fn meet(&mut self, one: &str, other: &str) {
        if self.met.len() < MET {
            let pair = if one <= other { (one, other) } else { (other, one) };
            self.met.insert((pair.0.to_owned(), pair.1.to_owned()));
        }
    }

    fn have_met(&self, one: &str, other: &str) -> bool {
        let pair = if one <= other { (one, other) } else { (other, one) };
        self.met.contains(&(pair.0.to_owned(), pair.1.to_owned()))
    }

    /// Makes room when more than `limit` of anything are remembered.
    pub(super) fn make_room(&mut self, now: i64, limit: usize, report: &mut Report) {
        let most = [self.users.len(), self.issued.len(), self.registering.len(), self.bound.len(), self.ues.len()];
        if most.into_iter().max().unwrap_or(0) <= limit {
            return;
        }
        let settled: Vec<u64> =
            self.issued.iter().filter(|(_, issued)| issued.is_settled(now)).map(|(id1, _)| *id1).collect();
        for id1 in settled {
            if let Some(issued) = self.issued.remove(&id1) {
                self.tell_unfinished(id1, &issued, report);
            }
        }
        if self.issued.len() > limit / 2 {
            let mut times: Vec<i64> = self.issued.values().map(|issued| issued.seen).collect();
            let middle = times.len() / 2;
            let oldest = *times.select_nth_unstable(middle).1;
            let before = self.issued.len();
            self.issued.retain(|_, issued| issued.seen > oldest);
            self.forgotten += (before - self.issued.len()) as u64;
        }
        let issued = &self.issued;
        self.bound.retain(|_, bound| issued.contains_key(&bound.id1));
        let bound = &self.bound;
        self.bound_to.retain(|id1, keys| {
            keys.retain(|key| bound.get(key).is_some_and(|bound| bound.id1 == *id1));
            !keys.is_empty()
        });
        self.ues.retain(|id1, _| issued.contains_key(id1));
        self.users.retain(|_, user| user.id1.is_some_and(|id1| issued.contains_key(&id1)));
        // Where that was not enough there is no message 6 in the captures, and nothing that could tell which are over.
        for (length, clear) in
            [(self.users.len(), 0), (self.registering.len(), 1), (self.bound.len(), 2), (self.ues.len(), 3)]
        {
            if length > limit {
                self.forgotten += length as u64;
                match clear {
                    0 => self.users.clear(),
                    1 => self.registering.clear(),
                    2 => {
                        self.bound.clear();
                        self.bound_to.clear();
                    }
                    _ => self.ues.clear(),
                }
            }
        }
    }

    /// Entries of all tables, for the tests.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        let bound_to: usize = self.bound_to.values().map(Vec::len).sum();
        let delivered: usize = self.issued.values().map(|issued| issued.delivered.len()).sum();
        self.users.len()
            + self.issued.len()
            + self.registering.len()
            + self.bound.len()
            + bound_to
            + delivered
            + self.ues.len()
    }

    /// The captures are at their end: what a move lacks, and what was not followed.
    pub fn finish(&mut self, report: &mut Report) {
        let mut issued: Vec<_> = self.issued.drain().collect();
        issued.sort_by_key(|(id1, _)| *id1);
        for (id1, issued) in &issued {
            self.tell_unfinished(*id1, issued, report);
        }
        if self.forgotten > 0 {
            report.push(Spot::default().finding(
                checks::LIMIT,
                String::new(),
                format!("{} UEs made room for others while they were followed", self.forgotten),
                format!("at most {FOLLOWED} UEs at a time"),
            ));
        }
    }

    /// After messages G1 and G2 and a message 6 of the new function, the app servers are told and the context is released, as
    /// far as the capture shows that the new function talks to them.
    fn tell_unfinished(&self, id1: u64, issued: &Issued, report: &mut Report) {
        let (Some(by), Some(spot)) = (&issued.fetched_by, issued.moved) else { return };
        let ue = self.ues.get(&id1).copied();
        let mut tell = |check, found: String, expected: &str| {
            let mut finding = Spot::finding(spot, check, String::new(), found, expected.to_owned());
            finding.ue = ue;
            report.push(finding);
        };
        if !issued.release_asked && self.have_met(by, &issued.function) {
            let found = format!("{by} gave the UE a new ID1, and does not release the context of {}", hex(Some(id1)));
            tell(checks::MOVE_RELEASE, found, "a release after messages G1 and G2");
        }
        let keys = self.bound_to.get(&id1).map_or(&[][..], Vec::as_slice);
        for (key, bound) in keys.iter().filter_map(|key| Some((key, self.bound.get(key)?))) {
            let server = &key.1;
            if bound.id1 == id1 && bound.told_of != Some(id1) && self.have_met(by, server) {
                let found = format!("{by} gave the UE a new ID1, and does not tell {server}");
                tell(checks::MOVE_UPDATE, found, "message U1 to each app server of the UE");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avp::dictionary::group::VendorSpecificApplicationId;
    use crate::capture::{CapturedMessage, Timestamp, Transport};
    use crate::interfaces::pc4::mme::{IdentifierAllocationAnswer, IdentifierAllocationRequest};
    use crate::message::{Command, Envelope, Header};
    use crate::verify::procedure::Asked;

    const ENVELOPE: Envelope = Envelope { application: 0, hop_by_hop: 1, end_to_end: 1 };

    fn captured(bytes: &[u8], second: i64) -> CapturedMessage<'_> {
        let address = ([192, 0, 2, 1], 3868).into();
        CapturedMessage {
            frame: second as u64,
            index: 0,
            time: Timestamp(second * 1_000_000_000),
            transport: Transport::Sctp,
            source: address,
            destination: address,
            ppid: Some(46),
            stream: Some(0),
            association: 0,
            direction: 0,
            bytes,
        }
    }

    fn network<'a>(application: u32) -> VendorSpecificApplicationId<'a> {
        VendorSpecificApplicationId {
            vendor_id: crate::avp::dictionary::TGPP,
            auth_application_id: Some(application),
            ..Default::default()
        }
    }

    /// Messages 5 and 6 of UE `number`, one a second; its ID1 is good for `validity` seconds.
    fn allocate(procedure: &mut Procedure, number: u64, validity: u32, report: &mut Report) {
        let imsi = format!("00101{number:010}");
        let id1 = number.to_be_bytes();
        let application = crate::interfaces::pc4::mme::APPLICATION;
        let request = IdentifierAllocationRequest {
            session_id: "mme;1;1",
            vendor_specific_application_id: network(application),
            origin_host: "mme.example",
            origin_realm: "example",
            destination_realm: "example",
            user_name: &imsi,
            ue_prose_capability: 1,
            ..Default::default()
        };
        let answer = IdentifierAllocationAnswer {
            session_id: "mme;1;1",
            vendor_specific_application_id: network(application),
            origin_host: "function.example",
            origin_realm: "example",
            result_code: Some(2001),
            pduid: Some(&id1),
            prose_function_id: Some(b"function.example"),
            pduid_validity_time: Some(validity),
            ..Default::default()
        };
        let envelope = Envelope { application, ..ENVELOPE };
        let (asked, answered) = (request.to_bytes(envelope), answer.to_bytes(envelope));
        let second = number as i64;
        let spot = |second| Spot { time: Timestamp(second * 1_000_000_000), ..Spot::default() };
        let header = Header::parse(&asked).expect("a header");
        let (remembered, ue) = procedure.request(&captured(&asked, second), &header, spot(second), report);
        assert!(matches!(remembered, Some(Asked::AllocateAtMme { .. })));
        procedure.answer(remembered.expect("message 5"), ue, &captured(&answered, second), spot(second), report);
        assert_eq!(procedure.issued.get(&number).map(|issued| issued.seen), Some(second * 1_000_000_000));
    }

    #[test]
    fn however_many_ues_are_met_few_are_remembered() {
        for validity in [10, 1_000_000] {
            let (mut procedure, mut report, mut most) = (Procedure::default(), Report::default(), 0);
            for number in 1..=5000 {
                allocate(&mut procedure, number, validity, &mut report);
                procedure.make_room(number as i64 * 1_000_000_000, 100, &mut report);
                most = most.max(procedure.entries());
            }
            // Three tables know of a UE here: by its IMSI, and twice by its ID1.
            assert!(most <= 3 * 101, "{most} entries");
            assert_eq!(report.ues_followed, 5000);
            procedure.finish(&mut report);
            let told = report.findings.iter().any(|finding| finding.check.id == "limit");
            assert_eq!(told, validity > 10, "those whose time is up are not missed");
            assert_eq!(report.errors, 0);
        }
    }
}
