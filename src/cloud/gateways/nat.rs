//! Addresses of NAT gateways.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    ConnectivityType, NatGateway, NatGatewayAddress, NatGatewayAddressStatus, NatGatewayState,
};

use crate::cloud::account::Calls;
use crate::cloud::failure;
use crate::decide::event::CallError;
use crate::decide::gateway::call::GatewaySeen;
use crate::decide::gateway::nat::{NatAddress, NatCall, NatSeen};

/// EC2 of one Region.
#[derive(Clone, Debug)]
pub(super) struct Nats {
    pub(super) ec2: Client,
    pub(super) calls: Calls,
}

impl Nats {
    /// Makes this one call about the NAT gateway.
    pub(super) async fn call(&self, gateway: &str, call: &NatCall) -> Result<GatewaySeen, CallError> {
        match call {
            NatCall::Look => {
                let request = self.ec2.describe_nat_gateways().nat_gateway_ids(gateway);
                let answer = self.calls.make(request.send()).await?;
                let found = answer.nat_gateways().iter().find(|n| n.nat_gateway_id() == Some(gateway));
                let found = found.ok_or_else(|| failure::unreadable("the gateway is not in it".into()))?;
                seen(found).map(GatewaySeen::Nat)
            }
            NatCall::Associate { allocation } => {
                let request = self.ec2.associate_nat_gateway_address().nat_gateway_id(gateway);
                self.calls.make(request.allocation_ids(allocation.as_ref()).send()).await?;
                Ok(GatewaySeen::NatChanged)
            }
            NatCall::Disassociate { associations } => {
                let request = self.ec2.disassociate_nat_gateway_address().nat_gateway_id(gateway);
                let request = request.set_association_ids(Some(associations.clone()));
                self.calls.make(request.send()).await?;
                Ok(GatewaySeen::NatChanged)
            }
        }
    }
}

fn seen(gateway: &NatGateway) -> Result<NatSeen, CallError> {
    let state = gateway.state().map(NatGatewayState::as_str);
    let state = state.ok_or_else(|| failure::unreadable("the gateway has no state".into()))?;
    let addresses: Result<Vec<NatAddress>, CallError> =
        gateway.nat_gateway_addresses().iter().map(address).collect();
    Ok(NatSeen {
        state: state.parse().map_err(failure::unreadable)?,
        // Public is the default, and an older answer does not say it.
        public: gateway.connectivity_type() != Some(&ConnectivityType::Private),
        addresses: addresses?,
    })
}

fn address(seen: &NatGatewayAddress) -> Result<NatAddress, CallError> {
    // An older answer has no state of a gateway's only address, which is there.
    let state = seen.status().map_or("succeeded", NatGatewayAddressStatus::as_str);
    Ok(NatAddress {
        allocation: seen.allocation_id().map(Into::into),
        association: seen.association_id().map(Into::into),
        state: state.parse().map_err(failure::unreadable)?,
    })
}
