//! Open direct discovery across networks. TS 29.345 5.3 to 5.5, TS 23.303 5.3.3.
//!
//! ```text
//! announce ─► code of ours ─► PDR type 0 to the network where the UE announces       there: 5631 or kept
//! monitor  ─► PDR type 1 to the network whose announcers are looked for ─► filters   there: 5630 or filters
//! report   ─► PMR to the network that allotted the code ─► Match-Report              there: 5632 or reports
//!                └─► PIR to the network where the announcing UE roams
//! ```

mod serving;

use std::collections::BTreeSet;
use std::time::Duration;

use super::lasting::octets;
use super::user_identity;
use super::{
    Entry, Expiring, Function, Kept, Network, Pause, Procedure, Refusal, hex, key, number_of, read_answer, refusal,
    to_network,
};
use crate::avp::Fault;
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{DiscoveryAuthRequest, DiscoveryType, PmrFlags, ProsePermission, group};
use crate::interfaces::pc6;
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::identifiers::{Imsi, PlmnId};
use crate::registration::reply::{Outcome, bad_value};
use crate::store::ContextReader;

/// ProSe Application Code: 184 bits, the first 24 name the network. TS 23.003 24.3.
pub(super) type AppCode = [u8; 23];

const ANNOUNCING: u32 = DiscoveryType::ANNOUNCING_REQUEST_FOR_OPEN_PROSE_DIRECT_DISCOVERY;
const MONITORING: u32 = DiscoveryType::MONITORING_REQUEST_FOR_OPEN_PROSE_DIRECT_DISCOVERY;

/// Filters that one answer carries.
const MOST_FILTERS: usize = 32;

/// A code that we allotted.
#[derive(Debug)]
struct Announced {
    application: Box<str>,
    imsi: Imsi,
    /// The network in which the UE announces, when that is not ours.
    roams: Option<PlmnId>,
    metadata: Option<Box<str>>,
}

/// The function that asked, and its code.
type GuestCode = (Box<str>, Box<[u8]>);

#[derive(Debug)]
pub(super) struct State {
    ours: Expiring<AppCode, Announced>,
    by_application: BTreeSet<(Box<str>, AppCode)>,
    by_ue: BTreeSet<(Imsi, AppCode)>,
    /// Codes of other networks that announce in ours, by the function that asked.
    guests: Expiring<GuestCode, Box<str>>,
    /// Where UEs whose codes we monitor announce, as PDA said.
    roaming: Expiring<Box<[u8]>, PlmnId>,
    entries: u32,
}

impl State {
    pub fn new(most: usize) -> Self {
        Self {
            ours: Expiring::new(most),
            by_application: BTreeSet::new(),
            by_ue: BTreeSet::new(),
            guests: Expiring::new(most),
            roaming: Expiring::new(most),
            entries: 0,
        }
    }

    /// Keys of what has run out, as the store has them.
    pub fn sweep(&mut self, now: Duration) -> Vec<String> {
        let mut over = Vec::new();
        for (code, announced) in self.ours.sweep(now) {
            self.by_application.remove(&(announced.application, code));
            self.by_ue.remove(&(announced.imsi, code));
            over.push(key::code(&code));
        }
        over.extend(self.guests.sweep(now).iter().map(|((host, code), _)| key::guest_code(host, code)));
        self.roaming.sweep(now);
        over
    }

    /// The UE announces no more: the keys of what it announced.
    pub fn forget(&mut self, imsi: Imsi) -> Vec<String> {
        let mut over = Vec::new();
        let all = self.by_ue.range((imsi, [0; 23])..).take_while(|(of, _)| *of == imsi);
        for (_, code) in all.copied().collect::<Vec<_>>() {
            self.by_ue.remove(&(imsi, code));
            over.push(key::code(&code));
            if let Some(announced) = self.ours.remove(&code) {
                self.by_application.remove(&(announced.application, code));
            }
        }
        over
    }

