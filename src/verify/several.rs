//! Several captures as one: their messages in the order of time, and which association of one is that of another.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::finding::Report;
use super::survey::digest;
use super::{Options, Verifier};
use crate::capture::{CaptureError, CapturedMessage, Reader, Timestamp, Transport};
use crate::folding::Folding;

/// Associations of all captures that are remembered.
const LINK_LIMIT: usize = 1 << 18;
/// Messages of late that are remembered, so that one that two captures hold is judged once; a power of two.
const RECENT: usize = 1 << 14;
/// Two captures show the same beginning when it is no further apart than this, in nanoseconds.
const SAME_BEGINNING: i64 = 10_000_000_000;

/// Which link an association is: the same in all captures that show it.
#[derive(Default)]
pub(super) struct Links {
    next: u32,
    /// By capture and association: link, and whether directions are the other way round.
    of: HashMap<(u32, u32), (u32, u8), Folding>,
    /// True once a second capture is there: until then nothing can be shared.
    several: bool,
    /// By the two addresses, the smaller first: link, capture, time of the beginning, address of direction 0.
    shared: HashMap<(SocketAddr, SocketAddr), Shared>,
    /// Digest and capture of messages of late.
    recent: Vec<(u64, u32)>,
}

struct Shared {
    link: u32,
    capture: u32,
    begun: Option<i64>,
    first: SocketAddr,
}

impl Links {
    /// From now on captures may share associations.
    pub fn expect_several(&mut self) {
        self.several = true;
        self.recent = vec![(0, 0); RECENT];
    }

    /// The link of a message's association, and whether its directions are turned; `None` for a message that another
    /// capture gave already.
    #[inline]
    pub fn of(&mut self, capture: u32, message: &CapturedMessage<'_>, begun: Option<i64>) -> Option<(u32, u8)> {
        if self.several && self.is_copy(capture, message) {
            return None;
        }
        if let Some(known) = self.of.get(&(capture, message.association)) {
            return Some(*known);
        }
        if self.of.len() >= LINK_LIMIT {
            self.of.clear();
        }
        let place = self.place(capture, message, begun);
        self.of.insert((capture, message.association), place);
        Some(place)
    }

    /// The link of an association, if it carried Diameter.
    pub fn known(&self, capture: u32, association: u32) -> Option<u32> {
        self.of.get(&(capture, association)).map(|(link, _)| *link)
    }

    fn place(&mut self, capture: u32, message: &CapturedMessage<'_>, begun: Option<i64>) -> (u32, u8) {
        let link = self.next;
        if self.several {
            let (a, b) = (message.source, message.destination);
            let pair = if a <= b { (a, b) } else { (b, a) };
            let first = if message.direction == 0 { a } else { b };
            if let Some(shared) = self.shared.get(&pair) {
                let same = match (shared.begun, begun) {
                    (Some(one), Some(two)) => one.abs_diff(two) <= SAME_BEGINNING.unsigned_abs(),
                    (_, Some(_)) => false,
                    (_, None) => true,
                };
                if same && shared.capture != capture {
                    return (shared.link, u8::from(shared.first != first));
                }
            }
            if self.shared.len() >= LINK_LIMIT {
                self.shared.clear();
            }
            self.shared.insert(pair, Shared { link, capture, begun, first });
        }
        self.next += 1;
        (link, 0)
    }

