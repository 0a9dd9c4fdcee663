//! What came of a drill: for people as text, for scripts as one JSON object.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::drill::{Drill, Figure, Ran, quantile};
use super::oracle::Invariant;

/// Violations that are told one by one; more are counted.
const TOLD: usize = 20;

/// The verdict over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub drill: &'static str,
    pub provisioner: &'static str,
    pub first_seed: u64,
    pub seeds: u64,
    pub runs: usize,
    /// Every invariant held and every figure was reached.
    pub passed: bool,
    pub violations: Vec<Told>,
    pub violations_in_all: usize,
    /// Figures over all seeds.
    pub figures: Vec<Figure>,
    /// Figures of single runs that were not reached.
    pub missed: Vec<Missed>,
    pub missed_in_all: usize,
    pub wanted: u64,
    pub in_service: u64,
    pub launched: u64,
    pub calls: u64,
    pub throttled: u64,
    pub kills: u64,
    pub peak_descriptors: u32,
    /// Finish time over the bound of the same seed; none where no run has both.
    pub ratio_p50: Option<f64>,
    pub ratio_p99: Option<f64>,
    pub finish_s: Finish,
    pub simulated_s: f64,
    pub wall_s: f64,
    /// How many times faster than real time.
    pub speed: f64,
    pub not_run: Vec<&'static str>,
}

/// Seconds from the first acceptance until all that was wanted was in service, over the runs that
/// got there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finish {
    pub runs: usize,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
}

/// One violation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    pub seed: u64,
    pub run: &'static str,
    pub invariant: Invariant,
    pub at_s: f64,
    pub text: String,
}

/// One figure of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missed {
    pub seed: u64,
    pub run: &'static str,
    #[serde(flatten)]
    pub figure: Figure,
}

impl Report {
    /// Judges what was run.
    #[must_use]
    pub fn of(
        drill: &Drill,
        provisioner: &'static str,
        runs: &[Ran],
        first_seed: u64,
        seeds: u64,
        wall: Duration,
    ) -> Report {
        let told = runs.iter().flat_map(|r| {
            r.violations.iter().map(|v| Told {
                seed: r.seed,
                run: r.run,
                invariant: v.invariant,
                #[allow(clippy::cast_precision_loss)] // milliseconds of some hours
                at_s: v.at_ms as f64 / 1_000.0,
                text: v.text.clone(),
            })
        });
        let violations: Vec<Told> = told.collect();
        let missed: Vec<Missed> = runs
            .iter()
            .flat_map(|r| r.missed.iter().map(|f| Missed { seed: r.seed, run: r.run, figure: f.clone() }))
            .collect();
        let figures = (drill.all)(runs);
        let passed = violations.is_empty() && missed.is_empty() && figures.iter().all(|f| f.reached);
        let ratios: Vec<f64> = runs.iter().filter_map(Ran::ratio).collect();
        let finishes: Vec<f64> = runs.iter().filter_map(|r| r.finish_s).collect();
        let at = |values: &[f64], share| (!values.is_empty()).then(|| quantile(values.to_vec(), share));
        let sum = |f: fn(&Ran) -> u64| runs.iter().map(f).sum();
        let simulated_s = runs.iter().map(|r| r.simulated_s).sum();
        Report {
            drill: drill.name,
            provisioner,
            first_seed,
            seeds,
            runs: runs.len(),
            passed,
            violations_in_all: violations.len(),
            violations: violations.into_iter().take(TOLD).collect(),
            figures,
            missed_in_all: missed.len(),
            missed: missed.into_iter().take(TOLD).collect(),
            wanted: sum(|r| r.wanted.into()),
            in_service: sum(|r| r.in_service.into()),
            launched: sum(|r| r.launched.into()),
            calls: sum(|r| r.calls),
            throttled: sum(|r| r.throttled),
            kills: sum(|r| r.kills.into()),
            peak_descriptors: runs.iter().map(|r| r.peak_descriptors).max().unwrap_or(0),
            ratio_p50: at(&ratios, 0.5),
            ratio_p99: at(&ratios, 0.99),
            finish_s: Finish {
                runs: finishes.len(),
                p50: at(&finishes, 0.5),
                p95: at(&finishes, 0.95),
                p99: at(&finishes, 0.99),
                max: at(&finishes, 1.0),
            },
            simulated_s,
            wall_s: wall.as_secs_f64(),
            speed: simulated_s / wall.as_secs_f64().max(1e-9),
            not_run: drill.not_run.to_vec(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        writeln!(f, "{} with {}: {verdict}", self.drill, self.provisioner)?;
        writeln!(
            f,
            "  {} seeds from {}, {} runs: {:.0} s simulated in {:.1} s, {:.0} x real time",
            self.seeds, self.first_seed, self.runs, self.simulated_s, self.wall_s, self.speed
        )?;
        writeln!(
            f,
            "  {} wanted, {} in service, {} launched, {} calls ({} throttled), {} kills, at most {} descriptors",
            self.wanted,
            self.in_service,
            self.launched,
            self.calls,
            self.throttled,
            self.kills,
            self.peak_descriptors
        )?;
        if let Finish { runs, p50: Some(p50), p95: Some(p95), p99: Some(p99), max: Some(max) } = self.finish_s
        {
            writeln!(
                f,
                "  finished after ({runs} runs): p50 {p50:.0} s, p95 {p95:.0} s, p99 {p99:.0} s, max {max:.0} s"
            )?;
        }
        if let (Some(p50), Some(p99)) = (self.ratio_p50, self.ratio_p99) {
            writeln!(f, "  times the bound: p50 {p50:.3}, p99 {p99:.3}")?;
        }
        for figure in &self.figures {
            let mark = if figure.reached { "reached" } else { "MISSED " };
            writeln!(f, "  {mark}  {}: {:.2} (at most {:.2})", figure.name, figure.value, figure.limit)?;
        }
        for Missed { seed, run, figure } in &self.missed {
            writeln!(
                f,
                "  MISSED   seed {seed} {run}: {}: {:.2} (at most {:.2})",
                figure.name, figure.value, figure.limit
            )?;
        }
        more(f, self.missed_in_all, self.missed.len())?;
        for v in &self.violations {
            writeln!(
                f,
                "  VIOLATED seed {} {}: {} at {:.3} s: {}",
                v.seed, v.run, v.invariant, v.at_s, v.text
            )?;
        }
        more(f, self.violations_in_all, self.violations.len())?;
        for part in &self.not_run {
            writeln!(f, "  not run: {part}")?;
        }
        Ok(())
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: usize, told: usize) -> fmt::Result {
    if all > told { writeln!(f, "  ... and {} more", all - told) } else { Ok(()) }
}
