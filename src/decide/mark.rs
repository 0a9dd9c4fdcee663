//! Calls that change what a group or one of its instances is marked with, and bring back no more than
//! whether that worked. All of them may be sent twice.

use std::sync::Arc;

use super::action::Action;
use super::event::CallError;
use super::wait::Wait;
use super::words::{Api, Ec2Id, Time};
use super::{Core, Now};

/// One such call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// `SetInstanceProtection` for at most 50: from scale-in, and from nothing else.
    ScaleInProtection { asg: Arc<str>, ids: Vec<Ec2Id>, on: bool },
    /// `EnterStandby` for at most 20. Without `decrement` the group replaces them.
    EnterStandby { asg: Arc<str>, ids: Vec<Ec2Id>, decrement: bool },
    /// `DetachInstances` for at most 20. Without `decrement` the group replaces them.
    Detach { asg: Arc<str>, ids: Vec<Ec2Id>, decrement: bool },
    /// `ExitStandby` for at most 20. It raises the desired capacity by as many.
    ExitStandby { asg: Arc<str>, ids: Vec<Ec2Id> },
    /// `SuspendProcesses` for these, never empty.
    Suspend { asg: Arc<str>, processes: Vec<String> },
    /// `ResumeProcesses` for these, never empty.
    Resume { asg: Arc<str>, processes: Vec<String> },
    /// `SetDesiredCapacity`.
    Desired { asg: Arc<str>, desired: u32 },
    /// `ModifyInstanceAttribute(DisableApiTermination)`.
    TerminationProtection { id: Ec2Id, on: bool },
    /// `DescribeInstanceAttribute(disableApiTermination)`: the only one that asks.
    IsTerminationProtected { id: Ec2Id },
    /// `CreateTags`: this instance is kept, for this reason and until then.
    Quarantined { id: Ec2Id, reason: Arc<str>, until: Time },
}

/// What such a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    Done,
    /// Answer to [`Mark::IsTerminationProtected`].
    TerminationProtection(bool),
}

impl Mark {
    #[must_use]
    pub fn api(&self) -> Api {
        match self {
            Mark::ScaleInProtection { .. } => Api::SetInstanceProtection,
            Mark::EnterStandby { .. } => Api::EnterStandby,
            Mark::Detach { .. } => Api::DetachInstances,
            Mark::ExitStandby { .. } => Api::ExitStandby,
            Mark::Suspend { .. } => Api::SuspendProcesses,
            Mark::Resume { .. } => Api::ResumeProcesses,
            Mark::Desired { .. } => Api::SetDesiredCapacity,
            Mark::TerminationProtection { .. } => Api::ModifyInstanceAttribute,
            Mark::IsTerminationProtected { .. } => Api::DescribeInstanceAttribute,
            Mark::Quarantined { .. } => Api::CreateTags,
        }
    }
}

impl Core {
    /// Lets such a call go out after the commit, if its budget has what it takes.
    pub(super) fn send_mark(&mut self, mark: Mark, now: &mut Now) -> Result<(), Wait> {
        let budget = if mark.api().is_auto_scaling() { &mut self.auto } else { &mut self.attribute };
        budget.take(now.time, 0)?;
        now.actions.push(Action::Mark { mark });
        Ok(())
    }

    /// Books what such a call came to.
    pub(super) fn marked(&mut self, mark: &Mark, outcome: &Result<Marked, CallError>, now: &mut Now) {
        if mark.api().is_auto_scaling() {
            self.auto_answered(outcome.as_ref().err(), now);
            self.halt_marked(mark, outcome, now);
            self.raise_marked(mark, outcome.as_ref().err(), now);
        } else {
            let elsewhere = self.throttled_elsewhere(Api::ModifyInstanceAttribute);
            self.attribute.answered(now.time, 0, outcome.as_ref().err(), elsewhere, &mut now.rng);
        }
        self.keep_marked(mark, outcome, now);
        self.quarantine_marked(mark, outcome, now);
    }
}
