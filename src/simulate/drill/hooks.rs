//! Lifecycle actions in bulk: an alarm of somebody else's raises a group by 1,200 at once.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::group::{Asg, Group, HealthBy, Launches};
use crate::sim::fate::Broken;
use crate::sim::model::autoscaling::Ending;
use crate::sim::settings::{BucketSettings, Range, Settings};

use super::super::plan::{Alarm, Plan};
use super::super::world::World;
use super::{Drill, Figure, base};
use crate::decide::words::Api;

pub(super) const HOOKS: Drill = Drill {
    name: "hooks",
    about: "an alarm adds 1,200: each notification comes 1 to 5 times, out of order, 20 % never; half of the calls \
            throttled, 10 % broken, 120 s heartbeats",
    plans,
    each,
    all: |_| Vec::new(),
    not_run: &[],
};

pub(super) const TIGHT: Drill = Drill {
    name: "hooks-tight",
    about: "the same with a bucket of 50 + 10/s, which 1,200 within 120 s use up to the last token",
    plans: tight,
    ..HOOKS
};

pub(super) const D15: Drill = Drill {
    name: "D15",
    about: "lost notifications: 20 % never come, others come after the sweep",
    plans: lost,
    each,
    all: |_| Vec::new(),
    not_run: &[],
};

/// A group of 1,200 that its Auto Scaling group launches.
pub(super) fn group(aws: &Settings, heartbeat_s: u64) -> Group {
    Group {
        asg: Some(Asg {
            name: Arc::from("web-asg"),
            heartbeat: Duration::from_secs(heartbeat_s),
            sweep_every: Duration::from_secs(15),
            health: HealthBy::Aws,
            launches: Launches::Instances,
        }),
        ..base::group("web", aws, base::MANY)
    }
}

/// At the bucket that DRILLS.md's floors are computed with, 50 + 10/s: 1,200 answers within 120 s are ten calls a
/// second that get through, from the first second to the last.
fn tight(seed: u64) -> Vec<(&'static str, Plan)> {
    let mut aws = Settings { broken: 10.0, ..Settings::default() };
    aws.delivery.lost = 20.0;
    aws.delivery.copies_max = 5;
    aws.delivery.delay = Range { min_ms: 0, max_ms: 5_000 };
    aws.faults.throttle = 50.0;
    if seed.is_multiple_of(4) {
        // Some serve for a while only: whoever dies while it waits for its answer must not be let in.
        aws.ways.weights =
            [(Broken::Hangs, 3.0), (Broken::NeverReady, 1.0), (Broken::AgentStops, 4.0)].into();
        aws.ways.serves = Range { min_ms: 5_000, max_ms: 90_000 };
    }
    let plan = base::plan(seed);
    let alarms = vec![Alarm { at_ms: 1_000, group: 0, by: base::MANY.into() }];
    vec![(
        "alarm",
        Plan { groups: vec![group(&aws, 120)], aws, alarms, asks: Vec::new(), heal_at_ms: 1_200_000, ..plan },
    )]
}

/// The same with half as much again in Auto Scaling's bucket.
fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let mut plans = tight(seed);
    for (_, plan) in &mut plans {
        plan.aws.autoscaling.bucket = BucketSettings::full(50.0, 15.0);
    }
    plans
}

fn lost(seed: u64) -> Vec<(&'static str, Plan)> {
    let mut aws = Settings { broken: 3.0, ..Settings::default() };
    aws.delivery.lost = 20.0;
    aws.delivery.copies_max = 2;
    aws.delivery.delay = Range { min_ms: 0, max_ms: 60_000 };
    let plan = base::plan(seed);
    let alarms = vec![Alarm { at_ms: 1_000, group: 0, by: 400 }];
    vec![(
        "lost",
        Plan { groups: vec![group(&aws, 120)], aws, alarms, asks: Vec::new(), heal_at_ms: 600_000, ..plan },
    )]
}

fn each(_: &str, world: &World) -> Vec<Figure> {
    let timed_out = world.model.hook_actions_ended(Ending::TimedOut);
    let continued = world.model.hook_actions_ended(Ending::Continued);
    let abandoned = world.model.hook_actions_ended(Ending::Abandoned);
    let answered = f64::from(u32::try_from(continued + abandoned).unwrap_or(u32::MAX));
    let sent = world.sent.get(&Api::CompleteLifecycleAction).copied().unwrap_or(0);
    let throttled = world.throttled.get(&Api::CompleteLifecycleAction).copied().unwrap_or(0);
    let taken = f64::from(u32::try_from(sent - throttled).unwrap_or(u32::MAX));
    vec![
        Figure::at_most(
            "lifecycle actions timed out",
            f64::from(u32::try_from(timed_out).unwrap_or(u32::MAX)),
            0.0,
        ),
        Figure::at_most(
            "completions that were not throttled, for each instance",
            taken / answered.max(1.0),
            1.02,
        ),
    ]
}
