//! A call without the attribute, in the making.

use std::borrow::Cow;
use std::fmt::Display;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::live::{Capture, Captured, Capturer, Kind, SkippedAtCritical, Text, skipped};
use super::{Call, Show, credential};
use crate::action::{ActionSite, Given, GivenTreatment, Risk, Site, is_gated_function, misfit, shown};
use crate::error::{ApprovalError, ErrorKind};
use crate::request::{Quorum, Requirement};
use crate::secret::SecretBytes;

type Word = Cow<'static, str>;
type Value<'a> = Box<dyn Capture + Send + Sync + 'a>;
type Written<'a> = Box<dyn Display + Send + Sync + 'a>;

/// A call without the attribute: an action and the live arguments, which it borrows. Made by [`Call::new`], run by
/// [`Approvals::gate`](crate::handle::Approvals::gate).
///
/// It says what the options and marks of `#[requires_approval]` say, and the same is captured, shown and bound. What
/// the compiler checks there is checked when the call is made here. Setting something twice keeps the last.
///
/// Such calls are not known before they are made: the manifest of a binary cannot list them, and no two of them are
/// kept from sharing a name. Prefer the attribute wherever there is a function to put it on.
#[must_use = "a call runs nothing until `approvals.gate(call).run(…)` is awaited"]
pub struct LiveCall<'a> {
    site: ActionSite,
    given: Given,
    values: Vec<Value<'a>>,
    reason: Option<Written<'a>>,
    resource: Option<Written<'a>>,
    key: Option<Written<'a>>,
    labels: Vec<(Word, Written<'a>)>,
    mistake: Option<Mistake>,
}

/// The most of the name of an action, an argument or a label, in bytes. What runs freely is kept by name in a buffer.
const NAME: usize = 200;
/// The most of a sensitivity, of why something is skipped, and of the name of a group, in bytes.
const WORD: usize = 1024;
/// The most arguments.
const ARGUMENTS: usize = 256;
/// The most labels, and the most groups in `from_any` or `from_each`.
const LABELS: usize = 64;

/// What the attribute would have refused to compile, and what no code would hold.
#[derive(Debug, thiserror::Error)]
enum Mistake {
    #[error("the action has no name; say `Call::new(\"…\")`")]
    Nameless,
    #[error("{letter:?} cannot stand in the name `{}`; use ASCII letters, digits and `._-:/`", shown(.name))]
    Letter { name: Word, letter: char },
    #[error("the name `{}` takes more than {NAME} bytes; choose a shorter one", shown(.0))]
    LongName(Word),
    #[error("{0} takes more than {WORD} bytes; shorten it")]
    LongWord(&'static str),
    #[error("there are more than {1} {0}; put some together")]
    TooMany(&'static str, usize),
    #[error("an argument or a label has no name; give it one")]
    NamelessPart,
    #[error(
        "`{0}` is a gated function of this program, whose calls go through its own gate; take another name"
    )]
    GatedFunction(Word),
    #[error("no risk is said; add `.risk(…)`")]
    NoRisk,
    #[error("`{}` is given twice; give one another name", shown(.0))]
    Twice(Word),
    #[error(
        "`{}` is named like a credential and would be shown to reviewers; give it with `.secret(…)`, or with \
         `.show(…)` if everyone may read it",
        shown(.0)
    )]
    Credential(Word),
    #[error("`{}` is skipped without a reason; say why it is not shown", shown(.0))]
    SkipWithoutWhy(Word),
    #[error(transparent)]
    SkippedAtCritical(SkippedAtCritical),
    #[error("`{0}` is not between 1 s and 30 d in whole milliseconds; choose such a time")]
    Time(&'static str),
    #[error("`wait` needs `key`: a call that stops waiting finds its request again by its key")]
    WaitWithoutKey,
    #[error("`rerunnable` needs `key`: after a crash a call finds its request again by its key")]
    RerunnableWithoutKey,
    #[error("the reviewers are named both by `from_any` and by `from_each`; keep one")]
    AnyAndEach,
    #[error("`{0}` names no group; name one, or leave it out")]
    NoGroup(&'static str),
    #[error("the reviewers cannot stand: {0}")]
    Quorum(String),
}

/// Values that stand where threads can share them, unlike those of an expansion, which are read in one statement.
struct Shown<'a, T: ?Sized>(&'a T);

