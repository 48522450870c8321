//! The registration procedure followed through PC3, PC4 and PC2: does each message carry the identifiers that the
//! messages before it handed out?
//!
//! What is followed: the subscription the HSS gave (S), message 5 on both legs, the ID1 and ID3 of message 6 on both legs,
//! message 1, messages 2 and 3, message 4, and the move (G1, G2, U1, U2, release). A leg that the capture does not hold is
//! not missed: what it would have said is not asked for.

mod answers;
mod requests;
mod room;
mod steps;

use std::collections::{HashMap, HashSet};

use crate::avp::dictionary::{Declared, OldPduid, OldProseFunctionId};
use crate::avp::format::Address;
use crate::avp::{Avps, fault::name_of};
use crate::folding::Seeded;
use crate::message::HEADER_LENGTH;
use crate::registration::identifiers::Imsi;

use super::checks::{self, Check};
use super::finding::{Report, UE_LIMIT, Ue};
use super::{Spot, Told};

/// Subscribers whose permission is remembered at a time.
const PERMISSION_LIMIT: usize = 1 << 18;

/// A function's address as ID3 and ID5 carry it: the name, or the address.
type Id3 = Option<String>;

/// What is remembered of a request until its answer comes.
#[derive(Debug)]
pub(crate) enum Asked {
    /// S: the function asks.
    Subscriber { imsi: String },
    /// Message 5 from the UE.
    AllocateAtUe { ue: String, imsi: String },
    /// Message 5 from the MME.
    AllocateAtMme { imsi: String, old_id1: Option<u64> },
    /// Message 1.
    Register { id1: u64, application: String },
    /// Message 2.
    Bind { id1: u64, id2: String, application: String, server: String },
    /// Message G1.
    Fetch { id1: u64, by: String },
    /// Message U1.
    Update { id2: String, server: String, id4: u64, id5: Id3, old: u64 },
    /// The context may go.
    Release { id1: u64 },
    /// A user is bound no more.
    Farewell { id2: String, server: String },
    /// A request in which nothing is followed but the result of its answer.
    Result,
}

/// An ID1 as its function gave it out.
#[derive(Debug, Default)]
struct Issued {
    imsi: String,
    /// Where it was given out.
    told: Told,
    /// Origin-Host of the function.
    function: String,
    id3: Id3,
    validity: u32,
    /// The UEs (by Origin-Host) that message 6 brought it to.
    delivered: Vec<String>,
    /// When the validity that was told last runs out, in nanoseconds.
    until: Option<i64>,
    /// When it was told of last.
    seen: i64,
    /// The function that fetched the context.
    fetched_by: Option<String>,
    /// The message 6 with which that function gave the UE a new ID1.
    moved: Option<Spot>,
    /// The function that fetched the context asked to release it.
    release_asked: bool,
    released: bool,
}

impl Issued {
    /// True when nothing that is still to come depends on it: its context was handed over, or its time is up.
    fn is_settled(&self, now: i64) -> bool {
        self.released || self.until.is_some_and(|until| until < now)
    }
}

/// A user bound to a UE at an app server.
#[derive(Debug)]
struct Bound {
    id1: u64,
    application: String,
    id3: Id3,
    /// The ID1 before a move of which message U1 told.
    told_of: Option<u64>,
}

/// A message 1 that awaits its message 4.
#[derive(Debug, Default)]
struct Registering {
    id3: Id3,
    told: Told,
    /// ID2 of the message 2 on its way.
    binding: Option<String>,
    /// ID2, once message 3 said success.
    bound: Option<String>,
}

/// What a UE is allowed, as answers of the HSS said.
#[derive(Debug, Default)]
struct Subscription {
    /// To a function, in PIA.
    to_function: Option<bool>,
}

#[derive(Debug, Default)]
struct Identity {
    /// The ID1 in force.
    id1: Option<u64>,
    subscription: Subscription,
    /// The capability of the message 5 that the UE sent last, when its leg is in the capture.
    asked: Option<(u32, Option<u64>)>,
    /// Its number in the report, once it takes part in the procedure.
    ue: Option<u32>,
}

/// What the capture has told so far.
#[derive(Default)]
pub(crate) struct Procedure {
    /// True when the steps of each UE are kept.
    pub keeps_steps: bool,
    users: HashMap<String, Identity>,
    issued: HashMap<u64, Issued>,
    registering: HashMap<(u64, String), Registering>,
    /// By ID2 and the app server's host.
    bound: HashMap<(String, String), Bound>,
    /// What was bound to an ID1 at any time.
    bound_to: HashMap<u64, Vec<(String, String)>>,
    /// What ULA allowed to the MME, by a digest of the IMSI.
    permissions: HashMap<u64, u32, Seeded>,
    /// The UE of an ID1.
    ues: HashMap<u64, u32>,
    /// Hosts that exchanged capabilities, the one that sorts first in front.
    met: HashSet<(String, String)>,
    /// UEs that made room for others: what is not known any more is not missed.
    forgotten: u64,
    /// Legs of which a request was seen.
    ue_leg: bool,
    function_leg: bool,
    server_leg: bool,
    subscription_leg: bool,
}

