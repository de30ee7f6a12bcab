//! One append: whole or not at all, at the version it was written for, and legal.

use std::sync::Arc;

use crate::conformance::check::Checked;
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, all, conflicts, illegal, refused, state};
use crate::id::{Seq, Version};
use crate::ledger::{Append, Appended, Event, StoreErrorKind};
use crate::state::{Illegal, Phase};

pub(in crate::conformance) async fn an_append_answers_with_the_place_and_version_of_its_last_record(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().people(2);
    let first = store.append(sample.opens()).await?;
    same!(end(&first), (Seq(1), Version(1)), "the first append");
    let note = store.append(sample.note(sample::viewed_by("ann"))).await?;
    same!(end(&note), (Seq(2), Version(1)), "a note");
    let both = [sample.approved_by("ann"), sample.approved_by("ben")];
    let batch = store.append(sample.at(1, both)).await?;
    same!(end(&batch), (Seq(4), Version(3)), "a batch of two");
    Ok(())
}

fn end(appended: &Appended) -> (Seq, Version) {
    (appended.seq, appended.version)
}

pub(in crate::conformance) async fn an_append_answers_with_what_it_wrote_or_with_no_record(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    let mut told = store.append(sample.opens()).await?.records;
    let leaves_out = told.is_empty();
    told.extend(store.append(sample.note(sample::viewed_by("ann"))).await?.records);
    let batch = [sample.approved_by("ann"), sample::viewed_by("ben"), sample::started(sample::claim())];
    told.extend(store.append(sample.at(1, batch)).await?.records);
    ensure!(
        if leaves_out { told.is_empty() } else { told == store.history(sample.stream()).await? },
        "what the appends say that they wrote is not what `history` has; leave it out, or give all of it"
    );
    Ok(())
}

/// Verdict and claim are one append: nothing may come between them.
pub(in crate::conformance) async fn a_batch_is_written_side_by_side(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    let batch = [sample.approved_by("ann"), sample::started(sample::claim()), sample::viewed_by("ben")];
    store.append(sample.at(1, batch)).await?;
    let written: Vec<_> = all(&store).await?.iter().map(|r| (r.seq.0, r.body.event.name())).collect();
    same!(written, [(1, "requested"), (2, "reviewed"), (3, "started"), (4, "viewed")], "the ledger");
    same!(state(&store, &sample).await?.phase(), Phase::Executing, "the phase");
    Ok(())
}

pub(in crate::conformance) async fn a_batch_with_an_illegal_event_writes_nothing(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    let batch = [sample::viewed_by("ben"), sample.approved_by("ann"), sample.approved_by("ann")];
    refused(&store, sample.at(1, batch), "a batch whose last event is illegal").await?;
    same!(all(&store).await?.len(), 1, "the number of records");
    Ok(())
}

pub(in crate::conformance) async fn a_stale_version_conflicts_and_writes_nothing(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().people(3);
    store.append(sample.opens()).await?;
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    // Legal in itself, so that only the version stands against it.
    conflicts(&store, sample.at(1, [sample.approved_by("ben")]), "a review at a stale version").await?;
    store.append(sample.at(2, [sample.approved_by("ben")])).await?;
    Ok(())
}

pub(in crate::conformance) async fn a_version_ahead_conflicts_and_writes_nothing(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    let early = Append { expected: Some(Version(1)), ..sample.opens() };
    conflicts(&store, early, "a first append at version 1").await?;
    store.append(sample.opens()).await?;
    conflicts(&store, sample.at(2, [sample.approved_by("ann")]), "a review at a version to come").await
}

pub(in crate::conformance) async fn an_event_that_is_no_note_needs_a_version(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    let first = Append { expected: None, ..sample.opens() };
    conflicts(&store, first, "a first append without a version").await?;
    store.append(sample.opens()).await?;
    conflicts(&store, sample.note(sample.approved_by("ann")), "a review without a version").await
}

/// Whoever is refused needs the reason: the desk records it, the gate answers with it.
pub(in crate::conformance) async fn an_illegal_event_is_named_and_writes_nothing(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    let unopened = Illegal::Transition { event: "reviewed", phase: Phase::None };
    illegal(&store, sample.at(0, [sample.approved_by("ann")]), unopened, "a review of nothing").await?;
    let unfit = Sample::new().people(0);
    let kind = refused(&store, unfit.opens(), "a request that asks for nobody").await?;
    ensure!(matches!(kind, StoreErrorKind::Illegal(Illegal::Unfit(_))), "an unfit request gives {kind:?}");

    store.append(sample.opens()).await?;
    let claimed = Illegal::Transition { event: "started", phase: Phase::Pending };
    illegal(&store, sample.at(1, [sample::started(sample::claim())]), claimed, "an early claim").await?;
    let own = sample.at(1, [sample.approved_by("olga")]);
    illegal(&store, own, Illegal::Requester, "the requester's own approval").await?;
    let other = sample.at(1, [Sample::new().approved_by("ann")]);
    illegal(&store, other, Illegal::OtherDigest, "an approval of another digest").await?;

    store.append(sample.at(1, [sample.denied_by("ann")])).await?;
    let denied = Illegal::Transition { event: "reviewed", phase: Phase::Denied };
    illegal(&store, sample.at(2, [sample.approved_by("ben")]), denied, "a yes after a no").await
}

/// Strangers may cause notes; a note that moved the version would let them starve a claim.
pub(in crate::conformance) async fn notes_fit_at_any_version_and_do_not_move_it(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    let mut version = Version(1);
    for event in [sample.approved_by("ann"), sample::started(sample::claim())] {
        for person in ["ben", "cleo"] {
            let note = store.append(sample.note(sample::viewed_by(person))).await?;
            same!(note.version, version, "the version after a note");
        }
        let moved = store.append(sample.at(version.0, [event])).await?;
        version = version.next();
        same!(moved.version, version, "the version after an event");
    }
    let notes = |event: &Event| event.is_note();
    let written = store.history(sample.stream()).await?;
    same!(written.iter().filter(|r| notes(&r.body.event)).count(), 4, "the number of notes");
    Ok(())
}
