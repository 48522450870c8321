//! What of the standard procedures outlives the process: whatever another network, an app server or a UE was told that holds.
//!
//! ```text
//! lasting/KIND/...  ─►  [until, entry] in JSON     written before the answer or the news leaves
//!                                                  removed with what ends it, or once it has run out
//! start             ─►  all of them are taken up again; of bans that nobody has confirmed PDR type 7 is sent again
//! ```
//! `until` is Unix seconds, since the clock of the node begins anew with every start. What is learnt and not promised (where
//! UEs are, in which network a code of others is announced, which requests have ended of late) is in memory alone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::epuid::Epuid;
use super::restricted::Ban;
use super::target::Trigger;
use super::{Function, Pause, Procedure, Waiting, hex, proximity, target};
use crate::registration::element::{Action, Now};
use crate::registration::exchange::failure;
use crate::registration::identifiers::Imsi;
use crate::registration::reply::{Asked, Outcome};
use crate::store::{ContextReader, Stored, UeState, Write, WriteOutcome};

/// Key prefix of all of them.
const LASTING: &str = "lasting/";
/// Entries read at a time.
const PAGE: usize = 256;

/// Degrees north and east.
pub(super) type Degrees = (f64, f64);

/// What holds. IMSIs are packed, codes and PDUIDs hexadecimal, hosts in small letters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::registration::function) enum Entry {
    /// A UE of ours waits for another to come near.
    Proximity {
        procedure: u64,
        imsi: u64,
        epuid: u32,
        aluid: String,
        application: String,
        target: String,
        /// Absent: the target is ours as well.
        host: Option<String>,
        target_epuid: String,
        window: u32,
        range: f64,
        ours: Option<Degrees>,
        theirs: Option<Degrees>,
    },
    /// Another network waits for a UE of ours.
    Target { epuid: u32, host: String, requesting: String, trigger: Option<Trigger>, reports: u32 },
    /// A UE of ours announces.
    Code { code: String, application: String, imsi: u64, roams: Option<String>, metadata: Option<String> },
    /// A UE of another network announces in ours.
    GuestCode { host: String, code: String, application: String },
    /// A user of ours may be discovered.
    Restricted { rpauid: String, code: String, pduid: String, imsi: u64, application: String },
    /// One of another network, in ours.
    RestrictedGuest { host: String, code: String },
    /// Who was given a code of ours.
    Monitor { code: String, host: String, rpauid: String },
    /// A user of ours who was given a code.
    Monitored { code: String, rpauid: String, imsi: u64 },
    /// A monitor that another network has still to end.
    Ban {
        entry: u32,
        code: String,
        application: String,
        requesting: String,
        banned: String,
        pduid: String,
        host: String,
    },
}

impl Entry {
    /// Whether the number of reports matters.
    pub(super) const fn counts(&self) -> bool {
        matches!(self, Self::Target { trigger: Some(_), .. })
    }
}

