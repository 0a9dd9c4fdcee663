//! What came of it. The simulated EC2's ledger is the judge of what was lost, duplicated or left
//! behind; muster's own books only say what muster believes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::sim_process::SimProcess;
use super::{Options, web};
use crate::app::Service;
use crate::decide::words::Phase;
use crate::sim::{Ledger, Summary};
use crate::store::InstanceFilter;

/// One run's result, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    pub wanted: u32,
    /// In service by muster's books, and seen serving by the simulated EC2.
    pub in_service: u32,
    /// Slots that ended without an instance, each with its reason.
    pub shortfall: u32,
    /// Wanted, neither serving nor a shortfall.
    pub lost: u32,
    /// Live instances beyond one for each slot.
    pub duplicated: u64,
    /// Live instances that muster does not know.
    pub orphans: u64,
    pub broken: u64,
    pub launch_calls: u64,
    pub ec2_calls: u64,
    pub throttled_calls: u64,
    /// From accepted to the last in service, in muster's time.
    pub elapsed_s: f64,
    /// What an all-knowing scheduler would have needed with the same buckets and boots.
    pub bound_s: f64,
    /// From the start of the program, on the wall.
    pub wall_s: f64,
    /// Most descriptors of any kind that were open at once.
    pub peak_fds: u32,
    /// Sockets that may be open at once.
    pub fd_budget: u32,
    pub seed: u64,
    pub time_scale: f64,
}

impl Verdict {
    pub async fn reach(
        options: &Options,
        sim: &SimProcess,
        service: &Service,
        id: &str,
        wall: Duration,
    ) -> anyhow::Result<Verdict> {
        let row = service.store.scale_up(id).await?.context("the scale-up is in the store")?;
        let summary: Summary =
            web::get(&format!("{}/_sim/summary?wanted={}", sim.announced.ec2, row.wanted)).await?;
        let ledger: Ledger = web::get(&format!("{}/_sim/ledger", sim.announced.ec2)).await?;
        let known = known_live(service).await?;
        let live = ledger.instances.iter().filter(|i| i.state.is_live());
        let orphans = live.filter(|i| !known.contains(&i.id)).count() as u64;
        let serving = u32::try_from(summary.serving).unwrap_or(u32::MAX);
        let usage = service.fds.usage();
        let done = row.done_at.context("the scale-up is done")?;
        Ok(Verdict {
            wanted: row.wanted,
            in_service: row.in_service.min(serving),
            shortfall: row.withdrawn,
            lost: row.wanted.saturating_sub(serving + row.withdrawn),
            duplicated: summary.duplicates.max(summary.serving.saturating_sub(row.wanted.into())),
            orphans,
            broken: ledger.instances.iter().filter(|i| i.broken.is_some()).count() as u64,
            launch_calls: summary.calls.get("RunInstances").copied().unwrap_or(0),
            ec2_calls: summary.ec2_calls,
            throttled_calls: summary.throttled_calls,
            elapsed_s: round(done.since(row.accepted_at).as_secs_f64()),
            bound_s: round(summary.bound_s.unwrap_or(f64::NAN)),
            wall_s: round(wall.as_secs_f64()),
            peak_fds: usage.peak_open,
            fd_budget: usage.budget,
            seed: options.seed,
            time_scale: round(options.scale()),
        })
    }

    /// Every wanted instance is in service or accounted for, and nothing else lives.
    #[must_use]
    pub fn good(&self) -> bool {
        self.lost == 0
            && self.duplicated == 0
            && self.orphans == 0
            && self.in_service + self.shortfall == self.wanted
    }

    /// For people.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // calls of one run
    pub fn table(&self) -> String {
        let per_instance = self.ec2_calls as f64 / f64::from(self.wanted.max(1));
        let rows: [(&str, String); 9] = [
            ("in service", format!("{} of {}", self.in_service, self.wanted)),
            ("shortfall", self.shortfall.to_string()),
            (
                "lost / duplicated / orphans",
                format!("{} / {} / {}", self.lost, self.duplicated, self.orphans),
            ),
            ("broken instances replaced", self.broken.to_string()),
            (
                "time",
                format!(
                    "{:.1} s, bound {:.1} s, ratio {:.3}",
                    self.elapsed_s,
                    self.bound_s,
                    self.elapsed_s / self.bound_s
                ),
            ),
            (
                "EC2 calls",
                format!(
                    "{} ({per_instance:.3} an instance), {} of them launches",
                    self.ec2_calls, self.launch_calls
                ),
            ),
            ("throttled calls", self.throttled_calls.to_string()),
            ("descriptors", format!("at most {} open; socket budget {}", self.peak_fds, self.fd_budget)),
            ("wall clock", format!("{:.1} s at {} times real time", self.wall_s, self.time_scale)),
        ];
        let mut out = String::new();
        for (name, value) in rows {
            let _ = writeln!(out, "{name:<28} {value}");
        }
        let _ = writeln!(
            out,
            "{}",
            if self.good() {
                "every wanted instance is accounted for"
            } else {
                "SOMETHING IS NOT ACCOUNTED FOR"
            }
        );
        out
    }
}

/// Ids of every instance that muster believes to exist.
async fn known_live(service: &Service) -> anyhow::Result<BTreeSet<String>> {
    let mut known = BTreeSet::new();
    let mut after = None;
    loop {
        let page = service.store.instances(&InstanceFilter::default(), after, 1_000).await?;
        let Some(last) = page.last() else { return Ok(known) };
        after = Some(last.instance);
        known.extend(
            page.iter().filter(|i| i.phase != Phase::Gone).filter_map(|i| i.id.map(|id| id.to_string())),
        );
    }
}

/// To milliseconds: more digits would be noise.
fn round(x: f64) -> f64 {
    (x * 1_000.0).round() / 1_000.0
}
