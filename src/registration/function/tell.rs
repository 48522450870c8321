//! Telling others until they have heard it: what leaves, what an answer or its absence means, and what is taken up again
//! after a restart. The lanes themselves are in `deliveries.rs`.

use std::time::Duration;

use super::deliveries::Parcel;
use super::lifecycle::{self, FAREWELLS};
use super::moving::{MOVES, RELEASES, move_key, parse_key, release_key};
use super::subscription::PURGES;
use super::{Function, Waiting};
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::{failure, report};
use crate::registration::reply::{Outcome, silence};
use crate::store::{ContextReader, Cursor, StoreError, Write};

/// What became of a message whose turn it was.
pub(super) enum Leaving {
    Sent,
    /// Nobody has to hear it any more.
    Over,
    /// Not now, and why.
    Later(String),
}

/// How far the store has been read for what an earlier run left untold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sweep {
    stage: usize,
    after: Option<String>,
}

const STAGES: [&str; 4] = [MOVES, RELEASES, FAREWELLS, PURGES];
/// What found no place is looked for again after so many doublings of the first interval.
const AGAIN: u32 = 5;
/// Marks read at a time.
const PAGE: usize = 256;
/// The time between two pages.
const PAUSE: Duration = Duration::from_millis(20);

impl<R: ContextReader> Function<R> {
    /// Tells a node something, now or when it is its turn.
    pub(super) fn deliver(&mut self, now: Now, parcel: Parcel, host: &str, actions: &mut Vec<Action>) {
        if self.deliveries.add(parcel, host) {
            self.pump(now, &host.to_ascii_lowercase(), actions);
        }
    }

    /// Sends what may leave for a node.
    pub(super) fn pump(&mut self, now: Now, host: &str, actions: &mut Vec<Action>) {
        while let Some(parcel) = self.deliveries.take(host) {
            let leaving = match &parcel {
                Parcel::Update { .. } => self.send_update(&parcel, actions),
                Parcel::Release { .. } => self.send_release(&parcel, actions),
                Parcel::Farewell { .. } => self.send_farewell(now, &parcel, actions),
                Parcel::Purge { .. } => self.send_purge(now, &parcel, actions),
            };
            match leaving {
                Leaving::Sent => {}
                Leaving::Over => self.over(&parcel, actions),
                Leaving::Later(why) => {
                    let attempt = self.deliveries.in_vain(&parcel);
                    self.later(now, &parcel, &why, attempt, actions);
                }
            }
        }
    }

    /// Nobody has to hear it any more: its mark goes.
    pub(super) fn over(&mut self, parcel: &Parcel, actions: &mut Vec<Action>) {
        self.deliveries.done(parcel);
        match parcel {
            // The mark of a move is that of all its app servers and goes with the last.
            Parcel::Update { .. } => {}
            Parcel::Release { imsi, id1 } => self.tidy(release_key(*imsi, *id1), actions),
            Parcel::Farewell { key } | Parcel::Purge { key } => self.tidy(key.to_string(), actions),
        }
    }

    pub(super) fn tidy(&mut self, key: String, actions: &mut Vec<Action>) {
        let token = self.pending.insert_patient(Waiting::Tidied);
        actions.push(Action::Store { token, writes: vec![Write::DeleteValue { key }] });
    }

    /// This message waits by itself; the others for the same node go on.
    pub(super) fn later(&mut self, now: Now, parcel: &Parcel, why: &str, attempt: u32, actions: &mut Vec<Action>) {
        let after = self.back_off(attempt);
        let host = self.deliveries.host(parcel).unwrap_or_default();
        self.deliveries.waits(parcel, now.elapsed + after, why);
        failure(actions, step(parcel), format!("{host}: {why}; try {} in {} s", attempt + 1, after.as_secs()));
        self.timer(Waiting::ParcelAgain(parcel.clone()), after, actions);
    }

    /// The answer to one of these messages, or the lack of it.
    pub(super) fn told(
        &mut self,
        now: Now,
        parcel: &Parcel,
        version: Cursor,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Some(host) = self.deliveries.host(parcel) else { return };
        let outcome = Outcome::of_result(result);
        match result {
            // A protocol error says that the message did not reach whom it was for. RFC 6733 section 7.1.3.
            Ok(answer) if !matches!(outcome, Outcome::Result(3000..=3999)) => {
                self.deliveries.answered(parcel);
                match parcel {
                    Parcel::Update { .. } => self.updated(now, parcel, outcome, actions),
                    Parcel::Release { .. } => self.released(now, parcel, version, answer, actions),
                    Parcel::Farewell { .. } => self.parted(now, parcel, outcome, actions),
                    Parcel::Purge { .. } => self.purged(now, parcel, outcome, actions),
                }
            }
            _ => {
                let why = result.err().map_or_else(|| outcome.to_string(), |why| silence(why).to_owned());
                if let Some(attempt) = self.deliveries.silent(parcel, &why) {
                    let after = self.back_off(attempt);
                    self.deliveries.lane_waits(parcel, now.elapsed + after);
                    let text = format!("{host}: {why}; try {} in {} s", attempt + 1, after.as_secs());
                    failure(actions, step(parcel), text);
                    self.timer(Waiting::Lane(host.clone()), after, actions);
                }
            }
        }
        self.pump(now, &host, actions);
        if self.deliveries.left_out && !self.sweeping && self.deliveries.has_much_room() {
            self.deliveries.left_out = false;
            self.sweeping = true;
            self.timer(Waiting::Sweep(Sweep::default()), self.back_off(AGAIN), actions);
        }
    }

