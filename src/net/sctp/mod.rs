//! SCTP: in the kernel where there is one, embedded over UDP everywhere, embedded over IP where that is allowed.

pub mod edge;
pub mod embedded;
pub mod kernel;
mod peer;
mod pump;
mod socket;
