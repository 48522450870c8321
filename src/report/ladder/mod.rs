//! The ladder: a column a party, an arrow a message, from the top down in time.
//!
//! [`Collector`] makes a [`Ladder`] of the messages of captures; [`Ladder::new`] takes who spoke from whoever knows.
//! Drawn by [`TextLadder`] for terminals, [`svg`] for pages, [`mermaid`] for documents that draw by themselves.

mod collect;
pub mod mermaid;
pub mod svg;
mod text;

pub use collect::{Collector, Parties};
pub use text::{Inks, TextLadder};

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::Place;
use super::describe::Described;
use crate::capture::Timestamp;

/// Columns of one ladder; the parties beyond share the last one.
pub const PARTICIPANT_LIMIT: usize = 32;

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// Its Diameter identity, or its address where the capture does not tell.
    pub identity: String,
    /// Its identity as short as tells it from the others: the first label of a host name.
    pub name: String,
    /// What else is known: its addresses.
    pub detail: String,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Where it is in the captures.
    pub place: Place,
    /// When it was captured.
    pub time: Timestamp,
    /// The column it leaves.
    pub from: usize,
    /// The column it goes to; the same where a node talks to itself.
    pub to: usize,
    /// What it is called and carries.
    pub described: Described,
    /// Errors found in it.
    pub errors: usize,
}

impl Arrow {
    /// The label with its verdict: `6 XAA PC3 refused`, so that no colour is needed to read it.
    #[must_use]
    pub fn label(&self) -> String {
        let label = self.described.label();
        if self.described.refused { format!("{label} ✗") } else { label }
    }

    /// The class that gives it its colour: `pc2`, `pc3`, `pc4`, `base` or `other`.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self.described.reference_point {
            "" => "base",
            "PC2" => "pc2",
            "PC3" => "pc3",
            "PC4" | "PC4a" => "pc4",
            _ => "other",
        }
    }
}

/// Who said what to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// What it shows.
    pub title: String,
    /// The columns, from left to right.
    pub participants: Vec<Participant>,
    /// The messages, from the top down.
    pub arrows: Vec<Arrow>,
    /// Messages that are not drawn.
    pub left_out: u64,
}

/// A message whose parties are known by their identities alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Where it is in the captures.
    pub place: Place,
    /// When it was captured.
    pub time: Timestamp,
    /// Identity or address of the sender.
    pub from: String,
    /// Identity or address of the receiver.
    pub to: String,
    /// What it is called and carries.
    pub described: Described,
}

impl Ladder {
    /// Draws messages: finds the columns, puts those of the procedure in their usual order, and shortens their names.
    #[must_use]
    pub fn new(title: impl Into<String>, messages: Vec<Said>, left_out: u64) -> Self {
        let mut columns: Vec<(usize, Participant)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut column = |identity: &str, rank: usize| {
            let at = match known.get(identity) {
                Some(at) => *at,
                None if columns.len() + 1 < PARTICIPANT_LIMIT => {
                    columns.push((usize::MAX, Participant { identity: identity.to_owned(), ..Participant::default() }));
                    known.insert(identity.to_owned(), columns.len() - 1);
                    columns.len() - 1
                }
                None => {
                    if columns.len() < PARTICIPANT_LIMIT {
                        let others = Participant { identity: "others".to_owned(), ..Participant::default() };
                        columns.push((usize::MAX, others));
                    }
                    PARTICIPANT_LIMIT - 1
                }
            };
            if let Some((placed, _)) = columns.get_mut(at) {
                // The first message that tells decides, but for a function that fetches a UE: it is the second one.
                if *placed == usize::MAX || rank == SECOND_FUNCTION {
                    *placed = rank;
                }
            }
            at
        };
        let mut arrows: Vec<Arrow> = Vec::with_capacity(messages.len());
        for said in messages {
            let (from_rank, to_rank) = ranks(&said.described);
            let (from, to) = (column(&said.from, from_rank), column(&said.to, to_rank));
            let Said { place, time, described, .. } = said;
            arrows.push(Arrow { place, time, from, to, described, errors: 0 });
        }
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|at| columns.get(*at).map_or(usize::MAX, |(rank, _)| *rank));
        let mut place_of = vec![0; columns.len()];
        for (place, at) in order.iter().enumerate() {
            if let Some(to) = place_of.get_mut(*at) {
                *to = place;
            }
        }
        for arrow in &mut arrows {
            arrow.from = place_of.get(arrow.from).copied().unwrap_or_default();
            arrow.to = place_of.get(arrow.to).copied().unwrap_or_default();
        }
        let mut participants: Vec<Participant> =
            order.iter().filter_map(|at| columns.get(*at).map(|(_, participant)| participant.clone())).collect();
        name(&mut participants);
        Self { title: title.into(), participants, arrows, left_out }
    }

    /// When its first message was captured.
    #[must_use]
    pub fn begun(&self) -> Timestamp {
        self.arrows.first().map_or_else(Timestamp::default, |arrow| arrow.time)
    }
}

