//! The suite for backends: what every backend has to keep, as rules that can be run.
//!
//! Whoever writes a backend says how its medium is made, what people see there and what they can do, and one line
//! emits a test per rule. The rules drive the backend through the real core: calls that ask, the desk, the keeper, a
//! ledger in memory; they judge by the ledger and by what people see.
//!
//! This board of notes is a whole backend with its bench. Its people are trusted to be who they say, and it holds
//! no secret, so that it claims no more than that it can be answered:
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::{Arc, Mutex};
//!
//! use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
//! use approvals_core::card::{Card, text};
//! use approvals_core::conformance::SetupError;
//! use approvals_core::conformance::backend::{
//!     Abilities, Ability, Act, Acted, BackendUnderTest, Does, View, Who, backend_conformance,
//! };
//! use approvals_core::desk::{Desk, Review};
//! use approvals_core::id::{Reference, RequestId};
//! use approvals_core::people::{Assurance, Identity};
//! use async_trait::async_trait;
//!
//! /// One note per request, and the desk that answers go to.
//! #[derive(Debug, Clone, Default)]
//! struct Board(Arc<Mutex<BTreeMap<String, Note>>>, Arc<Mutex<Option<Desk>>>);
//!
//! #[derive(Debug, Clone)]
//! struct Note { text: String, open: bool, whole: bool }
//!
//! impl Board {
//!     fn pin(&self, card: &Card) -> Presented {
//!         let page = text::render(card, &Default::default());
//!         let whole = page.shown == approvals_core::card::Shown::Everything;
//!         let text = format!("{}\n{}", card.state.label, page.text);
//!         let note = Note { text, open: card.state.label == "pending", whole };
//!         self.0.lock().unwrap().insert(card.request.clone(), note);
//!         Presented { reference: Reference::new(&*card.request), shown: page.shown }
//!     }
//! }
//!
//! #[async_trait]
//! impl Backend for Board {
//!     fn name(&self) -> &str {
//!         "board"
//!     }
//!
//!     fn capabilities(&self) -> Capabilities {
//!         let (provider, assurance) = ("board".into(), Assurance::Local);
//!         Capabilities { provider, assurance, cards_outlive_process: false }
//!     }
//!
//!     async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
//!         Ok(self.pin(card))
//!     }
//!
//!     async fn update(&self, card: &Card, _: &Reference) -> Result<(), BackendError> {
//!         self.pin(card);
//!         Ok(())
//!     }
//!
//!     async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
//!         *self.1.lock().unwrap() = Some(desk);
//!         Ok(())
//!     }
//! }
//!
//! struct TheBoard;
//!
//! impl BackendUnderTest for TheBoard {
//!     type Backend = Board;
//!     type Medium = Mutex<Board>;
//!
//!     fn abilities(&self) -> Abilities {
//!         [Ability::Answer].into()
//!     }
//!
//!     async fn medium(&self) -> Result<Self::Medium, SetupError> {
//!         Ok(Mutex::default())
//!     }
//!
//!     async fn start(&self, medium: &Self::Medium) -> Result<Board, SetupError> {
//!         *medium.lock().unwrap() = Board::default(); // its notes end with the process
//!         Ok(medium.lock().unwrap().clone())
//!     }
//!
//!     fn identity(&self, _: &Self::Medium, _: Who) -> Identity {
//!         Identity::new("board", "whoever stands there")
//!     }
//!
//!     async fn view(&self, medium: &Self::Medium, request: RequestId) -> Result<View, SetupError> {
//!         let note = medium.lock().unwrap().0.lock().unwrap().get(&request.to_string()).cloned();
//!         let Some(note) = note else { return Ok(View::default()) };
//!         let (can_approve, can_deny) = (note.open && note.whole, note.open);
//!         Ok(View { messages: 1, text: note.text, can_approve, can_deny, live: Vec::new() })
//!     }
//!
//!     async fn act(&self, medium: &Self::Medium, act: Act) -> Result<Acted, SetupError> {
//!         let view = self.view(medium, act.request).await?;
//!         let review = match act.does {
//!             Does::Approve if view.can_approve => Review::approve(act.request, act.digest),
//!             Does::Deny if view.can_deny => Review::deny(act.request, act.digest),
//!             _ => return Ok(Acted::NotOffered),
//!         };
//!         let desk = medium.lock().unwrap().1.lock().unwrap().clone().ok_or("nobody listens")?;
//!         desk.submit(&self.identity(medium, act.who), review).await?;
//!         Ok(Acted::Delivered)
//!     }
//! }
//!
//! backend_conformance!(TheBoard);
//!
//! # fn main() {
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! let report = runtime.block_on(approvals_core::conformance::backend::run_all(TheBoard));
//! report.assert();
//! assert!(report.not_run().contains(&"a_forged_answer_leaves_no_trace_on_the_request"));
//! # }
//! ```
//!
//! What a medium cannot do is a result of its own: it is printed and counted, and a run in which no rule applies
//! fails. A rule also fails if it ran to its end and an [`Ability`] that it needs, and that was claimed, never came
//! to be exercised.

