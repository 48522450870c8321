//! A connection of a party, as a case knows it.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::Who;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    /// There was none yet.
    #[default]
    Idle,
    /// It is called or waited for.
    Opening,
    /// Up, capabilities not exchanged by the machine.
    Up,
    /// Up, capabilities exchanged.
    Open,
    /// It has ended, or never came up.
    Down,
}

/// A message that nothing has taken yet.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) bytes: Vec<u8>,
    /// SCTP payload protocol identifier.
    pub(super) ppid: u32,
}

/// A connection of a party.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) link: Link,
    /// Why it has ended, when not in order.
    pub(super) reason: Option<String>,
    pub(super) local: Option<SocketAddr>,
    /// Who the peer is, once the capabilities are exchanged.
    pub(super) peer: Option<Who>,
    pub(super) queue: VecDeque<Heard>,
    /// Our last request.
    pub(super) sent: Option<Vec<u8>>,
    /// The peer's last request.
    pub(super) taken: Option<Vec<u8>>,
    pub(super) attempts: u32,
    /// A step of this case uses it: it is not only left from the case before.
    pub(super) used: bool,
    /// DPR and DPA have been exchanged.
    pub(super) parted: bool,
    /// The octets sent last are the beginning of a message: nothing else may come between it and its end.
    pub(super) halfway: bool,
    /// Requests that are answered when it is whole.
    pub(super) held: Vec<(Vec<u8>, u16)>,
}
