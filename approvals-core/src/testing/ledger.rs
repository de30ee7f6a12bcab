//! What a test says of the ledger.

use std::fmt::Write as _;

use super::mock::is_action;
use super::{MockBackend, ids};
use crate::card::{Card, visible};
use crate::handle::Approvals;
use crate::id::{RequestId, Seq};
use crate::ledger::{Event, Finish, Ignored, IgnoredWhy, Record};

/// How many records are read at a time.
const BATCH: usize = 512;

/// The ledger and the cards of a test, as they were when they were read: [`MockBackend::ledger`].
///
/// What nobody waits for may still be under way: that a card was brought up to date, or that a low-risk call ran
/// freely. Read it after `approvals.shutdown()` to have everything.
#[derive(Debug, Clone)]
pub struct Ledger {
    records: Vec<Record>,
    cards: Vec<Card>,
    updates: Vec<Card>,
}

/// Which history is meant: a request, or everything of an action. A text is the name of an action, or of its function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// This request.
    Request(RequestId),
    /// Every request of this action, and its calls that ran freely or were refused by policy.
    Action(String),
}

impl From<RequestId> for About {
    fn from(request: RequestId) -> Self {
        Self::Request(request)
    }
}

impl From<&Card> for About {
    fn from(card: &Card) -> Self {
        ids(card).map_or_else(|| Self::Action(card.action.clone()), |(request, _)| Self::Request(request))
    }
}

impl From<&str> for About {
    fn from(action: &str) -> Self {
        Self::Action(action.to_owned())
    }
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(request) => write!(f, "request {request}"),
            Self::Action(action) => write!(f, "`{action}`"),
        }
    }
}

impl MockBackend {
    /// The ledger of these approvals with what this mock was shown, as they are now.
    ///
    /// # Panics
    /// If the ledger cannot be read.
    pub async fn ledger(&self, approvals: &Approvals) -> Ledger {
        let store = approvals.store();
        let mut records: Vec<Record> = Vec::new();
        loop {
            let last = records.last().map_or(Seq::START, |record| record.seq);
            match store.records(last, BATCH).await {
                Ok(more) if more.is_empty() => break,
                Ok(more) => records.extend(more),
                #[expect(clippy::panic, reason = "a test cannot go on without the ledger that it asks about")]
                Err(error) => panic!("the ledger of this test cannot be read: {error}"),
            }
        }
        Ledger { records, cards: self.cards(), updates: self.updates() }
    }
}

impl Ledger {
    /// All records, in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records about a request or an action, in order.
    pub fn about(&self, about: impl Into<About>) -> Vec<&Record> {
        let about = about.into();
        let of_action = |event: &Event, named: &str| match event {
            Event::Requested(requested) => is_action(&requested.call.action, named),
            Event::Allowed(allowed) => is_action(&allowed.action, named),
            Event::Refused(refused) => is_action(&refused.action, named),
            _ => false,
        };
        let requests: Vec<RequestId> = match &about {
            About::Request(request) => vec![*request],
            About::Action(named) => {
                let opened = self.records.iter().filter(|record| of_action(&record.body.event, named));
                opened.filter_map(|record| record.body.stream.request()).collect()
            }
        };
        let is_about = |record: &&Record| match (record.body.stream.request(), &about) {
            (Some(request), _) => requests.contains(&request),
            (None, About::Action(named)) => of_action(&record.body.event, named),
            (None, About::Request(_)) => false,
        };
        self.records.iter().filter(is_about).collect()
    }

    /// These events, by the names that records give them, happened in this order and no others: `requested`,
    /// `presented`, `reviewed`, `started`, `finished`, ….
    ///
    /// `updated` is left out: when and how often a card is brought up to date is the keeper's affair.
    ///
    /// # Panics
    /// If not, with both sequences side by side.
    #[track_caller]
    pub fn assert_sequence<E: AsRef<str>>(
        &self,
        about: impl Into<About>,
        expected: impl IntoIterator<Item = E>,
    ) {
        let about = about.into();
        let expected: Vec<String> = expected.into_iter().map(|name| name.as_ref().to_owned()).collect();
        let recorded: Vec<(String, String)> = self
            .about(about.clone())
            .into_iter()
            .map(|record| &record.body.event)
            .filter(|event| !matches!(event, Event::Updated { .. }))
            .map(|event| (event.name().to_owned(), detail(event)))
            .collect();
        self.assert_same(&about, "happened to", &expected, &recorded);
    }

    /// These answers, and nothing else, came to a request or an action and did not count, for these reasons.
    ///
    /// # Panics
    /// If not, with both lists side by side.
    #[track_caller]
    pub fn assert_ignored(&self, about: impl Into<About>, expected: impl IntoIterator<Item = IgnoredWhy>) {
        let about = about.into();
        let expected: Vec<String> = expected.into_iter().map(|why| word(&why)).collect();
        let recorded: Vec<(String, String)> = self
            .about(about.clone())
            .into_iter()
            .filter_map(|record| match &record.body.event {
                Event::Ignored(ignored) => Some((word(&ignored.why), what(ignored))),
                _ => None,
            })
            .collect();
        self.assert_same(&about, "was ignored of", &expected, &recorded);
    }

