//! What no grammar tells of AVPs, at whatever depth they stand: flags that their specifications rule, padding, values that an
//! Enumerated AVP names, and the contents of identities.

use std::collections::HashSet;

use crate::avp::dictionary::{self, Definition, FailedAvp, Msisdn, OldPduid, Pduid, Rule, UserName, VisitedPlmnId};
use crate::avp::fault::name_of;
use crate::avp::format::{Kind, Verdict};
use crate::avp::{Avp, AvpFlags, Avps, Key};
use crate::folding::Seeded;
use crate::interfaces::{pc3, pc4, s6a};
use crate::message::check::NESTING_LIMIT;
use crate::message::{HEADER_LENGTH, Header};
use crate::registration::identifiers;

use super::Spot;
use super::checks::{self, Check};
use super::finding::Report;
use super::grammar::Subject;

/// Told at most of one message.
const MESSAGE_LIMIT: usize = 16;
/// What was told of flags, remembered so that it is told once; when it is full, all is told again.
const TOLD_LIMIT: usize = 1 << 14;

/// What the content of an AVP must be, beyond its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Anything.
    Any,
    /// One of the values that the dictionary names.
    Named,
    /// The digits of an IMSI.
    Imsi,
    /// The digits of an MSISDN in TBCD.
    Msisdn,
    /// Three octets of a network.
    Network,
    /// An ID1: a network, then the temporary part.
    Id1,
}

impl Content {
    /// The content of an AVP in the messages of a command.
    pub fn of(definition: &Definition, header: &Header) -> Self {
        match definition.key.0 {
            UserName::KEY if is_by_imsi(header) => Self::Imsi,
            Msisdn::KEY => Self::Msisdn,
            VisitedPlmnId::KEY => Self::Network,
            Pduid::KEY | OldPduid::KEY => Self::Id1,
            _ if definition.kind == Kind::Enumerated && !definition.bits && !definition.values.is_empty() => {
                Self::Named
            }
            _ => Self::Any,
        }
    }

    /// True when data of the right format is such a content.
    #[inline]
    pub fn fits(self, definition: &Definition, data: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Named => {
                data.try_into().is_ok_and(|number| definition.value_name(i32::from_be_bytes(number).into()).is_some())
            }
            Self::Imsi => Self::is_imsi(data),
            Self::Msisdn => identifiers::Msisdn::from_tbcd(data).is_ok(),
            Self::Network => identifiers::PlmnId::from_slice(data).is_ok(),
            Self::Id1 => identifiers::Pduid::from_octets(data).is_ok_and(|id1| id1.plmn().is_ok()),
        }
    }

    /// True for 6 to 15 digits.
    #[inline]
    pub fn is_imsi(data: &[u8]) -> bool {
        (6..=15).contains(&data.len()) && data.iter().fold(true, |digits, octet| digits & octet.is_ascii_digit())
    }

    /// The check that it did not pass, what was found (nothing of an identity), and what was expected.
    fn words(self, data: &[u8]) -> (&'static Check, String, String) {
        match self {
            Self::Any | Self::Named => {
                let number = data.try_into().map(i32::from_be_bytes).unwrap_or_default();
                (checks::AVP_VALUE, format!("the value {number} has no name"), "one that the AVP names".to_owned())
            }
            Self::Imsi => {
                let found = format!("{} octets are no IMSI", data.len());
                (checks::IMSI, found, "6 to 15 digits".to_owned())
            }
            Self::Msisdn => {
                let found = format!("{} octets are no MSISDN", data.len());
                (checks::MSISDN, found, "up to 15 digits in TBCD, without a type of number".to_owned())
            }
            Self::Network => {
                let found = format!("{} are no network", data_encoding::HEXLOWER.encode(data.get(..8).unwrap_or(data)));
                (checks::PLMN, found, "three octets: digits of MCC and MNC".to_owned())
            }
            Self::Id1 => {
                let found = format!("{} octets are no ID1", data.len());
                (checks::ID1, found, "24 bits that name a network, then 40 bits".to_owned())
            }
        }
    }
}

/// True for commands whose User-Name is an IMSI. In message 1 it is the name of a user at an app server.
const fn is_by_imsi(header: &Header) -> bool {
    match header.application {
        s6a::APPLICATION | pc4::hss::APPLICATION | pc4::mme::APPLICATION | pc4::function::APPLICATION => true,
        pc3::APPLICATION => header.code == dictionary::private::COMMAND_A,
        _ => false,
    }
}

/// What flags an AVP has that its specification does not give it: the check, what was found and expected.
fn flags(
    avp: &Avp<'_>,
    definition: Option<&Definition>,
    typed: bool,
) -> Option<(&'static Check, String, &'static str)> {
    let reserved = avp.flags.0 & RESERVED;
    if reserved != 0 {
        return Some((checks::AVP_FLAGS_RESERVED, format!("reserved flags {reserved:#04x} are set"), "zero"));
    }
    if avp.flags.has_vendor() && avp.vendor() == dictionary::IETF {
        return Some((checks::AVP_VENDOR_FLAG, "the V flag is set, and Vendor-Id is 0".to_owned(), "it clear"));
    }
    let definition = definition.filter(|definition| typed && is_sure(definition))?;
    match (definition.mandatory, avp.flags.is_mandatory()) {
        (Rule::Must, false) => Some((checks::AVP_MANDATORY_FLAG, "the M flag is clear".to_owned(), "it set")),
        (Rule::MustNot, true) => Some((checks::AVP_MANDATORY_FLAG, "the M flag is set".to_owned(), "it clear")),
        _ => None,
    }
}

