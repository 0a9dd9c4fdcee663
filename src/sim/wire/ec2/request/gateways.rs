//! Addresses and NAT gateways.

use super::super::super::form::Node;
use super::describe;
use super::tags::specified;
use crate::sim::model::ec2::call::{
    AllocateAddress, Call, ChangeNat, Connectivity, CreateNat, ReadAddresses,
};
use crate::sim::model::ec2::error::ApiError;

pub(super) fn allocate(root: &Node) -> Result<AllocateAddress, ApiError> {
    Ok(AllocateAddress { tags: specified(root, "elastic-ip", &["elastic-ip"])? })
}

pub(super) fn release(root: &Node) -> Result<Call, ApiError> {
    Ok(Call::ReleaseAddress { allocation: needed(root, "AllocationId")? })
}

pub(super) fn read(root: &Node) -> Result<ReadAddresses, ApiError> {
    Ok(ReadAddresses { read: describe(root, "AllocationId")?, public_ips: root.texts("PublicIp") })
}

pub(super) fn create(root: &Node) -> Result<CreateNat, ApiError> {
    let connectivity = match root.text("ConnectivityType") {
        None => Connectivity::Public,
        Some(text) => text.parse().map_err(|e: String| ApiError::invalid(e))?,
    };
    let first = root.text("AllocationId").map(str::to_string);
    Ok(CreateNat {
        token: root.text("ClientToken").map(str::to_string),
        subnet: needed(root, "SubnetId")?,
        connectivity,
        allocations: first.into_iter().chain(root.texts("SecondaryAllocationId")).collect(),
        more_private: root.number("SecondaryPrivateIpAddressCount")?.unwrap_or(0),
        tags: specified(root, "natgateway", &["natgateway"])?,
    })
}

pub(super) fn delete(root: &Node) -> Result<Call, ApiError> {
    Ok(Call::DeleteNatGateway { id: needed(root, "NatGatewayId")? })
}

pub(super) fn associate(root: &Node) -> Result<ChangeNat, ApiError> {
    Ok(ChangeNat::Associate { gateway: gateway(root)?, allocations: root.texts("AllocationId") })
}

pub(super) fn disassociate(root: &Node) -> Result<ChangeNat, ApiError> {
    Ok(ChangeNat::Disassociate { gateway: gateway(root)?, associations: root.texts("AssociationId") })
}

pub(super) fn assign_private(root: &Node) -> Result<ChangeNat, ApiError> {
    let count = root.number("PrivateIpAddressCount")?;
    let named = u32::try_from(root.texts("PrivateIpAddress").len()).unwrap_or(u32::MAX);
    Ok(ChangeNat::AssignPrivate { gateway: gateway(root)?, count: count.unwrap_or(named) })
}

fn gateway(root: &Node) -> Result<String, ApiError> {
    needed(root, "NatGatewayId")
}

fn needed(root: &Node, name: &str) -> Result<String, ApiError> {
    root.text(name).map(str::to_string).ok_or_else(|| ApiError::missing(name))
}

#[cfg(test)]
mod tests {
    use super::super::super::super::form::Form;
    use super::*;
    use crate::sim::model::ec2::call::Action;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_gateway_is_read_whole() {
        let form = form(
            "ClientToken=t&SubnetId=subnet-1&AllocationId=eipalloc-1&SecondaryAllocationId.1=eipalloc-2\
             &TagSpecification.1.ResourceType=natgateway&TagSpecification.1.Tag.1.Key=a",
        );
        let nat = create(form.root()).unwrap();
        assert_eq!((nat.connectivity, nat.allocations.len()), (Connectivity::Public, 2));
        assert_eq!((nat.subnet.as_str(), nat.tags.len()), ("subnet-1", 1));
    }

    #[test]
    fn changes_of_addresses_are_read() {
        let node = form("NatGatewayId=nat-1&AllocationId.1=a&AssociationId.1=b&PrivateIpAddressCount=3");
        let root = node.root();
        let actions =
            [associate(root), disassociate(root), assign_private(root)].map(|c| c.unwrap().action());
        assert_eq!(
            actions,
            [
                Action::AssociateNatGatewayAddress,
                Action::DisassociateNatGatewayAddress,
                Action::AssignPrivateNatGatewayAddress
            ]
        );
        assert!(associate(form("AllocationId.1=a").root()).is_err());
        assert!(create(form("SubnetId=s&ConnectivityType=secret").root()).is_err());
    }
}
