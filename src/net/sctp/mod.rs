//! SCTP: in the kernel where there is one, embedded over UDP everywhere, embedded over IP where that is allowed.

pub mod edge;
pub mod embedded;
#[allow(unsafe_code, reason = "socket options of SCTP have no safe interface")]
pub mod kernel;
mod peer;
mod pump;
mod socket;
