//! Blocks of pcapng, their interfaces and options.

use std::ops::Range;

use super::{OLD_PACKET, SIMPLE_PACKET, u16_at, u32_at};
use crate::capture::Timestamp;

/// A section of pcapng: its byte order and what its interfaces said of themselves.
pub(super) struct Section {
    pub big: bool,
    pub interfaces: Vec<Interface>,
}

#[derive(Clone, Copy)]
pub(super) struct Interface {
    pub link: u32,
    /// Longest packet it captures; 0 means no limit.
    snap: u32,
    /// if_tsresol: a negative power of ten, of two when the top bit is set.
    resolution: u8,
    /// if_tsoffset in seconds.
    offset: i64,
}

/// More interfaces in one section than this are taken for damage.
const MAXIMUM_INTERFACES: usize = 1 << 16;

/// The version of a section.
pub(super) fn section_header(body: &[u8], big: bool) -> Result<(u16, u16), String> {
    let (Some(major), Some(minor), Some(options)) = (u16_at(body, 4, big), u16_at(body, 6, big), body.get(16..)) else {
        return Err("a section header too short for its fields".to_owned());
    };
    if major == 1 {
        for_each_option(options, big, |_, _| Ok(()))?;
    }
    Ok((major, minor))
}

impl Section {
    pub fn describe_interface(&mut self, body: &[u8]) -> Result<(), String> {
        let big = self.big;
        let (Some(link), Some(snap), Some(options)) = (u16_at(body, 0, big), u32_at(body, 4, big), body.get(8..))
        else {
            return Err("an interface description too short for its fields".to_owned());
        };
        if self.interfaces.len() >= MAXIMUM_INTERFACES {
            return Err(format!("more than {MAXIMUM_INTERFACES} interfaces in one section"));
        }
        let mut interface = Interface { link: u32::from(link), snap, resolution: 6, offset: 0 };
        for_each_option(options, big, |code, value| {
            match (code, value) {
                (9, [resolution]) => interface.resolution = *resolution,
                (14, value) if value.len() == 8 => {
                    let high = u32_at(value, if big { 0 } else { 4 }, big).unwrap_or_default();
                    let low = u32_at(value, if big { 4 } else { 0 }, big).unwrap_or_default();
                    interface.offset = (u64::from(high) << 32 | u64::from(low)) as i64;
                }
                (9, _) => return Err(format!("if_tsresol of {} octets, expected 1", value.len())),
                (14, _) => return Err(format!("if_tsoffset of {} octets, expected 8", value.len())),
                _ => {}
            }
            Ok(())
        })?;
        self.interfaces.push(interface);
        Ok(())
    }

    /// Link type, time and the range of the packet's octets in `body`.
    #[inline]
    pub fn packet(&self, kind: u32, body: &[u8]) -> Result<(u32, Timestamp, Range<usize>), String> {
        let big = self.big;
        let field = |at| u32_at(body, at, big).ok_or_else(|| "a packet block too short for its fields".to_owned());
        if kind == SIMPLE_PACKET {
            let original = field(0)?;
            let interface = self.interface(0)?;
            let limit = if interface.snap == 0 { original } else { original.min(interface.snap) };
            // What an unbounded interface did not store is not there either.
            let end = (4 + limit as usize).min(body.len());
            return Ok((interface.link, Timestamp(0), 4..end));
        }
        let index = match kind {
            OLD_PACKET => u32::from(u16_at(body, 0, big).unwrap_or_default()),
            _ => field(0)?,
        };
        let (high, low, captured) = (field(4)?, field(8)?, field(12)? as usize);
        field(16)?;
        let interface = self.interface(index)?;
        if captured > body.len() - 20 {
            return Err(format!("a packet of {captured} octets in a block with room for {}", body.len() - 20));
        }
        Ok((interface.link, interface.time(u64::from(high) << 32 | u64::from(low)), 20..20 + captured))
    }

    fn interface(&self, index: u32) -> Result<&Interface, String> {
        self.interfaces.get(index as usize).ok_or_else(|| {
            format!("a packet of interface {index}, but the section has described {}", self.interfaces.len())
        })
    }
}

impl Interface {
    #[inline]
    pub fn time(&self, ticks: u64) -> Timestamp {
        const NANO: i128 = 1_000_000_000;
        // Nanoseconds of this age, which most writers store, need no wide arithmetic.
        if self.resolution == 9
            && self.offset == 0
            && let Ok(ticks) = i64::try_from(ticks)
        {
            return Timestamp(ticks);
        }
        let ticks = i128::from(ticks);
        let nanoseconds = match self.resolution {
            6 => ticks * 1000,
            9 => ticks,
            n @ 0..9 => ticks * 10_i128.pow(9 - u32::from(n)),
            n @ 10..0x80 => 10_i128.checked_pow(u32::from(n) - 9).map_or(0, |unit| ticks / unit),
            n => (ticks * NANO) >> (n & 0x7f),
        };
        let sum = nanoseconds + i128::from(self.offset) * NANO;
        Timestamp(sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

/// Walks a list of options; an option that does not fit is an error.
fn for_each_option(
    mut options: &[u8],
    big: bool,
    mut each: impl FnMut(u16, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    while let (Some(code), Some(length)) = (u16_at(options, 0, big), u16_at(options, 2, big)) {
        if code == 0 {
            return Ok(());
        }
        let length = usize::from(length);
        let Some(value) = options.get(4..4 + length) else {
            return Err(format!("option {code} of {length} octets in a block with room for {}", options.len() - 4));
        };
        each(code, value)?;
        options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(())
}
