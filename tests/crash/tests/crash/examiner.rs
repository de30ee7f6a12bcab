//! Looks at a ledger and at the world outside after a crash, and says what should not be.

use std::collections::{BTreeMap, BTreeSet};

use approvals::id::{RequestId, Seq};
use approvals::ledger::{Event, Store as _, Stream};
use approvals::state::{Phase, State, apply};
use approvals::{Sqlite, SqliteOptions};
use approvals_crash::{Kind, Said, mark};
use rusqlite::{Connection, OpenFlags};

use crate::bench::Place;

/// What came about in a run, so that none passes in which nothing happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Records that were acknowledged and found.
    pub(crate) acked: usize,
    /// Calls that had a request without a verdict when their process died, and ran later.
    pub(crate) taken_up: usize,
    /// Attempts that a successor recorded as lost.
    pub(crate) lost: usize,
    /// Bodies that ran again because their action says that they may.
    pub(crate) reruns: usize,
    /// Bodies that ran.
    pub(crate) effects: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.acked += other.acked;
        self.taken_up += other.taken_up;
        self.lost += other.lost;
        self.reruns += other.reruns;
        self.effects += other.effects;
    }
}

/// Follows one store from crash to crash.
pub(crate) struct Examiner {
    place: Place,
    runtime: tokio::runtime::Runtime,
    /// Stream and mark of every record, by its place.
    records: Vec<(Stream, u64)>,
    states: BTreeMap<RequestId, State>,
    calls: BTreeMap<RequestId, String>,
    started: BTreeMap<String, usize>,
    waited: BTreeSet<RequestId>,
    unseen: Vec<Said>,
    /// Whether a claim may end as not run, so that its key asks anew: where the fate of a claim could not be read.
    pub(crate) may_ask_anew: bool,
    /// The number after the last call that was made.
    pub(crate) next: u64,
    pub(crate) tally: Tally,
}

type Found = Result<(), String>;

impl Examiner {
    pub(crate) fn new(place: &Place) -> Self {
        Self {
            place: place.clone(),
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            records: Vec::new(),
            states: BTreeMap::new(),
            calls: BTreeMap::new(),
            started: BTreeMap::new(),
            waited: BTreeSet::new(),
            unseen: Vec::new(),
            may_ask_anew: false,
            next: 0,
            tally: Tally::default(),
        }
    }

    /// Takes note of what a process said.
    pub(crate) fn hears(&mut self, said: impl IntoIterator<Item = Said>) {
        for said in said {
            match said {
                Said::Calls(number) => self.next = self.next.max(number + 1),
                Said::Acked { .. } => self.unseen.push(said),
                _ => {}
            }
        }
    }

    /// Takes note of the calls that a process made, and of nothing that it says was acknowledged.
    pub(crate) fn hears_of_calls(&mut self, said: impl IntoIterator<Item = Said>) {
        self.hears(said.into_iter().filter(|said| matches!(said, Said::Calls(_))));
    }

    /// Looks at the store while a successor has it open, so that the recovery is the successor's and not ours.
    /// `dead`: a node whose process has died, and whose successor is up.
    pub(crate) fn looks(&mut self, dead: Option<&str>) -> Found {
        // Before the ledger: a claim comes before its effect, also where another process works on meanwhile.
        let effects = self.effects();
        self.reads()?;
        self.misses_nothing()?;
        self.ran_under_a_claim_and_once(effects)?;
        for (request, state) in &self.states {
            let claimed = state.claim().map(|claim| claim.node.as_str());
            if state.phase() == Phase::Executing && dead.is_some() && claimed == dead {
                return Err(format!("{request} is claimed by `{claimed:?}`, which is dead, and not lost"));
            }
            if state.phase() == Phase::Pending && dead.is_some() {
                self.waited.insert(*request);
            }
        }
        Ok(())
    }

