//! Where a process kills itself, and where it waits for a word.

use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::Semaphore;

use crate::orders::Trip;
use crate::say::Said;

/// Longer than anything here takes: a process that hangs ends itself, and its test fails.
const LONGEST: Duration = Duration::from_secs(100);

/// Kills the process at the moment that it was told.
#[derive(Debug)]
pub(crate) struct Wire {
    trip: Option<Trip>,
    seen: AtomicU32,
}

impl Wire {
    pub(crate) fn new(trip: Option<Trip>) -> Self {
        Self { trip, seen: AtomicU32::new(0) }
    }

    /// Passes a moment of an append with these events, or of a body.
    pub(crate) fn pass(&self, names: &[&str], after: bool) {
        let Some(trip) = &self.trip else { return };
        if trip.after != after || !trip.name.split('+').all(|name| names.contains(&name)) {
            return;
        }
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == trip.time {
            // SIGKILL to oneself does not return.
            let _ = kill(Pid::this(), Signal::SIGKILL);
        }
    }
}

/// Words from whoever started the process.
#[derive(Debug, Clone)]
pub(crate) struct Words(Arc<Semaphore>);

impl Words {
    /// Listens from now on. Ends the process when nobody can say a word any more.
    pub(crate) fn listen() -> Self {
        let words = Self(Arc::new(Semaphore::new(0)));
        let heard = words.clone();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                if line.is_err() {
                    break;
                }
                heard.0.add_permits(1);
            }
            std::process::exit(1);
        });
        std::thread::spawn(|| {
            std::thread::sleep(LONGEST);
            eprintln!("the process hangs");
            std::process::exit(1);
        });
        words
    }

    /// Says where it is, and waits for a word.
    pub(crate) async fn wait(&self, place: &Said) {
        place.aloud();
        if let Ok(word) = self.0.acquire().await {
            word.forget();
        }
    }
}
