//! Addresses of NAT gateways: more of them carry more connections, 55,000 each to one destination
//! (aws-facts 6.3).

use std::net::Ipv4Addr;

use super::super::Ec2;
use super::super::call::{Action, Answer};
use super::super::error::{ApiError, Code};
use super::super::names::Kind;
use super::Addresses;
use super::nat::{Connectivity, NatState, PrivateIp};
use crate::decide::words::named;

/// The interfaces of gateways are numbered behind those of every instance that there can be.
const FIRST_INTERFACE: u64 = 1 << 32;

named! {
    /// Where an address of a gateway stands.
    pub enum AddressState {
        Assigning = "assigning",
        Associating = "associating",
        Disassociating = "disassociating",
        Succeeded = "succeeded",
    }
}

/// `AssociateNatGatewayAddress`, `DisassociateNatGatewayAddress` and
/// `AssignPrivateNatGatewayAddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeNat {
    Associate { gateway: String, allocations: Vec<String> },
    Disassociate { gateway: String, associations: Vec<String> },
    AssignPrivate { gateway: String, count: u32 },
}

impl ChangeNat {
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            ChangeNat::Associate { .. } => Action::AssociateNatGatewayAddress,
            ChangeNat::Disassociate { .. } => Action::DisassociateNatGatewayAddress,
            ChangeNat::AssignPrivate { .. } => Action::AssignPrivateNatGatewayAddress,
        }
    }

    fn gateway(&self) -> &str {
        match self {
            ChangeNat::Associate { gateway, .. }
            | ChangeNat::Disassociate { gateway, .. }
            | ChangeNat::AssignPrivate { gateway, .. } => gateway,
        }
    }
}

/// One address of a gateway as EC2 shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatAddressView {
    /// The allocation, its public address, and the association; none for a private one.
    pub public: Option<(String, Ipv4Addr, String)>,
    /// The gateway's interface; none while the gateway is being made.
    pub interface: Option<String>,
    pub private_ip: Ipv4Addr,
    pub is_primary: bool,
    pub state: AddressState,
}

#[derive(Clone, Debug)]
pub(super) struct NatAddress {
    /// The numbers of the allocation and the association.
    public: Option<(u32, u64)>,
    private_ip: PrivateIp,
    is_primary: bool,
    since_ms: i64,
    /// When it was told to go.
    leaving_ms: Option<i64>,
}

impl Ec2 {
    pub(in super::super) fn change_nat_gateway(
        &mut self,
        call: &ChangeNat,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let index = self.nat_index(call.gateway(), now_ms)?;
        self.forget_addresses(index, now_ms);
        let Some(nat) = self.nats.all.get(index) else { return Ok(Answer::Done(call.action())) };
        let (connectivity, state) = (nat.connectivity, self.nat_state(nat, now_ms));
        let present = u32::try_from(nat.addresses.len()).unwrap_or(u32::MAX);
        if state != NatState::Available {
            let message = format!("NatGateway {} is {state}, not available", call.gateway());
            return Err(ApiError::new(Code::IncorrectState, message));
        }
        match call {
            ChangeNat::Associate { allocations, .. } => {
                expect(connectivity, Connectivity::Public)?;
                let count = u32::try_from(allocations.len()).unwrap_or(u32::MAX);
                self.check_nat_addresses(connectivity, present, count)?;
                self.check_unused(allocations)?;
                self.give_addresses(index, allocations, count, now_ms)?;
            }
            ChangeNat::AssignPrivate { count, .. } => {
                expect(connectivity, Connectivity::Private)?;
                self.check_nat_addresses(connectivity, present, *count)?;
                self.give_addresses(index, &[], *count, now_ms)?;
            }
            ChangeNat::Disassociate { associations, .. } => {
                expect(connectivity, Connectivity::Public)?;
                self.disassociate(index, associations, now_ms)?;
            }
        }
        let addresses = self.nat_addresses(index, now_ms);
        Ok(Answer::NatChanged { action: call.action(), gateway: call.gateway().into(), addresses })
    }

    /// All are known and none is the primary one, or nothing changes.
    fn disassociate(&mut self, index: usize, ids: &[String], now_ms: i64) -> Result<(), ApiError> {
        let names = self.names;
        let Some(nat) = self.nats.all.get_mut(index) else { return Ok(()) };
        let is = |address: &NatAddress, id: &String| {
            address.public.is_some_and(|(_, n)| names.name(Kind::Association, n) == *id)
        };
        for id in ids {
            match nat.addresses.iter().find(|a| is(a, id)) {
                None => {
                    let message = format!("The association ID '{id}' does not exist");
                    return Err(ApiError::new(Code::InvalidAssociationIdNotFound, message));
                }
                Some(address) if address.is_primary => {
                    let message = "The primary address of a NAT gateway cannot be disassociated";
                    return Err(ApiError::invalid(message));
                }
                Some(_) => {}
            }
        }
        for address in nat.addresses.iter_mut().filter(|a| ids.iter().any(|id| is(a, id))) {
            address.leaving_ms.get_or_insert(now_ms);
        }
        Ok(())
    }

