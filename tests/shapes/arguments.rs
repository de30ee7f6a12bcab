//! Arguments: shown under the names and with the values that the body sees.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;
use std::time::Duration;

use approvals::testing::MockBackend;
use approvals::{Approvals, ErrorKind, Secret, requires_approval};
use serde::Serialize;

use crate::support::{OpsError, Refusal, Res, SECRET, gated, ran};

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Order {
    id: u64,
    lines: Vec<(String, u8)>,
}

fn order() -> Order {
    Order { id: 7, lines: vec![("tea".to_owned(), 2)] }
}

const ORDER: &str = r#"{"id":7,"lines":[["tea",2]]}"#;

/// What a framework wraps arguments in.
struct Parameters<T>(T);

/// Not serialisable.
struct Pool {
    name: &'static str,
}

#[requires_approval(risk = "high")]
async fn newtype(Parameters(order): Parameters<Order>) -> Res<Order> {
    ran();
    Ok(order)
}

#[requires_approval(risk = "high")]
async fn newtype_changed(Parameters(mut order): Parameters<Order>) -> Res<u64> {
    ran();
    order.id += 1;
    Ok(order.id)
}

#[tokio::test]
async fn a_newtype_around_one_name_is_shown_under_that_name() {
    let outcome = gated(&[("order", ORDER)], async || newtype(Parameters(order())).await).await;
    assert_eq!(outcome.unwrap(), order());
    let outcome = gated(&[("order", ORDER)], async || newtype_changed(Parameters(order())).await).await;
    assert_eq!(outcome.unwrap(), 8);
}

#[requires_approval(risk = "high")]
async fn changed(mut rows: u64, total: &mut u64, names: &mut Vec<String>) -> Res<u64> {
    ran();
    rows += 1;
    *total += rows;
    names.push("one".to_owned());
    Ok(rows)
}

#[tokio::test]
async fn mutable_arguments_are_shown_as_they_come_and_changed_by_the_body() {
    let (mut total, mut names) = (10, Vec::new());
    let shown = [("rows", "1"), ("total", "10"), ("names", "[]")];
    let outcome = gated(&shown, async || changed(1, &mut total, &mut names).await).await;
    assert_eq!((outcome.unwrap(), total, names.len()), (2, 12, 1));
}

#[requires_approval(risk = "high")]
async fn generic<'a, T, const N: usize>(
    items: [T; N],
    name: &'a str,
    fallback: &'a str,
) -> Res<(&'a str, usize)>
where
    [T; N]: Serialize,
{
    ran();
    drop(items);
    Ok(if N > 1 { (name, N) } else { (fallback, N) })
}

#[requires_approval(risk = "high")]
async fn elided(text: &str) -> Res<&str> {
    ran();
    text.split(' ').next().ok_or(OpsError::Own("empty"))
}

#[requires_approval(risk = "high")]
async fn constants<const LOUD: bool, const LETTER: char>(text: &str) -> Res<String> {
    ran();
    Ok(format!("{text}{LETTER}{LOUD}"))
}

#[requires_approval(risk = "high")]
async fn conditional_type<T: ?Sized + Serialize, #[cfg(not(test))] U>(what: &T) -> Res<usize> {
    ran();
    Ok(size_of_val(what))
}

