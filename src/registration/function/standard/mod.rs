//! The procedures of 3GPP beside those of the patent: what a function does for its UEs with app servers (PC2, TS 29.343)
//! and with the functions of other networks (PC6, PC7, TS 29.345). TS 23.303 sections 5.2 to 5.5 tell their order.
//!
//! ```text
//! epuid.rs          a UE registers an application: PXR type 0          EPUIDs, durable
//! authorization.rs  may a user do here, may ours do there: PAR
//! proximity.rs      our UE asks for another: PXR type 1, PRR, PCR, ALR;   PLR comes
//! target.rs         another asks for ours: PRR, PCR, ALR come;            PLR
//! discovery.rs      open discovery: PDR types 0 and 1, PMR, PIR, both ways
//! restricted.rs     restricted discovery: PXR types 2 to 13, PDR types 2 to 8, XAR type 11
//! lasting.rs        what of all that outlives the process
//! ```
//! What another network asks is answered to its own function alone: identity and realm proven, and configured; or, with
//! `via`, to an agent between the networks that names it. `operate.rs` is how procedures are begun from outside.

mod authorization;
mod config;
mod discovery;
mod epuid;
mod expiring;
mod lasting;
pub mod location;
mod operate;
mod procedures;
mod proximity;
mod restricted;
mod target;
mod whereabouts;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Function, Waiting};
use crate::avp::Fault;
use crate::avp::dictionary::{UserIdentity, group};
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::{failure, report};
use crate::registration::features;
use crate::registration::identifiers::{Imsi, Msisdn, PlmnId};
use crate::registration::reply::{Asked, Outcome, bad_value, silence};
use crate::store::{ContextReader, Stored, UeState, WriteOutcome};

pub use config::{Network, StandardConfig};
pub use operate::{Estimate, NotRead, Octets, Wish};
pub use procedures::{News, Procedure};
pub use proximity::ProximityWish;
pub use restricted::{Model, Question};
pub use target::Trigger;

use expiring::Expiring;
use lasting::{Entry, Kept, key};
use procedures::Procedures;

/// What of the standard procedures is under way or good for a while.
#[derive(Debug)]
pub(in crate::registration::function) struct State {
    procedures: Procedures,
    /// EPUIDs offered to app servers that have not answered.
    offered: BTreeSet<epuid::Epuid>,
    proximity: proximity::State,
    target: target::State,
    discovery: discovery::State,
    restricted: restricted::State,
    authorization: authorization::State,
}

impl State {
    pub fn new(config: &StandardConfig) -> Self {
        let most = config.most_entries;
        Self {
            procedures: Procedures::default(),
            offered: BTreeSet::new(),
            proximity: proximity::State::new(most),
            target: target::State::new(most),
            discovery: discovery::State::new(most),
            restricted: restricted::State::new(most),
            authorization: authorization::State::new(most),
        }
    }
}

/// What waits for an answer or a write.
#[derive(Debug)]
pub(in crate::registration::function) enum Pause {
    Registration(epuid::Registration),
    /// The EPUID is being written, or the removal of one.
    Recorded(Option<epuid::Registration>),
    Map(proximity::Mapping),
    Asked(Box<proximity::Asking>),
    Alerted(proximity::Ended),
    Cancelled(proximity::Ended),
    /// PSR before PRA.
    Located(Box<target::Wish>),
    Updated(target::Key),
    /// PSR of its own.
    Whereabouts(Procedure, Imsi),
    Authorization(authorization::Asking),
    Announced(discovery::Announcing),
    Monitored(discovery::Monitoring),
    Matched(discovery::Matching),
    Question(restricted::Asking),
    AnnouncedRestricted(restricted::Announcing),
    TargetCode(restricted::Seeking),
    Permission(Box<restricted::Permission>),
    Banned(restricted::Ban),
    Queries(restricted::Queries),
    /// Entries are being written.
    Kept(Kept),
    /// Nothing depends on the answer.
    Told(&'static str, String),
}

/// Sends a request over PC6 or PC7.
macro_rules! to_network {
    ($function:expr, $network:expr, $pause:expr, $actions:expr, $command:ident { $($field:ident : $value:expr),* $(,)? }) => {{
        let session = $function.sessions.next();
        let token = $function
            .pending
            .insert(crate::registration::function::Waiting::Standard(Box::new($pause)));
        let request = crate::interfaces::pc6::$command {
            session_id: &session,
            vendor_specific_application_id: Some(crate::registration::exchange::vendor_specific(
                crate::interfaces::pc6::APPLICATION,
            )),
            auth_session_state: crate::registration::exchange::NO_STATE,
            origin_host: &$function.identity.host,
            origin_realm: &$function.identity.realm,
            destination_host: Some(&$network.host),
            destination_realm: &$network.realm,
            $($field: $value,)*
            ..Default::default()
        };
        crate::registration::exchange::send(
            crate::interfaces::pc6::APPLICATION,
            &request,
            token,
            $network.destination(),
            $actions,
        );
    }};
}
use to_network;

impl<R: ContextReader> Function<R> {
    /// The oldest news of a procedure that a call has begun; `None` while there is nothing new.
    pub fn news(&mut self, procedure: Procedure) -> Option<News> {
        self.standard.procedures.take(procedure)
    }

