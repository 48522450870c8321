//! proselink: Diameter over SCTP for 3GPP Proximity Services.

// clippy.toml names what only the half behind `net` may touch: clocks, threads, files, sockets.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod avp;
pub mod capture;
pub mod interfaces;
pub mod message;
pub mod peer;
pub mod registration;
pub mod store;
pub mod verify;

#[cfg(feature = "net")]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a command has a clock, files and arguments")]
pub mod cli;
#[cfg(feature = "net")]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "transports are sockets and clocks")]
pub mod net;
#[cfg(feature = "net")]
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a running element has a clock, files and sockets"
)]
pub mod node;
