//! The rules, in the order in which they are looked at.

use approvals_core::card::Card;
use bytes::Bytes;
use http::{Response, StatusCode};

use super::super::outcome::{About, Accepted, Stop, outcome};
use super::asking::{self, Asking};
use super::probe::{Flaw, Message, Probe};
use super::report::{EndpointFinding, EndpointReport, Found};
use crate::transport::{TransportError, is_later};

pub(super) type Answer = Result<Response<Bytes>, TransportError>;

/// The longest message that a sender writes unless it is told otherwise.
const LARGE: usize = 512 * 1024;
/// What no endpoint needs to read.
const OVERSIZED: usize = 4 * 1024 * 1024;

/// What must not be believed, and what is wrong with an endpoint that does.
pub(super) const FORGED: [(&str, Flaw, &str); 6] = [
    ("unsigned", Flaw::Unsigned, "refuse what has no `webhook-signature`"),
    ("other_bytes", Flaw::OtherBytes, "verify the signature over the raw body, before it is parsed"),
    ("other_id", Flaw::OtherId, "verify the signature over `webhook-id` too"),
    ("other_time", Flaw::OtherTime, "verify the signature over `webhook-timestamp` too"),
    ("stale", Flaw::Stale, "refuse a `webhook-timestamp` of more than five minutes ago"),
    ("ahead", Flaw::Ahead, "refuse a `webhook-timestamp` of more than five minutes ahead"),
];

/// What only eyes at the endpoint can see.
const UNSEEN: [(&str, &str, &str); 3] = [
    (
        "shown",
        "whether people see the facts, escaped, loud marks, and no approval where `offer` holds none",
        "look at the page while a call of yours waits",
    ),
    (
        "people",
        "whether whoever answers there is signed in, and is named by a stable id",
        "answer as somebody who may not decide, and see in the ledger who it was",
    ),
    (
        "decisions",
        "whether what people answer comes back, signed, with the digest and nonce of the card that they saw",
        "answer a call of yours there, and read `approvals log`",
    ),
];

/// What was found so far.
struct Course<'a> {
    probe: &'a Probe,
    findings: Vec<EndpointFinding>,
}

pub(super) async fn run(probe: &Probe, asking: Option<&Asking>) -> EndpointReport {
    let mut course = Course { probe, findings: Vec::new() };
    // Whoever says no to everything would seem to refuse what is forged.
    if course.check("check").await {
        course.cards().await;
        course.taken().await;
        course.forged().await;
        course.unreadable().await;
        if let Some(asking) = asking {
            course.findings.extend(asking::run(asking, probe).await);
        }
        course.check("still_there").await;
    } else {
        course.not_sent(asking.is_some());
    }
    for (rule, says, remedy) in UNSEEN {
        course.found(rule, Found::NotTold(says.to_owned(), remedy.to_owned()));
    }
    EndpointReport { findings: course.findings }
}

