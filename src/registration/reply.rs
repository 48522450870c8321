//! Answers: how they are put together, and what one from elsewhere says.
//!
//! All commands of the procedure answer alike (Session-Id, application, state, origin, result, then their own AVPs), so
//! one builder makes every answer, good or bad, and repeats Proxy-Info as RFC 6733 section 6.2 asks.

use std::fmt;

use super::config::Identity;
use super::element::{Action, NoAnswer, Sender, Ticket};
use super::exchange::{NO_STATE, OWN, vendor_specific};
use super::identifiers::FunctionAddress;
use crate::avp::dictionary::group::ExperimentalResult as ExperimentalResultGroup;
use crate::avp::dictionary::{
    AuthApplicationId, AuthSessionState, Declared, ErrorMessage, ExperimentalResult, FailedAvp, OldPduid,
    OriginAppLayerUserId, OriginHost, OriginRealm, Pduid, ProseAppId, ProseRequestType, ProxyInfo, ResultCode,
    SessionId, TGPP, VendorSpecificApplicationId, private, write_avp, write_raw,
};
use crate::avp::{Address, Avp, Avps, Fault, FaultKind, Key, fault};
use crate::interfaces::pc2;
use crate::message::declare::finish_message;
use crate::message::header::VERSION;
use crate::message::{CommandFlags, HEADER_LENGTH, Header, find};

/// A request that will be answered, now or later.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub ticket: Ticket,
    pub sender: Sender,
    pub header: Header,
    pub message: Vec<u8>,
}

impl Asked {
    /// Begins the answer.
    pub fn reply(&self, identity: &Identity, outcome: Outcome) -> Reply<'_> {
        Reply::new(identity, self, outcome)
    }

    /// Answers that the request has faults: the code of the first, and its Failed-AVP. RFC 6733 section 7.5.
    pub fn refuse(&self, identity: &Identity, faults: &[Fault], actions: &mut Vec<Action>) {
        let reply = match faults.first() {
            Some(fault) => self.reply(identity, Outcome::Result(fault.result_code())).fault(fault),
            None => self.reply(identity, Outcome::UNABLE_TO_COMPLY),
        };
        reply.send(actions);
    }

    /// Answers a request whose application or command the element does not serve.
    pub fn unknown(&self, identity: &Identity, applications: &[u32], actions: &mut Vec<Action>) {
        let kind = if applications.contains(&self.header.application) {
            FaultKind::UnknownCommand(self.header.code)
        } else {
            FaultKind::UnknownApplication(self.header.application)
        };
        self.refuse(identity, &[Fault::of_header(kind)], actions);
    }
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Result-Code.
    Result(u32),
    /// Experimental-Result.
    Experimental { vendor: u32, code: u32 },
}

impl Outcome {
    pub const SUCCESS: Self = Self::Result(ResultCode::DIAMETER_SUCCESS);
    pub const UNABLE_TO_COMPLY: Self = Self::Result(ResultCode::DIAMETER_UNABLE_TO_COMPLY);
    pub const UNABLE_TO_DELIVER: Self = Self::Result(ResultCode::DIAMETER_UNABLE_TO_DELIVER);
    pub const TOO_BUSY: Self = Self::Result(ResultCode::DIAMETER_TOO_BUSY);
    pub const REJECTED: Self = Self::Result(ResultCode::DIAMETER_AUTHORIZATION_REJECTED);
    /// A UE is between two functions: try again, there.
    pub const MOVING: Self = Self::Experimental { vendor: OWN, code: private::EXPERIMENTAL_UE_MOVING };

    /// An Experimental-Result-Code of 3GPP.
    pub const fn tgpp(code: u32) -> Self {
        Self::Experimental { vendor: TGPP, code }
    }

    /// What an answer says; `None` when it says nothing.
    pub fn of(answer: &[u8]) -> Option<Self> {
        let body = body(answer);
        find::<ResultCode>(body).map(Self::Result).or_else(|| {
            find::<ExperimentalResult>(body)
                .map(|result| Self::Experimental { vendor: result.vendor_id, code: result.experimental_result_code })
        })
    }

    /// What an answer says, or the lack of one; an answer that says nothing is as good as none.
    pub fn of_result(result: Result<&[u8], NoAnswer>) -> Self {
        match result {
            Ok(answer) => Self::of(answer).unwrap_or(Self::UNABLE_TO_COMPLY),
            Err(NoAnswer::Unreachable) => Self::UNABLE_TO_DELIVER,
            Err(NoAnswer::Timeout) => Self::UNABLE_TO_COMPLY,
        }
    }

