//! Private numbers as a lab wants them.
//!
//! The code knows one set of private numbers, that of [`crate::avp::dictionary::private`]. Where a lab has other plans for
//! them, messages are renumbered at the edge of a node: on their way out from ours to theirs, on their way in back. Numbers
//! keep their width, so no length changes, and 3GPP's and the IETF's numbers are never touched.

use bytes::Bytes;
use serde::Deserialize;

use super::check::NESTING_LIMIT;
use super::header::HEADER_LENGTH;
use crate::avp::dictionary::{
    self, AcctApplicationId, AuthApplicationId, ProseRequestType, SupportedVendorId, VendorId, private,
};
use crate::avp::format::Kind;
use crate::avp::{AvpFlags, Key};

/// A set of private numbers. What is left out of the configuration keeps its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivateNumbers {
    /// Vendor-Id of private AVPs and applications.
    pub vendor: u32,
    /// Added to the code of each private AVP, for a vendor that has AVPs of its own.
    pub avp_offset: u32,
    /// Application-Id of PC3.
    pub application_pc3: u32,
    /// Application-Id between MME and function.
    pub application_pc4_mme: u32,
    /// Application-Id between two functions.
    pub application_function: u32,
    /// Code of command A.
    pub command_a: u32,
    /// Code of command B.
    pub command_b: u32,
    /// ProSe-Request-Type of message 2.
    pub request_type_bind_user: u32,
}

impl Default for PrivateNumbers {
    fn default() -> Self {
        Self {
            vendor: private::VENDOR,
            avp_offset: 0,
            application_pc3: private::APPLICATION_PC3,
            application_pc4_mme: private::APPLICATION_PC4_MME,
            application_function: private::APPLICATION_FUNCTION,
            command_a: private::COMMAND_A,
            command_b: private::COMMAND_B,
            request_type_bind_user: private::REQUEST_TYPE_BIND_USER,
        }
    }
}

impl PrivateNumbers {
    /// Says why a set cannot be used: two numbers that must differ are equal, or a number is not the lab's to take.
    ///
    /// # Errors
    /// A sentence that names the settings.
    pub fn judge(&self) -> Result<(), String> {
        let applications = [self.application_pc3, self.application_pc4_mme, self.application_function];
        if applications.iter().enumerate().any(|(at, one)| applications[at + 1..].contains(one)) {
            return Err("application_pc3, application_pc4_mme and application_function must differ".to_owned());
        }
        for application in applications {
            let known = crate::interfaces::of_application(application);
            if known.is_some_and(|interface| interface.vendor != private::VENDOR) || application == u32::MAX {
                return Err(format!("application {application} is a standard's; take one of your own"));
            }
        }
        if self.command_a == self.command_b || self.command_a > 0xff_ffff || self.command_b > 0xff_ffff {
            return Err("command_a and command_b must differ and fit in 24 bits".to_owned());
        }
        if self.vendor == dictionary::IETF || self.vendor == dictionary::TGPP {
            return Err(format!("vendor {} is a standard's; take one of your own", self.vendor));
        }
        if self.request_type_bind_user <= 13 {
            return Err("request_type_bind_user must be above 13, the last of TS 29.343".to_owned());
        }
        Ok(())
    }

    /// Renumbers a message from our numbers to these.
    pub fn outgoing(&self, message: &mut [u8]) {
        renumber(message, &Self::default(), self);
    }

    /// Renumbers a message from these numbers to ours.
    pub fn incoming(&self, message: &mut [u8]) {
        renumber(message, self, &Self::default());
    }

    /// A message on its way out; copied only where the numbers differ from ours.
    #[must_use]
    pub fn sent(&self, message: Bytes) -> Bytes {
        self.changed(message, Self::outgoing)
    }

    /// A message on its way in; copied only where the numbers differ from ours.
    #[must_use]
    pub fn received(&self, message: Bytes) -> Bytes {
        self.changed(message, Self::incoming)
    }

    fn changed(&self, message: Bytes, change: fn(&Self, &mut [u8])) -> Bytes {
        if *self == Self::default() {
            return message;
        }
        let mut copy = message.to_vec();
        change(self, &mut copy);
        copy.into()
    }

    fn application(&self, to: &Self, application: u32) -> u32 {
        match application {
            id if id == self.application_pc3 => to.application_pc3,
            id if id == self.application_pc4_mme => to.application_pc4_mme,
            id if id == self.application_function => to.application_function,
            id => id,
        }
    }
}

fn renumber(message: &mut [u8], from: &PrivateNumbers, to: &PrivateNumbers) {
    if from == to {
        return;
    }
    let Some((head, body)) = message.split_first_chunk_mut::<HEADER_LENGTH>() else { return };
    let application = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    let renamed = from.application(to, application);
    // A command code is private only within a private application.
    if [from.application_pc3, from.application_pc4_mme, from.application_function].contains(&application) {
        let code = u32::from_be_bytes([0, head[5], head[6], head[7]]);
        let code = match code {
            code if code == from.command_a => to.command_a,
            code if code == from.command_b => to.command_b,
            code => code,
        };
        head[5..8].copy_from_slice(&code.to_be_bytes()[1..]);
    }
    head[8..12].copy_from_slice(&renamed.to_be_bytes());
    members(body, from, to, 0);
}