impl Course<'_> {
    fn found(&mut self, rule: &'static str, found: Found) {
        self.findings.push(EndpointFinding::new(rule, found));
    }

    async fn send(&self, message: Option<&Message>, flaw: Flaw) -> Answer {
        match message {
            Some(message) => self.probe.send(message, flaw).await,
            None => Err(TransportError::Other("the message cannot be written".to_owned())),
        }
    }

    async fn check(&mut self, rule: &'static str) -> bool {
        let message = self.probe.check().await;
        let mut answer = self.send(message.as_ref(), Flaw::None).await;
        // Whoever refuses a large body unread may close the connection under the message that comes next.
        if rule == "still_there" && answer.as_ref().is_err_and(TransportError::is_temporary) {
            answer = self.send(message.as_ref(), Flaw::None).await;
        }
        let found = match accepted(answer) {
            Ok(_) => Found::Ok("a signed check is answered with yes".to_owned()),
            Err(wrong) => wrong,
        };
        let fine = matches!(found, Found::Ok(_));
        self.found(rule, found);
        fine
    }

    fn not_sent(&mut self, is_asked: bool) {
        let rules = ["card", "repeat", "update", "rotation", "unknown_type", "large"];
        let forged = FORGED.iter().map(|(rule, ..)| *rule);
        let rest = ["malformed", "unknown_schema", "oversized"];
        let asked = asking::not_sent().filter(|_| is_asked);
        for rule in rules.into_iter().chain(forged).chain(rest).chain(asked).chain(["still_there"]) {
            let why = "nothing was sent, because not even a check is answered with yes";
            self.found(rule, Found::NotTold(why.to_owned(), "mend `check` first".to_owned()));
        }
    }

    /// A card, the same again, and its end.
    async fn cards(&mut self) {
        let card = self.probe.card("looks whether a signed card is taken; you need not answer");
        let message = self.probe.requested(&card).await;
        let first = match accepted(self.send(message.as_ref(), Flaw::None).await) {
            Ok(first) => first,
            Err(wrong) => {
                self.found("card", wrong);
                for rule in ["repeat", "update"] {
                    let why = "no card was taken".to_owned();
                    self.found(rule, Found::NotTold(why, "mend `card` first".to_owned()));
                }
                return;
            }
        };
        self.found("card", Found::Ok(named("a signed card is taken", first.id.as_deref())));
        let answer = self.send(message.as_ref(), Flaw::None).await;
        let known = matches!(&answer, Ok(answer) if answer.status() == StatusCode::CONFLICT);
        let repeat = match accepted(answer) {
            Ok(_) if known => Found::Ok("the same message again is known already (409)".to_owned()),
            Ok(second) => same(first.id.as_deref(), second.id.as_deref()),
            Err(wrong) => wrong,
        };
        self.found("repeat", repeat);
        let reference = first.id.or(message.map(|message| message.id)).unwrap_or_default();
        let update = self.probe.withdrawn(&card, &reference).await;
        let update = match accepted(self.send(update.as_ref(), Flaw::None).await) {
            Ok(_) => Found::Ok("an update is taken".to_owned()),
            Err(wrong) => wrong,
        };
        self.found("update", update);
    }

    /// What is unusual, and has to be taken.
    async fn taken(&mut self) {
        let check = self.probe.check().await;
        let found = match accepted(self.send(check.as_ref(), Flaw::Crowded).await) {
            Ok(_) => Found::Ok("a signature that fits is found among others".to_owned()),
            Err(_) => Found::Wrong(
                "a message is refused whose right signature stands behind others, as during rotation"
                    .to_owned(),
                "look at each signature of `webhook-signature`, and pass over schemes that are unknown"
                    .to_owned(),
            ),
        };
        self.found("rotation", found);

        let strange = self.probe.check().await.map(|message| {
            message.with(|body| {
                if let Some(kind) = body.get_mut("type") {
                    *kind = "approval.not_known_yet".into();
                }
            })
        });
        let found = match accepted(self.send(strange.as_ref(), Flaw::None).await) {
            Ok(_) => Found::Ok("a `type` that is not known is passed over".to_owned()),
            Err(Found::Wrong(says, _)) => Found::Wrong(
                format!("a `type` that is not known is not passed over: {says}"),
                "answer it with `2xx`, and do nothing".to_owned(),
            ),
            Err(other) => other,
        };
        self.found("unknown_type", found);

        let large = self.probe.check().await.map(|message| message.filled_to(LARGE));
        let found = match accepted(self.send(large.as_ref(), Flaw::None).await) {
            Ok(_) => Found::Ok("a message of 512 KiB is taken".to_owned()),
            Err(Found::Wrong(says, _)) => Found::Wrong(
                format!("a message of 512 KiB does not get through: {says}"),
                "raise the limit of the endpoint and of what stands in front of it, or lower `max_body`"
                    .to_owned(),
            ),
            Err(other) => other,
        };
        self.found("large", found);
    }

    /// What nobody signed, or signed too long ago.
    async fn forged(&mut self) {
        for (rule, flaw, remedy) in FORGED {
            let says = "is not soundly signed: if you read this, the endpoint shows what anybody sends";
            let card = self.probe.card(says);
            let message = self.probe.requested(&card).await;
            let answer = self.send(message.as_ref(), flaw).await;
            self.withdraw_if_taken(&card, &answer).await;
            self.found(rule, refused(answer, remedy));
        }
    }

    /// What is soundly signed, and cannot be shown.
    async fn unreadable(&mut self) {
        let broken =
            self.probe.check().await.map(|message| Message { body: Bytes::from_static(b"{"), ..message });
        let answer = self.send(broken.as_ref(), Flaw::None).await;
        self.found("malformed", refused(answer, "answer what is not JSON with `400`"));

        let card =
            self.probe.card("has a schema that does not exist: if you read this, schemas are not looked at");
        let strange = self.probe.requested(&card).await.map(|message| {
            message.with(|body| {
                if let Some(schema) = body.pointer_mut("/data/schema") {
                    *schema = "approvals.card/999".into();
                }
            })
        });
        let answer = self.send(strange.as_ref(), Flaw::None).await;
        self.withdraw_if_taken(&card, &answer).await;
        let remedy =
            "answer a card whose `schema` you do not know with `400`: the sender must not believe it shown";
        self.found("unknown_schema", refused(answer, remedy));

        let oversized = self.probe.check().await.map(|message| message.filled_to(OVERSIZED));
        let found = match self.send(oversized.as_ref(), Flaw::None).await {
            Err(TransportError::Unreachable(_) | TransportError::Other(_)) => {
                Found::Ok("4 MiB are cut off".to_owned())
            }
            answer => refused(
                answer,
                "answer bodies beyond a limit, such as 1 MiB, with `413`, and read no further",
            ),
        };
        self.found("oversized", found);
    }

    /// Leaves no card of the check behind.
    async fn withdraw_if_taken(&self, card: &Card, answer: &Answer) {
        if let Ok(answer) = answer
            && answer.status().is_success()
        {
            let reference = accepted(Ok(answer.clone())).ok().and_then(|accepted| accepted.id);
            let reference = reference.unwrap_or_else(|| format!("{}_requested", card.request));
            let message = self.probe.withdrawn(card, &reference).await;
            // Whether that works is a rule of its own.
            let _ = self.send(message.as_ref(), Flaw::None).await;
        }
    }
}

