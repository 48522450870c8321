//! The capabilities exchange: CER and CEA built and judged. RFC 6733 section 5.3.
//!
//! A refusal is told to both sides in words: what each advertises, which rule refused, and what to change.

use std::fmt;
use std::net::IpAddr;

use super::{answers, explain};
use crate::avp::dictionary::{ResultCode, group};
use crate::avp::{Address, Fault};
use crate::interfaces::base::{
    APPLICATION, APPLICATION_RELAY, CapabilitiesExchangeAnswer, CapabilitiesExchangeRequest,
};
use crate::interfaces::names;
use crate::message::{Command, Envelope, Header};

/// This node, as it presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Origin-Host.
    pub identity: String,
    /// Origin-Realm.
    pub realm: String,
    /// Host-IP-Address: every address the node can be reached by.
    pub addresses: Vec<IpAddr>,
    /// Vendor-Id of the product; 0 says nothing.
    pub vendor: u32,
    /// Product-Name.
    pub product: String,
    /// Firmware-Revision.
    pub firmware: Option<u32>,
    /// Origin-State-Id: grows with every start that loses state; 0 is not sent.
    pub origin_state: u32,
    /// Application-Ids; 0xffffffff for a relay.
    pub applications: Vec<u32>,
    /// The vendors of applications that the tables do not know: Application-Id and Vendor-Id.
    pub vendors: Vec<(u32, u32)>,
}

impl Local {
    /// This program under a name, without applications.
    #[must_use]
    pub fn new(identity: impl Into<String>, realm: impl Into<String>, addresses: Vec<IpAddr>) -> Self {
        Self {
            identity: identity.into(),
            realm: realm.into(),
            addresses,
            vendor: 0,
            product: "proselink".to_owned(),
            firmware: None,
            origin_state: 0,
            applications: Vec::new(),
            vendors: Vec::new(),
        }
    }

    /// The vendor of an application; 0 for those of the IETF and for unknown ones.
    #[must_use]
    pub fn vendor_of(&self, application: u32) -> u32 {
        let own = self.vendors.iter().find(|(known, _)| *known == application).map(|(_, vendor)| *vendor);
        own.unwrap_or_else(|| names::vendor_of_application(application))
    }

    /// True when this node takes part in an application.
    #[must_use]
    pub fn serves(&self, application: u32) -> bool {
        self.applications.contains(&application) || self.is_agent()
    }

    /// True when this node is an agent that relays or redirects whatever comes. RFC 6733 section 2.4.
    #[must_use]
    pub fn is_agent(&self) -> bool {
        self.applications.contains(&APPLICATION_RELAY)
    }
}

/// The other node, as it has presented itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Origin-Host.
    pub identity: String,
    /// Origin-Realm.
    pub realm: String,
    /// Product-Name.
    pub product: String,
    /// Origin-State-Id; 0 when absent.
    pub origin_state: u32,
    /// Host-IP-Address.
    pub addresses: Vec<IpAddr>,
    /// Application-Ids, of authentication and accounting alike, sorted.
    pub applications: Vec<u32>,
}

impl Capabilities {
    /// True when the node takes part in an application, or relays all.
    #[must_use]
    pub fn serves(&self, application: u32) -> bool {
        self.applications.binary_search(&application).is_ok() || self.is_relay()
    }

    /// True when it advertises the relay application.
    #[must_use]
    pub fn is_relay(&self) -> bool {
        self.applications.last() == Some(&APPLICATION_RELAY)
    }
}

/// The value of Inband-Security-Id for peers that protect a connection before CER, or not at all.
const NO_INBAND_SECURITY: u32 = 0;

/// A peer as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its Origin-Host.
    pub identity: String,
    /// Its Origin-Realm, when the configuration says it.
    pub realm: Option<String>,
    /// The addresses it may come from; any when empty.
    pub addresses: Vec<IpAddr>,
}

/// Why a peer is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What goes into CEA: 3010, 5010, 5017, or the code of a fault.
    pub result_code: u32,
    /// Which rule, what both sides advertise, and what to change.
    pub words: String,
    /// The CEA that tells it, when there was a CER to answer.
    pub answer: Option<Vec<u8>>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.words, self.result_code)
    }
}

/// The names and numbers of applications, for people.
#[must_use]
pub fn list(applications: &[u32]) -> String {
    if applications.is_empty() {
        return "none".to_owned();
    }
    let named = applications.iter().map(|&application| match names::application_name(application) {
        Some(name) => format!("{name} ({application})"),
        None => application.to_string(),
    });
    named.collect::<Vec<_>>().join(", ")
}

/// What stands in CER and CEA alike, made of the local node.
struct Presented<'a> {
    addresses: Vec<Address<'a>>,
    vendors: Vec<u32>,
    plain: Vec<u32>,
    of_vendors: Vec<group::VendorSpecificApplicationId<'a>>,
}