    /// A request of PC6 or PC7.
    pub(in crate::registration::function) fn network_request(
        &mut self,
        now: Now,
        asked: Asked,
        actions: &mut Vec<Action>,
    ) {
        if features::refused(&asked, &self.identity, actions) {
            return;
        }
        let Some(network) = self.proven_network(&asked).cloned() else {
            let sender = &asked.sender;
            let why = format!("{} of {} is no function of a network known here", sender.peer, sender.realm);
            failure(actions, "PC6", format!("refused: {why}"));
            return asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
        };
        let refused = match asked.header.code {
            8_388_668 => self.authorization_request(&asked, &network, actions),
            8_388_669 => self.discovery_request(now, &asked, &network, actions),
            8_388_670 => self.match_request(now, &asked, actions),
            8_388_671 => self.match_report_info(&asked, actions),
            8_388_672 => self.proximity_request(now, &asked, &network, actions),
            8_388_673 => self.location_update(now, &asked, &network, actions),
            8_388_674 => self.proximity_alert(now, &asked, &network, actions),
            8_388_675 => self.proximity_cancellation(now, &asked, &network, actions),
            _ => {
                asked.unknown(&self.identity, super::APPLICATIONS, actions);
                Ok(())
            }
        };
        if let Err(refusal) = refused {
            match refusal {
                Refusal::Faults(faults) => {
                    if let Some(fault) = faults.first() {
                        failure(actions, "PC6", format!("refused: {fault}"));
                    }
                    asked.refuse(&self.identity, &faults, actions);
                }
                Refusal::Because(outcome, why) => {
                    failure(actions, "PC6", format!("{} is refused: {why}; {outcome}", network.host));
                    asked.reply(&self.identity, outcome).because(&why).send(actions);
                }
            }
        }
    }

    /// The answer to a request of a standard procedure.
    pub(in crate::registration::function) fn standard_answer(
        &mut self,
        now: Now,
        pause: Pause,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        match pause {
            Pause::Registration(registration) => self.registration_answer(registration, result, actions),
            Pause::Recorded(_) | Pause::Kept(_) => {}
            Pause::Map(mapping) => self.mapped(now, mapping, result, actions),
            Pause::Asked(asking) => self.proximity_answer(now, *asking, result, actions),
            Pause::Alerted(ended) => self.alerted(&ended, result, actions),
            Pause::Cancelled(ended) => self.cancelled(&ended, result, actions),
            Pause::Located(wish) => self.target_located(now, *wish, result, actions),
            Pause::Whereabouts(procedure, imsi) => self.whereabouts((procedure, imsi), result, actions),
            Pause::Updated(key) => self.location_told(now, key, result, actions),
            Pause::Authorization(asking) => self.authorized(now, asking, result, actions),
            Pause::Announced(announcing) => self.announced(now, announcing, result, actions),
            Pause::Monitored(monitoring) => self.monitored(now, monitoring, result, actions),
            Pause::Matched(matching) => self.matched(now, matching, result, actions),
            Pause::Question(asking) => self.question_answer(now, asking, result, actions),
            Pause::AnnouncedRestricted(announcing) => self.announced_restricted(now, announcing, result, actions),
            Pause::TargetCode(seeking) => self.target_code(now, seeking, result, actions),
            Pause::Permission(permission) => self.permitted(now, *permission, result, actions),
            Pause::Banned(ban) => self.ban_answer(now, ban, result, actions),
            Pause::Queries(queries) => self.queries_allowed(now, queries, result, actions),
            Pause::Told(step, what) => super::subscription::told(step, &what, result, actions),
        }
    }

