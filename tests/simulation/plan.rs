//! What a seed stands for: the calls, the people, and what goes wrong when.

use std::time::Duration;

use crate::clock::Wall;
use crate::dice::Dice;

/// How decisions come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    CalledBack,
    Asked,
    Both,
}

/// What the people of a request do, each a while after they have the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) after: Duration,
    pub(crate) person: &'static str,
    pub(crate) denies: bool,
    /// How long the endpoint keeps it back before it sends it.
    pub(crate) held: Duration,
    /// How often it is sent in all.
    pub(crate) copies: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct CallPlan {
    pub(crate) at: Duration,
    pub(crate) keyed: bool,
    /// Whether whoever makes it waits to the end, or calls again and again.
    pub(crate) patient: bool,
    /// How long its body takes.
    pub(crate) takes: Duration,
    pub(crate) people: Vec<Act>,
}

/// Where in the life of a request the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    BeforeReview,
    BeforeClaim,
    AfterClaim,
    InBody,
    BeforeFinish,
}

impl Point {
    pub(crate) const ALL: [Self; 5] =
        [Self::BeforeReview, Self::BeforeClaim, Self::AfterClaim, Self::InBody, Self::BeforeFinish];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BeforeReview => "crash before the review is durable",
            Self::BeforeClaim => "crash between verdict and claim",
            Self::AfterClaim => "crash between claim and body",
            Self::InBody => "crash in the body",
            Self::BeforeFinish => "crash between body and its record",
        }
    }
}

/// What a stranger, or somebody on the way, sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgery {
    Unsigned,
    OtherKey,
    /// Signed with the endpoint's own key, by somebody who never had the card.
    LeakedKey,
    Tampered,
    Replayed,
    OtherDigest,
    OtherRequest,
    Opened,
}

impl Forgery {
    pub(crate) const ALL: [Self; 8] = [
        Self::Unsigned,
        Self::OtherKey,
        Self::LeakedKey,
        Self::Tampered,
        Self::Replayed,
        Self::OtherDigest,
        Self::OtherRequest,
        Self::Opened,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "callback without signature",
            Self::OtherKey => "callback signed with another key",
            Self::LeakedKey => "callback signed with the leaked key and an invented nonce",
            Self::Tampered => "callback turned into its contrary",
            Self::Replayed => "callback replayed after five minutes",
            Self::OtherDigest => "callback for another digest",
            Self::OtherRequest => "callback for another request",
            Self::Opened => "callback opened as a link",
        }
    }
}

/// What goes wrong. Those that last are on for a while; the others happen once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Between an agent and the endpoint; one way only where it says so.
    Partition {
        agent: &'static str,
        from_agent: bool,
        to_agent: bool,
    },
    SlowLink {
        agent: &'static str,
        latency: Duration,
    },
    /// The endpoint answers everything it is sent with this.
    TooMany {
        after: u64,
    },
    ServerErrors,
    LoseCreateAnswer,
    LateCreateAnswer,
    LoseCallbackAnswer,
    LosePollAnswer,
    /// The endpoint gives a decision that nobody signed to whoever asks.
    ForgedInPoll,
    StoreAway,
    CrashAgent {
        agent: &'static str,
        down: Duration,
    },
    CrashAt(Point),
    CrashEndpoint {
        down: Duration,
    },
    Jump {
        walls: &'static [Wall],
        seconds: i64,
        stays: bool,
    },
    Stranger(Forgery),
}

pub(crate) const AGENT: &str = "agent";
pub(crate) const SECOND: &str = "second";
pub(crate) const ENDPOINT: &str = "endpoint";
pub(crate) const STRANGER: &str = "stranger";

#[derive(Debug, Clone)]
pub(crate) struct Happening {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) fault: Fault,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Whether the seed says all there is to say.
    pub(crate) drawn: bool,
    pub(crate) way: Way,
    pub(crate) second: bool,
    pub(crate) quorum: u32,
    pub(crate) decide_within: Duration,
    pub(crate) use_within: Duration,
    pub(crate) calls: Vec<CallPlan>,
    pub(crate) happens: Vec<Happening>,
    /// From here on nothing new goes wrong, and what was wrong is mended.
    pub(crate) heals: Duration,
}

