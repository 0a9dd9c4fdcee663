//! From the model's answers to the XML of the query protocol, as the SDKs parse it.

use std::io;

use super::super::super::model::autoscaling::call::{Action, Answer, Source};
use super::super::super::model::autoscaling::view::{
    ActivityView, GroupView, HookView, InstanceView, LaunchError, Launched, TagView, WarmPoolView,
};
use super::super::super::model::autoscaling::words::{Process, TerminationPolicy, Transition};
use super::super::query;
use super::super::xml::{Xml, time_exact};
use super::NAMESPACE;

/// Launch configurations of one region (aws-facts 3.1). The model has none of them.
const CONFIGURATIONS_MAX: u32 = 200;
const ADJUSTMENT_TYPES: [&str; 3] = ["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"];

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
    let action = action(answer);
    let result = has_result(action).then_some(|x: &mut Xml| result(x, answer));
    query::answer(NAMESPACE, action.as_str(), request_id, result)
}

fn action(answer: &Answer) -> Action {
    match answer {
        Answer::Done(action) | Answer::Activities { action, .. } => *action,
        Answer::Groups { .. } => Action::DescribeAutoScalingGroups,
        Answer::Instances { .. } => Action::DescribeAutoScalingInstances,
        Answer::Launched { .. } => Action::LaunchInstances,
        Answer::Activity(_) => Action::TerminateInstanceInAutoScalingGroup,
        Answer::Hooks(_) => Action::DescribeLifecycleHooks,
        Answer::WarmPool { .. } => Action::DescribeWarmPool,
        Answer::TargetGroups { .. } => Action::DescribeLoadBalancerTargetGroups,
        Answer::Tags { .. } => Action::DescribeTags,
        Answer::Limits { .. } => Action::DescribeAccountLimits,
        Answer::HookTypes => Action::DescribeLifecycleHookTypes,
        Answer::AdjustmentTypes => Action::DescribeAdjustmentTypes,
        Answer::ProcessTypes => Action::DescribeScalingProcessTypes,
        Answer::TerminationPolicyTypes => Action::DescribeTerminationPolicyTypes,
    }
}

/// Some actions have no result element, others an empty one (botocore's model).
fn has_result(action: Action) -> bool {
    !matches!(
        action,
        Action::AttachInstances
            | Action::CreateAutoScalingGroup
            | Action::CreateOrUpdateTags
            | Action::DeleteAutoScalingGroup
            | Action::DeleteTags
            | Action::ResumeProcesses
            | Action::SetDesiredCapacity
            | Action::SetInstanceHealth
            | Action::SuspendProcesses
            | Action::UpdateAutoScalingGroup
    )
}

