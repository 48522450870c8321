//! The exit codes, all in this place. They are part of the interface: scripts depend on them.

use std::io;

use crate::capture::CaptureError;

/// Done, and nothing is wrong.
pub const GOOD: u8 = 0;
/// Checked, and it differs or failed.
pub const DIFFERS: u8 = 1;
/// The command line or the configuration can not be used.
pub const USAGE: u8 = 2;
/// The transport or the environment failed: a file that can not be opened, a peer that does not answer.
pub const ENVIRONMENT: u8 = 3;
/// The input is malformed, or of a format that is not read.
pub const MALFORMED: u8 = 4;
/// Stopped by the user, as shells report it: 128 and the number of SIGINT.
pub const INTERRUPTED: u8 = 130;

/// The exit code of a capture's error.
#[must_use]
pub fn of_capture(error: &CaptureError) -> u8 {
    match error {
        CaptureError::Open(_) | CaptureError::Io { .. } => ENVIRONMENT,
        _ => MALFORMED,
    }
}

/// The exit code when standard output fails: a reader that has seen enough is no failure.
#[must_use]
pub fn of_output(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::BrokenPipe { GOOD } else { ENVIRONMENT }
}
