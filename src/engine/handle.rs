//! How the rest of the process talks to the engine: ask, look, wait for changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::decide::action::{Accepted, Refusal};
use crate::decide::event::Ask;
use crate::decide::hook::notice::HookNotice;
use crate::decide::order::Order;
use crate::decide::preflight::verdict::Verdict;
use crate::decide::view::View;
use crate::time::Clock;

/// The engine, from outside: ask, look, wait for changes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: mpsc::Sender<Request>,
    view: watch::Receiver<Arc<View>>,
    ready: watch::Receiver<Readiness>,
    clock: Clock,
}

/// The engine's ends of a handle.
#[derive(Debug)]
pub struct Ends {
    pub inbox: mpsc::Receiver<Request>,
    pub view: watch::Sender<Arc<View>>,
    pub ready: watch::Sender<Readiness>,
}

/// A request in the inbox, and where its answer goes.
#[derive(Debug)]
pub enum Request {
    ScaleUp { ask: Ask, answer: oneshot::Sender<Result<Accepted, Refusal>> },
    Cancel { id: String, reason: String, answer: oneshot::Sender<Result<Accepted, Refusal>> },
    Hook { notice: HookNotice, answer: oneshot::Sender<Result<Accepted, Refusal>> },
    Order { order: Order, answer: oneshot::Sender<Result<Accepted, Refusal>> },
    Preflight { ask: Ask, answer: oneshot::Sender<Result<Arc<Verdict>, Refusal>> },
}

/// Whether the engine takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Starting,
    Ready,
    /// Another process owns the database; says which.
    Fenced(String),
    Stopping,
}

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the inbox is full")]
    Busy { retry_after: Duration },
    #[error("the engine has stopped")]
    Stopped,
}

impl Handle {
    /// A handle and the engine's ends of it, with room for `inbox` requests.
    #[must_use]
    pub fn new(inbox: usize, clock: Clock) -> (Handle, Ends) {
        let (to_inbox, inbox) = mpsc::channel(inbox);
        let (view_out, view) = watch::channel(Arc::default());
        let (ready_out, ready) = watch::channel(Readiness::Starting);
        (Handle { inbox: to_inbox, view, ready, clock }, Ends { inbox, view: view_out, ready: ready_out })
    }

    pub async fn scale_up(&self, ask: Ask) -> Result<Accepted, AskError> {
        self.send(|answer| Request::ScaleUp { ask, answer }).await
    }

    pub async fn cancel(&self, id: String, reason: String) -> Result<Accepted, AskError> {
        self.send(|answer| Request::Cancel { id, reason, answer }).await
    }

    /// Hands a lifecycle action in; answered once it is stored. What is busy or stopped is to be handed
    /// in again: by the sender, if it came by a door that answers.
    pub async fn hook(&self, notice: HookNotice) -> Result<Accepted, AskError> {
        self.send(|answer| Request::Hook { notice, answer }).await
    }

    /// Hands an order in; answered once it is stored.
    pub async fn order(&self, order: Order) -> Result<Accepted, AskError> {
        self.send(|answer| Request::Order { order, answer }).await
    }

    /// Asks what would become of a request. Nothing is stored.
    pub async fn preflight(&self, ask: Ask) -> Result<Arc<Verdict>, AskError> {
        self.send(|answer| Request::Preflight { ask, answer }).await
    }

    async fn send<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Request,
    ) -> Result<T, AskError> {
        let (answer, answered) = oneshot::channel();
        self.inbox.try_send(request(answer)).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => AskError::Busy { retry_after: Duration::from_secs(2) },
            mpsc::error::TrySendError::Closed(_) => AskError::Stopped,
        })?;
        Ok(answered.await.map_err(|_| AskError::Stopped)??)
    }

    /// The newest snapshot; never blocks.
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// Wakes after every commit.
    pub fn changes(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    pub fn ready(&self) -> Readiness {
        self.ready.borrow().clone()
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }
}
