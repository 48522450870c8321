//! Names of applications and commands that are not typed here, so that any trace reads with names.
//!
//! The interfaces of [`super::INTERFACES`] name their own. The numbers below are IANA's and those of TS 29.230; a code
//! that several applications use stands once for each of them.

use super::{INTERFACES, of_application};
use crate::avp::dictionary::{TGPP, overlay};
use crate::message::Header;

/// The name of an application, such as `S6a` or `Gx`; `None` when it is not known.
#[must_use]
pub fn application_name(application: u32) -> Option<&'static str> {
    if let Some(interface) = of_application(application)
        && interface.vendor != 0
    {
        return Some(interface.name);
    }
    match APPLICATIONS.binary_search_by_key(&application, |(id, _)| *id) {
        Ok(at) => APPLICATIONS.get(at).map(|(_, name)| *name),
        Err(_) => overlay::application_name(application),
    }
}

/// The name of a command without `-Request` or `-Answer`, such as `Update-Location`; `None` when it is not known.
#[must_use]
pub fn command_stem(application: u32, code: u32) -> Option<&'static str> {
    if let Some(command) = super::command(application, code, true).or_else(|| super::command(application, code, false))
    {
        return Some(command.stem());
    }
    let first = COMMANDS.partition_point(|(known, ..)| *known < code);
    let same = || COMMANDS.iter().skip(first).take_while(|(known, ..)| *known == code);
    let of = |users: &[u32]| users.contains(&application);
    // Base commands under a foreign Application-Id, and codes with one meaning everywhere, are known by the code alone.
    same()
        .find(|(_, users, _)| of(users))
        .or_else(|| same().find(|(_, users, _)| users.is_empty()))
        .map(|(_, _, stem)| *stem)
        .or_else(|| INTERFACES.first()?.commands.iter().find(|command| command.code == code).map(|base| base.stem()))
        .or_else(|| overlay::command_stem(application, code))
}

/// A command's name in two parts, for writing without a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandName {
    /// The name without its ending.
    pub stem: &'static str,
    /// True for a request.
    pub request: bool,
}

impl CommandName {
    /// `-Request` or `-Answer`.
    #[must_use]
    pub const fn ending(&self) -> &'static str {
        if self.request { "-Request" } else { "-Answer" }
    }
}

impl std::fmt::Display for CommandName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.stem)?;
        f.write_str(self.ending())
    }
}

/// The name of a message's command; `None` when it is not known.
#[must_use]
pub fn command_name(header: &Header) -> Option<CommandName> {
    let stem = command_stem(header.application, header.code)?;
    Some(CommandName { stem, request: header.is_request() })
}

/// The codes of all commands of that stem, in any application; letters are compared without regard to case.
pub fn codes_of(stem: &str) -> impl Iterator<Item = u32> {
    let typed =
        INTERFACES.iter().flat_map(|interface| interface.commands).map(|command| (command.code, command.stem()));
    let foreign = COMMANDS.iter().map(|(code, _, stem)| (*code, *stem));
    typed
        .chain(foreign)
        .chain(overlay::commands())
        .filter(move |(_, name)| name.eq_ignore_ascii_case(stem))
        .map(|(code, _)| code)
}

/// The ids of all applications of that name; letters are compared without regard to case.
pub fn ids_of(name: &str) -> impl Iterator<Item = u32> {
    let typed = INTERFACES.iter().filter(|interface| interface.vendor != 0);
    let typed = typed.flat_map(|interface| interface.applications.iter().map(|id| (*id, interface.name)));
    typed
        .chain(APPLICATIONS.iter().copied())
        .chain(overlay::applications())
        .filter(move |(_, known)| known.eq_ignore_ascii_case(name))
        .map(|(id, _)| id)
}

/// The vendor of an application: 0 for those of the IETF and for unknown ones.
#[must_use]
pub fn vendor_of_application(application: u32) -> u32 {
    const FIRST_OF_VENDORS: u32 = 16_777_216;
    match (of_application(application), application) {
        (Some(interface), _) => interface.vendor,
        (None, ..FIRST_OF_VENDORS | u32::MAX) => 0,
        (None, 16_777_231 | 16_777_253 | 16_777_257) => 13_019,
        (None, 16_777_235 | 16_777_256 | 16_777_258) => 11_502,
        (None, 16_777_237) => 5535,
        (None, _) if application_name(application).is_some() => TGPP,
        (None, _) => 0,
    }
}

/// The name of a vendor; `None` when it is not known.
#[must_use]
pub fn vendor_name(vendor: u32) -> Option<&'static str> {
    let known = VENDORS.iter().find(|(number, _)| *number == vendor).map(|(_, name)| *name);
    known.or_else(|| overlay::vendor_name(vendor))
}

