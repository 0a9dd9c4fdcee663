//! From the query protocol's parameters to Auto Scaling's calls.

use std::fmt::Display;
use std::str::FromStr;

use super::super::super::model::autoscaling::call::{
    Action, ActionName, Call, DescribeActivities, DescribeGroups, Filter, LaunchInstances, Members,
    PageRequest, PutWarmPool, TerminateInstances,
};
use super::super::super::model::autoscaling::error::{ApiError, Code};
use super::super::form::{Form, FormError, Node};
use super::super::query::{self, NoAction};
use super::{VERSION, shape};

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(form: &Form) -> Call {
    match query::action::<Action>(form, VERSION) {
        Ok(action) => {
            read(action, form.root()).unwrap_or_else(|error| Call::Unreadable { action: Some(action), error })
        }
        Err(error) => {
            let code = match error {
                NoAction::Missing => Code::MissingAction,
                NoAction::Unknown { .. } => Code::InvalidAction,
            };
            Call::Unreadable { action: None, error: ApiError::new(code, error.to_string()) }
        }
    }
}

fn read(action: Action, root: &Node) -> Result<Call, ApiError> {
    Ok(match action {
        Action::CreateAutoScalingGroup => Call::CreateAutoScalingGroup(Box::new(shape::create(root)?)),
        Action::UpdateAutoScalingGroup => {
            Call::UpdateAutoScalingGroup { group: group(root)?, shape: Box::new(shape::shape(root)?) }
        }
        Action::DeleteAutoScalingGroup => {
            Call::DeleteAutoScalingGroup { group: group(root)?, force: is(root, "ForceDelete")? }
        }
        Action::DescribeAutoScalingGroups => Call::DescribeAutoScalingGroups(DescribeGroups {
            groups: root.member_texts("AutoScalingGroupNames"),
            filters: filters(root)?,
            without_instances: flag(root, "IncludeInstances")? == Some(false),
            page: page(root)?,
        }),
        Action::DescribeAutoScalingInstances => {
            Call::DescribeAutoScalingInstances { ids: root.member_texts("InstanceIds"), page: page(root)? }
        }
        Action::SetDesiredCapacity => Call::SetDesiredCapacity {
            group: group(root)?,
            desired: required(number(root, "DesiredCapacity")?, "DesiredCapacity")?,
            honor_cooldown: is(root, "HonorCooldown")?,
        },
        Action::LaunchInstances => Call::LaunchInstances(launch(root)?),
        Action::AttachInstances => Call::AttachInstances(members(root)?),
        Action::DetachInstances => {
            Call::DetachInstances { members: members(root)?, decrement: decrement(root)? }
        }
        Action::EnterStandby => Call::EnterStandby { members: members(root)?, decrement: decrement(root)? },
        Action::ExitStandby => Call::ExitStandby(members(root)?),
        Action::TerminateInstanceInAutoScalingGroup => {
            Call::TerminateInstanceInAutoScalingGroup(terminate(root)?)
        }
        Action::SetInstanceProtection => Call::SetInstanceProtection {
            members: members(root)?,
            protected: required(flag(root, "ProtectedFromScaleIn")?, "ProtectedFromScaleIn")?,
        },
        Action::SetInstanceHealth => Call::SetInstanceHealth {
            id: required(text(root, "InstanceId"), "InstanceId")?,
            status: one_of(&required(text(root, "HealthStatus"), "HealthStatus")?, "HealthStatus")?,
            respect_grace_period: flag(root, "ShouldRespectGracePeriod")?.unwrap_or(true),
        },
        Action::SuspendProcesses => {
            Call::SuspendProcesses { group: group(root)?, processes: words(root, "ScalingProcesses")? }
        }
        Action::ResumeProcesses => {
            Call::ResumeProcesses { group: group(root)?, processes: words(root, "ScalingProcesses")? }
        }
        Action::DescribeScalingActivities => Call::DescribeScalingActivities(DescribeActivities {
            ids: root.member_texts("ActivityIds"),
            group: text(root, "AutoScalingGroupName"),
            include_deleted: is(root, "IncludeDeletedGroups")?,
            page: page(root)?,
        }),
        Action::PutLifecycleHook => Call::PutLifecycleHook { group: group(root)?, hook: shape::hook(root)? },
        Action::DeleteLifecycleHook => {
            Call::DeleteLifecycleHook { group: group(root)?, hook: hook_name(root)? }
        }
        Action::DescribeLifecycleHooks => {
            let hooks = root.member_texts("LifecycleHookNames");
            Call::DescribeLifecycleHooks { group: group(root)?, hooks }
        }
        Action::DescribeLifecycleHookTypes => Call::DescribeLifecycleHookTypes,
        Action::RecordLifecycleActionHeartbeat => Call::RecordLifecycleActionHeartbeat(waiting(root)?),
        Action::CompleteLifecycleAction => {
            let result = required(text(root, "LifecycleActionResult"), "LifecycleActionResult")?;
            let result = one_of(&result, "LifecycleActionResult")?;
            Call::CompleteLifecycleAction { action: waiting(root)?, result }
        }
        Action::PutWarmPool => Call::PutWarmPool { group: group(root)?, pool: warm_pool(root)? },
        Action::DescribeWarmPool => Call::DescribeWarmPool { group: group(root)?, page: page(root)? },
        Action::DeleteWarmPool => {
            Call::DeleteWarmPool { group: group(root)?, force: is(root, "ForceDelete")? }
        }
        Action::AttachLoadBalancerTargetGroups => Call::AttachLoadBalancerTargetGroups {
            group: group(root)?,
            arns: root.member_texts("TargetGroupARNs"),
        },
        Action::DetachLoadBalancerTargetGroups => Call::DetachLoadBalancerTargetGroups {
            group: group(root)?,
            arns: root.member_texts("TargetGroupARNs"),
        },
        Action::DescribeLoadBalancerTargetGroups => {
            Call::DescribeLoadBalancerTargetGroups { group: group(root)?, page: page(root)? }
        }
        Action::CreateOrUpdateTags => Call::CreateOrUpdateTags(shape::tags(root)?),
        Action::DeleteTags => Call::DeleteTags(shape::tags(root)?),
        Action::DescribeTags => Call::DescribeTags { filters: filters(root)?, page: page(root)? },
        Action::DescribeAccountLimits => Call::DescribeAccountLimits,
        Action::DescribeAdjustmentTypes => Call::DescribeAdjustmentTypes,
        Action::DescribeScalingProcessTypes => Call::DescribeScalingProcessTypes,
        Action::DescribeTerminationPolicyTypes => Call::DescribeTerminationPolicyTypes,
    })
}

