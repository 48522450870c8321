//! Is this a Diameter message? Told by its header and first AVPs, on any port and under any payload protocol identifier.
//!
//! | protocol | first octet | why it is not taken for Diameter |
//! |---|---|---|
//! | S1AP, NGAP, X2AP | 00, 20, 40 | version |
//! | TLS, DTLS | 14 to 17 | version |
//! | HTTP, SIP | a letter | version |
//! | M3UA, M2UA, SUA | 01 | the length does not fill the user message, the command is below 256, no AVP follows |

use crate::message::header::{HEADER_LENGTH, Header, VERSION};

/// What is known about the carrier, and so how much a message has to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// Diameter was announced (PPID 46 or 47) or spoken before on this connection: the header's version and length will do,
    /// so that malformed messages are seen too.
    Announced,
    /// Nothing is known: header and first AVPs have to be plausible.
    Unknown,
    /// Something else was announced: every AVP has to fit.
    Foreign,
}

/// A look at octets that may begin a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// No message begins here.
    No,
    /// So far it could be one; more octets will tell.
    More,
    /// A message of this length begins here; not necessarily all of it is there yet.
    Message(usize),
    /// A message of this length, more than is wanted, begins here.
    TooLong(usize),
}

/// The bar for a payload protocol identifier. IANA, SCTP Payload Protocol Identifiers.
#[inline]
pub(super) fn bar_of(ppid: u32) -> Bar {
    match ppid {
        46 | 47 => Bar::Announced,
        // Registered for other protocols: IUA, M2UA, M3UA, ..., S1AP 18, X2AP 27, ..., NGAP 60, ... DTLS-protected ones.
        1..=45 | 48..=76 => Bar::Foreign,
        _ => Bar::Unknown,
    }
}

/// Length of an AVP header without Vendor-Id.
const AVP_HEADER: usize = 8;

/// Judges the octets at the start of `bytes`, which need not reach to the end of the message.
#[inline]
pub(super) fn judge(bytes: &[u8], bar: Bar, maximum: usize) -> Judgement {
    match bytes.first() {
        None => return Judgement::More,
        Some(&VERSION) => {}
        Some(_) => return Judgement::No,
    }
    let Some(header) = Header::parse(bytes) else { return Judgement::More };
    let length = header.length as usize;
    if length < HEADER_LENGTH {
        return Judgement::No;
    }
    if bar == Bar::Announced {
        return if length > maximum { Judgement::TooLong(length) } else { Judgement::Message(length) };
    }
    // Commands below 256 stay with RADIUS. RFC 6733 section 11.2.1.
    let plausible = length.is_multiple_of(4)
        && length <= maximum
        && header.code >= 256
        && !header.flags.has_reserved()
        && !header.flags.is_contradictory()
        // A message without any AVP breaks every grammar.
        && length > HEADER_LENGTH;
    if !plausible {
        return Judgement::No;
    }
    let avps = if bar == Bar::Foreign { usize::MAX } else { 2 };
    match walk(&bytes[HEADER_LENGTH..length.min(bytes.len())], length - HEADER_LENGTH, avps) {
        Some(true) => Judgement::Message(length),
        Some(false) => Judgement::More,
        None => Judgement::No,
    }
}

/// Looks at the first `count` AVPs of `total` octets, of which `bytes` are there. True when they are plausible, false when
/// not even the first is there, `None` when one is not plausible.
fn walk(mut bytes: &[u8], mut total: usize, count: usize) -> Option<bool> {
    let mut seen = false;
    for _ in 0..count {
        if total == 0 {
            break;
        }
        let Some(head) = bytes.first_chunk::<AVP_HEADER>() else { break };
        let code = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let length = (u32::from_be_bytes([0, head[5], head[6], head[7]])) as usize;
        let vendor = head[4] & 0x80 != 0;
        if code == 0 || head[4] & 0x1f != 0 || length < AVP_HEADER + usize::from(vendor) * 4 || length > total {
            return None;
        }
        seen = true;
        let padded = length.next_multiple_of(4).min(total);
        bytes = bytes.get(padded..).unwrap_or_default();
        total -= padded;
    }
    Some(seen)
}

