//! proselink: Diameter over SCTP for 3GPP Proximity Services.
//!
//! ```text
//! avp ◄ message ◄ interfaces ◄ { peer, registration } ◄ { net, store } ◄ node ◄ cli
//! avp ◄ message ◄ capture ◄ verify ◄ report ◄ cli
//! ```
//!
//! - [`avp`]: one AVP, its formats, the dictionary that names it, what can be wrong with it
//! - [`message`]: header, framing, the check of a grammar, JSON, text, display filters
//! - [`interfaces`]: PC2, PC3, PC4, PC6/PC7, S6a and the base protocol, a file each
//! - [`peer`]: a Diameter node without input and output
//! - [`generic`]: a client and a server of any application, without input and output
//! - [`registration`]: the registration procedure, its parties, without input and output
//! - [`capture`]: captures read and written; [`verify`]: what a capture should hold; [`diff`]: what differs;
//!   [`anonymize`]: pseudonyms for who is named in one
//! - [`catalogue`]: dictionaries as values: given away to other tools, taken from them, compared
//! - [`replay`]: a capture said again to a live peer, without input and output
//! - [`report`]: ladders and verdicts, for people and for other tools
//! - [`conform`]: what a live peer should do, as data, and the judge of what it does
//! - [`store`]: what must outlive a crash
//! - with the feature `net`: `net` (transports), `node` (a running element), `cli`
//!
//! All but the last line is pure: octets or an event and the time in, values and actions out.
//!
//! ```
//! use proselink::interfaces::base::DeviceWatchdogRequest;
//! use proselink::message::{Command, Envelope};
//!
//! let request = DeviceWatchdogRequest { origin_host: "a.example", origin_realm: "example", ..Default::default() };
//! let octets = request.to_bytes(Envelope { application: 0, hop_by_hop: 1, end_to_end: 2 });
//! assert_eq!(DeviceWatchdogRequest::decode(&octets), Ok(request));
//!
//! // Every fault of a message is collected, with what a receiver answers.
//! let faults = DeviceWatchdogRequest::decode(&octets[..20]).unwrap_err();
//! assert_eq!(faults.iter().map(|fault| fault.result_code()).collect::<Vec<_>>(), [5015, 5005, 5005]);
//! ```

// clippy.toml names what only the half behind `net` may touch: clocks, threads, files, sockets.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod anonymize;
pub mod avp;
pub mod capture;
pub mod catalogue;
pub mod conform;
pub mod diff;
mod folding;
pub mod generic;
pub mod interfaces;
pub mod message;
pub mod peer;
pub mod registration;
pub mod replay;
pub mod report;
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
