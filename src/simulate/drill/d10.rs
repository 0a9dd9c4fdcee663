//! D10, engineers logged in: 20 held hosts, at which everything is aimed that ends instances.

use std::time::Duration;

use crate::decide::guard::freeze::FreezeAsk;
use crate::decide::guard::hold::{EndAsk, HoldAsk};
use crate::decide::guard::lease::HoldWay;
use crate::decide::order::Order;
use crate::decide::words::{Ec2Id, Phase, Time};
use crate::engine::crash::CrashPoint;
use crate::sim::model::Change;
use crate::sim::model::autoscaling::Adjustment;
use crate::sim::model::autoscaling::call::{Call, Members, TerminateInstances};
use crate::sim::model::autoscaling::words::{HealthStatus, LifecycleState, Process};
use crate::sim::model::call::Call as AnyCall;
use crate::sim::model::ec2::attribute::ModifyAttribute;
use crate::sim::model::ec2::call::Call as Ec2Call;
use crate::sim::settings::{Faults, Settings};

use super::super::dice::Dice;
use super::super::plan::{Alarm, Asked, Cancelled, Deed, Kills, Plan, START};
use super::super::world::World;
use super::{Drill, Figure, base, hooks, quantile, seconds};

pub(super) const D10: Drill = Drill {
    name: "D10",
    about: "20 held hosts, in service and on their way; scale-in, health replacement, terminate calls and muster's own \
            removals are aimed at them; every call fails for 60 s; processes die",
    plans,
    each,
    all: |_| Vec::new(),
    not_run: &["removal of instances in service by muster itself: it has no way to yet"],
};

/// In service by then.
const SETTLED_MS: u32 = 250_000;
const HOLD_MS: u32 = 300_000;
/// Holds end then.
const END_MS: u32 = 900_000;
/// All calls fail: the session's heartbeat is lost with them.
const OUTAGE_MS: (u32, u32) = (330_000, 390_000);
/// From asked to in force. Where every second call is throttled at random, the two in a row that each of 20
/// needs may take longer for one of them, by mere luck.
const IN_FORCE_S: f64 = 5.0;

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let mut d = Dice::new(seed, 10);
    let mut aws = Settings { broken: 10.0, ..Settings::default() };
    aws.delivery.lost = 20.0;
    aws.delivery.copies_max = 2;
    let base = base::plan(seed);
    let mut web = hooks::group(&aws, 300);
    web.max = 120;
    let asks = vec![
        Asked { at_ms: 0, group: 1, count: 10, by_ms: None },
        Asked { at_ms: HOLD_MS - 15_000, group: 1, count: 10, by_ms: None },
    ];
    let outage = Change { errors: Some(100.0), ..Change::default() };
    let over = Change { errors: Some(0.0), ..Change::default() };
    let deeds: Vec<(u32, Deed)> = vec![
        (SETTLED_MS, mark),
        (HOLD_MS, hold),
        (HOLD_MS + 10_000, attack),
        (HOLD_MS + 15_000, freeze),
        (HOLD_MS + 120_000, freeze_again),
        (HOLD_MS + 150_000, end_some),
        (END_MS - 60_000, attack),
    ];
    let plan = Plan {
        groups: vec![web, base::group("api", &aws, 40)],
        alarms: vec![
            Alarm { at_ms: 1_000, group: 0, by: 60 },
            Alarm { at_ms: HOLD_MS - 20_000, group: 0, by: 10 },
        ],
        asks,
        cancels: vec![Cancelled { at_ms: HOLD_MS + 12_000, ask: 1 }],
        terminate_hooks: true,
        changes: vec![(OUTAGE_MS.0, outage), (OUTAGE_MS.1, over)],
        deeds,
        heal_at_ms: END_MS + 100_000,
        settled_by_ms: END_MS + 7_200_000,
        aws: aws.clone(),
        ..base
    };
    let mut throttled = aws.clone();
    throttled.faults.throttle = 50.0;
    let mut lossy = aws;
    lossy.faults = Faults {
        throttle: d.of(&[0.0, 20.0, 50.0]),
        lost_replies: d.of(&[0.0, 5.0, 20.0]),
        lost_replies_before: d.of(&[0.0, 5.0]),
        errors: d.of(&[0.0, 5.0]),
    };
    // A restart within the first seconds of a hold, one before the end, and others where it falls.
    let at_ms = vec![HOLD_MS + d.between(0, 3_000), HOLD_MS + 70_000, END_MS + d.between(0, 2_000)];
    let step = (
        d.of(&[CrashPoint::BeforeGroupCall, CrashPoint::AfterGroupCall, CrashPoint::AfterCommit]),
        d.between(50, 2_000),
    );
    let kills = Kills { at_ms, per_step: d.of(&[0.0, 0.1, 1.0]), at_step: Some(step) };
    vec![
        ("clean", plan.clone()),
        ("throttled", Plan { aws: throttled, ..plan.clone() }),
        ("killed", Plan { aws: lossy, kills, ..plan }),
    ]
}

fn each(run: &str, world: &World) -> Vec<Figure> {
    let holds: Vec<(Time, Option<Time>)> = world
        .demands
        .iter()
        .filter_map(|d| {
            let Order::Hold(ask) = &d.order else { return None };
            Some((d.at, world.books.holds.get(&ask.id).and_then(|h| h.lease.in_force_at)))
        })
        .collect();
    let took = |(at, in_force): &(Time, Option<Time>)| in_force.map_or(f64::INFINITY, |f| seconds(f, *at));
    let longest = holds.iter().map(took).fold(0.0, f64::max);
    let number = f64::from(u32::try_from(holds.len()).unwrap_or(0));
    let mut figures = vec![Figure::at_most("hosts that are not held of 20", 20.0 - number, 0.0)];
    match run {
        "clean" => {
            figures.push(Figure::at_most("from asked to in force, the longest, s", longest, IN_FORCE_S));
        }
        "throttled" => {
            let all = holds.iter().map(took).collect();
            figures.push(Figure::at_most("from asked to in force, 95 %, s", quantile(all, 0.95), IN_FORCE_S));
            figures.push(Figure::at_most(
                "from asked to in force, the longest, s",
                longest,
                2.0 * IN_FORCE_S,
            ));
        }
        // A process that is dead puts nothing in force.
        _ => {}
    }
    figures
}

