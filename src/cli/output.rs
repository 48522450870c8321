//! Standard output: locked once, written in large pieces, and coloured here alone.

use std::io::{self, StdoutLock, Write as _};

use anstyle::{AnsiColor, Style};

use super::Globals;
use crate::message::text::{Ink, Palette};

/// When the buffer is written.
const FULL: usize = 64 << 10;

/// Standard output with a buffer of text in front.
pub struct Output {
    stdout: StdoutLock<'static>,
    /// What is not written yet; append here.
    pub text: String,
    /// Write after every message, for input that comes as it happens.
    pub live: bool,
}

impl Output {
    /// Locks standard output.
    pub fn new() -> Self {
        Self { stdout: io::stdout().lock(), text: String::with_capacity(FULL + (8 << 10)), live: false }
    }

    /// Writes the buffer when it is full, or at once for live input.
    ///
    /// # Errors
    /// When the system refuses; a closed pipe is among these, see [`super::exit::of_output`].
    pub fn message_done(&mut self) -> io::Result<()> {
        if self.live || self.text.len() >= FULL { self.flush() } else { Ok(()) }
    }

    /// Writes the buffer.
    ///
    /// # Errors
    /// As [`Output::message_done`].
    pub fn flush(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        self.stdout.write_all(self.text.as_bytes())?;
        self.text.clear();
        self.stdout.flush()
    }
}

/// A line on standard output, at once: whoever started us may wait for it.
///
/// # Errors
/// When the system refuses; a closed pipe is among these.
pub fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush())
}

/// The colours of standard output, none where they are not wanted.
pub fn palette(globals: &Globals) -> Palette {
    if !globals.choice(&io::stdout()) {
        return Palette::default();
    }
    let ink = |style: Style| Ink { on: style.render().to_string(), off: style.render_reset().to_string() };
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    Palette {
        command: ink(Style::new().bold()),
        name: ink(colour(AnsiColor::Cyan)),
        detail: ink(Style::new().dimmed()),
        meaning: ink(colour(AnsiColor::Green)),
        private: ink(colour(AnsiColor::Magenta)),
        fault: ink(colour(AnsiColor::Red).bold()),
    }
}
