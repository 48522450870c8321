//! The forms that identities take, and their pseudonyms.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Anonymizer;
use super::cipher::Symbol;

/// Countries whose networks have codes of three digits. ITU-T E.212, by MCC.
const LONG_NETWORK_CODES: [u16; 35] = [
    302, 310, 311, 312, 313, 314, 315, 316, 330, 334, 338, 342, 344, 346, 348, 352, 354, 356, 358, 360, 364, 365, 366,
    376, 405, 708, 710, 714, 722, 732, 734, 738, 740, 748, 750,
];

/// Words in host names that name no one.
const PLAIN_LABELS: [&str; 22] = [
    "3gppnetwork",
    "epc",
    "ims",
    "pub",
    "gprs",
    "nai",
    "node",
    "wlan",
    "5gc",
    "org",
    "com",
    "net",
    "edu",
    "gov",
    "int",
    "arpa",
    "example",
    "test",
    "invalid",
    "local",
    "localhost",
    "localdomain",
];

/// The least digits of a telephone number with a country in front.
const LEAST_NUMBER: usize = 7;
/// An IMSI has 14 or 15 digits; with one digit in front it is the user part of a root NAI (TS 23.003 14.3).
const LEAST_IMSI: usize = 14;

impl Anonymizer<'_> {
    /// Permutes letters and digits where they stand; all else stays. `keep` octets at the start stay, too.
    fn permute(&mut self, label: &'static str, text: &mut [u8], keep: usize) {
        if let Some(known) = self.known(label, text) {
            return text.copy_from_slice(known);
        }
        let before = text.to_vec();
        let alphabet = |octet: u8| match octet {
            b'0'..=b'9' => Some((b'0', 10)),
            b'a'..=b'z' => Some((b'a', 26)),
            b'A'..=b'Z' => Some((b'A', 26)),
            _ => None,
        };
        let places: Vec<(usize, u8, u16)> = text
            .iter()
            .enumerate()
            .skip(keep)
            .filter_map(|(at, octet)| alphabet(*octet).map(|(first, of)| (at, first, of)))
            .collect();
        let mut symbols: Vec<Symbol> = places
            .iter()
            .map(|(at, first, of)| Symbol { value: u16::from(text.get(*at).map_or(0, |octet| octet - first)), of: *of })
            .collect();
        // What stays belongs to the label: a PLMN's subscribers are permuted among themselves.
        let kept = String::from_utf8_lossy(before.get(..keep).unwrap_or_default());
        self.cipher.permute(&format!("{label} {kept}"), &mut symbols);
        for ((at, first, _), symbol) in places.iter().zip(&symbols) {
            if let Some(octet) = text.get_mut(*at) {
                *octet = first + symbol.value as u8;
            }
        }
        self.remember(label, &before, text);
    }

    /// Digits of an IMSI; the PLMN stays.
    fn imsi(&mut self, digits: &mut [u8]) {
        let country = digits.get(..3).and_then(|mcc| str::from_utf8(mcc).ok()?.parse().ok()).unwrap_or(0);
        let plmn = if LONG_NETWORK_CODES.contains(&country) { 6 } else { 5 };
        self.permute("imsi", digits, plmn);
    }

    /// Digits of a telephone number; the first two stay, with which a country begins.
    fn number(&mut self, digits: &mut [u8]) {
        let keep = if digits.len() >= LEAST_NUMBER { 2 } else { 0 };
        self.permute("number", digits, keep);
    }

    /// Whatever names a subscriber as text.
    pub(super) fn subscriber(&mut self, text: &mut [u8]) -> bool {
        if scheme(text).is_some() {
            return self.uri(text);
        }
        let at = text.iter().rposition(|octet| *octet == b'@');
        let (user, realm) = text.split_at_mut(at.unwrap_or(text.len()));
        self.user(user);
        if let Some((_, realm)) = realm.split_first_mut()
            && self.options.hosts
        {
            self.host(realm);
        }
        true
    }

    /// The part before `@`, or all there is.
    fn user(&mut self, user: &mut [u8]) {
        let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        match user {
            [b'+', number @ ..] if digits(number) => self.number(number),
            // A digit says how the UE authenticates, then the IMSI comes.
            [b'0'..=b'9', imsi @ ..] if imsi.len() == 15 && digits(imsi) => self.imsi(imsi),
            all if digits(all) && (LEAST_IMSI..=15).contains(&all.len()) => self.imsi(all),
            all if digits(all) => self.number(all),
            all => {
                self.name(all);
            }
        }
    }

    pub(super) fn name(&mut self, text: &mut [u8]) -> bool {
        // A name may be a NAI; then its realm is a realm.
        match text.iter().rposition(|octet| *octet == b'@') {
            Some(at) => {
                let (user, realm) = text.split_at_mut(at);
                self.user(user);
                if let Some((_, realm)) = realm.split_first_mut()
                    && self.options.hosts
                {
                    self.host(realm);
                }
            }
            None => self.permute("name", text, 0),
        }
        // Letters beyond ASCII stay as they are.
        text.is_ascii()
    }

    /// A SIP or tel URI, or a DiameterURI. What has no scheme is a host.
    pub(super) fn uri(&mut self, text: &mut [u8]) -> bool {
        let Some(start) = scheme(text) else { return self.options.hosts && self.host(text) };
        let is_number = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"tel:"));
        let Some(rest) = text.get_mut(start..) else { return true };
        let end = rest.iter().position(|octet| matches!(octet, b';' | b'?' | b'>' | b'/')).unwrap_or(rest.len());
        let Some(address) = rest.get_mut(..end) else { return true };
        if is_number {
            self.user(address);
            return true;
        }
        let at = address.iter().rposition(|octet| *octet == b'@');
        if let Some(user) = at.and_then(|at| address.get_mut(..at)) {
            // A password may follow the user.
            let colon = user.iter().position(|octet| *octet == b':').unwrap_or(user.len());
            let (user, password) = user.split_at_mut(colon);
            self.user(user);
            self.permute("secret", password, 0);
        }
        if !self.options.hosts {
            return at.is_some();
        }
        let host = address.get_mut(at.map_or(0, |at| at + 1)..).unwrap_or_default();
        // A port stays.
        let port = host.iter().rposition(|octet| *octet == b':').unwrap_or(host.len());
        host.get_mut(..port).is_some_and(|host| self.host(host))
    }

    /// Host and realm names, label by label, so that a host stays within its realm.
    pub(super) fn host(&mut self, name: &mut [u8]) -> bool {
        if self.address_text(name) {
            return true;
        }
        let before = name.to_vec();
        for label in name.split_mut(|octet| *octet == b'.') {
            let word = String::from_utf8_lossy(label).to_ascii_lowercase();
            let coded = ["mnc", "mcc", "tac-lb", "tac-hb"].iter().any(|start| word.starts_with(start));
            if !coded && !PLAIN_LABELS.contains(&word.as_str()) {
                // Names are compared without regard to case, so a label's pseudonym is that of its small letters.
                let big: Vec<bool> = label.iter().map(u8::is_ascii_uppercase).collect();
                label.make_ascii_lowercase();
                self.permute("label", label, 0);
                label.iter_mut().zip(big).filter(|(_, big)| *big).for_each(|(octet, _)| octet.make_ascii_uppercase());
            }
        }
        self.remember("host", &before, name);
        true
    }

    /// An address as text; false when it is none. The address that [`Self::pseudonym_of`] gives may have more letters, so each
    /// number becomes one of as many digits; what stays of the address stays here.
    pub(super) fn address_text(&mut self, text: &mut [u8]) -> bool {
        let Some(address) = str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok()) else {
            return false;
        };
        let is_no_ones = match address {
            IpAddr::V4(address) => address.is_unspecified() || address.is_multicast() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_unspecified() || address.is_loopback() || address.is_multicast(),
        };
        if is_no_ones {
            return true;
        }
        if address.is_ipv6() && text.contains(&b'.') {
            self.permute("mixed address text", text, 0);
            return true;
        }
        if let Some(known) = self.known(ADDRESS_TEXT, text) {
            text.copy_from_slice(known);
            return true;
        }
        let before = text.to_vec();
        let kept = match address {
            IpAddr::V4(address) => match address.octets() {
                [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..] => 2,
                _ => 1,
            },
            IpAddr::V6(_) => 1,
        };
        let decimal = address.is_ipv4();
        let mut symbols = Vec::new();
        let mut parts: Vec<&mut [u8]> =
            text.split_mut(|octet| matches!(octet, b'.' | b':')).filter(|part| !part.is_empty()).skip(kept).collect();
        for part in &parts {
            symbols.extend(number_symbols(part, decimal));
        }
        self.cipher.permute(&format!("{ADDRESS_TEXT} {kept}"), &mut symbols);
        let mut fresh = symbols.iter();
        for part in &mut parts {
            write_number(part, decimal, &mut fresh);
        }
        self.remember(ADDRESS_TEXT, &before, text);
        true
    }

    /// A packet filter (RFC 6733 section 4.3.1), or a line of a session description: addresses among words.
    pub(super) fn filter(&mut self, data: &mut [u8]) -> bool {
        for word in data.split_mut(|octet| octet.is_ascii_whitespace() || *octet == b',') {
            let end = word.iter().position(|octet| *octet == b'/').unwrap_or(word.len());
            let start = usize::from(word.first() == Some(&b'!'));
            if let Some(word) = word.get_mut(start..end) {
                self.address_text(word);
            }
        }
        true
    }

    /// `host;high;low;what the sender wanted`. RFC 6733 section 8.8.
    pub(super) fn session(&mut self, text: &mut [u8]) -> bool {
        let mut complete = true;
        for (at, part) in text.split_mut(|octet| *octet == b';').enumerate() {
            match at {
                0 if self.options.hosts => complete = self.host(part),
                0 => complete = false,
                1 | 2 if part.iter().all(u8::is_ascii_digit) => {}
                _ => {
                    let digits = part.len() >= LEAST_NUMBER && part.iter().all(u8::is_ascii_digit);
                    if digits || part.contains(&b'@') {
                        self.subscriber(part);
                    } else if self.options.hosts && part.contains(&b'.') {
                        // Some put the host elsewhere.
                        self.host(part);
                    } else {
                        self.search(part);
                    }
                }
            }
        }
        complete
    }

    /// A number in half octets, low half first, filled with 15.
    pub(super) fn packed_number(&mut self, data: &mut [u8]) -> bool {
        let mut digits: Vec<u8> = Vec::with_capacity(data.len() * 2);
        for octet in data.iter() {
            digits.extend([octet & 15, octet >> 4]);
        }
        let end = digits.iter().position(|digit| *digit == 15).unwrap_or(digits.len());
        let rest_is_filled = digits.get(end..).is_some_and(|rest| rest.iter().all(|digit| *digit == 15));
        let Some(number) = digits.get_mut(..end).filter(|number| number.iter().all(|digit| *digit < 10)) else {
            return self.secret(data);
        };
        if !rest_is_filled {
            return self.secret(data);
        }
        number.iter_mut().for_each(|digit| *digit += b'0');
        self.number(number);
        number.iter_mut().for_each(|digit| *digit -= b'0');
        for (octet, pair) in data.iter_mut().zip(digits.chunks_exact(2)) {
            if let [low, high] = pair {
                *octet = high << 4 | low;
            }
        }
        true
    }

    pub(super) fn equipment(&mut self, data: &mut [u8]) -> bool {
        if data.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-') {
            // The first eight digits name the model; they are no one's.
            let keep = if data.iter().all(u8::is_ascii_digit) && data.len() >= 14 { 8 } else { 0 };
            self.permute("equipment", data, keep);
            return true;
        }
        self.secret(data)
    }

    /// Keys and proofs: other octets of the same number, letters and digits where there were only such.
    pub(super) fn secret(&mut self, data: &mut [u8]) -> bool {
        if !data.is_empty() && data.iter().all(u8::is_ascii_graphic) {
            self.permute("secret", data, 0);
        } else {
            let fresh = self.cipher.octets("secret", data, data.len());
            data.copy_from_slice(&fresh);
        }
        true
    }

    /// A PLMN in three octets, then what the function gave out.
    pub(super) fn temporary(&mut self, data: &mut [u8]) -> bool {
        let keep = if data.len() > 3 { 3 } else { 0 };
        let Some((plmn, given)) = data.split_at_mut_checked(keep) else { return false };
        self.octets(&format!("temporary {plmn:?}"), given);
        true
    }

    /// Permutes octets.
    fn octets(&mut self, label: &str, data: &mut [u8]) {
        let mut symbols: Vec<Symbol> = data.iter().map(|octet| Symbol { value: u16::from(*octet), of: 256 }).collect();
        self.cipher.permute(label, &mut symbols);
        data.iter_mut().zip(symbols).for_each(|(octet, symbol)| *octet = symbol.value as u8);
    }

    /// An AVP of the format Address.
    pub(super) fn address_avp(&mut self, data: &mut [u8]) -> bool {
        match data {
            [0, 1, rest @ ..] | [0, 2, rest @ ..] => self.raw_address(rest),
            // E.164 as text.
            [0, 8, rest @ ..] => {
                self.user(rest);
                true
            }
            [_, _, rest @ ..] => self.secret(rest),
            _ => false,
        }
    }

    pub(super) fn raw_address(&mut self, data: &mut [u8]) -> bool {
        if let Ok(octets) = <[u8; 4]>::try_from(&*data) {
            if let IpAddr::V4(other) = self.pseudonym_of(octets.into()) {
                data.copy_from_slice(&other.octets());
            }
            return true;
        }
        if let Ok(octets) = <[u8; 16]>::try_from(&*data) {
            if let IpAddr::V6(other) = self.pseudonym_of(octets.into()) {
                data.copy_from_slice(&other.octets());
            }
            return true;
        }
        // Neither: some write it as text.
        self.address_text(data) || self.secret(data)
    }

    /// RFC 3162 section 2.3.
    pub(super) fn prefix(&mut self, data: &mut [u8]) -> bool {
        let [_, bits, rest @ ..] = data else { return false };
        if rest.len() > 16 || *bits > 128 {
            return false;
        }
        let mut whole = [0; 16];
        whole.iter_mut().zip(rest.iter()).for_each(|(octet, known)| *octet = *known);
        // Only whole octets of the prefix: what is behind it stays zero.
        let octets = usize::from(*bits / 8).min(rest.len());
        let known = whole.get_mut(2..octets.max(2)).unwrap_or_default();
        self.octets("prefix", known);
        rest.copy_from_slice(whole.get(..rest.len()).unwrap_or(rest).to_vec().as_slice());
        true
    }

    /// The other address of the same kind: private ones stay in their range, others keep their first octet (IPv4) or
    /// first two (IPv6); what is no one's (unspecified, multicast, broadcast) stays.
    pub(super) fn pseudonym_of(&mut self, address: IpAddr) -> IpAddr {
        if let Some(known) = self.addresses.get(&address) {
            return *known;
        }
        let other = match address {
            IpAddr::V4(address) => IpAddr::V4(self.other_v4(address)),
            IpAddr::V6(address) => IpAddr::V6(self.other_v6(address)),
        };
        if self.addresses.len() < super::REMEMBERED {
            self.addresses.insert(address, other);
        }
        other
    }

    fn other_v4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
            return address;
        }
        let number = u32::from(address);
        let kept = match address.octets() {
            [172, 16..=31, ..] => 12,
            [192, 168, ..] | [169, 254, ..] => 16,
            _ => 8,
        };
        // Bits one by one: ranges need not end where octets do.
        let mut bits: Vec<Symbol> =
            (0..32 - kept).map(|bit| Symbol { value: (number >> bit & 1) as u16, of: 2 }).collect();
        let range = number >> (32 - kept);
        self.cipher.permute(&format!("address {kept} {range}"), &mut bits);
        let fresh = bits.iter().enumerate().fold(0, |sum, (bit, symbol)| sum | u32::from(symbol.value) << bit);
        Ipv4Addr::from(range << (32 - kept) | fresh)
    }

    fn other_v6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        if address.segments().starts_with(&[0xff02, 0, 0, 0, 0, 1])
            && address.segments().get(6).is_some_and(|it| it >> 8 == 255)
        {
            // A solicited-node address has the end of an address in it. RFC 4291 section 2.7.1.
            let mut octets = address.octets();
            if let Some(end) = octets.last_chunk_mut::<3>() {
                self.octets(SOLICITED, end);
            }
            return Ipv6Addr::from(octets);
        }
        if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
            return address;
        }
        if let Some(mapped) = address.to_ipv4_mapped() {
            return self.other_v4(mapped).to_ipv6_mapped();
        }
        let mut octets = address.octets();
        let (kept, rest) = octets.split_at_mut(2);
        let label = format!("address {kept:?}");
        self.octets(&label, rest);
        Ipv6Addr::from(octets)
    }

    /// The other address of Ethernet: groups, and what is no one's, stay.
    pub(super) fn other_hardware(&mut self, address: [u8; 6]) -> [u8; 6] {
        if let Some(known) = self.hardware.get(&address) {
            return *known;
        }
        let mut other = address;
        match address {
            [0, 0, 0, 0, 0, 0] => {}
            // The group of a solicited node. RFC 2464 section 7.
            [0x33, 0x33, 0xff, ..] => {
                if let Some(end) = other.last_chunk_mut::<3>() {
                    self.octets(SOLICITED, end);
                }
            }
            [first, ..] if first & 1 != 0 => {}
            [first, ..] => {
                // The two low bits say what kind it is.
                let mut symbols = vec![Symbol { value: u16::from(first >> 2), of: 64 }];
                symbols.extend(address.iter().skip(1).map(|octet| Symbol { value: u16::from(*octet), of: 256 }));
                self.cipher.permute("hardware", &mut symbols);
                other.iter_mut().zip(&symbols).for_each(|(octet, symbol)| *octet = symbol.value as u8);
                if let Some(octet) = other.first_mut() {
                    *octet = *octet << 2 | first & 3;
                }
            }
        }
        if self.hardware.len() < super::REMEMBERED {
            self.hardware.insert(address, other);
        }
        other
    }

    /// XML, session descriptions and the like: URIs, addresses, and what stands alone between tags and looks like an identity,
    /// or is known from elsewhere.
    pub(super) fn document(&mut self, data: &mut [u8]) -> bool {
        let is_end = |octet: &u8| matches!(octet, b'<' | b'>' | b'"' | b'\'' | b'&') || *octet <= b' ';
        for word in data.split_mut(is_end) {
            let digits = (LEAST_NUMBER..=15).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
            let printable = word.iter().all(u8::is_ascii_graphic);
            if scheme(word).is_some() && printable {
                self.uri(word);
            } else if digits || printable && word.contains(&b'@') {
                self.subscriber(word);
            } else if !self.address_text(word) {
                self.search(word);
            }
        }
        false
    }
}

