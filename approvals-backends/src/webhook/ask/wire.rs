//! What is said when asking: `approvals.ask/1` goes out, `approvals.answers/1` comes back.

use std::sync::Arc;

use approvals_core::card::visible;
use approvals_core::id::RequestId;
use serde::{Deserialize, Serialize};

use crate::webhook::inbox::{Answer, Inbox, Received};
use crate::webhook::schema::Object;
use crate::webhook::verify::Message;

/// A longer id than any message of ours or of a sane endpoint.
const LONGEST_ID: usize = 256;

/// The question.
#[derive(Debug, Serialize)]
pub(in crate::webhook) struct Ask<'a> {
    pub(in crate::webhook) format: &'static str,
    /// The requests that can still be answered, or a batch of them.
    pub(in crate::webhook) pending: &'a [RequestId],
    /// The last cursor that was taken in: what it covers was dealt with and need not come again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::webhook) cursor: Option<&'a str>,
    /// How long the endpoint may hold the question open, in seconds.
    pub(in crate::webhook) wait: u64,
    /// What became of the decisions of the last answer.
    #[serde(skip_serializing_if = "<[Told]>::is_empty")]
    pub(in crate::webhook) told: &'a [Told],
}

impl Ask<'_> {
    pub(in crate::webhook) const FORMAT: &'static str = "approvals.ask/1";
}

/// What became of one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::webhook) struct Told {
    /// The id of its message.
    id: String,
    /// `counted`, or why not, as the callback says it.
    code: String,
    /// The same in words.
    detail: String,
}

impl Told {
    pub(in crate::webhook) fn of(sealed: &Sealed, answer: &Answer) -> Self {
        Self { id: sealed.id.clone(), code: answer.code(), detail: answer.to_string() }
    }

    /// Whether the id has a length that a message's id may have.
    pub(in crate::webhook) fn is_short(&self) -> bool {
        self.id.len() <= LONGEST_ID
    }
}

/// The answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::webhook) struct Answers {
    format: Format,
    /// Signed decisions, oldest first.
    pub(in crate::webhook) decisions: Vec<Object<Sealed>>,
    /// What covers these decisions.
    #[serde(default)]
    pub(in crate::webhook) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
enum Format {
    #[serde(rename = "approvals.answers/1")]
    One,
}

/// A decision with its own signature, as the callback would have it in headers. Only that is believed: who may answer
/// the question is not yet somebody who may decide.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::webhook) struct Sealed {
    pub(in crate::webhook) id: String,
    pub(in crate::webhook) timestamp: i64,
    pub(in crate::webhook) signature: String,
    /// The very text that is signed.
    pub(in crate::webhook) body: String,
}

/// As much of a decision as says which others it must not overtake.
#[derive(Deserialize)]
struct About {
    request: RequestId,
}

impl Sealed {
    /// The request that it is about, if it says so. Nothing of it is believed yet.
    pub(super) fn about(&self) -> Option<RequestId> {
        serde_json::from_str::<About>(&self.body).ok().map(|about| about.request)
    }

    pub(in crate::webhook) async fn receive(&self, inbox: &Arc<Inbox>) -> Received {
        let message = Message {
            id: &self.id,
            timestamp: &self.timestamp.to_string(),
            signature: &self.signature,
            is_json: true,
            body: self.body.as_bytes(),
        };
        inbox.receive(message).await
    }
}

/// Characters kept of why an answer cannot be read.
const LONGEST_WHY: usize = 200;
/// The longest cursor, in bytes.
const LONGEST_CURSOR: usize = 1024;

/// An answer to the question that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::webhook) enum InvalidAnswers {
    /// No such JSON.
    #[error("it is no `approvals.answers/1`: {0}")]
    Json(String),
    /// A cursor that grows without end.
    #[error("its cursor has more than {LONGEST_CURSOR} bytes")]
    Cursor,
}

impl Answers {
    /// Nothing to say.
    pub(in crate::webhook) const fn none() -> Self {
        Self { format: Format::One, decisions: Vec::new(), cursor: None }
    }

    pub(in crate::webhook) fn read(body: &[u8]) -> Result<Self, InvalidAnswers> {
        let Object(answers): Object<Self> = serde_json::from_slice(body).map_err(|error| {
            // Part of what the endpoint sent may stand in it.
            InvalidAnswers::Json(visible(&error.to_string()).chars().take(LONGEST_WHY).collect())
        })?;
        let Format::One = answers.format;
        match &answers.cursor {
            Some(cursor) if cursor.len() > LONGEST_CURSOR => Err(InvalidAnswers::Cursor),
            _ => Ok(answers),
        }
    }
}
