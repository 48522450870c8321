//! How long a node watches for the next message before it falls asleep.
//!
//! To be woken costs a core several times what a message does. While messages come thick it is cheaper to look out for the
//! next than to sleep, and it is there sooner; when they come seldom the node sleeps at once. So it does where others want
//! the core: who only watches then waits longest for it, and a core that is busy wakes at no cost.

use std::time::Duration;

/// What a wait counts at most: after one long wait a few short ones show that messages come thick again.
const LONGEST: Duration = Duration::from_millis(1);

/// Giving way for longer than this means that others want the core.
const CROWDED: Duration = Duration::from_micros(40);

/// Waits that pass after that before the node watches again.
const REST: u32 = 10_000;

/// Decides by how long the waits of late were.
#[derive(Debug)]
pub(super) struct Linger {
    /// Watched for at most, and the mean wait below which it is worth while.
    limit: Duration,
    /// Of the waits of late, each weighing seven eighths of the one after it.
    mean: Duration,
    /// Waits to come in which it does not watch.
    rest: u32,
}

impl Linger {
    /// One that watches for `limit` at most; zero: never.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit: limit.min(LONGEST / 2), mean: LONGEST, rest: 0 }
    }

    /// A wait has ended, `wait` after it began.
    pub(super) fn waited(&mut self, wait: Duration) {
        self.rest = self.rest.saturating_sub(1);
        self.mean = (self.mean * 7 + wait.min(LONGEST)) / 8;
    }

    /// Whoever else wants the core has had it, and gave it back after `span`: false when it is better to sleep.
    pub(super) fn gave_way(&mut self, span: Duration) -> bool {
        if span > CROWDED {
            self.rest = REST;
        }
        self.rest == 0
    }

    /// How long to watch before the next sleep.
    pub(super) fn span(&self) -> Duration {
        if self.mean < self.limit && self.rest == 0 { self.limit } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_micros(100);

    fn after(linger: &mut Linger, wait: Duration, times: usize) -> Duration {
        (0..times).for_each(|_| linger.waited(wait));
        linger.span()
    }

    #[test]
    fn it_watches_while_messages_come_thick_and_sleeps_when_they_do_not() {
        let mut linger = Linger::new(LIMIT);
        assert_eq!(linger.span(), Duration::ZERO);
        assert_eq!(after(&mut linger, LIMIT / 2, 24), LIMIT);
        assert_eq!(after(&mut linger, Duration::from_secs(5), 1), Duration::ZERO);
        assert_eq!(after(&mut linger, LIMIT / 2, 1), Duration::ZERO);
        assert_eq!(after(&mut linger, LIMIT / 2, 24), LIMIT);
        assert_eq!(after(&mut linger, LIMIT * 2, 24), Duration::ZERO);
    }

    #[test]
    fn it_sleeps_for_a_while_where_others_want_the_core() {
        let mut linger = Linger::new(LIMIT);
        after(&mut linger, LIMIT / 2, 24);
        assert!(linger.gave_way(CROWDED / 2));
        assert!(!linger.gave_way(CROWDED * 2));
        assert_eq!(after(&mut linger, LIMIT / 2, REST as usize - 1), Duration::ZERO);
        assert_eq!(after(&mut linger, LIMIT / 2, 1), LIMIT);
    }

    #[test]
    fn a_limit_of_zero_never_watches() {
        assert_eq!(after(&mut Linger::new(Duration::ZERO), Duration::ZERO, 1000), Duration::ZERO);
    }
}
