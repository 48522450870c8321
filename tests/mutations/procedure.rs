//! The kinds of faults in the registration procedure.

use proselink::avp::dictionary;
use proselink::interfaces::{pc2, pc3, pc4};

use crate::scene::{A, B, Injected, PXR, Sent, XAR, key, list, of, other, succeeds};

use crate::kinds::Kinds;

/// The finding is expected at message 6 of a move; the pair of another command is taken out of the capture.
fn without(messages: &[Sent], at: usize, application: u32, code: u32) -> Option<Injected> {
    let header = messages[at].header();
    let is_message_6 = (header.application, header.code) == (pc4::mme::APPLICATION, A) && succeeds(&messages[at]);
    let asked = (0..at).rev().find(|other| messages[*other].header().hop_by_hop == header.hop_by_hop)?;
    let moves = messages[asked].find(key::<dictionary::OldPduid>()).is_some();
    if !is_message_6 || !moves {
        return None;
    }
    let is_it = |message: &Sent| (message.header().application, message.header().code) == (application, code);
    let found = messages[..at].iter().filter(|message| !is_it(message)).count();
    let left: Vec<Sent> = messages.iter().filter(|message| !is_it(message)).cloned().collect();
    if left.len() == messages.len() { None } else { list(&left, found) }
}

/// The registration and the move.
#[rustfmt::skip]
pub const PROCEDURE: Kinds = &[
    ("message 1 with another ID1", &["message-1-id1"], "UE-1", |m, at| of(m, at, pc3::APPLICATION, B, true, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message 1 with another ID3", &["message-1-id3"], "UE-3", |m, at| of(m, at, pc3::APPLICATION, B, true, |s| s.with(key::<dictionary::ProseFunctionId>(), other))),
    ("message 2 with another ID1", &["message-2-unasked"], "AS-1", |m, at| of(m, at, pc2::APPLICATION, XAR, true, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message 2 without ID1", &["message-2-incomplete"], "F-2", |m, at| of(m, at, pc2::APPLICATION, XAR, true, |s| s.without(key::<dictionary::Pduid>()))),
    ("message 2 without ID2", &["message-2-incomplete"], "AS-2", |m, at| of(m, at, pc2::APPLICATION, XAR, true, |s| s.without(key::<dictionary::OriginAppLayerUserId>()))),
    ("message 2 to another function", &["message-2-function"], "AS-3", |m, at| {
        // An ID3 that is an address names no host to hold message 2 against.
        let named = |s: &Sent| s.header().application == pc3::APPLICATION && s.find(key::<dictionary::ProseFunctionId>()).is_some();
        if !m.iter().any(named) || m.iter().any(|s| s.find(key::<dictionary::ProseFunctionAddress>()).is_some()) { return None; }
        of(m, at, pc2::APPLICATION, XAR, true, |s| s.with(key::<dictionary::DestinationHost>(), other))
    }),
    ("message 4 with another ID2", &["message-4-id2"], "AS-2", |m, at| of(m, at, pc3::APPLICATION, B, false, |s| s.with(key::<dictionary::OriginAppLayerUserId>(), other))),
    ("message 5 for another UE", &["message-5-unasked"], "UE-2", |m, at| of(m, at, pc4::mme::APPLICATION, A, true, |s| s.with(key::<dictionary::UserName>(), other))),
    ("message 5 with another capability", &["message-5-altered"], "UE-2", |m, at| of(m, at, pc4::mme::APPLICATION, A, true, |s| s.with(key::<dictionary::UeProseCapability>(), other))),
    ("message 5 of a UE capable of nothing", &["message-5-incapable"], "MME-2", |m, at| of(m, at, pc4::mme::APPLICATION, A, true, |s| s.with(key::<dictionary::UeProseCapability>(), |_| vec![0; 4]))),
    ("message 6 without ID1", &["message-6-incomplete"], "F-1", |m, at| of(m, at, pc4::mme::APPLICATION, A, false, |s| s.without(key::<dictionary::Pduid>()))),
    ("message 6 without validity", &["message-6-incomplete"], "registration procedure", |m, at| of(m, at, pc4::mme::APPLICATION, A, false, |s| s.without(key::<dictionary::PduidValidityTime>()))),
    ("message 6 with another ID1 at the UE", &["message-6-altered"], "MME-3", |m, at| of(m, at, pc3::APPLICATION, A, false, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message G1 with another ID1", &["message-g1-id1"], "F-4", |m, at| of(m, at, pc4::function::APPLICATION, A, true, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message G2 without a context", &["message-g2-context"], "F-4", |m, at| of(m, at, pc4::function::APPLICATION, A, false, |s| s.without(key::<dictionary::UeContext>()))),
    ("message U1 without its marker", &["message-u1-incomplete"], "AS-5", |m, at| of(m, at, pc2::APPLICATION, PXR, true, |s| s.without(key::<dictionary::ContextMove>()))),
    ("message U1 with another old ID1", &["message-u1-binding"], "AS-5", |m, at| of(m, at, pc2::APPLICATION, PXR, true, |s| s.with(key::<dictionary::OldPduid>(), other))),
    ("message U1 with another ID5", &["message-u1-sender"], "AS-6", |m, at| of(m, at, pc2::APPLICATION, PXR, true, |s| s.with(key::<dictionary::ProseFunctionId>(), other))),
    ("message 3 accepts an ID1 that has expired", &["id1-expired"], "F-2", |m, at| {
        // The validity is made short on both legs, and the UE waits before message 1.
        let header = m[at].header();
        if (header.application, header.code, header.is_request()) != (pc2::APPLICATION, XAR, false) || !succeeds(&m[at]) { return None; }
        if m.len() <= 20 { return None; }
        let mut m = m.to_vec();
        for message in &mut m {
            let header = message.header();
            if header.code == A && !header.is_request() {
                message.with(key::<dictionary::PduidValidityTime>(), |_| 2_u32.to_be_bytes().to_vec());
            }
            if (header.application, header.code, header.is_request()) == (pc3::APPLICATION, B, true) {
                message.silence = 9;
            }
        }
        list(&m, at)
    }),
    ("no message U1 after a move", &["move-update"], "F3-1", |m, at| without(m, at, pc2::APPLICATION, PXR)),
    ("no release after a move", &["move-release"], "F-6", |m, at| without(m, at, pc4::function::APPLICATION, B)),
];