fn hook_name(root: &Node) -> Result<String, ApiError> {
    required(text(root, "LifecycleHookName"), "LifecycleHookName")
}

/// Which lifecycle action is meant.
fn waiting(root: &Node) -> Result<ActionName, ApiError> {
    Ok(ActionName {
        group: group(root)?,
        hook: hook_name(root)?,
        token: text(root, "LifecycleActionToken"),
        instance: text(root, "InstanceId"),
    })
}

fn launch(root: &Node) -> Result<LaunchInstances, ApiError> {
    Ok(LaunchInstances {
        group: group(root)?,
        count: required(number(root, "RequestedCapacity")?, "RequestedCapacity")?,
        token: required(text(root, "ClientToken"), "ClientToken")?,
        zones: root.member_texts("AvailabilityZones"),
        subnets: root.member_texts("SubnetIds"),
        retries: match root.text("RetryStrategy") {
            None | Some("none") => false,
            Some("retry-with-group-configuration") => true,
            Some(other) => {
                return Err(ApiError::constraint(
                    other,
                    "RetryStrategy",
                    "Member must satisfy enum value set: [none, retry-with-group-configuration]",
                ));
            }
        },
    })
}

/// One id by itself, or several with their group.
fn terminate(root: &Node) -> Result<TerminateInstances, ApiError> {
    let group = text(root, "AutoScalingGroupName");
    let (one, several) = (text(root, "InstanceId"), root.member_texts("InstanceIds"));
    let decrement = decrement(root)?;
    match (one, several.is_empty()) {
        (Some(id), true) => Ok(TerminateInstances { group, ids: vec![id], single: true, decrement }),
        (None, false) if group.is_some() => {
            Ok(TerminateInstances { group, ids: several, single: false, decrement })
        }
        (None, false) => Err(ApiError::missing("AutoScalingGroupName")),
        (None, true) => Err(ApiError::missing("InstanceId")),
        (Some(_), false) => Err(ApiError::invalid("Specify either InstanceId or InstanceIds, not both.")),
    }
}

