//! What a gated function may return, and that it comes through unchanged.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, ErrorKind, requires_approval};

use crate::support::{OpsError, Refusal, Res, gated, ran, runs};

#[requires_approval(risk = "high")]
async fn alias(fails: bool) -> Res<u8> {
    ran();
    if fails { Err(OpsError::Own("broken")) } else { Ok(7) }
}

#[tokio::test]
async fn an_alias_with_a_default_error() {
    assert_eq!(gated(&[("fails", "false")], async || alias(false).await).await.unwrap(), 7);
}

#[tokio::test]
async fn an_error_of_the_body_stays_the_bodys_own() {
    let outcome = gated(&[("fails", "true")], async || alias(true).await).await;
    assert!(matches!(outcome, Err(OpsError::Own("broken"))));
}

#[requires_approval(risk = "high")]
async fn alias_with_another_error(rows: u8) -> Res<u8, anyhow::Error> {
    ran();
    Ok(rows)
}

macro_rules! output {
    ($ty:ty) => {
        Result<$ty, OpsError>
    };
}

#[requires_approval(risk = "high")]
async fn by_macro(rows: u8) -> output!(u8) {
    ran();
    Ok(rows)
}

#[tokio::test]
async fn an_alias_with_another_error_and_a_type_that_a_macro_writes() {
    let rows = [("rows", "1")];
    assert_eq!(gated(&rows, async || alias_with_another_error(1).await).await.unwrap(), 1);
    assert_eq!(gated(&rows, async || by_macro(1).await).await.unwrap(), 1);
}

#[requires_approval(risk = "high")]
async fn refusal_itself(rows: u8) -> Result<u8, ApprovalError> {
    ran();
    Ok(rows)
}

#[requires_approval(risk = "high")]
async fn any_error(text: &str) -> anyhow::Result<u8> {
    ran();
    let number: u8 = text.parse()?;
    anyhow::ensure!(number > 0, "zero");
    Ok(number)
}

#[requires_approval(risk = "high")]
async fn io_error(size: usize) -> io::Result<usize> {
    ran();
    if size == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(size)
}

