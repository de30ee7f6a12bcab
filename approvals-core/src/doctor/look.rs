//! What the doctor looks at, gathered once.

use super::{Finding, Report, people, processes, requests, ways};
use crate::card::visible_name;
use crate::desk::{Decision, Review, Reviewer, Way, decide};
use crate::id::{NodeName, Seq};
use crate::ledger::{Answer, Env, Filter, IgnoredWhy, Record, Store, StoreError, Stream, Summary};
use crate::people::{Directory, DirectoryError, Identity, Person};
use crate::state::{Opened, Phase, State};
use crate::time::Timestamp;

/// How many requests are listed at a time.
const PAGE: usize = 256;
/// How many of the last records say when a way in was last used.
const RECENT: u64 = 4_096;

/// Whether the process of a node runs, as far as can be told.
type IsUp<'a> = &'a (dyn Fn(&NodeName) -> Option<bool> + Sync);

/// Looks at a ledger, and at its people where a directory is given.
///
/// ```
/// use approvals_core::doctor::Doctor;
/// use approvals_core::ledger::Memory;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let store = Memory::new()?;
/// let report = Doctor::new(&store).look().await;
/// assert!(report.is_healthy(), "{report}");
/// # Ok::<(), approvals_core::ledger::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy)]
pub struct Doctor<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) directory: Option<&'a dyn Directory>,
    pub(super) ways: Option<&'a [Way]>,
    pub(super) is_up: IsUp<'a>,
    pub(super) now: Timestamp,
    pub(super) env: Env,
}

/// A request that is not over, and whether it can be read.
pub(super) struct Live {
    pub(super) summary: Summary,
    pub(super) history: Vec<Record>,
    pub(super) state: State,
}

impl Live {
    pub(super) fn opened(&self) -> Option<&Opened> {
        self.state.opened().map(AsRef::as_ref)
    }

    /// Pending, and its time is not over.
    pub(super) fn is_pending(&self, now: Timestamp) -> bool {
        self.state.phase() == Phase::Pending && !self.state.is_overdue(now)
    }
}

