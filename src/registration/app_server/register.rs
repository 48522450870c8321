//! Messages 1 to 4: a user registers with a UE.

use super::authenticate::{Claim, NotProved, Pledge};
use super::{AppServer, Job, Step, Waiting, seconds};
use crate::avp::dictionary::{
    ErrorMessage, OriginAppLayerUserId, OriginHost, OriginRealm, Pduid as PduidAvp, ProofNonce, ProofTime, ProseAppId,
    ProseFunctionAddress, ProseFunctionId, RefusalCause, ResultCode, UserCredential, UserCredentialType, private,
    write_avp,
};
use crate::avp::{Avps, Fault};
use crate::interfaces::{pc2, pc3};
use crate::message::{Command, find};
use crate::registration::config::same_host;
use crate::registration::credential::SIGNATURE_OCTETS;
use crate::registration::element::{Action, Destination, NoAnswer, Now, Report};
use crate::registration::exchange::{NO_STATE, failure, report, send};
use crate::registration::identifiers::{FunctionAddress, Id2, Pduid, PlmnId};
use crate::registration::reply::{Asked, Outcome, address_of, bad_value, body, missing, silence};
use crate::store::{BoundUe, Condition, ContextReader, StoreError, UserReader, UserRegistration, Write};

/// UEs one user may be registered with in one application.
const MOST_UES: usize = 16;

/// What a well-formed message 1 asks for.
#[derive(Debug)]
pub(super) struct Wish {
    application: Box<str>,
    user: Box<str>,
    id1: Pduid,
    id3: Option<FunctionAddress>,
}

/// An ID2 that no message 3 has confirmed yet, shared by the attempts of the same user under way.
#[derive(Debug)]
pub(super) struct Tentative {
    id2: Id2,
    attempts: usize,
}

/// A registration whose user is proved.
#[derive(Debug)]
pub(super) struct Attempt {
    pub asked: Asked,
    application: Box<str>,
    user: Box<str>,
    id1: Pduid,
    id2: Id2,
    /// Whether the ID2 is tentative.
    tentative: bool,
}

impl<R: UserReader + ContextReader> AppServer<R> {
    /// Message 1, up to the question whether the user is proved.
    pub(super) fn message_1(&mut self, now: Now, asked: Asked, actions: &mut Vec<Action>) {
        let (wish, kind, inquiry) = {
            let request = match pc3::UserRegistrationRequest::decode(&asked.message) {
                Ok(request) => request,
                Err(faults) => return asked.refuse(&self.identity, &faults, actions),
            };
            let (wish, nonce) = match self.wish(&asked.message, &request) {
                Ok(wish) => wish,
                Err(fault) => {
                    failure(actions, "message 1", format!("refused: {fault}"));
                    return asked.refuse(&self.identity, &[fault], actions);
                }
            };
            let kind = request.user_credential_type;
            let claim = Claim {
                user: request.user_name,
                kind,
                credential: request.user_credential,
                time: request.proof_time,
                nonce,
                id1: wish.id1,
                id3: wish.id3.as_ref(),
                application: request.prose_app_id,
                realm: &self.identity.realm,
                protected: asked.sender.protected,
            };
            let authenticator = self.authenticators.iter_mut().find(|authenticator| authenticator.kind() == kind);
            let begun = authenticator.ok_or(NotProved::Kind).and_then(|found| found.begin(now, &claim));
            match begun {
                Ok(inquiry) => (wish, kind, inquiry),
                Err(why) => return self.not_proved(&asked, why, actions),
            }
        };
        let costly = inquiry.question.is_costly();
        if costly && self.judging >= self.config.most_passwords {
            failure(actions, "overload", format!("{} passwords wait to be judged", self.judging));
            return asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
        }
        self.judging += usize::from(costly);
        let waiting = Waiting::Proof { asked, wish: Box::new(wish), kind, pledge: inquiry.pledge, costly };
        let token = self.pending.insert(waiting);
        actions.push(Action::Authenticate { token, question: Box::new(inquiry.question) });
    }

