//! What the simulator must show: muster holds, wrong engines and the naive provisioner do not, and
//! a seed is a run.

use super::SimulateOptions;
use super::drill::{self, Ran};
use super::mutant::Mutant;
use super::oracle::Invariant;
use super::report::Report;
use super::run::{ran, seed};
use std::time::Duration;

fn options(mutant: Option<Mutant>, naive: bool) -> SimulateOptions {
    SimulateOptions {
        drill: "mixed".into(),
        seeds: 1,
        first_seed: 1,
        trace: false,
        json: false,
        naive,
        mutant,
        jobs: None,
    }
}

fn runs(name: &str, seeds: std::ops::RangeInclusive<u64>, options: &SimulateOptions) -> Vec<Ran> {
    let drill = drill::find(name).unwrap();
    seeds.flat_map(|n| seed(drill, options, n).unwrap()).collect()
}

fn violations(runs: &[Ran]) -> Vec<String> {
    let told = |r: &Ran| {
        let of = format!("seed {} {}", r.seed, r.run);
        r.violations.iter().map(|v| format!("{of}: {} {}", v.invariant, v.text)).collect::<Vec<_>>()
    };
    runs.iter().flat_map(told).collect()
}

/// A quarter of the thousand, so that they run beside each other.
fn quarter(first: u64) {
    quarter_of("mixed", first);
}

