//! Which reviews count, question by question, and that the ledger agrees.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Decision, Review, Reviewer, Seen, Way, WayKind, decide, may_cancel, may_reconcile};
use crate::card::Shown;
use crate::id::RequestId;
use crate::ledger::{Answer, CancelWhy, Event, Finish, IgnoredWhy, Reconciliation, Reviewed};
use crate::people::{Assurance, Person, Principal};
use crate::request::{Digest, Quorum, Requested, Requirement};
use crate::state::tests::histories::{PEOPLE, Try, some_request, some_tries};
use crate::state::tests::kit::*;
use crate::state::{Illegal, Phase};
use crate::time::Timestamp;

mod reconcile;

fn chat() -> Way {
    Way { id: "chat".into(), provider: "slack".into(), assurance: Assurance::Chat, kind: WayKind::Backend }
}

fn reviewer(person: Person) -> Reviewer {
    Reviewer { person: Some(person), way: chat(), provider: "slack".into() }
}

fn ann() -> Person {
    Person::new("ann").in_group("sre").known_as("slack", "T01/U01")
}

fn yes(history: &History) -> Review {
    Review::approve(id(), history.digest())
}

fn no(history: &History) -> Review {
    Review::deny(id(), history.digest())
}

fn ask(history: &History, person: Person, review: &Review) -> Decision {
    decide(&history.state, &reviewer(person), review, history.now)
}

fn sre() -> History {
    History::asking(Quorum::people_from(2, ["sre"]))
}

fn ignored_for(why: IgnoredWhy) -> Decision {
    Decision::Ignore(why)
}

#[test]
fn a_reviewer_of_the_right_group_who_saw_everything_counts_with_yes_and_with_no() {
    let asked = sre();
    for review in [yes(&asked), no(&asked)] {
        assert_eq!(ask(&asked, ann(), &review), Decision::Count(ann()));
    }
}

/// A review that fails every check, mended one check at a time: what is left is the order of the questions.
#[test]
fn the_questions_are_asked_in_an_order_that_tells_a_stranger_nothing() {
    let strong = Requirement { assurance: Assurance::Sso, ..requirement(Quorum::people_from(2, ["sre"])) };
    let asked = History::of(requested(strong)).then(presented(Shown::Part { hidden: 2 }));
    let late = asked.clone().later(DECIDE);
    let expired = late.clone().then(Event::Expired {});

    let mut reviewer =
        Reviewer { person: None, way: Way { kind: WayKind::Surface, ..chat() }, provider: "teams".into() };
    let mut review =
        Review::approve(RequestId::from_uuid(uuid::Uuid::from_u128(8)), Digest::from_bytes([9; 32]))
            .shown(Shown::Part { hidden: 1 });
    let mut history = expired;
    let expect = |history: &History, reviewer: &Reviewer, review: &Review, why| {
        assert_eq!(decide(&history.state, reviewer, review, history.now), ignored_for(why));
    };

    expect(&history, &reviewer, &review, IgnoredWhy::ForeignProvider);
    reviewer.provider = "slack".into();
    expect(&history, &reviewer, &review, IgnoredWhy::Unmapped);
    reviewer.person = Some(Person::new("olga"));
    expect(&history, &reviewer, &review, IgnoredWhy::UnknownRequest);
    review.request = id();
    expect(&history, &reviewer, &review, IgnoredWhy::WayClosed);
    reviewer.way.kind = WayKind::Backend;
    expect(&history, &reviewer, &review, IgnoredWhy::OtherDigest);
    review.seen = history.digest().into();
    expect(&history, &reviewer, &review, IgnoredWhy::Requester);
    reviewer.person = Some(Person::new("eve").in_group("sales"));
    expect(&history, &reviewer, &review, IgnoredWhy::NotAReviewer);
    reviewer.person = Some(ann());
    expect(&history, &reviewer, &review, IgnoredWhy::TooLate);
    history = late;
    expect(&history, &reviewer, &review, IgnoredWhy::TooLate);
    history = asked;
    expect(&history, &reviewer, &review, IgnoredWhy::AssuranceTooLow);
    reviewer.way.assurance = Assurance::Sso;
    expect(&history, &reviewer, &review, IgnoredWhy::NotEverythingShown);
    review.shown = Shown::Everything;
    expect(&history, &reviewer, &review, IgnoredWhy::NotEverythingShown);
    history = history.then(presented(Shown::Everything));
    assert_eq!(decide(&history.state, &reviewer, &review, history.now), Decision::Count(ann()));
}

