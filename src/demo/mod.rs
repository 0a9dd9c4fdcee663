//! `muster demo`.

use std::path::PathBuf;

use clap::Args;

/// Options of the demonstration.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// End when the scale-up has ended, instead of serving until Ctrl-C.
    #[arg(long)]
    pub exit: bool,

    /// Print one JSON object at the end, and nothing else on standard output.
    #[arg(long)]
    pub json: bool,

    /// Instances to ask for.
    #[arg(long, default_value_t = 1200)]
    pub count: u32,

    /// Everything that is left to chance comes from this; a random one if not given.
    #[arg(long)]
    pub seed: Option<u64>,

    /// Instances that are broken; half of them hang.
    #[arg(long, value_name = "PERCENT")]
    pub broken: Option<f64>,

    /// Calls that are throttled though the buckets would allow them.
    #[arg(long, value_name = "PERCENT")]
    pub throttle: Option<f64>,

    /// Calls that take effect and whose reply is lost.
    #[arg(long, value_name = "PERCENT")]
    pub lost_replies: Option<f64>,

    /// The database; a file in the demonstration's directory if not given.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,

    /// Where files go; a temporary directory if not given.
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,

    /// How many times faster than the wall time runs.
    #[arg(long)]
    pub time_scale: Option<f64>,
}

/// Runs the demonstration.
pub fn run(_options: &Options) -> anyhow::Result<crate::cli::Done> {
    anyhow::bail!("this build has no demonstration")
}
