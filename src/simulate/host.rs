//! One process of muster in a run: who decides in it, what it waits for, what it has open.

use std::sync::Arc;

use crate::decide::action::Action;
use crate::decide::budget::bucket::Rate;
use crate::decide::event::Event;
use crate::decide::group::Group;
use crate::decide::restore::RestoreError;
use crate::decide::rows::{Changes, Restored};
use crate::decide::view::Progress;
use crate::decide::words::{ScaleUpState, Time};
use crate::decide::{Core, Settings};
use crate::engine::protocol::Uncommitted;

use super::mutant::Mutant;
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
        let (settings, groups) = told(plan);
        let groups: Vec<_> = groups.into_iter().map(Arc::new).collect();
        Ok(match plan.provisioner {
            Provisioner::Muster => {
                Brain::Muster(Box::new(Core::restored(settings, groups, stored, now, entropy)?))
            }
            Provisioner::Naive => Brain::Naive(Box::new(Naive::new(groups))),
        })
    }

    /// When the oldest open scale-up is expected to be done, if there is one.
    #[must_use]
    pub fn expected(&self, now: Time) -> Option<Option<Time>> {
        match self {
            Brain::Muster(core) => {
                let open = |p: &Progress| p.state != ScaleUpState::Done;
                core.view(now).scale_ups.into_iter().find(open).map(|p| p.eta)
            }
            Brain::Naive(_) => None,
        }
    }

    pub fn decide(&mut self, now: Time, entropy: u64, events: Vec<Event>) -> Uncommitted {
        match self {
            Brain::Muster(core) => Uncommitted::decide(core, now, entropy, events),
            Brain::Naive(naive) => Uncommitted::from(naive.decide(now, entropy, events)),
        }
    }
}

/// What a process is told of its limits; a wrong engine believes in others.
fn told(plan: &Plan) -> (Settings, Vec<Group>) {
    let (mut settings, mut groups) = (plan.core.clone(), plan.groups.clone());
    match plan.mutant {
        Some(Mutant::CountsAfter) => {
            for group in &mut groups {
                group.max += group.launch.batch;
            }
        }
        Some(Mutant::IgnoresBudgets) => {
            for api in [
                &mut settings.run_instances,
                &mut settings.describe_instances,
                &mut settings.terminate_instances,
            ] {
                api.requests = Rate { burst: api.requests.burst * 10, refill: api.requests.refill * 10.0 };
            }
        }
        Some(Mutant::IgnoresGates) => groups.iter_mut().for_each(|g| g.bounds.gates.clear()),
        Some(Mutant::IgnoresDescriptors) => settings.contacts *= 4,
        Some(_) | None => {}
    }
    (settings, groups)
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
