//! What is said about a group, its hooks and its tags, from parameters.

use super::super::super::model::autoscaling::call::{CreateGroup, PutHook, Shape, Source, Tag};
use super::super::super::model::autoscaling::error::ApiError;
use super::super::form::Node;
use super::request::{flag, group, number, one_of, text};

pub(super) fn create(root: &Node) -> Result<CreateGroup, ApiError> {
    Ok(CreateGroup {
        group: group(root)?,
        shape: shape(root)?,
        target_groups: root.member_texts("TargetGroupARNs"),
        hooks: root
            .members("LifecycleHookSpecificationList")
            .into_iter()
            .map(hook)
            .collect::<Result<_, _>>()?,
        tags: tags(root)?,
    })
}

pub(super) fn shape(root: &Node) -> Result<Shape, ApiError> {
    let (source, instance_types) = source(root);
    let policies = root.member_texts("TerminationPolicies");
    let retention = root.under("InstanceLifecyclePolicy").under("RetentionTriggers");
    Ok(Shape {
        min: number(root, "MinSize")?,
        max: number(root, "MaxSize")?,
        desired: number(root, "DesiredCapacity")?,
        source,
        instance_types,
        zones: root.member_texts("AvailabilityZones"),
        subnets: subnets(root),
        default_cooldown: number(root, "DefaultCooldown")?,
        health_check_type: text(root, "HealthCheckType"),
        health_check_grace_period: number(root, "HealthCheckGracePeriod")?,
        protects_new: flag(root, "NewInstancesProtectedFromScaleIn")?,
        termination_policies: policies
            .iter()
            .map(|p| one_of(p, "TerminationPolicies"))
            .collect::<Result<_, _>>()?,
        deletion_protection: text(root, "DeletionProtection"),
        retains: retention.text("TerminateHookAbandon").map(|word| word == "retain"),
        max_instance_lifetime: number(root, "MaxInstanceLifetime")?,
    })
}

/// `VPCZoneIdentifier` is one text with commas.
fn subnets(root: &Node) -> Vec<String> {
    let ids = root.text("VPCZoneIdentifier").unwrap_or_default().split(',').map(str::trim);
    ids.filter(|id| !id.is_empty()).map(str::to_string).collect()
}

/// A launch template, that of a mixed instances policy with its types, or a launch configuration.
fn source(root: &Node) -> (Option<Source>, Vec<String>) {
    let mixed = root.under("MixedInstancesPolicy").under("LaunchTemplate");
    let overrides = mixed.members("Overrides");
    let types = overrides.into_iter().filter_map(|o| text(o, "InstanceType")).collect();
    let template = |node: &Node| Source::Template {
        id: text(node, "LaunchTemplateId"),
        name: text(node, "LaunchTemplateName"),
        version: text(node, "Version"),
    };
    if root.has("LaunchTemplate") {
        (Some(template(root.under("LaunchTemplate"))), Vec::new())
    } else if mixed.has("LaunchTemplateSpecification") {
        (Some(template(mixed.under("LaunchTemplateSpecification"))), types)
    } else {
        (text(root, "LaunchConfigurationName").map(Source::Configuration), Vec::new())
    }
}

pub(super) fn hook(node: &Node) -> Result<PutHook, ApiError> {
    let word = |name: &str| node.text(name).map(|value| (name.to_string(), value.to_string()));
    let transition = word("LifecycleTransition").map(|(name, value)| one_of(&value, &name)).transpose()?;
    let default_result = word("DefaultResult").map(|(name, value)| one_of(&value, &name)).transpose()?;
    Ok(PutHook {
        name: text(node, "LifecycleHookName").ok_or_else(|| ApiError::missing("LifecycleHookName"))?,
        transition,
        target: text(node, "NotificationTargetARN"),
        role: text(node, "RoleARN"),
        metadata: text(node, "NotificationMetadata"),
        heartbeat_timeout: number(node, "HeartbeatTimeout")?,
        default_result,
    })
}

pub(super) fn tags(root: &Node) -> Result<Vec<Tag>, ApiError> {
    let tag = |node: &Node| {
        Ok(Tag {
            group: text(node, "ResourceId"),
            key: text(node, "Key").ok_or_else(|| ApiError::missing("Tags.Key"))?,
            value: text(node, "Value"),
            propagates: flag(node, "PropagateAtLaunch")?.unwrap_or(false),
        })
    };
    root.members("Tags").into_iter().map(tag).collect()
}
