//! D8 on Auto Scaling groups: what a group launches by itself knows no canary of ours, and whoever is
//! abandoned is replaced. A bad image would go round for ever, were the group not halted.

use crate::decide::words::Time;
use crate::sim::model::Change;
use crate::sim::settings::Settings;

use super::super::plan::{Alarm, Plan, START};
use super::super::world::World;
use super::{Drill, Figure, Ran, base, hooks, or_never, quantile, seconds};

pub(super) const D8_GROUPS: Drill = Drill {
    name: "D8-groups",
    about: "Auto Scaling groups: 30 % broken; a bad image asked of us, unproven; one that turned bad beside an old \
            fleet, by an alarm, and good again after 20 min",
    plans,
    each,
    all,
    not_run: &[
        "of what its group launched before the first failure nothing can be spared: there is no canary for \
                somebody else's alarm",
    ],
};

/// Servers that are in service before the image turns bad.
const OLD: u32 = 100;
/// The image is bad from here until there.
const BAD_MS: std::ops::Range<u32> = 600_000..1_800_000;
/// A bad image that was never seen to work is tried for so long: the canary, what the group replaces of it by
/// itself while it boots, and the trials after one and after two minutes more.
const UNPROVEN_MS: u32 = 600_000;
/// After a breaker has opened, what was launched so soon was launched by its group before it could be
/// halted: a call that is throttled, and a commit.
const HALTED_WITHIN_S: f64 = 5.0;

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let group_of = |aws: &Settings, max| {
        let mut group = hooks::group(aws, 120);
        group.max = max;
        group
    };
    let plan = |broken: f64, max| {
        let mut aws = Settings { broken, ..Settings::default() };
        // Launches to balance the zones would count as the group's own.
        aws.autoscaling.switches.rebalances = false;
        Plan { groups: vec![group_of(&aws, max)], aws, ..base::plan(seed) }
    };
    let thirty = Plan {
        asks: Vec::new(),
        alarms: vec![Alarm { at_ms: 1_000, group: 0, by: base::MANY.into() }],
        ..plan(30.0, base::MANY)
    };
    let mut unproven = Plan {
        proven: false,
        heal_at_ms: UNPROVEN_MS,
        settled_by_ms: 4 * UNPROVEN_MS,
        ..plan(100.0, base::MANY)
    };
    // Nothing can come of it: it ends with its deadline.
    unproven.asks[0].by_ms = Some(UNPROVEN_MS);
    let broken = |share| Change { broken: Some(share), ..Change::default() };
    let turned = Plan {
        asks: Vec::new(),
        alarms: vec![
            Alarm { at_ms: 1_000, group: 0, by: OLD.into() },
            Alarm { at_ms: BAD_MS.start + 1, group: 0, by: base::MANY.into() },
        ],
        changes: vec![(BAD_MS.start, broken(100.0)), (BAD_MS.end, broken(0.0))],
        heal_at_ms: 2 * BAD_MS.end,
        ..plan(0.0, OLD + base::MANY)
    };
    vec![("30 %", thirty), ("unproven", unproven), ("turned bad", turned)]
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
        "unproven" => vec![Figure::at_most(
            "launched of an unproven bad version",
            f64::from(world.oracle.launched),
            20.0,
        )],
        _ => turned_bad(world),
    }
}

/// It had worked: its breaker opens in time, its group is halted, hardly anything is tried, and once the
/// image is good again everything that was wanted comes.
fn turned_bad(world: &World) -> Vec<Figure> {
    /// Failures that make at least half of all outcomes: what was verified five minutes before does not
    /// vouch for it, so the first ten.
    const FAILURES: usize = 10;
    let bad_from = START.plus(std::time::Duration::from_millis(BAD_MS.start.into()));
    let good_from = START.plus(std::time::Duration::from_millis(BAD_MS.end.into()));
    let mut failures: Vec<Time> = world.given_up.values().copied().filter(|at| *at >= bad_from).collect();
    failures.sort_unstable();
    let told = failures.get(FAILURES - 1);
    let opens = told.zip(world.opened.first()).map(|(told, open)| seconds(*open, *told));
    let launches = &world.oracle.launches_at;
    // What was launched after each opening, until the next one.
    let until = world.opened.iter().skip(1).copied().chain([Time::NEVER]);
    let tried = |from: Time, until: Time| -> u32 {
        let within = |at: Time| seconds(at, from) > HALTED_WITHIN_S && at <= until && at < good_from;
        launches.iter().filter(|(at, _)| within(*at)).map(|(_, n)| *n).sum()
    };
    let most = world.opened.iter().zip(until).map(|(from, until)| tried(*from, until)).max();
    let ended = world.oracle.ended.iter().filter(|ordinal| **ordinal < OLD).count();
    let sizes = world.model.tallies().map(|(sizes, tally)| sizes.desired.min(tally.in_service)).sum::<u32>();
    vec![
        Figure::at_most("breaker opens after ten failures, s", or_never(opens), 10.0),
        Figure::at_most(
            "instances tried while the breaker is not closed",
            or_never(most.map(f64::from)),
            5.0,
        ),
        Figure::at_most("of the old fleet ended", f64::from(u32::try_from(ended).unwrap_or(u32::MAX)), 0.0),
        Figure::at_most(
            "short of what the alarms asked for, at the end",
            f64::from((OLD + base::MANY).saturating_sub(sizes)),
            0.0,
        ),
    ]
}

fn all(runs: &[Ran]) -> Vec<Figure> {
    let of = |f: fn(&Ran) -> Option<f64>| -> Vec<f64> {
        runs.iter().filter(|r| r.run == "30 %").map(|r| or_never(f(r))).collect()
    };
    vec![
        Figure::at_most("30 %: 99 % in service, in 95 % of seeds, s", quantile(of(|r| r.p99_s), 0.95), 540.0),
        Figure::at_most(
            "30 %: all in service, in 95 % of seeds, s",
            quantile(of(|r| r.finish_s), 0.95),
            700.0,
        ),
    ]
}
