//! `approvals approve`, `approvals deny` and `approvals cancel`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use approvals::card::{Shown, text, visible_name};
use approvals::desk::{self, Desk, DeskError, Outcome, Reply, Seen, Way, WayKind};
use approvals::id::{PersonId, RequestId};
use approvals::ledger::{Answer, IgnoredWhy, Store, Stream};
use approvals::request::Digest;
use approvals::state::Phase;
use approvals::terminal::os_identity;
use approvals::{Assurance, Identity, People};
use serde::Serialize;

use crate::args::{Cancel, Global, Review};
use crate::output::{Exit, Failure, Out};
use crate::show;
use crate::store::{self, Request};

/// The name of this way in, in the ledger.
const WAY: &str = "store";
/// Whose identities it vouches for.
const PROVIDER: &str = "os";
/// What stands for a node in the records of a process that takes no node's name.
const NODE: &str = "approvals-cli";

/// What is said to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Approve,
    Deny,
    Cancel,
}

impl From<Answer> for Said {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Approve => Self::Approve,
            Answer::Deny => Self::Deny,
        }
    }
}

/// What became of it, as `--json` gives it.
#[derive(Serialize)]
struct Told<'a> {
    id: RequestId,
    action: &'a str,
    digest: Digest,
    answer: Said,
    counted: bool,
    state: Phase,
    by: Option<&'a PersonId>,
    identity: String,
    why: Option<IgnoredWhy>,
    reason: Option<String>,
}

pub(crate) async fn approve(global: &Global, review: &Review, out: &Out) -> Result<Exit, Failure> {
    answer(Answer::Approve, global, review, out).await
}

pub(crate) async fn deny(global: &Global, review: &Review, out: &Out) -> Result<Exit, Failure> {
    answer(Answer::Deny, global, review, out).await
}

/// Takes a request back, which only its requester may.
pub(crate) async fn cancel(global: &Global, given: &Cancel, out: &Out) -> Result<Exit, Failure> {
    let opened = Opened::at(global, &given.id, out).await?;
    let seen = seen(&opened.request, given.digest.as_deref());
    let store = store::write(&global.store).await?;
    let desk = desk(store.clone(), opened.people);
    let reply = desk.cancel(&opened.identity, opened.request.summary.id, seen, &given.reason).await;
    let submitted = Submitted {
        request: &opened.request,
        said: Said::Cancel,
        identity: &opened.identity,
        people: &opened.people_file,
    };
    let exit = submitted.report(&reply.map_err(not_submitted)?, &store, out).await;
    store.close().await;
    Ok(exit)
}

/// A request whose card was printed, and who is about to say something about it.
pub(crate) struct Opened {
    pub(crate) request: Request,
    shown: Shown,
    pub(crate) identity: Identity,
    pub(crate) people: People,
    pub(crate) people_file: PathBuf,
}

impl Opened {
    /// The store is opened for writing only when there is something to write.
    pub(crate) async fn at(global: &Global, id: &str, out: &Out) -> Result<Self, Failure> {
        let request = store::find(&store::read(&global.store).await?, id).await?;
        let people_file = global.people();
        let people = people(&people_file)?;
        let rendered = text::render(&show::card(&request)?, &out.card_options());
        out.card(&rendered.text).map_err(unseen)?;
        Ok(Self { request, shown: rendered.shown, identity: os_identity(), people, people_file })
    }
}

async fn answer(answer: Answer, global: &Global, given: &Review, out: &Out) -> Result<Exit, Failure> {
    let opened = Opened::at(global, &given.id, out).await?;
    let review = desk::Review {
        request: opened.request.summary.id,
        seen: seen(&opened.request, given.digest.as_deref()),
        // The desk refuses an approval of a part, and records it (law 5).
        shown: opened.shown,
        answer,
        comment: given.comment.clone(),
    };
    let store = store::write(&global.store).await?;
    let reply = desk(store.clone(), opened.people).submit(&opened.identity, review).await;
    let submitted = Submitted {
        request: &opened.request,
        said: answer.into(),
        identity: &opened.identity,
        people: &opened.people_file,
    };
    let exit = submitted.report(&reply.map_err(not_submitted)?, &store, out).await;
    store.close().await;
    Ok(exit)
}

fn people(file: &Path) -> Result<People, Failure> {
    People::from_file(file)
        .map_err(|e| Failure::error(format!("{e}\nsay where the people are with `--people PATH`")))
}

/// The desk of this program.
pub(crate) fn desk(store: impl Store, people: People) -> Desk {
    Desk::new(Arc::new(store), Arc::new(people), way(), NODE)
}

pub(crate) fn way() -> Way {
    Way { id: WAY.into(), provider: PROVIDER.into(), assurance: Assurance::Local, kind: WayKind::Surface }
}