    /// What message 1 asks for, as far as it can be read, and Proof-Nonce.
    fn wish(
        &self,
        message: &[u8],
        request: &pc3::UserRegistrationRequest<'_>,
    ) -> Result<(Wish, Option<[u8; 16]>), Fault> {
        let id1 = Pduid::from_octets(request.pduid).map_err(|_| bad_value::<PduidAvp>(message, "PDUID of 8 octets"))?;
        let id3 = address_of::<ProseFunctionId, ProseFunctionAddress>(
            message,
            request.prose_function_id,
            request.prose_function_address,
        )?;
        if !self.config.applications.iter().any(|application| application == request.prose_app_id) {
            return Err(bad_value::<ProseAppId>(message, "application of this server"));
        }
        let nonce = request.proof_nonce.map(<[u8; 16]>::try_from).transpose();
        let nonce = nonce.map_err(|_| bad_value::<ProofNonce>(message, "nonce of 16 octets"))?;
        if request.user_credential_type == UserCredentialType::SIGNED_PROOF {
            request.proof_time.ok_or_else(missing::<ProofTime>)?;
            nonce.ok_or_else(missing::<ProofNonce>)?;
            if request.user_credential.len() != SIGNATURE_OCTETS {
                return Err(bad_value::<UserCredential>(message, "Ed25519 signature of 64 octets"));
            }
        }
        let (application, user) = (request.prose_app_id.into(), request.user_name.into());
        Ok((Wish { application, user, id1, id3 }, nonce))
    }

    /// Nothing else is said or done on behalf of a user who is not proved. Requirement AS-1.
    fn not_proved(&self, asked: &Asked, why: NotProved, actions: &mut Vec<Action>) {
        failure(actions, "AS-1", format!("user refused: {why}; no ID2, no message 2"));
        let reply = match why {
            NotProved::Busy => asked.reply(&self.identity, Outcome::TOO_BUSY),
            _ => {
                let cause = match why {
                    NotProved::Unprotected => RefusalCause::CREDENTIAL_UNPROTECTED,
                    _ => RefusalCause::BAD_CREDENTIAL,
                };
                let outcome = Outcome::Result(ResultCode::DIAMETER_AUTHENTICATION_REJECTED);
                asked.reply(&self.identity, outcome).with::<RefusalCause>(&cause)
            }
        };
        reply.because(&why.to_string()).send(actions);
    }

    /// Message 1 goes on: the question is answered.
    pub(super) fn authenticated(
        &mut self,
        now: Now,
        asked: Asked,
        wish: Wish,
        (kind, pledge): (i32, Pledge),
        result: Result<bool, String>,
        actions: &mut Vec<Action>,
    ) {
        let proved = match result {
            Ok(proved) => proved && pledge.genuine,
            Err(why) => {
                failure(actions, "AS-1", format!("nobody can tell whether the user is proved: {why}"));
                return asked.reply(&self.identity, Outcome::UNABLE_TO_COMPLY).send(actions);
            }
        };
        let finished = match self.authenticators.iter_mut().find(|authenticator| authenticator.kind() == kind) {
            Some(authenticator) if proved => authenticator.finish(now, &pledge),
            _ => Err(NotProved::Mismatch),
        };
        if let Err(why) = finished {
            return self.not_proved(&asked, why, actions);
        }
        report(actions, "AS-1", "user is proved");
        let destination = match self.route(&wish, &asked.message) {
            Ok(destination) => destination,
            Err(fault) => {
                failure(actions, "AS-3", format!("refused: {fault}; no message 2"));
                return asked
                    .reply(&self.identity, Outcome::Result(fault.result_code()))
                    .with::<RefusalCause>(&RefusalCause::FUNCTION_NOT_ALLOWED)
                    .fault(&fault)
                    .send(actions);
            }
        };
        let (id2, tentative) = match self.allot(&wish, actions) {
            Ok(Some(allotted)) => allotted,
            Ok(None) => {
                failure(actions, "AS-2", "no room for another user");
                let outcome = Outcome::Result(ResultCode::DIAMETER_RESOURCES_EXCEEDED);
                return asked.reply(&self.identity, outcome).send(actions);
            }
            Err(why) => return self.unreadable(&asked, "AS-2", &why, actions),
        };
        let Wish { application, user, id1, .. } = wish;
        let attempt = Attempt { asked, application, user, id1, id2, tentative };
        self.message_2(attempt, destination, actions);
    }

