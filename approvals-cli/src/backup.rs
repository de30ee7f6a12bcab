//! `approvals backup`: a copy of the ledger while agents use it.

use std::path::Path;

use serde_json::json;

use approvals::card::visible;

use crate::output::{Exit, Failure, Out};
use crate::store;

pub(crate) async fn run(path: &Path, to: &Path, out: &Out) -> Result<Exit, Failure> {
    let store = store::read(path).await?;
    let last = store.backup(to).await?;
    let shown = to.display().to_string();
    match out.json() {
        true => out.object(&json!({ "backup": shown, "records": last.0 }))?,
        false => out.text(&format!("{last} records are in `{}`\n", visible(&shown)))?,
    }
    let key = format!("{}.key", store.path().display());
    out.note(&format!("the key `{}` is not: keep a copy of it apart", visible(&key)));
    Ok(Exit::Done)
}
