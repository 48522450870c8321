//! What INIT and INIT ACK tell of an association. RFC 9260 section 3.3.2.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The part of INIT and INIT ACK that identifies.
pub(super) struct Init<'a> {
    pub tag: u32,
    parameters: &'a [u8],
}

impl<'a> Init<'a> {
    pub fn parse(chunk: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes([*chunk.get(2)?, *chunk.get(3)?]));
        let chunk = chunk.get(..length.min(chunk.len()))?;
        Some(Self { tag: u32::from_be_bytes(*chunk.get(4..)?.first_chunk()?), parameters: chunk.get(20..)? })
    }

    /// Addresses listed in the parameters. RFC 9260 section 3.3.2.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let mut rest = self.parameters;
        std::iter::from_fn(move || {
            loop {
                let head: &[u8; 4] = rest.first_chunk()?;
                let kind = u16::from_be_bytes([head[0], head[1]]);
                let length = usize::from(u16::from_be_bytes([head[2], head[3]])).max(4);
                let value = rest.get(4..length)?;
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                match kind {
                    5 => return value.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into()),
                    6 => return value.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
                    _ => {}
                }
            }
        })
    }
}
