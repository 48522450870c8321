//! What the transport shows beside messages: checksums, gaps, copies, disorder, and how associations begin and end.

use std::collections::HashMap;

use crate::capture::{AssociationEvent, AssociationStep, Checksum, Observer, Oddity, OddityKind, SctpPacket};
use crate::folding::Folding;

use super::Spot;
use super::checks::{self, Check};
use super::finding::Report;

/// Oddities kept of a capture; more are counted.
const KEPT: usize = 4096;
/// Associations of a capture whose beginning is remembered.
const BEGUN: usize = 1 << 16;

/// What the transport of one capture shows.
#[derive(Default)]
pub(super) struct Watch {
    /// What the messages that follow are judged by.
    pub news: Vec<News>,
    good: u64,
    bad: u64,
    /// Frame and association of packets with a wrong checksum.
    bad_frames: Vec<(u64, u32)>,
    gaps: Vec<Oddity>,
    /// By association and port of the sender: frame of the first copy, and how many.
    copies: HashMap<(u32, u16), (u64, u64, OddityKind), Folding>,
    odd: Vec<Oddity>,
    ends: Vec<(u64, u32, AssociationStep)>,
}

/// What a packet tells about the beginning of an association.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// INIT or SYN, in nanoseconds.
    Began { association: u32, time: i64 },
    /// Outbound and inbound streams of the side that calls (0) or is called.
    Streams { association: u32, side: u8, streams: (u16, u16) },
}

impl News {
    pub const fn association(&self) -> u32 {
        match self {
            Self::Began { association, .. } | Self::Streams { association, .. } => *association,
        }
    }
}

/// Associations of one capture whose INIT or SYN is in it.
#[derive(Default)]
pub(super) struct Beginnings(HashMap<u32, Begun, Folding>);

impl Beginnings {
    /// Takes what a packet told; the beginning as it is known now.
    pub fn take(&mut self, news: News) -> Option<Begun> {
        let association = news.association();
        if self.0.len() >= BEGUN && !self.0.contains_key(&association) {
            match news {
                News::Began { .. } => {
                    let oldest = association.saturating_sub(BEGUN as u32 / 2);
                    self.0.retain(|other, _| *other > oldest);
                }
                News::Streams { .. } => return None,
            }
        }
        let begun = self.0.entry(association).or_default();
        match news {
            News::Began { time, .. } => begun.time = time,
            News::Streams { side, streams, .. } => begun.streams[usize::from(side & 1)] = streams,
        }
        Some(*begun)
    }

    pub fn of(&self, association: u32) -> Option<Begun> {
        self.0.get(&association).copied()
    }

    /// An association is not followed any more: what comes of it is as in the middle of a capture.
    pub fn forget(&mut self, association: u32) {
        self.0.remove(&association);
    }
}

/// The beginning of an association.
#[derive(Clone, Copy, Default)]
pub(super) struct Begun {
    pub time: i64,
    /// Outbound and inbound streams of the side that calls, then of the side that is called.
    streams: [(u16, u16); 2],
}

impl Begun {
    /// How many streams a side may send on, when both sides have said.
    pub fn streams(&self, direction: u8) -> Option<u16> {
        let (own, other) = (self.streams[usize::from(direction & 1)], self.streams[usize::from((direction & 1) ^ 1)]);
        (own.0 > 0 && other.1 > 0).then(|| own.0.min(other.1))
    }
}

impl Observer for Watch {
    #[inline]
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        match packet.checksum {
            Checksum::Good => self.good += 1,
            Checksum::Unjudged => {}
            _ => {
                self.bad += 1;
                if self.bad_frames.len() < KEPT {
                    self.bad_frames.push((packet.frame, packet.association));
                }
            }
        }
        if let [kind @ (1 | 2), _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, ..] = *packet.chunks {
            let streams = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            self.tell(News::Streams { association: packet.association, side: u8::from(kind == 2), streams });
        }
    }

    fn association(&mut self, event: &AssociationEvent) {
        match event.step {
            AssociationStep::Init | AssociationStep::Syn => {
                self.tell(News::Began { association: event.association, time: event.time.0 });
            }
            AssociationStep::Abort | AssociationStep::Reset | AssociationStep::Shutdown | AssociationStep::Fin
                if self.ends.len() < KEPT =>
            {
                self.ends.push((event.frame, event.association, event.step));
            }
            _ => {}
        }
    }

    fn oddity(&mut self, oddity: &Oddity) {
        match oddity.kind {
            OddityKind::TsnGap { .. } if self.gaps.len() < KEPT => self.gaps.push(*oddity),
            OddityKind::TsnFilled { tsn } => self.fill(oddity, tsn),
            OddityKind::Retransmission { .. } | OddityKind::TcpRetransmission if self.copies.len() < KEPT => {
                let key = (oddity.association, oddity.source.port());
                self.copies.entry(key).or_insert((oddity.frame, 0, oddity.kind)).1 += 1;
            }
            OddityKind::TsnGap { .. } | OddityKind::Retransmission { .. } | OddityKind::TcpRetransmission => {}
            _ if self.odd.len() < KEPT => self.odd.push(*oddity),
            _ => {}
        }
    }
}

