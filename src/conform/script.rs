//! What every case does around its own steps: capabilities, watchdogs, parting, and the words for what is awaited.

use std::net::SocketAddr;

use serde_json::Value;

use super::build::Variables;
use super::judge;
use super::machine::Who;
use super::suite::{Case, Expectation, Party};
use crate::avp::Avps;
use crate::avp::dictionary::{DisconnectCause, OriginHost, OriginRealm, ResultCode};
use crate::interfaces::base::{
    APPLICATION, APPLICATION_RELAY, DeviceWatchdogAnswer, DeviceWatchdogRequest, DisconnectPeerAnswer,
    DisconnectPeerRequest,
};
use crate::message::{Command, Envelope, HEADER_LENGTH, Header, find};
use crate::peer::{Local, capabilities};

const CAPABILITIES_EXCHANGE: u32 = 257;
const WATCHDOG: u32 = 280;
const DISCONNECT: u32 = 282;

impl Case {
    /// Some step waits for this request.
    pub(super) fn waits_for(&self, name: &str) -> bool {
        let expectations = self.steps.iter().flat_map(|step| step.get_ref().expectations());
        expectations.into_iter().any(|one| one.request.as_deref() == Some(name))
    }
}

/// The capabilities exchange of a party of ours.
pub(super) struct Greeting<'s> {
    pub who: Who,
    pub address: Option<SocketAddr>,
    pub party: Option<&'s Party>,
}

impl Greeting<'_> {
    fn local(&self, variables: &Variables) -> Result<Local, String> {
        let mut local = Local::new(&self.who.host, &self.who.realm, self.address.iter().map(SocketAddr::ip).collect());
        for written in self.party.iter().flat_map(|party| &party.applications) {
            let value = variables.fill(written).map_err(|unset| unset.to_string())?;
            let id = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            let id = id.and_then(|id| u32::try_from(id).ok());
            local.applications.push(id.ok_or_else(|| format!("{value} is no Application-Id"))?);
        }
        if local.applications.is_empty() {
            local.applications.push(APPLICATION_RELAY);
        }
        Ok(local)
    }

    pub(super) fn cer(&self, identifier: u32, variables: &Variables) -> Result<Vec<u8>, String> {
        Ok(capabilities::cer(&self.local(variables)?, identifier, identifier))
    }

    pub(super) fn cea(&self, cer: &[u8], variables: &Variables) -> Result<Vec<u8>, String> {
        let header = Header::parse(cer).ok_or("no header")?;
        Ok(capabilities::cea(&self.local(variables)?, &header, ResultCode::DIAMETER_SUCCESS, None))
    }

    /// Who the peer is, by its CER or CEA.
    pub(super) fn judge(&self, message: &[u8], listens: bool) -> Result<Who, String> {
        let body = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
        let header = Header::parse(message).filter(|it| it.code == CAPABILITIES_EXCHANGE && it.is_request() == listens);
        let host = find::<OriginHost>(body).filter(|_| header.is_some() && (listens || succeeds(message)));
        match (host, find::<OriginRealm>(body)) {
            (Some(host), Some(realm)) => Ok(Who { host: host.to_owned(), realm: realm.to_owned() }),
            _ => {
                let what = if listens { "a connection begins" } else { "our CER is answered" };
                Err(format!("{what} with {}", judge::essence(message)))
            }
        }
    }
}

/// Whether an answer says DIAMETER_SUCCESS.
pub(super) fn succeeds(message: &[u8]) -> bool {
    let body = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
    find::<ResultCode>(body) == Some(ResultCode::DIAMETER_SUCCESS)
}

/// Who sends a message, by its own words.
pub(super) fn origin(message: &[u8]) -> Option<Who> {
    let body = Avps::new(message.get(HEADER_LENGTH..)?);
    Some(Who { host: find::<OriginHost>(body)?.to_owned(), realm: find::<OriginRealm>(body)?.to_owned() })
}

/// Who sends it, when this is a CEA of success.
pub(super) fn peer_of(message: &[u8]) -> Option<Who> {
    let header = Header::parse(message)?;
    let is_cea = header.code == CAPABILITIES_EXCHANGE && !header.is_request() && succeeds(message);
    origin(message).filter(|_| is_cea)
}

/// Whether this is a DPA of success.
pub(super) fn is_dpa(message: &[u8]) -> bool {
    Header::parse(message).is_some_and(|it| it.code == DISCONNECT && !it.is_request()) && succeeds(message)
}

/// The name of a request that every node answers alike.
pub(super) fn base_request(message: &[u8]) -> Option<&'static str> {
    let header = Header::parse(message).filter(|header| header.is_request() && header.application == APPLICATION)?;
    match header.code {
        WATCHDOG => Some("Device-Watchdog-Request"),
        DISCONNECT => Some("Disconnect-Peer-Request"),
        _ => None,
    }
}

/// The answer to a watchdog or a disconnect.
pub(super) fn base_answer(who: &Who, request: &[u8]) -> Option<Vec<u8>> {
    let header = Header::parse(request)?;
    let (origin_host, origin_realm) = (who.host.as_str(), who.realm.as_str());
    let (result_code, envelope) = (ResultCode::DIAMETER_SUCCESS, Envelope::answering(&header));
    match header.code {
        WATCHDOG => Some(
            DeviceWatchdogAnswer { result_code, origin_host, origin_realm, ..Default::default() }.to_bytes(envelope),
        ),
        DISCONNECT => Some(
            DisconnectPeerAnswer { result_code, origin_host, origin_realm, ..Default::default() }.to_bytes(envelope),
        ),
        _ => None,
    }
}

pub(super) fn watchdog(who: &Who, identifier: u32) -> Vec<u8> {
    let request = DeviceWatchdogRequest { origin_host: &who.host, origin_realm: &who.realm, ..Default::default() };
    request.to_bytes(Envelope { application: APPLICATION, hop_by_hop: identifier, end_to_end: identifier })
}

pub(super) fn disconnect(who: &Who, identifier: u32) -> Vec<u8> {
    let request = DisconnectPeerRequest {
        origin_host: &who.host,
        origin_realm: &who.realm,
        disconnect_cause: DisconnectCause::REBOOTING,
        ..Default::default()
    };
    request.to_bytes(Envelope { application: APPLICATION, hop_by_hop: identifier, end_to_end: identifier })
}

/// Compares as names are compared: without case.
pub(super) fn compares(left: &Value, sign: &str, right: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).to_ascii_lowercase();
    let (left, right) = (text(left), text(right));
    match sign {
        "<" => left < right,
        ">" => left > right,
        "=" => left == right,
        _ => left != right,
    }
}

/// What is awaited, in words.
pub(super) fn wanted(expectations: &[&Expectation]) -> String {
    let words: Vec<String> = expectations
        .iter()
        .map(|one| match (&one.request, one.closed, one.silence) {
            (Some(name), ..) => name.clone(),
            (None, true, _) => "the end of the connection".to_owned(),
            (None, _, true) => "silence".to_owned(),
            (None, false, false) => match one.result.as_ref().or(one.experimental.as_ref()) {
                Some(code) => format!("an answer with {}", code.to_string().replace('"', "")),
                None => "an answer".to_owned(),
            },
        })
        .collect();
    words.join(" or ")
}
