//! The suite that every backend has to pass.

use approvals::Identity;
use approvals::conformance::SetupError;
use approvals::conformance::backend::{
    Abilities, Ability, Act, Acted, BackendUnderTest, Does, Fault, View, Who, backend_conformance,
};
use approvals::id::RequestId;
use pager_example::Pager;

use crate::service::{Service, TEAM, TOKEN};

struct OnCall;

fn user(who: Who) -> &'static str {
    match who {
        Who::First => "U1",
        Who::Second => "U2",
    }
}

impl BackendUnderTest for OnCall {
    type Backend = Pager;
    type Medium = Service;

    /// All but `Forge`: answers are fetched, so that nobody can send us one.
    fn abilities(&self) -> Abilities {
        [
            Ability::Answer,
            Ability::SecondPerson,
            Ability::Comment,
            Ability::Late,
            Ability::Repeat,
            Ability::Stranger,
            Ability::Foreign,
            Ability::Tamper,
            Ability::Refuse,
            Ability::Outage,
            Ability::LostReply,
            Ability::Outlive,
            Ability::Secrets,
        ]
        .into()
    }

    async fn medium(&self) -> Result<Service, SetupError> {
        Ok(Service::start().await)
    }

    async fn start(&self, service: &Service) -> Result<Pager, SetupError> {
        Ok(service.pager())
    }

    fn identity(&self, _: &Service, who: Who) -> Identity {
        Identity::new("pager", format!("{TEAM}/{}", user(who)))
    }

    async fn view(&self, service: &Service, request: RequestId) -> Result<View, SetupError> {
        let key = request.to_string();
        let pages: Vec<_> = service.state().pages.iter().filter(|page| page.key == key).cloned().collect();
        let text: Vec<_> =
            pages.iter().map(|page| format!("{}\n{}", page.title, page.lines.join("\n"))).collect();
        Ok(View {
            messages: pages.len(),
            text: text.join("\n"),
            can_approve: pages.iter().any(|page| page.has("yes")),
            can_deny: pages.iter().any(|page| page.has("no")),
            live: Vec::new(),
        })
    }

    async fn act(&self, service: &Service, act: Act) -> Result<Acted, SetupError> {
        let view = self.view(service, act.request).await?;
        let key = act.request.to_string();
        let page = service.state().pages.iter().find(|page| page.key == key).cloned();
        let mut pressed = page.ok_or("there is no page")?.pressed(user(act.who), "yes");
        match act.does {
            Does::Approve if !view.can_approve => return Ok(Acted::NotOffered),
            Does::Deny | Does::DenySaying(_) if !view.can_deny => return Ok(Acted::NotOffered),
            Does::Approve | Does::ApproveLate => {}
            Does::Deny => pressed.answer = "no",
            Does::DenySaying(comment) => (pressed.answer, pressed.comment) = ("no", Some(comment)),
            Does::Again => pressed = service.state().answers.last().cloned().ok_or("nobody has answered")?,
            Does::ApproveAsStranger => pressed.user = "U99",
            Does::ApproveAsForeigner => pressed.team = "T99",
            Does::ApproveOtherDigest => pressed.digest = "0".repeat(64),
            other => return Err(format!("`{other:?}` cannot be done here").into()),
        }
        service.press(pressed).await;
        Ok(Acted::Delivered)
    }

    async fn fault(&self, service: &Service, fault: Option<Fault>) -> Result<(), SetupError> {
        service.state().fault = fault;
        Ok(())
    }

    fn secrets(&self, _: &Service) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }
}

backend_conformance!(OnCall);
