//! A backend of one's own: it pages people through a pager service, and brings their answers to the desk.
//!
//! What a backend has to do is little, because the rules are in core: put a card where people are, say how much of it
//! they can see, and hand over who answered what. It never decides. The conformance suite in `tests/` says whether it
//! does that well; this crate shows the reasons.
//!
//! # The service
//!
//! It is made up, and plain enough to stand for many. Bodies are JSON, every call carries
//! `Authorization: Bearer <token>`, and a token belongs to one sender.
//!
//! | call | what it does |
//! |---|---|
//! | `POST /pages` `{key, title, lines, digest, buttons}` | pages whoever is on call and gives `{id}`. A page of that `key` that stands is replaced: there is no second one |
//! | `PUT /pages/{id}`, the same body | replaces what stands there and gives `{id}`; without buttons the page is closed |
//! | `GET /answers?wait=30&after=N` | gives `[{number, key, team, user, digest, answer, comment}]`, at most 100 and oldest first, as soon as there is one, `[]` after 30 s. `after` takes receipt of everything up to it; without it, it gives what nobody has taken receipt of |
//! | `GET /status` | `{may_page, limit}`: whether the token may page, and the most characters of a page |
//!
//! Titles and lines are shown as they are, without markup. `buttons` are of `yes` and `no`, and an answer repeats the
//! digest that stood beside the button. A user's id is unique within their team only.
//!
//! # Setting it up
//!
//! ```no_run
//! use approvals::{Agent, Approvals, People, Secret};
//! use pager_example::Pager;
//!
//! # async fn set_up() -> Result<(), Box<dyn std::error::Error>> {
//! let token = Secret::new(std::env::var("PAGER_TOKEN")?);
//! let approvals = Approvals::builder()
//!     .agent(Agent::new("deploy-bot").owned_by("dana"))
//!     .directory(People::from_file("people.toml")?)
//!     .backend(Pager::new("http://pager.internal:8080", token)?)
//!     .build()
//!     .await?;
//! println!("{}", approvals.doctor().await); // asks `Backend::check`, too
//! # Ok(())
//! # }
//! ```
//!
//! Nobody can answer who is not in `people.toml`. The pager's people stand there as `team/user`:
//!
//! ```toml
//! [people.dana]
//! identities = { pager = ["T7/U1"] }
//!
//! [people.kim]
//! groups = ["sre"]
//! identities = { pager = ["T7/U2"] }
//! ```
//!
//! Give each ledger a token of its own: two agents that share one take each other's answers away.

mod api;

use std::time::Duration;

use approvals::async_trait;
use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::text::{self, TextOptions};
use approvals::card::{Card, Shown, cut, visible, visible_name};
use approvals::desk::{Desk, Review, Seen};
use approvals::id::{ProviderId, Reference};
use approvals::ledger::PresentFailure;
use approvals::request::Digest;
use approvals::state::Phase;
use approvals::{Assurance, Identity, Secret};

use crate::api::{Answer, Api, Button, Page};

/// The most of a title, in characters. It may stand on a locked screen by itself, so that it names the action alone.
const TITLE: usize = 80;
/// The fewest characters of a page that the headings of a card have room in.
const LEAST: usize = 3_000;
/// How long until answers are asked for again after none came.
const AGAIN: Duration = Duration::from_millis(20);

/// Pages people. Clones speak to the same service.
///
/// `Debug` shows the address and no token: [`Secret`] does not print (law 12).
#[derive(Debug, Clone)]
pub struct Pager {
    api: Api,
    limit: usize,
}

impl Pager {
    /// A pager at this address, such as `http://pager.internal:8080`.
    ///
    /// # Errors
    /// If the address is none, or if it holds a password, which logs would show.
    pub fn new(address: &str, token: Secret<String>) -> Result<Self, BackendError> {
        Ok(Self { api: Api::new(address, token)?, limit: 8_000 })
    }

    /// The most characters that the service takes on a page; at least 3,000. Default 8,000.
    ///
    /// A card that needs more can be denied and not approved.
    #[must_use]
    pub fn limit(self, characters: usize) -> Self {
        Self { limit: characters.max(LEAST), ..self }
    }

    /// How long the service may take to reply. Default 10 s; core gives up after 30.
    #[must_use]
    pub fn reply_within(mut self, reply_within: Duration) -> Self {
        self.api.reply_within = reply_within;
        self
    }

