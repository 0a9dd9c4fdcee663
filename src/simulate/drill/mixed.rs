//! The swarm: each seed draws its own world, its own faults and its own requests.

use std::time::Duration;

use crate::decide::budget::api::{ApiLimits, LOOKS_AT_ONCE};
use crate::decide::budget::bucket::Rate;
use crate::decide::group::Canary;
use crate::decide::quarantine::words::TAGS_AT_ONCE;
use crate::decide::words::Api;
use crate::sim::settings::{BucketSettings, Buckets, Faults, Latency, PoolCapacity, Range, Settings, Spread};

use super::super::dice::Dice;
use super::super::host::IDLE_DESCRIPTORS;
use super::super::network::Network;
use super::super::plan::{Asked, Cancelled, Kills, Pause, Plan};
use super::super::world::World;
use super::{Drill, Figure, Ran, base};

pub(super) const MIXED: Drill = Drill {
    name: "mixed",
    about: "the swarm: every seed draws its own faults, sizes, limits and boots; then everything heals and must settle",
    plans,
    each: |_: &str, _: &World| Vec::new(),
    all: |_: &[Ran]| Vec::<Figure>::new(),
    not_run: &[],
};

/// One seed in so many runs on the real store.
const REAL_STORE_EVERY: u64 = 20;

/// One seed in so many has a picture of the account.
const LOOKS_EVERY: u64 = 4;

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let mut d = Dice::new(seed, 9);
    let faults_for_ms = d.between(60, 900) * 1_000;
    let aws = aws(&mut d);
    let mut plan = Plan { aws, ..base::plan(seed) };
    plan.groups = groups(&mut d, &plan.aws);
    // In a quarter of the seeds AWS is looked at too, and requests are held against what it shows.
    plan.core.look_every = seed.is_multiple_of(LOOKS_EVERY).then_some(Duration::from_secs(60));
    plan.proven = d.chance(50.0);
    plan.asks = asks(&mut d, &plan, faults_for_ms);
    let cancels = if d.chance(30.0) { d.between(1, 2) } else { 0 };
    plan.cancels = (0..cancels)
        .map(|_| {
            let most = u32::try_from(plan.asks.len()).unwrap_or(1) - 1;
            Cancelled { at_ms: d.between(0, faults_for_ms), ask: d.between(0, most) as usize }
        })
        .collect();
    plan.kills = kills(&mut d);
    let pauses = if d.chance(25.0) { d.between(1, 3) } else { 0 };
    plan.pauses = (0..pauses)
        .map(|_| Pause { at_ms: d.between(0, faults_for_ms), for_ms: d.between(100, 120_000) })
        .collect();
    plan.network = network(&mut d);
    plan.commit = Range { min_ms: 1, max_ms: d.of(&[2, 8, 100]) };
    plan.stalls = d.of(&[0.0, 0.0, 1.0]);
    plan.heal_at_ms = faults_for_ms;
    // An hour for each 3,600 of wanted instances, and two for the rest.
    let wanted: u32 = plan.asks.iter().map(|a| a.count).sum();
    plan.settled_by_ms = faults_for_ms + 7_200_000 + wanted * 1_000;
    plan.real_store = seed.is_multiple_of(REAL_STORE_EVERY);
    core(&mut d, &mut plan);
    plan.orders = base::zone_orders(seed, &plan, 25.0);
    base::keep_broken(seed, &mut plan, 25.0);
    base::keep_reserve(seed, &mut plan, 40.0);
    vec![("", plan)]
}

