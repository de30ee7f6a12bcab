//! The gated function that the suite's agent calls.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::action::{ActionSite, Argument, Risk};
use crate::call::live::{Text, secret, show};
use crate::error::ApprovalError;
use crate::gate::{Gate, Turn};

/// The action's name on the card.
pub(super) const ACTION: &str = "conformance.ask";

const ARGUMENTS: &[Argument] = &[Argument::shown("text"), Argument::secret("token")];
static SINGLE: ActionSite = ActionSite::new(ACTION, file!(), line!())
    .risk(Risk::High)
    .arguments(ARGUMENTS)
    .labels(&[("topic", "topic")]);
static KEYED: ActionSite = ActionSite::new(ACTION, file!(), line!())
    .risk(Risk::High)
    .arguments(ARGUMENTS)
    .labels(&[("topic", "topic")])
    .keyed("{text}");

/// What is called with what. The texts stand on the card as facts, but for what the agent says.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) text: String,
    pub(super) reason: String,
    pub(super) resource: String,
    pub(super) topic: String,
    pub(super) says: String,
    pub(super) keyed: bool,
}

impl Ask {
    /// A call without a key: gone with its caller.
    pub(super) fn once() -> Self {
        Self {
            text: "factargument".to_owned(),
            reason: "factreason".to_owned(),
            resource: "factresource".to_owned(),
            topic: "factlabel".to_owned(),
            says: "prose".to_owned(),
            keyed: false,
        }
    }

    /// A call with a key, which outlives its process.
    pub(super) fn keyed() -> Self {
        Self { keyed: true, ..Self::once() }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::once() }
    }

    /// Calls; counts how often the body runs.
    pub(super) async fn call(self, runs: Arc<AtomicUsize>) -> Result<(), ApprovalError> {
        let mut gate = Gate::at(if self.keyed { &KEYED } else { &SINGLE });
        let permit = loop {
            let turn = self.turn(&mut gate);
            match turn {
                Turn::Run(permit) => break permit,
                Turn::Wait(step) => step.await,
                Turn::Stop(refusal) => return Err(refusal),
            }
        };
        let body = async {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        permit.run(pin!(body)).await
    }

    fn turn<'g>(&self, gate: &'g mut Gate) -> Turn<'g> {
        let reason = |f: &mut std::fmt::Formatter<'_>| f.write_str(&self.reason);
        let resource = |f: &mut std::fmt::Formatter<'_>| f.write_str(&self.resource);
        let topic = |f: &mut std::fmt::Formatter<'_>| f.write_str(&self.topic);
        let key = |f: &mut std::fmt::Formatter<'_>| f.write_str(&self.text);
        let mut texts = vec![Text::reason(&reason), Text::resource(&resource), Text::label("topic", &topic)];
        if self.keyed {
            texts.push(Text::key(&key));
        }
        let token = "a secret argument";
        gate.turn(&|| Risk::High, &[&show(&self.text), &secret(&token)], &texts)
    }
}
