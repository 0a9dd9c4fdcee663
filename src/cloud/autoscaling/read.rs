//! Auto Scaling's words into ours. What has no name or number that we can keep spoils the answer: a
//! group or an instance must not be lost because its neighbours could be read.

use std::time::Duration;

use aws_sdk_autoscaling::types::{
    AutoScalingGroup, AutoScalingInstanceDetails, Instance, InstanceMaintenancePolicy, InstanceReusePolicy,
    LaunchTemplateSpecification, LifecycleHook, LifecycleState as SdkState, SuspendedProcess,
    WarmPoolConfiguration,
};

use super::{
    GroupSeen, Hook, LifecycleState, Member, PoolState, Source, Suspended, TemplateVersion, WarmPool,
};

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

fn state(text: Option<&str>) -> LifecycleState {
    text.and_then(|t| t.parse().ok()).unwrap_or(LifecycleState::Unlisted)
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
