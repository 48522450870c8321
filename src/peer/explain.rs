//! Why two nodes do not talk, in one paragraph: what happened, what both sides advertise, and the configuration line to
//! change. The operator of either side reads it, in the log, in the state of the peer, and in Error-Message.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use super::capabilities::{Capabilities, Expected, Local, list};
use crate::avp::dictionary::{Declared, ResultCode};

/// What both sides advertise; `theirs` is `None` when the peer has not said it.
fn both_sides(local: &Local, peer: &str, theirs: Option<&[u32]>) -> String {
    let ours = list(&local.applications);
    match theirs {
        Some(theirs) => format!("{} advertises {ours}; {peer} advertises {}", local.identity, list(theirs)),
        None => format!("{} advertises {ours}; {peer} has not said what it advertises", local.identity),
    }
}

fn paragraph(what: &str, local: &Local, peer: &str, theirs: Option<&[u32]>, mend: &str) -> String {
    format!("{what}. {}. {mend}", both_sides(local, peer, theirs))
}

/// A CER of someone in no `[[peer]]` section.
#[must_use]
pub fn unknown_peer(local: &Local, theirs: &Capabilities, from: IpAddr) -> String {
    let (us, name) = (&local.identity, &theirs.identity);
    let what = format!("{name} is no peer of {us}: it is in none of its [[peer]] sections");
    let mend = format!(
        "To let it in, add to the configuration of {us}: [[peer]] identity = \"{name}\" addresses = [\"{from}\"]"
    );
    paragraph(&what, local, name, Some(&theirs.applications), &mend)
}

/// A CER of a peer from an address that is none of its own.
#[must_use]
pub fn wrong_address(local: &Local, expected: &Expected, theirs: &Capabilities, from: IpAddr) -> String {
    let (us, name) = (&local.identity, &theirs.identity);
    let known = expected.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let what = format!("{name} may not come from {from}: its [[peer]] section at {us} has the addresses {known}");
    let mend = format!("To let it in, add \"{from}\" to addresses there");
    paragraph(&what, local, name, Some(&theirs.applications), &mend)
}

/// A CER or CEA with another Origin-Realm than the configuration's.
#[must_use]
pub fn wrong_realm(local: &Local, realm: &str, theirs: &Capabilities) -> String {
    let (us, name) = (&local.identity, &theirs.identity);
    let what = format!("{name} says its realm is {}, its [[peer]] section at {us} says {realm}", theirs.realm);
    let mend = format!("If that is right, write realm = \"{}\" there", theirs.realm);
    paragraph(&what, local, name, Some(&theirs.applications), &mend)
}

/// A CEA with another Origin-Host than the configuration's.
#[must_use]
pub fn wrong_identity(local: &Local, expected: &Expected, theirs: &Capabilities) -> String {
    let (us, name) = (&local.identity, &theirs.identity);
    let what = format!("the peer calls itself {name}, and {us} expects {} there", expected.identity);
    let mend = format!(
        "If it is the right node, write identity = \"{name}\" into its [[peer]] section at {us}; if it is not, correct \
         connect_to there"
    );
    paragraph(&what, local, name, Some(&theirs.applications), &mend)
}

/// No application in common and neither side a relay: 5010.
#[must_use]
pub fn no_common_application(local: &Local, theirs: &Capabilities) -> String {
    let (us, name) = (&local.identity, &theirs.identity);
    let what = format!("{us} and {name} have no application in common");
    paragraph(&what, local, name, Some(&theirs.applications), &take_one_of_the_others(local, name))
}

fn take_one_of_the_others(local: &Local, peer: &str) -> String {
    format!(
        "What a node advertises follows from its role: give {} or {peer} the role that the other expects ([ue], [mme], \
         [hss], [function], [app_server], or [responder] for any application), or put a node with [relay] between them",
        local.identity
    )
}

/// The peer wants TLS inside the connection: 5017. TLS after CEA is not offered, RFC 6733 section 6.10 advises against it.
#[must_use]
pub fn no_common_security(local: &Local, theirs: &Capabilities) -> String {
    let (us, name) = (&local.identity, &theirs.identity);
    let what = format!("{name} wants TLS inside the connection (Inband-Security-Id 1) and {us} offers none");
    let mend = format!(
        "Protect the connection before CER, on port 5868: write \"tls:\" before the address in listen or connect_to at \
         {us} (in freeDiameter ConnectPeer without No_TLS); or let {name} advertise NO_INBAND_SECURITY (in \
         freeDiameter No_TLS)"
    );
    paragraph(&what, local, name, Some(&theirs.applications), &mend)
}

