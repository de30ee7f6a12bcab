//! Signatures of messages, as [Standard Webhooks](https://www.standardwebhooks.com) says.
//!
//! What is signed is `<id>.<timestamp>.<body>`, the body as its raw bytes. The header `webhook-signature` holds
//! signatures separated by spaces: `v1,<base64>` is HMAC-SHA256 under a shared `whsec_` secret, `v1a,<base64>` is
//! Ed25519 under a `whsk_` key, verified with its `whpk_` half. While a key is being rotated there is one of each.
//!
//! Prefer `v1a` for decisions: whoever can verify a `v1` signature can make one.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use approvals_core::id::{Chance as _, NoChance, SystemChance};
use approvals_core::secret::Secret;
use approvals_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The header with the id of a message, the same for each attempt to deliver it.
pub const ID: &str = "webhook-id";
/// The header with the time of an attempt, in seconds since 1970-01-01T00:00:00Z.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures of an attempt.
pub const SIGNATURE: &str = "webhook-signature";

/// How far the time of a message may be from ours, on both sides.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// The longest id of a message, in bytes.
pub const LONGEST_ID: usize = 256;
/// The most signatures that are looked at: a header full of them must not keep us busy.
pub const MOST_SIGNATURES: usize = 8;

const SHORTEST_SECRET: usize = 24;
/// A block of SHA-256: a longer secret would be hashed first.
const LONGEST_SECRET: usize = 64;
/// No timestamp of the next thousand years is longer.
const LONGEST_TIMESTAMP: usize = 12;
/// Ed25519: seed or public key, and both in one.
const HALF: usize = ed25519_dalek::SECRET_KEY_LENGTH;
const WHOLE: usize = ed25519_dalek::KEYPAIR_LENGTH;

/// How a message was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `v1`: HMAC-SHA256. Whoever verifies it could have made it.
    Hmac,
    /// `v1a`: Ed25519. Only the holder of the signing half can make it.
    Ed25519,
}

impl Scheme {
    /// The word in front of a signature.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "v1",
            Self::Ed25519 => "v1a",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no key. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Another prefix.
    #[error("a signing key starts with `whsec_` or `whsk_`; copy it whole from where it was made")]
    SigningPrefix,
    /// Another prefix.
    #[error("a verifying key starts with `whsec_` or `whpk_`; copy it whole from where it was made")]
    VerifyingPrefix,
    /// The secret half where the public one belongs.
    #[error("a `whsk_` key signs and must not leave its owner; give the `whpk_` half to whoever verifies")]
    SecretHalf,
    /// No base64 behind the prefix.
    #[error("what follows the prefix of the key is not base64; copy it whole from where it was made")]
    Base64,
    /// A length that no key has.
    #[error("a `whsec_` secret has 24 to 64 bytes, a `whsk_` key 32 or 64, a `whpk_` key 32; make a new one")]
    Length,
    /// An Ed25519 key that anybody can sign for, or whose halves do not belong together.
    #[error("the Ed25519 key is not sound; make a new pair")]
    Unsound,
}

/// A key that signs: `whsec_` for HMAC-SHA256, `whsk_` for Ed25519. Does not print; is overwritten when dropped.
///
/// ```
/// use approvals_backends::webhook::signature::{Scheme, SigningKey};
///
/// let key: SigningKey = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?;
/// assert_eq!(key.scheme(), Scheme::Hmac);
/// assert_eq!(format!("{key:?}"), "SigningKey(v1, ..)");
/// # Ok::<(), approvals_backends::webhook::signature::InvalidKey>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(Signing);

