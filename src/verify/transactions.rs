//! Requests and their answers, matched as peers match them: by Hop-by-Hop id within an association and direction.
//! RFC 6733 sections 3 and 6.2.
//!
//! What is kept is bounded by the requests that are open, and by two tables of fixed size for what was lately.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Spot;
use super::checks;
use super::finding::Report;
use super::procedure::Asked;
use super::survey::{Survey, digest};
use crate::folding::Seeded;
use crate::interfaces;
use crate::message::{CommandFlags, Header};

/// Requests open at the same time; more are not followed.
const OPEN_LIMIT: usize = 1 << 20;
/// Answers, and End-to-End ids, that are remembered; a power of two.
const RECENT: usize = 1 << 14;
/// An answer that takes longer than this is late, in nanoseconds: by then most peers have given up.
const LATE: i64 = 10_000_000_000;
/// How long an End-to-End id must not be used again, in nanoseconds. RFC 6733 section 3.
const END_TO_END_UNIQUE: i64 = 240_000_000_000;

/// Link, direction and Hop-by-Hop id. Both sides number their requests on their own.
pub(crate) type RequestKey = u64;

fn key_of(link: u32, direction: u8, hop_by_hop: u32) -> RequestKey {
    u64::from(link) << 33 | u64::from(direction & 1) << 32 | u64::from(hop_by_hop)
}

/// What a message is to the transactions.
pub(crate) enum Exchange {
    /// A request, now open.
    Request(RequestKey),
    /// The answer to an open request, with what was remembered of it.
    Answer(u64, Option<Box<Remembered>>),
    /// A copy, or an answer to nothing.
    Other,
}

/// What the procedure keeps of a request for its answer.
pub(crate) struct Remembered {
    pub asked: Option<Asked>,
    /// The UE that it is about.
    pub ue: Option<u32>,
    /// Who asked, when steps are kept.
    pub by: Option<String>,
}

struct Open {
    spot: Spot,
    code: u32,
    application: u32,
    end_to_end: u32,
    flags: CommandFlags,
    session: u64,
    proxies: u64,
    /// A digest of the subscriber of an S6a request; zero without.
    subscriber: u64,
    remembered: Option<Box<Remembered>>,
}

/// The open requests of a capture.
pub(crate) struct Transactions {
    open: HashMap<RequestKey, Open, Seeded>,
    /// Keys answered lately, so that an answer that comes twice is told from one that nobody asked for.
    answered: Box<[RequestKey]>,
    /// End-to-End ids used lately: a digest with link and origin, the frame, the time.
    used: Box<[(u64, u64, i64)]>,
    forgotten: u64,
}

impl Default for Transactions {
    fn default() -> Self {
        Self {
            open: HashMap::default(),
            answered: vec![u64::MAX; RECENT].into(),
            used: vec![(0, 0, 0); RECENT].into(),
            forgotten: 0,
        }
    }
}

const fn slot(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize & (RECENT - 1)
}

impl Transactions {
    /// Takes a request on `link`, sent in `direction`.
    pub fn request(
        &mut self,
        (link, direction): (u32, u8),
        header: &Header,
        survey: &Survey<'_>,
        spot: Spot,
        report: &mut Report,
    ) -> Exchange {
        let key = key_of(link, direction, header.hop_by_hop);
        if self.open.len() >= OPEN_LIMIT {
            self.forgotten += 1;
            return Exchange::Other;
        }
        let entry = self.open.entry(key);
        if let Entry::Occupied(first) = &entry {
            let first = first.get();
            if header.flags.is_retransmitted() && first.code == header.code {
                return Exchange::Other;
            }
            report.push(spot.finding(
                checks::HOP_BY_HOP_REUSED,
                String::new(),
                format!(
                    "Hop-by-Hop id {:#010x} is that of the request in {}, which has no answer yet",
                    header.hop_by_hop,
                    first.spot.told()
                ),
                "one of its own".to_owned(),
            ));
        }
        Self::end_to_end(&mut self.used, link, header, survey, spot, report);
        let open = Open {
            spot,
            code: header.code,
            application: header.application,
            end_to_end: header.end_to_end,
            flags: header.flags,
            session: digest(survey.session),
            proxies: survey.proxies,
            subscriber: 0,
            remembered: None,
        };
        entry.insert_entry(open);
        Exchange::Request(key)
    }

