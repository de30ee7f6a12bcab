//! What was written is what is read.

use std::sync::Arc;

use crate::capture::{Limits, capture};
use crate::conformance::check::{Checked, Failure};
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, all};
use crate::ledger::{Known, NewEvent, Payload, Record, Signature, Stream};
use crate::request::Seed;

/// Text that careless layers change: several scripts, combining marks, beyond the basic plane, controls, quotes.
const TEXT: &str = "Grüße, 世界, e\u{301}, 🔐\u{200b}\u{202e}, \"quoted\" \\ \n\t\u{1f} 'single' %_;--";

/// Evidence is over the very bytes; a column type that reformats them destroys it.
pub(in crate::conformance) async fn the_bytes_are_the_canonical_form_of_the_record(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().agent(TEXT).argument("note", TEXT);
    store.append(sample.opens()).await?;
    store.append(sample.note(sample::viewed_by(TEXT))).await?;
    store.append(sample.at(1, [sample.approved_by("ann"), sample::started(sample::claim())])).await?;
    let mut read = store.history(sample.stream()).await?;
    same!(read.len(), 4, "the number of records in the history");
    read.extend(all(&store).await?);
    for record in read {
        let seq = record.seq;
        let canonical = record.body.to_bytes().map_err(Failure::from)?;
        let shown = String::from_utf8_lossy(&record.bytes);
        ensure!(*record.bytes == *canonical, "the bytes of record {seq} are not canonical: {shown}");
        let reread = Record::from_stored(seq, record.bytes.to_vec(), None, None)?;
        ensure!(reread.body == record.body, "the bytes of record {seq} say something else than its body");
    }
    Ok(())
}

pub(in crate::conformance) async fn payloads_come_back_as_they_were_given(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    // A value may be 64 KiB; a payload holds several and free text beside them.
    let large = TEXT.repeat(64 * 1024 / TEXT.len());
    let sample = Sample::new().argument("small", TEXT).argument("large", &large);
    let mut odd = Payload::new(Seed::from_bytes([0xff; 32]));
    let values =
        (u64::MAX, i64::MIN, 0.1_f64, 1e300_f64, f64::MIN_POSITIVE, Some(true), ((), [Some(""), None]));
    odd.commit("odd", capture(&values, &Limits::default())?);
    odd.commit_text(TEXT, "");
    odd.note(TEXT, large.as_str());
    let noted = NewEvent::with(sample::viewed_by("ann"), odd.clone());
    let given = [Some(sample.payload().clone()), Some(odd.clone()), None];

    store.append(sample.opens()).await?;
    store.append(sample.note(noted)).await?;
    store.append(sample.note(sample::viewed_by("ben"))).await?;
    for (whose, read) in [("history", store.history(sample.stream()).await?), ("records", all(&store).await?)]
    {
        same!(read.len(), given.len(), "the number of records in `{whose}`");
        for (record, given) in read.iter().zip(&given) {
            let kept = record.payload.as_deref() == given.as_ref();
            ensure!(kept, "`{whose}` gives another payload for record {} than was written", record.seq);
        }
    }
    store.append(sample::to_stream(Stream::System, NewEvent::with(up(), odd.clone()))).await?;
    let of_system = store.history(Stream::System).await?;
    let kept = of_system.first().is_some_and(|record| record.payload.as_deref() == Some(&odd));
    ensure!(kept, "a payload in the stream `system` is not the one that was written");
    Ok(())
}

pub(in crate::conformance) async fn signatures_come_back_as_they_were_given(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    // Opaque bytes: no text, and with zeros.
    let signature = Signature((0..=255).rev().chain(0..=255).collect());
    let viewed = NewEvent::from(sample::viewed_by("ann"));
    store.append(sample.opens()).await?;
    store.append(sample.note(NewEvent { signature: Some(signature.clone()), ..viewed.clone() })).await?;
    store.append(sample.note(viewed)).await?;
    let given = [None, Some(signature), None];
    for (whose, read) in [("history", store.history(sample.stream()).await?), ("records", all(&store).await?)]
    {
        let found: Vec<_> = read.into_iter().map(|record| record.signature).collect();
        ensure!(found == given, "`{whose}` gives other signatures than were written");
    }
    Ok(())
}

pub(in crate::conformance) async fn a_history_is_exactly_the_records_of_its_stream_oldest_first(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let [a, b] = [Sample::new(), Sample::new()];
    store.append(a.opens()).await?;
    store.append(b.opens()).await?;
    for person in ["ann", "ben", "cleo"] {
        // Notes share the version of the event before them: a version alone does not order a history.
        store.append(a.note(sample::viewed_by(person))).await?;
        if person == "ben" {
            store.append(a.at(1, [a.approved_by("dov")])).await?;
            store.append(sample::process_up()).await?;
        }
        store.append(b.note(sample::viewed_by(person))).await?;
    }
    let ledger = all(&store).await?;
    for stream in [a.stream(), b.stream(), Stream::System, Stream::Allowed] {
        let places = |records: &[Record]| records.iter().map(|record| record.seq.0).collect::<Vec<_>>();
        let expected: Vec<_> = ledger.iter().filter(|record| record.body.stream == stream).cloned().collect();
        let history = store.history(stream).await?;
        same!(places(&history), places(&expected), "the places in the history of `{stream}`");
        ensure!(history == expected, "`history` and `records` tell two stories of `{stream}`");
    }
    same!(store.history(a.stream()).await?.len(), 5, "the number of records in a history");
    Ok(())
}

pub(in crate::conformance) async fn what_is_past_a_known_record_is_the_rest_of_its_history(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let [a, b] = [Sample::new().people(2), Sample::new()];
    store.append(a.opens()).await?;
    store.append(b.opens()).await?;
    store.append(a.note(sample::viewed_by("ann"))).await?;
    store.append(a.at(1, [a.approved_by("ann"), sample::viewed_by("ben"), a.approved_by("ben")])).await?;
    store.append(a.note(sample::viewed_by("cy"))).await?;
    let history = store.history(a.stream()).await?;
    for (place, record) in history.iter().enumerate() {
        let known = Known::from(record);
        let rest = history.get(place + 1..).unwrap_or_default();
        let past = store.history_past(a.stream(), &known).await?;
        ensure!(
            past.as_deref() == Some(rest),
            "what is past record {} is not the rest of its history",
            record.seq
        );
        let other = Known { bytes: [b"{}", &*record.bytes].concat().into(), ..known.clone() };
        for (stream, known, whose) in [
            (a.stream(), Known { seq: known.seq.next(), ..known.clone() }, "that stands elsewhere"),
            (a.stream(), other, "that says something else"),
            (b.stream(), known, "of another stream"),
        ] {
            let past = store.history_past(stream, &known).await?;
            ensure!(past.is_none(), "a record {whose} is taken for a known one");
        }
    }
    Ok(())
}

pub(in crate::conformance) async fn an_unknown_stream_has_an_empty_history(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let known = Sample::new();
    store.append(known.opens()).await?;
    for stream in [Sample::new().stream(), Stream::System, Stream::Allowed] {
        same!(store.history(stream).await?.len(), 0, "the number of records in the history of `{stream}`");
    }
    Ok(())
}

fn up() -> crate::ledger::Event {
    crate::ledger::Event::Up { build: "sample/1.0.0".to_owned(), policy: "sample-1".into() }
}
