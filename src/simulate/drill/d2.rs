//! D2, empty bucket: the instance bucket starts at 0, which nobody tells us; and 50 % of the calls
//! are throttled at random.

use crate::decide::words::Api;
use crate::sim::model::{BucketChange, BucketChanges, Change};
use crate::sim::settings::{BucketSettings, Buckets, Faults, Settings};

use super::super::plan::{Plan, START};
use super::super::world::World;
use super::{Drill, Figure, Ran, base, or_never, quantile, seconds};

pub(super) const D2: Drill = Drill {
    name: "D2",
    about: "the instance bucket starts at 0; a neighbour eats half of its refill for 5 min; half of all calls throttled",
    plans,
    each,
    all,
    not_run: &["the announcement of a deadline that cannot be met"],
};

/// So long the neighbour takes half of what comes in.
const NEIGHBOUR_FOR_MS: u32 = 300_000;
/// It takes 1/s of 2/s for 300 s: the last of 1,200 instances can be launched 150 s later.
const NEIGHBOUR_COSTS_S: f64 = 150.0;

/// Somebody else takes so many instance tokens a second.
fn taken_by_others(rate: f64) -> Change {
    let resource = BucketChange { taken_by_others: Some(rate), ..BucketChange::default() };
    let buckets = BucketChanges { resource, ..BucketChanges::default() };
    Change { buckets: [("RunInstances".to_string(), buckets)].into(), ..Change::default() }
}

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let empty = BucketSettings { start: Some(0.0), ..BucketSettings::full(1_000.0, 2.0) };
    let buckets = Buckets { run_instances_resource: empty, ..Buckets::default() };
    let alone = Settings { buckets, ..Settings::default() };
    let throttled = Settings { faults: Faults { throttle: 50.0, ..Faults::default() }, ..alone.clone() };
    let plan = |aws| Plan { aws, heal_at_ms: 6_000_000, ..base::plan(seed) };
    let neighbour = Plan {
        changes: vec![(0, taken_by_others(1.0)), (NEIGHBOUR_FOR_MS, taken_by_others(0.0))],
        ..plan(alone.clone())
    };
    vec![("empty", plan(alone)), ("neighbour", neighbour), ("throttled", plan(throttled))]
}

fn each(run: &str, world: &World) -> Vec<Figure> {
    /// Until then it may learn.
    const LEARNING_S: f64 = 30.0;
    if run != "empty" {
        return Vec::new();
    }
    let launches = |at: &&(crate::decide::words::Time, Api)| {
        at.1 == Api::RunInstances && seconds(at.0, START) > LEARNING_S
    };
    #[allow(clippy::cast_precision_loss)] // a number of calls
    let calls = world.calls_at.iter().filter(launches).count() as f64;
    #[allow(clippy::cast_precision_loss)]
    let throttled = world.throttled_at.iter().filter(launches).count() as f64;
    vec![Figure::at_most(
        "throttled share of launch calls after 30 s, %",
        100.0 * throttled / calls.max(1.0),
        5.0,
    )]
}

fn all(runs: &[Ran]) -> Vec<Figure> {
    let of = |run: &str, f: fn(&Ran) -> Option<f64>| -> Vec<f64> {
        runs.iter().filter(|r| r.run == run).map(|r| or_never(f(r))).collect()
    };
    let bound = |seed| runs.iter().find(|r| r.run == "empty" && r.seed == seed).and_then(|r| r.bound_s);
    let beside = runs
        .iter()
        .filter(|r| r.run == "neighbour")
        .map(|r| or_never(r.finish_s) / (bound(r.seed).unwrap_or(f64::NAN) + NEIGHBOUR_COSTS_S))
        .collect();
    vec![
        Figure::at_most("neighbour: times the bound, in 95 % of seeds", quantile(beside, 0.95), 1.15),
        Figure::at_most(
            "empty: 99 % in service, in 95 % of seeds, s",
            quantile(of("empty", |r| r.p99_s), 0.95),
            680.0,
        ),
        Figure::at_most(
            "empty: all in service, in 95 % of seeds, s",
            quantile(of("empty", |r| r.finish_s), 0.95),
            800.0,
        ),
    ]
}