/// Where in `bytes` the next plausible message begins, for finding the way back into a stream; `None` when nowhere.
pub(super) fn find(bytes: &[u8], maximum: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(step) = bytes.get(from..)?.iter().position(|octet| *octet == VERSION) {
        let at = from + step;
        if matches!(judge(&bytes[at..], Bar::Unknown, maximum), Judgement::Message(_)) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Splits one SCTP user message into the Diameter messages it holds, and gives each to `each`.
///
/// Under PPID 46 a message whose length field contradicts the user message is given as it is, so that the fault can be
/// reported; elsewhere the lengths have to agree.
#[inline]
pub(super) fn split<'a>(data: &'a [u8], bar: Bar, maximum: usize, mut each: impl FnMut(&'a [u8])) {
    if data.len() < HEADER_LENGTH || data.len() > maximum {
        return;
    }
    if data.first() != Some(&VERSION) {
        // Another version, in a user message that was announced as Diameter and is as long as its header says.
        if bar == Bar::Announced && Header::parse(data).is_some_and(|header| header.length as usize == data.len()) {
            each(data);
        }
        return;
    }
    let mut rest = data;
    loop {
        let begins = match judge(rest, bar, maximum) {
            Judgement::Message(length) if length <= rest.len() => length,
            _ if bar == Bar::Announced && rest.len() == data.len() => rest.len(),
            _ => return,
        };
        let (message, after) = rest.split_at(begins);
        let last = after.len() < HEADER_LENGTH;
        // A length that leaves something over which is no message speaks against it, unless Diameter was announced.
        if rest.len() == data.len() && bar != Bar::Announced && !after.is_empty() {
            let more = matches!(judge(after, bar, maximum), Judgement::Message(length) if length <= after.len());
            let padding = after.len() < 4 && after.iter().all(|octet| *octet == 0);
            if !more && !padding {
                return;
            }
        }
        each(message);
        if last {
            return;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watchdog(host: &str) -> Vec<u8> {
        crate::capture::tests::build::watchdog(7, host)
    }

    const LIMIT: usize = 1 << 20;

    fn pieces(data: &[u8], ppid: u32) -> Vec<usize> {
        let mut lengths = Vec::new();
        split(data, bar_of(ppid), LIMIT, |message| lengths.push(message.len()));
        lengths
    }

    #[test]
    fn a_message_is_known_on_any_ppid() {
        let message = watchdog("mme.example");
        for ppid in [0, 46, 47, 18, 60, 4711] {
            assert_eq!(pieces(&message, ppid), [message.len()], "ppid {ppid}");
        }
        let two = [message.clone(), watchdog("hss.example.org")].concat();
        assert_eq!(pieces(&two, 0), [40, 44]);
    }

    #[test]
    fn a_header_is_judged_as_it_arrives() {
        let message = watchdog("mme.example");
        for length in 0..28 {
            assert_eq!(judge(&message[..length], Bar::Unknown, LIMIT), Judgement::More);
        }
        assert_eq!(judge(&message[..28], Bar::Unknown, LIMIT), Judgement::Message(40));
        assert_eq!(judge(&message, Bar::Unknown, 39), Judgement::No);
        assert_eq!(judge(&message, Bar::Announced, 39), Judgement::TooLong(40));
    }

    #[test]
    fn what_only_begins_alike_is_not_taken() {
        // M3UA DATA: version 1, class 1, type 1, length 40, then a routing context and protocol data.
        let mut m3ua = vec![1, 0, 1, 1, 0, 0, 0, 40, 0, 6, 0, 8, 0, 0, 0, 1, 2, 0x10, 0, 24];
        m3ua.resize(40, 0);
        assert_eq!(pieces(&m3ua, 3), [0; 0]);
        assert_eq!(pieces(&m3ua, 0), [0; 0]);
        for other in [&b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"[..], &[0x16, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3]] {
            assert_eq!(judge(other, Bar::Announced, LIMIT), Judgement::No);
        }
    }

    #[test]
    fn a_lying_length_is_shown_where_diameter_was_announced() {
        let mut message = watchdog("mme.example");
        message[3] = 200;
        assert_eq!(pieces(&message, 46), [40]);
        assert_eq!(pieces(&message, 0), [0; 0]);
    }

    #[test]
    fn the_way_back_into_a_stream_is_found() {
        let message = watchdog("mme.example");
        let stream = [&[1, 0, 0, 1, 1, 1][..], &message].concat();
        assert_eq!(find(&stream, LIMIT), Some(6));
        assert_eq!(find(&stream[7..], LIMIT), None);
    }
}
