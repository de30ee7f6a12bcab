//! What a process is told to do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a process is told to do, as the JSON of its one argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// The file of the store.
    pub store: PathBuf,
    /// The world outside: each run of a body leaves a synced line here, the name of its call.
    pub effects: PathBuf,
    /// The name of the process in the ledger.
    pub node: String,
    /// Where its clock begins, in minutes after a fixed day.
    pub minute: u64,
    /// What to do.
    pub part: Part,
    /// Where it kills itself.
    pub trip: Option<Trip>,
    /// What is wrong with it.
    pub defect: Option<Defect>,
    /// Whether it waits for a word before each claim and inside each body.
    pub holds: bool,
}

/// What a process does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Makes call after call, some beside each other.
    Work {
        /// The number of the first one.
        from: u64,
        /// The number after the last one; it then stops cleanly. None: it goes on until it is killed.
        until: Option<u64>,
        /// How many at once.
        beside: usize,
    },
    /// Writes rows into a bare database with this `PRAGMA synchronous`, without a store.
    Probe {
        /// `FULL`, `NORMAL` or `OFF`.
        synchronous: String,
    },
    /// Writes lines into a bare file, and syncs a second time on the same handle where the first time failed.
    Stubborn,
}

/// A moment at which a process sends itself SIGKILL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trip {
    /// The name of an event in the append, or of several with `+` between them, or `body entered` or `body done`.
    pub name: String,
    /// After the commit, before anybody is told of it; else right before it.
    pub after: bool,
    /// Which time it comes by, from 1.
    pub time: u32,
}

/// A defect that a harness must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Defect {
    /// Says that a record is there before it is.
    AcknowledgesEarly,
    /// Enters the body before `started` is on record, which is written with the end of the body.
    EntersEarly,
    /// Takes a claim that was refused for one that was won.
    ClaimsAnyway,
    /// Runs bodies although the store failed to record their claim.
    RunsUnrecorded,
}

/// How a call goes, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Keyed; one person says yes.
    One,
    /// Keyed; two people say yes.
    Two,
    /// Keyed; a person says no.
    Denied,
    /// Keyed; nobody says anything in time.
    Expires,
    /// Keyed, and may run again after a crash.
    Rerunnable,
    /// Without a key; one person says yes.
    Unkeyed,
    /// Keyed; the body leaves its effect and returns an error.
    Fails,
    /// Keyed; the caller leaves in the middle of the body.
    Dropped,
    /// Without a key; the caller leaves while it waits.
    Leaves,
    /// Keyed; of two people that it takes, one says yes and the other no.
    TakenBack,
}

impl Kind {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::One,
        Self::Two,
        Self::Denied,
        Self::Expires,
        Self::Rerunnable,
        Self::Unkeyed,
        Self::Fails,
        Self::Dropped,
        Self::Leaves,
        Self::TakenBack,
    ];

    /// How the call of this number goes.
    pub fn of(number: u64) -> Self {
        let index = usize::try_from(number % Self::ALL.len() as u64).unwrap_or(0);
        Self::ALL.get(index).copied().unwrap_or(Self::One)
    }

    /// How the call of this name goes.
    pub fn named(name: &str) -> Option<Self> {
        let number = name.split('-').next_back()?;
        number.parse().ok().map(Self::of)
    }

    /// Whether it has a key, and so finds its request again.
    pub fn is_keyed(self) -> bool {
        !matches!(self, Self::Unkeyed | Self::Leaves)
    }

    /// Whether a body may run under it at all.
    pub fn may_run(self) -> bool {
        !matches!(self, Self::Denied | Self::Expires | Self::Leaves | Self::TakenBack)
    }
}
