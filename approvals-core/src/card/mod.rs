//! The card: what a person is shown before they answer.
//!
//! A [`Card`] is plain data made by core from the real, typed arguments, and every backend renders the same one.
//! Its strings are **raw**: whoever renders a card passes each of them through [`visible`], [`visible_lines`] or
//! [`CardValue::visible`] first, so that text from an argument or a model can be neither markup nor a hidden
//! character nor a fake piece of the card (law 13). [`text::render`] is the renderer for terminals, logs and mail.
//!
//! Facts, which the digest binds, come first; the agent's own words stand below them and are marked as unverified.

#[cfg(any(test, feature = "testing"))]
pub mod corpus;
mod layout;
mod of;
pub mod text;
mod visible;
mod warning;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use layout::{cut, wrap};
pub(crate) use visible::is_hidden;
pub use visible::{visible, visible_lines, visible_name};
pub use warning::{Warning, warnings};

/// How many hex characters of the digest a person compares.
const PREFIX: usize = 12;

/// What stands for a value or text that is gone.
const ERASED: &str = "(erased: the value is no longer kept)";

/// Everything a person may see of one request, with raw strings and never a secret value (law 12).
///
/// ```
/// use approvals_core::card::{Card, CardArgument, CardClocks, CardValue, CardRequester, Span, Time};
///
/// let clocks = CardClocks {
///     requested_at: Time { text: "2026-11-21T22:53:29Z".into(), unix_ms: 1_795_301_609_000 },
///     decide_by: Time { text: "2026-11-21T23:53:29Z".into(), unix_ms: 1_795_305_209_000 },
///     use_within: Span { text: "15 min".into(), seconds: 900 },
/// };
/// let (request, digest) = ("0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e", "4f2a9c01d3e7c6b5");
/// let requester = CardRequester::new("cleaner", "dana");
/// let mut card = Card::new(request, digest, "cleanup.delete_files", "high", requester, clocks);
/// card.arguments.push(CardArgument::new("folder", CardValue::Shown("\"/tmp/demo\"".into())));
/// assert!(approvals_core::card::text::render(&card, &Default::default()).text.contains("/tmp/demo"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Card {
    /// The request's id.
    pub request: String,
    /// The request's whole digest in lower-case hex; people compare [`Card::digest_prefix`].
    pub digest: String,
    /// The action's stable name.
    pub action: String,
    /// The effective risk.
    pub risk: String,
    /// Where the request stands.
    pub state: CardState,
    /// Who asks.
    pub requester: CardRequester,
    /// The author's word for what the call touches, such as `pii`.
    pub sensitivity: Option<String>,
    /// What the call acts on, from the author's template.
    pub resource: Option<String>,
    /// The author's template filled with argument text: a fact, unlike [`Card::agent_says`].
    pub reason: Option<String>,
    /// Labels for people and policy, in order.
    pub labels: Vec<(String, String)>,
    /// A resource, reason or label is no longer kept, and words of core's own stand in its place.
    pub text_erased: bool,
    /// Every declared argument, in the order of the signature. None is ever left out.
    pub arguments: Vec<CardArgument>,
    /// One line per branch of the quorum.
    pub who_may_decide: Vec<String>,
    /// The least assurance that counts.
    pub assurance: String,
    /// The answers that counted so far, oldest first.
    pub answers: Vec<CardAnswer>,
    /// When the request was made and until when it can be decided and used.
    pub clocks: CardClocks,
    /// The gates that this call is nested in, outermost first.
    pub chain: Vec<String>,
    /// `test` is shown as a loud mark; anything else as a fact; `None` is production.
    pub environment: Option<String>,
    /// What the agent's model says about the call. Unverified.
    pub agent_says: Option<String>,
    /// Instance, model, session and the like. Unverified and not bound by the digest.
    pub notes: Vec<(String, String)>,
}

impl Card {
    /// A pending card without arguments, assurance `local`; the other fields are empty and public.
    pub fn new(
        request: impl Into<String>,
        digest: impl Into<String>,
        action: impl Into<String>,
        risk: impl Into<String>,
        requester: CardRequester,
        clocks: CardClocks,
    ) -> Self {
        Self {
            request: request.into(),
            digest: digest.into(),
            action: action.into(),
            risk: risk.into(),
            state: CardState { label: "pending".into(), lines: Vec::new() },
            requester,
            sensitivity: None,
            resource: None,
            reason: None,
            labels: Vec::new(),
            text_erased: false,
            arguments: Vec::new(),
            who_may_decide: Vec::new(),
            assurance: "local".into(),
            answers: Vec::new(),
            clocks,
            chain: Vec::new(),
            environment: None,
            agent_says: None,
            notes: Vec::new(),
        }
    }