    /// What an earlier run has left; `None` when it makes no sense, or there is no room.
    pub fn resume(&mut self, now: Duration, until: Duration, entry: Entry) -> Option<()> {
        let room = match entry {
            Entry::Code { code, application, imsi, roams, metadata } => {
                let (code, imsi) = (AppCode::try_from(octets(&code)).ok()?, Imsi::from_packed(imsi)?);
                let roams = roams.map(|plmn| plmn.parse()).transpose().ok()?;
                let application: Box<str> = application.into();
                self.by_application.insert((application.clone(), code));
                self.by_ue.insert((imsi, code));
                let announced = Announced { application, imsi, roams, metadata: metadata.map(Box::from) };
                self.ours.insert(now, until, code, announced)
            }
            Entry::GuestCode { host, code, application } => {
                self.guests.insert(now, until, (host.into(), octets(&code).into()), application.into())
            }
            _ => false,
        };
        room.then_some(())
    }

    /// Discovery-Entry-IDs up to this one were given by an earlier run.
    pub fn no_entry_up_to(&mut self, entry: u32) {
        self.entries = self.entries.max(entry);
    }

    /// Discovery-Entry-ID of the next request.
    pub fn next_entry(&mut self) -> u32 {
        self.entries = self.entries.wrapping_add(1);
        self.entries
    }
}

/// PDR type 0 under way.
#[derive(Debug)]
pub(in crate::registration::function) struct Announcing {
    procedure: Procedure,
    code: AppCode,
    announced: Announced,
}

/// PDR type 1 under way.
#[derive(Debug)]
pub(in crate::registration::function) struct Monitoring {
    procedure: Procedure,
    imsi: Imsi,
    plmn: PlmnId,
}

/// PMR under way.
#[derive(Debug)]
pub(in crate::registration::function) struct Matching {
    procedure: Procedure,
    imsi: Imsi,
    code: Box<[u8]>,
}

impl<R: ContextReader> Function<R> {
    /// The UE `imsi` announces `application`, in the network `plmn` when that is not ours (PDR type 0). The news carries
    /// the code to announce. `metadata` goes to whoever asks for it with a match.
    pub fn announce(
        &mut self,
        now: Now,
        imsi: Imsi,
        application: &str,
        plmn: Option<PlmnId>,
        metadata: Option<&str>,
        actions: &mut Vec<Action>,
    ) -> Procedure {
        let procedure = self.standard.procedures.begin();
        let roams = plmn.filter(|plmn| *plmn != self.config.plmn);
        let begun = self.allowed_ue(imsi, ProsePermission::PROSE_DIRECT_DISCOVERY).and_then(|stored| match roams {
            None => Ok((None, Vec::new())),
            Some(plmn) => {
                let network = self.network_of(plmn).cloned();
                Ok((Some(network.ok_or_else(|| format!("no function of {plmn} is configured"))?), number_of(&stored)?))
            }
        });
        let announced = Announced { application: application.into(), imsi, roams, metadata: metadata.map(Box::from) };
        match begun {
            Err(why) => self.refuse(procedure, "PDR", why, actions),
            Ok((network, number)) => {
                let code = self.new_app_code();
                let announcing = Announcing { procedure, code, announced };
                match network {
                    None => self.keep_announced(now, announcing, actions),
                    Some(network) => {
                        let entry = self.standard.discovery.next_entry();
                        to_network!(
                            self,
                            network,
                            Pause::Announced(announcing),
                            actions,
                            ProseDiscoveryRequest {
                                discovery_auth_request: group::DiscoveryAuthRequest {
                                    discovery_type: ANNOUNCING,
                                    user_identity: Some(user_identity(&number)),
                                    prose_app_id: Some(application),
                                    prose_app_code: Some(&code),
                                    prose_validity_timer: Some(self.config.standard.code_validity),
                                    ..Default::default()
                                },
                                discovery_entry_id: Some(entry),
                            }
                        );
                    }
                }
            }
        }
        procedure
    }

    fn new_app_code(&mut self) -> AppCode {
        let mut code = [0; 23];
        let plmn = self.config.plmn;
        // Scope (2 bits, here PLMN-specific), a spare bit, the E bit, MCC and MNC in ten bits each. TS 23.003 24.3.
        let head = 0x90_0000 | u32::from(plmn.mcc() & 0x3ff) << 10 | u32::from(plmn.mnc() & 0x3ff);
        let [_, network @ ..] = head.to_be_bytes();
        let random = [self.entropy.sixteen(), self.entropy.sixteen()].concat();
        for (octet, value) in code.iter_mut().zip(network.iter().chain(&random)) {
            *octet = *value;
        }
        code
    }

