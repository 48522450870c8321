//! Who gets which ID1: unguessable, never twice, and without asking any other function.
//!
//! ```text
//! sequence, 40 bits   │ allocator │ block                  │ counter │   unique by construction
//!                           │ keyed permutation of 40 bits, one key a network
//! temporary part      │ looks random                               │   unique because a permutation never merges
//! ```
//!
//! Each function of a network has its own allocator number, so two functions never share a sequence. A restart goes
//! on with the next *block*, and a block's number is on disk before its first ID1 leaves, so no crash repeats one.
//! The permutation is a balanced Feistel network of twelve rounds over halves of 20 bits with SipHash-2-4 as its
//! round function: without the key the next ID1 cannot be told from the ones seen.
//!
//! This file does no IO: [`Id1Allocator::reservation`] says what to write, [`Id1Allocator::reserved`] is told when
//! it is durable.

use super::{Pduid, PlmnId};
use siphasher::sip::SipHasher24;
use std::fmt;

/// The secret of a network's permutation, 128 bits, the same in all its functions for as long as the network lives:
/// with another key, identifiers already given out could come again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NetworkKey(pub [u8; 16]);

impl fmt::Debug for NetworkKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NetworkKey(hidden)")
    }
}

/// How the 40 bits are divided. The same in all functions of a network, as the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id1Layout {
    allocator_bits: u32,
    counter_bits: u32,
}

/// A layout or allocator number that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocatorSettingsError {
    #[error("an allocator number has 1 to 16 bits and a counter 8 to 24, not {allocator_bits} and {counter_bits}")]
    Layout { allocator_bits: u32, counter_bits: u32 },
    #[error("allocator {allocator} does not exist: the network has the numbers 0 to {last}")]
    Allocator { allocator: u16, last: u64 },
}

impl Id1Layout {
    /// `allocator_bits` for the functions of the network (6: 64 functions), `counter_bits` for the identifiers
    /// of one block (16: one write to disk in 65,536 identifiers). What is left counts blocks.
    ///
    /// # Errors
    /// Outside 1 to 16 and 8 to 24 bits, which would leave too little of one part or another.
    pub fn new(allocator_bits: u32, counter_bits: u32) -> Result<Self, AllocatorSettingsError> {
        if (1..=16).contains(&allocator_bits) && (8..=24).contains(&counter_bits) && allocator_bits + counter_bits < 40
        {
            Ok(Id1Layout { allocator_bits, counter_bits })
        } else {
            Err(AllocatorSettingsError::Layout { allocator_bits, counter_bits })
        }
    }

    /// Blocks each allocator has before it is exhausted. A restart or a full counter uses one up.
    #[must_use]
    pub fn blocks(self) -> u64 {
        1 << (Pduid::TEMPORARY_BITS - self.allocator_bits - self.counter_bits)
    }

    /// Identifiers in a block.
    #[must_use]
    pub fn identifiers_per_block(self) -> u64 {
        1 << self.counter_bits
    }

    fn last_allocator(self) -> u64 {
        (1 << self.allocator_bits) - 1
    }
}

impl Default for Id1Layout {
    /// 64 functions, 262,144 blocks each, 65,536 identifiers a block: 17 thousand million a function.
    fn default() -> Self {
        Id1Layout { allocator_bits: 6, counter_bits: 16 }
    }
}

/// Where in the sequence an ID1 came from; only the holder of the key can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id1Origin {
    pub allocator: u16,
    pub block: u64,
    pub counter: u64,
}

/// All the identifiers of a network: the permutation under its key.
#[derive(Clone, Debug)]
pub struct Id1Space {
    plmn: PlmnId,
    layout: Id1Layout,
    hasher: Keyed,
}

#[derive(Clone)]
struct Keyed(SipHasher24);

impl fmt::Debug for Keyed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyed(hidden)")
    }
}

const ROUNDS: u8 = 12;
const HALF_BITS: u32 = Pduid::TEMPORARY_BITS / 2;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;

impl Id1Space {
    #[must_use]
    pub fn new(plmn: PlmnId, key: &NetworkKey, layout: Id1Layout) -> Self {
        Id1Space { plmn, layout, hasher: Keyed(SipHasher24::new_with_key(&key.0)) }
    }

    #[must_use]
    pub fn plmn(&self) -> PlmnId {
        self.plmn
    }

    #[must_use]
    pub fn layout(&self) -> Id1Layout {
        self.layout
    }

