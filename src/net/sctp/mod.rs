//! SCTP: in the kernel where there is one, embedded over UDP everywhere.

pub mod edge;
pub mod embedded;
pub mod kernel;
mod peer;
mod pump;
