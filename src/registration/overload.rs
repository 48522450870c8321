//! Before collapse: whom to turn away, telling others to send less, and sending less when told. RFC 7683 (overload
//! information), RFC 7944 (priorities).
//!
//! ```text
//! request ─► admits? ──no──► 3004 DIAMETER_TOO_BUSY         the less important, the earlier
//!              │ yes
//! answer  ◄─ OC-Supported-Features, and OC-OLR while we shed         for whoever says it understands them
//!
//! our request ─► told by the other side to send less? ─► some of them end here as if answered 3004
//! answer to it ─► OC-OLR is remembered for as long as it says
//! ```
//! Pure like the elements: the clock and the random numbers are arguments.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::config::Identity;
use super::element::{Action, Destination, Now, Sender, Ticket, Token};
use super::exchange::Entropy;
use super::reply::{Asked, Outcome, body};
use crate::avp::dictionary::group::{OcOlr as OlrGroup, OcSupportedFeatures as FeaturesGroup};
use crate::avp::dictionary::{
    Declared, Drmp, OcFeatureVector, OcOlr, OcReportType, OcSupportedFeatures, OriginHost, OriginRealm, write_avp,
};
use crate::message::declare::finish_message;
use crate::message::{Header, find};

/// The priority of a request that names none. RFC 7944 section 8.
pub const DEFAULT_PRIORITY: u8 = 10;
/// The least important. RFC 7944 section 9.1: 0 is the most important.
pub const LEAST_PRIORITY: u8 = 15;

/// For how long a report of ours holds unless renewed, in seconds. RFC 7683 section 7.5 knows at most 86,400.
const REPORT_VALIDITY: u32 = 30;
/// For how long a report without OC-Validity-Duration holds: the default of RFC 7683 section 7.5, in seconds.
const DEFAULT_VALIDITY: u32 = 30;
/// The longest a report of others is believed, in seconds. RFC 7683 section 7.5.
const MOST_VALIDITY: u32 = 86_400;
/// Reports of others that are remembered.
const MOST_REPORTS: usize = 1024;
/// Our own percentages change in such steps, so that not every answer carries a new report.
const STEP: u32 = 10;

/// DRMP of a request, 0 to 15; 10 when it has none or one that does not exist. RFC 7944 section 9.1.
#[must_use]
pub(super) fn priority_of(message: &[u8]) -> u8 {
    find::<Drmp>(body(message))
        .and_then(|priority| u8::try_from(priority).ok())
        .filter(|priority| *priority <= LEAST_PRIORITY)
        .unwrap_or(DEFAULT_PRIORITY)
}

/// How much of its room an element has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Requests under way and queued.
    pub used: usize,
    /// The bound.
    pub most: usize,
    /// From which percentage of the bound the least important requests are turned away, 1 to 100.
    pub shed_from: u8,
}

impl Load {
    /// Whether a request of this priority is let in: the least important as long as less than `shed_from` of the room is
    /// used, the most important up to the bound, the others in between.
    pub fn admits(self, priority: u8) -> bool {
        let from = u64::from(self.shed_from.clamp(1, 100));
        let rank = u64::from(LEAST_PRIORITY - priority.min(LEAST_PRIORITY));
        // Thousandths of a percent, so that the fifteen steps differ in small rooms as well.
        let share = from * 1000 + (100 - from) * 1000 * rank / u64::from(LEAST_PRIORITY);
        let bound = (self.most as u64).saturating_mul(share).div_ceil(100_000);
        (self.used as u64) < bound
    }

    /// By how many per cent others should reduce what they send: nothing below `shed_from`, all of it at the bound, in
    /// steps of ten.
    pub fn reduction(self) -> u32 {
        let from = (self.most as u64 * u64::from(self.shed_from.clamp(1, 100))).div_ceil(100);
        let (used, most) = (self.used as u64, self.most as u64);
        if used < from || most == 0 {
            return 0;
        }
        let percent = if most <= from { 100 } else { ((used - from) * 100 / (most - from)).min(100) as u32 };
        (percent.div_ceil(STEP) * STEP).clamp(STEP, 100)
    }
}

/// What we tell others, RFC 7683 section 5.2.3.
#[derive(Debug, Default)]
struct Reporter {
    sequence: u64,
    percentage: u32,
    /// Until when the last report that asked for a reduction holds: so long its end is told.
    told_until: Duration,
}