    /// The text stands in no record, no payload, no card and no update: neither as it is nor as JSON, as hexadecimal
    /// digits or as a list of bytes.
    ///
    /// # Panics
    /// If it does, with the places. The text itself is not told again.
    #[track_caller]
    pub fn assert_no_secret(&self, secret: &str) {
        let forms = forms(secret);
        let holds = |text: &str| forms.iter().any(|form| text.contains(form.as_str()));
        let mut places = Vec::new();
        for record in &self.records {
            let place =
                format!("record {} (`{}` of {})", record.seq, record.body.event.name(), record.body.stream);
            if holds(&String::from_utf8_lossy(&record.bytes)) {
                places.push(format!("{place}: in its bytes"));
            }
            let payload = record.payload.as_ref().and_then(|payload| payload.to_bytes().ok());
            if payload.is_some_and(|payload| holds(&String::from_utf8_lossy(&payload))) {
                places.push(format!("{place}: in its payload"));
            }
        }
        for (kind, cards) in [("card", &self.cards), ("update", &self.updates)] {
            for (number, card) in cards.iter().enumerate() {
                let fields = serde_json::to_value(card).unwrap_or_default();
                let fields = fields.as_object().into_iter().flatten();
                for (field, _) in fields.filter(|(_, value)| holds(&value.to_string())) {
                    places.push(format!(
                        "{kind} {} of `{}`: in its {field}",
                        number + 1,
                        visible(&card.action)
                    ));
                }
            }
        }
        #[expect(clippy::panic, reason = "this is how a test fails")]
        if secret.is_empty() {
            panic!("an empty text stands everywhere; name the secret");
        } else if !places.is_empty() {
            panic!("a secret of {} bytes left:\n  {}", secret.len(), places.join("\n  "));
        }
    }

    #[track_caller]
    fn assert_same(&self, about: &About, what: &str, expected: &[String], recorded: &[(String, String)]) {
        if expected.iter().eq(recorded.iter().map(|(name, _)| name)) {
            return;
        }
        let mut text =
            format!("this {what} {about} (-: expected and missing, +: recorded and not expected)\n");
        for (mark, name, detail) in compare(expected, recorded) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {mark} {name}{}{detail}", if detail.is_empty() { "" } else { ": " });
        }
        if recorded.is_empty() {
            let _ = writeln!(text, "nothing is on record about it; there is: {}", self.actions().join(", "));
        }
        #[expect(clippy::panic, reason = "this is how a test fails")]
        {
            panic!("{text}");
        }
    }

    /// The actions that the ledger knows of.
    fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = Vec::new();
        for record in &self.records {
            let action = match &record.body.event {
                Event::Requested(requested) => &requested.call.action,
                Event::Allowed(allowed) => &allowed.action,
                Event::Refused(refused) => &refused.action,
                _ => continue,
            };
            let action = format!("`{}`", visible(action));
            if !actions.contains(&action) {
                actions.push(action);
            }
        }
        if actions.is_empty() { vec!["nothing".to_owned()] } else { actions }
    }
}

/// What they begin and end with alike is kept together; what lies between is missing or too much.
fn compare<'a>(expected: &'a [String], recorded: &'a [(String, String)]) -> Vec<(char, &'a str, &'a str)> {
    let alike = |(name, (recorded, _)): (&String, &(String, String))| name == recorded;
    let head = expected.iter().zip(recorded).take_while(|pair| alike((pair.0, pair.1))).count();
    let (expected, kept) =
        (expected.get(head..).unwrap_or_default(), recorded.get(..head).unwrap_or_default());
    let recorded = recorded.get(head..).unwrap_or_default();
    let tail =
        expected.iter().rev().zip(recorded.iter().rev()).take_while(|pair| alike((pair.0, pair.1))).count();
    let same = |(name, detail): &'a (String, String)| (' ', name.as_str(), detail.as_str());
    let (missing, more) = (expected.len() - tail, recorded.len() - tail);
    let mut lines: Vec<_> = kept.iter().map(same).collect();
    lines.extend(expected.iter().take(missing).map(|name| ('-', name.as_str(), "")));
    lines.extend(recorded.iter().take(more).map(|(name, detail)| ('+', name.as_str(), detail.as_str())));
    lines.extend(recorded.iter().skip(more).map(same));
    lines
}

/// What tells two events of one name apart, without anything that a person wrote.
fn detail(event: &Event) -> String {
    match event {
        Event::Presented { way, .. } | Event::Updated { way } => way.to_string(),
        Event::PresentFailed { way, why } => format!("{way}, {why}"),
        Event::Reviewed(reviewed) => format!("{} by {}", reviewed.answer, reviewed.by),
        Event::Ignored(ignored) => format!("{}, {}", what(ignored), word(&ignored.why)),
        Event::Cancelled { by: Some(by), why } => format!("{why}, by {by}"),
        Event::Cancelled { by: None, why } => why.to_string(),
        Event::Finished { outcome: Finish::Ok {}, .. } => "ok".to_owned(),
        Event::Finished { outcome: Finish::Err { kind }, .. } => kind.clone(),
        Event::Finished { outcome: Finish::NotRun { why }, .. } => why.to_string(),
        Event::Reconciled { outcome, by, .. } => format!("{outcome:?} by {by}"),
        _ => String::new(),
    }
}

fn what(ignored: &Ignored) -> String {
    let by = ignored.by.as_ref().map_or("nobody known".to_owned(), |by| visible(by.as_str()));
    format!("{} by {by}", word(&ignored.what))
}

/// The word that records write.
fn word(of: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(of).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

/// The ways in which a text may stand somewhere.
fn forms(secret: &str) -> Vec<String> {
    let json = inner_json(secret);
    let hex = crate::bytes::to_hex(secret.as_bytes());
    let bytes: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    // Within JSON within JSON, as the value of an argument stands on a card.
    let twice = inner_json(&json);
    vec![secret.to_owned(), json, twice, hex, format!("[{}]", bytes.join(","))]
}

/// A text as JSON writes it, without the quotes around it.
fn inner_json(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let inner = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    inner.unwrap_or(&json).to_owned()
}
