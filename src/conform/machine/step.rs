//! One step of a case: what it sends, and whether what it waits for has come.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::line::{Heard, Link};
use super::{Machine, PPID, Play, Stop, Task};
use crate::conform::suite::{Case, Expectation, Step};
use crate::conform::{Verdict, build, judge, script};
use crate::message::{CommandFlags, Header};

/// How long a peer may send watchdogs one after the other before the case is given up.
const UNCALM: Duration = Duration::from_secs(90);

/// A value in a sentence.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Machine {
    pub(super) fn play_step(&mut self, case: &Case, step: &Step) -> Result<Play, Stop> {
        let party = step.on.as_ref().unwrap_or(&case.on).clone();
        let error = |words: String| Stop(Verdict::Error, words, None);
        if self.begun.is_none() {
            let holds = |condition: &[String; 3]| {
                let [left, sign, right] = condition;
                let variables = self.variables(&party);
                let fill = |text: &str| variables.text(text).map_err(|unset| error(unset.to_string()));
                let (left, right) = (fill(left)?, fill(right)?);
                Ok((script::compares(&left, sign, &right), format!("{} {sign} {}", plain(&left), plain(&right))))
            };
            if let Some(condition) = &step.when
                && !holds(condition)?.0
            {
                return Ok(Play::Done);
            }
            if let Some(condition) = &step.only_if {
                return match holds(condition)? {
                    (true, _) => Ok(Play::Done),
                    (false, words) => Err(Stop(Verdict::NotRun, format!("is for {words}"), None)),
                };
            }
            if let (Some(back), Some(until), Some(at)) = (step.back, &step.until, self.step) {
                let until = build::seconds(until, &self.variables(&party)).map_err(error)?;
                let over = self.now >= self.started.unwrap_or_default() + until;
                let again = if over { at..at } else { at.saturating_sub(back)..at };
                return Ok(if over { Play::Done } else { Play::First(again.map(Task::Step).collect()) });
            }
            let link = self.link(&party);
            let up = matches!(link, Link::Up | Link::Open);
            if step.if_up && !up {
                return Ok(Play::Done);
            }
            // Whoever waits for the end of a connection that has ended has what it waits for.
            let waits = !step.expectations().is_empty();
            let never = link == Link::Idle;
            if case.open && self.listens(&party) && link == Link::Up {
                return Ok(Play::First(vec![Task::Greet(party)]));
            }
            if !case.open && link == Link::Open && self.listens(&party) && !self.line(&party).used {
                // What is left of the case before is no new connection.
                self.end(&party, false);
                return Ok(Play::First(vec![Task::Connect(party)]));
            }
            self.line(&party).used = true;
            if step.connect {
                return Ok(if up { Play::Done } else { Self::connect_first(&party, case.open) });
            }
            if !up && !step.close && !step.abort && (never || !waits) {
                return Ok(Self::connect_first(&party, case.open));
            }
        }
        if let Some(calm) = &step.calm {
            return self.calm(calm, &party);
        }
        if !step.expectations().is_empty() {
            return self.wait(step, &party);
        }
        if step.close || step.abort {
            if matches!(self.link(&party), Link::Up | Link::Open) {
                self.end(&party, step.abort);
            }
            return Ok(Play::Done);
        }
        let bytes = self.octets(step, &party).map_err(error)?;
        if let Some(label) = &step.label {
            self.labels.insert(label.clone(), bytes.clone());
        }
        let line = self.line(&party);
        if step.answer.is_none() {
            line.sent = Some(bytes.clone());
        } else if script::peer_of(&bytes).is_some() && line.link == Link::Up {
            // The case has exchanged the capabilities by itself.
            line.link = Link::Open;
            line.peer = line.taken.as_deref().and_then(script::origin);
        }
        let cut = step.octets.iter().any(|edit| edit.cut.is_some());
        let halfway = cut && Header::parse(&bytes).is_some_and(|header| header.length as usize > bytes.len());
        self.send(&party, bytes, step.stream, step.ppid.unwrap_or(PPID));
        self.line(&party).halfway = halfway;
        if !halfway {
            for (request, stream) in std::mem::take(&mut self.line(&party).held) {
                self.answer(&party, &request, stream);
            }
        }
        Ok(Play::Done)
    }

    fn calm(&mut self, calm: &Value, party: &str) -> Result<Play, Stop> {
        let calm = build::seconds(calm, &self.variables(party)).map_err(|words| Stop(Verdict::Error, words, None))?;
        let since = *self.calming.get_or_insert(self.now);
        let (_, over) = self.clock(calm);
        let stop = |words: &str| Err(Stop(Verdict::Inconclusive, words.to_owned(), None));
        let play = match self.link(party) {
            Link::Down => stop("the peer ended the connection while nothing was asked of it"),
            _ if over => Ok(Play::Done),
            _ if self.now >= since + UNCALM => stop("the peer goes on sending watchdogs"),
            _ => Ok(Play::Wait),
        };
        if !matches!(play, Ok(Play::Wait)) {
            self.calming = None;
        }
        play
    }

    fn connect_first(party: &str, open: bool) -> Play {
        let mut tasks = vec![Task::Connect(party.to_owned())];
        if open {
            tasks.push(Task::Greet(party.to_owned()));
        }
        Play::First(tasks)
    }

    fn octets(&mut self, step: &Step, party: &str) -> Result<Vec<u8>, String> {
        let variables = self.variables(party);
        if step.again {
            return self.line(party).sent.clone().ok_or_else(|| "nothing was sent before".to_owned());
        }
        if let Some(hex) = &step.hex {
            return build::octets(hex);
        }
        let name = step.send.as_ref().or(step.answer.as_ref()).map(String::as_str).unwrap_or_default();
        let suite = Arc::clone(&self.suite);
        let template = suite.messages.get(name).ok_or_else(|| format!("no message is called `{name}`"))?.get_ref();
        let mut bytes = build::build(template, step, &variables)?;
        let set = |field: &str| step.header.contains_key(field) || template.get(field).is_some();
        let mut put = |at: usize, octets: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + octets.len()) {
                place.copy_from_slice(octets);
            }
        };
        if step.answer.is_some() {
            let request = self.line(party).taken.clone();
            let request = request.as_deref().and_then(Header::parse).ok_or("there is no request to answer")?;
            if !set("code") {
                put(5, request.code.to_be_bytes().get(1..).unwrap_or_default());
            }
            if !set("application") {
                put(8, &request.application.to_be_bytes());
            }
            if !set("flags") {
                put(4, &[request.flags.0 & CommandFlags::PROXIABLE]);
            }
            if !set("hop_by_hop") {
                put(12, &request.hop_by_hop.to_be_bytes());
            }
            if !set("end_to_end") {
                put(16, &request.end_to_end.to_be_bytes());
            }
        } else {
            let identifier = self.next_identifier();
            if !set("hop_by_hop") {
                put(12, &identifier.to_be_bytes());
            }
            if !set("end_to_end") {
                put(16, &identifier.to_be_bytes());
            }
        }
        build::damage(&mut bytes, &step.octets, &variables)?;
        Ok(bytes)
    }

    fn wait(&mut self, step: &Step, party: &str) -> Result<Play, Stop> {
        let expectations = step.expectations();
        let silent = expectations.iter().any(|one| one.silence);
        let patience = match &step.within {
            Some(within) => {
                let variables = self.variables(party);
                build::seconds(within, &variables).map_err(|words| Stop(Verdict::Error, words, None))?
            }
            None if silent => self.settings.silence,
            None => self.settings.timeout,
        };
        let (_, late) = self.clock(patience);
        let fails = if step.precondition { Verdict::Inconclusive } else { Verdict::Fail };
        let of = |one: &Expectation| one.on.clone().unwrap_or_else(|| party.to_owned());
        let clause = |one: &Expectation| one.clause.clone();
        let mut parties: Vec<String> = expectations.iter().map(of).collect();
        parties.dedup();
        for party in &parties {
            let here: Vec<&Expectation> = expectations.iter().filter(|one| of(one) == *party).collect();
            if let Some(result) = self.look(&here, party, late) {
                return match result {
                    Ok((one, captured)) => {
                        for (name, value) in captured {
                            self.variables.set(&name, value.clone());
                            self.captured.push((name, value));
                        }
                        self.come(one);
                        Ok(Play::Done)
                    }
                    Err((words, clause)) => Err(Stop(fails, words, clause)),
                };
            }
            if let Some(one) = here.iter().find(|one| one.silence)
                && let Some(message) = self.line(party).queue.front()
            {
                let words = format!("nothing was expected, {} came", judge::essence(&message.bytes));
                return Err(Stop(fails, words, clause(one)));
            }
            if self.link(party) == Link::Down {
                if let Some(one) = here.iter().find(|one| one.closed) {
                    self.come(one);
                    return Ok(Play::Done);
                }
                if parties.len() == 1 {
                    let reason = self.line(party).reason.clone();
                    let how = reason.map_or_else(
                        || "closed the connection".to_owned(),
                        |why| format!("ended the connection ({why})"),
                    );
                    let words = format!("{} was expected, the peer {how}", script::wanted(&here));
                    return Err(Stop(fails, words, here.first().and_then(|one| clause(one))));
                }
            }
        }
        if !late {
            return Ok(Play::Wait);
        }
        if let Some(one) = expectations.iter().find(|one| one.silence) {
            self.come(one);
            return Ok(Play::Done);
        }
        let all: Vec<&Expectation> = expectations.iter().collect();
        let mut words = format!("{} was expected, nothing came within {patience:?}", script::wanted(&all));
        let others = parties.iter().filter_map(|party| self.lines.get(party)).flat_map(|line| &line.queue);
        let others: Vec<String> = others.take(4).map(|heard| judge::essence(&heard.bytes)).collect();
        if !others.is_empty() {
            words = format!("{} was expected, within {patience:?} came {}", script::wanted(&all), others.join(", "));
        }
        Err(Stop(fails, words, all.first().and_then(|one| clause(one))))
    }

    /// What was expected has come: perhaps no further step is wanted.
    fn come(&mut self, one: &Expectation) {
        if one.ends {
            // The step that is played leaves the list as any other that is done.
            let mut steps = 0;
            self.tasks.retain(|task| !matches!(task, Task::Step(_)) || std::mem::replace(&mut steps, 1) == 0);
        }
    }

    /// The first message of a party that one of these waits for. When it is late, what looks like it is judged too.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn look<'e>(
        &mut self,
        here: &[&'e Expectation],
        party: &str,
        late: bool,
    ) -> Option<Result<(&'e Expectation, Vec<(String, Value)>), (String, Option<String>)>> {
        let variables = self.variables(party);
        let asked_by = |machine: &Self, one: &Expectation| match &one.to {
            Some(label) => machine.labels.get(label).cloned(),
            None => machine.lines.get(party).and_then(|line| line.sent.clone()),
        };
        // Out of the way while the rest of the machine is asked, and put back as it was.
        let mut queue = std::mem::take(&mut self.lines.get_mut(party)?.queue);
        let mut found = None;
        for (at, Heard { bytes: message, ppid }) in queue.iter().enumerate() {
            let Some(header) = Header::parse(message) else { continue };
            let (mut words, mut clause) = (Vec::new(), None);
            for one in here.iter().filter(|one| one.of_message()) {
                let asked = asked_by(self, one);
                let asked_header = asked.as_deref().and_then(Header::parse);
                if !judge::is_meant(one, asked_header.as_ref(), &header, late) {
                    continue;
                }
                let asked = asked.as_deref().filter(|_| one.request.is_none());
                let judged = judge::ppid(one, *ppid).and_then(|()| judge::judge(one, message, asked, &variables));
                match judged {
                    Ok(captured) => {
                        found = Some((at, Ok((*one, captured))));
                        break;
                    }
                    // What is sent again may be of a connection, and a case, before.
                    Err(_) if header.is_request() && header.flags.is_retransmitted() => {}
                    Err(what) => {
                        words.push(what);
                        clause = clause.or_else(|| one.clause.clone());
                    }
                }
            }
            if found.is_none() && !words.is_empty() {
                words.dedup();
                found = Some((at, Err((words.join("; or: "), clause))));
            }
            if found.is_some() {
                break;
            }
        }
        let taken = match &found {
            Some((at, Ok(_))) => queue.remove(*at).map(|heard| heard.bytes),
            _ => None,
        };
        let line = self.line(party);
        line.queue = queue;
        if let Some(message) = taken {
            line.parted |= script::is_dpa(&message);
            if Header::parse(&message).is_some_and(|header| header.is_request()) {
                line.taken = Some(message);
            }
        }
        found.map(|(_, result)| result)
    }
}
