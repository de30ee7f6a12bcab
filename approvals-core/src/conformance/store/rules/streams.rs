//! What belongs into which stream.

use std::sync::Arc;

use crate::conformance::check::Checked;
use crate::conformance::sample::{self, Sample, ran_freely, to_stream};
use crate::conformance::store::bench::{Bench, illegal, listed};
use crate::ledger::{Append, Env, Event, Ignored, IgnoredWhat, IgnoredWhy, Stream};
use crate::state::Illegal;

pub(in crate::conformance) async fn the_system_stream_takes_its_own_events_and_refuses_others(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let own = [
        Event::Down {},
        Event::Unauthenticated { way: "webhook".into(), count: 3 },
        Event::Ignored(ignored()),
    ];
    store.append(sample::process_up()).await?;
    for event in own {
        store.append(to_stream(Stream::System, event)).await?;
    }
    same!(store.history(Stream::System).await?.len(), 4, "the number of records in `system`");
    let free = Append { stream: Stream::System, ..ran_freely() };
    illegal(&store, free, Illegal::OtherStream, "a free call in `system`").await?;
    let requested = Append { stream: Stream::System, ..Sample::new().opens() };
    illegal(&store, requested, Illegal::OtherStream, "a request in `system`").await
}

pub(in crate::conformance) async fn the_allowed_stream_takes_its_own_events_and_refuses_others(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    store.append(ran_freely()).await?;
    store.append(ran_freely()).await?;
    store.append(to_stream(Stream::Allowed, Event::Ignored(ignored()))).await?;
    same!(store.history(Stream::Allowed).await?.len(), 3, "the number of records in `allowed`");
    let up = Append { stream: Stream::Allowed, ..sample::process_up() };
    illegal(&store, up, Illegal::OtherStream, "a process in `allowed`").await?;
    let requested = Append { stream: Stream::Allowed, ..Sample::new().opens() };
    illegal(&store, requested, Illegal::OtherStream, "a request in `allowed`").await
}

/// An approval that a test's mock gave must not open a live request.
pub(in crate::conformance) async fn live_and_test_records_do_not_mix_in_one_request(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    for (env, other) in [(Env::Live, Env::Test), (Env::Test, Env::Live)] {
        let sample = Sample::new().env(env);
        store.append(sample.opens()).await?;
        let crossed = Append { env: other, ..sample.at(1, [sample.approved_by("ann")]) };
        illegal(&store, crossed, Illegal::OtherEnv, "a review from the other environment").await?;
        let summary = listed(&store, &sample).await?;
        same!(summary.map(|summary| summary.env), Some(env), "the environment in the summary");
        let history = store.history(sample.stream()).await?;
        let found: Vec<_> = history.iter().map(|record| record.body.env).collect();
        same!(found, [env], "the environments in the history");
    }
    Ok(())
}

fn ignored() -> Ignored {
    let (what, why) = (IgnoredWhat::Approve, IgnoredWhy::UnknownRequest);
    Ignored { what, why, by: None, way: None, identity: None }
}
