//! What every party of the procedure looks like from outside: events in, actions out.
//!
//! An element owns no socket, clock, disk or randomness. The node that runs it (or a test that plays the network) calls
//! one of the methods of [`Element`] with an [`Event`] and carries out the [`Action`]s it returns, in their order. Whatever
//! takes time comes back as another event that carries the same [`Token`].

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::app_server::Question;
use super::function::standard::Wish;
use crate::message::Header;
use crate::store::{Write, WriteOutcome};

/// The moment of an event, by two clocks read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// Since the node started; never goes back. For timers.
    pub elapsed: Duration,
    /// Since 1970-01-01 UTC. For validity times that outlive the process.
    pub unix: Duration,
}

/// Names something an element waits for: an answer, a write, a timer. Chosen by the element, unique within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u64);

/// Names a request that awaits our answer. Chosen by the node; given back in [`Action::Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Who sent a request, as the peer machine proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The peer's Origin-Host from its CER or CEA: the connection the request came by.
    pub peer: String,
    /// The peer's Origin-Realm.
    pub realm: String,
    /// True when TLS, DTLS or IPsec protects the connection.
    pub protected: bool,
}

/// Where a request goes. The node finds the peer: the host when it is a peer, else the realm's route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Destination-Host, when known.
    #[serde(default)]
    pub host: Option<String>,
    /// Destination-Realm.
    pub realm: String,
}

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// No open peer leads to the destination: DIAMETER_UNABLE_TO_DELIVER.
    Unreachable,
    /// The answer did not come in time.
    Timeout,
}

/// What happens to an element.
#[derive(Debug)]
pub enum Event<'a> {
    /// A request of one of the element's applications. It has passed the header checks; grammar is the element's to
    /// judge (`Command::decode` says what to answer).
    Request {
        /// Goes back with the answer.
        ticket: Ticket,
        /// Who sent it.
        sender: &'a Sender,
        /// The header, already read.
        header: Header,
        /// The whole message.
        message: &'a [u8],
    },
    /// The answer to a request that the element sent, or why there is none.
    Answer {
        /// The token of [`Action::Send`]; of a forwarded request the number of its ticket.
        token: Token,
        /// The whole answer.
        result: Result<&'a [u8], NoAnswer>,
    },
    /// A request that the element forwarded reaches nobody; its sender still waits.
    Undelivered {
        /// The ticket of [`Action::Forward`].
        ticket: Ticket,
        /// The whole request, as it was forwarded.
        message: &'a [u8],
        /// What to answer: 3002, 3003 or 3004.
        result_code: u32,
        /// Why, for the operator of the sender.
        words: &'a str,
    },
    /// The outcome of a durable write.
    Stored {
        /// The token of [`Action::Store`].
        token: Token,
        /// An outcome for each write, or why nothing was written.
        result: Result<Vec<WriteOutcome>, String>,
    },
    /// The answer to a question about a user.
    Authenticated {
        /// The token of [`Action::Authenticate`].
        token: Token,
        /// Whether the proof is good, or why nobody can tell.
        result: Result<bool, String>,
    },
    /// A timer that the element set has run out.
    Timer {
        /// The token of [`Action::SetTimer`].
        token: Token,
    },
}

/// What an element wants done.
#[derive(Debug)]
pub enum Action {
    /// Send a request. The node fills in Hop-by-Hop and End-to-End ids; everything else is in place.
    Send {
        /// Comes back with the answer.
        token: Token,
        /// Where to.
        destination: Destination,
        /// The whole request.
        message: Vec<u8>,
    },
    /// Forward a request that came, to where its Destination-Host and Destination-Realm lead. The node fills in the
    /// Hop-by-Hop id; everything else stays. Its answer comes as [`Event::Answer`] with the ticket's number as token.
    Forward {
        /// Which request.
        ticket: Ticket,
        /// The whole request, as it goes on.
        message: Vec<u8>,
    },
    /// Answer a request. Hop-by-Hop and End-to-End ids are in place.
    Answer {
        /// Which request.
        ticket: Ticket,
        /// The whole answer.
        message: Vec<u8>,
    },
    /// Write durably in one transaction, and say so with [`Event::Stored`], an outcome for each write. Whoever must be
    /// told of the write is told after.
    Store {
        /// Comes back with the outcome.
        token: Token,
        /// What to write.
        writes: Vec<Write>,
    },
    /// Judge a user's proof beside the element, and say so with [`Event::Authenticated`].
    Authenticate {
        /// Comes back with the answer.
        token: Token,
        /// What is to be judged.
        question: Box<Question>,
    },
    /// Wake the element after a while.
    SetTimer {
        /// Comes back when the time is over.
        token: Token,
        /// For how long.
        after: Duration,
    },
    /// Forget a timer.
    CancelTimer {
        /// Which.
        token: Token,
    },
    /// Tell the operator.
    Report(Report),
}