fn present(local: &Local) -> Presented<'_> {
    let mut presented = Presented {
        addresses: local.addresses.iter().map(|&address| address.into()).collect(),
        vendors: Vec::new(),
        plain: Vec::new(),
        of_vendors: Vec::new(),
    };
    for &application in &local.applications {
        let vendor = local.vendor_of(application);
        if vendor == 0 {
            presented.plain.push(application);
            continue;
        }
        if !presented.vendors.contains(&vendor) {
            presented.vendors.push(vendor);
        }
        presented.of_vendors.push(group::VendorSpecificApplicationId {
            vendor_id: vendor,
            auth_application_id: Some(application),
            ..Default::default()
        });
    }
    presented
}

/// Builds our CER.
#[must_use]
pub fn cer(local: &Local, hop_by_hop: u32, end_to_end: u32) -> Vec<u8> {
    let presented = present(local);
    let request = CapabilitiesExchangeRequest {
        origin_host: &local.identity,
        origin_realm: &local.realm,
        host_ip_address: presented.addresses,
        vendor_id: local.vendor,
        product_name: &local.product,
        origin_state_id: (local.origin_state != 0).then_some(local.origin_state),
        supported_vendor_id: presented.vendors,
        auth_application_id: presented.plain,
        inband_security_id: vec![NO_INBAND_SECURITY],
        vendor_specific_application_id: presented.of_vendors,
        firmware_revision: local.firmware,
        ..Default::default()
    };
    request.to_bytes(Envelope { application: APPLICATION, hop_by_hop, end_to_end })
}

/// Builds the CEA to a CER: success without `error`, else a refusal with its words.
#[must_use]
pub fn cea(local: &Local, cer: &Header, result_code: u32, error: Option<&str>) -> Vec<u8> {
    let presented = present(local);
    let answer = CapabilitiesExchangeAnswer {
        result_code,
        origin_host: &local.identity,
        origin_realm: &local.realm,
        host_ip_address: presented.addresses,
        vendor_id: local.vendor,
        product_name: &local.product,
        origin_state_id: (local.origin_state != 0).then_some(local.origin_state),
        error_message: error,
        supported_vendor_id: presented.vendors,
        auth_application_id: presented.plain,
        inband_security_id: vec![NO_INBAND_SECURITY],
        vendor_specific_application_id: presented.of_vendors,
        firmware_revision: local.firmware,
        ..Default::default()
    };
    let mut flags = CapabilitiesExchangeAnswer::DEFINITION.flags();
    if result_code / 1000 == 3 {
        flags.0 |= crate::message::CommandFlags::ERROR;
    }
    let mut out = Vec::with_capacity(256);
    answer.encode_with(Envelope::answering(cer), flags, CapabilitiesExchangeAnswer::DEFINITION.code, &mut out);
    out
}

/// Judges a CER that came from `from`: is the peer in the configuration, is there a common application, does it take a
/// connection without TLS? `find` looks a peer up by its Origin-Host.
///
/// # Errors
/// The refusal, with the CEA that tells it.
pub fn judge_cer<'p>(
    local: &Local,
    from: IpAddr,
    message: &[u8],
    header: &Header,
    find: impl FnOnce(&str) -> Option<&'p Expected>,
) -> Result<Capabilities, Refusal> {
    let refuse = |result_code, words: String| {
        let answer = Some(cea(local, header, result_code, Some(&words)));
        Err(Refusal { result_code, words, answer })
    };
    if let Some(fault) = answers::judge_header(message, header, local) {
        return Err(faulty(local, message, header, &[fault]));
    }
    let request = match CapabilitiesExchangeRequest::decode(message) {
        Ok(request) => request,
        Err(faults) => return Err(faulty(local, message, header, &faults)),
    };
    let theirs = Capabilities {
        identity: request.origin_host.to_owned(),
        realm: request.origin_realm.to_owned(),
        product: request.product_name.to_owned(),
        origin_state: request.origin_state_id.unwrap_or(0),
        addresses: request.host_ip_address.iter().filter_map(|address| address.ip()).collect(),
        applications: applications(
            &request.auth_application_id,
            &request.acct_application_id,
            &request.vendor_specific_application_id,
        ),
    };
    let Some(expected) = find(&theirs.identity) else {
        let words = explain::unknown_peer(local, &theirs, from);
        return refuse(ResultCode::DIAMETER_UNKNOWN_PEER, words);
    };
    if !expected.addresses.is_empty() && !expected.addresses.contains(&from) {
        let words = explain::wrong_address(local, expected, &theirs, from);
        return refuse(ResultCode::DIAMETER_UNKNOWN_PEER, words);
    }
    if let Err(words) = realm_fits(local, expected, &theirs) {
        return refuse(ResultCode::DIAMETER_UNKNOWN_PEER, words);
    }
    if !request.inband_security_id.is_empty() && !request.inband_security_id.contains(&NO_INBAND_SECURITY) {
        return refuse(ResultCode::DIAMETER_NO_COMMON_SECURITY, explain::no_common_security(local, &theirs));
    }
    if let Err(words) = common_application(local, &theirs) {
        return refuse(ResultCode::DIAMETER_NO_COMMON_APPLICATION, words);
    }
    Ok(theirs)
}

