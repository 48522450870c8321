//! What the octets of well-known AVPs mean, beyond their format.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::avp::Key;
use crate::interfaces::names;

/// The name of a number that is no named value of its AVP: a vendor, an application.
pub fn of_number(key: Key, number: u32) -> Option<&'static str> {
    match key.0 {
        // Auth-Application-Id, Acct-Application-Id
        258 | 259 => names::application_name(number),
        // Supported-Vendor-Id, Vendor-Id
        265 | 266 => names::vendor_name(number),
        _ => None,
    }
}

const fn tgpp(code: u32) -> u64 {
    Key::new(10415, code).0
}

const VISITED_PLMN_ID: u64 = tgpp(1407);
const PDUID: u64 = tgpp(3604);
const TARGET_PDUID: u64 = tgpp(3845);
const BANNED_PDUID: u64 = tgpp(3859);
const OLD_PDUID: u64 = Key::new(crate::avp::dictionary::private::VENDOR, 4).0;
const MSISDN: u64 = tgpp(701);
const STN_SR: u64 = tgpp(1433);
const SGSN_NUMBER: u64 = tgpp(1489);
const A_MSISDN: u64 = tgpp(1643);
const MME_NUMBER_FOR_MT_SMS: u64 = tgpp(1645);
const SERVICE_CENTRE_ADDRESS: u64 = tgpp(3300);
const TRACKING_AREA_IDENTITY: u64 = tgpp(1603);
const CELL_GLOBAL_IDENTITY: u64 = tgpp(1602);
const USER_LOCATION_INFO: u64 = tgpp(22);
const MS_TIME_ZONE: u64 = tgpp(23);
const RAT_TYPE_OCTET: u64 = tgpp(21);
const FRAMED_IP_ADDRESS: u64 = 8;
const LOGIN_IP_HOST: u64 = 14;
const NAS_IP_ADDRESS: u64 = 4;
const NAS_IPV6_ADDRESS: u64 = 95;
const FRAMED_IPV6_PREFIX: u64 = 97;
const DELEGATED_IPV6_PREFIX: u64 = 123;
const SGSN_ADDRESS: u64 = tgpp(6);
const GGSN_ADDRESS: u64 = tgpp(7);
const SGSN_IPV6_ADDRESS: u64 = tgpp(15);
const GGSN_IPV6_ADDRESS: u64 = tgpp(16);

/// Appends what the octets of a known AVP mean; false when there is nothing to say beyond the octets.
pub fn of_octets(key: Key, data: &[u8], out: &mut String) -> bool {
    let start = out.len();
    let said = match key.0 {
        VISITED_PLMN_ID => plmn(data, out) && data.len() == 3,
        PDUID | TARGET_PDUID | BANNED_PDUID | OLD_PDUID => pduid(data, out),
        MSISDN | A_MSISDN | STN_SR | SGSN_NUMBER | MME_NUMBER_FOR_MT_SMS | SERVICE_CENTRE_ADDRESS => digits(data, out),
        TRACKING_AREA_IDENTITY => data.len() == 5 && tracking_area(data, out),
        CELL_GLOBAL_IDENTITY => data.len() == 7 && cell(data, out),
        USER_LOCATION_INFO => user_location(data, out),
        MS_TIME_ZONE => time_zone(data, out),
        RAT_TYPE_OCTET => rat_type(data, out),
        NAS_IP_ADDRESS | FRAMED_IP_ADDRESS | LOGIN_IP_HOST | SGSN_ADDRESS | GGSN_ADDRESS | NAS_IPV6_ADDRESS
        | SGSN_IPV6_ADDRESS | GGSN_IPV6_ADDRESS => address(data, out),
        FRAMED_IPV6_PREFIX | DELEGATED_IPV6_PREFIX => prefix(data, out),
        _ => false,
    };
    if !said {
        out.truncate(start);
    }
    said
}

/// MCC and MNC in three octets, a digit each half, low half first; the third digit of a two-digit MNC is filled with
/// 15. TS 24.301 9.9.3.12. False when a digit is none.
fn plmn(data: &[u8], out: &mut String) -> bool {
    let Some(&[one, two, three, ..]) = data.get(..3) else { return false };
    let mcc = [one & 15, one >> 4, two & 15];
    let mnc = [three & 15, three >> 4, two >> 4];
    let length = if mnc[2] == 15 { 2 } else { 3 };
    if mcc.iter().chain(&mnc[..length]).any(|digit| *digit > 9) {
        return false;
    }
    for digit in mcc {
        out.push(char::from(b'0' + digit));
    }
    out.push('-');
    for digit in &mnc[..length] {
        out.push(char::from(b'0' + digit));
    }
    true
}

