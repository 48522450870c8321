//! The peer state table of RFC 6733 section 5.6, and nothing else: a state and an event give steps and the next state.
//!
//! `I-` is the connection that this node opens, `R-` the one that the peer opens. Names are those of the RFC.
//!
//! ```text
//!            Start                 I-Rcv-Conn-Ack              I-Rcv-CEA
//!   Closed ---------> Wait-Conn-Ack ------------> Wait-I-CEA -----------> I-Open ---.
//!      |                   | R-Conn-CER                | R-Conn-CER                 | Stop, DPR
//!      |                   v           I-Rcv-Conn-Ack  v                            v
//!      |          Wait-Conn-Ack/Elect ----------> Wait-Returns                   Closing --> Closed
//!      |                   | I-Rcv-Conn-Nack           | Win-Election               ^
//!      | R-Conn-CER        v                           v                            | Stop, DPR
//!      `--------------> R-Open <-----------------------'----------------------------'
//! ```

/// Writes an enum whose values have the names of the RFC.
macro_rules! named {
    ($(#[$meta:meta])* $enum:ident { $($(#[$doc:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum {
            $(
                $(#[$doc])*
                #[doc = concat!("`", $name, "`.")]
                $value,
            )*
        }

        impl $enum {
            /// All values, in the order of the RFC.
            pub const ALL: &[Self] = &[$(Self::$value,)*];

            /// The name as the RFC prints it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The states of a peer.
    State {
        /// No connection.
        Closed = "Closed",
        /// Our connection is being opened.
        WaitConnAck = "Wait-Conn-Ack",
        /// Our connection is open and CER has been sent.
        WaitICea = "Wait-I-CEA",
        /// As Wait-Conn-Ack, and the peer has opened one too.
        WaitConnAckElect = "Wait-Conn-Ack/Elect",
        /// Both connections are open; the election decides.
        WaitReturns = "Wait-Returns",
        /// Open over the peer's connection.
        ROpen = "R-Open",
        /// Open over our connection.
        IOpen = "I-Open",
        /// DPR or DPA has been sent.
        Closing = "Closing",
    }
}

impl State {
    /// True in R-Open and I-Open: application messages pass.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::ROpen | Self::IOpen)
    }
}

named! {
    /// What happens to a peer.
    Event {
        /// Connecting is wanted.
        Start = "Start",
        /// The peer has opened a connection and sent a CER that may stand.
        RConnCer = "R-Conn-CER",
        /// Our connection is open.
        IRcvConnAck = "I-Rcv-Conn-Ack",
        /// Our connection could not be opened.
        IRcvConnNack = "I-Rcv-Conn-Nack",
        /// The state has lasted too long.
        Timeout = "Timeout",
        /// CEA on our connection.
        IRcvCea = "I-Rcv-CEA",
        /// Something else where CEA was due.
        IRcvNonCea = "I-Rcv-Non-CEA",
        /// Our connection is gone.
        IPeerDisc = "I-Peer-Disc",
        /// The peer's connection is gone.
        RPeerDisc = "R-Peer-Disc",
        /// This node won the election.
        WinElection = "Win-Election",
        /// A message is to be sent.
        SendMessage = "Send-Message",
        /// An application message.
        RRcvMessage = "R-Rcv-Message",
        /// DWR.
        RRcvDwr = "R-Rcv-DWR",
        /// DWA.
        RRcvDwa = "R-Rcv-DWA",
        /// DPR.
        RRcvDpr = "R-Rcv-DPR",
        /// DPA.
        RRcvDpa = "R-Rcv-DPA",
        /// An application message.
        IRcvMessage = "I-Rcv-Message",
        /// DWR.
        IRcvDwr = "I-Rcv-DWR",
        /// DWA.
        IRcvDwa = "I-Rcv-DWA",
        /// DPR.
        IRcvDpr = "I-Rcv-DPR",
        /// DPA.
        IRcvDpa = "I-Rcv-DPA",
        /// Disconnecting is wanted.
        Stop = "Stop",
    }
}

named! {
    /// What a peer does.
    Step {
        /// Open a connection.
        ISndConnReq = "I-Snd-Conn-Req",
        /// Take the peer's connection.
        RAccept = "R-Accept",
        /// Close the connection that has just come in.
        RReject = "R-Reject",
        /// Note what the CER says.
        ProcessCer = "Process-CER",
        /// Judge the CEA.
        ProcessCea = "Process-CEA",
        /// Compare the identities.
        Elect = "Elect",
        /// Send CER.
        ISndCer = "I-Snd-CER",
        /// Send CEA.
        RSndCea = "R-Snd-CEA",
        /// Forget all of the attempt.
        Cleanup = "Cleanup",
        /// Forget all, and say so.
        Error = "Error",
        /// Close our connection.
        IDisc = "I-Disc",
        /// Close the peer's connection.
        RDisc = "R-Disc",
        /// Send a message.
        RSndMessage = "R-Snd-Message",
        /// Send a message.
        ISndMessage = "I-Snd-Message",
        /// Hand an application message on.
        Process = "Process",
        /// A sign of life.
        ProcessDwr = "Process-DWR",
        /// The watchdog's answer.
        ProcessDwa = "Process-DWA",
        /// Send DWA.
        RSndDwa = "R-Snd-DWA",
        /// Send DWA.
        ISndDwa = "I-Snd-DWA",
        /// Send DPR.
        RSndDpr = "R-Snd-DPR",
        /// Send DPR.
        ISndDpr = "I-Snd-DPR",
        /// Send DPA.
        RSndDpa = "R-Snd-DPA",
        /// Send DPA.
        ISndDpa = "I-Snd-DPA",
    }
}

/// The row for a state and an event; `None` for an event that the state does not list. Such an event drops the
/// connection it came by before the peer is open, and is ignored after.
#[must_use]
pub const fn transition(state: State, event: Event) -> Option<(&'static [Step], State)> {
    use Event as E;
    use State::{Closed, Closing, IOpen, ROpen, WaitConnAck, WaitConnAckElect, WaitICea, WaitReturns};
    use Step::{
        Cleanup, Elect, Error, IDisc, ISndCer, ISndConnReq, ISndDpa, ISndDpr, ISndDwa, ISndMessage, Process,
        ProcessCea, ProcessCer, ProcessDwa, ProcessDwr, RAccept, RDisc, RReject, RSndCea, RSndDpa, RSndDpr, RSndDwa,
        RSndMessage,
    };
    Some(match (state, event) {
        (Closed, E::Start) => (&[ISndConnReq], WaitConnAck),
        (Closed, E::RConnCer) => (&[RAccept, ProcessCer, RSndCea], ROpen),

        (WaitConnAck, E::IRcvConnAck) => (&[ISndCer], WaitICea),
        (WaitConnAck, E::IRcvConnNack) => (&[Cleanup], Closed),
        (WaitConnAck, E::RConnCer) => (&[RAccept, ProcessCer], WaitConnAckElect),
        (WaitConnAck, E::Timeout) => (&[Error], Closed),

        (WaitICea, E::IRcvCea) => (&[ProcessCea], IOpen),
        (WaitICea, E::RConnCer) => (&[RAccept, ProcessCer, Elect], WaitReturns),
        (WaitICea, E::IPeerDisc) => (&[IDisc], Closed),
        (WaitICea, E::IRcvNonCea) => (&[Error], Closed),
        (WaitICea, E::Timeout) => (&[Error], Closed),

        (WaitConnAckElect, E::IRcvConnAck) => (&[ISndCer, Elect], WaitReturns),
        (WaitConnAckElect, E::IRcvConnNack) => (&[RSndCea], ROpen),
        (WaitConnAckElect, E::RPeerDisc) => (&[RDisc], WaitConnAck),
        (WaitConnAckElect, E::RConnCer) => (&[RReject], WaitConnAckElect),
        (WaitConnAckElect, E::Timeout) => (&[Error], Closed),

        (WaitReturns, E::WinElection) => (&[IDisc, RSndCea], ROpen),
        (WaitReturns, E::IPeerDisc) => (&[IDisc, RSndCea], ROpen),
        (WaitReturns, E::IRcvCea) => (&[RDisc], IOpen),
        (WaitReturns, E::RPeerDisc) => (&[RDisc], WaitICea),
        (WaitReturns, E::RConnCer) => (&[RReject], WaitReturns),
        (WaitReturns, E::Timeout) => (&[Error], Closed),

        (ROpen, E::SendMessage) => (&[RSndMessage], ROpen),
        (ROpen, E::RRcvMessage) => (&[Process], ROpen),
        (ROpen, E::RRcvDwr) => (&[ProcessDwr, RSndDwa], ROpen),
        (ROpen, E::RRcvDwa) => (&[ProcessDwa], ROpen),
        (ROpen, E::RConnCer) => (&[RReject], ROpen),
        (ROpen, E::Stop) => (&[RSndDpr], Closing),
        (ROpen, E::RRcvDpr) => (&[RSndDpa], Closing),
        (ROpen, E::RPeerDisc) => (&[RDisc], Closed),

        (IOpen, E::SendMessage) => (&[ISndMessage], IOpen),
        (IOpen, E::IRcvMessage) => (&[Process], IOpen),
        (IOpen, E::IRcvDwr) => (&[ProcessDwr, ISndDwa], IOpen),
        (IOpen, E::IRcvDwa) => (&[ProcessDwa], IOpen),
        (IOpen, E::RConnCer) => (&[RReject], IOpen),
        (IOpen, E::Stop) => (&[ISndDpr], Closing),
        (IOpen, E::IRcvDpr) => (&[ISndDpa], Closing),
        (IOpen, E::IPeerDisc) => (&[IDisc], Closed),

        (Closing, E::IRcvDpa) => (&[IDisc], Closed),
        (Closing, E::RRcvDpa) => (&[RDisc], Closed),
        (Closing, E::Timeout) => (&[Error], Closed),
        (Closing, E::IPeerDisc) => (&[IDisc], Closed),
        (Closing, E::RPeerDisc) => (&[RDisc], Closed),
        _ => return None,
    })
}

/// The election of RFC 6733 section 5.6.4, run by the node that has received a CER while its own is out: true when
/// `ours` comes after `theirs`, octet by octet, letters without case, a missing octet before any other. The winner
/// keeps the connection that the peer opened.
#[must_use]
pub fn wins_election(ours: &str, theirs: &str) -> bool {
    let octets = |name: &str| name.bytes().map(|octet| octet.to_ascii_lowercase()).collect::<Vec<u8>>();
    octets(ours) > octets(theirs)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// RFC 6733 section 5.6, row by row: state, event, action, next state.
    pub(in crate::peer) const RFC: &str = "
        Closed              | Start           | I-Snd-Conn-Req                   | Wait-Conn-Ack
        Closed              | R-Conn-CER      | R-Accept, Process-CER, R-Snd-CEA | R-Open
        Wait-Conn-Ack       | I-Rcv-Conn-Ack  | I-Snd-CER                        | Wait-I-CEA
        Wait-Conn-Ack       | I-Rcv-Conn-Nack | Cleanup                          | Closed
        Wait-Conn-Ack       | R-Conn-CER      | R-Accept, Process-CER            | Wait-Conn-Ack/Elect
        Wait-Conn-Ack       | Timeout         | Error                            | Closed
        Wait-I-CEA          | I-Rcv-CEA       | Process-CEA                      | I-Open
        Wait-I-CEA          | R-Conn-CER      | R-Accept, Process-CER, Elect     | Wait-Returns
        Wait-I-CEA          | I-Peer-Disc     | I-Disc                           | Closed
        Wait-I-CEA          | I-Rcv-Non-CEA   | Error                            | Closed
        Wait-I-CEA          | Timeout         | Error                            | Closed
        Wait-Conn-Ack/Elect | I-Rcv-Conn-Ack  | I-Snd-CER, Elect                 | Wait-Returns
        Wait-Conn-Ack/Elect | I-Rcv-Conn-Nack | R-Snd-CEA                        | R-Open
        Wait-Conn-Ack/Elect | R-Peer-Disc     | R-Disc                           | Wait-Conn-Ack
        Wait-Conn-Ack/Elect | R-Conn-CER      | R-Reject                         | Wait-Conn-Ack/Elect
        Wait-Conn-Ack/Elect | Timeout         | Error                            | Closed
        Wait-Returns        | Win-Election    | I-Disc, R-Snd-CEA                | R-Open
        Wait-Returns        | I-Peer-Disc     | I-Disc, R-Snd-CEA                | R-Open
        Wait-Returns        | I-Rcv-CEA       | R-Disc                           | I-Open
        Wait-Returns        | R-Peer-Disc     | R-Disc                           | Wait-I-CEA
        Wait-Returns        | R-Conn-CER      | R-Reject                         | Wait-Returns
        Wait-Returns        | Timeout         | Error                            | Closed
        R-Open              | Send-Message    | R-Snd-Message                    | R-Open
        R-Open              | R-Rcv-Message   | Process                          | R-Open
        R-Open              | R-Rcv-DWR       | Process-DWR, R-Snd-DWA           | R-Open
        R-Open              | R-Rcv-DWA       | Process-DWA                      | R-Open
        R-Open              | R-Conn-CER      | R-Reject                         | R-Open
        R-Open              | Stop            | R-Snd-DPR                        | Closing
        R-Open              | R-Rcv-DPR       | R-Snd-DPA                        | Closing
        R-Open              | R-Peer-Disc     | R-Disc                           | Closed
        I-Open              | Send-Message    | I-Snd-Message                    | I-Open
        I-Open              | I-Rcv-Message   | Process                          | I-Open
        I-Open              | I-Rcv-DWR       | Process-DWR, I-Snd-DWA           | I-Open
        I-Open              | I-Rcv-DWA       | Process-DWA                      | I-Open
        I-Open              | R-Conn-CER      | R-Reject                         | I-Open
        I-Open              | Stop            | I-Snd-DPR                        | Closing
        I-Open              | I-Rcv-DPR       | I-Snd-DPA                        | Closing
        I-Open              | I-Peer-Disc     | I-Disc                           | Closed
        Closing             | I-Rcv-DPA       | I-Disc                           | Closed
        Closing             | R-Rcv-DPA       | R-Disc                           | Closed
        Closing             | Timeout         | Error                            | Closed
        Closing             | I-Peer-Disc     | I-Disc                           | Closed
        Closing             | R-Peer-Disc     | R-Disc                           | Closed";

    #[test]
    fn every_row_and_no_other() {
        let mut ours = Vec::new();
        for &state in State::ALL {
            for &event in Event::ALL {
                if let Some((steps, next)) = transition(state, event) {
                    let steps: Vec<_> = steps.iter().map(|step| step.name()).collect();
                    ours.push(format!("{state} | {event} | {} | {next}", steps.join(", ")));
                }
            }
        }
        let theirs: Vec<String> = RFC
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>().join(" | "))
            .collect();
        for row in &theirs {
            assert!(ours.contains(row), "the table lacks or changes: {row}");
        }
        assert_eq!(ours.len(), theirs.len(), "the table has a row that the RFC lacks");
    }

    #[test]
    fn the_election_compares_octets_without_case() {
        assert!(wins_election("b.example", "a.example"));
        assert!(!wins_election("a.example", "b.example"));
        assert!(wins_election("a.example", "A.exampl"), "a missing octet is the least");
        assert!(!wins_election("A.Example", "a.example"), "equal names do not win");
    }
}