/// Judges a CEA from the peer that we called.
///
/// # Errors
/// The refusal: the peer's own, or ours of the peer.
pub fn judge_cea(local: &Local, expected: &Expected, message: &[u8]) -> Result<Capabilities, Refusal> {
    let refuse = |result_code, words| Err(Refusal { result_code, words, answer: None });
    let answer = match CapabilitiesExchangeAnswer::decode(message) {
        Ok(answer) => answer,
        Err(faults) => {
            // A refusal with the E bit need not follow the grammar of CEA.
            let refused = crate::avp::Avps::new(message.get(crate::message::HEADER_LENGTH..).unwrap_or_default());
            if let Some(code) = crate::message::find::<ResultCode>(refused)
                && code / 1000 != 2
            {
                let why = crate::message::find::<crate::avp::dictionary::ErrorMessage>(refused);
                return refuse(code, explain::refused_by(local, &expected.identity, code, why, None));
            }
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            let code = faults.first().map_or(ResultCode::DIAMETER_UNABLE_TO_COMPLY, Fault::result_code);
            return refuse(code, explain::unreadable(local, &expected.identity, "CEA", &first));
        }
    };
    let theirs = Capabilities {
        identity: answer.origin_host.to_owned(),
        realm: answer.origin_realm.to_owned(),
        product: answer.product_name.to_owned(),
        origin_state: answer.origin_state_id.unwrap_or(0),
        addresses: answer.host_ip_address.iter().filter_map(|address| address.ip()).collect(),
        applications: applications(
            &answer.auth_application_id,
            &answer.acct_application_id,
            &answer.vendor_specific_application_id,
        ),
    };
    if answer.result_code / 1000 != 2 {
        let (code, why) = (answer.result_code, answer.error_message);
        let words = explain::refused_by(local, &theirs.identity, code, why, Some(&theirs.applications));
        return refuse(answer.result_code, words);
    }
    if !theirs.identity.eq_ignore_ascii_case(&expected.identity) {
        let words = explain::wrong_identity(local, expected, &theirs);
        return refuse(ResultCode::DIAMETER_UNKNOWN_PEER, words);
    }
    if let Err(words) = realm_fits(local, expected, &theirs) {
        return refuse(ResultCode::DIAMETER_UNKNOWN_PEER, words);
    }
    if !answer.inband_security_id.is_empty() && !answer.inband_security_id.contains(&NO_INBAND_SECURITY) {
        return refuse(ResultCode::DIAMETER_NO_COMMON_SECURITY, explain::no_common_security(local, &theirs));
    }
    if let Err(words) = common_application(local, &theirs) {
        return refuse(ResultCode::DIAMETER_NO_COMMON_APPLICATION, words);
    }
    Ok(theirs)
}

fn faulty(local: &Local, message: &[u8], header: &Header, faults: &[Fault]) -> Refusal {
    let first = faults.first().cloned().unwrap_or(Fault::of_header(crate::avp::FaultKind::UnknownCommand(header.code)));
    let body = crate::avp::Avps::new(message.get(crate::message::HEADER_LENGTH..).unwrap_or_default());
    let origin = crate::message::find::<crate::avp::dictionary::OriginHost>(body);
    Refusal {
        result_code: first.result_code(),
        words: explain::unreadable(local, origin.unwrap_or("the peer"), "CER", &first.to_string()),
        answer: Some(answers::refuse_fault(&local.identity, &local.realm, message, header, &first)),
    }
}

fn realm_fits(local: &Local, expected: &Expected, theirs: &Capabilities) -> Result<(), String> {
    match &expected.realm {
        Some(realm) if !realm.eq_ignore_ascii_case(&theirs.realm) => Err(explain::wrong_realm(local, realm, theirs)),
        _ => Ok(()),
    }
}

fn common_application(local: &Local, theirs: &Capabilities) -> Result<(), String> {
    let relay = theirs.is_relay() || local.is_agent();
    if relay || local.applications.iter().any(|application| theirs.serves(*application)) {
        return Ok(());
    }
    Err(explain::no_common_application(local, theirs))
}

/// All ids of a CER or CEA, sorted; compared by number alone, wherever they stand.
fn applications(auth: &[u32], acct: &[u32], of_vendors: &[group::VendorSpecificApplicationId<'_>]) -> Vec<u32> {
    let mut all: Vec<u32> = auth.iter().chain(acct).copied().collect();
    all.extend(of_vendors.iter().flat_map(|one| [one.auth_application_id, one.acct_application_id]).flatten());
    all.sort_unstable();
    all.dedup();
    all
}
