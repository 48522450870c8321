//! Formats that are known and not read.

/// Names a format that is not read here, by its first octets.
pub(super) fn foreign_format(head: &[u8]) -> Option<&'static str> {
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
