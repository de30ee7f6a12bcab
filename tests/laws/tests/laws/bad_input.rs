//! Bad input: a typed error that names the remedy, the body shut, the ledger intact. And good input that looks bad.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use approvals::request::Requirement;
use approvals::{ErrorKind, Risk, requires_approval};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};

use crate::support::*;

/// What an argument of a test may be.
trait Given: Serialize + Send + Sync {}

impl<T: Serialize + Send + Sync> Given for T {}

#[requires_approval(risk = "high", action = "bad.take")]
async fn take<T: Given>(#[approval(skip = "counts the runs")] runs: Runs, value: T) -> Res<()> {
    runs.enter().await;
    drop(value);
    Ok(())
}

#[requires_approval(risk = "high", action = "bad.keyed", key = "{name}")]
async fn take_keyed<T: Given>(
    #[approval(skip = "counts the runs")] runs: Runs,
    name: &str,
    value: T,
) -> Res<()> {
    runs.enter().await;
    drop((name, value));
    Ok(())
}

/// Nobody is asked, nothing runs, and the error says how to mend it.
async fn shut(value: impl Given, kind: ErrorKind, remedy: &[&str]) {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let error = refused(at_once(approvals.scope(take(bench.runs.clone(), &value))).await, kind, remedy);
    assert!(error.message_for_model().contains("has to be mended by a person"), "{error}");
    refused(at_once(approvals.scope(take_keyed(bench.runs.clone(), "k", &value))).await, kind, remedy);
    assert_eq!(bench.runs.count(), 0);
    assert!(bench.store.intact().await.is_empty() && bench.mock.cards().is_empty());
    bench.ends(approvals).await;
}

/// It is asked and runs; the card shows this.
async fn fine(value: impl Given, shows: &str) {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    approvals.scope(take_keyed(bench.runs.clone(), "k", value)).await.unwrap();
    let card = bench.card().await;
    let value = card.arguments.iter().find(|argument| argument.name == "value").unwrap();
    assert_eq!(value.value.visible(), shows);
    assert_eq!(bench.runs.count(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn huge_arguments_are_refused() {
    shut("x".repeat(70_000), ErrorKind::Invalid, &["`value`", "65536 bytes", "show"]).await;
    shut(vec![0_u64; 100_000], ErrorKind::Invalid, &["`value`", "show"]).await;
}

#[requires_approval(risk = "high", action = "bad.two")]
async fn two(#[approval(skip = "counts the runs")] runs: Runs, first: String, second: String) -> Res<()> {
    runs.enter().await;
    drop((first, second));
    Ok(())
}

#[tokio::test]
async fn arguments_that_are_huge_only_together_are_refused() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let half = "x".repeat(40_000);
    let outcome = at_once(approvals.scope(two(bench.runs.clone(), half.clone(), half))).await;
    refused(outcome, ErrorKind::Invalid, &["65536 bytes", "a digest or a length"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
    let more = bench.builder().max_arguments(200_000).build().await.unwrap();
    let half = "x".repeat(40_000);
    more.scope(two(bench.runs.clone(), half.clone(), half)).await.unwrap();
    bench.ends(more).await;
}

#[tokio::test]
async fn a_reason_or_label_that_is_huge_is_refused() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let disk: &'static str = "x".repeat(5_000).leak();
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), disk))).await;
    refused(outcome, ErrorKind::Invalid, &["the reason", "4096 bytes", "shorten"]);
    let context = approvals::Context::new().label("incident", "x".repeat(5_000));
    let outcome = at_once(approvals.acting(context, wipe(bench.runs.clone(), "sda"))).await;
    refused(outcome, ErrorKind::Invalid, &["the label", "4096 bytes", "shorten"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
    let more = bench.builder().max_text(10_000).build().await.unwrap();
    more.scope(wipe(bench.runs.clone(), disk)).await.unwrap();
    bench.ends(more).await;
}

#[tokio::test]
async fn an_empty_key_is_refused() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "", 5))).await;
    refused(outcome, ErrorKind::Invalid, &["name what makes two calls the same"]);
    bench.ends(approvals).await;
}

struct Deep(u32);

impl Serialize for Deep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => serializer.serialize_unit(),
            more => [Deep(more - 1)].serialize(serializer),
        }
    }
}

#[tokio::test]
async fn what_nests_too_deep_is_refused() {
    shut(Deep(10_000), ErrorKind::Invalid, &["deeper", "show"]).await;
}

struct Counting(AtomicU64);

