//! D9, misleading CPU: packets get lost, latency doubles, servers wait for each other, and CPU falls by
//! 60 %. Somebody asks for 30 % fewer, again and again: while a scale-up is under way, while metrics are
//! frozen, while requests dip for three minutes. Nobody may go. In the end the evening comes, all signals
//! agree for long enough, and then they may.

use std::time::Duration;

use crate::decide::group::Group;
use crate::decide::guard::freeze::FreezeAsk;
use crate::decide::order::Order;
use crate::decide::signal::{Metric, Signal, Source, Tells};
use crate::sim::model::Change;
use crate::sim::settings::{CloudWatchSettings, Point, Series, Settings};

use super::super::network::Network;
use super::super::plan::{Alarm, Asked, Plan, START, ScaleInAsked};
use super::super::world::World;
use super::super::world::outsiders::Scaling;
use super::{Drill, Figure, base, count, hooks, or_never, seconds};

pub(super) const D9: Drill = Drill {
    name: "D9",
    about: "misleading CPU: latency doubles and CPU falls, then metrics freeze, then requests dip; 30 % fewer are \
            asked for all the while",
    plans,
    each,
    all: |_| Vec::new(),
    not_run: &[],
};

const NAMESPACE: &str = "Web";
const SERVERS: u32 = 200;
/// When things happen, seconds.
const LOSS: i64 = 600;
const FROZEN: (u32, u32) = (1_200, 2_100);
const WELL: i64 = 2_100;
const DIP: (i64, i64) = (3_000, 3_180);
const EVENING: (i64, i64) = (3_600, 5_400);
/// All signals say idle by now, and have for long enough.
const IDLE_FROM: u32 = 5_500;
const ASKED_WHEN_IDLE: u32 = 6_600;
/// Everything is frozen for a minute, and one second later somebody asks again.
const FREEZE: u32 = 6_400;
const FREEZE_FOR: u32 = 60;
const LASTS: u32 = 8_400;

/// 30 % of what serves then.
const FEWER: u32 = SERVERS * 3 / 10;

fn series(metric: &str, points: &[(i64, f64)]) -> Series {
    Series {
        namespace: NAMESPACE.into(),
        metric: metric.into(),
        dimensions: [].into(),
        unit: None,
        points: points.iter().map(|(at_s, value)| Point { at_s: *at_s, value: *value }).collect(),
        noise: 3.0,
    }
}

fn metrics() -> CloudWatchSettings {
    CloudWatchSettings {
        series: vec![
            series("cpu", &[(LOSS, 60.0), (LOSS + 60, 24.0), (EVENING.0, 24.0)]),
            series("latency", &[(LOSS, 100.0), (LOSS + 60, 200.0), (WELL - 60, 200.0), (WELL, 100.0)]),
            series(
                "requests",
                &[
                    (DIP.0, 900.0),
                    (DIP.0 + 1, 90.0),
                    (DIP.1, 90.0),
                    (DIP.1 + 1, 900.0),
                    (EVENING.0, 900.0),
                    (EVENING.1, 200.0),
                ],
            ),
        ],
        ..CloudWatchSettings::default()
    }
}

fn signal(name: &str, tells: Tells, idle: f64, busy: f64) -> Signal {
    Signal {
        name: name.into(),
        tells,
        source: Source::CloudWatch(Metric {
            namespace: NAMESPACE.into(),
            name: name.into(),
            dimensions: Vec::new(),
            statistic: "Average".into(),
            period: Duration::from_secs(60),
        }),
        fresh_for: Duration::from_secs(300),
        idle,
        busy,
        swing: 50,
        steady_for: Duration::from_secs(300),
    }
}

fn freeze() -> Order {
    Order::Freeze(FreezeAsk {
        id: "freeze".into(),
        group: None,
        until: START.plus(Duration::from_secs((FREEZE + FREEZE_FOR).into())),
        owner: "ann".into(),
        reason: "packets are lost".into(),
    })
}

