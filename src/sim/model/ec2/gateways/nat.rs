//! NAT gateways (aws-facts 6.3): made, described, deleted. Their state is computed from the time.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::super::Ec2;
use super::super::call::{Answer, Read};
use super::super::error::{ApiError, Code};
use super::super::filter::{all_match, known};
use super::super::names::Kind;
use super::super::read::{cut, page};
use super::super::surroundings::VPC;
use super::super::tags::{TagMap, check_tags};
use super::super::tokens::TokenBook;
use super::nat_addresses::{NatAddress, NatAddressView};
use crate::decide::words::named;

/// How long a deleted one is still described: about an hour, as terminated instances are.
const SHOWN_MS: i64 = 3_600_000;

named! {
    pub enum Connectivity {
        Public = "public",
        Private = "private",
    }
}

named! {
    /// A NAT gateway's states, as far as the model goes: none of them fails.
    pub enum NatState {
        Pending = "pending",
        Available = "available",
        Deleting = "deleting",
        Deleted = "deleted",
    }
}

/// `CreateNatGateway`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateNat {
    pub token: Option<String>,
    pub subnet: String,
    pub connectivity: Connectivity,
    /// The first one, and the others.
    pub allocations: Vec<String>,
    /// Private addresses beside the first.
    pub more_private: u32,
    pub tags: BTreeMap<String, String>,
}

/// One NAT gateway as EC2 shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatView {
    pub id: String,
    pub state: NatState,
    pub subnet: String,
    pub connectivity: Connectivity,
    pub created_ms: i64,
    pub deleted_ms: Option<i64>,
    pub addresses: Vec<NatAddressView>,
    pub tags: TagMap,
}

#[derive(Clone, Debug)]
pub(super) struct Nat {
    pub(super) subnet: String,
    pub(super) connectivity: Connectivity,
    created_ms: i64,
    pub(super) deleted_ms: Option<i64>,
    pub(super) addresses: Vec<NatAddress>,
}

/// Every NAT gateway that was ever made.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Nats {
    pub(super) all: Vec<Nat>,
    pub(super) associations: u64,
    tokens: TokenBook<CreateNat, usize>,
}

impl Nats {
    /// Those that count toward the network's addresses.
    pub(in super::super) fn live(&self) -> u32 {
        let live = self.all.iter().filter(|n| n.deleted_ms.is_none()).count();
        u32::try_from(live).unwrap_or(u32::MAX)
    }
}

enum Field<'a> {
    Id,
    State,
    Subnet,
    Vpc,
    Tag(&'a str),
}

impl Ec2 {
    pub(in super::super) fn create_nat_gateway(
        &mut self,
        call: &CreateNat,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_tags(&call.tags)?;
        let index = match self.nats.tokens.earlier(call.token.as_deref(), call)? {
            Some(index) => index,
            None => self.new_nat(call, now_ms)?,
        };
        let view = self.nat_view(index, now_ms).ok_or_else(|| self.no_nat(index))?;
        Ok(Answer::NatCreated { token: call.token.clone(), view: Box::new(view) })
    }

    fn new_nat(&mut self, call: &CreateNat, now_ms: i64) -> Result<usize, ApiError> {
        let limits = self.settings.ec2.limits.clone();
        let subnet = self.network.subnet(&call.subnet).ok_or_else(|| {
            let message = format!("The subnet ID '{}' does not exist", call.subnet);
            ApiError::new(Code::InvalidSubnetIdNotFound, message)
        })?;
        let zone = subnet.settings.zone.clone();
        let zone_of = |nat: &Nat| self.network.subnet(&nat.subnet).map(|s| s.settings.zone.as_str());
        let here =
            self.nats.all.iter().filter(|n| n.deleted_ms.is_none() && zone_of(n) == Some(&zone)).count();
        if here >= limits.nat_gateways_per_zone as usize {
            let message = format!("The maximum number of NAT gateways has been reached in {zone}.");
            return Err(ApiError::new(Code::NatGatewayLimitExceeded, message));
        }
        let count = match call.connectivity {
            Connectivity::Public if call.allocations.is_empty() => {
                return Err(ApiError::missing("AllocationId"));
            }
            Connectivity::Private if !call.allocations.is_empty() => {
                let message = "An allocation ID cannot be given for a private NAT gateway";
                return Err(ApiError::new(Code::InvalidParameterCombination, message));
            }
            Connectivity::Public => u32::try_from(call.allocations.len()).unwrap_or(u32::MAX),
            Connectivity::Private => call.more_private.saturating_add(1),
        };
        self.check_nat_addresses(call.connectivity, 0, count)?;
        self.check_unused(&call.allocations)?;
        let index = self.nats.all.len();
        self.nats.all.push(Nat {
            subnet: call.subnet.clone(),
            connectivity: call.connectivity,
            created_ms: now_ms,
            deleted_ms: None,
            addresses: Vec::new(),
        });
        if let Err(error) = self.give_addresses(index, &call.allocations, count, now_ms) {
            self.nats.all.pop();
            return Err(error);
        }
        self.tag(&self.nat_id(index), &call.tags);
        self.nats.tokens.remember(call.token.as_deref(), call, index);
        Ok(index)
    }