#[test]
fn a_way_vouches_for_identities_of_its_own_provider_only() {
    let asked = sre();
    let foreign = Reviewer { provider: "os".into(), ..reviewer(ann()) };
    for review in [yes(&asked), no(&asked)] {
        let decision = decide(&asked.state, &foreign, &review, asked.now);
        assert_eq!(decision, ignored_for(IgnoredWhy::ForeignProvider));
    }
}

#[test]
fn an_unknown_request_has_neither_reviewers_nor_a_requester() {
    let nothing = History::empty();
    for person in [ann(), Person::new("olga")] {
        assert_eq!(ask(&nothing, person, &yes(&nothing)), ignored_for(IgnoredWhy::UnknownRequest));
    }
}

#[test]
fn a_surface_answers_only_requests_that_are_open_to_it() {
    let surface = |person| Reviewer { way: Way { kind: WayKind::Surface, ..chat() }, ..reviewer(person) };
    let closed = sre();
    for review in [yes(&closed), no(&closed)] {
        let decision = decide(&closed.state, &surface(ann()), &review, closed.now);
        assert_eq!(decision, ignored_for(IgnoredWhy::WayClosed));
    }
    let mut open = requested(requirement(Quorum::people_from(2, ["sre"])));
    open.terms.open_to_store = true;
    let open = History::of(open);
    assert_eq!(decide(&open.state, &surface(ann()), &yes(&open), open.now), Decision::Count(ann()));
}

#[test]
fn eight_digits_of_the_digest_are_enough_and_seven_are_not() {
    let asked = sre();
    let digits = asked.digest().to_hex();
    let with = |prefix: &str| Review { seen: Seen::Prefix(prefix.to_owned()), ..yes(&asked) };
    for enough in [&digits[..8], &digits[..12], &digits.to_uppercase()[..8], &digits[..]] {
        assert_eq!(ask(&asked, ann(), &with(enough)), Decision::Count(ann()), "{enough}");
    }
    let longer = format!("{digits}0");
    for other in ["", &digits[..7], &digits[1..9], "xxxxxxxx", &longer] {
        assert_eq!(ask(&asked, ann(), &with(other)), ignored_for(IgnoredWhy::OtherDigest), "`{other}`");
    }
}

#[test]
fn a_review_prints_without_what_was_said_in_it() {
    let request = id();
    let digest = Digest::from_bytes([9; 32]);
    let review = Review::deny(request, digest).comment("the vault's code is 4711");
    let printed = format!("{review:?}");
    assert!(printed.contains("Deny") && printed.contains(&format!("{request:?}")), "{printed}");
    assert!(!printed.contains("4711"), "{printed}");
}

fn with_requester(change: impl FnOnce(&mut Requested)) -> History {
    let mut call = requested(requirement(Quorum::people(1)));
    change(&mut call);
    History::of(call)
}

/// Whom the request of agent `bot`, owned by olga and acting for hank, excludes.
fn requesters() -> Vec<(&'static str, History, Person)> {
    let external = |id: &str| Principal::External(id.to_owned());
    let alias = || Person::new("olga.n").known_as("oidc", "olga@example.org").known_as("slack", "T01/U09");
    vec![
        ("the owner", with_requester(|_| {}), Person::new("olga").in_group("sre")),
        ("the human", with_requester(|_| {}), Person::new("hank")),
        ("the agent's id as a person", with_requester(|_| {}), Person::new("bot")),
        ("the agent's id as an alias", with_requester(|_| {}), Person::new("b0t").known_as("slack", "bot")),
        (
            "an external owner by an alias",
            with_requester(|call| call.call.requester.owner = external("olga@example.org")),
            alias(),
        ),
        (
            "an external human by another alias",
            with_requester(|call| call.call.requester.on_behalf_of = Some(external("T01/U09"))),
            alias(),
        ),
        (
            "an external owner by the id",
            with_requester(|call| call.call.requester.owner = external("olga.n")),
            alias(),
        ),
    ]
}

