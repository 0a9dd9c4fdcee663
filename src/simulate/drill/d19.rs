//! D19, gateway first: somebody asks half an hour ahead that a gateway be scaled, and is refused, gets half, or is
//! never answered. What is planned to go through it stays within 80 % of what is confirmed; what does not fit waits, is
//! alarmed about, and is launched when somebody lets it through by name.
//!
//! In even seeds the group is paced, in odd ones it waits until all of it fits.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::gateway::gate::{Gate, GateMode};
use crate::decide::gateway::gates::MUSTER;
use crate::decide::gateway::overrides::OverrideAsk;
use crate::decide::gateway::words::{Gateway, GatewayKind, GatewayRow};
use crate::decide::gateway::{ANSWER_WITHIN, ConfirmAsk, GatewayAsk};
use crate::decide::group::{Bounds, Group};
use crate::decide::order::Order;
use crate::decide::words::Time;
use crate::sim::Model;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::elbv2::call::{Answer, Call as Elbv2, CreateLoadBalancer, Kind};
use crate::sim::model::quotas::ALB_UNITS;
use crate::sim::settings::{Faults, ReservationOutcome, Settings};

use super::super::dice::Dice;
use super::super::plan::{Asked, Deed, Kills, Plan, START};
use super::super::world::World;
use super::{Drill, Figure, base, count, or_never, seconds};

pub(super) const D19: Drill = Drill {
    name: "D19",
    about: "1,200 behind a gateway that was asked for half an hour ahead: refused, half confirmed, never answered, \
            confirmed late, asked for by muster itself; a load balancer of which one zone fails; with kills, throttles \
            and broken instances",
    plans,
    each,
    all: |_| Vec::new(),
    not_run: &[],
};

const MINUTE_MS: u32 = 60_000;
const ASKED_MS: u32 = 5_000;
/// Half an hour after that more is wanted than the gateway carries.
const WANTED_MS: u32 = 30 * MINUTE_MS;
const LATE_MS: u32 = 36 * MINUTE_MS;
const OVERRIDDEN_MS: u32 = 45 * MINUTE_MS;
const LASTS_MS: u32 = 50 * MINUTE_MS;
/// The gate waits so long before it is an alarm.
const AT_MOST: Duration = Duration::from_secs(600);
/// A commit, a kill and the next process's first decision come between.
const SLACK_S: f64 = 10.0;
/// What the gateway carries without being asked, in whole units; what is asked for; what half of that is.
const DECLARED: u32 = 40;
const WHOLE: u32 = 100;
const HALF: u32 = WHOLE / 2;
/// What one of the two groups' instances bring, in thousandths.
const EACH: u32 = 50;
const JOBS_EACH: u32 = 20;
/// There long before.
const JOBS: u32 = 100;
/// With which 80 % are the 62 units of both.
const NEEDED: u32 = 78;

const RUNS: [&str; 6] = ["refused", "half", "unanswered", "late", "filed", "balancer"];

/// Of the 1,200, so many fit before anybody overrides anything.
fn fits(run: &str) -> u32 {
    let carries = match run {
        "half" | "balancer" => HALF,
        "late" | "filed" => return base::MANY,
        _ => DECLARED,
    };
    (carries * 800 - JOBS * JOBS_EACH) / EACH
}

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    RUNS.into_iter().map(|run| (run, plan(seed, run))).collect()
}

