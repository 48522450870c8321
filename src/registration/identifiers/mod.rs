//! The identifiers of the registration: who a UE, a user, a network and a function are.
//!
//! | identifier | type | allocated by |
//! |---|---|---|
//! | network | [`PlmnId`] | the regulator |
//! | subscription, telephone number | [`Imsi`], [`Msisdn`] | the operator |
//! | ID1, ID4 | [`Pduid`], handed out by [`Id1Allocator`] | the function |
//! | ID2 | [`Id2`] | the application server |
//! | ID3, ID5 | [`FunctionAddress`] | the operator |
//!
//! All of it is values and pure steps: the network's key and every random octet are arguments.

mod address;
mod allocator;
mod plmn;
mod subscriber;
mod user;

pub use address::{AddressError, Fqdn, FunctionAddress};
pub use allocator::{
    AllocateError, AllocatorSettingsError, Id1Allocator, Id1Layout, Id1Origin, Id1Space, NetworkKey, Reservation,
};
pub use plmn::{PlmnError, PlmnId};
pub use subscriber::{DigitsError, Imsi, Msisdn};
pub use user::{Id2, Id2Error};

use data_encoding::HEXLOWER;
use std::fmt;
use std::str::FromStr;

/// A moment: whole seconds since 1970-01-01T00:00:00Z. Validity times of ID1 are counted in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// The moment `seconds` later; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        UnixSeconds(self.0.saturating_add(seconds))
    }

    /// Seconds from `self` until `later`, zero when `later` has passed.
    #[must_use]
    pub fn until(self, later: UnixSeconds) -> u64 {
        later.0.saturating_sub(self.0)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// ID1 (and ID4): the ProSe Discovery UE ID that stands for a UE, AVP PDUID (3604). TS 23.003 24.11.
///
/// 64 bits: the three octets of the PLMN that allotted it, then a temporary part of 40 bits that says nothing about
/// the UE. Any eight octets are accepted from a peer; whether the first three name a network is asked with
/// [`Pduid::plmn`], whether the rest was ever allotted is for the store to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pduid([u8; 8]);

/// What is not an ID1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PduidError {
    #[error("an ID1 has 8 octets, these are {0}")]
    Length(usize),
    #[error("an ID1 is written as 16 hexadecimal digits")]
    NotHexadecimal,
}

impl Pduid {
    /// Length on the wire, in octets.
    pub const LENGTH: usize = 8;
    /// Bits of the temporary part.
    pub const TEMPORARY_BITS: u32 = 40;

    /// An ID1 of `plmn` with the low 40 bits of `temporary`.
    #[must_use]
    pub fn new(plmn: PlmnId, temporary: u64) -> Self {
        let [a, b, c] = plmn.to_octets();
        let [_, _, _, d, e, f, g, h] = temporary.to_be_bytes();
        Pduid([a, b, c, d, e, f, g, h])
    }

    /// From the value of an AVP.
    ///
    /// # Errors
    /// Any length but eight octets.
    pub fn from_octets(octets: &[u8]) -> Result<Self, PduidError> {
        octets.try_into().map(Pduid).map_err(|_| PduidError::Length(octets.len()))
    }

    /// The eight octets as they travel.
    #[must_use]
    pub fn to_octets(self) -> [u8; 8] {
        self.0
    }

    /// The network that allotted this ID1.
    ///
    /// # Errors
    /// The first three octets do not spell a PLMN.
    pub fn plmn(self) -> Result<PlmnId, PlmnError> {
        let [a, b, c, ..] = self.0;
        PlmnId::from_octets([a, b, c])
    }

    /// The temporary part, below 2^40.
    #[must_use]
    pub fn temporary(self) -> u64 {
        u64::from_be_bytes(self.0) & ((1 << Self::TEMPORARY_BITS) - 1)
    }
}

impl From<u64> for Pduid {
    fn from(value: u64) -> Self {
        Pduid(value.to_be_bytes())
    }
}

impl From<Pduid> for u64 {
    fn from(id1: Pduid) -> u64 {
        u64::from_be_bytes(id1.0)
    }
}

impl FromStr for Pduid {
    type Err = PduidError;

    fn from_str(text: &str) -> Result<Self, PduidError> {
        let octets =
            data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| PduidError::NotHexadecimal)?;
        Self::from_octets(&octets)
    }
}

impl fmt::Display for Pduid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", HEXLOWER.encode_display(&self.0))
    }
}

impl fmt::Debug for Pduid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pduid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id1_carries_its_network_and_a_temporary_part() {
        let plmn: PlmnId = "001-01".parse().unwrap();
        let id1 = Pduid::new(plmn, 0x12_3456_789a);
        assert_eq!(id1.to_string(), "00f110123456789a");
        assert_eq!(id1.plmn(), Ok(plmn));
        assert_eq!(id1.temporary(), 0x12_3456_789a);
        assert_eq!("00F110123456789A".parse(), Ok(id1));
    }

    #[test]
    fn seven_octets_are_refused_with_their_number() {
        assert_eq!(Pduid::from_octets(&[0; 7]), Err(PduidError::Length(7)));
        assert_eq!("00f11".parse::<Pduid>(), Err(PduidError::NotHexadecimal));
        assert_eq!("00f1".parse::<Pduid>(), Err(PduidError::Length(2)));
    }

    proptest! {
        #[test]
        fn any_id1_survives_every_form(value: u64) {
            let id1 = Pduid::from(value);
            prop_assert_eq!(u64::from(id1), value);
            prop_assert_eq!(Pduid::from_octets(&id1.to_octets()), Ok(id1));
            prop_assert_eq!(id1.to_string().parse(), Ok(id1));
        }
    }
}
