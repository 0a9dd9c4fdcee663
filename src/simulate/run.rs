//! `muster simulate`: runs seeds, on as many threads as there are processors, and reports.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, anyhow};

use crate::sim::bound::{bound, in_group};
use crate::time::Stopwatch;

use super::books::Disk;
use super::disk;
use super::drill::{self, Drill, Ran};
use super::options::SimulateOptions;
use super::plan::Plan;
use super::report::Report;
use super::world::World;

/// Lines of a failing seed's timeline that are shown, up to its first violation.
const TIMELINE: usize = 60;

/// Runs what was asked for. True if every invariant held and every figure was reached.
///
/// # Errors
/// If there is no such drill, or nothing can be written.
pub fn run(options: &SimulateOptions) -> anyhow::Result<bool> {
    let drill = drill::find(&options.drill).ok_or_else(|| {
        let all: Vec<&str> = drill::DRILLS.iter().map(|d| d.name).collect();
        anyhow!("there is no drill '{}'; there are {}", options.drill, all.join(", "))
    })?;
    let last =
        options.first_seed.checked_add(options.seeds - 1).context("the last seed is too large a number")?;
    eprintln!("{}: {}", drill.name, drill.about);
    eprintln!("seeds {} to {last}", options.first_seed);
    if options.trace {
        return trace(drill, options);
    }
    let wall = Stopwatch::start();
    let runs = all(drill, options)?;
    let report = Report::of(
        drill,
        if options.naive { "naive" } else { "muster" },
        &runs,
        options.first_seed,
        options.seeds,
        wall.elapsed(),
    );
    if let Some(first) = report.violations.first().filter(|_| !options.json) {
        eprintln!("the timeline of seed {} up to its first violation:", first.seed);
        eprintln!("{}", timeline(drill, options, first.seed, first.run)?);
    }
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(report.passed)
}

/// Every seed, in order whichever thread ran it.
fn all(drill: &'static Drill, options: &SimulateOptions) -> anyhow::Result<Vec<Ran>> {
    let jobs = options.jobs.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        |jobs| usize::try_from(jobs).unwrap_or(1),
    );
    let next = AtomicU64::new(0);
    let work = || {
        let mut runs = Vec::new();
        loop {
            let n = next.fetch_add(1, Relaxed);
            if n >= options.seeds {
                return Ok(runs);
            }
            runs.extend(seed(drill, options, options.first_seed + n)?);
        }
    };
    let mut runs = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let mut runs = Vec::new();
        for thread in threads {
            let part: anyhow::Result<Vec<Ran>> =
                thread.join().map_err(|_| anyhow!("a run panicked; its seed is above"))?;
            runs.extend(part?);
        }
        anyhow::Ok(runs)
    })?;
    runs.sort_by_key(|r| r.seed);
    Ok(runs)
}

/// Every run of one seed.
///
/// # Errors
/// If a plan makes no sense.
pub fn seed(drill: &Drill, options: &SimulateOptions, seed: u64) -> anyhow::Result<Vec<Ran>> {
    plans(drill, options, seed)
        .into_iter()
        .map(|(name, plan)| {
            let world = ran(plan, false)?;
            Ok(Ran::of(drill, name, &world, bound_of(&world.plan)))
        })
        .collect()
}

fn plans(drill: &Drill, options: &SimulateOptions, seed: u64) -> Vec<(&'static str, Plan)> {
    let change = |plan: Plan| {
        let plan = Plan { mutant: options.mutant, ..plan };
        if options.naive { plan.naive() } else { plan }
    };
    (drill.plans)(seed).into_iter().map(|(name, plan)| (name, change(plan))).collect()
}

/// Runs one plan to its end.
///
/// # Errors
/// If the plan makes no sense, or the real store cannot be opened.
pub fn ran(plan: Plan, traced: bool) -> anyhow::Result<World> {
    let seed = plan.seed;
    let disk: Option<Box<dyn Disk>> =
        if plan.real_store { Some(Box::new(disk::Sqlite::new().context("the real store")?)) } else { None };
    let mut world = World::new(plan, disk, traced).with_context(|| format!("the plan of seed {seed}"))?;
    world.run();
    Ok(world)
}

/// What nobody could beat. Only where one request, or one alarm, is all there is, from the beginning.
fn bound_of(plan: &Plan) -> Option<f64> {
    if !plan.changes.is_empty() || !plan.cancels.is_empty() {
        return None;
    }
    let bound = match (plan.asks.as_slice(), plan.alarms.as_slice()) {
        ([asked], []) if asked.at_ms == 0 && asked.by_ms.is_none() => {
            let group = &plan.groups[asked.group];
            if group.asg.is_some() {
                in_group(&plan.aws, plan.seed, asked.count, Some(group.launch.batch))
            } else {
                bound(&plan.aws, plan.seed, asked.count, group.launch.batch)
            }
        }
        ([], [alarm]) => in_group(&plan.aws, plan.seed, u32::try_from(alarm.by).ok()?, None),
        _ => return None,
    };
    bound.map(|b| b.bound_s)
}

fn trace(drill: &Drill, options: &SimulateOptions) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    let mut good = true;
    for (name, plan) in plans(drill, options, options.first_seed) {
        if !name.is_empty() {
            writeln!(out, "== {name}")?;
        }
        let world = ran(plan, true)?;
        write!(out, "{}", world.trace())?;
        for v in &world.oracle.violations {
            writeln!(out, "VIOLATED {} at {} ms: {}", v.invariant, v.at_ms, v.text)?;
            good = false;
        }
    }
    Ok(good)
}

/// The last lines before the first violation of a run.
fn timeline(drill: &Drill, options: &SimulateOptions, seed: u64, run: &str) -> anyhow::Result<String> {
    let plan =
        plans(drill, options, seed).into_iter().find(|(name, _)| *name == run).context("no such run")?.1;
    let world = ran(plan, true)?;
    let lines: Vec<&str> = world.trace().lines().collect();
    let from = lines.len().saturating_sub(TIMELINE);
    Ok(lines[from..].join("\n"))
}
