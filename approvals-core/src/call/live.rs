//! Reading a call off the live arguments of a gated function.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::{Call, CallValue, Context};
use crate::action::{Risk, Site};
use crate::capture::{self, CaptureError, Limits, Value};
use crate::people::Requester;
use crate::request::{Chain, SecretDigest, StoreKey};
use crate::secret::SecretBytes;

/// An argument that can be shown to people: anything that serialises.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shown to a reviewer",
    label = "not shown",
    note = "derive `serde::Serialize` for it (or add the bound `T: Serialize`), or mark the argument \
            `#[approval(secret)]`, `#[approval(show = …)]` or `#[approval(skip = \"why\")]`"
)]
pub trait Show {
    /// Captures the value.
    ///
    /// # Errors
    /// If people could not see it, or could see it in two ways: see [`CaptureError`].
    fn capture(&self, limits: &Limits) -> Result<Value, CaptureError>;

    /// The name of its type, in no stable form.
    #[doc(hidden)]
    fn type_name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Show for T {
    fn capture(&self, limits: &Limits) -> Result<Value, CaptureError> {
        capture::capture(self, limits)
    }
}

/// One argument of a live call, ready to be captured, any number of times.
pub trait Capture {
    /// Hands the argument over.
    fn capture(&self, capturer: &mut Capturer<'_>) -> Captured;
}

/// Takes the values of one argument.
pub struct Capturer<'a> {
    name: &'a str,
    limits: &'a Limits,
    key: &'a StoreKey,
    keyed: bool,
}

/// That an argument was handed over, and what came of it.
pub struct Captured(Result<Option<CallValue>, LiveError>);

impl Capturer<'_> {
    /// Shows a value.
    pub fn show<T: Show + ?Sized>(&mut self, value: &T) -> Captured {
        // Such a set has another order in the next process, which would then meet another digest (law 9).
        if self.keyed && value.type_name().contains("HashSet") {
            return Captured(Err(LiveError::Unordered { argument: self.name.to_owned() }));
        }
        let value = value.capture(self.limits).map_err(|e| LiveError::capture(self.name, e));
        Captured(value.map(|value| Some(CallValue::Shown(value))))
    }

    /// Hides a value behind its keyed digest.
    pub fn hide<T: SecretBytes + ?Sized>(&mut self, value: &T) -> Captured {
        let digest: SecretDigest = self.key.digest(self.name, &value);
        Captured(Ok(Some(CallValue::Secret(digest))))
    }
}

/// An argument as its function hands it over: a type without parameters, so that a bound that fails is told once.
pub enum Arg<'a> {
    /// See [`show`].
    Shown(&'a dyn Show),
    /// See [`show_by`].
    ShownBy(&'a dyn Fn(&mut Capturer<'_>) -> Captured),
    /// See [`secret`].
    Secret(&'a dyn SecretBytes),
    /// See [`skipped`].
    Skipped,
}

impl Capture for Arg<'_> {
    fn capture(&self, capturer: &mut Capturer<'_>) -> Captured {
        match self {
            Self::Shown(value) => capturer.show(*value),
            Self::ShownBy(value) => value(capturer),
            Self::Secret(value) => capturer.hide(*value),
            Self::Skipped => Captured(Ok(None)),
        }
    }
}

/// An argument that people see.
pub fn show<T: Show>(value: &T) -> Arg<'_> {
    Arg::Shown(value)
}

/// What people see in place of an argument, or what is bound in its place.
pub fn show_by<'a>(value: &'a dyn Fn(&mut Capturer<'_>) -> Captured) -> Arg<'a> {
    Arg::ShownBy(value)
}

/// An argument that nobody sees, bound by a keyed digest.
pub fn secret<T: SecretBytes>(value: &T) -> Arg<'_> {
    Arg::Secret(value)
}

/// An argument that is left out, as its site says.
pub fn skipped() -> Arg<'static> {
    Arg::Skipped
}

/// A text of a call: its reason, resource, key or a label. Written anew each time it is read.
pub struct Text<'a> {
    kind: Kind<'a>,
    written: Written<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Reason,
    Resource,
    Key,
    Label(&'a str),
}