#[test]
fn the_requester_does_not_count_under_any_alias() {
    for (who, asked, person) in requesters() {
        assert_eq!(ask(&asked, person, &yes(&asked)), ignored_for(IgnoredWhy::Requester), "{who}");
    }
}

#[test]
fn the_requesters_own_no_calls_the_request_off_while_that_still_helps() {
    for (who, asked, person) in requesters() {
        assert_eq!(ask(&asked, person.clone(), &no(&asked)), Decision::Cancel(person.clone()), "{who}");
        let approved = asked.approved_by("ann", &[]);
        assert_eq!(ask(&approved, person.clone(), &no(&approved)), Decision::Cancel(person.clone()), "{who}");
        let running = approved.then(started(1));
        for over in [running.clone(), running.clone().then(lost(1)), running.then(finished(1, Finish::Ok {}))]
        {
            assert_eq!(ask(&over, person.clone(), &no(&over)), ignored_for(IgnoredWhy::Requester), "{who}");
        }
    }
}

fn take_back(history: &History, person: &Person) -> Result<Person, IgnoredWhy> {
    may_cancel(&history.state, &reviewer(person.clone()), id(), &history.digest().into())
}

#[test]
fn the_requester_takes_the_request_back_until_it_is_claimed() {
    for (who, asked, person) in requesters() {
        let approved = asked.clone().approved_by("ann", &[]);
        for open in [&asked, &asked.clone().later(DECIDE), &approved, &approved.clone().later(USE)] {
            assert_eq!(take_back(open, &person), Ok(person.clone()), "{who}");
        }
        let running = approved.then(started(1));
        for over in [
            running.clone(),
            running.clone().then(lost(1)),
            running.then(finished(1, Finish::Ok {})),
            asked.clone().denied_by("ann", &[]),
            asked.then(withdrawn()),
        ] {
            assert_eq!(take_back(&over, &person), Err(IgnoredWhy::AlreadyDecided), "{who}");
        }
    }
}

#[test]
fn nobody_else_takes_a_request_back_and_nobody_another_one_than_they_saw() {
    let asked = sre();
    for other in [ann(), Person::new("eve").in_group("sales")] {
        assert_eq!(take_back(&asked, &other), Err(IgnoredWhy::NotTheRequester));
    }
    let olga = || Person::new("olga");
    let cancel = |reviewer: Reviewer, request, seen: Seen| {
        may_cancel(&asked.state, &reviewer, request, &seen).expect_err("it does not count")
    };
    let digest = || Seen::from(asked.digest());
    let another = RequestId::from_uuid(uuid::Uuid::from_u128(8));
    let surface = Way { kind: WayKind::Surface, ..chat() };
    let foreign = Reviewer { provider: "os".into(), ..reviewer(olga()) };
    let nobody = Reviewer { person: None, ..reviewer(olga()) };
    let closed = Reviewer { way: surface, ..reviewer(olga()) };
    let other_digest = Digest::from_bytes([9; 32]).into();
    assert_eq!(cancel(foreign, id(), digest()), IgnoredWhy::ForeignProvider);
    assert_eq!(cancel(nobody, id(), digest()), IgnoredWhy::Unmapped);
    assert_eq!(cancel(closed, id(), digest()), IgnoredWhy::WayClosed);
    assert_eq!(cancel(reviewer(olga()), another, digest()), IgnoredWhy::UnknownRequest);
    assert_eq!(cancel(reviewer(olga()), id(), other_digest), IgnoredWhy::OtherDigest);
}

#[test]
fn a_yes_becomes_a_no_and_no_other_answer_comes_twice() {
    let asked = sre().approved_by("ann", &["sre"]);
    assert_eq!(ask(&asked, ann(), &yes(&asked)), ignored_for(IgnoredWhy::AnsweredBefore));
    assert_eq!(ask(&asked, ann(), &no(&asked)), Decision::Count(ann()));
    let denied = asked.denied_by("ann", &["sre"]);
    for review in [yes(&denied), no(&denied)] {
        assert_eq!(ask(&denied, ann(), &review), ignored_for(IgnoredWhy::AnsweredBefore));
    }
}