    /// Where message 2 goes: to the function that ID3 names, if it is one of ours; without ID3 to the realm of the
    /// network in ID1. A phone must not make the server call any host. Requirement AS-3.
    fn route(&self, wish: &Wish, message: &[u8]) -> Result<Destination, Fault> {
        let Some(id3) = &wish.id3 else {
            let ours = |realm: &str| {
                self.config.id3_realms.iter().any(|known| same_host(known, realm))
                    || self.config.functions.iter().any(|function| same_host(&function.realm, realm))
            };
            let realm = wish.id1.plmn().map(PlmnId::realm).ok();
            return realm
                .filter(|realm| ours(realm))
                .map(|realm| Destination { host: None, realm })
                .ok_or_else(|| bad_value::<PduidAvp>(message, "PDUID of a network known here"));
        };
        if let Some(function) = self.config.functions.iter().find(|function| function.is_at(id3)) {
            return Ok(function.destination());
        }
        let Some(name) = id3.fqdn() else {
            return Err(bad_value::<ProseFunctionAddress>(message, "address of a function known here"));
        };
        let realm = self.config.id3_realms.iter().find(|realm| name.is_within(realm));
        realm
            .map(|realm| Destination { host: Some(name.as_str().to_owned()), realm: realm.clone() })
            .ok_or_else(|| bad_value::<ProseFunctionId>(message, "name within the realms allowed here"))
    }

    /// The user's ID2, and whether it is tentative: the one they have, or a new one. `None` when there is no room for
    /// another user. Requirement AS-2.
    fn allot(&mut self, wish: &Wish, actions: &mut Vec<Action>) -> Result<Option<(Id2, bool)>, StoreError> {
        if let Some(stored) = self.reader.user_named(&wish.application, &wish.user)? {
            let id2 = stored.registration.id2;
            report(actions, "AS-2", format!("the user has ID2 {id2} already"));
            return Ok(Some((id2, false)));
        }
        let most = self.config.most_users as u64;
        if self.reader.user_count()?.saturating_add(self.tentative.len() as u64) >= most {
            return Ok(None);
        }
        let entropy = &mut self.entropy;
        let tentative = self
            .tentative
            .entry((wish.application.clone(), wish.user.clone()))
            .or_insert_with(|| Tentative { id2: Id2::from_random(entropy.sixteen()), attempts: 0 });
        tentative.attempts += 1;
        report(actions, "AS-2", format!("tentative ID2 {}", tentative.id2));
        Ok(Some((tentative.id2.clone(), true)))
    }

    /// A job is over: the claim of its attempt on a tentative ID2 is given up.
    pub(super) fn settle(&mut self, job: &Job) {
        if let Job::Bind { attempt, .. } = job {
            self.drop_tentative(attempt);
        }
    }

    fn drop_tentative(&mut self, attempt: &Attempt) {
        if !attempt.tentative {
            return;
        }
        let key = (attempt.application.clone(), attempt.user.clone());
        if let Some(tentative) = self.tentative.get_mut(&key) {
            tentative.attempts = tentative.attempts.saturating_sub(1);
            if tentative.attempts == 0 {
                self.tentative.remove(&key);
            }
        }
    }