    fn reads(&mut self) -> Found {
        let conn = Connection::open_with_flags(&self.place.store, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|e| format!("cannot be opened: {e}"))?;
        let whole: String =
            conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(|e| e.to_string())?;
        if whole != "ok" {
            return Err(format!("SQLite says: {whole}"));
        }
        // In one statement: a successor may write meanwhile.
        let both = "SELECT coalesce(max(seq), 0), count(*) FROM records";
        let both = conn.query_row(both, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let (last, count) = both.map_err(|e| e.to_string())?;
        if last != count {
            return Err(format!("{count} records and the last is number {last}"));
        }
        let known = self.records.len();
        if usize::try_from(count).unwrap() < known {
            return Err(format!("{count} records where {known} were read before"));
        }
        let after = Seq(known as u64);
        let records = self.runtime.block_on(async {
            let store = Sqlite::open_with(&self.place.store, SqliteOptions::new().read_only()).await?;
            let records = store.records(after, usize::MAX).await;
            store.close().await;
            records
        });
        for record in records.map_err(|e| e.to_string())? {
            let stream = record.body.stream;
            self.records.push((stream, mark(&record.body.event)));
            let Some(request) = stream.request() else { continue };
            let state = self.states.entry(request).or_default();
            *state = apply(state, &record.body).map_err(|e| format!("record {}: {e}", record.seq))?;
            match &record.body.event {
                Event::Requested(_) => {
                    let call = record.payload.as_ref().and_then(|payload| payload.text("resource"));
                    self.calls.insert(request, call.ok_or("a request without its values")?.to_owned());
                }
                Event::Started { .. } => {
                    let call = self.calls.get(&request).cloned().unwrap_or_default();
                    *self.started.entry(call).or_default() += 1;
                }
                Event::Lost { .. } => self.tally.lost += 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// What was acknowledged is there.
    fn misses_nothing(&mut self) -> Found {
        for said in self.unseen.drain(..) {
            let Said::Acked { seq, stream, marks } = &said else { continue };
            let is =
                |(found, mark): &(Stream, u64), wanted: &u64| found.to_string() == *stream && mark == wanted;
            let found = match usize::try_from(*seq).unwrap() {
                0 => marks.iter().all(|mark| self.records.iter().any(|record| is(record, mark))),
                last => last.checked_sub(marks.len()).is_some_and(|first| {
                    let records = self.records.get(first..last).unwrap_or_default();
                    records.len() == marks.len()
                        && records.iter().zip(marks).all(|(record, mark)| is(record, mark))
                }),
            };
            if !found {
                return Err(format!("`{said}` was acknowledged and is gone"));
            }
            self.tally.acked += marks.len();
        }
        Ok(())
    }

    /// The runs of each call, as the world outside has them.
    fn effects(&self) -> BTreeMap<String, usize> {
        let mut effects = BTreeMap::new();
        for call in std::fs::read_to_string(&self.place.effects).unwrap_or_default().lines() {
            *effects.entry(call.to_owned()).or_default() += 1;
        }
        effects
    }

    fn ran_under_a_claim_and_once(&self, effects: BTreeMap<String, usize>) -> Found {
        for (call, runs) in effects {
            let kind = Kind::named(&call).ok_or_else(|| format!("`{call}` is torn"))?;
            let started = self.started.get(&call).copied().unwrap_or(0);
            if runs > started {
                return Err(format!("the body of `{call}` ran {runs} times under {started} claims"));
            }
            if runs > 1 && kind != Kind::Rerunnable {
                return Err(format!("the body of `{call}` ran {runs} times"));
            }
            if !kind.may_run() {
                return Err(format!("the body of `{call}` ran, and nobody let it"));
            }
        }
        Ok(())
    }

    /// After all calls were made once more by a process that stopped cleanly: each stands where its kind ends.
    pub(crate) fn settles(&mut self) -> Found {
        self.looks(None)?;
        let effects = self.effects();
        let mut requests: BTreeMap<&str, Vec<RequestId>> = BTreeMap::new();
        for (request, call) in &self.calls {
            requests.entry(call).or_default().push(*request);
        }
        for (call, ids) in requests {
            let kind = Kind::named(call).ok_or_else(|| format!("`{call}` is no call"))?;
            let runs = effects.get(call).copied().unwrap_or(0);
            self.tally.effects += runs;
            if kind == Kind::Rerunnable {
                self.tally.reruns += runs.saturating_sub(1);
            }
            // An expired key asks in a new round; everything else finds its one request.
            if kind != Kind::Expires && ids.len() != 1 && !self.may_ask_anew {
                return Err(format!("`{call}` was asked about {} times", ids.len()));
            }
            for id in ids {
                let phase = self.states[&id].phase();
                let stands = match kind {
                    Kind::One | Kind::Two => matches!(phase, Phase::Succeeded | Phase::Unknown),
                    // Its caller is gone with its process: nobody finds it again.
                    Kind::Unkeyed => matches!(phase, Phase::Succeeded | Phase::Unknown | Phase::Cancelled),
                    Kind::Denied | Kind::TakenBack => phase == Phase::Denied,
                    Kind::Expires => phase == Phase::Expired,
                    Kind::Rerunnable => phase == Phase::Succeeded,
                    Kind::Fails => matches!(phase, Phase::Failed | Phase::Unknown),
                    Kind::Dropped => phase == Phase::Unknown,
                    Kind::Leaves => phase == Phase::Cancelled,
                };
                if !(stands || self.may_ask_anew && phase == Phase::Cancelled) {
                    return Err(format!("`{call}`, {kind:?}, ends as {phase}"));
                }
                if matches!(phase, Phase::Succeeded | Phase::Failed) && runs == 0 {
                    return Err(format!("`{call}` is {phase}, and its body left nothing"));
                }
                if kind.is_keyed() && phase == Phase::Succeeded && self.waited.contains(&id) {
                    self.tally.taken_up += 1;
                }
            }
        }
        Ok(())
    }
}
