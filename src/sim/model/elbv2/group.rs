//! Target groups.

use std::collections::BTreeMap;

use super::super::arn::arn;
use super::Elbv2;
use super::call::{Action, Answer, Check, CheckChange, CreateTargetGroup, Describe, GroupView};
use super::error::{ApiError, Code};
use super::paging::{check_name, found};
use super::target::Target;

/// How long a target drains after it is deregistered, seconds.
pub(super) const DELAY: &str = "deregistration_delay.timeout_seconds";

/// One target group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) arn: String,
    pub(super) created: CreateTargetGroup,
    pub(super) attributes: BTreeMap<String, String>,
    /// By instance id or address, and port.
    pub(super) targets: BTreeMap<(String, u16), Target>,
}

impl Group {
    /// How long a target drains, milliseconds.
    pub(super) fn delay_ms(&self) -> i64 {
        let seconds: i64 = self.attributes.get(DELAY).and_then(|text| text.parse().ok()).unwrap_or(300);
        seconds * 1_000
    }
}

impl Elbv2 {
    /// `CreateTargetGroup`. The same call again is answered with the same group.
    pub(super) fn create_group(&mut self, call: &CreateTargetGroup) -> Result<Answer, ApiError> {
        check_name(&call.name)?;
        check(&call.check)?;
        if let Some(known) = self.groups.iter().find(|g| g.created.name == call.name) {
            if known.created != *call {
                let message = "A target group with the same name exists, but with different settings";
                return Err(ApiError::new(Code::DuplicateTargetGroupName, message));
            }
            return Ok(self.one(Action::CreateTargetGroup, known));
        }
        let resource = format!("targetgroup/{}/{}", call.name, self.name());
        let group = Group {
            arn: arn("elasticloadbalancing", &self.settings.region, &resource),
            created: call.clone(),
            attributes: BTreeMap::from([(DELAY.into(), "300".into())]),
            targets: BTreeMap::new(),
        };
        let answer = self.one(Action::CreateTargetGroup, &group);
        self.groups.push(group);
        Ok(answer)
    }

    pub(super) fn describe_groups(
        &self,
        balancer: Option<&str>,
        call: &Describe,
    ) -> Result<Answer, ApiError> {
        if let Some(arn) = balancer {
            self.balancer(arn)?;
        }
        let of_balancer = |g: &&Group| balancer.is_none_or(|arn| self.balancers_of(&g.arn).any(|b| b == arn));
        let (groups, next_marker) = found(
            self.groups.iter().filter(of_balancer),
            call,
            |g: &Group| (g.arn.as_str(), g.created.name.as_str()),
            ApiError::unknown_group,
        )?;
        let groups = groups.into_iter().map(|g| self.group_view(g)).collect();
        Ok(Answer::TargetGroups { of: Action::DescribeTargetGroups, groups, next_marker })
    }

    pub(super) fn modify_group(&mut self, arn: &str, change: &CheckChange) -> Result<Answer, ApiError> {
        let group = self.group_mut(arn)?;
        let new = group.created.check.clone().with(change);
        check(&new)?;
        group.created.check = new;
        let group = self.group(arn)?;
        Ok(self.one(Action::ModifyTargetGroup, group))
    }