    /// An End-to-End id is not used again by the same origin for four minutes, unless the request is sent again.
    fn end_to_end(
        used: &mut [(u64, u64, i64)],
        link: u32,
        header: &Header,
        survey: &Survey<'_>,
        spot: Spot,
        report: &mut Report,
    ) {
        let origin = digest(survey.origin_host) ^ u64::from(link) << 32;
        let whole = (origin ^ u64::from(header.end_to_end)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let Some(entry) = used.get_mut(slot(whole)) else { return };
        let (known, frame, time) = std::mem::replace(entry, (whole, spot.frame, spot.time.0));
        if known == whole && !header.flags.is_retransmitted() && (0..END_TO_END_UNIQUE).contains(&(spot.time.0 - time))
        {
            report.push(spot.finding(
                checks::END_TO_END_REUSED,
                String::new(),
                format!("End-to-End id {:#010x} is that of the request in frame {frame}", header.end_to_end),
                "another one, or the T flag".to_owned(),
            ));
        }
    }

    /// Takes an answer on `link`, sent in `direction`; `whole` tells that the capture shows the link from its beginning.
    pub fn answer(
        &mut self,
        (link, direction): (u32, u8),
        header: &Header,
        survey: &Survey<'_>,
        spot: Spot,
        whole: bool,
        report: &mut Report,
    ) -> Exchange {
        let key = key_of(link, 1 - (direction & 1), header.hop_by_hop);
        let Some(open) = self.open.remove(&key) else {
            let (check, found, expected) = if self.answered.get(slot(key)) == Some(&key) {
                (checks::ANSWERED_TWICE, "is answered a second time", "one answer")
            } else if whole {
                (checks::ANSWER_WITHOUT_REQUEST, "is not open", "an answer to a request")
            } else {
                // A trace that begins in the middle holds answers to what came before it.
                (checks::ANSWER_BEFORE_CAPTURE, "is not in the capture", "the request before")
            };
            let found = format!("the request with Hop-by-Hop id {:#010x} {found}", header.hop_by_hop);
            report.push(spot.finding(check, String::new(), found, expected.to_owned()));
            return Exchange::Other;
        };
        report.answered += 1;
        report.capture_mut(open.spot.capture).answered += 1;
        if let Some(entry) = self.answered.get_mut(slot(key)) {
            *entry = key;
        }
        let same = (open.code, open.application, open.end_to_end, open.flags.is_proxiable())
            == (header.code, header.application, header.end_to_end, header.flags.is_proxiable());
        let took = spot.time.0.saturating_sub(open.spot.time.0);
        if !same || took > LATE || open.session != digest(survey.session) || open.proxies != survey.proxies {
            Self::differs(&open, header, survey, took, spot, report);
        }
        Exchange::Answer(open.subscriber, open.remembered)
    }

    #[cold]
    fn differs(open: &Open, header: &Header, survey: &Survey<'_>, took: i64, spot: Spot, report: &mut Report) {
        let at = open.spot.told();
        for (what, asked, answered) in [
            ("the command", open.code, header.code),
            ("the application", open.application, header.application),
            ("the End-to-End id", open.end_to_end, header.end_to_end),
            ("the P bit", u32::from(open.flags.is_proxiable()), u32::from(header.flags.is_proxiable())),
        ] {
            if asked != answered {
                let (found, expected) = (format!("{what} is {answered}"), format!("{asked} as in the request of {at}"));
                report.push(spot.finding(checks::ANSWER_DIFFERS, String::new(), found, expected));
            }
        }
        if open.session != digest(survey.session) {
            let found = "the Session-Id is another".to_owned();
            let expected = format!("that of the request in {at}");
            report.push(spot.finding(checks::SESSION_DIFFERS, "Session-Id (263)".to_owned(), found, expected));
        }
        // A protocol error may come from a node that could not read them.
        if open.proxies != survey.proxies && !header.flags.is_error() {
            let found = "Proxy-Info is not that of the request".to_owned();
            let expected = format!("the same, in the same order, as in {at}");
            report.push(spot.finding(checks::PROXY_INFO, "Proxy-Info (284)".to_owned(), found, expected));
        }
        if took > LATE {
            let found = format!("the answer comes {} s after the request of {at}", took / 1_000_000_000);
            report.push(spot.finding(checks::ANSWER_LATE, String::new(), found, "an answer within 10 s".to_owned()));
        }
    }

    /// Keeps what the procedure wants to know when the answer comes.
    pub fn remember(&mut self, key: RequestKey, remembered: Remembered) {
        if let Some(open) = self.open.get_mut(&key) {
            open.remembered = Some(Box::new(remembered));
        }
    }

    /// Keeps the digest of the subscriber that a request is about.
    pub fn remember_subscriber(&mut self, key: RequestKey, subscriber: u64) {
        if let Some(open) = self.open.get_mut(&key) {
            open.subscriber = subscriber;
        }
    }

    /// Tells the requests that were never answered.
    pub fn finish(&mut self, report: &mut Report) {
        let mut open: Vec<_> = self.open.drain().collect();
        open.sort_by_key(|(_, open)| (open.spot.capture, open.spot.frame, open.spot.index));
        for (key, open) in open {
            let name = interfaces::command(open.application, open.code, true).map_or_else(
                || format!("command {} of application {}", open.code, open.application),
                |command| command.name.to_owned(),
            );
            const WATCHDOG: u32 = 280;
            let check = if (open.application, open.code) == (0, WATCHDOG) {
                checks::WATCHDOG_UNANSWERED
            } else {
                checks::UNANSWERED
            };
            let found = format!("{name} with Hop-by-Hop id {:#010x} has no answer", key as u32);
            let mut finding = open.spot.finding(check, String::new(), found, "an answer in the capture".to_owned());
            finding.ue = open.remembered.and_then(|remembered| remembered.ue);
            report.push(finding);
        }
        if self.forgotten > 0 {
            report.push(Spot::default().finding(
                checks::LIMIT,
                String::new(),
                format!("{} requests were not followed", self.forgotten),
                format!("at most {OPEN_LIMIT} open at a time"),
            ));
        }
    }
}
