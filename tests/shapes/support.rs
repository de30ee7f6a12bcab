//! One bench for every shape.

use std::cell::Cell;
use std::error::Error;
use std::io;

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, ErrorKind};

thread_local! {
    static RUNS: Cell<usize> = const { Cell::new(0) };
}

/// A gated body runs, on the thread of its test. Gives how many have.
pub(crate) fn ran() -> usize {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

/// Bodies that ran on this thread.
pub(crate) fn runs() -> usize {
    RUNS.get()
}

/// An error of the gated function's own, with room for a refusal.
#[derive(Debug)]
pub(crate) enum OpsError {
    Approval(ApprovalError),
    Own(&'static str),
}

impl From<ApprovalError> for OpsError {
    fn from(refusal: ApprovalError) -> Self {
        Self::Approval(refusal)
    }
}

pub(crate) type Res<T, E = OpsError> = Result<T, E>;

/// How a secret argument stands on a card.
pub(crate) const SECRET: &str = "••• (secret: not shown, bound by a keyed digest)";

/// Errors that can be asked whether they are a refusal.
pub(crate) trait Refusal {
    fn refusal(&self) -> Option<ErrorKind>;
}

fn kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    error.downcast_ref().map(ApprovalError::kind)
}

impl Refusal for ApprovalError {
    fn refusal(&self) -> Option<ErrorKind> {
        Some(self.kind())
    }
}

impl Refusal for OpsError {
    fn refusal(&self) -> Option<ErrorKind> {
        match self {
            Self::Approval(refusal) => Some(refusal.kind()),
            Self::Own(_) => None,
        }
    }
}

impl Refusal for anyhow::Error {
    fn refusal(&self) -> Option<ErrorKind> {
        self.downcast_ref().map(ApprovalError::kind)
    }
}

impl Refusal for io::Error {
    fn refusal(&self) -> Option<ErrorKind> {
        self.get_ref().and_then(|inner| kind(inner))
    }
}

impl Refusal for Box<dyn Error> {
    fn refusal(&self) -> Option<ErrorKind> {
        kind(&**self)
    }
}

impl Refusal for Box<dyn Error + Send + Sync> {
    fn refusal(&self) -> Option<ErrorKind> {
        kind(&**self)
    }
}

/// Calls a gated function, first denied and then approved: the body runs once, under the approval alone; both cards
/// show these arguments and no others; the refusal is a denial. Gives what came of the approved call.
pub(crate) async fn gated<T, E: Refusal>(
    shown: &[(&str, &str)],
    mut call: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mock = MockBackend::new().deny("not today");
    let approvals = Approvals::test(&mock);
    let before = runs();
    let denied = approvals.scope(call()).await.err().and_then(|error| error.refusal());
    assert_eq!(denied, Some(ErrorKind::Denied));
    assert_eq!(runs(), before, "a denied body ran");
    mock.approve();
    let outcome = approvals.scope(call()).await;
    assert_eq!(runs(), before + 1, "an approved body runs once");
    let cards = mock.cards();
    assert_eq!(cards.len(), 2, "each call is asked about once");
    for card in cards {
        let arguments =
            card.arguments.iter().map(|argument| (argument.name.clone(), argument.value.visible()));
        let expected = shown.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(arguments.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "of {}", card.action);
    }
    approvals.shutdown().await.unwrap();
    outcome
}
