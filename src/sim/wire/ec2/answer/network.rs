//! What instances are launched into and from: zones, networks, subnets, security groups, images.

use std::io;

use super::super::super::xml::Xml;
use super::tag_set;
use crate::sim::model::arn::ACCOUNT;
use crate::sim::model::ec2::VPC;
use crate::sim::model::ec2::call::{
    ImageView, InterfaceView, SecurityGroupView, SubnetView, VpcView, ZoneView,
};

pub(super) fn subnet(x: &mut Xml, s: &SubnetView) -> io::Result<()> {
    x.text("subnetId", &s.id)?;
    x.text("state", "available")?;
    x.text("ownerId", ACCOUNT)?;
    x.text("vpcId", VPC)?;
    x.text("cidrBlock", &s.cidr)?;
    x.text("availableIpAddressCount", &s.free.to_string())?;
    x.text("availabilityZone", &s.zone)?;
    x.text("defaultForAz", "false")?;
    x.text("mapPublicIpOnLaunch", "false")?;
    tag_set(x, &s.tags)
}

pub(super) fn interface(x: &mut Xml, i: &InterfaceView) -> io::Result<()> {
    x.text("networkInterfaceId", &i.id)?;
    x.text("subnetId", &i.subnet)?;
    x.text("vpcId", VPC)?;
    x.text("availabilityZone", &i.zone)?;
    x.text("ownerId", ACCOUNT)?;
    x.text("status", "in-use")
}

pub(super) fn zone(x: &mut Xml, z: &ZoneView) -> io::Result<()> {
    x.text("zoneName", &z.name)?;
    x.text("zoneState", "available")?;
    x.text("regionName", &z.region)?;
    x.element("messageSet", |_| Ok(()))?;
    x.text("zoneId", &z.id)?;
    x.text("zoneType", "availability-zone")?;
    x.text("groupName", &z.region)?;
    x.text("networkBorderGroup", &z.region)?;
    x.text("optInStatus", "opt-in-not-required")
}

pub(super) fn vpc(x: &mut Xml, v: &VpcView) -> io::Result<()> {
    x.text("vpcId", VPC)?;
    x.text("ownerId", ACCOUNT)?;
    x.text("state", "available")?;
    x.text("cidrBlock", v.cidr)?;
    x.text("dhcpOptionsId", "default")?;
    x.text("instanceTenancy", "default")?;
    x.text("isDefault", "true")?;
    tag_set(x, &v.tags)
}

pub(super) fn security_group(x: &mut Xml, g: &SecurityGroupView) -> io::Result<()> {
    x.text("ownerId", ACCOUNT)?;
    x.text("groupId", &g.id)?;
    x.text("groupName", &g.name)?;
    x.text("groupDescription", &g.name)?;
    x.text("vpcId", VPC)?;
    x.element("ipPermissions", |_| Ok(()))?;
    x.element("ipPermissionsEgress", |_| Ok(()))?;
    tag_set(x, &g.tags)
}

pub(super) fn image(x: &mut Xml, i: &ImageView) -> io::Result<()> {
    x.text("imageId", &i.id)?;
    x.text("imageLocation", &format!("{ACCOUNT}/{}", i.id))?;
    x.text("imageState", "available")?;
    x.text("imageOwnerId", ACCOUNT)?;
    x.text("isPublic", "false")?;
    x.text("architecture", "x86_64")?;
    x.text("imageType", "machine")?;
    x.text("name", &i.id)?;
    x.text("rootDeviceType", "ebs")?;
    x.text("rootDeviceName", "/dev/xvda")?;
    x.text("virtualizationType", "hvm")?;
    x.text("hypervisor", "xen")?;
    tag_set(x, &i.tags)
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::{Call, CreateTags, Read};
    use crate::sim::model::ec2::testing::{A, Ask, plain};

    #[test]
    fn each_is_written_with_its_id_and_its_tags() {
        let mut model = plain();
        let tags = [("team".to_string(), "web".to_string())].into();
        let resources = vec![A.to_string(), "ami-12345678".into()];
        model.ask(&Call::CreateTags(CreateTags { resources, tags }), 0);
        let tag = "<tagSet><item><key>team</key><value>web</value></item></tagSet>";
        let read =
            |ids: &[&str]| Read { ids: ids.iter().map(ToString::to_string).collect(), ..Read::default() };
        for (call, parts) in [
            (Call::DescribeSubnets(read(&[A])), vec!["<subnetId>subnet-0000000000000000a</subnetId>", tag]),
            (Call::DescribeImages(read(&["ami-12345678"])), vec!["<imageId>ami-12345678</imageId>", tag]),
            (
                Call::DescribeAvailabilityZones(read(&["us-east-1b"])),
                vec![
                    "<zoneName>us-east-1b</zoneName><zoneState>available</zoneState>",
                    "<zoneId>use1-az2</zoneId>",
                ],
            ),
            (Call::DescribeVpcs(read(&[])), vec!["<vpcSet><item><vpcId>vpc-00000000000000001</vpcId>"]),
            (Call::DescribeSecurityGroups(read(&[])), vec!["<groupName>default</groupName>"]),
        ] {
            let out = text(&model.ask(&call, 0));
            for part in parts {
                assert!(out.contains(part), "{part} in {out}");
            }
        }
    }
}
