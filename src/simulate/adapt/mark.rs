//! What the core marks groups and instances with, in the model's words.

use crate::decide::event::CallError;
use crate::decide::mark::{Mark, Marked};
use crate::decide::quarantine::words::{TAG, TAG_UNTIL, tag_value};
use crate::decide::words::Ec2Id;
use crate::sim::model::autoscaling::call::{Call, Members};
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::ec2::call::Answer as Ec2Answer;

pub fn call(mark: &Mark) -> AnyCall {
    let members = |asg: &str, ids: &[Ec2Id]| Members {
        group: asg.to_string(),
        ids: ids.iter().map(Ec2Id::to_string).collect(),
    };
    let processes = |names: &[String]| names.iter().filter_map(|p| p.parse().ok()).collect();
    AnyCall::AutoScaling(match mark {
        Mark::ScaleInProtection { asg, ids, on } => {
            Call::SetInstanceProtection { members: members(asg, ids), protected: *on }
        }
        Mark::EnterStandby { asg, ids, decrement } => {
            Call::EnterStandby { members: members(asg, ids), decrement: *decrement }
        }
        Mark::Detach { asg, ids, decrement } => {
            Call::DetachInstances { members: members(asg, ids), decrement: *decrement }
        }
        Mark::ExitStandby { asg, ids } => Call::ExitStandby(members(asg, ids)),
        Mark::Suspend { asg, processes: names } => {
            Call::SuspendProcesses { group: asg.to_string(), processes: processes(names) }
        }
        Mark::Resume { asg, processes: names } => {
            Call::ResumeProcesses { group: asg.to_string(), processes: processes(names) }
        }
        Mark::Desired { asg, desired } => Call::SetDesiredCapacity {
            group: asg.to_string(),
            desired: i64::from(*desired),
            honor_cooldown: false,
        },
        Mark::TerminationProtection { id, on } => return super::protect_call(*id, *on),
        Mark::IsTerminationProtected { id } => return super::is_protected_call(*id),
        Mark::Quarantined { id, reason, until } => {
            let until = jiff::Timestamp::from_millisecond(until.0).map(|t| t.to_string()).unwrap_or_default();
            return super::tags_call(*id, &[(TAG.into(), tag_value(reason)), (TAG_UNTIL.into(), until)]);
        }
    })
}

pub fn answer(outcome: Outcome) -> Result<Marked, CallError> {
    if let Outcome::Answer(AnyAnswer::Ec2(Ec2Answer::Attribute(view))) = &outcome {
        return Ok(Marked::TerminationProtection(view.value == "true"));
    }
    match &outcome {
        Outcome::Answer(AnyAnswer::AutoScaling(_)) => super::autoscaling::done(outcome)?,
        Outcome::Answer(_) | Outcome::Error(_) | Outcome::Lost => super::done(outcome)?,
    }
    Ok(Marked::Done)
}
