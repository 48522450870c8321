//! The standard registration of an application: the UE gets an EPUID, and the app server learns it by PXR type 0.
//! TS 23.303 5.5.3 and 5.5.4, TS 29.343.
//!
//! An EPUID is the UE's for all its applications. It stands in the store once an app server has taken it, found by itself
//! and by the IMSI; both go with the UE.

use std::collections::BTreeMap;
use std::fmt;

use super::{Function, Pause, Procedure, Waiting, refusal};
use crate::avp::dictionary::{ProsePermission, ProseRequestType};
use crate::interfaces::pc2;
use crate::registration::element::{Action, Destination, NoAnswer, Now};
use crate::registration::exchange::{NO_STATE, failure, send};
use crate::registration::identifiers::Imsi;
use crate::registration::reply::Outcome;
use crate::store::{ContextReader, StoreError, Stored, Write, WriteOutcome};

/// EPC ProSe User ID: 32 bits, meaningful in the function that allotted it. TS 23.003 24.4. The specifications do not say
/// how the bits stand in a UTF8String: eight hexadecimal digits here; other functions' are taken as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::registration::function) struct Epuid(pub u32);

impl fmt::Display for Epuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl Epuid {
    /// One of ours: eight hexadecimal digits, or decimal.
    pub fn read(text: &str) -> Option<Self> {
        match text.len() {
            8 => u32::from_str_radix(text, 16).ok(),
            1..=10 => text.parse().ok(),
            _ => None,
        }
        .map(Self)
    }

    fn key(self) -> String {
        format!("epuid/{self}")
    }
}

/// What the store has of a UE: its EPUID, and its name (ALUID) in each application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registration::function) struct Registered {
    pub epuid: Epuid,
    pub applications: BTreeMap<String, String>,
}

impl Registered {
    fn key(imsi: Imsi) -> String {
        format!("standard/{:016x}", imsi.packed())
    }

    /// JSON, `[EPUID, {application: ALUID}]`.
    fn to_value(&self) -> Vec<u8> {
        serde_json::to_vec(&(self.epuid.0, &self.applications)).unwrap_or_default()
    }

    fn from_value(value: &[u8]) -> Option<Self> {
        let (epuid, applications) = serde_json::from_slice::<(u32, BTreeMap<String, String>)>(value).ok()?;
        Some(Self { epuid: Epuid(epuid), applications })
    }
}

/// PXR type 0 under way, or its write.
#[derive(Debug)]
pub(in crate::registration::function) struct Registration {
    procedure: Procedure,
    imsi: Imsi,
    application: String,
    aluid: String,
    epuid: Epuid,
}

/// Names that an app server gives its users are no longer than this.
const LONGEST_NAME: usize = 1024;

impl<R: ContextReader> Function<R> {
    /// The UE `imsi` registers its user `aluid` of `application` with this function: PXR type 0 tells the first app
    /// server that serves the application. The news carries the EPUID.
    pub fn register_application(
        &mut self,
        imsi: Imsi,
        application: &str,
        aluid: &str,
        actions: &mut Vec<Action>,
    ) -> Procedure {
        let procedure = self.standard.procedures.begin();
        match self.begin_registration(procedure, imsi, application, aluid) {
            Ok((registration, server)) => self.offer(registration, server, actions),
            Err(why) => self.refuse(procedure, "PXR type 0", why, actions),
        }
        procedure
    }

    fn begin_registration(
        &mut self,
        procedure: Procedure,
        imsi: Imsi,
        application: &str,
        aluid: &str,
    ) -> Result<(Registration, Destination), String> {
        self.allowed_ue(imsi, ProsePermission::EPC_LEVEL_PROSE_DISCOVERY)?;
        if aluid.is_empty() || aluid.len() > LONGEST_NAME {
            return Err(format!("a name in an application has 1 to {LONGEST_NAME} octets"));
        }
        let server = self.server_of(application)?;
        if self.pending.is_full() {
            return Err("too many requests are under way".to_owned());
        }
        let epuid = match self.registered(imsi).map_err(|why| why.to_string())? {
            Some(registered) => registered.epuid,
            None => self.new_epuid()?,
        };
        let (application, aluid) = (application.to_owned(), aluid.to_owned());
        Ok((Registration { procedure, imsi, application, aluid, epuid }, server))
    }

    /// The app server of an application.
    pub(super) fn server_of(&self, application: &str) -> Result<Destination, String> {
        let serves = |applications: &[String]| applications.iter().any(|it| it == application);
        self.config
            .app_servers
            .iter()
            .find(|server| serves(&server.applications))
            .map(|server| Destination { host: Some(server.host.clone()), realm: server.realm.clone() })
            .ok_or_else(|| format!("no app server of this function has {application}"))
    }

