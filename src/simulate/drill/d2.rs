//! D2, empty bucket: the instance bucket starts at 0, which nobody tells us; and 50 % of the calls
//! are throttled at random.

use crate::decide::words::Api;
use crate::sim::bound::bound;
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
    not_run: &[],
};

/// So long the neighbour takes half of what comes in.
const NEIGHBOUR_FOR_MS: u32 = 300_000;
/// It takes 1/s of 2/s for 300 s: the last of 1,200 instances can be launched 150 s later.
const NEIGHBOUR_COSTS_S: f64 = 150.0;

/// A deadline that would be met if the bucket were full, as everybody must believe at first: 100 s
/// for the launches and 150 s for the slowest instance. It is empty, so that it takes 700 s.
const DEADLINE_MS: u32 = 400_000;

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
    let mut deadline = plan(alone.clone());
    deadline.asks[0].by_ms = Some(DEADLINE_MS);
    vec![
        ("empty", plan(alone)),
        ("neighbour", neighbour),
        ("throttled", plan(throttled)),
        ("deadline", deadline),
    ]
}

/// When a deadline that cannot be met was announced, and how far the time that was told by ten
/// seconds after acceptance is off the bound.
fn announced(world: &World) -> Vec<Figure> {
    /// D2's own.
    const WITHIN_S: f64 = 10.0;
    /// What muster cannot know: how slow the slowest of these 1,200 is (the bound's spread over the
    /// seeds is 690 to 800 s).
    const HONEST: f64 = 15.0;
    let accepted = world.asking.first().and_then(|a| a.answered).unwrap_or(START);
    let first = world.late.first().map(|(at, _)| seconds(*at, accepted));
    let told = world.late.iter().rfind(|(at, _)| seconds(*at, accepted) <= WITHIN_S);
    let told = told.and_then(|(_, text)| expected_after(text));
    let bound = bound(&world.plan.aws, world.plan.seed, base::MANY, 100).map(|b| b.bound_s);
    let off = told.zip(bound).map(|(told, bound)| 100.0 * (told / bound - 1.0).abs());
    vec![
        Figure::at_most("announced after acceptance, s", or_never(first), WITHIN_S),
        Figure::at_most("announced time off the bound, %", or_never(off), HONEST),
    ]
}

/// The seconds in `... is expected after 745 s, ...`.
fn expected_after(text: &str) -> Option<f64> {
    text.split_once("expected after ")?.1.split(' ').next()?.parse().ok()
}

fn each(run: &str, world: &World) -> Vec<Figure> {
    /// Until then it may learn.
    const LEARNING_S: f64 = 30.0;
    match run {
        "empty" => {}
        "deadline" => return announced(world),
        _ => return Vec::new(),
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
    let floor = |seed| runs.iter().find(|r| r.run == "empty" && r.seed == seed).and_then(|r| r.bound_s);
    let beside = runs
        .iter()
        .filter(|r| r.run == "neighbour")
        .map(|r| or_never(r.finish_s) / (floor(r.seed).unwrap_or(f64::NAN) + NEIGHBOUR_COSTS_S))
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