/// The number of a vendor of that name; letters are compared without regard to case.
#[must_use]
pub fn vendor_of(name: &str) -> Option<u32> {
    let known = VENDORS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(number, _)| *number);
    known.or_else(|| overlay::vendor_of(name))
}

/// Vendors by their IANA enterprise number, the frequent ones first.
pub(crate) const VENDORS: &[(u32, &str)] = &[
    (10415, "3GPP"),
    (0, "IETF"),
    (13019, "ETSI"),
    (32473, "private"),
    (9, "Cisco"),
    (42, "Sun"),
    (94, "Nokia"),
    (193, "Ericsson"),
    (311, "Microsoft"),
    (637, "Alcatel-Lucent"),
    (2011, "Huawei"),
    (2636, "Juniper"),
    (4329, "Siemens"),
    (5535, "3GPP2"),
    (11502, "ITU-T"),
    (8164, "Starent"),
    (12645, "Vodafone"),
    (12951, "Verizon-Wireless"),
    (28458, "Nokia-Siemens-Networks"),
];

/// Application-Ids in rising order.
pub(crate) const APPLICATIONS: &[(u32, &str)] = &[
    (0, "base"),
    (1, "NASREQ"),
    (2, "Mobile IPv4"),
    (3, "base accounting"),
    (4, "Gy/Ro"),
    (5, "EAP"),
    (6, "SIP"),
    (7, "Mobile IPv6 IKE"),
    (8, "Mobile IPv6 Auth"),
    (9, "QoS"),
    (10, "capabilities update"),
    (11, "IKE SK"),
    (12, "NAT control"),
    (13, "ERP"),
    (16_777_216, "Cx"),
    (16_777_217, "Sh"),
    (16_777_218, "Re"),
    (16_777_219, "Wx"),
    (16_777_220, "Zn"),
    (16_777_221, "Zh"),
    (16_777_222, "Gq"),
    (16_777_223, "Gmb"),
    (16_777_224, "Gx (release 5)"),
    (16_777_225, "Gx over Gy (release 6)"),
    (16_777_226, "MM10"),
    (16_777_229, "Rx (release 6)"),
    (16_777_230, "Pr"),
    (16_777_231, "e4"),
    (16_777_235, "Rs"),
    (16_777_236, "Rx"),
    (16_777_237, "Ty"),
    (16_777_238, "Gx"),
    (16_777_250, "STa"),
    (16_777_251, "S6a"),
    (16_777_252, "S13"),
    (16_777_253, "Re (ETSI)"),
    (16_777_255, "SLg"),
    (16_777_256, "Rw"),
    (16_777_257, "a4"),
    (16_777_258, "Rt"),
    (16_777_264, "SWm"),
    (16_777_265, "SWx"),
    (16_777_266, "Gxx"),
    (16_777_267, "S9"),
    (16_777_268, "Zpn"),
    (16_777_272, "S6b"),
    (16_777_291, "SLh"),
    (16_777_292, "SGmb"),
    (16_777_302, "Sy"),
    (16_777_303, "Sd"),
    (16_777_308, "S7a"),
    (16_777_309, "Tsp"),
    (16_777_310, "S6m"),
    (16_777_311, "T4"),
    (16_777_312, "S6c"),
    (16_777_313, "SGd"),
    (16_777_318, "S15"),
    (16_777_319, "S9a"),
    (16_777_320, "S9a*"),
    (16_777_335, "MB2-C"),
    (16_777_342, "Np"),
    (16_777_345, "S6t"),
    (16_777_346, "T6a/T6b"),
    (16_777_347, "Ns"),
    (16_777_348, "Nt"),
    (16_777_349, "St"),
    (u32::MAX, "relay"),
];

/// Applications that share the commands of Cx, which are also those of SWx and Wx.
const CX: &[u32] = &[16_777_216, 16_777_219, 16_777_265];
/// Sh, ETSI's e4, and Ph between them.
const SH: &[u32] = &[16_777_217, 16_777_231];
/// The SIP application of RFC 4740 counts its own commands from 283.
const ANY: &[u32] = &[];