    /// A write of a standard procedure is durable, or failed.
    pub(in crate::registration::function) fn standard_stored(
        &mut self,
        now: Now,
        pause: Pause,
        result: Result<Vec<WriteOutcome>, String>,
        actions: &mut Vec<Action>,
    ) {
        match pause {
            Pause::Recorded(Some(registration)) => self.registration_stored(registration, result, actions),
            Pause::Kept(kept) => self.kept(now, kept, result, actions),
            _ => {}
        }
    }

    /// Forgets what has run out.
    pub(in crate::registration::function) fn standard_housekeeping(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.end_of_windows(now, actions);
        let elapsed = now.elapsed;
        let mut over = self.standard.target.sweep(elapsed);
        over.extend(self.standard.discovery.sweep(elapsed));
        over.extend(self.standard.restricted.sweep(elapsed));
        self.no_longer(over, actions);
        self.standard.authorization.sweep(elapsed);
        for ban in self.standard.restricted.bans_to_send_again(elapsed) {
            self.ban(now, ban, actions);
        }
    }

    /// A UE has gone from here: what it asked for is cancelled, what asks for it ends, its EPUID is free.
    pub(in crate::registration::function) fn standard_gone(&mut self, now: Now, imsi: Imsi, actions: &mut Vec<Action>) {
        self.end_proximity(now, imsi, "the UE has gone", actions);
        let mut over = self.standard.discovery.forget(imsi);
        over.extend(self.standard.restricted.forget(imsi));
        self.no_longer(over, actions);
        self.free_epuid(imsi, actions);
    }

    /// The subscription of a UE has changed: what it allows no longer ends.
    pub(in crate::registration::function) fn standard_changed(
        &mut self,
        now: Now,
        imsi: Imsi,
        permission: u32,
        actions: &mut Vec<Action>,
    ) {
        use crate::avp::dictionary::ProsePermission as Bit;
        if permission & Bit::EPC_LEVEL_PROSE_DISCOVERY == 0 {
            self.end_proximity(now, imsi, "the subscription allows it no longer", actions);
        }
        let mut over = Vec::new();
        if permission & Bit::PROSE_DIRECT_DISCOVERY == 0 {
            over.extend(self.standard.discovery.forget(imsi));
        }
        if permission & Bit::RESTRICTED_DIRECT_DISCOVERY == 0 {
            over.extend(self.standard.restricted.forget(imsi));
        }
        self.no_longer(over, actions);
    }

    /// The network whose function sent a request: identity and realm as configured, or an agent that may speak for it.
    fn proven_network(&self, asked: &Asked) -> Option<&Network> {
        let (sender, message) = (&asked.sender, &asked.message);
        let origin = crate::message::find::<crate::avp::dictionary::OriginHost>(super::super::reply::body(message));
        self.config.standard.networks.iter().find(|network| {
            let itself = same_host(&network.host, &sender.peer)
                && same_host(&network.realm, &sender.realm)
                && origin.is_none_or(|origin| same_host(origin, &sender.peer));
            let by_agent = || {
                network.via.iter().any(|agent| same_host(agent, &sender.peer))
                    && origin.is_some_and(|origin| same_host(origin, &network.host))
            };
            itself || by_agent()
        })
    }

    fn network_at(&self, host: &str) -> Option<&Network> {
        self.config.standard.networks.iter().find(|network| same_host(&network.host, host))
    }

    fn network_of(&self, plmn: PlmnId) -> Option<&Network> {
        self.config.standard.networks.iter().find(|network| network.plmn == plmn)
    }

