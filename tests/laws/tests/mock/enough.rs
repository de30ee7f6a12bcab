//! Whoever it takes says yes, and people who are too few are told of.

use std::future::Future;
use std::time::Duration;

use approvals::request::{Quorum, Requirement};
use approvals::testing::{MockBackend, Who, action, any, no, yes};
use approvals::{Approvals, ErrorKind, requires_approval};

use crate::support::*;

#[requires_approval(risk = "high", action = "shop.move", reviewers = 2)]
async fn move_shop(city: &str) -> Res<usize> {
    Ok(city.len())
}

#[requires_approval(risk = "high", action = "shop.sell", reviewers = 3, from_each("sales", "legal"))]
async fn sell(city: &str) -> Res<usize> {
    Ok(city.len())
}

/// By the real clock: only a test that fails waits so long.
async fn soon<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), call).await.expect("the call waits for people")
}

fn names(mock: &MockBackend) -> Vec<String> {
    let people = mock.replies().into_iter().map(|reply| reply.unwrap().person.unwrap());
    people.map(|person| person.id().to_string()).collect()
}

#[tokio::test]
async fn a_plain_yes_is_of_as_many_people_as_it_takes() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    assert_eq!(soon(approvals.scope(move_shop("Bern"))).await.unwrap(), 4);
    assert_eq!(names(&mock), ["reviewer", "reviewer-2"]);
}

#[tokio::test]
async fn a_plain_yes_is_of_the_groups_that_it_takes() {
    let mock = MockBackend::new();
    mock.when(action("shop.sell")).approve().expect(1);
    let approvals = Approvals::test(&mock);
    assert_eq!(soon(approvals.scope(sell("Bern"))).await.unwrap(), 4);
    assert_eq!(names(&mock), ["reviewer", "reviewer-2", "reviewer-3"]);
}

#[tokio::test]
async fn a_plain_yes_meets_what_code_and_policy_each_ask_for() {
    struct Either;
    #[approvals::async_trait]
    impl approvals::Policy for Either {
        async fn rule(
            &self,
            call: &approvals::Call,
        ) -> Result<approvals::policy::Ruling, approvals::policy::PolicyError> {
            let quorum = Quorum::Any(vec![
                Quorum::people_from(5, ["staff"]),
                Quorum::All(vec![Quorum::people_from(1, ["board"]), Quorum::people_from(3, ["staff"])]),
            ]);
            Ok(approvals::policy::Ruling::Ask(Requirement { quorum, ..Requirement::for_call(call) }))
        }
        fn version(&self) -> approvals::id::PolicyVersion {
            "either".into()
        }
    }
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test_builder(&mock).policy(Either).build().await.unwrap();
    assert_eq!(soon(approvals.scope(sell("Bern"))).await.unwrap(), 4);
    assert_eq!(mock.replies().len(), 4);
}

#[tokio::test]
async fn a_plain_answer_is_never_of_the_requester() {
    let mock = MockBackend::new().approve();
    let agent = approvals::Agent::new("reviewer-2").owned_by("reviewer");
    let approvals = Approvals::test_builder(&mock).agent(agent).build().await.unwrap();
    assert_eq!(soon(approvals.scope(move_shop("Bern"))).await.unwrap(), 4);
    assert_eq!(names(&mock), ["reviewer-3", "reviewer-4"]);
    mock.answer([no(Who::WhoeverItTakes)]);
    assert!(soon(approvals.scope(sell("Bern"))).await.unwrap_err().is_denied());
    assert_eq!(mock.replies().len(), 3);
}

#[tokio::test]
async fn people_who_are_too_few_end_the_call_of_a_strict_mock_by_name() {
    let mock = MockBackend::new().strict();
    mock.group("ann", ["sales"]);
    mock.when(action("shop.move")).approve_by(["ann"]).named("one of two");
    mock.when(action("shop.sell")).approve_by(["ann", "bob", "cleo"]).named("nobody of legal");
    let approvals = Approvals::test(&mock);
    for call in [soon(approvals.scope(move_shop("Bern"))).await, soon(approvals.scope(sell("Bern"))).await] {
        assert_eq!(call.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let told = failure(|| mock.verify());
    for says in [
        "rule `one of two` answers `shop.move` with `ann`, and it takes 2 people",
        "rule `nobody of legal` answers `shop.sell` with `ann` and `bob` and `cleo`, and it takes ",
        "1 person from legal",
        "`mock.group(…)`",
    ] {
        assert!(told.contains(says), "{told}");
    }
}

#[tokio::test]
async fn people_who_are_too_few_leave_the_rest_to_the_test_and_a_failing_one_is_told() {
    let mock = MockBackend::new();
    mock.when(any()).approve_by(["ann"]).expect(2);
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(move_shop("Bern"));
    let card = soon(mock.presented(1)).await.remove(0);
    soon(mock.replied(1)).await;
    // Until the mock has looked at what is left.
    mock.advance(MINUTE).await;
    let (request, digest) = approvals::testing::ids(&card).unwrap();
    let told = failure(|| mock.verify());
    assert!(
        told.contains("still open: rule 1 answers `shop.move` with `ann`, and it takes 2 people"),
        "{told}"
    );
    mock.submit("bob", approvals::desk::Review::approve(request, digest)).await.unwrap();
    assert_eq!(soon(call).await.unwrap().unwrap(), 4);
}

#[tokio::test]
async fn nothing_is_said_of_answers_that_are_about_what_does_not_count() {
    for answer in [yes("eve"), yes("ann").for_another_digest(), yes("ann").who_saw_part(9), yes(Who::Owner)] {
        let mock = MockBackend::new().strict();
        mock.stranger("eve");
        mock.when(any()).answer([answer]);
        let approvals = Approvals::test(&mock);
        let call = approvals.spawn(refund(1, 5));
        mock.presented(1).await;
        mock.advance(2 * HOUR).await;
        assert_eq!(soon(call).await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
        mock.verify();
    }
}
