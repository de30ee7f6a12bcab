//! What a rule comes to, and the words that rules are written in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::SetupError;

/// What a rule comes to.
pub(super) type Checked = Result<(), Failure>;
pub(super) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a store breaks a rule.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(format!("an error that the rule does not expect: {error}"))
    }
}

impl Failure {
    pub(super) fn of_setup(error: &SetupError) -> Self {
        Self(format!("what is under test could not be set up: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Fails the rule with a sentence unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($sentence:tt)+) => {
        if !$condition {
            return Err($crate::conformance::check::Failure(format!($($sentence)+)));
        }
    };
}

/// Fails the rule unless what was found is what was expected.
macro_rules! same {
    ($found:expr, $expected:expr, $($what:tt)+) => {{
        let (found, expected) = (&$found, &$expected);
        ensure!(found == expected, "{}: found {found:?}, expected {expected:?}", format_args!($($what)+));
    }};
}
