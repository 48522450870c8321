//! The paths of an SCTP association, one for each of the peer's addresses, and what happens to them. RFC 9260 section 8.

use std::fmt;
use std::net::IpAddr;

/// One way to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The peer's address.
    pub remote: IpAddr,
    /// Whether it answers there.
    pub state: PathState,
    /// It is the one used as long as it is available.
    pub primary: bool,
}

/// What is known of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathState {
    /// The peer has named the address, and nothing has come from there yet; no data is sent to it. RFC 9260 section 5.4.
    Unconfirmed,
    /// It is used, or ready to be.
    Available,
    /// It has missed answers of late; others are preferred. RFC 7829.
    PotentiallyFailed,
    /// It has not answered more often than [`Options::path_retransmissions`](super::Options::path_retransmissions).
    Unreachable,
}

impl PathState {
    /// Every state, in the order of their numbers for a metric: 0, 1, 2, 3.
    pub const ALL: [Self; 4] = [Self::Unconfirmed, Self::Available, Self::PotentiallyFailed, Self::Unreachable];
}

impl fmt::Display for PathState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Available => "available",
            Self::PotentiallyFailed => "potentially failed",
            Self::Unreachable => "unreachable",
        })
    }
}

/// Something that has happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathChange {
    /// The peer's address.
    pub remote: IpAddr,
    /// What.
    pub event: PathEvent,
}

/// What can happen to a path. RFC 6458 section 6.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathEvent {
    /// It answers again.
    Available,
    /// It does not answer.
    Unreachable,
    /// It has missed answers.
    PotentiallyFailed,
    /// The peer has been heard from there for the first time.
    Confirmed,
    /// It is the primary path now.
    Primary,
    /// The peer has named it, and it is not confirmed yet.
    Unconfirmed,
    /// The peer has added the address.
    Added,
    /// The peer has taken the address away.
    Removed,
}

impl fmt::Display for PathChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { remote, event } = self;
        match event {
            PathEvent::Available => write!(f, "{remote} answers again"),
            PathEvent::Unreachable => write!(f, "{remote} does not answer any more"),
            PathEvent::PotentiallyFailed => write!(f, "{remote} is slow to answer"),
            PathEvent::Confirmed => write!(f, "{remote} is confirmed as an address of the peer"),
            PathEvent::Unconfirmed => write!(f, "{remote} has not been heard of yet"),
            PathEvent::Primary => write!(f, "{remote} is the primary path now"),
            PathEvent::Added => write!(f, "the peer has added {remote}"),
            PathEvent::Removed => write!(f, "the peer has taken {remote} away"),
        }
    }
}

/// The paths of an association that has just come up: the first is the primary.
pub(crate) fn paths_to(remotes: &[IpAddr]) -> Vec<Path> {
    let path = |(at, remote): (usize, &IpAddr)| Path { remote: *remote, state: PathState::Available, primary: at == 0 };
    remotes.iter().enumerate().map(path).collect()
}

/// Does to `paths` what has happened; `false` when that was known.
pub(crate) fn apply(paths: &mut Vec<Path>, change: PathChange) -> bool {
    let PathChange { remote, event } = change;
    let at = paths.iter().position(|path| path.remote == remote);
    let state = match event {
        PathEvent::Available | PathEvent::Confirmed => PathState::Available,
        PathEvent::Unreachable => PathState::Unreachable,
        PathEvent::PotentiallyFailed => PathState::PotentiallyFailed,
        PathEvent::Added | PathEvent::Unconfirmed => PathState::Unconfirmed,
        PathEvent::Primary => {
            let mut changed = false;
            for path in paths.iter_mut() {
                let primary = path.remote == remote;
                changed |= path.primary != primary && at.is_some();
                path.primary = if at.is_some() { primary } else { path.primary };
            }
            return changed;
        }
        PathEvent::Removed => {
            paths.retain(|path| path.remote != remote);
            return at.is_some();
        }
    };
    match at.and_then(|at| paths.get_mut(at)) {
        Some(path) if event == PathEvent::Added || path.state == state => false,
        Some(path) => {
            path.state = state;
            true
        }
        None => {
            paths.push(Path { remote, state, primary: false });
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 1, 1));

    fn after(events: &[(IpAddr, PathEvent)]) -> Vec<Path> {
        let mut paths = paths_to(&[A]);
        for (remote, event) in events {
            apply(&mut paths, PathChange { remote: *remote, event: *event });
        }
        paths
    }

    #[test]
    fn a_path_dies_and_comes_back_while_another_takes_over() {
        let a = |state, primary| Path { remote: A, state, primary };
        let b = |state, primary| Path { remote: B, state, primary };
        assert_eq!(after(&[]), [a(PathState::Available, true)]);
        let mut story = vec![(B, PathEvent::Added)];
        assert_eq!(after(&story), [a(PathState::Available, true), b(PathState::Unconfirmed, false)]);
        story.push((B, PathEvent::Confirmed));
        assert_eq!(after(&story), [a(PathState::Available, true), b(PathState::Available, false)]);
        story.extend([(A, PathEvent::Unreachable), (B, PathEvent::Primary)]);
        assert_eq!(after(&story), [a(PathState::Unreachable, false), b(PathState::Available, true)]);
        story.push((A, PathEvent::Available));
        assert_eq!(after(&story), [a(PathState::Available, false), b(PathState::Available, true)]);
        story.push((A, PathEvent::Removed));
        assert_eq!(after(&story), [b(PathState::Available, true)]);
    }

    #[test]
    fn what_is_known_already_is_no_change() {
        let mut paths = paths_to(&[A, B]);
        let same = [
            (A, PathEvent::Available),
            (A, PathEvent::Confirmed),
            (A, PathEvent::Primary),
            (B, PathEvent::Added),
            (IpAddr::from([10, 9, 9, 9]), PathEvent::Primary),
            (IpAddr::from([10, 9, 9, 9]), PathEvent::Removed),
        ];
        for (remote, event) in same {
            assert!(!apply(&mut paths, PathChange { remote, event }), "{remote} {event:?}");
        }
        assert_eq!(paths, paths_to(&[A, B]));
    }

    #[test]
    fn a_change_reads_as_a_sentence() {
        let change = PathChange { remote: B, event: PathEvent::Unreachable };
        assert_eq!(change.to_string(), "10.0.1.1 does not answer any more");
        assert_eq!(PathState::PotentiallyFailed.to_string(), "potentially failed");
    }
}
