//! Methods and what stands before them.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use approvals::requires_approval;
use serde::Serialize;

use crate::support::{OpsError, Res, gated, ran};

#[derive(Debug, Clone, PartialEq)]
struct Cluster {
    env: String,
    deploys: u64,
}

fn cluster() -> Cluster {
    Cluster { env: "prod".to_owned(), deploys: 0 }
}

const PROD: (&str, &str) = ("environment", r#""prod""#);

impl Cluster {
    #[requires_approval(risk = "high", action = "cluster.deploy", show(environment = self.env))]
    async fn deploy(&self, version: &str) -> Res<String> {
        ran();
        Ok(format!("{version} to {}", self.env))
    }

    #[requires_approval(risk = "high", action = "cluster.drain", skip(self) = "one per process")]
    async fn drain(&mut self, node: u64) -> Res<()> {
        ran();
        self.deploys += node;
        Ok(())
    }

    #[requires_approval(risk = "high", action = "cluster.delete", show(environment = self.env))]
    async fn delete(self) -> Res<String> {
        ran();
        Ok(self.env)
    }

    #[requires_approval(risk = "high", action = "cluster.rename", show(environment = self.env))]
    async fn rename(mut self, name: &str) -> Res<Self> {
        ran();
        name.clone_into(&mut self.env);
        Ok(self)
    }

    #[requires_approval(risk = "high", action = "cluster.share", show(environment = self.env))]
    async fn share(self: Arc<Self>) -> Res<Arc<Self>> {
        ran();
        Ok(self)
    }

    #[requires_approval(risk = "high", action = "cluster.keep", show(environment = self.env))]
    async fn keep(self: Rc<Self>) -> Res<Rc<Self>> {
        ran();
        Ok(self)
    }

    #[requires_approval(risk = "high", action = "cluster.unbox", show(environment = self.env))]
    async fn unbox(self: Box<Self>) -> Res<Self> {
        ran();
        Ok(*self)
    }

    #[requires_approval(risk = "high", action = "cluster.pin", show(environment = self.env))]
    async fn pin(mut self: Pin<&mut Self>) -> Res<u64> {
        ran();
        self.deploys += 1;
        Ok(self.deploys)
    }

    #[requires_approval(risk = "high", action = "cluster.lend", show(environment = self.env))]
    async fn lend<'a>(self: &'a Arc<Self>, other: &'a str) -> Res<(&'a Arc<Self>, &'a str)> {
        ran();
        Ok((self, other))
    }

    #[requires_approval(risk = "high", action = "cluster.unpin", show(environment = self.env))]
    async fn unpin(self: Pin<Box<Self>>) -> Res<u64> {
        ran();
        Ok(self.deploys)
    }

    #[requires_approval(risk = "high", action = "cluster.name", show(environment = self.env))]
    async fn name(&self) -> Res<&str> {
        ran();
        Ok(&self.env)
    }

    #[requires_approval(risk = "high", action = "cluster.slot", skip(self) = "one per process")]
    async fn slot(&mut self) -> Res<&mut u64> {
        ran();
        Ok(&mut self.deploys)
    }

    #[requires_approval(risk = "high", action = "cluster.new")]
    async fn new(env: String) -> Res<Self> {
        ran();
        Ok(Self { env, deploys: 0 })
    }
}

