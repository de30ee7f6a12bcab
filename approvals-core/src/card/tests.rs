//! Law 5 (what is shown), law 12 (no secret) and law 13 (hostile text), over the corpus and over chance.

use proptest::prelude::*;

use super::corpus::{benign, hostile, poisoned};
use super::layout::columns;
use super::text::{Rendered, TextOptions, render};
use super::{
    Card, CardArgument, CardValue, Shown, Warning, cut, visible, visible_lines, visible_name, warnings, wrap,
};
use crate::action::Risk;
use crate::id::Seq;
use crate::ledger::{Payload, Record, Sealed};
use crate::request::{CallFacts, Commitment, Requirement, Seed};
use crate::state::tests::kit;

const HEADINGS: &[&str] = &[
    "env",
    "resource",
    "reason",
    "arguments",
    "sensitivity",
    "labels",
    "agent",
    "owner",
    "acts for",
    "inside",
    "decide",
    "state",
    "answers",
    "until",
    "asked",
    "request",
    "digest",
    "notes",
    "---",
    "agent says",
];

fn plain(card: &Card) -> Rendered {
    render(card, &TextOptions::default())
}

/// What no rendering may contain, whoever wrote the text. Kept apart from the table in `visible.rs`.
fn is_forbidden(c: char) -> bool {
    matches!(u32::from(c),
        0..=9 | 0xb..=0x1f | 0x7f..=0x9f | 0xa0 | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x1680 | 0x17b4 | 0x17b5
        | 0x180b..=0x180f | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164
        | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff9..=0xfffc | 0xfffe | 0xffff
        | 0x1d159 | 0x1d173..=0x1d17a | 0x1fffe | 0x1ffff | 0xe0000..)
}

fn heading_lines(text: &str) -> Vec<&'static str> {
    let heading =
        |line: &str| HEADINGS.iter().find(|heading| line.trim_start().starts_with(**heading)).copied();
    text.lines().filter_map(heading).collect()
}

/// Reads escapes back, as a person who knows them would.
fn unescape(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text.chars());
    while let Some(c) = rest.next() {
        let read = match c {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '\\' => '\\',
                's' => {
                    let count: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    out.extend(std::iter::repeat_n(' ', count.parse::<usize>().ok()?));
                    continue;
                }
                'u' => {
                    let code: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                }
                _ => return None,
            },
            c => c,
        };
        out.push(read);
    }
    Some(out)
}

fn assert_safe(name: &str, text: &str, width: usize) {
    if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
        panic!("{name}: {:?} in\n{}", c, text.escape_debug());
    }
    for line in text.lines() {
        assert!(columns(line) <= width, "{name}: {} columns in\n{line}", columns(line));
    }
}

#[test]
fn the_corpus_is_large_varied_and_plain_ascii() {
    let corpus = hostile();
    let classes: std::collections::BTreeSet<_> = corpus.iter().map(|row| row.class.as_str()).collect();
    let ids: std::collections::BTreeSet<_> = corpus.iter().map(|row| row.id.as_str()).collect();
    assert!(corpus.len() >= 120, "{} rows", corpus.len());
    assert_eq!(ids.len(), corpus.len());
    for class in [
        "bidi",
        "zero-width",
        "tags",
        "c0",
        "c1",
        "ansi",
        "newline",
        "separators",
        "very-long",
        "combining",
        "look-alike",
        "markup",
        "homoglyph",
        "url",
        "json",
        "format",
        "emoji",
        "nonchar",
        "path",
    ] {
        assert!(classes.contains(class), "no {class}");
    }
    assert!(include_str!("../../corpus/hostile.json").is_ascii());
}

