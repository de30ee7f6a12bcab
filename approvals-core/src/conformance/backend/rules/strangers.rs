//! Answers of people who may not give them, or who are not who they say.

use std::sync::Arc;

use crate::conformance::backend::Does;
use crate::conformance::backend::bench::{Asked, Bench, ZOE};
use crate::conformance::backend::call::Ask;
use crate::conformance::backend::life::Life;
use crate::conformance::check::{Checked, Failure};
use crate::ledger::{Answer, Event, IgnoredWhat, IgnoredWhy};

/// A request of which somebody has done this, who must not decide it.
async fn after(bench: &Bench, does: Does) -> Result<(Life, Asked), Failure> {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.act(&asked, does).await?;
    Ok((life, asked))
}

/// Nothing of it counted: a denial that comes behind it is the first answer.
async fn nothing_counted(bench: &Bench, asked: &mut Asked) -> Checked {
    bench.elsewhere(asked, ZOE, Answer::Deny).await?;
    let outcome = bench.outcome(asked).await?;
    let by: Vec<_> = bench.reviews(asked).await?.into_iter().map(|review| review.by).collect();
    same!(by, [ZOE.into()], "whose answers counted");
    same!(asked.runs(), 0, "how often the body ran, which ended as {outcome:?}");
    Ok(())
}

pub(in crate::conformance) async fn a_forged_answer_leaves_no_trace_on_the_request(
    bench: Arc<Bench>,
) -> Checked {
    let (_life, mut asked) = after(&bench, Does::ApproveForged).await?;
    nothing_counted(&bench, &mut asked).await?;
    // Law 11: strangers are counted, or they could fill the disk a record at a time.
    let history = bench.history(&asked).await?;
    let ignored = history.iter().filter(|record| matches!(record.body.event, Event::Ignored(_))).count();
    same!(ignored, 0, "the records about input that proves nothing");
    Ok(())
}

pub(in crate::conformance) async fn an_answer_of_a_stranger_is_recorded_and_does_not_count(
    bench: Arc<Bench>,
) -> Checked {
    let (_life, mut asked) = after(&bench, Does::ApproveAsStranger).await?;
    let ignored = bench.ignored(&asked).await?;
    same!((ignored.what, ignored.why), (IgnoredWhat::Approve, IgnoredWhy::Unmapped), "what is recorded");
    nothing_counted(&bench, &mut asked).await
}

pub(in crate::conformance) async fn a_foreign_identity_counts_for_nobody(bench: Arc<Bench>) -> Checked {
    let (_life, mut asked) = after(&bench, Does::ApproveAsForeigner).await?;
    nothing_counted(&bench, &mut asked).await
}

pub(in crate::conformance) async fn an_answer_for_another_digest_does_not_count(
    bench: Arc<Bench>,
) -> Checked {
    let (_life, mut asked) = after(&bench, Does::ApproveOtherDigest).await?;
    nothing_counted(&bench, &mut asked).await
}
