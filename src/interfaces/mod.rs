//! The reference points: a file each, and the one list of them.
//!
//! Dispatch, advertised applications, names in listings, and verification follow from [`INTERFACES`].

pub mod base;
pub mod names;
pub mod pc2;
pub mod pc3;
pub mod pc4;
pub mod pc6;
pub mod s6a;

use crate::avp::dictionary::{TGPP, private};
use crate::message::{CommandDefinition, Header};

/// One reference point.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// Short name, as listings and `--interface` show it.
    pub name: &'static str,
    /// What it joins.
    pub joins: &'static str,
    /// Application-Ids; the first is the one we send.
    pub applications: &'static [u32],
    /// The vendor of the applications; 0 for the base protocol.
    pub vendor: u32,
    /// The commands, in the order of the specification.
    pub commands: &'static [&'static CommandDefinition],
    /// Other codes under which a command is accepted: (code seen, code in `commands`).
    pub other_codes: &'static [(u32, u32)],
}

/// All reference points.
pub const INTERFACES: &[Interface] = &[
    Interface {
        name: "base",
        joins: "any two Diameter nodes",
        applications: &[base::APPLICATION, base::APPLICATION_ACCOUNTING],
        vendor: 0,
        commands: base::COMMANDS,
        other_codes: base::OTHER_CODES,
    },
    Interface {
        name: "PC2",
        joins: "ProSe Function and ProSe Application Server",
        applications: &[pc2::APPLICATION, pc2::APPLICATION_FIRST],
        vendor: TGPP,
        commands: pc2::COMMANDS,
        other_codes: pc2::OTHER_CODES,
    },
    Interface {
        name: "PC3",
        joins: "UE and MME, UE and app server (private)",
        applications: &[pc3::APPLICATION],
        vendor: private::VENDOR,
        commands: pc3::COMMANDS,
        other_codes: pc3::OTHER_CODES,
    },
    Interface {
        name: "PC4a",
        joins: "ProSe Function and HSS",
        applications: &[pc4::hss::APPLICATION],
        vendor: TGPP,
        commands: pc4::hss::COMMANDS,
        other_codes: pc4::hss::OTHER_CODES,
    },
    Interface {
        name: "PC4-MME",
        joins: "MME and ProSe Function (private)",
        applications: &[pc4::mme::APPLICATION],
        vendor: private::VENDOR,
        commands: pc4::mme::COMMANDS,
        other_codes: pc4::mme::OTHER_CODES,
    },
    Interface {
        name: "PC4-function",
        joins: "two ProSe Functions of one network (private)",
        applications: &[pc4::function::APPLICATION],
        vendor: private::VENDOR,
        commands: pc4::function::COMMANDS,
        other_codes: pc4::function::OTHER_CODES,
    },
    Interface {
        name: "PC6/PC7",
        joins: "ProSe Functions of different networks",
        applications: &[pc6::APPLICATION],
        vendor: TGPP,
        commands: pc6::COMMANDS,
        other_codes: pc6::OTHER_CODES,
    },
    Interface {
        name: "S6a",
        joins: "MME and HSS",
        applications: &[s6a::APPLICATION],
        vendor: TGPP,
        commands: s6a::COMMANDS,
        other_codes: s6a::OTHER_CODES,
    },
];

/// The base commands that travel under the application of their session: ACR, RAR, ASR, STR. RFC 6733 section 8.
const SESSION_COMMANDS: [u32; 4] = [258, 271, 274, 275];

/// The reference point of an application.
#[must_use]
#[inline]
pub fn of_application(application: u32) -> Option<&'static Interface> {
    INTERFACES.iter().find(|interface| interface.applications.contains(&application))
}

/// The definition of a message's command, by application, code and R bit; never by abbreviation. The four session
/// commands of the base protocol are found under every application whose own list lacks them.
#[must_use]
pub fn command(application: u32, code: u32, request: bool) -> Option<&'static CommandDefinition> {
    let within = |interface: &'static Interface| {
        let code = interface.other_codes.iter().find(|(seen, _)| *seen == code).map_or(code, |(_, known)| *known);
        interface.commands.iter().find(|command| command.code == code && command.request == request).copied()
    };
    match of_application(application) {
        Some(interface) => within(interface).or_else(|| {
            (interface.vendor != 0 && SESSION_COMMANDS.contains(&code)).then(|| within(&INTERFACES[0])).flatten()
        }),
        None => SESSION_COMMANDS.contains(&code).then(|| within(&INTERFACES[0])).flatten(),
    }
}

/// [`command`] for a message's header.
#[must_use]
pub fn command_of(header: &Header) -> Option<&'static CommandDefinition> {
    command(header.application, header.code, header.is_request())
}