    fn is_copy(&mut self, capture: u32, message: &CapturedMessage<'_>) -> bool {
        let transport = u64::from(message.transport == Transport::Sctp);
        let ports = u64::from(message.source.port()) << 17 | u64::from(message.destination.port()) << 1;
        let whole = digest(Some(message.bytes)).rotate_left(11) ^ ports ^ transport;
        let slot = (whole.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize & (RECENT - 1);
        let Some(entry) = self.recent.get_mut(slot) else { return false };
        if entry.0 == whole && entry.1 != capture {
            return true;
        }
        *entry = (whole, capture);
        false
    }
}

/// A capture to be read: its name, and how to open it. It is opened twice: once for the time it begins at, and again when
/// the others have come as far, so that a folder of a thousand captures does not need a thousand open files.
pub struct Input<'i> {
    /// Its name in the report.
    pub name: String,
    /// Opens it from the start.
    #[allow(clippy::type_complexity, reason = "a closure that opens")]
    pub open: Box<dyn Fn() -> Result<Reader<'static>, CaptureError> + 'i>,
}

/// A capture that is being read, and its message at hand.
struct Open {
    capture: u32,
    reader: Reader<'static>,
    head: Option<Head>,
    bytes: Vec<u8>,
}

/// A message without its octets, which wait in a buffer of the capture's.
type Head = CapturedMessage<'static>;

impl Open {
    /// Reads the next message.
    fn advance(&mut self, verifier: &mut Verifier) -> Result<(), CaptureError> {
        self.head = match self.reader.next_message_with(verifier.watch(self.capture))? {
            Some(message) => {
                self.bytes.clear();
                self.bytes.extend_from_slice(message.bytes);
                Some(CapturedMessage { bytes: &[], ..message })
            }
            None => None,
        };
        Ok(())
    }
}

/// Verifies several captures as one: messages in the order of time, associations and UEs followed from one to the other. A
/// capture that cannot be read, or not to its end, is told to `damaged`, and what it gave before counts.
pub fn verify_captures(inputs: &[Input<'_>], options: Options, mut damaged: impl FnMut(u32, CaptureError)) -> Report {
    let mut verifier = Verifier::new(options);
    if inputs.len() > 1 {
        verifier.links.expect_several();
    }
    let mut frames = vec![0; inputs.len()];
    // By the time of the first message; those without any are read for their packets all the same.
    let mut waiting: Vec<(Timestamp, u32)> = Vec::new();
    for (input, capture) in inputs.iter().zip(0..) {
        let first = (input.open)().and_then(|mut reader| Ok(reader.next_message()?.map(|message| message.time)));
        match first {
            Ok(first) => waiting.push((first.unwrap_or(Timestamp(i64::MAX)), capture)),
            Err(error) => damaged(capture, error),
        }
    }
    waiting.sort_unstable_by(|a, b| b.cmp(a));
    let mut open: Vec<Open> = Vec::new();
    loop {
        let soonest = open.iter().filter_map(|open| Some((open.head.as_ref()?.time, open.capture))).min();
        while let Some((begins, capture)) = waiting.last().copied()
            && soonest.is_none_or(|(time, _)| begins <= time)
        {
            waiting.pop();
            let Some(input) = inputs.get(capture as usize) else { continue };
            match (input.open)() {
                Ok(reader) => {
                    let mut new = Open { capture, reader, head: None, bytes: Vec::new() };
                    if let Err(error) = new.advance(&mut verifier) {
                        damaged(capture, error);
                    }
                    open.push(new);
                }
                Err(error) => damaged(capture, error),
            }
            if soonest.is_none() {
                break;
            }
        }
        open.retain(|open| {
            if let Some(frames) = frames.get_mut(open.capture as usize) {
                *frames = open.reader.statistics().frames;
            }
            open.head.is_some()
        });
        let Some(next) = open.iter_mut().min_by_key(|open| (open.head.as_ref().map(|head| head.time), open.capture))
        else {
            if waiting.is_empty() {
                break;
            }
            continue;
        };
        if let Some(head) = next.head.take() {
            verifier.message(next.capture, &CapturedMessage { bytes: &next.bytes, ..head });
        }
        if let Err(error) = next.advance(&mut verifier) {
            damaged(next.capture, error);
        }
    }
    let names: Vec<_> = inputs.iter().map(|input| input.name.clone()).zip(frames).collect();
    verifier.finish(&names)
}
