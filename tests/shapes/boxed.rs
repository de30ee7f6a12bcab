//! Boxed bodies: what `#[async_trait]` leaves, and what is boxed by hand or by a framework.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use approvals::requires_approval;
use async_trait::async_trait;
use serde::Serialize;

use crate::support::{OpsError, Res, SECRET, gated, ran};

struct Cluster {
    env: &'static str,
}

const PROD: (&str, &str) = ("environment", r#""prod""#);
const HANDLE: (&str, &str) = ("self", "(not shown: a handle)");

#[async_trait]
trait Nodes: Sync {
    async fn restart<'a>(&'a self, node: &'a str, mut times: u8) -> Res<(&'a str, u8)>;

    #[requires_approval(risk = "high", action = "boxed.log_in", skip(self) = "a handle", reason = "{node}")]
    async fn log_in(&self, node: String, #[approval(secret)] pass: &str) -> Res<usize> {
        ran();
        tokio::task::yield_now().await;
        Ok(node.len() + pass.len())
    }

    async fn put<T>(&mut self, value: T) -> Res<T>
    where
        T: Serialize + Send + Sync + 'static;

    async fn share(self: Arc<Self>) -> Res<Arc<Self>>
    where
        Self: Send;

    async fn list(limit: u8) -> Res<Vec<u8>>;

    #[requires_approval(risk = "high", action = "boxed.close", skip(self) = "a handle")]
    async fn close(self, mut rows: u8) -> Res<u8>
    where
        Self: Sized + Send,
    {
        ran();
        rows += 1;
        Ok(rows)
    }
}

#[async_trait]
impl Nodes for Cluster {
    #[requires_approval(risk = "high", action = "boxed.restart", show(environment = self.env), reason = "{self.env} {node} {times}")]
    async fn restart<'a>(&'a self, node: &'a str, #[cfg(test)] mut times: u8) -> Res<(&'a str, u8)> {
        ran();
        times += 1;
        if times == 0 {
            return Err(OpsError::Own("over"));
        }
        Ok((node, times))
    }

    #[requires_approval(risk = "high", action = "boxed.put", show(environment = self.env))]
    async fn put<T>(&mut self, value: T) -> Res<T>
    where
        T: Serialize + Send + Sync + 'static,
    {
        ran();
        self.env = "changed";
        Ok(value)
    }

    #[requires_approval(risk = "high", action = "boxed.share", show(environment = self.env))]
    async fn share(self: Arc<Self>) -> Res<Arc<Self>> {
        ran();
        Ok(self)
    }

    #[requires_approval(risk = "high", action = "boxed.list")]
    async fn list(limit: u8) -> Res<Vec<u8>> {
        ran();
        Ok((0..limit).collect())
    }
}

