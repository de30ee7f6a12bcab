//! Methods: every receiver, in `impl`s, in native async traits, and under `#[async_trait]`.
#![forbid(unsafe_code)]
#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use approvals::{ApprovalError, requires_approval};

#[derive(Debug)]
struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

type Res<T> = Result<T, OpsError>;

#[derive(Clone)]
struct Cluster {
    env: String,
    deploys: u64,
}

impl Cluster {
    #[requires_approval(risk = "high", action = "cluster.deploy", show(environment = self.env), reason = "{version} to {environment}, {self.deploys}")]
    async fn deploy(&self, version: &str) -> Res<usize> {
        Ok(self.env.len() + version.len())
    }

    #[requires_approval(risk = "high", action = "cluster.drain", skip(self) = "one cluster per process", key = "drain/{node}")]
    async fn drain(&mut self, node: u8) -> Res<u64> {
        self.deploys += u64::from(node);
        Ok(self.deploys)
    }

    #[requires_approval(risk = "critical", action = "cluster.delete", show(environment = &self.env), labels(env = self.env))]
    async fn delete(self) -> Res<String> {
        Ok(self.env)
    }

    #[requires_approval(risk = "low", action = "cluster.shared", show(environment = self.env.as_str()))]
    async fn shared(self: Arc<Self>) -> Res<Arc<Self>> {
        Ok(self)
    }

    #[requires_approval(risk = "low", action = "cluster.pinned", show(environment = format!("{}!", self.env)))]
    async fn pinned(mut self: Pin<&mut Self>) -> Res<()> {
        self.deploys += 1;
        Ok(())
    }

    #[requires_approval(risk = "low", action = "cluster.new")]
    async fn new(env: String) -> Result<Self, OpsError> {
        Ok(Self { env, deploys: 0 })
    }
}

trait Native {
    #[allow(async_fn_in_trait, reason = "used in this file alone")]
    async fn stop(&self, node: u8) -> Res<u8>;

    #[allow(async_fn_in_trait, reason = "used in this file alone")]
    #[requires_approval(risk = "low", action = "native.start", skip(self) = "a handle")]
    async fn start(&self, node: u8) -> Res<u8> {
        Ok(node)
    }
}

impl Native for Cluster {
    #[requires_approval(risk = "low", action = "cluster.stop", show(environment = self.env))]
    async fn stop(&self, node: u8) -> Res<u8> {
        Ok(node)
    }
}

#[async_trait::async_trait]
trait Boxed {
    async fn restart<'a>(&'a self, node: &'a str, #[cfg(all())] mut times: u8) -> Res<&'a str>;

    #[requires_approval(risk = "low", action = "boxed.default", skip(self) = "a handle", reason = "{node}")]
    async fn status(&self, node: String, #[approval(secret)] pass: &str) -> Res<usize> {
        tokio::task::yield_now().await;
        Ok(node.len() + pass.len())
    }
}

#[async_trait::async_trait]
impl Boxed for Cluster {
    #[requires_approval(risk = "low", action = "cluster.restart", show(environment = self.env), reason = "{self.env} {node} {times}")]
    async fn restart<'a>(&'a self, node: &'a str, #[cfg(all())] mut times: u8) -> Res<&'a str> {
        times += 1;
        if times == 0 {
            return Err(OpsError);
        }
        Ok(node)
    }
}

#[async_trait::async_trait(?Send)]
trait Local {
    #[requires_approval(risk = "low", action = "local.go", skip(self) = "a handle")]
    async fn go(&self, count: u8) -> Res<u8> {
        let count = std::rc::Rc::new(count);
        tokio::task::yield_now().await;
        Ok(*count)
    }
}

impl Local for () {}

trait Sendable {
    fn go(&self, node: u8) -> impl Future<Output = Res<u8>> + Send;
    fn boxed(&self, node: u8) -> Pin<Box<dyn Future<Output = Res<u8>> + Send + '_>>;
}

impl Sendable for Cluster {
    #[requires_approval(risk = "low", action = "cluster.go", show(environment = self.env))]
    fn go(&self, node: u8) -> impl Future<Output = Res<u8>> + Send {
        async move { Ok(node + self.env.len() as u8) }
    }

    #[requires_approval(risk = "low", action = "cluster.boxed", show(environment = self.env))]
    fn boxed(&self, node: u8) -> Pin<Box<dyn Future<Output = Res<u8>> + Send + '_>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok(node + self.env.len() as u8)
        })
    }
}

fn main() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let mut cluster = Cluster { env: String::new(), deploys: 0 };
    drop(send(cluster.deploy("v1")));
    drop(send(cluster.drain(1)));
    drop(send(Pin::new(&mut cluster).pinned()));
    drop(send(Arc::new(cluster.clone()).shared()));
    drop(send(cluster.clone().delete()));
    drop(send(Cluster::new(String::new())));
    drop((send(cluster.stop(1)), cluster.start(1), Local::go(&(), 1)));
    drop((send(cluster.restart("a", 1)), send(cluster.status(String::new(), "b"))));
    drop((Sendable::go(&cluster, 1), send(cluster.boxed(1))));
}
