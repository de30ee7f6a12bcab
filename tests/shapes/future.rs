//! The future of a gated function: `Send` where the body's is, and little larger.

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::sync::mpsc;

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, requires_approval};

use crate::support::{Res, gated, ran};

fn send<T: Send>(future: T) -> T {
    future
}

#[requires_approval(risk = "high", reason = "{text}", labels(letters = text.len()))]
async fn held(
    cell: Cell<u8>,
    #[approval(skip = "a channel")] inbox: mpsc::Receiver<u8>,
    #[approval(show = cell_too.get())] cell_too: Cell<u8>,
    text: String,
) -> Res<u8> {
    ran();
    tokio::task::yield_now().await;
    let received = inbox.try_recv().unwrap_or_default();
    Ok(cell.get() + cell_too.get() + received + u8::try_from(text.len()).unwrap_or_default())
}

#[tokio::test]
async fn arguments_that_no_other_thread_may_borrow_are_spawned() {
    let approvals = Approvals::test(&MockBackend::new().approve());
    let (sender, inbox) = mpsc::channel();
    sender.send(4).unwrap();
    let call = held(Cell::new(1), inbox, Cell::new(2), "a".to_owned());
    assert_eq!(tokio::spawn(approvals.scope(call)).await.unwrap().unwrap(), 8);
    approvals.shutdown().await.unwrap();
}

#[requires_approval(risk = "high")]
async fn outputs_of_one_thread(rows: u8) -> Result<Rc<u8>, Box<dyn Error>> {
    ran();
    tokio::task::yield_now().await;
    Ok(Rc::new(rows))
}

#[tokio::test]
async fn an_output_of_one_thread_leaves_the_future_send() {
    drop(send(outputs_of_one_thread(1)));
    let outcome = gated(&[("rows", "1")], async || outputs_of_one_thread(1).await).await;
    assert_eq!(*outcome.unwrap(), 1);
}

#[requires_approval(risk = "high")]
async fn body_of_one_thread(rows: u8) -> Res<u8> {
    let rows = Rc::new(rows);
    ran();
    tokio::task::yield_now().await;
    Ok(*rows)
}

#[tokio::test]
async fn a_body_of_one_thread_runs_on_one() {
    assert_eq!(gated(&[("rows", "1")], async || body_of_one_thread(1).await).await.unwrap(), 1);
}

/// Most bytes that a gate adds to a future, beside one more copy of the arguments.
const MOST: usize = 256;

#[allow(clippy::unused_async, reason = "the least that a future can be")]
async fn bare(rows: u64) -> Result<u64, ApprovalError> {
    Ok(rows)
}

#[requires_approval(risk = "high", reason = "{rows}", key = "{rows}", wait = "30s", labels(rows = rows))]
async fn small(rows: u64) -> Result<u64, ApprovalError> {
    Ok(rows)
}

#[allow(clippy::large_types_passed_by_value, reason = "its copies are what is looked at")]
async fn bare_large(rows: [u64; 128]) -> Result<u64, ApprovalError> {
    tokio::task::yield_now().await;
    Ok(rows[0])
}

#[allow(clippy::large_types_passed_by_value, reason = "its copies are what is looked at")]
#[requires_approval(risk = "high")]
async fn large(#[approval(show = rows.len())] rows: [u64; 128]) -> Result<u64, ApprovalError> {
    tokio::task::yield_now().await;
    Ok(rows[0])
}

#[test]
fn a_gate_adds_little_to_the_size_of_a_future() {
    let (gated, bare) = (size_of_val(&small(1)), size_of_val(&bare(1)));
    assert!(gated <= bare + MOST, "{bare} → {gated} bytes");
    let rows = [0; 128];
    let (gated, bare) = (size_of_val(&large(rows)), size_of_val(&bare_large(rows)));
    assert!(gated <= bare + size_of_val(&rows) + MOST, "{bare} → {gated} bytes");
}
