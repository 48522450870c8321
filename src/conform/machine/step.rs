//! One step of a case: what it sends, and whether what it waits for has come.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Link, Machine, Play, Stop, Task};
use crate::conform::suite::{Case, Expectation, Step};
use crate::conform::{Verdict, build, judge, script};
use crate::message::{CommandFlags, Header};

impl Machine {
    pub(super) fn play_step(&mut self, case: &Case, step: &Step) -> Result<Play, Stop> {
        let party = step.on.as_ref().unwrap_or(&case.on).clone();
        let error = |words: String| Stop(Verdict::Error, words, None);
        if self.begun.is_none() {
            if let Some([left, sign, right]) = &step.when {
                let variables = self.variables(&party);
                let fill = |text: &str| variables.text(text).map_err(|unset| error(unset.to_string()));
                if !script::compares(&fill(left)?, sign, &fill(right)?) {
                    return Ok(Play::Done);
                }
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
        if step.answer.is_none() {
            self.line(&party).sent = Some(bytes.clone());
        }
        let cut = step.octets.iter().any(|edit| edit.cut.is_some());
        let halfway = cut && Header::parse(&bytes).is_some_and(|header| header.length as usize > bytes.len());
        self.send(&party, bytes, step.stream);
        self.line(&party).halfway = halfway;
        if !halfway {
            for (request, stream) in std::mem::take(&mut self.line(&party).held) {
                self.answer(&party, &request, stream);
            }
        }
        Ok(Play::Done)
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
                let value =
                    self.variables.fill(within).map_err(|unset| Stop(Verdict::Error, unset.to_string(), None))?;
                let number = value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
                let seconds = number.filter(|seconds| (0.0..=3600.0).contains(seconds));
                let words = || format!("`within` is a number of seconds up to 3600, not {value}");
                Duration::from_secs_f64(seconds.ok_or_else(|| Stop(Verdict::Error, words(), None))?)
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
                let words = format!("nothing was expected, {} came", judge::essence(message));
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
        let others: Vec<String> = others.take(4).map(|message| judge::essence(message)).collect();
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
        let queue: Vec<Vec<u8>> = self.lines.get(party)?.queue.iter().cloned().collect();
        for (at, message) in queue.iter().enumerate() {
            let Some(header) = Header::parse(message) else { continue };
            let (mut words, mut clause) = (Vec::new(), None);
            for one in here.iter().filter(|one| one.of_message()) {
                let asked = asked_by(self, one);
                let asked_header = asked.as_deref().and_then(Header::parse);
                if !judge::is_meant(one, asked_header.as_ref(), &header, late) {
                    continue;
                }
                match judge::judge(one, message, asked.as_deref().filter(|_| one.request.is_none()), &variables) {
                    Ok(captured) => {
                        let who = script::peer_of(message);
                        let line = self.line(party);
                        if let Some(who) = who.filter(|_| line.link == Link::Up) {
                            // The case has exchanged the capabilities by itself.
                            line.link = Link::Open;
                            line.peer = Some(who);
                        }
                        line.parted |= script::is_dpa(message);
                        let taken = line.queue.remove(at);
                        if header.is_request() {
                            line.taken = taken;
                        }
                        return Some(Ok((one, captured)));
                    }
                    // What is sent again may be of a connection, and a case, before.
                    Err(_) if header.is_request() && header.flags.is_retransmitted() => {}
                    Err(what) => {
                        words.push(what);
                        clause = clause.or_else(|| one.clause.clone());
                    }
                }
            }
            if !words.is_empty() {
                words.dedup();
                return Some(Err((words.join("; or: "), clause)));
            }
        }
        None
    }
}
