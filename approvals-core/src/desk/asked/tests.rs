//! What a way in finds open after its process was started again.

use std::sync::Arc;

use crate::card::Shown;
use crate::desk::{Desk, Way, WayKind};
use crate::id::{RequestId, WayId};
use crate::ledger::{Append, Env, Event, Memory, Store, Stream};
use crate::people::{Assurance, People, Person};
use crate::request::Quorum;
use crate::state::State;
use crate::state::tests::kit::{requested, requirement, started, withdrawn};

pub(in crate::desk) fn request(number: u128) -> RequestId {
    RequestId::from_uuid(uuid::Uuid::from_u128(number))
}

pub(in crate::desk) fn presented(way: &str) -> Event {
    Event::Presented { way: way.into(), reference: "message-1".into(), shown: Shown::Everything }
}

pub(in crate::desk) async fn tell(store: &Memory, number: u128, events: impl IntoIterator<Item = Event>) {
    let stream = Stream::Request(request(number));
    let opening = Event::Requested(requested(requirement(Quorum::people(1))).into());
    for event in [opening].into_iter().chain(events) {
        let state = State::fold(&store.history(stream).await.unwrap()).unwrap();
        let event = match event {
            Event::Reviewed(mut reviewed) => {
                reviewed.digest = state.opened().unwrap().digest;
                Event::Reviewed(reviewed)
            }
            other => other,
        };
        let append = Append {
            stream,
            expected: Some(state.version()),
            env: Env::Live,
            node: "host/agent".into(),
            events: vec![event.into()],
        };
        store.append(append).await.unwrap();
    }
}

#[tokio::test]
async fn what_this_way_showed_and_a_person_may_still_answer_is_open_newest_first() {
    let store = Memory::new().unwrap();
    let yes = || crate::state::tests::kit::History::empty().yes("ann", &[]);
    tell(&store, 1, [presented("webhook")]).await;
    tell(&store, 2, [presented("chat")]).await;
    tell(&store, 3, [presented("webhook"), withdrawn()]).await;
    tell(&store, 4, []).await;
    tell(&store, 5, [presented("chat"), presented("webhook"), yes()]).await;
    tell(&store, 6, [presented("webhook"), yes(), started(1)]).await;
    let open = async |way: &str| {
        let way = Way {
            id: WayId::from(way),
            provider: "acme".into(),
            assurance: Assurance::Sso,
            kind: WayKind::Backend,
        };
        let people = People::new([Person::new("ann")]).unwrap();
        let desk = Desk::new(Arc::new(store.clone()), Arc::new(people), way, "host/agent");
        desk.open_requests().await.unwrap()
    };
    assert_eq!(open("webhook").await, [5, 1].map(request));
    assert_eq!(open("chat").await, [5, 2].map(request));
    assert_eq!(open("terminal").await, []);
}
