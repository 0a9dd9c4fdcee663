//! `CreateAutoScalingGroup`, `UpdateAutoScalingGroup`, `DeleteAutoScalingGroup`.

use super::super::ec2::Ec2;
use super::super::elbv2::Elbv2;
use super::books::Now;
use super::call::{Action, Answer, CreateGroup, Shape};
use super::config::Config;
use super::error::{ApiError, Code};
use super::group::Group;
use super::member::Leaves;
use super::notify::group_arn;
use super::{AutoScaling, ordinals_of};

/// Longest name of a group (botocore's model).
const NAME_MAX: usize = 255;

impl AutoScaling {
    pub(super) fn create_group(
        &mut self,
        call: &CreateGroup,
        (ec2, elbv2): (&mut Ec2, &Elbv2),
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let name = call.group.as_str();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            return Err(ApiError::constraint(
                name,
                "AutoScalingGroupName",
                "Member must have length between 1 and 255",
            ));
        }
        if self.groups.contains_key(name) {
            return Err(ApiError::new(
                Code::AlreadyExists,
                format!(
                    "AutoScalingGroup by this name already exists - A group with the name {name} already exists"
                ),
            ));
        }
        let most = self.books.set().groups_max;
        if self.groups.len() >= most as usize {
            return Err(ApiError::new(
                Code::LimitExceeded,
                format!("You have reached your limit of {most} AutoScaling groups"),
            ));
        }
        let mut config = Config::default().with(&call.shape, &self.books.settings.subnets)?;
        config.look_up(ec2)?;
        if config.source.is_none() {
            return Err(ApiError::invalid(
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or \
                 MixedInstancesPolicy parameter.",
            ));
        }
        if config.subnets.is_empty() {
            return Err(ApiError::invalid("At least one Availability Zone or VPC Subnet is required."));
        }
        let id = self.books.uuid();
        let arn = group_arn(&self.books.settings.region, &id, name);
        let mut group = Group::new(name, arn, config, now_ms);
        (group.min, group.max) = (
            size(call.shape.min, "MinSize")?.ok_or_else(|| ApiError::missing("MinSize"))?,
            size(call.shape.max, "MaxSize")?.ok_or_else(|| ApiError::missing("MaxSize"))?,
        );
        group.desired = size(call.shape.desired, "DesiredCapacity")?.unwrap_or(group.min);
        check_sizes(&group)?;
        group.add_targets(&call.target_groups, elbv2, now_ms)?;
        for tag in &call.tags {
            group.put_tag(tag)?;
        }
        let mut now = Now { ms: now_ms, books: &mut self.books, ec2 };
        for hook in &call.hooks {
            group.put_hook(hook, &mut now)?;
        }
        if group.desired > 0 {
            group.plan_scale_soon(&mut now);
        }
        self.groups.insert(group.name.clone(), group);
        Ok(Answer::Done(Action::CreateAutoScalingGroup))
    }

    pub(super) fn update_group(
        &mut self,
        name: &str,
        shape: &Shape,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let subnets = self.books.settings.subnets.clone();
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        let mut config = group.config.with(shape, &subnets)?;
        if shape.source.is_some() {
            config.look_up(now.ec2)?;
        }
        let before = (group.min, group.max, group.desired);
        group.min = size(shape.min, "MinSize")?.unwrap_or(group.min);
        group.max = size(shape.max, "MaxSize")?.unwrap_or(group.max);
        // Without a desired capacity, the present one is moved between the new bounds.
        let desired = size(shape.desired, "DesiredCapacity")?;
        group.desired = desired.unwrap_or_else(|| group.desired.max(group.min).min(group.max));
        if let Err(error) = check_sizes(group) {
            (group.min, group.max, group.desired) = before;
            return Err(error);
        }
        group.config = config;
        group.note_peaks();
        group.plan_scale_soon(&mut now);
        Ok(Answer::Done(Action::UpdateAutoScalingGroup))
    }

    pub(super) fn delete_group(
        &mut self,
        name: &str,
        force: bool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let busy = self.books.log.is_busy(name);
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        let protection = group.config.deletion_protection.as_str();
        if protection == "prevent-all-deletion" || (force && protection == "prevent-force-deletion") {
            return Err(ApiError::new(
                Code::ResourceInUse,
                format!("You cannot delete an AutoScalingGroup with deletion protection {protection}."),
            ));
        }
        if !force && group.tally.all() > 0 {
            return Err(ApiError::new(
                Code::ResourceInUse,
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) \
                 still in the group.",
            ));
        }
        if !force && busy {
            return Err(ApiError::new(
                Code::ScalingActivityInProgress,
                "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
            ));
        }
        group.deleting = true;
        (group.min, group.max, group.desired) = (0, 0, 0);
        for ordinal in ordinals_of(group) {
            group.leave(ordinal, Leaves::Deletion, &mut now);
        }
        self.bury(name);
        Ok(Answer::Done(Action::DeleteAutoScalingGroup))
    }

    /// A group that is being deleted goes with its last member.
    pub(super) fn bury(&mut self, name: &str) {
        if self.groups.get(name).is_some_and(|g| g.deleting && g.members.is_empty())
            && let Some(group) = self.groups.remove(name)
        {
            self.books.log.group_deleted(&group.arn);
        }
    }
}

