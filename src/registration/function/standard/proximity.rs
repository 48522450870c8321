//! A UE of ours wants to know when another comes near: the asking side. TS 23.303 5.5.5 to 5.5.9, TS 29.345 5.6 to 5.9.
//!
//! ```text
//! call ─► PXR type 1 ─► whose function? ─┬─ another network's ─► PRR ─► PRA ─┐
//!                                        └─ this one ────────────────────────┴─► runs until its window ends
//! PLR from there, locations from here ─► near? ─► ALR, over       call ─► PCR, over       the UE goes ─► PCR, over
//! ```
//! A request is kept until the alert, the cancellation or the end of its window, also by a restart, and never more than
//! `most_entries` of them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::epuid::Epuid;
use super::location::Point;
use super::target::Trigger;
use super::{
    Entry, Expiring, Function, Kept, Network, News, Pause, Procedure, Refusal, Waiting, hex, key, read_answer, refusal,
    to_network,
};
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{LocationEstimate, ProsePermission, ProseRequestType, PrrFlags};
use crate::interfaces::{pc2, pc6};
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::{NO_STATE, failure, report, send};
use crate::registration::identifiers::Imsi;
use crate::registration::reply::{Asked, Outcome, bad_value};
use crate::store::ContextReader;

/// What a UE asks for. TS 23.303 5.5.5 step 1.
#[derive(Clone, Debug)]
pub struct ProximityWish {
    /// The UE.
    pub imsi: Imsi,
    /// The application that it registered.
    pub application: String,
    /// The name (ALUID) of the other user in it.
    pub target: String,
    /// For how many seconds the request holds.
    pub window: u32,
    /// Metres that are near; absent: the configured ones.
    pub range: Option<u32>,
    /// Where the UE is: Location-Estimate, a shape of TS 23.032.
    pub location: Vec<u8>,
    /// When the other function is to tell where the target is; absent: whenever it learns it.
    pub trigger: Option<Trigger>,
    /// Whether assistance for WLAN direct is wanted.
    pub wlan: bool,
}

/// The function of the target (empty: this one), the target's EPUID there, and the EPUID of our UE.
pub(in crate::registration::function) type Key = (Box<str>, Box<str>, Epuid);

/// A request that runs, or is about to.
#[derive(Debug)]
pub(in crate::registration::function) struct Asking {
    procedure: Procedure,
    imsi: Imsi,
    epuid: Epuid,
    /// The name of our UE's user.
    aluid: String,
    application: String,
    target: String,
    peer: Option<Network>,
    target_epuid: Box<str>,
    window: u32,
    range: f64,
    ours: Option<Point>,
    theirs: Option<Point>,
}

impl Asking {
    fn key(&self) -> Key {
        let host = self.peer.as_ref().map_or_else(String::new, |peer| peer.host.to_ascii_lowercase());
        (host.into(), self.target_epuid.clone(), self.epuid)
    }

    fn entry(&self) -> Entry {
        let degrees = |point: Option<Point>| point.map(|point| (point.latitude, point.longitude));
        Entry::Proximity {
            procedure: self.procedure.0,
            imsi: self.imsi.packed(),
            epuid: self.epuid.0,
            aluid: self.aluid.clone(),
            application: self.application.clone(),
            target: self.target.clone(),
            host: self.peer.as_ref().map(|peer| peer.host.to_ascii_lowercase()),
            target_epuid: self.target_epuid.to_string(),
            window: self.window,
            range: self.range,
            ours: degrees(self.ours),
            theirs: degrees(self.theirs),
        }
    }
}

/// The map request under way.
#[derive(Debug)]
pub(in crate::registration::function) struct Mapping {
    procedure: Procedure,
    wish: ProximityWish,
    epuid: Epuid,
    aluid: String,
    point: Point,
}

