//! From a frame to the IP packet in it: Ethernet with VLAN tags and MPLS labels, Linux cooked, loopback, raw IP, PPP.
//!
//! What does not carry IP, or ends too early, is simply not an IP packet: captures are full of ARP, LLDP and the like.

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
/// Tags and labels passed at most; more is nonsense.
const MAXIMUM_TAGS: usize = 16;

/// LINKTYPE_ETHERNET, also what VXLAN carries.
pub(super) const ETHERNET: u32 = 1;

/// The IP packet, with whatever padding follows it, in a frame of link type `link`; `None` when there is none.
#[inline]
pub(super) fn ip_packet(link: u32, frame: &[u8]) -> Option<&[u8]> {
    match link {
        ETHERNET => by_type(be16(frame, 12)?, frame.get(14..)?),
        // BSD loopback: the address family in the byte order of the capturing host, or of the network (108).
        0 | 108 => {
            let family = u32::from_be_bytes(*frame.first_chunk()?);
            let family = if family > 0xffff { family.swap_bytes() } else { family };
            let rest = frame.get(4..)?;
            match family {
                2 => by_type(IPV4, rest),
                10 | 24 | 28 | 30 => by_type(IPV6, rest),
                _ => None,
            }
        }
        12 | 14 | 101 => by_version(frame),
        228 => by_type(IPV4, frame),
        229 => by_type(IPV6, frame),
        113 => by_type(be16(frame, 14)?, frame.get(16..)?),
        276 => by_type(be16(frame, 0)?, frame.get(20..)?),
        9 | 50 => point_to_point(frame),
        _ => None,
    }
}

/// True for link types this file can look into.
pub(super) fn is_known(link: u32) -> bool {
    matches!(link, 0 | 1 | 9 | 12 | 14 | 50 | 101 | 108 | 113 | 228 | 229 | 276)
}

fn by_type(mut kind: u16, mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAXIMUM_TAGS {
        match kind {
            IPV4 => return (rest.first()? >> 4 == 4).then_some(rest),
            IPV6 => return (rest.first()? >> 4 == 6).then_some(rest),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                kind = be16(rest, 2)?;
                rest = rest.get(4..)?;
            }
            MPLS | MPLS_MULTICAST => return labels(rest),
            PPPOE_SESSION => return point_to_point(rest.get(6..)?),
            // Below 1536 it is a length, and LLC follows; SNAP may name an Ethernet type after it.
            0..0x600 => {
                if rest.get(..6)? != [0xaa, 0xaa, 3, 0, 0, 0] {
                    return None;
                }
                kind = be16(rest, 6)?;
                rest = rest.get(8..)?;
            }
            _ => return None,
        }
    }
    None
}

/// The stack of labels does not say what it carries: the version nibble does, as in every router.
fn labels(mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAXIMUM_TAGS {
        let label = rest.get(..4)?;
        let bottom = label[2] & 1 != 0;
        rest = &rest[4..];
        if bottom {
            return match rest.first()? >> 4 {
                4 | 6 => by_version(rest),
                // A pseudowire: a control word, then an Ethernet frame.
                0 => by_type(be16(rest, 16)?, rest.get(18..)?),
                _ => None,
            };
        }
    }
    None
}

fn point_to_point(frame: &[u8]) -> Option<&[u8]> {
    let frame = frame.strip_prefix(&[0xff, 3]).unwrap_or(frame);
    let (protocol, rest) = match frame.first()? {
        // One octet where protocol field compression was negotiated.
        first if first & 1 != 0 => (u16::from(*first), frame.get(1..)?),
        _ => (be16(frame, 0)?, frame.get(2..)?),
    };
    match protocol {
        0x0021 => by_type(IPV4, rest),
        0x0057 => by_type(IPV6, rest),
        0x0281 => labels(rest),
        _ => None,
    }
}

fn by_version(packet: &[u8]) -> Option<&[u8]> {
    matches!(packet.first()? >> 4, 4 | 6).then_some(packet)
}

#[inline]
fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 20] = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 132, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];

    fn framed(head: &[u8]) -> Vec<u8> {
        [head, &PACKET].concat()
    }

    fn ethernet(tail: &[u8]) -> Vec<u8> {
        framed(&[&[2; 12], tail].concat())
    }

    #[test]
    fn each_link_type_leads_to_the_packet() {
        let cooked = [&[0; 14][..], &[8, 0]].concat();
        let cooked_2 = [&[8, 0][..], &[0; 18]].concat();
        for (link, frame) in [
            (1, ethernet(&[8, 0])),
            (113, framed(&cooked)),
            (276, framed(&cooked_2)),
            (0, framed(&[2, 0, 0, 0])),
            (0, framed(&[0, 0, 0, 2])),
            (108, framed(&[0, 0, 0, 2])),
            (101, framed(&[])),
            (12, framed(&[])),
            (228, framed(&[])),
            (9, framed(&[0xff, 3, 0, 0x21])),
            (9, framed(&[0x21])),
        ] {
            assert_eq!(ip_packet(link, &frame), Some(&PACKET[..]), "link type {link}");
        }
    }

    #[test]
    fn tags_and_labels_are_passed() {
        for tail in [
            &[0x81, 0, 0, 5, 8, 0][..],
            &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0],
            &[0x91, 0, 0, 5, 0x91, 0, 0, 6, 0x81, 0, 0, 7, 8, 0],
            &[0x88, 0x47, 0, 1, 0x01, 64],
            &[0x81, 0, 0, 5, 0x88, 0x47, 0, 1, 0x00, 64, 0, 2, 0x01, 64],
            &[0x88, 0x64, 0x11, 0, 0, 1, 0, 22, 0, 0x21],
            &[0, 28, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
        ] {
            assert_eq!(ip_packet(1, &ethernet(tail)), Some(&PACKET[..]), "{tail:x?}");
        }
    }

    #[test]
    fn what_is_not_ip_or_too_short_is_none() {
        assert_eq!(ip_packet(1, &ethernet(&[8, 6])), None);
        assert_eq!(ip_packet(229, &PACKET), None);
        assert_eq!(ip_packet(127, &PACKET), None);
        let frame = ethernet(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0]);
        for length in 0..22 {
            assert_eq!(ip_packet(1, &frame[..length]), None);
        }
        // Tags without end.
        assert_eq!(ip_packet(1, &[0x81, 0].repeat(200)), None);
    }
}