/// The column a second function gets once it fetches the context of a UE.
const SECOND_FUNCTION: usize = 5;

/// The usual columns of sender and receiver, by the message: UE, MME, HSS, function, app server, second function.
fn ranks(message: &Described) -> (usize, usize) {
    const NONE: usize = usize::MAX;
    let there = match (message.reference_point, message.number, message.abbreviation.trim_end_matches(['R', 'A'])) {
        ("PC3", "5" | "6", _) => (0, 1),
        ("PC3", "1" | "4", _) => (0, 4),
        ("S6a", ..) => (1, 2),
        ("PC4a", ..) => (3, 2),
        ("PC4", "5" | "6", _) => (1, 3),
        ("PC4", "G1" | "G2", _) => (SECOND_FUNCTION, 3),
        ("PC2", "2" | "3", _) => (4, 3),
        ("PC2", "U1" | "U2", _) => (NONE, 4),
        _ => (NONE, NONE),
    };
    if message.request { there } else { (there.1, there.0) }
}

/// Gives each participant the shortest name that tells it from the others: whole labels of its host name.
fn name(participants: &mut [Participant]) {
    let labels = |identity: &str, count: usize| -> String {
        if count == 0 || identity.parse::<SocketAddr>().is_ok() || identity.parse::<IpAddr>().is_ok() {
            return identity.to_owned();
        }
        identity.split('.').take(count).collect::<Vec<_>>().join(".")
    };
    for count in [1, 2, 3, 4, 0] {
        let mut users: HashMap<String, usize> = HashMap::new();
        for participant in participants.iter().filter(|participant| participant.name.is_empty()) {
            *users.entry(labels(&participant.identity, count)).or_default() += 1;
        }
        for participant in participants.iter_mut().filter(|participant| participant.name.is_empty()) {
            let short = labels(&participant.identity, count);
            if count == 0 || users.get(&short) == Some(&1) && !short.is_empty() {
                participant.name = short;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn said(from: &str, to: &str, number: &'static str, point: &'static str, request: bool) -> Said {
        Said {
            place: Place::default(),
            time: Timestamp(0),
            from: from.to_owned(),
            to: to.to_owned(),
            described: Described {
                number,
                abbreviation: if request { "XAR" } else { "XAA" }.to_owned(),
                reference_point: point,
                identifiers: String::new(),
                request,
                refused: false,
            },
        }
    }

    #[test]
    fn parties_of_the_procedure_stand_in_their_usual_order() {
        let ladder = Ladder::new(
            "",
            vec![
                said("app.example", "f1.example", "2", "PC2", true),
                said("f1.example", "app.example", "3", "PC2", false),
                said("ue.example", "mme.example", "5", "PC3", true),
                said("mme.example", "f2.example", "5", "PC4", true),
                said("f2.example", "f1.example", "G1", "PC4", true),
            ],
            0,
        );
        let names: Vec<&str> = ladder.participants.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["ue", "mme", "f1", "app", "f2"]);
        assert_eq!((ladder.arrows[0].from, ladder.arrows[0].to), (3, 2));
        assert_eq!((ladder.arrows[4].from, ladder.arrows[4].to), (4, 2));
    }

    #[test]
    fn names_are_as_long_as_tells_them_apart() {
        let ladder = Ladder::new(
            "",
            vec![
                said("hss.a.example", "hss.b.example", "", "", true),
                said("mme.a.example", "10.0.0.1:3868", "", "", true),
            ],
            0,
        );
        let names: Vec<&str> = ladder.participants.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["hss.a", "hss.b", "mme", "10.0.0.1:3868"]);
    }

    #[test]
    fn more_parties_than_columns_share_the_last() {
        let many = (0..100).map(|at| said(&format!("a{at}"), &format!("b{at}"), "", "", true)).collect();
        let ladder = Ladder::new("", many, 0);
        assert_eq!(ladder.participants.len(), PARTICIPANT_LIMIT);
        assert_eq!(ladder.participants.last().map(|it| it.name.as_str()), Some("others"));
        assert!(ladder.arrows.iter().all(|arrow| arrow.from < PARTICIPANT_LIMIT && arrow.to < PARTICIPANT_LIMIT));
    }
}