/// A request that has ended while an answer about it is awaited.
#[derive(Debug)]
pub(in crate::registration::function) struct Ended {
    procedure: Procedure,
    text: String,
    details: Vec<(&'static str, String)>,
}

#[derive(Debug)]
pub(super) struct State {
    running: Expiring<Key, Asking>,
    /// The same by our UE's EPUID; what is not in `running` any more is left out when it is met.
    by_ue: BTreeSet<(Epuid, Box<str>, Box<str>)>,
    /// Requests that were cancelled, so that late location updates may be told so (5637).
    ended: Expiring<Key, ()>,
}

/// For how long a request that was cancelled is remembered.
const MEMORY: Duration = Duration::from_secs(300);
/// EPUIDs of other functions are no longer than this.
pub(super) const LONGEST_EPUID: usize = 64;

impl State {
    pub fn new(most: usize) -> Self {
        Self { running: Expiring::new(most), by_ue: BTreeSet::new(), ended: Expiring::new(most) }
    }

    fn of_ue(&self, epuid: Epuid) -> Vec<Key> {
        let first = (epuid, Box::from(""), Box::from(""));
        let all = self.by_ue.range(first..).take_while(|(of, ..)| *of == epuid);
        all.map(|(of, host, target)| (host.clone(), target.clone(), *of)).collect()
    }

    fn take(&mut self, now: Duration, key: &Key) -> Option<Asking> {
        let (host, target, epuid) = key.clone();
        self.by_ue.remove(&(epuid, host, target));
        self.ended.remember(now, now + MEMORY, key.clone(), ());
        self.running.remove(key)
    }
}

impl<R: ContextReader> Function<R> {
    /// A UE wants to know when another user comes near. First its app server is asked who that is (PXR type 1), then, in
    /// another network, that user's function (PRR). News comes when the request runs, and when it ends. A further request
    /// for the same pair renews it.
    pub fn request_proximity(&mut self, wish: ProximityWish, actions: &mut Vec<Action>) -> Procedure {
        let procedure = self.standard.procedures.begin();
        match self.begin_proximity(procedure, wish) {
            Ok(mapping) => self.map_request(mapping, actions),
            Err(why) => self.refuse(procedure, "PXR type 1", why, actions),
        }
        procedure
    }

    fn begin_proximity(&self, procedure: Procedure, wish: ProximityWish) -> Result<Mapping, String> {
        let wlan = if wish.wlan { ProsePermission::EPC_SUPPORT_WLAN_DIRECT } else { 0 };
        self.allowed_ue(wish.imsi, ProsePermission::EPC_LEVEL_PROSE_DISCOVERY | wlan)?;
        let registered = self.registered(wish.imsi).map_err(|why| why.to_string())?;
        let (epuid, aluid) = registered
            .and_then(|it| Some((it.epuid, it.applications.get(&wish.application)?.clone())))
            .ok_or_else(|| format!("{} has not registered {}", wish.imsi, wish.application))?;
        let longest = self.config.standard.longest_window;
        if wish.window == 0 || wish.window > longest {
            return Err(format!("a window lasts 1 to {longest} seconds"));
        }
        let point = Point::from_estimate(&wish.location).ok_or("the location is no shape of TS 23.032")?;
        if self.pending.is_full() || self.standard.proximity.running.is_full() {
            return Err("too many requests are under way".to_owned());
        }
        Ok(Mapping { procedure, wish, epuid, aluid, point })
    }

    fn map_request(&mut self, mapping: Mapping, actions: &mut Vec<Action>) {
        let server = match self.server_of(&mapping.wish.application) {
            Ok(server) => server,
            Err(why) => return self.refuse(mapping.procedure, "PXR type 1", why, actions),
        };
        let session = self.sessions.next();
        let (origin, target) = (mapping.aluid.clone(), mapping.wish.target.clone());
        let application = mapping.wish.application.clone();
        let token = self.pending.insert(Waiting::Standard(Box::new(Pause::Map(mapping))));
        let request = pc2::ProXimityActionRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &server.realm,
            destination_host: server.host.as_deref(),
            prose_request_type: ProseRequestType::PROSE_MAP_REQUEST,
            origin_app_layer_user_id: Some(&origin),
            target_app_layer_user_id: Some(&target),
            prose_app_id: Some(&application),
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, server.clone(), actions);
    }

