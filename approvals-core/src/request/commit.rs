//! Commitments: a record says which value it means without holding it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::bytes::hex_bytes;
use crate::capture::Value;
use crate::id::{Chance, NoChance};
use crate::secret::SecretBytes;

hex_bytes! {
    /// HMAC-SHA-256(seed, field ‖ 0 ‖ canonical value): binds a record to a value that can be erased
    /// (RFC 2104; `docs/digest.md`).
    Commitment
}

impl std::fmt::Debug for Commitment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Commitment({})", self.to_hex())
    }
}

hex_bytes! {
    /// Thirty-two random bytes that keep a commitment from being guessed; stand in the payload beside the values and
    /// go with them.
    Seed
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl Seed {
    /// A fresh seed.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn fresh(chance: &dyn Chance) -> Result<Self, NoChance> {
        let mut bytes = [0; 32];
        chance.fill(&mut bytes)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The commitment to a value under a field's name.
    pub fn commit(&self, field: &str, value: &Value) -> Commitment {
        self.commit_bytes(field, &value.canonical())
    }

    /// The commitment to text under a field's name.
    pub fn commit_text(&self, field: &str, text: &str) -> Commitment {
        self.commit(field, &Value::Text(text.to_owned()))
    }

    fn commit_bytes(&self, field: &str, canonical: &[u8]) -> Commitment {
        let mut mac = mac(self.as_bytes(), field);
        mac.update(canonical);
        Commitment::from_bytes(mac.finalize().into_bytes().into())
    }

    /// The commitment to a secret, made of its digest under the store's key.
    pub fn commit_secret(&self, field: &str, secret: &SecretDigest) -> Commitment {
        self.commit_bytes(field, &secret.0)
    }
}

/// Digest of a secret under the store's key: whoever has the ledger alone cannot try out values (law 12).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretDigest([u8; 32]);

impl std::fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretDigest(..)")
    }
}

fn mac(key: &[u8; 32], field: &str) -> Hmac<Sha256> {
    // RFC 2104: a key shorter than the block is padded with zeros.
    let mut block = Zeroizing::new([0; 64]);
    let (head, _) = block.split_at_mut(key.len());
    head.copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(field.as_bytes());
    mac.update(&[0]);
    mac
}

/// The key under which secret arguments are committed to. Kept beside the store, never in it.
#[derive(Clone)]
pub struct StoreKey(Zeroizing<[u8; 32]>);

impl StoreKey {
    /// A key from elsewhere: a file, the environment, a key service.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Sixty-four lower-case hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        crate::bytes::from_hex(text).map(Self::from_bytes)
    }

    /// The digest of a secret argument. The secret is fed piece by piece and kept nowhere.
    pub fn digest(&self, field: &str, secret: &dyn SecretBytes) -> SecretDigest {
        let mut mac = mac(&self.0, field);
        secret.feed_secret(&mut |piece| mac.update(piece));
        SecretDigest(mac.finalize().into_bytes().into())
    }

    /// A fresh key and its hexadecimal text, for whoever keeps it.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn fresh(chance: &dyn Chance) -> Result<(Self, Zeroizing<String>), NoChance> {
        let mut bytes = Zeroizing::new([0; 32]);
        chance.fill(bytes.as_mut_slice())?;
        let text = Zeroizing::new(crate::bytes::to_hex(bytes.as_slice()));
        Ok((Self(bytes), text))
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey(..)")
    }
}
