//! What the live peer says.

use std::time::Duration;

use bytes::Bytes;

use super::{Action, LinkPlan, Machine, Outcome, Pace, Report, result_of};
use crate::avp::Avps;
use crate::avp::dictionary::SessionId;
use crate::message::{HEADER_LENGTH, Header, find};
use crate::replay::answer;
use crate::replay::script::{Side, Step};

impl Machine<'_> {
    /// A message has come, no base message of the connection.
    pub fn hear(&mut self, link: usize, message: Bytes, now: Duration, unix: Duration, actions: &mut Vec<Action>) {
        let Some(header) = Header::parse(&message) else { return };
        if header.is_request() {
            self.hear_request(link, message, &header, now, unix, actions);
        } else {
            self.hear_answer(link, &message, &header, now, unix, actions);
        }
    }

    fn hear_answer(
        &mut self,
        link: usize,
        message: &[u8],
        header: &Header,
        now: Duration,
        unix: Duration,
        actions: &mut Vec<Action>,
    ) {
        let asked = self
            .pending
            .remove(&(link, header.hop_by_hop))
            .filter(|at| self.script.steps.get(*at).is_some_and(|step| step.header.code == header.code));
        let Some(at) = asked else {
            return self.push(self.foreign(link, header, Outcome::Stray), actions);
        };
        let Some(mut report) = self.report(at, Outcome::Surplus) else { return };
        report.actual = result_of(message);
        if let Some(sent) = self.states.get(at).and_then(|state| state.sent) {
            self.open.remove(&(sent + self.plan.answer_wait, at));
        }
        report.took = self.states.get(at).and_then(|state| state.sent).map(|sent| now.saturating_sub(sent));
        let partner = self.script.steps.get(at).and_then(|step| step.partner);
        if let Some(step) = partner.and_then(|at| self.script.steps.get(at)).cloned() {
            let given_up = partner.and_then(|at| self.states.get_mut(at)).map(|state| {
                state.came = true;
                state.given_up
            });
            if given_up == Some(true) {
                // Told already that it did not come in time.
                return;
            }
            // An error is of whichever node on the way it was that found it, and hands nothing out.
            if !header.flags.is_error() {
                self.table.learn(&step.bytes, message, step.from);
            }
            let expected = self.table.rewrite(&step.bytes, &self.setting(&step, None, unix, None));
            report.differences = self.comparer.compare(&expected, message);
            report.outcome = if report.differences.is_empty() { Outcome::Same } else { Outcome::Differs };
        }
        self.push(report, actions);
    }

    /// A report on what the capture does not have.
    fn foreign(&self, link: usize, header: &Header, outcome: Outcome) -> Report {
        let plan = self.links.get(link).map(|link| link.plan);
        let conversation = plan.and_then(|plan| self.script.conversations.get(plan.conversation));
        Report {
            frame: 0,
            index: 0,
            answer_frame: None,
            conversation: plan.map_or(0, |plan| plan.conversation),
            association: conversation.map_or(0, |conversation| conversation.association),
            from: plan.map_or(Side::Client, |plan| plan.side.other()),
            header: *header,
            outcome,
            expected: None,
            actual: None,
            took: None,
            differences: Vec::new(),
        }
    }

    fn hear_request(
        &mut self,
        link: usize,
        message: Bytes,
        header: &Header,
        now: Duration,
        unix: Duration,
        actions: &mut Vec<Action>,
    ) {
        let Some(LinkPlan { conversation, side }) = self.links.get(link).map(|link| link.plan) else { return };
        let candidates = self.index.of(conversation, side.other(), header);
        let settings = |step: &Step| self.setting(step, None, unix, None);
        let expected = |step: &Step| self.table.rewrite(&step.bytes, &settings(step));
        let fresh = candidates
            .iter()
            .copied()
            .filter(|at| self.states.get(*at).is_some_and(|state| !state.came && !state.given_up));
        let steps = &self.script.steps;
        let search = answer::Search { live: &message, matching: &self.plan.matching };
        let mut again = false;
        let mut found = search.best(fresh.filter_map(|at| Some((at, steps.get(at)?))), &expected);
        if found.is_none() && self.plan.again {
            again = true;
            found = search.best(candidates.iter().filter_map(|at| Some((*at, steps.get(*at)?))), &expected);
        }
        let Some((at, step)) = found.and_then(|at| Some((at, self.script.steps.get(at)?.clone()))) else {
            self.push(self.foreign(link, header, Outcome::Refused), actions);
            let Some(near) = self.links.get(link).and_then(|link| link.up.as_ref()) else { return };
            actions.push(Action::Send { link, stream: 0, message: answer::refuse(near, &message, header).into() });
            return;
        };
        let body = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
        if let (Some(captured), Some(live)) = (find::<SessionId>(step.body()), find::<SessionId>(body)) {
            self.table.set_session(captured.as_bytes(), live.as_bytes());
        }
        let Some(mut report) = self.report(at, Outcome::Again) else { return };
        if !again {
            self.table.learn(&step.bytes, &message, step.from);
            let expected = self.table.rewrite(&step.bytes, &self.setting(&step, None, unix, None));
            report.differences = self.comparer.compare(&expected, &message);
            report.outcome = if report.differences.is_empty() { Outcome::Asked } else { Outcome::AskedOtherwise };
        }
        report.actual = report.expected;
        self.push(report, actions);
        if let Some(state) = self.states.get_mut(at) {
            state.came = true;
            state.live = Some(message);
        }
        // Where the capture has no answer there is none to give.
        let Some(partner) = step.partner else { return };
        let nested = self.script.steps.get(partner).is_some_and(|answer| answer.nested) && !again;
        let due = match self.plan.pace {
            _ if nested => now + self.plan.answer_wait,
            Pace::Answered => return self.answer(partner, now, unix, actions),
            Pace::Scaled(_) => now + self.pause(at, partner),
        };
        if let Some(state) = self.states.get_mut(partner) {
            if let Some(before) = state.due.replace(due) {
                self.due.remove(&(before, partner));
            }
            self.due.insert((due, partner));
        }
    }
}
