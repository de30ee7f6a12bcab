//! A call: one invocation of an action, with its arguments, who makes it and why.

mod builder;
mod context;
mod credential;
mod live;

use std::collections::BTreeMap;

pub use self::builder::LiveCall;
pub use self::context::Context;
pub(crate) use self::live::{Caps, LiveError, Reader, read};
pub use self::live::{Capture, Captured, Capturer, Show, Text, secret, show, show_by, skipped};
use crate::action::{ActionName, ActionSite, Argument, Risk, Site, Treatment};
use crate::capture::Value;
use crate::ledger::Payload;
use crate::people::Requester;
use crate::request::{ArgumentFact, ArgumentValue, CallFacts, Chain, SecretDigest, Seed};

/// One invocation of an action, as policies and cards see it. Its values are those that were captured from the
/// live arguments; secrets are in it as keyed digests alone.
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) site: Site,
    pub(crate) risk: Risk,
    /// In the order of the site's.
    pub(crate) arguments: Vec<CallValue>,
    pub(crate) reason: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) requester: Requester,
    pub(crate) context: Context,
    pub(crate) inside: Chain,
}

/// One captured argument.
#[derive(Debug, Clone)]
pub(crate) enum CallValue {
    Shown(Value),
    Secret(SecretDigest),
    Skipped,
}

impl Call {
    /// The action.
    pub fn site(&self) -> &ActionSite {
        &self.site
    }

    /// The stable name of the action.
    pub fn action(&self) -> &str {
        self.site.name()
    }

    pub(crate) fn name(&self) -> &ActionName {
        &self.site.name
    }

    /// The declared risk of this call.
    pub fn risk(&self) -> Risk {
        self.risk
    }

    fn arguments(&self) -> impl Iterator<Item = (Argument<'_>, &CallValue)> {
        self.site.declared_arguments().zip(&self.arguments)
    }

    /// A shown argument by name; `None` if there is none of that name, or it is secret or skipped.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments().find(|(argument, _)| argument.name() == name).and_then(|(_, value)| match value {
            CallValue::Shown(value) => Some(value),
            CallValue::Secret(_) | CallValue::Skipped => None,
        })
    }

    /// A shown argument by name, as a type: `call.argument_as::<u64>("cents")`. `None` if there is none of that name,
    /// it is not shown, or it is not of that type.
    pub fn argument_as<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.argument(name)?.read_as()
    }

    /// The author's reason with the arguments filled in.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What the call touches.
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// A label by name: the author's, or the context's.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Who asks.
    pub fn requester(&self) -> &Requester {
        &self.requester
    }

    /// The gated bodies that the call is made in, outermost first: empty unless a gated function makes it.
    pub fn inside(&self) -> &Chain {
        &self.inside
    }

    /// The key, if the action has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether a request for the one would be bound to the other as well.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        // Nothing is kept of it, so any seed will do.
        let seed = Seed::from_bytes([0; 32]);
        self.key == other.key && self.facts(seed).0 == other.facts(seed).0
    }

    /// What a request is bound to, and the values behind it. The same call under the same seed gives the same bytes.
    pub(crate) fn facts(&self, seed: Seed) -> (CallFacts, Payload) {
        let mut payload = Payload::new(seed);
        let arguments = self
            .arguments()
            .map(|(argument, value)| {
                let field = format!("arguments.{}", argument.name());
                let value = match (value, argument.treatment()) {
                    (CallValue::Shown(value), _) => {
                        ArgumentValue::Shown(payload.commit(&field, value.clone()))
                    }
                    (CallValue::Secret(digest), _) => {
                        ArgumentValue::Secret(seed.commit_secret(&field, digest))
                    }
                    (CallValue::Skipped, Treatment::Skipped(why)) => ArgumentValue::Skipped(why.to_owned()),
                    (CallValue::Skipped, _) => ArgumentValue::Skipped("not given".to_owned()),
                };
                ArgumentFact { name: argument.name().to_owned(), value }
            })
            .collect();
        let facts = CallFacts {
            action: self.site.name().to_owned(),
            risk: self.risk,
            sensitivity: self.site.declared_sensitivity().map(str::to_owned),
            arguments,
            reason: self.reason.as_deref().map(|text| payload.commit_text("reason", text)),
            resource: self.resource.as_deref().map(|text| payload.commit_text("resource", text)),
            labels: self
                .labels
                .iter()
                .map(|(name, text)| (name.clone(), payload.commit_text(&format!("labels.{name}"), text)))
                .collect(),
            requester: self.requester.clone(),
            rerunnable: self.site.rerunnable,
            quorum: self.site.declared_quorum(),
        };
        self.context.note_in(&mut payload);
        (facts, payload)
    }
}
