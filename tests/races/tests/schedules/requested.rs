//! Requests that nobody asks a person about: what a store is written with.

use std::collections::BTreeMap;

use approvals_races_core::action::Risk;
use approvals_races_core::id::{RequestId, Version};
use approvals_races_core::ledger::{Append, Env, Event, Stream};
use approvals_races_core::people::Requester;
use approvals_races_core::request::{CallFacts, Chain, Requested, Requirement, Terms};

/// A request and the append that opens it.
pub(crate) fn requested(number: u64) -> (Stream, Append) {
    let id: RequestId = format!("00000000-0000-7000-8000-{number:012}").parse().unwrap();
    let call = CallFacts {
        action: "races.pay".to_owned(),
        risk: Risk::High,
        sensitivity: None,
        arguments: Vec::new(),
        reason: None,
        resource: None,
        labels: BTreeMap::new(),
        requester: Requester { agent: "racer".into(), owner: "owner".into(), on_behalf_of: None },
        rerunnable: false,
        quorum: None,
    };
    let terms = Terms {
        requirement: Requirement::at(Risk::High),
        policy: "races".into(),
        nonce: number.to_string(),
        build: "races/1".to_owned(),
        open_to_store: true,
        round: None,
        inside: Chain::default(),
    };
    let event = Event::Requested((Requested { call, terms }).into());
    let append = Append {
        stream: id.into(),
        expected: Some(Version(0)),
        env: Env::Test,
        node: "host/agent".into(),
        events: vec![event.into()],
    };
    (id.into(), append)
}