impl Reporter {
    /// The report for an answer that leaves now, if there is one to make.
    fn report(&mut self, now: Now, load: Load) -> Option<OlrGroup<'static>> {
        let percentage = load.reduction();
        if percentage == 0 && now.elapsed >= self.told_until {
            return None;
        }
        if percentage != self.percentage || self.sequence == 0 {
            self.percentage = percentage;
            // Greater than any of an earlier run: RFC 7683 section 7.4 wants it to grow for ever.
            self.sequence = (self.sequence + 1).max((now.unix.as_secs() << 20) | 1);
        }
        if percentage > 0 {
            self.told_until = now.elapsed + Duration::from_secs(u64::from(REPORT_VALIDITY));
        }
        Some(OlrGroup {
            oc_sequence_number: self.sequence,
            oc_report_type: OcReportType::HOST_REPORT,
            oc_reduction_percentage: Some(percentage),
            // Zero ends the earlier report. RFC 7683 section 7.5.
            oc_validity_duration: Some(if percentage == 0 { 0 } else { REPORT_VALIDITY }),
            sourceid: None,
            extra: Vec::new(),
        })
    }
}

/// What somebody asked of us.
#[derive(Clone, Copy, Debug)]
struct Report {
    sequence: u64,
    percentage: u32,
    until: Duration,
}

/// What we were told, RFC 7683 section 5.2.2: by application, host or realm, and name in lower case.
#[derive(Debug, Default)]
struct Reactor {
    reports: HashMap<(u32, bool, Box<str>), Report>,
}

impl Reactor {
    /// Remembers the reports of an answer.
    fn learn(&mut self, now: Now, application: u32, answer: &[u8]) {
        let avps = body(answer);
        for avp in avps.map_while(Result::ok).filter(|avp| avp.key == OcOlr::DEFINITION.key) {
            let Some(olr) = OcOlr::read(avp.data) else { continue };
            let (is_host, name) = match olr.oc_report_type {
                OcReportType::HOST_REPORT => (true, find::<OriginHost>(avps)),
                OcReportType::REALM_REPORT => (false, find::<OriginRealm>(avps)),
                _ => continue,
            };
            let Some(name) = name else { continue };
            let key = (application, is_host, name.to_ascii_lowercase().into());
            // An older report that overtook a newer one, or the same once more.
            if self.reports.get(&key).is_some_and(|known| known.sequence >= olr.oc_sequence_number) {
                continue;
            }
            let validity = olr.oc_validity_duration.unwrap_or(DEFAULT_VALIDITY);
            let validity = if validity > MOST_VALIDITY { DEFAULT_VALIDITY } else { validity };
            // A percentage beyond 100 does not exist: such a report is ignored. RFC 7683 section 7.7.
            let percentage = olr.oc_reduction_percentage.unwrap_or(0);
            if percentage > 100 {
                continue;
            }
            if self.reports.len() >= MOST_REPORTS && !self.reports.contains_key(&key) {
                self.reports.retain(|_, report| report.until > now.elapsed);
                if self.reports.len() >= MOST_REPORTS {
                    continue;
                }
            }
            let until = now.elapsed + Duration::from_secs(u64::from(validity));
            self.reports.insert(key, Report { sequence: olr.oc_sequence_number, percentage, until });
        }
    }

    /// By how many per cent requests to `destination` are to be reduced now. A report of a host counts for requests that
    /// name it, one of a realm for those that name no host. RFC 7683 section 5.2.2.
    fn percentage(&self, now: Now, application: u32, destination: &Destination) -> u32 {
        if self.reports.is_empty() {
            return 0;
        }
        let (is_host, name) = match &destination.host {
            Some(host) => (true, host),
            None => (false, &destination.realm),
        };
        let report = self.reports.get(&(application, is_host, name.to_ascii_lowercase().into()));
        report.filter(|report| report.until > now.elapsed).map_or(0, |report| report.percentage)
    }
}

/// Both sides of overload control of one element.
#[derive(Debug, Default)]
pub(super) struct Guard {
    reporter: Reporter,
    reactor: Reactor,
    /// Requests that said they understand OC-OLR and have no answer yet.
    asking: HashSet<Ticket>,
}

/// A request of ours that does not leave: it counts as answered.
pub(super) struct Abated {
    pub token: Token,
    /// 3004, in our own name.
    pub answer: Vec<u8>,
}

impl Guard {
    /// A request has come.
    pub fn arrived(&mut self, ticket: Ticket, message: &[u8]) {
        if find::<OcSupportedFeatures>(body(message)).is_some() {
            self.asking.insert(ticket);
        }
    }

