//! Whose turn it is: requests about one UE one after the other, also while the HSS, another function or the disk has
//! yet to answer for the first; requests of different UEs side by side, the more important ones first.
//!
//! ```text
//! request ─► room for its priority? ──no──► 3004
//!              │ yes
//!            its UE busy? ──yes──► behind the others of that UE ──(theirs answered)──┐
//!              │ no                                                                   │
//!            room to begin? ──no──► ready, by DRMP and arrival ◄──────────────────────┘
//!              │ yes                     │ (others have ended)
//!            begins ◄────────────────────┘
//! ```
//! A turn ends with the answer, whatever it says, so no way out of a procedure can forget it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::registration::element::Ticket;
use crate::registration::identifiers::{Imsi, Pduid};
use crate::registration::reply::Asked;

/// A request that waits.
#[derive(Debug)]
pub(super) struct Queued {
    pub asked: Asked,
    pub priority: u8,
    pub ue: Option<Imsi>,
}

#[derive(Debug, Default)]
struct Turn {
    /// Its holder waits for another function: what that function asks meanwhile must not wait for it in turn.
    abroad: bool,
    /// The ID1 it brings from another function.
    brings: Option<Pduid>,
    waiting: VecDeque<Queued>,
}

/// The turns of all UEs.
#[derive(Debug, Default)]
pub(super) struct Turns {
    ues: HashMap<Imsi, Turn>,
    holders: HashMap<Ticket, Imsi>,
    /// What may begin as soon as there is room, by priority and arrival.
    ready: BTreeMap<(u8, u64), Queued>,
    /// ID1s of other functions whose UE is about to come here.
    coming: HashMap<Pduid, Imsi>,
    arrivals: u64,
    waiting: usize,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Arrived {
    /// It begins.
    Begins(Asked),
    /// It waits.
    Waits,
    /// Too many wait for this UE already.
    TooMany(Asked),
}

impl Turns {
    /// Takes a request. `room`: whether another one may begin.
    pub fn arrive(&mut self, queued: Queued, room: bool, most_of_a_ue: usize) -> Arrived {
        let Some(imsi) = queued.ue else {
            return if room { Arrived::Begins(queued.asked) } else { self.make_ready(queued) };
        };
        match self.ues.get_mut(&imsi) {
            Some(turn) if turn.waiting.len() >= most_of_a_ue => Arrived::TooMany(queued.asked),
            Some(turn) => {
                turn.waiting.push_back(queued);
                self.waiting += 1;
                Arrived::Waits
            }
            None => {
                self.ues.insert(imsi, Turn::default());
                self.holders.insert(queued.asked.ticket, imsi);
                if room { Arrived::Begins(queued.asked) } else { self.make_ready(queued) }
            }
        }
    }

    fn make_ready(&mut self, queued: Queued) -> Arrived {
        self.arrivals += 1;
        self.waiting += 1;
        self.ready.insert((queued.priority, self.arrivals), queued);
        Arrived::Waits
    }

    /// A request has been answered: the next of its UE gets ready.
    pub fn answered(&mut self, ticket: Ticket) {
        let Some(imsi) = self.holders.remove(&ticket) else { return };
        let next = self.ues.get_mut(&imsi).and_then(|turn| {
            turn.abroad = false;
            if let Some(id1) = turn.brings.take() {
                self.coming.remove(&id1);
            }
            turn.waiting.pop_front()
        });
        match next {
            Some(next) => {
                self.holders.insert(next.asked.ticket, imsi);
                self.arrivals += 1;
                self.ready.insert((next.priority, self.arrivals), next);
            }
            None => {
                self.ues.remove(&imsi);
            }
        }
    }

    /// The request that begins now, when there is room.
    pub fn next(&mut self) -> Option<Queued> {
        let (_, queued) = self.ready.pop_first()?;
        self.waiting -= 1;
        Some(queued)
    }

    /// The holder of a turn asks another function for the UE with `id1`, and waits. Gives back what that function may have
    /// asked already.
    pub fn abroad(&mut self, ticket: Ticket, id1: Pduid, is_of_function: impl Fn(&Asked) -> bool) -> Vec<Asked> {
        let Some(imsi) = self.holders.get(&ticket).copied() else { return Vec::new() };
        let Some(turn) = self.ues.get_mut(&imsi) else { return Vec::new() };
        turn.abroad = true;
        if let Some(before) = turn.brings.replace(id1) {
            self.coming.remove(&before);
        }
        self.coming.insert(id1, imsi);
        let waiting = std::mem::take(&mut turn.waiting);
        let (passing, staying): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|queued| is_of_function(&queued.asked));
        turn.waiting = staying.into();
        self.waiting -= passing.len();
        passing.into_iter().map(|queued| queued.asked).collect()
    }

    /// The other function has answered.
    pub fn back(&mut self, ticket: Ticket) {
        if let Some(turn) = self.holders.get(&ticket).and_then(|imsi| self.ues.get_mut(imsi)) {
            turn.abroad = false;
        }
    }

    /// Whether the request under way for this UE waits for another function.
    pub fn is_abroad(&self, imsi: Imsi) -> bool {
        self.ues.get(&imsi).is_some_and(|turn| turn.abroad)
    }

    /// The UE that is about to come here with this ID1.
    pub fn coming(&self, id1: Pduid) -> Option<Imsi> {
        self.coming.get(&id1).copied()
    }

    /// How many requests wait, in all.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many requests wait for the one of this UE that is under way.
    pub fn waiting_for(&self, imsi: Imsi) -> usize {
        self.ues.get(&imsi).map_or(0, |turn| turn.waiting.len())
    }

    /// Whether nothing holds a turn and nothing waits.
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.ues.is_empty() && self.holders.is_empty() && self.ready.is_empty() && self.coming.is_empty()
    }
}
