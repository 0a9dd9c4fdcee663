//! Elastic IP addresses: allocated up to the account's quota, released when nobody uses them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::super::Ec2;
use super::super::call::{Action, Answer, Read};
use super::super::error::{ApiError, Code};
use super::super::filter::{all_match, known};
use super::super::names::Kind;
use super::super::tags::{TagMap, check_tags};

/// 198.18.0.0/15 is for benchmarks (RFC 2544): nobody's public addresses.
const FIRST: u32 = 0xc612_0000;

/// `AllocateAddress`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllocateAddress {
    pub tags: BTreeMap<String, String>,
}

/// `DescribeAddresses`: it knows no pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadAddresses {
    /// Allocation ids, and filters.
    pub read: Read,
    pub public_ips: Vec<String>,
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressView {
    pub allocation: String,
    pub public_ip: Ipv4Addr,
    /// The association and the private address it leads to, if it is in use.
    pub used: Option<(String, Ipv4Addr)>,
    pub tags: TagMap,
}

/// By the number of the allocation.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Addresses {
    made: u32,
    /// Who uses it: the number of the association, and the private address.
    all: BTreeMap<u32, Option<(u64, Ipv4Addr)>>,
}

impl Addresses {
    pub(super) fn public_ip(number: u32) -> Ipv4Addr {
        Ipv4Addr::from(FIRST.wrapping_add(number))
    }

    pub(super) fn user(&mut self, number: u32) -> Option<&mut Option<(u64, Ipv4Addr)>> {
        self.all.get_mut(&number)
    }
}

enum Field<'a> {
    Allocation,
    Association,
    PublicIp,
    PrivateIp,
    Domain,
    Tag(&'a str),
}

impl Ec2 {
    pub(in super::super) fn allocate_address(&mut self, call: &AllocateAddress) -> Result<Answer, ApiError> {
        check_tags(&call.tags)?;
        if self.addresses.all.len() >= self.settings.ec2.limits.elastic_ips as usize {
            return Err(ApiError::new(
                Code::AddressLimitExceeded,
                "The maximum number of addresses has been reached.",
            ));
        }
        let number = self.addresses.made;
        self.addresses.made += 1;
        self.addresses.all.insert(number, None);
        let allocation = self.names.name(Kind::Allocation, u64::from(number));
        self.tag(&allocation, &call.tags);
        Ok(Answer::Allocated { allocation, public_ip: Addresses::public_ip(number) })
    }

    pub(in super::super) fn release_address(&mut self, allocation: &str) -> Result<Answer, ApiError> {
        let number = self.allocated(allocation)?;
        if self.addresses.all.get(&number).is_some_and(Option::is_some) {
            let message = format!("Address {} is in use.", Addresses::public_ip(number));
            return Err(ApiError::new(Code::InvalidIpAddressInUse, message));
        }
        self.addresses.all.remove(&number);
        Ok(Answer::Done(Action::ReleaseAddress))
    }

    pub(in super::super) fn describe_addresses(&self, call: &ReadAddresses) -> Result<Answer, ApiError> {
        let filters = known(&call.read.filters, |name| {
            Some(match name {
                "allocation-id" => Field::Allocation,
                "association-id" => Field::Association,
                "public-ip" => Field::PublicIp,
                "private-ip-address" => Field::PrivateIp,
                "domain" => Field::Domain,
                _ => Field::Tag(name.strip_prefix("tag:")?),
            })
        })?;
        for id in &call.read.ids {
            self.allocated(id)?;
        }
        let views: Vec<AddressView> =
            self.addresses.all.iter().map(|(n, used)| self.address(*n, *used)).collect();
        let has = |ip: &String| views.iter().any(|v| v.public_ip.to_string() == *ip);
        if let Some(unknown) = call.public_ips.iter().find(|ip| !has(ip)) {
            let message = format!("Address '{unknown}' not found.");
            return Err(ApiError::new(Code::InvalidAddressNotFound, message));
        }
        let wanted = |view: &AddressView| {
            let by_id = call.read.ids.is_empty() || call.read.ids.contains(&view.allocation);
            by_id && (call.public_ips.is_empty() || call.public_ips.contains(&view.public_ip.to_string()))
        };
        let fits = |view: &AddressView| {
            all_match(&filters, |field, test| match field {
                Field::Allocation => test(&view.allocation),
                Field::Association => view.used.as_ref().is_some_and(|(id, _)| test(id)),
                Field::PublicIp => test(&view.public_ip.to_string()),
                Field::PrivateIp => view.used.as_ref().is_some_and(|(_, ip)| test(&ip.to_string())),
                Field::Domain => test("vpc"),
                Field::Tag(key) => view.tags.get(*key).is_some_and(|v| test(v)),
            })
        };
        Ok(Answer::Addresses(views.iter().filter(|v| wanted(v) && fits(v)).cloned().collect()))
    }