impl<'a> Doctor<'a> {
    /// Looks at this ledger, without people.
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, directory: None, ways: None, is_up: &|_| None, now: Timestamp::now(), env: Env::Live }
    }

    /// The people who may decide.
    #[must_use]
    pub fn directory(mut self, directory: &'a dyn Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Tells whether the process of a node runs: `None` where that cannot be seen. Default: it never can.
    #[must_use]
    pub fn is_up(mut self, is_up: &'a (dyn Fn(&NodeName) -> Option<bool> + Sync)) -> Self {
        self.is_up = is_up;
        self
    }

    /// What time it is. Default: the system's, at [`new`](Self::new).
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Looks. What cannot be read is a finding.
    pub async fn look(&self) -> Report {
        self.look_at_all().await.0
    }

    /// The report, and the requests that it is about.
    pub(super) async fn look_at_all(&self) -> (Report, Vec<Live>) {
        let mut report = Report::default();
        let (live, broken) = match self.live().await {
            Ok(found) => found,
            Err(error) => {
                report.findings.push(unreadable("ledger", &error));
                return (report, Vec::new());
            }
        };
        match (live.len(), broken.is_empty()) {
            (count, true) => report.findings.push(Finding::ok(
                "history",
                format!("{count} open requests"),
                "every history can be read, and the index agrees with it",
            )),
            (_, false) => report.extend(broken),
        }
        match self.recent().await {
            Ok(recent) => {
                report.findings.push(processes::clock(&recent, self.now));
                report.extend(ways::ways(&live, &recent));
            }
            Err(error) => report.findings.push(unreadable("ledger", &error)),
        }
        match self.store.history(Stream::System).await {
            Ok(system) => {
                report.extend(processes::nodes(self, &system));
                report.extend(processes::runs(self, &live, &system));
            }
            Err(error) => report.findings.push(unreadable("system", &error)),
        }
        report.extend(requests::policies(&live));
        let everyone = match self.directory {
            Some(directory) => match people::people(directory, &live, self.now).await {
                Ok((findings, everyone)) => {
                    report.extend(findings);
                    everyone
                }
                Err(error) => {
                    report.findings.push(not_told(&error));
                    None
                }
            },
            None => None,
        };
        report.extend(requests::decidable(self, &live, everyone.as_deref()));
        (report, live)
    }

    /// Who this identity is, and what that person could do about each pending request through this way in.
    pub async fn who(&self, identity: &Identity, way: &Way) -> Report {
        let mut report = Report::default();
        let Some(directory) = self.directory else { return report };
        let person = match directory.resolve(identity).await {
            Ok(Some(person)) => person,
            Ok(None) => {
                let (provider, subject) = (identity.provider(), identity.subject());
                report.findings.push(Finding::warning(
                    "you",
                    identity.to_string(),
                    "nobody in the directory has this identity: you can look, and decide nothing",
                    format!("add `identities = {{ {provider} = [\"{subject}\"] }}` to your person there"),
                ));
                return report;
            }
            Err(error) => {
                report.findings.push(not_told(&error));
                return report;
            }
        };
        report.findings.push(Finding::ok("you", identity.to_string(), described(&person)));
        let Ok((live, _)) = self.live().await else { return report };
        let reviewer =
            Reviewer { person: Some(person), way: way.clone(), provider: identity.provider().clone() };
        let pending = live.iter().filter(|one| one.is_pending(self.now));
        report.extend(pending.filter_map(|one| could_decide(one, &reviewer, self.now)));
        report
    }

    /// Requests that are not over, and what is wrong with those that cannot be read.
    async fn live(&self) -> Result<(Vec<Live>, Vec<Finding>), StoreError> {
        let filter = Filter::in_phases([Phase::Pending, Phase::Approved, Phase::Executing, Phase::Unknown]);
        let (mut live, mut broken, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = self.store.list(&filter, after, PAGE).await?;
            for summary in page.summaries.into_iter().filter(|summary| summary.env == self.env) {
                match self.store.history(Stream::Request(summary.id)).await {
                    Ok(history) => match requests::read(summary, history) {
                        Ok(one) => live.push(one),
                        Err(finding) => broken.push(*finding),
                    },
                    Err(error) => broken.push(Finding::problem(
                        "history",
                        summary.id.to_string(),
                        error.to_string(),
                        "until it can be read, its calls are refused",
                    )),
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok((live, broken)),
            }
        }
    }

    async fn recent(&self) -> Result<Vec<Record>, StoreError> {
        let last = self.store.last().await?;
        self.store
            .records(Seq(last.0.saturating_sub(RECENT)), usize::try_from(RECENT).unwrap_or(usize::MAX))
            .await
    }
}

fn described(person: &Person) -> String {
    let groups: Vec<_> = person.groups().iter().map(|group| visible_name(group.as_str())).collect();
    let groups = if groups.is_empty() { "no group".to_owned() } else { groups.join(", ") };
    format!("you are {}, in {groups}", visible_name(person.id().as_str()))
}

fn could_decide(one: &Live, reviewer: &Reviewer, now: Timestamp) -> Option<Finding> {
    let opened = one.opened()?;
    let judge = |answer| {
        let review = Review { answer, ..Review::approve(opened.id, opened.digest) };
        decide(&one.state, reviewer, &review, now)
    };
    let says = match (judge(Answer::Approve), judge(Answer::Deny)) {
        (Decision::Count(_), _) => "you may approve or deny it here".to_owned(),
        (Decision::Ignore(why), Decision::Count(_)) => format!("you may deny it here, not approve it: {why}"),
        (Decision::Ignore(IgnoredWhy::Requester), Decision::Cancel(_)) => {
            "it is your own request: you may take it back here, and another person has to decide".to_owned()
        }
        (Decision::Ignore(why), _) => format!("you cannot decide it here: {why}"),
        (Decision::Cancel(_), _) => return None,
    };
    Some(Finding::ok("you", opened.id.to_string(), says))
}

fn unreadable(subject: &str, error: &StoreError) -> Finding {
    Finding::problem("store", subject, error.to_string(), "until it can be read, every gate stays shut")
}

fn not_told(error: &DirectoryError) -> Finding {
    Finding::problem("people", "directory", error.to_string(), "until it answers, every gate stays shut")
}