    pub(super) fn modify_attributes(
        &mut self,
        arn: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Answer, ApiError> {
        let group = self.group_mut(arn)?;
        if let Some(delay) = attributes.get(DELAY) {
            let fits = delay.parse::<u32>().is_ok_and(|seconds| seconds <= 3_600);
            if !fits {
                return Err(ApiError::invalid(format!("'{DELAY}' must be from 0 to 3600, not '{delay}'")));
            }
        }
        group.attributes.extend(attributes.clone());
        let attributes = group.attributes.clone();
        Ok(Answer::Attributes { of: Action::ModifyTargetGroupAttributes, attributes })
    }

    pub(super) fn describe_attributes(&self, arn: &str) -> Result<Answer, ApiError> {
        let attributes = self.group(arn)?.attributes.clone();
        Ok(Answer::Attributes { of: Action::DescribeTargetGroupAttributes, attributes })
    }

    /// `DeleteTargetGroup`. One that is not there is gone already.
    pub(super) fn delete_group(&mut self, arn: &str) -> Result<Answer, ApiError> {
        if self.balancers_of(arn).next().is_some() {
            let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
            return Err(ApiError::new(Code::ResourceInUse, message));
        }
        self.groups.retain(|g| g.arn != arn);
        Ok(Answer::Done(Action::DeleteTargetGroup))
    }

    pub(super) fn group(&self, arn: &str) -> Result<&Group, ApiError> {
        self.groups.iter().find(|g| g.arn == arn).ok_or_else(ApiError::unknown_group)
    }

    pub(super) fn group_mut(&mut self, arn: &str) -> Result<&mut Group, ApiError> {
        self.groups.iter_mut().find(|g| g.arn == arn).ok_or_else(ApiError::unknown_group)
    }

    fn one(&self, of: Action, group: &Group) -> Answer {
        Answer::TargetGroups { of, groups: vec![self.group_view(group)], next_marker: None }
    }

    fn group_view(&self, group: &Group) -> GroupView {
        let mut balancers: Vec<String> = self.balancers_of(&group.arn).map(str::to_string).collect();
        balancers.dedup();
        GroupView { arn: group.arn.clone(), created: group.created.clone(), balancers }
    }
}

/// The ranges of the API's own model.
fn check(check: &Check) -> Result<(), ApiError> {
    for (name, value, range) in [
        ("Health check interval", check.interval_s, 5..=300),
        ("Health check timeout", check.timeout_s, 2..=120),
        ("Healthy threshold count", check.healthy, 2..=10),
        ("Unhealthy threshold count", check.unhealthy, 2..=10),
    ] {
        if !range.contains(&value) {
            return Err(ApiError::invalid(format!(
                "{name} '{value}' must be from {} to {}",
                range.start(),
                range.end()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Kind, Protocol};
    use super::super::testing::*;
    use super::*;

    fn found_groups(model: &mut super::super::super::Model, balancer: Option<String>) -> Vec<GroupView> {
        let call = Call::DescribeTargetGroups { balancer, describe: Describe::default() };
        let answer = ask(model, call, 0).unwrap();
        let Answer::TargetGroups { groups, .. } = answer else { panic!("{answer:?}") };
        groups
    }

    #[test]
    fn a_group_is_created_once_and_in_use_while_a_listener_forwards_to_it() {
        let mut model = model(|_| {});
        let (web, other) =
            (create_group(&mut model, "web", Protocol::Http), create_group(&mut model, "b", Protocol::Http));
        assert_eq!(create_group(&mut model, "web", Protocol::Http), web);
        let different = CreateTargetGroup { port: 81, ..group("web", Protocol::Http) };
        assert_eq!(ask(&mut model, Call::CreateTargetGroup(different), 0), Err("DuplicateTargetGroupName"));
        let alb = create_balancer(&mut model, "alb", Kind::Application, 0);
        listen(&mut model, &alb, Protocol::Http, &web).unwrap();
        assert_eq!(found_groups(&mut model, None).len(), 2);
        let of_alb = found_groups(&mut model, Some(alb.clone()));
        assert_eq!(
            (of_alb.len(), of_alb[0].arn.as_str(), &of_alb[0].balancers),
            (1, web.as_str(), &vec![alb.clone()])
        );
        let delete = |arn: &str| Call::DeleteTargetGroup { arn: arn.into() };
        assert_eq!(ask(&mut model, delete(&web), 0), Err("ResourceInUse"));
        assert!(ask(&mut model, delete(&other), 0).is_ok());
        ask(&mut model, Call::DeleteLoadBalancer { arn: alb }, 0).unwrap();
        assert!(ask(&mut model, delete(&web), 0).is_ok());
        assert!(found_groups(&mut model, None).is_empty());
    }

    #[test]
    fn checks_and_attributes_are_changed_within_their_ranges() {
        let mut model = model(|_| {});
        let arn = create_group(&mut model, "web", Protocol::Http);
        let modify = |change| Call::ModifyTargetGroup { arn: arn.clone(), check: change };
        let faster = CheckChange { interval_s: Some(5), ..CheckChange::default() };
        assert!(ask(&mut model, modify(faster), 0).is_ok());
        let check = found_groups(&mut model, None)[0].created.check.clone();
        assert_eq!((check.interval_s, check.healthy), (5, 3));
        let wrong = CheckChange { healthy: Some(11), ..CheckChange::default() };
        assert_eq!(ask(&mut model, modify(wrong), 0), Err("ValidationError"));
        let set = |value: &str| Call::ModifyTargetGroupAttributes {
            arn: arn.clone(),
            attributes: BTreeMap::from([(DELAY.into(), value.into())]),
        };
        assert!(ask(&mut model, set("30"), 0).is_ok());
        assert_eq!(ask(&mut model, set("3601"), 0), Err("ValidationError"));
        let read = ask(&mut model, Call::DescribeTargetGroupAttributes { arn: arn.clone() }, 0).unwrap();
        let Answer::Attributes { attributes, .. } = read else { panic!("{read:?}") };
        assert_eq!(attributes[DELAY], "30");
    }
}