#[tokio::test]
async fn a_shared_receiver_is_read() {
    let cluster = cluster();
    let outcome = gated(&[PROD, ("version", r#""v2""#)], async || cluster.deploy("v2").await).await;
    assert_eq!(outcome.unwrap(), "v2 to prod");
}

#[tokio::test]
async fn a_mutable_receiver_is_changed_by_the_approved_call_alone() {
    let mut cluster = cluster();
    let shown = [("self", "(not shown: one per process)"), ("node", "7")];
    gated(&shown, async || cluster.drain(7).await).await.unwrap();
    assert_eq!(cluster.deploys, 7);
}

#[tokio::test]
async fn a_receiver_by_value_is_moved_into_the_body() {
    let outcome = gated(&[PROD], async || cluster().delete().await).await;
    assert_eq!(outcome.unwrap(), "prod");
    let outcome = gated(&[PROD, ("name", r#""new""#)], async || cluster().rename("new").await).await;
    assert_eq!(outcome.unwrap().env, "new");
}

#[tokio::test]
async fn smart_pointers_come_back_as_they_are() {
    let arc = Arc::new(cluster());
    let outcome = gated(&[PROD], async || Arc::clone(&arc).share().await).await;
    assert!(Arc::ptr_eq(&outcome.unwrap(), &arc));
    let shown = [PROD, ("other", r#""o""#)];
    let (lent, other) = gated(&shown, async || arc.lend("o").await).await.unwrap();
    assert!(Arc::ptr_eq(lent, &arc) && other == "o");
    let rc = Rc::new(cluster());
    let outcome = gated(&[PROD], async || Rc::clone(&rc).keep().await).await;
    assert!(Rc::ptr_eq(&outcome.unwrap(), &rc));
    let outcome = gated(&[PROD], async || Box::new(cluster()).unbox().await).await;
    assert_eq!(outcome.unwrap(), cluster());
}

#[tokio::test]
async fn a_pinned_receiver_is_changed_in_its_place() {
    let mut cluster = cluster();
    let outcome = gated(&[PROD], async || Pin::new(&mut cluster).pin().await).await;
    assert_eq!(outcome.unwrap(), 1);
    assert_eq!(cluster.deploys, 1);
    assert_eq!(gated(&[PROD], async || Box::pin(self::cluster()).unpin().await).await.unwrap(), 0);
}

#[tokio::test]
async fn a_borrow_of_the_receiver_is_returned() {
    let mut cluster = cluster();
    assert_eq!(gated(&[PROD], async || cluster.name().await).await.unwrap(), "prod");
    let shown = [("self", "(not shown: one per process)")];
    gated(&shown, async || cluster.slot().await.map(|slot| *slot += 1)).await.unwrap();
    assert_eq!(cluster.deploys, 1);
}

#[tokio::test]
async fn an_associated_function_needs_no_receiver() {
    let outcome = gated(&[("env", r#""prod""#)], async || Cluster::new("prod".to_owned()).await).await;
    assert_eq!(outcome.unwrap(), cluster());
}

struct Holder<T, const N: usize>([T; N]);

impl<T, const N: usize> Holder<T, N>
where
    T: Serialize + Clone + 'static,
{
    #[requires_approval(risk = "high", action = "holder.put", skip(self) = "a holder")]
    async fn put<U>(&self, first: T, others: &[U]) -> Res<(T, usize)>
    where
        U: Serialize,
    {
        ran();
        Ok((first, others.len() + N))
    }
}

#[tokio::test]
async fn generics_of_the_impl_and_of_the_method_are_both_in_scope() {
    let holder = Holder([1_u8, 2]);
    let shown =
        [("self", "(not shown: a holder)"), ("U", r#""&str""#), ("first", "9"), ("others", r#"["a","b"]"#)];
    let outcome = gated(&shown, async || holder.put(9, &["a", "b"]).await).await;
    assert_eq!(outcome.unwrap(), (9, 4));
    assert_eq!(holder.0, [1, 2]);
}

mod outer {
    use super::{OpsError, Res, requires_approval};

    pub(super) struct Tool;

    impl Tool {
        pub(super) const LIMIT: u64 = 3;

        #[requires_approval(risk = "high", action = "tool.limit", show(limit = Self::LIMIT), skip(self) = "a handle")]
        pub(super) async fn limit(&self, wanted: u64) -> Res<u64> {
            crate::support::ran();
            if wanted > Self::LIMIT { Err(OpsError::Own("too much")) } else { Ok(wanted) }
        }
    }
}

#[tokio::test]
async fn the_type_of_the_receiver_can_be_named() {
    let shown = [("limit", "3"), ("self", "(not shown: a handle)"), ("wanted", "2")];
    assert_eq!(gated(&shown, async || outer::Tool.limit(2).await).await.unwrap(), 2);
}
