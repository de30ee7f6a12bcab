//! Histories: records in any order, folded by the state machine.

use std::collections::BTreeSet;

use approvals::action::Risk;
use approvals::card::Shown;
use approvals::id::{ClaimId, GroupId, Version};
use approvals::ledger::{
    Answer, Body, CancelWhy, Env, Event, FORMAT, Finish, NotRunWhy, Payload, Reconciliation, Reviewed,
    Stream, Summary,
};
use approvals::people::Assurance;
use approvals::request::{Digest, Quorum, Requested, Seed};
use approvals::state::{Illegal, Phase, State, apply};
use approvals::time::Timestamp;

use crate::input::Input;
use crate::oracle::is_met;
use crate::world::{request, requested};

const PEOPLE: [&str; 5] = ["dana", "kim", "lee", "max", "cleaner"];
const GROUPS: [&[&str]; 4] = [&["sre"], &["security"], &["sre", "security"], &[]];

/// What the history says so far, kept apart from the state.
struct Seen {
    requested: Requested,
    digest: Digest,
    opened: Option<Timestamp>,
    approved: Option<Timestamp>,
    yes: Vec<(&'static str, BTreeSet<GroupId>)>,
    denied: bool,
    overridden: bool,
    bodies: usize,
}

/// The quorum and whether the action may run again; then a byte or a few for each event.
pub fn run(data: &[u8]) {
    check(data, apply);
}

/// The same with another state machine.
pub fn check(data: &[u8], apply: impl Fn(&State, &Body) -> Result<State, Illegal>) {
    let mut input = Input(data);
    let mut seen = Seen::of(&mut input);
    let (mut state, mut time) = (State::default(), Timestamp::from_micros(1_795_301_609_000_000));
    while !input.is_over() {
        let body = seen.event(&mut input, &state, &mut time);
        let before = state.clone();
        match apply(&state, &body) {
            Ok(next) => {
                seen.judge(&before, &next, &body);
                state = next;
            }
            Err(_) => assert_eq!(state, before, "a refused record changes nothing"),
        }
    }
    if let Some(summary) = Summary::of(&state) {
        assert_eq!(summary.phase, state.phase());
        let json = serde_json::to_vec(&summary).unwrap();
        assert_eq!(serde_json::from_slice::<Summary>(&json).unwrap(), summary);
    }
}

impl Seen {
    fn of(input: &mut Input<'_>) -> Self {
        let quorum = match input.below(4) {
            0 => Quorum::people(1),
            1 => Quorum::people(2),
            2 => Quorum::All(vec![Quorum::people_from(1, ["sre"]), Quorum::people_from(1, ["security"])]),
            _ => Quorum::people_from(2, ["sre"]),
        };
        let mut payload = Payload::new(Seed::from_bytes([7; 32]));
        let mut requested = requested(&mut payload, Risk::High, quorum);
        requested.call.rerunnable = input.flag();
        requested.terms.requirement.assurance = input.one(&[Assurance::Local, Assurance::Sso]);
        let digest = requested.digest().unwrap();
        let (yes, bodies) = (Vec::new(), 0);
        Self {
            requested,
            digest,
            opened: None,
            approved: None,
            yes,
            denied: false,
            overridden: false,
            bodies,
        }
    }