    /// Its addresses are free at once, as far as allocations go.
    pub(in super::super) fn delete_nat_gateway(&mut self, id: &str, now_ms: i64) -> Result<Answer, ApiError> {
        let index = self.nat_index(id, now_ms)?;
        self.take_addresses_back(index);
        if let Some(nat) = self.nats.all.get_mut(index) {
            nat.deleted_ms.get_or_insert(now_ms);
        }
        Ok(Answer::NatDeleted(id.into()))
    }

    pub(in super::super) fn describe_nat_gateways(
        &self,
        read: &Read,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let page = page(read)?;
        let filters = known(&read.filters, |name| {
            Some(match name {
                "nat-gateway-id" => Field::Id,
                "state" => Field::State,
                "subnet-id" => Field::Subnet,
                "vpc-id" => Field::Vpc,
                _ => Field::Tag(name.strip_prefix("tag:")?),
            })
        })?;
        let mut wanted: Vec<usize> =
            read.ids.iter().map(|id| self.nat_index(id, now_ms)).collect::<Result<_, _>>()?;
        if read.ids.is_empty() {
            wanted.extend(0..self.nats.all.len());
        }
        let views = wanted.into_iter().filter_map(|index| self.nat_view(index, now_ms));
        let fits = |view: &NatView| {
            all_match(&filters, |field, test| match field {
                Field::Id => test(&view.id),
                Field::State => test(view.state.as_str()),
                Field::Subnet => test(&view.subnet),
                Field::Vpc => test(VPC),
                Field::Tag(key) => view.tags.get(*key).is_some_and(|v| test(v)),
            })
        };
        let (gateways, next_token) = cut((0..).zip(views).filter(|(_, v)| fits(v)), page);
        Ok(Answer::Nats { gateways, next_token })
    }

    pub(super) fn nat_state(&self, nat: &Nat, now_ms: i64) -> NatState {
        let takes_ms = i64::from(self.settings.ec2.nat_gateway_ms);
        match nat.deleted_ms {
            Some(at) if at + takes_ms <= now_ms => NatState::Deleted,
            Some(_) => NatState::Deleting,
            None if nat.created_ms + takes_ms <= now_ms => NatState::Available,
            None => NatState::Pending,
        }
    }

    /// None when it is forgotten.
    fn nat_view(&self, index: usize, now_ms: i64) -> Option<NatView> {
        let nat = self.nats.all.get(index)?;
        if nat.deleted_ms.is_some_and(|at| at + SHOWN_MS <= now_ms) {
            return None;
        }
        let id = self.nat_id(index);
        Some(NatView {
            state: self.nat_state(nat, now_ms),
            subnet: nat.subnet.clone(),
            connectivity: nat.connectivity,
            created_ms: nat.created_ms,
            deleted_ms: nat.deleted_ms,
            addresses: self.nat_addresses(index, now_ms),
            tags: self.tags.of(&id),
            id,
        })
    }

    pub(super) fn nat_id(&self, index: usize) -> String {
        self.names.name(Kind::NatGateway, index as u64)
    }

    /// # Errors
    /// `NatGatewayNotFound`.
    pub(super) fn nat_index(&self, id: &str, now_ms: i64) -> Result<usize, ApiError> {
        let index = self.names.number(Kind::NatGateway, id).and_then(|n| usize::try_from(n).ok());
        let known = index.filter(|index| self.nat_view(*index, now_ms).is_some());
        known.ok_or_else(|| ApiError::new(Code::NatGatewayNotFound, format!("NatGateway {id} was not found")))
    }

    fn no_nat(&self, index: usize) -> ApiError {
        ApiError::new(Code::NatGatewayNotFound, format!("NatGateway {} was not found", self.nat_id(index)))
    }

