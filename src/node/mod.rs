//! A running element.