fn aws(d: &mut Dice) -> Settings {
    let faults = Faults {
        throttle: d.of(&[0.0, 0.0, 10.0, 50.0, 80.0]),
        lost_replies: d.of(&[0.0, 5.0, 20.0, 50.0]),
        lost_replies_before: d.of(&[0.0, 5.0, 20.0]),
        errors: d.of(&[0.0, 0.0, 5.0, 30.0]),
    };
    let instances = BucketSettings {
        start: d.of(&[None, None, Some(0.0), Some(100.0)]),
        ..BucketSettings::full(1_000.0, 2.0)
    };
    let boot = d.of(&[2_000, 26_000, 60_000]);
    let mut aws = Settings {
        broken: d.of(&[0.0, 0.0, 3.0, 10.0, 30.0, 60.0]),
        faults,
        boot: Spread { median_ms: boot, p99_ms: boot * d.between(2, 4) },
        configure: Spread { median_ms: 10_000, p99_ms: d.of(&[20_000, 60_000]) },
        visible_after: Range { min_ms: 0, max_ms: d.of(&[0, 2_000, 20_000]) },
        shutdown: Range { min_ms: 1_000, max_ms: d.of(&[2_000, 8_000, 120_000]) },
        buckets: Buckets { run_instances_resource: instances, ..Buckets::default() },
        latency: d.of(&[Latency::NONE, Latency::default(), Latency::default()]),
        ..Settings::default()
    };
    if d.chance(20.0) {
        let zone = aws.subnets[d.between(0, 2) as usize].zone.clone();
        aws.capacity = vec![PoolCapacity { zone, instance_type: None, instances: d.of(&[0, 1, 20]) }];
    }
    if d.chance(10.0) {
        aws.vcpu_quota = Some(d.between(2, 200));
    }
    aws.switches.repeats_spend_tokens = d.chance(50.0);
    aws.switches.charged_for_max_count = d.chance(50.0);
    aws.switches.limits_cut_the_count = d.chance(50.0);
    aws
}

fn groups(d: &mut Dice, aws: &Settings) -> Vec<crate::decide::group::Group> {
    (0..d.of(&[1, 1, 2, 3]))
        .map(|i| {
            let max = d.of(&[10, 40, 100, 300]);
            let mut group = base::group(&format!("g{i}"), aws, max);
            group.launch.batch = d.of(&[1, 7, 100, 1_000]);
            group.priority = u8::try_from(d.between(0, 9)).unwrap_or(0);
            group.canary = Canary { size: d.of(&[0, 1, 10]) };
            group.passes = u8::try_from(d.between(1, 3)).unwrap_or(1);
            group.contact_every = Duration::from_secs(u64::from(d.between(1, 10)));
            group
        })
        .collect()
}

/// Requests that fit, most of the time.
fn asks(d: &mut Dice, plan: &Plan, faults_for_ms: u32) -> Vec<Asked> {
    (0..d.between(1, 5))
        .map(|_| {
            let most = u32::try_from(plan.groups.len()).unwrap_or(1) - 1;
            let group = d.between(0, most) as usize;
            let room = plan.groups[group].max;
            let count = d.of(&[1, room / 4, room / 2, room]).max(1);
            let at_ms = d.between(0, faults_for_ms / 2);
            let by_ms = d.chance(15.0).then(|| at_ms + d.between(1_000, 600_000));
            Asked { at_ms, group, count, by_ms }
        })
        .collect()
}

fn kills(d: &mut Dice) -> Kills {
    Kills { per_step: d.of(&[0.0, 0.0, 0.1, 1.0, 5.0]), ..Kills::default() }
}

fn network(d: &mut Dice) -> Network {
    let lossy = Network { round_trip: Spread { median_ms: 300, p99_ms: 3_000 }, loss: 2.0 };
    let broken = Network { round_trip: Spread { median_ms: 300, p99_ms: 3_000 }, loss: 15.0 };
    d.of(&[Network::QUIET, Network::QUIET, lossy, broken])
}

/// What muster believes need not be what is.
fn core(d: &mut Dice, plan: &mut Plan) {
    plan.core.contacts = d.of(&[4, 16, 48]);
    let lanes = [&plan.core.run_instances, &plan.core.describe_instances, &plan.core.terminate_instances];
    let calls: u32 = lanes.iter().map(|api| api.in_flight).sum();
    plan.descriptors = IDLE_DESCRIPTORS + plan.core.contacts + calls + LOOKS_AT_ONCE + TAGS_AT_ONCE;
    if d.chance(20.0) {
        let rate = |burst, refill| Rate { burst, refill };
        plan.core.run_instances = ApiLimits {
            requests: rate(d.of(&[2, 5, 20]), 2.0),
            instances: Some(rate(d.of(&[100, 1_000, 5_000]), 2.0)),
            ..ApiLimits::published(Api::RunInstances)
        };
    }
}
