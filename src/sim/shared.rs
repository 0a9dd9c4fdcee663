//! The model behind a lock, on a clock: what the wire, the agents and the in-process front share.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::time::Clock;

use super::model::Model;
use super::signer::Signer;

/// One model on one clock. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    model: Arc<Mutex<Model>>,
    clock: Clock,
    stirred: Arc<Notify>,
    signer: Arc<Signer>,
}

impl Shared {
    #[must_use]
    pub fn new(mut model: Model, clock: Clock) -> Shared {
        let signer = Arc::new(Signer::new(&model.settings().region));
        model.sign_with(signer.clone());
        Shared { model: Arc::new(Mutex::new(model)), clock, stirred: Arc::new(Notify::new()), signer }
    }

    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Does something with the model and the time, in milliseconds. Never waits for more than
    /// others doing the same: nothing is awaited in here.
    pub fn with<T>(&self, f: impl FnOnce(&mut Model, i64) -> T) -> T {
        // A panic in here would be a defect of the model, and half a change in a simulation is
        // still worth looking at.
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut model, self.clock.now().0);
        if model.take_stirred() {
            self.stirred.notify_waiters();
        }
        result
    }

    /// What signs SNS's messages.
    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Told when something became visible or due ([`Model::take_stirred`]).
    pub(super) fn stirred(&self) -> Notified<'_> {
        self.stirred.notified()
    }
}
