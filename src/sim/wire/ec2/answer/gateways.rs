//! Addresses, NAT gateways and Transit Gateways.

use std::io;

use super::super::super::xml::{Xml, time};
use super::tag_set;
use crate::sim::model::arn::ACCOUNT;
use crate::sim::model::ec2::VPC;
use crate::sim::model::ec2::call::{AddressView, NatAddressView, NatView, TransitView};

pub(super) fn address(x: &mut Xml, a: &AddressView) -> io::Result<()> {
    x.text("publicIp", &a.public_ip.to_string())?;
    x.text("allocationId", &a.allocation)?;
    x.text("domain", "vpc")?;
    if let Some((association, private_ip)) = &a.used {
        x.text("associationId", association)?;
        x.text("privateIpAddress", &private_ip.to_string())?;
    }
    tag_set(x, &a.tags)
}

pub(super) fn nat(x: &mut Xml, n: &NatView) -> io::Result<()> {
    x.text("natGatewayId", &n.id)?;
    x.text("subnetId", &n.subnet)?;
    x.text("vpcId", VPC)?;
    x.text("state", n.state.as_str())?;
    x.text("createTime", &time(n.created_ms))?;
    x.optional("deleteTime", n.deleted_ms.map(time).as_deref())?;
    x.text("connectivityType", n.connectivity.as_str())?;
    x.text("availabilityMode", "zonal")?;
    x.list("natGatewayAddressSet", &n.addresses, nat_address)?;
    tag_set(x, &n.tags)
}

pub(super) fn nat_address(x: &mut Xml, a: &NatAddressView) -> io::Result<()> {
    if let Some((allocation, public_ip, association)) = &a.public {
        x.text("allocationId", allocation)?;
        x.text("publicIp", &public_ip.to_string())?;
        x.text("associationId", association)?;
    }
    x.optional("networkInterfaceId", a.interface.as_deref())?;
    x.text("privateIp", &a.private_ip.to_string())?;
    x.text("isPrimary", if a.is_primary { "true" } else { "false" })?;
    x.text("status", a.state.as_str())
}

pub(super) fn transit_gateway(x: &mut Xml, g: &TransitView) -> io::Result<()> {
    x.text("transitGatewayId", &g.id)?;
    x.text("transitGatewayArn", &g.arn)?;
    x.text("state", &g.state)?;
    x.text("ownerId", ACCOUNT)?;
    tag_set(x, &g.tags)
}

pub(super) fn attachment(x: &mut Xml, a: &TransitView) -> io::Result<()> {
    x.text("transitGatewayAttachmentId", &a.id)?;
    if let Some((gateway, kind, resource)) = &a.attached {
        x.text("transitGatewayId", gateway)?;
        x.text("transitGatewayOwnerId", ACCOUNT)?;
        x.text("resourceOwnerId", ACCOUNT)?;
        x.text("resourceType", kind)?;
        x.text("resourceId", resource)?;
    }
    x.text("state", &a.state)?;
    tag_set(x, &a.tags)
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::{AllocateAddress, Call, Connectivity, CreateNat, ReadAddresses};
    use crate::sim::model::ec2::testing::{A, Ask, plain};

    #[test]
    fn an_address_and_its_gateway_are_written_as_ec2_writes_them() {
        let mut model = plain();
        let out = text(&model.ask(&Call::AllocateAddress(AllocateAddress::default()), 0));
        let start = out.find("eipalloc-").unwrap();
        let allocation = out[start..start + 26].to_string();
        assert!(out.contains("<publicIp>198.18.0.0</publicIp>"), "{out}");
        let call = CreateNat {
            token: Some("t".into()),
            subnet: A.into(),
            connectivity: Connectivity::Public,
            allocations: vec![allocation.clone()],
            more_private: 0,
            tags: [].into(),
        };
        let out = text(&model.ask(&Call::CreateNatGateway(Box::new(call)), 0));
        for part in [
            "<clientToken>t</clientToken><natGateway><natGatewayId>nat-0",
            "<state>pending</state><createTime>1970-01-01T00:00:00.000Z</createTime>",
            &format!(
                "<natGatewayAddressSet><item><allocationId>{allocation}</allocationId><publicIp>198.18.0.0</publicIp>"
            ),
            "<privateIp>127.64.0.4</privateIp><isPrimary>true</isPrimary><status>associating</status>",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
        let out = text(&model.ask(&Call::DescribeAddresses(ReadAddresses::default()), 0));
        assert!(out.contains("<privateIpAddress>127.64.0.4</privateIpAddress>"), "{out}");
    }
}
