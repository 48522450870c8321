//! How a UE ends here: it says so itself, the operator says so, or its time is over. And what its app servers hear.
//!
//! ```text
//! message 5 with PDUID-Validity-Time 0 ─┐
//! operator: deregister, revoke ─────────┼─► write: context away, a farewell for each binding ─► answer, PNR to the HSS
//! ID1 never renewed ────────────────────┘                        │
//!                                        PXR {Context-Move DEREGISTERED, ID1, ID2} to each app server until it answers
//! ```
//! No standard lets a function tell an app server that a UE has gone; the farewell is a PXR of type 0 with the marker that
//! also makes U1 of one. An app server that does not know the marker answers with an error, which ends the matter too.

use serde::{Deserialize, Serialize};

use super::deliveries::Parcel;
use super::moving::PxrUser;
use super::tell::Leaving;
use super::{After, Function, Job, Step, Stop, Waiting, seconds};
use crate::avp::dictionary::{ContextMove, Pduid as PduidAvp, ProseFunctionAddress, write_avp};
use crate::registration::element::{Action, NoReply, Now, Report};
use crate::registration::exchange::{address_avps, failure, report};
use crate::registration::identifiers::{Imsi, Pduid};
use crate::registration::reply::{Asked, Outcome};
use crate::store::{Binding, Condition, ContextReader, Cursor, Stored, UeState, Write};

/// Key prefix of the farewells that app servers have yet to hear.
pub(super) const FAREWELLS: &str = "farewell/";

/// Why a UE ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It says so.
    Left,
    /// The operator says so.
    Deregistered,
    /// The operator no longer trusts its ID1.
    Revoked,
    /// Nobody renewed its ID1.
    Expired,
    /// The HSS has removed its subscription.
    Removed,
}

impl Cause {
    const fn words(self) -> &'static str {
        match self {
            Self::Left => "it has left",
            Self::Deregistered => "the operator has deregistered it",
            Self::Revoked => "the operator has revoked its ID1",
            Self::Expired => "its ID1 was not renewed",
            Self::Removed => "the HSS has removed it",
        }
    }

    /// Whether the HSS has to hear that the UE has gone. After a revocation it is expected back; a removal is the HSS's own.
    const fn purges(self) -> bool {
        !matches!(self, Self::Revoked | Self::Removed)
    }
}

/// What an app server has yet to hear, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Farewell {
    pub id1: String,
    pub host: String,
    pub realm: String,
    pub application: String,
    pub id2: String,
    /// When nobody tries any longer, Unix seconds.
    pub until: u64,
}