impl<T: Show + ?Sized> Capture for Shown<'_, T> {
    fn capture(&self, capturer: &mut Capturer<'_>) -> Captured {
        capturer.show(self.0)
    }
}

struct Hidden<'a, T: ?Sized>(&'a T);

impl<T: SecretBytes + ?Sized> Capture for Hidden<'_, T> {
    fn capture(&self, capturer: &mut Capturer<'_>) -> Captured {
        capturer.hide(self.0)
    }
}

struct Omitted;

impl Capture for Omitted {
    fn capture(&self, capturer: &mut Capturer<'_>) -> Captured {
        skipped().capture(capturer)
    }
}

impl Call {
    /// A call of an action by its stable name, to be run without the attribute. Nothing happens until
    /// [`gate`](crate::handle::Approvals::gate) runs it.
    ///
    /// The name has ASCII letters, digits and `._-:/`, at most 200 bytes, and is that of no gated function of this
    /// binary. It need not stand in the code: agents take up tools as they go.
    ///
    /// ```
    /// # use approvals_core::{action::Risk, call::Call};
    /// let cents = 1_200_u64;
    /// let call = Call::new("refund").risk(Risk::High).arg("cents", &cents).reason(format!("refunds {cents} cents"));
    /// # let _ = call;
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "a call that is made is not yet one that was captured")]
    #[track_caller]
    pub fn new<'a>(action: impl Into<Cow<'static, str>>) -> LiveCall<'a> {
        let (action, place) = (action.into(), Location::caller());
        let mut site = ActionSite::new("", place.file(), place.line());
        site.name = action.into();
        LiveCall {
            site,
            given: Given::default(),
            values: Vec::new(),
            reason: None,
            resource: None,
            key: None,
            labels: Vec::new(),
            mistake: None,
        }
    }
}

impl<'a> LiveCall<'a> {
    /// Declares the risk: policy may raise it, never lower it. Must be said.
    pub fn risk(mut self, risk: Risk) -> Self {
        self.site = self.site.risk(risk);
        self
    }

    /// An argument that people see and that is bound: anything that serialises and can be shared between threads. The
    /// value is read where it stands, at the ask and again right before the body. At most 256 arguments, whose names have
    /// at most 200 bytes.
    pub fn arg<T: Show + Sync + ?Sized>(mut self, name: impl Into<Cow<'static, str>>, value: &'a T) -> Self {
        let name = name.into();
        if credential::is_name_of_one(&name) {
            self.refuse(Mistake::Credential(name.clone()));
        }
        self.show(name, value)
    }

    /// The same for a value whose name sounds like a credential, and that everyone may read nevertheless; or for
    /// something that is shown in place of an argument.
    pub fn show<T: Show + Sync + ?Sized>(self, name: impl Into<Cow<'static, str>>, value: &'a T) -> Self {
        self.argument(name.into(), GivenTreatment::Shown, Box::new(Shown(value)))
    }

    /// An argument that nobody sees: it is bound by a keyed digest.
    pub fn secret<T>(self, name: impl Into<Cow<'static, str>>, value: &'a T) -> Self
    where
        T: SecretBytes + Sync + ?Sized,
    {
        self.argument(name.into(), GivenTreatment::Secret, Box::new(Hidden(value)))
    }

    /// An argument that is neither shown nor bound, such as a pool, and why, in at most 1 KiB: the card says so. Refused
    /// at risk critical.
    pub fn skip(mut self, name: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        let (name, why) = (name.into(), why.into());
        if why.trim().is_empty() {
            self.refuse(Mistake::SkipWithoutWhy(name.clone()));
        }
        self.check_word("the reason why an argument is skipped", &why);
        self.argument(name, GivenTreatment::Skipped(why), Box::new(Omitted))
    }

