//! Messages that no sound element would send: what the tour puts on the wire to see it refused.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::network::{self, APP_SERVER, APPLICATION, FUNCTION, FUNCTION_2, MME, REALM, UE, host};
use crate::avp::dictionary::{
    ContextMove, OldPduid, OldProseFunctionId, OriginAppLayerUserId, Pduid as PduidAvp, ProseAppId, ProseRequestType,
    UeProseCapability, UserCredentialType, UserName, private, write_raw,
};
use crate::avp::dictionary::{Declared, write_avp};
use crate::avp::{Address, AvpFlags, Avps, Key};
use crate::interfaces::pc4::{function as between, mme as pc4};
use crate::interfaces::{pc2, pc3};
use crate::message::declare::finish_message;
use crate::message::{Command, Envelope, HEADER_LENGTH};
use crate::registration::credential::{Credential, Proof, SIGNATURE_OCTETS};
use crate::registration::identifiers::{FunctionAddress, Id2, Pduid};
use crate::registration::{ALL_SERVICES, NO_STATE, vendor_specific};

/// What the tour knows of the row's UE when it writes a message.
#[derive(Clone, Debug)]
pub struct Known {
    /// The number of the UE.
    pub place: usize,
    /// Its ID1, once message 6 has come.
    pub id1: Option<Pduid>,
    /// Its user's ID2, once message 4 has come.
    pub id2: Option<Id2>,
    /// What proves its user.
    pub credential: Credential,
}

/// The realm of a network that is not ours.
pub const ELSEWHERE: &str = "epc.mnc002.mcc001.3gppnetwork.org";
/// An Application-Id that nobody has, from the range of vendors.
pub const NO_APPLICATION: u32 = 4_278_190_999;
/// A command that nobody has.
const NO_COMMAND: [u8; 3] = [0xff, 0xff, 0x00];
/// An AVP that nobody knows, of the private vendor.
pub const NO_AVP: Key = Key::new(private::VENDOR, 999);

impl Known {
    fn id1(&self) -> [u8; 8] {
        self.id1.map_or([0; 8], Pduid::to_octets)
    }

    fn id2(&self) -> &str {
        self.id2.as_ref().map_or("", Id2::as_str)
    }

    /// An ID1 of the network that was given to nobody.
    fn strange_id1(&self) -> [u8; 8] {
        let mut octets = self.id1();
        octets.iter_mut().skip(3).for_each(|octet| *octet ^= 0x5a);
        octets
    }
}

const fn envelope(application: u32) -> Envelope {
    Envelope { application, hop_by_hop: 0, end_to_end: 0 }
}

fn session(party: usize, place: usize) -> String {
    format!("{};{place};0", host(party))
}

// Message 1 ------------------------------------------------------------------------------------------------------------

/// Message 1 with a sound proof of its user: what is refused is refused for something else. `name` stands for ID3 where
/// that is no [`FunctionAddress`].
fn message_1(known: &Known, id1: [u8; 8], id3: Option<&FunctionAddress>, name: Option<&[u8]>) -> Vec<u8> {
    let user = network::user_name(known.place);
    let nonce = network::seed().unwrap_or_default();
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let proof = Proof {
        user: &user,
        id1: Pduid::from(u64::from_be_bytes(id1)),
        id3,
        application: APPLICATION,
        realm: REALM,
        time: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
        nonce,
    };
    let signature = match &known.credential {
        Credential::Key(key) => key.sign(&proof.octets()),
        _ => [0; SIGNATURE_OCTETS],
    };
    pc3::UserRegistrationRequest {
        session_id: &session(UE, known.place),
        vendor_specific_application_id: vendor_specific(pc3::APPLICATION),
        auth_session_state: NO_STATE,
        origin_host: &host(UE),
        origin_realm: REALM,
        destination_host: Some(&host(APP_SERVER)),
        destination_realm: REALM,
        pduid: &id1,
        prose_function_id: name.or_else(|| id3.and_then(FunctionAddress::name_octets)),
        prose_function_address: id3.and_then(FunctionAddress::ip).map(Address::from),
        prose_app_id: APPLICATION,
        user_name: &user,
        user_credential_type: UserCredentialType::SIGNED_PROOF,
        user_credential: &signature,
        proof_time: Some(proof.time),
        proof_nonce: Some(&nonce),
        ..Default::default()
    }
    .to_bytes(envelope(pc3::APPLICATION))
}

fn named(name: &str) -> Option<FunctionAddress> {
    name.parse().ok()
}

