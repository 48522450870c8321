//! The load: UEs that register with every app server, move, renew and register again without an end, and a ledger of what
//! each was answered. It speaks the UE's side of PC3 itself, so that it knows of each request how it ended.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use proselink::avp::Avps;
use proselink::avp::dictionary::group::VendorSpecificApplicationId;
use proselink::avp::dictionary::{ExperimentalResult, RefusalCause, ResultCode, UserCredentialType, private};
use proselink::interfaces::pc3;
use proselink::message::{Command, Envelope, HEADER_LENGTH, find};
use proselink::node::users::PrivateKey;
use proselink::registration::credential::Proof;
use proselink::registration::identifiers::{Fqdn, FunctionAddress, Imsi, Pduid};
use proselink::registration::{ALL_SERVICES, Action, Destination, Element, Event, Now, Signer as _, Token};

use crate::random::Random;

/// The timer's name; requests count from 1.
const TIMER: Token = Token(0);
const TICK: Duration = Duration::from_millis(2);
/// How long a UE rests after something failed, so that a function that is away is not asked all the time.
const REST: Duration = Duration::from_millis(40);

/// One application and who serves it.
#[derive(Clone, Debug)]
pub struct Application {
    pub name: String,
    pub server: Destination,
}

/// What a UE holds after message 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub id1: Pduid,
    /// ID3, a name.
    pub id3: String,
}

/// What one UE was told.
#[derive(Clone, Debug)]
pub struct Account {
    pub imsi: Imsi,
    pub user: String,
    pub held: Option<Held>,
    /// Every ID1 of a message 6, in order, without renewals.
    pub issued: Vec<Held>,
    /// By application: the ID2 of the last message 4 that said success.
    pub acknowledged: Vec<Option<String>>,
    busy: bool,
    rests_until: Duration,
    /// A message 5 of a move has failed: the UE has been between two functions since.
    between: bool,
}

impl Account {
    pub fn new(imsi: Imsi, user: String, applications: usize) -> Self {
        Self {
            imsi,
            user,
            held: None,
            issued: Vec::new(),
            acknowledged: vec![None; applications],
            busy: false,
            rests_until: Duration::ZERO,
            between: false,
        }
    }
}

/// What happened, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub allocated: u64,
    pub renewed: u64,
    pub moved: u64,
    pub registered: u64,
    pub registered_again: u64,
    /// What did not succeed, by its words.
    pub failed: BTreeMap<String, u64>,
    /// What no answer may say, e.g. another ID2 for the same user.
    pub wrong: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    /// Message 5; `moving` with the old ID1 and ID3.
    Identifier { ue: usize, moving: bool },
    /// Message 1.
    Registration { ue: usize, application: usize },
}

/// What the UEs are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing new.
    Nothing,
    /// Everything, at random, with so many requests under way.
    Everything { under_way: usize },
    /// Each UE registers once more with each application and shows that its ID2 is the same.
    Confirm { under_way: usize },
}

/// UEs as an element.
pub struct Load {
    identity: String,
    realm: String,
    mme: Destination,
    applications: Vec<Application>,
    key: Arc<PrivateKey>,
    pub accounts: Vec<Account>,
    pub counts: Counts,
    work: Work,
    random: Random,
    asked: HashMap<Token, Asked>,
    next: u64,
    /// Registrations still to be confirmed, as (UE, application).
    unconfirmed: Vec<(usize, usize)>,
}

impl Load {
    pub fn new(
        identity: &str,
        mme: Destination,
        applications: Vec<Application>,
        key: Arc<PrivateKey>,
        accounts: Vec<Account>,
        random: Random,
    ) -> Self {
        Self {
            identity: identity.to_owned(),
            realm: mme.realm.clone(),
            mme,
            applications,
            key,
            accounts,
            counts: Counts::default(),
            work: Work::Nothing,
            random,
            asked: HashMap::new(),
            next: 0,
            unconfirmed: Vec::new(),
        }
    }

    pub fn under_way(&self) -> usize {
        self.asked.len()
    }

    pub fn unconfirmed(&self) -> usize {
        self.unconfirmed.len()
    }

    pub fn set_work(&mut self, now: Now, work: Work, actions: &mut Vec<Action>) {
        self.work = work;
        if let Work::Confirm { .. } = work {
            let applications = self.applications.len();
            let all =
                (0..self.accounts.len()).flat_map(|ue| (0..applications).map(move |application| (ue, application)));
            let accounts = &self.accounts;
            self.unconfirmed =
                all.filter(|&(ue, application)| accounts[ue].acknowledged[application].is_some()).collect();
        }
        self.fill(now, actions);
        actions.push(Action::SetTimer { token: TIMER, after: TICK });
    }

