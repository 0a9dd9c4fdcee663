//! D1, 4 January: 1,200 at once over a lossy network, half of the calls throttled, one server in
//! ten broken, and a group with not one place to spare.

use crate::sim::settings::{Faults, Settings, Spread};

use super::super::network::Network;
use super::super::plan::Plan;
use super::super::world::World;
use super::{Drill, Figure, Ran, base, or_never, quantile};

pub(super) const D1: Drill = Drill {
    name: "D1",
    about: "4 January: 1,200 at once, 2 % packet loss each way, latency 300 ms to 3 s, half of the calls \
            throttled, 10 % broken, group max = 1,200",
    plans,
    each,
    all,
    not_run: &["RLIMIT_NOFILE=256 is a limit of 128 descriptors here; the real limit is the demo's"],
};

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let aws = Settings {
        broken: 10.0,
        faults: Faults { throttle: 50.0, ..Faults::default() },
        ..Settings::default()
    };
    let network = Network { round_trip: Spread { median_ms: 300, p99_ms: 3_000 }, loss: 2.0 };
    vec![("", Plan { aws, network, heal_at_ms: 6_000_000, ..base::plan(seed) })]
}

fn each(_: &str, world: &World) -> Vec<Figure> {
    vec![Figure::at_most(
        "peak descriptors",
        f64::from(world.oracle.peak_descriptors),
        f64::from(base::DESCRIPTORS),
    )]
}

fn all(runs: &[Ran]) -> Vec<Figure> {
    let of = |f: fn(&Ran) -> Option<f64>| -> Vec<f64> { runs.iter().map(|r| or_never(f(r))).collect() };
    vec![
        Figure::at_most("95 % in service, in 95 % of seeds, s", quantile(of(|r| r.p95_s), 0.95), 240.0),
        Figure::at_most("99 % in service, in 95 % of seeds, s", quantile(of(|r| r.p99_s), 0.95), 320.0),
        Figure::at_most("all in service, in 95 % of seeds, s", quantile(of(|r| r.finish_s), 0.95), 600.0),
        Figure::at_most("all in service, in every seed, s", quantile(of(|r| r.finish_s), 1.0), 840.0),
    ]
}