    /// An answer to a request of ours has come.
    pub fn answered(&mut self, now: Now, answer: &[u8]) {
        if let Some(header) = Header::parse(answer) {
            self.reactor.learn(now, header.application, answer);
        }
    }

    /// What leaves: answers get OC-Supported-Features and OC-OLR where they were asked for, requests say that we understand
    /// both; and requests that the other side asked us not to send are taken out. RFC 7683 sections 5.1.1, 5.1.2 and 6.3.
    pub fn departing(
        &mut self,
        now: Now,
        identity: &Identity,
        load: Load,
        actions: &mut Vec<Action>,
        from: usize,
        entropy: &mut Entropy,
    ) -> Vec<Abated> {
        let mut abated = Vec::new();
        let mut at = from;
        while let Some(action) = actions.get_mut(at) {
            at += 1;
            match action {
                Action::Answer { ticket, message } if self.asking.remove(ticket) => {
                    write_avp::<OcSupportedFeatures>(&features(), message);
                    if let Some(report) = self.reporter.report(now, load) {
                        write_avp::<OcOlr>(&report, message);
                    }
                    finish_message(0, message);
                }
                Action::Send { token, destination, message } => {
                    let Some(header) = Header::parse(message) else { continue };
                    let percentage = self.reactor.percentage(now, header.application, destination);
                    if is_abated(percentage, priority_of(message), entropy) {
                        let answer = too_busy(identity, header, message);
                        abated.push(Abated { token: *token, answer });
                        at -= 1;
                        actions.remove(at);
                        continue;
                    }
                    write_avp::<OcSupportedFeatures>(&features(), message);
                    finish_message(0, message);
                }
                _ => {}
            }
        }
        abated
    }
}

/// The loss algorithm, RFC 7683 section 6.3: of a hundred requests `percentage` are not sent. The most important are sent
/// as long as any are.
fn is_abated(percentage: u32, priority: u8, entropy: &mut Entropy) -> bool {
    match percentage {
        0 => false,
        100.. => true,
        _ if priority == 0 => false,
        _ => entropy.number() % 100 < u64::from(percentage),
    }
}

fn features<'a>() -> FeaturesGroup<'a> {
    FeaturesGroup {
        oc_feature_vector: Some(OcFeatureVector::OLR_DEFAULT_ALGO),
        sourceid: None,
        oc_peer_algo: None,
        extra: Vec::new(),
    }
}

