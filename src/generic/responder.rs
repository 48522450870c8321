//! A server of any application: it answers what it is asked, well formed, as its configuration says.
//!
//! An answer begins with the Session-Id of its request and ends with its Proxy-Info. Between them stand what an answer
//! repeats of its request, what the command's grammar wants besides, the result, the origin, and the AVPs configured.

mod config;

use std::collections::HashMap;
use std::time::Duration;

pub use config::{AnswerConfig, ApplicationConfig, AvpName, CommandName, ResponderConfig, ResultConfig};

use crate::avp::dictionary::{
    self, AccountingRecordNumber, AccountingRecordType, AcctApplicationId, AuthApplicationId, AuthSessionState,
    Definition, ExperimentalResult, OriginHost, OriginRealm, ProxyInfo, ResultCode, SessionId,
    VendorSpecificApplicationId, write_avp, write_raw, write_whole,
};
use crate::avp::format::Kind;
use crate::avp::{Avp, Avps, Key};
use crate::interfaces::{self, names};
use crate::message::check::{Strictness, check};
use crate::message::declare::finish_message;
use crate::message::header::VERSION;
use crate::message::{CommandFlags, HEADER_LENGTH, Header};
use crate::peer::answers;
use crate::registration::Identity;
use crate::registration::element::{Action, Element, Event, Now, Ticket, Token};

/// Answers that may be held back at a time.
const HELD_LIMIT: usize = 65_536;

/// Kinds of requests whose plan is kept.
const PLAN_LIMIT: usize = 1024;

/// What an answer repeats when its request has it: RFC 6733 sections 8 and 9, RFC 8506 section 3.2.
const REPEATED: [Key; 8] = [
    Key(AuthApplicationId::KEY),
    Key(AcctApplicationId::KEY),
    Key(VendorSpecificApplicationId::KEY),
    Key(AuthSessionState::KEY),
    Key(AccountingRecordType::KEY),
    Key(AccountingRecordNumber::KEY),
    Key::new(dictionary::IETF, 416), // CC-Request-Type
    Key::new(dictionary::IETF, 415), // CC-Request-Number
];

/// Answers every request of its applications.
#[derive(Debug)]
pub struct Responder {
    identity: Identity,
    config: ResponderConfig,
    applications: Vec<u32>,
    plans: HashMap<(u32, u32), Plan>,
    held: HashMap<Token, (Ticket, Vec<u8>)>,
    next: u64,
    answered: u64,
}

/// How requests of one command are answered.
#[derive(Clone, Debug)]
struct Plan {
    /// The answer has the E bit, and a grammar of its own.
    error: bool,
    /// AVPs that are repeated, where the request has them.
    repeated: Vec<Key>,
    /// AVPs that the grammar wants, for requests that have none to repeat.
    wanted: Vec<(Key, Vec<u8>)>,
    /// Result, origin, and what is configured: whole AVPs.
    fixed: Vec<u8>,
    delay: Duration,
}

impl Responder {
    /// A server that answers as `config` says.
    #[must_use]
    pub fn new(identity: Identity, config: ResponderConfig) -> Self {
        Self {
            applications: config.applications.iter().map(|application| application.id).collect(),
            identity,
            config,
            plans: HashMap::new(),
            held: HashMap::new(),
            next: 0,
            answered: 0,
        }
    }

    /// How many requests it has answered, refusals included.
    #[must_use]
    pub const fn answered(&self) -> u64 {
        self.answered
    }