#[tokio::test]
async fn errors_of_the_refusal_itself_anyhow_and_io() {
    assert_eq!(gated(&[("rows", "1")], async || refusal_itself(1).await).await.unwrap(), 1);
    let text = [("text", r#""12""#)];
    assert_eq!(gated(&text, async || any_error("12").await).await.unwrap(), 12);
    let outcome = gated(&[("text", r#""x""#)], async || any_error("x").await).await;
    assert!(outcome.unwrap_err().is::<std::num::ParseIntError>());
    assert_eq!(gated(&[("size", "1")], async || io_error(1).await).await.unwrap(), 1);
    let outcome = gated(&[("size", "0")], async || io_error(0).await).await;
    assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[requires_approval(risk = "high")]
async fn boxed(text: &str) -> Result<u8, Box<dyn Error + Send + Sync>> {
    ran();
    match text.parse::<u8>()? {
        0 => return Err("zero".into()),
        1 => Err(Box::new(fmt::Error)),
        number => Ok(number),
    }
}

#[requires_approval(risk = "high")]
async fn boxed_for_one_thread(text: &str) -> Result<u8, Box<dyn Error>> {
    ran();
    match text.parse::<u8>()? {
        0 => return Err("zero".into()),
        1 => Err(Box::new(fmt::Error)),
        number => Ok(number),
    }
}

#[tokio::test]
async fn boxed_errors_are_made_by_question_mark_return_and_tail() {
    for (text, wanted) in
        [("x", "invalid digit found in string"), ("0", "zero"), ("1", &*fmt::Error.to_string())]
    {
        let shown = format!("{text:?}");
        let shown = [("text", &*shown)];
        assert_eq!(gated(&shown, async || boxed(text).await).await.unwrap_err().to_string(), wanted);
        let outcome = gated(&shown, async || boxed_for_one_thread(text).await).await;
        assert_eq!(outcome.unwrap_err().to_string(), wanted);
    }
    assert_eq!(gated(&[("text", r#""9""#)], async || boxed("9").await).await.unwrap(), 9);
}

#[requires_approval(risk = "high")]
async fn never_ok(wait: bool) -> Result<Infallible, OpsError> {
    ran();
    if wait {
        std::future::pending::<()>().await;
    }
    Err(OpsError::Own("over"))
}

#[requires_approval(risk = "high")]
async fn never_returns() -> Res<Infallible> {
    ran();
    loop {
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn a_function_that_can_only_fail() {
    let outcome = gated(&[("wait", "false")], async || never_ok(false).await).await;
    assert!(matches!(outcome, Err(OpsError::Own("over"))));
}

#[tokio::test]
async fn a_function_that_never_returns_is_refused_or_runs_until_it_is_dropped() {
    let mock = MockBackend::new().deny("no");
    let approvals = Approvals::test(&mock);
    let Err(refusal) = approvals.scope(never_returns()).await;
    assert_eq!(refusal.refusal(), Some(ErrorKind::Denied));
    assert_eq!(runs(), 0);
    mock.approve();
    let local = tokio::task::LocalSet::new();
    let call = local.spawn_local(approvals.scope(never_returns()));
    let begun = async {
        while runs() == 0 {
            tokio::task::yield_now().await;
        }
    };
    local.run_until(begun).await;
    call.abort();
    assert!(local.run_until(call).await.unwrap_err().is_cancelled());
    assert_eq!(runs(), 1);
    approvals.shutdown().await.unwrap();
}

#[requires_approval(risk = "high")]
async fn opaque(count: u8) -> Result<impl Iterator<Item = u8>, OpsError> {
    ran();
    Ok(0..count)
}

#[requires_approval(risk = "high")]
async fn opaque_inside(count: u8) -> Res<Option<(u8, impl Iterator<Item = impl fmt::Display>)>> {
    ran();
    Ok(Some((count, (0..count).map(|number| format!("#{number}")))))
}

#[requires_approval(risk = "high")]
async fn opaque_error(rows: u8) -> Result<u8, impl From<ApprovalError> + Refusal> {
    ran();
    Ok::<_, OpsError>(rows)
}

#[tokio::test]
async fn what_has_no_name_is_returned() {
    let outcome = gated(&[("count", "3")], async || opaque(3).await).await;
    assert_eq!(outcome.unwrap().sum::<u8>(), 3);
    let outcome = gated(&[("count", "2")], async || opaque_inside(2).await).await;
    let (count, items) = outcome.unwrap().unwrap();
    assert_eq!((count, items.map(|item| item.to_string()).collect::<String>()), (2, "#0#1".to_owned()));
    let outcome = gated(&[("rows", "4")], async || opaque_error(4).await).await;
    assert_eq!(outcome.ok(), Some(4));
}

#[requires_approval(risk = "high")]
async fn borrowed_object(rows: &[u8]) -> Result<Box<dyn Iterator<Item = u8> + '_>, OpsError> {
    ran();
    Ok(Box::new(rows.iter().copied()))
}

#[requires_approval(risk = "high")]
async fn object(rows: u8) -> Res<Box<dyn Iterator<Item = u8>>> {
    ran();
    Ok(Box::new(0..rows))
}

#[requires_approval(risk = "high")]
async fn object_behind_a_reference(rows: &u8) -> Res<&(dyn fmt::Debug + Sync)> {
    ran();
    Ok(rows)
}

#[tokio::test]
async fn objects_are_made_in_the_tail() {
    let rows = [1, 2];
    let outcome = gated(&[("rows", "[1,2]")], async || borrowed_object(&rows).await).await;
    assert_eq!(outcome.unwrap().sum::<u8>(), 3);
    assert_eq!(gated(&[("rows", "3")], async || object(3).await).await.unwrap().count(), 3);
    let outcome = gated(&[("rows", "1")], async || object_behind_a_reference(&rows[0]).await).await;
    assert_eq!(format!("{:?}", outcome.unwrap()), "1");
}

/// An error of another crate, for which `From` cannot be written here.
type Foreign = String;

impl Refusal for Foreign {
    fn refusal(&self) -> Option<ErrorKind> {
        self.contains("denied").then_some(ErrorKind::Denied)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the option hands the refusal over")]
fn foreign(refusal: ApprovalError) -> Foreign {
    format!("denied: {refusal}")
}

#[requires_approval(risk = "high", error = foreign)]
async fn by_path(rows: u8) -> Result<u8, String> {
    ran();
    if rows == 0 { Err("none".into()) } else { Ok(rows) }
}

#[requires_approval(risk = "high", error = |refusal| format!("denied {}, of {rows}", refusal.kind()))]
async fn by_closure(rows: u8) -> Result<u8, String> {
    ran();
    Ok(rows)
}

#[tokio::test]
async fn errors_of_other_crates_are_made_by_a_function_or_a_closure() {
    assert_eq!(gated(&[("rows", "1")], async || by_path(1).await).await, Ok(1));
    assert_eq!(gated(&[("rows", "0")], async || by_path(0).await).await, Err("none".to_owned()));
    assert_eq!(gated(&[("rows", "1")], async || by_closure(1).await).await, Ok(1));
}

#[tokio::test]
async fn with_nothing_installed_no_body_runs() {
    assert_eq!(alias(false).await.unwrap_err().refusal(), Some(ErrorKind::NotInstalled));
    assert_eq!(boxed("9").await.unwrap_err().refusal(), Some(ErrorKind::NotInstalled));
    assert_eq!(runs(), 0);
}
