//! A type or a constant that the caller chooses can decide what a call touches, though no argument shows it.

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, ErrorKind, requires_approval};
use approvals_test_support::at_once;

trait Target: Send + 'static {
    const NAME: &'static str;
}
struct Staging;
struct Production;
impl Target for Staging {
    const NAME: &'static str = "staging";
}
impl Target for Production {
    const NAME: &'static str = "production";
}

#[requires_approval(risk = "high", action = "generic.wipe", key = "{disk}", wait = "1s")]
async fn wipe<T: Target, const N: usize>(disk: &str) -> Result<&'static str, ApprovalError> {
    let _ = (disk, N);
    Ok(T::NAME)
}

#[tokio::test]
async fn an_approval_of_one_type_is_none_of_another() {
    let mock = MockBackend::new();
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(wipe::<Staging, 1>("sda"));
    let card = mock.presented(1).await.remove(0);
    mock.advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Pending);
    let shown: Vec<_> =
        card.arguments.iter().map(|argument| (argument.name.as_str(), argument.value.visible())).collect();
    assert_eq!(
        shown,
        [("T", r#""generic::Staging""#.to_owned()), ("N", "1".to_owned()), ("disk", r#""sda""#.to_owned())]
    );
    let (request, digest) = approvals::testing::ids(&card).unwrap();
    mock.submit("reviewer", approvals::desk::Review::approve(request, digest)).await.unwrap();
    let ran = at_once(approvals.scope(wipe::<Production, 2>("sda"))).await;
    assert_eq!(ran.unwrap_err().kind(), ErrorKind::KeyReused);
    assert_eq!(approvals.scope(wipe::<Staging, 1>("sda")).await.unwrap(), "staging");
    approvals.shutdown().await.unwrap();
}