const ADDRESS_TEXT: &str = "address text";
const SOLICITED: &str = "solicited node";

/// The digits of a number in an address: a decimal one as a whole, so that it stays below 256 and without a zero in front.
fn number_symbols(part: &[u8], decimal: bool) -> Vec<Symbol> {
    let hex = |octet: u8| (octet as char).to_digit(16).unwrap_or_default() as u16;
    if !decimal {
        // The first digit is not zero unless it is all there is.
        let first = |at: usize| u16::from(at == 0 && part.len() > 1 && part.first() != Some(&b'0'));
        let symbol = |(at, octet): (usize, &u8)| Symbol { value: hex(*octet) - first(at), of: 16 - first(at) };
        return part.iter().enumerate().map(symbol).collect();
    }
    let value = part.iter().fold(0, |sum, octet| sum * 10 + hex(*octet));
    let (least, of) = decimal_range(part.len());
    vec![Symbol { value: value.saturating_sub(least), of }]
}

/// The least number of so many digits in an address, and how many there are.
const fn decimal_range(digits: usize) -> (u16, u16) {
    match digits {
        1 => (0, 10),
        2 => (10, 90),
        _ => (100, 156),
    }
}

fn write_number<'s>(part: &mut [u8], decimal: bool, fresh: &mut impl Iterator<Item = &'s Symbol>) {
    if decimal {
        let value = fresh.next().map_or(0, |symbol| symbol.value) + decimal_range(part.len()).0;
        let text = value.to_string();
        if text.len() == part.len() {
            part.copy_from_slice(text.as_bytes());
        }
        return;
    }
    for octet in part {
        let Some(symbol) = fresh.next() else { return };
        let digit = char::from_digit(u32::from(symbol.value + 16 - symbol.of), 16).unwrap_or('0');
        *octet = digit as u8;
    }
}

/// Where the address begins in a URI that names someone.
fn scheme(text: &[u8]) -> Option<usize> {
    ["sips:", "sip:", "tel:", "aaas://", "aaa://", "mailto:", "im:", "pres:"]
        .iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes())))
        .map(|scheme| scheme.len())
}
