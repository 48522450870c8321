//! A bounded table of flows.

/// Entries under small stable indexes. When full, one that was not touched for a round of the clock hand makes room.
pub(super) struct Slots<T> {
    entries: Vec<(bool, T)>,
    hand: usize,
    limit: usize,
}

impl<T> Slots<T> {
    pub fn new(limit: usize) -> Self {
        Self { entries: Vec::new(), hand: 0, limit: limit.clamp(1, u32::MAX as usize) }
    }

    /// Adds an entry; returns its index, and the entry that had to leave from there.
    pub fn insert(&mut self, entry: T) -> (u32, Option<T>) {
        if self.entries.len() < self.limit {
            self.entries.push((true, entry));
            return ((self.entries.len() - 1) as u32, None);
        }
        let index = self.advance();
        let (_, old) = std::mem::replace(&mut self.entries[index], (true, entry));
        (index as u32, Some(old))
    }

    #[inline]
    pub fn get(&mut self, index: u32) -> Option<&mut T> {
        let (touched, entry) = self.entries.get_mut(index as usize)?;
        *touched = true;
        Some(entry)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entry the clock hand comes to next, passing over those that were touched lately.
    pub fn least_used(&mut self) -> Option<&mut T> {
        if self.entries.is_empty() {
            return None;
        }
        let index = self.advance();
        Some(&mut self.entries[index].1)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    /// `entries` is not empty.
    fn advance(&mut self) -> usize {
        loop {
            let index = self.hand % self.entries.len();
            self.hand = index + 1;
            if !std::mem::replace(&mut self.entries[index].0, false) {
                return index;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_untouched_entry_makes_room() {
        let mut slots = Slots::new(3);
        for name in ["a", "b", "c"] {
            assert_eq!(slots.insert(name).1, None);
        }
        assert_eq!(slots.insert("d"), (0, Some("a")));
        slots.get(1);
        assert_eq!(slots.insert("e"), (2, Some("c")));
    }
}
