//! Requests of a test's own making, good and bad.

use super::network::{APPLICATION, Place, REALM};
use crate::avp::dictionary::{
    ContextMove, OldPduid, OldProseFunctionId, OriginAppLayerUserId, Pduid as PduidAvp, ProseAppId, UserCredentialType,
    private, write_avp,
};
use crate::avp::{Address, Avps};
use crate::interfaces::pc4::function as between;
use crate::interfaces::{pc2, pc3};
use crate::message::{Command, Envelope};
use crate::registration::exchange::{NO_STATE, vendor_specific};
use crate::registration::identifiers::Pduid;

pub fn envelope(application: u32) -> Envelope {
    Envelope { application, hop_by_hop: 77, end_to_end: 78 }
}

/// Message 2.
#[derive(Clone)]
pub struct Message2 {
    pub from: Place,
    pub request_type: u32,
    pub id1: Option<Vec<u8>>,
    pub id2: Option<String>,
    pub application: Option<String>,
    /// Octets of further AVPs.
    pub more: Vec<u8>,
}

impl Message2 {
    pub fn new(id1: Pduid, id2: &str) -> Self {
        Self {
            from: Place::AppServer,
            request_type: private::REQUEST_TYPE_BIND_USER,
            id1: Some(id1.to_octets().to_vec()),
            id2: Some(id2.to_owned()),
            application: Some(APPLICATION.to_owned()),
            more: Vec::new(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut own = Vec::new();
        if let Some(id1) = &self.id1 {
            write_avp::<PduidAvp>(&id1.as_slice(), &mut own);
        }
        if let Some(id2) = &self.id2 {
            write_avp::<OriginAppLayerUserId>(&id2.as_str(), &mut own);
        }
        if let Some(application) = &self.application {
            write_avp::<ProseAppId>(&application.as_str(), &mut own);
        }
        own.extend_from_slice(&self.more);
        let host = self.from.host();
        pc2::ProXimityApplicationRequest {
            session_id: "as1;1;1",
            auth_application_id: pc2::APPLICATION,
            auth_session_state: NO_STATE,
            origin_host: &host,
            origin_realm: REALM,
            destination_realm: REALM,
            prose_request_type: self.request_type,
            extra: Avps::new(&own).map(Result::unwrap).collect(),
            ..Default::default()
        }
        .to_bytes(envelope(pc2::APPLICATION))
    }
}

/// Message 1, with a password.
#[derive(Clone, Copy)]
pub struct Message1<'a> {
    pub id1: &'a [u8],
    pub name: Option<&'a [u8]>,
    pub address: Option<Address<'a>>,
    pub application: &'a str,
    pub password: &'a str,
}

/// What proves alice by a key.
#[derive(Clone, Copy)]
pub struct Signed {
    pub time: Option<u64>,
    pub nonce: Option<[u8; 16]>,
    pub signature: [u8; 64],
}

impl Message1<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        self.with(None)
    }

    /// With a signed proof in the place of the password.
    pub fn signed(&self, signed: &Signed) -> Vec<u8> {
        self.with(Some(signed))
    }

    fn with(&self, signed: Option<&Signed>) -> Vec<u8> {
        let host = Place::Ue.host();
        pc3::UserRegistrationRequest {
            session_id: "ue;1;1",
            vendor_specific_application_id: vendor_specific(pc3::APPLICATION),
            auth_session_state: NO_STATE,
            origin_host: &host,
            origin_realm: REALM,
            destination_realm: REALM,
            pduid: self.id1,
            prose_function_id: self.name,
            prose_function_address: self.address,
            prose_app_id: self.application,
            user_name: "alice",
            user_credential_type: if signed.is_some() {
                UserCredentialType::SIGNED_PROOF
            } else {
                UserCredentialType::PASSWORD
            },
            user_credential: signed.map_or(self.password.as_bytes(), |signed| &signed.signature),
            proof_time: signed.and_then(|signed| signed.time),
            proof_nonce: signed.and_then(|signed| signed.nonce.as_ref()).map(<[u8; 16]>::as_slice),
            ..Default::default()
        }
        .to_bytes(envelope(pc3::APPLICATION))
    }
}

/// U1.
pub struct MessageU1<'a> {
    pub origin: String,
    pub id2: &'a str,
    pub id4: Pduid,
    pub id5: &'a str,
    pub old_id1: Pduid,
    pub old_id3: &'a str,
}

impl MessageU1<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let mut own = Vec::new();
        write_avp::<ContextMove>(&ContextMove::MOVED_TO_FUNCTION, &mut own);
        write_avp::<PduidAvp>(&self.id4.to_octets().as_slice(), &mut own);
        write_avp::<OldPduid>(&self.old_id1.to_octets().as_slice(), &mut own);
        write_avp::<OldProseFunctionId>(&self.old_id3.as_bytes(), &mut own);
        pc2::ProXimityActionRequest {
            session_id: "pf2;1;1",
            auth_application_id: pc2::APPLICATION,
            auth_session_state: NO_STATE,
            origin_host: &self.origin,
            origin_realm: REALM,
            destination_realm: REALM,
            origin_app_layer_user_id: Some(self.id2),
            prose_function_id: Some(self.id5.as_bytes()),
            prose_app_id: Some(APPLICATION),
            extra: Avps::new(&own).map(Result::unwrap).collect(),
            ..Default::default()
        }
        .to_bytes(envelope(pc2::APPLICATION))
    }
}

/// PXR of a type, with the users and the PFID given.
pub fn pxr(request_type: u32, origin: Option<&str>, target: Option<&str>, pfid: Option<&str>) -> Vec<u8> {
    let host = Place::Function.host();
    pc2::ProXimityActionRequest {
        session_id: "pf1;1;1",
        auth_application_id: pc2::APPLICATION,
        auth_session_state: NO_STATE,
        origin_host: &host,
        origin_realm: REALM,
        destination_realm: REALM,
        prose_request_type: request_type,
        origin_app_layer_user_id: origin,
        target_app_layer_user_id: target,
        requesting_epuid: Some("0000BEEF"),
        prose_function_id: pfid.map(str::as_bytes),
        ..Default::default()
    }
    .to_bytes(envelope(pc2::APPLICATION))
}

/// G1.
pub fn message_g1(origin: &str, id1: Pduid) -> Vec<u8> {
    let id1 = id1.to_octets();
    between::ContextTransferRequest {
        session_id: "pf2;1;1",
        vendor_specific_application_id: vendor_specific(between::APPLICATION),
        auth_session_state: NO_STATE,
        origin_host: origin,
        origin_realm: REALM,
        destination_realm: REALM,
        pduid: &id1,
        ..Default::default()
    }
    .to_bytes(envelope(between::APPLICATION))
}

/// CRR.
pub fn release(origin: &str, id1: Pduid) -> Vec<u8> {
    let id1 = id1.to_octets();
    between::ContextReleaseRequest {
        session_id: "pf2;1;2",
        vendor_specific_application_id: vendor_specific(between::APPLICATION),
        auth_session_state: NO_STATE,
        origin_host: origin,
        origin_realm: REALM,
        destination_realm: REALM,
        pduid: &id1,
        ..Default::default()
    }
    .to_bytes(envelope(between::APPLICATION))
}

/// Appends an AVP's octets to a message and mends its length.
pub fn append(message: &mut Vec<u8>, avp: &[u8]) {
    message.extend_from_slice(avp);
    let length = (message.len() as u32).to_be_bytes();
    message[1..4].copy_from_slice(&length[1..]);
}