fn plan(seed: u64, run: &str) -> Plan {
    let mut d = Dice::new(seed, 19);
    let faults = Faults { throttle: 20.0, ..Faults::default() };
    let mut aws = Settings { broken: 5.0, faults, ..Settings::default() };
    let balancer = run == "balancer";
    if balancer {
        aws.quotas.applied.insert(ALB_UNITS.into(), 2_000.0);
        aws.elbv2.reservation_in_zone.insert(aws.subnets[1].zone.clone(), ReservationOutcome::Failed);
    }
    let resource = if balancer { arn(&aws, seed) } else { Some("tgw-0a1b2c3d".to_string()) };
    let gateway = Gateway {
        name: "core".into(),
        kind: if balancer { GatewayKind::LoadBalancer } else { GatewayKind::TransitGateway },
        resource: resource.unwrap_or_default(),
        unit: if balancer { "LCU" } else { "Gbit/s" }.into(),
        declared: DECLARED,
        support: None,
        remind_every: Duration::from_secs(900),
        answer_within: ANSWER_WITHIN,
        pool: Vec::new(),
    };
    let mode = if seed.is_multiple_of(2) { GateMode::Pace } else { GateMode::Wait };
    let gate =
        |load, mode| Gate { gateway: "core".into(), load, mode, at_most: AT_MOST, files: run == "filed" };
    let behind = |group: Group, gate| Group { bounds: Bounds { gates: vec![gate], ..group.bounds }, ..group };
    let groups = vec![
        behind(base::group("web", &aws, base::MANY), gate(EACH, mode)),
        behind(base::group("jobs", &aws, JOBS), gate(JOBS_EACH, GateMode::Warn)),
    ];
    let mut core = base::plan(seed).core;
    core.gateways = vec![Arc::new(gateway)];
    let answered_ms = d.between(MINUTE_MS, 25 * MINUTE_MS);
    let mut orders = Vec::new();
    if run != "filed" {
        orders.push((ASKED_MS, Order::AskGateway(asked())));
    }
    match run {
        "refused" => orders.push((answered_ms, confirmed(0))),
        "half" => orders.push((answered_ms, confirmed(HALF))),
        "late" => orders.push((LATE_MS, confirmed(WHOLE))),
        _ => {}
    }
    let mut deeds: Vec<(u32, Deed)> = Vec::new();
    if balancer {
        deeds.push((0, create));
    }
    if run == "filed" {
        deeds.push((LATE_MS, confirm_what_was_filed));
    }
    if fits(run) < base::MANY {
        deeds.push((OVERRIDDEN_MS, let_through));
    }
    let kills = (0..4).map(|_| d.between(1_000, LASTS_MS)).collect();
    Plan {
        groups,
        aws,
        core,
        deeds,
        orders,
        asks: vec![
            Asked { at_ms: WANTED_MS, group: 0, count: base::MANY, by_ms: None },
            Asked { at_ms: 0, group: 1, count: JOBS, by_ms: None },
        ],
        kills: Kills { at_ms: kills, ..Kills::default() },
        lasts_ms: LASTS_MS,
        heal_at_ms: LASTS_MS,
        ..base::plan(seed)
    }
}

fn at(ms: u32) -> Time {
    START.plus(Duration::from_millis(ms.into()))
}

fn asked() -> GatewayAsk {
    GatewayAsk {
        id: "request".into(),
        gateway: "core".into(),
        capacity: WHOLE,
        needed_by: Some(at(WANTED_MS)),
        until: at(24 * 60 * MINUTE_MS),
        owner: "ann".into(),
        reason: "the first working day".into(),
    }
}

fn confirmed(capacity: u32) -> Order {
    Order::ConfirmGateway(ConfirmAsk { id: "request".into(), capacity, by: "bob".into(), note: None })
}

fn create(world: &mut World) {
    let call = AnyCall::Elbv2(Elbv2::CreateLoadBalancer(created(&world.plan.aws)));
    world.outsider(&call);
}

fn created(aws: &Settings) -> CreateLoadBalancer {
    CreateLoadBalancer {
        name: "core".into(),
        kind: Kind::Application,
        subnets: aws.subnets.iter().take(2).map(|s| s.id.clone()).collect(),
        scheme: "internal".into(),
    }
}