fn result(x: &mut Xml, answer: &Answer) -> io::Result<()> {
    match answer {
        Answer::Done(_) => Ok(()),
        Answer::Groups { groups, next_token } => {
            x.members("AutoScalingGroups", groups, group)?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Instances { instances, next_token } => {
            x.members("AutoScalingInstances", instances, |x, i| {
                x.text("AutoScalingGroupName", &i.group)?;
                instance(x, i)
            })?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Launched { launched: all, errors, token, group } => {
            x.text("ClientToken", token)?;
            x.text("AutoScalingGroupName", group)?;
            x.members("Instances", all, launched)?;
            x.members("Errors", errors, launch_error)
        }
        Answer::Activities { activities, next_token, .. } => {
            x.members("Activities", activities, activity)?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Activity(one) => x.element("Activity", |x| activity(x, one)),
        Answer::Hooks(hooks) => x.members("LifecycleHooks", hooks, hook),
        Answer::WarmPool { pool, instances, next_token } => {
            if let Some(pool) = pool {
                x.element("WarmPoolConfiguration", |x| warm_pool(x, pool))?;
            }
            x.members("Instances", instances, instance)?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::TargetGroups { targets, next_token } => {
            x.members("LoadBalancerTargetGroups", targets, |x, (arn, state)| {
                x.text("LoadBalancerTargetGroupARN", arn)?;
                x.text("State", state)
            })?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Tags { tags, next_token } => {
            x.members("Tags", tags, tag)?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Limits { groups_max, groups } => {
            number(x, "MaxNumberOfAutoScalingGroups", *groups_max)?;
            number(x, "MaxNumberOfLaunchConfigurations", CONFIGURATIONS_MAX)?;
            number(x, "NumberOfAutoScalingGroups", *groups)?;
            number(x, "NumberOfLaunchConfigurations", 0)
        }
        Answer::HookTypes => x.member_texts("LifecycleHookTypes", Transition::ALL.iter().map(|t| t.as_str())),
        Answer::AdjustmentTypes => {
            x.members("AdjustmentTypes", ADJUSTMENT_TYPES, |x, t| x.text("AdjustmentType", t))
        }
        Answer::ProcessTypes => {
            x.members("Processes", Process::ALL, |x, p| x.text("ProcessName", p.as_str()))
        }
        Answer::TerminationPolicyTypes => {
            x.member_texts("TerminationPolicyTypes", TerminationPolicy::ALL.iter().map(|p| p.as_str()))
        }
    }
}

fn group(x: &mut Xml, g: &GroupView) -> io::Result<()> {
    x.text("AutoScalingGroupName", &g.name)?;
    x.text("AutoScalingGroupARN", &g.arn)?;
    match &g.source {
        Some(template @ Source::Template { .. }) if !g.instance_types.is_empty() => mixed(x, template, g)?,
        other => source(x, "LaunchTemplate", other.as_ref())?,
    }
    number(x, "MinSize", g.min)?;
    number(x, "MaxSize", g.max)?;
    number(x, "DesiredCapacity", g.desired)?;
    number(x, "DefaultCooldown", g.default_cooldown)?;
    x.member_texts("AvailabilityZones", &g.zones)?;
    x.member_texts("LoadBalancerNames", [""; 0])?;
    x.member_texts("TargetGroupARNs", &g.target_groups)?;
    x.text("HealthCheckType", &g.health_check_type)?;
    number(x, "HealthCheckGracePeriod", g.health_check_grace_period)?;
    x.members("Instances", g.instances.iter().flatten(), instance)?;
    x.text("CreatedTime", &time_exact(g.created_ms))?;
    x.members("SuspendedProcesses", &g.suspended, |x, process| {
        x.text("ProcessName", process.as_str())?;
        x.text("SuspensionReason", "User suspended")
    })?;
    if !g.subnets.is_empty() {
        x.text("VPCZoneIdentifier", &g.subnets.join(","))?;
    }
    x.members("EnabledMetrics", [(); 0], |_, ()| Ok(()))?;
    if g.deleting {
        x.text("Status", "Delete in progress")?;
    }
    x.members("Tags", &g.tags, tag)?;
    x.member_texts("TerminationPolicies", g.termination_policies.iter().map(|p| p.as_str()))?;
    flag(x, "NewInstancesProtectedFromScaleIn", g.protects_new)?;
    if let Some(pool) = &g.warm_pool {
        x.element("WarmPoolConfiguration", |x| warm_pool(x, pool))?;
        number(x, "WarmPoolSize", g.warm_pool_size)?;
    }
    Ok(())
}

fn mixed(x: &mut Xml, template: &Source, g: &GroupView) -> io::Result<()> {
    x.element("MixedInstancesPolicy", |x| {
        x.element("LaunchTemplate", |x| {
            source(x, "LaunchTemplateSpecification", Some(template))?;
            x.members("Overrides", &g.instance_types, |x, kind| x.text("InstanceType", kind))
        })
    })
}

fn source(x: &mut Xml, element: &str, source: Option<&Source>) -> io::Result<()> {
    match source {
        None => Ok(()),
        Some(Source::Configuration(name)) => x.text("LaunchConfigurationName", name),
        Some(Source::Template { id, name, version }) => x.element(element, |x| {
            x.optional("LaunchTemplateId", id.as_deref())?;
            x.optional("LaunchTemplateName", name.as_deref())?;
            x.optional("Version", version.as_deref())
        }),
    }
}

fn instance(x: &mut Xml, i: &InstanceView) -> io::Result<()> {
    x.text("InstanceId", &i.id)?;
    x.text("InstanceType", &i.instance_type)?;
    x.text("AvailabilityZone", &i.zone)?;
    x.text("LifecycleState", i.state.as_str())?;
    x.text("HealthStatus", i.health.as_str())?;
    source(x, "LaunchTemplate", i.source.as_ref())?;
    flag(x, "ProtectedFromScaleIn", i.protected)
}

fn activity(x: &mut Xml, a: &ActivityView) -> io::Result<()> {
    x.text("ActivityId", &a.id)?;
    x.text("AutoScalingGroupName", &a.group)?;
    x.text("Description", &a.description)?;
    x.text("Cause", &a.cause)?;
    x.text("StartTime", &time_exact(a.start_ms))?;
    x.optional("EndTime", a.end_ms.map(time_exact).as_deref())?;
    x.text("StatusCode", a.status.as_str())?;
    x.optional("StatusMessage", a.message.as_deref())?;
    number(x, "Progress", a.status.progress().into())?;
    x.text("Details", &a.details)?;
    if a.group_deleted {
        x.text("AutoScalingGroupState", "Deleted")?;
    }
    x.text("AutoScalingGroupARN", &a.group_arn)
}

fn hook(x: &mut Xml, h: &HookView) -> io::Result<()> {
    x.text("LifecycleHookName", &h.name)?;
    x.text("AutoScalingGroupName", &h.group)?;
    x.text("LifecycleTransition", h.transition.as_str())?;
    x.optional("NotificationTargetARN", h.target.as_deref())?;
    x.optional("RoleARN", h.role.as_deref())?;
    x.optional("NotificationMetadata", h.metadata.as_deref())?;
    number(x, "HeartbeatTimeout", h.heartbeat_timeout)?;
    number(x, "GlobalTimeout", h.global_timeout)?;
    x.text("DefaultResult", h.default_result.as_str())
}

fn warm_pool(x: &mut Xml, pool: &WarmPoolView) -> io::Result<()> {
    x.optional("MaxGroupPreparedCapacity", pool.max_prepared.map(|n| n.to_string()).as_deref())?;
    number(x, "MinSize", pool.min)?;
    x.text("PoolState", pool.state.as_str())?;
    if pool.deleting {
        x.text("Status", "PendingDelete")?;
    }
    x.element("InstanceReusePolicy", |x| flag(x, "ReuseOnScaleIn", pool.reuse_on_scale_in))
}

fn tag(x: &mut Xml, t: &TagView) -> io::Result<()> {
    x.text("ResourceId", &t.group)?;
    x.text("ResourceType", "auto-scaling-group")?;
    x.text("Key", &t.key)?;
    x.text("Value", &t.value)?;
    flag(x, "PropagateAtLaunch", t.propagates)
}

fn launched(x: &mut Xml, l: &Launched) -> io::Result<()> {
    x.optional("InstanceType", l.instance_type.as_deref())?;
    x.text("MarketType", "on-demand")?;
    x.text("SubnetId", &l.subnet)?;
    x.text("AvailabilityZone", &l.zone)?;
    x.member_texts("InstanceIds", &l.ids)
}

fn launch_error(x: &mut Xml, e: &LaunchError) -> io::Result<()> {
    x.optional("InstanceType", e.instance_type.as_deref())?;
    x.text("MarketType", "on-demand")?;
    x.text("SubnetId", &e.subnet)?;
    x.text("AvailabilityZone", &e.zone)?;
    x.text("ErrorCode", e.code)?;
    x.text("ErrorMessage", &e.message)
}

fn number(x: &mut Xml, name: &str, value: u32) -> io::Result<()> {
    x.text(name, &value.to_string())
}

fn flag(x: &mut Xml, name: &str, value: bool) -> io::Result<()> {
    x.text(name, if value { "true" } else { "false" })
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::Model;
    use super::super::super::super::model::autoscaling::call::Call;
    use super::super::super::super::model::autoscaling::testing::{
        AskGroups, create, in_service, model, serving,
    };
    use super::super::super::super::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
    use super::super::super::form::Form;
    use super::super::request;
    use super::*;

    /// Asks as a client does, and gives the document it gets.
    fn ask(model: &mut Model, form: &str, now_ms: i64) -> String {
        let call = request::call(&Form::parse(form.as_bytes()).unwrap());
        let reply = model.handle(&AnyCall::AutoScaling(call), now_ms);
        let bytes = match &reply.outcome {
            Outcome::Answer(AnyAnswer::AutoScaling(a)) => answer(a, &reply.request_id),
            Outcome::Error(e) => query::error(NAMESPACE, e, &reply.request_id),
            Outcome::Answer(_) | Outcome::Lost => panic!("{reply:?}"),
        };
        String::from_utf8(bytes.unwrap()).unwrap().replace(&reply.request_id, "ID")
    }

    #[test]
    fn an_error_is_the_document_the_sdk_expects() {
        let out =
            ask(&mut model(|_| {}), "Action=SetDesiredCapacity&AutoScalingGroupName=x&DesiredCapacity=1", 0);
        assert_eq!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/\
             2011-01-01/\"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>AutoScalingGroup name not \
             found - AutoScalingGroup x not found</Message></Error><RequestId>ID</RequestId></ErrorResponse>"
        );
    }

    #[test]
    fn an_instance_is_written_as_auto_scaling_writes_it() {
        let mut model = serving(0, 3, 1);
        let id = in_service(&mut model, 60_000).remove(0);
        let out = ask(
            &mut model,
            &format!("Action=DescribeAutoScalingInstances&InstanceIds.member.1={id}"),
            60_000,
        );
        assert_eq!(
            out,
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><DescribeAutoScalingInstancesResponse xmlns=\"http://\
                 autoscaling.amazonaws.com/doc/2011-01-01/\"><DescribeAutoScalingInstancesResult>\
                 <AutoScalingInstances><member><AutoScalingGroupName>web</AutoScalingGroupName><InstanceId>{id}\
                 </InstanceId><InstanceType>m1.small</InstanceType><AvailabilityZone>us-east-1a</AvailabilityZone>\
                 <LifecycleState>InService</LifecycleState><HealthStatus>Healthy</HealthStatus><LaunchTemplate>\
                 <LaunchTemplateName>web</LaunchTemplateName></LaunchTemplate><ProtectedFromScaleIn>false\
                 </ProtectedFromScaleIn></member></AutoScalingInstances></DescribeAutoScalingInstancesResult>\
                 <ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata>\
                 </DescribeAutoScalingInstancesResponse>"
            )
        );
    }

    #[test]
    fn groups_and_activities_say_what_there_is() {
        let mut model = model(|_| {});
        model.done(Call::CreateAutoScalingGroup(Box::new(create(1, 3, 2))), 1_700_000_000_123);
        let out = ask(&mut model, "Action=DescribeAutoScalingGroups", 1_700_000_060_000);
        for part in [
            "<MinSize>1</MinSize><MaxSize>3</MaxSize><DesiredCapacity>2</DesiredCapacity>",
            "<AvailabilityZones><member>us-east-1a</member><member>us-east-1b</member>",
            "<CreatedTime>2023-11-14T22:13:20.123Z</CreatedTime>",
            "<VPCZoneIdentifier>subnet-0000000000000000a,subnet-0000000000000000b,",
            "<TerminationPolicies><member>Default</member></TerminationPolicies>",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
        let out =
            ask(&mut model, "Action=DescribeScalingActivities&AutoScalingGroupName=web", 1_700_000_060_000);
        assert!(out.contains("<StatusCode>Successful</StatusCode><Progress>100</Progress>"), "{out}");
    }

    #[test]
    fn what_answers_nothing_has_an_empty_result_or_none() {
        let mut model = serving(0, 3, 1);
        let out = ask(&mut model, "Action=SuspendProcesses&AutoScalingGroupName=web", 60_000);
        assert!(!out.contains("SuspendProcessesResult"), "{out}");
        let out = ask(&mut model, "Action=PutWarmPool&AutoScalingGroupName=web", 60_000);
        assert!(out.contains("<PutWarmPoolResult></PutWarmPoolResult>"), "{out}");
        let out = ask(&mut model, "Action=DescribeLifecycleHookTypes", 60_000);
        assert!(out.contains("<member>autoscaling:EC2_INSTANCE_LAUNCHING</member>"), "{out}");
    }
}