/// What the review is bound to: the digest that was printed, unless it is not the one that was asked for. That goes to
/// the desk as it is, which refuses and records it.
fn seen(request: &Request, prefix: Option<&str>) -> Seen {
    let printed = Seen::Digest(request.summary.digest);
    match prefix.map(|prefix| Seen::Prefix(prefix.to_owned())) {
        Some(asked_for) if !asked_for.is(&request.summary.digest) => asked_for,
        _ => printed,
    }
}

/// A card that nobody could read is none (law 5).
fn unseen(error: io::Error) -> Failure {
    Failure::error(format!(
        "the card cannot be printed: {error}; nothing was submitted, check where the output goes"
    ))
}

pub(crate) fn not_submitted(error: DeskError) -> Failure {
    match error {
        DeskError::Store(error) => error.into(),
        error => Failure::because(&error),
    }
}

/// What is decided by now, whether or not anybody can read so here.
struct Submitted<'a> {
    request: &'a Request,
    said: Said,
    identity: &'a Identity,
    people: &'a Path,
}

impl Submitted<'_> {
    async fn report(&self, reply: &Reply, store: &dyn Store, out: &Out) -> Exit {
        let summary = &self.request.summary;
        let (state, why) = match &reply.outcome {
            Outcome::Counted { phase, .. } => (*phase, None),
            Outcome::Ignored(why) => {
                let now = store.history(Stream::Request(summary.id)).await.map_err(Failure::from);
                let state = now.and_then(|history| store::fold(&history));
                (state.map_or(summary.phase, |state| state.phase()), Some(*why))
            }
        };
        let told = Told {
            id: summary.id,
            action: &summary.action,
            digest: summary.digest,
            answer: self.said,
            counted: why.is_none(),
            state,
            by: reply.person.as_ref().map(|person| person.id()),
            identity: self.identity.to_string(),
            why,
            reason: why.map(|why| self.reason(why, state)),
        };
        if let Some(reason) = &told.reason {
            out.complain(&format!("not counted: {reason}"));
        }
        let printed = match (out.json(), told.counted) {
            (true, _) => out.object(&told),
            (false, true) => out.text(&counted(&told)).map_err(Failure::from),
            (false, false) => Ok(()),
        };
        if let Err(failure) = printed {
            out.fail(&failure);
        }
        if told.counted { Exit::Done } else { Exit::NotCounted }
    }

    fn reason(&self, why: IgnoredWhy, state: Phase) -> String {
        let id = self.request.summary.id;
        match (why, state) {
            (IgnoredWhy::NotTheRequester, _) => format!(
                "only the requester takes a request back: the agent's owner, or the human it acts for; deny it instead: \
                 `approvals deny {id}`"
            ),
            (IgnoredWhy::AlreadyDecided, Phase::Executing | Phase::Unknown) if self.said == Said::Cancel => {
                format!(
                    "the request is {state}: what was claimed cannot be taken back; another person's `approvals deny {id}` \
                     keeps it from starting a second time"
                )
            }
            _ => reason(why, self.identity, self.people),
        }
    }
}

/// Why it does not count, and what to do about it here.
pub(crate) fn reason(why: IgnoredWhy, identity: &Identity, people: &Path) -> String {
    match why {
        IgnoredWhy::Unmapped => {
            format!("{why}; you are `{identity}`, and the people are in `{}`", people.display())
        }
        IgnoredWhy::WayClosed => format!("{why}; an agent opens its requests with `.open_to_store()`"),
        // Here the whole card was printed: what is missing is gone.
        IgnoredWhy::NotEverythingShown => "values of this request were erased, or it was presented in part through this \
                                           way, so that nobody was shown everything; deny it, and let the agent ask \
                                           again"
            .to_owned(),
        why => why.to_string(),
    }
}

fn counted(told: &Told<'_>) -> String {
    let by = told.by.map(|by| visible_name(by.as_str())).unwrap_or_default();
    let state = told.state;
    match (told.answer, state) {
        (Said::Approve, Phase::Pending) => {
            format!("{by} approves; the request is still pending: more people have to approve\n")
        }
        (Said::Approve, _) => format!("{by} approves; the request is {state}\n"),
        (Said::Cancel, _) | (Said::Deny, Phase::Cancelled) => {
            format!("{by} takes the request back; it is cancelled\n")
        }
        (Said::Deny, Phase::Executing | Phase::Unknown) => {
            format!(
                "{by} denies; the request is {state}: what runs is not stopped, and it starts no second time\n"
            )
        }
        (Said::Deny, _) => format!("{by} denies; the request is {state}\n"),
    }
}
