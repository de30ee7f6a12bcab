//! Reason, resource, key and labels say what their templates mean.

use approvals::testing::MockBackend;
use approvals::{Approvals, Risk, requires_approval};
use serde::Serialize;

use crate::support::{Res, ran};

#[derive(Serialize)]
struct Order {
    id: u64,
    price: (u64, &'static str),
}

struct Shop {
    city: &'static str,
}

fn risk_of(cents: u64, token: &str) -> Risk {
    if cents > 5_000 && !token.is_empty() { Risk::High } else { Risk::Medium }
}

impl Shop {
    #[requires_approval(
        risk = risk_of(order.price.0, token),
        action = "shop.refund",
        reason = "{{refund}} {order.id:>4} {order.price.1:?} in {where} {rows:03} {self.city:.2}",
        resource = "order:{order.id}",
        key = "{order.id}/{r#type}",
        sensitivity = "pii",
        labels(incident = rows + 1, r#type = format!("<{}>", r#type)),
        show(r#where = self.city.to_uppercase()),
        decide_within = "4h",
        use_within = "15m",
        wait = "30s",
        rerunnable
    )]
    async fn refund(
        &self,
        order: Order,
        rows: u8,
        r#type: &str,
        #[approval(secret)] token: &str,
    ) -> Res<u64> {
        ran();
        Ok(order.price.0)
    }
}

#[tokio::test]
async fn every_text_is_filled_from_what_the_reviewer_is_shown() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    let shop = Shop { city: "bern" };
    for (cents, risk) in [(5_001, "high"), (1, "medium")] {
        let order = Order { id: cents, price: (cents, "chf") };
        assert_eq!(approvals.scope(shop.refund(order, 7, "kind", "hunter2")).await.unwrap(), cents);
        let card = mock.cards().pop().unwrap();
        assert_eq!((card.action.as_str(), card.risk.as_str()), ("shop.refund", risk));
        assert_eq!(card.reason, Some(format!("{{refund}} {cents:>4} \"chf\" in BERN 007 be")));
        assert_eq!(card.resource, Some(format!("order:{cents}")));
        assert_eq!(card.sensitivity.as_deref(), Some("pii"));
        let labels = [("incident", "8"), ("type", "<kind>")];
        assert_eq!(card.labels, labels.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(card.arguments[0].name, "where");
        assert_eq!(card.arguments[0].value.visible(), r#""BERN""#);
        assert_eq!(card.clocks.use_within.seconds, 900);
        assert_eq!(card.clocks.decide_by.unix_ms - card.clocks.requested_at.unix_ms, 4 * 3_600_000);
    }
    approvals.shutdown().await.unwrap();
}
