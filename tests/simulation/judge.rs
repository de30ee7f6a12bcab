//! What must hold after every run, whatever went wrong in it. It reads the ledger by itself: of production code it
//! uses `apply` and nothing that decides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use approvals::id::{RequestId, Seq};
use approvals::ledger::{Answer, Event, Record, Store as _};
use approvals::state::{Phase, State, apply};

use crate::agent::reviewer;
use crate::plan::{Fault, Way};
use crate::world::{Made, World};

/// Law 11, less a moment: what is counted in a minute is one record.
const MINUTE: Duration = Duration::from_millis(59_500);

/// Says where each request came to; what must not be stands with the world.
pub(crate) fn judge(world: &World) -> Vec<&'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let records = runtime.block_on(world.ledger.records(Seq::START, usize::MAX)).unwrap();
    let mut histories: BTreeMap<RequestId, Vec<&Record>> = BTreeMap::new();
    for record in &records {
        if let Some(request) = record.body.stream.request() {
            histories.entry(request).or_default().push(record);
        }
    }
    let mut phases = Vec::new();
    let mut started: BTreeMap<usize, u64> = BTreeMap::new();
    let mut waiting = BTreeSet::new();
    for (request, history) in &histories {
        let state = folds(world, *request, history);
        phases.push(state.phase().as_str());
        is_earned(world, *request, history, &state);
        is_over(world, *request, &state);
        if let Some(call) = world.facts().call_of.get(request) {
            if state.phase() == Phase::Pending {
                waiting.insert(*call);
            }
            let claims = history.iter().filter(|record| matches!(record.body.event, Event::Started { .. }));
            *started.entry(*call).or_default() += claims.count() as u64;
        }
    }
    callers(world, &waiting);
    bodies(world, &started);
    messages(world);
    nothing_is_lost(world, &histories);
    strangers(world, &records);
    phases
}

/// Every event applies to what came before it.
fn folds(world: &World, request: RequestId, history: &[&Record]) -> State {
    let mut state = State::default();
    for record in history {
        match apply(&state, &record.body) {
            Ok(next) => state = next,
            Err(illegal) => {
                world.broken(format_args!("{request} #{}: {illegal}", record.seq));
                return state;
            }
        }
    }
    state
}

/// What changed a request was decided by somebody, and a claim follows enough of it.
fn is_earned(world: &World, request: RequestId, history: &[&Record], state: &State) {
    let Some(opened) = state.opened() else { return };
    let decide_by = opened.at.after(world.plan.decide_within);
    let (mut approved, mut denied): (BTreeSet<&str>, bool) = (BTreeSet::new(), false);
    let mut last = opened.at;
    for record in history {
        if record.body.time < last {
            world.broken(format_args!("{request}: time runs backwards at #{}", record.seq));
        }
        last = record.body.time;
        match &record.body.event {
            Event::Reviewed(reviewed) => {
                let subject = match reviewed.by.as_str() {
                    "ann" => "u-1",
                    "ben" => "u-2",
                    _ => "nobody",
                };
                let made = Made::new(request, &reviewed.digest, subject, reviewed.answer);
                let (known, digest) = (world.facts().made.contains(&made), opened.digest);
                if !known || reviewed.digest != digest {
                    let (answer, by) = (reviewed.answer, &reviewed.by);
                    world.broken(format_args!("{request}: {answer} of {by} counts, and nobody made it"));
                }
                match reviewed.answer {
                    Answer::Approve if record.body.time < decide_by => {
                        approved.extend(reviewer(subject));
                    }
                    Answer::Approve => world.broken(format_args!("{request}: a late approval counts")),
                    Answer::Deny => denied = true,
                }
            }
            Event::Started { .. } => {
                let enough = approved.len() >= usize::try_from(world.plan.quorum).unwrap();
                if !enough || denied {
                    world.broken(format_args!("{request}: claimed with {approved:?}, denied: {denied}"));
                }
            }
            _ => {}
        }
    }
}

/// Once everything is mended, a request comes to an end, or it waits for people who were asked and did not answer.
fn is_over(world: &World, request: RequestId, state: &State) {
    let phase = state.phase();
    if phase.is_terminal() || phase == Phase::Unknown {
        return;
    }
    let facts = world.facts();
    let asked = facts.messages.contains_key(&request);
    let of_this = |denies: bool| {
        let made = facts.made.iter().filter(move |made| made.request == request && made.denies == denies);
        made.filter_map(|made| reviewer(&made.person)).collect::<BTreeSet<_>>().len()
    };
    let quorum = usize::try_from(world.plan.quorum).unwrap();
    let waits = phase == Phase::Pending && asked && of_this(true) == 0 && of_this(false) < quorum;
    drop(facts);
    if !waits {
        world.broken(format_args!("{request} is {phase} for ever, asked: {asked}"));
    }
}

