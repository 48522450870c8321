//! The life of a connection: capabilities first, watchdogs, disconnect; and what the answers of any command must hold.
//! RFC 6733 section 5.

use crate::avp::Avps;
use crate::avp::dictionary::{AcctApplicationId, AuthApplicationId, VendorSpecificApplicationId};
use crate::capture::{CapturedMessage, Timestamp};
use crate::interfaces::base;
use crate::message::{HEADER_LENGTH, Header};

use super::Spot;
use super::checks::{self, Check};
use super::finding::Report;
use super::survey::Survey;

pub(super) const CER: u32 = 257;
const DWR: u32 = 280;
const DPR: u32 = 282;

/// Applications of one side that are remembered.
const APPLICATIONS: usize = 64;
/// Two watchdogs of one side stand further apart than this, in nanoseconds: Tw is 6 s at least, less 2 s of jitter.
const WATCHDOG_APART: i64 = 4_000_000_000;

/// The life of one link as far as the capture shows it.
#[derive(Default)]
pub(super) struct Life {
    /// The capture shows it from its first packet on.
    pub begun: bool,
    greeted: bool,
    /// Capabilities were asked for by this direction, in this frame.
    asked: Option<u8>,
    /// They were answered with success.
    open: bool,
    /// They were refused.
    refused: bool,
    /// What each side told in its capabilities.
    sides: [Side; 2],
    /// Who asked to disconnect.
    leaving: Option<u8>,
    /// The disconnect was answered.
    left: bool,
    odd_ppid: [bool; 2],
    /// An application that both sides offered, and that was asked about last.
    agreed: Option<u32>,
}

#[derive(Default)]
struct Side {
    host: Option<String>,
    applications: Vec<u32>,
    watchdog: Option<Timestamp>,
    state: Option<u32>,
}

impl Life {
    /// The Diameter identity of a side.
    pub fn host(&self, direction: u8) -> Option<&str> {
        self.sides[usize::from(direction & 1)].host.as_deref()
    }

    /// True when capabilities were exchanged and nobody said goodbye.
    pub const fn is_open(&self) -> bool {
        self.open && !self.left
    }

