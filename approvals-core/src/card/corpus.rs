//! Hostile text for every renderer's tests, and the cards to put it in.

use serde::Deserialize;

use super::{Card, CardAnswer, CardArgument, CardClocks, CardRequester, CardValue, Span, Time};

/// One hostile string.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hostile {
    /// `<class>/<name>`, unique.
    pub id: String,
    /// The kind of attack, such as `bidi` or `ansi`.
    pub class: String,
    /// The string itself.
    pub text: String,
}

/// Every string of `corpus/hostile.json`, in its order.
///
/// # Panics
/// If the file is not what it should be: a corpus that loads as empty would pass every test.
pub fn hostile() -> Vec<Hostile> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        id: String,
        class: String,
        text: String,
        /// How often the text is repeated, so that long strings stay short in the file.
        #[serde(default = "once")]
        repeat: usize,
    }
    fn once() -> usize {
        1
    }

    #[expect(
        clippy::expect_used,
        reason = "test data is compiled in; an unreadable corpus must stop the test"
    )]
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../corpus/hostile.json"))
        .expect("the corpus is a list of rows");
    rows.into_iter()
        .map(|row| Hostile { id: row.id, class: row.class, text: row.text.repeat(row.repeat) })
        .collect()
}

/// A harmless card with every field in use.
pub fn benign() -> Card {
    let time = |text: &str, unix_ms| Time { text: text.into(), unix_ms };
    let mut card = Card::new(
        "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e",
        "4f2a9c01d3e7b8a6954c2d1e0f3b6a7984c5d2e1f0a3b6c798d4e5f2a1b0c3d6",
        "cleanup.delete_files",
        "high",
        CardRequester::new("cleaner", "dana"),
        CardClocks {
            requested_at: time("2026-11-21T22:53:29Z", 1_795_301_609_000),
            decide_by: time("2026-11-21T23:53:29Z", 1_795_305_209_000),
            use_within: Span { text: "15 min".into(), seconds: 900 },
        },
    );
    card.requester.on_behalf_of = Some("kim".into());
    card.resource = Some("/tmp/demo".into());
    card.reason = Some("removes 3 files from /tmp/demo".into());
    card.sensitivity = Some("internal".into());
    card.arguments = vec![
        CardArgument::new("folder", CardValue::Shown(r#""/tmp/demo""#.into())),
        CardArgument::new("files", CardValue::Shown(r#"["a.tmp","b.tmp","cache.tmp"]"#.into())),
        CardArgument::new("token", CardValue::Secret),
        CardArgument::new("pool", CardValue::Skipped { why: "a connection pool".into() }),
        CardArgument::new(
            "limits",
            CardValue::Shown(
                r#"{"bytes":{"$int":"9007199254740993"},"owners":["dana","kim"],"recurse":false,"seconds":30}"#
                    .into(),
            ),
        ),
    ];
    card.labels = vec![("incident".into(), "INC-7".into()), ("team".into(), "site reliability".into())];
    card.who_may_decide = vec!["any 1 of: sre".into(), "any 1 of: security".into()];
    card.answers = vec![CardAnswer {
        who: "lee".into(),
        answer: "approved".into(),
        at: time("2026-11-21T22:55:10Z", 1_795_301_710_000),
        comment: Some("checked the folder".into()),
    }];
    card.chain = vec!["maintenance.nightly (0192f0c0-11aa-7bbb-8ccc-0123456789ab)".into()];
    card.agent_says = Some("The disk is full.\nThese files are caches and can be made again.".into());
    card.notes = vec![("model".into(), "small-1".into()), ("session".into(), "run-42".into())];
    card
}

type Place = (&'static str, fn(&mut Card, &str));

/// Every place that text from outside can stand in.
const PLACES: &[Place] = &[
    ("argument value", |card, text| set_argument(card, CardValue::Shown(quoted(text)))),
    ("inside an argument", |card, text| {
        set_argument(card, CardValue::Shown(serde_json::json!({ text: [text, 1], "z": text }).to_string()));
    }),
    ("argument that is not JSON", |card, text| set_argument(card, CardValue::Shown(text.into()))),
    ("reason for skipping", |card, text| set_argument(card, CardValue::Skipped { why: text.into() })),
    ("argument name", |card, text| {
        card.arguments.iter_mut().take(1).for_each(|argument| argument.name = text.into());
    }),
    ("action", |card, text| card.action = text.into()),
    ("reason", |card, text| card.reason = Some(text.into())),
    ("resource", |card, text| card.resource = Some(text.into())),
    ("sensitivity", |card, text| card.sensitivity = Some(text.into())),
    ("label key", |card, text| card.labels.iter_mut().take(1).for_each(|(key, _)| *key = text.into())),
    ("label value", |card, text| card.labels.iter_mut().take(1).for_each(|(_, value)| *value = text.into())),
    ("agent", |card, text| card.requester.agent = text.into()),
    ("owner", |card, text| card.requester.owner = text.into()),
    ("human", |card, text| card.requester.on_behalf_of = Some(text.into())),
    ("who may decide", |card, text| {
        card.who_may_decide.iter_mut().take(1).for_each(|who| *who = text.into())
    }),
    ("reviewer", |card, text| card.answers.iter_mut().for_each(|answer| answer.who = text.into())),
    ("comment", |card, text| card.answers.iter_mut().for_each(|answer| answer.comment = Some(text.into()))),
    ("state", |card, text| card.state.label = text.into()),
    ("chain", |card, text| card.chain.iter_mut().for_each(|gate| *gate = text.into())),
    ("agent says", |card, text| card.agent_says = Some(text.into())),
    ("note key", |card, text| card.notes.iter_mut().take(1).for_each(|(key, _)| *key = text.into())),
    ("note value", |card, text| card.notes.iter_mut().take(1).for_each(|(_, value)| *value = text.into())),
];

/// The benign card once per place that text from outside can stand in, with the text there and nowhere else. The
/// card keeps its number of entries, so that a renderer's output can be compared with that of [`benign`].
pub fn poisoned(text: &str) -> Vec<(&'static str, Card)> {
    let poison = |(place, put): &Place| {
        let mut card = benign();
        put(&mut card, text);
        (*place, card)
    };
    PLACES.iter().map(poison).collect()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn set_argument(card: &mut Card, value: CardValue) {
    card.arguments.iter_mut().take(1).for_each(|argument| argument.value = value.clone());
}