/// Commands in rising order of codes: code, the applications it is meant for (none: any), name.
pub(crate) const COMMANDS: &[(u32, &[u32], &str)] = &[
    (257, ANY, "Capabilities-Exchange"),
    (258, ANY, "Re-Auth"),
    (260, ANY, "AA-Mobile-Node"),
    (262, ANY, "Home-Agent-MIP"),
    (265, ANY, "AA"),
    (268, ANY, "Diameter-EAP"),
    (271, ANY, "Accounting"),
    (272, ANY, "Credit-Control"),
    (274, ANY, "Abort-Session"),
    (275, ANY, "Session-Termination"),
    (280, ANY, "Device-Watchdog"),
    (282, ANY, "Disconnect-Peer"),
    (283, ANY, "User-Authorization"),
    (284, ANY, "Server-Assignment"),
    (285, ANY, "Location-Info"),
    (286, ANY, "Multimedia-Auth"),
    (287, ANY, "Registration-Termination"),
    (288, ANY, "Push-Profile"),
    (300, CX, "User-Authorization"),
    (301, CX, "Server-Assignment"),
    (302, CX, "Location-Info"),
    (303, CX, "Multimedia-Auth"),
    (304, CX, "Registration-Termination"),
    (305, CX, "Push-Profile"),
    (306, SH, "User-Data"),
    (307, SH, "Profile-Update"),
    (308, SH, "Subscribe-Notifications"),
    (309, SH, "Push-Notification"),
    (310, ANY, "Bootstrapping-Info"),
    (311, ANY, "Message-Process"),
    (312, ANY, "GBAPush-Info"),
    (316, ANY, "Update-Location"),
    (317, ANY, "Cancel-Location"),
    (318, ANY, "Authentication-Information"),
    (319, ANY, "Insert-Subscriber-Data"),
    (320, ANY, "Delete-Subscriber-Data"),
    (321, ANY, "Purge-UE"),
    (322, ANY, "Reset"),
    (323, ANY, "Notify"),
    (324, ANY, "ME-Identity-Check"),
    (325, ANY, "MIP6"),
    (326, ANY, "QoS-Authorization"),
    (327, ANY, "QoS-Install"),
    (328, ANY, "Capabilities-Update"),
    (329, ANY, "IKEv2-SK"),
    (330, ANY, "NAT-Control"),
    (8_388_620, ANY, "Provide-Location"),
    (8_388_621, ANY, "Location-Report"),
    (8_388_622, ANY, "LCS-Routing-Info"),
    (8_388_635, ANY, "Spending-Limit"),
    (8_388_636, ANY, "Spending-Status-Notification"),
    (8_388_637, ANY, "TDF-Session"),
    (8_388_638, ANY, "Update-VCSG-Location"),
    (8_388_639, ANY, "Device-Action"),
    (8_388_640, ANY, "Device-Notification"),
    (8_388_641, ANY, "Subscriber-Information"),
    (8_388_642, ANY, "Cancel-VCSG-Location"),
    (8_388_643, ANY, "Device-Trigger"),
    (8_388_644, ANY, "Delivery-Report"),
    (8_388_645, ANY, "MO-Forward-Short-Message"),
    (8_388_646, ANY, "MT-Forward-Short-Message"),
    (8_388_647, ANY, "Send-Routing-Info-for-SM"),
    (8_388_648, ANY, "Alert-Service-Centre"),
    (8_388_649, ANY, "Report-SM-Delivery-Status"),
    (8_388_656, ANY, "Trigger-Establishment"),
    (8_388_662, ANY, "GCS-Action"),
    (8_388_663, ANY, "GCS-Notification"),
    (8_388_718, ANY, "Configuration-Information"),
    (8_388_719, ANY, "Reporting-Information"),
    (8_388_720, ANY, "Non-Aggregated-RUCI-Report"),
    (8_388_721, ANY, "Aggregated-RUCI-Report"),
    (8_388_722, ANY, "Modify-Uecontext"),
    (8_388_726, ANY, "NIDD-Information"),
    (8_388_732, ANY, "Connection-Management"),
    (8_388_733, ANY, "MO-Data"),
    (8_388_734, ANY, "MT-Data"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_rise() {
        assert!(APPLICATIONS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(COMMANDS.is_sorted_by_key(|(code, ..)| *code));
    }

    #[test]
    fn a_code_with_two_meanings_goes_by_its_application() {
        assert_eq!(command_stem(16_777_251, 316), Some("Update-Location"));
        assert_eq!(command_stem(16_777_216, 300), Some("User-Authorization"));
        assert_eq!(command_stem(16_777_217, 306), Some("User-Data"));
        assert_eq!(command_stem(4, 272), Some("Credit-Control"));
        assert_eq!(command_stem(4321, 506), None);
        // Some stacks send base commands under the application they belong to, and watchdogs under any.
        assert_eq!(command_stem(16_777_251, 280), Some("Device-Watchdog"));
    }

    #[test]
    fn applications_by_number_and_by_name() {
        assert_eq!(application_name(16_777_238), Some("Gx"));
        assert_eq!(application_name(16_777_336), Some("PC4a"));
        assert_eq!(application_name(0), Some("base"));
        assert_eq!(application_name(4321), None);
        assert_eq!(ids_of("s6A").next(), Some(16_777_251));
        assert_eq!(codes_of("Credit-Control").next(), Some(272));
    }
}
