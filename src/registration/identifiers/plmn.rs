//! The network: mobile country code and mobile network code.

use std::fmt;
use std::str::FromStr;

/// A public land mobile network: MCC of three digits, MNC of two or three. TS 23.003 2.2.
///
/// Held as its three octets on the wire (TS 24.301 9.9.3.12, TS 29.272 7.3.9), low nibble first:
/// ```text
///           8 7 6 5       4 3 2 1
/// octet 1   MCC digit 2   MCC digit 1
/// octet 2   MNC digit 3   MCC digit 3      MNC digit 3 is 1111 when the MNC has two digits
/// octet 3   MNC digit 2   MNC digit 1
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlmnId([u8; 3]);

/// What does not name a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlmnError {
    #[error("a PLMN has 3 octets, these are {0}")]
    Length(usize),
    #[error("the PLMN octets {0:02x}{1:02x}{2:02x} hold a nibble that is not a digit")]
    Nibble(u8, u8, u8),
    #[error("a PLMN is written as three digits of MCC and two or three of MNC, such as 001-01")]
    Text,
    #[error("a PLMN's MNC has two or three digits, not {0}")]
    MncLength(usize),
    #[error("the realm is not of the form epc.mncNNN.mccNNN.3gppnetwork.org")]
    Realm,
}

const FILLER: u8 = 0xf;

impl PlmnId {
    /// From the three octets of Visited-PLMN-Id and of the head of an ID1.
    ///
    /// # Errors
    /// A nibble above nine, other than the filler of a two-digit MNC.
    pub fn from_octets(octets: [u8; 3]) -> Result<Self, PlmnError> {
        let plmn = PlmnId(octets);
        let [first, second, third, mnc_1, mnc_2, mnc_3] = plmn.nibbles();
        let mandatory = [first, second, third, mnc_1, mnc_2].iter().all(|digit| *digit <= 9);
        if mandatory && (mnc_3 <= 9 || mnc_3 == FILLER) {
            Ok(plmn)
        } else {
            let [a, b, c] = octets;
            Err(PlmnError::Nibble(a, b, c))
        }
    }

    /// From the value of an AVP.
    ///
    /// # Errors
    /// Not three octets, or a nibble that is not a digit.
    pub fn from_slice(octets: &[u8]) -> Result<Self, PlmnError> {
        let octets = octets.try_into().map_err(|_| PlmnError::Length(octets.len()))?;
        Self::from_octets(octets)
    }

    /// From the digits of the codes, `mcc` three and `mnc` two or three.
    ///
    /// # Errors
    /// Other lengths, or other characters than `0` to `9`.
    pub fn from_digits(mcc: &str, mnc: &str) -> Result<Self, PlmnError> {
        let digit = |octet: u8| octet.is_ascii_digit().then(|| octet - b'0').ok_or(PlmnError::Text);
        let &[a, b, c] = mcc.as_bytes() else { return Err(PlmnError::Text) };
        let (d, e, f) = match *mnc.as_bytes() {
            [d, e] => (digit(d)?, digit(e)?, FILLER),
            [d, e, f] => (digit(d)?, digit(e)?, digit(f)?),
            _ => return Err(PlmnError::MncLength(mnc.len())),
        };
        Ok(PlmnId([digit(b)? << 4 | digit(a)?, f << 4 | digit(c)?, e << 4 | d]))
    }

    /// From `epc.mncNNN.mccNNN.3gppnetwork.org` (TS 23.003 19.2), in any letter case.
    ///
    /// The realm writes a two-digit MNC with a leading zero, so `mnc001` may stand for 01 or for 001. It is read as
    /// two digits, the common case; to ask whether a realm belongs to a *known* network use [`PlmnId::has_realm`],
    /// which has no doubt.
    ///
    /// # Errors
    /// Any other form.
    pub fn from_realm(realm: &str) -> Result<Self, PlmnError> {
        let realm = realm.strip_suffix('.').unwrap_or(realm).to_ascii_lowercase();
        let codes = realm
            .strip_prefix("epc.mnc")
            .and_then(|rest| rest.strip_suffix(".3gppnetwork.org"))
            .ok_or(PlmnError::Realm)?;
        let (mnc, mcc) = codes.split_once(".mcc").ok_or(PlmnError::Realm)?;
        if mnc.len() != 3 {
            return Err(PlmnError::Realm);
        }
        let mnc = mnc.strip_prefix('0').unwrap_or(mnc);
        Self::from_digits(mcc, mnc).map_err(|_| PlmnError::Realm)
    }

    /// Whether `realm` is the home realm of this network.
    #[must_use]
    pub fn has_realm(self, realm: &str) -> bool {
        realm.strip_suffix('.').unwrap_or(realm).eq_ignore_ascii_case(&self.realm())
    }

    /// The home network realm, `epc.mnc001.mcc001.3gppnetwork.org`.
    #[must_use]
    pub fn realm(self) -> String {
        format!("epc.mnc{:03}.mcc{:03}.3gppnetwork.org", self.mnc(), self.mcc())
    }