#[derive(Clone)]
enum Signing {
    Hmac(Zeroizing<Vec<u8>>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// A new key for Ed25519, from the randomness of the operating system. [`text`](Self::text) is what its owner keeps,
    /// [`verifying`](Self::verifying) what everybody else is given.
    ///
    /// # Errors
    /// Where the operating system gives no randomness.
    ///
    /// ```
    /// use approvals_backends::webhook::signature::SigningKey;
    ///
    /// let key = SigningKey::generate()?;
    /// assert!(key.text().expose().starts_with("whsk_"));
    /// assert!(key.verifying().public().is_some_and(|public| public.starts_with("whpk_")));
    /// # Ok::<(), approvals_core::id::NoChance>(())
    /// ```
    pub fn generate() -> Result<Self, NoChance> {
        let mut seed = Zeroizing::new([0; HALF]);
        SystemChance.fill(&mut *seed)?;
        Ok(Self(Signing::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed)))))
    }

    /// The key as the text that is read back. Whoever has it signs as its owner.
    pub fn text(&self) -> Secret<String> {
        let (prefix, bytes) = match &self.0 {
            Signing::Hmac(secret) => ("whsec_", secret.as_slice()),
            Signing::Ed25519(pair) => ("whsk_", pair.as_bytes().as_slice()),
        };
        let mut text = prefix.to_owned();
        STANDARD.encode_string(bytes, &mut text);
        Secret::new(text)
    }

    /// How it signs.
    pub const fn scheme(&self) -> Scheme {
        match &self.0 {
            Signing::Hmac(_) => Scheme::Hmac,
            Signing::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// The key that verifies what this one signs: for Ed25519 the public half, for HMAC the secret itself.
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey(match &self.0 {
            Signing::Hmac(secret) => Verifying::Hmac(secret.clone()),
            Signing::Ed25519(pair) => Verifying::Ed25519(pair.verifying_key()),
        })
    }

    /// Bytes that only the holder of this key can compute, for other uses than signatures.
    pub(super) fn derive(&self, message: &[&[u8]]) -> [u8; 32] {
        match &self.0 {
            Signing::Hmac(secret) => mac(secret, message),
            Signing::Ed25519(pair) => mac(pair.as_bytes(), message),
        }
        .finalize()
        .into_bytes()
        .into()
    }

    fn sign(&self, message: &[&[u8]]) -> String {
        let signature = match &self.0 {
            Signing::Hmac(secret) => STANDARD.encode(mac(secret, message).finalize().into_bytes()),
            Signing::Ed25519(pair) => STANDARD.encode(pair.sign(&message.concat()).to_bytes()),
        };
        format!("{},{signature}", self.scheme())
    }
}

impl FromStr for SigningKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if let Some(secret) = text.strip_prefix("whsec_") {
            return Ok(Self(Signing::Hmac(shared(secret)?)));
        }
        let key = decode(text.strip_prefix("whsk_").ok_or(InvalidKey::SigningPrefix)?)?;
        let pair = if let Ok(seed) = <&[u8; HALF]>::try_from(key.as_slice()) {
            ed25519_dalek::SigningKey::from_bytes(seed)
        } else if let Ok(both) = <&[u8; WHOLE]>::try_from(key.as_slice()) {
            ed25519_dalek::SigningKey::from_keypair_bytes(both).map_err(|_| InvalidKey::Unsound)?
        } else {
            return Err(InvalidKey::Length);
        };
        Ok(Self(Signing::Ed25519(Box::new(pair))))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, ..)", self.scheme())
    }
}

/// A key that verifies: `whsec_` for HMAC-SHA256, `whpk_` for Ed25519. Does not print; a secret is overwritten when
/// dropped.
#[derive(Clone)]
pub struct VerifyingKey(Verifying);

