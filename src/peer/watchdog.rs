//! The watchdog of RFC 3539 section 3.4: is the peer alive, and may requests go to it?
//!
//! It stands above the state machine of a connection, because it outlives connections: a peer that was lost comes back
//! through REOPEN and must answer three watchdogs before requests go to it again.
//!
//! Two freedoms are taken. The timer of INITIAL and DOWN, which only serves to open a connection again, runs on Tc
//! (RFC 6733 section 2.1) instead of Tw, doubled by every attempt in vain up to a limit, and spread by an eighth either
//! way so that the peers of a node that restarts do not all come at once. And in REOPEN it runs on an interval of its own, so that a peer that restarted
//! is back after seconds instead of three times Tw.

use std::time::Duration;

use super::table::named;

/// How long the watchdog waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Tw: an idle peer is asked after this long. RFC 3539 forbids less than 6 s. Default 30 s.
    pub watchdog: Duration,
    /// Tc: a lost connection is tried again after this long, and every attempt in vain doubles it. Default 30 s.
    pub connect: Duration,
    /// What doubling ends at, and how long a peer that is BUSY is left alone. Default 120 s; not less than Tc.
    pub connect_limit: Duration,
    /// Between two watchdogs in REOPEN. Default 1 s.
    pub reopen: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            watchdog: Duration::from_secs(30),
            connect: Duration::from_secs(30),
            connect_limit: Duration::from_secs(120),
            reopen: Duration::from_secs(1),
        }
    }
}

named! {
    /// The watchdog's states.
    Status {
        /// There has been no connection yet.
        Initial = "INITIAL",
        /// The peer answers.
        Okay = "OKAY",
        /// The peer has not answered: no new requests.
        Suspect = "SUSPECT",
        /// The connection is lost.
        Down = "DOWN",
        /// Connected again, not yet trusted.
        Reopen = "REOPEN",
    }
}

named! {
    /// What happens to the watchdog.
    WatchdogEvent {
        /// The peer machine has reached an open state.
        ConnectionUp = "Connection up",
        /// The connection is gone.
        ConnectionDown = "Connection down",
        /// A DWA has come.
        Dwa = "DWA",
        /// Any other message has come.
        NonDwa = "non-DWA",
        /// The timer has run out.
        Timer = "Timer",
    }
}

named! {
    /// What the watchdog wants done.
    WatchdogStep {
        /// Open a connection.
        AttemptOpen = "AttemptOpen",
        /// Send DWR.
        SendWatchdog = "SendWatchdog",
        /// Start the timer anew; the watchdog has done it already.
        SetWatchdog = "SetWatchdog",
        /// Send what is pending by another way, with the T flag.
        Failover = "Failover",
        /// Requests may go to this peer again.
        Failback = "Failback",
        /// End the connection.
        CloseConnection = "CloseConnection",
        /// The message is no proof of life. It is delivered all the same: a peer that restarted is in OKAY at once, and
        /// its requests would be lost without anyone being told.
        Throwaway = "discard",
    }
}

/// The watchdog of one peer.
#[derive(Clone, Debug)]
pub struct Watchdog {
    intervals: Intervals,
    status: Status,
    pending: bool,
    /// Watchdogs answered in REOPEN; -1 after one was missed.
    num_dwa: i8,
    deadline: Duration,
    /// Attempts to connect since the peer was last trusted.
    attempts: u32,
    random: u64,
}

impl Watchdog {
    /// A watchdog in INITIAL whose timer runs out at once: the first connection is opened without waiting. Jitter follows
    /// from `seed`.
    #[must_use]
    pub fn new(intervals: Intervals, seed: u64, now: Duration) -> Self {
        let random = seed ^ 0x9e37_79b9_7f4a_7c15;
        Self { intervals, status: Status::Initial, pending: false, num_dwa: 0, deadline: now, attempts: 0, random }
    }

    /// The peer wants to be left alone: the next attempt to connect comes after the longest interval.
    pub fn defer(&mut self, now: Duration) {
        self.attempts = u32::MAX;
        if matches!(self.status, Status::Initial | Status::Down) {
            self.set(now);
        }
    }

    /// There is a reason to connect again: the next attempt comes after Tc at the latest, and intervals grow from there.
    pub fn encourage(&mut self, now: Duration) {
        self.attempts = 0;
        if matches!(self.status, Status::Initial | Status::Down) {
            let soon = now + self.interval();
            self.deadline = self.deadline.min(soon);
        }
    }