enum Written<'a> {
    By(&'a dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result),
    Of(fmt::Arguments<'a>),
    As(&'a dyn fmt::Display),
}

impl<'a> Text<'a> {
    /// Why, in the author's words.
    pub fn reason(write: &'a dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> Self {
        Self { kind: Kind::Reason, written: Written::By(write) }
    }

    /// What the call touches.
    pub fn resource(write: &'a dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> Self {
        Self { kind: Kind::Resource, written: Written::By(write) }
    }

    /// The key of the call.
    pub fn key(write: &'a dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> Self {
        Self { kind: Kind::Key, written: Written::By(write) }
    }

    /// Why, of values that are at hand: less to compile than a closure.
    pub fn reason_of(text: fmt::Arguments<'a>) -> Self {
        Self { kind: Kind::Reason, written: Written::Of(text) }
    }

    /// What the call touches, of values that are at hand.
    pub fn resource_of(text: fmt::Arguments<'a>) -> Self {
        Self { kind: Kind::Resource, written: Written::Of(text) }
    }

    /// The key of the call, of values that are at hand.
    pub fn key_of(text: fmt::Arguments<'a>) -> Self {
        Self { kind: Kind::Key, written: Written::Of(text) }
    }

    /// A label.
    pub fn label(name: &'a str, write: &'a dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> Self {
        Self { kind: Kind::Label(name), written: Written::By(write) }
    }

    pub(super) fn shows(kind: Kind<'a>, text: &'a dyn fmt::Display) -> Self {
        Self { kind, written: Written::As(text) }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.written {
            Written::By(write) => write(f),
            Written::Of(text) => f.write_fmt(text),
            Written::As(text) => text.fmt(f),
        }
    }
}

/// Why a live call cannot be captured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LiveError {
    #[error("argument `{argument}`: {error}")]
    Argument { argument: String, error: CaptureError },
    #[error(
        "argument `{argument}` serialises differently each time; mark it `#[approval(show = …)]`, or `secret = …`, with \
         something stable"
    )]
    Unstable { argument: String },
    #[error(
        "argument `{argument}` has no order of its own, so a restarted agent would not find its request by the key; \
         take a `BTreeSet`, or mark it `#[approval(show = …)]`"
    )]
    Unordered { argument: String },
    #[error(
        "the arguments take more than {limit} bytes; mark large ones `#[approval(show = …)]` with a digest or a length"
    )]
    TooLarge { limit: usize },
    #[error("the {what} takes more than {limit} bytes; shorten the template or what it names")]
    TextTooLong { what: &'static str, limit: usize },
    #[error("the {what} could not be written: a `Display` of one of its arguments failed")]
    Text { what: &'static str },
    #[error("the key is empty; name what makes two calls the same")]
    EmptyKey,
}

impl LiveError {
    fn capture(argument: &str, error: CaptureError) -> Self {
        Self::Argument { argument: argument.to_owned(), error }
    }
}

/// The caps on what a call may carry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    /// All shown arguments together, as canonical JSON.
    pub(crate) arguments: Limits,
    /// Reason, resource and each label. A key is not shown and may be as large as the arguments that it names.
    pub(crate) text: usize,
}

/// Everything that a call is read with.
pub(crate) struct Reader<'a> {
    pub(crate) site: &'a Site,
    pub(crate) caps: &'a Caps,
    pub(crate) key: &'a StoreKey,
}

/// Reads the call. With `twice`, every argument is captured twice and must come out the same.
pub(crate) fn read(
    reader: &Reader<'_>,
    risk: Risk,
    arguments: &[&dyn Capture],
    texts: &[Text<'_>],
    requester: Requester,
    context: Context,
    twice: bool,
) -> Result<Call, LiveError> {
    let site = reader.site;
    let mut captured = Vec::with_capacity(arguments.len());
    let mut bytes = 0_usize;
    for (declared, live) in site.declared_arguments().zip(arguments) {
        let mut capturer = Capturer {
            name: declared.name(),
            limits: &reader.caps.arguments,
            key: reader.key,
            keyed: site.is_keyed(),
        };
        let mut take = || live.capture(&mut capturer).0;
        let value = take()?;
        if let Some(CallValue::Shown(shown)) = &value {
            bytes = bytes.saturating_add(shown.canonical().len());
        }
        if twice && !is_same(value.as_ref(), take()?.as_ref()) {
            return Err(LiveError::Unstable { argument: declared.name().to_owned() });
        }
        captured.push(value.unwrap_or(CallValue::Skipped));
    }
    if bytes > reader.caps.arguments.bytes {
        return Err(LiveError::TooLarge { limit: reader.caps.arguments.bytes });
    }
    let labels = context.labels().clone();
    let mut call = Call {
        site: site.clone(),
        risk,
        arguments: captured,
        reason: None,
        resource: None,
        key: None,
        labels,
        requester,
        context,
        inside: Chain::default(),
    };
    read_texts(&mut call, texts, reader.caps, twice)?;
    Ok(call)
}

fn is_same(value: Option<&CallValue>, again: Option<&CallValue>) -> bool {
    match (value, again) {
        (Some(CallValue::Shown(value)), Some(CallValue::Shown(again))) => value == again,
        (Some(CallValue::Secret(value)), Some(CallValue::Secret(again))) => value == again,
        (value, again) => value.is_none() && again.is_none(),
    }
}

fn read_texts(call: &mut Call, texts: &[Text<'_>], caps: &Caps, twice: bool) -> Result<(), LiveError> {
    for text in texts {
        let (what, limit) = match text.kind {
            Kind::Reason => ("reason", caps.text),
            Kind::Resource => ("resource", caps.text),
            Kind::Key => ("key", caps.arguments.bytes),
            Kind::Label(_) => ("label", caps.text),
        };
        let written = Bounded::write(text, limit, what)?;
        if twice && Bounded::write(text, limit, what)? != written {
            return Err(LiveError::Unstable { argument: what.to_owned() });
        }
        match text.kind {
            Kind::Reason => call.reason = Some(written),
            Kind::Resource => call.resource = Some(written),
            Kind::Key if written.is_empty() => return Err(LiveError::EmptyKey),
            Kind::Key => call.key = Some(written),
            Kind::Label(name) => drop(call.labels.insert(name.to_owned(), written)),
        }
    }
    let limit = caps.text;
    let long = call.labels.iter().any(|(name, label)| name.len() > limit || label.len() > limit);
    if long { Err(LiveError::TextTooLong { what: "label", limit }) } else { Ok(()) }
}

/// Text that stops growing at a limit, so that a huge argument in a reason costs no memory.
struct Bounded {
    text: String,
    limit: usize,
    over: bool,
}

impl Bounded {
    fn write(text: &Text<'_>, limit: usize, what: &'static str) -> Result<String, LiveError> {
        let mut bounded = Self { text: String::new(), limit, over: false };
        match write!(bounded, "{text}") {
            Ok(()) => Ok(bounded.text),
            Err(_) if bounded.over => Err(LiveError::TextTooLong { what, limit }),
            Err(_) => Err(LiveError::Text { what }),
        }
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.text.len() + piece.len() > self.limit {
            self.over = true;
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}
