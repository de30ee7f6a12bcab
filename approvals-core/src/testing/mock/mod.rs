//! A backend that answers by script.

mod backend;
mod book;
mod conduct;
mod deliver;
mod drive;
mod enough;
mod fact;
mod matcher;
mod people;
mod post;
mod report;
mod rule;
mod script;

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use self::book::Book;
pub(super) use self::fact::is_action;
pub use self::matcher::{Matcher, action, any};
use self::people::Known;
use self::post::{Post, Seat, lock};
use self::report::Closures;
pub use self::rule::{Rule, Times, When};
use self::script::Plan;
pub use self::script::{Scripted, Who, no, yes};
use super::ManualClock;
use crate::card::Card;
use crate::desk::Desk;
use crate::id::{PersonId, RequestId};
use crate::request::Digest;
use crate::time::Timestamp;

/// The provider whose identities the mock vouches for: every text is the identity of a person of that id.
pub const PROVIDER: &str = "mock";

/// When the mock's virtual time begins: 2026-01-01T09:00:00Z. Behind every real clock, so that a store which is
/// stamped by one finds nothing overdue.
const MORNING: Timestamp = Timestamp::from_micros(1_767_258_000_000_000);

/// A backend that answers by script, and remembers what it was shown. Clones are the same mock.
///
/// A card goes to the first rule that is for it ([`when`](Self::when)), in the order in which the rules were given.
/// A card that no rule is for is answered as [`approve`](Self::approve), [`deny`](Self::deny) and the like last
/// said; until then **nobody answers it**, and its call waits. [`strict`](Self::strict) fails the test instead.
///
/// Its people are whoever it names; it authenticates them with the highest assurance. Its time is virtual and stands
/// still until [`advance`](Self::advance).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use approvals_core::{handle::Approvals, testing::{MockBackend, action}};
///
/// let mock = MockBackend::new();
/// mock.when(action("refund").arg("cents", |cents: u64| cents > 5_000)).deny("too large");
/// mock.when(action("refund")).approve().named("small refunds").expect(..=3);
/// let approvals = Approvals::test(&mock);
/// # approvals.shutdown().await.unwrap();
/// # });
/// ```
///
/// What the rules expect is checked by [`verify`](Self::verify), and when the last handle is dropped that the test
/// holds. Those that were given to approvals do not count, so keep one in the test's own hands.
pub struct MockBackend {
    inner: Arc<Inner>,
    /// Of its own, so that two handles over one mock each get the answers to their own cards.
    seat: Seat,
    /// Whether it is one of the test's handles.
    counted: AtomicBool,
}

struct Inner {
    book: Mutex<Book>,
    post: Mutex<Post>,
    known: Arc<Mutex<Known>>,
    clock: ManualClock,
    desk: watch::Sender<Option<Desk>>,
    seen: watch::Sender<usize>,
    replied: watch::Sender<usize>,
    bell: watch::Sender<u64>,
    listener: Mutex<Option<ListenerFault>>,
    handles: AtomicUsize,
    seats: AtomicU64,
}

/// What becomes of the listener.
#[derive(Clone, Copy)]
enum ListenerFault {
    Panics,
    Ends,
}

impl Inner {
    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        lock(&self.post)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    /// Wakes those that deliver, and those that wait for them.
    fn ring(&self) {
        self.bell.send_modify(|turn| *turn = turn.wrapping_add(1));
    }

    /// Whether listening ends here; panics if that is the script.
    fn listener_fault(&self) -> bool {
        let fault = lock(&self.listener).take();
        match fault {
            None => false,
            Some(ListenerFault::Ends) => true,
            Some(ListenerFault::Panics) => std::panic::resume_unwind(Box::new("scripted")),
        }
    }
}

impl Default for MockBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl MockBackend {
    /// A mock that never answers.
    pub fn new() -> Self {
        Self::with_clock(ManualClock::at(MORNING))
    }

    /// The same by a clock of yours, which [`advance`](Self::advance) then moves.
    pub fn with_clock(clock: ManualClock) -> Self {
        let inner = Inner {
            book: Mutex::default(),
            post: Mutex::default(),
            known: Arc::default(),
            clock,
            desk: watch::Sender::new(None),
            seen: watch::Sender::new(0),
            replied: watch::Sender::new(0),
            bell: watch::Sender::new(0),
            listener: Mutex::default(),
            handles: AtomicUsize::new(1),
            seats: AtomicU64::new(1),
        };
        Self { inner: Arc::new(inner), seat: 0, counted: AtomicBool::new(true) }
    }