impl Watch {
    #[cold]
    fn tell(&mut self, news: News) {
        // Where no message comes for long, only what is new would be remembered anyway.
        if self.news.len() >= 2 * BEGUN {
            self.news.drain(..BEGUN);
        }
        self.news.push(news);
    }

    /// A chunk that was missing is there: gaps of late alone are looked at.
    fn fill(&mut self, oddity: &Oddity, tsn: u32) {
        let from = self.gaps.len().saturating_sub(64);
        let found = self.gaps[from..].iter().position(|gap| {
            gap.association == oddity.association
                && gap.source.port() == oddity.source.port()
                && matches!(gap.kind, OddityKind::TsnGap { first, missing } if tsn.wrapping_sub(first) < missing)
        });
        let Some(at) = found.map(|at| at + from) else { return };
        if let Some(Oddity { kind: OddityKind::TsnGap { first, missing }, .. }) = self.gaps.get_mut(at) {
            // Which one of the gap it was matters less than how many are left.
            if *first == tsn {
                *first = first.wrapping_add(1);
            }
            *missing -= 1;
            if *missing == 0 {
                self.gaps.remove(at);
            }
        }
    }

    /// Tells what was seen. `carried` says of an association whether it carried Diameter, and whether it was open at last.
    pub fn finish(&self, capture: u32, carried: impl Fn(u32) -> Option<bool>, report: &mut Report) {
        let mut tell = |frame: u64, check: &'static Check, found: String, expected: &str| {
            let spot = Spot { capture, frame, ..Spot::default() };
            report.push(spot.finding(check, String::new(), found, expected.to_owned()));
        };
        // Where a machine leaves sums to its network card all that it sends is wrong; damage is rare.
        if self.bad * 10 <= self.good {
            for (frame, association) in &self.bad_frames {
                if carried(*association).is_some() {
                    tell(*frame, checks::CRC32C, "the CRC32c is wrong".to_owned(), "that of the packet");
                }
            }
        } else if let Some((frame, _)) = self.bad_frames.first() {
            let found = format!(
                "{} SCTP packets, this one first, have a wrong or empty CRC32c: checksum offload, or damage",
                self.bad
            );
            tell(*frame, checks::CHECKSUM, found, "a right one");
        }
        for gap in self.gaps.iter().filter(|gap| carried(gap.association).is_some()) {
            if let OddityKind::TsnGap { first, missing } = gap.kind {
                let found = format!("{missing} DATA chunks from TSN {first} on are missing");
                tell(gap.frame, checks::TSN_GAP, found, "TSNs without a gap, or packets that the capture lost");
            }
        }
        for ((association, _), (frame, count, kind)) in &self.copies {
            if carried(*association).is_some() {
                let what = if matches!(kind, OddityKind::TcpRetransmission) { "segments" } else { "DATA chunks" };
                let found = format!("{count} {what}, this one first, were there before");
                tell(*frame, checks::RETRANSMISSION, found, "each once, unless packets were lost");
            }
        }
        for odd in &self.odd {
            let of = if let OddityKind::VerificationTag { of, .. } = odd.kind { of } else { odd.association };
            if carried(of).is_none() {
                continue;
            }
            match odd.kind {
                OddityKind::TsnReused { tsn } => {
                    tell(
                        odd.frame,
                        checks::TSN_REUSED,
                        format!("TSN {tsn} comes again with other content"),
                        "a TSN of its own",
                    );
                }
                OddityKind::StreamSequence { stream, expected, found } => tell(
                    odd.frame,
                    checks::STREAM_SEQUENCE,
                    format!("the sequence number on stream {stream} is {found}"),
                    &expected.to_string(),
                ),
                OddityKind::VerificationTag { found, expected, .. } => {
                    let found = format!("the verification tag is {found:#010x}");
                    tell(odd.frame, checks::VERIFICATION_TAG, found, &format!("{expected:#010x}"));
                }
                OddityKind::BadChunk => {
                    tell(
                        odd.frame,
                        checks::CHUNK_LENGTH,
                        "a chunk's length cannot be".to_owned(),
                        "one within the packet",
                    );
                }
                OddityKind::TcpGap => {
                    tell(odd.frame, checks::TCP_GAP, "octets before this segment were not captured".to_owned(), "all");
                }
                OddityKind::TcpPlaceLost => tell(
                    odd.frame,
                    checks::FRAMING_LOST,
                    "what stands where a message should begin is none".to_owned(),
                    "a Diameter header",
                ),
                _ => {}
            }
        }
        let mut told = std::collections::HashSet::new();
        for (frame, association, step) in &self.ends {
            let Some(open) = carried(*association) else { continue };
            if !told.insert(*association) {
                continue;
            }
            match step {
                AssociationStep::Abort => {
                    tell(*frame, checks::ABORT, format!("association {association} ends with ABORT"), "SHUTDOWN");
                }
                AssociationStep::Reset => {
                    tell(*frame, checks::ABORT, format!("connection {association} ends with RST"), "FIN");
                }
                _ if open => tell(
                    *frame,
                    checks::CLOSED_WITHOUT_DISCONNECT,
                    "the connection is closed, and nobody asked to disconnect".to_owned(),
                    "DPR and DPA first",
                ),
                _ => {}
            }
        }
    }
}