    fn new_epuid(&mut self) -> Result<Epuid, String> {
        for _ in 0..16 {
            let epuid = Epuid(self.entropy.number() as u32);
            let taken = self.reader.value(&epuid.key()).map_err(|why| why.to_string())?.is_some();
            if !taken && self.standard.offered.insert(epuid) {
                return Ok(epuid);
            }
        }
        Err("no EPUID is free".to_owned())
    }

    fn offer(&mut self, registration: Registration, server: Destination, actions: &mut Vec<Action>) {
        let session = self.sessions.next();
        let epuid = registration.epuid.to_string();
        let (application, aluid) = (registration.application.clone(), registration.aluid.clone());
        let token = self.pending.insert(Waiting::Standard(Box::new(Pause::Registration(registration))));
        let request = pc2::ProXimityActionRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &server.realm,
            destination_host: server.host.as_deref(),
            prose_request_type: ProseRequestType::APPLICATION_REGISTRATION_FOR_PROSE,
            origin_app_layer_user_id: Some(&aluid),
            requesting_epuid: Some(&epuid),
            prose_function_id: Some(self.identity.host.as_bytes()),
            prose_app_id: Some(&application),
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, server.clone(), actions);
    }

    /// PXA type 0. What the app server has taken is written before anybody is told of it.
    pub(super) fn registration_answer(
        &mut self,
        registration: Registration,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        if !Outcome::of_result(result).is_success() {
            self.standard.offered.remove(&registration.epuid);
            let why =
                format!("{} is not registered in {}: {}", registration.imsi, registration.application, refusal(result));
            return self.refuse(registration.procedure, "PXA type 0", why, actions);
        }
        let known = match self.registered(registration.imsi) {
            Ok(known) => known,
            Err(why) => return self.refuse(registration.procedure, "PXA type 0", why.to_string(), actions),
        };
        let mut registered =
            known.unwrap_or_else(|| Registered { epuid: registration.epuid, applications: BTreeMap::new() });
        registered.applications.insert(registration.application.clone(), registration.aluid.clone());
        let writes = vec![
            Write::PutValue {
                key: registration.epuid.key(),
                value: registration.imsi.packed().to_be_bytes().to_vec(),
                expected: None,
            },
            Write::PutValue { key: Registered::key(registration.imsi), value: registered.to_value(), expected: None },
        ];
        let token = self.pending.insert(Waiting::Standard(Box::new(Pause::Recorded(Some(registration)))));
        actions.push(Action::Store { token, writes });
    }

    pub(super) fn registration_stored(
        &mut self,
        registration: Registration,
        result: Result<Vec<WriteOutcome>, String>,
        actions: &mut Vec<Action>,
    ) {
        let Registration { procedure, imsi, application, epuid, .. } = registration;
        self.standard.offered.remove(&epuid);
        let done = result.is_ok_and(|outcomes| outcomes.iter().all(|outcome| outcome.is_done()));
        let outcome = match done {
            true => Ok(format!("{imsi} is registered in {application} with EPUID {epuid}")),
            false => Err(format!("the EPUID of {imsi} could not be recorded")),
        };
        self.tell(procedure, "PXA type 0", outcome, vec![("Requesting-EPUID", epuid.to_string())], actions);
    }

    /// What the store has of a UE.
    pub(super) fn registered(&self, imsi: Imsi) -> Result<Option<Registered>, StoreError> {
        Ok(self.reader.value(&Registered::key(imsi))?.and_then(|value| Registered::from_value(&value)))
    }

    /// The UE of an EPUID that another network names.
    pub(super) fn ue_of(&self, epuid: &str) -> Result<Option<(Epuid, Stored)>, StoreError> {
        let Some(epuid) = Epuid::read(epuid) else { return Ok(None) };
        let Some(value) = self.reader.value(&epuid.key())? else { return Ok(None) };
        let Some(imsi) = value.try_into().ok().map(u64::from_be_bytes).and_then(Imsi::from_packed) else {
            return Ok(None);
        };
        Ok(self.reader.get(imsi)?.map(|stored| (epuid, stored)))
    }

    /// The EPUID of a UE that has gone, and its registrations.
    pub(super) fn free_epuid(&mut self, imsi: Imsi, actions: &mut Vec<Action>) {
        match self.registered(imsi) {
            Ok(None) => {}
            Ok(Some(registered)) => {
                let keys = [registered.epuid.key(), Registered::key(imsi)];
                let writes = keys.into_iter().map(|key| Write::DeleteValue { key }).collect();
                let token = self.pending.insert(Waiting::Standard(Box::new(Pause::Recorded(None))));
                actions.push(Action::Store { token, writes });
            }
            Err(why) => failure(actions, "EPUID", why.to_string()),
        }
    }

    /// The time of an event as windows count it.
    pub(super) fn window_end(now: Now, seconds: u32) -> std::time::Duration {
        now.elapsed + std::time::Duration::from_secs(u64::from(seconds))
    }
}