    fn request(&mut self, ticket: Ticket, header: &Header, message: &[u8], actions: &mut Vec<Action>) {
        self.answered += 1;
        let Identity { host, realm } = &self.identity;
        if !self.config.any_command && names::command_name(header).is_none() {
            let words = format!("command {} is none of application {}", header.code, header.application);
            let code = ResultCode::DIAMETER_COMMAND_UNSUPPORTED;
            let message = answers::refuse(host, realm, message, header, code, &words);
            actions.push(Action::Answer { ticket, message });
            return;
        }
        let kind = (header.application, header.code);
        if !self.plans.contains_key(&kind) {
            if self.plans.len() >= PLAN_LIMIT {
                self.plans.clear();
            }
            let plan = self.plan(header);
            self.plans.insert(kind, plan);
        }
        let Some(plan) = self.plans.get(&kind) else { return };
        let command = self.config.strict.then(|| interfaces::command_of(header)).flatten();
        let answer = match (command, plan.answer(header, message)) {
            (None, Some(answer)) => Ok(answer),
            (command, answer) => {
                let faults = check(message, command, Strictness { unknown_mandatory: command.is_some() });
                match (faults.into_iter().next(), answer) {
                    (Some(fault), _) => Err(answers::refuse_fault(host, realm, message, header, &fault)),
                    (None, Some(answer)) => Ok(answer),
                    (None, None) => {
                        let code = ResultCode::DIAMETER_UNABLE_TO_COMPLY;
                        Err(answers::refuse(host, realm, message, header, code, "the request cannot be read"))
                    }
                }
            }
        };
        match answer {
            Ok(message) if plan.delay > Duration::ZERO => {
                if self.held.len() >= HELD_LIMIT {
                    let code = ResultCode::DIAMETER_TOO_BUSY;
                    let message =
                        answers::refuse(host, realm, &message, header, code, "too many answers are held back");
                    actions.push(Action::Answer { ticket, message });
                    return;
                }
                self.next += 1;
                let token = Token(self.next);
                actions.push(Action::SetTimer { token, after: plan.delay });
                self.held.insert(token, (ticket, message));
            }
            Ok(message) | Err(message) => actions.push(Action::Answer { ticket, message }),
        }
    }

    /// What is the same in all answers to a command.
    fn plan(&self, request: &Header) -> Plan {
        let own = self.config.answer.iter().find(|answer| {
            answer.command.is(request.code) && answer.application.is_none_or(|only| only.id == request.application)
        });
        let result = own.and_then(|own| own.result).unwrap_or(self.config.result);
        let mut fixed = Vec::new();
        match result {
            ResultConfig::Result(code) => write_avp::<ResultCode>(&code, &mut fixed),
            ResultConfig::Experimental { vendor, code } => {
                let group = dictionary::group::ExperimentalResult {
                    vendor_id: vendor,
                    experimental_result_code: code,
                    extra: Vec::new(),
                };
                write_avp::<ExperimentalResult>(&group, &mut fixed);
            }
        }
        write_avp::<OriginHost>(&self.identity.host.as_str(), &mut fixed);
        write_avp::<OriginRealm>(&self.identity.realm.as_str(), &mut fixed);
        let error = matches!(result, ResultConfig::Result(3000..=3999));
        let configured = own.map(|own| own.avps.as_slice()).unwrap_or_default();
        fixed.extend_from_slice(configured);
        // What is configured stands for what would be repeated or made up.
        let given = |key: Key| {
            let mine = [SessionId::KEY, OriginHost::KEY, OriginRealm::KEY, ResultCode::KEY, ProxyInfo::KEY];
            mine.contains(&key.0)
                || key.0 == ExperimentalResult::KEY
                || Avps::new(configured).map_while(Result::ok).any(|avp| avp.key == key)
        };
        let copied = own.map(|own| own.copy.as_slice()).unwrap_or_default();
        let mut repeated: Vec<Key> = copied.iter().chain(&self.config.copy).map(|name| name.0).collect();
        let mut wanted = Vec::new();
        if !error {
            let grammar = interfaces::command(request.application, request.code, false).map(|command| command.members);
            let named = |key: Key| grammar.is_none_or(|members| members.iter().any(|member| member.key == key));
            repeated.extend(REPEATED.into_iter().filter(|key| named(*key) && !given(*key)));
            for member in grammar.unwrap_or_default() {
                if member.least > 0 && !given(member.key) {
                    let mut avp = Vec::new();
                    self.write_wanted(member.definition, &mut avp);
                    wanted.push((member.key, avp));
                    repeated.push(member.key);
                }
            }
        }
        repeated.sort_unstable();
        repeated.dedup();
        let delay = own.and_then(|own| own.delay).unwrap_or(self.config.delay);
        Plan { error, repeated, wanted, fixed, delay }
    }

