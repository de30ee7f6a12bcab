//! Requests that are not over: can they be read, and could anybody decide them?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::look::{Doctor, Live};
use super::{Finding, failures};
use crate::card::{Shown, visible, visible_name};
use crate::desk::WayKind;
use crate::id::{GroupId, PolicyVersion};
use crate::ledger::{Answer, Record, Summary};
use crate::people::{Assurance, Person, Principal};
use crate::state::{Opened, Phase, State};

/// How long a backend may take to present a request before that is worth a word.
const PRESENTING: Duration = Duration::from_secs(60);

/// Folds a request anew, and compares the index with what comes of it.
pub(super) fn read(summary: Summary, history: Vec<Record>) -> Result<Live, Box<Finding>> {
    let id = summary.id.to_string();
    let mut state = State::default();
    let mut agrees = false;
    for record in &history {
        state = crate::state::apply(&state, &record.body).map_err(|illegal| {
            Box::new(Finding::problem(
                "history",
                id.clone(),
                format!("its record {} cannot follow those before it: {illegal}", record.seq),
                "restore the store from a backup and keep the damaged file; until then its calls are refused",
            ))
        })?;
        // It may have moved since it was listed.
        agrees |= Summary::of(&state).as_ref() == Some(&summary);
    }
    if agrees {
        return Ok(Live { summary, history, state });
    }
    Err(Box::new(Finding::warning(
        "index",
        id,
        format!("the index lists it as {}, and its history says {}", summary.phase, state.phase()),
        "rebuild the index with `Sqlite::rebuild_index`; nothing is decided by it",
    )))
}

/// Under which policies what is open was asked.
pub(super) fn policies(live: &[Live]) -> Option<Finding> {
    let open = live.iter().filter(|one| matches!(one.state.phase(), Phase::Pending | Phase::Approved));
    let mut used: BTreeMap<&PolicyVersion, usize> = BTreeMap::new();
    for opened in open.filter_map(Live::opened) {
        *used.entry(&opened.requested.terms.policy).or_default() += 1;
    }
    let named: Vec<_> =
        used.iter().map(|(policy, count)| format!("{} ({count})", visible_name(policy.as_str()))).collect();
    match used.len() {
        0 => None,
        1 => Some(Finding::ok(
            "policy",
            named.concat(),
            "what waits or is approved was asked under one policy",
        )),
        _ => Some(Finding::warning(
            "policy",
            named.join(", "),
            "what waits or is approved was asked under different policies",
            "each keeps the requirement that it was asked with, and the present policy can only stop it; to have it \
             ruled anew, have its owner take it back with `approvals cancel`",
        )),
    }
}

/// Requests that nobody could ever approve, one finding each; one for all if there are none.
pub(super) fn decidable(doctor: &Doctor<'_>, live: &[Live], everyone: Option<&[Person]>) -> Vec<Finding> {
    let pending: Vec<&Live> = live.iter().filter(|one| one.is_pending(doctor.now)).collect();
    let mut found = Vec::new();
    for one in &pending {
        let Some(opened) = one.opened() else { continue };
        found.extend(everyone.and_then(|everyone| too_few(one, opened, everyone)));
        found.extend(no_way(doctor, one, opened));
    }
    if found.is_empty() && !pending.is_empty() {
        let says = match everyone {
            Some(_) => "there are people and a way in for each",
            None => "there is a way in for each; who may decide was not looked at",
        };
        found.push(Finding::ok("request", format!("{} pending", pending.len()), says));
    }
    found
}

/// The quorum against the people there are, the requester left out (law 4).
fn too_few(one: &Live, opened: &Opened, everyone: &[Person]) -> Option<Finding> {
    let requester = &opened.requested.call.requester;
    if opened.requirement().single_operator
        && [Some(&requester.owner), requester.on_behalf_of.as_ref()].into_iter().flatten().any(|principal| {
            matches!(principal, Principal::Person(id) if everyone.iter().any(|person| person.id() == id))
        })
    {
        return None;
    }
    // A yes that was counted stays counted, by the groups of then.
    let yes = one.state.answers().iter().filter(|counted| counted.answer == Answer::Approve);
    let answered: BTreeSet<_> = one.state.answers().iter().map(|counted| &counted.by).collect();
    let others: Vec<_> = everyone
        .iter()
        .filter(|person| !requester.includes(person) && !answered.contains(person.id()))
        .map(Person::groups)
        .collect();
    let all: Vec<&BTreeSet<GroupId>> = yes.map(|counted| &counted.groups).chain(others).collect();
    if opened.requested.is_met_by(&all) {
        return None;
    }
    let able = all.iter().filter(|groups| opened.requested.has_place_for(groups)).count();
    let quorums: Vec<_> = opened.requested.quorums().map(|quorum| visible(&quorum.to_string())).collect();
    Some(Finding::problem(
        "request",
        opened.id.to_string(),
        format!(
            "nobody can complete it: it takes {}, and {able} besides the requester could count",
            quorums.join(", as well as ")
        ),
        format!(
            "add people, or have its owner take it back with `approvals cancel {} --reason …` and ask for fewer",
            opened.id
        ),
    ))
}

/// The ways in against what it takes.
fn no_way(doctor: &Doctor<'_>, one: &Live, opened: &Opened) -> Option<Finding> {
    let needed = opened.requirement().assurance;
    let id = opened.id.to_string();
    let open_to_store = opened.requested.terms.open_to_store;
    if open_to_store && needed <= Assurance::Local {
        return None;
    }
    if let Some(ways) = doctor.ways {
        let backends = ways.iter().filter(|way| way.kind == WayKind::Backend);
        let strongest = backends.map(|way| way.assurance).max();
        if strongest.is_none_or(|strongest| strongest < needed) {
            let has = strongest.map_or("there is none", Assurance::as_str);
            return Some(Finding::problem(
                "request",
                id,
                format!(
                    "nobody can approve it: it takes assurance `{needed}`, and of the backends the strongest has: {has}"
                ),
                "register a stronger backend, and start the agent anew",
            ));
        }
    }
    let presented = one.state.presented();
    if presented.values().any(|(_, shown)| *shown == Shown::Everything) {
        return None;
    }
    let closed = match open_to_store {
        true => format!("the program `approvals` gives assurance `local`, and it takes `{needed}`"),
        false => "it is not open to the program `approvals`".to_owned(),
    };
    let why = failures::standing(&one.history);
    let says = match (presented.is_empty(), why.is_empty()) {
        (false, _) => format!("nobody can approve it: it was presented in part only, and {closed}"),
        (true, true) => format!("it stands nowhere yet, and {closed}"),
        (true, false) => format!("it stands nowhere ({}), and {closed}", why.join(", ")),
    };
    let remedy =
        "see that the agent runs and what it logs of its backends (in its process, `approvals.doctor()`)";
    let fresh = presented.is_empty() && opened.at.until(doctor.now) < PRESENTING;
    Some(match fresh {
        true => Finding::warning("request", id, says, remedy),
        false => Finding::problem("request", id, says, remedy),
    })
}
