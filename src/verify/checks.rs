//! Every check there is, in one table: what a finding's id means, how bad it is, and the clause behind it.
//!
//! Reports of every kind (text, JSON, HTML, JUnit, SARIF) and `docs/verify.md` follow from [`CHECKS`].

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; the verdict does not change.
    Note,
    /// Something that must not be.
    Error,
}

impl Severity {
    /// `note` or `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Error => "error",
        }
    }
}

/// What part of a capture a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The capture itself and what limits the look at it.
    Capture,
    /// SCTP and TCP.
    Transport,
    /// The header: version, lengths, command flags.
    Framing,
    /// AVPs: grammar, flags, formats.
    Grammar,
    /// Requests and their answers.
    Transactions,
    /// The life of a connection between two peers.
    Peer,
    /// The registration procedure.
    Procedure,
}

impl Area {
    /// All areas, in the order of reports.
    pub const ALL: [Self; 7] =
        [Self::Capture, Self::Transport, Self::Framing, Self::Grammar, Self::Transactions, Self::Peer, Self::Procedure];

    /// `transport`, `framing` and so on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Transport => "transport",
            Self::Framing => "framing",
            Self::Grammar => "grammar",
            Self::Transactions => "transactions",
            Self::Peer => "peer",
            Self::Procedure => "procedure",
        }
    }
}

/// One check.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// The id of its findings: stable, lower case, with dashes.
    pub id: &'static str,
    /// What part of a capture it looks at.
    pub area: Area,
    /// How bad its findings are.
    pub severity: Severity,
    /// The clause it rests on; a finding may name a more special one, such as that of a command's grammar.
    pub clause: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
}

