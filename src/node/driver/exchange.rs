//! The log's view of one exchange: a span from the request to its answer, within that of the peer.
//!
//! Nothing is formatted, and no message is walked, unless the log takes spans of level debug.

use std::fmt;
use std::time::Duration;

use tracing::Span;
use tracing::field::Empty;

use crate::avp::Avps;
use crate::avp::dictionary::{ExperimentalResult, ResultCode, SessionId};
use crate::interfaces::names;
use crate::message::{HEADER_LENGTH, Header, find};

/// A request that a peer has sent, or that is on its way to a peer.
pub(super) fn begin(peer: &Span, from_peer: bool, header: &Header, message: &[u8]) -> Span {
    let span = tracing::debug_span!(
        parent: peer,
        "exchange",
        direction = if from_peer { "in" } else { "out" },
        application = names::application_name(header.application).unwrap_or("unknown"),
        application_id = header.application,
        command = names::command_stem(header.application, header.code).unwrap_or("unknown"),
        code = header.code,
        hop_by_hop = Empty,
        end_to_end = %Identifier(header.end_to_end),
        session = %Session::of(message),
        result = Empty,
        took_us = Empty,
    );
    if from_peer {
        span.record("hop_by_hop", tracing::field::display(Identifier(header.hop_by_hop)));
    }
    span
}

/// Its answer has come, or leaves.
pub(super) fn end(span: &Span, answer: &[u8], took: Duration) {
    if span.is_disabled() {
        return;
    }
    if let Some(header) = Header::parse(answer) {
        span.record("hop_by_hop", tracing::field::display(Identifier(header.hop_by_hop)));
    }
    let body = Avps::new(answer.get(HEADER_LENGTH..).unwrap_or_default());
    let result = find::<ResultCode>(body)
        .or_else(|| find::<ExperimentalResult>(body).map(|result| result.experimental_result_code));
    if let Some(result) = result {
        span.record("result", result);
    }
    span.record("took_us", took.as_micros() as u64);
    span.in_scope(|| tracing::debug!("answered"));
}

/// No answer has come.
pub(super) fn give_up(span: &Span, why: &str) {
    span.in_scope(|| tracing::debug!("{why}"));
}

/// An identifier of the header as Wireshark shows it.
struct Identifier(u32);

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// A Session-Id without what may tell of a subscriber: RFC 6733 section 8.8 lets its maker put anything behind the two
/// numbers, and some put an IMSI there.
struct Session<'a>(&'a str);

impl<'a> Session<'a> {
    fn of(message: &'a [u8]) -> Self {
        Self(find::<SessionId>(Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default())).unwrap_or_default())
    }
}

impl fmt::Display for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 128;
        /// The shortest number that is hidden: a 32-bit number has ten digits, the shortest that are dialled fewer.
        const DIGITS: [usize; 4] = [6, 11, 11, 6];
        for (at, part) in self.0.splitn(4, ';').enumerate() {
            if at > 0 {
                f.write_str(";")?;
            }
            let least = DIGITS.get(at).copied().unwrap_or(6);
            let mut rest = part;
            let mut room = MOST;
            while let Some(first) = rest.chars().next().filter(|_| room > 0) {
                let digits = first.is_ascii_digit();
                let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
                let (run, after) = rest.split_at(end);
                if digits && run.len() >= least {
                    f.write_str("***")?;
                } else {
                    for c in run.chars().take(room) {
                        write!(f, "{}", c.escape_debug())?;
                    }
                }
                room = room.saturating_sub(run.len());
                rest = after;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_tells_of_no_subscriber() {
        let show = |session: &str| Session(session).to_string();
        assert_eq!(
            show("mme.epc.mnc001.mcc001.org;1766512345;4294967295"),
            "mme.epc.mnc001.mcc001.org;1766512345;4294967295"
        );
        assert_eq!(show("mme.org;1;2;001010000000001"), "mme.org;1;2;***");
        assert_eq!(show("mme.org;1;2;imsi=001010000000001,x"), "mme.org;1;2;imsi=***,x");
        assert_eq!(show("001010000000001@ims;1;2"), "***@ims;1;2");
        assert_eq!(show("a;001010000000001;2"), "a;***;2");
        assert_eq!(show("a;1;2;3;491510000001"), "a;1;2;3;***");
        assert_eq!(show("a\n;1"), "a\\n;1");
        assert_eq!(show(""), "");
        assert!(show(&"x".repeat(100_000)).len() <= 600);
    }
}
