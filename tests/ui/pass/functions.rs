//! Free functions: every kind of argument and return type that the documentation promises.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

use std::collections::HashSet;

use approvals::{ApprovalError, Risk, requires_approval};
use serde::Serialize;

/// The error of the operations.
#[derive(Debug)]
pub struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

type Res<T, E = OpsError> = Result<T, E>;

/// An order.
#[derive(Serialize)]
pub struct Order {
    id: u64,
    price: (u64, String),
}

/// What a framework wraps arguments in.
pub struct Parameters<T>(pub T);

/// Not serialisable.
pub struct Pool {
    name: String,
}

#[requires_approval(
    risk = "high",
    action = "dataset.export",
    reason = "exports {rows:>8} rows of {dataset:?}, {{really}}",
    resource = "dataset:{dataset}",
    key = "{dataset}/{rows}",
    sensitivity = "pii",
    labels(incident = rows + 1, r#type = format!("{dataset}")),
    decide_within = "4h",
    use_within = "15m",
    wait = "30s",
    rerunnable
)]
async fn everything(
    dataset: &str,
    mut rows: u64,
    #[approval(secret)] token: String,
) -> Result<usize, OpsError> {
    rows += 1;
    let rows = usize::try_from(rows).map_err(|_| OpsError)?;
    if rows == 7 {
        return Err(OpsError);
    }
    Ok(rows + dataset.len() + token.len())
}

fn risk_of(cents: u64) -> Risk {
    if cents > 5_000 { Risk::High } else { Risk::Low }
}

#[requires_approval(risk = risk_of(order.price.0), reason = "order {order.id} at {order.price.0} {order.price.1}")]
async fn newtype(Parameters(order): Parameters<Order>) -> Res<u64> {
    Ok(order.id)
}

#[requires_approval(risk = "low", reason = "in {pool} for {why}", show(why = "tidy".to_owned() + "ing"))]
async fn marked(
    #[approval(show = pool.name)] pool: Pool,
    #[approval(skip = "a handle")] _other: Pool,
    #[approval(show = { let mut all: Vec<_> = ids.iter().collect(); all.sort(); all })] ids: HashSet<u64>,
) -> anyhow::Result<String> {
    let _ = ids;
    Ok(pool.name)
}

#[requires_approval(risk = "low")]
async fn generic<'a, T, const N: usize>(
    items: [T; N],
    name: &'a str,
    more: impl Iterator<Item = u8> + Serialize,
) -> std::io::Result<&'a str>
where
    [T; N]: Serialize,
{
    drop((items, more.count()));
    Ok(name)
}

#[requires_approval(risk = "low", error = |refusal| refusal.to_string())]
async fn foreign_error(gate: u8, permit: u8, outcome: u8, turn: u8) -> Result<u8, String> {
    Ok(gate + permit + outcome + turn)
}

#[requires_approval(risk = "medium", error = String::from_refusal)]
async fn foreign_error_by_path() -> Result<(), String> {
    Err("always".into())
}

trait FromRefusal {
    fn from_refusal(refusal: ApprovalError) -> Self;
}

impl FromRefusal for String {
    fn from_refusal(refusal: ApprovalError) -> Self {
        refusal.to_string()
    }
}

#[requires_approval(risk = "low")]
async fn opaque(count: u8) -> Result<impl Iterator<Item = u8>, OpsError> {
    Ok(0..count)
}

#[requires_approval(risk = "low")]
async fn boxed_errors(text: &str) -> Result<u8, Box<dyn std::error::Error + Send + Sync>> {
    let number = text.parse::<u8>()?;
    if number == 0 {
        return Err("zero".into());
    }
    Err(Box::new(std::fmt::Error))
}

#[requires_approval(risk = "low")]
async fn never_returns() -> Result<std::convert::Infallible, OpsError> {
    loop {
        std::future::pending::<()>().await;
    }
}

#[requires_approval(risk = "low")]
async fn recursive(depth: u8) -> Res<u8> {
    #![allow(clippy::unused_async, reason = "only compiled")]
    match depth {
        0 => Ok(0),
        _ => Box::pin(recursive(depth - 1)).await,
    }
}

#[requires_approval(risk = "low")]
async fn r#async(r#type: u8, #[cfg(any())] absent: NoSuchType, #[cfg(all())] present: &mut u8) -> Res<()> {
    *present += r#type;
    Ok(())
}

#[requires_approval(risk = "low", crate = ::approvals)]
async fn elsewhere(seconds: std::time::Duration) -> Res<()> {
    tokio::time::sleep(seconds).await;
    Ok(())
}

#[requires_approval(risk = "low")]
async fn stays_send(
    cell: std::cell::Cell<u8>,
    #[approval(skip = "a channel")] inbox: std::sync::mpsc::Receiver<u8>,
) -> Res<u8> {
    tokio::task::yield_now().await;
    let _ = inbox.try_recv();
    Ok(cell.get())
}

fn main() {
    fn send<T: Send>(_: &T) {}
    let (_, inbox) = std::sync::mpsc::channel();
    send(&stays_send(std::cell::Cell::new(1), inbox));
    let mut counter = 0;
    drop((
        everything("a", 1, String::new()),
        newtype(Parameters(Order { id: 1, price: (1, String::new()) })),
        marked(Pool { name: String::new() }, Pool { name: String::new() }, HashSet::new()),
        generic([1, 2], "name", Counter),
        foreign_error(1, 2, 3, 4),
        foreign_error_by_path(),
        opaque(1),
        boxed_errors("1"),
        never_returns(),
        recursive(3),
        r#async(1, &mut counter),
        elsewhere(std::time::Duration::ZERO),
    ));
}

#[derive(Serialize)]
struct Counter;

impl Iterator for Counter {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        None
    }
}
