//! Auto Scaling's words into ours. What has no name or number that we can keep spoils the answer: a
//! group or an instance must not be lost because its neighbours could be read.

use std::time::Duration;

use aws_sdk_autoscaling::types::{
    AutoScalingGroup, AutoScalingInstanceDetails, Instance, InstanceMaintenancePolicy, InstanceReusePolicy,
    LaunchTemplateSpecification, LifecycleHook, LifecycleState as SdkState, SuspendedProcess,
    WarmPoolConfiguration,
};

use super::{GroupSeen, Hook, Lifecycle, Member, PoolState, Source, Suspended, TemplateVersion, WarmPool};

pub(super) fn group(g: &AutoScalingGroup) -> Result<GroupSeen, String> {
    let name = g.auto_scaling_group_name().ok_or("a group in the answer has no name")?;
    let subnets = g.vpc_zone_identifier().unwrap_or_default().split(',').map(str::trim);
    let maintenance =
        g.instance_maintenance_policy().and_then(InstanceMaintenancePolicy::max_healthy_percentage);
    Ok(GroupSeen {
        name: name.to_owned(),
        arn: g.auto_scaling_group_arn().unwrap_or_default().to_owned(),
        min: number(g.min_size(), "MinSize")?,
        max: number(g.max_size(), "MaxSize")?,
        desired: number(g.desired_capacity(), "DesiredCapacity")?,
        zones: g.availability_zones().to_vec(),
        subnets: subnets.filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        source: source(g),
        suspended: g.suspended_processes().iter().filter_map(suspended).collect(),
        members: g.instances().iter().map(|i| member(name, i)).collect::<Result<_, _>>()?,
        protects_new: g.new_instances_protected_from_scale_in().unwrap_or(false),
        capacity_rebalance: g.capacity_rebalance().unwrap_or(false),
        // AWS writes -1 for "not set".
        max_healthy_percentage: maintenance.and_then(|p| u32::try_from(p).ok()),
        warm_pool: g.warm_pool_configuration().map(warm_pool).transpose()?,
        status: g.status().map(str::to_owned),
    })
}

fn source(g: &AutoScalingGroup) -> Option<Source> {
    let mixed = g.mixed_instances_policy().and_then(|p| p.launch_template());
    if let Some(mixed) = mixed.and_then(|t| t.launch_template_specification()) {
        return Some(Source::Mixed(template(mixed)));
    }
    let plain = g.launch_template().map(|t| Source::Template(template(t)));
    plain.or_else(|| g.launch_configuration_name().map(|c| Source::Configuration(c.to_owned())))
}

fn suspended(process: &SuspendedProcess) -> Option<Suspended> {
    let reason = process.suspension_reason().unwrap_or_default().to_owned();
    Some(Suspended { process: process.process_name()?.parse().ok()?, reason })
}

/// An instance of the group, as the group shows it.
pub(super) fn member(group: &str, i: &Instance) -> Result<Member, String> {
    Ok(Member {
        group: group.to_owned(),
        id: i.instance_id().ok_or("an instance in the answer has no id")?.parse()?,
        zone: i.availability_zone.clone(),
        instance_type: i.instance_type.clone(),
        state: state(i.lifecycle_state().map(SdkState::as_str)),
        healthy: healthy(i.health_status()),
        protected: i.protected_from_scale_in().unwrap_or(false),
        template: i.launch_template().map(template),
    })
}

/// An instance as it is shown when it is asked for itself.
pub(super) fn details(i: &AutoScalingInstanceDetails) -> Result<Member, String> {
    Ok(Member {
        group: i.auto_scaling_group_name().ok_or("an instance in the answer has no group")?.to_owned(),
        id: i.instance_id().ok_or("an instance in the answer has no id")?.parse()?,
        zone: i.availability_zone.clone(),
        instance_type: i.instance_type.clone(),
        state: state(i.lifecycle_state()),
        healthy: healthy(i.health_status()),
        protected: i.protected_from_scale_in().unwrap_or(false),
        template: i.launch_template().map(template),
    })
}