    /// PXA type 1: the target's EPUID and its function.
    pub(super) fn mapped(
        &mut self,
        now: Now,
        mapping: Mapping,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Mapping { procedure, wish, epuid, aluid, point } = mapping;
        let found = self.function_of_target(result);
        let (target_epuid, peer) = match found {
            Ok(found) => found,
            Err(why) => {
                return self.refuse(procedure, "PXA type 1", format!("{} asks in vain: {why}", wish.imsi), actions);
            }
        };
        let asking = Asking {
            procedure,
            imsi: wish.imsi,
            epuid,
            aluid,
            application: wish.application,
            target: wish.target,
            peer,
            target_epuid,
            window: wish.window,
            range: f64::from(wish.range.unwrap_or(self.config.standard.range)),
            ours: Some(point),
            theirs: None,
        };
        match asking.peer.clone() {
            None => self.begin_at_home(now, asking, actions),
            Some(peer) => {
                let (ours, theirs) = (asking.epuid.to_string(), asking.target_epuid.clone());
                let window = asking.window;
                to_network!(
                    self,
                    peer,
                    Pause::Asked(Box::new(asking)),
                    actions,
                    ProseProximityRequest {
                        prr_flags: if wish.wlan { PrrFlags::WLAN_INDICATION } else { 0 },
                        requesting_epuid: &ours,
                        targeted_epuid: &theirs,
                        time_window: window,
                        location_estimate: &wish.location,
                        location_update_trigger: wish.trigger.map(Trigger::to_group),
                    }
                );
            }
        }
    }

    /// The target's EPUID and the network whose function allotted it, `None` for ours.
    fn function_of_target(&self, result: Result<&[u8], NoAnswer>) -> Result<(Box<str>, Option<Network>), String> {
        let answer = read_answer::<pc2::ProXimityActionAnswer<'_>>(result)?;
        let pfid = answer.prose_function_id.and_then(|pfid| std::str::from_utf8(pfid).ok());
        let (Some(epuid), Some(pfid)) = (answer.targeted_epuid, pfid) else {
            return Err("PXA names no EPUID or no function".to_owned());
        };
        if epuid.len() > LONGEST_EPUID {
            return Err("the target's EPUID is too long".to_owned());
        }
        let peer = self.config.standard.networks.iter().find(|network| same_host(&network.host, pfid)).cloned();
        match peer.is_some() || same_host(pfid, &self.identity.host) {
            true => Ok((epuid.into(), peer)),
            false => Err(format!("{pfid} is no function of a network known here")),
        }
    }

    /// The target is ours as well: the steps over PC6 fall away.
    fn begin_at_home(&mut self, now: Now, mut asking: Asking, actions: &mut Vec<Action>) {
        let target = match self.ue_of(&asking.target_epuid) {
            Ok(Some((epuid, stored)))
                if stored.context.subscription.permission & ProsePermission::EPC_LEVEL_PROSE_DISCOVERY != 0 =>
            {
                epuid
            }
            Ok(_) => {
                let code = Outcome::tgpp(Code::DIAMETER_ERROR_PROXIMITY_UNAUTHORIZED);
                return self.refuse(asking.procedure, "PXA type 1", format!("the target is not here: {code}"), actions);
            }
            Err(why) => return self.refuse(asking.procedure, "PXA type 1", why.to_string(), actions),
        };
        asking.theirs = self.standard.target.located(now.elapsed, target);
        asking.target_epuid = target.to_string().into();
        self.begin_running(now, asking, Vec::new(), actions);
    }

