//! Who and why: what a program knows about a call beside its arguments.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ledger::Payload;
use crate::people::Principal;

/// Who a call is made for and why. Given by [`Approvals::acting`](crate::handle::Approvals::acting) to everything
/// that runs inside it.
///
/// ```
/// use approvals_core::call::Context;
/// let context = Context::for_human("kim").session("run-42").label("incident", "INC-7");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context(Option<Arc<Fields>>);

/// What an empty context says: most are, and share nothing.
static NOTHING: Fields =
    Fields { human: None, instance: None, model: None, session: None, says: None, labels: BTreeMap::new() };

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fields {
    human: Option<Principal>,
    instance: Option<String>,
    model: Option<String>,
    session: Option<String>,
    says: Option<String>,
    labels: BTreeMap<String, String>,
}

impl Context {
    /// Nobody and nothing in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// The human that the agent acts for, who therefore never approves the call.
    pub fn for_human(human: impl Into<Principal>) -> Self {
        Self::new().with(|fields| fields.human = Some(human.into()))
    }

    fn with(mut self, change: impl FnOnce(&mut Fields)) -> Self {
        change(Arc::make_mut(self.0.get_or_insert_default()));
        self
    }

    fn fields(&self) -> &Fields {
        self.0.as_deref().unwrap_or(&NOTHING)
    }

    /// Which instance of the agent. A note: shown as unverified, bound to nothing.
    #[must_use]
    pub fn instance(self, instance: impl Into<String>) -> Self {
        self.with(|fields| fields.instance = Some(instance.into()))
    }

    /// Which model drives the agent. A note: shown as unverified, bound to nothing.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        self.with(|fields| fields.model = Some(model.into()))
    }

    /// Which session or run. A note: shown as unverified, bound to nothing.
    #[must_use]
    pub fn session(self, session: impl Into<String>) -> Self {
        self.with(|fields| fields.session = Some(session.into()))
    }

    /// What the model says about the call. Shown below the facts and marked as unverified; cut at 4 KiB.
    #[must_use]
    pub fn says(self, text: impl Into<String>) -> Self {
        self.with(|fields| fields.says = Some(text.into()))
    }

    /// A fact for people and policy, such as an incident. The author's labels of the same name win.
    #[must_use]
    pub fn label(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(|fields| drop(fields.labels.insert(name.into(), text.into())))
    }

    /// This context, and of the one around it whatever it leaves out.
    pub(crate) fn within(self, around: &Self) -> Self {
        let Some(outer) = &around.0 else { return self };
        self.with(|inner| {
            for (own, outer) in [
                (&mut inner.instance, &outer.instance),
                (&mut inner.model, &outer.model),
                (&mut inner.session, &outer.session),
                (&mut inner.says, &outer.says),
            ] {
                if own.is_none() {
                    own.clone_from(outer);
                }
            }
            // Law 4: a human who is lost on the way could approve their own action.
            if inner.human.is_none() {
                inner.human.clone_from(&outer.human);
            }
            for (name, text) in &outer.labels {
                inner.labels.entry(name.clone()).or_insert_with(|| text.clone());
            }
        })
    }

    pub(crate) fn human(&self) -> Option<&Principal> {
        self.fields().human.as_ref()
    }

    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.fields().labels
    }

    pub(crate) fn note_in(&self, payload: &mut Payload) {
        let fields = self.fields();
        for (name, text) in
            [("instance", &fields.instance), ("model", &fields.model), ("session", &fields.session)]
        {
            if let Some(text) = text {
                payload.note(name, crate::desk::cut(text, 256));
            }
        }
        if let Some(says) = &fields.says {
            payload.note("says", crate::desk::cut(says, 4096));
        }
    }
}
