//! The rules of asking, for an endpoint that is asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use approvals_core::card::Card;
use approvals_core::time::Timestamp;
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use super::super::ask::{Answers, Ask, Sealed};
use super::super::schema::{Decision, Object};
use super::super::signature::{self, VerifyingKey};
use super::course::{Answer, FORGED, busy, refused};
use super::probe::{Flaw, Message, Probe};
use super::report::{EndpointFinding, Found};
use crate::transport::{Target, Transport};

/// The rules, in order; the first decides whether the others can be looked at.
const RULES: [&str; 7] =
    ["ask", "ask_decisions", "ask_cursor", "ask_anew", "ask_unsigned", "ask_other_bytes", "ask_stale"];

/// Where an endpoint is asked, and how.
pub(super) struct Asking {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) target: Target,
    /// How long it is told to hold a question.
    pub(super) hold: Duration,
    /// What it signs with, verified; where that is not known, signatures are looked at and not verified.
    pub(super) theirs: Vec<VerifyingKey>,
}

/// Whether the endpoint keeps the rules of asking, with `wanted` standing there.
pub(super) async fn run(asking: &Asking, probe: &Probe) -> Vec<EndpointFinding> {
    let mut findings = Vec::new();
    let mut found = |rule, found| findings.push(EndpointFinding::new(rule, found));
    let seconds = asking.hold.as_secs();
    let says =
        format!("looks at what comes back: answer within {seconds} s and it is judged; it counts nowhere");
    let card = probe.card(&says);
    let message = probe.requested(&card).await;
    let nonce = message.as_ref().and_then(nonce);
    if let Some(message) = &message {
        // Whether it is taken is a rule of its own.
        let _ = probe.send(message, Flaw::None).await;
    }
    match asking.first(probe, &card).await {
        Ok((says, answers)) => {
            found("ask", Found::Ok(says));
            found("ask_decisions", asking.decisions(&answers, &card, nonce.as_deref()));
            let (cursor, anew) = asking.again(probe, &card, &answers).await;
            found("ask_cursor", cursor);
            found("ask_anew", anew);
            let flaws = [
                ("ask_unsigned", Flaw::Unsigned),
                ("ask_other_bytes", Flaw::OtherBytes),
                ("ask_stale", Flaw::Stale),
            ];
            for (rule, flaw) in flaws {
                let remedy = FORGED.iter().find(|(_, known, _)| *known == flaw).map_or("", |rule| rule.2);
                let answer = asking.ask(probe, &card, None, Duration::ZERO, flaw).await;
                found(rule, refused(answer, remedy));
            }
        }
        Err(wrong) => {
            found("ask", wrong);
            for rule in RULES.into_iter().skip(1) {
                let why = "a signed question is not answered";
                found(rule, Found::NotTold(why.to_owned(), "mend `ask` first".to_owned()));
            }
        }
    }
    if let Some(message) = probe.withdrawn(&card, &format!("{}_requested", card.request)).await {
        let _ = probe.send(&message, Flaw::None).await;
    }
    findings
}

/// What was not sent, because the endpoint takes no cards.
pub(super) fn not_sent() -> impl Iterator<Item = &'static str> {
    RULES.into_iter()
}

fn nonce(message: &Message) -> Option<String> {
    let body: Value = serde_json::from_slice(&message.body).ok()?;
    body.pointer("/data/nonce")?.as_str().map(str::to_owned)
}

impl Asking {
    async fn ask(
        &self,
        probe: &Probe,
        card: &Card,
        cursor: Option<&str>,
        hold: Duration,
        flaw: Flaw,
    ) -> Answer {
        let pending: Vec<_> = card.request.parse().into_iter().collect();
        let ask = Ask { format: Ask::FORMAT, pending: &pending, cursor, wait: hold.as_secs(), told: &[] };
        let message = Message {
            id: format!("ask_{}", Timestamp::now().as_micros()),
            kind: Some(HeaderValue::from_static("application/json")),
            body: serde_json::to_vec(&ask).unwrap_or_default().into(),
        };
        probe.send_to(&self.target, &*self.transport, &message, flaw).await
    }

    /// A question as a process asks it that has just started.
    async fn first(&self, probe: &Probe, card: &Card) -> Result<(String, Answers), Found> {
        let begin = Instant::now();
        let answers = read(self.ask(probe, card, None, self.hold, Flaw::None).await)?;
        let held = begin.elapsed();
        let says = match answers.decisions.len() {
            0 if !self.hold.is_zero() && held >= self.hold / 2 => format!("a signed question is held, for {} s", held.as_secs()),
            0 => "a signed question is answered at once with nothing; agents then ask every 5 s, and at once where it \
                  is held"
                .to_owned(),
            count => format!("a signed question is answered with {count} decisions"),
        };
        Ok((says, answers))
    }