    /// PRA.
    pub(super) fn proximity_answer(
        &mut self,
        now: Now,
        mut asking: Asking,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let answer = match read_answer::<pc6::ProseProximityAnswer<'_>>(result) {
            Ok(answer) => answer,
            Err(why) => {
                return self.refuse(asking.procedure, "PRA", format!("{} asks in vain: {why}", asking.imsi), actions);
            }
        };
        asking.theirs = answer.location_estimate.and_then(Point::from_estimate);
        let details = answer.location_estimate.map(|octets| ("Location-Estimate", hex(octets))).into_iter().collect();
        self.begin_running(now, asking, details, actions);
    }

    fn begin_running(
        &mut self,
        now: Now,
        asking: Asking,
        details: Vec<(&'static str, String)>,
        actions: &mut Vec<Action>,
    ) {
        let (key, until, entry) = (asking.key(), Self::window_end(now, asking.window), asking.entry());
        let (procedure, imsi, window) = (asking.procedure, asking.imsi, asking.window);
        let text = format!("{imsi} waits {window} s for another user to come near");
        let (host, target, epuid) = key.clone();
        self.end_of_windows(now, actions);
        if !self.standard.proximity.running.insert(now.elapsed, until, key.clone(), asking) {
            return self.refuse(procedure, "PRA", format!("{imsi}: too many requests run"), actions);
        }
        self.standard.proximity.by_ue.insert((epuid, host, target));
        self.keep(now, vec![(until, entry)], Vec::new(), Kept::Running(key, text, details), actions);
    }

    /// The request is durable: it runs.
    pub(super) fn proximity_runs(
        &mut self,
        now: Now,
        key: &Key,
        text: String,
        details: Vec<(&'static str, String)>,
        actions: &mut Vec<Action>,
    ) {
        let Some(asking) = self.standard.proximity.running.get(now.elapsed, key) else { return };
        let procedure = asking.procedure;
        report(actions, "PRA", &text);
        self.standard.procedures.tell(procedure, News { success: true, over: false, text, details });
        self.analyse(now, key, actions);
    }

    /// A request of an earlier run goes on, when its other network is still known here.
    pub(super) fn resume_proximity(&mut self, now: Now, until: Duration, entry: Entry) -> bool {
        let Entry::Proximity {
            procedure,
            imsi,
            epuid,
            aluid,
            application,
            target,
            host,
            target_epuid,
            window,
            range,
            ours,
            theirs,
        } = entry
        else {
            return false;
        };
        let peer = host.as_ref().map(|host| self.network_at(host).cloned());
        let (Some(imsi), Some(peer)) = (Imsi::from_packed(imsi), peer.map_or(Some(None), |peer| peer.map(Some))) else {
            return false;
        };
        let point = |degrees: Option<(f64, f64)>| degrees.map(|(latitude, longitude)| Point { latitude, longitude });
        let asking = Asking {
            procedure: self.standard.procedures.resume(procedure),
            imsi,
            epuid: Epuid(epuid),
            aluid,
            application,
            target,
            peer,
            target_epuid: target_epuid.into(),
            window,
            range,
            ours: point(ours),
            theirs: point(theirs),
        };
        let key = asking.key();
        let (host, target, epuid) = key.clone();
        self.standard.proximity.by_ue.insert((epuid, host, target));
        self.standard.proximity.running.insert(now.elapsed, until, key, asking)
    }

    /// Proximity analysis, whenever one of the two has moved. TS 23.303 5.5.6.
    fn analyse(&mut self, now: Now, key: &Key, actions: &mut Vec<Action>) {
        let Some(asking) = self.standard.proximity.running.get(now.elapsed, key) else { return };
        let Some((ours, theirs)) = asking.ours.zip(asking.theirs) else { return };
        let metres = ours.distance(theirs);
        if metres > asking.range {
            return;
        }
        let Some(asking) = self.standard.proximity.take(now.elapsed, key) else { return };
        self.no_longer(vec![key::proximity(key)], actions);
        let text = format!("{} and another user are {metres:.0} m apart", asking.imsi);
        report(actions, "proximity alert", &text);
        let details = vec![("Target-App-Layer-User-Id", asking.target.clone())];
        let ended = Ended { procedure: asking.procedure, text, details };
        match &asking.peer {
            None => self
                .standard
                .procedures
                .tell(ended.procedure, News { success: true, over: true, text: ended.text, details: ended.details }),
            Some(peer) => to_network!(
                self,
                peer,
                Pause::Alerted(ended),
                actions,
                ProseAlertRequest { app_layer_user_id: &asking.aluid, targeted_epuid: &asking.target_epuid }
            ),
        }
    }

    /// ALA. Our UE learns that the other is near in any case.
    pub(super) fn alerted(&mut self, ended: &Ended, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
        let mut text = ended.text.clone();
        if !Outcome::of_result(result).is_success() {
            text = format!("{text}; the other function could not tell its user: {}", refusal(result));
        }
        self.tell(ended.procedure, "ALA", Ok(text), ended.details.clone(), actions);
    }

    /// The UE wants to know no longer: PCR. True when there was such a request.
    pub fn cancel_proximity(
        &mut self,
        now: Now,
        imsi: Imsi,
        application: &str,
        target: &str,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Ok(Some(registered)) = self.registered(imsi) else { return false };
        let keys = self.standard.proximity.of_ue(registered.epuid);
        let running = &self.standard.proximity.running;
        let is_meant = |key: &&Key| {
            running.get(now.elapsed, *key).is_some_and(|it| it.application == application && it.target == target)
        };
        match keys.iter().find(is_meant).cloned() {
            Some(key) => {
                self.cancel(now, &key, "cancelled", actions);
                true
            }
            None => false,
        }
    }

    pub(super) fn cancel(&mut self, now: Now, key: &Key, why: &str, actions: &mut Vec<Action>) {
        let Some(asking) = self.standard.proximity.take(now.elapsed, key) else { return };
        self.no_longer(vec![key::proximity(key)], actions);
        let text = format!("the proximity request of {} is over: {why}", asking.imsi);
        let ended = Ended { procedure: asking.procedure, text, details: Vec::new() };
        match &asking.peer {
            None => self.tell(ended.procedure, "PCA", Ok(ended.text), Vec::new(), actions),
            Some(peer) => {
                let ours = asking.epuid.to_string();
                to_network!(
                    self,
                    peer,
                    Pause::Cancelled(ended),
                    actions,
                    ProseCancellationRequest { requesting_epuid: &ours, targeted_epuid: &asking.target_epuid }
                );
            }
        }
    }

    /// PCA. Where the other function knows of no request (5635, 5637) there is nothing left to cancel.
    pub(super) fn cancelled(&mut self, ended: &Ended, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
        let gone = [Code::DIAMETER_ERROR_NO_PROXIMITY_REQUEST, Code::DIAMETER_ERROR_PROXIMITY_CANCELLED];
        let done = Outcome::of_result(result).is_success() || gone.iter().any(|code| super::says(result, *code));
        let outcome = match done {
            true => Ok(ended.text.clone()),
            false => Err(format!("{}; the other function was not reached: {}", ended.text, refusal(result))),
        };
        self.tell(ended.procedure, "PCA", outcome, Vec::new(), actions);
    }

    /// PLR: where the target of a request of ours is. TS 29.345 5.7.
    pub(super) fn location_update(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let request = pc6::ProseLocationUpdateRequest::decode(&asked.message)?;
        let point = Point::from_estimate(request.location_estimate)
            .ok_or_else(|| bad_value::<LocationEstimate>(&asked.message, "shape of TS 23.032"))?;
        let (host, target): (Box<str>, Box<str>) =
            (network.host.to_ascii_lowercase().into(), request.targeted_epuid.into());
        let first = (host.clone(), target.clone(), Epuid(0));
        let is_of = |key: &Key| key.0 == host && key.1 == target;
        // PLR names the target alone: it is for all requests of ours that have it.
        let keys = self.standard.proximity.running.keys(now.elapsed, first.clone().., is_of);
        if keys.is_empty() {
            let cancelled = !self.standard.proximity.ended.keys(now.elapsed, first.., is_of).is_empty();
            return Err(match cancelled {
                true => Refusal::because(Code::DIAMETER_ERROR_PROXIMITY_CANCELLED, "the request is over"),
                false => Refusal::because(Code::DIAMETER_ERROR_NO_PROXIMITY_REQUEST, "nobody here asked for it"),
            });
        }
        report(actions, "PLR", format!("a target of {} requests has moved", keys.len()));
        asked.reply(&self.identity, Outcome::SUCCESS).send(actions);
        for key in keys {
            if let Some(asking) = self.standard.proximity.running.get_mut(now.elapsed, &key) {
                asking.theirs = Some(point);
            }
            self.analyse(now, &key, actions);
        }
        Ok(())
    }

    /// A UE of ours is somewhere: what it asks for is judged anew.
    pub(super) fn asking_ue_moved(&mut self, now: Now, epuid: Epuid, point: Point, actions: &mut Vec<Action>) {
        for key in self.standard.proximity.of_ue(epuid) {
            if let Some(asking) = self.standard.proximity.running.get_mut(now.elapsed, &key) {
                asking.ours = Some(point);
            }
            self.analyse(now, &key, actions);
        }
        // Requests at home for this UE as the target.
        let target: Box<str> = epuid.to_string().into();
        let first = (Box::from(""), target.clone(), Epuid(0));
        let is_of = |key: &Key| key.0.is_empty() && key.1 == target;
        for key in self.standard.proximity.running.keys(now.elapsed, first.., is_of) {
            if let Some(asking) = self.standard.proximity.running.get_mut(now.elapsed, &key) {
                asking.theirs = Some(point);
            }
            self.analyse(now, &key, actions);
        }
    }

    /// All that a UE asks for, and what asks for it, ends.
    pub(super) fn end_proximity(&mut self, now: Now, imsi: Imsi, why: &str, actions: &mut Vec<Action>) {
        let epuid = match self.registered(imsi) {
            Ok(Some(registered)) => registered.epuid,
            Ok(None) => return,
            Err(why) => return failure(actions, "PC6", why.to_string()),
        };
        for key in self.standard.proximity.of_ue(epuid) {
            self.cancel(now, &key, why, actions);
        }
        let target: Box<str> = epuid.to_string().into();
        let first = (Box::from(""), target.clone(), Epuid(0));
        let is_of = |key: &Key| key.0.is_empty() && key.1 == target;
        for key in self.standard.proximity.running.keys(now.elapsed, first.., is_of) {
            self.cancel(now, &key, why, actions);
        }
        let over = self.standard.target.end(now.elapsed, epuid);
        self.no_longer(over, actions);
    }

    /// Requests whose window is over.
    pub(super) fn end_of_windows(&mut self, now: Now, actions: &mut Vec<Action>) {
        for (key, asking) in self.standard.proximity.running.sweep(now.elapsed) {
            self.no_longer(vec![key::proximity(&key)], actions);
            let (host, target, epuid) = key;
            self.standard.proximity.by_ue.remove(&(epuid, host, target));
            let text = format!("the window of {} is over, nobody came near", asking.imsi);
            self.tell(asking.procedure, "PRR", Ok(text), Vec::new(), actions);
        }
        self.standard.proximity.ended.sweep(now.elapsed);
    }

    /// How many proximity requests run: of our UEs, and for them.
    #[must_use]
    pub fn proximity_requests(&self) -> (usize, usize) {
        (self.standard.proximity.running.len(), self.standard.target.len())
    }
}
