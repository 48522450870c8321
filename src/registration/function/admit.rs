//! Who is let in, whose turn it is, and what is done once it is. The turns themselves are in `order.rs`.

use super::order::{Arrived, Queued};
use super::{APPLICATIONS, Function, Job, Waiting, subscription};
use crate::avp::dictionary::{Pduid as PduidAvp, UserName};
use crate::interfaces::{pc2, pc4, pc6};
use crate::message::find;
use crate::registration::element::{Action, NoAnswer, Now, Token};
use crate::registration::exchange::failure;
use crate::registration::features;
use crate::registration::identifiers::{Imsi, Pduid};
use crate::registration::overload::{Load, priority_of};
use crate::registration::reply::{Asked, Outcome, body};
use crate::registration::{COMMAND_A, COMMAND_B};
use crate::store::{ContextReader, Stored};

impl<R: ContextReader> Function<R> {
    pub(super) fn load(&self) -> Load {
        Load {
            used: self.pending.len() + self.turns.waiting() + self.waits_for_block.len(),
            most: self.config.most_pending,
            shed_from: self.config.overload.shed_from,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < self.config.overload.most_under_way
    }

    pub(super) fn request(&mut self, now: Now, asked: Asked, actions: &mut Vec<Action>) {
        let (load, priority) = (self.load(), priority_of(&asked.message));
        if !load.admits(priority) {
            failure(actions, "overload", format!("{} requests are under way or wait", load.used));
            return asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
        }
        let (ue, found) = self.subject(&asked);
        let of_function = asked.header.application == pc4::function::APPLICATION;
        if of_function && ue.is_some_and(|imsi| self.turns.is_abroad(imsi)) {
            return self.dispatch(now, asked, None, actions);
        }
        let room = self.has_room();
        match self.turns.arrive(Queued { asked, priority, ue }, room, self.config.overload.most_of_a_ue) {
            Arrived::Begins(asked) => self.dispatch(now, asked, found, actions),
            Arrived::Waits => {}
            Arrived::TooMany(asked) => {
                failure(actions, "overload", "too many requests about one UE wait");
                asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
            }
        }
    }

    /// The UE that a request is about, and its context where that had to be read to know.
    fn subject(&self, asked: &Asked) -> (Option<Imsi>, Option<Box<Stored>>) {
        let avps = body(&asked.message);
        match (asked.header.application, asked.header.code) {
            (pc4::mme::APPLICATION, COMMAND_A) | (pc4::hss::APPLICATION, 8_388_665) => {
                (find::<UserName>(avps).and_then(|user| user.parse().ok()), None)
            }
            (pc2::APPLICATION | pc2::APPLICATION_FIRST, 8_388_727)
            | (pc4::function::APPLICATION, COMMAND_A | COMMAND_B) => {
                // G1 names the UE as well.
                let user = find::<UserName>(avps).and_then(|user| user.parse().ok());
                if user.is_some() && asked.header.application == pc4::function::APPLICATION {
                    return (user, None);
                }
                let Some(id1) = find::<PduidAvp>(avps).and_then(|octets| Pduid::from_octets(octets).ok()) else {
                    return (None, None);
                };
                if let Some(imsi) = self.turns.coming(id1) {
                    return (Some(imsi), None);
                }
                // Where the store does not answer the job itself says so.
                match self.reader.get_by_id1(id1) {
                    Ok(Some(stored)) => (Some(stored.context.imsi), Some(Box::new(stored))),
                    Ok(None) | Err(_) => (None, None),
                }
            }
            _ => (None, None),
        }
    }

    /// Begins a request whose turn it is.
    pub(super) fn dispatch(&mut self, now: Now, asked: Asked, found: Option<Box<Stored>>, actions: &mut Vec<Action>) {
        if asked.header.application == pc4::hss::APPLICATION && features::refused(&asked, &self.identity, actions) {
            return;
        }
        match (asked.header.application, asked.header.code) {
            (pc4::mme::APPLICATION, COMMAND_A) => self.message_5(now, asked, actions),
            (pc2::APPLICATION | pc2::APPLICATION_FIRST, 8_388_727) => {
                self.application_request(now, asked, found, actions);
            }
            (pc4::function::APPLICATION, COMMAND_A) => self.run(now, Job::HandOut(asked), 0, actions),
            (pc4::function::APPLICATION, COMMAND_B) => self.run(now, Job::LetGo(asked), 0, actions),
            (pc4::hss::APPLICATION, 8_388_665) => self.run(now, Job::Subscription(asked), 0, actions),
            (pc4::hss::APPLICATION, 322 | pc4::hss::RESET_SECOND_CODE) => self.reset_request(&asked, actions),
            (pc6::APPLICATION, _) => self.network_request(now, asked, actions),
            _ => asked.unknown(&self.identity, APPLICATIONS, actions),
        }
    }

    /// After every event: answers end turns, and what waited begins; overload is told and heeded.
    pub(super) fn conclude(&mut self, now: Now, from: usize, actions: &mut Vec<Action>) {
        let mut at = from;
        loop {
            for action in actions.get(at..).unwrap_or_default() {
                if let Action::Answer { ticket, .. } = action {
                    self.turns.answered(*ticket);
                }
            }
            let load = self.load();
            let abated = self.guard.departing(now, &self.identity, load, actions, at, &mut self.entropy);
            at = actions.len();
            for abated in abated {
                self.answer(now, abated.token, Ok(&abated.answer), actions);
            }
            if self.has_room()
                && let Some(queued) = self.turns.next()
            {
                self.dispatch(now, queued.asked, None, actions);
            } else if actions.len() == at {
                return;
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        now: Now,
        token: Token,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        match self.pending.take(token) {
            Some(Waiting::Profile(allocation)) => self.profile(now, allocation, result, actions),
            Some(Waiting::Context(allocation)) => self.context(now, allocation, result, actions),
            Some(Waiting::Parcel(parcel, version)) => self.told(now, &parcel, version, result, actions),
            Some(Waiting::Told { step, what }) => subscription::told(step, &what, result, actions),
            Some(Waiting::Standard(pause)) => self.standard_answer(now, *pause, result, actions),
            _ => {}
        }
    }
}
