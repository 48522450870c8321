//! One AVP.
