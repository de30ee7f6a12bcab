//! What the gate costs by itself.

use std::pin::pin;

use crate::action::{ActionSite, declared};
use crate::gate::{Ending, Gate};

/// Runs the body as a call at risk low does that its site lets run, but for its `allowed` record; `None` if the site
/// does not. For measurements: no gated function takes this way.
pub async fn unrecorded<F: Future<Output: Ending>>(site: &'static ActionSite, body: F) -> Option<F::Output> {
    let permit = Gate::at(site).unrecorded(&declared::low)?;
    Some(permit.run(pin!(Some(body))).await)
}