/// The ARN that the run's load balancer will have: ids are a function of the seed.
fn arn(aws: &Settings, seed: u64) -> Option<String> {
    let calm = Settings { faults: Faults::default(), ..aws.clone() };
    let mut model = Model::new(calm, seed).ok()?;
    match model.handle(&AnyCall::Elbv2(Elbv2::CreateLoadBalancer(created(aws))), START.0).outcome {
        Outcome::Answer(AnyAnswer::Elbv2(Answer::LoadBalancers { balancers, .. })) => {
            balancers.first().map(|b| b.arn.clone())
        }
        Outcome::Answer(_) | Outcome::Error(_) | Outcome::Lost => None,
    }
}

fn confirm_what_was_filed(world: &mut World) {
    let Some(row) = filed(world) else { return };
    let (id, capacity) = (row.id.clone(), row.wanted);
    world.demand(Order::ConfirmGateway(ConfirmAsk { id, capacity, by: "bob".into(), note: None }));
}

fn filed(world: &World) -> Option<&GatewayRow> {
    world.books.gateways.values().find(|row| row.owner == MUSTER)
}

/// An operator's choice, of the one scale-up that waits.
fn let_through(world: &mut World) {
    let Some(subject) = world.asking[0].accepted.clone() else { return };
    let until = world.in_ms(60 * MINUTE_MS);
    world.demand(Order::Override(OverrideAsk {
        id: "override".into(),
        subject,
        until,
        owner: "ann".into(),
        reason: "the peak is here".into(),
    }));
}

fn each(run: &str, world: &World) -> Vec<Figure> {
    let waits = world.plan.groups[0].bounds.gates[0].mode == GateMode::Wait;
    let is_short = fits(run) < base::MANY;
    let expected = if waits && is_short { 0 } else { fits(run) };
    let of_web = |since: Time, until: Time| {
        let web = world.served.iter().filter(|(i, at)| {
            let scale_up = world.books.scale_ups.get(&i.slot.scale_up);
            scale_up.is_some_and(|s| s.group == "web") && **at >= since && **at < until
        });
        count(web.count())
    };
    let before = of_web(START, if is_short { at(OVERRIDDEN_MS) } else { Time::NEVER });
    let mut figures = vec![
        Figure::at_most("in service more or less than fit", (before - f64::from(expected)).abs(), 0.0),
        Figure::at_most("not in service in the end", f64::from(base::MANY) - of_web(START, Time::NEVER), 0.0),
    ];
    let wrong = |name: &str, wrong: bool| Figure::at_most(name, f64::from(u8::from(wrong)), 0.0);
    let request = world.books.gateways.get("request");
    let said_s = request.and_then(|r| Some(seconds(r.alarmed_at?, r.asked_at)));
    // A balancer's reservation takes two to ten minutes, and AWS says at once that it is at work.
    match run {
        "unanswered" | "late" => {
            let within_s = ANSWER_WITHIN.as_secs_f64();
            figures.push(Figure::at_most(
                "said that nobody answers after, s",
                or_never(said_s),
                within_s + SLACK_S,
            ));
            figures.push(wrong("said so too early", said_s.is_some_and(|s| s < within_s)));
        }
        "balancer" => figures.push(wrong("said that nobody answers", said_s.is_some())),
        "filed" => {
            figures.push(wrong("asked for something else", filed(world).is_none_or(|r| r.wanted != NEEDED)));
        }
        _ => {}
    }
    let gate = world.books.gates.get(&("web".to_string(), "core".to_string()));
    let alarm_s = gate.and_then(|g| Some(seconds(g.alarmed_at?, g.since)));
    if is_short {
        let at_most_s = AT_MOST.as_secs_f64();
        figures.push(Figure::at_most("an alarm after, s", or_never(alarm_s), at_most_s + SLACK_S));
        let row = world.books.overrides.get("override");
        let recorded = row.is_some_and(|o| {
            o.lease.owner == "ann" && o.lease.reason == "the peak is here" && o.lease.done_at.is_some()
        });
        figures.push(wrong("the override is not recorded, or has not ended", !recorded));
    } else {
        figures.push(wrong("an alarm though more was confirmed in time", alarm_s.is_some()));
        figures.push(wrong("the gate is short still", gate.is_none_or(|g| g.ended_at.is_none())));
    }
    figures
}