    /// The context of a UE that is registered here and may use all of `services`, or why not.
    fn allowed_ue(&self, imsi: Imsi, services: u32) -> Result<Stored, String> {
        match self.reader.get(imsi) {
            Err(why) => Err(why.to_string()),
            Ok(Some(stored)) if stored.context.state == UeState::Registered => {
                match stored.context.subscription.permission & services == services {
                    true => Ok(stored),
                    false => Err(format!("the subscription of {imsi} does not allow it")),
                }
            }
            Ok(_) => Err(format!("{imsi} is not registered here")),
        }
    }

    /// What the operator and whoever called learn of a procedure.
    fn tell(
        &mut self,
        procedure: Procedure,
        step: &'static str,
        outcome: Result<String, String>,
        details: Vec<(&'static str, String)>,
        actions: &mut Vec<Action>,
    ) {
        let success = outcome.is_ok();
        let text = outcome.unwrap_or_else(|why| why);
        match success {
            true => report(actions, step, &text),
            false => failure(actions, step, &text),
        }
        self.standard.procedures.tell(procedure, News { success, over: true, text, details });
    }

    /// [`tell`](Self::tell) for a procedure that ended before anything was sent.
    fn refuse(&mut self, procedure: Procedure, step: &'static str, why: String, actions: &mut Vec<Action>) {
        self.tell(procedure, step, Err(why), Vec::new(), actions);
    }
}

/// Why a request of another network is refused.
enum Refusal {
    Faults(Vec<Fault>),
    Because(Outcome, String),
}

impl Refusal {
    fn because(code: u32, why: impl Into<String>) -> Self {
        Self::Because(Outcome::tgpp(code), why.into())
    }
}

impl From<Vec<Fault>> for Refusal {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Faults(faults)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

impl From<crate::store::StoreError> for Refusal {
    fn from(why: crate::store::StoreError) -> Self {
        // What is wrong with our disk is not for the other side to know; the operator reads it from the report.
        let _ = why;
        Self::Because(Outcome::UNABLE_TO_COMPLY, "the function could not look it up".to_owned())
    }
}

/// What an answer that is no success says, in words.
fn refusal(result: Result<&[u8], NoAnswer>) -> String {
    match result {
        Err(why) => silence(why).to_owned(),
        Ok(_) => Outcome::of_result(result).to_string(),
    }
}

/// A command out of an answer that says success, or why there is none.
fn read_answer<'a, C: Command<'a>>(result: Result<&'a [u8], NoAnswer>) -> Result<C, String> {
    match result {
        Ok(answer) if Outcome::of_result(result).is_success() => C::decode(answer)
            .map_err(|faults| faults.first().map_or_else(|| "it cannot be read".to_owned(), ToString::to_string)),
        _ => Err(refusal(result)),
    }
}

/// User-Identity: one of three, no more. TS 29.345 3.2 by way of TS 29.329 6.3.1.
fn user_of(message: &[u8], identity: &group::UserIdentity<'_>) -> Result<Box<[u8]>, Fault> {
    let one = match (identity.msisdn, identity.public_identity, identity.external_identifier) {
        (Some(number), None, None) => Some(number),
        (None, Some(name), None) | (None, None, Some(name)) => Some(name.as_bytes()),
        _ => None,
    };
    one.filter(|one| !one.is_empty() && one.len() <= 255)
        .map(Box::from)
        .ok_or_else(|| bad_value::<UserIdentity>(message, "one of Public-Identity, MSISDN and External-Identifier"))
}

/// User-Identity of a UE of ours: its telephone number, as the HSS gave it in PIA.
fn user_identity(number: &[u8]) -> group::UserIdentity<'_> {
    group::UserIdentity { msisdn: Some(number), ..Default::default() }
}

fn number_of(stored: &Stored) -> Result<Vec<u8>, String> {
    let context = &stored.context;
    let number: Option<Msisdn> = context.msisdn;
    number.map(|number| number.to_tbcd()).ok_or_else(|| format!("the HSS gave no MSISDN for {}", context.imsi))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Whether an answer says one of 3GPP's codes.
fn says(result: Result<&[u8], NoAnswer>, code: u32) -> bool {
    result.is_ok() && Outcome::of_result(result) == Outcome::tgpp(code)
}
