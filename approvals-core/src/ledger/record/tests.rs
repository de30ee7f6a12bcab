//! A record is put together from the bytes of its event, and must be what serialising it whole gives.

use proptest::prelude::*;

use super::*;
use crate::action::Risk;
use crate::card::Shown;
use crate::ledger::{Allowed, Finish, PresentFailure, Reconciliation, RefusedCall};
use crate::people::{Principal, Requester};
use crate::request::{Commitment, Quorum};
use crate::state::tests::kit::{
    History, failed, finished, id, ignored, lost, presented, reconciled, requested, requirement, started,
    withdrawn,
};

/// One of each, and of some several.
fn events(text: &str) -> Vec<Event> {
    let history = History::asking(Quorum::people(1));
    let mut opening = requested(requirement(Quorum::All(vec![
        Quorum::people_from(1, [text]),
        Quorum::Any(vec![Quorum::people(2), Quorum::people_from(1, ["a"])]),
    ])));
    opening.call.action = text.to_owned();
    opening.call.labels = [(text.to_owned(), Commitment::from_bytes([4; 32]))].into();
    opening.terms.round = Some(3);
    let requester =
        Requester { agent: text.into(), owner: "olga".into(), on_behalf_of: Some(Principal::from(text)) };
    let call = Some(Box::new(opening.call.clone()));
    let policy = || text.into();
    vec![
        Event::Requested(opening.into()),
        presented(Shown::Everything),
        Event::PresentFailed { way: text.into(), why: PresentFailure::NoTty },
        Event::Updated { way: text.into() },
        Event::Viewed { by: text.into(), way: text.into() },
        Event::Reminded { way: text.into() },
        Event::Escalated { to: [text.into(), "a".into()].into() },
        Event::Commented { by: text.into(), comment: Commitment::from_bytes([5; 32]) },
        Event::DebtSigned { by: text.into() },
        ignored(),
        history.yes(text, &[text, "b"]),
        history.no("ann", &[]),
        history.overridden(text),
        Event::Expired {},
        withdrawn(),
        started(1),
        finished(1, Finish::Ok {}),
        finished(2, failed()),
        lost(1),
        reconciled(text, Reconciliation::Ran),
        Event::Up { build: text.to_owned(), policy: policy() },
        Event::Down {},
        Event::Unauthenticated { way: text.into(), count: (1 << 53) - 1 },
        Event::Allowed(Allowed {
            action: text.to_owned(),
            risk: Risk::Medium,
            requester: requester.clone(),
            policy: policy(),
            call,
        }),
        Event::Refused(RefusedCall {
            action: text.to_owned(),
            risk: Risk::Critical,
            requester,
            policy: policy(),
            why: Commitment::from_bytes([6; 32]),
        }),
    ]
}

/// A kind of event that is added belongs into the list above; without it this does not compile.
fn is_listed(event: &Event) -> bool {
    match event {
        Event::Requested(_)
        | Event::Presented { .. }
        | Event::PresentFailed { .. }
        | Event::Updated { .. }
        | Event::Viewed { .. }
        | Event::Reminded { .. }
        | Event::Escalated { .. }
        | Event::Commented { .. }
        | Event::DebtSigned { .. }
        | Event::Ignored(_)
        | Event::Reviewed(_)
        | Event::Overridden { .. }
        | Event::Expired {}
        | Event::Cancelled { .. }
        | Event::Started { .. }
        | Event::Finished { .. }
        | Event::Lost { .. }
        | Event::Reconciled { .. }
        | Event::Up { .. }
        | Event::Down {}
        | Event::Unauthenticated { .. }
        | Event::Allowed(_)
        | Event::Refused(_) => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_around_its_event_is_the_record_serialised_whole(
        text in "[\\PCa-z\"\\\\\n\u{0}]{0,12}",
        node in ".{0,12}",
        micros in any::<i64>(),
        version in 0..1_u64 << 53,
        live in any::<bool>(),
        stream in 0..3_u8,
    ) {
        for event in events(&text) {
            prop_assert!(is_listed(&event));
            let body = Body {
                format: FORMAT,
                env: if live { Env::Live } else { Env::Test },
                stream: [Stream::Request(id()), Stream::System, Stream::Allowed][usize::from(stream)],
                version: Version(version),
                time: Timestamp::from_micros(micros),
                node: node.as_str().into(),
                event,
            };
            let whole = capture::canonical(&body).unwrap();
            prop_assert_eq!(body.to_bytes().unwrap(), whole.clone());
            let stored = Record::from_stored(Seq(1), whole, None, None);
            prop_assert_eq!((*stored.unwrap().body).clone(), body);
        }
    }
}

#[test]
fn the_digest_of_a_request_is_in_the_bytes_of_its_event() {
    for event in events("ann") {
        let digest = event.digest_in(&event.to_bytes().unwrap());
        match &event {
            Event::Requested(requested) => assert_eq!(digest, Some(requested.digest().unwrap())),
            _ => assert_eq!(digest, None),
        }
    }
}

#[test]
fn what_would_be_too_deep_in_a_record_is_too_deep_as_its_event() {
    let nested = |levels: usize| {
        (0..levels).fold(Quorum::people(1), |inner, _| Quorum::All(vec![inner, Quorum::people(1)]))
    };
    for levels in 50..70 {
        let event = Event::Requested(requested(requirement(nested(levels))).into());
        let body = History::empty().next(event);
        assert_eq!(body.to_bytes(), capture::canonical(&body), "{levels}");
    }
}

#[test]
fn a_version_beyond_what_json_holds_is_refused() {
    let body = Body { version: Version(1 << 53), ..History::empty().next(withdrawn()) };
    assert_eq!(body.to_bytes(), Err(capture::CaptureError::IntegerOutOfRange));
}
