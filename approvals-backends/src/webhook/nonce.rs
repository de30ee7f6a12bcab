//! The nonce of a card: who answers with it was sent the card.
//!
//! It is derived from the key that signs what leaves here, so that nothing has to be kept over a restart, and a leaked
//! key of the way back in does not make it. It proves nothing where one `whsec_` secret serves both ways.
//!
//! A card that was cut has another nonce than a whole one: an answer says by itself how much stood on the card, also
//! one that overtakes the record of the card (law 5).

use approvals_core::card::Shown;
use approvals_core::id::RequestId;
use approvals_core::request::Digest;
use subtle::ConstantTimeEq as _;

use super::signature::SigningKey;

/// Bytes of a nonce.
const BYTES: usize = 16;

/// The nonce of a card that shows so much of a request, under a key: 32 hexadecimal digits.
pub(super) fn nonce(key: &SigningKey, request: RequestId, digest: &Digest, shown: Shown) -> String {
    let request = request.as_uuid();
    // A message that is signed begins with a visible character of its id and holds no zero there.
    let label: &[u8] = match shown {
        Shown::Everything => b"\0approvals/nonce/v1\0",
        Shown::Part { .. } => b"\0approvals/nonce/v1/part\0",
    };
    let whole = key.derive(&[label, request.as_bytes(), digest.as_bytes()]);
    whole.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// How much the card showed whose nonce this is, under one of the keys; in constant time. Of how much was cut, a nonce
/// says nothing.
pub(super) fn shown_by(
    keys: &[SigningKey],
    request: RequestId,
    digest: &Digest,
    text: &str,
) -> Option<Shown> {
    let fits = |key, shown| bool::from(nonce(key, request, digest, shown).as_bytes().ct_eq(text.as_bytes()));
    let fits = |shown| keys.iter().map(|key| fits(key, shown)).fold(false, |any, fits| any | fits);
    match (fits(Shown::Everything), fits(Shown::Part { hidden: 0 })) {
        (true, _) => Some(Shown::Everything),
        (false, true) => Some(Shown::Part { hidden: 0 }),
        (false, false) => None,
    }
}