/// 3004 in our own name, as the answer to a request that did not leave.
fn too_busy(identity: &Identity, header: Header, message: &[u8]) -> Vec<u8> {
    let sender = Sender { peer: String::new(), realm: String::new(), protected: false };
    let asked = Asked { ticket: Ticket(0), sender, header, message: message.to_vec() };
    let reply = asked.reply(identity, Outcome::TOO_BUSY).because("the other side asked to be sent less");
    match reply.action() {
        Action::Answer { message, .. } => message,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avp::dictionary::{ResultCode, group};
    use crate::interfaces::pc4::hss as pc4a;
    use crate::message::{Command, Envelope};
    use crate::registration::exchange::NO_STATE;

    const HSS: &str = "hss.example";

    fn now(seconds: u64) -> Now {
        Now { elapsed: Duration::from_secs(seconds), unix: Duration::from_secs(1_793_000_000 + seconds) }
    }

    fn pnr(drmp: Option<i32>) -> Vec<u8> {
        let request = pc4a::ProseNotifyRequest {
            session_id: "pf;1;1",
            auth_session_state: NO_STATE,
            origin_host: "pf.example",
            origin_realm: "example",
            destination_realm: "example",
            drmp,
            ..Default::default()
        };
        request.to_bytes(Envelope { application: pc4a::APPLICATION, hop_by_hop: 1, end_to_end: 1 })
    }

    /// An answer with a report: sequence number, percentage and validity.
    fn pna(kind: i32, sequence: u64, percentage: u32, validity: Option<u32>) -> Vec<u8> {
        let answer = pc4a::ProseNotifyAnswer {
            session_id: "pf;1;1",
            auth_session_state: NO_STATE,
            origin_host: HSS,
            origin_realm: "example",
            result_code: Some(ResultCode::DIAMETER_SUCCESS),
            oc_olr: Some(group::OcOlr {
                oc_sequence_number: sequence,
                oc_report_type: kind,
                oc_reduction_percentage: Some(percentage),
                oc_validity_duration: validity,
                ..Default::default()
            }),
            ..Default::default()
        };
        answer.to_bytes(Envelope { application: pc4a::APPLICATION, hop_by_hop: 1, end_to_end: 1 })
    }

    /// How many of `count` requests leave.
    fn leave(guard: &mut Guard, at: u64, host: Option<&str>, drmp: Option<i32>, count: usize) -> usize {
        let identity = Identity { host: "pf.example".to_owned(), realm: "example".to_owned() };
        let load = Load { used: 0, most: 10, shed_from: 80 };
        let destination = Destination { host: host.map(str::to_owned), realm: "example".to_owned() };
        let send = |token| Action::Send { token: Token(token), destination: destination.clone(), message: pnr(drmp) };
        let mut actions: Vec<_> = (0..count as u64).map(send).collect();
        let mut entropy = Entropy::new([7; 16]);
        let abated = guard.departing(now(at), &identity, load, &mut actions, 0, &mut entropy);
        assert_eq!(abated.len() + actions.len(), count);
        assert!(abated.iter().all(|abated| Outcome::of(&abated.answer) == Some(Outcome::TOO_BUSY)));
        actions.len()
    }

    #[test]
    fn the_loss_algorithm_takes_out_what_was_asked() {
        for percentage in [0, 30, 50, 90, 100] {
            let mut guard = Guard::default();
            guard.answered(now(0), &pna(OcReportType::HOST_REPORT, 1, percentage, Some(60)));
            let left = leave(&mut guard, 1, Some("HSS.example"), None, 2000) as i64;
            let expected = i64::from(100 - percentage) * 20;
            assert!((left - expected).abs() <= 100, "{percentage} %: {left} of 2000 left");
            assert_eq!(leave(&mut guard, 1, Some("other.example"), None, 100), 100, "it is that host's report");
            assert_eq!(leave(&mut guard, 1, None, None, 100), 100, "and not its realm's");
        }
    }

    #[test]
    fn the_most_important_are_sent_as_long_as_any_are() {
        let mut guard = Guard::default();
        guard.answered(now(0), &pna(OcReportType::REALM_REPORT, 1, 90, Some(60)));
        assert_eq!(leave(&mut guard, 1, None, Some(0), 100), 100);
        assert!(leave(&mut guard, 1, None, Some(15), 100) < 50);
    }

    #[test]
    fn a_report_is_heeded_until_it_ends_and_older_ones_change_nothing() {
        let mut guard = Guard::default();
        let mut told = |at, sequence, percentage, validity| {
            guard.answered(now(at), &pna(OcReportType::HOST_REPORT, sequence, percentage, validity));
            leave(&mut guard, at, Some(HSS), None, 10)
        };
        assert_eq!(told(0, 5, 100, Some(60)), 0);
        assert_eq!(told(1, 4, 0, Some(60)), 0, "an older report");
        assert_eq!(told(1, 6, 101, Some(60)), 0, "a percentage that does not exist");
        assert_eq!(told(1, 7, 100, Some(0)), 10, "a validity of zero ends it");
        assert_eq!(told(2, 8, 100, None), 0);
        assert_eq!(told(31, 8, 100, None), 0, "the same report once more does not prolong it");
        assert_eq!(told(32, 8, 100, None), 10, "thirty seconds unless it says otherwise");
        assert_eq!(told(40, 9, 100, Some(90_000)), 0);
        assert_eq!(told(71, 9, 100, Some(90_000)), 10, "a validity that does not exist counts as the default");
    }

    #[test]
    fn the_less_important_the_earlier_it_is_turned_away() {
        let load = |used| Load { used, most: 100, shed_from: 80 };
        let first_refused = |priority| (0..=100).find(|used| !load(*used).admits(priority));
        assert_eq!([15, 10, 0].map(first_refused), [Some(80), Some(87), Some(100)]);
        assert_eq!([79, 80, 81, 90, 99, 100].map(|used| load(used).reduction()), [0, 10, 10, 50, 100, 100]);
        assert!(Load { used: 0, most: 1, shed_from: 1 }.admits(15), "there is room for one");
        assert!(!Load { used: 0, most: 0, shed_from: 80 }.admits(0));
    }

    #[test]
    fn a_priority_that_does_not_exist_is_the_default() {
        assert_eq!([None, Some(3), Some(16), Some(-1)].map(|drmp| priority_of(&pnr(drmp))), [10, 3, 10, 10]);
    }
}
