//! Two handles on one ledger, as two processes have them.

use std::sync::Arc;

use crate::conformance::check::Checked;
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, all, conflicts, listed};
use crate::id::Seq;
use crate::request::{Commitment, Seed, StoreKey};

/// What was answered `Ok` is visible to every process: no handle may answer from what it remembers.
pub(in crate::conformance) async fn what_one_handle_wrote_another_reads_at_once(
    bench: Arc<Bench>,
) -> Checked {
    let [near, far] = bench.open_two().await?;
    let sample = Sample::new();
    near.append(sample.opens()).await?;
    for round in 0..4_u64 {
        let (writer, reader) = if round % 2 == 0 { (&near, &far) } else { (&far, &near) };
        // Looking before and after the write, so that a reader that keeps what it saw is found out.
        same!(reader.last().await?, Seq(round + 1), "the last place before the write");
        reader.history(sample.stream()).await?;
        writer.append(sample.note(sample::viewed_by("ann"))).await?;
        same!(reader.last().await?, Seq(round + 2), "the last place after another handle's write");
        let (read, written) =
            (reader.history(sample.stream()).await?, writer.history(sample.stream()).await?);
        same!(read.len() as u64, round + 2, "the number of records after another handle's write");
        ensure!(read == written, "two handles read two histories");
        ensure!(all(reader).await? == all(writer).await?, "two handles read two ledgers");
        same!(listed(reader, &sample).await?, listed(writer, &sample).await?, "the summary");
    }
    far.append(sample.at(1, [sample.approved_by("ann")])).await?;
    conflicts(&near, sample.at(1, [sample.denied_by("ben")]), "a review that another handle overtook").await
}

pub(in crate::conformance) async fn the_key_is_the_same_through_every_handle(bench: Arc<Bench>) -> Checked {
    let [near, far] = bench.open_two().await?;
    ensure!(mark(near.key()) == mark(far.key()), "two handles have two keys");
    Ok(())
}

/// What a key does to a secret: the one thing that can be compared, because a key shows itself to nobody.
pub(super) fn mark(key: &StoreKey) -> Commitment {
    Seed::from_bytes([7; 32]).commit_secret("token", &key.digest("token", &"secret"))
}
