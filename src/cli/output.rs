//! Standard output: locked once, written in large pieces, and coloured here alone.

use std::io::{self, StdoutLock, Write as _};

use anstyle::{AnsiColor, Style};

use super::Globals;
use crate::message::text::{Ink, Palette};
use crate::report::ladder::Inks;

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

fn ink(style: Style) -> Ink {
    Ink { on: style.render().to_string(), off: style.render_reset().to_string() }
}

fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into()))
}

/// The colours of a ladder.
pub fn ladder_inks(coloured: bool) -> Inks {
    if !coloured {
        return Inks::default();
    }
    Inks {
        head: ink(Style::new().bold()),
        carried: ink(Style::new().dimmed()),
        pc2: ink(colour(AnsiColor::Magenta).bold()),
        pc3: ink(colour(AnsiColor::Green).bold()),
        pc4: ink(colour(AnsiColor::Cyan).bold()),
        other: ink(colour(AnsiColor::Blue).bold()),
        refused: ink(colour(AnsiColor::Red).bold()),
    }
}

/// The colours of standard output, none where they are not wanted.
pub fn palette(globals: &Globals) -> Palette {
    if !globals.choice(&io::stdout()) {
        return Palette::default();
    }
    Palette {
        command: ink(Style::new().bold()),
        name: ink(colour(AnsiColor::Cyan)),
        detail: ink(Style::new().dimmed()),
        meaning: ink(colour(AnsiColor::Green)),
        private: ink(colour(AnsiColor::Magenta)),
        fault: ink(colour(AnsiColor::Red).bold()),
    }
}
