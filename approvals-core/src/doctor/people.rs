//! The directory against what waits.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::look::Live;
use crate::card::visible_name;
use crate::id::{AgentId, GroupId, PersonId};
use crate::people::{Directory, DirectoryError, Person, Principal, spelling};
use crate::time::Timestamp;

/// What is wrong with the people, and all of them where the directory can say.
pub(super) async fn people(
    directory: &dyn Directory,
    live: &[Live],
    now: Timestamp,
) -> Result<(Vec<Finding>, Option<Vec<Person>>), DirectoryError> {
    let everyone = directory.members(&[]).await?;
    let mut found = Vec::new();
    if let Some(everyone) = &everyone {
        found.push(size(everyone));
        found.extend(alike(everyone));
    }
    for group in groups(live, now) {
        if let Some([]) = directory.members(std::slice::from_ref(&group)).await?.as_deref() {
            found.push(Finding::warning(
                "group",
                group.as_str(),
                "a pending request asks for it, and nobody is in it",
                "put people into it, or correct its name in the policy or the code",
            ));
        }
    }
    for (agent, principal) in requesters(live) {
        found.extend(requester(directory, everyone.as_deref(), agent, principal).await?);
    }
    Ok((found, everyone))
}

fn size(everyone: &[Person]) -> Finding {
    let identities: usize = everyone.iter().map(|person| person.identities().count()).sum();
    let says = format!("people: {}, identities that they are recognised by: {identities}", everyone.len());
    match (everyone.len(), identities) {
        (0, _) | (_, 0) => Finding::problem(
            "people",
            "directory",
            format!("{says}; nobody can be recognised"),
            "give people the identities that they answer with, such as `identities = { os = [\"dana\"] }`",
        ),
        _ => Finding::ok("people", "directory", says),
    }
}

/// Two people whom one name fits: whoever is left out of a request by it, the other is too.
fn alike(everyone: &[Person]) -> Vec<Finding> {
    let mut called: BTreeMap<String, BTreeSet<&PersonId>> = BTreeMap::new();
    for person in everyone {
        let subjects = person.identities().map(|identity| spelling(identity.subject()));
        for name in subjects.chain([spelling(person.id().as_str())]) {
            called.entry(name).or_default().insert(person.id());
        }
    }
    let shared = called.into_iter().filter(|(_, people)| people.len() > 1);
    shared
        .map(|(name, people)| {
            let people: Vec<_> = people.iter().map(|id| visible_name(id.as_str())).collect();
            Finding::warning(
                "people",
                name,
                format!("fits {}, as an id or an identity, in capitals or not", people.join(" and ")),
                "merge the entries if they are one person: one person may not count twice",
            )
        })
        .collect()
}

/// The groups that pending requests name.
fn groups(live: &[Live], now: Timestamp) -> BTreeSet<GroupId> {
    let pending = live.iter().filter(|one| one.is_pending(now)).filter_map(Live::opened);
    pending.flat_map(|opened| opened.requested.quorums()).flat_map(named).collect()
}

/// The groups of a quorum, those beside a slot that is open to anyone too.
fn named(quorum: &crate::request::Quorum) -> BTreeSet<GroupId> {
    use crate::request::Quorum;
    match quorum {
        Quorum::People { from, .. } => from.clone(),
        Quorum::All(branches) | Quorum::Any(branches) => branches.iter().flat_map(named).collect(),
    }
}

fn requesters(live: &[Live]) -> BTreeSet<(&AgentId, &Principal)> {
    let opened = live.iter().filter_map(Live::opened).map(|opened| &opened.requested.call.requester);
    opened
        .flat_map(|requester| {
            let principals = std::iter::once(&requester.owner).chain(&requester.on_behalf_of);
            principals.map(|principal| (&requester.agent, principal))
        })
        .collect()
}

/// Whether an owner or a human can be told from those who decide (law 6).
async fn requester(
    directory: &dyn Directory,
    everyone: Option<&[Person]>,
    agent: &AgentId,
    principal: &Principal,
) -> Result<Option<Finding>, DirectoryError> {
    let agent = visible_name(agent.as_str());
    Ok(match principal {
        Principal::Person(id) if directory.person(id).await?.is_none() => Some(Finding::problem(
            "people",
            id.as_str(),
            format!(
                "{agent} asks as theirs, and they are not in the directory: what it asks is refused at the claim"
            ),
            "add them there, or have the agent name them `Principal::External`",
        )),
        Principal::External(id) => {
            let person = everyone.unwrap_or_default().iter().find(|person| person.is_called(id));
            person.map(|person| {
                let person = visible_name(person.id().as_str());
                Finding::problem(
                    "people",
                    id.as_str(),
                    format!("{agent} names them external, and in the directory they are {person}"),
                    "have the agent name that person",
                )
            })
        }
        Principal::Person(_) => None,
    })
}
