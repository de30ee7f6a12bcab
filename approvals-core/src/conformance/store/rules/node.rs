//! Node names. `lost` may only be said by whoever holds the name of the process that is gone.

use std::sync::Arc;

use crate::conformance::check::{Checked, Failure};
use crate::conformance::store::bench::{Bench, Handle};
use crate::ledger::NodeHold;

pub(in crate::conformance) async fn a_node_name_is_held_by_one_at_a_time(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let _held = taken(&store, "host/agent").await?;
    for _ in 0..2 {
        ensure!(hold(&store, "host/agent").await?.is_none(), "a name that is held was given a second time");
    }
    Ok(())
}

pub(in crate::conformance) async fn a_node_name_is_free_again_when_its_hold_is_dropped(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    for _ in 0..3 {
        drop(taken(&store, "host/agent").await?);
    }
    Ok(())
}

/// Names become file names and lock numbers; two of them must not become the same one.
pub(in crate::conformance) async fn different_node_names_do_not_exclude_each_other(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let long = "n".repeat(200);
    let names = [
        "host/agent",
        "host/agent/2",
        "host/agent/3",
        "host_agent",
        "host-agent",
        "host/Agent",
        "host//agent",
        "../host/agent",
        "host%2Fagent",
        "hôst/agent",
        "host agent",
        long.as_str(),
    ];
    let mut holds = Vec::new();
    for name in names {
        holds.push(taken(&store, name).await?);
    }
    Ok(())
}

pub(in crate::conformance) async fn a_node_name_is_held_by_one_across_handles(bench: Arc<Bench>) -> Checked {
    let [near, far] = bench.open_two().await?;
    let held = taken(&near, "host/agent").await?;
    ensure!(hold(&far, "host/agent").await?.is_none(), "another handle was given a name that is held");
    // The hold is the owner of the name, not the handle that it came from.
    drop(near);
    let given = hold(&far, "host/agent").await?;
    ensure!(given.is_none(), "a name was given away while its hold lived, because a handle was dropped");
    drop(held);
    taken(&far, "host/agent").await.map(drop)
}

async fn hold(store: &Handle, name: &str) -> Result<Option<NodeHold>, Failure> {
    Ok(store.hold_node(&name.into()).await?)
}

async fn taken(store: &Handle, name: &str) -> Result<NodeHold, Failure> {
    hold(store, name).await?.ok_or_else(|| Failure(format!("the free name `{name}` was not given")))
}
