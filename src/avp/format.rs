//! The data formats of RFC 6733 sections 4.2 to 4.4, each a marker type with its Rust value.
//!
//! Reading is strict about what the format says (lengths, character sets) and silent about meaning. A value that does
//! not fit is `None` here; [`crate::avp::fault`] says why.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The data formats by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any octets.
    OctetString,
    /// Four octets, signed.
    Integer32,
    /// Eight octets, signed.
    Integer64,
    /// Four octets, unsigned.
    Unsigned32,
    /// Eight octets, unsigned.
    Unsigned64,
    /// Four octets, IEEE 754.
    Float32,
    /// Eight octets, IEEE 754.
    Float64,
    /// AVPs, one after another.
    Grouped,
    /// Two octets of address family, then the address.
    Address,
    /// Four octets, seconds of an NTP timestamp.
    Time,
    /// Text in UTF-8.
    UTF8String,
    /// A host or realm name in ASCII.
    DiameterIdentity,
    /// `aaa://host...` in ASCII.
    DiameterURI,
    /// Four octets, signed, with named values.
    Enumerated,
    /// A packet filter as text.
    IPFilterRule,
    /// A packet filter with quality of service as text (RFC 3588, kept).
    QoSFilterRule,
}

impl Kind {
    /// All formats.
    pub const ALL: [Self; 16] = [
        Self::OctetString,
        Self::Integer32,
        Self::Integer64,
        Self::Unsigned32,
        Self::Unsigned64,
        Self::Float32,
        Self::Float64,
        Self::Grouped,
        Self::Address,
        Self::Time,
        Self::UTF8String,
        Self::DiameterIdentity,
        Self::DiameterURI,
        Self::Enumerated,
        Self::IPFilterRule,
        Self::QoSFilterRule,
    ];

    /// The format of that name, spelled as RFC 6733 does.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name as RFC 6733 spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OctetString => "OctetString",
            Self::Integer32 => "Integer32",
            Self::Integer64 => "Integer64",
            Self::Unsigned32 => "Unsigned32",
            Self::Unsigned64 => "Unsigned64",
            Self::Float32 => "Float32",
            Self::Float64 => "Float64",
            Self::Grouped => "Grouped",
            Self::Address => "Address",
            Self::Time => "Time",
            Self::UTF8String => "UTF8String",
            Self::DiameterIdentity => "DiameterIdentity",
            Self::DiameterURI => "DiameterURI",
            Self::Enumerated => "Enumerated",
            Self::IPFilterRule => "IPFilterRule",
            Self::QoSFilterRule => "QoSFilterRule",
        }
    }

    /// The only length the data may have, for formats of fixed size.
    #[must_use]
    pub const fn fixed_length(self) -> Option<usize> {
        match self {
            Self::Integer32 | Self::Unsigned32 | Self::Float32 | Self::Time | Self::Enumerated => Some(4),
            Self::Integer64 | Self::Unsigned64 | Self::Float64 => Some(8),
            _ => None,
        }
    }

    /// The least data a sender may put in an AVP of this format: what a Failed-AVP sample carries (RFC 6733 section
    /// 7.5 asks for "the minimum required length", zero filled).
    #[must_use]
    pub const fn sample(self) -> &'static [u8] {
        match self.fixed_length() {
            Some(4) => &[0; 4],
            Some(_) => &[0; 8],
            None => match self {
                Self::Address => &[0, 1, 0, 0, 0, 0],
                _ => &[],
            },
        }
    }

    /// Judges `data` by its format alone; Grouped is not looked into.
    #[must_use]
    pub fn judge(self, data: &[u8]) -> Verdict {
        if let Some(length) = self.fixed_length() {
            return if data.len() == length { Verdict::Good } else { Verdict::BadLength };
        }
        match self {
            Self::UTF8String if !is_text(data) => Verdict::BadValue,
            Self::DiameterIdentity if !is_identity(data) => Verdict::BadValue,
            Self::DiameterURI if DiameterUri::parse_octets(data).is_none() => Verdict::BadValue,
            Self::IPFilterRule | Self::QoSFilterRule if !data.is_ascii() => Verdict::BadValue,
            Self::Address => Address::judge(data),
            _ => Verdict::Good,
        }
    }
}

