//! The subscription and its telephone number, which no log may show.

use super::plmn::{PlmnError, PlmnId};
use std::fmt;
use std::str::FromStr;

/// What is not a subscriber number. The digits themselves are left out on purpose.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigitsError {
    #[error("{what} has {least} to {most} digits, not {found}")]
    Length { what: &'static str, least: usize, most: usize, found: usize },
    #[error("character {position} of {what} is not a digit")]
    NotADigit { what: &'static str, position: usize },
    #[error("octet {position} of {what} holds a nibble that is not a digit")]
    Nibble { what: &'static str, position: usize },
}

/// Up to fifteen decimal digits in eight octets: the number of digits in the top octet, their value below it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Digits(u64);

const MOST_DIGITS: usize = 15;
const VALUE_BITS: u32 = 56;

impl Digits {
    fn parse(text: &str, what: &'static str, least: usize) -> Result<Self, DigitsError> {
        if let Some(position) = text.bytes().position(|octet| !octet.is_ascii_digit()) {
            return Err(DigitsError::NotADigit { what, position: position + 1 });
        }
        let found = text.len();
        if !(least..=MOST_DIGITS).contains(&found) {
            return Err(DigitsError::Length { what, least, most: MOST_DIGITS, found });
        }
        let value = text.bytes().fold(0u64, |value, octet| value * 10 + u64::from(octet - b'0'));
        Ok(Digits((found as u64) << VALUE_BITS | value))
    }

    /// A packed form read back from a store; `None` when it was never written by [`Digits::parse`].
    fn from_packed(packed: u64, least: usize) -> Option<Self> {
        let digits = Digits(packed);
        let length = digits.length();
        let fits = (least..=MOST_DIGITS).contains(&length) && digits.value() < 10u64.pow(length as u32);
        fits.then_some(digits)
    }

    /// TBCD of TS 29.002: two digits an octet, low nibble first, `f` after an odd number of them.
    fn from_tbcd(octets: &[u8], what: &'static str, least: usize) -> Result<Self, DigitsError> {
        let mut text = String::with_capacity(MOST_DIGITS + 1);
        let last = octets.len().saturating_sub(1);
        for (index, octet) in octets.iter().enumerate() {
            let fault = DigitsError::Nibble { what, position: index + 1 };
            for (nibble, may_fill) in [(octet & 0xf, false), (octet >> 4, index == last)] {
                match nibble {
                    0..=9 => text.push(char::from(b'0' + nibble)),
                    0xf if may_fill => {}
                    _ => return Err(fault),
                }
            }
            // One octet more than any number needs is enough to say that it is too long.
            if text.len() > MOST_DIGITS {
                return Err(DigitsError::Length { what, least, most: MOST_DIGITS, found: octets.len() * 2 });
            }
        }
        Self::parse(&text, what, least)
    }

    fn to_tbcd(self) -> Vec<u8> {
        let text = self.text();
        text.as_bytes()
            .chunks(2)
            .map(|pair| match *pair {
                [low, high] => (high - b'0') << 4 | (low - b'0'),
                [low] => 0xf0 | (low - b'0'),
                _ => 0xff,
            })
            .collect()
    }

    fn length(self) -> usize {
        (self.0 >> VALUE_BITS) as usize
    }

    fn value(self) -> u64 {
        self.0 & ((1 << VALUE_BITS) - 1)
    }

    fn text(self) -> String {
        format!("{:0width$}", self.value(), width = self.length())
    }

    /// The first `shown` digits and a star for each other.
    fn redacted(self, shown: usize, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let (head, tail) = text.split_at_checked(shown).unwrap_or(("", &text));
        write!(formatter, "{head}{}", "*".repeat(tail.len()))
    }
}

/// International Mobile Subscriber Identity: 6 to 15 digits, TS 23.003 2.2.
///
/// `Display` and `Debug` show the network and stars; the digits come out of [`Imsi::reveal`] alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Imsi(Digits);

impl Imsi {
    const WHAT: &'static str = "an IMSI";
    const LEAST: usize = 6;

    /// All digits, for the wire and for whoever may see them: never for a log.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.text()
    }

    /// The home network, given how many digits its MNC has (2 or 3; the IMSI itself does not tell).
    ///
    /// # Errors
    /// Another number of MNC digits.
    pub fn plmn(&self, mnc_digits: usize) -> Result<PlmnId, PlmnError> {
        if !(2..=3).contains(&mnc_digits) {
            return Err(PlmnError::MncLength(mnc_digits));
        }
        let text = self.0.text();
        let codes = text.get(..3 + mnc_digits).ok_or(PlmnError::Text)?;
        codes.parse()
    }

    /// Whether this subscription is at home in `plmn`.
    #[must_use]
    pub fn is_of(&self, plmn: PlmnId) -> bool {
        self.plmn(plmn.mnc_digits()) == Ok(plmn)
    }

    /// Eight octets as a number: unique, ordered by length and then by value. The key of the store.
    #[must_use]
    pub fn packed(&self) -> u64 {
        self.0.0
    }

    /// The IMSI behind [`Imsi::packed`]; `None` when there is none.
    #[must_use]
    pub fn from_packed(packed: u64) -> Option<Self> {
        Digits::from_packed(packed, Self::LEAST).map(Imsi)
    }

    /// From TBCD octets, low nibble first, `f` as filler.
    ///
    /// # Errors
    /// A nibble that is not a digit, or a length outside 6 to 15 digits.
    pub fn from_tbcd(octets: &[u8]) -> Result<Self, DigitsError> {
        Digits::from_tbcd(octets, Self::WHAT, Self::LEAST).map(Imsi)
    }

    /// As TBCD octets, low nibble first, `f` as filler.
    #[must_use]
    pub fn to_tbcd(&self) -> Vec<u8> {
        self.0.to_tbcd()
    }
}

/// Telephone number of the UE: 1 to 15 digits in international form without `+`, TS 23.003 3.3; AVP MSISDN (701).
///
/// `Display` and `Debug` show two digits and stars; the digits come out of [`Msisdn::reveal`] alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(Digits);

impl Msisdn {
    const WHAT: &'static str = "an MSISDN";
    const LEAST: usize = 1;

    /// All digits, for the wire and for whoever may see them: never for a log.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.text()
    }

    /// Eight octets as a number, for the store.
    #[must_use]
    pub fn packed(&self) -> u64 {
        self.0.0
    }

    /// The MSISDN behind [`Msisdn::packed`]; `None` when there is none.
    #[must_use]
    pub fn from_packed(packed: u64) -> Option<Self> {
        Digits::from_packed(packed, Self::LEAST).map(Msisdn)
    }

    /// From TBCD octets, low nibble first, `f` as filler.
    ///
    /// # Errors
    /// A nibble that is not a digit, or a length outside 1 to 15 digits.
    pub fn from_tbcd(octets: &[u8]) -> Result<Self, DigitsError> {
        Digits::from_tbcd(octets, Self::WHAT, Self::LEAST).map(Msisdn)
    }

    /// As TBCD octets, low nibble first, `f` as filler: the value of AVP MSISDN.
    #[must_use]
    pub fn to_tbcd(&self) -> Vec<u8> {
        self.0.to_tbcd()
    }
}