    fn event(&self, input: &mut Input<'_>, state: &State, time: &mut Timestamp) -> Body {
        let kind = input.byte();
        let detail = input.byte();
        let mut rest = Input(std::slice::from_ref(&detail));
        let person = PEOPLE[usize::from(detail) % PEOPLE.len()];
        let digest = if detail == 255 { Digest::from_bytes([0; 32]) } else { self.digest };
        let claim = ClaimId::from_uuid(uuid::Uuid::from_u128(u128::from(detail % 4)));
        let reason = requested(&mut Payload::new(Seed::from_bytes([7; 32])), Risk::Low, Quorum::people(1))
            .call
            .reason
            .unwrap();
        let reviewed = |answer| {
            Event::Reviewed(Reviewed {
                answer,
                by: person.into(),
                groups: GROUPS[usize::from(detail / 8) % GROUPS.len()]
                    .iter()
                    .map(|group| GroupId::from(*group))
                    .collect(),
                assurance: if detail >= 128 { Assurance::Signed } else { Assurance::Local },
                way: "terminal".into(),
                digest,
                comment: None,
            })
        };
        let event = match kind % 16 {
            0 => Event::Requested(self.requested.clone().into()),
            1 | 2 => reviewed(Answer::Approve),
            3 => reviewed(Answer::Deny),
            4 | 5 => Event::Started { claim },
            6 => Event::Finished { claim, outcome: Finish::Ok {} },
            7 => Event::Finished { claim, outcome: Finish::Err { kind: "OpsError".to_owned() } },
            8 => Event::Finished { claim, outcome: Finish::NotRun { why: NotRunWhy::CallerGone } },
            9 => Event::Lost { claim },
            10 => Event::Expired {},
            11 => Event::Cancelled { by: None, why: CancelWhy::Withdrawn },
            12 => Event::Overridden { by: person.into(), assurance: Assurance::Signed, digest, reason },
            13 => {
                let outcome = rest.one(&[Reconciliation::Ran, Reconciliation::DidNotRun]);
                Event::Reconciled { outcome, by: person.into(), reason }
            }
            14 => {
                Event::Presented { way: "terminal".into(), reference: "tty".into(), shown: Shown::Everything }
            }
            _ => Event::Viewed { by: person.into(), way: "terminal".into() },
        };
        // The high bits of the kind move the clock: not at all, by a minute, by an hour, back.
        *time = match kind / 64 {
            0 => *time,
            1 => time.after(std::time::Duration::from_secs(60)),
            2 => time.after(std::time::Duration::from_secs(3_600)),
            _ => Timestamp::from_micros(time.as_micros() - 1),
        };
        let due = if event.is_note() { state.version() } else { state.version().next() };
        Body {
            format: FORMAT,
            env: Env::Live,
            stream: Stream::Request(request()),
            version: if kind & 0x10 == 0 { due } else { Version(u64::from(detail)) },
            time: *time,
            node: if kind & 0x20 == 0 { "host/cleaner".into() } else { "host/other".into() },
            event,
        }
    }

    /// The laws, as far as one record shows them.
    fn judge(&mut self, before: &State, after: &State, body: &Body) {
        let (from, to) = (before.phase(), after.phase());
        assert!(before.last().is_none_or(|last| last <= body.time), "time runs forward");
        if body.event.is_note() {
            assert_eq!((from, before.version()), (to, after.version()), "a note moves nothing");
            return;
        }
        assert_eq!(after.version(), before.version().next());
        assert!(!from.is_terminal(), "law 3: terminal is terminal");
        let requirement = &self.requested.terms.requirement;
        let decide_by = self.opened.map(|at| at.after(requirement.decide_within));
        match &body.event {
            Event::Requested(_) => self.opened = Some(body.time),
            Event::Reviewed(reviewed) => {
                let by = PEOPLE.into_iter().find(|person| *person == reviewed.by.as_str()).unwrap();
                assert!(by != "dana" && by != "cleaner", "law 4: the requester never counts");
                assert_eq!(reviewed.digest, self.digest, "law 5");
                match reviewed.answer {
                    Answer::Deny => self.denied = true,
                    Answer::Approve => {
                        assert!(Some(body.time) < decide_by, "no yes at or after the deadline");
                        assert!(reviewed.assurance >= requirement.assurance);
                        assert!(self.yes.iter().all(|(person, _)| *person != by), "nobody counts twice");
                        self.yes.push((by, reviewed.groups.clone()));
                    }
                }
            }
            Event::Overridden { by, .. } => {
                assert!(!["dana", "cleaner"].contains(&by.as_str()), "law 4");
                assert!(Some(body.time) < decide_by && from == Phase::Pending);
                self.overridden = true;
            }
            Event::Started { .. } => {
                self.bodies += 1;
                assert!(!self.denied, "law 3: a denial blocks every later claim");
                let use_by = self.approved.unwrap().after(requirement.use_within);
                assert!(body.time < use_by, "no claim at or after its deadline");
                assert!(self.bodies == 1 || self.requested.call.rerunnable, "law 2: one approval, one body");
            }
            Event::Reconciled { by, .. } => assert!(!["dana", "cleaner"].contains(&by.as_str()), "law 4"),
            _ => {}
        }
        if (from, to) == (Phase::Pending, Phase::Approved) {
            self.approved = Some(body.time);
        }
        let yes: Vec<_> = self.yes.iter().map(|(_, groups)| groups).collect();
        let enough = self.overridden || is_met(&requirement.quorum, &yes);
        assert!(
            enough || !matches!(to, Phase::Approved | Phase::Executing),
            "law 1: too few people said yes"
        );
        assert!(!enough || to != Phase::Pending, "enough is enough");
    }
}