/// An identity for people: the network, and nothing that tells the subscriber.
fn mask(imsi: &str) -> String {
    imsi.parse::<Imsi>().map_or_else(|_| "a subscriber".to_owned(), |imsi| imsi.to_string())
}

fn id1_of(octets: &[u8]) -> Option<u64> {
    octets.try_into().ok().map(u64::from_be_bytes)
}

fn id3_of(name: Option<&[u8]>, address: Option<Address<'_>>) -> Id3 {
    name.map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).or_else(|| address.map(|a| a.to_string()))
}

fn show(id3: &Id3) -> &str {
    id3.as_deref().unwrap_or("none")
}

fn hex(id1: Option<u64>) -> String {
    id1.map_or_else(|| "none".to_owned(), |id1| format!("{id1:016x}"))
}

/// Reads an AVP that a command's grammar does not name.
fn find<A: Declared>(bytes: &[u8]) -> Option<A::Value<'_>> {
    crate::message::find::<A>(Avps::new(bytes.get(HEADER_LENGTH..).unwrap_or_default()))
}

/// The name of an AVP for a finding.
fn avp<A: Declared>() -> String {
    name_of(A::DEFINITION.key)
}

fn no_avp() -> String {
    String::new()
}

/// Collects the errors of one message.
struct Judge<'r> {
    spot: Spot,
    report: &'r mut Report,
    ue: Option<u32>,
}

impl Judge<'_> {
    /// Unless it `holds`: what was found, and what was expected.
    fn require(
        &mut self,
        holds: bool,
        check: &'static Check,
        path: impl FnOnce() -> String,
        words: impl FnOnce() -> (String, String),
    ) {
        self.require_by(holds, check, check.clause, path, words);
    }

    /// Likewise, by another clause than the check's own.
    fn require_by(
        &mut self,
        holds: bool,
        check: &'static Check,
        clause: &'static str,
        path: impl FnOnce() -> String,
        words: impl FnOnce() -> (String, String),
    ) {
        if !holds {
            let (found, expected) = words();
            let mut finding = self.spot.finding(check, path(), found, expected);
            finding.clause = clause.into();
            finding.ue = self.ue;
            self.report.push(finding);
        }
    }

    /// A message 5 that follows a move carries both the old ID1 and the old ID3.
    fn both_or_none(&mut self, old_id1: bool, old_id3: bool) {
        self.require(old_id1 || !old_id3, checks::MESSAGE_5_OLD, avp::<OldPduid>, || {
            ("message 5 has an old ID3 but no old ID1".to_owned(), "both or none".to_owned())
        });
        self.require(old_id3 || !old_id1, checks::MESSAGE_5_OLD, avp::<OldProseFunctionId>, || {
            ("message 5 has an old ID1 but no old ID3".to_owned(), "both or none".to_owned())
        });
    }
}

impl Procedure {
    /// The number of a UE that is new in the report.
    fn new_ue(identity: String, report: &mut Report) -> u32 {
        report.ues_followed += 1;
        let number = u32::try_from(report.ues_followed).unwrap_or(u32::MAX);
        if report.ues.len() < UE_LIMIT {
            report.ues.push(Ue { number, identity, ..Ue::default() });
        }
        number
    }

    /// The number of the UE of an IMSI.
    fn ue_of_imsi(&mut self, imsi: &str, report: &mut Report) -> u32 {
        let user = match self.users.get_mut(imsi) {
            Some(user) => user,
            None => self.users.entry(imsi.to_owned()).or_default(),
        };
        *user.ue.get_or_insert_with(|| Self::new_ue(mask(imsi), report))
    }

    /// The number of the UE that holds an ID1. One that no message 6 gave out in the capture is a UE of its own.
    fn ue_of_id1(&mut self, id1: u64, report: &mut Report) -> u32 {
        *self.ues.entry(id1).or_insert_with(|| Self::new_ue("a subscriber".to_owned(), report))
    }

    /// The UE that a message is about, for findings of other rooms; none is made for it.
    pub fn ue_of(&self, bytes: &[u8]) -> Option<u32> {
        use crate::avp::dictionary::{Pduid, UserName};
        let by_name = find::<UserName>(bytes).and_then(|imsi| self.users.get(imsi)).and_then(|user| user.ue);
        let by_id1 = |octets: Option<&[u8]>| octets.and_then(id1_of).and_then(|id1| self.ues.get(&id1).copied());
        by_name.or_else(|| by_id1(find::<OldPduid>(bytes))).or_else(|| by_id1(find::<Pduid>(bytes)))
    }
}
