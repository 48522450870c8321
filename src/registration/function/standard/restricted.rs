//! Restricted direct discovery: who may discover whom is the app server's to say (PC2), and the codes travel between
//! networks (PC6). TS 29.343 request types 2 to 13, TS 29.345 5.3, 5.10, 5.11, TS 23.303 5.3.3A.
//!
//! ```text
//! announce ─► PXR type 2 ─► PDUIDs of the user ─► code ─► [PDR type 2 to the network where the UE announces]
//! monitor  ─► PXR type 4 ─► Monitor-Targets ─► for each: ours, or PDR type 3 to the network of its PDUID
//! model B: PXR type 7 and PDR type 4 in the place of 2 and 2; PXR type 8, PDR type 6 to the network where the UE queries, and
//!          PDR type 5 in the place of 4 and 3
//! PDR type 3 ─► ours? 5638 5639 5640 ─► PXR type 6: may they? ─► PDA with the code, the monitor is remembered
//! XAR type 11 ─► XAA; monitors that are banned: dropped here, or PDR type 7 ─► PDA, PDR type 8 ─► PXR type 11
//! ```
//! ProSe-Query-Code and ProSe-Response-Code of model B have no AVP code in any source: the response code travels as
//! ProSe-Restricted-Code, which is of the same kind (types 4 and 5), and type 6 asks for the leave alone.

mod ban;
mod permission;
mod query;
mod resume;

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Entry, Expiring, Function, Kept, Network, Pause, Procedure, Waiting, hex, key, number_of};
use super::{read_answer, refusal};
use super::{to_network, user_identity};
use crate::avp::dictionary::{DiscoveryType as Type, ProsePermission, ProseRequestType, group};
use crate::interfaces::{pc2, pc6};
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::{NO_STATE, send};
use crate::registration::identifiers::{Imsi, Pduid, PlmnId};
use crate::registration::reply::{Asked, Outcome};
use crate::store::ContextReader;

pub(in crate::registration::function) use query::Queries;

/// Who sends when two UEs discover one another. TS 23.303 5.3.1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// "I am here": the one announces, the other listens.
    #[default]
    A,
    /// "Are you there?": the one asks, the other responds.
    B,
}

/// ProSe Restricted Code: 64 bits. TS 23.003 24.8.
type RestrictedCode = [u8; 8];

/// A PXR of any authorization type, 2 to 13. TS 29.343.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// ProSe-Request-Type.
    pub kind: u32,
    /// The application whose app server is asked.
    pub application: String,
    /// Requesting-RPAUID.
    pub rpauid: Option<String>,
    /// Target-RPAUID.
    pub target: Option<String>,
    /// Application-Data, as the UE gave it.
    pub data: Option<String>,
    /// Allowed-Suffixes-Number.
    pub suffixes: Option<u32>,
}

/// A user of ours that announces.
#[derive(Clone, Debug)]
struct Announced {
    code: RestrictedCode,
    pduid: Pduid,
    imsi: Imsi,
    application: Box<str>,
}

/// A code of ours, who monitors it: the function (empty: this one) and the RPAUID there.
type Monitor = (RestrictedCode, Box<str>, Box<str>);

#[derive(Debug)]
pub(super) struct State {
    /// By RPAUID.
    announced: Expiring<Box<str>, Announced>,
    by_ue: BTreeSet<(Imsi, Box<str>)>,
    monitors: Expiring<Monitor, ()>,
    /// Codes that users of ours monitor, and by whom: code, RPAUID.
    monitored: Expiring<(RestrictedCode, Box<str>), Imsi>,
    /// Codes of other networks that are announced in ours.
    guests: Expiring<(Box<str>, RestrictedCode), ()>,
    /// Bans that other functions have still to report, by Discovery-Entry-ID.
    bans: Expiring<u32, Ban>,
    /// Bans of an earlier run, and when they were read: they are sent once more when there are peers again.
    again: Vec<(Duration, Ban)>,
}