fn warm_pool(root: &Node) -> Result<PutWarmPool, ApiError> {
    let state = root.text("PoolState").map(|word| one_of(word, "PoolState")).transpose()?;
    Ok(PutWarmPool {
        max_prepared: number(root, "MaxGroupPreparedCapacity")?,
        min: number(root, "MinSize")?,
        state,
        reuse_on_scale_in: flag(root.under("InstanceReusePolicy"), "ReuseOnScaleIn")?,
    })
}

fn members(root: &Node) -> Result<Members, ApiError> {
    Ok(Members { group: group(root)?, ids: root.member_texts("InstanceIds") })
}

fn decrement(root: &Node) -> Result<bool, ApiError> {
    let name = "ShouldDecrementDesiredCapacity";
    required(flag(root, name)?, name)
}

pub(super) fn group(root: &Node) -> Result<String, ApiError> {
    required(text(root, "AutoScalingGroupName"), "AutoScalingGroupName")
}

fn page(root: &Node) -> Result<PageRequest, ApiError> {
    Ok(PageRequest { max_records: number(root, "MaxRecords")?, next_token: text(root, "NextToken") })
}

fn filters(root: &Node) -> Result<Vec<Filter>, ApiError> {
    let filter = |node: &Node| {
        Ok(Filter {
            name: required(text(node, "Name"), "Filters.Name")?,
            values: node.member_texts("Values"),
        })
    };
    root.members("Filters").into_iter().map(filter).collect()
}

fn words<T: FromStr>(root: &Node, name: &str) -> Result<Vec<T>, ApiError>
where
    T::Err: Display,
{
    root.member_texts(name).iter().map(|word| one_of(word, name)).collect()
}

/// A word out of a fixed set.
pub(super) fn one_of<T: FromStr>(word: &str, parameter: &str) -> Result<T, ApiError>
where
    T::Err: Display,
{
    word.parse().map_err(|why: T::Err| {
        ApiError::constraint(word, parameter, &format!("Member must satisfy enum value set: {why}"))
    })
}

pub(super) fn text(node: &Node, name: &str) -> Option<String> {
    node.text(name).map(str::to_string)
}

pub(super) fn number(node: &Node, name: &str) -> Result<Option<i64>, ApiError> {
    Ok(node.number(name)?)
}

/// None if it is not given.
pub(super) fn flag(node: &Node, name: &str) -> Result<Option<bool>, ApiError> {
    Ok(if node.has(name) { Some(node.flag(name)?) } else { None })
}

fn is(node: &Node, name: &str) -> Result<bool, ApiError> {
    Ok(flag(node, name)?.unwrap_or(false))
}

fn required<T>(value: Option<T>, name: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::missing(name))
}

