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
    let from = until + RECOVERED_AFTER_S;
    let rate = launched_a_second(world, from, from + JUDGED_FOR_S);
    // What the instance bucket gives: 2/s.
    let bound = world.plan.core.run_instances.instances.map_or(0.0, |i| i.refill);
    vec![
        Figure::at_most("calls a minute of one API after the first minute", f64::from(most), 10.0),
        Figure::at_most("bound over launches from 60 s after recovery", bound / rate, 1.0 / 0.9),
    ]
}

/// Instances a second over a stretch of time. Launches come in lumps of up to 100, and a lump waits
/// for its tokens: 50 s at 2/s, so that two minutes see two or three of them by mere luck. So it is
/// counted from the last launch before the stretch to the first one after it, which makes every
/// pause that reaches into the stretch count in full.
fn launched_a_second(world: &World, from: f64, to: f64) -> f64 {
    let settled = world.books.launches.values().filter(|l| l.launched > 0);
    let mut settled: Vec<(f64, u32)> =
        settled.filter_map(|l| Some((seconds(l.settled_at?, START), l.launched))).collect();
    settled.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = settled.partition_point(|(at, _)| *at <= from);
    let after = settled.partition_point(|(at, _)| *at < to);
    let begins = first.checked_sub(1).map_or(f64::from(UNTIL_MS) / 1_000.0, |i| settled[i].0);
    let ends = settled.get(after).map_or(to, |(at, _)| *at);
    let launched: u32 = settled[first..settled.len().min(after + 1)].iter().map(|(_, n)| *n).sum();
    f64::from(launched) / (ends - begins).max(1.0)
}

fn all(_: &[Ran]) -> Vec<Figure> {
    Vec::new()
}