fn state(text: Option<&str>) -> Lifecycle {
    text.and_then(|t| t.parse().ok()).unwrap_or(Lifecycle::Other)
}

/// Groups write `Unhealthy`, instances asked for themselves `UNHEALTHY`. Nothing at all is no evidence.
fn healthy(status: Option<&str>) -> bool {
    !status.is_some_and(|s| s.eq_ignore_ascii_case("Unhealthy"))
}

fn template(t: &LaunchTemplateSpecification) -> TemplateVersion {
    TemplateVersion {
        id: t.launch_template_id.clone(),
        name: t.launch_template_name.clone(),
        version: t.version.clone(),
    }
}

pub(super) fn hook(h: &LifecycleHook) -> Result<Hook, String> {
    let seconds = |n, what| number(n, what).map(|s| Duration::from_secs(s.into()));
    Ok(Hook {
        name: h.lifecycle_hook_name().ok_or("a hook in the answer has no name")?.to_owned(),
        transition: h.lifecycle_transition().unwrap_or_default().parse()?,
        target: h.notification_target_arn.clone(),
        metadata: h.notification_metadata.clone(),
        heartbeat_timeout: seconds(h.heartbeat_timeout(), "HeartbeatTimeout")?,
        global_timeout: seconds(h.global_timeout(), "GlobalTimeout")?,
        default_result: h.default_result().unwrap_or_default().parse()?,
    })
}

pub(super) fn warm_pool(pool: &WarmPoolConfiguration) -> Result<WarmPool, String> {
    // AWS's default, and what it leaves out (aws-facts 3.8).
    let state = pool.pool_state().map_or("Stopped", |s| s.as_str());
    Ok(WarmPool {
        state: state.parse().unwrap_or(PoolState::Unlisted),
        min: number(pool.min_size().or(Some(0)), "MinSize")?,
        // -1 is how a limit is taken away.
        max_prepared: pool.max_group_prepared_capacity().and_then(|n| u32::try_from(n).ok()),
        reuse_on_scale_in: pool
            .instance_reuse_policy()
            .and_then(InstanceReusePolicy::reuse_on_scale_in)
            .unwrap_or(false),
        status: pool.status().map(|s| s.as_str().to_owned()),
    })
}

/// An empty token is none.
pub(super) fn next(token: Option<String>) -> Option<String> {
    token.filter(|t| !t.is_empty())
}