    fn address(&self, number: u32, used: Option<(u64, Ipv4Addr)>) -> AddressView {
        let allocation = self.names.name(Kind::Allocation, u64::from(number));
        AddressView {
            public_ip: Addresses::public_ip(number),
            used: used.map(|(association, ip)| (self.names.name(Kind::Association, association), ip)),
            tags: self.tags.of(&allocation),
            allocation,
        }
    }

    /// The number of an allocation that is there.
    ///
    /// # Errors
    /// InvalidAllocationID.NotFound.
    pub(super) fn allocated(&self, id: &str) -> Result<u32, ApiError> {
        let number = self.names.number(Kind::Allocation, id).and_then(|n| u32::try_from(n).ok());
        number.filter(|n| self.addresses.all.contains_key(n)).ok_or_else(|| {
            let message = format!("The allocation ID '{id}' does not exist");
            ApiError::new(Code::InvalidAllocationIdNotFound, message)
        })
    }

    /// Is there an allocation of this id?
    pub(in super::super) fn is_allocation(&self, id: &str) -> bool {
        self.allocated(id).is_ok()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::call::{Call, Filter};
    use super::super::super::testing::*;
    use super::*;

    /// Allocates an address and returns its id.
    pub(in super::super) fn allocated(model: &mut Model) -> String {
        let reply = model.ask(&Call::AllocateAddress(AllocateAddress::default()), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Allocated { allocation, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        allocation
    }

    fn found(model: &mut Model, read: Read) -> Vec<String> {
        let call = Call::DescribeAddresses(ReadAddresses { read, public_ips: Vec::new() });
        let reply = model.ask(&call, 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Addresses(all))) = reply.outcome else {
            panic!("{reply:?}")
        };
        all.into_iter().map(|a| a.public_ip.to_string()).collect()
    }

    #[test]
    fn five_are_allocated_and_one_released_makes_room() {
        let mut model = plain();
        let ids: Vec<String> = (0..5).map(|_| allocated(&mut model)).collect();
        let allocate = Call::AllocateAddress(AllocateAddress::default());
        assert_eq!(code(&model.ask(&allocate, 0)), "AddressLimitExceeded");
        let release = Call::ReleaseAddress { allocation: ids[1].clone() };
        assert_eq!(code(&model.ask(&release, 0)), "");
        assert_eq!(code(&model.ask(&release, 0)), "InvalidAllocationID.NotFound");
        assert_eq!(code(&model.ask(&allocate, 0)), "");
        let all = found(&mut model, Read::default());
        assert_eq!(all, ["198.18.0.0", "198.18.0.2", "198.18.0.3", "198.18.0.4", "198.18.0.5"]);
        let ids = vec![ids[2].clone()];
        assert_eq!(found(&mut model, Read { ids, ..Read::default() }), ["198.18.0.2"]);
        let filters = vec![Filter { name: "public-ip".into(), values: vec!["*.5".into()] }];
        assert_eq!(found(&mut model, Read { filters, ..Read::default() }), ["198.18.0.5"]);
    }
}
