//! proselink: Diameter over SCTP for 3GPP Proximity Services.

pub mod avp;
pub mod capture;
pub mod interfaces;
pub mod message;
pub mod peer;
pub mod registration;
pub mod store;
pub mod verify;

#[cfg(feature = "net")]
pub mod cli;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "net")]
pub mod node;
