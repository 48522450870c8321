//! Another network asks for the proximity of a UE of ours: the serving side. TS 29.345 5.6 to 5.9.
//!
//! ```text
//! PRR ─► known? allowed? likely? ─► [PSR to the HSS] ─► PRA, kept for its window
//!          5001   5633     5634
//! locations of the UE ─► PLR as the request wants them        ALR ─► the UE is told, over        PCR ─► over
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::epuid::Epuid;
use super::location::Point;
use super::proximity::LONGEST_EPUID;
use super::{Entry, Expiring, Function, Kept, Network, Pause, Refusal, Waiting, key, refusal, says, to_network};
use crate::avp::Fault;
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{
    LocationEstimate, LocationUpdateEventType, LocationUpdateTrigger, MinimumIntervalTime, ProsePermission, PrrFlags,
    ReportCardinality, RequestingEpuid, TimeWindow, group,
};
use crate::interfaces::pc4::hss as pc4a;
use crate::interfaces::pc6;
use crate::message::Command;
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::{NO_STATE, failure, report, send, vendor_specific};
use crate::registration::identifiers::Imsi;
use crate::registration::reply::{Asked, Outcome, bad_value};
use crate::store::ContextReader;

/// When the function of the target tells where it is. TS 29.345 6.3.42.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Once, as soon as it is known.
    Available,
    /// When the UE is elsewhere than before; with an interval in seconds again and again, else once. The AVP names no
    /// area, so any change counts.
    ChangeOfArea {
        /// UE_ENTRY, UE_EXIT or UE_PRESENCE.
        event: u32,
        /// Least seconds between two reports.
        repeat_after: Option<u32>,
    },
    /// So many times, so many seconds apart.
    Periodic {
        /// Seconds between reports.
        interval: u32,
        /// How many.
        reports: u32,
    },
}

impl Trigger {
    /// Lives as long as the message that it goes into; it borrows nothing.
    pub(super) fn to_group<'a>(self) -> group::LocationUpdateTrigger<'a> {
        use LocationUpdateEventType as Event;
        let (event, area, periodic) = match self {
            Self::Available => (Event::UE_AVAILABLE, None, None),
            Self::ChangeOfArea { event, repeat_after } => {
                let report_cardinality = match repeat_after {
                    Some(_) => ReportCardinality::MULTIPLE,
                    None => ReportCardinality::SINGLE,
                };
                let area = group::ChangeOfAreaType {
                    location_update_event_trigger: event,
                    report_cardinality,
                    minimum_interval_time: repeat_after,
                    extra: Vec::new(),
                };
                (Event::CHANGE_OF_AREA, Some(area), None)
            }
            Self::Periodic { interval, reports } => {
                let periodic = group::PeriodicLocationType {
                    location_report_interval_time: interval,
                    total_number_of_reports: reports,
                    extra: Vec::new(),
                };
                (Event::PERIODIC_LOCATION, None, Some(periodic))
            }
        };
        group::LocationUpdateTrigger {
            location_update_event_type: event,
            change_of_area_type: area,
            periodic_location_type: periodic,
            extra: Vec::new(),
        }
    }

    /// The members must fit the event type, and the interval the cardinality.
    fn read(message: &[u8], trigger: &group::LocationUpdateTrigger<'_>) -> Result<Self, Fault> {
        use LocationUpdateEventType as Event;
        let wrong = || bad_value::<LocationUpdateTrigger>(message, "members that fit its Location-Update-Event-Type");
        let (area, periodic) = (&trigger.change_of_area_type, &trigger.periodic_location_type);
        match (trigger.location_update_event_type, area, periodic) {
            (Event::UE_AVAILABLE, None, None) => Ok(Self::Available),
            (Event::CHANGE_OF_AREA, Some(area), None) if area.location_update_event_trigger <= 2 => {
                let repeat_after = match (area.report_cardinality, area.minimum_interval_time) {
                    (ReportCardinality::SINGLE, None) => None,
                    (ReportCardinality::MULTIPLE, interval) => Some(interval.unwrap_or_default()),
                    _ => return Err(bad_value::<MinimumIntervalTime>(message, "none with a single report")),
                };
                Ok(Self::ChangeOfArea { event: area.location_update_event_trigger, repeat_after })
            }
            (Event::PERIODIC_LOCATION, None, Some(periodic)) => Ok(Self::Periodic {
                interval: periodic.location_report_interval_time,
                reports: periodic.total_number_of_reports,
            }),
            _ => Err(wrong()),
        }
    }
}

/// EPUID of our UE, Origin-Host of the asking function in small letters, EPUID of the UE that asks.
pub(in crate::registration::function) type Key = (Epuid, Box<str>, Box<str>);

/// A request for a UE of ours.
#[derive(Debug)]
struct Served {
    network: Network,
    trigger: Option<Trigger>,
    told: Option<(Duration, Point)>,
    reports: u32,
}