    pub const fn code(self) -> u32 {
        match self {
            Self::Result(code) | Self::Experimental { code, .. } => code,
        }
    }

    pub const fn is_success(self) -> bool {
        matches!(self, Self::Result(2000..=2999))
    }

    /// Whether the same request may go well later: a protocol error or a transient failure.
    pub const fn is_transient(self) -> bool {
        matches!(self.code() / 1000, 3 | 4)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::avp::dictionary::ExperimentalResultCode;
        let (definition, code, lead) = match self {
            Self::Result(code) => (ResultCode::DEFINITION, *code, ""),
            Self::Experimental { vendor: TGPP, code } => (ExperimentalResultCode::DEFINITION, *code, "experimental "),
            Self::Experimental { vendor, code } => return write!(f, "experimental {code} of vendor {vendor}"),
        };
        match definition.value_name(i64::from(code)) {
            Some(name) => write!(f, "{lead}{code} {name}"),
            None => write!(f, "{lead}{code}"),
        }
    }
}

/// Why no answer came, in words.
pub(super) const fn silence(why: NoAnswer) -> &'static str {
    match why {
        NoAnswer::Unreachable => "no peer leads there",
        NoAnswer::Timeout => "no answer in time",
    }
}

/// An answer in the making.
#[derive(Debug)]
#[must_use]
pub(super) struct Reply<'q> {
    asked: &'q Asked,
    out: Vec<u8>,
    error: bool,
}

impl<'q> Reply<'q> {
    fn new(identity: &Identity, asked: &'q Asked, outcome: Outcome) -> Self {
        let application = asked.header.application;
        let is_pc2 = [pc2::APPLICATION, pc2::APPLICATION_FIRST].contains(&application);
        let request = body(&asked.message);
        // Both answers of PC2 must repeat ProSe-Request-Type; where there is none to repeat, the answer follows the
        // grammar of errors instead, as RFC 6733 section 7.1.5 allows.
        let request_type = if is_pc2 { find::<ProseRequestType>(request) } else { None };
        let error = matches!(outcome, Outcome::Result(3000..=3999)) || (is_pc2 && request_type.is_none());
        let mut out = Vec::with_capacity(512);
        out.resize(HEADER_LENGTH, 0);
        if let Some(session) = find::<SessionId>(request) {
            write_avp::<SessionId>(&session, &mut out);
        }
        if !error {
            if is_pc2 {
                write_avp::<AuthApplicationId>(&application, &mut out);
            } else {
                write_avp::<VendorSpecificApplicationId>(&vendor_specific(application), &mut out);
            }
            write_avp::<AuthSessionState>(&NO_STATE, &mut out);
        }
        write_avp::<OriginHost>(&identity.host.as_str(), &mut out);
        write_avp::<OriginRealm>(&identity.realm.as_str(), &mut out);
        match outcome {
            Outcome::Result(code) => write_avp::<ResultCode>(&code, &mut out),
            Outcome::Experimental { vendor, code } => {
                // The grammar of errors wants a Result-Code beside it; a plain answer has one of the two.
                if error {
                    write_avp::<ResultCode>(&ResultCode::DIAMETER_UNABLE_TO_COMPLY, &mut out);
                }
                let group =
                    ExperimentalResultGroup { vendor_id: vendor, experimental_result_code: code, extra: Vec::new() };
                write_avp::<ExperimentalResult>(&group, &mut out);
            }
        }
        if let Some(request_type) = request_type {
            write_avp::<ProseRequestType>(&request_type, &mut out);
        }
        Self { asked, out, error }
    }

    /// Adds an AVP.
    pub fn with<A: Declared>(mut self, value: &A::Value<'_>) -> Self {
        write_avp::<A>(value, &mut self.out);
        self
    }

    /// Adds an AVP when there is a value.
    pub fn with_option<A: Declared>(self, value: Option<&A::Value<'_>>) -> Self {
        match value {
            Some(value) => self.with::<A>(value),
            None => self,
        }
    }

    /// Adds a sentence for the people at the other end.
    pub fn because(self, why: &str) -> Self {
        self.with::<ErrorMessage>(&why)
    }

    /// Adds what a fault says: its sentence and its Failed-AVP.
    pub fn fault(self, fault: &Fault) -> Self {
        let mut reply = self.because(&fault.to_string());
        if !fault.failed.is_empty() {
            let definition = FailedAvp::DEFINITION;
            write_raw(definition.key, definition.flags(), &fault.failed, &mut reply.out);
        }
        reply
    }

