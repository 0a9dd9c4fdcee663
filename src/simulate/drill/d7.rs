//! D7, congestive collapse: AWS fails every call, or hangs, for ten minutes with 3,000 queued.

use std::collections::BTreeMap;

use crate::decide::words::Api;
use crate::sim::model::Change;
use crate::sim::settings::{Latency, Range};

use super::super::plan::{Asked, Plan, START};
use super::super::world::World;
use super::{Drill, Figure, Ran, base, seconds};

pub(super) const D7: Drill = Drill {
    name: "D7",
    about: "AWS answers every call with an error, or hangs for 60 s, for 10 min with 3,000 queued",
    plans,
    each,
    all,
    not_run: &["heartbeats that expire meanwhile: with Auto Scaling groups"],
};

/// The collapse, milliseconds from the beginning.
const FROM_MS: u32 = 20_000;
const UNTIL_MS: u32 = FROM_MS + 600_000;
/// Recovery is judged over this long, and from so long after its beginning.
const RECOVERED_AFTER_S: f64 = 60.0;
const JUDGED_FOR_S: f64 = 120.0;

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let normal = base::plan(seed);
    let hang = Latency {
        run_instances: Range { min_ms: 60_000, max_ms: 60_000 },
        other: Range { min_ms: 60_000, max_ms: 60_000 },
    };
    let plan = |change: Change| {
        let back = Change { errors: Some(0.0), latency: Some(Latency::default()), ..Change::default() };
        let mut plan = Plan {
            asks: vec![Asked { at_ms: FROM_MS, group: 0, count: 3_000, by_ms: None }],
            changes: vec![(FROM_MS, change), (UNTIL_MS, back)],
            heal_at_ms: UNTIL_MS + 1_000,
            ..normal.clone()
        };
        plan.groups[0].max = 3_000;
        plan
    };
    vec![
        ("errors", plan(Change { errors: Some(100.0), ..Change::default() })),
        ("hangs", plan(Change { latency: Some(hang), ..Change::default() })),
    ]
}

fn each(_: &str, world: &World) -> Vec<Figure> {
    let collapse = f64::from(FROM_MS) / 1_000.0;
    let until = f64::from(UNTIL_MS) / 1_000.0;
    let mut per_minute: BTreeMap<(Api, u32), u32> = BTreeMap::new();
    for (at, api) in &world.calls_at {
        let at = seconds(*at, START);
        // The first minute may be for finding out.
        if at > collapse + 60.0 && at < until {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within ten minutes
            let minute = ((at - collapse) / 60.0) as u32;
            *per_minute.entry((*api, minute)).or_default() += 1;
        }
    }
    let most = per_minute.values().copied().max().unwrap_or(0);
    // Launched over two minutes from one minute after the recovery, against what the instance
    // bucket gives meanwhile: 2/s.
    let from = until + RECOVERED_AFTER_S;
    let window = |at: f64| at >= from && at < from + JUDGED_FOR_S;
    let launched: u32 = world
        .books
        .launches
        .values()
        .filter(|l| l.settled_at.is_some_and(|at| window(seconds(at, START))))
        .map(|l| l.launched)
        .sum();
    let bound = world.plan.core.run_instances.instances.map_or(0.0, |i| i.refill) * JUDGED_FOR_S;
    vec![
        Figure::at_most("calls a minute of one API after the first minute", f64::from(most), 10.0),
        Figure::at_most(
            "bound over launches from 60 s after recovery",
            bound / f64::from(launched.max(1)),
            1.0 / 0.9,
        ),
    ]
}

fn all(_: &[Ran]) -> Vec<Figure> {
    Vec::new()
}
