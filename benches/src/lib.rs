//! What is measured, in one place: the messages, the hand-written floor, and the crate `diameter` beside us.
//!
//! a is a watchdog of 88 octets, b an S6a ULR of 380 with 17 AVPs, c an S6a ULA of 3,916 with 112.

use std::sync::Arc;

use diameter::avp::{Avp, AvpType, Enumerated, Grouped, Identity, OctetString, UTF8String, Unsigned32};
use diameter::dictionary::{AvpDefinition, Dictionary};
use diameter::{ApplicationId, CommandCode, DiameterMessage};

use proselink::avp::dictionary::{self, group};
use proselink::avp::{Avps, Kind};
use proselink::interfaces::{base, s6a};
use proselink::message::{Command, Envelope, HEADER_LENGTH};

const ENVELOPE: Envelope = Envelope { application: s6a::APPLICATION, hop_by_hop: 0x1122_3344, end_to_end: 0x5566_7788 };
/// Origin-Host of b.
pub const MME: &str = "mme01.epc.operator.example";
/// Destination-Host of b.
pub const HSS: &str = "hss01.epc.operator.example";
/// Realm of both.
pub const REALM: &str = "epc.operator.example";
const SESSION: &str = "mme01.epc.operator.example;1720000000;00000000;s6a";

/// Message a: a watchdog.
#[must_use]
pub fn message_a() -> Vec<u8> {
    base::DeviceWatchdogRequest {
        origin_host: "mme01.epc.operator.ex",
        origin_realm: "operator.exampl",
        origin_state_id: Some(1),
        ..Default::default()
    }
    .to_bytes(Envelope { application: 0, ..ENVELOPE })
}

fn application<'a>() -> group::VendorSpecificApplicationId<'a> {
    group::VendorSpecificApplicationId {
        vendor_id: 10415,
        auth_application_id: Some(s6a::APPLICATION),
        ..Default::default()
    }
}

fn features<'a>() -> group::SupportedFeatures<'a> {
    group::SupportedFeatures { vendor_id: 10415, feature_list_id: 1, feature_list: 0x0c00_0007, ..Default::default() }
}

/// Message b as a typed command, ready to encode.
#[must_use]
pub fn command_b<'a>() -> s6a::UpdateLocationRequest<'a> {
    s6a::UpdateLocationRequest {
        session_id: SESSION,
        vendor_specific_application_id: Some(application()),
        auth_session_state: 1,
        origin_host: MME,
        origin_realm: REALM,
        destination_host: Some(HSS),
        destination_realm: REALM,
        user_name: "001010123456789",
        supported_features: vec![features()],
        rat_type: 1004,
        ulr_flags: 0x22,
        visited_plmn_id: &[0x00, 0xf1, 0x10],
        ..Default::default()
    }
}

/// Message b: builds and encodes it into `out`.
pub fn encode_b(out: &mut Vec<u8>) {
    command_b().encode(ENVELOPE, out);
}

/// Message b: an Update-Location-Request.
#[must_use]
pub fn message_b() -> Vec<u8> {
    command_b().to_bytes(ENVELOPE)
}

/// The answer to b as a typed command: success and no subscription.
#[must_use]
pub fn command_b_answer<'a>() -> s6a::UpdateLocationAnswer<'a> {
    s6a::UpdateLocationAnswer {
        session_id: SESSION,
        vendor_specific_application_id: Some(application()),
        result_code: Some(2001),
        auth_session_state: 1,
        origin_host: HSS,
        origin_realm: REALM,
        ula_flags: Some(1),
        ..Default::default()
    }
}

/// The answer to b: 216 octets.
#[must_use]
pub fn message_b_answer() -> Vec<u8> {
    command_b_answer().to_bytes(ENVELOPE)
}

