//! How a reviewer's identity is proven: the endpoint signed exactly these bytes, just now, and had the card.

#[cfg(test)]
mod tests;

use approvals_core::desk::Review;
use approvals_core::id::ProviderId;
use approvals_core::people::{Assurance, Identity};
use approvals_core::time::Timestamp;

use super::nonce::shown_by;
use super::schema::{Decision, InvalidDecision};
#[cfg(feature = "webhook-http")]
use super::signature::worth_reading;
use super::signature::{Scheme, SigningKey, Unverified, VerifyingKey, verify};

/// The longest body that is read at all, in bytes.
#[cfg(feature = "webhook-http")]
pub(super) const LONGEST_RAW: usize = 64 * 1024;

/// A message as it came: nothing in it is believed yet.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) id: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) signature: &'a str,
    /// Whether its sender says that it is JSON.
    pub(super) is_json: bool,
    /// The raw bytes, which are what is signed.
    pub(super) body: &'a [u8],
}

/// A decision of somebody whom the endpoint vouches for.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) identity: Identity,
    pub(super) review: Review,
    pub(super) scheme: Scheme,
}

impl Verified {
    /// The most that this proof can be worth. Never from the body, and never more than the registration says.
    ///
    /// Whoever verifies an HMAC could have made it, our own process included: it is worth no more than a chat
    /// service's word for who clicked.
    pub(super) const fn assurance(&self) -> Assurance {
        match self.scheme {
            Scheme::Ed25519 => Assurance::Signed,
            Scheme::Hmac => Assurance::Chat,
        }
    }
}

/// Why a message is no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It does not prove where it comes from.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// Its sender has the key and never had such a card: the nonce covers request and digest.
    #[error(
        "the nonce is not that of a card of this request with this digest; send what the card says, and if the \
         endpoint did not send this, its key has leaked: rotate it"
    )]
    Nonce,
    /// Another content type.
    #[error("a decision is JSON; send it as `application/json`")]
    NotJson,
    /// Not a decision.
    #[error(transparent)]
    Invalid(#[from] InvalidDecision),
}

impl Refusal {
    /// Whether it proves nothing: it is counted, and its sender is told nothing.
    pub(super) const fn is_of_a_stranger(&self) -> bool {
        matches!(self, Self::Unverified(_) | Self::Nonce)
    }

    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Unverified(_) | Self::Nonce => "unauthenticated",
            Self::NotJson => "not_json",
            Self::Invalid(InvalidDecision::TooLong { .. }) => "too_long",
            Self::Invalid(_) => "malformed",
        }
    }

    #[cfg(any(test, feature = "webhook-http"))]
    pub(super) const fn status(&self) -> u16 {
        match self {
            Self::Unverified(_) | Self::Nonce => 401,
            Self::NotJson => 415,
            Self::Invalid(InvalidDecision::TooLong { .. }) => 413,
            Self::Invalid(_) => 400,
        }
    }
}

/// Whose messages are believed.
pub(super) struct Verifier {
    /// What the endpoint signs with, verified.
    keys: Vec<VerifyingKey>,
    /// What we sign with, which the nonces of the cards are made of.
    ours: Vec<SigningKey>,
}

impl Verifier {
    pub(super) const fn new(keys: Vec<VerifyingKey>, ours: Vec<SigningKey>) -> Self {
        Self { keys, ours }
    }

    /// Whether the body of a message is worth waiting for: its headers alone may say that it proves nothing.
    #[cfg(feature = "webhook-http")]
    pub(super) fn is_worth_reading(&self, message: &Message<'_>, now: Timestamp) -> Result<(), Unverified> {
        let Message { id, timestamp, signature, .. } = *message;
        let has_key = |scheme| self.keys.iter().any(|key| key.scheme() == scheme);
        worth_reading(has_key, id, timestamp, signature, now).map(|_| ())
    }

    /// Reads the decision in a message, if it is one.
    ///
    /// The person is vouched for within `provider`, that of the registration, and within no other: an endpoint cannot
    /// name somebody of another one, because a decision has no place to.
    pub(super) fn verify(
        &self,
        message: &Message<'_>,
        provider: &ProviderId,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let Message { id, timestamp, signature, is_json, body } = *message;
        let scheme = verify(&self.keys, id, timestamp, signature, body, now)?;
        if !is_json {
            return Err(Refusal::NotJson);
        }
        let decision = Decision::from_json(body)?;
        let shown = shown_by(&self.ours, decision.request, &decision.digest, &decision.nonce);
        let shown = shown.ok_or(Refusal::Nonce)?;
        let review = Review {
            request: decision.request,
            seen: decision.digest.into(),
            shown,
            answer: decision.decision,
            comment: decision.comment,
        };
        Ok(Verified { identity: Identity::new(provider.clone(), decision.person), review, scheme })
    }
}
