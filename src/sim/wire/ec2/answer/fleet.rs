//! `CreateFleet` and `DescribeFleets`.

use std::io;

use super::super::super::xml::{Xml, time};
use crate::sim::model::ec2::call::{FleetDescription, FleetView, Override, Pool, TemplateRef};

pub(super) fn fleet(x: &mut Xml, view: &FleetView) -> io::Result<()> {
    x.text("fleetId", &view.id)?;
    errors(x, view)?;
    x.list("fleetInstanceSet", &view.launched, |x, l| {
        x.element("launchTemplateAndOverrides", |x| pool(x, &l.pool))?;
        x.text("lifecycle", l.lifecycle.as_str())?;
        x.list("instanceIds", &l.ids, |x, id| x.plain(id))?;
        x.text("instanceType", &l.instance_type)?;
        x.text("availabilityZone", &l.zone)?;
        x.text("subnetId", &l.subnet)
    })
}

/// What was launched is told without where.
pub(super) fn description(x: &mut Xml, fleet: &FleetDescription) -> io::Result<()> {
    let (call, view) = (&fleet.call, &fleet.view);
    x.text("activityStatus", fleet.activity)?;
    x.text("createTime", &time(fleet.created_ms))?;
    x.text("fleetId", &view.id)?;
    x.text("fleetState", fleet.state)?;
    x.optional("clientToken", call.token.as_deref())?;
    x.text("fulfilledCapacity", &fleet.fulfilled.to_string())?;
    x.text("fulfilledOnDemandCapacity", &fleet.fulfilled_on_demand.to_string())?;
    x.list("launchTemplateConfigs", &call.configs, |x, config| {
        x.element("launchTemplateSpecification", |x| template(x, &config.template))?;
        x.list("overrides", &config.overrides, changed)
    })?;
    x.element("targetCapacitySpecification", |x| {
        let number = |n: Option<u32>| n.map(|n| n.to_string());
        x.text("totalTargetCapacity", &call.total.to_string())?;
        x.optional("onDemandTargetCapacity", number(call.on_demand).as_deref())?;
        x.optional("spotTargetCapacity", number(call.spot).as_deref())?;
        x.optional("defaultTargetCapacityType", call.default_type.as_deref())
    })?;
    x.optional("type", call.kind.as_deref())?;
    errors(x, view)?;
    x.list("fleetInstanceSet", &view.launched, |x, l| {
        x.element("launchTemplateAndOverrides", |x| pool(x, &l.pool))?;
        x.text("lifecycle", l.lifecycle.as_str())?;
        x.list("instanceIds", &l.ids, |x, id| x.plain(id))?;
        x.text("instanceType", &l.instance_type)
    })
}

fn errors(x: &mut Xml, view: &FleetView) -> io::Result<()> {
    x.list("errorSet", &view.errors, |x, e| {
        x.element("launchTemplateAndOverrides", |x| pool(x, &e.pool))?;
        x.text("lifecycle", e.lifecycle.as_str())?;
        x.text("errorCode", e.error.code.as_str())?;
        x.text("errorMessage", &e.error.message)
    })
}

fn pool(x: &mut Xml, pool: &Pool) -> io::Result<()> {
    x.element("launchTemplateSpecification", |x| template(x, &pool.template))?;
    x.element("overrides", |x| changed(x, &pool.change))
}

fn template(x: &mut Xml, template: &TemplateRef) -> io::Result<()> {
    x.optional("launchTemplateId", template.id.as_deref())?;
    x.optional("launchTemplateName", template.name.as_deref())?;
    x.optional("version", template.version.as_deref())
}

fn changed(x: &mut Xml, change: &Override) -> io::Result<()> {
    x.optional("instanceType", change.instance_type.as_deref())?;
    x.optional("subnetId", change.subnet.as_deref())?;
    x.optional("availabilityZone", change.zone.as_deref())?;
    x.optional("weightedCapacity", change.weight.map(|w| w.to_string()).as_deref())?;
    x.optional("priority", change.priority.map(|p| p.to_string()).as_deref())?;
    x.optional("imageId", change.image.as_deref())
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::{Call, CreateFleet, FleetConfig, Override, Read, TemplateRef};
    use crate::sim::model::ec2::testing::{Ask, small};

    #[test]
    fn what_was_launched_and_what_was_not_are_side_by_side() {
        let mut model = small();
        let change = |zone: &str| Override {
            instance_type: Some("m5.large".into()),
            zone: Some(zone.into()),
            image: Some("ami-1".into()),
            ..Override::default()
        };
        let overrides = vec![change("us-east-1a"), change("us-east-1b")];
        let call = CreateFleet {
            kind: Some("instant".into()),
            configs: vec![FleetConfig { template: TemplateRef::of("web", "1"), overrides }],
            total: 12,
            default_type: Some("on-demand".into()),
            ..CreateFleet::default()
        };
        let out = text(&model.ask(&Call::CreateFleet(Box::new(call)), 0));
        let pool = "<launchTemplateAndOverrides><launchTemplateSpecification>\
            <launchTemplateName>web</launchTemplateName><version>1</version></launchTemplateSpecification>\
            <overrides><instanceType>m5.large</instanceType><availabilityZone>us-east-1a</availabilityZone>\
            <imageId>ami-1</imageId></overrides></launchTemplateAndOverrides><lifecycle>on-demand</lifecycle>";
        for part in [
            "<CreateFleetResponse xmlns",
            "<fleetId>fleet-",
            &format!("<errorSet><item>{pool}<errorCode>InsufficientFreeAddressesInSubnet</errorCode>"),
            &format!("<fleetInstanceSet><item>{pool}<instanceIds><item>i-0"),
            "<availabilityZone>us-east-1b</availabilityZone><subnetId>subnet-0000000000000000b</subnetId>",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
    }

    #[test]
    fn a_fleet_is_described_with_what_was_asked_and_what_came_of_it() {
        let mut model = small();
        let change = Override {
            instance_type: Some("m5.large".into()),
            zone: Some("us-east-1a".into()),
            weight: Some(2.0),
            ..Override::default()
        };
        let call = CreateFleet {
            kind: Some("instant".into()),
            token: Some("t".into()),
            configs: vec![FleetConfig { template: TemplateRef::of("web", "1"), overrides: vec![change] }],
            total: 3,
            default_type: Some("on-demand".into()),
            ..CreateFleet::default()
        };
        let out = text(&model.ask(&Call::CreateFleet(Box::new(call)), 0));
        let start = out.find("fleet-").unwrap();
        let id = out[start..start + 42].to_string();
        let read = Read { ids: vec![id.clone()], ..Read::default() };
        let out = text(&model.ask(&Call::DescribeFleets(read), 0));
        for part in [
            "<DescribeFleetsResponse xmlns",
            "<fleetSet><item><activityStatus>fulfilled</activityStatus><createTime>1970-01-01T00:00:00.000Z",
            &format!("<fleetId>{id}</fleetId><fleetState>active</fleetState><clientToken>t</clientToken>"),
            "<launchTemplateConfigs><item><launchTemplateSpecification><launchTemplateName>web",
            "<overrides><item><instanceType>m5.large</instanceType><availabilityZone>us-east-1a</availabilityZone>\
             <weightedCapacity>2<",
            "<targetCapacitySpecification><totalTargetCapacity>3</totalTargetCapacity>",
            "<type>instant</type>",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
    }
}