    /// The page of a card, and how much of the card is on it.
    fn page(&self, card: &Card) -> (Page, Shown) {
        // Strings on a card are raw. The renderer makes everything hidden visible, and no text from outside begins a
        // line (law 13); what does not go through it has to be made visible here.
        let rendered = text::render(card, &TextOptions::default().width(60).limit(self.limit));
        let title = format!("{}: {}", visible(&card.state.label), visible_name(&card.action));
        let buttons = match rendered.shown {
            // Who answers a request that is over would believe that they decided something.
            _ if card.state.label != Phase::Pending.as_str() => vec![],
            Shown::Everything => vec![Button::Yes, Button::No],
            // Law 5: nobody says yes to what they cannot see. A no needs no more than a doubt.
            Shown::Part { .. } => vec![Button::No],
        };
        let page = Page {
            // Law 9: the same request is the same page, also for a process that was started again.
            key: card.request.clone(),
            title: cut(&title, TITLE).0.to_owned(),
            lines: rendered.text.lines().map(str::to_owned).collect(),
            digest: card.digest.clone(),
            buttons,
        };
        (page, rendered.shown)
    }

    /// Hands what people answered to the desk; how many answers that were.
    async fn bring(&self, desk: &Desk, after: &mut Option<u64>) -> Result<usize, BackendError> {
        let mut brought = 0;
        for answer in self.api.answers(*after).await? {
            if after.is_some_and(|after| answer.number <= after) {
                continue;
            }
            if let Some(review) = review(&answer) {
                // Whether it counted is the desk's to say and to record, and people read it on the page. An error
                // means that it could be neither counted nor recorded: no receipt is taken, so that it comes again.
                let submitted = desk.submit(&identity(&answer, &desk.way().provider), review).await;
                submitted
                    .map_err(|error| BackendError::temporary(PresentFailure::Other, error.to_string()))?;
            }
            *after = Some(answer.number);
            brought += 1;
        }
        Ok(brought)
    }
}

/// Who answered, by what does not change and cannot be chosen: ids, never a display name.
///
/// The team belongs to it, or a guest from elsewhere could have a colleague's id. The first slash ends the team.
fn identity(answer: &Answer, provider: &ProviderId) -> Identity {
    Identity::new(provider.clone(), format!("{}/{}", answer.team.replace('/', "%2F"), answer.user))
}

/// What was answered; `None` for a page that is no request, and for a button that is none of ours.
fn review(answer: &Answer) -> Option<Review> {
    let request = answer.key.parse().ok()?;
    // Law 5: the digest comes with the answer. One that we looked up would match whatever the person had seen. What
    // is no digest matches nothing, and the desk records that.
    let seen = Digest::from_hex(&answer.digest).map_or(Seen::Prefix(String::new()), Seen::Digest);
    let review = match answer.answer {
        Button::Yes => Review::approve(request, seen),
        Button::No => Review::deny(request, seen),
        // Law 6: what we do not know is never a yes.
        Button::Other => return None,
    };
    Some(match &answer.comment {
        Some(comment) => review.comment(comment),
        None => review,
    })
}

#[async_trait]
impl Backend for Pager {
    fn name(&self) -> &str {
        "pager"
    }

    fn capabilities(&self) -> Capabilities {
        // The service knows who pressed the button by the login of their app: as much as a chat does.
        let (provider, assurance) = ("pager".into(), Assurance::Chat);
        Capabilities { provider, assurance, cards_outlive_process: true }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        let (page, shown) = self.page(card);
        let id = self.api.post(&page).await?;
        Ok(Presented { reference: Reference::new(id), shown })
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        // By the reference from the ledger, never by a memory of our own, which a restart would empty.
        self.api.put(reference.as_str(), &self.page(card).0).await
    }

    async fn check(&self) -> Result<(), BackendError> {
        let status = self.api.status().await?;
        let problem = match (status.may_page, status.limit) {
            (false, _) => "the pager's token may not page anybody; let it do so at the service".to_owned(),
            (true, limit) if limit < LEAST => {
                format!("the pager takes {limit} characters of a page, and a card needs {LEAST}; raise that")
            }
            (true, limit) if limit < self.limit => {
                format!("the pager takes {limit} characters of a page; say `.limit({limit})`")
            }
            _ => return Ok(()),
        };
        Err(BackendError::permanent(PresentFailure::Rejected, problem))
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        let (mut after, mut failures) = (None, 0);
        loop {
            match self.bring(&desk, &mut after).await {
                // The service holds the question until somebody answers, so that a verdict does not wait for a clock
                // of ours (law 14). The pause is for one that replies at once: it is not asked in a busy loop.
                Ok(0) => (failures, _) = (0, tokio::time::sleep(AGAIN).await),
                Ok(_) => failures = 0,
                // Core does not listen again after an error: what may pass has to be waited for here.
                Err(error) if error.is_temporary() => {
                    tokio::time::sleep(Duration::from_millis(250 << failures)).await;
                    failures = (failures + 1).min(7);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