/// As Auto Scaling says what it cannot read.
impl From<FormError> for ApiError {
    fn from(error: FormError) -> ApiError {
        match error {
            FormError::Malformed(message) => ApiError::new(Code::MalformedQueryString, message),
            FormError::Value { .. } => ApiError::invalid(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::autoscaling::call::Source;
    use super::super::super::super::model::autoscaling::words::{HookResult, Process, Transition};
    use super::*;

    fn of(text: &str) -> Call {
        call(&Form::parse(text.as_bytes()).unwrap())
    }

    fn refused(text: &str) -> (Option<Action>, &'static str, String) {
        let Call::Unreadable { action, error } = of(text) else { panic!("{text} was read") };
        (action, error.code.as_str(), error.message)
    }

    #[test]
    fn a_group_is_read_whole() {
        let text = "Action=CreateAutoScalingGroup&Version=2011-01-01&AutoScalingGroupName=web&MinSize=1&MaxSize=9\
            &MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName=lt\
            &MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.InstanceType=m5.large\
            &MixedInstancesPolicy.LaunchTemplate.Overrides.member.2.InstanceType=m6i.large\
            &VPCZoneIdentifier=subnet-1%2C+subnet-2&NewInstancesProtectedFromScaleIn=true\
            &InstanceLifecyclePolicy.RetentionTriggers.TerminateHookAbandon=retain\
            &LifecycleHookSpecificationList.member.1.LifecycleHookName=up\
            &LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling%3AEC2_INSTANCE_LAUNCHING\
            &LifecycleHookSpecificationList.member.1.DefaultResult=CONTINUE\
            &Tags.member.1.Key=team&Tags.member.1.Value=web&Tags.member.1.PropagateAtLaunch=true";
        let Call::CreateAutoScalingGroup(group) = of(text) else { panic!("not read") };
        let shape = &group.shape;
        assert_eq!((shape.min, shape.max, shape.desired), (Some(1), Some(9), None));
        assert_eq!(shape.subnets, ["subnet-1", "subnet-2"]);
        assert_eq!(shape.instance_types, ["m5.large", "m6i.large"]);
        assert!(matches!(&shape.source, Some(Source::Template { name: Some(n), .. }) if n == "lt"));
        assert_eq!((shape.protects_new, shape.retains), (Some(true), Some(true)));
        assert_eq!(group.hooks[0].transition, Some(Transition::Launching));
        assert_eq!(group.hooks[0].default_result, Some(HookResult::Continue));
        assert!(group.tags[0].propagates);
    }

    #[test]
    fn both_forms_of_a_termination_are_told_apart() {
        let base = "Action=TerminateInstanceInAutoScalingGroup&ShouldDecrementDesiredCapacity=false";
        let read = |more: &str| {
            let call = of(&format!("{base}&{more}"));
            if let Call::TerminateInstanceInAutoScalingGroup(call) = call {
                return Some((call.single, call.ids.len()));
            }
            None
        };
        assert_eq!(read("InstanceId=i-1"), Some((true, 1)));
        assert_eq!(
            read("AutoScalingGroupName=g&InstanceIds.member.1=i-1&InstanceIds.member.2=i-2"),
            Some((false, 2))
        );
        for more in
            ["", "InstanceIds.member.1=i-1", "AutoScalingGroupName=g&InstanceId=i-1&InstanceIds.member.1=i-2"]
        {
            assert_eq!(read(more), None, "{more}");
        }
    }

    #[test]
    fn processes_are_words_and_none_is_all() {
        let of = |more: &str| of(&format!("Action=SuspendProcesses&AutoScalingGroupName=g{more}"));
        let Call::SuspendProcesses { processes, .. } = of("&ScalingProcesses.member.1=AZRebalance") else {
            panic!("not read")
        };
        assert_eq!(processes, [Process::AzRebalance]);
        assert!(matches!(of(""), Call::SuspendProcesses { processes, .. } if processes.is_empty()));
        assert!(matches!(of("&ScalingProcesses.member.1=Nap"), Call::Unreadable { .. }));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (text, action, code, says) in [
            ("", None, "MissingAction", "missing an action"),
            ("Action=Fly", None, "InvalidAction", "Could not find operation Fly for version 2011-01-01"),
            (
                "Action=SetDesiredCapacity",
                Some(Action::SetDesiredCapacity),
                "ValidationError",
                "'autoScalingGroupName'",
            ),
            (
                "Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=x",
                Some(Action::SetDesiredCapacity),
                "ValidationError",
                "'x'",
            ),
            (
                "Action=LaunchInstances&AutoScalingGroupName=g&RequestedCapacity=1",
                Some(Action::LaunchInstances),
                "ValidationError",
                "'clientToken'",
            ),
            (
                "Action=CompleteLifecycleAction&AutoScalingGroupName=g&LifecycleHookName=h&LifecycleActionResult=MAYBE",
                Some(Action::CompleteLifecycleAction),
                "ValidationError",
                "Value 'MAYBE' at 'lifecycleActionResult'",
            ),
        ] {
            let (a, c, message) = refused(text);
            assert_eq!((a, c), (action, code), "{text}");
            assert!(message.contains(says), "{message}");
        }
    }
}