/// For how long a ban waits for its report.
const BAN: Duration = Duration::from_secs(600);
/// Targets of one monitor request.
const MOST_TARGETS: usize = 32;
/// RPAUIDs are no longer than this.
const LONGEST_NAME: usize = 1024;

impl State {
    pub fn new(most: usize) -> Self {
        Self {
            announced: Expiring::new(most),
            by_ue: BTreeSet::new(),
            monitors: Expiring::new(most),
            monitored: Expiring::new(most),
            guests: Expiring::new(most),
            bans: Expiring::new(most),
            again: Vec::new(),
        }
    }

    /// Keys of what has run out, as the store has them.
    pub fn sweep(&mut self, now: Duration) -> Vec<String> {
        let mut over = Vec::new();
        for (rpauid, announced) in self.announced.sweep(now) {
            over.push(key::restricted(&rpauid));
            self.by_ue.remove(&(announced.imsi, rpauid));
        }
        let monitors = self.monitors.sweep(now);
        over.extend(monitors.iter().map(|((code, host, rpauid), ())| key::monitor(code, host, rpauid)));
        over.extend(self.monitored.sweep(now).iter().map(|((code, rpauid), _)| key::monitored(code, rpauid)));
        over.extend(self.guests.sweep(now).iter().map(|((host, code), ())| key::restricted_guest(host, code)));
        over.extend(self.bans.sweep(now).iter().map(|(entry, _)| key::ban(*entry)));
        over
    }

    /// The UE announces no more: the keys of what it announced.
    pub fn forget(&mut self, imsi: Imsi) -> Vec<String> {
        let mut over = Vec::new();
        let all = self.by_ue.range((imsi, Box::from(""))..).take_while(|(of, _)| *of == imsi);
        for (imsi, rpauid) in all.cloned().collect::<Vec<_>>() {
            self.announced.remove(&rpauid);
            over.push(key::restricted(&rpauid));
            self.by_ue.remove(&(imsi, rpauid));
        }
        over
    }
}

/// PXR under way, and what for.
#[derive(Debug)]
pub(in crate::registration::function) struct Asking {
    procedure: Procedure,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// Whoever called wants the answer.
    Answer,
    Announce {
        imsi: Imsi,
        application: String,
        rpauid: String,
        network: Option<Network>,
        model: Model,
    },
    Monitor {
        imsi: Imsi,
        rpauid: String,
        model: Model,
        /// The other network in which the UE sends its queries.
        network: Option<Network>,
    },
}

/// PDR type 2 under way.
#[derive(Debug)]
pub(in crate::registration::function) struct Announcing {
    procedure: Procedure,
    rpauid: String,
    announced: Announced,
    model: Model,
}

/// PDR type 3 under way.
#[derive(Debug)]
pub(in crate::registration::function) struct Seeking {
    procedure: Procedure,
    imsi: Imsi,
    rpauid: String,
    target: String,
    model: Model,
}

/// PDR type 3 that waits for the app server.
#[derive(Debug)]
pub(in crate::registration::function) struct Permission {
    asked: Asked,
    kind: u32,
    entry: Option<u32>,
    network: Network,
    requesting: String,
    announced: Announced,
}

/// A monitor that is banned.
#[derive(Clone, Debug)]
pub(in crate::registration::function) struct Ban {
    /// Discovery-Entry-ID.
    entry: u32,
    code: RestrictedCode,
    application: Box<str>,
    requesting: Box<str>,
    banned: Box<str>,
    pduid: Pduid,
    host: Box<str>,
}

impl<R: ContextReader> Function<R> {
    /// Asks an app server with a PXR of any authorization type; the news carries what its PXA says.
    pub fn ask_app_server(&mut self, question: &Question, actions: &mut Vec<Action>) -> Procedure {
        self.question(question, Purpose::Answer, Ok(()), actions)
    }