    /// The whole answer as an action.
    #[must_use]
    pub fn action(mut self) -> Action {
        for avp in body(&self.asked.message).map_while(Result::ok).filter(|avp| avp.key.0 == ProxyInfo::KEY) {
            write_raw(avp.key, avp.flags, avp.data, &mut self.out);
        }
        let asked = &self.asked.header;
        let proxiable = asked.flags.0 & CommandFlags::PROXIABLE;
        let error = if self.error { CommandFlags::ERROR } else { 0 };
        let header =
            Header { version: VERSION, length: 0, flags: CommandFlags(proxiable | error), ..*asked }.to_bytes();
        if let Some(head) = self.out.first_chunk_mut() {
            *head = header;
        }
        finish_message(0, &mut self.out);
        Action::Answer { ticket: self.asked.ticket, message: self.out }
    }

    /// Answers.
    pub fn send(self, actions: &mut Vec<Action>) {
        actions.push(self.action());
    }
}

/// The AVPs of a message.
pub(super) fn body(message: &[u8]) -> Avps<'_> {
    Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default())
}

/// A fault of the first AVP `key` of a message, with its place and its copy for Failed-AVP.
pub(super) fn fault_of(message: &[u8], key: Key, kind: FaultKind) -> Fault {
    let mut walk = body(message);
    loop {
        let offset = message.len().saturating_sub(walk.rest().len());
        match walk.next() {
            Some(Ok(avp)) if avp.key == key => {
                return Fault { kind, path: vec![key], offset, failed: fault::copy_of(&avp) };
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Fault { kind, path: vec![key], offset: 0, failed: Vec::new() },
        }
    }
}

/// The fault that an AVP of `message` has a value of no use. 5004.
pub(super) fn bad_value<A: Declared>(message: &[u8], expected: &'static str) -> Fault {
    fault_of(message, A::DEFINITION.key, FaultKind::BadValue { expected })
}

/// The fault that an AVP which the procedure needs is absent. 5005.
pub(super) fn missing<A: Declared>() -> Fault {
    let mut fault = fault::missing(None, A::DEFINITION, HEADER_LENGTH);
    // The sample has zeroes of the least length (RFC 6733 section 7.5); that of an identifier the format cannot tell.
    let least = match A::DEFINITION.key.0 {
        Pduid::KEY | OldPduid::KEY => 8,
        OriginAppLayerUserId::KEY | ProseAppId::KEY => 1,
        _ => return fault,
    };
    fault.failed.clear();
    write_raw(A::DEFINITION.key, A::DEFINITION.flags(), &[0; 8][..least], &mut fault.failed);
    fault
}

/// The one AVP of its kind among those that a grammar does not name.
pub(super) fn optional<'a, A: Declared>(extra: &[Avp<'a>], message: &[u8]) -> Result<Option<A::Value<'a>>, Fault> {
    let key = A::DEFINITION.key;
    let mut found = extra.iter().filter(|avp| avp.key == key);
    let Some(avp) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(fault_of(message, key, FaultKind::TooMany { most: 1 }));
    }
    A::read(avp.data).map(Some).ok_or_else(|| bad_value::<A>(message, A::DEFINITION.kind.name()))
}

/// [`optional`] for an AVP that the procedure needs.
pub(super) fn required<'a, A: Declared>(extra: &[Avp<'a>], message: &[u8]) -> Result<A::Value<'a>, Fault> {
    optional::<A>(extra, message)?.ok_or_else(missing::<A>)
}

/// ID3 or ID5 from the two AVPs one of which may carry it.
pub(super) fn address_of<N: Declared, A: Declared>(
    message: &[u8],
    name: Option<&[u8]>,
    address: Option<Address<'_>>,
) -> Result<Option<FunctionAddress>, Fault> {
    match (name, address) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(fault_of(message, A::DEFINITION.key, FaultKind::NotAllowed)),
        (Some(name), None) => FunctionAddress::from_name_octets(name)
            .map(Some)
            .map_err(|_| bad_value::<N>(message, "fully qualified domain name")),
        (None, Some(address)) => match address.ip() {
            Some(ip) => Ok(Some(FunctionAddress::from(ip))),
            None => Err(bad_value::<A>(message, "IPv4 or IPv6 address")),
        },
    }
}
