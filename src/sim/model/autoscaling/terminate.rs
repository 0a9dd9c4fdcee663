//! `TerminateInstanceInAutoScalingGroup`: one id, or up to 100 of one group; all or nothing
//! (aws-facts 3.4).

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::activity::ActivityNumber;
use super::call::{Action, Answer, TerminateInstances};
use super::error::{ApiError, Code};
use super::member::Leaves;
use super::membership::check_ids;
use super::words::{LifecycleState, Stage};

/// Most ids of one call (aws-facts 3.1).
const IDS_MAX: usize = 100;

impl AutoScaling {
    pub(super) fn terminate(
        &mut self,
        call: &TerminateInstances,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_ids(&call.ids, IDS_MAX)?;
        let Some(first) = call.ids.first() else { return Err(ApiError::missing("InstanceId")) };
        let home = ec2.ordinal_of(first).and_then(|o| self.books.homes.get(&o));
        let name = match (&call.group, home) {
            (Some(group), _) => group.clone(),
            (None, Some(home)) => home.to_string(),
            (None, None) => return Err(ApiError::no_instance(first)),
        };
        let busy_ms = i64::from(self.books.set().busy_after_launch_ms);
        let (group, mut now) = self.at(&name, ec2, now_ms)?;
        let (mut all, mut fresh) = (Vec::new(), Vec::new());
        for id in &call.ids {
            let member = group.member(id, &now).map_err(|_| ApiError::no_instance(id))?;
            let young = member.launch.launched_ms + busy_ms > now_ms;
            if member.state == LifecycleState::Pending && young {
                return Err(ApiError::new(
                    Code::ScalingActivityInProgress,
                    format!("The instance {id} is still being launched by a scaling activity in progress."),
                ));
            }
            match member.stage() {
                Stage::Warm | Stage::LeavingWarm => {
                    return Err(ApiError::invalid(format!("The instance {id} is in the warm pool.")));
                }
                Stage::Coming | Stage::InService | Stage::Aside | Stage::Retained => {
                    fresh.push(member.ordinal);
                }
                // On its way already. Undocumented: answered with what is going on, and not counted
                // a second time.
                Stage::Leaving => {}
            }
            all.push(member.ordinal);
        }
        group.shrink_by(call.decrement, &fresh)?;
        for ordinal in &fresh {
            group.leave(*ordinal, Leaves::UserRequest, &mut now);
        }
        let begun: Vec<ActivityNumber> =
            all.iter().filter_map(|o| group.members.get(o).and_then(|m| m.activity)).collect();
        let first = begun.first().and_then(|n| self.books.log.view(*n));
        match first {
            Some(activity) if call.single => Ok(Answer::Activity(Box::new(activity))),
            Some(_) | None => Ok(self.books.activities(Action::TerminateInstanceInAutoScalingGroup, &begun)),
        }
    }
}
