//! Addresses of a NAT gateway: never one too many, and what is there at the end is what was there before.

use super::*;
use crate::decide::gateway::nat::{AddressState, NatSeen};
use crate::decide::gateway::testing::gateway;
use crate::decide::gateway::words::GatewayState;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall};
use crate::sim::model::ec2::call::{AllocateAddress, Answer, Call, Connectivity, CreateNat, Read};
use crate::sim::model::ec2::testing::A;
use crate::sim::model::elbv2;

/// Addresses: one before, and three of the pool of four.
const WANTED: u32 = 4;

/// A NAT gateway with one address, and who may be added to it; and another one that has one of those already.
struct Scene {
    gateway: String,
    other: String,
}

fn ask(model: &mut Model, call: Call, at: Time) -> Answer {
    let outcome = model.handle(&AnyCall::Ec2(call), at.0).outcome;
    let Outcome::Answer(AnyAnswer::Ec2(answer)) = outcome else { panic!("{outcome:?}") };
    answer
}

fn allocated(model: &mut Model, at: Time) -> String {
    let answer = ask(model, Call::AllocateAddress(AllocateAddress::default()), at);
    let Answer::Allocated { allocation, .. } = answer else { panic!("{answer:?}") };
    allocation
}

fn created(model: &mut Model, allocation: String, at: Time) -> String {
    let call = CreateNat {
        token: None,
        subnet: A.into(),
        connectivity: Connectivity::Public,
        allocations: vec![allocation],
        more_private: 0,
        tags: BTreeMap::new(),
    };
    let answer = ask(model, Call::CreateNatGateway(Box::new(call)), at);
    let Answer::NatCreated { view, .. } = answer else { panic!("{answer:?}") };
    view.id
}

/// `most`: addresses that a gateway may have.
fn world(seed: u64, most: u32) -> (World, Scene) {
    let mut dice = Dice::new(seed, 0x9a7);
    let mut model = elbv2::testing::model(|s| {
        s.ec2.limits.nat_public_addresses = most;
        s.ec2.limits.elastic_ips = 9;
        s.ec2.nat_address_ms = dice.between(1_000, 300_000);
    });
    let long_ago = START.minus(60 * MINUTE);
    let all: Vec<String> = (0..6).map(|_| allocated(&mut model, long_ago)).collect();
    let gateway_id = created(&mut model, all[0].clone(), long_ago);
    // Somebody has the first of the pool already.
    let other = created(&mut model, all[if seed.is_multiple_of(2) { 1 } else { 5 }].clone(), long_ago);
    let nat = Gateway { resource: gateway_id.clone(), pool: all[1..5].to_vec(), ..gateway("nat") };
    (World::new(model, dice, nat, WANTED), Scene { gateway: gateway_id, other })
}

fn seen(world: &mut World, id: &str) -> NatSeen {
    let read = Read { ids: vec![id.into()], ..Read::default() };
    let reply = world.model.handle(&AnyCall::Ec2(Call::DescribeNatGateways(read)), world.now.0);
    let answer = adapt::gateway::answer(reply.outcome).unwrap();
    let GatewaySeen::Nat(seen) = answer else { panic!("{answer:?}") };
    seen
}

/// How many came into effect, wholly or in part, and the kills.
fn judge(seeds: std::ops::Range<u64>, most: u32) -> (u32, u32) {
    let (mut reached, mut kills) = (0, 0);
    for seed in seeds {
        let (world, scene) = world(seed, most);
        let mut world = one(world, seed);
        let Some(row) = world.row().cloned() else { panic!("seed {seed}: never committed") };
        assert!(row.state.is_over(), "seed {seed}: {row:?}");
        for id in [&scene.gateway, &scene.other] {
            let left = seen(&mut world, id);
            assert_eq!(left.addresses.len(), 1, "seed {seed}: {row:?} {left:?}");
            assert_eq!(left.addresses[0].state, AddressState::Succeeded, "seed {seed}");
        }
        let most_at_once = world.most_addresses;
        assert!(most_at_once <= WANTED.min(most), "seed {seed}: {most_at_once} addresses: {row:?}");
        let whole = most >= WANTED;
        assert!(whole || row.in_effect < WANTED, "seed {seed}: {row:?}");
        let refused = row.state == GatewayState::Refused;
        assert!(!(refused && world.reached), "seed {seed}: {row:?}");
        reached += u32::from(world.reached);
        kills += world.kills;
    }
    (reached, kills)
}

#[test]
fn what_was_added_is_taken_off_and_never_one_too_many_whatever_is_lost_or_killed() {
    let (reached, kills) = judge(0..200, 8);
    assert!(reached >= 120, "{reached} of 200 came into effect");
    assert!(kills >= 100, "{kills} kills");
}

#[test]
fn what_the_quota_does_not_allow_is_left_out() {
    let (reached, _) = judge(200..260, 2);
    assert!(reached >= 30, "{reached} of 60 came into effect in part");
}
