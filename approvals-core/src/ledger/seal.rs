//! What every store runs inside its own transaction: judge an append at the time it is written.

use super::{Append, Body, FORMAT, Payload, Record, Signature, Stream, Summary};
use crate::capture::CaptureError;
use crate::id::Version;
use crate::state::{Illegal, State, apply};
use crate::time::Timestamp;

/// A record ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// What it says.
    pub body: Body,
    /// The canonical bytes to store.
    pub bytes: Vec<u8>,
    /// The payload to store beside them.
    pub payload: Option<Payload>,
    /// The signature to store beside them.
    pub signature: Option<Signature>,
    /// The summary of the request after this record; `None` for the streams that have none.
    pub summary: Option<Summary>,
}

/// Why an append is refused. Nothing may be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The stream has moved since the caller looked.
    #[error("the stream is at version {at}, not {expected}")]
    Conflict {
        /// Where the stream stands.
        at: Version,
        /// What the caller expected.
        expected: Version,
    },
    /// The state machine refuses the event at this time.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The history that is already there does not fold; nothing may be built on it.
    #[error("the history of this request cannot be read: {0}")]
    Unreadable(Illegal),
    /// The event cannot be written down.
    #[error(transparent)]
    Unwritable(#[from] CaptureError),
}

/// Judges an append against the history of its stream at the store's time.
///
/// `history` is the whole history of a request's stream, oldest first; it may be empty for the streams `system` and
/// `allowed`, which are not folded. The time of a record is `now`, or the time of the previous record of the stream if
/// the clock has run backwards since.
///
/// # Errors
/// [`SealError::Conflict`] if the stream is not at the expected version, [`SealError::Illegal`] if an event is
/// refused at that time. The store writes nothing then.
pub fn seal<'a>(
    history: impl IntoIterator<Item = &'a Record>,
    append: Append,
    now: Timestamp,
) -> Result<Vec<Sealed>, SealError> {
    let folds = append.stream.request().is_some();
    let mut state =
        if folds { State::fold(history).map_err(SealError::Unreadable)? } else { State::default() };
    if let Some(expected) = append.expected
        && expected != state.version()
    {
        return Err(SealError::Conflict { at: state.version(), expected });
    }
    let time = state.last().map_or(now, |last| last.max(now));
    let mut sealed = Vec::with_capacity(append.events.len());
    for new in append.events {
        let note = new.event.is_note();
        // Only a note may be written without saying which version it was written for.
        if !note && append.expected.is_none() {
            return Err(SealError::Conflict { at: state.version(), expected: Version(u64::MAX) });
        }
        let body = Body {
            format: FORMAT,
            env: append.env,
            stream: append.stream,
            version: if note { state.version() } else { state.version().next() },
            time,
            node: append.node.clone(),
            event: new.event,
        };
        let summary = if folds {
            state = apply(&state, &body)?;
            Summary::of(&state)
        } else {
            check_unfolded(&body)?;
            None
        };
        let bytes = body.to_bytes()?;
        sealed.push(Sealed { body, bytes, payload: new.payload, signature: new.signature, summary });
    }
    Ok(sealed)
}

/// The streams `system` and `allowed` hold nothing but notes of their own kind.
fn check_unfolded(body: &Body) -> Result<(), Illegal> {
    use super::Event;
    let fits = matches!(
        (&body.stream, &body.event),
        (Stream::System, Event::Up { .. } | Event::Down {} | Event::Unauthenticated { .. })
            | (Stream::Allowed, Event::Allowed(_) | Event::Refused(_))
            | (_, Event::Ignored(_))
    );
    if fits { Ok(()) } else { Err(Illegal::OtherStream) }
}
