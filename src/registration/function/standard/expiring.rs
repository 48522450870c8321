//! Entries that run out by themselves, never more than a bound.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeFrom;
use std::time::Duration;

/// A map whose entries are good until a moment of the node's clock. What has run out is as good as absent.
#[derive(Debug)]
pub(super) struct Expiring<K, V> {
    all: BTreeMap<K, (Duration, V)>,
    order: BTreeSet<(Duration, K)>,
    /// What has gone since the last sweep.
    gone: Vec<(K, V)>,
    most: usize,
}

impl<K: Ord + Clone, V> Expiring<K, V> {
    pub fn new(most: usize) -> Self {
        Self { all: BTreeMap::new(), order: BTreeSet::new(), gone: Vec::new(), most }
    }

    /// Keeps an entry, in place of one of the same key; false when there is no room.
    #[must_use]
    pub fn insert(&mut self, now: Duration, until: Duration, key: K, value: V) -> bool {
        self.run_out(now);
        if !self.all.contains_key(&key) && self.all.len() >= self.most {
            return false;
        }
        if let Some((before, _)) = self.all.insert(key.clone(), (until, value)) {
            self.order.remove(&(before, key.clone()));
        }
        self.order.insert((until, key));
        true
    }

    /// Keeps an entry; the one that would run out first makes room for it.
    pub fn remember(&mut self, now: Duration, until: Duration, key: K, value: V) {
        if self.all.len() >= self.most
            && let Some((_, first)) = self.order.pop_first()
            && let Some((_, value)) = self.all.remove(&first)
        {
            self.gone.push((first, value));
        }
        let _ = self.insert(now, until, key, value);
    }

    pub fn get<Q: Ord + ?Sized>(&self, now: Duration, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.all.get(key).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, now: Duration, key: &K) -> Option<&mut V> {
        self.all.get_mut(key).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (until, value) = self.all.remove(key)?;
        self.order.remove(&(until, key.clone()));
        Some(value)
    }

    /// The keys from `first` on for as long as `is_of` holds.
    pub fn keys(&self, now: Duration, first: RangeFrom<K>, is_of: impl Fn(&K) -> bool) -> Vec<K> {
        let all = self.all.range(first).take_while(|(key, _)| is_of(key));
        all.filter(|(_, (until, _))| *until > now).map(|(key, _)| key.clone()).collect()
    }

    /// Takes out what has run out, and gives it with what made room since the last time. What has come again is not among it.
    pub fn sweep(&mut self, now: Duration) -> Vec<(K, V)> {
        self.run_out(now);
        let mut gone = std::mem::take(&mut self.gone);
        gone.retain(|(key, _)| !self.all.contains_key(key));
        gone
    }

    /// Until when an entry is good.
    pub fn until(&self, key: &K) -> Option<Duration> {
        self.all.get(key).map(|(until, _)| *until)
    }

    fn run_out(&mut self, now: Duration) {
        while let Some((until, _)) = self.order.first()
            && *until <= now
            && let Some((_, key)) = self.order.pop_first()
        {
            if let Some((_, value)) = self.all.remove(&key) {
                self.gone.push((key, value));
            }
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_full(&self) -> bool {
        self.all.len() >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_run_out_and_are_bounded() {
        let second = Duration::from_secs;
        let mut map = Expiring::new(2);
        assert!(map.insert(second(0), second(10), 'a', 1));
        assert!(map.insert(second(0), second(20), 'b', 2));
        assert!(!map.insert(second(0), second(20), 'c', 3), "no room");
        assert!(map.insert(second(0), second(30), 'a', 4), "renewed");
        assert_eq!((map.get(second(19), &'b'), map.get(second(20), &'b')), (Some(&2), None));
        assert!(map.insert(second(20), second(40), 'c', 3), "what has run out makes room");
        assert_eq!(map.until(&'c'), Some(second(40)));
        assert_eq!(map.sweep(second(30)), [('b', 2), ('a', 4)]);
        assert_eq!(map.keys(second(30), 'a'.., |_| true), ['c']);
        map.remember(second(30), second(50), 'd', 5);
        map.remember(second(30), second(60), 'e', 6);
        assert_eq!((map.get(second(31), &'c'), map.len(), map.is_full()), (None, 2, true));
        assert_eq!((map.remove(&'d'), map.remove(&'d')), (Some(5), None));
        assert_eq!(map.sweep(second(31)), [('c', 3)], "what made room");
    }
}
