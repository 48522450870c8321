//! Capture files: pcap, pcapng, either of them in gzip. Bytes in, one record at a time out.
//!
//! A sliding buffer holds the record at hand, so memory does not grow with the file, and what comes out is a range of that
//! buffer: nothing is copied. Every length is judged before it is believed. What stands before a damaged place is
//! delivered; the damage is an error with its offset in the file.

use std::io::{self, Read};
use std::ops::Range;

use super::gzip::Gunzip;
use super::{CaptureError, Timestamp};

/// One captured packet, as a range of the source's buffer.
#[derive(Debug)]
pub(super) struct Record {
    /// Link type as tcpdump.org numbers them (LINKTYPE_...).
    pub link: u32,
    /// When it was captured; zero where the file does not say.
    pub time: Timestamp,
    /// The captured octets; good until the next record is asked for.
    pub range: Range<usize>,
}

/// A file or stream being read.
pub(super) struct Source<'r> {
    input: Input<'r>,
    buffer: Vec<u8>,
    /// First octet in `buffer` that is not consumed.
    start: usize,
    /// End of what was read into `buffer`.
    end: usize,
    /// Offset in the (decompressed) file of `buffer[0]`.
    base: u64,
    ended: bool,
    format: Format,
    kept: Option<Kept>,
}

/// What was consumed, for whoever writes the file again.
#[derive(Default)]
struct Kept {
    octets: Vec<u8>,
    /// Offset in the file up to which octets were kept or passed over.
    to: u64,
    /// A block too long to be kept is being passed over.
    passing: bool,
}

type AnyRead<'r> = Box<dyn Read + Send + 'r>;
/// An input with the octets in front that were read to recognise it.
type Rewound<'r> = io::Chain<io::Cursor<Vec<u8>>, AnyRead<'r>>;

enum Input<'r> {
    Plain(AnyRead<'r>),
    Gzip(Box<Gunzip<Rewound<'r>>>),
    /// Only for the moment in which one becomes the other.
    Nothing,
}

enum Format {
    /// Nothing read yet.
    Unread,
    Pcap(Pcap),
    Pcapng(Section),
}

#[derive(Clone, Copy)]
struct Pcap {
    big: bool,
    /// Nanoseconds in a unit of the fraction field.
    unit: i64,
    /// Length of a record header: 16, or 24 in the modified variant.
    header: usize,
    link: u32,
    minor: u16,
}

struct Section {
    big: bool,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy)]
struct Interface {
    link: u32,
    /// Longest packet it captures; 0 means no limit.
    snap: u32,
    /// if_tsresol: a negative power of ten, of two when the top bit is set.
    resolution: u8,
    /// if_tsoffset in seconds.
    offset: i64,
}

/// Longest packet record or section header taken as honest. The longest IP packet is 65,575 octets; what
/// segmentation offload shows and generous options fit.
const MAXIMUM_RECORD: usize = 4 << 20;
/// What is read at a time: small enough to stay in the processor's cache.
const BUFFER: usize = 256 << 10;
/// More interfaces in one section than this are taken for damage.
const MAXIMUM_INTERFACES: usize = 1 << 16;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Of longer blocks that are passed over the head alone is kept.
const LONGEST_KEPT: u32 = 64 << 10;

impl<'r> Source<'r> {
    pub fn new(input: AnyRead<'r>) -> Self {
        Self {
            input: Input::Plain(input),
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            base: 0,
            ended: false,
            format: Format::Unread,
            kept: None,
        }
    }

    /// A source that keeps what it consumed, until [`Source::take_kept`].
    pub fn keeping(input: AnyRead<'r>) -> Self {
        Self { kept: Some(Kept::default()), ..Self::new(input) }
    }

    /// Appends to `out` what was consumed since the last call: whole records and blocks, each record of which a caller was
    /// told among them. A long block that no one reads comes without its body.
    pub fn take_kept(&mut self, out: &mut Vec<u8>) {
        self.keep();
        if let Some(kept) = &mut self.kept {
            out.append(&mut kept.octets);
        }
    }

    /// How many octets were consumed since `record` began.
    pub fn since(&self, record: &Record) -> usize {
        self.start - record.range.start
    }

    fn keep(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        if !kept.passing {
            let from = usize::try_from(kept.to - self.base).unwrap_or(self.start);
            kept.octets.extend_from_slice(self.buffer.get(from..self.start).unwrap_or_default());
        }
        kept.to = self.base + self.start as u64;
    }

    /// The octets of a record; they are good until the next call of [`Source::next`].
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The next packet record; `None` at a clean end.
    pub fn next(&mut self) -> Result<Option<Record>, CaptureError> {
        if matches!(self.format, Format::Unread) {
            self.recognise()?;
        }
        match &self.format {
            Format::Pcap(pcap) => {
                let pcap = *pcap;
                self.next_pcap(pcap)
            }
            _ => self.next_pcapng(),
        }
    }

    fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    fn available(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Makes `need` octets available; false when the file ends before.
    fn ensure(&mut self, need: usize) -> Result<bool, CaptureError> {
        while self.end - self.start < need {
            if self.ended {
                return Ok(false);
            }
            if self.buffer.len() - self.start < need {
                self.keep();
                self.buffer.copy_within(self.start..self.end, 0);
                self.base += self.start as u64;
                self.end -= self.start;
                self.start = 0;
                if self.end == self.buffer.len() {
                    // Grows only as octets really arrive: a stated length alone costs no memory.
                    self.buffer.resize((self.buffer.len() * 2).min(MAXIMUM_RECORD + BUFFER), 0);
                }
            }
            self.fill()?;
        }
        Ok(true)
    }

    fn fill(&mut self) -> Result<(), CaptureError> {
        let room = &mut self.buffer[self.end..];
        let result = loop {
            let result = match &mut self.input {
                Input::Plain(input) => input.read(room),
                Input::Gzip(input) => input.read(room),
                Input::Nothing => Ok(0),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match result {
            Ok(0) => self.ended = true,
            Ok(n) => self.end += n.min(room.len()),
            Err(error) => {
                self.ended = true;
                let offset = self.base + self.end as u64;
                let damaged = matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                );
                return Err(if matches!(self.input, Input::Gzip(_)) && damaged {
                    CaptureError::Damaged { offset, what: format!("the gzip data is broken or cut short ({error})") }
                } else {
                    CaptureError::Io { offset, source: error }
                });
            }
        }
        Ok(())
    }

    fn damaged<T>(&self, what: impl Into<String>) -> Result<T, CaptureError> {
        Err(CaptureError::Damaged { offset: self.offset(), what: what.into() })
    }

    /// Looks at the first octets and sets the format.
    fn recognise(&mut self) -> Result<(), CaptureError> {
        self.ensure(64)?;
        if self.available().starts_with(&[0x1f, 0x8b]) {
            if matches!(self.input, Input::Gzip(_)) {
                return Err(CaptureError::Unsupported { format_name: "gzip within gzip" });
            }
            if let Input::Plain(rest) = std::mem::replace(&mut self.input, Input::Nothing) {
                let head = io::Cursor::new(self.available().to_vec());
                self.input = Input::Gzip(Box::new(Gunzip::new(head.chain(rest))));
            }
            (self.start, self.end, self.base, self.ended) = (0, 0, 0, false);
            return self.recognise();
        }
        let head = self.available();
        let Some(magic) = head.first_chunk::<4>() else {
            return self.damaged(match head.len() {
                0 => "the file is empty".to_owned(),
                n => format!("the file has {n} octets, too few for any capture format"),
            });
        };
        match u32::from_be_bytes(*magic) {
            SECTION_HEADER => self.format = Format::Pcapng(Section { big: false, interfaces: Vec::new() }),
            0xa1b2_c3d4 => self.start_pcap(true, 1000, 16)?,
            0xd4c3_b2a1 => self.start_pcap(false, 1000, 16)?,
            0xa1b2_3c4d => self.start_pcap(true, 1, 16)?,
            0x4d3c_b2a1 => self.start_pcap(false, 1, 16)?,
            0xa1b2_cd34 => self.start_pcap(true, 1000, 24)?,
            0x34cd_b2a1 => self.start_pcap(false, 1000, 24)?,
            _ => {
                return Err(match foreign_format(head) {
                    Some(format_name) => CaptureError::Unsupported { format_name },
                    None => CaptureError::NotACapture { magic: u32::from_be_bytes(*magic) },
                });
            }
        }
        Ok(())
    }

    fn start_pcap(&mut self, big: bool, unit: i64, header: usize) -> Result<(), CaptureError> {
        let head = self.available();
        let (Some(major), Some(minor), Some(link)) =
            (u16_at(head, 4, big), u16_at(head, 6, big), u32_at(head, 20, big))
        else {
            return self.damaged("the file ends within the pcap header");
        };
        if major != 2 {
            return Err(CaptureError::UnsupportedVersion { format_name: "pcap", major, minor });
        }
        self.start += 24;
        // The upper bits tell the length of the frame check sequence; the IP length makes them superfluous.
        self.format = Format::Pcap(Pcap { big, unit, header, link: link & 0x03ff_ffff, minor });
        Ok(())
    }

    fn next_pcap(&mut self, pcap: Pcap) -> Result<Option<Record>, CaptureError> {
        if !self.ensure(pcap.header)? {
            return match self.available().len() {
                0 => Ok(None),
                _ => self.damaged("the file ends within a record header"),
            };
        }
        let head = self.available();
        let field = |at| u32_at(head, at, pcap.big).unwrap_or_default();
        let (seconds, fraction, mut captured, original) = (field(0), field(4), field(8), field(12));
        // Before version 2.3 the two lengths stood the other way round, and some writers of 2.3 kept it so.
        if pcap.minor < 3 || (pcap.minor == 3 && captured > original) {
            captured = original;
        }
        if captured as usize > MAXIMUM_RECORD {
            return self.damaged(format!("a record of {captured} octets is not credible"));
        }
        let length = captured as usize;
        if !self.ensure(pcap.header + length)? {
            return self.damaged(format!("the file ends within a record of {length} octets"));
        }
        let start = self.start + pcap.header;
        self.start = start + length;
        let time = Timestamp(i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * pcap.unit);
        Ok(Some(Record { link: pcap.link, time, range: start..start + length }))
    }

    /// The next block when it is what most blocks are: an Enhanced Packet Block, whole in the buffer.
    /// `None` leaves all else, and every complaint, to the long way.
    #[inline]
    pub fn next_enhanced(&mut self) -> Option<Record> {
        let Format::Pcapng(section) = &self.format else { return None };
        let block = self.buffer.get(self.start..self.end)?;
        let head: &[u8; 28] = block.first_chunk()?;
        let big = section.big;
        let read = |field: [u8; 4]| if big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) };
        let word = |at: usize| read([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (length, captured) = (word(4) as usize, word(20) as usize);
        if word(0) != ENHANCED_PACKET || !length.is_multiple_of(4) || length > MAXIMUM_RECORD {
            return None;
        }
        let tail = block.get(..length)?.last_chunk::<4>()?;
        let interface = section.interfaces.get(word(8) as usize)?;
        if read(*tail) as usize != length || length < 32 || captured > length - 32 {
            return None;
        }
        let time = interface.time(u64::from(word(12)) << 32 | u64::from(word(16)));
        let start = self.start + 28;
        let record = Record { link: interface.link, time, range: start..start + captured };
        self.start += length;
        Some(record)
    }

    fn next_pcapng(&mut self) -> Result<Option<Record>, CaptureError> {
        loop {
            if !self.ensure(12)? {
                return match self.available().len() {
                    0 => Ok(None),
                    _ => self.damaged("the file ends within a block header"),
                };
            }
            let Format::Pcapng(section) = &mut self.format else { return Ok(None) };
            let head = &self.buffer[self.start..self.end];
            // The type of a section header reads the same in both byte orders; its magic tells which one follows.
            let is_section = u32_at(head, 0, false) == Some(SECTION_HEADER);
            if is_section {
                let big = match u32_at(head, 8, false) {
                    Some(BYTE_ORDER_MAGIC) => false,
                    Some(magic) if magic.swap_bytes() == BYTE_ORDER_MAGIC => true,
                    _ => return self.damaged("a section header without byte-order magic"),
                };
                *section = Section { big, interfaces: Vec::new() };
            }
            let big = section.big;
            let kind = u32_at(head, 0, big).unwrap_or_default();
            let length = u32_at(head, 4, big).unwrap_or_default();
            if length < 12 || !length.is_multiple_of(4) {
                return self.damaged(format!("a block length of {length}, expected a multiple of four from 12 up"));
            }
            if !matches!(kind, SECTION_HEADER | INTERFACE_DESCRIPTION | OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
                self.skip_block(length, big)?;
                continue;
            }
            let length = length as usize;
            if length > MAXIMUM_RECORD {
                return self.damaged(format!("a block of {length} octets is not credible"));
            }
            if !self.ensure(length)? {
                return self.damaged(format!("the file ends within a block of {length} octets"));
            }
            let Format::Pcapng(section) = &mut self.format else { return Ok(None) };
            let block = &self.buffer[self.start..self.start + length];
            if u32_at(block, length - 4, big) != Some(length as u32) {
                return self.damaged("the length at the end of a block is not the one at its start");
            }
            let body = &block[8..length - 4];
            let outcome = match kind {
                SECTION_HEADER => match section_header(body, big) {
                    Ok((1, 0 | 2)) => Ok(None),
                    Ok((major, minor)) => {
                        return Err(CaptureError::UnsupportedVersion { format_name: "pcapng", major, minor });
                    }
                    Err(what) => Err(what),
                },
                INTERFACE_DESCRIPTION => section.describe_interface(body).map(|()| None),
                _ => section.packet(kind, body).map(Some),
            };
            match outcome {
                Ok(None) => self.start += length,
                Ok(Some((link, time, within))) => {
                    let body = self.start + 8;
                    self.start += length;
                    return Ok(Some(Record { link, time, range: body + within.start..body + within.end }));
                }
                Err(what) => return self.damaged(what),
            }
        }
    }

    /// Passes over a block nobody here needs, without holding it.
    fn skip_block(&mut self, length: u32, big: bool) -> Result<(), CaptureError> {
        let offset = self.offset();
        let damaged = |what: &str| Err(CaptureError::Damaged { offset, what: what.to_owned() });
        self.keep();
        if let Some(kept) = self.kept.as_mut().filter(|_| length > LONGEST_KEPT) {
            let empty = if big { 12_u32.to_be_bytes() } else { 12_u32.to_le_bytes() };
            kept.octets.extend_from_slice(self.buffer.get(self.start..self.start + 4).unwrap_or_default());
            kept.octets.extend_from_slice(&[empty, empty].concat());
            kept.passing = true;
        }
        let mut left = length as usize - 4;
        while left > 0 {
            if !self.ensure(1)? {
                return damaged("the file ends within a block");
            }
            let step = left.min(self.end - self.start);
            self.start += step;
            left -= step;
        }
        if !self.ensure(4)? {
            return damaged("the file ends within a block");
        }
        if u32_at(self.available(), 0, big) != Some(length) {
            return damaged("the length at the end of a block is not the one at its start");
        }
        self.start += 4;
        self.keep();
        if let Some(kept) = &mut self.kept {
            kept.passing = false;
        }
        Ok(())
    }
}

fn section_header(body: &[u8], big: bool) -> Result<(u16, u16), String> {
    let (Some(major), Some(minor), Some(options)) = (u16_at(body, 4, big), u16_at(body, 6, big), body.get(16..)) else {
        return Err("a section header too short for its fields".to_owned());
    };
    if major == 1 {
        for_each_option(options, big, |_, _| Ok(()))?;
    }
    Ok((major, minor))
}

impl Section {
    fn describe_interface(&mut self, body: &[u8]) -> Result<(), String> {
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
    fn packet(&self, kind: u32, body: &[u8]) -> Result<(u32, Timestamp, Range<usize>), String> {
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
    fn time(&self, ticks: u64) -> Timestamp {
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

#[inline]
fn u16_at(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let field = *bytes.get(at..)?.first_chunk()?;
    Some(if big { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) })
}

#[inline]
fn u32_at(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let field = *bytes.get(at..)?.first_chunk()?;
    Some(if big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
}

/// Names a format that is not read here, by its first octets.
fn foreign_format(head: &[u8]) -> Option<&'static str> {
    const MAGICS: &[(&[u8], &str)] = &[
        (b"snoop\0", "snoop (RFC 1761)"),
        (b"btsnoop\0", "btsnoop (Bluetooth)"),
        (b"RTSS", "Microsoft Network Monitor 1"),
        (b"GMBU", "Microsoft Network Monitor 2"),
        (b"TRSNIFF data    \x1a", "Sniffer (NetXRay DOS)"),
        (b"XCP\0", "NetXRay"),
        (b"\x05VNF", "Visual Networks"),
        (b"iptrace 1.0", "AIX iptrace"),
        (b"iptrace 2.0", "AIX iptrace"),
        (b"TR\0d\0", "HP-UX nettl"),
        (b"EyeSDN", "EyeSDN"),
        (b"\xaa\xaa\xaa\xaa", "5Views"),
        (b"\0\0\x02\0\x12\x05\0\x10", "Tektronix K12"),
        (b"\x1c\0\x01\xac", "Ixia lcap"),
        (b"\x1c\0\x01\xab", "Ixia lcap"),
        (b"\x7fver", "WildPackets (Savvius) EtherPeek"),
        (b"\x28\xb5\x2f\xfd", "zstd compression"),
        (b"\x04\x22\x4d\x18", "LZ4 compression"),
        (b"\xfd7zXZ\0", "xz compression"),
        (b"BZh", "bzip2 compression"),
        (b"PK\x03\x04", "zip archive"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    ];
    if let Some((_, name)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(name);
    }
    looks_like_erf(head).then_some("ERF (Endace)")
}

/// ERF has no magic: a record header is believed when type, lengths and a zero loss counter agree.
fn looks_like_erf(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<16>() else { return false };
    let kind = header[8] & 0x7f;
    let record = usize::from(u16::from_be_bytes([header[10], header[11]]));
    let loss = u16::from_be_bytes([header[12], header[13]]);
    let wire = usize::from(u16::from_be_bytes([header[14], header[15]]));
    // Seconds since the epoch in the upper, little-endian half: 1995 to 2106.
    let seconds = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    (1..=48).contains(&kind)
        && (24..=0x4000).contains(&record)
        && record.is_multiple_of(8)
        && loss == 0
        && (14..=0x4000).contains(&wire)
        && record >= wire.min(64)
        && seconds > 0x2f00_0000
}