/// Message c: an Update-Location-Answer with eleven APNs.
#[must_use]
pub fn message_c() -> Vec<u8> {
    let names: Vec<_> = (1..=11)
        .map(|n| {
            (
                format!("internet{n:02}.services.operator-network.example"),
                format!(
                    "region{n:02}.province-of-some-length.core-network-site-{n:02}.datacentre.packet-gateway.mnc001.\
                     mcc001.gprs.signalling-and-user-plane-anchor.operator-internal.example"
                ),
            )
        })
        .collect();
    let apn_configuration = names
        .iter()
        .zip(1..)
        .map(|((apn, replacement), n)| group::ApnConfiguration {
            context_identifier: n,
            pdn_type: 2,
            service_selection: apn,
            vplmn_dynamic_address_allowed: Some(0),
            pdn_gw_allocation_type: Some(1),
            charging_characteristics: Some("0800"),
            apn_oi_replacement: Some(replacement),
            ..Default::default()
        })
        .collect();
    s6a::UpdateLocationAnswer {
        session_id: SESSION,
        vendor_specific_application_id: Some(application()),
        result_code: Some(2001),
        auth_session_state: 1,
        origin_host: HSS,
        origin_realm: REALM,
        supported_features: vec![features()],
        ula_flags: Some(1),
        subscription_data: Some(group::SubscriptionData {
            msisdn: Some(&[0x10, 0x32, 0x54, 0x76, 0x98, 0xf0]),
            access_restriction_data: Some(32),
            subscriber_status: Some(0),
            network_access_mode: Some(2),
            ambr: Some(group::Ambr {
                max_requested_bandwidth_ul: 50_000_000,
                max_requested_bandwidth_dl: 100_000_000,
                ..Default::default()
            }),
            apn_configuration_profile: Some(group::ApnConfigurationProfile {
                context_identifier: 1,
                all_apn_configurations_included_indicator: 0,
                apn_configuration,
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
    .to_bytes(ENVELOPE)
}

/// The borrowed walk of b: every AVP, groups opened where b has them, as the floor does it; gives a sum over what it
/// met, so that nothing is optimised away.
#[inline(never)]
#[must_use]
pub fn walk(message: &[u8]) -> u64 {
    let mut sum = 0_u64;
    for avp in Avps::new(&message[HEADER_LENGTH..]).map_while(Result::ok) {
        sum = sum.wrapping_add(avp.key.0 ^ avp.data.len() as u64);
        if matches!(avp.code(), 260 | 628) {
            for member in avp.members().map_while(Result::ok) {
                sum = sum.wrapping_add(member.key.0 ^ member.data.len() as u64);
            }
        }
    }
    sum
}

/// The borrowed walk of any message: groups are opened where the dictionary says so.
#[inline(never)]
#[must_use]
pub fn walk_by_dictionary(message: &[u8]) -> u64 {
    fn members(walk: Avps<'_>, sum: &mut u64) {
        for avp in walk.map_while(Result::ok) {
            *sum = sum.wrapping_add(avp.key.0 ^ avp.data.len() as u64);
            if dictionary::lookup(avp.key).is_some_and(|definition| definition.kind == Kind::Grouped) {
                members(avp.members(), sum);
            }
        }
    }
    let mut sum = 0;
    members(Avps::new(&message[HEADER_LENGTH..]), &mut sum);
    sum
}

/// The floor: a loop by hand that knows which of b's AVPs are groups, with the bounds checks it needs and no more.
#[inline(never)]
#[must_use]
pub fn walk_by_hand(message: &[u8]) -> u64 {
    fn members(mut bytes: &[u8], sum: &mut u64) {
        while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
            let code = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
            let word = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
            let length = (word & 0xff_ffff) as usize;
            let (vendor, least) = match (word >> 31, rest.first_chunk::<4>()) {
                (0, _) => (0, 8),
                (_, Some(vendor)) => (u32::from_be_bytes(*vendor), 12),
                _ => return,
            };
            let Some(data) = bytes.get(least..length) else { return };
            *sum = sum.wrapping_add((u64::from(vendor) << 32 | u64::from(code)) ^ data.len() as u64);
            if matches!(code, 260 | 628) {
                members(data, sum);
            }
            bytes = bytes.get((length + 3) & !3..).unwrap_or_default();
        }
    }
    let mut sum = 0;
    members(&message[20..], &mut sum);
    sum
}

/// Typed decode of b.
#[inline(never)]
#[must_use]
pub fn decode_b(message: &[u8]) -> bool {
    std::hint::black_box(s6a::UpdateLocationRequest::decode(message)).is_ok()
}

/// Typed decode of c.
#[inline(never)]
#[must_use]
pub fn decode_c(message: &[u8]) -> bool {
    std::hint::black_box(s6a::UpdateLocationAnswer::decode(message)).is_ok()
}

/// The crate `diameter` with a dictionary of our AVPs.
#[must_use]
pub fn rival_dictionary() -> Arc<Dictionary> {
    let mut rival = Dictionary::new(&[]);
    for definition in dictionary::all() {
        let avp_type = match definition.kind {
            Kind::OctetString | Kind::IPFilterRule | Kind::QoSFilterRule => AvpType::OctetString,
            Kind::Integer32 => AvpType::Integer32,
            Kind::Integer64 => AvpType::Integer64,
            Kind::Unsigned32 => AvpType::Unsigned32,
            Kind::Unsigned64 => AvpType::Unsigned64,
            Kind::Float32 => AvpType::Float32,
            Kind::Float64 => AvpType::Float64,
            Kind::Grouped => AvpType::Grouped,
            Kind::Address => AvpType::Address,
            Kind::Time => AvpType::Time,
            Kind::UTF8String => AvpType::UTF8String,
            Kind::DiameterIdentity => AvpType::Identity,
            Kind::DiameterURI => AvpType::DiameterURI,
            Kind::Enumerated => AvpType::Enumerated,
        };
        rival.add_avp(AvpDefinition {
            code: definition.code(),
            vendor_id: (definition.vendor() != 0).then_some(definition.vendor()),
            name: definition.name.to_owned(),
            avp_type,
            m_flag: definition.flags().is_mandatory(),
        });
    }
    Arc::new(rival)
}

/// A message under a header that the crate `diameter` knows: its list of commands and applications is closed and lacks
/// S6a.
#[must_use]
pub fn for_rival(message: &[u8]) -> Vec<u8> {
    let mut out = message.to_vec();
    out[5..8].copy_from_slice(&272_u32.to_be_bytes()[1..]);
    out[8..12].copy_from_slice(&4_u32.to_be_bytes());
    out
}

/// The crate `diameter` decodes a message.
#[inline(never)]
#[must_use]
pub fn rival_decode(message: &[u8], dictionary: &Arc<Dictionary>) -> bool {
    let mut cursor = std::io::Cursor::new(message);
    std::hint::black_box(DiameterMessage::decode_from(&mut cursor, Arc::clone(dictionary))).is_ok()
}

const M: u8 = 0x40;
const TGPP: Option<u32> = Some(10415);

fn rival_application(dictionary: &Arc<Dictionary>) -> Grouped {
    let avp = |code, value| Avp::new(code, None, M, value, Arc::clone(dictionary));
    let members = vec![avp(266, Unsigned32::new(10415).into()), avp(258, Unsigned32::new(s6a::APPLICATION).into())];
    Grouped::new(members, Arc::clone(dictionary))
}

/// The crate `diameter` builds b.
#[must_use]
pub fn rival_b(dictionary: &Arc<Dictionary>, hop_by_hop: u32, end_to_end: u32) -> DiameterMessage {
    let avp = |code, vendor, value| Avp::new(code, vendor, M, value, Arc::clone(dictionary));
    let mut message = DiameterMessage::new(
        CommandCode::CreditControl,
        ApplicationId::CreditControl,
        0xc0,
        hop_by_hop,
        end_to_end,
        Arc::clone(dictionary),
    );
    message.add_avp(263, None, M, UTF8String::new(SESSION).into());
    message.add_avp(260, None, M, rival_application(dictionary).into());
    message.add_avp(277, None, M, Enumerated::new(1).into());
    message.add_avp(264, None, M, Identity::new(MME).into());
    message.add_avp(296, None, M, Identity::new(REALM).into());
    message.add_avp(293, None, M, Identity::new(HSS).into());
    message.add_avp(283, None, M, Identity::new(REALM).into());
    message.add_avp(1, None, M, UTF8String::new("001010123456789").into());
    let features = vec![
        avp(266, None, Unsigned32::new(10415).into()),
        avp(629, TGPP, Unsigned32::new(1).into()),
        avp(630, TGPP, Unsigned32::new(0x0c00_0007).into()),
    ];
    message.add_avp(628, TGPP, M, Grouped::new(features, Arc::clone(dictionary)).into());
    message.add_avp(1032, TGPP, M, Enumerated::new(1004).into());
    message.add_avp(1405, TGPP, M, Unsigned32::new(0x22).into());
    message.add_avp(1407, TGPP, M, OctetString::new(vec![0x00, 0xf1, 0x10]).into());
    message
}

/// The crate `diameter` builds the answer to b.
#[must_use]
pub fn rival_b_answer(dictionary: &Arc<Dictionary>, hop_by_hop: u32, end_to_end: u32) -> DiameterMessage {
    let mut message = DiameterMessage::new(
        CommandCode::CreditControl,
        ApplicationId::CreditControl,
        0x40,
        hop_by_hop,
        end_to_end,
        Arc::clone(dictionary),
    );
    message.add_avp(263, None, M, UTF8String::new(SESSION).into());
    message.add_avp(260, None, M, rival_application(dictionary).into());
    message.add_avp(268, None, M, Unsigned32::new(2001).into());
    message.add_avp(277, None, M, Enumerated::new(1).into());
    message.add_avp(264, None, M, Identity::new(HSS).into());
    message.add_avp(296, None, M, Identity::new(REALM).into());
    message.add_avp(1406, TGPP, M, Unsigned32::new(1).into());
    message
}

/// The crate `diameter` builds b and encodes it.
#[inline(never)]
pub fn rival_encode_b(dictionary: &Arc<Dictionary>, out: &mut Vec<u8>) {
    let message = rival_b(dictionary, ENVELOPE.hop_by_hop, ENVELOPE.end_to_end);
    let _ = std::hint::black_box(message.encode_to(out));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_are_of_the_stated_sizes_and_all_agree_on_them() {
        let (a, b, c) = (message_a(), message_b(), message_c());
        assert_eq!((a.len(), b.len(), c.len()), (88, 380, 3916));
        assert_eq!(message_b_answer().len(), 216);
        assert!(decode_b(&b) && decode_c(&c));
        assert_eq!((walk(&b), walk_by_dictionary(&b)), (walk_by_hand(&b), walk_by_hand(&b)));
        let dictionary = rival_dictionary();
        assert!(rival_decode(&for_rival(&b), &dictionary) && rival_decode(&for_rival(&c), &dictionary));
        let mut out = Vec::new();
        rival_encode_b(&dictionary, &mut out);
        assert_eq!(out.len(), b.len());
        let mut out = Vec::new();
        rival_b_answer(&dictionary, 1, 1).encode_to(&mut out).unwrap();
        assert_eq!(out.len(), message_b_answer().len());
    }
}