mod bench;
mod call;
mod ledger;
mod life;
mod logs;
mod medium;
mod rules;
mod run;
mod table;
mod watched;

use std::fmt;
use std::future::Future;
use std::time::Duration;

pub use self::medium::{Abilities, Ability, Act, Acted, Does, Fault, View, Who};
pub use self::run::{check, run_all, say_what_does_not_apply};
pub use self::table::{RULES, Rule};
use super::SetupError;
use crate::backend::Backend;
#[doc(inline)]
pub use crate::backend_conformance;
use crate::id::RequestId;
use crate::people::Identity;

/// A backend, the medium that it speaks to, and the people there.
pub trait BackendUnderTest: Send + Sync + 'static {
    /// The backend. Its `Debug` is judged: no secret may stand in it.
    type Backend: Backend + fmt::Debug;
    /// What stands between the backend and people, and stays when a process ends: a service that is played, or a
    /// screen with a keyboard. Dropped when the rule has ended, so that it may clean up.
    type Medium: Send + Sync + 'static;

    /// What can happen on the medium and be made to happen here. What is not claimed is not run.
    fn abilities(&self) -> Abilities;

    /// A medium of its own, with nothing on it.
    fn medium(&self) -> impl Future<Output = Result<Self::Medium, SetupError>> + Send;

    /// The backend on that medium, as a process makes it that starts now. Of what an earlier one had in memory it
    /// must share nothing; the earlier one is gone by then.
    fn start(&self, medium: &Self::Medium) -> impl Future<Output = Result<Self::Backend, SetupError>> + Send;

    /// The identity that the backend gives to one of the people there; of another one each.
    fn identity(&self, medium: &Self::Medium, who: Who) -> Identity;

    /// What people see of a request, now.
    fn view(
        &self,
        medium: &Self::Medium,
        request: RequestId,
    ) -> impl Future<Output = Result<View, SetupError>> + Send;

    /// Does something as one of the people there, and returns once the backend has dealt with it.
    ///
    /// Only what is claimed is asked for.
    fn act(&self, medium: &Self::Medium, act: Act) -> impl Future<Output = Result<Acted, SetupError>> + Send;

    /// Breaks the medium, or mends it with `None`. Only what is claimed is asked for. Default: it never breaks.
    fn fault(
        &self,
        medium: &Self::Medium,
        fault: Option<Fault>,
    ) -> impl Future<Output = Result<(), SetupError>> + Send {
        let _ = (medium, fault);
        async { Ok(()) }
    }

    /// The backend's own secrets on this medium, such as its token and signing secret. Default: none.
    fn secrets(&self, medium: &Self::Medium) -> Vec<String> {
        let _ = medium;
        Vec::new()
    }

    /// How long something may take until it counts as missed. A bound for failures only: a sound backend never takes
    /// it. Default 5 s.
    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// Emits one test per rule of the suite, in the module where it stands.
///
/// Takes an expression of a type that implements [`BackendUnderTest`]; it is evaluated once per test. The tests need
/// no runtime of yours. One more test, `the_rules_that_do_not_apply_are_named`, prints them and fails if no rule
/// applies. Several backends stand in a module each. The [module](crate::conformance::backend) has an example.
#[macro_export]
macro_rules! backend_conformance {
    ($under_test:expr) => {
        $crate::__backend_rules! { tests ($under_test) }
    };
}
