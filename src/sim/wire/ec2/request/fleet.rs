//! `CreateFleet`.

use super::super::super::form::Node;
use super::tags::specified;
use super::templates::named;
use crate::sim::model::ec2::call::{CreateFleet, FleetConfig, FleetOptions, Override};
use crate::sim::model::ec2::error::ApiError;

pub(super) fn create(root: &Node) -> Result<CreateFleet, ApiError> {
    let text = |name: &str| root.text(name).map(str::to_string);
    let target = root.under("TargetCapacitySpecification");
    let total = target
        .number("TotalTargetCapacity")?
        .ok_or_else(|| ApiError::missing("TargetCapacitySpecification.TotalTargetCapacity"))?;
    Ok(CreateFleet {
        token: text("ClientToken"),
        kind: text("Type"),
        configs: root.list("LaunchTemplateConfigs").into_iter().map(config).collect::<Result<_, _>>()?,
        total,
        on_demand: target.number("OnDemandTargetCapacity")?,
        spot: target.number("SpotTargetCapacity")?,
        default_type: target.text("DefaultTargetCapacityType").map(str::to_string),
        on_demand_options: options(root.under("OnDemandOptions"))?,
        spot_options: options(root.under("SpotOptions"))?,
        tags: specified(root, "instance", &["fleet", "instance", "volume", "network-interface"])?,
    })
}

fn config(node: &Node) -> Result<FleetConfig, ApiError> {
    let overrides = node.list("Overrides").into_iter().map(|o| {
        let text = |name: &str| o.text(name).map(str::to_string);
        Ok(Override {
            instance_type: text("InstanceType"),
            subnet: text("SubnetId"),
            zone: text("AvailabilityZone"),
            image: text("ImageId"),
            weight: o.number("WeightedCapacity")?,
            priority: o.number("Priority")?,
        })
    });
    Ok(FleetConfig {
        template: named(node.under("LaunchTemplateSpecification"), "Version"),
        overrides: overrides.collect::<Result<_, ApiError>>()?,
    })
}

fn options(node: &Node) -> Result<FleetOptions, ApiError> {
    Ok(FleetOptions {
        strategy: node.text("AllocationStrategy").map(str::to_string),
        min_target: node.number("MinTargetCapacity")?,
        single_type: node.flag("SingleInstanceType")?,
        single_zone: node.flag("SingleAvailabilityZone")?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::super::form::Form;
    use super::*;

    #[test]
    fn a_fleet_is_read_whole() {
        let form = Form::parse(
            b"Type=instant&ClientToken=t&TargetCapacitySpecification.TotalTargetCapacity=5\
              &TargetCapacitySpecification.DefaultTargetCapacityType=on-demand\
              &OnDemandOptions.MinTargetCapacity=2&OnDemandOptions.SingleAvailabilityZone=true\
              &LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=web\
              &LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=3\
              &LaunchTemplateConfigs.1.Overrides.1.SubnetId=subnet-1\
              &LaunchTemplateConfigs.1.Overrides.1.WeightedCapacity=2.5\
              &LaunchTemplateConfigs.1.Overrides.2.InstanceType=m5.large",
        )
        .unwrap();
        let fleet = create(form.root()).unwrap();
        assert_eq!((fleet.total, fleet.kind.as_deref()), (5, Some("instant")));
        assert_eq!(fleet.configs[0].template.version.as_deref(), Some("3"));
        assert_eq!(fleet.configs[0].overrides.len(), 2);
        assert_eq!(fleet.configs[0].overrides[0].weight, Some(2.5));
        assert_eq!(
            (fleet.on_demand_options.min_target, fleet.on_demand_options.single_zone),
            (Some(2), true)
        );
    }
}