/// Message 1 whose ID3 is no name.
pub fn id3_is_no_name(known: &Known) -> Vec<u8> {
    message_1(known, known.id1(), None, Some(b"no name: \x01\x02"))
}

/// Message 1 whose ID3 is a name of somebody else's.
pub fn id3_of_another_realm(known: &Known) -> Vec<u8> {
    message_1(known, known.id1(), named("function.example.org").as_ref(), None)
}

/// Message 1 whose ID3 is an address of somebody else's.
pub fn id3_of_another_address(known: &Known) -> Vec<u8> {
    message_1(known, known.id1(), Some(&FunctionAddress::from(IpAddr::from([203, 0, 113, 9]))), None)
}

/// Message 1 with an ID1 that no function has given out.
pub fn id1_of_nobody(known: &Known) -> Vec<u8> {
    message_1(known, known.strange_id1(), named(&host(FUNCTION)).as_ref(), None)
}

/// Message 1 as it should be, from a UE that does not look at the clock.
pub fn with_the_id1_it_had(known: &Known) -> Vec<u8> {
    message_1(known, known.id1(), named(&host(FUNCTION)).as_ref(), None)
}

// Message 2 ------------------------------------------------------------------------------------------------------------

fn message_2(known: &Known, own: &[u8]) -> Vec<u8> {
    pc2::ProXimityApplicationRequest {
        session_id: &session(APP_SERVER, known.place),
        auth_application_id: pc2::APPLICATION,
        auth_session_state: NO_STATE,
        origin_host: &host(APP_SERVER),
        origin_realm: REALM,
        destination_realm: REALM,
        destination_host: Some(&host(FUNCTION)),
        prose_request_type: private::REQUEST_TYPE_BIND_USER,
        extra: Avps::new(own).map_while(Result::ok).collect(),
        ..Default::default()
    }
    .to_bytes(envelope(pc2::APPLICATION))
}

/// Message 2 that does not say to which UE.
pub fn without_id1(known: &Known) -> Vec<u8> {
    let mut own = Vec::new();
    write_avp::<OriginAppLayerUserId>(&"id2-of-the-tour", &mut own);
    write_avp::<ProseAppId>(&APPLICATION, &mut own);
    message_2(known, &own)
}

/// Message 2 that does not say which user.
pub fn without_id2(known: &Known) -> Vec<u8> {
    let mut own = Vec::new();
    write_avp::<PduidAvp>(&known.id1().as_slice(), &mut own);
    write_avp::<ProseAppId>(&APPLICATION, &mut own);
    message_2(known, &own)
}

// G1 -------------------------------------------------------------------------------------------------------------------

fn message_g1(known: &Known, realm: &str, id1: [u8; 8]) -> Vec<u8> {
    between::ContextTransferRequest {
        session_id: &session(FUNCTION_2, known.place),
        vendor_specific_application_id: vendor_specific(between::APPLICATION),
        auth_session_state: NO_STATE,
        origin_host: &network::peer_function(FUNCTION_2, realm).host,
        origin_realm: realm,
        destination_host: Some(&host(FUNCTION)),
        destination_realm: REALM,
        pduid: &id1,
        ..Default::default()
    }
    .to_bytes(envelope(between::APPLICATION))
}

/// G1 for the UE, from a function of another network.
pub fn asks_from_elsewhere(known: &Known) -> Vec<u8> {
    message_g1(known, ELSEWHERE, known.id1())
}

/// G1 for the UE, from within the network.
pub fn asks_for_the_context(known: &Known) -> Vec<u8> {
    message_g1(known, REALM, known.id1())
}

/// G1 for a UE that is not known.
pub fn asks_for_a_strange_context(known: &Known) -> Vec<u8> {
    message_g1(known, REALM, known.strange_id1())
}

// U1 -------------------------------------------------------------------------------------------------------------------

fn message_u1(known: &Known, id2: &str, id5: usize) -> Vec<u8> {
    let mut own = Vec::new();
    write_avp::<ContextMove>(&ContextMove::MOVED_TO_FUNCTION, &mut own);
    write_avp::<PduidAvp>(&known.strange_id1().as_slice(), &mut own);
    write_avp::<OldPduid>(&known.id1().as_slice(), &mut own);
    write_avp::<OldProseFunctionId>(&host(FUNCTION).as_bytes(), &mut own);
    pc2::ProXimityActionRequest {
        session_id: &session(FUNCTION_2, known.place),
        auth_application_id: pc2::APPLICATION,
        auth_session_state: NO_STATE,
        origin_host: &host(FUNCTION_2),
        origin_realm: REALM,
        destination_realm: REALM,
        destination_host: Some(&host(APP_SERVER)),
        prose_request_type: ProseRequestType::APPLICATION_REGISTRATION_FOR_PROSE,
        origin_app_layer_user_id: Some(id2),
        prose_function_id: Some(host(id5).as_bytes()),
        prose_app_id: Some(APPLICATION),
        extra: Avps::new(&own).map_while(Result::ok).collect(),
        ..Default::default()
    }
    .to_bytes(envelope(pc2::APPLICATION))
}