/// PRR that waits for the HSS.
#[derive(Debug)]
pub(in crate::registration::function) struct Wish {
    asked: Asked,
    key: Key,
    imsi: Imsi,
    window: u32,
    served: Served,
}

#[derive(Debug)]
pub(super) struct State {
    running: Expiring<Key, Served>,
    /// Requests that ended here before their window did, so that the other side may be told so (5637).
    ended: Expiring<Key, ()>,
    /// Where our UEs are, and the estimate as it came.
    places: Expiring<Epuid, (Point, Box<[u8]>)>,
}

/// For how long an ended request and a location are remembered.
const MEMORY: Duration = Duration::from_secs(600);
/// Location-Estimate is no longer than a polygon of fifteen points.
const LONGEST_ESTIMATE: usize = 128;

impl State {
    pub fn new(most: usize) -> Self {
        Self { running: Expiring::new(most), ended: Expiring::new(most), places: Expiring::new(most) }
    }

    /// Keys of what has run out, as the store has them.
    pub fn sweep(&mut self, now: Duration) -> Vec<String> {
        self.ended.sweep(now);
        self.places.sweep(now);
        self.running.sweep(now).iter().map(|(key, _)| key::target(key)).collect()
    }

    pub fn located(&self, now: Duration, epuid: Epuid) -> Option<Point> {
        self.places.get(now, &epuid).map(|(point, _)| *point)
    }

    pub fn len(&self) -> usize {
        self.running.len()
    }

    fn of_ue(&self, now: Duration, epuid: Epuid) -> Vec<Key> {
        self.running.keys(now, (epuid, Box::from(""), Box::from("")).., |key| key.0 == epuid)
    }

    fn end_one(&mut self, now: Duration, key: &Key) {
        if self.running.remove(key).is_some() {
            self.ended.remember(now, now + MEMORY, key.clone(), ());
        }
    }

    /// The UE has gone: the keys of what asked for it.
    pub fn end(&mut self, now: Duration, epuid: Epuid) -> Vec<String> {
        let keys = self.of_ue(now, epuid);
        for key in &keys {
            self.end_one(now, key);
        }
        self.places.remove(&epuid);
        keys.iter().map(key::target).collect()
    }

    /// Why there is no such request.
    fn absent(&self, now: Duration, key: &Key) -> Refusal {
        match self.ended.get(now, key) {
            Some(()) => Refusal::because(Code::DIAMETER_ERROR_PROXIMITY_CANCELLED, "the request is over"),
            None => Refusal::because(Code::DIAMETER_ERROR_NO_PROXIMITY_REQUEST, "there is no such request"),
        }
    }
}

impl<R: ContextReader> Function<R> {
    /// PRR.
    pub(super) fn proximity_request(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let message = asked.message.as_slice();
        let request = pc6::ProseProximityRequest::decode(message)?;
        let theirs = Point::from_estimate(request.location_estimate)
            .ok_or_else(|| bad_value::<LocationEstimate>(message, "shape of TS 23.032"))?;
        let trigger = request.location_update_trigger.as_ref().map(|it| Trigger::read(message, it)).transpose()?;
        let longest = self.config.standard.longest_window;
        if request.time_window == 0 || request.time_window > longest {
            return Err(bad_value::<TimeWindow>(message, "seconds, at least one and within a day").into());
        }
        if request.requesting_epuid.len() > LONGEST_EPUID {
            return Err(bad_value::<RequestingEpuid>(message, "an EPUID of at most 64 octets").into());
        }
        let unauthorized = |why: &str| Refusal::because(Code::DIAMETER_ERROR_PROXIMITY_UNAUTHORIZED, why);
        if !network.proximity {
            return Err(unauthorized("its users may not ask for ours"));
        }
        let wlan = if request.prr_flags & PrrFlags::WLAN_INDICATION != 0 {
            ProsePermission::EPC_SUPPORT_WLAN_DIRECT
        } else {
            0
        };
        let Some((epuid, stored)) = self.ue_of(request.targeted_epuid)? else {
            return Err(Refusal::because(Code::DIAMETER_ERROR_USER_UNKNOWN, "the EPUID is unknown"));
        };
        let imsi = stored.context.imsi;
        if self.allowed_ue(imsi, ProsePermission::EPC_LEVEL_PROSE_DISCOVERY | wlan).is_err() {
            return Err(unauthorized("the target does not use this service"));
        }
        if self.standard.target.running.is_full() || self.pending.is_full() {
            return Err(Refusal::Because(Outcome::TOO_BUSY, "too many proximity requests run".to_owned()));
        }
        let window = request.time_window;
        let ours = self.standard.target.located(now.elapsed, epuid);
        let speed = self.config.standard.approach_speed;
        if let (Some(ours), true) = (ours, speed > 0)
            && ours.distance(theirs) > f64::from(speed) * f64::from(window) + f64::from(self.config.standard.range)
        {
            let why = "the two are too far apart to meet in that time";
            return Err(Refusal::because(Code::DIAMETER_ERROR_PROXIMITY_REJECTED, why));
        }
        let key = (epuid, network.host.to_ascii_lowercase().into(), request.requesting_epuid.into());
        let told = ours.map(|point| (now.elapsed, point));
        let served = Served { network: network.clone(), trigger, told, reports: 0 };
        let wish = Wish { asked: asked.clone(), key, imsi, window, served };
        match ours {
            Some(_) => self.accept(now, wish, actions),
            None => self.ask_location(wish, actions),
        }
        Ok(())
    }

