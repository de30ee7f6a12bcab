//! The bench: what the service can do, what people see there, and how they click.

use std::collections::BTreeSet;
use std::time::Duration;

use approvals_core::conformance::SetupError;
use approvals_core::conformance::backend::{
    Abilities, Ability, Act, Acted, BackendUnderTest, Does, Fault, View, Who,
};
use approvals_core::id::RequestId;
use approvals_core::ledger::Answer;
use approvals_core::people::Identity;

use crate::chat::Chat;
use crate::flaw::Flaw;
use crate::service::{Click, SIGNING_SECRET, Service, TOKEN, WORKSPACE};

pub(crate) const EVERYTHING: [Ability; 14] = [
    Ability::Answer,
    Ability::SecondPerson,
    Ability::Comment,
    Ability::Late,
    Ability::Repeat,
    Ability::Forge,
    Ability::Stranger,
    Ability::Foreign,
    Ability::Tamper,
    Ability::Refuse,
    Ability::Outage,
    Ability::LostReply,
    Ability::Outlive,
    Ability::Secrets,
];

pub(crate) struct Under {
    pub(crate) flaw: Flaw,
    pub(crate) claims: Abilities,
    /// What is claimed and cannot be done.
    pub(crate) idle: Option<Ability>,
}

impl Under {
    pub(crate) fn with(flaw: Flaw) -> Self {
        Self { flaw, claims: EVERYTHING.into(), idle: None }
    }
}

fn user(who: Who) -> &'static str {
    match who {
        Who::First => "U1",
        Who::Second => "U2",
    }
}

/// What people read of a message, and what in it is more than text.
fn read(sent: &str) -> (String, Vec<String>) {
    let (mut text, mut live) = (String::new(), Vec::new());
    let mut rest = sent;
    while let Some((before, after)) = rest.split_once('<') {
        text += before;
        match after.split_once('>').filter(|(inside, _)| inside.starts_with(['!', '@', '#', 'h'])) {
            Some((inside, behind)) => {
                live.push(inside.to_owned());
                rest = behind;
            }
            None => {
                text.push('<');
                rest = after;
            }
        }
    }
    text += rest;
    (text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), live)
}

impl BackendUnderTest for Under {
    type Backend = Chat;
    type Medium = Service;

    fn abilities(&self) -> Abilities {
        self.claims.clone()
    }

    async fn medium(&self) -> Result<Service, SetupError> {
        Ok(Service::default())
    }

    async fn start(&self, medium: &Service) -> Result<Chat, SetupError> {
        Ok(Chat::new(medium.clone(), self.flaw))
    }

    fn identity(&self, _: &Service, who: Who) -> Identity {
        Identity::new("chat", user(who))
    }

    async fn view(&self, medium: &Service, request: RequestId) -> Result<View, SetupError> {
        let state = medium.state();
        let about: Vec<_> =
            state.messages.iter().filter(|message| message.key.starts_with(&request.to_string())).collect();
        let buttons: BTreeSet<_> = about.iter().flat_map(|message| message.buttons.clone()).collect();
        let (text, live): (Vec<_>, Vec<_>) = about.iter().map(|message| read(&message.text)).unzip();
        Ok(View {
            messages: about.len(),
            text: text.concat(),
            can_approve: buttons.contains(&Answer::Approve),
            can_deny: buttons.contains(&Answer::Deny),
            live: live.concat(),
        })
    }

    async fn act(&self, medium: &Service, act: Act) -> Result<Acted, SetupError> {
        if self.idle == Some(act.does.needs()) {
            return Ok(Acted::NotOffered);
        }
        let view = self.view(medium, act.request).await?;
        let mut click = Click {
            signed_with: SIGNING_SECRET.to_owned(),
            workspace: WORKSPACE.to_owned(),
            user: user(act.who).to_owned(),
            request: act.request.to_string(),
            digest: act.digest.to_hex(),
            answer: Answer::Approve,
            comment: None,
        };
        match act.does {
            Does::Approve if !view.can_approve => return Ok(Acted::NotOffered),
            Does::Deny | Does::DenySaying(_) if !view.can_deny => return Ok(Acted::NotOffered),
            Does::Approve | Does::ApproveLate => {}
            Does::Deny => click.answer = Answer::Deny,
            Does::DenySaying(comment) => {
                (click.answer, click.comment) = (Answer::Deny, Some(comment.to_owned()));
            }
            Does::Again => click = medium.state().last.clone().ok_or("nothing was clicked")?,
            Does::ApproveForged => click.signed_with = "a guess".to_owned(),
            Does::ApproveAsStranger => click.user = "U99".to_owned(),
            Does::ApproveAsForeigner => click.workspace = "T99".to_owned(),
            Does::ApproveOtherDigest => click.digest = "0".repeat(64),
            other => return Err(format!("`{other:?}` cannot be done here").into()),
        }
        medium.deliver(click).await;
        Ok(Acted::Delivered)
    }

    async fn fault(&self, medium: &Service, fault: Option<Fault>) -> Result<(), SetupError> {
        medium.state().fault = fault;
        Ok(())
    }

    fn secrets(&self, _: &Service) -> Vec<String> {
        match self.idle {
            Some(Ability::Secrets) => Vec::new(),
            _ => vec![TOKEN.to_owned(), SIGNING_SECRET.to_owned()],
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}
