//! Requests and their answers, matched as peers match them: by Hop-by-Hop id within an association and direction.
//! RFC 6733 sections 3 and 6.2.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::avp::dictionary::SessionId;
use crate::avp::{Avps, dictionary::Declared};
use crate::capture::CapturedMessage;
use crate::interfaces;
use crate::message::{HEADER_LENGTH, Header};

use super::procedure::Asked;
use super::{Finding, Report, Severity, Spot};

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
    Answer(Option<Box<Asked>>),
    /// A copy, or an answer to nothing.
    Other,
}

struct Open {
    /// Who asked.
    by: SocketAddr,
    spot: Spot,
    header: Header,
    session: u64,
    asked: Option<Box<Asked>>,
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
            report.push(spot.error(
                "hop-by-hop-reused",
                "RFC 6733 section 3",
                "",
                format!(
                    "Hop-by-Hop id {:#010x} is that of the request in frame {}, which has no answer yet; expected one \
                     of its own",
                    header.hop_by_hop, first.spot.frame
                ),
            ));
            open.swap_remove(at);
            self.count -= 1;
        }
        open.push(Open { by: message.source, spot, header: *header, session: session_of(message.bytes), asked: None });
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
            let twice = self.answered.contains_key(&key);
            // A trace that begins in the middle holds answers to what came before it.
            let severity = if twice || begun > 0 { Severity::Error } else { Severity::Note };
            let text = if twice {
                format!("the request with Hop-by-Hop id {:#010x} is answered a second time", header.hop_by_hop)
            } else {
                format!("no request with Hop-by-Hop id {:#010x} is open", header.hop_by_hop)
            };
            report.push(Finding {
                id: if twice { "answered-twice" } else { "answer-without-request" },
                severity,
                frame: spot.frame,
                index: spot.index,
                requirement: "RFC 6733 section 6.2".to_owned(),
                avp: String::new(),
                text,
            });
            return Exchange::Other;
        };
        report.answered += 1;
        if self.answered.len() >= OPEN_LIMIT {
            self.answered.clear();
        }
        self.answered.insert(key, header.code);
        let differs = |what: &str, asked: u32, answered: u32| {
            (asked != answered).then(|| {
                spot.error(
                    "answer-differs",
                    "RFC 6733 section 6.2",
                    "",
                    format!("{what} is {answered}, expected {asked} as in the request of frame {}", open.spot.frame),
                )
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
            report.push(spot.error(
                "answer-differs",
                "RFC 6733 section 8.8",
                "Session-Id (263)",
                format!("the Session-Id is not that of the request in frame {}", open.spot.frame),
            ));
        }
        Exchange::Answer(open.asked)
    }

    /// Keeps what the procedure wants to know when the answer comes.
    pub fn remember(&mut self, key: RequestKey, asked: Asked) {
        if let Some(open) = self.open.get_mut(&key).and_then(|open| open.last_mut()) {
            open.asked = Some(Box::new(asked));
        }
    }

    /// Tells the requests that were never answered.
    pub fn finish(&mut self, report: &mut Report) {
        let mut open: Vec<_> = self.open.drain().flat_map(|(_, open)| open).collect();
        open.sort_by_key(|open| (open.spot.frame, open.spot.index));
        for open in open {
            let name = interfaces::command_of(&open.header).map_or_else(
                || format!("command {} of application {}", open.header.code, open.header.application),
                |command| command.name.to_owned(),
            );
            report.push(open.spot.error(
                "unanswered",
                "RFC 6733 section 6.2",
                "",
                format!("{name} with Hop-by-Hop id {:#010x} has no answer in the capture", open.header.hop_by_hop),
            ));
        }
        if self.forgotten > 0 {
            report.push(Finding {
                id: "limit",
                severity: Severity::Note,
                frame: 0,
                index: 0,
                requirement: "this program".to_owned(),
                avp: String::new(),
                text: format!("{} requests were not followed: {OPEN_LIMIT} were open already", self.forgotten),
            });
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
