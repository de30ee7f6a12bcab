//! Cursors into a store, from whoever turns its pages.

use approvals::id::Seq;
use approvals::ledger::{Cursor, Event, Filter, Memory, Page, Store};
use approvals::request::Quorum;
use approvals::state::Phase;
use approvals::{Risk, Sqlite, SqliteOptions};

use crate::input::Input;
use crate::world::{open, request};

const WHOLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../approvals-stores/tests/golden/v1/ledger.db");

/// The store, the filter, the size of a page; then eight bytes that a page starts at.
pub fn run(data: &[u8]) {
    check(data, |page| page);
}

/// The same with pages of another make.
pub fn check(data: &[u8], makes: impl Fn(Page) -> Page) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut input = Input(data);
    runtime.block_on(async {
        if input.flag() {
            let store = Memory::new().unwrap();
            for number in 0..5 {
                let id = uuid::Uuid::from_u128(request().as_uuid().as_u128() + number);
                let id = approvals::id::RequestId::from_uuid(id);
                open(&store, id, Risk::High, Quorum::people(1)).await;
            }
            turn(&store, input, makes).await;
        } else {
            let store = Sqlite::open_with(WHOLE, SqliteOptions::new().leaves_no_trace()).await.unwrap();
            turn(&store, input, makes).await;
            store.close().await;
        }
    });
}

async fn turn(store: &dyn Store, mut input: Input<'_>, makes: impl Fn(Page) -> Page) {
    let mask = input.byte();
    let phases = Phase::ALL.iter().enumerate().filter(|(place, _)| *place < 8 && mask >> place & 1 == 1);
    let filter = Filter::in_phases(phases.map(|(_, phase)| *phase));
    let limit = match input.byte() {
        255 => usize::MAX,
        limit => usize::from(limit) % 9,
    };
    let number = (0..8).fold(0_u64, |number, _| number << 8 | u64::from(input.byte()));

    let records = store.records(Seq::START, usize::MAX).await.unwrap();
    let opened = |id| {
        let opens = |event: &Event| matches!(event, Event::Requested(_));
        records
            .iter()
            .find(|one| one.body.stream.request() == Some(id) && opens(&one.body.event))
            .unwrap()
            .seq
    };
    let all = store.list(&filter, None, usize::MAX).await.unwrap();
    assert_eq!(all.next, None, "there is nothing behind the last page");
    let all = all.summaries;
    assert!(all.windows(2).all(|pair| opened(pair[0].id) > opened(pair[1].id)), "the newest first");
    assert!(all.iter().all(|summary| filter.admits(summary)));

    let page = makes(store.list(&filter, Some(Cursor(Seq(number))), limit).await.unwrap());
    let due: Vec<_> = all.iter().filter(|summary| opened(summary.id).0 < number).cloned().collect();
    assert_eq!(page.summaries, due[..limit.min(due.len())], "a page holds what stands past its cursor");

    let (mut seen, mut next) = (Vec::new(), None);
    for _ in 0..=all.len() {
        let page = makes(store.list(&filter, next, limit.max(1)).await.unwrap());
        seen.extend(page.summaries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, all, "page by page it is the same list");

    let due = records.iter().filter(|record| record.seq.0 > number).take(limit);
    let past = store.records(Seq(number), limit).await.unwrap();
    assert!(past.iter().map(|record| record.seq).eq(due.map(|record| record.seq)), "records past {number}");
}