    /// # Errors
    /// `AddressLimitExceeded` if so many more are more than one gateway may have. AWS documents the
    /// limits and not the code.
    pub(super) fn check_nat_addresses(
        &self,
        connectivity: Connectivity,
        present: u32,
        more: u32,
    ) -> Result<(), ApiError> {
        let limits = &self.settings.ec2.limits;
        let most = match connectivity {
            Connectivity::Public => limits.nat_public_addresses,
            Connectivity::Private => limits.nat_private_addresses,
        };
        if more == 0 {
            return Err(ApiError::invalid("At least one address must be given"));
        }
        if present.saturating_add(more) > most {
            let message = format!("A NAT gateway may have at most {most} {connectivity} addresses");
            return Err(ApiError::new(Code::AddressLimitExceeded, message));
        }
        Ok(())
    }

    /// # Errors
    /// An allocation that is not there, is in use, or is given twice.
    pub(super) fn check_unused(&mut self, allocations: &[String]) -> Result<(), ApiError> {
        for (i, id) in allocations.iter().enumerate() {
            let number = self.allocated(id)?;
            let used = self.addresses.user(number).is_some_and(|user| user.is_some());
            if used || allocations[..i].contains(id) {
                let message = format!("Elastic IP address [{id}] is already associated");
                return Err(ApiError::new(Code::ResourceAlreadyAssociated, message));
            }
        }
        Ok(())
    }

    /// Gives a gateway so many private addresses, and these allocations with them.
    ///
    /// # Errors
    /// `InsufficientFreeAddressesInSubnet`; nothing has changed then.
    pub(super) fn give_addresses(
        &mut self,
        index: usize,
        allocations: &[String],
        count: u32,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        let Some(subnet) = self.nats.all.get(index).map(|nat| nat.subnet.clone()) else { return Ok(()) };
        if self.network.subnet(&subnet).is_none_or(|s| s.free() < count) {
            let message = format!("There are not enough free addresses in subnet '{subnet}'");
            return Err(ApiError::new(Code::InsufficientFreeAddressesInSubnet, message));
        }
        for i in 0..count as usize {
            let Some(private_ip) = self.network.take_for_nobody(&subnet) else { break };
            let allocation = allocations.get(i).and_then(|id| self.allocated(id).ok());
            let public = allocation.map(|number| (number, self.nats.associations));
            if let Some((number, association)) = public {
                self.nats.associations += 1;
                if let Some(user) = self.addresses.user(number) {
                    *user = Some((association, private_ip));
                }
            }
            if let Some(nat) = self.nats.all.get_mut(index) {
                let is_primary = nat.addresses.is_empty();
                nat.addresses.push(NatAddress {
                    public,
                    private_ip,
                    is_primary,
                    since_ms: now_ms,
                    leaving_ms: None,
                });
            }
        }
        Ok(())
    }

    /// Takes back what left by now.
    fn forget_addresses(&mut self, index: usize, now_ms: i64) {
        let takes_ms = i64::from(self.settings.ec2.nat_address_ms);
        let Some(nat) = self.nats.all.get_mut(index) else { return };
        let gone = |a: &NatAddress| a.leaving_ms.is_some_and(|at| at + takes_ms <= now_ms);
        let (gone, stay): (Vec<_>, Vec<_>) = nat.addresses.drain(..).partition(gone);
        nat.addresses = stay;
        let subnet = nat.subnet.clone();
        self.free(&subnet, &gone);
    }

    /// Takes all of them back.
    pub(super) fn take_addresses_back(&mut self, index: usize) {
        let Some(nat) = self.nats.all.get_mut(index) else { return };
        let (all, subnet) = (std::mem::take(&mut nat.addresses), nat.subnet.clone());
        self.free(&subnet, &all);
    }

    fn free(&mut self, subnet: &str, addresses: &[NatAddress]) {
        for address in addresses {
            self.network.give_back_from_nobody(subnet, address.private_ip);
            let user = address.public.and_then(|(number, _)| self.addresses.user(number));
            if let Some(user) = user {
                *user = None;
            }
        }
    }

    /// Those that have not left. All of them are on one interface.
    pub(super) fn nat_addresses(&self, index: usize, now_ms: i64) -> Vec<NatAddressView> {
        let Some(nat) = self.nats.all.get(index) else { return Vec::new() };
        let made = self.nat_state(nat, now_ms) != NatState::Pending;
        let interface = made.then(|| self.names.name(Kind::Interface, FIRST_INTERFACE + index as u64));
        nat.addresses.iter().filter_map(|a| self.nat_address(a, interface.as_ref(), now_ms)).collect()
    }

