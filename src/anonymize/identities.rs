//! Which AVPs name whom.

use std::collections::HashMap;

use crate::avp::{Key, dictionary};

/// How a value is read, and so what may be changed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// An IMSI, an MSISDN, a NAI, a SIP or tel URI, or a name, as text: told apart by its form.
    Subscriber,
    /// A telephone number in half octets (TBCD). TS 29.002 17.7.8.
    Number,
    /// An IMEI or what stands for one.
    Equipment,
    /// A name.
    Name,
    /// A SIP or tel URI, or a DiameterURI.
    Uri,
    /// A host or realm.
    Host,
    /// Session-Id: a host, then numbers, then what the sender wanted.
    Session,
    /// Keys, vectors, passwords, proofs.
    Secret,
    /// A temporary identifier with a PLMN in front.
    Temporary,
    /// A family, then an address.
    Address,
    /// Four or sixteen octets of address.
    RawAddress,
    /// An IPv6 prefix: a reserved octet, its length in bits, and as much of it as that is.
    Prefix,
    /// A packet filter: addresses as text among words.
    Filter,
    /// A document in which identities stand.
    Document,
    /// It tells of a subscriber or of the network, and stays.
    Left,
}

const TREATMENTS: &[(Treatment, &[&str])] = &[
    (
        Treatment::Subscriber,
        &[
            "User-Name",
            "Subscription-Id-Data",
            "3GPP-IMSI",
            "Calling-Station-Id",
            "Public-Identity",
            "External-Identifier",
            "User-Id",
            "Calling-Party-Address",
            "Called-Party-Address",
            "Application-Provided-Called-Party-Address",
            "Called-Asserted-Identity",
            "Requested-Party-Address",
            "Alternate-Charged-Party-Address",
            "Associated-Party-Address",
            "Associated-URI",
            "Outgoing-Session-Id",
            "User-Session-Id",
            "Address-Data",
            "Callback-Number",
            "Digest-Username",
            "Wildcarded-Public-Identity",
            "Mobile-Node-Identifier",
            "Tunnel-Client-Auth-Id",
            "Monitoring-UE-Identifier",
            "PoC-User-Role-IDs",
        ],
    ),
    (
        Treatment::Number,
        &[
            "MSISDN",
            "A-MSISDN",
            "SGSN-Number",
            "MME-Number-for-MT-SMS",
            "SC-Address",
            "STN-SR",
            "GMLC-Number",
            "IP-SM-GW-Number",
            "MSC-Number",
            "MSC-Address",
            "VLR-Number",
            "SMS-GMSC-Address",
        ],
    ),
    (Treatment::Equipment, &["IMEI", "3GPP-IMEISV", "User-Equipment-Info-Value"]),
    (
        Treatment::Name,
        &[
            "Origin-App-Layer-User-Id",
            "Target-App-Layer-User-Id",
            "App-Layer-User-Id",
            "Requesting-EPUID",
            "Targeted-EPUID",
            "Requesting-RPAUID",
            "Target-RPAUID",
            "Banned-RPAUID",
            "MAC-Address",
            "LCS-Client-External-ID",
        ],
    ),
    (Treatment::Uri, &["Server-Name", "Contact", "Path", "Redirect-Server-Address", "PoC-Controlling-Address"]),
    (Treatment::Host, &["ProSe-Function-ID", "Old-ProSe-Function-ID", "SGs-MME-Identity", "Digest-Realm"]),
    (Treatment::Session, &["Session-Id", "Acct-Multi-Session-Id"]),
    (
        Treatment::Secret,
        &[
            "RAND",
            "XRES",
            "AUTN",
            "KASME",
            "Kc",
            "SRES",
            "Re-Synchronization-Info",
            "Confidentiality-Key",
            "Integrity-Key",
            "SIP-Authenticate",
            "SIP-Authorization",
            "Digest-HA1",
            "Digest-Nonce",
            "Digest-CNonce",
            "Digest-Nextnonce",
            "Digest-Response",
            "Digest-Response-Auth",
            "Digest-AKA-Auts",
            "User-Password",
            "Tunnel-Password",
            "ARAP-Password",
            "EAP-Master-Session-Key",
            "MIP-Session-Key",
            "ME-Key-Material",
            "UICC-Key-Material",
            "WLCP-Key",
            "User-Credential",
            "DUSK",
            "DUIK",
            "DUCK",
        ],
    ),
    (Treatment::Temporary, &["PDUID", "Target-PDUID", "Banned-PDUID", "Old-PDUID"]),
    (
        Treatment::RawAddress,
        &[
            "Framed-IP-Address",
            "Login-IP-Host",
            "NAS-IP-Address",
            "NAS-IPv6-Address",
            "3GPP-SGSN-Address",
            "3GPP-GGSN-Address",
            "3GPP-CG-Address",
            "3GPP-SGSN-IPv6-Address",
            "3GPP-GGSN-IPv6-Address",
            "3GPP-CG-IPv6-Address",
            "MBMS-GGSN-Address",
            "MBMS-GGSN-IPv6-Address",
        ],
    ),
    (Treatment::Prefix, &["Framed-IPv6-Prefix", "Delegated-IPv6-Prefix", "UE-Local-IPv6-Prefix"]),
    (Treatment::Document, &["User-Data", "SIP-User-Data-Contents", "EAP-Payload", "Codec-Data"]),
    (
        Treatment::Left,
        &[
            "3GPP-User-Location-Info",
            "Tracking-Area-Identity",
            "E-UTRAN-Cell-Global-Identity",
            "Cell-Global-Identity",
            "Routing-Area-Identity",
            "Location-Area-Identity",
            "Service-Area-Identity",
            "Geographical-Information",
            "Geodetic-Information",
            "ISUP-Location-Number",
            "TWAN-Identifier",
            "IMS-Charging-Identifier",
            "3GPP-Charging-Id",
            "Proxy-State",
            "Error-Message",
            "Restoration-Info",
            "ProSe-App-Code",
            "ProSe-Restricted-Code",
            "ProSe-Application-Metadata",
            "Application-Data",
        ],
    ),
];

/// The treatments by AVP.
pub(super) struct Table(HashMap<Key, Treatment>);

impl Table {
    pub fn new() -> Self {
        let by_name: HashMap<&str, Treatment> =
            TREATMENTS.iter().flat_map(|(treatment, names)| names.iter().map(|name| (*name, *treatment))).collect();
        let known = dictionary::all().filter_map(|it| Some((it.key, *by_name.get(it.name)?)));
        Self(known.collect())
    }

    pub fn of(&self, key: Key) -> Option<Treatment> {
        self.0.get(&key).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_an_avp_and_stands_once() {
        let mut seen = HashSet::new();
        for name in TREATMENTS.iter().flat_map(|(_, names)| names.iter()) {
            assert!(seen.insert(*name), "{name} stands twice");
            assert!(dictionary::by_name(name).is_some(), "no AVP is called {name}");
        }
    }
}