    /// True once somebody asked to disconnect.
    pub const fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Judges one message against what came before it on the link.
    #[inline]
    pub fn message(
        &mut self,
        message: &CapturedMessage<'_>,
        direction: u8,
        header: &Header,
        survey: &Survey<'_>,
        spot: Spot,
        report: &mut Report,
    ) {
        if !self.greeted {
            self.greet(header, spot, report);
        } else if self.begun && !self.open && header.code != CER {
            let tell = |check: &'static Check, found: &str, expected: &str| {
                spot.finding(check, String::new(), found.to_owned(), expected.to_owned())
            };
            if self.refused {
                report.push(tell(
                    checks::CAPABILITIES_REFUSED,
                    "the capabilities exchange was refused, and yet a message follows",
                    "the end of the connection",
                ));
            } else if self.asked.is_some() {
                report.push(tell(
                    checks::CAPABILITIES_UNANSWERED,
                    "a message comes before the Capabilities-Exchange-Answer",
                    "the answer first",
                ));
            }
        }
        if let Some(ppid) = message.ppid
            && ppid != 46
        {
            self.ppid(ppid, direction, spot, report);
        }
        if header.application == 0 {
            self.base(message, direction, header, survey, spot, report);
        } else if self.open && header.is_request() && self.agreed != Some(header.application) {
            self.application(header.application, spot, report);
        }
        if self.leaving.is_some() {
            self.goodbye(direction, header, spot, report);
        }
    }

    #[cold]
    fn greet(&mut self, header: &Header, spot: Spot, report: &mut Report) {
        self.greeted = true;
        report.associations += 1;
        report.capture_mut(spot.capture).associations += 1;
        if self.begun && !(header.application == 0 && header.code == CER && header.is_request()) {
            let found = format!(
                "the first message of the association is command {} of application {}",
                header.code, header.application
            );
            let expected = "a Capabilities-Exchange-Request".to_owned();
            report.push(spot.finding(checks::CAPABILITIES_FIRST, String::new(), found, expected));
        }
    }

    #[cold]
    fn ppid(&mut self, ppid: u32, direction: u8, spot: Spot, report: &mut Report) {
        let told = std::mem::replace(&mut self.odd_ppid[usize::from(direction & 1)], true);
        let found = format!("the payload protocol identifier is {ppid}");
        if ppid == 0 {
            // Older stacks leave it out: told once a side.
            if !told {
                report.push(spot.finding(checks::PPID_ZERO, String::new(), found, "46".to_owned()));
            }
        } else {
            report.push(spot.finding(checks::PPID, String::new(), found, "46 for Diameter in clear".to_owned()));
        }
    }

    /// The application was offered by both sides.
    fn application(&mut self, application: u32, spot: Spot, report: &mut Report) {
        let offers = |side: &Side| {
            side.applications.is_empty()
                || side.applications.iter().any(|known| *known == application || *known == base::APPLICATION_RELAY)
        };
        if self.sides.iter().all(offers) {
            self.agreed = Some(application);
        } else {
            report.push(spot.finding(
                checks::APPLICATION_NOT_OFFERED,
                String::new(),
                format!("application {application} was not offered by both sides"),
                "one of CER and CEA".to_owned(),
            ));
        }
    }

    #[cold]
    fn base(
        &mut self,
        message: &CapturedMessage<'_>,
        direction: u8,
        header: &Header,
        survey: &Survey<'_>,
        spot: Spot,
        report: &mut Report,
    ) {
        let mut tell = |check: &'static Check, path: &str, found: String, expected: &str| {
            report.push(spot.finding(check, path.to_owned(), found, expected.to_owned()));
        };
        self.agreed = None;
        let side = &mut self.sides[usize::from(direction & 1)];
        let origin = survey.origin_host.map(|host| String::from_utf8_lossy(host).to_ascii_lowercase());
        match (header.code, header.is_request()) {
            (CER, true) => {
                if self.open {
                    let found = "a second Capabilities-Exchange-Request on an open connection".to_owned();
                    tell(checks::CAPABILITIES_AGAIN, "", found, "one, at the beginning");
                } else if self.begun && direction != 0 {
                    let found = "the side that was called sends the Capabilities-Exchange-Request".to_owned();
                    tell(checks::CAPABILITIES_SIDE, "", found, "it from the side that called");
                }
                side.host = origin;
                side.applications = applications(message.bytes);
                side.state = survey.origin_state;
                self.asked = Some(direction);
            }
            (CER, false) => {
                side.host = origin;
                side.applications = applications(message.bytes);
                side.state = survey.origin_state;
                let success = survey.result.is_some_and(|code| code / 1000 == 2);
                (self.open, self.refused) = (success, !success);
            }
            (code @ (DWR | DPR), request) => {
                if let (Some(known), Some(origin)) = (&side.host, &origin)
                    && known != origin
                {
                    let found = format!("Origin-Host is {origin}");
                    tell(
                        checks::ORIGIN_CHANGED,
                        "Origin-Host (264)",
                        found,
                        &format!("{known} as in the capabilities"),
                    );
                }
                if let Some(state) = survey.origin_state {
                    let known = side.state.unwrap_or(0);
                    if state < known {
                        let found = format!("Origin-State-Id is {state}");
                        tell(checks::ORIGIN_STATE, "Origin-State-Id (278)", found, &format!("{known} or more"));
                    }
                    side.state = Some(state.max(known));
                }
                match (code, request) {
                    (DWR, true) => {
                        let before = side.watchdog.replace(spot.time);
                        if let Some(before) = before
                            && (0..WATCHDOG_APART).contains(&(spot.time.0 - before.0))
                        {
                            let found = "two watchdogs within 4 s".to_owned();
                            tell(checks::WATCHDOG_EARLY, "", found, "6 s between them, less 2 s of jitter");
                        }
                    }
                    (DPR, true) => {
                        self.leaving.get_or_insert(direction);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Who has said goodbye asks no more; after the answer nobody says anything.
    #[cold]
    fn goodbye(&mut self, direction: u8, header: &Header, spot: Spot, report: &mut Report) {
        let is_disconnect = header.application == 0 && header.code == DPR;
        if self.left && !is_disconnect {
            let found = "a message after the disconnect was answered".to_owned();
            report.push(spot.finding(checks::AFTER_DISCONNECT, String::new(), found, "none".to_owned()));
        } else if header.is_request() && self.leaving == Some(direction) && !is_disconnect {
            let found = "a request of the side that asked to disconnect".to_owned();
            report.push(spot.finding(checks::AFTER_DISCONNECT, String::new(), found, "none after its DPR".to_owned()));
        }
        self.left |= is_disconnect && !header.is_request();
    }
}

/// The applications that a CER or CEA tells of.
fn applications(message: &[u8]) -> Vec<u32> {
    let mut found = Vec::new();
    let number = |data: &[u8]| data.try_into().ok().map(u32::from_be_bytes);
    let mut take = |key: u64, data: &[u8]| {
        if matches!(key, AuthApplicationId::KEY | AcctApplicationId::KEY)
            && let Some(application) = number(data)
            && found.len() < APPLICATIONS
        {
            found.push(application);
        }
    };
    for avp in Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default()).map_while(Result::ok) {
        take(avp.key.0, avp.data);
        if avp.key.0 == VendorSpecificApplicationId::KEY {
            avp.members().map_while(Result::ok).for_each(|member| take(member.key.0, member.data));
        }
    }
    found
}

/// What every message must hold, whatever its command: results in answers, and the Session-Id first.
#[inline]
pub(super) fn message(header: &Header, survey: &Survey<'_>, typed: bool, spot: Spot, report: &mut Report) {
    if survey.session_late {
        let found = "other AVPs stand before the Session-Id".to_owned();
        report.push(spot.finding(checks::SESSION_FIRST, "Session-Id (263)".to_owned(), found, "it first".to_owned()));
    }
    if header.is_request() {
        return;
    }
    let class = survey.result.map(|code| code / 1000);
    let usual = class == Some(2) && survey.experimental.is_none() && !header.flags.is_error();
    if !usual {
        result(header, survey, typed, spot, report);
    }
}

#[cold]
fn result(header: &Header, survey: &Survey<'_>, typed: bool, spot: Spot, report: &mut Report) {
    let mut tell = |check: &'static Check, found: String, expected: &str| {
        report.push(spot.finding(check, "Result-Code (268)".to_owned(), found, expected.to_owned()));
    };
    let both = survey.result.is_some() == survey.experimental.is_some();
    if both && typed && !header.flags.is_error() {
        let found = if survey.result.is_some() { "both are there" } else { "neither is there" };
        tell(checks::RESULT, found.to_owned(), "exactly one of Result-Code and Experimental-Result");
    }
    let Some(code) = survey.result else { return };
    match code / 1000 {
        1..=5 => {}
        _ => tell(checks::RESULT_CLASS, format!("Result-Code is {code}"), "1000 to 5999"),
    }
    let is_protocol_error = code / 1000 == 3;
    if is_protocol_error && !header.flags.is_error() {
        tell(checks::ERROR_FLAG, format!("Result-Code is {code}, and the E flag is clear"), "it set");
    } else if header.flags.is_error() && matches!(code / 1000, 1 | 2) {
        tell(checks::ERROR_FLAG, format!("Result-Code is {code}, and the E flag is set"), "it clear");
    }
    if matches!(code, 5001 | 5004 | 5007 | 5008 | 5009 | 5014) && !survey.failed {
        tell(checks::FAILED_AVP, format!("Result-Code is {code}, and no Failed-AVP tells which AVP"), "Failed-AVP");
    }
}
