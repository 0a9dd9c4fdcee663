//! `CreateFleet`.

use std::io;

use super::super::super::xml::Xml;
use crate::sim::model::ec2::call::{FleetView, Pool};

pub(super) fn fleet(x: &mut Xml, view: &FleetView) -> io::Result<()> {
    x.text("fleetId", &view.id)?;
    x.list("errorSet", &view.errors, |x, e| {
        x.element("launchTemplateAndOverrides", |x| pool(x, &e.pool))?;
        x.text("lifecycle", e.lifecycle.as_str())?;
        x.text("errorCode", e.error.code.as_str())?;
        x.text("errorMessage", &e.error.message)
    })?;
    x.list("fleetInstanceSet", &view.launched, |x, l| {
        x.element("launchTemplateAndOverrides", |x| pool(x, &l.pool))?;
        x.text("lifecycle", l.lifecycle.as_str())?;
        x.list("instanceIds", &l.ids, |x, id| x.plain(id))?;
        x.text("instanceType", &l.instance_type)?;
        x.text("availabilityZone", &l.zone)?;
        x.text("subnetId", &l.subnet)
    })
}

fn pool(x: &mut Xml, pool: &Pool) -> io::Result<()> {
    x.element("launchTemplateSpecification", |x| {
        x.optional("launchTemplateId", pool.template.id.as_deref())?;
        x.optional("launchTemplateName", pool.template.name.as_deref())?;
        x.optional("version", pool.template.version.as_deref())
    })?;
    let change = &pool.change;
    x.element("overrides", |x| {
        x.optional("instanceType", change.instance_type.as_deref())?;
        x.optional("subnetId", change.subnet.as_deref())?;
        x.optional("availabilityZone", change.zone.as_deref())?;
        x.optional("weightedCapacity", change.weight.map(|w| w.to_string()).as_deref())?;
        x.optional("priority", change.priority.map(|p| p.to_string()).as_deref())?;
        x.optional("imageId", change.image.as_deref())
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::{Call, CreateFleet, FleetConfig, Override, TemplateRef};
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
}
