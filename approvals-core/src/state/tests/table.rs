//! Every situation a request can be in against every event: this table is the state machine.

use std::collections::BTreeSet;

use super::kit::*;
use crate::action::Risk;
use crate::card::Shown;
use crate::id::WayId;
use crate::ledger::{Allowed, Event, Finish, PresentFailure, Reconciliation, RefusedCall};
use crate::people::Requester;
use crate::request::{Commitment, Quorum};
use crate::state::{Illegal, Phase, State};

/// A cell is the phase that follows. `=` is the same phase; `.` no such row; `no` blocked by a denial; `not` another
/// stream's event.
///
/// Columns `PD` and so on: `P0` pending without an answer (of two that it takes), `P1` one short, `Ap` approved,
/// `Ov` approved by break-glass, `De` denied, `Ex` expired, `Ca` cancelled, `Ru` executing, `RuD` executing with a
/// late denial, `Un` unknown, `UnR` unknown and rerunnable, `URD` the same with a late denial, `Su` succeeded, `Fa`
/// failed.
const TABLE: &str = "
event                  none P0  P1  Ap  Ov  De  Ex  Ca  Ru  RuD Un  UnR URD Su  Fa
requested              P    .   .   .   .   .   .   .   .   .   .   .   .   .   .
presented              .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
present_failed         .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
updated                .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
viewed                 .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
reminded               .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
escalated              .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
commented              .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
debt_signed            .    =   =   =   =   =   =   =   =   =   =   =   =   =   =
ignored                =    =   =   =   =   =   =   =   =   =   =   =   =   =   =
reviewed(approve)      .    P   A   .   .   .   .   .   .   .   .   .   .   .   .
reviewed(deny)         .    D   D   D   D   .   .   .   R   R   U   U   U   .   .
overridden             .    A   A   .   .   .   .   .   .   .   .   .   .   .   .
expired                .    E   E   E   E   .   .   .   .   .   .   .   .   .   .
cancelled              .    C   C   C   C   .   .   .   .   .   .   .   .   .   .
started                .    .   .   R   R   .   .   .   .   .   .   R   no  .   .
finished(ok)           .    .   .   .   .   .   .   .   S   S   .   .   .   .   .
finished(err)          .    .   .   .   .   .   .   .   F   F   .   .   .   .   .
finished(not_run)      .    .   .   .   .   .   .   .   C   C   .   .   .   .   .
lost                   .    .   .   .   .   .   .   .   U   U   .   .   .   .   .
reconciled(ran)        .    .   .   .   .   .   .   .   S   S   S   S   S   .   .
reconciled(did_not)    .    .   .   .   .   .   .   .   C   C   C   C   C   .   .
up                     not  not not not not not not not not not not not not not not
down                   not  not not not not not not not not not not not not not not
unauthenticated        not  not not not not not not not not not not not not not not
allowed                not  not not not not not not not not not not not not not not
refused                not  not not not not not not not not not not not not not not
";

fn situation(name: &str) -> History {
    let two = || History::asking(Quorum::people(2));
    let approved = || two().approved_by("ann", &[]).approved_by("bob", &[]);
    let executing = || approved().then(started(1));
    let unknown = || executing().then(lost(1));
    let again = || {
        let asked = History::of(rerunnable(requirement(Quorum::people(2))));
        asked.approved_by("ann", &[]).approved_by("bob", &[]).then(started(1)).then(lost(1))
    };
    match name {
        "none" => History::empty(),
        "P0" => two(),
        "P1" => two().approved_by("ann", &[]),
        "Ap" => approved(),
        "Ov" => {
            let asked = two();
            let by_force = asked.overridden("zoe");
            asked.then(by_force)
        }
        "De" => two().denied_by("ann", &[]),
        "Ex" => two().later(DECIDE).then(Event::Expired {}),
        "Ca" => two().then(withdrawn()),
        "Ru" => executing(),
        "RuD" => executing().denied_by("eve", &[]),
        "Un" => unknown(),
        "UnR" => again(),
        "URD" => again().denied_by("eve", &[]),
        "Su" => executing().then(finished(1, Finish::Ok {})),
        "Fa" => executing().then(finished(1, failed())),
        other => panic!("no situation `{other}`"),
    }
}

/// The event of a row, at a moment when no clock speaks against it.
fn attempt(row: &str, mut history: History) -> Result<State, Illegal> {
    let way = || WayId::from("chat");
    let requester = || Requester { agent: "bot".into(), owner: "olga".into(), on_behalf_of: None };
    let event = match row {
        "requested" => Event::Requested(requested(requirement(Quorum::people(2))).into()),
        "presented" => presented(Shown::Everything),
        "present_failed" => Event::PresentFailed { way: way(), why: PresentFailure::NoTty },
        "updated" => Event::Updated { way: way() },
        "viewed" => Event::Viewed { by: "ann".into(), way: way() },
        "reminded" => Event::Reminded { way: way() },
        "escalated" => Event::Escalated { to: groups(&["sre"]) },
        "commented" => Event::Commented { by: "ann".into(), comment: Commitment::from_bytes([4; 32]) },
        "debt_signed" => Event::DebtSigned { by: "ann".into() },
        "ignored" => ignored(),
        "reviewed(approve)" => history.yes("dee", &[]),
        "reviewed(deny)" => history.no("dee", &[]),
        "overridden" => history.overridden("zoe"),
        "expired" => {
            let deadline = history.state.deadline().unwrap_or(history.now);
            history = history.at(deadline);
            Event::Expired {}
        }
        "cancelled" => withdrawn(),
        "started" => started(2),
        "finished(ok)" => finished(1, Finish::Ok {}),
        "finished(err)" => finished(1, failed()),
        "finished(not_run)" => finished(1, not_run()),
        "lost" => lost(1),
        "reconciled(ran)" => reconciled("zoe", Reconciliation::Ran),
        "reconciled(did_not)" => reconciled("zoe", Reconciliation::DidNotRun),
        "up" => Event::Up { build: "b".to_owned(), policy: "p1".into() },
        "down" => Event::Down {},
        "unauthenticated" => Event::Unauthenticated { way: way(), count: 3 },
        "allowed" => Event::Allowed(Allowed {
            action: "a".to_owned(),
            risk: Risk::Low,
            requester: requester(),
            policy: "p1".into(),
            call: None,
        }),
        "refused" => Event::Refused(RefusedCall {
            action: "a".to_owned(),
            risk: Risk::Low,
            requester: requester(),
            policy: "p1".into(),
            why: Commitment::from_bytes([5; 32]),
        }),
        other => panic!("no event `{other}`"),
    };
    assert!(rows_of(&event).contains(&row), "the row `{row}` tries `{}`", event.name());
    history.judge(event)
}

