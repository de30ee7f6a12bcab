//! The card as JSON, cut to a size where it has to be.

use std::fmt::Write as _;

use approvals_core::card::{self, Card, CardAnswer, CardValue, Shown, visible, visible_name};
use approvals_core::ledger::Answer;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The schema of a card.
pub const CARD: &str = "approvals.card/1";

/// A card as JSON.
///
/// Every text that came from outside stands in visible form: nothing hidden, on one line, ready for a page after that
/// page's own escapes. Where the exact text may matter it stands beside as `raw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CardDocument {
    /// Always [`CARD`].
    pub schema: String,
    /// The request's id.
    pub request: String,
    /// The whole digest: 64 hexadecimal digits. A decision names it.
    pub digest: String,
    /// What people compare: the first twelve digits.
    pub digest_prefix: String,
    /// What a decision has to send back. Not for people's eyes.
    pub nonce: String,
    /// Where the card stands, once that is known: the id that the endpoint gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Where the request stands.
    pub state: StateDocument,
    /// Which answers may be offered now. An approval is offered only of a card that shows everything.
    pub offer: Vec<Answer>,
    /// Whether every fact stands here: `"everything"`, or `{"part": {"hidden": <characters>}}`.
    pub shown: Shown,
    /// What does not stand here, a line each: secrets, what the author left out, what was cut.
    pub not_shown: Vec<String>,
    /// `test` must be shown as a loud mark; absent in production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The action's stable name.
    pub action: String,
    /// The effective risk: `low`, `medium`, `high` or `critical`.
    pub risk: String,
    /// What kind of data the call touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<String>,
    /// What the call acts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<TextDocument>,
    /// Why, by the author of the action: a fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<TextDocument>,
    /// Labels in order.
    pub labels: Vec<NamedText>,
    /// Every declared argument, in the order of the signature.
    pub arguments: Vec<ArgumentDocument>,
    /// Who asks.
    pub requester: RequesterDocument,
    /// One line per branch of the quorum.
    pub who_may_decide: Vec<String>,
    /// The least assurance that counts: `local`, `chat`, `sso` or `signed`.
    pub assurance: String,
    /// The answers that counted so far, oldest first.
    pub answers: Vec<AnswerDocument>,
    /// When the request was made: RFC 3339, UTC.
    pub requested_at: String,
    /// From here on no approval counts.
    pub decide_by: String,
    /// How long the approval can be used, in seconds.
    pub use_within_seconds: u64,
    /// The gates that this call is nested in, outermost first.
    pub chain: Vec<String>,
    /// What the agent's model says. Unverified: show it below the facts and say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_says: Option<TextDocument>,
    /// Instance, model, session and the like. Unverified.
    pub notes: Vec<NamedText>,
}

/// Where a request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDocument {
    /// `pending`, `approved`, `denied`, `expired`, `cancelled`, `executing`, `succeeded`, `failed` or `unknown`.
    pub label: String,
    /// What led there, a line each.
    pub lines: Vec<String>,
}

/// A text from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextDocument {
    /// On one line, with everything hidden written out. Where it was cut, it says so at its end.
    pub visible: String,
    /// Exactly as it is; of an argument, its canonical JSON. Absent where it was cut, and where there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// What people should be told about it, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// What was cut from a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Characters of the visible form that do not stand here.
    pub characters: usize,
    /// SHA-256 of the whole raw text in UTF-8, in hexadecimal.
    pub sha256: String,
}

/// A text with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedText {
    /// Its name, in visible form.
    pub name: String,
    /// The text.
    pub value: TextDocument,
}

/// An argument of the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgumentDocument {
    /// Its name, in visible form.
    pub name: String,
    /// What may be seen of it.
    pub kind: ArgumentKind,
    /// What is seen of it: for each kind a text to show.
    pub value: TextDocument,
}