    fn argument(mut self, name: Word, treatment: GivenTreatment, value: Value<'a>) -> Self {
        if self.values.len() >= ARGUMENTS {
            self.refuse(Mistake::TooMany("arguments", ARGUMENTS));
            return self;
        }
        if self.given.arguments.iter().any(|(other, _)| *other == name) {
            self.refuse(Mistake::Twice(name.clone()));
        }
        self.check_name(&name);
        self.given.arguments.push((name, treatment));
        self.values.push(value);
        self
    }

    /// Why, in the author's words: a fact on the card. Written at the ask and again right before the body; text is as
    /// it stands, so that `{…}` in it is filled by `format!` and not here. No secret may stand in it. At most 4 KiB.
    pub fn reason(mut self, reason: impl Display + Send + Sync + 'a) -> Self {
        self.reason = Some(Box::new(reason));
        self
    }

    /// What the call touches, such as `dataset:customers`. Like [`reason`](Self::reason).
    pub fn resource(mut self, resource: impl Display + Send + Sync + 'a) -> Self {
        self.resource = Some(Box::new(resource));
        self
    }

    /// The key: a call of the same action with the same key is the same call, also after a restart. Name in it
    /// everything that makes two calls different.
    pub fn key(mut self, key: impl Display + Send + Sync + 'a) -> Self {
        self.given.keyed = true;
        self.key = Some(Box::new(key));
        self
    }

    /// What kind of data it touches, such as `pii`. At most 1 KiB.
    pub fn sensitivity(mut self, sensitivity: impl Into<Cow<'static, str>>) -> Self {
        let sensitivity = sensitivity.into();
        self.check_word("the sensitivity", &sensitivity);
        self.given.sensitivity = Some(sensitivity);
        self
    }

    /// A fact for people and policy, such as an incident. Wins over the context's of that name. At most 64 labels of
    /// 4 KiB each, whose names have at most 200 bytes; those of the call and its context take at most 64 KiB together.
    pub fn label(
        mut self,
        name: impl Into<Cow<'static, str>>,
        text: impl Display + Send + Sync + 'a,
    ) -> Self {
        let name = name.into();
        if self.labels.len() >= LABELS {
            self.refuse(Mistake::TooMany("labels", LABELS));
            return self;
        }
        if self.labels.iter().any(|(other, _)| *other == name) {
            self.refuse(Mistake::Twice(name.clone()));
        }
        self.check_name(&name);
        self.labels.push((name, Box::new(text)));
        self
    }

    /// The fewest people who must say yes, 1 to 32. Policy may ask for more. A call that names people or groups always
    /// asks, whatever its risk.
    pub fn reviewers(mut self, count: u32) -> Self {
        self.site = self.site.reviewers(count);
        self
    }

