//! The drills of DRILLS.md as far as their parts exist: what each seed does, and the figures that
//! muster must reach.

mod base;
mod d1;
mod d10;
mod d11;
mod d16;
mod d19;
mod d2;
mod d4;
mod d7;
mod d8;
mod d8_groups;
mod d9;
mod eta;
mod group_max;
mod groups;
mod hooks;
mod mixed;

use std::time::Duration;

use serde::Serialize;

use crate::decide::words::Time;

use super::plan::{Plan, Provisioner, START};
use super::world::World;

/// One drill.
#[derive(Clone, Copy)]
pub struct Drill {
    pub name: &'static str,
    pub about: &'static str,
    /// What a seed does: one run or several, each with a name.
    pub plans: fn(seed: u64) -> Vec<(&'static str, Plan)>,
    /// Figures that each run must reach by itself.
    pub each: fn(run: &str, world: &World) -> Vec<Figure>,
    /// Figures over all seeds.
    pub all: fn(runs: &[Ran]) -> Vec<Figure>,
    /// Parts of the drill that are not run, and why.
    pub not_run: &'static [&'static str],
}

/// Every drill, in order.
pub const DRILLS: &[Drill] = &[
    d1::D1,
    d2::D2,
    d4::D4,
    d7::D7,
    d8::D8,
    d9::D9,
    d11::D11,
    d10::D10,
    d8_groups::D8_GROUPS,
    group_max::TEN,
    group_max::THIRTY,
    hooks::HOOKS,
    hooks::TIGHT,
    hooks::D15,
    d16::D16,
    d19::D19,
    eta::ETA,
    groups::GROUPS,
    mixed::MIXED,
];

/// The drill of this name, in whatever case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Drill> {
    DRILLS.iter().find(|d| d.name.eq_ignore_ascii_case(name))
}

/// One number that has a limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    /// At most this.
    pub limit: f64,
    pub reached: bool,
}

impl Figure {
    #[must_use]
    pub fn at_most(name: impl Into<String>, value: f64, limit: f64) -> Figure {
        Figure { name: name.into(), value, limit, reached: value <= limit }
    }
}

/// What is kept of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ran {
    pub seed: u64,
    pub run: &'static str,
    pub violations: Vec<super::oracle::Violation>,
    /// Figures of this run that were not reached.
    pub missed: Vec<Figure>,
    pub wanted: u32,
    pub in_service: u32,
    pub launched: u32,
    /// Seconds from the first acceptance until 95 %, 99 % and all of the wanted were in service;
    /// none if they never were.
    pub p95_s: Option<f64>,
    pub p99_s: Option<f64>,
    pub finish_s: Option<f64>,
    /// What nobody could beat; none if it cannot be reached at all.
    pub bound_s: Option<f64>,
    pub peak_descriptors: u32,
    pub calls: u64,
    pub throttled: u64,
    pub kills: u32,
    pub simulated_s: f64,
    /// How wrong the expected end was on the way, where that was watched.
    pub eta: Option<eta::EtaErrors>,
}

impl Ran {
    /// What is kept of this run.
    #[must_use]
    pub fn of(drill: &Drill, run: &'static str, world: &World, bound_s: Option<f64>) -> Ran {
        let wanted = wanted(world);
        Ran {
            seed: world.plan.seed,
            run,
            violations: world.oracle.violations.clone(),
            missed: (drill.each)(run, world).into_iter().filter(|f| !f.reached).collect(),
            wanted,
            in_service: u32::try_from(world.served.len()).unwrap_or(u32::MAX),
            launched: world.oracle.launched,
            p95_s: served_s(world, 0.95),
            p99_s: served_s(world, 0.99),
            finish_s: served_s(world, 1.0),
            bound_s,
            peak_descriptors: world.oracle.peak_descriptors,
            calls: world.sent.values().sum(),
            throttled: world.throttled.values().sum(),
            kills: world.kills,
            simulated_s: seconds(world.now, START),
            eta: eta::EtaErrors::of(world),
        }
    }

    /// How many times as long as the bound it took.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let (finish, bound) = self.finish_s.zip(self.bound_s)?;
        (bound > 0.0).then(|| finish / bound)
    }
}

/// Instances that were asked for and accepted.
fn wanted(world: &World) -> u32 {
    let accepted = world.asking.iter().zip(&world.plan.asks).filter(|(asking, _)| asking.accepted.is_some());
    let asked: u32 = accepted.map(|(_, asked)| asked.count).sum();
    let by_alarm: i64 = world.plan.alarms.iter().map(|a| a.by).sum();
    asked + u32::try_from(by_alarm).unwrap_or(0)
}

/// Seconds from the first acceptance until this share of what was wanted was in service.
pub(super) fn served_s(world: &World, share: f64) -> Option<f64> {
    let asked = world.asking.iter().filter_map(|a| a.answered);
    let rung = world.plan.alarms.iter().map(|a| START.plus(Duration::from_millis(a.at_ms.into())));
    let from = asked.chain(rung).min()?;
    let wanted = wanted(world);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a u32
    let needed = (f64::from(wanted) * share).ceil() as usize;
    let mut times: Vec<Time> = world.served.values().copied().collect();
    times.sort_unstable();
    Some(seconds(*times.get(needed.checked_sub(1)?)?, from))
}

pub(super) fn seconds(to: Time, from: Time) -> f64 {
    to.since(from).as_secs_f64()
}

/// A number of things.
pub(super) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// A figure that is missing is as bad as can be.
pub(super) fn or_never(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::INFINITY)
}

/// The value that `share` of them do not exceed.
#[must_use]
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss // a number of runs
    )]
    let at = ((values.len() as f64 * share).ceil() as usize).saturating_sub(1);
    values.get(at).copied().unwrap_or(f64::INFINITY)
}

impl Plan {
    /// The same with the provisioner that must fail.
    #[must_use]
    pub fn naive(self) -> Plan {
        Plan { provisioner: Provisioner::Naive, ..self }
    }
}