fn quarter_of(swarm: &str, first: u64) {
    let found = violations(&runs(swarm, first..=first + 249, &options(None, false)));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_swarm_over_groups_holds_1_to_250() {
    quarter_of("groups", 1);
}

#[test]
fn the_swarm_over_groups_holds_251_to_500() {
    quarter_of("groups", 251);
}

#[test]
fn the_swarm_over_groups_holds_501_to_750() {
    quarter_of("groups", 501);
}

#[test]
fn the_swarm_over_groups_holds_751_to_1000() {
    quarter_of("groups", 751);
}

#[test]
fn the_swarm_holds_1_to_250() {
    quarter(1);
}

#[test]
fn the_swarm_holds_251_to_500() {
    quarter(251);
}

#[test]
fn the_swarm_holds_501_to_750() {
    quarter(501);
}

#[test]
fn the_swarm_holds_751_to_1000() {
    quarter(751);
}

#[test]
fn every_drill_keeps_every_invariant() {
    for drill in drill::DRILLS.iter().filter(|d| !["mixed", "groups"].contains(&d.name)) {
        let found = violations(&runs(drill.name, 1..=10, &options(None, false)));
        assert!(found.is_empty(), "{}: {}", drill.name, found.join("\n"));
    }
}

/// Seeds are runs, so this cannot fail by chance: only by a change of the core or of a drill.
fn reaches_its_figures(name: &str, seeds: u64) {
    reaches_its_figures_from(name, 1, seeds);
}

fn reaches_its_figures_from(name: &str, first: u64, seeds: u64) {
    let drill = drill::find(name).unwrap();
    let runs = runs(name, first..=first + seeds - 1, &options(None, false));
    let report = Report::of(drill, "muster", &runs, first, seeds, Duration::from_secs(1));
    assert!(report.passed, "{report}");
}

#[test]
fn d1_reaches_its_figures() {
    reaches_its_figures("D1", 40);
}

#[test]
fn d7_reaches_its_figures() {
    reaches_its_figures("D7", 12);
}

#[test]
fn d8_reaches_its_figures() {
    reaches_its_figures("D8", 20);
}

#[test]
fn d8_on_groups_reaches_its_figures() {
    reaches_its_figures("D8-groups", 4);
}

#[test]
fn d9_reaches_its_figures() {
    reaches_its_figures("D9", 4);
}

#[test]
fn d10_reaches_its_figures() {
    reaches_its_figures("D10", 4);
}

#[test]
fn d19_reaches_its_figures() {
    reaches_its_figures("D19", 6);
}

#[test]
fn d16_reaches_its_figures() {
    reaches_its_figures("D16", 4);
}

/// In 17 and 18 the dead alone kept the valve shut.
#[test]
fn d11_reaches_its_figures() {
    reaches_its_figures_from("D11", 14, 5);
}

#[test]
fn a_seed_is_a_run_byte_for_byte() {
    for drill in drill::DRILLS {
        for n in [1, 20] {
            let traces: Vec<Vec<String>> = (0..2)
                .map(|_| {
                    let plans = (drill.plans)(n);
                    plans.into_iter().map(|(_, plan)| ran(plan, true).unwrap().trace().to_string()).collect()
                })
                .collect();
            assert!(traces[0].iter().all(|t| t.lines().count() > 20), "{} {n}", drill.name);
            assert!(traces[0] == traces[1], "{} with seed {n} ran differently the second time", drill.name);
        }
    }
}

/// Each wrong engine, the swarm and its first seed that finds it, and by which invariant.
const FOUND: &[(Mutant, &str, u64, Invariant)] = &[
    (Mutant::SkipsCommits, "mixed", 1, Invariant::I8),
    (Mutant::PerformsFirst, "mixed", 1, Invariant::I8),
    (Mutant::AnswersFirst, "mixed", 24, Invariant::I1),
    (Mutant::MintsTokens, "mixed", 1, Invariant::I8),
    (Mutant::ChangesBodies, "mixed", 1, Invariant::I2),
    (Mutant::LostIsRefused, "mixed", 1, Invariant::I2),
    (Mutant::DropsTheFence, "mixed", 2, Invariant::I2),
    (Mutant::ForgetsLaunches, "mixed", 1, Invariant::I2),
    (Mutant::ForgetsZones, "mixed", 1, Invariant::Zones),
    (Mutant::ForgetsQuarantine, "mixed", 1, Invariant::Quarantine),
    (Mutant::ForgetsBudgets, "mixed", 1, Invariant::I4),
    (Mutant::AssumesGone, "mixed", 1, Invariant::I2),
    (Mutant::CountsAfter, "mixed", 1, Invariant::I2),
    (Mutant::IgnoresBudgets, "mixed", 1, Invariant::I4),
    (Mutant::IgnoresDescriptors, "mixed", 4, Invariant::I4),
    (Mutant::ForgetsToLook, "mixed", 2, Invariant::Liveness),
    (Mutant::BelievesAnyAnswer, "mixed", 1, Invariant::Serving),
    (Mutant::ForgetsHeartbeats, "groups", 5, Invariant::Hooks),
    (Mutant::NeverSweeps, "groups", 2, Invariant::I3),
    (Mutant::AdmitsFirst, "groups", 1, Invariant::I8),
    (Mutant::BelievesOneSignal, "D11", 1, Invariant::I6),
    (Mutant::IgnoresGates, "D19", 1, Invariant::Gates),
    (Mutant::ForgetsToMark, "D10", 1, Invariant::I5),
    (Mutant::NeverHalts, "D8-groups", 1, Invariant::Halts),
    (Mutant::LetsTheDeadIn, "hooks-tight", 4, Invariant::Serving),
    (Mutant::TrustsTheReserve, "mixed", 15, Invariant::Serving),
    (Mutant::RemovesTheWrongOne, "mixed", 1, Invariant::I6),
];

#[test]
fn every_wrong_engine_is_found_and_by_the_seed_that_is_written_down() {
    /// Seeds that are looked through for the first one that finds it.
    const SEEDS: u64 = 1_000;
    let mut wrong = Vec::new();
    for mutant in Mutant::ALL {
        let written = FOUND.iter().find(|(m, ..)| m == mutant);
        let swarm = written.map_or("mixed", |(_, swarm, ..)| swarm);
        let found = (1..=SEEDS).find_map(|n| {
            let runs = runs(swarm, n..=n, &options(Some(*mutant), false));
            Some((n, runs.iter().flat_map(|r| &r.violations).next()?.invariant))
        });
        match (written, found) {
            (Some((_, _, n, invariant)), Some(found)) if (*n, *invariant) == found => {}
            (_, found) => wrong.push(format!("{mutant}: found by {found:?}, written down {written:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_naive_provisioner_fails_every_drill() {
    for drill in drill::DRILLS {
        let runs = runs(drill.name, 1..=3, &options(None, true));
        let report = Report::of(drill, "naive", &runs, 1, 3, Duration::from_secs(1));
        assert!(!report.passed, "{} proves nothing: the naive provisioner passes it", drill.name);
        assert!(report.violations_in_all > 0, "{}: only by being slow", drill.name);
    }
}