/// What follows once entries are durable.
#[derive(Debug)]
pub(in crate::registration::function) enum Kept {
    /// Nothing.
    Nothing,
    /// What was held back, the answer above all; without the write the request is refused.
    Answer(Asked, Vec<Action>),
    /// News of a procedure; without the write it has failed.
    News(Procedure, &'static str, String, Vec<(&'static str, String)>),
    /// A proximity request runs.
    Running(proximity::Key, String, Vec<(&'static str, String)>),
    /// Monitors end; the answer to XAR.
    Bans(Asked, Vec<Action>, Vec<Ban>),
}

/// The keys of entries, by what they are known by in memory.
pub(super) mod key {
    use super::{Epuid, LASTING, hex, proximity, target};

    pub fn proximity((host, target, epuid): &proximity::Key) -> String {
        // Neither a host nor an EPUID of ours has a slash.
        format!("{LASTING}proximity/{host}/{epuid}/{target}")
    }

    pub fn target((epuid, host, requesting): &target::Key) -> String {
        format!("{LASTING}target/{epuid}/{host}/{requesting}")
    }

    pub fn code(code: &[u8]) -> String {
        format!("{LASTING}code/{}", hex(code))
    }

    pub fn guest_code(host: &str, code: &[u8]) -> String {
        format!("{LASTING}guest-code/{host}/{}", hex(code))
    }

    pub fn restricted(rpauid: &str) -> String {
        format!("{LASTING}restricted/{rpauid}")
    }

    pub fn restricted_guest(host: &str, code: &[u8]) -> String {
        format!("{LASTING}restricted-guest/{host}/{}", hex(code))
    }

    pub fn monitor(code: &[u8], host: &str, rpauid: &str) -> String {
        format!("{LASTING}monitor/{}/{host}/{rpauid}", hex(code))
    }

    pub fn monitored(code: &[u8], rpauid: &str) -> String {
        format!("{LASTING}monitored/{}/{rpauid}", hex(code))
    }

    pub fn ban(entry: u32) -> String {
        format!("{LASTING}ban/{entry}")
    }

    pub(super) fn of(entry: &super::Entry) -> String {
        use super::Entry as E;
        let octets = super::octets;
        match entry {
            E::Proximity { host, target_epuid, epuid, .. } => {
                let host = host.as_deref().unwrap_or_default();
                proximity(&(host.into(), target_epuid.as_str().into(), Epuid(*epuid)))
            }
            E::Target { epuid, host, requesting, .. } => {
                target(&(Epuid(*epuid), host.as_str().into(), requesting.as_str().into()))
            }
            E::Code { code: it, .. } => code(&octets(it)),
            E::GuestCode { host, code, .. } => guest_code(host, &octets(code)),
            E::Restricted { rpauid, .. } => restricted(rpauid),
            E::RestrictedGuest { host, code } => restricted_guest(host, &octets(code)),
            E::Monitor { code, host, rpauid } => monitor(&octets(code), host, rpauid),
            E::Monitored { code, rpauid, .. } => monitored(&octets(code), rpauid),
            E::Ban { entry, .. } => ban(*entry),
        }
    }
}

/// What stands in hexadecimal digits; none when it does not.
pub(super) fn octets(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap_or_default()
}

impl<R: ContextReader> Function<R> {
    /// Makes entries durable that hold until a moment of the node's clock, and removes others; then `kept` follows.
    pub(super) fn keep(
        &mut self,
        now: Now,
        entries: Vec<(Duration, Entry)>,
        gone: Vec<String>,
        kept: Kept,
        actions: &mut Vec<Action>,
    ) {
        let puts = entries.into_iter().map(|(until, entry)| {
            let until = (now.unix + until.saturating_sub(now.elapsed)).as_secs().saturating_add(1);
            let value = serde_json::to_vec(&(until, &entry)).unwrap_or_default();
            Write::PutValue { key: key::of(&entry), value, expected: None }
        });
        let writes: Vec<Write> = puts.chain(gone.into_iter().map(|key| Write::DeleteValue { key })).collect();
        if writes.is_empty() {
            return self.kept(now, kept, Ok(Vec::new()), actions);
        }
        let token = self.pending.insert(Waiting::Standard(Box::new(Pause::Kept(kept))));
        actions.push(Action::Store { token, writes });
    }

    /// What has ended is in the store no longer.
    pub(super) fn no_longer(&mut self, keys: Vec<String>, actions: &mut Vec<Action>) {
        if !keys.is_empty() {
            let token = self.pending.insert_patient(Waiting::Tidied);
            let writes = keys.into_iter().map(|key| Write::DeleteValue { key }).collect();
            actions.push(Action::Store { token, writes });
        }
    }

    /// The entries are durable, or could not be written.
    pub(super) fn kept(
        &mut self,
        now: Now,
        kept: Kept,
        result: Result<Vec<WriteOutcome>, String>,
        actions: &mut Vec<Action>,
    ) {
        let done = |outcome: &WriteOutcome| outcome.is_done() || *outcome == WriteOutcome::Absent;
        let failed = match result {
            Ok(outcomes) if outcomes.iter().all(done) => None,
            Ok(_) => Some("the store did not do the write".to_owned()),
            Err(why) => Some(why),
        };
        match (kept, failed) {
            (Kept::Nothing, None) => {}
            (Kept::Nothing, Some(why)) => failure(actions, "PC6", format!("nothing was recorded: {why}")),
            (Kept::Answer(_, held), None) => actions.extend(held),
            (Kept::Answer(asked, held) | Kept::Bans(asked, held, _), Some(why)) => {
                // What would have been sent is not, so nobody answers it.
                for action in &held {
                    if let Action::Send { token, .. } = action {
                        self.pending.take(*token);
                    }
                }
                failure(actions, "PC6", format!("nothing was recorded: {why}"));
                let reply = asked.reply(&self.identity, Outcome::UNABLE_TO_COMPLY);
                reply.because("the function could not record it").send(actions);
            }
            (Kept::News(procedure, step, text, details), None) => {
                self.tell(procedure, step, Ok(text), details, actions);
            }
            (Kept::News(procedure, step, ..), Some(why)) => {
                self.refuse(procedure, step, format!("it could not be recorded: {why}"), actions);
            }
            (Kept::Running(key, text, details), None) => self.proximity_runs(now, &key, text, details, actions),
            (Kept::Running(key, ..), Some(why)) => {
                self.cancel(now, &key, &format!("it could not be recorded: {why}"), actions);
            }
            (Kept::Bans(_, held, bans), None) => {
                actions.extend(held);
                for ban in bans {
                    self.ban(now, ban, actions);
                }
            }
        }
    }

    fn is_here(&self, imsi: u64) -> bool {
        let Some(imsi) = Imsi::from_packed(imsi) else { return false };
        // Of a store that cannot be read nothing is forgotten.
        let gone = |stored: &Stored| matches!(stored.context.state, UeState::Moved { .. });
        self.reader.get(imsi).map_or(true, |stored| stored.is_some_and(|stored| !gone(&stored)))
    }

    /// Takes up what an earlier run has left.
    pub(in crate::registration::function) fn resume_standard(&mut self, now: Now, actions: &mut Vec<Action>) {
        let mut after: Option<String> = None;
        loop {
            let page = match self.reader.values(LASTING, after.as_deref(), PAGE) {
                Ok(page) => page,
                Err(why) => return failure(actions, "PC6", why.to_string()),
            };
            let mut over = Vec::new();
            for (key, value) in &page {
                match serde_json::from_slice::<(u64, Entry)>(value) {
                    Ok((until, entry)) => {
                        let left = Duration::from_secs(until).saturating_sub(now.unix);
                        if left.is_zero() || !self.resume(now, now.elapsed + left, entry) {
                            over.push(key.clone());
                        }
                    }
                    // Of a version to come, perhaps: it stays.
                    Err(why) => failure(actions, "PC6", format!("an entry of the store is not taken up: {why}")),
                }
            }
            self.no_longer(over, actions);
            match page.into_iter().next_back() {
                Some((last, _)) => after = Some(last),
                None => return,
            }
        }
    }

    /// Whether the entry still means something here.
    fn resume(&mut self, now: Now, until: Duration, entry: Entry) -> bool {
        // The UE may have gone in the moment before the process did.
        let is_here = match &entry {
            Entry::Proximity { imsi, .. }
            | Entry::Code { imsi, .. }
            | Entry::Restricted { imsi, .. }
            | Entry::Monitored { imsi, .. } => self.is_here(*imsi),
            Entry::Target { epuid, .. } => self.ue_of(&Epuid(*epuid).to_string()).map_or(true, |found| found.is_some()),
            _ => true,
        };
        if !is_here {
            return false;
        }
        match entry {
            Entry::Proximity { .. } => self.resume_proximity(now, until, entry),
            Entry::Target { .. } => self.resume_target(now, until, entry),
            Entry::Code { .. } | Entry::GuestCode { .. } => {
                self.standard.discovery.resume(now.elapsed, until, entry).is_some()
            }
            Entry::Ban { entry: number, .. } => {
                self.standard.discovery.no_entry_up_to(number);
                self.standard.restricted.resume(now.elapsed, until, entry).is_some()
            }
            _ => self.standard.restricted.resume(now.elapsed, until, entry).is_some(),
        }
    }
}
