//! One AVP: its header, its data formats, the dictionary that names it, and what can be wrong with it.
//!
//! Two ways to read: [`Avps`] walks over borrowed octets and allocates nothing; the structs that
//! [`dictionary::group`] and [`crate::interfaces`] declare give every member its type. Both follow the same tables.

pub mod dictionary;
pub mod fault;
pub mod format;
mod view;

pub use fault::{Fault, FaultKind};
pub use format::{Address, DiameterUri, Kind, Time};
pub use view::{Avp, AvpFlags, Avps, Key, Malformed};