#[derive(Clone)]
enum Verifying {
    Hmac(Zeroizing<Vec<u8>>),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl VerifyingKey {
    /// Which signatures it verifies.
    pub const fn scheme(&self) -> Scheme {
        match &self.0 {
            Verifying::Hmac(_) => Scheme::Hmac,
            Verifying::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// The public half as `whpk_` text, to hand to whoever verifies; `None` for a secret.
    pub fn public(&self) -> Option<String> {
        match &self.0 {
            Verifying::Hmac(_) => None,
            Verifying::Ed25519(key) => Some(format!("whpk_{}", STANDARD.encode(key.as_bytes()))),
        }
    }

    fn verifies(&self, message: &[&[u8]], signature: &[u8]) -> bool {
        match &self.0 {
            // In constant time.
            Verifying::Hmac(secret) => mac(secret, message).verify_slice(signature).is_ok(),
            // Strict: one signature has one form, and no key signs for another.
            Verifying::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(&message.concat(), &signature).is_ok()),
        }
    }
}

impl FromStr for VerifyingKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if let Some(secret) = text.strip_prefix("whsec_") {
            return Ok(Self(Verifying::Hmac(shared(secret)?)));
        }
        if text.starts_with("whsk_") {
            return Err(InvalidKey::SecretHalf);
        }
        let key = decode(text.strip_prefix("whpk_").ok_or(InvalidKey::VerifyingPrefix)?)?;
        let key = <&[u8; HALF]>::try_from(key.as_slice()).map_err(|_| InvalidKey::Length)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| InvalidKey::Unsound)?;
        if key.is_weak() { Err(InvalidKey::Unsound) } else { Ok(Self(Verifying::Ed25519(key))) }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, ..)", self.scheme())
    }
}

/// A message that cannot be signed so that its parts can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsignable {
    /// An id that no receiver would take.
    #[error("the id of a message is 1 to 256 visible ASCII characters without `.`; choose such an id")]
    Id,
    /// No key.
    #[error("there is no key to sign with; give at least one")]
    NoKey,
}

/// The value of `webhook-timestamp` for a time: whole seconds since 1970-01-01T00:00:00Z.
pub fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// The value of `webhook-signature`: one signature per key, in the order of the keys.
///
/// # Errors
/// Where there is no key, and where the id holds a `.` or is not 1 to 256 visible ASCII characters.
///
/// ```
/// use approvals_backends::webhook::signature::{SigningKey, sign};
/// use approvals_core::time::Timestamp;
///
/// let key: SigningKey = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?;
/// let at = Timestamp::from_micros(1_649_367_553_000_000);
/// assert!(sign(&[key], "msg_1", at, b"{}")?.starts_with("v1,"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign(keys: &[SigningKey], id: &str, at: Timestamp, body: &[u8]) -> Result<String, Unsignable> {
    if !is_id(id) {
        return Err(Unsignable::Id);
    }
    let seconds = seconds(at).to_string();
    let message = message(id, &seconds, body);
    let signatures: Vec<_> = keys.iter().map(|key| key.sign(&message)).collect();
    if signatures.is_empty() { Err(Unsignable::NoKey) } else { Ok(signatures.join(" ")) }
}

/// Why a message is not believed. For logs of the receiver: whoever sent it is told nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unverified {
    /// An id that no sender of this kind writes.
    #[error("`webhook-id` is not 1 to 256 visible ASCII characters without `.`; the sender must mend it")]
    Id,
    /// A timestamp that is not a number of seconds.
    #[error("`webhook-timestamp` is not a number of seconds since 1970; the sender must mend it")]
    Timestamp,
    /// From more than five minutes ago: late, or played again.
    #[error("the message is older than 5 min; sign each attempt anew, and set the clocks of both sides")]
    TooOld,
    /// From more than five minutes ahead.
    #[error("the message is more than 5 min ahead of us; set the clocks of both sides")]
    TooNew,
    /// More signatures than are looked at.
    #[error(
        "`webhook-signature` holds more than 8 signatures; sign with one key, or with two during rotation"
    )]
    TooMany,
    /// No signature of a scheme that a key is for.
    #[error(
        "`webhook-signature` holds no signature that a key here is for; sign with `v1a` or `v1` as agreed"
    )]
    NoSignature,
    /// Signatures, and none fits.
    #[error("no signature fits; sign the raw body with the key of this endpoint")]
    Mismatch,
}