/// Without a wildcard, so that a new event does not compile until it has its row.
fn rows_of(event: &Event) -> &'static [&'static str] {
    match event {
        Event::Requested(_) => &["requested"],
        Event::Presented { .. } => &["presented"],
        Event::PresentFailed { .. } => &["present_failed"],
        Event::Updated { .. } => &["updated"],
        Event::Viewed { .. } => &["viewed"],
        Event::Reminded { .. } => &["reminded"],
        Event::Escalated { .. } => &["escalated"],
        Event::Commented { .. } => &["commented"],
        Event::DebtSigned { .. } => &["debt_signed"],
        Event::Ignored(_) => &["ignored"],
        Event::Reviewed(_) => &["reviewed(approve)", "reviewed(deny)"],
        Event::Overridden { .. } => &["overridden"],
        Event::Expired {} => &["expired"],
        Event::Cancelled { .. } => &["cancelled"],
        Event::Started { .. } => &["started"],
        Event::Finished { .. } => &["finished(ok)", "finished(err)", "finished(not_run)"],
        Event::Lost { .. } => &["lost"],
        Event::Reconciled { .. } => &["reconciled(ran)", "reconciled(did_not)"],
        Event::Up { .. } => &["up"],
        Event::Down {} => &["down"],
        Event::Unauthenticated { .. } => &["unauthenticated"],
        Event::Allowed(_) => &["allowed"],
        Event::Refused(_) => &["refused"],
    }
}

fn cell(found: &Result<State, Illegal>, before: Phase, expected: &str) -> String {
    match found.as_ref().map(State::phase) {
        Ok(phase) if phase == before && expected == "=" => "=".to_owned(),
        Ok(Phase::None) => "none".to_owned(),
        Ok(Phase::Executing) => "R".to_owned(),
        Ok(phase) => phase.as_str().chars().take(1).collect::<String>().to_uppercase(),
        Err(Illegal::Transition { phase, .. }) if *phase == before => ".".to_owned(),
        Err(Illegal::DeniedMeanwhile) => "no".to_owned(),
        Err(Illegal::OtherStream) => "not".to_owned(),
        Err(other) => other.to_string(),
    }
}

fn rows() -> (Vec<&'static str>, Vec<(&'static str, Vec<&'static str>)>) {
    let mut lines = TABLE.lines().filter(|line| !line.is_empty()).map(str::split_whitespace);
    let columns = lines.next().map(|header| header.skip(1).collect()).unwrap_or_default();
    let rows = lines.filter_map(|mut row| Some((row.next()?, row.collect()))).collect();
    (columns, rows)
}

#[test]
fn every_event_does_in_every_situation_what_the_table_says() {
    let (columns, rows) = rows();
    let mut wrong = Vec::new();
    for (row, cells) in &rows {
        assert_eq!(cells.len(), columns.len(), "the row `{row}` has a gap");
        for (column, expected) in columns.iter().zip(cells) {
            let history = situation(column);
            let before = history.phase();
            let found = cell(&attempt(row, history), before, expected);
            if found != *expected {
                wrong.push(format!("{row} when {column} ({before}): {expected} expected, {found} found"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_covers_every_phase_and_every_kind_of_event() {
    let (columns, rows) = rows();
    let phases: Vec<Phase> = columns.iter().map(|column| situation(column).phase()).collect();
    assert!(Phase::ALL.iter().all(|phase| phases.contains(phase)), "{phases:?}");
    let named: BTreeSet<&str> = rows.iter().map(|(row, _)| *row).collect();
    assert_eq!(named.len(), 27, "a row is there twice or missing");
}

#[test]
fn a_note_leaves_the_version_and_everything_else_moves_it_by_one() {
    let (columns, rows) = rows();
    for (row, cells) in &rows {
        let is_note = cells.contains(&"=");
        for column in &columns {
            let before = situation(column).state;
            let Ok(after) = attempt(row, situation(column)) else { continue };
            let due = if is_note { before.version() } else { before.version().next() };
            assert_eq!(after.version(), due, "{row} when {column}");
        }
    }
}

#[test]
fn terminal_phases_are_exactly_those_that_no_event_leaves() {
    let (columns, rows) = rows();
    for (number, column) in columns.iter().enumerate() {
        let left = rows.iter().any(|(_, cells)| !["=", ".", "no", "not"].contains(&cells[number]));
        assert_eq!(situation(column).phase().is_terminal(), !left, "{column}");
    }
}
