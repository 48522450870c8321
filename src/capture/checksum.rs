//! The checksum of SCTP packets: CRC32c since RFC 3309, Adler-32 before.
//!
//! Most captures hold wrong ones, because the network card fills them in later or nobody does on loopback. So they are
//! judged and counted, and decide only where nothing else tells SCTP from other UDP payloads.

use super::sctp::{CHUNK_HEADER, COMMON_HEADER};

/// Verdict on the checksum of an SCTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// The CRC32c is right.
    Good,
    /// It is wrong.
    Bad,
    /// The field is zero: not filled in, or left out as RFC 9653 allows.
    Zero,
    /// It is the Adler-32 of RFC 2960.
    Adler32,
    /// Not all of the packet was captured.
    Unjudged,
}

impl Checksum {
    /// Compares the checksum field of a whole packet with what it should be.
    #[inline]
    pub(super) fn judge(packet: &[u8], scratch: &mut Scratch) -> Self {
        let Some(head) = packet.first_chunk::<COMMON_HEADER>() else { return Checksum::Unjudged };
        let field = [head[8], head[9], head[10], head[11]];
        if crc32c(packet, head, scratch) == u32::from_le_bytes(field) {
            Checksum::Good
        } else if field == [0; 4] {
            Checksum::Zero
        } else if adler32(head, &packet[COMMON_HEADER..]) == u32::from_be_bytes(field) {
            Checksum::Adler32
        } else {
            Checksum::Bad
        }
    }
}

/// Room for a packet of usual size.
pub(super) struct Scratch([u8; 512]);

impl Default for Scratch {
    fn default() -> Self {
        Self([0; 512])
    }
}

/// CRC32c of a packet, its checksum field taken as zero.
#[inline]
fn crc32c(packet: &[u8], head: &[u8; COMMON_HEADER], scratch: &mut Scratch) -> u32 {
    // Packets of usual size are copied, which costs less than beginning the sum a second time.
    if let Some(whole) = scratch.0.get_mut(..packet.len()) {
        whole.copy_from_slice(packet);
        if let Some(field) = whole.get_mut(8..COMMON_HEADER) {
            field.fill(0);
        }
        return crc32c::crc32c(whole);
    }
    let mut head = *head;
    head[8..].fill(0);
    crc32c::crc32c_append(crc32c::crc32c(&head), packet.get(COMMON_HEADER..).unwrap_or_default())
}

fn adler32(head: &[u8; COMMON_HEADER], chunks: &[u8]) -> u32 {
    const PRIME: u32 = 65_521;
    let (mut a, mut b) = (1_u32, 0_u32);
    // 3,800 steps fit in 32 bits before a remainder has to be taken.
    for octets in [&head[..8], &[0; 4][..]].into_iter().chain(chunks.chunks(3800)) {
        for octet in octets {
            a += u32::from(*octet);
            b += a;
        }
        a %= PRIME;
        b %= PRIME;
    }
    b << 16 | a
}

/// Judges whether a UDP payload is an SCTP packet: chunks that fill it and, unless the port says so, a right CRC32c.
pub(super) fn looks_like_sctp(payload: &[u8], by_port: bool) -> bool {
    let Some(head) = payload.first_chunk::<COMMON_HEADER>() else { return false };
    let chunks = &payload[COMMON_HEADER..];
    if head[..2] == [0; 2] || head[2..4] == [0; 2] || chunks.len() < CHUNK_HEADER {
        return false;
    }
    let mut rest = chunks;
    while let Some(head) = rest.first_chunk::<CHUNK_HEADER>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let known = matches!(head[0], 0..=15 | 64 | 0x80..=0x84 | 0xc0..=0xc2);
        if length < CHUNK_HEADER || !known || (length > rest.len() && !by_port) {
            return false;
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        if by_port {
            return true;
        }
    }
    rest.is_empty() && crc32c(payload, head, &mut Scratch::default()).to_le_bytes() == head[8..]
}
