//! A store that says aloud what was acknowledged, kills the process around a commit, and may be defective.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use approvals::Sqlite;
use approvals::id::Seq;
use approvals::ledger::{Append, Appended, Store, StoreError, Stream};
use approvals_test_support::hand_on;
use async_trait::async_trait;

use crate::orders::Defect;
use crate::say::{Said, mark};
use crate::trip::{Wire, Words};

/// The store under the gate.
pub(crate) struct Witness {
    pub(crate) inner: Sqlite,
    pub(crate) wire: Arc<Wire>,
    pub(crate) words: Option<Words>,
    pub(crate) defect: Option<Defect>,
    /// Claims that were answered and not written, of [`Defect::EntersEarly`].
    pub(crate) withheld: Mutex<BTreeMap<Stream, Append>>,
}

impl Witness {
    async fn commit(&self, append: Append) -> Result<Appended, StoreError> {
        self.told(append, |append| self.inner.append(append)).await
    }

    async fn told<T>(&self, append: Append, commit: impl FnOnce(Append) -> T) -> Result<Appended, StoreError>
    where
        T: Future<Output = Result<Appended, StoreError>>,
    {
        let stream = append.stream.to_string();
        let names: Vec<&str> = append.events.iter().map(|new| new.event.name()).collect();
        let marks: Vec<u64> = append.events.iter().map(|new| mark(&new.event)).collect();
        if self.defect == Some(Defect::AcknowledgesEarly) {
            Said::Acked { seq: 0, stream: stream.clone(), marks: marks.clone() }.aloud();
        }
        self.wire.pass(&names, false);
        match commit(append).await {
            Ok(appended) => {
                self.wire.pass(&names, true);
                Said::Acked { seq: appended.seq.0, stream, marks }.aloud();
                Ok(appended)
            }
            Err(error) => {
                if !error.is_stale() {
                    Said::Failed { kind: format!("{:?}", error.kind()), message: error.to_string() }.aloud();
                }
                Err(error)
            }
        }
    }

    /// A claim that did not come about is answered as if it had.
    fn pretend(&self, append: &Append) -> Appended {
        let moves = append.events.iter().filter(|new| !new.event.is_note());
        let version = moves.fold(append.expected.unwrap_or_default(), |version, _| version.next());
        Appended { seq: Seq::START, version, records: Vec::new() }
    }
}

#[async_trait]
impl Store for Witness {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let claims = append.events.iter().any(|new| new.event.name() == "started");
        if let Some(words) = self.words.as_ref().filter(|_| claims) {
            words.wait(&Said::At("claim".to_owned())).await;
        }
        match self.defect {
            Some(Defect::EntersEarly) => {
                if claims {
                    let answer = self.pretend(&append);
                    let mut withheld = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
                    withheld.insert(append.stream, append);
                    return Ok(answer);
                }
                let before = {
                    let mut withheld = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
                    withheld.remove(&append.stream)
                };
                if let Some(before) = before {
                    self.commit(before).await?;
                }
                self.commit(append).await
            }
            Some(Defect::ClaimsAnyway | Defect::RunsUnrecorded) if claims => {
                let answer = self.pretend(&append);
                let stale_only = self.defect == Some(Defect::ClaimsAnyway);
                match self.commit(append).await {
                    Err(error) if error.is_stale() || !stale_only => Ok(answer),
                    answered => answered,
                }
            }
            _ => self.commit(append).await,
        }
    }

    async fn append_along(&self, append: Append) -> Result<Appended, StoreError> {
        self.told(append, |append| self.inner.append_along(append)).await
    }

    hand_on!(approvals, inner: history, list, records, last, wait_past, hold_node, key);
}
