//! Native async traits: in the `impl`, as a default body, generic, and `Send` through `impl Future`.

use approvals::requires_approval;
use serde::Serialize;

use crate::support::{Res, gated, ran};

struct Cluster {
    env: &'static str,
}

struct Fleet<T>(T);

const PROD: (&str, &str) = ("environment", r#""prod""#);

trait Nodes {
    type Id: Serialize + Clone;

    async fn stop(&mut self, node: Self::Id) -> Res<Self::Id>;

    #[requires_approval(risk = "high", action = "nodes.start", skip(self) = "any")]
    async fn start(&self, node: Self::Id) -> Res<Self::Id> {
        ran();
        Ok(node)
    }

    #[requires_approval(risk = "high", action = "nodes.count")]
    async fn count<const N: usize>(nodes: [Self::Id; N]) -> Res<usize>
    where
        [Self::Id; N]: Serialize,
    {
        ran();
        Ok(nodes.len())
    }
}

impl Nodes for Cluster {
    type Id = u8;

    #[requires_approval(risk = "high", action = "cluster.stop", show(environment = self.env))]
    async fn stop(&mut self, node: u8) -> Res<u8> {
        ran();
        self.env = "stopped";
        Ok(node)
    }
}

impl<T: Serialize + Clone> Nodes for Fleet<T> {
    type Id = T;

    #[requires_approval(risk = "high", action = "fleet.stop", show(fleet = &self.0))]
    async fn stop(&mut self, node: T) -> Res<T> {
        ran();
        Ok(node)
    }
}

#[tokio::test]
async fn methods_of_an_impl_are_gated_one_by_one() {
    let shown = [PROD, ("node", "3")];
    let outcome = gated(&shown, async || Cluster { env: "prod" }.stop(3).await).await;
    assert_eq!(outcome.unwrap(), 3);
    let shown = [("fleet", r#""a""#), ("node", r#""b""#)];
    let mut fleet = Fleet("a".to_owned());
    let outcome = gated(&shown, async || fleet.stop("b".to_owned()).await).await;
    assert_eq!(outcome.unwrap(), "b");
}

#[tokio::test]
async fn default_bodies_are_gated_for_every_type() {
    let cluster = Cluster { env: "prod" };
    let shown = [("self", "(not shown: any)"), ("node", "3")];
    assert_eq!(gated(&shown, async || cluster.start(3).await).await.unwrap(), 3);
    let fleet = Fleet("a".to_owned());
    let shown = [("self", "(not shown: any)"), ("node", r#""b""#)];
    assert_eq!(gated(&shown, async || fleet.start("b".to_owned()).await).await.unwrap(), "b");
    let shown = [("N", "2"), ("nodes", "[1,2]")];
    assert_eq!(gated(&shown, async || <Cluster as Nodes>::count([1, 2]).await).await.unwrap(), 2);
}

trait SendNodes {
    fn go(&self, node: u8) -> impl Future<Output = Res<u8>> + Send;

    #[requires_approval(risk = "high", action = "nodes.back", skip(self) = "any")]
    fn back(&self, node: u8) -> impl Future<Output = Res<u8>> + Send
    where
        Self: Sync,
    {
        async move {
            ran();
            tokio::task::yield_now().await;
            Ok(node)
        }
    }
}

impl SendNodes for Cluster {
    #[allow(clippy::manual_async_fn, reason = "the shape is what is looked at")]
    #[requires_approval(risk = "high", action = "cluster.go", show(environment = self.env))]
    fn go(&self, node: u8) -> impl Future<Output = Res<u8>> + Send {
        async move {
            ran();
            tokio::task::yield_now().await;
            if self.env.is_empty() {
                return Ok(0);
            }
            Ok(node)
        }
    }
}

#[tokio::test]
async fn functions_that_return_a_future() {
    let cluster = Cluster { env: "prod" };
    assert_eq!(gated(&[PROD, ("node", "3")], async || cluster.go(3).await).await.unwrap(), 3);
    let shown = [("self", "(not shown: any)"), ("node", "3")];
    assert_eq!(gated(&shown, async || cluster.back(3).await).await.unwrap(), 3);
}

mod other {
    use super::Res;

    /// Two modules, one name.
    #[approvals::requires_approval(risk = "high")]
    pub(super) async fn same(rows: u8) -> Res<u8> {
        crate::support::ran();
        Ok(rows)
    }
}

#[requires_approval(risk = "high")]
async fn same(rows: u8) -> Res<u8> {
    ran();
    Ok(rows + 1)
}

#[tokio::test]
async fn functions_of_one_name_in_two_modules_are_two_actions() {
    assert_eq!(gated(&[("rows", "1")], async || same(1).await).await.unwrap(), 2);
    assert_eq!(gated(&[("rows", "1")], async || other::same(1).await).await.unwrap(), 1);
}

/// Methods of the author's for everything, which method calls of the expansion could meet.
mod in_the_way {
    use approvals::requires_approval;

    use crate::support::{Res, gated, ran};

    #[allow(dead_code, reason = "they only stand in the way")]
    trait Rotate: Sized {
        fn turn(self) -> Self {
            panic!("taken for the gate's own");
        }

        fn step(self) -> Self {
            panic!("taken for the turn's own");
        }

        fn run(self) -> Self {
            panic!("taken for the permit's own");
        }

        fn by(self) -> Self {
            panic!("taken for the gate's own");
        }

        fn show(self) -> Self {
            panic!("taken for the capturer's own");
        }

        fn write_fmt(self) -> Self {
            panic!("taken for the formatter's own");
        }
    }

    impl<T> Rotate for T {}

    #[requires_approval(risk = "high", reason = "{twice}", labels(rows = rows), show(twice = rows * 2))]
    async fn rotate(rows: u8) -> Res<u8> {
        ran();
        Ok(rows)
    }

    #[tokio::test]
    async fn methods_of_the_authors_are_not_taken_for_those_of_the_gate() {
        let shown = [("twice", "6"), ("rows", "3")];
        assert_eq!(gated(&shown, async || rotate(3).await).await.unwrap(), 3);
    }
}