/// U1 for a user that the app server has not bound.
pub fn moves_a_strange_user(known: &Known) -> Vec<u8> {
    message_u1(known, "id2-of-nobody", FUNCTION_2)
}

/// U1 whose ID5 is another function than the one that sends it.
pub fn moves_to_somebody_else(known: &Known) -> Vec<u8> {
    message_u1(known, known.id2(), FUNCTION)
}

// Message 5 from an MME that is out of order ---------------------------------------------------------------------------

/// Message 5 as an MME should send it, its AVPs taken apart.
fn message_5(known: &Known, application: u32, change: impl FnOnce(&mut Vec<(Key, Vec<u8>)>)) -> Vec<u8> {
    let user = network::imsi(known.place).map(|imsi| imsi.reveal()).unwrap_or_default();
    let sound = pc4::IdentifierAllocationRequest {
        session_id: &session(MME, known.place),
        vendor_specific_application_id: vendor_specific(pc4::APPLICATION),
        auth_session_state: NO_STATE,
        origin_host: &host(MME),
        origin_realm: REALM,
        destination_host: Some(&host(FUNCTION)),
        destination_realm: REALM,
        user_name: &user,
        ue_prose_capability: ALL_SERVICES,
        ..Default::default()
    }
    .to_bytes(envelope(application));
    let (head, body) = sound.split_at(HEADER_LENGTH);
    let mut avps: Vec<_> = Avps::new(body).map_while(Result::ok).map(|avp| (avp.key, avp.whole.to_vec())).collect();
    change(&mut avps);
    let mut message = head.to_vec();
    avps.iter().for_each(|(_, avp)| message.extend_from_slice(avp));
    finish_message(0, &mut message);
    message
}

fn raw(key: Key, data: &[u8]) -> (Key, Vec<u8>) {
    let vendor = if key.vendor() == 0 { 0 } else { AvpFlags::VENDOR };
    let mut out = Vec::new();
    write_raw(key, AvpFlags(AvpFlags::MANDATORY | vendor), data, &mut out);
    (key, out)
}

fn exchange<A: Declared>(avps: &mut [(Key, Vec<u8>)], data: &[u8]) {
    let new = raw(A::DEFINITION.key, data);
    if let Some(old) = avps.iter_mut().find(|(key, _)| *key == new.0) {
        *old = new;
    }
}

/// 5001: an AVP that nobody knows and everybody must.
pub fn unknown_mandatory_avp(known: &Known) -> Vec<u8> {
    message_5(known, pc4::APPLICATION, |avps| avps.push(raw(NO_AVP, b"odd!")))
}

/// 5014: three octets of an Unsigned32. The AVP is private, so that dissectors do not stumble over it.
pub fn bad_length(known: &Known) -> Vec<u8> {
    message_5(known, pc4::APPLICATION, |avps| exchange::<UeProseCapability>(avps, &[0; 3]))
}

/// 5004: a User-Name that is no UTF-8.
pub fn bad_value(known: &Known) -> Vec<u8> {
    message_5(known, pc4::APPLICATION, |avps| exchange::<UserName>(avps, &[0xff, 0xfe, 0xfd]))
}

/// 5005: what the UE can do is not said.
pub fn missing_avp(known: &Known) -> Vec<u8> {
    message_5(known, pc4::APPLICATION, |avps| avps.retain(|(key, _)| *key != UeProseCapability::DEFINITION.key))
}

/// 5009: two subscribers at once.
pub fn too_many(known: &Known) -> Vec<u8> {
    message_5(known, pc4::APPLICATION, |avps| avps.push(raw(UserName::DEFINITION.key, b"001010000000000")))
}

/// 3001: a command that nobody knows.
pub fn unknown_command(known: &Known) -> Vec<u8> {
    let mut message = message_5(known, pc4::APPLICATION, |_| ());
    if let Some(code) = message.get_mut(5..8) {
        code.copy_from_slice(&NO_COMMAND);
    }
    message
}

/// 3007: an application that the receiver does not have.
pub fn unknown_application(known: &Known) -> Vec<u8> {
    message_5(known, NO_APPLICATION, |_| ())
}