impl Farewell {
    pub fn from_value(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

/// The key of a farewell in the store, and the host of its app server.
pub(super) type KeyAndHost = (Box<str>, Box<str>);

/// For how long an app server is told of a farewell, in seconds.
const FAREWELL_HOLD: u64 = 24 * 3600;

impl<R: ContextReader> Function<R> {
    /// The write of a farewell to the app server of a binding, and what follows it.
    pub(super) fn farewell(&self, now: Now, imsi: Imsi, id1: Pduid, binding: &Binding) -> (Write, KeyAndHost) {
        let key = format!("{FAREWELLS}{:016x}/{id1}/{}/{}", imsi.packed(), binding.application, binding.id2);
        let farewell = Farewell {
            id1: id1.to_string(),
            host: binding.app_server_host.to_string(),
            realm: binding.app_server_realm.to_string(),
            application: binding.application.to_string(),
            id2: binding.id2.as_str().to_owned(),
            until: seconds(now).plus(FAREWELL_HOLD).0,
        };
        let value = serde_json::to_vec(&farewell).unwrap_or_default();
        let write = Write::PutValue { key: key.clone(), value, expected: None };
        (write, (key.into(), binding.app_server_host.clone()))
    }

    /// Takes a UE away: its context goes, and its app servers are to hear so. `success` leaves once that is durable.
    pub(super) fn part(&self, now: Now, stored: &Stored, cause: Cause, success: Option<Action>) -> Step {
        let context = &stored.context;
        let imsi = context.imsi;
        let mut writes = vec![Write::Delete { imsi, condition: Condition::Version(stored.version) }];
        let mut farewells = Vec::with_capacity(context.bindings.len());
        for binding in &context.bindings {
            let (write, told) = self.farewell(now, imsi, context.id1.id1, binding);
            writes.push(write);
            farewells.push(told);
        }
        let purge = cause.purges().then(|| self.purge_mark(now, imsi, context.id1.id1));
        let purge = purge.map(|(mark, key)| {
            writes.push(mark);
            key
        });
        let text = format!("{imsi} is forgotten: {}; {} bindings end", cause.words(), context.bindings.len());
        let step = if cause == Cause::Expired { "expiry" } else { "deregistration" };
        let mut held = vec![Action::Report(Report { step, text, failure: false })];
        held.extend(success);
        Step::Write { writes, held, after: After::Parted { imsi, gone: true, purge, farewells } }
    }

    /// The UE of an operator's or a UE's own request goes.
    pub(super) fn depart(
        &self,
        now: Now,
        imsi: Imsi,
        cause: Cause,
        asked: Option<&Asked>,
        actions: &mut Vec<Action>,
    ) -> Result<Step, Stop> {
        let success = asked.map(|asked| asked.reply(&self.identity, Outcome::SUCCESS).action());
        let stored = self.reader.get(imsi)?;
        match stored.as_ref().map(|stored| &stored.context.state) {
            Some(UeState::Registered) => {}
            // Only the function that has it may let it go.
            Some(UeState::Moving { to, .. } | UeState::Moved { to, .. }) => {
                failure(actions, "deregistration", format!("{imsi} is at {to}"));
                if let Some(asked) = asked {
                    self.moved_on(asked, to, actions);
                }
                return Ok(Step::Over);
            }
            // It has gone already: once more changes nothing.
            None => {
                actions.extend(success);
                return Ok(Step::Over);
            }
        }
        let Some(stored) = stored else { return Ok(Step::Over) };
        Ok(self.part(now, &stored, cause, success))
    }

    /// Bindings or the context are gone, durably: who has to know is told.
    pub(super) fn tell_of_parting(
        &mut self,
        now: Now,
        purge: Option<Box<str>>,
        farewells: Vec<KeyAndHost>,
        actions: &mut Vec<Action>,
    ) {
        for (key, host) in farewells {
            self.deliver(now, Parcel::Farewell { key }, &host, actions);
        }
        if let Some(key) = purge {
            let host = self.hss_lane();
            self.deliver(now, Parcel::Purge { key }, &host, actions);
        }
    }

    /// PXR: the UE has gone, unless the user has come back to it meanwhile.
    pub(super) fn send_farewell(&mut self, now: Now, parcel: &Parcel, actions: &mut Vec<Action>) -> Leaving {
        let Parcel::Farewell { key } = parcel else { return Leaving::Over };
        let value = match self.reader.value(key) {
            Ok(value) => value,
            Err(why) => return Leaving::Later(why.to_string()),
        };
        let Some(farewell) = value.and_then(|value| Farewell::from_value(&value)) else { return Leaving::Over };
        let Ok(id1) = farewell.id1.parse::<Pduid>() else { return Leaving::Over };
        if farewell.until <= seconds(now).0 {
            failure(actions, "farewell", format!("{} never heard that ID1 {id1} has gone", farewell.host));
            return Leaving::Over;
        }
        // A write that was refused may have left it behind, or the user has come back.
        let bound = match self.reader.get_by_id1(id1) {
            Ok(stored) => stored.is_some_and(|stored| {
                stored.context.binding(&farewell.application).is_some_and(|binding| {
                    binding.id2.as_str() == farewell.id2 && *binding.app_server_host == *farewell.host
                })
            }),
            Err(why) => return Leaving::Later(why.to_string()),
        };
        if bound {
            return Leaving::Over;
        }
        let (name, address) = address_avps(&self.address);
        let mut own = Vec::with_capacity(96);
        write_avp::<ContextMove>(&ContextMove::DEREGISTERED, &mut own);
        write_avp::<PduidAvp>(&id1.to_octets().as_slice(), &mut own);
        if let Some(address) = address {
            write_avp::<ProseFunctionAddress>(&address, &mut own);
        }
        let Farewell { host, realm, application, id2, .. } = &farewell;
        report(actions, "farewell", format!("{host} is told: ID2 {id2} has no UE with ID1 {id1} any more"));
        let token = self.pending.insert_patient(Waiting::Parcel(parcel.clone(), Cursor::START));
        let session = self.sessions.next();
        self.send_pxr(token, &session, &PxrUser { host, realm, application, id2 }, name, &own, actions);
        Leaving::Sent
    }

    /// The app server has answered a farewell. What it does not know or does not want to know it need not be told again.
    pub(super) fn parted(&mut self, now: Now, parcel: &Parcel, outcome: Outcome, actions: &mut Vec<Action>) {
        let host = self.deliveries.host(parcel).unwrap_or_default();
        if outcome.is_transient() {
            let attempt = self.deliveries.in_vain(parcel);
            return self.later(now, parcel, &outcome.to_string(), attempt, actions);
        }
        if outcome.is_success() {
            report(actions, "farewell", format!("{host} has taken leave"));
        } else {
            failure(actions, "farewell", format!("{host} answers {outcome}: it is not told again"));
        }
        self.over(parcel, actions);
    }

    /// Deregisters a UE, or takes its ID1 from it. `who` is an IMSI or an ID1.
    ///
    /// # Errors
    /// There is no such UE, or it is elsewhere.
    pub(super) fn end(
        &mut self,
        now: Now,
        who: &str,
        cause: Cause,
        actions: &mut Vec<Action>,
    ) -> Result<serde_json::Value, NoReply> {
        let stored = self.find(who)?;
        let context = &stored.context;
        if let UeState::Moving { to, .. } | UeState::Moved { to, .. } = &context.state {
            return Err(NoReply::Elsewhere(to.to_string()));
        }
        let answer = serde_json::json!({
            "imsi": context.imsi.to_string(),
            "id1": context.id1.id1.to_string(),
            "farewells": context.bindings.len(),
        });
        self.run(now, Job::Depart { imsi: context.imsi, cause, asked: None }, 0, actions);
        Ok(answer)
    }

    /// The UE with this IMSI or ID1.
    pub(super) fn find(&self, who: &str) -> Result<Stored, NoReply> {
        let stored = if who.len() == 2 * Pduid::LENGTH {
            self.reader.get_by_id1(who.parse().map_err(|_| NoReply::NoUe)?)
        } else {
            self.reader.get(who.parse().map_err(|_| NoReply::NoUe)?)
        };
        stored.map_err(|why| NoReply::Store(why.to_string()))?.ok_or(NoReply::Unknown)
    }
}
