//! Answers that a node gives without asking an application: protocol errors and other refusals. RFC 6733 section 7.

use super::capabilities::Local;
use crate::avp::dictionary::{
    self, ErrorMessage, ErrorReportingHost, FailedAvp, OriginHost, OriginRealm, ProxyHost, ProxyInfo, ResultCode,
    SessionId, write_avp, write_raw,
};
use crate::avp::{Avp, Avps, Fault, FaultKind};
use crate::interfaces;
use crate::message::declare::finish_message;
use crate::message::{CommandFlags, HEADER_LENGTH, Header, find};

/// Builds the answer to `request` (its octets may be broken in any way behind the header) from a Result-Code and words
/// for the operator of the peer. The E flag stands with 3xxx, which are protocol errors; Session-Id and Proxy-Info are
/// those of the request.
#[must_use]
pub fn refuse(identity: &str, realm: &str, request: &[u8], header: &Header, code: u32, words: &str) -> Vec<u8> {
    build(&Parts { identity, realm, code, words, failed: &[], reporting: false, own_proxy: false }, request, header)
}

/// Builds the answer to a request that has this fault, with its Failed-AVP.
#[must_use]
pub fn refuse_fault(identity: &str, realm: &str, request: &[u8], header: &Header, fault: &Fault) -> Vec<u8> {
    let (code, words) = (fault.result_code(), fault.to_string());
    let parts =
        Parts { identity, realm, code, words: &words, failed: &fault.failed, reporting: false, own_proxy: false };
    build(&parts, request, header)
}

/// As [`refuse`], from an agent: with Error-Reporting-Host. `own_proxy`: the last Proxy-Info of the request that names
/// this agent is its own, and stays out of the answer.
#[must_use]
pub fn refuse_as_agent(
    (identity, realm): (&str, &str),
    request: &[u8],
    header: &Header,
    code: u32,
    words: &str,
    own_proxy: bool,
) -> Vec<u8> {
    build(&Parts { identity, realm, code, words, failed: &[], reporting: true, own_proxy }, request, header)
}

/// What an answer is made of.
struct Parts<'a> {
    identity: &'a str,
    realm: &'a str,
    code: u32,
    words: &'a str,
    failed: &'a [u8],
    reporting: bool,
    own_proxy: bool,
}

fn build(parts: &Parts<'_>, request: &[u8], header: &Header) -> Vec<u8> {
    let error = if parts.code / 1000 == 3 { CommandFlags::ERROR } else { 0 };
    let answer = Header {
        version: crate::message::header::VERSION,
        length: 0,
        flags: CommandFlags((header.flags.0 & CommandFlags::PROXIABLE) | error),
        ..*header
    };
    let body = Avps::new(request.get(HEADER_LENGTH..).unwrap_or_default());
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&answer.to_bytes());
    if let Some(session) = find::<SessionId>(body) {
        write_avp::<SessionId>(&session, &mut out);
    }
    write_avp::<OriginHost>(&parts.identity, &mut out);
    write_avp::<OriginRealm>(&parts.realm, &mut out);
    write_avp::<ResultCode>(&parts.code, &mut out);
    write_avp::<ErrorMessage>(&parts.words, &mut out);
    if parts.reporting {
        write_avp::<ErrorReportingHost>(&parts.identity, &mut out);
    }
    if !parts.failed.is_empty() {
        let definition = <FailedAvp as dictionary::Declared>::DEFINITION;
        write_raw(definition.key, definition.flags(), parts.failed, &mut out);
    }
    let proxies = || body.map_while(Result::ok).filter(|avp| avp.key.0 == ProxyInfo::KEY);
    let own = |avp: &Avp<'_>| find::<ProxyHost>(avp.members()).is_some_and(|host| same(host, parts.identity));
    let ours = proxies().enumerate().filter(|(_, avp)| parts.own_proxy && own(avp)).last().map(|(at, _)| at);
    for (_, avp) in proxies().enumerate().filter(|(at, _)| Some(*at) != ours) {
        dictionary::write_whole(&avp, &mut out);
    }
    finish_message(0, &mut out);
    out
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// What is wrong with the header of a message that came from an open peer; the AVPs are the application's to judge. To an
/// agent every command is as good as another, as long as it may be forwarded.
#[must_use]
pub fn judge_header(message: &[u8], header: &Header, local: &Local) -> Option<Fault> {
    let fault = |kind| Some(Fault::of_header(kind));
    if header.version != crate::message::header::VERSION {
        return fault(FaultKind::UnsupportedVersion(header.version));
    }
    let stated = header.length as usize;
    if stated < HEADER_LENGTH || !stated.is_multiple_of(4) || stated != message.len() {
        return fault(FaultKind::MessageLength { stated, present: message.len() });
    }
    if header.flags.has_reserved() {
        return fault(FaultKind::ReservedBits(header.flags.0 & CommandFlags::RESERVED));
    }
    if header.flags.is_contradictory() {
        return fault(FaultKind::ContradictoryFlags("a request has the E bit, which belongs to answers"));
    }
    if !header.is_request() {
        return None;
    }
    let base = header.application == interfaces::base::APPLICATION;
    if !base && local.is_agent() {
        return None;
    }
    if !base && !local.serves(header.application) {
        return fault(FaultKind::UnknownApplication(header.application));
    }
    match interfaces::command_of(header) {
        None => fault(FaultKind::UnknownCommand(header.code)),
        Some(command) if command.proxiable != header.flags.is_proxiable() => {
            fault(FaultKind::ContradictoryFlags(if command.proxiable {
                "the P bit is clear in a request whose command is proxiable"
            } else {
                "the P bit is set in a request whose command is not proxiable"
            }))
        }
        Some(_) => None,
    }
}
