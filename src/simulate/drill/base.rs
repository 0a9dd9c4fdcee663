//! What the drills have in common: an account, a group, a quiet world.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decide;
use crate::decide::group::{
    Bounds, Breaker, Canary, Configure, Group, LaunchSpec, Launches, Pool, Probe, ProbeKind, Watchdogs,
};
use crate::decide::guard::valve::ValveSpec;
use crate::decide::guard::zones::Weigh;
use crate::decide::order::Order;
use crate::decide::quarantine::words::{Keeping, Purpose, QuarantineSpec, QuarantineState, ReserveSpec};
use crate::sim::fate::Broken;
use crate::sim::model::call::Call as AnyCall;
use crate::sim::model::ec2::call::Call as Ec2Call;
use crate::sim::settings::{Range, Settings};

use super::super::dice::Dice;
use super::super::network::Network;
use super::super::plan::{Asked, Kills, Plan, Provisioner};
use super::super::world::World;

/// The drill's number of servers.
pub const MANY: u32 = 1_200;
/// Descriptors that muster may use at most (D1).
pub const DESCRIPTORS: u32 = 128;

/// 1,200 at once of a version that is proven, in a world where nothing goes wrong.
pub fn plan(seed: u64) -> Plan {
    let aws = Settings::default();
    Plan {
        seed,
        core: decide::Settings::default(),
        groups: vec![group("web", &aws, MANY)],
        aws,
        proven: true,
        network: Network::QUIET,
        call_timeout_ms: 30_000,
        commit: Range { min_ms: 1, max_ms: 8 },
        stalls: 0.0,
        asks: vec![Asked { at_ms: 0, group: 0, count: MANY, by_ms: None }],
        emergencies: Vec::new(),
        alarms: Vec::new(),
        scale_ins: Vec::new(),
        idle: Vec::new(),
        reports: Vec::new(),
        watch_from_ms: None,
        lasts_ms: 0,
        terminate_hooks: false,
        launch_hooks: true,
        cancels: Vec::new(),
        deeds: Vec::new(),
        orders: Vec::new(),
        changes: Vec::new(),
        kills: Kills::default(),
        pauses: Vec::new(),
        restart: Range { min_ms: 100, max_ms: 1_000 },
        heal_at_ms: 0,
        settled_by_ms: 7_200_000,
        descriptors: DESCRIPTORS,
        real_store: false,
        provisioner: Provisioner::Muster,
        gentle: false,
        watch_eta: false,
        mutant: None,
    }
}

/// In a share of the seeds an operator drains a zone and, in half of those, gives it back, in part or whole. With
/// dice of its own, so that nothing else moves.
pub fn zone_orders(seed: u64, plan: &Plan, percent_of_seeds: f64) -> Vec<(u32, Order)> {
    let mut d = Dice::new(seed, 21);
    if !d.chance(percent_of_seeds) {
        return Vec::new();
    }
    let zone = plan.aws.subnets[d.between(0, 2) as usize].zone.clone();
    let group = d.chance(50.0).then(|| plan.groups[0].name.clone());
    let order = |percent| {
        let (group, zone) = (group.clone(), zone.clone());
        Order::Weigh(Weigh { group, zone, percent, reason: "simulated".into() })
    };
    let at_ms = d.between(0, plan.heal_at_ms / 2);
    let mut orders = vec![(at_ms, order(Some(0)))];
    if d.chance(50.0) {
        let percent = d.of(&[None, Some(1), Some(50), Some(100)]);
        orders.push((at_ms + d.between(10_000, plan.heal_at_ms), order(percent)));
    }
    orders
}