/// Verifies a message; says how it was signed, by the strongest scheme that fits.
///
/// `id`, `timestamp` and `header` are the values of [`ID`], [`TIMESTAMP`] and [`SIGNATURE`] as received, `body` the raw
/// bytes. A message verifies again within ten minutes at most: who acts on it must notice that it came before.
///
/// # Errors
/// Where the message is not believed.
pub fn verify(
    keys: &[VerifyingKey],
    id: &str,
    timestamp: &str,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Scheme, Unverified> {
    let signatures =
        worth_reading(|scheme| keys.iter().any(|key| key.scheme() == scheme), id, timestamp, header, now)?;
    let message = message(id, timestamp, body);
    let fits = |wanted: Scheme| {
        let keys = keys.iter().filter(move |key| key.scheme() == wanted);
        let mut pairs = keys.flat_map(|key| signatures.iter().map(move |signature| (key, signature)));
        pairs.any(|(key, (scheme, signature))| *scheme == wanted && key.verifies(&message, signature))
    };
    [Scheme::Ed25519, Scheme::Hmac].into_iter().find(|scheme| fits(*scheme)).ok_or(Unverified::Mismatch)
}

/// The signatures to look at, where what stands beside a body lets it be read at all.
pub(super) fn worth_reading(
    has_key: impl Fn(Scheme) -> bool,
    id: &str,
    timestamp: &str,
    header: &str,
    now: Timestamp,
) -> Result<Vec<(Scheme, Vec<u8>)>, Unverified> {
    if !is_id(id) {
        return Err(Unverified::Id);
    }
    in_time(timestamp, now)?;
    let mut signatures = Vec::new();
    for (count, text) in header.split(' ').filter(|text| !text.is_empty()).enumerate() {
        if count >= MOST_SIGNATURES {
            return Err(Unverified::TooMany);
        }
        // A scheme that we do not know is for others.
        let known = [Scheme::Ed25519, Scheme::Hmac].into_iter().find_map(|scheme| {
            let (word, signature) = text.split_once(',')?;
            (word == scheme.as_str()).then_some((scheme, signature))
        });
        let Some((scheme, signature)) = known else { continue };
        if has_key(scheme) {
            signatures.push((scheme, STANDARD.decode(signature).unwrap_or_default()));
        }
    }
    if signatures.is_empty() { Err(Unverified::NoSignature) } else { Ok(signatures) }
}

fn in_time(timestamp: &str, now: Timestamp) -> Result<(), Unverified> {
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let sent = Some(timestamp).filter(|text| digits && text.len() <= LONGEST_TIMESTAMP);
    let sent: i64 = sent.and_then(|text| text.parse().ok()).ok_or(Unverified::Timestamp)?;
    let tolerance = TOLERANCE.as_secs().cast_signed();
    match seconds(now).saturating_sub(sent) {
        age if age > tolerance => Err(Unverified::TooOld),
        age if age < -tolerance => Err(Unverified::TooNew),
        _ => Ok(()),
    }
}

/// Without a dot, or `<id>.<timestamp>` could be cut in two ways.
fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(allowed)
}

fn message<'a>(id: &'a str, seconds: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", seconds.as_bytes(), b".", body]
}

/// The key filled up to a block of SHA-256, as HMAC does with a key that is no longer than one (RFC 2104).
fn mac(secret: &[u8], message: &[&[u8]]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; LONGEST_SECRET]);
    for (to, from) in block.iter_mut().zip(secret) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    message.iter().for_each(|piece| mac.update(piece));
    mac
}

fn shared(text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
    let secret = decode(text)?;
    let fits = (SHORTEST_SECRET..=LONGEST_SECRET).contains(&secret.len());
    if fits { Ok(secret) } else { Err(InvalidKey::Length) }
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|_| InvalidKey::Base64)
}
