//! Reference points.