/// The peer's CEA says no.
#[must_use]
pub fn refused_by(local: &Local, peer: &str, code: u32, why: Option<&str>, theirs: Option<&[u32]>) -> String {
    let us = &local.identity;
    let name = ResultCode::DEFINITION.value_name(i64::from(code)).unwrap_or("an error");
    let mut what = format!("{peer} refuses {us} with {name}");
    if let Some(why) = why.filter(|why| !why.is_empty()) {
        let _ = write!(what, " and says: {}", why.trim_end_matches('.'));
    }
    let mend = match code {
        ResultCode::DIAMETER_UNKNOWN_PEER => format!(
            "Add {us} to the peers of {peer} with the address that it comes from (here a [[peer]] with identity = \
             \"{us}\", in freeDiameter ConnectPeer = \"{us}\"), or write the identity that {peer} knows into identity at \
             {us}"
        ),
        ResultCode::DIAMETER_NO_COMMON_APPLICATION => take_one_of_the_others(local, peer),
        ResultCode::DIAMETER_NO_COMMON_SECURITY => format!(
            "{peer} wants TLS: write connect_to = \"tls:ADDRESS\" into its [[peer]] section at {us}, or allow {peer} to \
             go without (in freeDiameter No_TLS)"
        ),
        ResultCode::ELECTION_LOST => {
            "The other connection between the two stays; there is nothing to change".to_owned()
        }
        ResultCode::DIAMETER_UNABLE_TO_COMPLY => format!(
            "The log of {peer} says more; look at identity and realm at {us}, which must be those that {peer} expects, \
             and whether it already has a connection with {us}"
        ),
        _ => format!("The log of {peer} says more; look at identity, realm and addresses at {us}"),
    };
    paragraph(&what, local, peer, theirs, &mend)
}

/// A CER or CEA that cannot be read, with what is wrong with it.
#[must_use]
pub fn unreadable(local: &Local, peer: &str, message: &str, fault: &str) -> String {
    let mend =
        format!("Correct what {peer} sends; `proselink decode` shows the message in a capture (-w) with its faults");
    paragraph(&format!("the {message} of {peer} cannot be read: {fault}"), local, peer, None, &mend)
}

/// A connection that could not be opened, by what the transport says.
#[must_use]
pub fn not_reached(local: &Local, expected: &Expected, to: &str, words: &str, next: Duration) -> String {
    let (us, peer) = (&local.identity, &expected.identity);
    let lower = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let mend = if says(&["certificate", "tls"]) {
        format!(
            "Look at the certificates: each side must trust the other's issuer, and the certificate of {peer} must name \
             it; or write connect_to without \"tls:\" if {peer} has none"
        )
    } else if says(&["refused", "reset", "abort"]) {
        format!(
            "Nothing listens there with that transport: start {peer}, or correct connect_to = \"{to}\" in its [[peer]] \
             section at {us} (\"tcp:\", \"sctp:\" or \"tls:\" before the address, \":PORT\" behind it)"
        )
    } else if says(&["timed out", "timeout", "in time", "unreachable", "no route", "did not"]) {
        format!(
            "Nothing answers: look at the address and transport in connect_to = \"{to}\" of its [[peer]] section at \
             {us}, at the network and its firewalls (SCTP is IP protocol 132, or UDP 9899 where it is encapsulated), \
             and whether {peer} runs"
        )
    } else if says(&["name", "resolve", "lookup", "dns"]) {
        format!("Correct the name in connect_to = \"{to}\" of its [[peer]] section at {us}, or write its address")
    } else {
        format!("Look at connect_to = \"{to}\" of its [[peer]] section at {us}")
    };
    let seconds = next.as_secs_f64().ceil();
    let what = format!("{us} cannot reach {peer} at {to}: {words}; the next attempt comes in {seconds} s");
    paragraph(&what, local, peer, None, &mend)
}

/// The connection ended, or nothing came, where CEA was due.
#[must_use]
pub fn no_cea(local: &Local, peer: &str, words: &str) -> String {
    let us = &local.identity;
    let what = format!("{peer} has not answered the CER of {us}: {words}");
    let mend = format!(
        "Some nodes drop whom they do not know without a word: add {us} to the peers of {peer} with the address that it \
         comes from (in freeDiameter ConnectPeer = \"{us}\"); or something else than Diameter listens there, so look at \
         connect_to in its [[peer]] section at {us}"
    );
    paragraph(&what, local, peer, None, &mend)
}