/// In a share of the seeds broken instances are kept in quarantine for a while. With dice of its own, so that
/// nothing else moves.
pub fn keep_broken(seed: u64, plan: &mut Plan, percent_of_seeds: f64) {
    let mut d = Dice::new(seed, 41);
    if !d.chance(percent_of_seeds) {
        return;
    }
    for group in &mut plan.groups {
        group.quarantine = Some(QuarantineSpec {
            max: d.between(1, 5),
            how: d.of(&[Keeping::Standby, Keeping::Detach]),
            keep_for: Duration::from_secs(d.of(&[30, 300, 1_800])),
        });
    }
    // Without a launch hook nobody tells of what a group launches for others, or in the place of one that died: only
    // what we ask for is looked after, and nobody dies.
    if d.chance(30.0) && !plan.asks.is_empty() {
        plan.launch_hooks = false;
        plan.alarms.clear();
        plan.aws.autoscaling.switches.rebalances = false;
        plan.aws.ways.weights = [(Broken::Hangs, 1.0), (Broken::NeverReady, 1.0)].into();
        for asg in plan.groups.iter_mut().filter_map(|g| g.asg.as_mut()) {
            asg.launches = Launches::Instances;
        }
    }
}

/// In a share of the seeds groups keep a reserve, half of the requests are emergencies, and somebody ends instances that
/// are in reserve. With dice of its own, so that nothing else moves.
pub fn keep_reserve(seed: u64, plan: &mut Plan, percent_of_seeds: f64) {
    let mut d = Dice::new(seed, 51);
    if !d.chance(percent_of_seeds) {
        return;
    }
    for group in &mut plan.groups {
        let most = (group.max / 4).max(1);
        group.reserve = d.chance(80.0).then(|| ReserveSpec { size: d.between(1, most) });
    }
    plan.emergencies = (0..plan.asks.len()).filter(|_| d.chance(50.0)).collect();
    let rots = if d.chance(60.0) { d.between(1, 4) } else { 0 };
    for _ in 0..rots {
        plan.deeds.push((d.between(60_000, plan.heal_at_ms), one_in_two_rots));
    }
    // What is asked for later finds something in reserve.
    for asked in &mut plan.asks {
        if d.chance(50.0) {
            let later_ms = d.between(0, plan.heal_at_ms);
            (asked.at_ms, asked.by_ms) = (asked.at_ms + later_ms, asked.by_ms.map(|by| by + later_ms));
        }
    }
}

/// Somebody ends every second one that is in reserve.
fn one_in_two_rots(world: &mut World) {
    let kept = world.books.quarantine.values();
    let kept = kept.filter(|q| q.purpose == Purpose::Reserve && q.state == QuarantineState::Kept);
    for id in kept.map(|q| q.id.to_string()).step_by(2).collect::<Vec<_>>() {
        world.outsider(&AnyCall::Ec2(Ec2Call::TerminateInstances { ids: vec![id] }));
    }
}

/// A group as muster's own example configures it, in all of the account's subnets.
pub fn group(name: &str, aws: &Settings, max: u32) -> Group {
    let pool = |s: &crate::sim::settings::SubnetSettings| Pool {
        subnet: s.id.clone(),
        zone: s.zone.clone(),
        weight: 100,
    };
    Group {
        name: name.into(),
        max,
        priority: 5,
        launch: LaunchSpec {
            image: Some("ami-0123456789abcdef0".into()),
            instance_type: "m5.large".into(),
            template: None,
            pools: aws.subnets.iter().map(pool).collect(),
            security_groups: Vec::new(),
            key_name: None,
            instance_profile: None,
            user_data: None,
            tags: BTreeMap::new(),
            batch: 100,
        },
        asg: None,
        version: format!("{name:0>16}"),
        configure: Some(Configure {
            method: "PUT".into(),
            port: 80,
            path: "/configure".into(),
            body: String::new(),
            expect: vec![200],
            timeout: Duration::from_secs(5),
        }),
        probes: vec![Probe {
            kind: ProbeKind::Http { path: "/health".into(), expect: vec![200] },
            port: 80,
            timeout: Duration::from_secs(5),
        }],
        passes: 2,
        contact_every: Duration::from_secs(3),
        watchdogs: Watchdogs::default(),
        canary: Canary::default(),
        breaker: Breaker::default(),
        valve: ValveSpec::default(),
        floor: 0,
        signals: Vec::new(),
        quarantine: None,
        reserve: None,
        bounds: Bounds::default(),
    }
}