const RESERVED: u8 = !(AvpFlags::VENDOR | AvpFlags::MANDATORY | AvpFlags::PROTECTED);

/// True when the M rule of an AVP is without doubt. Rows for reading alone have one rule a block; and what was defined for
/// policy, charging, IMS and packet gateways is used again by other applications, which rule its M flag anew.
fn is_sure(definition: &Definition) -> bool {
    let reused = ["TS 29.061", "TS 29.212", "TS 29.229", "TS 29.329", "TS 32.299"];
    !definition.rust_name.is_empty() && !reused.iter().any(|clause| definition.clause.starts_with(clause))
}

/// Judges what no grammar tells.
#[derive(Default)]
pub(super) struct Values {
    /// Link and direction, command and R bit, AVP and flags: a sender that sets them otherwise does so in every message.
    told: HashSet<(u32, u8, u32, Key, u8), Seeded>,
}

/// One message on its way through the walk.
struct Walk<'r> {
    told: &'r mut HashSet<(u32, u8, u32, Key, u8), Seeded>,
    sender: (u32, u8),
    header: &'r Header,
    spot: Spot,
    report: &'r mut Report,
    path: Vec<Key>,
    count: usize,
    /// The application is one that we type.
    typed: bool,
}

impl Values {
    /// Judges a message. True when there is nothing to tell, nor would be if it was not told before.
    pub fn judge(&mut self, message: &Subject<'_>, report: &mut Report) -> bool {
        let Subject { bytes, header, known, sender, spot } = *message;
        if self.told.len() >= TOLD_LIMIT {
            self.told.clear();
        }
        let (told, typed) = (&mut self.told, known.typed);
        let mut walk = Walk { told, sender, header, spot, report, path: Vec::new(), count: 0, typed };
        walk.members(bytes.get(HEADER_LENGTH..).unwrap_or_default());
        walk.count == 0
    }
}

impl Walk<'_> {
    fn members(&mut self, bytes: &[u8]) {
        for avp in Avps::new(bytes).map_while(Result::ok) {
            if self.count >= MESSAGE_LIMIT {
                return;
            }
            let definition = dictionary::lookup(avp.key);
            self.path.push(avp.key);
            if let Some((check, found, expected)) = flags(&avp, definition, self.typed) {
                self.count += 1;
                let code = self.header.code << 1 | u32::from(self.header.is_request());
                if self.told.insert((self.sender.0, self.sender.1, code, avp.key, avp.flags.0)) {
                    self.tell(check, definition, found, expected.to_owned());
                }
            }
            self.padding(&avp);
            match definition {
                // What stands in Failed-AVP is there because it does not fit.
                Some(definition)
                    if definition.kind == Kind::Grouped
                        && avp.key.0 != FailedAvp::KEY
                        && self.path.len() < NESTING_LIMIT =>
                {
                    self.members(avp.data);
                }
                Some(definition) if definition.kind != Kind::Grouped => self.content(&avp, definition),
                _ => {}
            }
            self.path.pop();
        }
    }

    fn padding(&mut self, avp: &Avp<'_>) {
        let padding = avp.padding();
        if padding.iter().any(|octet| *octet != 0) {
            self.count += 1;
            self.tell(checks::AVP_PADDING, None, "the padding is not zero".to_owned(), "zeros".to_owned());
        }
        if !(avp.length() + padding.len()).is_multiple_of(4) {
            self.count += 1;
            let found = "the padding is missing".to_owned();
            self.tell(checks::AVP_UNPADDED, None, found, "a multiple of four octets".to_owned());
        }
    }

    fn content(&mut self, avp: &Avp<'_>, definition: &'static Definition) {
        let content = Content::of(definition, self.header);
        // What does not even have its format was told by the grammar.
        let has_format = definition.kind.judge(avp.data) == Verdict::Good;
        if has_format && !content.fits(definition, avp.data) {
            self.count += 1;
            let (check, found, expected) = content.words(avp.data);
            self.tell(check, Some(definition), found, expected);
        }
    }

    fn tell(
        &mut self,
        check: &'static Check,
        definition: Option<&'static Definition>,
        found: String,
        expected: String,
    ) {
        let path = self.path.iter().map(|key| name_of(*key)).collect::<Vec<_>>().join(" > ");
        let mut finding = self.spot.finding(check, path, found, expected);
        if let Some(definition) = definition
            && matches!(check.id, "avp-mandatory-flag" | "avp-value")
        {
            finding.clause = definition.clause.into();
        }
        self.report.push(finding);
    }
}