    /// What an answer led to could not be recorded: the store, which still has its mark, is asked again after a while.
    pub(super) fn sweep_later(&mut self, actions: &mut Vec<Action>) {
        if !self.sweeping {
            self.sweeping = true;
            self.timer(Waiting::Sweep(Sweep::default()), self.back_off(1), actions);
        }
    }

    /// A node is tried again.
    pub(super) fn lane_again(&mut self, now: Now, host: &str, actions: &mut Vec<Action>) {
        self.deliveries.lane_wakes(host);
        self.pump(now, host, actions);
    }

    /// A message that waited by itself is tried again.
    pub(super) fn parcel_again(&mut self, now: Now, parcel: &Parcel, actions: &mut Vec<Action>) {
        if let Some(host) = self.deliveries.again(parcel) {
            self.pump(now, &host, actions);
        }
    }

    /// Takes up what an earlier run left untold, a page at a time.
    pub(super) fn sweep(&mut self, now: Now, mut sweep: Sweep, actions: &mut Vec<Action>) {
        self.sweeping = false;
        while let Some(prefix) = STAGES.get(sweep.stage) {
            if !self.deliveries.has_room() {
                // What has gone by then makes room for it.
                self.deliveries.left_out = true;
                return;
            }
            let page = match self.reader.values(prefix, sweep.after.as_deref(), PAGE) {
                Ok(page) => page,
                Err(why) => {
                    failure(actions, "F3-1", why.to_string());
                    self.sweeping = true;
                    return self.timer(Waiting::Sweep(sweep), self.back_off(4), actions);
                }
            };
            let full = page.len() == PAGE;
            sweep.after = page.last().map(|(key, _)| key.clone());
            for (key, value) in page {
                if let Err(why) = self.take_up(now, sweep.stage, &key, &value, actions) {
                    failure(actions, "F3-1", why.to_string());
                }
            }
            if full {
                self.sweeping = true;
                return self.timer(Waiting::Sweep(sweep), PAUSE, actions);
            }
            sweep = Sweep { stage: sweep.stage + 1, after: None };
        }
    }

    fn take_up(
        &mut self,
        now: Now,
        stage: usize,
        key: &str,
        value: &[u8],
        actions: &mut Vec<Action>,
    ) -> Result<(), StoreError> {
        let prefix = STAGES.get(stage).copied().unwrap_or_default();
        let Some((imsi, id1)) = parse_key(prefix, key) else {
            self.tidy(key.to_owned(), actions);
            return Ok(());
        };
        match prefix {
            MOVES => {
                let stored = self.reader.get(imsi)?;
                let unfinished = stored.is_some_and(|stored| {
                    stored.context.moved_from.is_some() && move_key(imsi, stored.context.id1.id1) == key
                });
                if unfinished {
                    report(actions, "F3-1", format!("move of {imsi} is taken up again"));
                    self.tell_app_servers(now, imsi, actions);
                } else {
                    self.tidy(key.to_owned(), actions);
                }
            }
            RELEASES => match std::str::from_utf8(value) {
                Ok(host) => self.deliver(now, Parcel::Release { imsi, id1 }, host, actions),
                Err(_) => self.tidy(key.to_owned(), actions),
            },
            PURGES => {
                let host = self.hss_lane();
                self.deliver(now, Parcel::Purge { key: key.into() }, &host, actions);
            }
            _ => match lifecycle::Farewell::from_value(value) {
                Some(farewell) => self.deliver(now, Parcel::Farewell { key: key.into() }, &farewell.host, actions),
                None => self.tidy(key.to_owned(), actions),
            },
        }
        Ok(())
    }
}

/// The requirement that a message belongs to.
fn step(parcel: &Parcel) -> &'static str {
    match parcel {
        Parcel::Update { .. } => "F3-1",
        Parcel::Release { .. } => "F-6",
        Parcel::Farewell { .. } => "farewell",
        Parcel::Purge { .. } => "PNR",
    }
}
