//! Messages and AVPs.

use proselink::avp::dictionary;
use proselink::avp::format::{self, DiameterUri, Format, Verdict};
use proselink::avp::{Address, Avp, AvpFlags, Avps, Fault, FaultKind, Malformed, Time};
use proselink::interfaces::{self, base, pc2, pc3, pc4, pc6, s6a};
use proselink::message::check::{Strictness, check};
use proselink::message::framing::{Frame, examine};
use proselink::message::text::{Palette, write_essence, write_message};
use proselink::message::{CommandDefinition, Envelope, HEADER_LENGTH, Header, json};

/// One message: check, typed decode of every interface, text, and JSON both ways.
pub fn message(data: &[u8]) {
    look(data);
    // Most inputs have a wrong length or version, and are refused for it: give each its chance.
    let Some(header) = Header::parse(data) else { return };
    let mut sound = data.to_vec();
    let header = Header { version: 1, length: data.len() as u32, ..header };
    sound[..HEADER_LENGTH].copy_from_slice(&header.to_bytes());
    look(&sound);
    json_both_ways(&sound);
}

fn look(data: &[u8]) {
    let command = Header::parse(data).and_then(|header| interfaces::command_of(&header));
    let faults = check(data, command, Strictness { unknown_mandatory: false });
    for fault in &faults {
        assert!(fault.offset <= data.len());
        assert!(!fault.to_string().is_empty());
        assert!((3000..6000).contains(&fault.result_code()));
    }
    text(data, &faults);
    typed(data);
}

/// A listing must not steer the terminal it is shown on.
fn text(data: &[u8], faults: &[Fault]) {
    let mut out = String::new();
    write_message(data, faults, &Palette::default(), &mut out);
    write_essence(data, &Palette::default(), &mut out);
    assert!(!out.chars().any(|letter| letter.is_control() && letter != '\n'), "{out:?}");
}

fn json_both_ways(data: &[u8]) {
    let text = json::message_to_json(data).expect("a message with a header");
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let back = json::message_from_json(&value, &|_, _| None).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(back == data, "other octets come back from {text}");
}

macro_rules! interface {
    ($data:expr, $($path:path),*) => {$({
        use $path as interface;
        match interface::Message::decode($data) {
            Ok(command) => {
                let definition = command.definition();
                accepted($data, definition);
                let mut once = Vec::new();
                command.encode(ENVELOPE, &mut once);
                let faults = check(&once, Some(definition), Strictness { unknown_mandatory: false });
                assert!(faults.is_empty(), "{faults:?}");
                let again = interface::Message::decode(&once).expect("what was encoded can be decoded");
                let mut twice = Vec::new();
                again.encode(ENVELOPE, &mut twice);
                assert!(once == twice, "a second encoding differs");
            }
            Err(faults) => assert!(!faults.is_empty(), "refused without a reason"),
        }
    })*};
}

const ENVELOPE: Envelope = Envelope { application: 0, hop_by_hop: 1, end_to_end: 2 };

fn typed(data: &[u8]) {
    interface!(data, base, pc2, pc3, pc4::hss, pc4::mme, pc4::function, pc6, s6a);
}

/// What a typed decode accepts has no fault in its AVPs by the check either: the two read one grammar. Answers with the
/// E bit are left out: the check judges them by the grammar of errors.
fn accepted(data: &[u8], definition: &CommandDefinition) {
    let Some(header) = Header::parse(data) else { return };
    if header.flags.is_error() {
        return;
    }
    let faults = check(data, Some(definition), Strictness { unknown_mandatory: true });
    // The typed decode counts the depth of groups it does not know the place of from there.
    let inside: Vec<_> = faults
        .iter()
        .filter(|fault| !fault.path.is_empty() && !matches!(fault.kind, FaultKind::TooDeep { .. }))
        .collect();
    assert!(inside.is_empty(), "decoded in spite of {inside:?}");
}

/// AVPs: the walk, the formats, writing what was read.
pub fn avp(data: &[u8]) {
    walk(data, 0);
    formats(data);
    values(data);
    // A definition of the dictionary, chosen by the first octets, with the rest as its data.
    let Some((number, rest)) = data.split_first_chunk::<2>() else { return };
    let number = usize::from(u16::from_be_bytes(*number));
    let Some(definition) = dictionary::all().nth(number % dictionary::all().count()) else { return };
    let mut out = Vec::new();
    dictionary::write_raw(definition.key, definition.flags(), rest, &mut out);
    let mut avps = Avps::new(&out);
    let avp = avps.next().expect("one AVP").expect("well formed");
    assert_eq!((avp.key, avp.data), (definition.key, rest));
    assert!(avps.next().is_none() && out.len().is_multiple_of(4));
    assert!(std::ptr::eq(dictionary::lookup(avp.key).expect("in the dictionary"), definition));
}

