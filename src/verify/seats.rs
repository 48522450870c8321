//! Where an association stands: which link it is, over several captures too, and the life of that link.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::capture::{CapturedMessage, Transport};
use crate::folding::Folding;

use super::peer::Life;
use super::survey::digest;
use super::transport::{Beginnings, Begun, News};

/// Links that are followed; beyond it those that are over make room, then the oldest.
const LIFE_LIMIT: usize = 1 << 16;
/// Pairs of addresses that are remembered to know an association again in another capture.
const SHARED_LIMIT: usize = 1 << 18;
/// Messages of late that are remembered, so that one that two captures hold is judged once; a power of two.
const RECENT: usize = 1 << 14;
/// Two captures show the same beginning when it is no further apart than this, in nanoseconds.
const SAME_BEGINNING: i64 = 10_000_000_000;

/// An association of a capture.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    /// The same in all captures that show it.
    pub link: u32,
    /// 1 when directions are the other way round than on the link.
    pub flip: u8,
    /// Its beginning, when the capture has it.
    pub begun: Option<Begun>,
    /// Index of its life.
    life: u32,
}

/// Which link an association is, and the lives of links.
#[derive(Default)]
pub(super) struct Seats {
    next: u32,
    /// By capture and association.
    of: HashMap<(u32, u32), Seat, Folding>,
    /// By capture.
    beginnings: Vec<Beginnings>,
    lives: Vec<(u32, Life)>,
    /// True once a second capture is there: until then nothing can be shared.
    several: bool,
    /// By the two addresses, the smaller first.
    shared: HashMap<(SocketAddr, SocketAddr), Shared>,
    /// Digest and capture of messages of late.
    recent: Vec<(u64, u32)>,
}

struct Shared {
    link: u32,
    capture: u32,
    begun: Option<i64>,
    /// The address of direction 0.
    first: SocketAddr,
}

impl Seats {
    /// From now on captures may share associations.
    pub fn expect_several(&mut self) {
        self.several = true;
        self.recent = vec![(0, 0); RECENT];
    }

    /// Takes what a packet told of the beginning of an association.
    pub fn news(&mut self, capture: u32, news: News) {
        let index = capture as usize;
        if self.beginnings.len() <= index {
            self.beginnings.resize_with(index + 1, Beginnings::default);
        }
        let begun = self.beginnings.get_mut(index).and_then(|beginnings| beginnings.take(news));
        if let Some(seat) = self.of.get_mut(&(capture, news.association())) {
            seat.begun = begun;
        }
    }

    /// The seat of a message's association and the life of its link; `None` for a message that another capture gave already.
    #[inline]
    pub fn of(&mut self, capture: u32, message: &CapturedMessage<'_>) -> Option<(Seat, &mut Life)> {
        if self.several && self.is_copy(capture, message) {
            return None;
        }
        let seat = match self.of.get(&(capture, message.association)) {
            Some(seat) => *seat,
            None => self.place(capture, message),
        };
        let (_, life) = self.lives.get_mut(seat.life as usize)?;
        Some((seat, life))
    }

    /// The life of an association's link, if it carried Diameter.
    pub fn life(&self, capture: u32, association: u32) -> Option<&Life> {
        let seat = self.of.get(&(capture, association))?;
        self.lives.get(seat.life as usize).map(|(_, life)| life)
    }

    #[cold]
    fn place(&mut self, capture: u32, message: &CapturedMessage<'_>) -> Seat {
        let begun = self.beginnings.get(capture as usize).and_then(|beginnings| beginnings.of(message.association));
        if self.lives.len() >= LIFE_LIMIT {
            self.make_room();
        }
        let (mut link, mut flip) = self.link(capture, message, begun.map(|begun| begun.time));
        // Links are numbered in the order of their lives, so the index of one that is there is found by halving.
        let life = match self.lives.binary_search_by_key(&link, |(link, _)| *link) {
            Ok(index) => index,
            Err(_) => {
                if link < self.next.saturating_sub(1) {
                    // Known from another capture, and forgotten since.
                    (link, flip) = (self.next, 0);
                    self.next += 1;
                }
                self.lives.push((link, Life::default()));
                self.lives.len() - 1
            }
        };
        let seat = Seat { link, flip, begun, life: life as u32 };
        self.of.insert((capture, message.association), seat);
        seat
    }

    /// Forgets links that are over, and the older half where that is not enough.
    #[cold]
    fn make_room(&mut self) {
        let oldest = if self.lives.iter().filter(|(_, life)| life.is_open()).count() <= LIFE_LIMIT / 2 {
            0
        } else {
            self.lives.get(LIFE_LIMIT / 2).map_or(0, |(link, _)| *link)
        };
        self.lives.retain(|(link, life)| *link >= oldest && life.is_open());
        let lives = &self.lives;
        let beginnings = &mut self.beginnings;
        self.of.retain(|(capture, association), seat| {
            let place = lives.binary_search_by_key(&seat.link, |(link, _)| *link);
            match place {
                Ok(index) => seat.life = index as u32,
                // Should it speak again, it is as in the middle of a capture.
                Err(_) => {
                    if let Some(beginnings) = beginnings.get_mut(*capture as usize) {
                        beginnings.forget(*association);
                    }
                }
            }
            place.is_ok()
        });
        self.of.shrink_to(LIFE_LIMIT);
    }

    fn link(&mut self, capture: u32, message: &CapturedMessage<'_>, begun: Option<i64>) -> (u32, u8) {
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
            if self.shared.len() >= SHARED_LIMIT {
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
