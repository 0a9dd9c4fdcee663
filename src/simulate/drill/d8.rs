//! D8, broken flood: 30 % broken; then an image with which everything is broken, of a version that
//! was never seen to work and of one that was.

use crate::decide::words::Time;
use crate::sim::settings::Settings;

use super::super::plan::Plan;
use super::super::world::World;
use super::{Drill, Figure, Ran, base, or_never, quantile, seconds};

pub(super) const D8: Drill = Drill {
    name: "D8",
    about: "30 % broken; then 100 % broken, unproven and proven",
    plans,
    each,
    all,
    not_run: &["the old fleet beside it: run on a group (D8-groups)"],
};

/// A bad image is tried for so long.
const BAD_FOR_MS: u32 = 1_200_000;

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let plan = base::plan(seed);
    let thirty = Settings { broken: 30.0, ..Settings::default() };
    let all = Settings { broken: 100.0, ..Settings::default() };
    // Nothing can come of it: it ends with its deadline.
    let mut bad = Plan { aws: all, heal_at_ms: BAD_FOR_MS, settled_by_ms: 2 * BAD_FOR_MS, ..plan.clone() };
    bad.asks[0].by_ms = Some(BAD_FOR_MS);
    vec![
        ("30 %", Plan { aws: thirty, heal_at_ms: 0, ..plan }),
        ("unproven", Plan { proven: false, ..bad.clone() }),
        ("proven", bad),
    ]
}

fn each(run: &str, world: &World) -> Vec<Figure> {
    match run {
        "30 %" => {
            let freeing = world
                .given_up
                .iter()
                .filter_map(|(instance, at)| Some(seconds(*world.freed.get(instance)?, *at)))
                .collect();
            vec![Figure::at_most(
                "from given up until the place is free, 99 %, s",
                quantile(freeing, 0.99),
                10.0,
            )]
        }
        "unproven" => {
            vec![Figure::at_most(
                "launched of an unproven bad version",
                f64::from(world.oracle.launched),
                20.0,
            )]
        }
        _ => turned_bad(world),
    }
}

/// A version that had worked: its breaker opens in time, and hardly anything is launched after that.
fn turned_bad(world: &World) -> Vec<Figure> {
    /// Failures that make at least half of all outcomes: with everything broken, the first ten.
    const FAILURES: usize = 10;
    let mut failures: Vec<Time> = world.given_up.values().copied().collect();
    failures.sort_unstable();
    let told = failures.get(FAILURES - 1);
    let opens = told.zip(world.opened.first()).map(|(told, open)| seconds(*open, *told));
    // What was tried after each opening, until the next one.
    let tried = |from: Time, until: Time| -> u32 {
        let within = |at: Time| at > from && at <= until;
        world.books.launches.values().filter(|l| within(l.created_at)).map(|l| l.launched).sum()
    };
    let until = world.opened.iter().skip(1).copied().chain([Time::NEVER]);
    let most = world.opened.iter().zip(until).map(|(from, until)| tried(*from, until)).max();
    vec![
        Figure::at_most("breaker opens after ten failures, s", or_never(opens), 10.0),
        Figure::at_most(
            "instances tried while the breaker is not closed",
            or_never(most.map(f64::from)),
            5.0,
        ),
    ]
}

fn all(runs: &[Ran]) -> Vec<Figure> {
    let of = |f: fn(&Ran) -> Option<f64>| -> Vec<f64> {
        runs.iter().filter(|r| r.run == "30 %").map(|r| or_never(f(r))).collect()
    };
    vec![Figure::at_most(
        "30 %: 99 % in service, in 95 % of seeds, s",
        quantile(of(|r| r.p99_s), 0.95),
        540.0,
    )]
}
