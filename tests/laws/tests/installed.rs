//! What is installed serves the whole process, so these tests have a process of their own.

#![cfg(test)]

use std::sync::mpsc;

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, ErrorKind, requires_approval};
use approvals_test_support::at_once;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

#[requires_approval(risk = "high", action = "installed.wipe")]
async fn wipe(disk: &str) -> Result<usize, ApprovalError> {
    Ok(disk.len())
}

#[tokio::test]
async fn one_handle_is_installed_once_serves_every_task_and_leaves_with_its_shutdown() {
    let (first, second) = (MockBackend::new().approve(), MockBackend::new().deny("no"));
    let (one, two) = (Approvals::test(&first), Approvals::test(&second));
    one.install().unwrap();
    for handle in [&one, &two] {
        let error = handle.install().unwrap_err();
        assert!(error.to_string().contains("install one handle, once"), "{error}");
    }
    assert_eq!(wipe("sda").await.unwrap(), 3);
    assert_eq!(tokio::spawn(wipe("sdb")).await.unwrap().unwrap(), 3);
    assert_eq!(first.cards().len(), 2);

    // In a test a scope may put another handle in its place; without `testing` it may not.
    let error = at_once(two.scope(wipe("sdc"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);

    two.shutdown().await.unwrap();
    assert_eq!(wipe("sdd").await.unwrap(), 3);
    let mut elsewhere = Elsewhere::start();
    assert_eq!(elsewhere.wipe().await.unwrap(), 3);
    one.shutdown().await.unwrap();
    assert_eq!(wipe("sde").await.unwrap_err().kind(), ErrorKind::NotInstalled);
    assert_eq!(elsewhere.wipe().await.unwrap_err().kind(), ErrorKind::NotInstalled);
    let third = Approvals::test(&first);
    third.install().unwrap();
    assert_eq!(wipe("sdf").await.unwrap(), 3);
    assert_eq!(elsewhere.wipe().await.unwrap(), 3);
    third.shutdown().await.unwrap();
}

/// A thread that makes the call whenever it is told to, and lives on meanwhile.
struct Elsewhere {
    tell: mpsc::Sender<()>,
    hear: UnboundedReceiver<Result<usize, ApprovalError>>,
}

impl Elsewhere {
    fn start() -> Self {
        let (tell, told) = mpsc::channel();
        let (say, hear) = unbounded_channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            told.iter().for_each(|()| say.send(runtime.block_on(wipe("sdx"))).unwrap());
        });
        Self { tell, hear }
    }

    async fn wipe(&mut self) -> Result<usize, ApprovalError> {
        self.tell.send(()).unwrap();
        self.hear.recv().await.unwrap()
    }
}