fn size(given: Option<i64>, parameter: &str) -> Result<Option<u32>, ApiError> {
    let read = |value: i64| {
        u32::try_from(value).map_err(|_| {
            ApiError::constraint(value, parameter, "Member must have value greater than or equal to 0")
        })
    };
    given.map(read).transpose()
}

fn check_sizes(group: &Group) -> Result<(), ApiError> {
    let Group { min, max, desired, .. } = group;
    if min > max {
        return Err(ApiError::invalid(format!(
            "Max bound, {max}, must be greater than or equal to min bound, {min}"
        )));
    }
    if !(min..=max).contains(&desired) {
        return Err(ApiError::invalid(format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Source};
    use super::super::testing::*;
    use super::*;

    fn made(change: impl FnOnce(&mut CreateGroup)) -> (&'static str, String) {
        let mut call = create(1, 5, 2);
        change(&mut call);
        model(|s| s.autoscaling.groups_max = 1).refused(Call::CreateAutoScalingGroup(Box::new(call)), 0)
    }

    fn update(shape: Shape) -> Call {
        Call::UpdateAutoScalingGroup { group: WEB.into(), shape: Box::new(shape) }
    }

    fn delete(force: bool) -> Call {
        Call::DeleteAutoScalingGroup { group: WEB.into(), force }
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_awss_words() {
        type Spoil = fn(&mut CreateGroup);
        assert_eq!(made(|_| {}).0, "");
        let cases: [(Spoil, &str); 8] = [
            (|c| c.group.clear(), "between 1 and 255"),
            (|c| c.shape.min = None, "Value null at 'minSize'"),
            (|c| c.shape.max = Some(0), "Max bound, 0, must be greater than or equal to min bound, 1"),
            (
                |c| c.shape.desired = Some(6),
                "Desired capacity:6 must be between the specified min size:1 and max",
            ),
            (|c| c.shape.desired = Some(-1), "Value '-1' at 'desiredCapacity'"),
            (|c| c.shape.source = None, "LaunchTemplate, LaunchConfigurationName"),
            (|c| c.shape.subnets.clear(), "At least one Availability Zone or VPC Subnet is required."),
            (|c| c.target_groups = vec!["arn:nonsense".into()], "Target Groups may not be valid"),
        ];
        for (spoil, says) in cases {
            let (code, message) = made(spoil);
            assert_eq!(code, "ValidationError");
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn names_are_taken_once_and_groups_are_limited() {
        let mut model = model(|s| s.autoscaling.groups_max = 1);
        let call = create(0, 1, 0);
        model.done(Call::CreateAutoScalingGroup(Box::new(call.clone())), 0);
        let again = Call::CreateAutoScalingGroup(Box::new(call.clone()));
        assert_eq!(model.refused(again, 0).0, "AlreadyExists");
        let other = CreateGroup { group: "other".into(), ..call };
        assert_eq!(model.refused(Call::CreateAutoScalingGroup(Box::new(other)), 0).0, "LimitExceeded");
    }

    #[test]
    fn new_bounds_move_the_desired_capacity() {
        let mut model = serving(0, 9, 3);
        let bounds = |min, max| Shape { min: Some(min), max: Some(max), ..Shape::default() };
        model.done(update(bounds(5, 9)), 60_000);
        assert_eq!(group(&mut model, 60_000).desired, 5);
        model.done(update(bounds(0, 2)), 60_000);
        assert_eq!(group(&mut model, 120_000).tally.counted(), 2);
        let both = Shape { desired: Some(7), ..bounds(0, 4) };
        assert_eq!(model.refused(update(both), 120_000).0, "ValidationError");
        let group = group(&mut model, 120_000);
        assert_eq!((group.min, group.max, group.desired), (0, 2, 2), "nothing of it holds");
    }

    #[test]
    fn a_group_with_instances_goes_only_by_force_and_then_with_the_last_of_them() {
        let mut model = serving(0, 3, 3);
        assert_eq!(model.refused(delete(false), 60_000).0, "ResourceInUse");
        model.done(delete(true), 60_000);
        assert!(group(&mut model, 60_000).deleting);
        assert!(model.refused(set_desired(1), 60_000).1.contains("pending delete"));
        let ledger = model.ledger(70_000);
        assert!(ledger.groups.is_empty(), "{:?}", ledger.groups);
        assert!(ledger.instances.iter().all(|i| i.terminated_ms.is_some()));
        let all = activities(&mut model, 70_000);
        assert!(all.iter().all(|a| a.group_deleted));
        model.done(Call::CreateAutoScalingGroup(Box::new(create(0, 1, 0))), 70_000);
        model.done(delete(false), 70_000);
    }

    #[test]
    fn deletion_protection_holds() {
        let mut model = model(|_| {});
        let mut call = create(0, 1, 0);
        call.shape.deletion_protection = Some("prevent-force-deletion".into());
        model.done(Call::CreateAutoScalingGroup(Box::new(call)), 0);
        assert_eq!(model.refused(delete(true), 0).0, "ResourceInUse");
        model.done(delete(false), 0);
    }

    #[test]
    fn a_launch_configuration_will_do() {
        let mut call = create(0, 3, 2);
        call.shape.source = Some(Source::Configuration("old".into()));
        let mut model = with_group(call);
        assert_eq!(in_service(&mut model, 60_000).len(), 2);
    }
}
