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

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn with_or_without_a_decrement() {
        let mut model = serving(1, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(terminate(&ids[..1], true), 60_000);
        model.done(terminate(&ids[1..2], false), 60_000);
        let group = group(&mut model, 120_000);
        assert_eq!((group.desired, group.tally.in_service, group.tally.all()), (2, 2, 2));
        assert_eq!(model.ledger(120_000).instances.len(), 4);
    }

    #[test]
    fn one_bad_id_stops_all_and_so_does_the_minimum() {
        let mut model = serving(2, 3, 3);
        let ids = in_service(&mut model, 60_000);
        let with_stranger = [ids[0].clone(), "i-0123456789abcdef0".into()];
        let (code, message) = model.refused(terminate(&with_stranger, false), 60_000);
        assert_eq!(
            (code, message.as_str()),
            (
                "ValidationError",
                "Instance Id not found - No managed instance found for instance ID: i-0123456789abcdef0"
            )
        );
        assert!(model.refused(terminate(&ids, true), 60_000).1.contains("minSize (2)"));
        assert_eq!(in_service(&mut model, 120_000).len(), 3);
    }

    #[test]
    fn a_hundred_at_most_and_one_by_itself_without_its_group() {
        let mut model = serving(0, 200, 101);
        let ids = in_service(&mut model, 60_000);
        assert!(model.refused(terminate(&ids, false), 60_000).1.contains("limit of 100"));
        assert_eq!(model.refused(terminate(&[], false), 60_000).0, "ValidationError");
        let single =
            TerminateInstances { ids: ids[..1].to_vec(), single: true, ..TerminateInstances::default() };
        let answer = model.done(Call::TerminateInstanceInAutoScalingGroup(single), 60_000);
        let Answer::Activity(activity) = answer else { panic!("{answer:?}") };
        assert_eq!(activity.description, format!("Terminating EC2 instance: {}", ids[0]));
        let answer = model.done(terminate(&ids[1..], false), 60_000);
        assert!(matches!(answer, Answer::Activities { activities, .. } if activities.len() == 100));
    }

    #[test]
    fn a_second_time_it_is_told_what_goes_on_and_nothing_is_counted_twice() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        let first = format!("{:?}", model.done(terminate(&ids[..1], true), 60_000));
        assert_eq!(format!("{:?}", model.done(terminate(&ids[..1], true), 60_500)), first);
        assert_eq!(group(&mut model, 60_500).desired, 2);
        assert_eq!(model.refused(terminate(&ids[..1], true), 120_000).0, "ValidationError", "gone by now");
    }

    #[test]
    fn one_that_was_just_launched_is_busy() {
        let mut model = model(|s| s.autoscaling.busy_after_launch_ms = 2_000);
        model.done(Call::CreateAutoScalingGroup(Box::new(create(0, 3, 1))), 0);
        let ids = ids_in(&mut model, LifecycleState::Pending, 2_999);
        assert_eq!(model.refused(terminate(&ids, true), 2_999).0, "ScalingActivityInProgress");
        model.done(terminate(&ids, true), 3_000);
        assert_eq!(group(&mut model, 60_000).tally.all(), 0);
    }
}
