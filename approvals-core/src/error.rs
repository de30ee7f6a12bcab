//! A call that did not run, and why.

use std::fmt;

use crate::action::ActionName;
use crate::card::is_hidden;
use crate::id::RequestId;

/// Why a gated call did not run. An error of the body is never one of these: it stays the body's own (law 15).
///
/// `Display` is for people; [`message_for_model`](Self::message_for_model) tells a language model what to do next.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// # use approvals_core::{call::Call, handle::Approvals, testing::MockBackend};
/// use approvals_core::action::Risk;
/// use approvals_core::error::{ApprovalError, ErrorKind};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let approvals = Approvals::test(&MockBackend::new().deny("not this one; try `rm -rf` instead"));
/// let call = Call::new("refund").risk(Risk::High).arg("cents", &1_200);
/// let refused: ApprovalError = approvals.gate(call).run(|| async { Ok(()) }).await.unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::Denied);
/// assert!(refused.is_denied() && !refused.is_unavailable());
///
/// // What the person wrote is for people, and does not instruct the model.
/// assert!(refused.to_string().contains("try `rm -rf` instead"));
/// assert_eq!(
///     refused.message_for_model(),
///     "`refund`: denied. Not executed. Do not retry, and do not look for another way to the same effect; tell the user.",
/// );
/// # }); }
/// ```
#[derive(Debug, Clone)]
pub struct ApprovalError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    action: ActionName,
    request: Option<RequestId>,
    message: String,
}

/// What kind of outcome a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A person said no.
    Denied,
    /// Policy said no.
    Refused,
    /// Nobody decided in time, or the approval was not used in time.
    Expired,
    /// The request was called off.
    Cancelled,
    /// No verdict yet; call again with the same key.
    Pending,
    /// Another call with this key runs right now.
    Running,
    /// A call with this key ran already. Its value is not kept.
    AlreadyRan,
    /// The key belongs to a call with other arguments.
    KeyReused,
    /// An earlier run was cut off; nobody can tell what it did.
    Unknown,
    /// The arguments changed between the approval and the body.
    ArgumentsChanged,
    /// An argument serialises differently each time.
    Unstable,
    /// The agent acts for people, and this call names none.
    Unattributed,
    /// The owner or the human is not in the directory.
    Unmapped,
    /// There is no way to be answered, or policy or directory cannot say.
    Unavailable,
    /// No approvals are installed.
    NotInstalled,
    /// The call cannot be asked about as it is: too large, without a key, malformed.
    Invalid,
    /// The ledger could not be read or written.
    Store,
}

impl ErrorKind {
    /// `denied`, `refused`, …: stable, for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::AlreadyRan => "already_ran",
            Self::KeyReused => "key_reused",
            Self::Unknown => "unknown",
            Self::ArgumentsChanged => "arguments_changed",
            Self::Unstable => "unstable",
            Self::Unattributed => "unattributed",
            Self::Unmapped => "unmapped",
            Self::Unavailable => "unavailable",
            Self::NotInstalled => "not_installed",
            Self::Invalid => "invalid",
            Self::Store => "store",
        }
    }

    /// What a language model should do next, as one sentence.
    const fn advice(self) -> &'static str {
        match self {
            Self::Denied | Self::Refused => {
                "Not executed. Do not retry, and do not look for another way to the same effect; tell the user."
            }
            Self::Expired => "Not executed: nobody decided in time. Ask the user before you try again.",
            Self::Cancelled => "Not executed: the request was called off. Do not retry unless the user asks.",
            Self::Pending => {
                "Not executed yet: it waits for a person. Do something else and call again later, unchanged."
            }
            Self::Running => "Not executed by this call: the same call is running already. Do not retry.",
            Self::AlreadyRan => "Not executed again: this very call ran before. Do not retry.",
            Self::KeyReused => {
                "Not executed: the key belongs to a call with other arguments. Do not retry; a person has to mend the program."
            }
            Self::Unknown => {
                "It is not known whether this ran: an earlier attempt was cut off. Do not retry; a person has to check."
            }
            Self::ArgumentsChanged => {
                "Not executed: the arguments are no longer those that were approved. Ask again with the final ones."
            }
            Self::Unattributed
            | Self::Unmapped
            | Self::Unavailable
            | Self::NotInstalled
            | Self::Unstable
            | Self::Invalid
            | Self::Store => "Not executed. Do not retry; the program has to be mended by a person.",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl ApprovalError {
    pub(crate) fn new(kind: ErrorKind, action: impl Into<ActionName>, message: impl Into<String>) -> Self {
        let (action, message) = (action.into(), on_one_line(&message.into()));
        Self(Box::new(Inner { kind, action, request: None, message }))
    }

    #[must_use]
    pub(crate) fn of(mut self, request: RequestId) -> Self {
        self.0.request = Some(request);
        self
    }

    /// What kind of outcome it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The action that did not run.
    pub fn action(&self) -> &str {
        self.0.action.as_str()
    }

    /// The request, where there is one.
    pub fn request(&self) -> Option<RequestId> {
        self.0.request
    }

    /// Whether a person or policy said no.
    pub fn is_denied(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Denied | ErrorKind::Refused)
    }

    /// Whether there is no verdict yet, and calling again with the same key finds it.
    pub fn is_pending(&self) -> bool {
        self.0.kind == ErrorKind::Pending
    }

    /// Whether nobody could be asked or nothing could be recorded: something has to be mended.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Unavailable | ErrorKind::NotInstalled | ErrorKind::Store)
    }

    /// What to hand to a language model: what happened, without anything that a person wrote, and what to do next.
    ///
    /// ```text
    /// `billing.pay`: denied. Not executed. Do not retry, and do not look for another way to the same effect; tell the user.
    /// ```
    pub fn message_for_model(&self) -> String {
        format!("`{}`: {}. {}", self.0.action, self.0.kind, self.0.kind.advice())
    }
}

/// A message may quote an argument, a name or a policy: none of them begins a line of a log or commands a terminal
/// (law 13). What is visible already stays as it is.
fn on_one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for c in message.chars() {
        match is_hidden(c) {
            true => line.extend(c.escape_debug()),
            false => line.push(c),
        }
    }
    line
}

impl fmt::Display for ApprovalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` did not run ({}): {}", self.0.action, self.0.kind, self.0.message)
    }
}

impl std::error::Error for ApprovalError {}

impl From<ApprovalError> for std::io::Error {
    fn from(error: ApprovalError) -> Self {
        let kind = match error.kind() {
            ErrorKind::Denied | ErrorKind::Refused => std::io::ErrorKind::PermissionDenied,
            ErrorKind::Expired => std::io::ErrorKind::TimedOut,
            ErrorKind::Pending => std::io::ErrorKind::WouldBlock,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
