//! D11, everything unhealthy: 60 % of the fleet is called unhealthy within 30 s, and 5 % truly are dead.

use std::time::Duration;

use crate::decide::group::{Asg, Group, HealthBy};
use crate::sim::fate::Broken;
use crate::sim::settings::{Range, Settings, Ways};

use super::super::plan::{Alarm, Asked, Plan, Report};
use super::super::world::World;
use super::{Drill, Figure, base, count, hooks};

pub(super) const D11: Drill = Drill {
    name: "D11",
    about: "everything unhealthy: 60 % are called so within 30 s and 5 % are; then fewer, and in a full group",
    plans,
    each,
    all: |_| Vec::new(),
    not_run: &[],
};

const SERVERS: u32 = 200;
/// By now one in twenty has stopped to serve.
const AT_MS: u32 = 900_000;
const CALLED_OVER_MS: u32 = 30_000;
const CALLED_FOR_MS: u32 = 600_000;
const LASTS_MS: u32 = 3_600_000;
/// Asked for while everything is called unhealthy.
const MORE: u32 = 10;

fn group(aws: &Settings, max: u32) -> Group {
    let group = hooks::group(aws, 120);
    let asg = group.asg.clone().map(|asg| Asg { health: HealthBy::Muster, ..asg });
    Group { max, asg, ..group }
}

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let mut aws = Settings {
        broken: 5.0,
        ways: Ways {
            weights: [(Broken::AgentStops, 1.0)].into(),
            serves: Range { min_ms: 400_000, max_ms: 600_000 },
            ..Ways::default()
        },
        ..Settings::default()
    };
    // A group that balances its zones ends some for a while by itself: what is missing is to be muster's doing.
    aws.autoscaling.switches.rebalances = false;
    let base = base::plan(seed);
    let run = |max, percent, more: u32| Plan {
        groups: vec![group(&aws, max)],
        alarms: vec![Alarm { at_ms: 1_000, group: 0, by: SERVERS.into() }],
        asks: (more > 0)
            .then_some(Asked { at_ms: AT_MS + 60_000, group: 0, count: more, by_ms: None })
            .into_iter()
            .collect(),
        reports: vec![Report { at_ms: AT_MS, over_ms: CALLED_OVER_MS, for_ms: CALLED_FOR_MS, percent }],
        watch_from_ms: Some(AT_MS),
        lasts_ms: LASTS_MS,
        heal_at_ms: LASTS_MS,
        settled_by_ms: 4 * LASTS_MS,
        aws: aws.clone(),
        ..base.clone()
    };
    vec![
        ("60 %", run(2 * SERVERS, 60, MORE)),
        ("a few", run(2 * SERVERS, 12, 0)),
        ("full", run(SERVERS, 12, 0)),
    ]
}

fn each(run: &str, world: &World) -> Vec<Figure> {
    let called_until =
        super::START.plus(Duration::from_millis((AT_MS + CALLED_OVER_MS + CALLED_FOR_MS).into()));
    let while_called = world.removed.iter().filter(|(at, ..)| *at < called_until).count();
    let of_the_living = world.removed.iter().filter(|(_, _, served)| *served).count();
    // Where there is room a replacement serves first; where there is none, a tenth at most is missing.
    let missing = f64::from(SERVERS) - f64::from(world.fewest);
    let tenth = f64::from(SERVERS) / 10.0;
    let mut figures = vec![
        Figure::at_most("removed though they served", count(of_the_living), 0.0),
        Figure::at_most("nobody was replaced", count(usize::from(world.removed.is_empty())), 0.0),
        Figure::at_most("missing at a time", missing, if run == "full" { tenth } else { 0.0 }),
    ];
    if run == "60 %" {
        figures.push(Figure::at_most("removed past the valve", count(while_called), 0.0));
        let alarms = world.valve_shut.len().abs_diff(1);
        figures.push(Figure::at_most("alarms more or fewer than one", count(alarms), 0.0));
        let served = u32::try_from(world.served.len()).unwrap_or(u32::MAX);
        let short = f64::from(SERVERS + MORE) - f64::from(served);
        figures.push(Figure::at_most("launches that did not go on", short, 0.0));
    }
    figures
}
