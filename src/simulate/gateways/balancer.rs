//! Capacity of load balancers: what is reserved at the end is what was reserved before.

use super::*;
use crate::decide::gateway::balancer::SETTLED_AFTER;
use crate::decide::gateway::testing::gateway;
use crate::decide::gateway::words::GatewayState;
use crate::sim::model::elbv2::call::{Answer, Call, Kind, Reserve};
use crate::sim::model::elbv2::testing;
use crate::sim::settings::{PendingAs, ReservationOutcome};

const WANTED: u32 = 300;

/// A load balancer with so much reserved before, and its ARN.
fn world(seed: u64, outcome: ReservationOutcome, before: u32) -> (World, String) {
    let mut dice = Dice::new(seed, 0x6a7e);
    let mut model = testing::model(|s| {
        s.quotas.applied = [(crate::sim::model::quotas::ALB_UNITS.to_string(), 2_000.0)].into();
        s.elbv2.reservation = outcome;
        if dice.chance(25.0) {
            s.elbv2.reservation_in_zone.insert("us-east-1a".into(), ReservationOutcome::Failed);
        }
        s.elbv2.reset_is_a_decrease = dice.chance(50.0);
        if dice.chance(50.0) {
            s.elbv2.pending_as = PendingAs::CapacityReservationPending;
        }
    });
    let long_ago = START.minus(60 * MINUTE);
    let arn = testing::create_balancer(&mut model, "lb", Kind::Application, long_ago.0);
    if before > 0 {
        let change = Reserve::Units(before);
        let call = Call::ModifyCapacityReservation { arn: arn.clone(), change };
        testing::ask(&mut model, call, long_ago.0).unwrap();
    }
    let balancer = Gateway { resource: arn.clone(), ..gateway("lb") };
    (World::new(model, dice, balancer, WANTED), arn)
}

fn judge(seeds: std::ops::Range<u64>, outcome: ReservationOutcome) -> (u32, u32) {
    let (mut reached, mut kills) = (0, 0);
    for seed in seeds {
        let before = if seed.is_multiple_of(2) { 0 } else { 200 };
        let (world, arn) = world(seed, outcome, before);
        let mut world = one(world, seed);
        let Some(row) = world.row().cloned() else { panic!("seed {seed}: never committed") };
        assert!(row.state.is_over(), "seed {seed}: {row:?}");
        let look = Call::DescribeCapacityReservation { arn };
        let now = world.now.0;
        let Answer::CapacityReservation { reservation, .. } =
            testing::ask(&mut world.model, look, now).unwrap()
        else {
            panic!("seed {seed}: no reservation is shown")
        };
        let left = reservation.units.unwrap_or(0);
        assert_eq!(left, before, "seed {seed}: {row:?}");
        assert!(row.unanswered.is_none_or(|at| row.since >= at.plus(SETTLED_AFTER)), "seed {seed}: {row:?}");
        if outcome == ReservationOutcome::Failed && row.ended_by.is_none() {
            assert_ne!(row.state, GatewayState::Released, "seed {seed}: {row:?}");
        }
        reached += u32::from(world.reached);
        kills += world.kills;
    }
    (reached, kills)
}

#[test]
fn what_was_reserved_is_given_back_whatever_is_lost_or_killed() {
    let (reached, kills) = judge(0..300, ReservationOutcome::Provisioned);
    assert!(reached >= 200, "{reached} of 300 came into effect");
    assert!(kills >= 300, "{kills} kills");
    let (reached, _) = judge(300..400, ReservationOutcome::Rebalancing);
    assert!(reached >= 60, "{reached} of 100 came into effect");
}

#[test]
fn what_aws_does_not_have_leaves_nothing_behind() {
    assert_eq!(judge(400..500, ReservationOutcome::Failed).0, 0);
}