/// What may be seen of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArgumentKind {
    /// Its value.
    Shown,
    /// Nothing: it is secret.
    Secret,
    /// Nothing, and the author says why.
    Skipped,
    /// Nothing: it is no longer kept.
    Erased,
    /// Anything that a later version adds.
    #[serde(other)]
    Other,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequesterDocument {
    /// The agent.
    pub agent: String,
    /// The person who owns it.
    pub owner: String,
    /// The human it acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// The requester may decide alone; must be shown as a loud mark.
    pub single_operator: bool,
}

/// An answer that counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerDocument {
    /// The person, in visible form.
    pub who: String,
    /// `approved` or `denied`.
    pub answer: String,
    /// When the ledger heard of it.
    pub at: String,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<TextDocument>,
}

/// How much may stand in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::webhook) struct Cut {
    /// Characters of each fact.
    facts: usize,
    /// Characters of each text that is no fact.
    prose: usize,
    /// Entries of each list.
    items: usize,
}

impl Cut {
    /// From nothing cut to hardly anything left. What the digest does not bind goes first: cutting it hides nothing
    /// that an approval covers.
    pub(in crate::webhook) const STEPS: [Self; 9] = {
        const fn cut(facts: usize, prose: usize, items: usize) -> Cut {
            Cut { facts, prose, items }
        }
        const ALL: usize = usize::MAX;
        [
            cut(ALL, ALL, ALL),
            cut(ALL, 2_000, ALL),
            cut(ALL, 200, ALL),
            cut(16_000, 200, ALL),
            cut(4_000, 200, ALL),
            cut(1_000, 200, 100),
            cut(200, 100, 50),
            cut(100, 50, 10),
            cut(40, 0, 3),
        ]
    };
}

/// What is left out while a document is written.
struct Writer {
    cut: Cut,
    hidden: usize,
    not_shown: Vec<String>,
}

/// The card as a document, cut as told.
pub(in crate::webhook) fn document(
    card: &Card,
    nonce: String,
    reference: Option<&str>,
    cut: Cut,
) -> CardDocument {
    let mut writer = Writer { cut, hidden: 0, not_shown: Vec::new() };
    let arguments = writer.facts("arguments", &card.arguments, |writer, argument| {
        let name = visible_name(&argument.name);
        let (kind, value) = writer.argument(&name, &argument.value);
        ArgumentDocument { name, kind, value }
    });
    let resource = card.resource.as_deref().map(|text| writer.fact("the resource", text));
    let reason = card.reason.as_deref().map(|text| writer.fact("the reason", text));
    let labels = writer.facts("labels", &card.labels, |writer, (name, text)| {
        let name = visible_name(name);
        NamedText { value: writer.fact(&format!("label {name}"), text), name }
    });
    let chain = writer.facts("outer gates", &card.chain, |_, line| visible(line));
    let who_may_decide =
        writer.facts("lines on who may decide", &card.who_may_decide, |_, line| visible(line));
    let answers = writer.others("answers", &card.answers, |writer, answer| writer.answer(answer));
    let lines = writer.others("lines on the state", &card.state.lines, |_, line| visible(line));
    let agent_says = card.agent_says.as_deref().map(|text| writer.prose("the agent's words", text));
    let notes = writer.others("notes", &card.notes, |writer, (name, text)| {
        let name = visible_name(name);
        NamedText { value: writer.prose(&format!("note {name}"), text), name }
    });
    let shown = match (writer.hidden, card.shown()) {
        (0, shown) => shown,
        (hidden, _) => Shown::Part { hidden },
    };
    let offer = match (card.state.label.as_str(), shown) {
        ("pending", Shown::Everything) => vec![Answer::Approve, Answer::Deny],
        ("pending", Shown::Part { .. }) => vec![Answer::Deny],
        _ => Vec::new(),
    };
    CardDocument {
        schema: CARD.to_owned(),
        request: card.request.clone(),
        digest: card.digest.clone(),
        digest_prefix: card.digest_prefix().to_owned(),
        nonce,
        reference: reference.map(str::to_owned),
        state: StateDocument { label: card.state.label.clone(), lines },
        offer,
        shown,
        not_shown: writer.not_shown,
        environment: card.environment.as_deref().map(visible),
        action: visible(&card.action),
        risk: card.risk.clone(),
        sensitivity: card.sensitivity.as_deref().map(visible),
        resource,
        reason,
        labels,
        arguments,
        requester: RequesterDocument {
            agent: visible_name(&card.requester.agent),
            owner: visible(&card.requester.owner),
            on_behalf_of: card.requester.on_behalf_of.as_deref().map(visible),
            single_operator: card.requester.single_operator,
        },
        who_may_decide,
        assurance: card.assurance.clone(),
        answers,
        requested_at: card.clocks.requested_at.text.clone(),
        decide_by: card.clocks.decide_by.text.clone(),
        use_within_seconds: card.clocks.use_within.seconds,
        chain,
        agent_says,
        notes,
    }
}