impl Serialize for Counting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.fetch_add(1, SeqCst))
    }
}

#[tokio::test]
async fn what_serialises_differently_twice_is_refused() {
    let counting = Counting(AtomicU64::new(0));
    shut(counting, ErrorKind::Unstable, &["`value`", "#[approval(show"]).await;
}

struct Broken;

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no bytes today"))
    }
}

#[tokio::test]
async fn what_does_not_serialise_is_refused() {
    shut(Broken, ErrorKind::Invalid, &["no bytes today", "show"]).await;
    shut(f64::NAN, ErrorKind::Invalid, &["NaN", "`Option`"]).await;
}

#[tokio::test]
async fn an_object_with_the_one_key_that_stands_for_large_integers_is_refused() {
    let forged = BTreeMap::from([("$int", "5")]);
    shut(forged, ErrorKind::Invalid, &["`$int`", "rename the field"]).await;
    let beside = BTreeMap::from([("$int", 1), ("other", 2)]);
    fine(beside, r#"{"$int":1,"other":2}"#).await;
}

struct Twice;

impl Serialize for Twice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("to", "bob")?;
        map.serialize_entry("to", "eve")?;
        map.end()
    }
}

#[tokio::test]
async fn an_object_with_a_key_twice_is_refused() {
    shut(Twice, ErrorKind::Invalid, &["same text", "show"]).await;
}

type Unordered = HashSet<u8>;

#[requires_approval(risk = "high", action = "bad.set", key = "{name}")]
async fn set(#[approval(skip = "counts the runs")] runs: Runs, name: &str, ids: Unordered) -> Res<()> {
    runs.enter().await;
    drop((name, ids));
    Ok(())
}

#[tokio::test]
async fn a_hash_set_behind_an_alias_is_refused_under_a_key() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let outcome = at_once(approvals.scope(set(bench.runs.clone(), "n", HashSet::from([1, 2])))).await;
    refused(outcome, ErrorKind::Invalid, &["`ids`", "`BTreeSet`", "#[approval(show"]);
    assert_eq!(bench.runs.count(), 0);
    assert!(bench.store.intact().await.is_empty());
    bench.ends(approvals).await;
}

#[tokio::test]
async fn integers_of_any_size_and_maps_with_any_key_are_good_input() {
    fine(u128::MAX, r#"{"$int":"340282366920938463463374607431768211455"}"#).await;
    fine(i64::MIN, r#"{"$int":"-9223372036854775808"}"#).await;
    fine((1_u64 << 53) - 1, "9007199254740991").await;
    fine(1_u64 << 53, r#"{"$int":"9007199254740992"}"#).await;
    fine(BTreeMap::from([((1_u8, 2_u8), 'x')]), r#"{"[1,2]":"x"}"#).await;
    fine(BTreeMap::from([(7_u32, "a"), (10, "b")]), r#"{"10":"b","7":"a"}"#).await;
    fine(-0.0_f64, "0").await;
}

#[requires_approval(
    risk = if rows > 3 { Risk::Critical } else { Risk::High },
    action = "bad.purge"
)]
async fn purge(#[approval(skip = "counts the runs")] runs: Runs, rows: u64) -> Res<()> {
    let _ = rows;
    runs.enter().await;
    Ok(())
}

const SHOW_ALL: &[&str] = &["`runs` is skipped", "risk `critical`", "mark it secret", "lower the risk"];

#[tokio::test]
async fn nothing_may_be_skipped_where_the_arguments_make_the_risk_critical() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    refused(at_once(approvals.scope(purge(bench.runs.clone(), 4))).await, ErrorKind::Invalid, SHOW_ALL);
    assert_eq!(bench.runs.count(), 0);
    assert!(bench.store.intact().await.is_empty() && bench.mock.cards().is_empty());
    approvals.scope(purge(bench.runs.clone(), 3)).await.unwrap();
    assert_eq!(bench.runs.count(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn nothing_may_be_skipped_where_policy_makes_the_risk_critical() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    bench.policy.says(Says::Ask(Requirement::at(Risk::Critical)));
    let error =
        refused(at_once(approvals.scope(purge(bench.runs.clone(), 1))).await, ErrorKind::Invalid, SHOW_ALL);
    assert!(error.to_string().contains("policy raises the risk"), "{error}");
    assert_eq!(bench.runs.count(), 0);
    assert!(bench.store.intact().await.is_empty() && bench.mock.cards().is_empty());
    bench.ends(approvals).await;
}