/// A caller hears how its call ended, unless people have yet to answer.
fn callers(world: &World, waiting: &BTreeSet<usize>) {
    for (call, host) in world.open_calls() {
        if !waiting.contains(&call) {
            world.broken(format_args!("call {call} of {host} never came to an end"));
        }
    }
}

/// A body runs at most once per call, and only where a claim stands.
fn bodies(world: &World, started: &BTreeMap<usize, u64>) {
    let (begun, done) = {
        let facts = world.facts();
        (facts.begun.clone(), facts.done.clone())
    };
    for (call, times) in &begun {
        let claims = started.get(call).copied().unwrap_or_default();
        if *times > 1 || *times > claims {
            world.broken(format_args!("the body of call {call} ran {times} times, after {claims} claims"));
        }
    }
    for ((call, host), outcome) in done {
        if outcome == "ok" && !begun.contains_key(&call) {
            world.broken(format_args!("call {call} of {host} is ok, and its body never ran"));
        }
        let typed = ["ok", "already_ran", "denied", "expired", "cancelled", "unknown", "cut off"];
        let unkeyed = ["store", "unavailable"];
        if !typed.contains(&outcome.as_str())
            && (world.plan.calls[call].keyed || !unkeyed.contains(&outcome.as_str()))
        {
            world.broken(format_args!("call {call} of {host} came to `{outcome}`"));
        }
    }
}

/// People are sent one message per request.
fn messages(world: &World) {
    let messages = world.facts().messages.clone();
    for (request, ids) in messages {
        if ids.len() > 1 {
            world.broken(format_args!("{request}: {} messages: {ids:?}", ids.len()));
        }
    }
}

/// What the endpoint was told that it need not send again, the ledger has.
fn nothing_is_lost(world: &World, histories: &BTreeMap<RequestId, Vec<&Record>>) {
    let told = world.facts().told.clone();
    for (id, (made, code)) in told {
        let history = histories.get(&made.request).map(Vec::as_slice).unwrap_or_default();
        let by = reviewer(&made.person);
        let is_it = |record: &&&Record| match &record.body.event {
            Event::Reviewed(reviewed) => {
                Some(reviewed.by.as_str()) == by && (reviewed.answer == Answer::Deny) == made.denies
            }
            Event::Ignored(ignored) => {
                code != "counted" && (ignored.by.as_ref().map(|by| by.as_str()) == by || by.is_none())
            }
            _ => false,
        };
        if history.iter().find(is_it).is_none() {
            world.broken(format_args!("{id} was taken as `{code}` and is in no record"));
        }
    }
}

/// Strangers are counted, once a minute at most, and learn nothing.
fn strangers(world: &World, records: &[Record]) {
    let recorded = records.iter().filter_map(|record| match record.body.event {
        Event::Unauthenticated { count, .. } => Some(count),
        _ => None,
    });
    let recorded: u64 = recorded.sum();
    let (came, by_poll, counts, refusals) = {
        let facts = world.facts();
        (facts.strangers, facts.strangers_at_most, facts.counts.clone(), facts.refusals.clone())
    };
    if recorded > came + by_poll {
        world.broken(format_args!("{recorded} strangers are on record, and {came} came"));
    }
    let whole =
        |fault: &Fault| matches!(fault, Fault::CrashAgent { .. } | Fault::CrashAt(_) | Fault::StoreAway);
    let nothing_cut = !world.plan.happens.iter().any(|happening| whole(&happening.fault));
    if nothing_cut && world.plan.way == Way::CalledBack && recorded != came {
        world.broken(format_args!("{came} strangers came, and {recorded} are on record"));
    }
    let mut last: BTreeMap<&str, Duration> = BTreeMap::new();
    for (life, at, _) in &counts {
        if last.insert(life, *at).is_some_and(|before| *at < before + MINUTE) {
            world.broken(format_args!("{life} recorded strangers twice within a minute"));
        }
    }
    if refusals.len() > 1 {
        world.broken(format_args!("strangers are told different things: {refusals:?}"));
    }
}