    /// The user `rpauid` of the UE `imsi` may be discovered, in the network `plmn` when that is not ours. The app server
    /// says which PDUIDs are the user's (PXR type 2, of model B 7). The news carries the code to announce or to respond with.
    pub fn announce_restricted(
        &mut self,
        imsi: Imsi,
        application: &str,
        rpauid: &str,
        plmn: Option<PlmnId>,
        model: Model,
        actions: &mut Vec<Action>,
    ) -> Procedure {
        let network = self.visited(plmn);
        let begun = self.allowed_ue(imsi, ProsePermission::RESTRICTED_DIRECT_DISCOVERY).map(|_| ());
        let begun = begun.and_then(|()| network.as_ref().map(|_| ()).map_err(Clone::clone));
        let (application, rpauid) = (application.to_owned(), rpauid.to_owned());
        let question = Question {
            kind: match model {
                Model::A => ProseRequestType::AUTHORIZATION_ANNOUNCE,
                Model::B => ProseRequestType::AUTHORIZATION_RESPONSE,
            },
            application: application.clone(),
            rpauid: Some(rpauid.clone()),
            ..Question::default()
        };
        let purpose = Purpose::Announce { imsi, application, rpauid, network: network.ok().flatten(), model };
        self.question(&question, purpose, begun, actions)
    }

    /// The user `rpauid` of the UE `imsi` looks for others; `targets` is Application-Data as the app server understands
    /// it. News comes for each target that the app server allows (PXR type 4, then PDR type 3; of model B 8 and 5). Where a
    /// UE sends its queries in another network, `plmn`, that is asked first (PDR type 6).
    pub fn monitor_restricted(
        &mut self,
        imsi: Imsi,
        application: &str,
        (rpauid, targets): (&str, &str),
        plmn: Option<PlmnId>,
        model: Model,
        actions: &mut Vec<Action>,
    ) -> Procedure {
        let network = if model == Model::B { self.visited(plmn) } else { Ok(None) };
        let begun = self.allowed_ue(imsi, ProsePermission::RESTRICTED_DIRECT_DISCOVERY).map(|_| ());
        let begun = begun.and_then(|()| network.as_ref().map(|_| ()).map_err(Clone::clone));
        let question = Question {
            kind: match model {
                Model::A => ProseRequestType::AUTHORIZATION_MONITOR,
                Model::B => ProseRequestType::AUTHORIZATION_QUERY,
            },
            application: application.to_owned(),
            rpauid: Some(rpauid.to_owned()),
            data: Some(targets.to_owned()),
            ..Question::default()
        };
        let network = network.ok().flatten();
        let purpose = Purpose::Monitor { imsi, rpauid: rpauid.to_owned(), model, network };
        self.question(&question, purpose, begun, actions)
    }

    /// The function of another network in which a UE sends; `None` when it is ours.
    fn visited(&self, plmn: Option<PlmnId>) -> Result<Option<Network>, String> {
        let visited = plmn
            .filter(|plmn| *plmn != self.config.plmn)
            .map(|plmn| self.network_of(plmn).cloned().ok_or_else(|| format!("no function of {plmn} is configured")));
        visited.transpose()
    }

    fn question(
        &mut self,
        question: &Question,
        purpose: Purpose,
        begun: Result<(), String>,
        actions: &mut Vec<Action>,
    ) -> Procedure {
        let procedure = self.standard.procedures.begin();
        let allowed = ProseRequestType::AUTHORIZATION_ANNOUNCE..=ProseRequestType::AUTHORIZATION_MONITOR_ACE_OPEN;
        let long = |name: &Option<String>| name.as_ref().is_some_and(|name| name.len() > LONGEST_NAME);
        let begun = begun.and_then(|()| match () {
            () if !allowed.contains(&question.kind) => Err(format!("{} is no authorization type", question.kind)),
            () if long(&question.rpauid) || long(&question.target) => {
                Err(format!("an RPAUID has at most {LONGEST_NAME} octets"))
            }
            () if self.pending.is_full() => Err("too many requests are under way".to_owned()),
            () => Ok(()),
        });
        match begun {
            Ok(()) => {
                let pause = Pause::Question(Asking { procedure, purpose });
                if let Err(why) = self.ask(question, pause, actions) {
                    self.refuse(procedure, "PXR", why, actions);
                }
            }
            Err(why) => self.refuse(procedure, "PXR", why, actions),
        }
        procedure
    }

