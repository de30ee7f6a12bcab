//! The card in visible form, before it is cut and wrapped: which facts there are, and in what order.

use crate::card::{Card, CardAnswer, CardValue, Warning, visible, visible_lines, visible_name, warnings};

/// One value in visible form.
pub(super) struct Item {
    pub(super) lead: String,
    pub(super) text: String,
    /// Whether the text is JSON, which may be spread over lines.
    pub(super) json: bool,
    /// Prose is not bound by the digest, so that cutting it hides no fact.
    pub(super) prose: bool,
    pub(super) warnings: Vec<Warning>,
}

impl Item {
    fn fact(raw: &str) -> Self {
        Self::own(visible(raw), warnings(raw))
    }

    /// Text that is visible already.
    fn own(text: String, warnings: Vec<Warning>) -> Self {
        Self { lead: String::new(), text, json: false, prose: false, warnings }
    }

    fn plain(text: String) -> Self {
        Self::own(text, Vec::new())
    }

    /// Characters of the whole item.
    pub(super) fn len(&self) -> usize {
        self.lead.chars().count() + self.text.chars().count()
    }

    fn named(name: &str, value: &CardValue) -> Self {
        let mut item = Self::own(value.visible(), value.warnings());
        item.json = matches!(value, CardValue::Shown(_));
        item.lead = format!("{} = ", visible_name(name));
        item
    }

    fn labelled(key: &str, value: &str) -> Self {
        let mut told = warnings(key);
        told.extend(warnings(value));
        // A key from outside is as long as it likes, so it is cut together with its value.
        Self::own(format!("{} = {}", visible_name(key), visible_name(value)), told)
    }
}

/// A heading with what stands beside it.
pub(super) struct Entry {
    pub(super) heading: &'static str,
    pub(super) list: bool,
    pub(super) items: Vec<Item>,
}

#[derive(Default)]
struct Entries(Vec<Entry>);

impl Entries {
    fn one(&mut self, heading: &'static str, raw: &str) {
        self.0.push(Entry { heading, list: false, items: vec![Item::fact(raw)] });
    }

    fn one_if(&mut self, heading: &'static str, raw: &Option<String>) {
        if let Some(raw) = raw {
            self.one(heading, raw);
        }
    }

    fn list(&mut self, heading: &'static str, items: impl IntoIterator<Item = Item>) {
        let items: Vec<Item> = items.into_iter().collect();
        if !items.is_empty() {
            self.0.push(Entry { heading, list: true, items });
        }
    }
}

/// The card in visible form.
pub(super) struct Sheet {
    pub(super) test: bool,
    pub(super) single_operator: bool,
    pub(super) erased: bool,
    pub(super) request: String,
    pub(super) risk: String,
    pub(super) action: Item,
    pub(super) facts: Vec<Entry>,
    pub(super) says: Option<(Vec<String>, Vec<Warning>)>,
    pub(super) notes: Entry,
}

impl Sheet {
    pub(super) fn of(card: &Card) -> Self {
        Self {
            test: is_test(card),
            single_operator: card.requester.single_operator,
            erased: card.has_erased_values(),
            request: visible_name(&card.request),
            risk: visible(&card.risk.to_uppercase()),
            action: Item::own(visible_name(&card.action), warnings(&card.action)),
            facts: facts(card),
            says: card.agent_says.as_deref().map(|says| (visible_lines(says), warnings(says))),
            notes: Entry {
                heading: "notes",
                list: true,
                items: card
                    .notes
                    .iter()
                    .map(|(key, value)| Item { prose: true, ..Item::labelled(key, value) })
                    .collect(),
            },
        }
    }
}

fn is_test(card: &Card) -> bool {
    card.environment.as_deref() == Some("test")
}

fn facts(card: &Card) -> Vec<Entry> {
    let mut facts = Entries::default();
    if !is_test(card) {
        facts.one_if("env", &card.environment);
    }
    facts.one_if("resource", &card.resource);
    facts.one_if("reason", &card.reason);
    facts.list("arguments", card.arguments.iter().map(|a| Item::named(&a.name, &a.value)));
    facts.one_if("sensitivity", &card.sensitivity);
    facts.list("labels", card.labels.iter().map(|(key, value)| Item::labelled(key, value)));
    facts.one("agent", &card.requester.agent);
    facts.one("owner", &card.requester.owner);
    facts.one_if("acts for", &card.requester.on_behalf_of);
    facts.list("inside", card.chain.iter().map(|gate| Item::fact(gate)));
    facts.list("decide", who_may_decide(card));
    facts.list(
        "state",
        std::iter::once(&card.state.label).chain(&card.state.lines).map(|line| Item::fact(line)),
    );
    facts.list("answers", card.answers.iter().flat_map(answer));
    let (decide_by, use_within) =
        (visible(&card.clocks.decide_by.text), visible(&card.clocks.use_within.text));
    facts.list(
        "until",
        [format!("{decide_by} to decide"), format!("then {use_within} to use")].map(Item::plain),
    );
    facts.one("asked", &card.clocks.requested_at.text);
    facts.one("request", &card.request);
    facts.one("digest", card.digest_prefix());
    facts.0
}

fn who_may_decide(card: &Card) -> Vec<Item> {
    let mut lines: Vec<Item> = card.who_may_decide.iter().map(|branch| Item::fact(branch)).collect();
    if lines.is_empty() {
        lines.push(Item::plain("nobody".into()));
    }
    lines.push(Item::plain(format!("assurance {} or better", visible_name(&card.assurance))));
    lines
}

fn answer(answer: &CardAnswer) -> Vec<Item> {
    let (who, what) = (visible_name(&answer.who), visible_name(&answer.answer));
    let line = format!("{who} {what} at {}", visible(&answer.at.text));
    let mut items = vec![Item::own(line, warnings(&answer.who))];
    items.extend(answer.comment.as_deref().map(|comment| {
        let quoted = CardValue::Shown(serde_json::Value::from(comment).to_string());
        // A person's words are no part of the call: a long comment must not take the control from everyone else.
        Item { prose: true, lead: format!("{who} says "), ..Item::own(quoted.visible(), quoted.warnings()) }
    }));
    items
}
