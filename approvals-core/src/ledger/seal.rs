//! What every store runs inside its own transaction: judge an append at the time it is written.

use super::record::Prefix;
use super::{Append, Body, Env, Event, FORMAT, NewEvent, Payload, Record, Signature, Stream, Summary};
use crate::capture::CaptureError;
use crate::id::{NodeName, Version};
use crate::request::Digest;
use crate::state::{Illegal, State};
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
/// A store that keeps the states of its requests in memory folds nothing twice with a [`Draft`].
///
/// # Errors
/// [`SealError::Conflict`] if the stream is not at the expected version, [`SealError::Illegal`] if an event is
/// refused at that time. The store writes nothing then.
pub fn seal<'a>(
    history: impl IntoIterator<Item = &'a Record>,
    append: Append,
    now: Timestamp,
) -> Result<Vec<Sealed>, SealError> {
    let state = match append.stream.request() {
        Some(_) => State::fold(history).map_err(SealError::Unreadable)?,
        None => State::default(),
    };
    let (_, sealed) = Draft::new(append)?.seal(&state, now)?;
    Ok(sealed)
}

/// An append that is written down as far as it can be without the time and the state of its stream.
///
/// That is most of the work of [`seal`], and none of it needs the store's lock: make the draft before, and seal it
/// inside.
///
/// ```
/// use approvals_core::ledger::{Append, Draft, SealError, Sealed};
/// use approvals_core::state::State;
/// use approvals_core::time::Timestamp;
///
/// /// `known` is the state after the last record of the stream.
/// fn append(known: &mut State, append: Append, write: impl Fn(Vec<Sealed>)) -> Result<(), SealError> {
///     let draft = Draft::new(append)?;
///     // Under the lock:
///     let (state, sealed) = draft.seal(known, Timestamp::now())?;
///     write(sealed);
///     *known = state;
///     Ok(())
/// }
/// # use approvals_core::ledger::{Env, Event, Stream};
/// # let (event, node) = (Event::Down {}, "host/agent".into());
/// # let up = Append { stream: Stream::System, expected: None, env: Env::Live, node, events: vec![event.into()] };
/// # append(&mut State::default(), up, |sealed| assert_eq!(sealed.len(), 1))?;
/// # Ok::<(), approvals_core::ledger::SealError>(())
/// ```
#[derive(Debug)]
pub struct Draft {
    stream: Stream,
    expected: Option<Version>,
    env: Env,
    node: NodeName,
    events: Vec<Drafted>,
}

/// An event with what is made of it alone.
#[derive(Debug)]
struct Drafted {
    new: NewEvent,
    prefix: Prefix,
    /// Of its bytes, for an event that opens a request.
    digest: Option<Digest>,
}

impl Draft {
    /// Writes the events of an append down.
    ///
    /// # Errors
    /// [`SealError::Unwritable`] if an event holds what JSON cannot hold exactly.
    pub fn new(append: Append) -> Result<Self, SealError> {
        let Append { stream, expected, env, node, events } = append;
        let drafted = |new: NewEvent| {
            let bytes = new.event.to_bytes()?;
            let digest = new.event.digest_in(&bytes);
            let prefix = Prefix::new(FORMAT, env, stream, &node, &bytes)?;
            Ok(Drafted { new, prefix, digest })
        };
        let events = events.into_iter().map(drafted).collect::<Result<_, CaptureError>>()?;
        Ok(Self { stream, expected, env, node, events })
    }

    /// Which stream.
    pub const fn stream(&self) -> Stream {
        self.stream
    }

    /// Which process writes.
    pub const fn node(&self) -> &NodeName {
        &self.node
    }

    /// What happened, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().map(|drafted| &drafted.new.event)
    }

    /// Judges it in a state of its stream at the store's time. Gives the state after it and what is to be written.
    ///
    /// `state` is the fold of the stream's whole history; its default for a stream without one, and for the streams
    /// `system` and `allowed`, which are not folded.
    ///
    /// # Errors
    /// [`SealError::Conflict`] and [`SealError::Illegal`], as [`seal`].
    pub fn seal(self, state: &State, now: Timestamp) -> Result<(State, Vec<Sealed>), SealError> {
        if let Some(expected) = self.expected
            && expected != state.version()
        {
            return Err(SealError::Conflict { at: state.version(), expected });
        }
        let folds = self.stream.request().is_some();
        let mut state = state.clone();
        let time = state.last().map_or(now, |last| last.max(now));
        let mut sealed = Vec::with_capacity(self.events.len());
        for Drafted { new, prefix, digest } in self.events {
            let note = new.event.is_note();
            // Only a note may be written without saying which version it was written for.
            if !note && self.expected.is_none() {
                return Err(SealError::Conflict { at: state.version(), expected: Version(u64::MAX) });
            }
            let body = Body {
                format: FORMAT,
                env: self.env,
                stream: self.stream,
                version: if note { state.version() } else { state.version().next() },
                time,
                node: self.node.clone(),
                event: new.event,
            };
            let summary = if folds {
                // In place: a state that a refused record has touched is not given away.
                state.take_with(&body, digest)?;
                Summary::of(&state)
            } else {
                check_unfolded(&body)?;
                None
            };
            let bytes = prefix.at(body.time, body.version)?;
            sealed.push(Sealed { body, bytes, payload: new.payload, signature: new.signature, summary });
        }
        Ok((state, sealed))
    }
}

/// The streams `system` and `allowed` hold nothing but notes of their own kind.
fn check_unfolded(body: &Body) -> Result<(), Illegal> {
    let fits = matches!(
        (&body.stream, &body.event),
        (Stream::System, Event::Up { .. } | Event::Down {} | Event::Unauthenticated { .. })
            | (Stream::Allowed, Event::Allowed(_) | Event::Refused(_))
            | (_, Event::Ignored(_))
    );
    if fits { Ok(()) } else { Err(Illegal::OtherStream) }
}