#[test]
fn an_approval_after_the_verdict_says_so() {
    let bob = || Person::new("bob").in_group("sre");
    let approved = sre().approved_by("ann", &["sre"]).approved_by("cy", &["sre"]);
    let running = approved.clone().then(started(1));
    for decided in [
        approved,
        running.clone(),
        running.clone().then(lost(1)),
        running.then(finished(1, Finish::Ok {})),
        sre().denied_by("cy", &["sre"]),
        sre().then(withdrawn()),
    ] {
        let phase = decided.phase();
        assert_eq!(ask(&decided, bob(), &yes(&decided)), ignored_for(IgnoredWhy::AlreadyDecided), "{phase}");
    }
}

#[test]
fn a_denial_counts_until_the_request_has_ended() {
    let bob = || Person::new("bob").in_group("sre");
    let approved = sre().approved_by("ann", &["sre"]).approved_by("cy", &["sre"]);
    let running = approved.clone().then(started(1));
    let unknown = running.clone().then(lost(1));
    for open in [sre(), sre().later(DECIDE), approved.clone(), approved.later(USE), running.clone(), unknown]
    {
        let phase = open.phase();
        assert_eq!(ask(&open, bob(), &no(&open)), Decision::Count(bob()), "{phase}");
    }
    for over in [
        running.then(finished(1, Finish::Ok {})),
        sre().denied_by("cy", &["sre"]),
        sre().then(withdrawn()),
        sre().later(DECIDE).then(Event::Expired {}),
    ] {
        let phase = over.phase();
        assert_eq!(ask(&over, bob(), &no(&over)), ignored_for(IgnoredWhy::AlreadyDecided), "{phase}");
    }
}

#[test]
fn a_denial_counts_from_whoever_could_approve_and_from_nobody_else() {
    let asked = sre();
    let outsider = Person::new("eve").in_group("sales");
    assert_eq!(ask(&asked, outsider, &no(&asked)), ignored_for(IgnoredWhy::NotAReviewer));
}

#[test]
fn an_approval_needs_time_assurance_and_the_whole_card_and_a_denial_needs_none_of_them() {
    let strong = Requirement { assurance: Assurance::Sso, ..requirement(Quorum::people_from(2, ["sre"])) };
    let part = Shown::Part { hidden: 1 };
    let late = sre().later(DECIDE);
    let weak = History::of(requested(strong));
    let cut = sre().then(presented(part));
    for (asked, why) in [
        (late, IgnoredWhy::TooLate),
        (weak, IgnoredWhy::AssuranceTooLow),
        (cut, IgnoredWhy::NotEverythingShown),
    ] {
        assert_eq!(ask(&asked, ann(), &yes(&asked)), ignored_for(why));
        assert_eq!(ask(&asked, ann(), &no(&asked)), Decision::Count(ann()), "{why:?}");
    }
    let asked = sre();
    assert_eq!(ask(&asked, ann(), &yes(&asked).shown(part)), ignored_for(IgnoredWhy::NotEverythingShown));
    assert_eq!(ask(&asked, ann(), &no(&asked).shown(part)), Decision::Count(ann()));
}

#[test]
fn decide_by_is_too_late_and_the_microsecond_before_is_not() {
    let asked = sre().later(DECIDE);
    assert_eq!(ask(&asked, ann(), &yes(&asked)), ignored_for(IgnoredWhy::TooLate));
    let asked = asked.just_before();
    assert_eq!(ask(&asked, ann(), &yes(&asked)), Decision::Count(ann()));
}

#[test]
fn what_another_way_showed_is_no_reason_against_this_one() {
    let elsewhere = Event::Presented {
        way: "terminal".into(),
        reference: "tty".into(),
        shown: Shown::Part { hidden: 3 },
    };
    let asked = sre().then(elsewhere);
    assert_eq!(ask(&asked, ann(), &yes(&asked)), Decision::Count(ann()));
}

fn alone(change: impl FnOnce(&mut Requested)) -> History {
    let terms = Requirement { single_operator: true, ..requirement(Quorum::people_from(2, ["sre"])) };
    let mut call = requested(terms);
    change(&mut call);
    History::of(call)
}