fn with_signals(group: Group) -> Group {
    let signals = vec![
        signal("cpu", Tells::Cpu, 30.0, 70.0),
        signal("latency", Tells::Latency, 130.0, 170.0),
        signal("requests", Tells::Requests, 300.0, 1_500.0),
    ];
    Group { signals, max: 2 * SERVERS, ..group }
}

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let aws = Settings { cloudwatch: metrics(), ..Settings::default() };
    let frozen = CloudWatchSettings { frozen: vec![NAMESPACE.into()], ..metrics() };
    let cloudwatch = |settings| Change { cloudwatch: Some(settings), ..Change::default() };
    // Every minute in the misleading times, and once when it is right.
    let asked = |at_s: u32| ScaleInAsked { at_ms: at_s * 1_000, group: 0, count: FEWER };
    let misled = (630..3_500).step_by(60).map(asked);
    let base = base::plan(seed);
    let plan = Plan {
        network: Network { loss: 2.0, ..Network::QUIET },
        scale_ins: misled.chain([asked(FREEZE + 1), asked(ASKED_WHEN_IDLE)]).collect(),
        orders: vec![(FREEZE * 1_000, freeze())],
        idle: vec![(IDLE_FROM * 1_000, u32::MAX)],
        changes: vec![(FROZEN.0 * 1_000, cloudwatch(frozen)), (FROZEN.1 * 1_000, cloudwatch(metrics()))],
        lasts_ms: LASTS * 1_000,
        heal_at_ms: LASTS * 1_000,
        settled_by_ms: 4 * LASTS * 1_000,
        aws,
        ..base
    };
    let more = |at_ms, count| Asked { at_ms, group: 0, count, by_ms: None };
    let fleet = Plan {
        groups: vec![with_signals(base::group("web", &plan.aws, 2 * SERVERS))],
        asks: vec![more(0, SERVERS), more(620_000, SERVERS / 10)],
        ..plan.clone()
    };
    let asg = Plan {
        groups: vec![with_signals(hooks::group(&plan.aws, 120))],
        alarms: vec![Alarm { at_ms: 1_000, group: 0, by: SERVERS.into() }],
        asks: vec![more(620_000, SERVERS / 10)],
        descriptors: base::DESCRIPTORS,
        ..plan
    };
    vec![("fleet", fleet), ("group", asg)]
}

fn each(_: &str, world: &World) -> Vec<Figure> {
    let idle_from = START.plus(Duration::from_secs(IDLE_FROM.into()));
    let misled = world.removed.iter().filter(|(at, _, _)| *at < idle_from).count();
    let asked = |s: &Scaling| s.asked.map_or(f64::INFINITY, |at| seconds(at, START));
    let frozen =
        world.scaling.iter().filter(|s| asked(s) >= FREEZE.into() && asked(s) < ASKED_WHEN_IDLE.into());
    let not_frozen = frozen.filter(|s| s.refused.as_ref().is_none_or(|why| !why.contains("frozen"))).count();
    let wrong = world.scaling.iter().filter(|s| s.asked.is_some_and(|at| at < idle_from));
    let taken = wrong.clone().filter(|s| s.refused.is_none()).count();
    let slowest = wrong.map(|s| or_never(s.answered.zip(s.asked).map(|(to, from)| seconds(to, from))));
    let removed = u32::try_from(world.removed.len() - misled).unwrap_or(u32::MAX);
    vec![
        Figure::at_most("removed while misled", count(misled), 0.0),
        Figure::at_most("scale-ins taken while misled", count(taken), 0.0),
        Figure::at_most("taken a second after everything was frozen", count(not_frozen), 0.0),
        Figure::at_most("slowest refusal, journalled, s", slowest.fold(0.0, f64::max), 1.0),
        Figure::at_most("still there when all agreed for long", f64::from(FEWER) - f64::from(removed), 0.0),
        Figure::at_most("removed beyond what was asked for", f64::from(removed) - f64::from(FEWER), 0.0),
    ]
}