#[test]
fn no_hostile_text_hides_or_poses_as_a_line_of_the_card_in_any_place() {
    let own = heading_lines(&plain(&benign()).text);
    assert!(own.len() > 15, "{own:?}");
    for row in hostile() {
        for (place, card) in poisoned(&row.text) {
            let name = format!("{} as {place}", row.id);
            let rendered = plain(&card);
            assert_safe(&name, &rendered.text, 80);
            assert_eq!(heading_lines(&rendered.text), own, "{name}:\n{}", rendered.text);
            assert_eq!(rendered.shown, Shown::Everything, "{name}");
            for line in rendered.text.lines().skip(1) {
                let start = line.trim_start();
                let marked = ["- ", "| ", "! "].iter().any(|mark| start.starts_with(mark)) || start == "|";
                assert!(
                    marked || !heading_lines(line).is_empty(),
                    "{name}: {line:?} has no mark\n{}",
                    rendered.text
                );
            }
        }
    }
}

#[test]
fn every_hostile_text_can_be_read_back_from_its_visible_form() {
    for row in hostile() {
        let shown = visible(&row.text);
        assert!(!shown.chars().any(|c| is_forbidden(c) || c == '\n'), "{}: {shown}", row.id);
        assert_eq!(unescape(&shown).as_deref(), Some(row.text.as_str()), "{}", row.id);
        let lines: Option<Vec<String>> = visible_lines(&row.text).iter().map(|line| unescape(line)).collect();
        assert_eq!(lines.map(|lines| lines.join("\n")).as_deref(), Some(row.text.as_str()), "{}", row.id);
    }
}

#[test]
fn every_character_there_is_stays_visible_beside_a_letter() {
    for c in '\0'..=char::MAX {
        let text = format!("a{c}b");
        let shown = visible(&text);
        assert!(!shown.chars().any(|c| is_forbidden(c) || c == '\n'), "U+{:04X}: {shown:?}", u32::from(c));
        assert_eq!(unescape(&shown), Some(text), "U+{:04X}", u32::from(c));
    }
}

#[test]
fn a_narrow_card_stays_within_its_width() {
    for row in hostile() {
        for (place, card) in poisoned(&row.text) {
            // Wrapping a long text costs the same in every place.
            if row.class != "very-long" || place == "reason" {
                let rendered = render(&card, &TextOptions::default().width(10));
                assert_safe(&format!("{} as {place}", row.id), &rendered.text, 40);
            }
        }
    }
}

#[test]
fn the_only_control_sequences_of_a_coloured_card_are_its_own() {
    for row in hostile().into_iter().filter(|row| row.class == "ansi" || row.class == "c1") {
        for (place, card) in poisoned(&row.text) {
            let mut text = render(&card, &TextOptions::default().color(true)).text;
            assert!(text.contains("\u{1b}[1;31m"));
            for own in ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"] {
                text = text.replace(own, "");
            }
            assert_eq!(text, plain(&card).text, "{} as {place}", row.id);
        }
    }
}

#[test]
fn facts_stand_above_the_words_of_the_agent() {
    for row in hostile() {
        let mut card = benign();
        card.agent_says = Some(format!("{} marker-of-the-agent", row.text));
        let text = plain(&card).text;
        let rule = text.find("  --- unverified ").unwrap();
        assert!(
            text.find("  digest ").unwrap() < rule && rule < text.find("agent says (unverified):").unwrap()
        );
        let prose = text[rule..].replace("\n  | ", "");
        assert!(prose.contains("marker-of-the-agent"), "{}", row.id);
        assert!(!text[..rule].contains("marker-of-the-agent"), "{}", row.id);
    }
}

#[test]
fn a_benign_card_looks_as_written_down() {
    assert_eq!(plain(&benign()).text, include_str!("golden.txt"));
}

#[test]
fn a_test_environment_and_a_single_operator_are_loud() {
    let mut card = benign();
    card.environment = Some("test".into());
    card.requester.single_operator = true;
    let text = plain(&card).text;
    assert!(text.starts_with("  ! *** TEST ***"), "{text}");
    assert!(text.contains("  ! SINGLE OPERATOR: the requester decides alone\n"), "{text}");
    card.environment = Some("staging".into());
    assert!(plain(&card).text.contains("  env         staging\n"));
}

