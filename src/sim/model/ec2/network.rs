//! Subnets and their addresses: given out in order, given back when an instance is terminated.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use super::super::super::settings::SubnetSettings;

/// One subnet. Never-used addresses go first, then those given back longest ago, so that a late
/// contact rarely meets another instance than it meant.
#[derive(Clone, Debug)]
pub(super) struct Subnet {
    pub(super) settings: SubnetSettings,
    next: u32,
    returned: VecDeque<Ipv4Addr>,
}

impl Subnet {
    pub(super) fn free(&self) -> u32 {
        let never_used = self.settings.cidr.usable() - self.next;
        never_used + u32::try_from(self.returned.len()).unwrap_or(u32::MAX)
    }

    /// Addresses that are given out.
    pub(super) fn used(&self) -> u32 {
        self.settings.cidr.usable() - self.free()
    }

    fn take(&mut self) -> Option<Ipv4Addr> {
        if let Some(address) = self.settings.cidr.address(self.next) {
            self.next += 1;
            return Some(address);
        }
        self.returned.pop_front()
    }
}

/// Every subnet, and who has which address.
#[derive(Clone, Debug)]
pub(super) struct Network {
    subnets: Vec<Subnet>,
    holders: BTreeMap<Ipv4Addr, u32>,
    /// Addresses that are no instance's.
    of_nobody: u32,
}

impl Network {
    pub(super) fn new(subnets: &[SubnetSettings]) -> Network {
        let subnets = subnets
            .iter()
            .map(|s| Subnet { settings: s.clone(), next: 0, returned: VecDeque::new() })
            .collect();
        Network { subnets, holders: BTreeMap::new(), of_nobody: 0 }
    }

    pub(super) fn subnets(&self) -> &[Subnet] {
        &self.subnets
    }

    pub(super) fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|s| s.settings.id == id)
    }

    /// Addresses that are given out in this zone.
    pub(super) fn used_in(&self, zone: &str) -> u32 {
        self.subnets.iter().filter(|s| s.settings.zone == zone).map(Subnet::used).sum()
    }

    /// Gives the next free address of the subnet to the instance with this ordinal.
    pub(super) fn take(&mut self, subnet: &str, ordinal: u32) -> Option<Ipv4Addr> {
        let address = self.subnets.iter_mut().find(|s| s.settings.id == subnet)?.take()?;
        self.holders.insert(address, ordinal);
        Some(address)
    }

    /// Takes the next free address of the subnet for something that is no instance.
    pub(super) fn take_for_nobody(&mut self, subnet: &str) -> Option<Ipv4Addr> {
        let address = self.subnets.iter_mut().find(|s| s.settings.id == subnet)?.take()?;
        self.of_nobody += 1;
        Some(address)
    }

    /// Gives back what was taken for something that is no instance.
    pub(super) fn give_back_from_nobody(&mut self, subnet: &str, address: Ipv4Addr) {
        if let Some(s) = self.subnets.iter_mut().find(|s| s.settings.id == subnet) {
            s.returned.push_back(address);
            self.of_nobody = self.of_nobody.saturating_sub(1);
        }
    }

    /// Addresses that are no instance's.
    pub(super) fn of_nobody(&self) -> u32 {
        self.of_nobody
    }

    pub(super) fn give_back(&mut self, subnet: &str, address: Ipv4Addr) {
        if self.holders.remove(&address).is_some()
            && let Some(s) = self.subnets.iter_mut().find(|s| s.settings.id == subnet)
        {
            s.returned.push_back(address);
        }
    }

    /// The ordinal of the instance that has this address.
    pub(super) fn holder(&self, address: Ipv4Addr) -> Option<u32> {
        self.holders.get(&address).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        let subnet = |id: &str, cidr: &str| SubnetSettings {
            id: id.into(),
            zone: "us-east-1a".into(),
            cidr: cidr.parse().unwrap(),
        };
        Network::new(&[subnet("subnet-1", "127.80.0.0/28"), subnet("subnet-2", "127.80.1.0/28")])
    }

    #[test]
    fn addresses_go_out_in_order_until_the_subnet_is_full() {
        let mut n = network();
        let out: Vec<_> = (0..12).map(|i| n.take("subnet-1", i)).collect();
        assert_eq!(out[0], Some(Ipv4Addr::new(127, 80, 0, 4)));
        assert_eq!(out[10], Some(Ipv4Addr::new(127, 80, 0, 14)));
        assert_eq!(out[11], None);
        assert_eq!(n.subnet("subnet-1").map(Subnet::free), Some(0));
        assert_eq!(n.subnet("subnet-2").map(Subnet::free), Some(11));
        assert_eq!(n.take("subnet-9", 0), None);
    }

    #[test]
    fn an_address_given_back_is_used_last_and_has_no_holder_meanwhile() {
        let mut n = network();
        let first = n.take("subnet-1", 0).unwrap();
        n.give_back("subnet-1", first);
        n.give_back("subnet-1", first);
        assert_eq!(n.holder(first), None);
        assert_eq!(n.subnet("subnet-1").map(Subnet::free), Some(11));
        let out: Vec<_> = (1..=11).map(|i| n.take("subnet-1", i).unwrap()).collect();
        assert_eq!(out[10], first);
        assert_eq!(n.holder(first), Some(11));
    }
}