    /// A number that changes with the key, the network or the layout and tells nothing of the key. Kept beside the
    /// reserved block: a store that was filled under another one must not go on under this one.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let [a, b, c] = self.plmn.to_octets();
        let layout = [self.layout.allocator_bits as u8, self.layout.counter_bits as u8];
        // Longer than a round's input, so that it never equals one.
        self.hasher.0.hash(&[b'i', b'd', b'1', ROUNDS, a, b, c, layout[0], layout[1]])
    }

    /// Where `id1` stands in the sequence, or `None` when another network allotted it. An answer does not say that
    /// it was ever given out.
    #[must_use]
    pub fn origin(&self, id1: Pduid) -> Option<Id1Origin> {
        if id1.plmn() != Ok(self.plmn) {
            return None;
        }
        let sequence = self.unpermute(id1.temporary());
        let block_bits = Pduid::TEMPORARY_BITS - self.layout.allocator_bits - self.layout.counter_bits;
        Some(Id1Origin {
            allocator: (sequence >> (Pduid::TEMPORARY_BITS - self.layout.allocator_bits)) as u16,
            block: sequence >> self.layout.counter_bits & ((1 << block_bits) - 1),
            counter: sequence & (self.layout.identifiers_per_block() - 1),
        })
    }

    fn id1(&self, origin: Id1Origin) -> Pduid {
        let allocator = u64::from(origin.allocator) << (Pduid::TEMPORARY_BITS - self.layout.allocator_bits);
        Pduid::new(self.plmn, self.permute(allocator | origin.block << self.layout.counter_bits | origin.counter))
    }

    fn permute(&self, value: u64) -> u64 {
        let (mut left, mut right) = (value >> HALF_BITS & HALF_MASK, value & HALF_MASK);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(round, right));
        }
        left << HALF_BITS | right
    }

    fn unpermute(&self, value: u64) -> u64 {
        let (mut left, mut right) = (value >> HALF_BITS & HALF_MASK, value & HALF_MASK);
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.round(round, left), left);
        }
        left << HALF_BITS | right
    }

    /// The network is part of the input, so that one key used for two networks still gives two permutations.
    fn round(&self, round: u8, half: u64) -> u64 {
        let [a, b, c] = self.plmn.to_octets();
        let [.., x, y, z] = half.to_be_bytes();
        self.hasher.0.hash(&[round, a, b, c, x, y, z]) & HALF_MASK
    }
}

/// A block to be reserved on disk before any ID1 of it may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    allocator: u16,
    block: u64,
}

impl Reservation {
    /// The allocator it belongs to.
    #[must_use]
    pub fn allocator(self) -> u16 {
        self.allocator
    }

    /// What is to be made durable: the first block never reserved, once this one is. Given back at the next start to
    /// [`Id1Allocator::resume`].
    #[must_use]
    pub fn next_block(self) -> u64 {
        self.block + 1
    }

    /// What is expected on disk before: the block itself, still free.
    #[must_use]
    pub fn block(self) -> u64 {
        self.block
    }
}

/// Why no ID1 can be given out now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    #[error("block {} of allocator {} has to be reserved on disk first", .0.block, .0.allocator)]
    ReserveFirst(Reservation),
    #[error("allocator {allocator} has used up its {blocks} blocks: give this function another allocator number")]
    Exhausted { allocator: u16, blocks: u64 },
}

/// Gives out the ID1s of one function.
///
/// The order of things: ask [`reservation`](Self::reservation); when it names a block, write
/// [`Reservation::next_block`] durably, then call [`reserved`](Self::reserved); [`allocate`](Self::allocate) gives
/// identifiers meanwhile as long as the current block lasts.
#[derive(Clone, Debug)]
pub struct Id1Allocator {
    space: Id1Space,
    allocator: u16,
    /// First block that is not known to be reserved.
    next_block: u64,
    /// Blocks ready for use: the current one with its counter, and one in hand.
    current: Option<(u64, u64)>,
    spare: Option<u64>,
}

impl Id1Allocator {
    /// Goes on where the store says: `next_block` is the last [`Reservation::next_block`] made durable, zero for a
    /// new function. Whatever an earlier run left of its blocks is given up.
    ///
    /// # Errors
    /// The allocator number does not fit the layout.
    pub fn resume(space: Id1Space, allocator: u16, next_block: u64) -> Result<Self, AllocatorSettingsError> {
        let last = space.layout.last_allocator();
        if u64::from(allocator) > last {
            return Err(AllocatorSettingsError::Allocator { allocator, last });
        }
        Ok(Id1Allocator { space, allocator, next_block, current: None, spare: None })
    }

    #[must_use]
    pub fn space(&self) -> &Id1Space {
        &self.space
    }

    /// The block to reserve now, if any: at the start, and again when a quarter of the current block is left, so that
    /// nobody waits for the disk.
    #[must_use]
    pub fn reservation(&self) -> Option<Reservation> {
        let low = match self.current {
            None => true,
            Some((_, counter)) => counter >= self.space.layout.identifiers_per_block() / 4 * 3,
        };
        let wanted = low && self.spare.is_none() && self.next_block < self.space.layout.blocks();
        wanted.then_some(Reservation { allocator: self.allocator, block: self.next_block })
    }

