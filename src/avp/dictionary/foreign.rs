//! AVPs of reference points that are not typed here, so that any trace reads with names: accounting and credit control,
//! policy (Gx, Rx), IMS (Cx, Sh), non-3GPP access (SWx, SWm, S6b), location, short messages, and the rest of S6a.
//!
//! These rows are for reading alone: no struct, no grammar of groups, and the M rule of a block where its specification
//! has one rule for nearly all. Where a format is in doubt it is OctetString, which shows any data.
//!
//! ```text
//! ietf.rs      RADIUS, SIP, Mobile IP, credit control, EAP
//! ims.rs       Gi, GBA, Rx, Cx, Sh
//! charging.rs  TS 32.299
//! access.rs    Gx, S9, Sy, S6a, S13, SWx and its kin, SLh, SLg, S6m, S6c, ETSI
//! ```

pub mod access;
pub mod charging;
pub mod ietf;
pub mod ims;