    fn fill(&mut self, now: Now, actions: &mut Vec<Action>) {
        match self.work {
            Work::Nothing => {}
            Work::Everything { under_way } => {
                for _ in 0..4 * under_way {
                    if self.asked.len() >= under_way {
                        break;
                    }
                    let ue = self.random.below(self.accounts.len());
                    if !self.accounts[ue].busy && self.accounts[ue].rests_until <= now.elapsed {
                        self.step(now, ue, actions);
                    }
                }
            }
            Work::Confirm { under_way } => {
                let mut at = 0;
                while at < self.unconfirmed.len() && self.asked.len() < under_way {
                    let (ue, application) = self.unconfirmed[at];
                    if self.accounts[ue].busy || self.accounts[ue].rests_until > now.elapsed {
                        at += 1;
                        continue;
                    }
                    self.unconfirmed.swap_remove(at);
                    // Whoever is between two functions learns first who serves it.
                    match self.accounts[ue].between {
                        true => {
                            self.unconfirmed.push((ue, application));
                            at += 1;
                            self.message_5(ue, true, actions);
                        }
                        false => self.message_1(now, ue, application, actions),
                    }
                }
            }
        }
    }

    /// Something that this UE may do next.
    fn step(&mut self, now: Now, ue: usize, actions: &mut Vec<Action>) {
        let account = &self.accounts[ue];
        let missing = account.acknowledged.iter().position(Option::is_none);
        let chance = self.random.below(100);
        match (&account.held, missing) {
            (None, _) => self.message_5(ue, false, actions),
            // A UE whose move failed tries again mostly, and sometimes stays where it was.
            (Some(_), _) if account.between && chance < 80 => self.message_5(ue, true, actions),
            (Some(_), _) if account.between => self.message_5(ue, false, actions),
            (Some(_), Some(application)) => self.message_1(now, ue, application, actions),
            (Some(_), None) if chance < 60 => self.message_5(ue, true, actions),
            (Some(_), None) if chance < 70 => self.message_5(ue, false, actions),
            (Some(_), None) => {
                let application = self.random.below(self.applications.len());
                self.message_1(now, ue, application, actions);
            }
        }
    }

    fn token(&mut self, asked: Asked) -> (Token, String) {
        self.next += 1;
        let token = Token(self.next);
        self.asked.insert(token, asked);
        (token, format!("{};7;{}", self.identity, self.next))
    }

    fn message_5(&mut self, ue: usize, moving: bool, actions: &mut Vec<Action>) {
        let (token, session) = self.token(Asked::Identifier { ue, moving });
        let account = &mut self.accounts[ue];
        account.busy = true;
        let old = account.held.as_ref().filter(|_| moving);
        let old_id1 = old.map(|old| old.id1.to_octets());
        let user = account.imsi.reveal();
        let request = pc3::UeIdentifierAllocationRequest {
            session_id: &session,
            vendor_specific_application_id: application_id(),
            auth_session_state: 1,
            origin_host: &self.identity,
            origin_realm: &self.realm,
            destination_host: self.mme.host.as_deref(),
            destination_realm: &self.mme.realm,
            user_name: &user,
            ue_prose_capability: ALL_SERVICES,
            old_pduid: old_id1.as_ref().map(<[u8; 8]>::as_slice),
            old_prose_function_id: old.map(|old| old.id3.as_bytes()),
            ..Default::default()
        };
        let message = request.to_bytes(ENVELOPE);
        actions.push(Action::Send { token, destination: self.mme.clone(), message });
    }