    /// An AVP that a grammar wants and nobody gives: the least that fits it.
    fn write_wanted(&self, definition: &'static Definition, out: &mut Vec<u8>) {
        if definition.key.0 == AuthSessionState::KEY {
            write_avp::<AuthSessionState>(&AuthSessionState::NO_STATE_MAINTAINED, out);
            return;
        }
        let mut data = Vec::new();
        match definition.kind {
            Kind::Grouped => {
                for member in definition.members.iter().filter(|member| member.least > 0) {
                    self.write_wanted(member.definition, &mut data);
                }
            }
            Kind::DiameterIdentity => data.extend_from_slice(self.identity.host.as_bytes()),
            Kind::DiameterURI => data.extend_from_slice(format!("aaa://{}", self.identity.host).as_bytes()),
            kind => data.extend_from_slice(kind.sample()),
        }
        write_raw(definition.key, definition.flags(), &data, out);
    }
}

impl Plan {
    /// The whole answer; `None` when the request's AVPs cannot be told from each other.
    fn answer(&self, request: &Header, message: &[u8]) -> Option<Vec<u8>> {
        let body = message.get(HEADER_LENGTH..)?;
        let error = if self.error { CommandFlags::ERROR } else { 0 };
        let flags = CommandFlags((request.flags.0 & CommandFlags::PROXIABLE) | error);
        let header = Header { version: VERSION, length: 0, flags, ..*request };
        let mut out = Vec::with_capacity(HEADER_LENGTH + self.fixed.len() + 256);
        out.extend_from_slice(&header.to_bytes());
        let (mut session, mut proxied, mut found) = (None, false, 0_u64);
        // Session-Id stands first in nearly every request; where it does not, it still does in the answer.
        for avp in Avps::new(body) {
            let avp: Avp<'_> = avp.ok()?;
            match avp.key.0 {
                SessionId::KEY if session.is_none() => {
                    session = Some(());
                    let at = out.len();
                    write_whole(&avp, &mut out);
                    let length = out.len() - at;
                    if let Some(behind) = out.get_mut(HEADER_LENGTH..) {
                        behind.rotate_right(length);
                    }
                }
                ProxyInfo::KEY => proxied = true,
                _ => {
                    if let Ok(at) = self.repeated.binary_search(&avp.key) {
                        found |= 1 << (at & 63);
                        write_whole(&avp, &mut out);
                    }
                }
            }
        }
        for (key, avp) in &self.wanted {
            if self.repeated.binary_search(key).is_ok_and(|at| found & (1 << (at & 63)) == 0) {
                out.extend_from_slice(avp);
            }
        }
        out.extend_from_slice(&self.fixed);
        if proxied {
            for avp in Avps::new(body).map_while(Result::ok).filter(|avp| avp.key.0 == ProxyInfo::KEY) {
                write_whole(&avp, &mut out);
            }
        }
        finish_message(0, &mut out);
        Some(out)
    }
}

impl Element for Responder {
    fn applications(&self) -> &[u32] {
        &self.applications
    }

    fn vendor_of(&self, application: u32) -> Option<u32> {
        self.config.applications.iter().find(|known| known.id == application)?.vendor
    }

    fn takes_any_command(&self) -> bool {
        // Those that have a name but no grammar come so too; what has neither is refused here.
        true
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, header, message, .. } => self.request(ticket, &header, message, actions),
            Event::Timer { token } => {
                if let Some((ticket, message)) = self.held.remove(&token) {
                    actions.push(Action::Answer { ticket, message });
                }
            }
            Event::Answer { .. } | Event::Undelivered { .. } | Event::Stored { .. } | Event::Authenticated { .. } => {}
        }
    }
}
