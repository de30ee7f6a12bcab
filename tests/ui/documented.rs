//! A crate whose author denies every lint about documentation. What a gate adds to it trips none: clippy and rustdoc
//! read this file like the rest of the workspace.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused_doc_comments, rustdoc::all)]
#![deny(clippy::pedantic, clippy::too_long_first_doc_paragraph, clippy::mixed_attributes_style)]

use approvals::{ApprovalError, requires_approval};

/// The cluster of `async_trait`, which hands the attribute another shape.
#[async_trait::async_trait]
pub trait Restart {
    /// Restarts the node.
    ///
    /// # Errors
    /// When nobody says yes.
    async fn restart(&self, node: u8) -> Result<u8, ApprovalError>;

    /// Looks at the node.
    ///
    /// # Errors
    /// When nobody says yes.
    #[requires_approval(risk = "low", action = "documented.look", skip(self) = "a handle")]
    async fn look(&self, node: u8) -> Result<u8, ApprovalError> {
        Ok(node)
    }
}

/// A cluster.
pub struct Cluster {
    /// Which one.
    pub env: String,
}

#[async_trait::async_trait]
impl Restart for Cluster {
    #[requires_approval(risk = "high", action = "documented.restart", show(environment = self.env))]
    async fn restart(&self, node: u8) -> Result<u8, ApprovalError> {
        Ok(node)
    }
}

impl Cluster {
    /// Drains the node.
    ///
    /// # Errors
    ///
    /// When nobody says yes:
    ///
    /// - today
    /// - ever
    #[requires_approval(risk = "critical", action = "documented.drain", from_each("SiteReliability", "two_words"),
        reviewers = 3, show(environment = self.env))]
    pub async fn drain(&self, node: u8) -> Result<u8, ApprovalError> {
        Ok(node)
    }
}

/** Exports rows.

# Errors
When nobody says yes. */
#[requires_approval(
    risk = "high",
    action = "documented.export",
    sensitivity = "pii <b> [link] ` tick",
    key = "{rows}",
    reviewers = 2,
    from_any("sre", "security"),
    decide_within = "4h",
    use_within = "15m",
    wait = "30s",
    rerunnable
)]
pub async fn export(rows: u64) -> Result<u64, ApprovalError> {
    //! It never does more than it says.

    /// Inside another function.
    #[requires_approval(risk = "low")]
    async fn inside(rows: u64) -> Result<u64, ApprovalError> {
        Ok(rows)
    }
    inside(rows).await
}

#[requires_approval(
    risk = "low",
    reviewers = 1,
    from_any("a group with quite a long name", "another one of that kind")
)]
#[expect(clippy::missing_errors_doc, reason = "its author says nothing about it")]
pub async fn undocumented(rows: u64) -> Result<u64, ApprovalError> {
    Ok(rows)
}