    /// The three octets as they travel.
    #[must_use]
    pub fn to_octets(self) -> [u8; 3] {
        self.0
    }

    /// Mobile country code, 0 to 999.
    #[must_use]
    pub fn mcc(self) -> u16 {
        let [first, second, third, ..] = self.nibbles();
        u16::from(first) * 100 + u16::from(second) * 10 + u16::from(third)
    }

    /// Mobile network code as a number, 0 to 999; 01 and 001 are both one, see [`PlmnId::mnc_digits`].
    #[must_use]
    pub fn mnc(self) -> u16 {
        let [.., first, second, third] = self.nibbles();
        let two = u16::from(first) * 10 + u16::from(second);
        if third == FILLER { two } else { two * 10 + u16::from(third) }
    }

    /// How many digits the MNC has: 2 or 3.
    #[must_use]
    pub fn mnc_digits(self) -> usize {
        if self.0[1] >> 4 == FILLER { 2 } else { 3 }
    }

    /// MCC digits one to three, then MNC digits one to three.
    fn nibbles(self) -> [u8; 6] {
        let [a, b, c] = self.0;
        [a & 0xf, a >> 4, b & 0xf, c & 0xf, c >> 4, b >> 4]
    }
}

impl FromStr for PlmnId {
    type Err = PlmnError;

    /// `001-01`, `310-410`, or the digits alone.
    fn from_str(text: &str) -> Result<Self, PlmnError> {
        match text.split_once('-').or_else(|| text.split_at_checked(3)) {
            Some((mcc, mnc)) => Self::from_digits(mcc, mnc),
            None => Err(PlmnError::Text),
        }
    }
}

impl fmt::Display for PlmnId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:03}-{:0width$}", self.mcc(), self.mnc(), width = self.mnc_digits())
    }
}

impl fmt::Debug for PlmnId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PlmnId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_and_three_digit_network_codes_have_their_own_octets() {
        let test_network: PlmnId = "001-01".parse().unwrap();
        assert_eq!(test_network.to_octets(), [0x00, 0xf1, 0x10]);
        assert_eq!(test_network.to_string(), "001-01");
        let three: PlmnId = "310-410".parse().unwrap();
        assert_eq!(three.to_octets(), [0x13, 0x00, 0x14]);
        assert_eq!(three.realm(), "epc.mnc410.mcc310.3gppnetwork.org");
        assert_ne!("001-01".parse::<PlmnId>(), "001-001".parse::<PlmnId>());
    }

    #[test]
    fn a_realm_is_read_and_recognised() {
        let plmn: PlmnId = "26201".parse().unwrap();
        assert_eq!(plmn.realm(), "epc.mnc001.mcc262.3gppnetwork.org");
        assert_eq!(PlmnId::from_realm("EPC.MNC001.MCC262.3GPPNETWORK.ORG"), Ok(plmn));
        assert!(plmn.has_realm("Epc.mnc001.mcc262.3gppnetwork.org."));
        // The same realm serves 262-001: only a comparison with a known network is without doubt.
        assert!("262-001".parse::<PlmnId>().unwrap().has_realm(&plmn.realm()));
        for other in ["", "example.org", "epc.mnc1.mcc262.3gppnetwork.org", "epc.mnc001.mcc26x.3gppnetwork.org"] {
            assert_eq!(PlmnId::from_realm(other), Err(PlmnError::Realm), "{other}");
        }
    }

    #[test]
    fn what_is_no_network_is_said() {
        assert_eq!(PlmnId::from_octets([0x0a, 0xf1, 0x10]), Err(PlmnError::Nibble(0x0a, 0xf1, 0x10)));
        assert_eq!("001-1".parse::<PlmnId>(), Err(PlmnError::MncLength(1)));
        assert_eq!("é01-01".parse::<PlmnId>(), Err(PlmnError::Text));
        assert_eq!("00".parse::<PlmnId>(), Err(PlmnError::Text));
        assert_eq!(PlmnId::from_slice(&[0, 0]), Err(PlmnError::Length(2)));
    }

    proptest! {
        #[test]
        fn every_network_survives_octets_text_and_realm(mcc in 0u16..1000, mnc in 0u16..1000, two: bool) {
            let mnc = if two { format!("{:02}", mnc % 100) } else { format!("{mnc:03}") };
            let plmn = PlmnId::from_digits(&format!("{mcc:03}"), &mnc).unwrap();
            prop_assert_eq!(PlmnId::from_octets(plmn.to_octets()), Ok(plmn));
            prop_assert_eq!(plmn.to_string().parse(), Ok(plmn));
            prop_assert!(plmn.has_realm(&plmn.realm()));
            prop_assert!(PlmnId::from_realm(&plmn.realm()).unwrap().has_realm(&plmn.realm()));
        }

        #[test]
        fn any_text_and_octets_are_answered(text: String, octets: [u8; 3]) {
            let _ = text.parse::<PlmnId>();
            let _ = PlmnId::from_realm(&text);
            if let Ok(plmn) = PlmnId::from_octets(octets) {
                prop_assert_eq!(plmn.to_octets(), octets);
            }
        }
    }
}
