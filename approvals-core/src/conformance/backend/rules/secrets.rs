//! The backend's own secrets stay with it.

use std::sync::Arc;

use crate::conformance::backend::bench::{Bench, ZOE};
use crate::conformance::backend::call::Ask;
use crate::conformance::backend::watched::Replied;
use crate::conformance::backend::{Ability, Does, Fault};
use crate::conformance::check::{Checked, Failure};
use crate::ledger::{Answer, Store as _};

fn clean(secrets: &[String], text: &str, place: &str) -> Checked {
    // The place alone: what was found there is not printed a second time.
    ensure!(!secrets.iter().any(|secret| text.contains(secret.as_str())), "a secret stands in {place}");
    Ok(())
}

pub(in crate::conformance) async fn no_secret_stands_in_debug_output(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let secrets = bench.secrets();
    clean(&secrets, &format!("{:?}", life.backend), "`Debug`")?;
    bench.ask_and_show(&life, Ask::once()).await?;
    clean(&secrets, &format!("{:?}", life.backend), "`Debug` of a backend at work")?;
    clean(&secrets, &format!("{:#?}", life.backend), "`Debug` of a backend at work, at length")
}

pub(in crate::conformance) async fn no_secret_is_logged_recorded_or_shown(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let secrets = bench.secrets();
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    clean(&secrets, &bench.view(&asked).await?.text, "what people see")?;
    for does in [Does::ApproveForged, Does::ApproveAsStranger, Does::ApproveOtherDigest, Does::Deny] {
        if bench.can(does.needs()) {
            bench.act(&asked, does).await?;
        }
    }
    if !bench.can(Ability::Answer) {
        bench.elsewhere(&asked, ZOE, Answer::Deny).await?;
    }
    bench.told(&life, &asked, "denied").await?;
    for fault in [Fault::LosesReplies, Fault::IsAway, Fault::Refuses] {
        if bench.can(fault.needs()) {
            bench.fault(fault).await?;
            let asked = bench.ask(&life, Ask::once()).await?;
            let request = asked.request.to_string();
            let reply =
                bench.replied(&life, "the backend did not reply", 1, |reply| reply.is_of(&request)).await?;
            if let Replied::Presented { error: Some(error), .. } = reply {
                clean(&secrets, &error.to_string(), "an error")?;
                clean(&secrets, &format!("{error:?}"), "`Debug` of an error")?;
            }
            asked.drop_the_call();
        }
    }
    for record in bench.ledger.records(crate::id::Seq::START, 10_000).await? {
        clean(&secrets, &String::from_utf8_lossy(&record.bytes), "the ledger")?;
        clean(&secrets, &format!("{:?}", record.payload), "the ledger")?;
    }
    let logs = life.logs.text();
    ensure!(!logs.is_empty(), "nothing was logged, so that nothing was judged");
    life.dies().await.map_err(|Failure(how)| Failure(format!("the process did not end: {how}")))?;
    clean(&secrets, &logs, "the log")
}
