//! The site of a call without the attribute: it lives as long as the call.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use super::{ActionSite, Argument};

type Word = Cow<'static, str>;

/// What a call without the attribute says in words that no code holds: tools come and go while an agent runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    pub(crate) sensitivity: Option<Word>,
    pub(crate) arguments: Vec<(Word, GivenTreatment)>,
    pub(crate) keyed: bool,
    pub(crate) from_any: Vec<Word>,
    pub(crate) from_each: Vec<Word>,
}

#[derive(Debug, Clone)]
pub(crate) enum GivenTreatment {
    Shown,
    Secret,
    Skipped(Word),
}

impl Given {
    pub(super) fn sensitivity(&self) -> Option<&str> {
        self.sensitivity.as_deref()
    }

    pub(crate) fn arguments(&self) -> impl Iterator<Item = Argument<'_>> {
        self.arguments.iter().map(|(name, treatment)| match treatment {
            GivenTreatment::Shown => Argument::shown(name),
            GivenTreatment::Secret => Argument::secret(name),
            GivenTreatment::Skipped(why) => Argument::skipped(name, why),
        })
    }

    pub(super) fn is_keyed(&self) -> bool {
        self.keyed
    }

    pub(super) fn any_of(&self) -> impl Iterator<Item = &str> {
        self.from_any.iter().map(Deref::deref)
    }

    pub(super) fn each_of(&self) -> impl Iterator<Item = &str> {
        self.from_each.iter().map(Deref::deref)
    }

    pub(super) fn names_groups(&self) -> bool {
        !self.from_any.is_empty() || !self.from_each.is_empty()
    }
}

/// Where a call comes from: an attribute in the code, or a call without one.
#[derive(Debug, Clone)]
pub(crate) enum Site {
    Code(&'static ActionSite),
    Call(Arc<ActionSite>),
}

impl Deref for Site {
    type Target = ActionSite;

    fn deref(&self) -> &ActionSite {
        match self {
            Self::Code(site) => site,
            Self::Call(site) => site,
        }
    }
}