/// The watchdog was not answered.
#[must_use]
pub fn silent(local: &Local, theirs: &Capabilities, watchdog: Duration) -> String {
    let (us, name) = (&local.identity, &theirs.identity);
    let what = format!(
        "{name} has said nothing in {} s, not even to DWR, and {us} has closed the connection",
        2 * watchdog.as_secs()
    );
    let mend = format!(
        "Look whether {name} still runs and the network carries; where answers only take long, raise tw in its [[peer]] \
         section at {us}"
    );
    paragraph(&what, local, name, Some(&theirs.applications), &mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::base::APPLICATION_RELAY;
    use crate::interfaces::{pc2, s6a};

    fn local() -> Local {
        Local { applications: vec![s6a::APPLICATION], ..Local::new("hss.example", "example", Vec::new()) }
    }

    fn theirs() -> Capabilities {
        let applications = vec![pc2::APPLICATION];
        Capabilities { identity: "as.other".into(), realm: "other".into(), applications, ..Default::default() }
    }

    fn expected() -> Expected {
        let addresses = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap()).to_vec();
        Expected { identity: "as.other".into(), realm: Some("other".into()), addresses }
    }

    const BOTH: &str = "hss.example advertises S6a (16777251); as.other advertises PC2 (16777350). ";
    const OURS: &str = "hss.example advertises S6a (16777251); as.other has not said what it advertises. ";

    /// Every paragraph as its reader sees it.
    #[test]
    fn every_refusal_is_a_paragraph_with_both_sides_and_the_line_to_change() {
        let (local, theirs, expected) = (local(), theirs(), expected());
        let from: IpAddr = "192.0.2.9".parse().unwrap();
        assert!(BOTH.contains(&list(&theirs.applications)), "{}", list(&theirs.applications));
        let refused = |code, why| refused_by(&local, "as.other", code, why, Some(&theirs.applications));
        for (text, what, sides, mend) in [
            (
                unknown_peer(&local, &theirs, from),
                "as.other is no peer of hss.example: it is in none of its [[peer]] sections. ",
                BOTH,
                "To let it in, add to the configuration of hss.example: [[peer]] identity = \"as.other\" addresses = \
                 [\"192.0.2.9\"]",
            ),
            (
                wrong_address(&local, &expected, &theirs, from),
                "as.other may not come from 192.0.2.9: its [[peer]] section at hss.example has the addresses \
                 192.0.2.1, 192.0.2.2. ",
                BOTH,
                "To let it in, add \"192.0.2.9\" to addresses there",
            ),
            (
                wrong_realm(&local, "elsewhere", &theirs),
                "as.other says its realm is other, its [[peer]] section at hss.example says elsewhere. ",
                BOTH,
                "If that is right, write realm = \"other\" there",
            ),
            (
                no_common_application(&local, &theirs),
                "hss.example and as.other have no application in common. ",
                BOTH,
                "What a node advertises follows from its role: give hss.example or as.other the role that the other \
                 expects ([ue], [mme], [hss], [function], [app_server], or [responder] for any application), or put a \
                 node with [relay] between them",
            ),
            (
                refused(3010, Some("I do not know you.")),
                "as.other refuses hss.example with DIAMETER_UNKNOWN_PEER and says: I do not know you. ",
                BOTH,
                "Add hss.example to the peers of as.other with the address that it comes from (here a [[peer]] with \
                 identity = \"hss.example\", in freeDiameter ConnectPeer = \"hss.example\"), or write the identity that \
                 as.other knows into identity at hss.example",
            ),
            (
                refused(5017, None),
                "as.other refuses hss.example with DIAMETER_NO_COMMON_SECURITY. ",
                BOTH,
                "as.other wants TLS: write connect_to = \"tls:ADDRESS\" into its [[peer]] section at hss.example, or \
                 allow as.other to go without (in freeDiameter No_TLS)",
            ),
            (
                refused(5012, None),
                "as.other refuses hss.example with DIAMETER_UNABLE_TO_COMPLY. ",
                BOTH,
                "The log of as.other says more; look at identity and realm at hss.example, which must be those that \
                 as.other expects, and whether it already has a connection with hss.example",
            ),
            (
                silent(&local, &theirs, Duration::from_secs(30)),
                "as.other has said nothing in 60 s, not even to DWR, and hss.example has closed the connection. ",
                BOTH,
                "Look whether as.other still runs and the network carries; where answers only take long, raise tw in \
                 its [[peer]] section at hss.example",
            ),
            (
                no_cea(&local, "as.other", "the connection was closed"),
                "as.other has not answered the CER of hss.example: the connection was closed. ",
                OURS,
                "Some nodes drop whom they do not know without a word: add hss.example to the peers of as.other with \
                 the address that it comes from (in freeDiameter ConnectPeer = \"hss.example\"); or something else than \
                 Diameter listens there, so look at connect_to in its [[peer]] section at hss.example",
            ),
        ] {
            assert_eq!(text, format!("{what}{sides}{mend}"));
        }
    }

    #[test]
    fn a_peer_that_is_not_reached_is_told_with_what_to_look_at() {
        let local = Local { applications: vec![APPLICATION_RELAY], ..local() };
        for (words, mend) in [
            ("Connection refused (os error 111)", "Nothing listens there with that transport: start as.other"),
            ("the peer did not answer within 10 s", "Nothing answers: look at the address and transport"),
            ("No route to host", "Nothing answers: look at the address and transport"),
            ("failed to lookup address information", "Correct the name in connect_to = \"tcp:192.0.2.1\""),
            ("invalid peer certificate: UnknownIssuer", "Look at the certificates"),
            ("too many open files", "Look at connect_to = \"tcp:192.0.2.1\" of its [[peer]] section at hss.example"),
        ] {
            let text = not_reached(&local, &expected(), "tcp:192.0.2.1", words, Duration::from_millis(29_200));
            let begins = format!(
                "hss.example cannot reach as.other at tcp:192.0.2.1: {words}; the next attempt comes in 30 s. \
                 hss.example advertises relay (4294967295); as.other has not said what it advertises. {mend}"
            );
            assert!(text.starts_with(&begins), "{text}\nshould begin\n{begins}");
        }
    }
}