    /// `reservation` is on disk: its block may be used. A reservation told twice, or of another allocator, changes nothing.
    pub fn reserved(&mut self, reservation: Reservation) {
        if reservation.allocator != self.allocator || reservation.block != self.next_block {
            return;
        }
        self.next_block = reservation.next_block();
        if self.current.is_none() {
            self.current = Some((reservation.block, 0));
        } else {
            self.spare = Some(reservation.block);
        }
    }

    /// A new ID1, never given out before by any function of the network.
    ///
    /// # Errors
    /// [`AllocateError::ReserveFirst`] until a block is on disk, [`AllocateError::Exhausted`] when there is none left.
    pub fn allocate(&mut self) -> Result<Pduid, AllocateError> {
        let blocks = self.space.layout.blocks();
        let Some((block, counter)) = self.current else {
            return Err(match self.reservation() {
                Some(reservation) => AllocateError::ReserveFirst(reservation),
                None => AllocateError::Exhausted { allocator: self.allocator, blocks },
            });
        };
        let next = counter + 1;
        self.current = if next < self.space.layout.identifiers_per_block() {
            Some((block, next))
        } else {
            self.spare.take().map(|block| (block, 0))
        };
        Ok(self.space.id1(Id1Origin { allocator: self.allocator, block, counter }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn plmn() -> PlmnId {
        "001-01".parse().unwrap()
    }

    fn space(layout: Id1Layout) -> Id1Space {
        Id1Space::new(plmn(), &NetworkKey(*b"sixteen octets!!"), layout)
    }

    /// A function with a disk that always succeeds: `block_on_disk` survives its restarts.
    fn allocate(allocator: &mut Id1Allocator, block_on_disk: &mut u64) -> Result<Pduid, AllocateError> {
        if let Some(reservation) = allocator.reservation() {
            *block_on_disk = reservation.next_block();
            allocator.reserved(reservation);
        }
        allocator.allocate()
    }

    #[test]
    fn nothing_is_given_out_before_a_block_is_on_disk() {
        let mut allocator = Id1Allocator::resume(space(Id1Layout::default()), 3, 7).unwrap();
        let reservation = allocator.reservation().unwrap();
        assert_eq!((reservation.block(), reservation.next_block()), (7, 8));
        assert_eq!(allocator.allocate(), Err(AllocateError::ReserveFirst(reservation)));
        allocator.reserved(reservation);
        let id1 = allocator.allocate().unwrap();
        assert_eq!(id1.plmn(), Ok(plmn()));
        assert_eq!(allocator.space().origin(id1), Some(Id1Origin { allocator: 3, block: 7, counter: 0 }));
        assert_eq!(allocator.reservation(), None, "the block is fresh");
        allocator.reserved(reservation);
        assert_eq!(allocator.space().origin(allocator.clone().allocate().unwrap()).unwrap().counter, 1);
    }

    #[test]
    fn the_next_block_is_asked_for_before_the_current_one_ends() {
        let layout = Id1Layout::new(6, 8).unwrap();
        let mut allocator = Id1Allocator::resume(space(layout), 0, 0).unwrap();
        allocator.reserved(allocator.reservation().unwrap());
        for _ in 0..192 {
            assert_eq!(allocator.reservation(), None);
            allocator.allocate().unwrap();
        }
        let early = allocator.reservation().unwrap();
        for _ in 192..256 {
            allocator.allocate().unwrap();
        }
        assert_eq!(allocator.allocate(), Err(AllocateError::ReserveFirst(early)), "the disk was slower than the UEs");
        allocator.reserved(early);
        assert_eq!(allocator.space().origin(allocator.clone().allocate().unwrap()).unwrap().block, 1);
    }

    #[test]
    fn the_last_block_is_followed_by_an_error_and_never_by_the_first() {
        let layout = Id1Layout::new(16, 23).unwrap();
        assert_eq!(layout.blocks(), 2);
        let mut allocator = Id1Allocator::resume(space(layout), 0, 2).unwrap();
        assert_eq!(allocator.reservation(), None);
        assert_eq!(allocator.allocate(), Err(AllocateError::Exhausted { allocator: 0, blocks: 2 }));
        // A store that says more than there is (a layout changed by hand) is no reason to begin anew.
        let mut allocator = Id1Allocator::resume(space(layout), 0, u64::MAX).unwrap();
        assert!(matches!(allocator.allocate(), Err(AllocateError::Exhausted { .. })));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert!(Id1Layout::new(0, 16).is_err());
        assert!(Id1Layout::new(16, 24).is_err());
        assert_eq!(
            Id1Allocator::resume(space(Id1Layout::default()), 64, 0).unwrap_err().to_string(),
            "allocator 64 does not exist: the network has the numbers 0 to 63"
        );
    }

    #[test]
    fn a_million_identifiers_of_two_functions_and_their_restarts_are_all_different() {
        let mut seen = HashSet::with_capacity(1_000_000);
        let mut disks = [0u64; 2];
        for restart in 0..10 {
            for (function, disk) in disks.iter_mut().enumerate() {
                let mut allocator =
                    Id1Allocator::resume(space(Id1Layout::default()), function as u16 + 5, *disk).unwrap();
                for _ in 0..50_000 {
                    assert!(seen.insert(u64::from(allocate(&mut allocator, disk).unwrap())), "restart {restart}");
                }
            }
        }
        assert_eq!(seen.len(), 1_000_000);
    }

    #[test]
    fn consecutive_identifiers_look_unrelated() {
        let mut allocator = Id1Allocator::resume(space(Id1Layout::default()), 0, 0).unwrap();
        let mut disk = 0;
        let sample: Vec<u64> = (0..20_000).map(|_| allocate(&mut allocator, &mut disk).unwrap().temporary()).collect();
        // Each bit is set about half of the time, and each bit changes about half of the time from one to the next:
        // 10,000 of 20,000 with a standard deviation of 71; 450 is more than six of them.
        for bit in 0..40 {
            let set = sample.iter().filter(|value| *value >> bit & 1 == 1).count();
            let changes = sample.windows(2).filter(|pair| (pair[0] ^ pair[1]) >> bit & 1 == 1).count();
            assert!(set.abs_diff(10_000) < 450, "bit {bit} is set {set} times");
            assert!(changes.abs_diff(10_000) < 450, "bit {bit} changes {changes} times");
        }
        // No pair of neighbours is close, as a counter or a step would make it: 2^20 of 2^40 happens once in 500,000.
        let close = sample.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 1 << 20).count();
        assert!(close <= 3, "{close} pairs of neighbours are close");
    }

    #[test]
    fn another_key_network_or_layout_is_another_space() {
        let layout = Id1Layout::default();
        let ours = space(layout);
        let other_key = Id1Space::new(plmn(), &NetworkKey([9; 16]), layout);
        let other_network = Id1Space::new("001-02".parse().unwrap(), &NetworkKey(*b"sixteen octets!!"), layout);
        let other_layout = space(Id1Layout::new(7, 16).unwrap());
        let fingerprints: HashSet<u64> =
            [&ours, &other_key, &other_network, &other_layout].iter().map(|space| space.fingerprint()).collect();
        assert_eq!(fingerprints.len(), 4);
        let origin = Id1Origin { allocator: 1, block: 2, counter: 3 };
        assert_ne!(ours.id1(origin).temporary(), other_key.id1(origin).temporary());
        assert_ne!(ours.id1(origin).temporary(), other_network.id1(origin).temporary());
        assert_eq!(ours.origin(other_network.id1(origin)), None);
    }

    #[test]
    fn the_key_is_not_printed() {
        let text = format!("{:?} {:?}", NetworkKey(*b"sixteen octets!!"), space(Id1Layout::default()));
        let key_halves = [u64::from_le_bytes(*b"sixteen "), u64::from_le_bytes(*b"octets!!")];
        assert!(!text.contains("115"), "{text}");
        assert!(key_halves.iter().all(|half| !text.contains(&half.to_string())), "{text}");
    }

    proptest! {
        #[test]
        fn the_permutation_can_be_undone(key: [u8; 16], value in 0u64..1 << 40) {
            let space = Id1Space::new(plmn(), &NetworkKey(key), Id1Layout::default());
            let permuted = space.permute(value);
            prop_assert!(permuted < 1 << 40);
            prop_assert_eq!(space.unpermute(permuted), value);
            prop_assert_eq!(space.permute(space.unpermute(value)), value);
        }

        #[test]
        fn two_places_in_the_sequence_never_give_one_identifier(
            key: [u8; 16], a in 0u16..64, b in 0u64..1 << 18, c in 0u64..1 << 16, d in 0u16..64, e in 0u64..1 << 18, f in 0u64..1 << 16,
        ) {
            let space = Id1Space::new(plmn(), &NetworkKey(key), Id1Layout::default());
            let one = Id1Origin { allocator: a, block: b, counter: c };
            let other = Id1Origin { allocator: d, block: e, counter: f };
            prop_assert_eq!(space.origin(space.id1(one)), Some(one));
            prop_assert_eq!(space.id1(one) == space.id1(other), one == other);
        }

        #[test]
        fn every_identifier_of_a_network_has_an_origin(temporary in 0u64..1 << 40) {
            let space = space(Id1Layout::default());
            let id1 = Pduid::new(plmn(), temporary);
            let origin = space.origin(id1).unwrap();
            prop_assert_eq!(space.id1(origin), id1);
        }
    }
}