/// What an operator or the demo wants to know. Displays in one line; subscribers are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The requirement or step of the procedure, e.g. `F-3` or `message 3`.
    pub step: &'static str,
    /// One sentence.
    pub text: String,
    /// True when something went wrong.
    pub failure: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.text)
    }
}

/// What an operator asks of a running element, as the admin socket reads it:
/// `{"ask": "ue", "ue": "001010123456789"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Inquiry {
    /// A page of the UEs: [`UePage`](super::function::view::UePage).
    Ues {
        /// `next` of the page before; absent for the first.
        #[serde(default)]
        after: Option<String>,
        /// UEs of the page, 1 to 1000.
        #[serde(default = "page")]
        limit: usize,
    },
    /// One UE: [`UeView`](super::function::view::UeView).
    Ue {
        /// IMSI, or ID1 as sixteen hexadecimal digits.
        ue: String,
    },
    /// Who has yet to learn of a move or a farewell: [`Moves`](super::function::view::Moves).
    Moves {
        /// `next` of the page before; absent for the first.
        #[serde(default)]
        after: Option<String>,
        /// UEs of the page, 1 to 1000.
        #[serde(default = "page")]
        limit: usize,
    },
    /// Makes the ID1 of a UE invalid at once. It gets a new one when it asks; its bindings end.
    Revoke {
        /// IMSI, or ID1 as sixteen hexadecimal digits.
        ue: String,
    },
    /// Forgets a UE; app servers and HSS are told.
    Deregister {
        /// IMSI, or ID1 as sixteen hexadecimal digits.
        ue: String,
    },
    /// Begins a procedure of 3GPP: `{"procedure": 1, "news": [...]}`.
    Begin {
        /// Which.
        wish: Wish,
    },
    /// What has come of one since it was asked last.
    News {
        /// Its number.
        procedure: u64,
    },
}

const fn page() -> usize {
    100
}

/// Why an operator's question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// The element is no function.
    #[error("this node has no UEs: ask a function")]
    NotHere,
    /// The text is neither.
    #[error("expected an IMSI of 6 to 15 digits or an ID1 of 16 hexadecimal digits")]
    NoUe,
    /// There is no such context.
    #[error("no UE of this function has it")]
    Unknown,
    /// It is at another function, or on its way there.
    #[error("the UE is at {0}: ask there")]
    Elsewhere(String),
    /// A page position that no page gave.
    #[error("`after` is the `next` of the page before, not something else")]
    NoPosition,
    /// It cannot be begun.
    #[error("{0}")]
    Refused(String),
    /// The storage failed.
    #[error("the store cannot be read: {0}")]
    Store(String),
}

/// A party of the procedure.
pub trait Element {
    /// The Application-Ids it serves or uses: what its node advertises.
    fn applications(&self) -> &[u32];

    /// The vendor of one of its applications, when the tables do not know it.
    fn vendor_of(&self, _application: u32) -> Option<u32> {
        None
    }

    /// True when requests whose command no table knows come to it too; else its node answers them with 3001.
    fn takes_any_command(&self) -> bool {
        false
    }

    /// Begins: called once, before any event. An element takes up here what an earlier run left undone.
    fn start(&mut self, _now: Now, _actions: &mut Vec<Action>) {}

    /// Answers an operator and appends what is to be done. A change is said to be begun, not done: its report tells.
    ///
    /// # Errors
    /// The element has no UEs, or none of this name.
    fn operate(
        &mut self,
        _now: Now,
        _question: &Inquiry,
        _actions: &mut Vec<Action>,
    ) -> Result<serde_json::Value, NoReply> {
        Err(NoReply::NotHere)
    }

    /// Takes an event and appends what is to be done.
    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>);
}
