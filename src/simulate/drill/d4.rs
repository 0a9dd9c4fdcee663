//! D4, kill -9: a kill every 5 s of one run of 1,200, and a kill at every step of the protocol.

use crate::engine::crash::CrashPoint;
use crate::sim::settings::{Faults, Settings};

use super::super::dice::Dice;
use super::super::plan::{Asked, Kills, Plan};
use super::super::world::World;
use super::{Drill, Figure, Ran, base, or_never, quantile};

pub(super) const D4: Drill = Drill {
    name: "D4",
    about: "a kill every 5 s of a run of 1,200 with 3 % broken and 5 % of the replies lost, the same without kills, \
            and a kill at every step of the protocol",
    plans,
    each,
    all,
    not_run: &[
        "the dashboard is back within 300 ms, the first AWS call goes out within 1 s: measured on the real \
                process (BENCHMARKS.md)",
    ],
};

/// How often a process is killed.
const EVERY_MS: u32 = 5_000;
/// For so long.
const FOR_MS: u32 = 600_000;

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let aws = Settings {
        broken: 3.0,
        faults: Faults { lost_replies: 5.0, ..Faults::default() },
        ..Settings::default()
    };
    // EC2's own words for a repeated call are "no new action". Whether one spends tokens again they
    // do not say: both are run, and muster believes what is so.
    let charged = Plan { aws: aws.clone(), heal_at_ms: FOR_MS, ..base::plan(seed) };
    let mut calm = charged.clone();
    calm.aws.switches.repeats_spend_tokens = false;
    calm.core.repeats_pay = false;
    let mut dice = Dice::new(seed, 4);
    let at_ms = (1..FOR_MS / EVERY_MS).map(|n| n * EVERY_MS - dice.between(0, EVERY_MS - 1)).collect();
    let killed = Plan { kills: Kills { at_ms, ..Kills::default() }, ..calm.clone() };
    // Each seed dies at another step of the protocol, the first, second or third time it gets there.
    let step = CrashPoint::ALL[usize::try_from(seed).unwrap_or(0) % CrashPoint::ALL.len()];
    let nth = u32::try_from(seed / CrashPoint::ALL.len() as u64 % 3).unwrap_or(0) + 1;
    let at_step = Plan {
        asks: vec![Asked { at_ms: 0, group: 0, count: 60, by_ms: None }],
        kills: Kills { at_step: Some((step, nth)), ..Kills::default() },
        ..calm.clone()
    };
    let charged_killed = Plan { kills: killed.kills.clone(), ..charged.clone() };
    vec![
        ("calm", calm),
        ("killed", killed),
        ("step", at_step),
        ("charged calm", charged),
        ("charged", charged_killed),
    ]
}

fn each(_: &str, _: &World) -> Vec<Figure> {
    Vec::new()
}

fn all(runs: &[Ran]) -> Vec<Figure> {
    let finish = |run: &str, seed| {
        or_never(runs.iter().find(|r| r.run == run && r.seed == seed).and_then(|r| r.finish_s))
    };
    let ratio = |killed: &str, calm: &str| {
        let killed = runs.iter().filter(|r| r.run == killed);
        quantile(killed.map(|r| finish(r.run, r.seed) / finish(calm, r.seed)).collect(), 0.5)
    };
    vec![
        Figure::at_most(
            "killed every 5 s, repeats are free: times the time without kills, median",
            ratio("killed", "calm"),
            1.3,
        ),
        Figure::at_most(
            "killed every 5 s, repeats are charged: times the time without kills, median",
            ratio("charged", "charged calm"),
            1.3,
        ),
    ]
}
