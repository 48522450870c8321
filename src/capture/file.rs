//! Capture files: pcap, pcapng, either of them in gzip. Bytes in, one record at a time out.
//!
//! A sliding buffer holds the record at hand, so memory does not grow with the file, and what comes out is a range of that
//! buffer: nothing is copied. Every length is judged before it is believed. What stands before a damaged place is
//! delivered; the damage is an error with its offset in the file.

mod foreign;
mod section;

use std::io::{self, Read};
use std::ops::Range;

use super::gzip::Gunzip;
use super::{CaptureError, Timestamp};
use foreign::foreign_format;
use section::{Section, section_header};

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

/// Longest packet record or section header taken as honest. The longest IP packet is 65,575 octets; what
/// segmentation offload shows and generous options fit.
const MAXIMUM_RECORD: usize = 4 << 20;
/// What is read at a time: small enough to stay in the processor's cache.
const BUFFER: usize = 256 << 10;

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