    fn message_1(&mut self, now: Now, ue: usize, application: usize, actions: &mut Vec<Action>) {
        let (token, session) = self.token(Asked::Registration { ue, application });
        let account = &mut self.accounts[ue];
        account.busy = true;
        let held = account.held.as_ref().expect("UE-1: an ID1 comes before message 1");
        let id1 = held.id1.to_octets();
        let Application { name, server } = &self.applications[application];
        let id3 = FunctionAddress::Fqdn(Fqdn::new(&held.id3).expect("ID3 is a name"));
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.random.next().to_be_bytes());
        nonce[8..].copy_from_slice(&token.0.to_be_bytes());
        let time = u64::try_from(now.unix.as_millis()).expect("a moment of this age");
        let (user, realm) = (&account.user, &server.realm);
        let proof = Proof { user, id1: held.id1, id3: Some(&id3), application: name, realm, time, nonce };
        let signature = self.key.sign(&proof.octets());
        let request = pc3::UserRegistrationRequest {
            session_id: &session,
            vendor_specific_application_id: application_id(),
            auth_session_state: 1,
            origin_host: &self.identity,
            origin_realm: &self.realm,
            destination_host: server.host.as_deref(),
            destination_realm: &server.realm,
            pduid: &id1,
            prose_function_id: Some(held.id3.as_bytes()),
            prose_app_id: name,
            user_name: &account.user,
            user_credential_type: UserCredentialType::SIGNED_PROOF,
            user_credential: &signature,
            proof_time: Some(time),
            proof_nonce: Some(&nonce),
            ..Default::default()
        };
        let message = request.to_bytes(ENVELOPE);
        actions.push(Action::Send { token, destination: server.clone(), message });
    }

    /// Message 6.
    fn given(&mut self, ue: usize, moving: bool, answer: &[u8]) {
        let answer = pc3::UeIdentifierAllocationAnswer::decode(answer).expect("message 6 is well-formed");
        let id1 = Pduid::from_octets(answer.pduid.expect("message 6 has an ID1")).expect("8 octets");
        let id3 = answer.prose_function_id.expect("message 6 has an ID3");
        let held = Held { id1, id3: String::from_utf8(id3.to_vec()).expect("ID3 is a name") };
        let account = &mut self.accounts[ue];
        account.between = false;
        if account.held.as_ref() == Some(&held) {
            self.counts.renewed += 1;
            return;
        }
        match moving {
            true => self.counts.moved += 1,
            false => self.counts.allocated += 1,
        }
        account.issued.push(held.clone());
        account.held = Some(held);
    }

    /// Message 4.
    fn registered(&mut self, ue: usize, application: usize, answer: &[u8]) {
        let answer = pc3::UserRegistrationAnswer::decode(answer).expect("message 4 is well-formed");
        let id2 = answer.origin_app_layer_user_id.expect("message 4 has an ID2");
        let account = &mut self.accounts[ue];
        match &account.acknowledged[application] {
            None => self.counts.registered += 1,
            Some(before) if before == id2 => self.counts.registered_again += 1,
            Some(before) => {
                self.counts.wrong.push(format!("UE {ue} was registered as {before} and is now {id2}"));
            }
        }
        account.acknowledged[application] = Some(id2.to_owned());
    }
}

const ENVELOPE: Envelope = Envelope { application: pc3::APPLICATION, hop_by_hop: 0, end_to_end: 0 };

fn application_id<'a>() -> VendorSpecificApplicationId<'a> {
    VendorSpecificApplicationId {
        vendor_id: private::VENDOR,
        auth_application_id: Some(pc3::APPLICATION),
        ..Default::default()
    }
}

/// What a function says of a UE that moves. Requirement F-6.
const MOVING: &str = "it moves, try again";

/// Whether an answer says success, or in words what else.
fn outcome(answer: &[u8]) -> Result<(), String> {
    let body = || Avps::new(answer.get(HEADER_LENGTH..).unwrap_or_default());
    let experimental = find::<ExperimentalResult>(body()).map(|result| result.experimental_result_code);
    match find::<ResultCode>(body()).or(experimental) {
        Some(2001) => Ok(()),
        Some(code) => Err(match find::<RefusalCause>(body()) {
            Some(RefusalCause::MOVING) => MOVING.to_owned(),
            Some(cause) => format!("result {code}, cause {cause}"),
            None => format!("result {code}"),
        }),
        None => Err("an answer without a result".to_owned()),
    }
}

impl Element for Load {
    fn applications(&self) -> &[u32] {
        &[pc3::APPLICATION]
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Answer { token, result } => {
                let Some(asked) = self.asked.remove(&token) else { return };
                let (Asked::Identifier { ue, .. } | Asked::Registration { ue, .. }) = asked;
                self.accounts[ue].busy = false;
                let result =
                    result.map_err(|why| format!("{why:?}")).and_then(|answer| outcome(answer).map(|()| answer));
                match (asked, result) {
                    (Asked::Identifier { moving, .. }, Ok(answer)) => self.given(ue, moving, answer),
                    (Asked::Registration { application, .. }, Ok(answer)) => self.registered(ue, application, answer),
                    (asked, Err(why)) => {
                        let account = &mut self.accounts[ue];
                        account.rests_until = now.elapsed + REST;
                        let what = match asked {
                            Asked::Identifier { moving: true, .. } => {
                                account.between = true;
                                "move"
                            }
                            Asked::Identifier { moving: false, .. } => "message 5",
                            Asked::Registration { application, .. } => {
                                if let Work::Confirm { .. } = self.work {
                                    self.unconfirmed.push((ue, application));
                                }
                                // The UE is where a move in vain has led to.
                                account.between |= why == MOVING;
                                "message 1"
                            }
                        };
                        *self.counts.failed.entry(format!("{what}: {why}")).or_default() += 1;
                    }
                }
                self.fill(now, actions);
            }
            Event::Timer { token: TIMER } => {
                self.fill(now, actions);
                if self.work != Work::Nothing {
                    actions.push(Action::SetTimer { token: TIMER, after: TICK });
                }
            }
            _ => {}
        }
    }
}