macro_rules! checks {
    ($($area:ident { $($(#[$meta:meta])* $name:ident = $id:literal $severity:ident, $clause:literal, $title:literal;)* })*) => {
        $($(
            $(#[$meta])*
            #[doc = $title]
            pub const $name: &Check = &Check {
                id: $id,
                area: Area::$area,
                severity: Severity::$severity,
                clause: $clause,
                title: $title,
            };
        )*)*

        /// Every check, by area.
        pub const CHECKS: &[&Check] = &[$($($name,)*)*];
    };
}

checks! {
    Capture {
        LIMIT = "limit" Note, "this program", "more is open at a time than is followed";
    }
    Transport {
        CHECKSUM = "checksum" Note, "RFC 9260 section 6.8", "SCTP packets have a wrong or empty CRC32c";
        CRC32C = "crc32c" Error, "RFC 9260 section 6.8", "the CRC32c of a packet is wrong, those of others are right";
        CHUNK_LENGTH = "chunk-length" Error, "RFC 9260 section 3.2", "a chunk's length cannot be";
        VERIFICATION_TAG = "verification-tag" Error, "RFC 9260 section 8.5", "the verification tag is not the association's";
        TSN_GAP = "tsn-gap" Note, "RFC 9260 section 6.2", "DATA chunks are missing: the capture lost packets, or the sender numbers";
        TSN_REUSED = "tsn-reused" Error, "RFC 9260 section 6.2", "a TSN is used twice";
        STREAM_SEQUENCE = "stream-sequence" Error, "RFC 9260 section 6.6", "a stream's sequence numbers do not follow one another";
        STREAM = "stream" Error, "RFC 9260 section 5.1.1", "a stream beyond those that were agreed on";
        RETRANSMISSION = "retransmission" Note, "RFC 9260 section 6.3", "DATA chunks or segments are sent again";
        TCP_GAP = "tcp-gap" Note, "RFC 9293 section 3.4", "octets of a TCP stream were not captured";
        FRAMING_LOST = "framing-lost" Error, "RFC 6733 section 3", "a TCP stream holds octets that are no message";
        PPID = "ppid" Error, "RFC 6733 section 2.1", "the payload protocol identifier is not that of Diameter in clear";
        PPID_ZERO = "ppid-zero" Note, "RFC 6733 section 2.1", "the payload protocol identifier is left out";
        ABORT = "abort" Note, "RFC 9260 section 9.1", "an association ends with ABORT, or a connection with RST";
    }
    Framing {
        VERSION = "version" Error, "RFC 6733 section 3", "the version is not 1";
        MESSAGE_LENGTH = "message-length" Error, "RFC 6733 section 3", "Message Length is not that of the message";
        COMMAND_FLAGS_RESERVED = "command-flags-reserved" Error, "RFC 6733 section 3", "reserved command flags are set";
        COMMAND_FLAGS = "command-flags" Error, "RFC 6733 section 3", "command flags contradict the command or each other";
    }
    Grammar {
        AVP_LENGTH = "avp-length" Error, "RFC 6733 section 4.1", "an AVP's length cannot be";
        AVP_DATA_LENGTH = "avp-data-length" Error, "RFC 6733 section 4.2", "the data has a length that its format cannot have";
        AVP_DATA = "avp-data" Error, "RFC 6733 section 4.2", "the data is no value of its format";
        AVP_UNKNOWN = "avp-unknown" Error, "RFC 6733 section 4.1", "an unknown AVP is mandatory";
        AVP_MISSING = "avp-missing" Error, "RFC 6733 section 3.2", "a required AVP is missing";
        AVP_TOO_MANY = "avp-too-many" Error, "RFC 6733 section 3.2", "an AVP stands there too often";
        AVP_NOT_ALLOWED = "avp-not-allowed" Error, "RFC 6733 section 4.4", "the group does not allow the AVP";
        SESSION_FIRST = "session-first" Error, "RFC 6733 section 8.8", "the Session-Id is not the first AVP";
        AVP_FLAGS_RESERVED = "avp-flags-reserved" Note, "RFC 6733 section 4.1", "reserved AVP flags are set";
        AVP_PADDING = "avp-padding" Note, "RFC 6733 section 4.1", "the padding of an AVP is not zero";
        AVP_UNPADDED = "avp-unpadded" Note, "RFC 6733 section 4.1", "the padding of the last AVP is missing";
        AVP_VENDOR_FLAG = "avp-vendor-flag" Note, "RFC 6733 section 4.1.1", "the V flag is set, and the vendor is the IETF";
        AVP_MANDATORY_FLAG = "avp-mandatory-flag" Note, "RFC 6733 section 4.1", "the M flag is not as the AVP's specification has it";
        AVP_VALUE = "avp-value" Note, "RFC 6733 section 4.3.1", "an Enumerated AVP has a value without a name";
        IMSI = "imsi" Error, "TS 23.003 section 2.2", "a User-Name is no IMSI";
        MSISDN = "msisdn" Note, "TS 29.329 section 6.3.2", "an MSISDN is not in TBCD";
        PLMN = "plmn" Error, "TS 29.272 section 7.3.9", "three octets are no network";
        ID1 = "id1" Error, "TS 23.003 section 24.11", "an ID1 is not 24 bits of a network and 40 bits more";
        AVP_TOO_DEEP = "avp-too-deep" Error, "RFC 6733 section 4.4", "groups are nested deeper than is read";
    }
    Transactions {
        UNANSWERED = "unanswered" Error, "RFC 6733 section 6.2", "a request has no answer";
        ANSWERED_TWICE = "answered-twice" Error, "RFC 6733 section 6.2", "a request is answered twice";
        ANSWER_WITHOUT_REQUEST = "answer-without-request" Error, "RFC 6733 section 6.2", "an answer to no request";
        ANSWER_BEFORE_CAPTURE = "answer-before-capture" Note, "RFC 6733 section 6.2",
            "an answer whose request is not in the capture, which begins in the middle";
        HOP_BY_HOP_REUSED = "hop-by-hop-reused" Error, "RFC 6733 section 3", "the Hop-by-Hop id of a request that is open";
        ANSWER_DIFFERS = "answer-differs" Error, "RFC 6733 section 6.2", "an answer's header is not that of its request";
        SESSION_DIFFERS = "session-differs" Error, "RFC 6733 section 8.8", "an answer's Session-Id is not that of its request";
        END_TO_END_REUSED = "end-to-end-reused" Error, "RFC 6733 section 3", "the End-to-End id of another request within four minutes";
        ANSWER_LATE = "answer-late" Note, "RFC 6733 section 5.5.4", "an answer takes longer than 10 s";
        PROXY_INFO = "proxy-info" Error, "RFC 6733 section 6.2", "an answer does not bring Proxy-Info back as it was";
        RESULT = "result" Error, "RFC 6733 section 7.1", "not exactly one of Result-Code and Experimental-Result";
        RESULT_CLASS = "result-class" Error, "RFC 6733 section 7.1", "a Result-Code of no class";
        ERROR_FLAG = "error-flag" Error, "RFC 6733 section 7.2", "the E flag contradicts the Result-Code";
        FAILED_AVP = "failed-avp" Error, "RFC 6733 section 7.1.5", "the Result-Code asks for a Failed-AVP, and there is none";
    }
    Peer {
        CAPABILITIES_FIRST = "capabilities-first" Error, "RFC 6733 section 5.3",
            "something else comes before the capabilities exchange";
        CAPABILITIES_SIDE = "capabilities-side" Error, "RFC 6733 section 5.6", "the side that was called asks for capabilities";
        CAPABILITIES_UNANSWERED = "capabilities-unanswered" Error, "RFC 6733 section 5.3", "a message before the Capabilities-Exchange-Answer";
        CAPABILITIES_REFUSED = "capabilities-refused" Error, "RFC 6733 section 5.3", "a message after the capabilities exchange was refused";
        CAPABILITIES_AGAIN = "capabilities-again" Error, "RFC 6733 section 5.6", "capabilities are exchanged a second time";
        APPLICATION_NOT_OFFERED = "application-not-offered" Error, "RFC 6733 section 5.3", "a message of an application that was not offered by both";
        ORIGIN_CHANGED = "origin-changed" Error, "RFC 6733 section 5.3", "a peer changes its name";
        ORIGIN_STATE = "origin-state" Error, "RFC 6733 section 8.16", "Origin-State-Id goes back";
        WATCHDOG_UNANSWERED = "watchdog-unanswered" Error, "RFC 3539 section 3.4.1", "a watchdog has no answer";
        WATCHDOG_EARLY = "watchdog-early" Note, "RFC 3539 section 3.4.1", "watchdogs come too soon after one another";
        AFTER_DISCONNECT = "after-disconnect" Error, "RFC 6733 section 5.4", "a message after goodbye was said";
        CLOSED_WITHOUT_DISCONNECT = "closed-without-disconnect" Note, "RFC 6733 section 5.4", "a connection is closed without DPR";
    }
    Procedure {
        MESSAGE_5_OLD = "message-5-old" Error, "registration procedure, message 5", "an old ID1 without its old ID3, or the other way round";
        MESSAGE_5_INCAPABLE = "message-5-incapable" Error, "MME-2 [0015]", "message 5 for a UE that is capable of nothing";
        MESSAGE_5_NOT_ALLOWED = "message-5-not-allowed" Error, "MME-2 [0015]", "message 5 without a subscription to what the UE is capable of";
        MESSAGE_5_UNASKED = "message-5-unasked" Error, "UE-2 [0010]", "message 5 leaves the MME, but the UE sent none";
        MESSAGE_5_ALTERED = "message-5-altered" Error, "UE-2 [0010]", "message 5 leaves the MME with other contents than the UE's";
        MESSAGE_6_INCOMPLETE = "message-6-incomplete" Error, "F-1 [0017]", "message 6 lacks ID1, ID3 or the validity time";
        MESSAGE_6_REFUSED = "message-6-refused" Error, "F-1 [0017]", "a refused message 6 carries an ID1";
        MESSAGE_6_NOT_ALLOWED = "message-6-not-allowed" Error, "F-1 [0017]", "an ID1 without a subscription";
        MESSAGE_6_ID1 = "message-6-id1" Error, "F-1 [0017]", "an ID1 that is not the UE's own";
        MESSAGE_6_ALTERED = "message-6-altered" Error, "MME-3 [0012]", "message 6 comes to the UE with other contents than the function's";
        MESSAGE_1_ID1 = "message-1-id1" Error, "UE-1 [0006]", "message 1 carries an ID1 that no message 6 brought";
        MESSAGE_1_ID3 = "message-1-id3" Error, "UE-3 [0013]", "message 1 carries another ID3 than message 6";
        MESSAGE_1_PROOF = "message-1-proof" Error, "AS-1 [0036]", "message 1 carries a signed proof without its time or its nonce";
        MESSAGE_2_INCOMPLETE = "message-2-incomplete" Error, "F-2 [0019]", "message 2 lacks ID1, ID2 or the application";
        MESSAGE_2_FUNCTION = "message-2-function" Error, "AS-3 [0035]", "message 2 does not go to the function that ID3 names";
        MESSAGE_2_UNASKED = "message-2-unasked" Error, "AS-1 [0036]", "message 2 without its message 1";
        MESSAGE_2_ID2 = "message-2-id2" Error, "AS-2 [0042]", "the ID2 is that of another application";
        MESSAGE_3_TYPE = "message-3-type" Error, "TS 29.343 section 6.6.5", "message 3 does not repeat the type of message 2";
        MESSAGE_3_ID1 = "message-3-id1" Error, "F-2 [0019]", "message 3 accepts an ID1 that is not in force";
        ID1_EXPIRED = "id1-expired" Error, "F-2 [0019]", "an ID1 is accepted after its validity has run out";
        MESSAGE_4_EARLY = "message-4-early" Error, "AS-4 [0031]", "message 4 leaves before message 3";
        MESSAGE_4_ID2 = "message-4-id2" Error, "AS-2 [0042]", "message 4 carries no ID2, or another than message 2";
        MESSAGE_4_UNBOUND = "message-4-unbound" Error, "AS-4 [0032]", "message 4 says success where no message 3 did";
        MESSAGE_G1_ID1 = "message-g1-id1" Error, "F-4 [0026]", "message G1 asks for an ID1 that no message 6 gave out";
        MESSAGE_G2_CONTEXT = "message-g2-context" Error, "F-4 [0027]", "message G2 carries no context, another's, or not all of it";
        RELEASE_UNFETCHED = "release-unfetched" Error, "F-6", "a context is released that was not handed over";
        MOVE_RELEASE = "move-release" Note, "F-6", "a UE has moved, and its old context is not released";
        MOVE_UPDATE = "move-update" Note, "F3-1 [0038]", "a UE has moved, and an app server is not told";
        MESSAGE_U1_INCOMPLETE = "message-u1-incomplete" Error, "AS-5 [0038]", "message U1 lacks the marker of a move or an identifier";
        MESSAGE_U1_SENDER = "message-u1-sender" Error, "AS-6 [0039]", "ID5 of message U1 is not the function that sends it";
        MESSAGE_U1_BINDING = "message-u1-binding" Error, "AS-5 [0038]", "message U1 is about a binding that is not there";
        MESSAGE_U1_UNFETCHED = "message-u1-unfetched" Error, "F3-1 [0026]", "message U1 from a function that did not fetch the context";
        MESSAGE_U1_UE = "message-u1-ue" Error, "F3-1 [0038]", "ID4 of message U1 is that of another UE";
        FAREWELL_INCOMPLETE = "farewell-incomplete" Error, "AS-5 [0038]", "the farewell of a UE lacks ID1 or ID2";
        SUBSCRIPTION_MISSING = "subscription-missing" Error, "TS 29.344 section 5.2", "a PIA of success has no subscription";
    }
}

/// The check of an id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_speak_for_themselves() {
        let ids: HashSet<_> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), CHECKS.len());
        for check in CHECKS {
            assert!(
                check.id.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
            );
            assert!(!check.title.is_empty() && !check.clause.is_empty() && !check.title.ends_with('.'), "{}", check.id);
            assert_eq!(by_id(check.id), Some(*check));
        }
    }
}
