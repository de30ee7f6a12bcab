//! What risk alone decides, risk by risk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::action::Site;
use crate::call::Context;
use crate::people::Requester;
use crate::request::Chain;

const RISKS: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

fn site() -> ActionSite {
    ActionSite::new("refund", file!(), line!())
}

fn call(site: ActionSite, risk: Risk) -> Call {
    Call {
        site: Site::Call(Arc::new(site)),
        risk,
        arguments: Vec::new(),
        reason: None,
        resource: None,
        key: None,
        labels: BTreeMap::new(),
        requester: Requester { agent: "bot".into(), owner: "olga".into(), on_behalf_of: None },
        context: Context::new(),
        inside: Chain::default(),
    }
}

async fn asked(policy: &RiskPolicy, site: ActionSite, risk: Risk) -> Requirement {
    match policy.rule(&call(site, risk)).await {
        Ok(Ruling::Ask(requirement)) => requirement,
        ruling => panic!("{ruling:?}"),
    }
}

#[tokio::test]
async fn a_call_runs_below_one_risk_and_is_refused_from_another_on() {
    use SiteRuling::{NeedsCall as Ask, Refuse, Run};
    let from_high = RiskPolicy::ask_from(Risk::High);
    for (policy, rulings) in [
        (RiskPolicy::default(), [Run, Ask, Ask, Ask]),
        (RiskPolicy::ask_from(Risk::Low), [Ask, Ask, Ask, Ask]),
        (from_high.clone(), [Run, Run, Ask, Ask]),
        (from_high.clone().refuse_from(Risk::Critical), [Run, Run, Ask, Refuse]),
        (from_high.refuse_from(Risk::Medium), [Run, Refuse, Refuse, Refuse]),
    ] {
        for (risk, expected) in RISKS.into_iter().zip(rulings) {
            let version = policy.version();
            assert_eq!(policy.rule_site(&site(), risk), expected, "{version:?} at {risk}");
            let ruling = policy.rule(&call(site(), risk)).await.unwrap();
            let ruling = match ruling {
                Ruling::Run => Run,
                Ruling::Ask(_) => Ask,
                Ruling::Refuse(why) => {
                    assert!(why.contains(risk.as_str()), "{why}");
                    Refuse
                }
            };
            assert_eq!(ruling, expected, "{version:?} at {risk}, by the call");
        }
    }
}

#[tokio::test]
async fn the_highest_rule_that_a_risk_reaches_counts_and_of_equal_ones_the_last() {
    let policy = RiskPolicy::ask_from(Risk::Low)
        .people(5, Risk::Critical)
        .people(4, Risk::Critical)
        .people(2, Risk::High)
        .from(["sre"], Risk::Medium)
        .from(["board", "legal"], Risk::Critical)
        .assurance(Assurance::Signed, Risk::High)
        .assurance(Assurance::Chat, Risk::Medium);
    for (risk, quorum, assurance) in [
        (Risk::Low, Quorum::people(1), Assurance::Local),
        (Risk::Medium, Quorum::people_from(1, ["sre"]), Assurance::Chat),
        (Risk::High, Quorum::people_from(2, ["sre"]), Assurance::Signed),
        (Risk::Critical, Quorum::people_from(4, ["board", "legal"]), Assurance::Signed),
    ] {
        let expected = Requirement { quorum, assurance, ..Requirement::at(risk) };
        assert_eq!(asked(&policy, site(), risk).await, expected);
    }
    assert_eq!(
        policy.version().as_str(),
        "risk/1 ask=low people=5@critical people=4@critical people=2@high from=sre@medium \
         from=board|legal@critical assurance=signed@high assurance=chat@medium"
    );
}

#[tokio::test]
async fn by_default_one_person_has_an_hour_and_the_permit_a_quarter_and_critical_takes_sso() {
    for risk in [Risk::Medium, Risk::High, Risk::Critical] {
        let assurance = if risk == Risk::Critical { Assurance::Sso } else { Assurance::Local };
        let expected = Requirement {
            risk,
            quorum: Quorum::people(1),
            assurance,
            decide_within: Duration::from_secs(3_600),
            use_within: Duration::from_secs(900),
            single_operator: false,
        };
        assert_eq!(asked(&RiskPolicy::default(), site(), risk).await, expected);
    }
}

#[tokio::test]
async fn clocks_of_policy_stand_in_place_of_the_authors_and_those_in_place_of_the_default() {
    let seconds = Duration::from_secs;
    let declared = || site().decide_within(7_200).use_within(60);
    let ours = RiskPolicy::default().decide_within(seconds(30)).use_within(seconds(5));
    for (policy, decide_within, use_within) in
        [(RiskPolicy::default(), seconds(7_200), seconds(60)), (ours.clone(), seconds(30), seconds(5))]
    {
        let requirement = asked(&policy, declared(), Risk::High).await;
        assert_eq!((requirement.decide_within, requirement.use_within), (decide_within, use_within));
    }
    assert_eq!(
        ours.refuse_from(Risk::High).version().as_str(),
        "risk/1 ask=medium refuse=high decide=30000ms use=5000ms"
    );
}

#[test]
fn what_a_policy_starts_from_is_what_the_author_declared() {
    let declared = site().from_any(&["sre"]).reviewers(2).decide_within(7_200).use_within(60);
    let expected = Requirement {
        quorum: Quorum::people_from(2, ["sre"]),
        decide_within: Duration::from_secs(7_200),
        use_within: Duration::from_secs(60),
        ..Requirement::at(Risk::High)
    };
    assert_eq!(Requirement::for_call(&call(declared, Risk::High)), expected);
}

/// A policy of one rule, by the call.
struct Silent;

#[async_trait]
impl Policy for Silent {
    fn version(&self) -> PolicyVersion {
        "silent".into()
    }

    async fn rule(&self, _: &Call) -> Result<Ruling, PolicyError> {
        Err(PolicyError("no rule".to_owned()))
    }
}

#[test]
fn a_policy_that_says_nothing_of_a_site_is_asked_about_each_call() {
    for risk in RISKS {
        assert_eq!(Silent.rule_site(&site(), risk), SiteRuling::NeedsCall);
    }
}