fn number(n: Option<i32>, what: &str) -> Result<u32, String> {
    let n = n.ok_or_else(|| format!("the answer has no {what}"))?;
    u32::try_from(n).map_err(|_| format!("the answer has a {what} of {n}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{
        InstanceMaintenancePolicy, LaunchTemplate, LifecycleState as SdkState, MixedInstancesPolicy,
    };

    use super::super::{HookResult, Process, Transition};
    use super::*;

    fn group_builder() -> aws_sdk_autoscaling::types::builders::AutoScalingGroupBuilder {
        AutoScalingGroup::builder().auto_scaling_group_name("web").min_size(1).max_size(9).desired_capacity(3)
    }

    fn spec(name: &str) -> LaunchTemplateSpecification {
        LaunchTemplateSpecification::builder().launch_template_name(name).version("7").build()
    }

    #[test]
    fn a_group_is_read_with_what_it_says() {
        let process =
            |name: &str| SuspendedProcess::builder().process_name(name).suspension_reason("why").build();
        let seen = group(
            &group_builder()
                .vpc_zone_identifier("subnet-a, subnet-b")
                .availability_zones("us-east-1a")
                .suspended_processes(process("AZRebalance"))
                .suspended_processes(process("Daydream"))
                .launch_template(spec("plain"))
                .capacity_rebalance(true)
                .instance_maintenance_policy(
                    InstanceMaintenancePolicy::builder().max_healthy_percentage(120).build(),
                )
                .status("Delete in progress")
                .build(),
        )
        .unwrap();
        assert_eq!(seen.subnets, ["subnet-a", "subnet-b"]);
        assert_eq!(seen.suspended, [Suspended { process: Process::AzRebalance, reason: "why".into() }]);
        assert_eq!((seen.capacity_rebalance, seen.max_healthy_percentage), (true, Some(120)));
        assert_eq!(seen.status.as_deref(), Some("Delete in progress"));
        assert!(matches!(seen.source, Some(Source::Template(t)) if t.name.as_deref() == Some("plain")));
    }

    #[test]
    fn a_policy_that_is_not_set_is_none() {
        let unset = InstanceMaintenancePolicy::builder().max_healthy_percentage(-1).build();
        let seen = group(&group_builder().instance_maintenance_policy(unset).build()).unwrap();
        assert_eq!((seen.max_healthy_percentage, seen.subnets.len(), seen.source), (None, 0, None));
    }

    #[test]
    fn where_a_group_launches_from_is_told_apart() {
        let mixed = LaunchTemplate::builder().launch_template_specification(spec("mixed")).build();
        let mixed = MixedInstancesPolicy::builder().launch_template(mixed).build();
        let of = |g: aws_sdk_autoscaling::types::builders::AutoScalingGroupBuilder| {
            group(&g.build()).unwrap().source
        };
        assert!(matches!(of(group_builder().mixed_instances_policy(mixed)), Some(Source::Mixed(_))));
        let old = of(group_builder().launch_configuration_name("old"));
        assert_eq!(old, Some(Source::Configuration("old".into())));
    }

    #[test]
    fn what_lacks_its_name_or_a_number_spoils_the_answer() {
        assert!(
            group(&AutoScalingGroup::builder().min_size(1).max_size(1).desired_capacity(1).build()).is_err()
        );
        let e = group(&group_builder().set_desired_capacity(None).build()).unwrap_err();
        assert_eq!(e, "the answer has no DesiredCapacity");
        let e = group(&group_builder().desired_capacity(-1).build()).unwrap_err();
        assert_eq!(e, "the answer has a DesiredCapacity of -1");
        let nameless = group_builder().instances(Instance::builder().build()).build();
        assert!(group(&nameless).is_err());
        assert!(details(&AutoScalingInstanceDetails::builder().instance_id("i-1").build()).is_err());
    }

    #[test]
    fn every_state_is_told_and_a_new_one_is_other() {
        for state in Lifecycle::ALL.iter().filter(|s| **s != Lifecycle::Other) {
            let i = Instance::builder().instance_id("i-1").lifecycle_state(SdkState::from(state.as_str()));
            assert_eq!(member("web", &i.build()).unwrap().state, *state);
        }
        // All that the SDK knows are in the list.
        for text in SdkState::values() {
            assert_ne!(state(Some(text)), Lifecycle::Other, "{text}");
        }
        assert_eq!(state(Some("Dreaming")), Lifecycle::Other);
        assert_eq!(state(None), Lifecycle::Other);
    }

    #[test]
    fn only_unhealthy_is_unhealthy() {
        for (text, is) in [("Healthy", true), ("HEALTHY", true), ("Unhealthy", false), ("UNHEALTHY", false)] {
            assert_eq!(healthy(Some(text)), is, "{text}");
        }
        assert!(healthy(None));
    }

    #[test]
    fn a_hook_is_read_whole_or_not_at_all() {
        let whole = LifecycleHook::builder()
            .lifecycle_hook_name("hook")
            .lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING")
            .heartbeat_timeout(120)
            .global_timeout(12_000)
            .default_result("ABANDON");
        let seen = hook(&whole.clone().build()).unwrap();
        assert_eq!((seen.transition, seen.default_result), (Transition::Launching, HookResult::Abandon));
        assert_eq!(seen.heartbeat_timeout, Duration::from_secs(120));
        assert!(hook(&whole.clone().default_result("PERHAPS").build()).is_err());
        assert!(hook(&whole.set_heartbeat_timeout(None).build()).is_err());
    }
}