fn members(bytes: &mut [u8], from: &PrivateNumbers, to: &PrivateNumbers, depth: usize) {
    let mut rest = bytes;
    while let Some(head) = rest.first_chunk::<8>() {
        let code = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let word = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let length = (word & 0xff_ffff) as usize;
        let has_vendor = AvpFlags((word >> 24) as u8).has_vendor();
        let start = if has_vendor { 12 } else { 8 };
        if length < start || length > rest.len() {
            return;
        }
        let (avp, after) = rest.split_at_mut(length.next_multiple_of(4).min(rest.len()));
        rest = after;
        let (head, data) = avp.split_at_mut(start);
        let data = &mut data[..length - start];
        // The key as our dictionary has it, whichever way the message goes.
        let key = match head.get(8..12) {
            Some(&[a, b, c, d]) => {
                let vendor = u32::from_be_bytes([a, b, c, d]);
                if vendor == from.vendor {
                    let plain = code.wrapping_sub(from.avp_offset);
                    head[..4].copy_from_slice(&plain.wrapping_add(to.avp_offset).to_be_bytes());
                    head[8..12].copy_from_slice(&to.vendor.to_be_bytes());
                    Key::new(private::VENDOR, plain)
                } else {
                    Key::new(vendor, code)
                }
            }
            _ => Key::new(dictionary::IETF, code),
        };
        let grouped = dictionary::lookup(key).is_some_and(|definition| definition.kind == Kind::Grouped);
        if grouped && depth < NESTING_LIMIT {
            members(data, from, to, depth + 1);
        } else if let Ok(value) = <&mut [u8; 4]>::try_from(data) {
            let number = u32::from_be_bytes(*value);
            let renamed = match key.0 {
                VendorId::KEY | SupportedVendorId::KEY if number == from.vendor => to.vendor,
                AuthApplicationId::KEY | AcctApplicationId::KEY => from.application(to, number),
                ProseRequestType::KEY if number == from.request_type_bind_user => to.request_type_bind_user,
                _ => number,
            };
            *value = renamed.to_be_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avp::dictionary::group;
    use crate::interfaces::{pc2, pc3};
    use crate::message::{Command, Envelope, Header};
    use proptest::prelude::*;

    const THEIRS: PrivateNumbers = PrivateNumbers {
        vendor: 50_000,
        avp_offset: 100,
        application_pc3: 16_777_999,
        application_pc4_mme: 16_778_000,
        application_function: 16_778_001,
        command_a: 8_388_999,
        command_b: 8_389_000,
        request_type_bind_user: 77,
    };

    fn allocation() -> Vec<u8> {
        pc3::UeIdentifierAllocationRequest {
            session_id: "ue;1;1",
            vendor_specific_application_id: group::VendorSpecificApplicationId {
                vendor_id: private::VENDOR,
                auth_application_id: Some(pc3::APPLICATION),
                ..Default::default()
            },
            auth_session_state: 1,
            origin_host: "ue",
            origin_realm: "realm",
            destination_realm: "realm",
            user_name: "001010000000001",
            ue_prose_capability: 255,
            ..Default::default()
        }
        .to_bytes(Envelope { application: pc3::APPLICATION, hop_by_hop: 1, end_to_end: 2 })
    }

    #[test]
    fn a_private_message_wears_the_labs_numbers_and_comes_back() {
        let ours = allocation();
        let mut message = ours.clone();
        THEIRS.outgoing(&mut message);
        let header = Header::parse(&message).unwrap();
        assert_eq!((header.application, header.code), (16_777_999, 8_388_999));
        let avps: Vec<_> = crate::avp::Avps::new(&message[HEADER_LENGTH..]).map(Result::unwrap).collect();
        assert!(avps.iter().any(|avp| avp.key == Key::new(50_000, 101)), "{avps:?}");
        let group = avps.iter().find(|avp| avp.code() == 260).unwrap();
        let values: Vec<_> = group.members().map(|avp| avp.unwrap().data.to_vec()).collect();
        assert_eq!(values, [50_000_u32.to_be_bytes(), 16_777_999_u32.to_be_bytes()]);
        THEIRS.incoming(&mut message);
        assert_eq!(message, ours);
    }

    #[test]
    fn a_standard_message_changes_only_in_its_private_type() {
        let message = |kind| {
            pc2::ProXimityApplicationRequest {
                session_id: "s",
                auth_application_id: pc2::APPLICATION,
                auth_session_state: 1,
                origin_host: "a",
                origin_realm: "r",
                destination_realm: "r",
                prose_request_type: kind,
                ..Default::default()
            }
            .to_bytes(Envelope { application: pc2::APPLICATION, hop_by_hop: 1, end_to_end: 2 })
        };
        let mut bind = message(private::REQUEST_TYPE_BIND_USER);
        THEIRS.outgoing(&mut bind);
        assert_eq!(bind, message(77));
        let mut update = message(11);
        THEIRS.outgoing(&mut update);
        assert_eq!(update, message(11));
    }

    #[test]
    fn sets_that_cannot_work_are_refused_with_a_reason() {
        assert_eq!(PrivateNumbers::default().judge(), Ok(()));
        assert_eq!(THEIRS.judge(), Ok(()));
        for (wrong, word) in [
            (PrivateNumbers { application_pc3: THEIRS.application_function, ..THEIRS }, "must differ"),
            (PrivateNumbers { application_pc3: pc2::APPLICATION, ..THEIRS }, "is a standard's"),
            (PrivateNumbers { command_a: 1 << 24, ..THEIRS }, "24 bits"),
            (PrivateNumbers { vendor: 10415, ..THEIRS }, "is a standard's"),
            (PrivateNumbers { request_type_bind_user: 3, ..THEIRS }, "above 13"),
        ] {
            assert!(wrong.judge().unwrap_err().contains(word), "{word}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_left_whole(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let length = bytes.len();
            THEIRS.outgoing(&mut bytes);
            prop_assert_eq!(bytes.len(), length);
        }
    }
}
