//! What the core marks groups and instances with, as the calls of the service that has the mark.

use super::Ec2;
use super::autoscaling::{AutoScaling, Process};
use super::failure;
use crate::decide::event::CallError;
use crate::decide::mark::{Mark, Marked};
use crate::decide::quarantine::words::{TAG, TAG_UNTIL, tag_value};

/// Makes this one call.
///
/// # Errors
/// As the call; and if a process is named that is none.
pub async fn make(ec2: &dyn Ec2, groups: &dyn AutoScaling, mark: &Mark) -> Result<Marked, CallError> {
    match mark {
        Mark::ScaleInProtection { asg, ids, on } => groups.set_instance_protection(asg, ids, *on).await?,
        Mark::EnterStandby { asg, ids, decrement } => groups.enter_standby(asg, ids, *decrement).await?,
        Mark::Detach { asg, ids, decrement } => groups.detach_instances(asg, ids, *decrement).await?,
        Mark::ExitStandby { asg, ids } => groups.exit_standby(asg, ids).await?,
        Mark::Suspend { asg, processes: names } => groups.suspend_processes(asg, &processes(names)?).await?,
        Mark::Resume { asg, processes: names } => groups.resume_processes(asg, &processes(names)?).await?,
        Mark::Desired { asg, desired } => groups.set_desired_capacity(asg, *desired).await?,
        Mark::TerminationProtection { id, on } => ec2.protect_from_termination(id, *on).await?,
        Mark::IsTerminationProtected { id } => {
            return ec2.is_protected_from_termination(id).await.map(Marked::TerminationProtection);
        }
        Mark::Quarantined { id, reason, until } => {
            let until = jiff::Timestamp::from_millisecond(until.0).map(|t| t.to_string()).unwrap_or_default();
            let tags = [(TAG.to_string(), tag_value(reason)), (TAG_UNTIL.to_string(), until)];
            ec2.create_tags(id, &tags).await?;
        }
    }
    Ok(Marked::Done)
}

fn processes(names: &[String]) -> Result<Vec<Process>, CallError> {
    names.iter().map(|name| name.parse().map_err(failure::unreadable)).collect()
}