    /// How often connecting has been tried since the peer was last trusted.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Takes other intervals, from the next time a timer is set.
    pub const fn set_intervals(&mut self, intervals: Intervals) {
        self.intervals = intervals;
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// True when requests may go to the peer.
    #[must_use]
    pub const fn is_okay(&self) -> bool {
        matches!(self.status, Status::Okay)
    }

    /// True while a DWR is not answered.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.pending
    }

    /// When the timer runs out.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Takes an event at `now`; the steps are to be carried out in their order.
    pub fn handle(&mut self, event: WatchdogEvent, now: Duration) -> &'static [WatchdogStep] {
        use Status::{Down, Initial, Okay, Reopen, Suspect};
        use WatchdogEvent as E;
        use WatchdogStep::{AttemptOpen, CloseConnection, Failback, Failover, SendWatchdog, SetWatchdog, Throwaway};
        // A message that comes in often must not cost a random number each: the timer is set for every step that says so.
        let (steps, next): (&'static [WatchdogStep], Status) = match (self.status, event) {
            (Initial, E::ConnectionUp) => (&[SetWatchdog], Okay),
            (Initial, E::Timer) => {
                self.attempts = self.attempts.saturating_add(1);
                (&[AttemptOpen, SetWatchdog], Initial)
            }
            (Initial | Down, E::Dwa) => {
                self.pending = false;
                (&[Throwaway], self.status)
            }
            (Initial | Down, E::NonDwa) => (&[Throwaway], self.status),

            (Okay, E::Dwa) => {
                self.pending = false;
                (&[SetWatchdog], Okay)
            }
            (Okay, E::NonDwa) => (&[SetWatchdog], Okay),
            (Okay, E::Timer) if !self.pending => {
                self.pending = true;
                (&[SendWatchdog, SetWatchdog], Okay)
            }
            (Okay, E::Timer) => (&[Failover, SetWatchdog], Suspect),
            (Okay, E::ConnectionDown) => (&[CloseConnection, Failover, SetWatchdog], Down),

            (Suspect, E::Dwa) => {
                self.pending = false;
                (&[Failback, SetWatchdog], Okay)
            }
            (Suspect, E::NonDwa) => (&[Failback, SetWatchdog], Okay),
            (Suspect, E::Timer | E::ConnectionDown) => (&[CloseConnection, SetWatchdog], Down),

            (Down, E::Timer) => {
                self.attempts = self.attempts.saturating_add(1);
                (&[AttemptOpen, SetWatchdog], Down)
            }
            (Down, E::ConnectionUp) => {
                self.num_dwa = 0;
                self.pending = true;
                (&[SendWatchdog, SetWatchdog], Reopen)
            }

            (Reopen, E::Dwa) => {
                self.pending = false;
                let enough = self.num_dwa == 2;
                self.num_dwa += 1;
                if enough { (&[Failback], Okay) } else { (&[], Reopen) }
            }
            (Reopen, E::NonDwa) => (&[Throwaway], Reopen),
            (Reopen, E::Timer) if !self.pending => {
                self.pending = true;
                (&[SendWatchdog, SetWatchdog], Reopen)
            }
            (Reopen, E::Timer) if self.num_dwa >= 0 => {
                self.num_dwa = -1;
                (&[SetWatchdog], Reopen)
            }
            (Reopen, E::Timer | E::ConnectionDown) => (&[CloseConnection, SetWatchdog], Down),

            // A connection comes up only where there was none.
            (Okay | Suspect | Reopen, E::ConnectionUp) | (Initial | Down, E::ConnectionDown) => (&[], self.status),
        };
        if next == Okay && self.status != Okay {
            self.attempts = 0;
        }
        // What belonged to the lost connection is not pending on the next.
        if next == Down {
            self.pending = false;
        }
        self.status = next;
        if steps.contains(&SetWatchdog) {
            self.set(now);
        } else if steps.contains(&Failback) {
            // REOPEN's short interval ends with REOPEN.
            self.set(now);
        }
        steps
    }

    /// SetWatchdog: Tw with a jitter of two seconds either way, RFC 3539 section 3.4.1.
    fn set(&mut self, now: Duration) {
        self.deadline = now
            + match self.status {
                Status::Okay | Status::Suspect => {
                    let jitter = Duration::from_millis(self.random() % 4001);
                    (self.intervals.watchdog + jitter).saturating_sub(Duration::from_secs(2))
                }
                Status::Reopen => self.intervals.reopen,
                Status::Initial | Status::Down => self.interval(),
            };
    }

    /// Until the next attempt to connect: Tc doubled by every attempt but the first, an eighth more or less.
    fn interval(&mut self) -> Duration {
        let Intervals { connect, connect_limit, .. } = self.intervals;
        let doubled = connect.saturating_mul(1 << self.attempts.saturating_sub(1).min(16));
        let interval = doubled.min(connect_limit.max(connect));
        interval - interval / 8 + (interval / 4).mul_f64((self.random() % 1001) as f64 / 1000.0)
    }

    fn random(&mut self) -> u64 {
        // splitmix64: any seed will do, and the sequence never stands still.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WatchdogEvent as E;

    fn at(status: Status, pending: bool, num_dwa: i8) -> Watchdog {
        let mut watchdog = Watchdog::new(Intervals::default(), 7, Duration::ZERO);
        (watchdog.status, watchdog.pending, watchdog.num_dwa) = (status, pending, num_dwa);
        watchdog
    }

    /// One row: `status | event | actions | next`, the watchdog before, the event.
    fn row(quote: &str, mut watchdog: Watchdog, event: E) {
        let columns: Vec<_> = quote.split('|').map(str::trim).collect();
        let [before, named, actions, next] = columns[..] else { panic!("{quote}") };
        assert!(before.split(", ").any(|name| name == watchdog.status.name()), "{quote}");
        assert!(named.starts_with(event.name()) || named == "any message", "{quote}");
        let old = watchdog.clone();
        let done = watchdog.handle(event, Duration::from_secs(100));
        let (mut steps, mut pending, mut num_dwa) = (Vec::new(), old.pending, old.num_dwa);
        for action in actions.split(", ").filter(|action| !action.is_empty()) {
            match action {
                "Pending=true" => pending = true,
                "Pending=false" => pending = false,
                "NumDWA=0" => num_dwa = 0,
                "NumDWA=-1" => num_dwa = -1,
                "NumDWA+1" => num_dwa += 1,
                step => steps.push(step),
            }
        }
        let done: Vec<_> = done.iter().map(|step| step.name()).collect();
        assert_eq!(done, steps, "{quote}");
        let next = if next == "same" { old.status.name() } else { next };
        assert_eq!((watchdog.status.name(), watchdog.num_dwa), (next, num_dwa), "{quote}");
        if next != "DOWN" {
            assert_eq!(watchdog.pending, pending, "{quote}");
        }
    }

    #[test]
    fn every_row_of_rfc_3539_section_3_4() {
        use Status::{Down, Initial, Okay, Reopen, Suspect};
        row("INITIAL | Connection up | SetWatchdog | OKAY", at(Initial, false, 0), E::ConnectionUp);
        row("INITIAL | Timer | AttemptOpen, SetWatchdog | INITIAL", at(Initial, false, 0), E::Timer);
        row("INITIAL, DOWN | any message | discard | same", at(Initial, false, 0), E::NonDwa);
        row("INITIAL, DOWN | any message | discard | same", at(Down, false, 0), E::NonDwa);
        row("INITIAL, DOWN | DWA | discard, Pending=false | same", at(Down, true, 0), E::Dwa);
        row("OKAY | DWA | Pending=false, SetWatchdog | OKAY", at(Okay, true, 0), E::Dwa);
        row("OKAY | non-DWA | SetWatchdog | OKAY", at(Okay, true, 0), E::NonDwa);
        row("OKAY | Timer, not Pending | SendWatchdog, SetWatchdog, Pending=true | OKAY", at(Okay, false, 0), E::Timer);
        row("OKAY | Timer, Pending | Failover, SetWatchdog | SUSPECT", at(Okay, true, 0), E::Timer);
        row(
            "OKAY | Connection down | CloseConnection, Failover, SetWatchdog | DOWN",
            at(Okay, false, 0),
            E::ConnectionDown,
        );
        row("SUSPECT | DWA | Pending=false, Failback, SetWatchdog | OKAY", at(Suspect, true, 0), E::Dwa);
        row("SUSPECT | non-DWA | Failback, SetWatchdog | OKAY", at(Suspect, true, 0), E::NonDwa);
        row("SUSPECT | Timer | CloseConnection, SetWatchdog | DOWN", at(Suspect, true, 0), E::Timer);
        row("SUSPECT | Connection down | CloseConnection, SetWatchdog | DOWN", at(Suspect, true, 0), E::ConnectionDown);
        row("DOWN | Timer | AttemptOpen, SetWatchdog | DOWN", at(Down, false, 0), E::Timer);
        row(
            "DOWN | Connection up | NumDWA=0, SendWatchdog, SetWatchdog, Pending=true | REOPEN",
            at(Down, false, 3),
            E::ConnectionUp,
        );
        row("REOPEN | DWA, NumDWA<2 | Pending=false, NumDWA+1 | REOPEN", at(Reopen, true, 1), E::Dwa);
        row("REOPEN | DWA, NumDWA=2 | Pending=false, NumDWA+1, Failback | OKAY", at(Reopen, true, 2), E::Dwa);
        row("REOPEN | non-DWA | discard | REOPEN", at(Reopen, true, 0), E::NonDwa);
        row(
            "REOPEN | Timer, not Pending | SendWatchdog, SetWatchdog, Pending=true | REOPEN",
            at(Reopen, false, 1),
            E::Timer,
        );
        row("REOPEN | Timer, Pending, NumDWA>=0 | NumDWA=-1, SetWatchdog | REOPEN", at(Reopen, true, 1), E::Timer);
        row("REOPEN | Timer, Pending, NumDWA<0 | CloseConnection, SetWatchdog | DOWN", at(Reopen, true, -1), E::Timer);
        row("REOPEN | Connection down | CloseConnection, SetWatchdog | DOWN", at(Reopen, true, 0), E::ConnectionDown);
    }

    #[test]
    fn jitter_stays_within_two_seconds_and_follows_from_the_seed() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..200 {
            let mut one = Watchdog::new(Intervals::default(), seed, Duration::ZERO);
            let mut other = one.clone();
            one.handle(E::ConnectionUp, Duration::ZERO);
            other.handle(E::ConnectionUp, Duration::ZERO);
            assert_eq!(one.deadline(), other.deadline());
            assert!((28_000..=32_000).contains(&one.deadline().as_millis()), "{:?}", one.deadline());
            seen.insert(one.deadline());
        }
        assert!(seen.len() > 100);
    }

    /// The intervals between attempts that are all in vain, in milliseconds.
    fn attempts_in_vain(watchdog: &mut Watchdog, count: usize) -> Vec<u128> {
        let mut now = watchdog.deadline();
        let mut next = || {
            watchdog.handle(E::Timer, now);
            let interval = watchdog.deadline() - now;
            now = watchdog.deadline();
            interval.as_millis()
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn attempts_in_vain_come_ever_more_seldom_up_to_the_limit() {
        for seed in 0..100 {
            let mut watchdog = Watchdog::new(Intervals::default(), seed, Duration::ZERO);
            let intervals = attempts_in_vain(&mut watchdog, 6);
            for (interval, about) in intervals.iter().zip([30_000, 60_000, 120_000, 120_000, 120_000, 120_000]) {
                assert!((about * 7 / 8..=about * 9 / 8).contains(interval), "{intervals:?}");
            }
            let mut again = Watchdog::new(Intervals::default(), seed, Duration::ZERO);
            assert_eq!(attempts_in_vain(&mut again, 6), intervals, "all follows from the seed");
        }
    }

    #[test]
    fn a_peer_that_is_trusted_again_is_tried_after_tc() {
        let mut watchdog = at(Status::Down, false, 0);
        attempts_in_vain(&mut watchdog, 6);
        let now = watchdog.deadline();
        watchdog.handle(E::ConnectionUp, now);
        watchdog.handle(E::ConnectionDown, now);
        assert!(watchdog.deadline() - now > Duration::from_secs(100), "it was not trusted: {watchdog:?}");
        watchdog.handle(E::ConnectionUp, now);
        for _ in 0..3 {
            watchdog.handle(E::Dwa, now);
        }
        assert_eq!((watchdog.status(), watchdog.attempts()), (Status::Okay, 0));
        watchdog.handle(E::ConnectionDown, now);
        assert!(watchdog.deadline() - now < Duration::from_secs(34));
    }

    #[test]
    fn a_busy_peer_is_left_alone_and_traffic_brings_it_back() {
        let mut watchdog = at(Status::Down, false, 0);
        let now = Duration::from_secs(1000);
        watchdog.defer(now);
        assert!(watchdog.deadline() - now > Duration::from_secs(100));
        watchdog.encourage(now);
        assert!(watchdog.deadline() - now < Duration::from_secs(34));
    }
}
