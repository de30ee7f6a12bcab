//! What a process says, a line each.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use approvals::ledger::Event;

/// One line of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is up, and waits for a word.
    Up,
    /// It makes the call of a number.
    Calls(u64),
    /// The store acknowledged an append.
    Acked {
        /// The place of its last record; 0 where it is not known.
        seq: u64,
        /// Its stream.
        stream: String,
        /// The [`mark`] of each of its events, in order.
        marks: Vec<u64>,
    },
    /// A call ended so: `ran`, `failed` by its body, `left`, or the kind of its refusal.
    Told {
        /// The name of the call.
        call: String,
        /// How it ended.
        outcome: String,
    },
    /// The store failed: its kind, and what it says.
    Failed {
        /// The kind of error.
        kind: String,
        /// The message, with the remedy.
        message: String,
    },
    /// It waits for a word at a place: `claim` or `body`.
    At(String),
    /// The bare database acknowledged this row.
    Row(u64),
    /// It stopped cleanly.
    Down,
}

/// What an event is recognised by in the ledger.
pub fn mark(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.hash(&mut hasher);
    hasher.finish()
}

impl Said {
    /// Says it. One write for a line: a process that is killed says a line or not.
    pub(crate) fn aloud(&self) {
        let line = format!("{self}\n");
        let mut out = std::io::stdout().lock();
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            // Nobody listens any more, so nobody would end this process either.
            std::process::exit(1);
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
            Self::Calls(number) => write!(f, "calls {number}"),
            Self::Acked { seq, stream, marks } => {
                write!(f, "acked {seq} {stream}")?;
                marks.iter().try_for_each(|mark| write!(f, " {mark:x}"))
            }
            Self::Told { call, outcome } => write!(f, "told {call} {outcome}"),
            Self::Failed { kind, message } => write!(f, "failed {kind} {}", message.replace('\n', " ")),
            Self::At(place) => write!(f, "at {place}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::Down => f.write_str("down"),
        }
    }
}

impl FromStr for Said {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> anyhow::Result<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let pair = || rest.split_once(' ').with_context(|| format!("`{line}` lacks a word"));
        Ok(match word {
            "up" => Self::Up,
            "calls" => Self::Calls(rest.parse()?),
            "acked" => {
                let (seq, rest) = pair()?;
                let mut words = rest.split(' ');
                let stream = words.next().unwrap_or_default().to_owned();
                let marks = words.map(|word| u64::from_str_radix(word, 16)).collect::<Result<_, _>>()?;
                Self::Acked { seq: seq.parse()?, stream, marks }
            }
            "told" => {
                let (call, outcome) = pair()?;
                Self::Told { call: call.to_owned(), outcome: outcome.to_owned() }
            }
            "failed" => {
                let (kind, message) = pair()?;
                Self::Failed { kind: kind.to_owned(), message: message.to_owned() }
            }
            "at" => Self::At(rest.to_owned()),
            "row" => Self::Row(rest.parse()?),
            "down" => Self::Down,
            _ => bail!("`{line}` is nothing that a process says"),
        })
    }
}