/// What [`Kind::judge`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The data fits its format.
    Good,
    /// The length cannot be: 5014.
    BadLength,
    /// The length can be, the content cannot: 5004.
    BadValue,
}

/// A data format: how its data becomes a Rust value and back.
pub trait Format {
    /// The Rust value, borrowed from the message where it has a length of its own.
    type Value<'a>: Clone + fmt::Debug + PartialEq + Default;
    /// The format's name.
    const KIND: Kind;
    /// Reads the data of one AVP; `None` when it does not fit.
    fn read(data: &[u8]) -> Option<Self::Value<'_>>;
    /// Appends the data of one AVP, without padding.
    fn write(value: &Self::Value<'_>, out: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($name:ident $number:ty;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`, read as `", stringify!($number), "`.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Format for $name {
            type Value<'a> = $number;
            const KIND: Kind = Kind::$name;
            #[inline]
            fn read(data: &[u8]) -> Option<$number> {
                Some(<$number>::from_be_bytes(data.try_into().ok()?))
            }
            #[inline]
            fn write(value: &$number, out: &mut Vec<u8>) {
                out.extend_from_slice(&value.to_be_bytes());
            }
        }
    )*};
}

numbers! {
    Integer32 i32;
    Integer64 i64;
    Unsigned32 u32;
    Unsigned64 u64;
    Float32 f32;
    Float64 f64;
    Enumerated i32;
}

