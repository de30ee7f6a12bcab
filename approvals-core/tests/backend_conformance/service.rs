//! A chat service, played: it keeps messages, delivers clicks to whoever listens, and fails on demand.

use std::sync::{Arc, Mutex, MutexGuard};

use approvals_core::conformance::backend::Fault;
use approvals_core::ledger::Answer;
use tokio::sync::{mpsc, oneshot, watch};

/// The workspace that the backend is registered for.
pub(crate) const WORKSPACE: &str = "T01";
/// What the service signs its clicks with.
pub(crate) const SIGNING_SECRET: &str = "hush-4711";
/// What the service lets post.
pub(crate) const TOKEN: &str = "xyz-token-0815";

/// A message as it was sent: markup and all.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// What the sender gave, so that sending again makes no second one.
    pub(crate) key: String,
    /// The digest in its buttons.
    pub(crate) digest: String,
    pub(crate) text: String,
    pub(crate) buttons: Vec<Answer>,
}

/// What the service sends when somebody clicks.
#[derive(Debug, Clone)]
pub(crate) struct Click {
    pub(crate) signed_with: String,
    pub(crate) workspace: String,
    pub(crate) user: String,
    pub(crate) request: String,
    pub(crate) digest: String,
    pub(crate) answer: Answer,
    pub(crate) comment: Option<String>,
}

pub(crate) type Delivery = (Click, oneshot::Sender<()>);

/// Clones are the same service.
#[derive(Clone)]
pub(crate) struct Service(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    listener: watch::Sender<Option<mpsc::UnboundedSender<Delivery>>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) messages: Vec<Message>,
    pub(crate) fault: Option<Fault>,
    pub(crate) last: Option<Click>,
    /// How many processes have been started on it.
    pub(crate) processes: usize,
}

/// Why the service did not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum No {
    Refused,
    Away,
}

impl Default for Service {
    fn default() -> Self {
        Self(Arc::new(Inner { state: Mutex::default(), listener: watch::Sender::new(None) }))
    }
}

impl Service {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Sends a message, or finds the one that was sent under this key; its place.
    pub(crate) fn post(&self, message: Message) -> Result<usize, No> {
        let mut state = self.state();
        match state.fault {
            Some(Fault::Refuses) => return Err(No::Refused),
            Some(Fault::IsAway) => return Err(No::Away),
            _ => {}
        }
        let place = state.messages.iter().position(|there| there.key == message.key).unwrap_or_else(|| {
            state.messages.push(message);
            state.messages.len() - 1
        });
        if state.fault == Some(Fault::LosesReplies) { Err(No::Away) } else { Ok(place) }
    }

    pub(crate) fn edit(&self, place: usize, text: String, buttons: Vec<Answer>) {
        if let Some(message) = self.state().messages.get_mut(place) {
            (message.text, message.buttons) = (text, buttons);
        }
    }

    /// Clicks come out of here from now on.
    pub(crate) fn listen(&self) -> mpsc::UnboundedReceiver<Delivery> {
        let (sender, clicks) = mpsc::unbounded_channel();
        self.0.listener.send_replace(Some(sender));
        clicks
    }

    /// Delivers a click, and returns when it was answered.
    pub(crate) async fn deliver(&self, click: Click) {
        self.state().last = Some(click.clone());
        let mut listener = self.0.listener.subscribe();
        let alive = |sender: &Option<mpsc::UnboundedSender<Delivery>>| {
            sender.as_ref().is_some_and(|sender| !sender.is_closed())
        };
        let sender = listener.wait_for(alive).await.unwrap().clone().unwrap();
        let (reply, replied) = oneshot::channel();
        sender.send((click, reply)).unwrap();
        // A backend that drops the click has answered too.
        let _ = replied.await;
    }
}
