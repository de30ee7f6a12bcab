//! What is said when asking: `approvals.ask/1` goes out, `approvals.answers/1` comes back.

use std::sync::Arc;

use approvals_core::card::visible;
use approvals_core::id::RequestId;
use serde::{Deserialize, Serialize};

use crate::webhook::inbox::{Answer, Inbox, Received};
use crate::webhook::schema::Object;
use crate::webhook::verify::Message;

/// The question.
#[derive(Debug, Serialize)]
pub(super) struct Ask<'a> {
    pub(super) format: &'static str,
    /// The requests that can still be answered, or a batch of them.
    pub(super) pending: &'a [RequestId],
    /// The last cursor that was taken in: what it covers was dealt with and need not come again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<&'a str>,
    /// How long the endpoint may hold the question open, in seconds.
    pub(super) wait: u64,
    /// What became of the decisions of the last answer.
    #[serde(skip_serializing_if = "<[Told]>::is_empty")]
    pub(super) told: &'a [Told],
}

impl Ask<'_> {
    pub(super) const FORMAT: &'static str = "approvals.ask/1";
}

/// What became of one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Told {
    /// The id of its message.
    id: String,
    /// `counted`, or why not, as the callback says it.
    code: String,
    /// The same in words.
    detail: String,
}

impl Told {
    pub(super) fn of(sealed: &Sealed, answer: &Answer) -> Self {
        Self { id: sealed.id.clone(), code: answer.code(), detail: answer.to_string() }
    }
}

/// The answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answers {
    format: Format,
    /// Signed decisions, oldest first.
    pub(super) decisions: Vec<Object<Sealed>>,
    /// What covers these decisions.
    #[serde(default)]
    pub(super) cursor: Option<String>,
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
pub(super) struct Sealed {
    pub(super) id: String,
    timestamp: i64,
    signature: String,
    /// The very text that is signed.
    body: String,
}

impl Sealed {
    pub(super) async fn receive(&self, inbox: &Arc<Inbox>) -> Received {
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
pub(super) enum InvalidAnswers {
    /// No such JSON.
    #[error("it is no `approvals.answers/1`: {0}")]
    Json(String),
    /// A cursor that grows without end.
    #[error("its cursor has more than {LONGEST_CURSOR} bytes")]
    Cursor,
}

impl Answers {
    pub(super) fn read(body: &[u8]) -> Result<Self, InvalidAnswers> {
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
