//! What must outlive a crash.