macro_rules! texts {
    ($($name:ident, $accept:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`, read as text.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Format for $name {
            type Value<'a> = &'a str;
            const KIND: Kind = Kind::$name;
            #[inline]
            fn read(data: &[u8]) -> Option<&str> {
                let accept: fn(&[u8]) -> bool = $accept;
                if accept(data) { str::from_utf8(data).ok() } else { None }
            }
            #[inline]
            fn write(value: &&str, out: &mut Vec<u8>) {
                out.extend_from_slice(value.as_bytes());
            }
        }
    )*};
}

texts! {
    UTF8String, |_| true;
    DiameterIdentity, is_identity;
    DiameterURI, |data| DiameterUri::parse_octets(data).is_some();
    IPFilterRule, <[u8]>::is_ascii;
    QoSFilterRule, <[u8]>::is_ascii;
}

/// `OctetString`, read as the octets themselves.
#[derive(Clone, Copy, Debug)]
pub struct OctetString;

impl Format for OctetString {
    type Value<'a> = &'a [u8];
    const KIND: Kind = Kind::OctetString;
    #[inline]
    fn read(data: &[u8]) -> Option<&[u8]> {
        Some(data)
    }
    #[inline]
    fn write(value: &&[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(value);
    }
}

impl Format for Time {
    type Value<'a> = Time;
    const KIND: Kind = Kind::Time;
    #[inline]
    fn read(data: &[u8]) -> Option<Time> {
        Unsigned32::read(data).map(Time)
    }
    #[inline]
    fn write(value: &Time, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.0.to_be_bytes());
    }
}

impl Format for Address<'_> {
    type Value<'a> = Address<'a>;
    const KIND: Kind = Kind::Address;
    #[inline]
    fn read(data: &[u8]) -> Option<Address<'_>> {
        Address::parse(data)
    }
    fn write(value: &Address<'_>, out: &mut Vec<u8>) {
        match value {
            Address::V4(address) => {
                out.extend_from_slice(&[0, 1]);
                out.extend_from_slice(&address.octets());
            }
            Address::V6(address) => {
                out.extend_from_slice(&[0, 2]);
                out.extend_from_slice(&address.octets());
            }
            Address::Other(family, octets) => {
                out.extend_from_slice(&family.to_be_bytes());
                out.extend_from_slice(octets);
            }
        }
    }
}

/// A host or realm name: one octet or more of printable ASCII without blanks. RFC 6733 section 4.3.1 asks for an FQDN;
/// what stands in real traces is looser (a leading digit, an underscore, an address), and refusing it would lose peers.
#[inline]
pub(crate) fn is_identity(data: &[u8]) -> bool {
    // An octet is odd when it has the top bit, when one more gives it, or when 0x5f more (which takes 0x21 to 0x80) does not.
    !data.is_empty() && !any_octet(data, |word| word | word.wrapping_add(ONES) | !word.wrapping_add(0x5f * ONES))
}

/// True for UTF-8. Nearly all of it is ASCII, which is told by eight octets at a time.
#[inline]
pub(crate) fn is_text(data: &[u8]) -> bool {
    !any_octet(data, |word| word) || str::from_utf8(data).is_ok()
}

/// 1 in each octet of a word.
const ONES: u64 = u64::MAX / 255;

/// True when `odd` gives the top bit of any octet. It is asked with eight octets at a time, the last ones filled up with
/// letters, and may be wrong about an octet behind one for which it is true.
#[inline]
fn any_octet(data: &[u8], odd: impl Fn(u64) -> u64) -> bool {
    let mut found = 0;
    let (words, rest) = data.as_chunks::<8>();
    for word in words {
        found |= odd(u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let last = match data.last_chunk::<8>() {
            Some(last) => u64::from_le_bytes(*last),
            None => rest.iter().fold(u64::from(b'a') * ONES, |word, octet| word << 8 | u64::from(*octet)),
        };
        found |= odd(last);
    }
    found & (0x80 * ONES) != 0
}

/// An address with its family. RFC 6733 section 4.3.1; families are IANA's Address Family Numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address<'a> {
    /// Family 1.
    V4(Ipv4Addr),
    /// Family 2.
    V6(Ipv6Addr),
    /// Any other family (8 is E.164), its octets kept.
    Other(u16, &'a [u8]),
}

impl Default for Address<'_> {
    fn default() -> Self {
        Self::V4(Ipv4Addr::UNSPECIFIED)
    }
}

impl<'a> Address<'a> {
    /// Reads family and address; `None` when the length does not fit the family.
    #[must_use]
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let (family, octets) = data.split_first_chunk::<2>()?;
        match u16::from_be_bytes(*family) {
            1 => Some(Self::V4(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?))),
            2 => Some(Self::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?))),
            family => Some(Self::Other(family, octets)),
        }
    }

    fn judge(data: &[u8]) -> Verdict {
        if Address::parse(data).is_some() { Verdict::Good } else { Verdict::BadLength }
    }

    /// The address as the standard library's type, when it is IPv4 or IPv6.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::V4(address) => Some(IpAddr::V4(address)),
            Self::V6(address) => Some(IpAddr::V6(address)),
            Self::Other(..) => None,
        }
    }
}

impl From<IpAddr> for Address<'_> {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl fmt::Display for Address<'_> {
    /// An IP address as usual; any other family as `family:hexadecimal`, e.g. `8:3439`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => address.fmt(f),
            Self::Other(family, octets) => {
                write!(f, "{family}:{}", data_encoding::HEXLOWER.encode(octets))
            }
        }
    }
}

/// Seconds of an NTP timestamp, as on the wire. With bit 31 set they count from 1900, without it from 2036-02-07
/// 06:28:16 UTC: RFC 6733 section 4.3.1 and RFC 5905. So every value is a moment between 1968 and 2104.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Time(pub u32);

impl Time {
    /// Seconds between 1900-01-01 and 1970-01-01.
    const UNIX_EPOCH: i64 = 2_208_988_800;

    /// Seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        let era = if self.0 & 0x8000_0000 == 0 { 1_i64 << 32 } else { 0 };
        self.0 as i64 + era - Self::UNIX_EPOCH
    }

    /// The wire value of a moment; `None` before 1968-01-20 or after 2104-02-26.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        let ntp = seconds.checked_add(Self::UNIX_EPOCH)?;
        // Only moments whose era the top bit tells apart can be written.
        (0x8000_0000..0x1_8000_0000_i64).contains(&ntp).then_some(Self(ntp as u32))
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.unix_seconds()) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl std::str::FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment: jiff::Timestamp = text.parse().map_err(|error| format!("`{text}` is no RFC 3339 time: {error}"))?;
        Self::from_unix_seconds(moment.as_second())
            .ok_or_else(|| format!("`{text}` is outside 1968-01-20 to 2104-02-26, which a Time AVP can hold"))
    }
}

/// `aaa://host[:port][;transport=...][;protocol=...]`. RFC 6733 section 4.3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiameterUri {
    /// True for `aaas`: TLS or DTLS.
    pub secure: bool,
    /// The host, an FQDN or an address (IPv6 in brackets).
    pub host: String,
    /// The port; 3868, or 5868 for `aaas`, when none is written.
    pub port: u16,
    /// `tcp`, `sctp` or `udp`, when written. The default is tcp in RFC 6733 and sctp in RFC 3588: the reader decides.
    pub transport: Option<String>,
    /// `diameter`, `radius` or `tacacs+`, when written.
    pub protocol: Option<String>,
}

impl DiameterUri {
    fn parse_octets(data: &[u8]) -> Option<Self> {
        str::from_utf8(data).ok()?.parse().ok()
    }
}

impl std::str::FromStr for DiameterUri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |what: &str| format!("`{text}` is no DiameterURI: {what} (aaa://host[:port][;transport=tcp|sctp])");
        let lower = text.get(..7).map(str::to_ascii_lowercase).unwrap_or_default();
        let (secure, rest) = if lower.starts_with("aaas://") {
            (true, &text[7..])
        } else if lower.starts_with("aaa://") {
            (false, &text[6..])
        } else {
            return Err(wrong("it begins with neither aaa:// nor aaas://"));
        };
        let mut parts = rest.split(';');
        let authority = parts.next().unwrap_or_default();
        let (host, port) = match authority.rfind(':') {
            // A colon inside the brackets of an IPv6 address is no port's.
            Some(at) if !authority[at..].contains(']') => (&authority[..at], Some(&authority[at + 1..])),
            _ => (authority, None),
        };
        if host.is_empty() || !host.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(wrong("the host is missing or holds a character that no host name has"));
        }
        let port = match port {
            None => {
                if secure {
                    5868
                } else {
                    3868
                }
            }
            Some(port) => port.parse().map_err(|_| wrong("the port is no number from 0 to 65535"))?,
        };
        let mut uri = Self { secure, host: host.to_owned(), port, transport: None, protocol: None };
        for part in parts {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("a parameter has no `=`"))?;
            match name.trim().to_ascii_lowercase().as_str() {
                "transport" if ["tcp", "sctp", "udp"].contains(&value) => uri.transport = Some(value.to_owned()),
                "protocol" if ["diameter", "radius", "tacacs+"].contains(&value) => {
                    uri.protocol = Some(value.to_owned());
                }
                _ => return Err(wrong("a parameter is unknown or has an unknown value")),
            }
        }
        Ok(uri)
    }
}

