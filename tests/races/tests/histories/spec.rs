//! What one after another would give: a register with a version, whose values follow the production state machine.

use approvals::id::{Seq, Version};
use approvals::ledger::{Body, Event, FORMAT, Record, Stream};
use approvals::state::{Illegal, State, apply};
use stateright::semantics::SequentialSpec;

/// What a thread does.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Looks, and writes what it wants to happen at the version that it saw, until the version holds.
    Move(Event),
    /// Writes at a version that it holds for the right one.
    At(Version, Event),
    /// Writes a note.
    Note(Event),
    /// Reads the whole history.
    Read,
}

/// What it is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ret {
    Wrote(Seq, Version),
    Conflict,
    Refused(Illegal),
    Read(Vec<(Seq, Version, &'static str)>),
}

impl Ret {
    pub(crate) fn of(history: &[Record]) -> Self {
        let line = |record: &Record| (record.seq, record.body.version, record.body.event.name());
        Self::Read(history.iter().map(line).collect())
    }
}

/// One request, in a ledger that nobody writes anything else to.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    state: State,
    /// What every record here says beside its version and its event; the time is that of the ledger.
    like: Body,
    lines: Vec<(Seq, Version, &'static str)>,
    last: Seq,
}

impl Register {
    /// As the ledger is before the first thread moves. `like` is the next record, but for what it says.
    pub(crate) fn of(history: &[Record], like: Body) -> Self {
        let Ret::Read(lines) = Ret::of(history) else { unreachable!() };
        let last = history.last().unwrap().seq;
        Self { state: State::fold(history).unwrap(), like, lines, last }
    }

    fn write(&mut self, version: Version, event: &Event) -> Ret {
        let name = event.name();
        let body = Body { version, event: event.clone(), ..self.like.clone() };
        match apply(&self.state, &body) {
            Ok(state) => {
                self.state = state;
                self.last = Seq(self.last.0 + 1);
                self.lines.push((self.last, version, name));
                Ret::Wrote(self.last, version)
            }
            Err(illegal) => Ret::Refused(illegal),
        }
    }
}

impl SequentialSpec for Register {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        let at = self.state.version();
        match op {
            Op::At(expected, _) if *expected != at => Ret::Conflict,
            Op::At(_, event) | Op::Move(event) => self.write(at.next(), event),
            Op::Note(event) => self.write(at, event),
            Op::Read => Ret::Read(self.lines.clone()),
        }
    }
}

/// The record that an append would write, but for what it says.
pub(crate) fn like(opened: &Body, time: approvals::time::Timestamp) -> Body {
    assert_eq!((opened.format, matches!(opened.stream, Stream::Request(_))), (FORMAT, true));
    Body { time, ..opened.clone() }
}
