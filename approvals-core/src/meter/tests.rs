use std::sync::Arc;
use std::time::Duration;

use super::count::{Meter, Reading, Value};
use super::names::{ALL, Kind};
use crate::id::{RequestId, Seq};
use crate::ledger::{
    Allowed, Body, Env, Event, Finish, IgnoredWhat, IgnoredWhy, PresentFailure, Record, RefusedCall, Stream,
};
use crate::people::Requester;
use crate::request::{Commitment, Quorum};
use crate::state::tests::kit::{self, DECIDE, History};

fn record(seq: u64, body: Body) -> Record {
    Record { seq: Seq(seq), body: Arc::new(body), bytes: Arc::default(), payload: None, signature: None }
}

fn records(history: &History) -> Vec<Record> {
    (1..).zip(&history.bodies).map(|(seq, body)| record(seq, body.clone())).collect()
}

fn in_stream(stream: Stream, event: Event) -> Record {
    record(9, Body { stream, ..History::empty().next(event) })
}

/// A reading as one line, without the gauge that every record moves.
fn lines(readings: &[Reading]) -> Vec<String> {
    let told = readings.iter().filter(|reading| reading.metric.name != "approvals_ledger_records");
    let line = |reading: &Reading| {
        let labels: Vec<_> = reading.labels().map(|(label, value)| format!("{label}={value}")).collect();
        let value = match reading.value {
            Value::Add(by) => format!("+{by}"),
            Value::Set(to) => format!("={to}"),
            Value::Took(seconds) => format!("~{seconds}"),
        };
        format!("{}{{{}}}{value}", reading.metric.name.trim_start_matches("approvals_"), labels.join(","))
    };
    told.map(line).collect()
}

/// What each record of a history changes, and what is open after it.
fn told(history: &History) -> (Vec<Vec<String>>, Meter) {
    let mut meter = Meter::new(Env::Live);
    let told = records(history).iter().map(|record| lines(&meter.observe(record))).collect();
    (told, meter)
}

fn open(meter: &Meter) -> Vec<String> {
    lines(&meter.gauges()).into_iter().filter(|line| !line.ends_with("=0")).collect()
}

#[test]
fn a_request_is_counted_from_the_question_to_the_end_of_the_body() {
    let history = History::asking(Quorum::people(2))
        .approved_by("ann", &[])
        .later(Duration::from_secs(3))
        .approved_by("bob", &[])
        .then(kit::started(1))
        .then(kit::finished(1, Finish::Ok {}));
    let (told, meter) = told(&history);
    let expected: [&[&str]; 5] = [
        &["requests_total{action=dataset.export,risk=medium}+1", "pending{risk=medium}=1"],
        &[],
        &[
            "verdicts_total{action=dataset.export,risk=medium,verdict=approved}+1",
            "time_to_decision_seconds{risk=medium,verdict=approved}~3",
            "pending{risk=medium}=0",
            "approved{risk=medium}=1",
        ],
        &["approved{risk=medium}=0", "executing{risk=medium}=1"],
        &["executions_total{action=dataset.export,risk=medium,outcome=ok}+1", "executing{risk=medium}=0"],
    ];
    assert_eq!(told, expected);
    assert!(open(&meter).is_empty());
}

#[test]
fn an_approval_that_is_taken_back_counts_under_both_verdicts_and_takes_time_once() {
    let history = History::asking(Quorum::people(1)).approved_by("ann", &[]).denied_by("bob", &[]);
    let (told, _) = told(&history);
    let all = told.concat();
    let count = |start: &str| all.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("verdicts_total"), count("time_to_decision")), (2, 1), "{all:?}");
    assert!(all.iter().any(|line| line.contains("verdict=denied")), "{all:?}");
}

#[test]
fn what_expires_or_is_withdrawn_is_a_verdict_and_no_decision() {
    let expired = History::asking(Quorum::people(1)).later(DECIDE).then(Event::Expired {});
    let withdrawn = History::asking(Quorum::people(1)).then(kit::withdrawn());
    for (history, verdict) in [(expired, "expired"), (withdrawn, "cancelled")] {
        let (told, meter) = told(&history);
        let last = told.last().unwrap();
        assert!(last[0].ends_with(&format!("verdict={verdict}}}+1")), "{last:?}");
        assert!(!last.iter().any(|line| line.contains("time_to")), "{last:?}");
        assert!(open(&meter).is_empty());
    }
}

#[test]
fn what_was_cut_off_stays_unknown_until_a_person_reconciles_it() {
    let history =
        History::asking(Quorum::people(1)).approved_by("ann", &[]).then(kit::started(1)).then(kit::lost(1));
    let (told, mut meter) = told(&history);
    assert!(told.last().unwrap()[0].contains("outcome=lost"), "{told:?}");
    assert_eq!(open(&meter), ["unknown{risk=medium}=1"]);
    let reconciled = history.next(kit::reconciled("zoe", crate::ledger::Reconciliation::Ran));
    assert_eq!(lines(&meter.observe(&record(9, reconciled))), ["unknown{risk=medium}=0"]);
    assert!(open(&meter).is_empty());
}

