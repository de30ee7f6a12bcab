//! Secrets: values that leave the process in no form but a keyed digest (law 12).

#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroize;

/// What stands for a secret wherever people look.
pub const MASK: &str = "•••";

/// A value that does not print, is shown as `•••` inside the arguments that hold it, and is overwritten in memory
/// when dropped.
///
/// Inside a structure that is shown, the digest covers `•••` and not the secret: two calls that differ only there
/// are one to the people who approve. Mark an argument `#[approval(secret)]` to bind its value as well.
///
/// Reading it with `serde` works; writing it gives the mask, so a round trip does not bring it back. A copy that
/// was moved or cloned elsewhere before is not overwritten.
///
/// ```
/// use approvals_core::secret::Secret;
///
/// let token = Secret::new(String::from("xoxb-1"));
/// assert_eq!(format!("{token:?}"), "Secret(..)");
/// assert_eq!(token.expose(), "xoxb-1");
/// ```
#[derive(Clone)]
pub struct Secret<T: Wipe>(T);

impl<T: Wipe> Secret<T> {
    /// Takes a value into custody.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself. What is done with it from here on is not guarded.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T: Wipe> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de, T: Wipe + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// A value that can overwrite its memory, so that [`Secret`] can hold it.
///
/// ```
/// use approvals_core::secret::{Secret, Wipe};
///
/// struct Login { user: String, password: String }
///
/// impl Wipe for Login {
///     fn wipe(&mut self) {
///         self.password.wipe();
///     }
/// }
///
/// let login = Secret::new(Login { user: "kim".into(), password: "hunter2".into() });
/// assert_eq!(login.expose().user, "kim");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be held by `Secret`",
    note = "hold a `String` or a `Vec<u8>`, or implement `Wipe` for the type"
)]
pub trait Wipe {
    /// Overwrites what must not stay in memory. The value is dropped next.
    fn wipe(&mut self);
}

macro_rules! wipe_by_zeroizing {
    ($([$($generics:tt)*] $of:ty),* $(,)?) => {$(
        impl<$($generics)*> Wipe for $of {
            fn wipe(&mut self) {
                self.zeroize();
            }
        }
    )*};
}

wipe_by_zeroizing!([] String, [] Vec<u8>, [] Box<str>, [] Box<[u8]>, [const N: usize] [u8; N]);

impl<T: Wipe> Wipe for Option<T> {
    fn wipe(&mut self) {
        if let Some(value) = self {
            value.wipe();
        }
    }
}

/// A secret argument: its bytes go into a keyed digest and nowhere else.
///
/// The bytes are handed over piece by piece and never copied. Different values of a type give different bytes,
/// also when several secrets follow one another: text, bytes and options are tagged, and lengths come first.
/// References, boxes and [`Secret`] are transparent, so wrapping an argument does not change its digest.
///
/// ```
/// use approvals_core::secret::SecretBytes;
///
/// let mut fed = Vec::new();
/// Some("ab").feed_secret(&mut |piece| fed.extend_from_slice(piece));
/// assert_eq!(fed, b"st\0\0\0\0\0\0\0\x02ab");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a secret argument",
    label = "not text, bytes or `approvals::Secret`",
    note = "take a `String`, a `Vec<u8>` or an `approvals::Secret`, write `#[approval(secret = …)]` with an expression \
            that gives its text or bytes, or implement `approvals::secret::SecretBytes` for it"
)]
pub trait SecretBytes {
    /// Hands the tagged bytes to `digest`, which must not keep them.
    fn feed_secret(&self, digest: &mut dyn FnMut(&[u8]));
}

fn feed(tag: &[u8], bytes: &[u8], digest: &mut dyn FnMut(&[u8])) {
    digest(tag);
    // A length in memory fits 64 bits.
    digest(&(bytes.len() as u64).to_be_bytes());
    digest(bytes);
}

impl SecretBytes for str {
    fn feed_secret(&self, digest: &mut dyn FnMut(&[u8])) {
        feed(b"t", self.as_bytes(), digest);
    }
}

impl SecretBytes for [u8] {
    fn feed_secret(&self, digest: &mut dyn FnMut(&[u8])) {
        feed(b"b", self, digest);
    }
}

impl<T: SecretBytes> SecretBytes for Option<T> {
    fn feed_secret(&self, digest: &mut dyn FnMut(&[u8])) {
        match self {
            None => digest(b"n"),
            Some(value) => {
                digest(b"s");
                value.feed_secret(digest);
            }
        }
    }
}

macro_rules! transparent {
    ($([$($generics:tt)*] $of:ty, $this:ident => $inner:expr);* $(;)?) => {$(
        impl<$($generics)*> SecretBytes for $of {
            fn feed_secret(&self, digest: &mut dyn FnMut(&[u8])) {
                let $this = self;
                $inner.feed_secret(digest);
            }
        }
    )*};
}

transparent! {
    [] String, this => this.as_str();
    [] Vec<u8>, this => this.as_slice();
    [const N: usize] [u8; N], this => this.as_slice();
    [T: SecretBytes + ?Sized] &T, this => (**this);
    [T: SecretBytes + ?Sized] &mut T, this => (**this);
    [T: SecretBytes + ?Sized] Box<T>, this => (**this);
    [T: SecretBytes + ?Sized] Arc<T>, this => (**this);
    [T: SecretBytes + Wipe] Secret<T>, this => this.expose();
}
