//! What the program says, and how it ends.

use std::io::{self, IsTerminal as _};

use approvals::card::text::TextOptions;
use approvals::card::visible;
use approvals::terminal::columns;
use serde::Serialize;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Error,
    Usage,
    NotCounted,
    NotFound,
    Unhealthy,
}

impl Exit {
    /// The number that scripts see.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::NotCounted => 3,
            Self::NotFound => 4,
            Self::Unhealthy => 5,
        }
    }
}

/// Why the program cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be told, remedy included.
    Told { exit: Exit, message: String },
    /// Nobody reads the output any more, as with `| head`: there is nothing left to do.
    NoReader,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self::Told { exit, message: message.into() }
    }

    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Exit::Error, message)
    }

    /// An error with what the system or the database said behind it.
    pub(crate) fn because(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        if let Some(cause) = error.source().map(ToString::to_string).filter(|cause| !message.contains(cause))
        {
            message.push_str(&format!(" ({cause})"));
        }
        Self::error(message)
    }
}

impl From<approvals::ledger::StoreError> for Failure {
    fn from(error: approvals::ledger::StoreError) -> Self {
        Self::because(&error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NoReader,
            _ => Self::error(format!("the output cannot be written: {error}; check where it goes")),
        }
    }
}

/// Standard output and standard error.
#[derive(Debug)]
pub(crate) struct Out {
    json: bool,
}

impl Out {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is asked for.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Prints text that was made visible already.
    pub(crate) fn text(&self, text: &str) -> io::Result<()> {
        write_all(io::stdout().lock(), text)
    }

    /// Prints a value as JSON on one line.
    pub(crate) fn object(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut line = ascii_json(value).map_err(|e| Failure::because(&e))?;
        line.push('\n');
        Ok(self.text(&line)?)
    }

    /// Prints a card: beside the JSON, not into it.
    pub(crate) fn card(&self, text: &str) -> io::Result<()> {
        if self.json { write_all(io::stderr().lock(), text) } else { self.text(text) }
    }

    /// How a card is to be rendered: whole, whatever its length (law 5).
    pub(crate) fn card_options(&self) -> TextOptions {
        let terminal = if self.json { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let asked = std::env::var("COLUMNS").ok();
        let there = if self.json { columns(io::stderr()) } else { columns(io::stdout()) };
        let width = width(asked.as_deref(), there);
        TextOptions::default().width(width).limit(usize::MAX).color(terminal && !plain)
    }

    /// Says something beside the output.
    pub(crate) fn note(&self, text: &str) {
        // Nothing depends on it, and there is nowhere else to say so.
        let _ = write_all(io::stderr().lock(), &format!("{text}\n"));
    }

    /// Says that something is refused or went wrong.
    pub(crate) fn complain(&self, message: &str) {
        let lines: Vec<String> = message.trim_end().split('\n').map(visible_line).collect();
        self.note(&format!("error: {}", lines.join("\n       ")));
    }

    /// Tells a failure, on standard output too when JSON is asked for.
    pub(crate) fn fail(&self, failure: &Failure) -> Exit {
        let Failure::Told { exit, message } = failure else { return Exit::Done };
        self.complain(message);
        if self.json {
            let told = serde_json::json!({ "error": message, "exit": exit.code() });
            // The exit code says it too.
            let _ = self.object(&told);
        }
        *exit
    }
}

/// How many columns a card takes, by what the environment asks for and what the terminal has. Never more than there are:
/// a terminal breaks a longer line itself, and text from outside would begin one.
pub(crate) fn width(asked: Option<&str>, there: Option<usize>) -> usize {
    let asked: Option<usize> = asked.and_then(|text| text.parse().ok());
    asked.or(there).unwrap_or(80).min(there.unwrap_or(usize::MAX)).clamp(40, 240)
}

/// A line that may quote a file or a record: hostile text stays visible text (law 13). Word by word, because the spaces
/// before a caret are no hiding place.
pub(crate) fn visible_line(line: &str) -> String {
    line.split(' ').map(visible).collect::<Vec<_>>().join(" ")
}

fn write_all(mut to: impl io::Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}

/// JSON in ASCII alone: the same value to every parser, and nothing in it that a terminal would act upon (law 13).
fn ascii_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Outside of strings JSON is ASCII, and serde_json escapes the control characters but this one.
        if c.is_ascii() && c != '\u{7f}' {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_same_value_without_a_character_that_a_terminal_acts_upon() {
        let hostile = "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{2028}é🦀\"\\";
        let json = ascii_json(&[hostile]).unwrap();
        assert!(json.bytes().all(|b| (0x20..0x7f).contains(&b)), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [hostile]);
    }
}