    fn message_2(&mut self, attempt: Attempt, destination: Destination, actions: &mut Vec<Action>) {
        let session = self.sessions.next();
        let mut own = Vec::with_capacity(128);
        write_avp::<PduidAvp>(&attempt.id1.to_octets().as_slice(), &mut own);
        write_avp::<OriginAppLayerUserId>(&attempt.id2.as_str(), &mut own);
        write_avp::<ProseAppId>(&&*attempt.application, &mut own);
        let to = destination.host.as_deref().unwrap_or(&destination.realm);
        report(actions, "message 2", format!("ID2 {} for ID1 {} leaves for {to}", attempt.id2, attempt.id1));
        let token = self.pending.insert(Waiting::Message3(Box::new(attempt)));
        let request = pc2::ProXimityApplicationRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &destination.realm,
            destination_host: destination.host.as_deref(),
            prose_request_type: private::REQUEST_TYPE_BIND_USER,
            extra: Avps::new(&own).map_while(Result::ok).collect(),
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, destination.clone(), actions);
    }

    /// Message 3; message 4 at once on a failure, and after the write on success. Requirement AS-4.
    pub(super) fn message_3(
        &mut self,
        now: Now,
        attempt: Box<Attempt>,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let outcome = Outcome::of_result(result);
        let answer = match result {
            Ok(answer) => answer,
            Err(why) => {
                self.drop_tentative(&attempt);
                let why = format!("function: {}", silence(why));
                failure(actions, "AS-2", format!("{why}; tentative ID2 {} dropped", attempt.id2));
                return attempt
                    .asked
                    .reply(&self.identity, outcome)
                    .with::<RefusalCause>(&RefusalCause::FUNCTION_UNREACHABLE)
                    .because(&why)
                    .send(actions);
            }
        };
        let body = body(answer);
        let from = find::<OriginHost>(body).zip(find::<OriginRealm>(body));
        let (true, Some((function, realm))) = (outcome.is_success(), from) else {
            self.drop_tentative(&attempt);
            let cause = match outcome {
                Outcome::MOVING => RefusalCause::MOVING,
                Outcome::UNABLE_TO_DELIVER => RefusalCause::FUNCTION_UNREACHABLE,
                _ => RefusalCause::FUNCTION_REFUSED,
            };
            failure(actions, "AS-2", format!("message 3 says {outcome}; tentative ID2 {} dropped", attempt.id2));
            let passed_on = if outcome.is_success() { Outcome::UNABLE_TO_COMPLY } else { outcome };
            return attempt
                .asked
                .reply(&self.identity, passed_on)
                .with::<RefusalCause>(&cause)
                .with_option::<ErrorMessage>(find::<ErrorMessage>(body).as_ref())
                .send(actions);
        };
        let (function, realm) = (function.into(), realm.into());
        self.run(now, Job::Bind { attempt, function, realm }, 0, actions);
    }

    /// Records what message 3 has confirmed.
    pub(super) fn bind(
        &mut self,
        now: Now,
        attempt: &Attempt,
        function: &str,
        realm: &str,
        actions: &mut Vec<Action>,
    ) -> Result<Step, StoreError> {
        let Attempt { asked, application, user, id1, id2, .. } = attempt;
        let stored = self.reader.user_named(application, user)?;
        let mut held = Vec::with_capacity(4);
        let mut tell = |step, text| held.push(Action::Report(Report { step, text, failure: false }));
        if let Some(stored) = self.reader.user_on(application, *id1)?
            && stored.registration.id2 != *id2
        {
            tell("F-5", format!("ID2 {id2} takes the place of {} on ID1 {id1}", stored.registration.id2));
        }
        tell("message 3", format!("ID2 {id2} is registered with {function}"));
        tell("message 4", format!("success to {}", asked.sender.peer));
        held.push(asked.reply(&self.identity, Outcome::SUCCESS).with::<OriginAppLayerUserId>(&id2.as_str()).action());

        let condition = stored.as_ref().map_or(Condition::Absent, |stored| Condition::Version(stored.version));
        let mut registration = match stored {
            Some(stored) if stored.registration.id2 == *id2 => stored.registration,
            // The registration that this ID2 was taken from has ended meanwhile, and another has begun.
            Some(_) => {
                failure(actions, "AS-2", format!("the user has another ID2 than {id2} meanwhile"));
                asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
                return Ok(Step::Over);
            }
            None => UserRegistration {
                application: application.clone(),
                id2: id2.clone(),
                user: user.clone(),
                ues: Vec::new(),
                epuid: None,
            },
        };
        let is_same = |ue: &BoundUe| ue.id1 == *id1 && *ue.function == *function && *ue.realm == *realm;
        if registration.ues.iter().any(is_same) {
            actions.extend(held);
            return Ok(Step::Over);
        }
        registration.ues.retain(|bound| bound.id1 != *id1);
        if registration.ues.len() >= MOST_UES {
            let oldest = registration.ues.remove(0);
            failure(actions, "AS-2", format!("ID2 {id2} has too many UEs: ID1 {} is forgotten", oldest.id1));
        }
        registration.ues.push(BoundUe {
            id1: *id1,
            function: function.into(),
            realm: realm.into(),
            bound_at: seconds(now),
        });
        Ok(Step::Write { write: Write::PutUser { registration: Box::new(registration), condition }, held })
    }
}