/// By then, whatever can come to an end has come to one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(400);
const DAY: u64 = 24 * 3600;

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Plan {
    /// One call that ann approves, and nothing that goes wrong.
    pub(crate) fn calm(seed: u64) -> Self {
        let act = Act { after: secs(5), person: "u-1", denies: false, held: Duration::ZERO, copies: 1 };
        let call = CallPlan { at: secs(1), keyed: true, patient: true, takes: secs(2), people: vec![act] };
        Self {
            seed,
            drawn: false,
            way: Way::CalledBack,
            second: false,
            quorum: 1,
            decide_within: secs(120),
            use_within: secs(60),
            calls: vec![call],
            happens: Vec::new(),
            heals: secs(20),
        }
    }

    pub(crate) fn with(mut self, at: u64, lasts: u64, fault: Fault) -> Self {
        self.happens.push(Happening { at: secs(at), lasts: secs(lasts), fault });
        self.heals = self.heals.max(secs(at + lasts + 1));
        self
    }

    /// What a seed stands for.
    pub(crate) fn of(seed: u64) -> Self {
        let dice = &mut Dice::of(seed, "plan");
        let way = dice.pick(&[Way::CalledBack, Way::Asked, Way::Both]);
        let second = dice.percent(40);
        let quorum = if dice.percent(35) { 2 } else { 1 };
        let calls = (0..=dice.below(3))
            .map(|_| CallPlan {
                at: dice.millis(500, 30_000),
                keyed: dice.percent(85),
                patient: dice.percent(60),
                takes: dice.millis(10, 6_000),
                people: people(dice, quorum),
            })
            .collect();
        let heals = dice.seconds(90, 130);
        let mut happens: Vec<Happening> =
            (0..2 + dice.below(5)).map(|_| happening(dice, second, heals)).collect();
        if dice.percent(35) {
            happens.extend((0..=dice.below(4)).map(|_| stranger(dice)));
        }
        Self {
            seed,
            drawn: true,
            way,
            second,
            quorum,
            decide_within: dice.pick(&[secs(25), secs(60), secs(150), secs(240)]),
            use_within: dice.pick(&[secs(15), secs(60), secs(120)]),
            calls,
            happens,
            heals,
        }
    }
}

fn people(dice: &mut Dice, quorum: u32) -> Vec<Act> {
    let mut act = |person, denies| Act {
        after: dice.millis(100, 20_000),
        person,
        denies,
        held: if dice.percent(40) { dice.millis(0, 9_000) } else { Duration::ZERO },
        copies: if dice.percent(30) { u32::try_from(2 + dice.below(4)).unwrap() } else { 1 },
    };
    let (ann, ben) = (act("u-1", false), act("u-2", false));
    let (no_of_ann, no_of_ben) = (act("u-1", true), act("u-2", true));
    let (owner, nobody, mut late) = (act("u-dana", false), act("u-nobody", false), act("u-1", false));
    late.after = secs(30) + dice.seconds(0, 240);
    match dice.below(14) {
        0 => vec![],
        1 => vec![no_of_ann],
        2 => vec![ann, no_of_ben],
        3 => {
            // In the same instant.
            let no = Act { after: ann.after, held: ann.held, ..no_of_ben };
            vec![ann, no]
        }
        4 => {
            // A change of mind.
            let no = Act { after: ann.after + no_of_ann.after, ..no_of_ann };
            vec![ann, no]
        }
        5 => vec![owner, ann, ben],
        6 => vec![nobody, ann, ben],
        7 => vec![late],
        8 if quorum == 2 => vec![ann],
        _ => vec![ann, ben],
    }
}

fn happening(dice: &mut Dice, second: bool, heals: Duration) -> Happening {
    let agent = if second && dice.percent(40) { SECOND } else { AGENT };
    let at = dice.millis(500, 70_000);
    let mut lasts = dice.millis(1_000, 45_000);
    let both = dice.percent(60);
    let one = dice.percent(50);
    let walls: &'static [Wall] = dice.pick(&[
        &Wall::ALL[..],
        &Wall::ALL[..],
        &[Wall::Agents, Wall::Store],
        &[Wall::Agents],
        &[Wall::Store],
        &[Wall::Endpoint],
    ]);
    let far = i64::try_from(1 + dice.below(DAY)).unwrap();
    let seconds = if dice.percent(50) { far } else { -far };
    let fault = match dice.below(20) {
        0..=3 => Fault::Partition { agent, from_agent: both || one, to_agent: both || !one },
        4 => Fault::SlowLink { agent, latency: dice.millis(300, 2_500) },
        5 | 6 => Fault::TooMany { after: 1 + dice.below(40) },
        7 => Fault::ServerErrors,
        8 | 9 => Fault::LoseCreateAnswer,
        10 => Fault::LateCreateAnswer,
        11 => Fault::LoseCallbackAnswer,
        12 => Fault::LosePollAnswer,
        13 => Fault::ForgedInPoll,
        14 => Fault::StoreAway,
        15 => Fault::CrashAgent { agent, down: dice.millis(200, 20_000) },
        16 | 17 => Fault::CrashAt(dice.pick(&Point::ALL)),
        18 => Fault::CrashEndpoint { down: dice.millis(200, 20_000) },
        _ => Fault::Jump { walls, seconds, stays: walls.len() == Wall::ALL.len() && dice.percent(70) },
    };
    if let Fault::CrashAt(_) = fault {
        lasts = heals.saturating_sub(at);
    }
    Happening { at, lasts, fault }
}

fn stranger(dice: &mut Dice) -> Happening {
    let forgery = dice.pick(&Forgery::ALL);
    // A replay is one only once the signature is too old.
    let at = match forgery {
        Forgery::Replayed => dice.seconds(330, 370),
        _ => dice.millis(3_000, 80_000),
    };
    Happening { at, lasts: Duration::ZERO, fault: Fault::Stranger(forgery) }
}