    /// Was there ever a gateway of this id?
    pub(in super::super) fn is_nat(&self, id: &str) -> bool {
        self.names.number(Kind::NatGateway, id).is_some_and(|n| n < self.nats.all.len() as u64)
    }
}

/// The private address of a network interface that is nobody's instance.
pub(super) type PrivateIp = Ipv4Addr;

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::call::{Call, Filter};
    use super::super::super::testing::*;
    use super::super::addresses::tests::allocated;
    use super::*;

    pub(in super::super) fn public(allocations: Vec<String>) -> CreateNat {
        CreateNat {
            token: None,
            subnet: A.into(),
            connectivity: Connectivity::Public,
            allocations,
            more_private: 0,
            tags: BTreeMap::new(),
        }
    }

    pub(in super::super) fn private(subnet: &str, more_private: u32) -> CreateNat {
        CreateNat {
            subnet: subnet.into(),
            connectivity: Connectivity::Private,
            more_private,
            ..public(Vec::new())
        }
    }

    pub(in super::super) fn made(model: &mut Model, call: &CreateNat) -> String {
        let reply = model.ask(&Call::CreateNatGateway(Box::new(call.clone())), 0);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::NatCreated { view, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        view.id
    }

    pub(in super::super) fn seen(model: &mut Model, id: &str, now: i64) -> NatView {
        let read = Read { ids: vec![id.into()], ..Read::default() };
        let reply = model.ask(&Call::DescribeNatGateways(read), now);
        let Outcome::Answer(AnyAnswer::Ec2(Answer::Nats { gateways, .. })) = reply.outcome else {
            panic!("{reply:?}")
        };
        gateways[0].clone()
    }

    #[test]
    fn it_becomes_available_and_is_deleted_in_time() {
        let mut model = plain();
        let allocation = allocated(&mut model);
        let id = made(&mut model, &public(vec![allocation.clone()]));
        assert_eq!(seen(&mut model, &id, 59_999).state, NatState::Pending);
        assert_eq!(seen(&mut model, &id, 60_000).state, NatState::Available);
        let release = Call::ReleaseAddress { allocation };
        assert_eq!(code(&model.ask(&release, 60_000)), "InvalidIPAddress.InUse");
        let delete = Call::DeleteNatGateway { id: id.clone() };
        assert_eq!(code(&model.ask(&delete, 100_000)), "");
        assert_eq!(seen(&mut model, &id, 100_000).state, NatState::Deleting);
        assert_eq!(seen(&mut model, &id, 160_000).state, NatState::Deleted);
        assert_eq!(code(&model.ask(&release, 160_000)), "");
        assert_eq!(code(&model.ask(&delete, 3_700_000)), "NatGatewayNotFound");
    }

    #[test]
    fn five_fit_into_a_zone() {
        let mut model = plain();
        for _ in 0..5 {
            made(&mut model, &private(A, 0));
        }
        let sixth = Call::CreateNatGateway(Box::new(private(A, 0)));
        assert_eq!(code(&model.ask(&sixth, 0)), "NatGatewayLimitExceeded");
        made(&mut model, &private(B, 0));
        let filters = vec![Filter { name: "subnet-id".into(), values: vec![B.into()] }];
        let reply = model.ask(&Call::DescribeNatGateways(Read { filters, ..Read::default() }), 0);
        assert!(format!("{reply:?}").matches("NatView").count() == 1);
    }

    #[test]
    fn a_token_makes_one_and_what_makes_no_sense_is_refused() {
        let mut model = plain();
        let allocation = allocated(&mut model);
        let call = CreateNat { token: Some("t".into()), ..public(vec![allocation.clone()]) };
        assert_eq!(made(&mut model, &call), made(&mut model, &call));
        for (call, expected) in [
            (public(vec![allocation.clone()]), "Resource.AlreadyAssociated"),
            (public(Vec::new()), "MissingParameter"),
            (public(vec!["eipalloc-0".into()]), "InvalidAllocationID.NotFound"),
            (CreateNat { subnet: "subnet-9".into(), ..private(A, 0) }, "InvalidSubnetID.NotFound"),
            (CreateNat { allocations: vec![allocation], ..private(A, 0) }, "InvalidParameterCombination"),
            (private(A, 8), "AddressLimitExceeded"),
        ] {
            let reply = model.ask(&Call::CreateNatGateway(Box::new(call)), 0);
            assert_eq!(code(&reply), expected);
        }
    }
}
