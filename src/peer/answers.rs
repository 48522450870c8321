//! Answers that a node gives without asking an application: protocol errors and other refusals. RFC 6733 section 7.

use crate::avp::dictionary::{
    self, ErrorMessage, FailedAvp, OriginHost, OriginRealm, ProxyInfo, ResultCode, SessionId, write_avp, write_raw,
};
use crate::avp::{Avps, Fault, FaultKind};
use crate::interfaces;
use crate::message::declare::finish_message;
use crate::message::{CommandFlags, HEADER_LENGTH, Header, find};

/// Builds the answer to `request` (its octets may be broken in any way behind the header) from a Result-Code and words
/// for the operator of the peer. The E flag stands with 3xxx, which are protocol errors; Session-Id and Proxy-Info are
/// those of the request.
#[must_use]
pub fn refuse(identity: &str, realm: &str, request: &[u8], header: &Header, code: u32, words: &str) -> Vec<u8> {
    build(identity, realm, request, header, code, words, &[])
}

/// Builds the answer to a request that has this fault, with its Failed-AVP.
#[must_use]
pub fn refuse_fault(identity: &str, realm: &str, request: &[u8], header: &Header, fault: &Fault) -> Vec<u8> {
    build(identity, realm, request, header, fault.result_code(), &fault.to_string(), &fault.failed)
}

fn build(
    identity: &str,
    realm: &str,
    request: &[u8],
    header: &Header,
    code: u32,
    words: &str,
    failed: &[u8],
) -> Vec<u8> {
    let error = if code / 1000 == 3 { CommandFlags::ERROR } else { 0 };
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
    write_avp::<OriginHost>(&identity, &mut out);
    write_avp::<OriginRealm>(&realm, &mut out);
    write_avp::<ResultCode>(&code, &mut out);
    write_avp::<ErrorMessage>(&words, &mut out);
    if !failed.is_empty() {
        let definition = <FailedAvp as dictionary::Declared>::DEFINITION;
        write_raw(definition.key, definition.flags(), failed, &mut out);
    }
    for avp in body.map_while(Result::ok).filter(|avp| avp.key.0 == ProxyInfo::KEY) {
        dictionary::write_whole(&avp, &mut out);
    }
    finish_message(0, &mut out);
    out
}

/// What is wrong with the header of a message that came from an open peer; the AVPs are the application's to judge.
/// `advertised` says whether this node takes part in an application.
#[must_use]
pub fn judge_header(message: &[u8], header: &Header, advertised: impl Fn(u32) -> bool) -> Option<Fault> {
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
    if !base && !advertised(header.application) {
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