fn name(n: usize) -> String {
    format!("engineer-{}", n % 4)
}

/// Members of the group that serve, oldest first.
fn serving(world: &mut World) -> Vec<Ec2Id> {
    members(world, |state| state == LifecycleState::InService)
}

fn members(world: &mut World, fits: impl Fn(LifecycleState) -> bool) -> Vec<Ec2Id> {
    let groups = world.model.ledger(world.now.0).groups;
    let all = groups.into_iter().flat_map(|g| g.members).filter(|m| fits(m.state));
    all.filter_map(|m| m.id.parse().ok()).collect()
}

fn of_group(ids: &[Ec2Id]) -> Members {
    Members { group: "web-asg".into(), ids: ids.iter().map(ToString::to_string).collect() }
}

/// Somebody else has marked some of them before.
fn mark(world: &mut World) {
    let ids = serving(world);
    let some: Vec<Ec2Id> = ids.iter().copied().step_by(4).collect();
    world.outsider_of_groups(Call::SetInstanceProtection { members: of_group(&some), protected: true });
    for id in ids.iter().step_by(5) {
        let modify = ModifyAttribute { instance: id.to_string(), disable_api_termination: Some(true) };
        world.outsider(&AnyCall::Ec2(Ec2Call::ModifyInstanceAttribute(modify)));
    }
    let mut processes = vec![Process::AzRebalance];
    if world.plan.seed.is_multiple_of(3) {
        processes.push(Process::ReplaceUnhealthy);
    }
    world.outsider_of_groups(Call::SuspendProcesses { group: "web-asg".into(), processes });
}

/// 20 are held: 14 that serve, the rest on their way, in the group and in the plain fleet.
fn hold(world: &mut World) {
    let now = world.now;
    world.oracle.remember_marks(now, &mut world.model);
    let serving = serving(world);
    let mut ids: Vec<(Ec2Id, Option<String>)> = serving.iter().take(14).map(|id| (*id, None)).collect();
    // Muster may not have heard of these yet.
    let coming = members(world, |state| state == LifecycleState::PendingWait);
    ids.extend(coming.into_iter().take(3).map(|id| (id, Some("web".into()))));
    let coming = |p: Phase| matches!(p, Phase::Booting | Phase::Configuring | Phase::Verifying);
    let fleet = world.books.instances.values().filter(|row| row.group == "api" && coming(row.phase));
    ids.extend(fleet.filter_map(|row| Some((row.id?, None))).take(3));
    ids.extend(serving.iter().skip(14).map(|id| (*id, None)));
    ids.truncate(20);
    for (n, (id, group)) in ids.into_iter().enumerate() {
        world.demand(Order::Hold(HoldAsk {
            id: format!("hold-{n:02}"),
            instance: id,
            group,
            until: START.plus(Duration::from_millis(END_MS.into())),
            owner: name(n),
            reason: "logged in".into(),
            way: if n % 5 == 4 { HoldWay::Standby } else { HoldWay::Replacement },
        }));
    }
}

/// Everything that ends instances, aimed at those that are held.
fn attack(world: &mut World) {
    let held: Vec<Ec2Id> = world.books.holds.values().map(|h| h.instance).collect();
    for id in held.iter().take(10) {
        world.outsider_of_groups(Call::SetInstanceHealth {
            id: id.to_string(),
            status: HealthStatus::Unhealthy,
            respect_grace_period: false,
        });
    }
    for id in held.iter().skip(8).take(4) {
        world.outsider(&AnyCall::Ec2(Ec2Call::TerminateInstances { ids: vec![id.to_string()] }));
    }
    // The group obeys this one: what is left is its lifecycle action.
    if let Some(id) = held.get(12) {
        world.outsider_of_groups(Call::TerminateInstanceInAutoScalingGroup(TerminateInstances {
            group: Some("web-asg".into()),
            ids: vec![id.to_string()],
            single: false,
            decrement: true,
        }));
    }
    let now = world.now;
    // Suspended, it does nothing.
    let _ = world.model.alarm("web-asg", Adjustment::By(-35), now.0);
}

fn freeze(world: &mut World) {
    freeze_for(world, 0, Some("web"), 200_000);
}

/// Somebody else, for everything: it ends after the first.
fn freeze_again(world: &mut World) {
    freeze_for(world, 1, None, 150_000);
}

fn freeze_for(world: &mut World, n: usize, group: Option<&str>, for_ms: u32) {
    world.demand(Order::Freeze(FreezeAsk {
        id: format!("freeze-{n}"),
        group: group.map(String::from),
        until: world.in_ms(for_ms),
        owner: name(n),
        reason: "the metrics lie".into(),
    }));
}

/// One is released by whoever asked for it, one by somebody else, once with and once without the name of an
/// override.
fn end_some(world: &mut World) {
    for (n, by, overrides) in [(0, 0, false), (1, 2, false), (2, 3, true)] {
        world.demand(Order::Release(EndAsk { id: format!("hold-{n:02}"), by: name(by), overrides }));
    }
}