impl fmt::Display for DiameterUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.secure { "aaas" } else { "aaa" }, self.host, self.port)?;
        if let Some(transport) = &self.transport {
            write!(f, ";transport={transport}")?;
        }
        if let Some(protocol) = &self.protocol {
            write!(f, ";protocol={protocol}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways<'a, F: Format>(data: &'a [u8], value: F::Value<'a>) {
        assert_eq!(F::read(data).as_ref(), Some(&value));
        assert_eq!(F::KIND.judge(data), Verdict::Good);
        let mut out = Vec::new();
        F::write(&value, &mut out);
        assert_eq!(out, data);
    }

    #[test]
    fn every_format_both_ways() {
        both_ways::<Integer32>(&[0xff; 4], -1);
        both_ways::<Integer64>(&[0xff; 8], -1);
        both_ways::<Unsigned32>(&[0, 0, 1, 0], 256);
        both_ways::<Unsigned64>(&[0, 0, 0, 0, 0, 0, 1, 0], 256);
        both_ways::<Float32>(&[0x3f, 0x80, 0, 0], 1.0);
        both_ways::<Float64>(&[0xbf, 0xf0, 0, 0, 0, 0, 0, 0], -1.0);
        both_ways::<Enumerated>(&[0, 0, 0, 1], 1);
        both_ways::<OctetString>(&[1, 2, 3], &[1, 2, 3]);
        both_ways::<UTF8String>("żółw".as_bytes(), "żółw");
        both_ways::<DiameterIdentity>(b"hss.example", "hss.example");
        both_ways::<DiameterURI>(b"aaa://hss.example:3868;transport=sctp", "aaa://hss.example:3868;transport=sctp");
        both_ways::<IPFilterRule>(b"permit in ip from any to any", "permit in ip from any to any");
        both_ways::<Address>(&[0, 1, 127, 0, 0, 1], Address::V4(Ipv4Addr::LOCALHOST));
        both_ways::<Address>(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Address::V6(Ipv6Addr::LOCALHOST));
        both_ways::<Address>(&[0, 8, b'4', b'9'], Address::Other(8, b"49"));
        both_ways::<Time>(&[0x80, 0, 0, 0], Time(0x8000_0000));
    }

    #[test]
    fn every_octet_counts_wherever_it_stands() {
        for length in 0..20 {
            for at in 0..length {
                for octet in 0..=u8::MAX {
                    let mut data = vec![b'a'; length];
                    data[at] = octet;
                    assert_eq!(is_identity(&data), octet.is_ascii_graphic(), "{octet:#x} at {at} of {length}");
                    assert_eq!(is_text(&data), octet.is_ascii(), "{octet:#x} at {at} of {length}");
                }
            }
        }
        assert!(is_text("żółw na żaglówce".as_bytes()) && is_text(b"") && !is_identity(b""));
    }

    #[test]
    fn what_does_not_fit_is_told_apart() {
        for (kind, data, verdict) in [
            (Kind::Unsigned32, &[0; 3][..], Verdict::BadLength),
            (Kind::Unsigned64, &[0; 4], Verdict::BadLength),
            (Kind::UTF8String, &[0xff], Verdict::BadValue),
            (Kind::DiameterIdentity, b"", Verdict::BadValue),
            (Kind::DiameterIdentity, b"a b", Verdict::BadValue),
            (Kind::DiameterURI, b"http://a", Verdict::BadValue),
            (Kind::Address, &[0, 1, 127, 0, 0], Verdict::BadLength),
            (Kind::Address, &[0], Verdict::BadLength),
        ] {
            assert_eq!(kind.judge(data), verdict, "{kind:?} {data:?}");
        }
    }

    #[test]
    fn both_eras_of_time() {
        assert_eq!(Time(0x8000_0000).to_string(), "1968-01-20T03:14:08Z");
        assert_eq!(Time(0xffff_ffff).to_string(), "2036-02-07T06:28:15Z");
        assert_eq!(Time(0).to_string(), "2036-02-07T06:28:16Z");
        assert_eq!(Time(0x7fff_ffff).to_string(), "2104-02-26T09:42:23Z");
        for time in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff].map(Time) {
            assert_eq!(time.to_string().parse(), Ok(time));
            assert_eq!(Time::from_unix_seconds(time.unix_seconds()), Some(time));
        }
        assert!("1967-12-31T00:00:00Z".parse::<Time>().is_err());
    }

    #[test]
    fn uris_of_every_shape() {
        let uri: DiameterUri = "aaas://[::1]:5658;transport=tcp;protocol=diameter".parse().unwrap();
        assert_eq!((uri.secure, uri.host.as_str(), uri.port), (true, "[::1]", 5658));
        assert_eq!(uri.to_string(), "aaas://[::1]:5658;transport=tcp;protocol=diameter");
        let uri: DiameterUri = "aaa://[::1]".parse().unwrap();
        assert_eq!((uri.host.as_str(), uri.port, uri.transport), ("[::1]", 3868, None));
        for wrong in ["", "aaa://", "aaa://h:99999", "aaa://h;transport=carrier-pigeon", "aaa://h;x", "h"] {
            assert!(wrong.parse::<DiameterUri>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn samples_fit_their_format() {
        for kind in [Kind::Unsigned32, Kind::Integer64, Kind::Address, Kind::Time, Kind::OctetString, Kind::UTF8String]
        {
            assert_eq!(kind.judge(kind.sample()), Verdict::Good, "{kind:?}");
        }
    }
}