/// PLMN and temporary part. TS 23.003 24.11.
fn pduid(data: &[u8], out: &mut String) -> bool {
    if data.len() != 8 || !plmn(data, out) {
        return false;
    }
    out.push_str(" temporary ");
    data_encoding::HEXLOWER.encode_append(&data[3..], out);
    true
}

/// Digits in TBCD, low half first, filled with 15. TS 29.002 17.7.8.
fn digits(data: &[u8], out: &mut String) -> bool {
    let halves = || data.iter().flat_map(|octet| [octet & 15, octet >> 4]);
    let count = halves().position(|half| half == 15).unwrap_or(data.len() * 2);
    if count == 0 || halves().skip(count).any(|half| half != 15) {
        return false;
    }
    for half in halves().take(count) {
        out.push(match half {
            0..=9 => char::from(b'0' + half),
            10 => '*',
            11 => '#',
            other => char::from(b'a' + other - 12),
        });
    }
    true
}

fn tracking_area(data: &[u8], out: &mut String) -> bool {
    let Some(&[high, low]) = data.get(3..5) else { return false };
    let said = plmn(data, out);
    let _ = write!(out, " TAC {}", u16::from_be_bytes([high, low]));
    said
}

fn cell(data: &[u8], out: &mut String) -> bool {
    let Some(&[a, b, c, d]) = data.get(3..7) else { return false };
    let said = plmn(data, out);
    let _ = write!(out, " cell {:#09x}", u32::from_be_bytes([a, b, c, d]) & 0x0fff_ffff);
    said
}

/// Location type, then the location. TS 29.061 16.4.7.2, TS 29.274 8.21.
fn user_location(data: &[u8], out: &mut String) -> bool {
    let Some((kind, place)) = data.split_first() else { return false };
    match (kind, place.len()) {
        (128, 5) => {
            out.push_str("TAI ");
            tracking_area(place, out)
        }
        (129, 7) => {
            out.push_str("ECGI ");
            cell(place, out)
        }
        (130, 12) => {
            out.push_str("TAI ");
            let tai = tracking_area(&place[..5], out);
            out.push_str(", ECGI ");
            cell(&place[5..], out) && tai
        }
        (0..=2, 7) => {
            out.push_str(["CGI ", "SAI ", "RAI "][usize::from(*kind)]);
            let said = plmn(place, out);
            let _ = write!(
                out,
                " LAC {} {}",
                u16::from_be_bytes([place[3], place[4]]),
                u16::from_be_bytes([place[5], place[6]])
            );
            said
        }
        _ => false,
    }
}

/// Quarters of an hour in swapped digits with a sign in bit 3, then daylight saving. TS 29.061 16.4.7.2.
fn time_zone(data: &[u8], out: &mut String) -> bool {
    let &[zone, saving] = data else { return false };
    let (tens, ones) = (zone & 7, zone >> 4);
    if ones > 9 {
        return false;
    }
    let minutes = u32::from(tens * 10 + ones) * 15;
    let sign = if zone & 8 == 0 { '+' } else { '-' };
    let _ = write!(out, "UTC{sign}{}:{:02}", minutes / 60, minutes % 60);
    if saving & 3 != 0 {
        let _ = write!(out, " daylight saving {} h", saving & 3);
    }
    true
}

/// The octet of TS 29.061 16.4.7.2, whose values are those of TS 29.274 8.17.
fn rat_type(data: &[u8], out: &mut String) -> bool {
    let &[kind] = data else { return false };
    let name = match kind {
        1 => "UTRAN",
        2 => "GERAN",
        3 => "WLAN",
        4 => "GAN",
        5 => "HSPA Evolution",
        6 => "E-UTRAN",
        7 => "virtual",
        8 => "NB-IoT",
        _ => return false,
    };
    out.push_str(name);
    true
}

fn address(data: &[u8], out: &mut String) -> bool {
    let _ = if let Ok(octets) = <[u8; 4]>::try_from(data) {
        write!(out, "{}", Ipv4Addr::from(octets))
    } else if let Ok(octets) = <[u8; 16]>::try_from(data) {
        write!(out, "{}", Ipv6Addr::from(octets))
    } else {
        return false;
    };
    true
}

/// A reserved octet, the length in bits, and as many octets as are needed. RFC 3162 2.3.
fn prefix(data: &[u8], out: &mut String) -> bool {
    let Some((&[_, bits], octets)) = data.split_first_chunk::<2>() else { return false };
    if bits > 128 || octets.len() > 16 {
        return false;
    }
    let mut whole = [0; 16];
    whole[..octets.len()].copy_from_slice(octets);
    let _ = write!(out, "{}/{bits}", Ipv6Addr::from(whole));
    true
}
