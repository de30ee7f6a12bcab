//! Group commit: the queue, the thread that writes and its batches, over a real file, while the store is closed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use approvals_races_core::async_trait;
use approvals_races_core::id::{Seq, Version};
use approvals_races_core::ledger::{
    Append, Appended, CancelWhy, Env, Event, Record, Store, StoreError, StoreErrorKind, Stream,
};
use approvals_races_core::request::StoreKey;
use approvals_races_core::state::State;
use approvals_races_core::testing::ManualClock;
use approvals_races_stores::{Sqlite, SqliteOptions};
use approvals_test_support::hand_on;
use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use shuttle::rand::{Rng, thread_rng};

use crate::claims::{all_seen, clock};
use crate::explore::{explore, shows};
use crate::requested::requested;

/// What a run may show, counted over all schedules.
#[derive(Default)]
struct Seen {
    written: AtomicUsize,
    batched: AtomicUsize,
    conflicts: AtomicUsize,
    too_late: AtomicUsize,
    failed: AtomicUsize,
}

/// What is done to the store while it is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Closed,
    /// The file is taken away: no commit succeeds after that.
    Removed,
}

/// In memory where there is such a place: what is drawn here is who goes next, not when the power fails.
pub(crate) fn folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    let folder = tempfile::Builder::new().tempdir_in(shared);
    folder.or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn open(path: &Path, clock: &ManualClock) -> Sqlite {
    let options = SqliteOptions::new().clock(Arc::new(clock.clone())).key(StoreKey::from_bytes([7; 32]));
    block_on(Sqlite::open_with(path, options)).unwrap()
}

fn append(stream: Stream, expected: Option<u64>, events: Vec<Event>) -> Append {
    Append {
        stream,
        expected: expected.map(Version),
        env: Env::Test,
        node: "host/agent".into(),
        events: events.into_iter().map(Into::into).collect(),
    }
}

pub(crate) fn up() -> Append {
    let up = Event::Up { build: "races/1".to_owned(), policy: "races".into() };
    append(Stream::System, None, vec![up])
}

/// A note that may wait for company.
fn updated(stream: Stream) -> Append {
    append(stream, None, vec![Event::Updated { way: "mock".into() }])
}

fn withdrawn(stream: Stream) -> Append {
    append(stream, Some(1), vec![Event::Cancelled { by: None, why: CancelWhy::Withdrawn }])
}

/// How many commits the write-ahead log has: its frames that end one say how large the database is by then
/// (sqlite.org/fileformat2.html, section 4).
fn commits(path: &Path) -> usize {
    let log = std::fs::read(path.with_extension("db-wal")).unwrap();
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let frame = 24 + usize::try_from(word(8)).unwrap();
    let frames = (32..).step_by(frame).take_while(|at| at + frame <= log.len());
    frames.take_while(|at| word(at + 8) == word(16)).filter(|at| word(at + 4) != 0).count()
}

type Told = Vec<(Append, Result<Appended, StoreError>)>;

/// Several write at once, each more than once: to streams of their own, to one where only one of them can win, and to
/// the stream of processes.
fn writers(store: &Arc<dyn Store>, contested: Stream, unread: &Arc<AtomicUsize>) -> Vec<JoinHandle<Told>> {
    let writer = |number: u64| {
        let (store, unread) = (Arc::clone(store), Arc::clone(unread));
        spawn(async move {
            let own = requested(10 + number);
            let told_of = updated(own.0);
            let appends = [own.1, withdrawn(contested), told_of.clone(), up(), withdrawn(own.0)];
            let mut told = Told::new();
            for append in appends {
                let answer = match append == told_of {
                    true => store.append_along(append.clone()).await,
                    false => store.append(append.clone()).await,
                };
                // What was answered is there to be read, by whoever asks from then on.
                if answer.is_ok()
                    && let Ok(last) = store.last().await
                    && last < answer.as_ref().unwrap().seq
                {
                    unread.fetch_add(1, SeqCst);
                }
                told.push((append, answer));
            }
            told
        })
    };
    (0..3).map(writer).collect()
}

fn contest(wrap: impl Fn(Sqlite) -> Arc<dyn Store>, trouble: Trouble, seen: &Seen) {
    let (folder, clock) = (folder(), clock());
    let path = folder.path().join("approvals.db");
    let file = open(&path, &clock);
    let contested = requested(1);
    block_on(file.append(contested.1)).unwrap();
    let store = wrap(file.clone());
    let unread = Arc::<AtomicUsize>::default();
    let before = commits(&path);
    let writers = writers(&store, contested.0, &unread);
    let (path, troubled) = (path.as_path(), file.clone());
    let mut told = Told::new();
    block_on(async {
        if trouble != Trouble::None {
            for _ in 0..thread_rng().gen_range(0..30) {
                yield_now().await;
            }
        }
        match trouble {
            Trouble::None => {}
            Trouble::Closed => troubled.close().await,
            Trouble::Removed => std::fs::rename(path, path.with_extension("away")).unwrap(),
        }
        for writer in writers {
            told.extend(writer.await.unwrap());
        }
        let written = told.iter().filter(|(_, answer)| answer.is_ok()).count();
        if trouble == Trouble::None && commits(path) - before < written {
            seen.batched.fetch_add(1, SeqCst);
        }
        file.close().await;
    });
    assert_eq!(unread.load(SeqCst), 0, "answered, and not there to be read");
    if trouble == Trouble::Removed {
        std::fs::rename(path.with_extension("away"), path).unwrap();
    }
    let reopened = open(path, &clock);
    let records = block_on(reopened.records(Seq::START, usize::MAX)).unwrap();
    block_on(reopened.close());
    judge(&told, &records, contested.0, trouble, seen);
}

