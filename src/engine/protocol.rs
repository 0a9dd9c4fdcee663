//! The order that never bends: decide, commit, perform.
//!
//! A decision's actions cannot be had before its changes are said to be committed. The engine and
//! the simulator both go through here, so that what the simulator breaks is what runs.

use crate::decide::action::Action;
use crate::decide::event::Event;
use crate::decide::rows::Changes;
use crate::decide::words::Time;
use crate::decide::{Core, Decision};

/// What was decided and is not durable yet.
#[derive(Debug)]
#[must_use = "what is decided must be committed, or the core thrown away"]
pub struct Uncommitted(Decision);

impl Uncommitted {
    /// Takes in what happened and decides.
    pub fn decide(core: &mut Core, now: Time, entropy: u64, events: Vec<Event>) -> Uncommitted {
        Uncommitted(core.decide(now, entropy, events))
    }

    /// To be committed in one transaction. Empty: there is nothing to commit.
    pub fn changes(&self) -> &Changes {
        &self.0.changes
    }

    /// When to decide again if nothing comes in before.
    pub fn wake(&self) -> Time {
        self.0.wake
    }

    /// The changes are durable, or there were none: what is to be done now.
    pub fn committed(self) -> Vec<Action> {
        self.0.actions
    }
}

/// For provisioners other than the core, which the simulator compares it with.
impl From<Decision> for Uncommitted {
    fn from(decision: Decision) -> Uncommitted {
        Uncommitted(decision)
    }
}
