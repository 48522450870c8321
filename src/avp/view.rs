//! The borrowed view: one AVP where it lies in a message, and the walk over its neighbours. RFC 6733 section 4.1.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           AVP Code                            |
//! |V M P r r r r r|                  AVP Length                   |
//! |                        Vendor-Id (opt)                        |
//! |    Data ...
//! ```

use std::fmt;

/// An AVP's name on the wire: vendor in the high half, code in the low. `V` clear means vendor 0, the IETF.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl Key {
    /// The key of `code` as `vendor` defines it.
    #[must_use]
    #[inline]
    pub const fn new(vendor: u32, code: u32) -> Self {
        Self(((vendor as u64) << 32) | code as u64)
    }

    /// AVP code.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.0 as u32
    }

    /// Vendor-Id, 0 for the IETF.
    #[must_use]
    pub const fn vendor(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.vendor(), self.code())
    }
}

/// The AVP flags octet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AvpFlags(pub u8);

impl AvpFlags {
    /// V: a Vendor-Id follows the length.
    pub const VENDOR: u8 = 0x80;
    /// M: a receiver that does not know the AVP refuses the message with 5001.
    pub const MANDATORY: u8 = 0x40;
    /// P: historic end-to-end encryption; sent as zero, tolerated. RFC 6733 section 4.1.
    pub const PROTECTED: u8 = 0x20;

    /// True when a Vendor-Id field is present.
    #[must_use]
    #[inline]
    pub const fn has_vendor(self) -> bool {
        self.0 & Self::VENDOR != 0
    }

    /// True when the receiver must understand the AVP.
    #[must_use]
    #[inline]
    pub const fn is_mandatory(self) -> bool {
        self.0 & Self::MANDATORY != 0
    }
}

impl fmt::Debug for AvpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AvpFlags {
    /// `VM-` and the like; reserved bits follow in hexadecimal when set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, letter) in [(Self::VENDOR, 'V'), (Self::MANDATORY, 'M'), (Self::PROTECTED, 'P')] {
            write!(f, "{}", if self.0 & bit != 0 { letter } else { '-' })?;
        }
        if self.0 & 0x1f != 0 {
            write!(f, "+{:#x}", self.0 & 0x1f)?;
        }
        Ok(())
    }
}

/// What breaks the walk: where the next AVP begins, and what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Octets are left, but too few for an AVP header.
    HeaderCut {
        /// How many octets are left.
        left: usize,
    },
    /// AVP Length is smaller than the AVP's own header.
    LengthShort {
        /// AVP Length as stated.
        stated: usize,
        /// The least it may be: 8, or 12 with V.
        least: usize,
    },
    /// AVP Length runs past the end of the message or group.
    PastEnd {
        /// AVP Length as stated.
        stated: usize,
        /// How many octets are left.
        left: usize,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderCut { left } => write!(f, "{left} octets are left, fewer than an AVP header needs"),
            Self::LengthShort { stated, least } => {
                write!(f, "AVP Length {stated} is below its own header of {least} octets")
            }
            Self::PastEnd { stated, left } => {
                write!(f, "AVP Length {stated} runs past the end, {left} octets are left")
            }
        }
    }
}

/// One AVP where it lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Avp<'a> {
    /// Vendor and code.
    pub key: Key,
    /// Flags octet, reserved bits included.
    pub flags: AvpFlags,
    /// Header, data, and as much padding as is present.
    pub whole: &'a [u8],
    /// The data alone, without padding.
    pub data: &'a [u8],
}

impl<'a> Avp<'a> {
    /// AVP code.
    #[must_use]
    #[inline]
    pub const fn code(&self) -> u32 {
        self.key.code()
    }

    /// Vendor-Id, 0 for the IETF.
    #[must_use]
    #[inline]
    pub const fn vendor(&self) -> u32 {
        self.key.vendor()
    }

    /// AVP Length as the header states it: header and data, without padding.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.header_length() + self.data.len()
    }

    /// 8, or 12 when a Vendor-Id is present.
    #[must_use]
    pub const fn header_length(&self) -> usize {
        if self.flags.has_vendor() { 12 } else { 8 }
    }

    /// The padding octets that are present.
    #[must_use]
    pub fn padding(&self) -> &'a [u8] {
        self.whole.get(self.length()..).unwrap_or_default()
    }

    /// The members, should this be a Grouped AVP.
    #[must_use]
    #[inline]
    pub const fn members(&self) -> Avps<'a> {
        Avps::new(self.data)
    }
}