/// What a sender would make of an answer.
fn accepted(answer: Answer) -> Result<Accepted, Found> {
    let pause = matches!(&answer, Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS);
    outcome(answer, &Stop::default(), About::All).map_err(|error| match pause {
        true => busy(),
        false => Found::wrong(&error),
    })
}

/// Whether a message that must not be taken was refused for good.
pub(super) fn refused(answer: Answer, remedy: &str) -> Found {
    let wrong = |says: String| Found::Wrong(says, remedy.to_owned());
    match answer {
        Err(error) => Found::wrong(&error),
        Ok(answer) => match answer.status() {
            status if status.is_success() || status == StatusCode::CONFLICT => {
                wrong(format!("it is taken ({})", status.as_u16()))
            }
            StatusCode::TOO_MANY_REQUESTS => busy(),
            StatusCode::GONE => {
                wrong("one bad message, and the endpoint wants nothing more (410)".to_owned())
            }
            status if status.is_client_error() && !is_later(status) => {
                Found::Ok(format!("refused ({})", status.as_u16()))
            }
            status => wrong(format!("it is not refused, the answer is {}", status.as_u16())),
        },
    }
}

pub(super) fn busy() -> Found {
    let remedy = "try again later, or raise the limit of the endpoint";
    Found::NotTold("the endpoint asks for a pause (429)".to_owned(), remedy.to_owned())
}

/// Whether a message that came twice made one card.
fn same(first: Option<&str>, second: Option<&str>) -> Found {
    match (first, second) {
        (Some(first), Some(second)) if first == second => {
            Found::Ok("the same message again is the same card".to_owned())
        }
        (Some(first), Some(second)) => Found::Wrong(
            format!("the same message again makes another card: first `{first}`, then `{second}`"),
            "keep the ids in `webhook-id`; answer a known one `409`, or as the first time".to_owned(),
        ),
        _ => Found::NotTold(
            "the same message again is taken, and no two ids say whether it is a second card".to_owned(),
            "look whether one card stands there; answer a known `webhook-id` with `409`, or with the id of the card"
                .to_owned(),
        ),
    }
}

fn named(says: &str, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("{says}, as `{id}`"),
        None => says.to_owned(),
    }
}
