//! The public conformance suite over the whole backend, at an endpoint that is played: called back, and asked.

use std::sync::Mutex;

use approvals_core::conformance::SetupError;
use approvals_core::conformance::backend::{
    Abilities, Ability, Act, Acted, BackendUnderTest, Does, Fault, View, Who, backend_conformance,
};
use approvals_core::id::RequestId;
use approvals_core::ledger::Answer;
use approvals_core::people::Identity;
use approvals_core::request::Digest;

use super::Webhook;
use super::fake::{Endpoint, OTHER, SHARED, Sealed, THEIRS, key};

/// How decisions come back.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    #[cfg(feature = "webhook-http")]
    CalledBack,
    Asked,
}

struct AtAnEndpoint(Way);

/// What stays when a process ends, and the backend of the process that lives.
#[derive(Default)]
struct Medium {
    endpoint: Endpoint,
    backend: Mutex<Option<Webhook>>,
}

impl AtAnEndpoint {
    /// Delivers a decision, and returns once it was dealt with.
    async fn deliver(&self, medium: &Medium, sealed: &Sealed) {
        match self.0 {
            #[cfg(feature = "webhook-http")]
            Way::CalledBack => {
                let webhook = medium.backend.lock().unwrap().clone().unwrap();
                // Before the backend listens it is 503, and a sound endpoint comes again.
                while super::callback::tests::post(&webhook.router(), sealed).await.status == 503 {
                    tokio::task::yield_now().await;
                }
            }
            Way::Asked => {
                let place = medium.endpoint.enqueue(sealed).to_string();
                // The next question has the cursor that covers it.
                medium
                    .endpoint
                    .until(|state| state.asked.last().filter(|ask| ask["cursor"] == place).map(drop))
                    .await;
            }
        }
    }
}

fn person(who: Who) -> &'static str {
    match who {
        Who::First => "u-1",
        Who::Second => "u-2",
    }
}

impl BackendUnderTest for AtAnEndpoint {
    type Backend = Webhook;
    type Medium = Medium;

    fn abilities(&self) -> Abilities {
        use Ability::*;
        let mut able = Abilities::from([
            Answer,
            SecondPerson,
            Comment,
            Late,
            Repeat,
            Forge,
            Stranger,
            Foreign,
            Tamper,
            Refuse,
            Outage,
            LostReply,
            Outlive,
            Secrets,
        ]);
        if self.0 == Way::Asked {
            // What is over is asked about no more.
            able.remove(&Late);
        }
        able
    }

    async fn medium(&self) -> Result<Medium, SetupError> {
        Ok(Medium::default())
    }

    async fn start(&self, medium: &Medium) -> Result<Webhook, SetupError> {
        let builder = medium.endpoint.backend().verify_with(key(SHARED).verifying());
        let webhook = match self.0 {
            Way::Asked => builder.ask_at("https://ops.example/asks").build()?,
            #[cfg(feature = "webhook-http")]
            Way::CalledBack => builder.build()?,
        };
        *medium.backend.lock().unwrap() = Some(webhook.clone());
        Ok(webhook)
    }

    fn identity(&self, _: &Medium, who: Who) -> Identity {
        Identity::new("acme", person(who))
    }

    async fn view(&self, medium: &Medium, request: RequestId) -> Result<View, SetupError> {
        let Some(standing) = medium.endpoint.standing(request) else { return Ok(View::default()) };
        Ok(View {
            messages: standing.messages,
            text: standing.text(),
            can_approve: standing.now.offer.contains(&Answer::Approve),
            can_deny: standing.now.offer.contains(&Answer::Deny),
            live: Vec::new(),
        })
    }

    async fn act(&self, medium: &Medium, act: Act) -> Result<Acted, SetupError> {
        let Some(standing) = medium.endpoint.standing(act.request) else { return Ok(Acted::NotOffered) };
        if act.does == Does::Again {
            let Some(last) = medium.endpoint.state().last.clone() else { return Ok(Acted::NotOffered) };
            self.deliver(medium, &last).await;
            return Ok(Acted::Delivered);
        }
        let card = if act.does == Does::ApproveLate { &standing.first } else { &standing.now };
        let answer = match act.does {
            Does::Deny | Does::DenySaying(_) => Answer::Deny,
            _ => Answer::Approve,
        };
        if !card.offer.contains(&answer) {
            return Ok(Acted::NotOffered);
        }
        let mut decision = Endpoint::decision(card, person(act.who), answer);
        let mut signer = THEIRS;
        match act.does {
            Does::DenySaying(comment) => decision.comment = Some(comment.to_owned()),
            Does::ApproveForged => signer = OTHER,
            Does::ApproveAsStranger => decision.person = "u-nobody".to_owned(),
            Does::ApproveAsForeigner => decision.person = format!("elsewhere/{}", decision.person),
            Does::ApproveOtherDigest => decision.digest = Digest::from_bytes([7; 32]),
            _ => {}
        }
        let sealed = medium.endpoint.seal(&decision, &[signer]);
        self.deliver(medium, &sealed).await;
        Ok(Acted::Delivered)
    }

    async fn fault(&self, medium: &Medium, fault: Option<Fault>) -> Result<(), SetupError> {
        medium.endpoint.state().fault = fault;
        Ok(())
    }

    fn secrets(&self, _: &Medium) -> Vec<String> {
        [super::fake::OURS, SHARED].map(|key| key.trim_start_matches("whsec_").to_owned()).into()
    }
}

#[cfg(feature = "webhook-http")]
mod called_back {
    use super::*;

    backend_conformance!(AtAnEndpoint(Way::CalledBack));
}

mod asked {
    use super::*;

    backend_conformance!(AtAnEndpoint(Way::Asked));
}