    /// The network that allotted a code.
    fn network_of_code(&self, code: &[u8]) -> Option<(bool, Option<&Network>)> {
        let &[a, b, c, ..] = code else { return None };
        let head = u32::from_be_bytes([0, a, b, c]);
        let (mcc, mnc) = ((head >> 10 & 0x3ff) as u16, (head & 0x3ff) as u16);
        let is = |plmn: PlmnId| (plmn.mcc(), plmn.mnc()) == (mcc, mnc);
        Some((is(self.config.plmn), self.config.standard.networks.iter().find(|network| is(network.plmn))))
    }

    fn keep_announced(&mut self, now: Now, announcing: Announcing, actions: &mut Vec<Action>) {
        let Announcing { procedure, code, announced } = announcing;
        let until = Self::window_end(now, self.config.standard.code_validity);
        let (imsi, application) = (announced.imsi, announced.application.clone());
        let details = vec![
            ("ProSe-App-Code", hex(&code)),
            ("ProSe-Validity-Timer", self.config.standard.code_validity.to_string()),
        ];
        let over = self.standard.discovery.sweep(now.elapsed);
        self.no_longer(over, actions);
        let entry = Entry::Code {
            code: hex(&code),
            application: application.to_string(),
            imsi: imsi.packed(),
            roams: announced.roams.map(|plmn| plmn.to_string()),
            metadata: announced.metadata.as_deref().map(str::to_owned),
        };
        if !self.standard.discovery.ours.insert(now.elapsed, until, code, announced) {
            return self.refuse(procedure, "PDA", "too many codes are announced".to_owned(), actions);
        }
        self.standard.discovery.by_application.insert((application.clone(), code));
        self.standard.discovery.by_ue.insert((imsi, code));
        let kept = Kept::News(procedure, "PDA", format!("{imsi} announces {application}"), details);
        self.keep(now, vec![(until, entry)], Vec::new(), kept, actions);
    }

    /// PDA type 0.
    pub(super) fn announced(
        &mut self,
        now: Now,
        announcing: Announcing,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        match Outcome::of_result(result).is_success() {
            true => self.keep_announced(now, announcing, actions),
            false => {
                let why = format!("{} may not announce there: {}", announcing.announced.imsi, refusal(result));
                self.refuse(announcing.procedure, "PDA", why, actions);
            }
        }
    }

    /// The UE `imsi` looks for announcers of `application` in the network `plmn`: PDR type 1 unless it is ours. The news
    /// carries the filters.
    pub fn monitor(
        &mut self,
        now: Now,
        imsi: Imsi,
        application: &str,
        plmn: PlmnId,
        actions: &mut Vec<Action>,
    ) -> Procedure {
        let procedure = self.standard.procedures.begin();
        let stored = match self.allowed_ue(imsi, ProsePermission::PROSE_DIRECT_DISCOVERY) {
            Ok(stored) => stored,
            Err(why) => {
                self.refuse(procedure, "PDR", why, actions);
                return procedure;
            }
        };
        if plmn == self.config.plmn {
            let filters = self.filters(now, application);
            let details = filters.iter().map(|(code, _)| ("ProSe-App-Code", hex(code))).collect();
            let outcome = match filters.len() {
                0 => Err(format!("nobody announces {application}")),
                count => Ok(format!("{count} codes of {application} are announced")),
            };
            self.tell(procedure, "PDA", outcome, details, actions);
            return procedure;
        }
        let network = self.network_of(plmn).cloned().ok_or_else(|| format!("no function of {plmn} is configured"));
        match network.and_then(|network| Ok((network, number_of(&stored)?))) {
            Err(why) => self.refuse(procedure, "PDR", why, actions),
            Ok((network, number)) => {
                let entry = self.standard.discovery.next_entry();
                let pause = Pause::Monitored(Monitoring { procedure, imsi, plmn });
                to_network!(
                    self,
                    network,
                    pause,
                    actions,
                    ProseDiscoveryRequest {
                        discovery_auth_request: group::DiscoveryAuthRequest {
                            discovery_type: MONITORING,
                            user_identity: Some(user_identity(&number)),
                            prose_app_id: Some(application),
                            ..Default::default()
                        },
                        discovery_entry_id: Some(entry),
                    }
                );
            }
        }
        procedure
    }

