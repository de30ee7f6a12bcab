//! The thread that writes dies in the midst of what waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use approvals::conformance::sample::{Sample, process_up};
use approvals::id::Seq;
use approvals::ledger::Store as _;
use approvals::testing::ManualClock;
use approvals::time::{Clock, Sleep, Timestamp};
use approvals::{Sqlite, SqliteOptions};

use crate::noon;
use crate::record::block_on;

/// Panics when it is asked once too often.
struct Mortal {
    clock: ManualClock,
    left: AtomicUsize,
}

impl Clock for Mortal {
    fn now(&self) -> Timestamp {
        let left = self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        assert!(left.is_ok(), "the clock stops, as part of the test");
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.clock.sleep(duration)
    }
}

#[test]
fn every_append_is_answered_when_the_thread_that_writes_dies() {
    for life in 1..24 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("approvals.db");
        let clock = Mortal { clock: ManualClock::at(noon()), left: AtomicUsize::new(life) };
        let store = block_on(Sqlite::open_with(&path, SqliteOptions::new().clock(Arc::new(clock)))).unwrap();
        let answers: Vec<_> = thread::scope(|scope| {
            let writers = (0..4).map(|_| {
                let store = &store;
                scope.spawn(move || {
                    let appends = [Sample::new().opens(), process_up(), Sample::new().opens(), process_up()];
                    appends.map(|append| block_on(store.append(append)))
                })
            });
            let writers: Vec<_> = writers.collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        block_on(store.close());

        let reopened = block_on(Sqlite::open(&path)).unwrap();
        let records = block_on(reopened.records(Seq::START, usize::MAX)).unwrap();
        block_on(reopened.close());
        let mut told: Vec<_> = answers.iter().flatten().map(|appended| appended.seq).collect();
        told.sort();
        // A batch that was under way when the thread died is not on record, and was not answered.
        assert_eq!(told, records.iter().map(|record| record.seq).collect::<Vec<_>>());
        assert_eq!(told.len() < answers.len(), life < answers.len(), "the clock did not stop in time");
    }
}
