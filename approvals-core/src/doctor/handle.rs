//! The doctor in the process of the agent, where policy and backends are.

use std::time::Duration;

use super::look::{Doctor, Live};
use super::{Finding, Report, failures};
use crate::authority::{Local, Registered};
use crate::backend::BackendError;
use crate::card::visible_name;
use crate::desk::Way;
use crate::handle::Approvals;
use crate::ledger::PresentFailure;
use crate::state::Phase;

/// The longest that a backend may take to say whether it could present.
const PATIENCE: Duration = Duration::from_secs(10);

impl Approvals {
    /// Looks at the ledger, the people, the policy and the backends of this handle, says what is wrong and what to do
    /// about it, and changes nothing. Each backend is asked whether it could present a card, and sends none.
    ///
    /// ```
    /// # use approvals_core::handle::Approvals;
    /// # async fn at_start(approvals: &Approvals) {
    /// let report = approvals.doctor().await;
    /// assert!(report.is_healthy(), "{report}");
    /// # }
    /// ```
    pub async fn doctor(&self) -> Report {
        let local = self.local();
        let parts = &local.parts;
        let ways: Vec<Way> = parts.backends.iter().map(|registered| registered.way.clone()).collect();
        let ourselves = parts.node.clone();
        let is_up = move |node: &crate::id::NodeName| (*node == ourselves).then_some(true);
        let doctor = Doctor {
            store: &*parts.store,
            directory: Some(&*parts.directory),
            ways: Some(&ways),
            is_up: &is_up,
            now: parts.clock.now(),
            env: parts.env,
        };
        let (mut report, live) = doctor.look_at_all().await;
        report.findings.push(policy(local, &live));
        for registered in &parts.backends {
            report.findings.push(backend(local, registered).await);
        }
        if parts.backends.is_empty() {
            report.findings.push(Finding::ok(
                "backend",
                "none",
                "requests are open to the program `approvals`, and presented nowhere",
            ));
        }
        report
    }
}

/// The policy at hand against those that what is open was asked under.
fn policy(local: &Local, live: &[Live]) -> Finding {
    let present = local.parts.policy.version();
    let ours = live.iter().filter(|one| one.summary.agent == local.parts.agent);
    let open = ours.filter(|one| matches!(one.state.phase(), Phase::Pending | Phase::Approved));
    let others = open.filter_map(Live::opened).filter(|opened| opened.requested.terms.policy != present);
    match others.count() {
        0 => Finding::ok("policy", present.as_str(), "rules in this process"),
        count => Finding::warning(
            "policy",
            present.as_str(),
            format!(
                "rules in this process, and {count} open requests of this agent were asked under another one"
            ),
            "each keeps the requirement that it was asked with, and this policy can only stop it; to have it ruled \
             anew, have its owner take it back with `approvals cancel`",
        ),
    }
}

/// Asked in a task of its own: a backend that panics or hangs is a finding.
async fn backend(local: &Local, registered: &Registered) -> Finding {
    let way = registered.way.id.as_str();
    let asked = std::sync::Arc::clone(&registered.backend);
    let mut asking = local.parts.runtime.spawn(async move { asked.check().await });
    let patience = local.parts.clock.sleep(PATIENCE);
    let answer = tokio::select! {
        biased;
        joined = &mut asking => joined.unwrap_or_else(|_| {
            Err(BackendError::permanent(PresentFailure::Other, "the backend panicked"))
        }),
        () = patience => {
            asking.abort();
            Err(BackendError::temporary(PresentFailure::Unreachable, "no answer in time"))
        }
    };
    let error = match answer {
        Ok(()) => {
            let (provider, assurance) = (&registered.way.provider, registered.way.assurance);
            let provider = visible_name(provider.as_str());
            return Finding::ok(
                "backend",
                way,
                format!(
                    "could present a card; it vouches for identities of {provider}, with assurance `{assurance}`"
                ),
            );
        }
        Err(error) => error,
    };
    let says = format!("could not present a card now: {error}");
    match error.is_temporary() || local.parts.open_to_store {
        true => Finding::warning("backend", way, says, failures::remedy(error.why())),
        false => Finding::problem("backend", way, says, failures::remedy(error.why())),
    }
}
