//! Who says what became of an attempt, and when.

use super::*;

fn vouch(history: &History, person: &Person) -> Result<Person, IgnoredWhy> {
    may_reconcile(&history.state, &reviewer(person.clone()), id())
}

#[test]
fn what_became_of_an_attempt_is_said_while_it_may_still_run_and_at_no_other_time() {
    let approved = sre().approved_by("ann", &["sre"]).approved_by("bob", &["sre"]);
    let running = approved.clone().then(started(1));
    let unknown = running.clone().then(lost(1));
    for open in [&running, &unknown, &running.clone().denied_by("cy", &["sre"])] {
        assert_eq!(vouch(open, &ann()), Ok(ann()), "{}", open.phase());
    }
    for over in [
        sre(),
        approved,
        running.clone().then(finished(1, Finish::Ok {})),
        running.clone().then(finished(1, failed())),
        running.then(finished(1, not_run())),
        unknown.then(reconciled("zoe", Reconciliation::DidNotRun)),
        sre().denied_by("ann", &["sre"]),
        sre().then(withdrawn()),
    ] {
        assert_eq!(vouch(&over, &ann()), Err(IgnoredWhy::NotRunning), "{}", over.phase());
    }
}

#[test]
fn the_requester_never_says_what_became_of_their_own_attempt() {
    for (who, asked, person) in requesters() {
        let running = asked.approved_by("ann", &[]).then(started(1));
        assert_eq!(vouch(&running, &person), Err(IgnoredWhy::Requester), "{who}");
    }
}

#[test]
fn only_whoever_could_approve_says_what_became_of_an_attempt() {
    let run = |terms: Requirement| {
        let by = |asked: History, who: &str| {
            let reviewed =
                Reviewed { assurance: terms.assurance, ..asked.reviewed(Answer::Approve, who, &["sre"]) };
            asked.then(Event::Reviewed(reviewed))
        };
        by(by(History::of(requested(terms.clone())), "ann"), "bob").then(started(1))
    };
    let needs = |assurance| Requirement { assurance, ..requirement(Quorum::people_from(2, ["sre"])) };
    for (least, said) in [
        (Assurance::Local, Ok(ann())),
        (Assurance::Chat, Ok(ann())),
        (Assurance::Sso, Err(IgnoredWhy::AssuranceTooLow)),
    ] {
        assert_eq!(vouch(&run(needs(least)), &ann()), said, "{least:?}");
    }
    let running = run(needs(Assurance::Local));
    let outsider = Person::new("eve").in_group("sales");
    assert_eq!(vouch(&running, &outsider), Err(IgnoredWhy::NotAReviewer));
    let said =
        |reviewer: Reviewer| may_reconcile(&running.state, &reviewer, id()).expect_err("it does not count");
    assert_eq!(said(Reviewer { provider: "os".into(), ..reviewer(ann()) }), IgnoredWhy::ForeignProvider);
    assert_eq!(said(Reviewer { person: None, ..reviewer(ann()) }), IgnoredWhy::Unmapped);
    let surface = Way { kind: WayKind::Surface, ..chat() };
    assert_eq!(said(Reviewer { way: surface, ..reviewer(ann()) }), IgnoredWhy::WayClosed);
}

#[test]
fn a_single_operator_says_what_became_of_their_own_attempt() {
    let running = alone(|_| {}).approved_by("olga", &[]).then(started(1));
    for operator in ["olga", "hank"] {
        assert_eq!(vouch(&running, &Person::new(operator)), Ok(Person::new(operator)));
    }
    assert_eq!(vouch(&running, &ann()), Ok(ann()), "and so does whoever could approve");
    assert_eq!(vouch(&running, &Person::new("eve")), Err(IgnoredWhy::NotAReviewer));
    assert_eq!(vouch(&running, &Person::new("bot")), Err(IgnoredWhy::Requester), "the agent is no operator");
}