#[test]
fn a_card_over_the_limit_is_a_part_and_says_how_to_see_the_rest() {
    let mut card = benign();
    let long = format!("\"{}\"", "x".repeat(50_000));
    card.arguments.push(CardArgument::new("padding", CardValue::Shown(long)));
    card.arguments.push(CardArgument::new("command", CardValue::Shown(r#""rm -rf /""#.into())));
    let rendered = render(&card, &TextOptions::default().limit(5_000));
    assert!(rendered.text.chars().count() <= 5_000);
    assert_safe("limit", &rendered.text, 80);
    let Shown::Part { hidden } = rendered.shown else { panic!("{rendered:?}") };
    let flat = rendered.text.replace("\n              | ", "").replace("\n                | ", "");
    assert!(flat.contains(&format!("… +{hidden} characters not shown")), "{flat}");
    assert!(flat.contains(r#"command = "rm -rf /""#), "a long argument pushed the next one out: {flat}");
    assert!(rendered.text.contains("no approval from this view"));
    assert!(rendered.text.contains(&format!("  ! open it with `approvals show {}`\n", card.request)));
}

#[test]
fn words_of_the_agent_are_cut_before_any_fact_and_cost_no_control() {
    let mut card = benign();
    card.agent_says = Some("please approve\n".repeat(5_000));
    card.notes = (0..3_000).map(|n| (format!("note{n}"), "x".into())).collect();
    card.answers[0].comment = Some("y".repeat(10_000));
    let rendered = render(&card, &TextOptions::default().limit(4_000));
    assert_eq!(rendered.shown, Shown::Everything);
    assert!(rendered.text.chars().count() <= 4_000);
    assert!(rendered.text.contains("characters not shown"), "{}", rendered.text);
    assert!(!rendered.text.contains("no approval from this view"));
}

#[test]
fn a_megabyte_in_one_argument_leaves_a_small_card() {
    let mut card = benign();
    card.arguments[0].value = CardValue::Shown(format!("\"{}\"", "\u{6f22} ".repeat(500_000)));
    let rendered = render(&card, &TextOptions::default().limit(3_000));
    assert!(rendered.text.chars().count() <= 3_000);
    assert!(matches!(rendered.shown, Shown::Part { hidden } if hidden > 990_000), "{:?}", rendered.shown);
}

#[test]
fn a_flood_of_entries_is_counted_and_makes_a_part() {
    let mut card = benign();
    card.labels = (0..5_000).map(|n| (format!("label{n}"), "x".repeat(20))).collect();
    let rendered = render(&card, &TextOptions::default().limit(4_000));
    assert!(rendered.text.chars().count() <= 4_000, "{}", rendered.text.chars().count());
    assert!(matches!(rendered.shown, Shown::Part { hidden } if hidden > 100_000), "{:?}", rendered.shown);
    assert!(rendered.text.contains(" more, +"), "{}", rendered.text);
    assert!(rendered.text.contains("\n  digest      4f2a9c01d3e7\n"));
}

#[test]
fn an_erased_value_makes_a_part() {
    let mut card = benign();
    card.arguments[0].value = CardValue::Erased;
    assert_eq!(plain(&card).shown, Shown::Part { hidden: 0 });
}

#[test]
fn an_erased_text_of_a_call_without_arguments_makes_a_part_too() {
    let seed = Seed::from_bytes([7; 32]);
    let erase: [fn(&mut CallFacts, Commitment); 3] = [
        |call, text| call.reason = Some(text),
        |call, text| call.resource = Some(text),
        |call, text| call.labels.extend([("incident".to_owned(), text)]),
    ];
    for erase in erase {
        let mut requested = kit::requested(Requirement::at(Risk::Medium));
        requested.call.arguments.clear();
        let mut payload = Payload::new(seed);
        erase(&mut requested.call, payload.commit_text("another field", "gone"));
        let history = kit::History::of(requested);
        // Gone as a whole, and there with something else in it.
        for payload in [None, Some(payload)] {
            let body = history.bodies[0].clone();
            let bytes = body.to_bytes().unwrap();
            let record = Record::at(Seq(1), Sealed { body, bytes, payload, signature: None, summary: None });
            let card = Card::of(&[record], &history.state).unwrap();
            assert_eq!(card.shown(), Shown::Part { hidden: 0 });
            assert_eq!(plain(&card).shown, Shown::Part { hidden: 0 });
        }
    }
}

#[test]
fn a_wrapped_string_cannot_pose_as_the_next_entry_of_a_structure() {
    let mut card = benign();
    let padded = format!("{} 5,", "x".repeat(58));
    card.arguments =
        vec![CardArgument::new("cents", CardValue::Shown(serde_json::json!([padded, 1]).to_string()))];
    let text = plain(&card).text;
    assert!(text.contains("\n              |   | 5,\",\n              |   1\n              | ]\n"), "{text}");
    let deep = format!("{}\"{}\"{}", "[".repeat(60), "y".repeat(200), "]".repeat(60));
    card.arguments = vec![CardArgument::new("deep", CardValue::Shown(deep))];
    assert_safe("deep", &plain(&card).text, 80);
}

#[test]
fn the_card_says_beside_a_value_what_cannot_be_seen_in_it() {
    let mut card = benign();
    card.resource = Some("a\u{200b}b".into());
    card.arguments[0].value = CardValue::Shown(r#""https://evil.example""#.into());
    card.agent_says = Some("\u{5d0}".into());
    let text = plain(&card).text;
    assert!(
        text.contains("a\\u{200b}b\n            ! 1 hidden character is written as an escape\n"),
        "{text}"
    );
    assert!(text.contains("\"https://evil.example\"\n              ! links to evil.example\n"), "{text}");
    assert!(text.contains("  | \u{5d0}\n  ! runs from right to left"), "{text}");
}

#[test]
fn wide_letters_take_two_columns_and_marks_stay_with_their_letter() {
    assert_eq!(wrap(&"\u{6f22}".repeat(13), 24), ["\u{6f22}".repeat(12), "\u{6f22}".into()]);
    assert_eq!(cut("e\u{301}x", 1), ("", 3));
    assert_eq!(wrap(&format!("{}e\u{301}", "x".repeat(23)), 24)[1], "e\u{301}");
}

#[test]
fn a_json_value_keeps_its_own_escapes_and_ours_cannot_be_forged_in_it() {
    let shown = |text: &str| CardValue::Shown(serde_json::Value::from(text).to_string()).visible();
    assert_eq!(shown("a\nb"), r#""a\nb""#);
    assert_eq!(shown("\u{202e}"), r#""\u{202e}""#);
    assert_eq!(shown(r"\u{202e}"), r#""\\u{202e}""#);
    assert_eq!(shown("e\u{301}"), "\"e\u{301}\"");
    assert_eq!(shown("\u{301}"), r#""\u{301}""#);
    assert_eq!(shown("\u{1b}\u{301}"), r#""\u001b\u{301}""#);
    assert_eq!(CardValue::Shown("not json".into()).visible(), "(raw text) not json");
}

#[test]
fn names_that_could_be_read_as_something_else_are_quoted() {
    assert_eq!(visible_name("deploy-bot/2"), "deploy-bot/2");
    assert_eq!(visible_name("J\u{fc}rgen"), "J\u{fc}rgen");
    assert_eq!(visible_name(""), r#""""#);
    assert_eq!(visible_name("a = 1"), r#""a = 1""#);
    assert_eq!(visible_name("a\"b"), r#""a\"b""#);
    assert_eq!(visible_name("a\u{3164}"), r#""a\u{3164}""#);
}

#[test]
fn a_person_is_told_what_cannot_be_seen() {
    let told = |text: &str| warnings(text).iter().map(Warning::to_string).collect::<Vec<_>>();
    assert_eq!(told("plain text, 5 \u{3bc}m, caf\u{e9}\n\tnext"), [""; 0]);
    assert_eq!(
        told("a\u{202e}b\u{200b}"),
        ["characters that reorder text are written as escapes", "2 hidden characters are written as escapes"]
    );
    assert_eq!(told("\u{440}\u{430}ypal"), [r"`\u{440}\u{430}ypal` is not `paypal`"]);
    assert_eq!(told("pay \u{440}\u{430}\u{443}"), [r"`\u{440}\u{430}\u{443}` is not `pay`"]);
    assert_eq!(told("\u{443}\u{434}\u{430}\u{43b}\u{438} \u{441}\u{443}\u{440}"), [""; 0]);
    assert_eq!(told("\u{1d42b}\u{1d426} -rf"), [r"`\u{1d42b}\u{1d426}` is not `rm`"]);
    assert_eq!(told("good.com\u{2215}x"), [r"`com\u{2215}x` is not `com/x`"]);
    assert_eq!(told("\u{5d0} 1"), ["runs from right to left: the order on screen may differ"]);
    assert_eq!(told(&"x".repeat(2_001)), ["very long: 2001 characters"]);
}

#[test]
fn every_address_is_named_by_the_host_it_leads_to() {
    let hosts = |text: &str| {
        warnings(text)
            .into_iter()
            .find_map(|warning| match warning {
                Warning::Links { hosts, .. } => Some(hosts),
                _ => None,
            })
            .unwrap_or_default()
    };
    assert_eq!(hosts("see HTTPS://Good.example:443@evil.example:8443/good.example"), ["evil.example"]);
    assert_eq!(hosts(r"https://good.example\@evil.example"), ["evil.example", "good.example"]);
    assert_eq!(hosts(r"https:/\evil.example"), ["evil.example"]);
    assert_eq!(hosts("[good](https://evil.example)"), ["evil.example"]);
    assert_eq!(hosts("http://[::1]:80/x"), ["[::1]"]);
    assert_eq!(hosts("https://good\u{200b}.example/"), [r"good\u{200b}.example"]);
    assert_eq!(
        hosts("\u{1b}]8;;https://evil.example\u{1b}\\https://good.example\u{1b}]8;;"),
        ["evil.example", "good.example"]
    );
    assert_eq!(hosts("std::fs // and C:/temp"), [""; 0]);
    let value = CardValue::Shown(r#"{"to":["https:\/\/evil.example\/"]}"#.into());
    assert_eq!(value.warnings(), [Warning::Links { hosts: vec!["evil.example".into()], more: 0 }]);
    let many: String = (0..9).map(|n| format!("http://h{n}.example ")).collect();
    assert_eq!(
        warnings(&many)[0].to_string(),
        "links to h0.example, h1.example, h2.example, h3.example, h4.example and 4 more"
    );
}

#[test]
fn a_card_survives_as_json_without_a_secret_in_it() {
    let json = serde_json::to_value(benign()).unwrap();
    assert_eq!(json["arguments"][2], serde_json::json!({ "name": "token", "value": "secret" }));
    assert_eq!(json["arguments"][0]["value"]["shown"], "\"/tmp/demo\"");
}

#[test]
fn marks_stay_on_letters_and_do_not_stack() {
    assert_eq!(visible("e\u{302}\u{301}"), "e\u{302}\u{301}");
    assert_eq!(visible("1\u{338}"), r"1\u{338}");
    assert_eq!(
        visible(&format!("o{}", "\u{334}".repeat(6))),
        format!("o{}\\u{{334}}\\u{{334}}", "\u{334}".repeat(4))
    );
}

#[test]
fn padding_is_written_out() {
    assert_eq!(visible("  a b "), r"\s{2}a b\s{1}");
    assert_eq!(visible("   "), r"\s{3}");
    assert_eq!(visible(&format!("a{}b", " ".repeat(8))), format!("a{}b", " ".repeat(8)));
    assert_eq!(visible(&format!("a{}b", " ".repeat(9))), r"a\s{9}b");
    assert_eq!(visible(r"a\s{9}b"), r"a\\s{9}b");
    assert_eq!(visible_lines("    indented")[0], "    indented");
}

/// Text in which attacks are likely: any character, with those that matter more often than by chance.
fn wild() -> impl Strategy<Value = String> {
    let special = proptest::sample::select(
        "\n\r\t\\\"u{}20e |-!\u{1b}\u{9b}\u{202e}\u{2066}\u{200b}\u{301}\u{338}\u{e0041}\u{fe0f}\u{a0}\u{3164}\u{430}\u{6f22}:/@"
            .chars()
            .collect::<Vec<_>>(),
    );
    proptest::collection::vec(prop_oneof![special, any::<char>()], 0..120)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn any_text_can_be_read_back_so_two_texts_never_look_the_same(text in wild()) {
        let shown = visible(&text);
        prop_assert!(!shown.chars().any(|c| is_forbidden(c) || c == '\n'), "{shown:?}");
        prop_assert_eq!(unescape(&shown), Some(text));
    }

    #[test]
    fn any_json_string_can_be_read_back(text in wild()) {
        let shown = CardValue::Shown(serde_json::Value::from(text.as_str()).to_string()).visible();
        prop_assert!(!shown.chars().any(|c| is_forbidden(c) || c == '\n'), "{shown:?}");
        // `\u{…}` and `\s{…}` are ours, every other escape is JSON's.
        let mut json = String::new();
        let mut rest = shown.as_str();
        while let Some(place) = rest.find('\\') {
            json.push_str(&rest[..place]);
            rest = &rest[place..];
            let ours = ["\\u{", "\\s{"].iter().any(|start| rest.starts_with(start));
            let len = if ours { rest.find('}').unwrap() + 1 } else { 2 };
            json.push_str(&if ours { unescape(&rest[..len]).unwrap() } else { rest[..len].to_owned() });
            rest = &rest[len..];
        }
        json.push_str(rest);
        prop_assert_eq!(serde_json::from_str::<String>(&json).ok(), Some(text));
    }

    #[test]
    fn wrapping_loses_nothing_and_cutting_counts_everything(text in wild(), width in 24..90_usize, limit in 0..300_usize) {
        let shown = visible(&text);
        let lines = wrap(&shown, width);
        prop_assert_eq!(lines.concat(), shown.as_str());
        prop_assert!(lines.iter().all(|line| columns(line) <= width), "{lines:?}");
        let (kept, left_out) = cut(&shown, limit);
        prop_assert!(shown.starts_with(kept) && kept.chars().count() <= limit);
        prop_assert_eq!(kept.chars().count() + left_out, shown.chars().count());
        prop_assert!(unescape(kept).is_some(), "an escape was split: {kept}");
    }

    #[test]
    fn any_text_in_any_place_leaves_the_card_as_it_is(
        text in wild(),
        place in any::<prop::sample::Index>(),
        width in 40..120_usize,
        limit in 2_500..6_000_usize,
    ) {
        let mut cards = poisoned(&text);
        let (name, card) = cards.swap_remove(place.index(cards.len()));
        let rendered = render(&card, &TextOptions::default().width(width).limit(limit));
        assert_safe(name, &rendered.text, width);
        prop_assert_eq!(heading_lines(&rendered.text), heading_lines(&plain(&benign()).text));
        prop_assert_eq!(rendered.shown != Shown::Everything, rendered.text.contains("! not everything is shown here"));
    }
}