fn judge(told: &Told, records: &[Record], contested: Stream, trouble: Trouble, seen: &Seen) {
    assert_eq!(told.len(), 15, "an append without an answer");
    let mut by_place = BTreeMap::new();
    let mut won = 0;
    for (append, answer) in told {
        match answer {
            Ok(appended) => {
                seen.written.fetch_add(1, SeqCst);
                let record = records.iter().find(|record| record.seq == appended.seq);
                let record = record.expect("an append that was answered is not on record");
                assert_eq!(record.body.stream, append.stream, "another append's place");
                assert_eq!(record.body.version, appended.version);
                let before = by_place.insert(appended.seq, ());
                assert!(before.is_none(), "two appends were told one place");
                won += usize::from(append.stream == contested);
            }
            Err(error) => match error.kind() {
                StoreErrorKind::Conflict => {
                    assert!(append.stream == contested, "refused for what a neighbour did: {error}");
                    seen.conflicts.fetch_add(1, SeqCst);
                }
                _ if trouble == Trouble::None => panic!("nothing was wrong, and yet: {error}"),
                _ if trouble == Trouble::Closed => drop(seen.too_late.fetch_add(1, SeqCst)),
                _ => drop(seen.failed.fetch_add(1, SeqCst)),
            },
        }
    }
    // Beside the request that stood before: nothing is on record that somebody was told is not.
    assert_eq!(records.len(), by_place.len() + 1, "what is on record is not what was answered");
    if trouble == Trouble::None {
        assert_eq!(won, 1, "one of them wins");
    }
    let streams: BTreeMap<Stream, Vec<&Record>> = records
        .iter()
        .filter(|record| record.body.stream.request().is_some())
        .fold(BTreeMap::new(), |mut streams, record| {
            streams.entry(record.body.stream).or_default().push(record);
            streams
        });
    for history in streams.into_values() {
        State::fold(history).unwrap_or_else(|error| panic!("does not fold: {error}"));
    }
}

fn plain(store: Sqlite) -> Arc<dyn Store> {
    Arc::new(store)
}

#[test]
fn every_append_of_a_group_is_judged_by_itself_and_answered_once() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(150, move || contest(plain, Trouble::None, &shared));
    all_seen([
        ("written", &seen.written),
        ("refused", &seen.conflicts),
        ("several in a commit", &seen.batched),
    ]);
}

#[test]
fn a_store_that_is_closed_meanwhile_has_written_what_it_answered_and_nothing_else() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(150, move || contest(plain, Trouble::Closed, &shared));
    all_seen([("written", &seen.written), ("refused", &seen.conflicts), ("too late", &seen.too_late)]);
}

#[test]
fn every_append_of_a_group_that_fails_is_told_so() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(100, move || contest(plain, Trouble::Removed, &shared));
    all_seen([("written", &seen.written), ("told that it failed", &seen.failed)]);
}

/// What is wrong with the way to the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// An append that is refused fails those that are under way beside it.
    FailsNeighbours,
    /// Answers as soon as the append is in the queue.
    EarlyReply,
}

struct Defective {
    inner: Sqlite,
    defect: Defect,
    under_way: Mutex<Vec<Option<StoreError>>>,
}

#[async_trait]
impl Store for Defective {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        if self.defect == Defect::EarlyReply {
            let last = self.inner.last().await?;
            let version = append.expected.map_or(Version(0), Version::next);
            let inner = self.inner.clone();
            drop(spawn(async move { inner.append(append).await }));
            return Ok(Appended { seq: Seq(last.0 + 1), version, records: Vec::new() });
        }
        let place = {
            let mut under_way = self.under_way.lock().unwrap();
            under_way.push(None);
            under_way.len() - 1
        };
        let answer = self.inner.append(append).await;
        let mut under_way = self.under_way.lock().unwrap();
        if let Err(error) = &answer {
            under_way.iter_mut().for_each(|neighbour| *neighbour = Some(error.clone()));
        }
        match under_way[place].take() {
            Some(error) => Err(error),
            None => answer,
        }
    }

    hand_on!(approvals_races_core, inner: history, list, records, last, wait_past, hold_node, key);
}

fn with(defect: Defect) -> impl Fn() + Send + Sync + 'static {
    move || {
        let wrap =
            |inner| Arc::new(Defective { inner, defect, under_way: Mutex::default() }) as Arc<dyn Store>;
        contest(wrap, Trouble::None, &Seen::default());
    }
}

#[test]
fn a_refusal_that_fails_its_neighbours_is_found() {
    shows(200, &["what a neighbour did"], with(Defect::FailsNeighbours));
}

#[test]
fn an_answer_while_the_append_is_in_the_queue_is_found() {
    shows(200, &["not there to be read", "not on record"], with(Defect::EarlyReply));
}
