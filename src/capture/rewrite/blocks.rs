//! The file around the frames: what of its headers, blocks and options is written again.

use std::collections::BTreeMap;
use std::ops::Range;

/// A frame as the writer sees it: its octets, where its record ends, whether it is left out.
pub(super) struct Record {
    pub range: Range<usize>,
    pub end: usize,
    pub dropped: bool,
}

/// Writes whole records and blocks; tells what it took out.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    format: Format,
    /// Options that name someone or something stay.
    keep: bool,
    /// What was taken out, by name.
    pub removed: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Unknown,
    Pcap,
    Pcapng {
        big: bool,
    },
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// Octets of the header of a pcap file.
const PCAP_HEADER: usize = 24;

impl Blocks {
    /// With `keep`, options that name someone or something stay.
    pub fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Appends to `out` what is written of `octets`: the next blocks or records of the file, whole ones, with the frames in
    /// them. `search` may replace in options what it knows.
    pub fn write(&mut self, octets: &[u8], frames: &[Record], mut search: impl FnMut(&mut [u8]), out: &mut Vec<u8>) {
        let mut from = 0;
        if self.format == Format::Unknown && !octets.is_empty() {
            if octets.starts_with(&SECTION_HEADER.to_be_bytes()) {
                self.format = Format::Pcapng { big: false };
            } else {
                self.format = Format::Pcap;
                from = PCAP_HEADER.min(octets.len());
                out.extend_from_slice(octets.get(..from).unwrap_or_default());
            }
        }
        if self.format == Format::Pcap {
            for frame in frames {
                if !frame.dropped {
                    out.extend_from_slice(octets.get(from..frame.end).unwrap_or_default());
                }
                from = frame.end;
            }
            return;
        }
        let mut frames = frames.iter();
        while let Some(head) = octets.get(from..).and_then(<[u8]>::first_chunk::<12>) {
            let [a, b, c, d, e, f, g, h, magic @ ..] = *head;
            if u32::from_be_bytes([a, b, c, d]) == SECTION_HEADER {
                self.format = Format::Pcapng { big: magic == [0x1a, 0x2b, 0x3c, 0x4d] };
            }
            let order = Order(self.format == Format::Pcapng { big: true });
            let (kind, length) = (order.word([a, b, c, d]), order.word([e, f, g, h]) as usize);
            let Some(block) = octets.get(from..from + length).filter(|_| length >= 12) else { return };
            let begin = from;
            from += length;
            let mut padding = 0..0;
            let fixed = match kind {
                OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
                    let Some(frame) = frames.next() else { continue };
                    if frame.dropped {
                        continue;
                    }
                    let end = frame.range.end - begin;
                    let fixed = end.next_multiple_of(4).min(length - 4);
                    padding = end..fixed;
                    fixed
                }
                SECTION_HEADER => 24,
                INTERFACE_DESCRIPTION => 16,
                STATISTICS => 20,
                _ if self.keep && !matches!(kind, NAME_RESOLUTION | DECRYPTION_SECRETS) => length - 4,
                _ => {
                    self.remove(match kind {
                        NAME_RESOLUTION => "blocks of names".to_owned(),
                        DECRYPTION_SECRETS => "blocks of secrets".to_owned(),
                        9 => "journal entries".to_owned(),
                        0xbad | 0x4000_0bad => "custom blocks".to_owned(),
                        _ => format!("blocks of type {kind}"),
                    });
                    continue;
                }
            };
            let clean = block.get(padding.clone()).is_none_or(|octets| octets.iter().all(|octet| *octet == 0));
            if kind != SECTION_HEADER && fixed == length - 4 && clean {
                out.extend_from_slice(block);
                continue;
            }
            let start = out.len();
            out.extend_from_slice(block.get(..fixed).unwrap_or_default());
            if let Some(padding) = out.get_mut(start + padding.start..start + padding.end) {
                // It may hold anything.
                padding.fill(0);
            }
            let options = block.get(fixed..length - 4).unwrap_or_default();
            if kind == SECTION_HEADER {
                // How long the section is; nothing says that any more.
                if let Some(field) = out.get_mut(start + 16..start + 24) {
                    field.fill(0xff);
                }
            }
            if self.keep {
                let options_start = out.len();
                out.extend_from_slice(options);
                search(out.get_mut(options_start..).unwrap_or_default());
            } else if kind != SIMPLE_PACKET {
                self.options(kind, options, order, out);
            }
            let length = order.octets((out.len() - start + 4) as u32);
            if let Some(field) = out.get_mut(start + 4..start + 8) {
                field.copy_from_slice(&length);
            }
            out.extend_from_slice(&length);
        }
    }

    fn options(&mut self, kind: u32, mut options: &[u8], order: Order, out: &mut Vec<u8>) {
        let mut any = false;
        while let Some([a, b, c, d]) = options.first_chunk::<4>() {
            let (code, length) = (order.half([*a, *b]), usize::from(order.half([*c, *d])));
            let Some(whole) = options.get(..4 + length.next_multiple_of(4)).filter(|_| code != 0) else { break };
            if tells_numbers(kind, code) {
                out.extend_from_slice(whole);
                any = true;
            } else {
                self.remove(option_name(kind, code));
            }
            options = options.get(whole.len()..).unwrap_or_default();
        }
        if any {
            out.extend_from_slice(&[0; 4]);
        }
    }

    fn remove(&mut self, name: String) {
        *self.removed.entry(name).or_default() += 1;
    }
}

/// Options that hold times, sizes and counts alone.
const fn tells_numbers(block: u32, option: u16) -> bool {
    match block {
        INTERFACE_DESCRIPTION => matches!(option, 8 | 9 | 10 | 13 | 14),
        ENHANCED_PACKET => matches!(option, 2 | 4 | 5 | 6),
        OLD_PACKET => option == 2,
        STATISTICS => matches!(option, 2..=8),
        _ => false,
    }
}

fn option_name(block: u32, option: u16) -> String {
    match (block, option) {
        (_, 1) => "comments".to_owned(),
        (SECTION_HEADER, 2..=4) | (INTERFACE_DESCRIPTION, 12 | 15) => "names of machines and programs".to_owned(),
        (INTERFACE_DESCRIPTION, 2 | 3) => "names of interfaces".to_owned(),
        (INTERFACE_DESCRIPTION, 4..=7) => "addresses of interfaces".to_owned(),
        (INTERFACE_DESCRIPTION, 11) => "capture filters".to_owned(),
        (ENHANCED_PACKET | OLD_PACKET, 3) => "hashes of packets".to_owned(),
        (_, 2988 | 2989 | 19372 | 19373) => "custom options".to_owned(),
        _ => format!("options {option} of blocks of type {block}"),
    }
}

/// The byte order of a section; true for the network's.
#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    const fn word(self, octets: [u8; 4]) -> u32 {
        if self.0 { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) }
    }

    const fn half(self, octets: [u8; 2]) -> u16 {
        if self.0 { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) }
    }

    const fn octets(self, word: u32) -> [u8; 4] {
        if self.0 { word.to_be_bytes() } else { word.to_le_bytes() }
    }
}