#[test]
fn a_single_operator_counts_with_yes_and_with_no() {
    let asked = alone(|_| {});
    for operator in ["olga", "hank"] {
        for review in [yes(&asked), no(&asked)] {
            let decision = ask(&asked, Person::new(operator), &review);
            assert_eq!(decision, Decision::Count(Person::new(operator)), "{operator}");
        }
    }
    let outsider = Person::new("eve");
    assert_eq!(ask(&asked, outsider, &yes(&asked)), ignored_for(IgnoredWhy::NotAReviewer));
}

#[test]
fn a_single_operator_may_take_the_request_back_instead_of_saying_no() {
    let asked = alone(|_| {});
    assert_eq!(take_back(&asked, &Person::new("olga")), Ok(Person::new("olga")));
    assert_eq!(take_back(&asked, &ann()), Err(IgnoredWhy::NotTheRequester));
}

#[test]
fn a_single_operator_still_has_to_be_in_time_strong_enough_and_shown_everything() {
    let operator = || Person::new("olga");
    let asked = alone(|call| call.terms.requirement.assurance = Assurance::Sso);
    assert_eq!(ask(&asked, operator(), &yes(&asked)), ignored_for(IgnoredWhy::AssuranceTooLow));
    let late = alone(|_| {}).later(DECIDE);
    assert_eq!(ask(&late, operator(), &yes(&late)), ignored_for(IgnoredWhy::TooLate));
    let cut = alone(|_| {}).then(presented(Shown::Part { hidden: 1 }));
    assert_eq!(ask(&cut, operator(), &yes(&cut)), ignored_for(IgnoredWhy::NotEverythingShown));
}

/// A record holds ids only: whom it cannot tell to be the operator is the requester under an alias, and no more.
#[test]
fn a_single_operator_is_known_by_id_not_by_alias() {
    let asked = alone(|call| call.call.requester.owner = Principal::External("olga@example.org".to_owned()));
    let olga = || Person::new("olga.n").in_group("sre").known_as("oidc", "olga@example.org");
    assert_eq!(ask(&asked, olga(), &yes(&asked)), ignored_for(IgnoredWhy::Requester));
    assert_eq!(ask(&asked, olga(), &no(&asked)), Decision::Cancel(olga()));
}

/// Every answer of everybody through every way, with a right and a wrong digest.
fn everything_that_could_come(history: &History) -> Vec<(Reviewer, Review)> {
    let aliases = [
        Person::new("alias").in_group("a").known_as("slack", "bot"),
        Person::new("another").known_as("oidc", "olga@example.org"),
    ];
    let people = PEOPLE.iter().map(|(id, member_of)| {
        member_of.iter().fold(Person::new(*id), |person, group| person.in_group(*group))
    });
    let mut all = Vec::new();
    for person in people.chain(aliases) {
        for assurance in [Assurance::Local, Assurance::Chat] {
            for seen in [history.digest(), Digest::from_bytes([9; 32])] {
                for review in [Review::approve(id(), seen), Review::deny(id(), seen)] {
                    let way = Way { assurance, ..chat() };
                    let from = Reviewer { person: Some(person.clone()), way, provider: "slack".into() };
                    all.push((from, review));
                }
            }
        }
    }
    all
}

/// The record that the desk would write for a review.
fn record(reviewer: &Reviewer, review: &Review) -> Event {
    let person = reviewer.person.as_ref().expect("a person");
    let Seen::Digest(digest) = review.seen else { panic!("the whole digest") };
    Event::Reviewed(Reviewed {
        answer: review.answer,
        by: person.id().clone(),
        groups: person.groups().clone(),
        assurance: reviewer.way.assurance,
        way: reviewer.way.id.clone(),
        digest,
        comment: None,
    })
}

/// The reasons that a fold of the ledger can see too, for an id that is nobody's alias.
fn is_seen_by_the_ledger(why: IgnoredWhy) -> bool {
    matches!(
        why,
        IgnoredWhy::UnknownRequest
            | IgnoredWhy::OtherDigest
            | IgnoredWhy::Requester
            | IgnoredWhy::NotAReviewer
            | IgnoredWhy::AnsweredBefore
            | IgnoredWhy::AlreadyDecided
            | IgnoredWhy::TooLate
            | IgnoredWhy::AssuranceTooLow
    )
}