    /// PDA type 1.
    pub(super) fn monitored(
        &mut self,
        now: Now,
        monitoring: Monitoring,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Monitoring { procedure, imsi, plmn } = monitoring;
        let response = read_answer::<pc6::ProseDiscoveryAnswer<'_>>(result)
            .and_then(|answer| answer.discovery_auth_response.ok_or_else(|| "PDA says nothing".to_owned()));
        let response = match response {
            Ok(response) => response,
            Err(why) => return self.refuse(procedure, "PDA", format!("{imsi} finds nobody: {why}"), actions),
        };
        let roams = response.visited_plmn_id.and_then(|octets| PlmnId::from_slice(octets).ok());
        let mut details = Vec::new();
        for filter in response.prose_discovery_filter.iter().take(MOST_FILTERS) {
            details.push(("ProSe-App-Code", hex(filter.prose_app_code)));
            if let Some(roams) = roams.filter(|_| filter.prose_app_code.len() <= 23) {
                let until = Self::window_end(now, filter.prose_validity_timer);
                self.standard.discovery.roaming.remember(now.elapsed, until, filter.prose_app_code.into(), roams);
            }
        }
        let text = format!("{imsi} looks for {} codes of {plmn}", details.len());
        self.tell(procedure, "PDA", Ok(text), details, actions);
    }

    /// Codes of ours for an application, and how many seconds each is good.
    fn filters(&self, now: Now, application: &str) -> Vec<(AppCode, Option<PlmnId>)> {
        let discovery = &self.standard.discovery;
        let first = (Box::from(application), [0; 23]);
        let all = discovery.by_application.range(first..).take_while(|(of, _)| **of == *application);
        all.filter_map(|(_, code)| Some((*code, discovery.ours.get(now.elapsed, code)?.roams)))
            .take(MOST_FILTERS)
            .collect()
    }

    /// The UE `imsi` has heard `code` in the network `visited`: PMR to whoever allotted it, unless it is ours. The news
    /// carries whose it is. `mic` and `counter` are what the UE heard with it.
    #[allow(clippy::too_many_arguments, reason = "what a match report of PC3 carries")]
    pub fn report_match(
        &mut self,
        now: Now,
        imsi: Imsi,
        code: &[u8],
        (mic, counter): ([u8; 4], u32),
        visited: PlmnId,
        actions: &mut Vec<Action>,
    ) -> Procedure {
        let procedure = self.standard.procedures.begin();
        let begun = self.allowed_ue(imsi, ProsePermission::PROSE_DIRECT_DISCOVERY).and_then(|stored| {
            let (ours, network) = self.network_of_code(code).ok_or("a code has at least three octets")?;
            match (ours, network) {
                (true, _) => Ok(None),
                (false, Some(network)) => Ok(Some((network.clone(), number_of(&stored)?))),
                (false, None) => Err("no function of the network that allotted the code is configured".to_owned()),
            }
        });
        match begun {
            Err(why) => self.refuse(procedure, "PMR", why, actions),
            Ok(None) => {
                let known = <AppCode>::try_from(code).ok();
                let known = known.and_then(|code| self.standard.discovery.ours.get(now.elapsed, &code));
                let details = known.map(|it| ("ProSe-App-Id", it.application.to_string()));
                let outcome = match &details {
                    Some((_, application)) => Ok(format!("{imsi} has met {application}")),
                    None => Err("the code is unknown or has run out".to_owned()),
                };
                self.tell(procedure, "PMA", outcome, details.into_iter().collect(), actions);
            }
            Ok(Some((network, number))) => {
                let visited = visited.to_octets();
                let pause = Pause::Matched(Matching { procedure, imsi, code: code.into() });
                to_network!(
                    self,
                    network,
                    pause,
                    actions,
                    ProseMatchRequest {
                        match_request: group::MatchRequest {
                            discovery_type: MONITORING,
                            user_identity: Some(user_identity(&number)),
                            visited_plmn_id: Some(&visited),
                            prose_app_code_info: vec![group::ProseAppCodeInfo {
                                prose_app_code: code,
                                mic: &mic,
                                utc_based_counter: counter,
                                extra: Vec::new(),
                            }],
                            ..Default::default()
                        },
                        pmr_flags: Some(PmrFlags::METADATA_REQUESTED),
                    }
                );
            }
        }
        procedure
    }