/// The walk loses no octet: what it delivers and what it says is left is what there was.
fn walk(data: &[u8], depth: usize) {
    let mut avps = Avps::new(data);
    let mut at = 0;
    loop {
        let before = avps.rest();
        assert_eq!(before, &data[at..]);
        match avps.next() {
            None => break,
            Some(Ok(avp)) => {
                assert_eq!(&data[at..at + avp.whole.len()], avp.whole);
                at += avp.whole.len();
                again(&avp);
                if depth < 16 {
                    walk(avp.data, depth + 1);
                }
            }
            Some(Err(malformed)) => {
                match malformed {
                    Malformed::HeaderCut { left } => assert!(left == before.len() && left < 12),
                    Malformed::LengthShort { stated, least } => assert!(stated < least),
                    Malformed::PastEnd { stated, left } => assert!(left == before.len() && stated > left),
                }
                assert!(!malformed.to_string().is_empty());
                assert!(avps.next().is_none());
                return;
            }
        }
    }
    assert_eq!(at, data.len());
}

/// An AVP written anew is the same, but for padding that was missing or not zero.
fn again(avp: &Avp<'_>) {
    assert_eq!(avp.length(), avp.header_length() + avp.data.len());
    assert!(avp.padding().len() < 4);
    let mut out = Vec::new();
    dictionary::write_raw(avp.key, AvpFlags(avp.flags.0), avp.data, &mut out);
    assert_eq!(out[..avp.length()], avp.whole[..avp.length()]);
}

fn formats(data: &[u8]) {
    macro_rules! both_ways {
        ($($format:ty),*) => {$(
            let value = <$format as Format>::read(data);
            assert_eq!(value.is_some(), <$format as Format>::KIND.judge(data) == Verdict::Good, stringify!($format));
            if let Some(value) = value {
                let mut out = Vec::new();
                <$format as Format>::write(&value, &mut out);
                assert_eq!(out, data, stringify!($format));
            }
        )*};
    }
    both_ways!(
        format::OctetString,
        format::Integer32,
        format::Integer64,
        format::Unsigned32,
        format::Unsigned64,
        format::Float32,
        format::Float64,
        format::Enumerated,
        format::UTF8String,
        format::DiameterIdentity,
        format::DiameterURI,
        format::IPFilterRule,
        format::QoSFilterRule,
        Address<'_>,
        Time
    );
}

/// The values with a text of their own: it reads back as the same value.
fn values(data: &[u8]) {
    if let Some(time) = Time::read(data) {
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!(Time::from_unix_seconds(time.unix_seconds()), Some(time));
    }
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(uri) = text.parse::<DiameterUri>() {
        assert_eq!(uri.to_string().parse(), Ok(uri));
    }
    let _ = text.parse::<Time>();
}

/// A stream that comes in pieces is cut into the same messages as one that is there at once. The first octet chooses
/// the pieces, the second the limit.
pub fn framing(data: &[u8]) {
    let Some(([pieces, limit], stream)) = data.split_first_chunk::<2>() else { return };
    let (step, limit) = (usize::from(*pieces % 64) + 1, usize::from(*limit) * 16);
    let whole = messages(stream, stream.len().max(1), limit);
    assert_eq!(messages(stream, step, limit), whole);
    if whole.1.is_none() {
        assert!(whole.0.iter().sum::<usize>() <= stream.len());
    }
}

/// The lengths of the messages of a stream that comes `step` octets at a time, and the error that ends it.
fn messages(stream: &[u8], step: usize, limit: usize) -> (Vec<usize>, Option<String>) {
    let (mut lengths, mut at, mut there) = (Vec::new(), 0, 0);
    while there < stream.len() {
        there = (there + step).min(stream.len());
        loop {
            match examine(&stream[at..there], at as u64, limit) {
                Ok(Frame::Need(more)) => {
                    assert!(more > 0);
                    break;
                }
                Ok(Frame::Message(length)) => {
                    assert!((HEADER_LENGTH..=limit).contains(&length) && at + length <= there);
                    lengths.push(length);
                    at += length;
                }
                Err(error) => return (lengths, Some(error.to_string())),
            }
        }
    }
    (lengths, None)
}