    /// PSR: the HSS may know where the target is. TS 23.303 5.5.5 step 5.
    fn ask_location(&mut self, wish: Wish, actions: &mut Vec<Action>) {
        let session = self.sessions.next();
        let user = wish.imsi.reveal();
        let token = self.pending.insert(Waiting::Standard(Box::new(Pause::Located(Box::new(wish)))));
        let request = pc4a::ProseInitialLocationInformationRequest {
            session_id: &session,
            vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: self.config.hss.host.as_deref(),
            destination_realm: &self.config.hss.realm,
            user_name: &user,
            ..Default::default()
        };
        send(pc4a::APPLICATION, &request, token, self.config.hss.clone(), actions);
    }

    /// PSA: a cell, which is no shape that PRA could carry. The request is taken unless the HSS knows no such user.
    pub(super) fn target_located(
        &mut self,
        now: Now,
        wish: Wish,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        if says(result, Code::DIAMETER_ERROR_USER_UNKNOWN) {
            let outcome = Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN);
            failure(actions, "PRA", format!("the HSS does not know {}", wish.imsi));
            return wish.asked.reply(&self.identity, outcome).send(actions);
        }
        match Outcome::of_result(result).is_success() {
            true => report(actions, "PSA", format!("the HSS knows where {} is", wish.imsi)),
            false => failure(actions, "PSA", format!("nobody knows where {} is: {}", wish.imsi, refusal(result))),
        }
        self.accept(now, wish, actions);
    }

    fn accept(&mut self, now: Now, wish: Wish, actions: &mut Vec<Action>) {
        let Wish { asked, key, imsi, window, served } = wish;
        let estimate = self.standard.target.places.get(now.elapsed, &key.0).map(|(_, estimate)| estimate.clone());
        let (host, until, entry) = (served.network.host.clone(), Self::window_end(now, window), served.entry(&key));
        if !self.standard.target.running.insert(now.elapsed, until, key, served) {
            return asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
        }
        report(actions, "PRA", format!("{host} is told when {imsi} moves, for {window} s"));
        let mut held = Vec::new();
        asked
            .reply(&self.identity, Outcome::SUCCESS)
            .with_option::<LocationEstimate>(estimate.as_deref().as_ref())
            .send(&mut held);
        self.keep(now, vec![(until, entry)], Vec::new(), Kept::Answer(asked, held), actions);
    }

    /// A request of an earlier run goes on, when its network is still known here.
    pub(super) fn resume_target(&mut self, now: Now, until: Duration, entry: Entry) -> bool {
        let Entry::Target { epuid, host, requesting, trigger, reports } = entry else { return false };
        let Some(network) = self.network_at(&host).cloned() else { return false };
        let key = (Epuid(epuid), host.into(), requesting.into());
        let served = Served { network, trigger, told: None, reports };
        self.standard.target.running.insert(now.elapsed, until, key, served)
    }

    /// A UE of ours is at `estimate`, a shape of TS 23.032: what it asks for is judged anew, and whoever asked for it is
    /// told (PLR) when their requests want it. False when the estimate is none, or the UE has no EPUID.
    pub fn report_location(&mut self, now: Now, imsi: Imsi, estimate: &[u8], actions: &mut Vec<Action>) -> bool {
        let (Some(point), Ok(Some(registered))) = (Point::from_estimate(estimate), self.registered(imsi)) else {
            return false;
        };
        if estimate.len() > LONGEST_ESTIMATE {
            return false;
        }
        let (epuid, elapsed) = (registered.epuid, now.elapsed);
        self.standard.target.places.remember(elapsed, elapsed + MEMORY, epuid, (point, estimate.into()));
        self.asking_ue_moved(now, epuid, point, actions);
        for key in self.standard.target.of_ue(elapsed, epuid) {
            let Some(served) = self.standard.target.running.get_mut(elapsed, &key) else { continue };
            if !served.wants(elapsed, point) {
                continue;
            }
            served.told = Some((elapsed, point));
            served.reports = served.reports.saturating_add(1);
            let (network, entry) = (served.network.clone(), served.entry(&key));
            // Those without a trigger want all reports, and need not be counted.
            if let Some(until) = self.standard.target.running.until(&key).filter(|_| entry.counts()) {
                self.keep(now, vec![(until, entry)], Vec::new(), Kept::Nothing, actions);
            }
            let target = epuid.to_string();
            to_network!(
                self,
                network,
                Pause::Updated(key),
                actions,
                ProseLocationUpdateRequest { targeted_epuid: &target, location_estimate: estimate }
            );
        }
        true
    }

    /// PLA: the asking function may want no more.
    pub(super) fn location_told(
        &mut self,
        now: Now,
        key: Key,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let over = [Code::DIAMETER_ERROR_NO_PROXIMITY_REQUEST, Code::DIAMETER_ERROR_PROXIMITY_CANCELLED];
        if over.iter().any(|code| says(result, *code)) {
            self.standard.target.end_one(now.elapsed, &key);
            self.no_longer(vec![key::target(&key)], actions);
            report(actions, "PLA", format!("{} wants no more: {}", key.1, refusal(result)));
        } else if !Outcome::of_result(result).is_success() {
            failure(actions, "PLA", format!("{}: {}", key.1, refusal(result)));
        }
    }

    /// ALR: the two are near. All requests of that function for the UE that run are over, since ALR names no asking UE.
    pub(super) fn proximity_alert(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let request = pc6::ProseAlertRequest::decode(&asked.message)?;
        let Some((epuid, stored)) = self.ue_of(request.targeted_epuid)? else {
            return Err(Refusal::because(Code::DIAMETER_ERROR_USER_UNKNOWN, "the EPUID is unknown"));
        };
        let host: Box<str> = network.host.to_ascii_lowercase().into();
        let first = (epuid, host.clone(), Box::from(""));
        let is_of = |key: &Key| key.0 == epuid && key.1 == host;
        let keys = self.standard.target.running.keys(now.elapsed, first.clone().., is_of);
        let Some(key) = keys.first() else {
            let ended = self.standard.target.ended.keys(now.elapsed, first.clone().., is_of);
            return Err(self.standard.target.absent(now.elapsed, ended.first().unwrap_or(&first)));
        };
        // Where several UEs of the other network ask for this one, which is meant cannot be told; the first is.
        self.standard.target.running.remove(key);
        report(actions, "proximity alert", format!("another user is near {}", stored.context.imsi));
        self.answer_without(now, asked, key, actions);
        Ok(())
    }

    /// PCR.
    pub(super) fn proximity_cancellation(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let request = pc6::ProseCancellationRequest::decode(&asked.message)?;
        let Some((epuid, stored)) = self.ue_of(request.targeted_epuid)? else {
            return Err(Refusal::because(Code::DIAMETER_ERROR_USER_UNKNOWN, "the EPUID is unknown"));
        };
        let key = (epuid, network.host.to_ascii_lowercase().into(), request.requesting_epuid.into());
        if self.standard.target.running.get(now.elapsed, &key).is_none() {
            return Err(self.standard.target.absent(now.elapsed, &key));
        }
        self.standard.target.end_one(now.elapsed, &key);
        report(actions, "PCA", format!("nobody of {} asks for {} any more", network.host, stored.context.imsi));
        self.answer_without(now, asked, &key, actions);
        Ok(())
    }

    /// Success, once the request is out of the store.
    fn answer_without(&mut self, now: Now, asked: &Asked, key: &Key, actions: &mut Vec<Action>) {
        let held = vec![asked.reply(&self.identity, Outcome::SUCCESS).action()];
        self.keep(now, Vec::new(), vec![key::target(key)], Kept::Answer(asked.clone(), held), actions);
    }
}

impl Served {
    fn entry(&self, (epuid, host, requesting): &Key) -> Entry {
        Entry::Target {
            epuid: epuid.0,
            host: host.to_string(),
            requesting: requesting.to_string(),
            trigger: self.trigger,
            reports: self.reports,
        }
    }

    /// Whether the asking function wants to know of a UE that is at `point` now.
    fn wants(&self, now: Duration, point: Point) -> bool {
        let since = |seconds: u32| {
            self.told.is_none_or(|(at, _)| now.saturating_sub(at) >= Duration::from_secs(u64::from(seconds)))
        };
        let elsewhere = self.told.is_none_or(|(_, before)| before != point);
        match self.trigger {
            None => true,
            Some(Trigger::Available) => self.reports == 0,
            Some(Trigger::ChangeOfArea { repeat_after: None, .. }) => self.reports == 0 && elsewhere,
            Some(Trigger::ChangeOfArea { repeat_after: Some(interval), .. }) => elsewhere && since(interval),
            Some(Trigger::Periodic { interval, reports }) => self.reports < reports && since(interval),
        }
    }
}