impl FromStr for Imsi {
    type Err = DigitsError;

    fn from_str(text: &str) -> Result<Self, DigitsError> {
        Digits::parse(text, Self::WHAT, Self::LEAST).map(Imsi)
    }
}

impl FromStr for Msisdn {
    type Err = DigitsError;

    /// Digits, with or without a leading `+`.
    fn from_str(text: &str) -> Result<Self, DigitsError> {
        Digits::parse(text.strip_prefix('+').unwrap_or(text), Self::WHAT, Self::LEAST).map(Msisdn)
    }
}

impl fmt::Display for Imsi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.redacted(5, formatter)
    }
}

impl fmt::Debug for Imsi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Imsi({self})")
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.redacted(2, formatter)
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Msisdn({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_imsi_prints_its_network_and_stars() {
        let imsi: Imsi = "001010000000001".parse().unwrap();
        assert_eq!(imsi.to_string(), "00101**********");
        assert_eq!(format!("{imsi:?}"), "Imsi(00101**********)");
        assert_eq!(imsi.reveal(), "001010000000001");
        let msisdn: Msisdn = "+491711234567".parse().unwrap();
        assert_eq!(format!("{msisdn:?} {msisdn}"), "Msisdn(49**********) 49**********");
        assert_eq!(msisdn.reveal(), "491711234567");
        assert_eq!("1".parse::<Msisdn>().unwrap().to_string(), "*");
    }

    #[test]
    fn the_home_network_is_the_head_of_the_imsi() {
        let imsi: Imsi = "310410123456789".parse().unwrap();
        assert_eq!(imsi.plmn(3), "310-410".parse());
        assert_eq!(imsi.plmn(2), "310-41".parse());
        assert_eq!(imsi.plmn(4), Err(PlmnError::MncLength(4)));
        assert!(imsi.is_of("310-410".parse().unwrap()));
        assert!(!imsi.is_of("310-411".parse().unwrap()));
    }

    #[test]
    fn an_msisdn_travels_in_tbcd() {
        let msisdn: Msisdn = "491711234567".parse().unwrap();
        assert_eq!(msisdn.to_tbcd(), [0x94, 0x71, 0x11, 0x32, 0x54, 0x76]);
        let odd: Msisdn = "12345".parse().unwrap();
        assert_eq!(odd.to_tbcd(), [0x21, 0x43, 0xf5]);
        assert_eq!(
            Msisdn::from_tbcd(&[0x21, 0xf3, 0x54]).unwrap_err().to_string(),
            "octet 2 of an MSISDN holds a nibble that is not a digit"
        );
    }

    #[test]
    fn a_fault_says_where_and_never_shows_the_digits() {
        let fault = "00101x0000".parse::<Imsi>().unwrap_err();
        assert_eq!(fault.to_string(), "character 6 of an IMSI is not a digit");
        let fault = "0010100000000011".parse::<Imsi>().unwrap_err();
        assert_eq!(fault.to_string(), "an IMSI has 6 to 15 digits, not 16");
        assert!("00101".parse::<Imsi>().is_err());
        assert!("".parse::<Msisdn>().is_err());
    }

    proptest! {
        #[test]
        fn every_number_survives_text_tbcd_and_packing(text in "[0-9]{6,15}") {
            let imsi: Imsi = text.parse().unwrap();
            prop_assert_eq!(imsi.reveal(), text.clone());
            prop_assert_eq!(Imsi::from_packed(imsi.packed()), Some(imsi));
            prop_assert_eq!(Imsi::from_tbcd(&imsi.to_tbcd()), Ok(imsi));
            let printed = format!("{imsi} {imsi:?}");
            prop_assert!(!printed.contains(&text));
            let msisdn: Msisdn = text.parse().unwrap();
            prop_assert_eq!(Msisdn::from_tbcd(&msisdn.to_tbcd()), Ok(msisdn));
            prop_assert_eq!(Msisdn::from_packed(msisdn.packed()), Some(msisdn));
        }

        #[test]
        fn any_octets_are_answered(octets: Vec<u8>, packed: u64, text: String) {
            let _ = Msisdn::from_tbcd(&octets);
            let _ = text.parse::<Imsi>();
            if let Some(imsi) = Imsi::from_packed(packed) {
                prop_assert_eq!(imsi.packed(), packed);
            }
        }
    }
}