    /// The groups that the reviewers must come from, any of them: at most 64, whose names have at most 1 KiB. Not beside
    /// [`from_each`](Self::from_each).
    pub fn from_any<G: Into<Cow<'static, str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.given.from_any = self.groups("from_any", groups.into_iter().map(Into::into));
        self
    }

    /// The groups of which each must say yes, by a person of its own.
    pub fn from_each<G: Into<Cow<'static, str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.given.from_each = self.groups("from_each", groups.into_iter().map(Into::into));
        self
    }

    /// Life of the request. 1 s to 30 d, default 1 h.
    pub fn decide_within(mut self, time: Duration) -> Self {
        self.site.decide_within = Some(self.time("decide_within", time));
        self
    }

    /// Life of the permit after the approval. 1 s to 30 d, default 15 min.
    pub fn use_within(mut self, time: Duration) -> Self {
        self.site.use_within = Some(self.time("use_within", time));
        self
    }

    /// How long the call blocks before it gives [`Pending`](ErrorKind::Pending); it needs a key. 1 s to 30 d, default
    /// as long as the request lives.
    pub fn wait(mut self, time: Duration) -> Self {
        self.site.wait = Some(self.time("wait", time));
        self
    }

    /// The body may run again under the same approval after a crash; it needs a key.
    pub fn rerunnable(mut self) -> Self {
        self.site = self.site.rerunnable();
        self
    }

    fn groups(&mut self, option: &'static str, groups: impl Iterator<Item = Word>) -> Vec<Word> {
        let groups: Vec<Word> = groups.take(LABELS + 1).collect();
        if groups.is_empty() {
            self.refuse(Mistake::NoGroup(option));
        }
        if groups.len() > LABELS {
            self.refuse(Mistake::TooMany("groups", LABELS));
        }
        groups.iter().for_each(|group| self.check_word("the name of a group", group));
        groups
    }

    fn time(&mut self, name: &'static str, time: Duration) -> Duration {
        let whole = time.subsec_nanos().is_multiple_of(1_000_000);
        if !whole || !(Duration::from_secs(1)..=Requirement::LONGEST).contains(&time) {
            self.refuse(Mistake::Time(name));
        }
        time
    }

    fn check_name(&mut self, name: &Word) {
        if name.is_empty() {
            self.refuse(Mistake::NamelessPart);
        } else if name.len() > NAME {
            self.refuse(Mistake::LongName(name.clone()));
        } else if let Some(letter) = misfit(name) {
            self.refuse(Mistake::Letter { name: name.clone(), letter });
        }
    }

    fn check_word(&mut self, what: &'static str, word: &str) {
        if word.len() > WORD {
            self.refuse(Mistake::LongWord(what));
        }
    }

    /// Keeps the first.
    fn refuse(&mut self, mistake: Mistake) {
        self.mistake.get_or_insert(mistake);
    }

    /// Checks what takes the whole call, and fixes it.
    pub(crate) fn ready(self) -> Result<Ready<'a>, ApprovalError> {
        let mistake = self.mistake_in_whole();
        let Self { mut site, given, values, reason, resource, key, labels, mistake: first } = self;
        site.given = Some(Box::new(given));
        let quorum = site.declared_quorum().map_or(Ok(()), |quorum: Quorum| quorum.validate());
        let quorum = quorum.err().map(|error| Mistake::Quorum(error.to_string()));
        match (first.or(mistake).or(quorum), site.risk) {
            (None, Some(risk)) => {
                Ok(Ready { site: Site::Call(Arc::new(site)), risk, values, reason, resource, key, labels })
            }
            (mistake, _) => {
                let mistake = mistake.unwrap_or(Mistake::NoRisk);
                Err(ApprovalError::new(ErrorKind::Invalid, site.name, mistake.to_string()))
            }
        }
    }

    fn mistake_in_whole(&self) -> Option<Mistake> {
        let name = self.site.name();
        if name.is_empty() {
            return Some(Mistake::Nameless);
        }
        if name.len() > NAME {
            return Some(Mistake::LongName(name.to_owned().into()));
        }
        if let Some(letter) = misfit(name) {
            return Some(Mistake::Letter { name: name.to_owned().into(), letter });
        }
        if is_gated_function(name) {
            return Some(Mistake::GatedFunction(name.to_owned().into()));
        }
        if self.site.wait.is_some() && self.key.is_none() {
            return Some(Mistake::WaitWithoutKey);
        }
        if self.site.rerunnable && self.key.is_none() {
            return Some(Mistake::RerunnableWithoutKey);
        }
        if !self.given.from_any.is_empty() && !self.given.from_each.is_empty() {
            return Some(Mistake::AnyAndEach);
        }
        match self.site.risk {
            None => Some(Mistake::NoRisk),
            Some(risk) => {
                SkippedAtCritical::check(self.given.arguments(), risk).err().map(Mistake::SkippedAtCritical)
            }
        }
    }
}

/// A call that its gate can take turns with.
pub(crate) struct Ready<'a> {
    pub(crate) site: Site,
    pub(crate) risk: Risk,
    values: Vec<Value<'a>>,
    reason: Option<Written<'a>>,
    resource: Option<Written<'a>>,
    key: Option<Written<'a>>,
    labels: Vec<(Word, Written<'a>)>,
}

impl Ready<'_> {
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &dyn Capture> {
        self.values.iter().map(|value| -> &dyn Capture { &**value })
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = Text<'_>> {
        let own = [(Kind::Reason, &self.reason), (Kind::Resource, &self.resource), (Kind::Key, &self.key)];
        let own = own.into_iter().filter_map(|(kind, text)| Some(Text::shows(kind, text.as_deref()?)));
        own.chain(self.labels.iter().map(|(name, text)| Text::shows(Kind::Label(name), &**text)))
    }
}
