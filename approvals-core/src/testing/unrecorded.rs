//! What the gate costs by itself.

use std::pin::pin;

use crate::action::{ActionSite, declared};
use crate::gate::{Ending, Gate};

/// Runs the body as a call at risk low does that its site lets run, but for its `allowed` record; `None` if the site
/// does not. For measurements: no gated function takes this way.
pub async fn unrecorded<F: Future<Output: Ending>>(site: &'static ActionSite, body: F) -> Option<F::Output> {
    let mut gate = Gate::at(site);
    let permit = gate.unrecorded(&declared::low)?;
    Some(permit.run(pin!(body)).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Risk;
    use crate::error::ApprovalError;
    use crate::handle::Approvals;
    use crate::id::Seq;
    use crate::testing::MockBackend;

    static FREE: ActionSite = ActionSite::new("unrecorded.free", file!(), line!()).risk(Risk::Low);
    static KEYED: ActionSite =
        ActionSite::new("unrecorded.keyed", file!(), line!()).risk(Risk::Low).keyed("{order}");

    #[tokio::test]
    async fn what_its_site_lets_run_leaves_no_record_and_nothing_else_runs() {
        let approvals = Approvals::test(&MockBackend::new());
        let run = |site| approvals.scope(unrecorded(site, async { Ok::<_, ApprovalError>(()) }));
        assert!(matches!(run(&FREE).await, Some(Ok(()))));
        assert!(run(&KEYED).await.is_none());
        assert!(
            unrecorded(&FREE, async { Ok::<_, ApprovalError>(()) }).await.is_none(),
            "nothing is installed"
        );
        let store = approvals.store();
        approvals.shutdown().await.unwrap();
        let records = store.records(Seq::START, 100).await.unwrap();
        assert!(records.iter().all(|record| record.body.event.name() != "allowed"));
    }
}
