//! The whole way: an agent asks, a page goes out, somebody presses a button.

use approvals::ledger::{Env, Event, Filter, IgnoredWhy, Stream};
use approvals::{Agent, ApprovalError, Approvals, ErrorKind, People, Person, requires_approval};

use crate::service::{Page, Pressed, Service, TEAM};

#[requires_approval(risk = "high", reason = "drops {table}")]
async fn drop_table(table: String) -> Result<String, ApprovalError> {
    Ok(format!("{table} is gone"))
}