impl Writer {
    fn argument(&mut self, name: &str, value: &CardValue) -> (ArgumentKind, TextDocument) {
        let warnings = value.warnings();
        let seen = value.visible();
        let (kind, raw) = match value {
            CardValue::Shown(json) => (ArgumentKind::Shown, Some(json.as_str())),
            CardValue::Secret => (ArgumentKind::Secret, None),
            CardValue::Skipped { .. } => (ArgumentKind::Skipped, None),
            CardValue::Erased => (ArgumentKind::Erased, None),
            _ => (ArgumentKind::Other, None),
        };
        let what = format!("argument {name}");
        if kind != ArgumentKind::Shown {
            self.not_shown.push(format!("{what}: {seen}"));
        }
        let text = self.text(&what, &seen, raw, &warnings, self.cut.facts);
        self.hidden += text.left_out.as_ref().map_or(0, |left| left.characters);
        (kind, text)
    }

    fn fact(&mut self, what: &str, raw: &str) -> TextDocument {
        let text = self.text(what, &visible(raw), Some(raw), &card::warnings(raw), self.cut.facts);
        self.hidden += text.left_out.as_ref().map_or(0, |left| left.characters);
        text
    }

    fn prose(&mut self, what: &str, raw: &str) -> TextDocument {
        self.text(what, &visible(raw), Some(raw), &card::warnings(raw), self.cut.prose)
    }

    fn text(
        &mut self,
        what: &str,
        seen: &str,
        raw: Option<&str>,
        warnings: &[card::Warning],
        most: usize,
    ) -> TextDocument {
        let warnings = warnings.iter().map(ToString::to_string).collect();
        let (head, characters) = card::cut(seen, most);
        if characters == 0 {
            return TextDocument {
                visible: head.to_owned(),
                raw: raw.map(str::to_owned),
                warnings,
                left_out: None,
            };
        }
        self.not_shown.push(format!("{what}: {characters} characters were cut"));
        let mut sha256 = String::new();
        for byte in Sha256::digest(raw.unwrap_or(seen)) {
            // Writing to a string does not fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        TextDocument {
            visible: format!("{head}… (+{characters} characters not shown here)"),
            raw: None,
            warnings,
            left_out: Some(LeftOut { characters, sha256 }),
        }
    }

    fn answer(&mut self, answer: &CardAnswer) -> AnswerDocument {
        let who = visible(&answer.who);
        let comment = answer.comment.as_deref().map(|text| self.prose(&format!("comment of {who}"), text));
        AnswerDocument { who, answer: answer.answer.clone(), at: answer.at.text.clone(), comment }
    }

    /// A list of facts: what does not stand here is missing.
    fn facts<T, D: Serialize>(
        &mut self,
        what: &str,
        all: &[T],
        one: impl FnMut(&mut Self, &T) -> D,
    ) -> Vec<D> {
        let kept = self.others(what, all, one);
        self.hidden += all.len() - kept.len();
        kept
    }

    fn others<T, D>(&mut self, what: &str, all: &[T], mut one: impl FnMut(&mut Self, &T) -> D) -> Vec<D> {
        let kept: Vec<_> = all.iter().take(self.cut.items).map(|item| one(self, item)).collect();
        let missing = all.len() - kept.len();
        if missing > 0 {
            self.not_shown.push(format!("{missing} further {what} were cut"));
        }
        kept
    }
}
