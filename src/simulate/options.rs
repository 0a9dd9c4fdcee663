//! The command line of `muster simulate`.

use clap::Args;

use super::mutant::Mutant;

/// Runs drills in virtual time: the real core, the real protocol, a simulated AWS, and an oracle
/// that looks at every event.
#[derive(Args, Clone, Debug)]
pub struct SimulateOptions {
    /// Which drill: D1, D2, D4, D7, D8, or mixed for the swarm.
    #[arg(long, value_name = "NAME", default_value = "mixed")]
    pub drill: String,
    /// How many seeds, one run (or more) each.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub seeds: u64,
    /// The first of them.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub first_seed: u64,
    /// Print every event of the first seed, and nothing else is run.
    #[arg(long)]
    pub trace: bool,
    /// Print one JSON object on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
    /// Run the provisioner that must fail: one connection for each instance, the SDK's retries, one
    /// timeout of 600 s, nothing written down.
    #[arg(long)]
    pub naive: bool,
    /// Break the protocol on purpose, in one place.
    #[arg(long, value_name = "NAME")]
    pub mutant: Option<Mutant>,
    /// Threads; by default as many as there are processors. Runs do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub jobs: Option<u32>,
}
