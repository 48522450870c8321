//! SCTP packets chunk by chunk: which fields of the control chunks are understood.

use super::super::sctp::{CHUNK_HEADER, COMMON_HEADER};
use super::Rewriter;
use super::spans::Spans;
use super::tally::payload_protocol;
use super::walk::Walk;

/// Parameters within parameters, and causes with such in them.
const DEPTH: usize = 4;
const OPAQUE: &str = "SCTP cookies, heartbeats and texts";

impl<R: Rewriter> Walk<'_, R> {
    /// An SCTP packet.
    pub(super) fn sctp(&mut self, packet: &Spans, ports: (u16, u16)) {
        let old = packet.read(&self.window.old).into_owned();
        self.show(&packet.sub(0..COMMON_HEADER));
        let mut at = COMMON_HEADER;
        while let Some([kind, _, high, low]) = old.get(at..).and_then(<[u8]>::first_chunk::<CHUNK_HEADER>) {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if length < CHUNK_HEADER {
                break;
            }
            let end = (at + length).min(old.len());
            let chunk = packet.sub(at..end);
            self.chunk(*kind, old.get(at..end).unwrap_or_default(), &chunk);
            at += length.next_multiple_of(4);
        }
        self.other(&format!("SCTP ports {} and {}, no chunks", ports.0, ports.1), &packet.sub(at..old.len()), true);
    }

    fn chunk(&mut self, kind: u8, old: &[u8], chunk: &Spans) {
        let show = |walk: &mut Self, to: usize| walk.show(&chunk.sub(0..to.min(old.len())));
        match kind {
            // DATA and I-DATA.
            0 | 64 => {
                let header = if kind == 0 { 16 } else { 20 };
                show(self, header);
                let at = if kind == 0 { 12 } else { 16 };
                let begins = old.get(1).is_some_and(|flags| flags & 2 != 0);
                let ppid = old.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |field| u32::from_be_bytes(*field));
                let name = if kind == 64 && !begins {
                    "later fragments of user messages (I-DATA)".to_owned()
                } else {
                    payload_protocol(ppid)
                };
                self.foreign(&name, &chunk.sub(header..old.len()));
            }
            // INIT and INIT ACK.
            1 | 2 => {
                show(self, 20);
                self.parameters(old, chunk, 20, 0);
            }
            // HEARTBEAT and its ACK: only who sent one knows what is in it.
            4 | 5 => {
                show(self, 8);
                self.other(OPAQUE, chunk, false);
            }
            // ABORT and ERROR.
            6 | 9 => {
                show(self, 4);
                self.causes(old, chunk);
            }
            // COOKIE ECHO, padding.
            10 | 132 => {
                show(self, 4);
                self.other(OPAQUE, chunk, false);
            }
            // ASCONF and ASCONF ACK. RFC 5061.
            0xc1 | 0x80 => {
                show(self, 8);
                self.parameters(old, chunk, 8, 0);
            }
            // SACK, SHUTDOWN and its ACK, COOKIE ACK, ECNE, CWR, SHUTDOWN COMPLETE, AUTH, NR-SACK, RE-CONFIG, FORWARD TSN.
            3 | 7 | 8 | 11..=16 | 130 | 192 | 194 => show(self, old.len()),
            _ => {
                show(self, 4);
                self.other(&format!("SCTP chunks of type {kind}"), chunk, false);
            }
        }
    }

    fn parameters(&mut self, old: &[u8], chunk: &Spans, from: usize, depth: usize) {
        let mut at = from;
        while let Some([a, b, c, d]) = old.get(at..).and_then(<[u8]>::first_chunk::<4>) {
            let (kind, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
            if length < 4 {
                break;
            }
            let end = (at + length).min(old.len());
            let whole = chunk.sub(at..end);
            self.show(&whole.sub(0..4));
            let value = end - at - 4;
            match kind {
                5 | 6 if matches!(value, 4 | 16) => {
                    self.show(&whole);
                    self.addresses(&whole, &[4], value);
                }
                // Add, delete, set primary: an address within; what an error quotes, too.
                0xc001 | 0xc002 | 0xc004 if depth < DEPTH => {
                    self.show(&whole.sub(4..8));
                    self.parameters(old.get(..end).unwrap_or_default(), chunk, at + 8, depth + 1);
                }
                8 if depth < DEPTH => self.parameters(old.get(..end).unwrap_or_default(), chunk, at + 4, depth + 1),
                0xc003 => self.show(&whole.sub(4..8)),
                9 | 12 | 0x8000..=0x8004 | 0x8008 | 0xc000 | 0xc005 | 0xc006 | 13..=18 => self.show(&whole),
                _ => {}
            }
            at += length.next_multiple_of(4);
        }
        if depth == 0 {
            self.other(OPAQUE, chunk, false);
        }
    }

    fn causes(&mut self, old: &[u8], chunk: &Spans) {
        let mut at = CHUNK_HEADER;
        while let Some([a, b, c, d]) = old.get(at..).and_then(<[u8]>::first_chunk::<4>) {
            let (kind, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
            if length < 4 {
                break;
            }
            let end = (at + length).min(old.len());
            let cause = chunk.sub(at..end);
            self.show(&cause.sub(0..4));
            match kind {
                // An address that can not be resolved, new addresses in a restart.
                5 | 11 => self.parameters(old.get(..end).unwrap_or_default(), chunk, at + 4, 1),
                1..=4 | 7 | 9 | 10 => self.show(&cause),
                _ => {}
            }
            at += length.next_multiple_of(4);
        }
        self.other(OPAQUE, chunk, false);
    }
}
