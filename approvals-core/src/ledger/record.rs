//! A record: the bytes that are hashed, and what stands beside them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Event, Payload, Sealed};
use crate::capture;
use crate::id::{NodeName, RequestId, Seq, Version};
use crate::time::Timestamp;

/// The format of records that this crate writes.
pub const FORMAT: u32 = 1;

/// Whose history an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// One request.
    Request(RequestId),
    /// Processes coming and going, and what concerns no request.
    System,
    /// Calls that ran freely, and refused ones.
    Allowed,
}

impl Stream {
    /// The request, if it is one's.
    pub const fn request(&self) -> Option<RequestId> {
        match self {
            Self::Request(id) => Some(*id),
            Self::System | Self::Allowed => None,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => fmt::Display::fmt(id, f),
            Self::System => f.write_str("system"),
            Self::Allowed => f.write_str("allowed"),
        }
    }
}

impl FromStr for Stream {
    type Err = crate::id::InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "system" => Ok(Self::System),
            "allowed" => Ok(Self::Allowed),
            id => id.parse().map(Self::Request),
        }
    }
}

impl Serialize for Stream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a record belongs. A fold over live records refuses those of a test, and the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Env {
    /// The real thing.
    #[default]
    Live,
    /// Made by a test with the mock.
    Test,
}

impl Env {
    fn is_live(&self) -> bool {
        *self == Self::Live
    }
}

/// What a record says; its canonical JSON (RFC 8785) is what is stored and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Body {
    /// Format of the record; [`FORMAT`] today.
    pub format: u32,
    /// Absent in the bytes when live.
    #[serde(default, skip_serializing_if = "Env::is_live")]
    pub env: Env,
    /// Whose history it belongs to.
    pub stream: Stream,
    /// How often the stream has moved, this event included; a note repeats the version it stands at.
    pub version: Version,
    /// When, as the store stamped it; never before the previous record of the stream.
    pub time: Timestamp,
    /// Which process.
    pub node: NodeName,
    /// What happened.
    pub event: Event,
}

impl Body {
    /// The canonical bytes.
    ///
    /// # Errors
    /// If the event holds what JSON cannot hold exactly: see [`canonical`](capture::canonical).
    pub fn to_bytes(&self) -> Result<Vec<u8>, capture::CaptureError> {
        let Self { format, env, stream, version, time, node, event } = self;
        Prefix::new(*format, *env, *stream, node, &event.to_bytes()?)?.at(*time, *version)
    }
}

/// The canonical bytes of a body as far as its time, which sorts behind all that is known before the store writes it.
#[derive(Debug)]
pub(super) struct Prefix(Vec<u8>);

impl Prefix {
    /// Of an event with these canonical bytes.
    pub(super) fn new(
        format: u32,
        env: Env,
        stream: Stream,
        node: &NodeName,
        event: &[u8],
    ) -> Result<Self, capture::CaptureError> {
        // `env` is the one member that sorts before the event.
        let opening: &[u8] = match env {
            Env::Live => br#"{"event":"#,
            Env::Test => br#"{"env":"test","event":"#,
        };
        let (format, node) = (capture::canonical(&format)?, capture::canonical(node)?);
        let stream = capture::canonical(&stream)?;
        let parts =
            [opening, event, br#","format":"#, &format, br#","node":"#, &node, br#","stream":"#, &stream];
        Ok(Self(parts.concat()))
    }

    /// All of them.
    pub(super) fn at(self, time: Timestamp, version: Version) -> Result<Vec<u8>, capture::CaptureError> {
        let (time, version) = (capture::canonical(&time)?, capture::canonical(&version)?);
        Ok([&self.0, &br#","time":"#[..], &time, br#","version":"#, &version, b"}"].concat())
    }
}

/// A signature over stream, version, node and event, as its issuer encodes it. Opaque to stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(pub Vec<u8>);

/// One line of the ledger. A record never changes, so its clones share what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the whole ledger.
    pub seq: Seq,
    /// What it says.
    pub body: Arc<Body>,
    /// The very bytes that were stored.
    pub bytes: Arc<[u8]>,
    /// The values behind its commitments, unless they were erased.
    pub payload: Option<Arc<Payload>>,
    /// Its signature, if it has one.
    pub signature: Option<Signature>,
}

/// Stored bytes that are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableRecord {
    /// Written by a later version of this crate.
    #[error("record {seq} has format {format}, this program reads up to {FORMAT}; update the program")]
    NewerFormat {
        /// Where.
        seq: Seq,
        /// Which format.
        format: u32,
    },
    /// Not what this crate writes.
    #[error("record {seq} is damaged ({why}); restore the store from a backup, and keep the damaged file")]
    Damaged {
        /// Where.
        seq: Seq,
        /// What is wrong.
        why: String,
    },
}

impl Record {
    /// What was written at a place of the ledger.
    pub fn at(seq: Seq, written: Sealed) -> Self {
        let Sealed { body, bytes, payload, signature, .. } = written;
        Self { seq, body: Arc::new(body), bytes: bytes.into(), payload: payload.map(Arc::new), signature }
    }

    /// Reads a record as a store kept it: checks format and canonical form.
    ///
    /// # Errors
    /// If a later version of this crate wrote it, or if it is not what this crate writes.
    pub fn from_stored(
        seq: Seq,
        bytes: Vec<u8>,
        payload: Option<&[u8]>,
        signature: Option<Vec<u8>>,
    ) -> Result<Self, UnreadableRecord> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |why: &dyn fmt::Display| UnreadableRecord::Damaged { seq, why: why.to_string() };
        let body: Body = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(e) => {
                return Err(match serde_json::from_slice::<Format>(&bytes) {
                    Ok(Format { format }) if format > FORMAT => UnreadableRecord::NewerFormat { seq, format },
                    _ => damaged(&e),
                });
            }
        };
        if body.format > FORMAT {
            return Err(UnreadableRecord::NewerFormat { seq, format: body.format });
        }
        match body.to_bytes() {
            Ok(canonical) if canonical == bytes => {}
            Ok(_) => return Err(damaged(&"its bytes are not in canonical form")),
            Err(e) => return Err(damaged(&e)),
        }
        let payload = payload.map(Payload::from_bytes).transpose().map_err(|e| damaged(&e))?;
        let (body, payload) = (Arc::new(body), payload.map(Arc::new));
        Ok(Self { seq, body, bytes: bytes.into(), payload, signature: signature.map(Signature) })
    }
}

#[cfg(test)]
mod tests;