    /// Sends PXR.
    fn ask(&mut self, question: &Question, pause: Pause, actions: &mut Vec<Action>) -> Result<(), String> {
        let server = self.server_of(&question.application)?;
        let session = self.sessions.next();
        let token = self.pending.insert(Waiting::Standard(Box::new(pause)));
        let request = pc2::ProXimityActionRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &server.realm,
            destination_host: server.host.as_deref(),
            prose_request_type: question.kind,
            requesting_rpauid: question.rpauid.as_deref(),
            target_rpauid: question.target.as_deref(),
            prose_app_id: Some(&question.application),
            application_data: question.data.as_deref(),
            allowed_suffixes_number: question.suffixes,
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, server.clone(), actions);
        Ok(())
    }

    /// PXA types 2 to 13.
    pub(super) fn question_answer(
        &mut self,
        now: Now,
        asking: Asking,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Asking { procedure, purpose } = asking;
        let answer = match read_answer::<pc2::ProXimityActionAnswer<'_>>(result) {
            Ok(answer) => answer,
            Err(why) => return self.refuse(procedure, "PXA", format!("the app server refuses: {why}"), actions),
        };
        match purpose {
            Purpose::Answer => {
                let text = "the app server allows it".to_owned();
                self.tell(procedure, "PXA", Ok(text), told(&answer), actions);
            }
            Purpose::Announce { imsi, application, rpauid, network, model } => {
                let pduids = answer.pduid.iter().filter_map(|octets| Pduid::from_octets(octets).ok());
                let pduids: Vec<Pduid> = pduids.take(MOST_TARGETS).collect();
                let stored = self.allowed_ue(imsi, ProsePermission::RESTRICTED_DIRECT_DISCOVERY);
                let pduid = stored.and_then(|stored| {
                    let own = pduids.iter().find(|pduid| stored.context.grant(**pduid).is_some());
                    Ok((*own.ok_or("the app server names no PDUID of this UE")?, stored))
                });
                match pduid {
                    Err(why) => self.refuse(procedure, "PXA", format!("{imsi}: {why}"), actions),
                    Ok((pduid, stored)) => {
                        let code = self.entropy.number().to_be_bytes();
                        let announced = Announced { code, pduid, imsi, application: application.into() };
                        let announcing = Announcing { procedure, rpauid, announced, model };
                        match network.map(|network| Ok::<_, String>((network, number_of(&stored)?))).transpose() {
                            Err(why) => self.refuse(procedure, "PDR", why, actions),
                            Ok(None) => self.keep_restricted(now, announcing, actions),
                            Ok(Some((network, number))) => {
                                self.announce_there(announcing, &network, &number, actions);
                            }
                        }
                    }
                }
            }
            Purpose::Monitor { imsi, rpauid, model, network } => {
                let targets: Vec<(String, Pduid)> = answer
                    .monitor_target
                    .iter()
                    .filter_map(|it| Some((it.target_rpauid.to_owned(), Pduid::from_octets(it.pduid).ok()?)))
                    .take(MOST_TARGETS)
                    .collect();
                if targets.is_empty() {
                    return self.refuse(procedure, "PXA", format!("{imsi}: the app server names no target"), actions);
                }
                let seek =
                    |(target, pduid)| (Seeking { procedure, imsi, rpauid: rpauid.clone(), target, model }, pduid);
                let sought = targets.into_iter().map(seek).collect();
                match network {
                    Some(network) => self.query_there(procedure, imsi, &rpauid, &network, sought, actions),
                    None => self.seek_all(now, sought, actions),
                }
            }
        }
    }

    fn announce_there(&mut self, announcing: Announcing, network: &Network, number: &[u8], actions: &mut Vec<Action>) {
        let (rpauid, code) = (announcing.rpauid.clone(), announcing.announced.code);
        let application = announcing.announced.application.clone();
        let discovery_type = match announcing.model {
            Model::A => Type::ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY,
            Model::B => Type::DISCOVEREE_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY,
        };
        let entry = self.standard.discovery.next_entry();
        to_network!(
            self,
            network,
            Pause::AnnouncedRestricted(announcing),
            actions,
            ProseDiscoveryRequest {
                discovery_auth_request: group::DiscoveryAuthRequest {
                    discovery_type,
                    user_identity: Some(user_identity(number)),
                    app_identifier: Some(app_identifier(&application)),
                    requesting_rpauid: Some(&rpauid),
                    prose_restricted_code: Some(&code),
                    prose_validity_timer: Some(self.config.standard.code_validity),
                    ..Default::default()
                },
                discovery_entry_id: Some(entry),
            }
        );
    }

    /// PDA type 2.
    pub(super) fn announced_restricted(
        &mut self,
        now: Now,
        announcing: Announcing,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        match Outcome::of_result(result).is_success() {
            true => self.keep_restricted(now, announcing, actions),
            false => {
                let why = format!("{} may not announce there: {}", announcing.announced.imsi, refusal(result));
                self.refuse(announcing.procedure, "PDA", why, actions);
            }
        }
    }

    fn keep_restricted(&mut self, now: Now, announcing: Announcing, actions: &mut Vec<Action>) {
        let Announcing { procedure, rpauid, announced, .. } = announcing;
        let until = Self::window_end(now, self.config.standard.code_validity);
        let (imsi, code) = (announced.imsi, announced.code);
        let entry = Entry::Restricted {
            rpauid: rpauid.clone(),
            code: hex(&code),
            pduid: announced.pduid.to_string(),
            imsi: imsi.packed(),
            application: announced.application.to_string(),
        };
        let rpauid: Box<str> = rpauid.into();
        if !self.standard.restricted.announced.insert(now.elapsed, until, rpauid.clone(), announced) {
            return self.refuse(procedure, "PDA", "too many codes are announced".to_owned(), actions);
        }
        self.standard.restricted.by_ue.insert((imsi, rpauid));
        let details = vec![("ProSe-Restricted-Code", hex(&code))];
        let kept = Kept::News(procedure, "PDA", format!("{imsi} may be discovered"), details);
        self.keep(now, vec![(until, entry)], Vec::new(), kept, actions);
    }

    /// The code of one target: ours, or from the network that its PDUID names.
    fn seek(&mut self, now: Now, seeking: Seeking, pduid: Pduid, actions: &mut Vec<Action>) {
        let plmn = pduid.plmn();
        if plmn == Ok(self.config.plmn) {
            let known = self.standard.restricted.announced.get(now.elapsed, seeking.target.as_str());
            let code = known.filter(|it| it.pduid == pduid).map(|it| it.code);
            return match code {
                Some(code) => self.found(now, &seeking, code, true, self.config.standard.code_validity, actions),
                None => {
                    let why = format!("the target of {} announces nothing", seeking.imsi);
                    self.refuse(seeking.procedure, "PDA", why, actions);
                }
            };
        }
        let number = self.allowed_ue(seeking.imsi, 0).and_then(|stored| number_of(&stored));
        let network = plmn.ok().and_then(|plmn| self.network_of(plmn)).cloned();
        let (network, number) = match (network, number) {
            (Some(network), Ok(number)) => (network, number),
            (None, _) => {
                let why = "no function of the target's network is configured".to_owned();
                return self.refuse(seeking.procedure, "PDR", why, actions);
            }
            (_, Err(why)) => return self.refuse(seeking.procedure, "PDR", why, actions),
        };
        let (rpauid, target, pduid) = (seeking.rpauid.clone(), seeking.target.clone(), pduid.to_octets());
        let discovery_type = match seeking.model {
            Model::A => Type::MONITORING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY,
            Model::B => Type::DISCOVERER_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY,
        };
        let entry = self.standard.discovery.next_entry();
        to_network!(
            self,
            network,
            Pause::TargetCode(seeking),
            actions,
            ProseDiscoveryRequest {
                discovery_auth_request: group::DiscoveryAuthRequest {
                    discovery_type,
                    user_identity: Some(user_identity(&number)),
                    requesting_rpauid: Some(&rpauid),
                    target_rpauid: Some(&target),
                    target_pduid: Some(&pduid),
                    ..Default::default()
                },
                discovery_entry_id: Some(entry),
            }
        );
    }

    fn found(
        &mut self,
        now: Now,
        seeking: &Seeking,
        code: RestrictedCode,
        ours: bool,
        validity: u32,
        actions: &mut Vec<Action>,
    ) {
        let until = Self::window_end(now, validity);
        let rpauid: Box<str> = seeking.rpauid.as_str().into();
        self.standard.restricted.monitored.remember(now.elapsed, until, (code, rpauid.clone()), seeking.imsi);
        let (name, imsi) = (seeking.rpauid.clone(), seeking.imsi.packed());
        let mut entries = vec![(until, Entry::Monitored { code: hex(&code), rpauid: name.clone(), imsi })];
        if ours {
            entries.push((until, Entry::Monitor { code: hex(&code), host: String::new(), rpauid: name }));
            self.standard.restricted.monitors.remember(now.elapsed, until, (code, Box::from(""), rpauid), ());
        }
        let details = vec![("Target-RPAUID", seeking.target.clone()), ("ProSe-Restricted-Code", hex(&code))];
        let text = format!("{} may discover a target", seeking.imsi);
        self.keep(now, entries, Vec::new(), Kept::News(seeking.procedure, "PDA", text, details), actions);
    }

    /// PDA type 3.
    pub(super) fn target_code(
        &mut self,
        now: Now,
        seeking: Seeking,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let code = read_answer::<pc6::ProseDiscoveryAnswer<'_>>(result).and_then(|answer| {
            let response = answer.discovery_auth_response.ok_or("PDA says nothing")?;
            let code = response.prose_restricted_code.and_then(|code| code.try_into().ok());
            Ok((code.ok_or("PDA carries no code of 64 bits")?, response.prose_validity_timer))
        });
        match code {
            Ok((code, validity)) => {
                let validity = validity.unwrap_or(self.config.standard.code_validity);
                self.found(now, &seeking, code, false, validity, actions);
            }
            Err(why) => {
                let why = format!("{} may not discover the target: {why}", seeking.imsi);
                self.refuse(seeking.procedure, "PDA", why, actions);
            }
        }
    }
}