    /// None once it has left.
    fn nat_address(
        &self,
        address: &NatAddress,
        interface: Option<&String>,
        now_ms: i64,
    ) -> Option<NatAddressView> {
        let takes_ms = i64::from(self.settings.ec2.nat_address_ms);
        let state = match address.leaving_ms {
            Some(at) if at + takes_ms <= now_ms => return None,
            Some(_) => AddressState::Disassociating,
            None if address.since_ms + takes_ms <= now_ms => AddressState::Succeeded,
            None if address.public.is_some() => AddressState::Associating,
            None => AddressState::Assigning,
        };
        let public = address.public.map(|(number, association)| {
            let allocation = self.names.name(Kind::Allocation, u64::from(number));
            (allocation, Addresses::public_ip(number), self.names.name(Kind::Association, association))
        });
        Some(NatAddressView {
            public,
            interface: interface.cloned(),
            private_ip: address.private_ip,
            is_primary: address.is_primary,
            state,
        })
    }
}

fn expect(found: Connectivity, expected: Connectivity) -> Result<(), ApiError> {
    if found == expected {
        return Ok(());
    }
    Err(ApiError::invalid(format!("This needs a {expected} NAT gateway, and the gateway is {found}")))
}

#[cfg(test)]
mod tests {
    use super::super::super::call::Call;
    use super::super::super::testing::*;
    use super::super::addresses::tests::allocated;
    use super::super::nat::tests::{made, private, public, seen};
    use super::*;

    fn change(model: &mut Model, call: ChangeNat, now: i64) -> &'static str {
        code(&model.ask(&Call::ChangeNatGateway(call), now))
    }

    #[test]
    fn a_public_gateway_gets_a_second_address_and_loses_it_again() {
        let mut model = plain();
        let all: Vec<String> = (0..3).map(|_| allocated(&mut model)).collect();
        let gateway = made(&mut model, &public(vec![all[0].clone()]));
        let associate =
            |i: usize| ChangeNat::Associate { gateway: gateway.clone(), allocations: vec![all[i].clone()] };
        assert_eq!(change(&mut model, associate(1), 0), "IncorrectState");
        assert_eq!(change(&mut model, associate(1), 60_000), "");
        let states = |model: &mut Model, now| {
            seen(model, &gateway, now).addresses.iter().map(|a| a.state.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(states(&mut model, 60_000), ["succeeded", "associating"]);
        let interfaces: Vec<_> =
            seen(&mut model, &gateway, 60_000).addresses.into_iter().map(|a| a.interface.unwrap()).collect();
        assert!(interfaces[0].starts_with("eni-0") && interfaces[0] == interfaces[1], "{interfaces:?}");
        assert_eq!(states(&mut model, 70_000), ["succeeded", "succeeded"]);
        assert_eq!(change(&mut model, associate(2), 70_000), "AddressLimitExceeded");
        let ids: Vec<String> = seen(&mut model, &gateway, 70_000)
            .addresses
            .into_iter()
            .filter_map(|a| a.public.map(|(_, _, association)| association))
            .collect();
        let leave =
            |id: &str| ChangeNat::Disassociate { gateway: gateway.clone(), associations: vec![id.into()] };
        assert_eq!(change(&mut model, leave(&ids[0]), 70_000), "InvalidParameterValue");
        assert_eq!(change(&mut model, leave("eipassoc-0"), 70_000), "InvalidAssociationID.NotFound");
        assert_eq!(change(&mut model, leave(&ids[1]), 70_000), "");
        assert_eq!(states(&mut model, 70_000), ["succeeded", "disassociating"]);
        assert_eq!(states(&mut model, 80_000), ["succeeded"]);
        assert_eq!(change(&mut model, associate(1), 80_000), "");
    }

    #[test]
    fn a_private_gateway_gets_addresses_of_its_subnet() {
        let mut model = small();
        let gateway = made(&mut model, &private(A, 1));
        let assign = |count| ChangeNat::AssignPrivate { gateway: gateway.clone(), count };
        assert_eq!(change(&mut model, assign(7), 60_000), "AddressLimitExceeded");
        assert_eq!(change(&mut model, assign(0), 60_000), "InvalidParameterValue");
        assert_eq!(change(&mut model, assign(6), 60_000), "");
        assert_eq!(launched(&model.ask(&run("t", 1, 9), 60_000)).len(), 3, "11 less 8");
        let public = ChangeNat::Associate { gateway, allocations: vec!["eipalloc-0".into()] };
        assert_eq!(change(&mut model, public, 60_000), "InvalidParameterValue");
    }
}