    /// PMA. The network in which the announcing UE roams is told of the match (PIR).
    pub(super) fn matched(
        &mut self,
        now: Now,
        matching: Matching,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Matching { procedure, imsi, code } = matching;
        let answer = match read_answer::<pc6::ProseMatchAnswer<'_>>(result) {
            Ok(answer) => answer,
            Err(why) => return self.refuse(procedure, "PMA", format!("{imsi} has met nobody: {why}"), actions),
        };
        let mut details = Vec::new();
        for report in answer.match_report.iter().take(MOST_FILTERS) {
            details.extend(report.prose_app_id.map(|it| ("ProSe-App-Id", it.to_owned())));
            details.extend(report.prose_application_metadata.map(|it| ("ProSe-Application-Metadata", it.to_owned())));
            details.extend(report.prose_validity_timer.map(|it| ("ProSe-Validity-Timer", it.to_string())));
            details.extend(report.prose_match_refresh_timer.map(|it| ("ProSe-Match-Refresh-Timer", it.to_string())));
        }
        let applications: Vec<&str> = answer.match_report.iter().filter_map(|report| report.prose_app_id).collect();
        self.tell(procedure, "PMA", Ok(format!("{imsi} has met {}", applications.join(", "))), details, actions);
        let roams = self.standard.discovery.roaming.get(now.elapsed, &code).copied();
        let network = roams.filter(|plmn| *plmn != self.config.plmn).and_then(|plmn| self.network_of(plmn)).cloned();
        let number = self.allowed_ue(imsi, 0).and_then(|stored| number_of(&stored));
        if let (Some(network), Ok(number)) = (network, number) {
            let pause = Pause::Told("PC6 PIA", format!("match of {imsi} told to {}", network.host));
            to_network!(
                self,
                network,
                pause,
                actions,
                ProseMatchReportInfoRequest {
                    match_report_info: group::MatchReportInfo {
                        discovery_type: MONITORING,
                        user_identity: Some(user_identity(&number)),
                        prose_app_id: applications,
                        extra: Vec::new(),
                    },
                }
            );
        }
    }

    /// How many codes are announced: ours, and those of guests.
    #[must_use]
    pub fn announced_codes(&self) -> (usize, usize) {
        (self.standard.discovery.ours.len(), self.standard.discovery.guests.len())
    }
}

/// Match reports are of open discovery alone.
fn open_alone(kind: u32) -> Result<(), Refusal> {
    match kind {
        MONITORING => Ok(()),
        other => {
            let why = format!("Discovery-Type {other} has no match reports");
            Err(Refusal::because(Code::DIAMETER_ERROR_INVALID_DISCOVERY_TYPE, why))
        }
    }
}

/// A ProSe Application Code, or its prefix where suffixes are used.
fn app_code<'a>(message: &[u8], code: &'a [u8]) -> Result<&'a [u8], Fault> {
    match code.len() {
        4..=23 => Ok(code),
        _ => Err(bad_value::<DiscoveryAuthRequest>(message, "ProSe-App-Code of 4 to 23 octets")),
    }
}

/// What a Discovery-Auth-Response carries besides its type.
#[derive(Default)]
pub(super) struct Response {
    application: String,
    codes: Vec<AppCode>,
    roams: Option<[u8; 3]>,
    validity: u32,
    /// What has to be durable before it leaves, and until when it holds.
    pub lasting: Option<(Duration, Entry)>,
}

impl Response {
    /// One that says no more than yes.
    pub fn with(lasting: Option<(Duration, Entry)>) -> Self {
        Self { lasting, ..Self::default() }
    }

    fn group(&self, discovery_type: u32) -> group::DiscoveryAuthResponse<'_> {
        let filters = self.codes.iter().map(|code| group::ProseDiscoveryFilter {
            // A filter is known by the code that it is for.
            filter_id: code.last_chunk::<8>().map_or(&[][..], |id| id),
            prose_app_id: &self.application,
            prose_validity_timer: self.validity,
            prose_app_code: code,
            prose_app_mask: Vec::new(),
            extra: Vec::new(),
        });
        group::DiscoveryAuthResponse {
            discovery_type,
            prose_discovery_filter: filters.collect(),
            visited_plmn_id: self.roams.as_ref().map(<[u8; 3]>::as_slice),
            ..Default::default()
        }
    }
}
