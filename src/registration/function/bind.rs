//! Message 2: an app server binds a user to a UE. Requirements F-2, F-3 and F-5.

use super::{After, AppServerPeer, Function, Job, Step, Stop, seconds};
use crate::avp::Fault;
use crate::avp::dictionary::{
    ExperimentalResultCode, OriginAppLayerUserId, Pduid as PduidAvp, ProseAppId, ProseFunctionAddress, ProseFunctionId,
    ProseRequestType, RefusalCause, ResultCode, private,
};
use crate::interfaces::pc2;
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::{Action, Now, Report};
use crate::registration::exchange::{address_avps, failure, report};
use crate::registration::identifiers::{FunctionAddress, Id2, Pduid};
use crate::registration::reply::{Asked, Outcome, bad_value, required};
use crate::store::{Binding, ContextReader, Stored, UeState};

type Request<'a> = pc2::ProXimityApplicationRequest<'a>;

/// Message 2 as far as it can be read.
struct Wish {
    id1: Pduid,
    id2: Id2,
    application: Box<str>,
}

impl Wish {
    fn read(request: &Request<'_>, message: &[u8]) -> Result<Self, Fault> {
        let id1 = required::<PduidAvp>(&request.extra, message)?;
        let id1 = Pduid::from_octets(id1).map_err(|_| bad_value::<PduidAvp>(message, "PDUID of 8 octets"))?;
        let id2 = required::<OriginAppLayerUserId>(&request.extra, message)?;
        let id2 = Id2::new(id2).map_err(|_| bad_value::<OriginAppLayerUserId>(message, "ID2 of 1 to 1024 octets"))?;
        let application = required::<ProseAppId>(&request.extra, message)?.into();
        Ok(Self { id1, id2, application })
    }
}

impl<R: ContextReader> Function<R> {
    /// XAR, by its ProSe-Request-Type.
    pub(super) fn application_request(
        &mut self,
        now: Now,
        asked: Asked,
        found: Option<Box<Stored>>,
        actions: &mut Vec<Action>,
    ) {
        let request = match Request::decode(&asked.message) {
            Ok(request) => request,
            Err(faults) => return asked.refuse(&self.identity, &faults, actions),
        };
        match request.prose_request_type {
            private::REQUEST_TYPE_BIND_USER => {
                drop(request);
                self.run(now, Job::Bind(asked, found), 0, actions);
            }
            ProseRequestType::AUTHORIZATION_UPDATE => self.authorization_update(now, &asked, &request, actions),
            _ => {
                let fault = bad_value::<ProseRequestType>(&asked.message, "ProSe-Request-Type of XAR");
                asked.refuse(&self.identity, &[fault], actions);
            }
        }
    }