    /// The first 12 characters of the digest: the same everywhere, so that people can compare surfaces.
    pub fn digest_prefix(&self) -> &str {
        self.digest
            .char_indices()
            .nth(PREFIX)
            .and_then(|(at, _)| self.digest.get(..at))
            .unwrap_or(&self.digest)
    }

    /// Whether a value or text of the call is gone, so that no view of this card can show everything (law 5).
    pub fn has_erased_values(&self) -> bool {
        self.text_erased || self.arguments.iter().any(|argument| argument.value == CardValue::Erased)
    }
}

/// Where the request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardState {
    /// One word, such as `pending` or `denied`.
    pub label: String,
    /// What led there, a line each: who decided, why it was cancelled, how the body ended.
    pub lines: Vec<String>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CardRequester {
    /// The agent's id.
    pub agent: String,
    /// The person who owns the agent.
    pub owner: String,
    /// The human that the agent acts for, if any.
    pub on_behalf_of: Option<String>,
    /// The requester may decide alone; written loudly on every card (law 4).
    pub single_operator: bool,
}

impl CardRequester {
    /// An agent and its owner, acting for nobody else and not deciding alone.
    pub fn new(agent: impl Into<String>, owner: impl Into<String>) -> Self {
        Self { agent: agent.into(), owner: owner.into(), on_behalf_of: None, single_operator: false }
    }
}

/// One argument of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardArgument {
    /// The name in the signature.
    pub name: String,
    /// What a person may see of it.
    pub value: CardValue,
}

impl CardArgument {
    /// An argument by name.
    pub fn new(name: impl Into<String>, value: CardValue) -> Self {
        Self { name: name.into(), value }
    }
}

/// What a person may see of an argument. A secret has no place to stand in here, by construction (law 12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CardValue {
    /// The value as canonical JSON text.
    Shown(String),
    /// Marked secret: only a keyed digest of it exists.
    Secret,
    /// Declared by the author as not shown.
    Skipped {
        /// The author's reason.
        why: String,
    },
    /// The payload was erased after the fact. A card with such a value can not show everything.
    Erased,
}

impl CardValue {
    /// The value on one line, safe to show. JSON keeps its own escapes and quotes; hidden characters in it are
    /// written as `\u{…}`, which no JSON text can contain, so that the form cannot be forged.
    ///
    /// ```
    /// use approvals_core::card::CardValue;
    /// assert_eq!(CardValue::Shown("\"a\\n\u{202e}b\"".into()).visible(), r#""a\n\u{202e}b""#);
    /// assert_eq!(CardValue::Shown("no json\n".into()).visible(), r"(raw text) no json\n");
    /// ```
    pub fn visible(&self) -> String {
        match self {
            Self::Shown(json) => match visible::visible_json(json) {
                Some(text) => text,
                // Without JSON's own quotes and escapes the text must carry ours.
                None => format!("(raw text) {}", visible(json)),
            },
            Self::Secret => "••• (secret: not shown, bound by a keyed digest)".into(),
            Self::Skipped { why } => format!("(not shown: {})", visible(why)),
            Self::Erased => ERASED.into(),
        }
    }

    /// What a person should be told about the value, over all strings and keys inside it.
    pub fn warnings(&self) -> Vec<Warning> {
        match self {
            Self::Shown(json) => warning::warnings_in_json(json),
            Self::Skipped { why } => warnings(why),
            Self::Secret | Self::Erased => Vec::new(),
        }
    }
}

/// One person's answer that counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardAnswer {
    /// The person.
    pub who: String,
    /// What they answered, such as `approved` or `denied`.
    pub answer: String,
    /// When the store recorded it.
    pub at: Time,
    /// Their comment.
    pub comment: Option<String>,
}

/// The request's times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardClocks {
    /// When the store recorded the request.
    pub requested_at: Time,
    /// From here on no approval counts.
    pub decide_by: Time,
    /// How long the permit lives after the approval.
    pub use_within: Span,
}

/// A moment, as text for people and as a number for renderers that have a clock of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Time {
    /// RFC 3339, UTC.
    pub text: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: i64,
}

/// A length of time, as text for people and in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Such as `15 min`.
    pub text: String,
    /// Whole seconds.
    pub seconds: u64,
}

/// Whether a presentation showed every fact of the card.
///
/// A presentation that is `Part` carries no approve control, and the desk refuses an approval that came through it
/// (law 5). Only facts count: the agent's words are not bound by the digest, so that cutting them hides nothing
/// that an approval covers, and a talkative model cannot take the control away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Every fact stands there in full.
    Everything,
    /// Some facts do not.
    Part {
        /// Characters of facts left out; 0 when their number is not known, as for an erased value.
        hidden: usize,
    },
}