fn history_of(request: Requested, tries: &[Try], external: bool) -> History {
    let mut request = request;
    if external {
        request.call.requester.owner = Principal::External("olga@example.org".to_owned());
    }
    let mut history = History::of(request);
    tries.iter().for_each(|one| one.tried_on(&mut history));
    history
}

/// Judges everything that could come, compares with the ledger, and notes what was decided.
fn desk_and_ledger_agree(history: &History, reached: &mut BTreeSet<String>) -> Result<(), TestCaseError> {
    for (reviewer, review) in everything_that_could_come(history) {
        if let Ok(person) = may_reconcile(&history.state, &reviewer, id()) {
            reached.insert("reconciles".to_owned());
            let said = reconciled(person.id().as_str(), Reconciliation::DidNotRun);
            prop_assert_eq!(history.judge(said).map(|state| state.phase()), Ok(Phase::Cancelled));
        }
        if let Ok(person) = may_cancel(&history.state, &reviewer, id(), &review.seen) {
            reached.insert("takes back".to_owned());
            let event = Event::Cancelled { by: Some(person.id().clone()), why: CancelWhy::Revoked };
            prop_assert_eq!(history.judge(event).map(|state| state.phase()), Ok(Phase::Cancelled));
        }
        let decision = decide(&history.state, &reviewer, &review, history.now);
        let verdict = history.judge(record(&reviewer, &review));
        match &decision {
            Decision::Count(_) => {
                reached.insert(format!("{} counts", review.answer));
                prop_assert!(
                    verdict.is_ok(),
                    "{:?} counts {:?} and the ledger says {:?}",
                    reviewer,
                    review,
                    verdict
                );
            }
            Decision::Cancel(person) => {
                reached.insert("cancels".to_owned());
                let event = Event::Cancelled { by: Some(person.id().clone()), why: CancelWhy::Requester };
                prop_assert_eq!(history.judge(event).map(|state| state.phase()), Ok(Phase::Cancelled));
            }
            Decision::Ignore(why) => {
                reached.insert(format!("{why:?}"));
                let by_id =
                    !["alias", "another"].contains(&reviewer.person.as_ref().map_or("", |p| p.id().as_str()));
                if is_seen_by_the_ledger(*why) && (by_id || *why != IgnoredWhy::Requester) {
                    prop_assert!(
                        verdict.is_err(),
                        "{:?} is ignored for {:?} and the ledger takes it",
                        review,
                        why
                    );
                }
                if *why == IgnoredWhy::Requester && by_id && review.answer == Answer::Approve {
                    let phase = matches!(verdict, Err(Illegal::Transition { .. }));
                    prop_assert!(phase || verdict == Err(Illegal::Requester));
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn what_the_desk_counts_the_ledger_takes_and_what_the_ledger_sees_it_refuses(
        request in some_request(),
        tries in some_tries(),
        external in any::<bool>(),
        later in 0..12_000_000_i64,
    ) {
        let mut history = history_of(request, &tries, external);
        history.now = Timestamp::from_micros(history.now.as_micros() + later);
        desk_and_ledger_agree(&history, &mut BTreeSet::new())?;
    }
}

#[test]
fn the_agreement_was_tried_on_every_kind_of_decision() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..300 {
        let drawn = (some_request(), some_tries(), any::<bool>()).new_tree(&mut runner).expect("a history");
        let (request, tries, external) = drawn.current();
        desk_and_ledger_agree(&history_of(request, &tries, external), &mut reached).expect("they agree");
    }
    let expected = [
        "AlreadyDecided",
        "AnsweredBefore",
        "AssuranceTooLow",
        "NotAReviewer",
        "NotEverythingShown",
        "OtherDigest",
        "Requester",
        "TooLate",
        "approve counts",
        "cancels",
        "deny counts",
        "reconciles",
        "takes back",
    ];
    assert_eq!(reached, expected.map(str::to_owned).into());
}