    /// `found`: the context that ID1 has just led to.
    pub(super) fn bind(
        &mut self,
        now: Now,
        asked: &Asked,
        found: Option<Stored>,
        actions: &mut Vec<Action>,
    ) -> Result<Step, Stop> {
        let message = asked.message.as_slice();
        let wish = Request::decode(message).and_then(|request| {
            let origin = (request.origin_host, request.origin_realm);
            let wish = Wish::read(&request, message).map_err(|fault| vec![fault])?;
            Ok((wish, origin))
        });
        let (wish, (host, realm)) = match wish {
            Ok(wish) => wish,
            Err(faults) => {
                if let Some(fault) = faults.first() {
                    failure(actions, "F-2", format!("message 2 refused: {fault}"));
                }
                asked.refuse(&self.identity, &faults, actions);
                return Ok(Step::Over);
            }
        };
        let Some(server) = self.app_server(&asked.sender.peer).filter(|_| same_host(host, &asked.sender.peer)) else {
            let why = format!("{host} is no app server of this function");
            failure(actions, "F-2", format!("message 2 refused: {why}"));
            asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
            return Ok(Step::Over);
        };
        let stored = match found {
            Some(found) => Some(found),
            None => self.reader.get_by_id1(wish.id1)?,
        };
        let stored = match self.judge(now, &wish, server, stored) {
            Ok(stored) => stored,
            Err(Verdict::Refused(why)) => {
                let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_APP_REGISTER_REJECT);
                failure(actions, "F-2", format!("message 2 refused: {why}; nothing is recorded"));
                asked.reply(&self.identity, outcome).because(why).send(actions);
                return Ok(Step::Over);
            }
            Err(Verdict::Moving(to)) => {
                self.refuse_moving(asked, &to, actions);
                return Ok(Step::Over);
            }
        };
        let binding = Binding {
            application: wish.application.clone(),
            app_server_host: host.into(),
            app_server_realm: realm.into(),
            id2: wish.id2.clone(),
            bound_at: seconds(now),
            update_pending: false,
        };
        let mut context = stored.context.clone();
        let success = asked.reply(&self.identity, Outcome::SUCCESS).action();
        let count = context.bindings.len();
        let known = context.bindings.iter_mut().find(|known| known.application == wish.application);
        let replaced = match known {
            Some(known) if known.id2 == wish.id2 && same_host(&known.app_server_host, host) => {
                report(actions, "F-5", format!("ID2 {} is bound to ID1 {} already", wish.id2, wish.id1));
                actions.push(success);
                return Ok(Step::Over);
            }
            Some(known) => Some(std::mem::replace(known, binding)),
            None if count >= self.config.most_bindings => {
                failure(actions, "F-2", format!("ID1 {} has {count} bindings", wish.id1));
                let outcome = Outcome::Result(ResultCode::DIAMETER_RESOURCES_EXCEEDED);
                asked.reply(&self.identity, outcome).send(actions);
                return Ok(Step::Over);
            }
            None => {
                context.bindings.push(binding);
                None
            }
        };
        let mut held = Vec::with_capacity(3);
        let mut tell = |step, text| held.push(Action::Report(Report { step, text, failure: false }));
        let mut farewells = Vec::new();
        let mut writes = Vec::with_capacity(2);
        if let Some(replaced) = replaced {
            let text = format!("ID2 {} takes the place of {} on ID1 {}", wish.id2, replaced.id2, wish.id1);
            tell("F-5", text);
            // The app server that asks has replaced its user itself.
            if !same_host(&replaced.app_server_host, host) {
                let (write, told) = self.farewell(now, context.imsi, context.id1.id1, &replaced);
                writes.push(write);
                farewells.push(told);
            }
        }
        tell("F-3", format!("ID2 {} is recorded for ID1 {} in {}", wish.id2, wish.id1, wish.application));
        tell("message 3", format!("success to {host}"));
        held.push(success);
        let imsi = context.imsi;
        writes.insert(0, self.put(context, Some(&stored), stored.expires_at));
        let after = match farewells.is_empty() {
            true => After::Nothing,
            false => After::Parted { imsi, gone: false, purge: None, farewells },
        };
        Ok(Step::Write { writes, held, after })
    }

    /// Requirement F-2: known, unexpired, registered, subscription still allows, application allowed.
    fn judge(&self, now: Now, wish: &Wish, server: &AppServerPeer, stored: Option<Stored>) -> Result<Stored, Verdict> {
        let Some(stored) = stored else { return Err(Verdict::Refused("ID1 is unknown")) };
        let context = &stored.context;
        match &context.state {
            UeState::Registered => {}
            UeState::Moving { to, .. } | UeState::Moved { to, .. } => return Err(Verdict::Moving(to.clone())),
        }
        if context.grant(wish.id1).is_none_or(|grant| grant.valid_until <= seconds(now)) {
            return Err(Verdict::Refused("ID1 has expired"));
        }
        if context.subscription.permission & self.config.services == 0 {
            return Err(Verdict::Refused("the subscription allows ProSe no longer"));
        }
        if !server.applications.iter().any(|application| **application == *wish.application) {
            return Err(Verdict::Refused("the application is not allowed for this app server"));
        }
        Ok(stored)
    }

    /// Requirement F-6: try again, at the function named.
    fn refuse_moving(&self, asked: &Asked, to: &FunctionAddress, actions: &mut Vec<Action>) {
        let (name, address) = address_avps(to);
        failure(actions, "F-6", format!("message 2 refused: the UE moves to {to}"));
        asked
            .reply(&self.identity, Outcome::MOVING)
            .with_option::<ProseFunctionId>(name.as_ref())
            .with_option::<ProseFunctionAddress>(address.as_ref())
            .with::<RefusalCause>(&RefusalCause::MOVING)
            .because(&format!("the UE moves to {to}: try again there"))
            .send(actions);
    }

    fn app_server(&self, host: &str) -> Option<&AppServerPeer> {
        self.config.app_servers.iter().find(|server| same_host(&server.host, host))
    }
}

enum Verdict {
    Refused(&'static str),
    Moving(FunctionAddress),
}
