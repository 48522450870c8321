//! Requests and their answers, matched as peers match them: by Hop-by-Hop id within an association and direction.
//! RFC 6733 sections 3 and 6.2.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::avp::Avps;
use crate::avp::dictionary::{Declared, SessionId};
use crate::capture::CapturedMessage;
use crate::interfaces;
use crate::message::{HEADER_LENGTH, Header};

use super::Spot;
use super::checks;
use super::finding::Report;
use super::procedure::Asked;

/// Requests open at the same time; more make room by forgetting that they were asked.
const OPEN_LIMIT: usize = 1 << 20;

/// Association and Hop-by-Hop id. Both sides number their requests on their own, so a key may be open twice; and a side
/// may have several addresses, so the address that asked need not be the one that is answered.
pub(crate) type RequestKey = (u32, u32);

/// What a message is to the transactions.
pub(crate) enum Exchange {
    /// A request, now open.
    Request(RequestKey),
    /// The answer to an open request, with what the procedure remembered of it.
    Answer(Option<Box<Remembered>>),
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
    /// Who asked.
    by: SocketAddr,
    spot: Spot,
    header: Header,
    session: u64,
    remembered: Option<Box<Remembered>>,
}

/// The open requests of a capture.
#[derive(Default)]
pub(crate) struct Transactions {
    open: HashMap<RequestKey, Vec<Open>>,
    /// How many are open.
    count: usize,
    /// Answers seen lately, so that one that comes twice is told from one that nobody asked for.
    answered: HashMap<RequestKey, u32>,
    forgotten: u64,
}

impl Transactions {
    /// Takes a message; `begun` is how many associations the capture shows from their beginning.
    pub fn message(
        &mut self,
        message: &CapturedMessage<'_>,
        header: &Header,
        spot: Spot,
        report: &mut Report,
        begun: usize,
    ) -> Exchange {
        if header.is_request() {
            self.request(message, header, spot, report)
        } else {
            self.answer(message, header, spot, report, begun)
        }
    }

    fn request(&mut self, message: &CapturedMessage<'_>, header: &Header, spot: Spot, report: &mut Report) -> Exchange {
        let key = (message.association, header.hop_by_hop);
        if self.count >= OPEN_LIMIT {
            self.forgotten += 1;
            return Exchange::Other;
        }
        self.answered.remove(&key);
        let open = self.open.entry(key).or_default();
        if let Some(at) = open.iter().position(|open| open.by == message.source) {
            let first = &open[at];
            if header.flags.is_retransmitted() && first.header.code == header.code {
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
            open.swap_remove(at);
            self.count -= 1;
        }
        open.push(Open {
            by: message.source,
            spot,
            header: *header,
            session: session_of(message.bytes),
            remembered: None,
        });
        self.count += 1;
        Exchange::Request(key)
    }

    /// Takes the request that a message answers: the one its receiver sent, or with several addresses on a side, one that
    /// its sender did not.
    fn take(&mut self, key: RequestKey, message: &CapturedMessage<'_>) -> Option<Open> {
        let open = self.open.get_mut(&key)?;
        let at = open
            .iter()
            .position(|open| open.by == message.destination)
            .or_else(|| open.iter().position(|open| open.by != message.source))?;
        let taken = open.swap_remove(at);
        if open.is_empty() {
            self.open.remove(&key);
        }
        self.count -= 1;
        Some(taken)
    }

    fn answer(
        &mut self,
        message: &CapturedMessage<'_>,
        header: &Header,
        spot: Spot,
        report: &mut Report,
        begun: usize,
    ) -> Exchange {
        let key = (message.association, header.hop_by_hop);
        let Some(open) = self.take(key, message) else {
            let (check, found, expected) = if self.answered.contains_key(&key) {
                (checks::ANSWERED_TWICE, "is answered a second time", "one answer")
            } else if begun > 0 {
                (checks::ANSWER_WITHOUT_REQUEST, "is not open", "an answer to a request")
            } else {
                // A trace that begins in the middle holds answers to what came before it.
                (checks::ANSWER_BEFORE_CAPTURE, "is not in the capture", "")
            };
            let found = format!("the request with Hop-by-Hop id {:#010x} {found}", header.hop_by_hop);
            report.push(spot.finding(check, String::new(), found, expected.to_owned()));
            return Exchange::Other;
        };
        report.answered += 1;
        report.capture_mut(open.spot.capture).answered += 1;
        if self.answered.len() >= OPEN_LIMIT {
            self.answered.clear();
        }
        self.answered.insert(key, header.code);
        let differs = |what: &str, asked: u32, answered: u32| {
            (asked != answered).then(|| {
                let found = format!("{what} is {answered}");
                let expected = format!("{asked} as in the request of {}", open.spot.told());
                spot.finding(checks::ANSWER_DIFFERS, String::new(), found, expected)
            })
        };
        let findings = [
            differs("the command", open.header.code, header.code),
            differs("the application", open.header.application, header.application),
            differs("the End-to-End id", open.header.end_to_end, header.end_to_end),
            differs("the P bit", u32::from(open.header.flags.is_proxiable()), u32::from(header.flags.is_proxiable())),
        ];
        findings.into_iter().flatten().for_each(|finding| report.push(finding));
        if open.session != session_of(message.bytes) {
            report.push(spot.finding(
                checks::SESSION_DIFFERS,
                "Session-Id (263)".to_owned(),
                "the Session-Id is another".to_owned(),
                format!("that of the request in {}", open.spot.told()),
            ));
        }
        Exchange::Answer(open.remembered)
    }

    /// Keeps what the procedure wants to know when the answer comes.
    pub fn remember(&mut self, key: RequestKey, remembered: Remembered) {
        if let Some(open) = self.open.get_mut(&key).and_then(|open| open.last_mut()) {
            open.remembered = Some(Box::new(remembered));
        }
    }

    /// Tells the requests that were never answered.
    pub fn finish(&mut self, report: &mut Report) {
        let mut open: Vec<_> = self.open.drain().flat_map(|(_, open)| open).collect();
        open.sort_by_key(|open| (open.spot.capture, open.spot.frame, open.spot.index));
        for open in open {
            let name = interfaces::command_of(&open.header).map_or_else(
                || format!("command {} of application {}", open.header.code, open.header.application),
                |command| command.name.to_owned(),
            );
            let found = format!("{name} with Hop-by-Hop id {:#010x} has no answer", open.header.hop_by_hop);
            let mut finding =
                open.spot.finding(checks::UNANSWERED, String::new(), found, "an answer in the capture".to_owned());
            finding.ue = open.remembered.and_then(|remembered| remembered.ue);
            report.push(finding);
        }
        if self.forgotten > 0 {
            report.push(Spot::default().finding(
                checks::LIMIT,
                String::new(),
                format!("{} requests were not followed: {OPEN_LIMIT} were open already", self.forgotten),
                String::new(),
            ));
        }
    }
}

/// A digest of the Session-Id; 0 where there is none.
fn session_of(bytes: &[u8]) -> u64 {
    use siphasher::sip::SipHasher13;
    use std::hash::Hasher;
    let key = SessionId::DEFINITION.key;
    let body = bytes.get(HEADER_LENGTH..).unwrap_or_default();
    Avps::new(body).map_while(Result::ok).find(|avp| avp.key == key).map_or(0, |avp| {
        let mut hasher = SipHasher13::new();
        hasher.write(avp.data);
        hasher.finish().max(1)
    })
}
