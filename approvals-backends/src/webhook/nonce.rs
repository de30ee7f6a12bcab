//! The nonce of a card: who answers with it was sent the card.
//!
//! It is derived from the key that signs what leaves here, so that nothing has to be kept over a restart, and a leaked
//! key of the way back in does not make it. It proves nothing where one `whsec_` secret serves both ways.

use approvals_core::id::RequestId;
use approvals_core::request::Digest;
use subtle::ConstantTimeEq as _;

use super::signature::SigningKey;

/// Bytes of a nonce.
const BYTES: usize = 16;

/// The nonce of a request under a key: 32 hexadecimal digits.
pub(super) fn nonce(key: &SigningKey, request: RequestId, digest: &Digest) -> String {
    let request = request.as_uuid();
    // A message that is signed begins with a visible character of its id and holds no zero there.
    let whole = key.derive(&[b"\0approvals/nonce/v1\0", request.as_bytes(), digest.as_bytes()]);
    whole.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is the nonce of a request under one of the keys; in constant time.
pub(super) fn is_nonce(keys: &[SigningKey], request: RequestId, digest: &Digest, text: &str) -> bool {
    let fits = |key| bool::from(nonce(key, request, digest).as_bytes().ct_eq(text.as_bytes()));
    keys.iter().map(fits).fold(false, |any, fits| any | fits)
}