#[test]
fn what_was_open_before_the_meter_began_is_a_gauge_and_no_count() {
    let history = History::asking(Quorum::people(1));
    let mut meter = Meter::new(Env::Live);
    meter.learn(&records(&history));
    assert_eq!(open(&meter), ["pending{risk=medium}=1"]);
    let yes = history.yes("ann", &[]);
    let approved = record(2, history.next(yes));
    assert_eq!(meter.misses(&approved), None);
    let told = lines(&meter.observe(&approved));
    assert!(told[0].starts_with("verdicts_total"), "{told:?}");
}

#[test]
fn a_move_of_a_request_that_was_never_learnt_says_which_history_is_missing() {
    let asked = History::asking(Quorum::people(1));
    let yes = asked.yes("ann", &[]);
    let approved = record(2, asked.next(yes));
    let meter = Meter::new(Env::Live);
    assert_eq!(meter.misses(&approved), Some(kit::id()));
    assert_eq!(meter.misses(&records(&asked)[0]), None, "it says everything itself");
    assert_eq!(meter.misses(&record(2, asked.next(kit::ignored()))), None, "notes move nothing");
}

#[test]
fn notes_and_free_calls_are_counted_with_words_and_never_with_people() {
    let requester = || Requester { agent: "bot".into(), owner: "olga".into(), on_behalf_of: None };
    let (action, policy) = ("a.b".to_owned(), "p1".into());
    let ignored = crate::ledger::Ignored {
        what: IgnoredWhat::Approve,
        why: IgnoredWhy::NotAReviewer,
        by: Some("eve".into()),
        way: Some("chat".into()),
        identity: None,
    };
    let cases = [
        (
            in_stream(
                Stream::Allowed,
                Event::Allowed(Allowed {
                    action: action.clone(),
                    risk: crate::action::Risk::Low,
                    requester: requester(),
                    policy,
                    call: None,
                }),
            ),
            "allowed_total{action=a.b,risk=low}+1",
        ),
        (
            in_stream(
                Stream::Allowed,
                Event::Refused(RefusedCall {
                    action,
                    risk: crate::action::Risk::High,
                    requester: requester(),
                    policy: "p1".into(),
                    why: Commitment::from_bytes([1; 32]),
                }),
            ),
            "refused_total{action=a.b,risk=high}+1",
        ),
        (
            in_stream(Stream::System, Event::Ignored(ignored)),
            "ignored_total{what=approve,why=not_a_reviewer}+1",
        ),
        (
            in_stream(Stream::System, Event::Unauthenticated { way: "chat".into(), count: 7 }),
            "unauthenticated_total{way=chat}+7",
        ),
        (
            in_stream(
                Stream::Request(kit::id()),
                Event::PresentFailed { way: "chat".into(), why: PresentFailure::NoTty },
            ),
            "present_failures_total{way=chat,why=no_tty}+1",
        ),
    ];
    for (record, expected) in cases {
        assert_eq!(lines(&Meter::new(Env::Live).observe(&record)), [expected]);
    }
}

#[test]
fn a_tests_records_are_not_counted_with_live_ones() {
    let mut history = History::empty();
    history.env = Env::Test;
    let history = history.then(Event::Requested(kit::requested(kit::requirement(Quorum::people(1))).into()));
    let (told, meter) = told(&history);
    assert_eq!((told.concat().len(), open(&meter).len()), (0, 0));
}

#[test]
fn however_many_names_a_ledger_holds_the_labels_stay_few() {
    let mut meter = Meter::new(Env::Live);
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..3_000 {
        let event = Event::Unauthenticated { way: format!("way {number}").into(), count: 1 };
        seen.extend(lines(&meter.observe(&in_stream(Stream::System, event))));
    }
    assert_eq!(seen.len(), 1_001);
    assert!(seen.contains("unauthenticated_total{way=other}+1"));
}

#[test]
fn what_is_over_is_not_held() {
    let mut meter = Meter::new(Env::Live);
    for number in 1..=1_000_u128 {
        let id = RequestId::from_uuid(uuid::Uuid::from_u128(number));
        let history = History::asking(Quorum::people(1)).denied_by("ann", &[]);
        for body in &history.bodies {
            meter.observe(&record(1, Body { stream: Stream::Request(id), ..body.clone() }));
        }
    }
    assert_eq!(meter.open_requests(), 0);
}

#[test]
fn the_page_names_exactly_the_figures_that_the_code_emits() {
    const PAGE: &str = include_str!("../../../docs/metrics.md");
    let rows: Vec<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with("| `approvals_") && line.matches('|').count() == 6)
        .collect();
    let code: Vec<String> = ALL
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            format!(
                "| `{}` | {kind} | {} | {} | {} |",
                metric.name,
                metric.unit,
                labels.join(", "),
                metric.help
            )
        })
        .collect();
    assert_eq!(rows, code);
}