#[tokio::test]
async fn types_without_a_size_are_shown_and_those_that_are_configured_out_are_not() {
    let shown = [("T", r#""str""#), ("what", r#""abc""#)];
    assert_eq!(gated(&shown, async || conditional_type("abc").await).await.unwrap(), 3);
}

#[tokio::test]
async fn types_and_constants_that_the_caller_chooses_are_shown_and_borrows_come_back() {
    let (name, fallback) = ("n".to_owned(), "f".to_owned());
    let shown =
        [("T", r#""u8""#), ("N", "2"), ("items", "[1,2]"), ("name", r#""n""#), ("fallback", r#""f""#)];
    let outcome = gated(&shown, async || generic([1_u8, 2], &name, &fallback).await).await;
    assert_eq!(outcome.unwrap(), ("n", 2));
    let text = "one two".to_owned();
    assert_eq!(gated(&[("text", r#""one two""#)], async || elided(&text).await).await.unwrap(), "one");
    let shown = [("LOUD", "true"), ("LETTER", r#""!""#), ("text", r#""a""#)];
    assert_eq!(gated(&shown, async || constants::<true, '!'>("a").await).await.unwrap(), "a!true");
}

#[requires_approval(risk = "high")]
async fn unnamed(
    items: impl IntoIterator<Item = u8> + Serialize,
    what: &(impl Display + Serialize + ?Sized),
) -> Res<String> {
    ran();
    let sum: u8 = items.into_iter().sum();
    Ok(format!("{sum} {what}"))
}

#[requires_approval(risk = "high")]
async fn unsized_behind_pointers(
    #[approval(show = what.to_string())] what: &dyn Display,
    slice: &[u8],
    boxed: Box<str>,
    #[approval(skip = "code")] make: Box<dyn Fn(usize) -> usize>,
) -> Res<usize> {
    ran();
    Ok(make(what.to_string().len() + slice.len() + boxed.len()))
}

#[tokio::test]
async fn unsized_arguments_behind_pointers() {
    let shown =
        [("what", r#""7""#), ("slice", "[1,2]"), ("boxed", r#""abc""#), ("make", "(not shown: code)")];
    let call = async || unsized_behind_pointers(&7, &[1, 2], "abc".into(), Box::new(|rows| rows * 2)).await;
    assert_eq!(gated(&shown, call).await.unwrap(), 12);
}

#[requires_approval(risk = "high")]
async fn called(#[approval(skip = "code")] make: impl AsyncFnOnce(u8) -> u8, rows: u8) -> Res<u8> {
    ran();
    Ok(make(rows).await)
}

#[tokio::test]
async fn arguments_of_unnamed_types() {
    let shown = [
        ("type of items", r#""alloc::vec::Vec<u8>""#),
        ("items", "[1,2]"),
        ("type of what", r#""&str""#),
        ("what", r#""rows""#),
    ];
    assert_eq!(gated(&shown, async || unnamed(vec![1, 2], "rows").await).await.unwrap(), "3 rows");
    let make = format!("{:?}", std::any::type_name_of_val(&double));
    let shown = [("type of make", make.as_str()), ("make", "(not shown: code)"), ("rows", "3")];
    assert_eq!(gated(&shown, async || called(double, 3).await).await.unwrap(), 6);
}

async fn double(rows: u8) -> u8 {
    tokio::task::yield_now().await;
    rows * 2
}

trait Target {
    const NAME: &'static str;
}

struct Dev;
struct Prod;

impl Target for Dev {
    const NAME: &'static str = "dev";
}

impl Target for Prod {
    const NAME: &'static str = "prod";
}

fn name_of<T: Target>(_: &T) -> &'static str {
    T::NAME
}

#[requires_approval(risk = "high", key = "{rows}")]
async fn wipe(
    rows: u8,
    #[approval(skip = "a handle")] target: impl Target,
    #[cfg(not(test))]
    #[approval(skip = "a handle")]
    other: impl NoSuchTrait,
) -> Res<&'static str> {
    ran();
    Ok(name_of(&target))
}

#[tokio::test]
async fn an_approval_for_one_unnamed_type_is_none_for_another() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    assert_eq!(approvals.scope(wipe(1, Dev)).await.unwrap(), "dev");
    let refused = approvals.scope(wipe(1, Prod)).await.err().and_then(|error| error.refusal());
    assert_eq!(refused, Some(ErrorKind::KeyReused));
    approvals.shutdown().await.unwrap();
}

#[requires_approval(risk = "high")]
async fn conditional(
    rows: u8,
    #[cfg(not(test))] absent: NoSuchType,
    #[cfg(test)] present: &mut u8,
    #[cfg(not(test))]
    #[approval(secret)]
    token: NoSuchType,
) -> Res<()> {
    ran();
    *present += rows;
    Ok(())
}

#[tokio::test]
async fn arguments_that_are_configured_out_are_not_shown() {
    let mut present = 1;
    gated(&[("rows", "1"), ("present", "1")], async || conditional(1, &mut present).await).await.unwrap();
    assert_eq!(present, 2);
}

#[requires_approval(risk = "high", reason = "{type} {r#match}", labels(r#fn = r#type))]
async fn r#async(r#type: u8, r#match: &str) -> Res<usize> {
    ran();
    Ok(r#match.len() + usize::from(r#type))
}

#[tokio::test]
async fn raw_identifiers_are_shown_without_their_prefix() {
    let shown = [("type", "1"), ("match", r#""abc""#)];
    assert_eq!(gated(&shown, async || r#async(1, "abc").await).await.unwrap(), 4);
}

#[requires_approval(risk = "high")]
async fn named_like_ours(
    gate: u8,
    permit: u8,
    turn: u8,
    outcome: u8,
    output: u8,
    refusal: u8,
    step: u8,
) -> Res<[u8; 7]> {
    ran();
    Ok([gate, permit, turn, outcome, output, refusal, step])
}

#[tokio::test]
async fn names_of_the_expansion_are_free_for_arguments() {
    let names = ["gate", "permit", "turn", "outcome", "output", "refusal", "step"];
    let values = ["1", "2", "3", "4", "5", "6", "7"];
    let shown: Vec<_> = names.into_iter().zip(values).collect();
    let outcome = gated(&shown, async || named_like_ours(1, 2, 3, 4, 5, 6, 7).await).await;
    assert_eq!(outcome.unwrap(), [1, 2, 3, 4, 5, 6, 7]);
}

#[requires_approval(risk = "high")]
async fn marked(
    #[approval(show = pool.name)] pool: Pool,
    #[approval(skip = "a handle")] _other: Pool,
    #[approval(show = { let mut all: Vec<_> = ids.iter().collect(); all.sort(); all })] ids: HashSet<u64>,
    #[approval(secret)] token: String,
) -> Res<(&'static str, usize)> {
    ran();
    Ok((pool.name, ids.len() + token.len()))
}

#[tokio::test]
async fn marked_arguments_are_shown_as_their_mark_says_and_reach_the_body_whole() {
    let shown =
        [("pool", r#""main""#), ("_other", "(not shown: a handle)"), ("ids", "[1,3,5]"), ("token", SECRET)];
    let call = async || {
        let (pool, other) = (Pool { name: "main" }, Pool { name: "other" });
        marked(pool, other, HashSet::from([5, 1, 3]), "hunter2".to_owned()).await
    };
    assert_eq!(gated(&shown, call).await.unwrap(), ("main", 10));
}

#[requires_approval(risk = "high")]
async fn secrets(
    #[approval(secret)] text: &str,
    #[approval(secret)] bytes: Vec<u8>,
    #[approval(secret)] slice: &[u8],
    #[approval(secret)] none: Option<String>,
    #[approval(secret)] kept: Secret<String>,
    #[approval(secret)] lent: &String,
) -> Res<usize> {
    ran();
    let kept = kept.expose().len();
    Ok(text.len() + bytes.len() + slice.len() + none.map_or(0, |none| none.len()) + kept + lent.len())
}

#[tokio::test]
async fn secrets_of_every_kind_of_text_and_bytes() {
    let names = ["text", "bytes", "slice", "none", "kept", "lent"];
    let shown = names.map(|name| (name, SECRET));
    let lent = "6".to_owned();
    let call = async || secrets("1", vec![2], &[3], None, Secret::new("5".to_owned()), &lent).await;
    assert_eq!(gated(&shown, call).await.unwrap(), 5);
}

#[derive(Clone, Serialize)]
struct Login {
    user: &'static str,
    password: Secret<String>,
}

#[requires_approval(risk = "high")]
async fn wide(
    big: u128,
    map: HashMap<(u8, u8), i64>,
    wait: Duration,
    login: Login,
    sorted: BTreeMap<u64, Option<()>>,
) -> Res<u128> {
    ran();
    drop((map, wait, login.user, login.password, sorted));
    Ok(big)
}

#[tokio::test]
async fn values_that_json_alone_cannot_hold_are_shown() {
    let login = Login { user: "ann", password: Secret::new("hunter2".to_owned()) };
    let shown = [
        ("big", r#"{"$int":"340282366920938463463374607431768211455"}"#),
        ("map", r#"{"[1,2]":-1}"#),
        ("wait", r#"{"nanos":5,"secs":1}"#),
        ("login", r#"{"password":"•••","user":"ann"}"#),
        ("sorted", r#"{"9":null}"#),
    ];
    let call = async || {
        let map = HashMap::from([((1, 2), -1)]);
        wide(u128::MAX, map, Duration::new(1, 5), login.clone(), BTreeMap::from([(9, None)])).await
    };
    assert_eq!(gated(&shown, call).await.unwrap(), u128::MAX);
}

macro_rules! gated_by_macro {
    ($name:ident, $risk:expr, $argument:ident: $ty:ty) => {
        #[requires_approval(risk = $risk)]
        async fn $name($argument: $ty, here: u8) -> Res<($ty, u8)> {
            ran();
            Ok(($argument, here))
        }
    };
}

gated_by_macro!(by_macro, "high", rows: u64);
gated_by_macro!(by_macro_again, approvals::Risk::High, here_too: &'static str);

macro_rules! gated_parts {
    ($(#[$meta:meta])* $name:ident(($pattern:pat): $ty:ty) -> $output:ty, $reason:literal, $body:block) => {
        $(#[$meta])*
        #[requires_approval(risk = "high", reason = $reason)]
        async fn $name($pattern: $ty) -> $output $body
    };
}

gated_parts!(
    /// Says what it does.
    by_parts((rows): u8) -> Res<u8>, "{rows}", {
        ran();
        if rows == 0 {
            return Err(OpsError::Own("none"));
        }
        Ok(rows)
    }
);

macro_rules! gated_item {
    ($item:item) => {
        #[requires_approval(risk = "high")]
        $item
    };
}

gated_item!(
    async fn by_item(rows: u8) -> Res<u8> {
        ran();
        Ok(rows)
    }
);

#[tokio::test]
async fn functions_whose_parts_a_macro_hands_on() {
    assert_eq!(gated(&[("rows", "1")], async || by_parts(1).await).await.unwrap(), 1);
    assert_eq!(gated(&[("rows", "1")], async || by_item(1).await).await.unwrap(), 1);
}

#[tokio::test]
async fn functions_that_a_macro_writes() {
    let outcome = gated(&[("rows", "1"), ("here", "2")], async || by_macro(1, 2).await).await;
    assert_eq!(outcome.unwrap(), (1, 2));
    let shown = [("here_too", r#""a""#), ("here", "2")];
    assert_eq!(gated(&shown, async || by_macro_again("a", 2).await).await.unwrap(), ("a", 2));
}
