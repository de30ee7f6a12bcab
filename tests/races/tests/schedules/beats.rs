//! Two handles of one file: whoever waits at one learns of what is written through the other, of which SQLite tells
//! nobody. A beat of the thread that looks is a turn of the scheduler here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use approvals_races_core::id::Seq;
use approvals_races_core::ledger::{Bell, Store};
use approvals_races_stores::Sqlite;
use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use shuttle::rand::{Rng, thread_rng};

use crate::claims::{all_seen, clock};
use crate::commits::{folder, open, up};
use crate::explore::{explore, shows};

#[derive(Default)]
struct Seen {
    waited: AtomicUsize,
    late: AtomicUsize,
    left: AtomicUsize,
    closed: AtomicUsize,
}

async fn turns() {
    for _ in 0..thread_rng().gen_range(0..20) {
        yield_now().await;
    }
}

/// How somebody waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    Soundly,
    /// Nobody looks what another handle wrote.
    Deaf,
}

/// Gives whether they were there before it was written, or `None` if the store was closed meanwhile.
fn waiter(here: &Sqlite, after: Seq, how: Waits) -> JoinHandle<Option<bool>> {
    let here = here.clone();
    spawn(async move {
        turns().await;
        let early = here.last().await.is_ok_and(|last| last == after);
        let rung = match how {
            Waits::Soundly => here.wait_past(after).await,
            Waits::Deaf => {
                let bell = Bell::default();
                bell.ring(here.last().await.unwrap_or(after));
                bell.wait_past(after).await;
                Ok(())
            }
        };
        // A store that was closed gives nothing any more.
        let last = rung.and(here.last().await).ok()?;
        assert!(last > after, "woken for nothing that can be read");
        Some(early)
    })
}

fn listen(how: Waits, closes: bool, seen: &Seen) {
    let (folder, clock) = (folder(), clock());
    let path = folder.path().join("approvals.db");
    let (here, there) = (open(&path, &clock), open(&path, &clock));
    block_on(async {
        let after = here.last().await.unwrap();
        let waiters = [waiter(&here, after, how), waiter(&here, after, how)];
        let leaver = waiter(&here, after, how);
        let writer = {
            let there = there.clone();
            spawn(async move {
                turns().await;
                there.append(up()).await.unwrap();
            })
        };
        turns().await;
        leaver.abort();
        if closes {
            here.close().await;
        }
        for waiter in waiters {
            match waiter.await.unwrap() {
                Some(true) => drop(seen.waited.fetch_add(1, SeqCst)),
                Some(false) => drop(seen.late.fetch_add(1, SeqCst)),
                None => {
                    assert!(closes, "told that it is closed");
                    seen.closed.fetch_add(1, SeqCst);
                }
            }
        }
        if leaver.await.is_err() {
            seen.left.fetch_add(1, SeqCst);
        }
        writer.await.unwrap();
        // Who comes after the crowd has gone finds the thread parked, and is told as well.
        if !closes {
            let after = here.last().await.unwrap();
            let last = waiter(&here, after, how);
            there.append(up()).await.unwrap();
            last.await.unwrap();
        }
        here.close().await;
        there.close().await;
    });
}

#[test]
fn whoever_waits_learns_of_what_another_handle_wrote_whenever_it_did() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(100, move || listen(Waits::Soundly, false, &shared));
    all_seen([("waited", &seen.waited), ("came late", &seen.late), ("left", &seen.left)]);
}

#[test]
fn whoever_waits_at_a_store_that_is_closed_is_told_so_or_of_the_news() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(100, move || listen(Waits::Soundly, true, &shared));
    all_seen([("told that it is closed", &seen.closed), ("waited", &seen.waited)]);
}

#[test]
fn a_handle_that_does_not_look_for_what_others_wrote_is_found() {
    shows(100, &["deadlock"], || listen(Waits::Deaf, false, &Seen::default()));
}
