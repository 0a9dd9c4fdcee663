//! One process of muster in a run: who decides in it, what it waits for, what it has open.

use std::sync::Arc;

use crate::decide::Core;
use crate::decide::action::Action;
use crate::decide::event::Event;
use crate::decide::restore::RestoreError;
use crate::decide::rows::{Changes, Restored};
use crate::decide::words::Time;
use crate::engine::protocol::Uncommitted;

use super::naive::Naive;
use super::plan::{Plan, Provisioner};

/// Descriptors of a serving muster that has nothing in flight, on `SQLite`: standard streams, the
/// listener, the runtime, the database with its readers and a few API clients. Counted in
/// `/proc/self/fd` of an idle `muster serve` (19) and rounded up.
pub const IDLE_DESCRIPTORS: u32 = 24;

/// Who decides in a process.
pub enum Brain {
    Muster(Box<Core>),
    Naive(Box<Naive>),
}

impl Brain {
    /// A brain that goes on from what was stored.
    ///
    /// # Errors
    /// If it cannot.
    pub fn start(plan: &Plan, stored: Restored, now: Time, entropy: u64) -> Result<Brain, RestoreError> {
        let groups: Vec<_> = plan.groups.iter().cloned().map(Arc::new).collect();
        Ok(match plan.provisioner {
            Provisioner::Muster => {
                Brain::Muster(Box::new(Core::restored(plan.core.clone(), groups, stored, now, entropy)?))
            }
            Provisioner::Naive => Brain::Naive(Box::new(Naive::new(groups))),
        })
    }

    pub fn decide(&mut self, now: Time, entropy: u64, events: Vec<Event>) -> Uncommitted {
        match self {
            Brain::Muster(core) => Uncommitted::decide(core, now, entropy, events),
            Brain::Naive(naive) => Uncommitted::from(naive.decide(now, entropy, events)),
        }
    }
}

/// One process.
pub struct Host {
    /// Different for every process that ever ran: answers to a dead one reach nobody.
    pub life: u64,
    /// Under which it writes.
    pub epoch: i64,
    pub brain: Brain,
    /// What came in and is not decided upon.
    pub inbox: Vec<Event>,
    /// Decided, and being committed.
    pub committing: Option<Round>,
    pub wake: Time,
    /// Stopped; goes on by itself.
    pub paused: bool,
    pub calls_out: u32,
    pub contacts_out: u32,
}

/// One decision on its way to the disk.
pub struct Round {
    pub changes: Changes,
    pub actions: Vec<Action>,
    pub wake: Time,
}

impl Host {
    /// Descriptors that it has open.
    #[must_use]
    pub fn descriptors(&self) -> u32 {
        IDLE_DESCRIPTORS + self.calls_out + self.contacts_out
    }
}