/// App-Identifier: the application under no operating system's number, since the UE's is not known here.
fn app_identifier(application: &str) -> group::AppIdentifier<'_> {
    group::AppIdentifier { os_id: &[0; 16], os_app_id: application, extra: Vec::new() }
}

/// What PXA says, by the names of its AVPs.
fn told(answer: &pc2::ProXimityActionAnswer<'_>) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    details.extend(answer.pduid.iter().take(MOST_TARGETS).map(|it| ("PDUID", hex(it))));
    details.extend(answer.target_pduid.iter().take(MOST_TARGETS).map(|it| ("Target-PDUID", hex(it))));
    details.extend(
        answer.monitor_target.iter().take(MOST_TARGETS).map(|it| ("Monitor-Target", it.target_rpauid.to_owned())),
    );
    let range =
        |beginning: &[u8], ending: Option<&[u8]>| format!("{}..{}", hex(beginning), hex(ending.unwrap_or(beginning)));
    for it in answer.prose_restricted_code_suffix_range.iter().take(MOST_TARGETS) {
        details.push(("ProSe-Restricted-Code-Suffix-Range", range(it.beginning_suffix, it.ending_suffix)));
    }
    for it in answer.prose_app_code_suffix_range.iter().take(MOST_TARGETS) {
        details.push(("ProSe-App-Code-Suffix-Range", range(it.beginning_suffix, it.ending_suffix)));
    }
    details
        .extend(answer.prose_code_suffix_mask.iter().take(MOST_TARGETS).map(|it| ("Suffix-Code", hex(it.suffix_code))));
    details.extend(answer.prose_application_metadata.map(|it| ("ProSe-Application-Metadata", it.to_owned())));
    details.extend(answer.application_data.map(|it| ("Application-Data", it.to_owned())));
    details
}