    /// A handle for approvals: not one of the test's.
    pub(in crate::testing) fn registered(&self) -> Self {
        let seat = self.inner.seats.fetch_add(1, SeqCst);
        Self { inner: Arc::clone(&self.inner), seat, counted: AtomicBool::new(false) }
    }

    /// Starts a rule: what happens to these cards. The first rule that is for a card takes it.
    #[track_caller]
    pub fn when(&self, matcher: Matcher) -> When<'_> {
        When { mock: self, matcher, at: Location::caller() }
    }

    /// From now on, whoever it takes approves every request that no rule is for: `reviewer`, and where it takes more
    /// people `reviewer-2`, `reviewer-3`, …, whom the mock puts into the groups that the request asks for.
    pub fn approve(&self) -> Self {
        self.answer([yes(Who::WhoeverItTakes)])
    }

    /// From now on, these people approve every request that no rule is for, one after the other. They are nobody
    /// else, and in no group but those of [`group`](Self::group): see [`strict`](Self::strict) for when they are too
    /// few.
    pub fn approve_by<P: Into<PersonId>>(&self, people: impl IntoIterator<Item = P>) -> Self {
        self.answer(people.into_iter().map(|person| yes(person.into())))
    }

    /// From now on, `reviewer` denies every request that no rule is for, with this comment.
    pub fn deny(&self, comment: impl Into<String>) -> Self {
        self.deny_by("reviewer", comment)
    }

    /// From now on, this person denies every request that no rule is for, with this comment.
    pub fn deny_by(&self, person: impl Into<Who>, comment: impl Into<String>) -> Self {
        self.answer([no(person).comment(comment)])
    }

    /// From now on, nobody answers a request that no rule is for.
    pub fn never(&self) -> Self {
        self.answer([])
    }

    /// From now on, these answers come to every request that no rule is for.
    pub fn answer(&self, answers: impl IntoIterator<Item = Scripted>) -> Self {
        self.inner.book().default = Plan::of(answers);
        self.clone()
    }

    /// From now on, a card that nobody would answer fails the test, and its call ends as one that nobody could be
    /// asked about, instead of waiting. So does one whose scripted people all say yes and are too few, or of other
    /// groups than it takes: it says who answers and what it takes.
    ///
    /// Without it such a call waits for a test that answers by hand, with [`submit`](Self::submit); the mock prints why
    /// it waits, and a failing test is told as well.
    pub fn strict(&self) -> Self {
        self.inner.book().strict = true;
        self.clone()
    }

    /// Checks that as many requests came as the rules expect, and that no rule was wrong about a card.
    ///
    /// # Panics
    /// If not, with what was expected, every card that came, and what nearly matched and why it did not. Once told,
    /// it is not told again.
    #[track_caller]
    pub fn verify(&self) {
        #[expect(clippy::panic, reason = "this is how a test fails")]
        if let Some(complaint) = self.inner.complaint(Closures::Ask) {
            panic!("{complaint}");
        }
    }
}

impl Clone for MockBackend {
    fn clone(&self) -> Self {
        self.inner.handles.fetch_add(1, SeqCst);
        let handle = self.registered();
        handle.counted.store(true, SeqCst);
        handle
    }
}

impl Drop for MockBackend {
    fn drop(&mut self) {
        if !self.counted.load(SeqCst) || self.inner.handles.fetch_sub(1, SeqCst) > 1 {
            return;
        }
        if !std::thread::panicking() {
            self.verify();
        } else if let Some(complaint) = self.inner.complaint(Closures::Leave) {
            // A second panic would abort the whole test run.
            eprintln!("{complaint}");
        }
    }
}

impl fmt::Debug for MockBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.inner.book();
        f.debug_struct("MockBackend")
            .field("rules", &book.rules.len())
            .field("cards", &book.came.len())
            .finish_non_exhaustive()
    }
}

/// The request and digest of a card.
pub fn ids(card: &Card) -> Option<(RequestId, Digest)> {
    Some((card.request.parse().ok()?, Digest::from_hex(&card.digest)?))
}