#[tokio::test]
async fn an_async_trait_impl_and_its_default_body() {
    let cluster = Cluster { env: "prod" };
    let shown = [PROD, ("node", r#""n1""#), ("times", "2")];
    assert_eq!(gated(&shown, async || cluster.restart("n1", 2).await).await.unwrap(), ("n1", 3));
    let shown = [HANDLE, ("node", r#""n1""#), ("pass", SECRET)];
    let outcome = gated(&shown, async || cluster.log_in("n1".to_owned(), "hunter2").await).await;
    assert_eq!(outcome.unwrap(), 9);
}

#[tokio::test]
async fn an_async_trait_method_with_generics() {
    let shown = [PROD, ("T", r#""u8""#), ("value", "5")];
    assert_eq!(gated(&shown, async || Cluster { env: "prod" }.put(5_u8).await).await.unwrap(), 5);
}

#[tokio::test]
async fn an_async_trait_method_by_value() {
    let outcome = gated(&[HANDLE, ("rows", "1")], async || Cluster { env: "prod" }.close(1).await).await;
    assert_eq!(outcome.unwrap(), 2);
}

#[tokio::test]
async fn an_async_trait_method_of_a_pointer_and_one_without_receiver() {
    let cluster = Arc::new(Cluster { env: "prod" });
    let outcome = gated(&[PROD], async || Arc::clone(&cluster).share().await).await;
    assert!(Arc::ptr_eq(&outcome.unwrap(), &cluster));
    assert_eq!(gated(&[("limit", "2")], async || Cluster::list(2).await).await.unwrap(), [0, 1]);
}

#[async_trait]
trait Tool {
    async fn call(&self, input: &str) -> Res<String>;
}

#[async_trait]
impl Tool for Cluster {
    #[requires_approval(risk = "high", action = "tool.call", show(environment = self.env))]
    async fn call(&self, input: &str) -> Res<String> {
        ran();
        Ok(format!("{input} in {}", self.env))
    }
}

#[tokio::test]
async fn a_gated_tool_stays_an_object_behind_a_pointer() {
    let tools: Vec<Box<dyn Tool + Send + Sync>> = vec![Box::new(Cluster { env: "prod" })];
    let shown = [PROD, ("input", r#""x""#)];
    assert_eq!(gated(&shown, async || tools[0].call("x").await).await.unwrap(), "x in prod");
}

#[async_trait(?Send)]
trait OnOneThread {
    async fn go(&self, count: Rc<u8>) -> Res<Rc<u8>>;
}

#[async_trait(?Send)]
impl OnOneThread for Cluster {
    #[requires_approval(risk = "high", action = "thread.go", skip(self) = "a handle")]
    async fn go(&self, #[approval(show = *count)] count: Rc<u8>) -> Res<Rc<u8>> {
        ran();
        tokio::task::yield_now().await;
        Ok(count)
    }
}

#[tokio::test]
async fn a_future_of_one_thread() {
    let count = Rc::new(4);
    let cluster = Cluster { env: "prod" };
    let outcome = gated(&[HANDLE, ("count", "4")], async || cluster.go(Rc::clone(&count)).await).await;
    assert!(Rc::ptr_eq(&outcome.unwrap(), &count));
}

/// As a framework for tools hands over what a model sent.
#[derive(Clone)]
struct Parameters<T>(T);

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Order {
    id: u64,
}

impl Cluster {
    #[requires_approval(risk = "high", action = "tools.refund", show(environment = self.env), reason = "refunds {order.id}")]
    fn refund(
        &self,
        Parameters(order): Parameters<Order>,
    ) -> Pin<Box<dyn Future<Output = Res<u64>> + Send + '_>> {
        Box::pin(async move {
            ran();
            tokio::task::yield_now().await;
            Ok(order.id)
        })
    }

    #[requires_approval(risk = "high", action = "tools.ship", show(environment = self.env))]
    async fn ship(&self, Parameters(order): Parameters<Order>) -> Res<u64> {
        ran();
        Ok(order.id)
    }
}

#[allow(unused_qualifications, reason = "as a macro writes it")]
#[requires_approval(risk = "high")]
fn by_hand<'a>(
    text: &'a str,
) -> std::pin::Pin<std::boxed::Box<dyn std::future::Future<Output = Res<&'a str>> + 'a>> {
    std::boxed::Box::pin(async move {
        ran();
        Ok(text)
    })
}

#[allow(clippy::manual_async_fn, reason = "the shape is what is looked at")]
#[requires_approval(risk = "high")]
fn later(rows: u8) -> impl Future<Output = Result<u8, OpsError>> + Send + 'static {
    async move {
        ran();
        Ok(rows)
    }
}

/// As the crate `futures` names it.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[requires_approval(risk = "high")]
fn by_alias(text: &str) -> BoxFuture<'_, Res<usize>> {
    Box::pin(async move {
        ran();
        Ok(text.len())
    })
}

#[tokio::test]
async fn futures_boxed_under_the_usual_alias() {
    assert_eq!(gated(&[("text", r#""a""#)], async || by_alias("a").await).await.unwrap(), 1);
}

#[tokio::test]
async fn tools_that_a_framework_calls() {
    let cluster = Cluster { env: "prod" };
    let parameters = Parameters(Order { id: 7 });
    let shown = [PROD, ("order", r#"{"id":7}"#)];
    assert_eq!(gated(&shown, async || cluster.refund(parameters.clone()).await).await.unwrap(), 7);
    assert_eq!(gated(&shown, async || cluster.ship(parameters.clone()).await).await.unwrap(), 7);
}

#[tokio::test]
async fn futures_boxed_by_hand_or_not_at_all() {
    assert_eq!(gated(&[("text", r#""a""#)], async || by_hand("a").await).await.unwrap(), "a");
    assert_eq!(gated(&[("rows", "1")], async || later(1).await).await.unwrap(), 1);
}

#[requires_approval(risk = "high")]
fn with_items(rows: u8) -> Pin<Box<dyn Future<Output = Res<u8>> + Send>> {
    use std::cmp::max;

    const LEAST: u8 = 3;

    fn at_least(rows: u8) -> u8 {
        max(rows, LEAST)
    }

    Box::pin(async move {
        ran();
        Ok(at_least(rows))
    })
}

#[tokio::test]
async fn items_before_a_boxed_future_are_its_own() {
    assert_eq!(gated(&[("rows", "1")], async || with_items(1).await).await.unwrap(), 3);
}

/// A `Box` of the author's own, whose `pin` would run before the permit.
mod in_the_way {
    use std::pin::Pin;

    use approvals::requires_approval;

    use crate::support::{Res, gated, ran};

    #[allow(dead_code, reason = "it only stands in the way")]
    struct Box;

    #[allow(dead_code, reason = "it only stands in the way")]
    impl Box {
        fn pin<T>(_: T) -> Pin<std::boxed::Box<T>> {
            panic!("ran before the permit");
        }
    }

    #[requires_approval(risk = "high")]
    fn boxed(rows: u8) -> Pin<std::boxed::Box<dyn Future<Output = Res<u8>> + Send>> {
        Box::pin(async move {
            ran();
            Ok(rows)
        })
    }

    #[tokio::test]
    async fn a_pin_of_the_authors_own_does_not_run_before_the_permit() {
        assert_eq!(gated(&[("rows", "1")], async || boxed(1).await).await.unwrap(), 1);
    }
}