    /// Whether a cursor spares what it covers, and a question without one brings it back.
    async fn again(&self, probe: &Probe, card: &Card, first: &Answers) -> (Found, Found) {
        if first.decisions.is_empty() {
            return (self.no_decision(), self.no_decision());
        }
        let cursor = match &first.cursor {
            None => Found::NotTold(
                "decisions come without a `cursor`, and so come again with every answer".to_owned(),
                "give one, so that a question can say what was dealt with".to_owned(),
            ),
            Some(cursor) => {
                match read(self.ask(probe, card, Some(cursor), Duration::ZERO, Flaw::None).await) {
                    Ok(second) if shares(first, &second) => Found::Wrong(
                        "a decision comes again although the `cursor` of the question covers it".to_owned(),
                        "give what stands behind the cursor of the question, and nothing else".to_owned(),
                    ),
                    Ok(_) => Found::Ok("what the `cursor` covers does not come again".to_owned()),
                    Err(wrong) => wrong,
                }
            }
        };
        let anew = match read(self.ask(probe, card, None, Duration::ZERO, Flaw::None).await) {
            Ok(third) if covers(&third, first) => {
                Found::Ok("without a `cursor` everything comes again".to_owned())
            }
            Ok(_) => Found::Wrong(
                "a decision that was given once does not come again without a `cursor`: with the answer it would be lost"
                    .to_owned(),
                "keep decisions until a `cursor` that covers them comes back, and give all of them without one"
                    .to_owned(),
            ),
            Err(wrong) => wrong,
        };
        (cursor, anew)
    }

    /// Whether what came back are decisions, as far as that can be told.
    fn decisions(&self, answers: &Answers, card: &Card, nonce: Option<&str>) -> Found {
        if answers.decisions.is_empty() {
            return self.no_decision();
        }
        for Object(sealed) in &answers.decisions {
            if let Err(wrong) = self.decision(sealed, card, nonce) {
                return wrong;
            }
        }
        match self.theirs.is_empty() {
            true => Found::NotTold(
                "decisions have the right form, and their signatures were not verified".to_owned(),
                "give the key that verifies them".to_owned(),
            ),
            false => Found::Ok("decisions have the right form and are soundly signed".to_owned()),
        }
    }

    fn decision(&self, sealed: &Sealed, card: &Card, nonce: Option<&str>) -> Result<(), Found> {
        let Sealed { id, signature, body, .. } = sealed;
        let (timestamp, now) = (sealed.timestamp.to_string(), Timestamp::now());
        if self.theirs.is_empty() {
            signature::worth_reading(|_| true, id, &timestamp, signature, now).map(|_| ())
        } else {
            signature::verify(&self.theirs, id, &timestamp, signature, body.as_bytes(), now).map(|_| ())
        }
        .map_err(|error| Found::wrong(&error))?;
        let decision = Decision::from_json(body.as_bytes()).map_err(|error| Found::wrong(&error))?;
        let is_ours = decision.request.to_string() == card.request;
        let fits = decision.digest.to_string() == card.digest && nonce == Some(&*decision.nonce);
        if is_ours && !fits {
            return Err(Found::Wrong(
                "the decision on the card of this check has not its digest and nonce".to_owned(),
                "send back `digest` and `nonce` of the card that the person saw".to_owned(),
            ));
        }
        Ok(())
    }

    fn no_decision(&self) -> Found {
        Found::NotTold(
            format!("no decision came within {} s", self.hold.as_secs()),
            "answer the card of this check while it asks, and let it hold the question for longer".to_owned(),
        )
    }
}

fn read(answer: Answer) -> Result<Answers, Found> {
    let wrong = |says: String, remedy: &str| Err(Found::Wrong(says, remedy.to_owned()));
    let answer = answer.map_err(|error| Found::wrong(&error))?;
    match answer.status() {
        StatusCode::NO_CONTENT => Ok(Answers::none()),
        StatusCode::OK => Answers::read(answer.body()).or_else(|error| {
            let remedy = "answer `204`, or `200` with exactly the fields of `approvals.answers/1`";
            wrong(format!("the answer to a question cannot be read: {error}"), remedy)
        }),
        StatusCode::TOO_MANY_REQUESTS => Err(busy()),
        StatusCode::GONE => {
            wrong("it wants to be asked no more (410)".to_owned(), "answer `204` where there is nothing")
        }
        status => wrong(
            format!("a signed question is answered {}", status.as_u16()),
            "check the URL, and verify the raw body with the key that agents sign with",
        ),
    }
}

fn bodies(answers: &Answers) -> impl Iterator<Item = &str> {
    answers.decisions.iter().map(|Object(sealed)| sealed.body.as_str())
}

fn shares(first: &Answers, second: &Answers) -> bool {
    bodies(first).any(|body| bodies(second).any(|other| other == body))
}

fn covers(all: &Answers, some: &Answers) -> bool {
    bodies(some).all(|body| bodies(all).any(|other| other == body))
}