impl fmt::Debug for Avp<'_> {
    /// Names the AVP and its size; never its content, which may identify a subscriber.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Avp({:?} {} {} octets)", self.key, self.flags, self.data.len())
    }
}

/// The walk over neighbouring AVPs. It allocates nothing and ends after the first malformed one.
#[derive(Clone, Copy, Debug)]
pub struct Avps<'a> {
    rest: &'a [u8],
}

impl<'a> Avps<'a> {
    /// A walk over `bytes`: a message's body after the header, or the data of a Grouped AVP.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The octets not yet walked. After a malformed AVP they begin with it no longer: keep them beforehand if needed.
    #[must_use]
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Avps<'a> {
    type Item = Result<Avp<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest;
        let Some(head) = rest.first_chunk::<8>() else {
            if rest.is_empty() {
                return None;
            }
            self.rest = &[];
            return Some(Err(Malformed::HeaderCut { left: rest.len() }));
        };
        let code = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let word = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let flags = AvpFlags((word >> 24) as u8);
        let stated = (word & 0xff_ffff) as usize;
        let (vendor, least) = if flags.has_vendor() {
            match rest.get(8..12) {
                Some(&[a, b, c, d]) => (u32::from_be_bytes([a, b, c, d]), 12),
                _ => {
                    self.rest = &[];
                    return Some(Err(Malformed::HeaderCut { left: rest.len() }));
                }
            }
        } else {
            (0, 8)
        };
        let Some(data) = rest.get(least..stated) else {
            self.rest = &[];
            return Some(Err(if stated < least {
                Malformed::LengthShort { stated, least }
            } else {
                Malformed::PastEnd { stated, left: rest.len() }
            }));
        };
        // The last member of a group may lack its padding: some stacks leave it out, and nothing is lost by it.
        let padded = (stated + 3) & !3;
        let (whole, after) = rest.split_at_checked(padded).unwrap_or((rest, &[]));
        self.rest = after;
        Some(Ok(Avp { key: Key::new(vendor, code), flags, whole, data }))
    }
}

impl std::iter::FusedIterator for Avps<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN_HOST: &[u8] = &[0, 0, 1, 8, 0x40, 0, 0, 11, b'a', b'.', b'b', 0];
    const FEATURE: &[u8] = &[0, 0, 2, 117, 0x80, 0, 0, 16, 0, 0, 40, 175, 0, 0, 0, 1];

    #[test]
    fn two_neighbours() {
        let bytes = [ORIGIN_HOST, FEATURE].concat();
        let avps: Vec<_> = Avps::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(avps.len(), 2);
        assert_eq!((avps[0].code(), avps[0].vendor(), avps[0].data), (264, 0, &b"a.b"[..]));
        assert_eq!((avps[0].padding(), avps[0].length(), avps[0].whole), (&[0][..], 11, ORIGIN_HOST));
        assert_eq!((avps[1].key, avps[1].flags.to_string()), (Key::new(10415, 629), "V--".into()));
    }

    #[test]
    fn the_last_padding_may_be_missing() {
        let avp = Avps::new(&ORIGIN_HOST[..11]).next().unwrap().unwrap();
        assert_eq!((avp.data, avp.padding()), (&b"a.b"[..], &[][..]));
    }

    #[test]
    fn a_walk_ends_after_what_is_malformed() {
        for (bytes, expected) in [
            (&ORIGIN_HOST[..7], Malformed::HeaderCut { left: 7 }),
            (&ORIGIN_HOST[..10], Malformed::PastEnd { stated: 11, left: 10 }),
            (&[0, 0, 1, 8, 0x40, 0, 0, 7, 0, 0, 0, 0][..], Malformed::LengthShort { stated: 7, least: 8 }),
            (&[0, 0, 1, 8, 0x80, 0, 0, 8, 0, 0, 0, 0][..], Malformed::LengthShort { stated: 8, least: 12 }),
            (&[0, 0, 1, 8, 0x80, 0, 0, 8][..], Malformed::HeaderCut { left: 8 }),
        ] {
            let mut walk = Avps::new(bytes);
            assert_eq!(walk.next(), Some(Err(expected)));
            assert_eq!(walk.next(), None);
        }
    }
}
