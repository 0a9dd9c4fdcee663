//! `muster demo`: the main job on embedded defaults. Starts a simulated EC2 in a process of its
//! own and the service in this one, asks for 1,200 instances, follows them, and lets the simulated
//! EC2's ledger judge what came of it.

mod follow;
mod setting;
mod sim_process;
mod verdict;
mod web;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;

use crate::app::Service;
use crate::config::Config;
use crate::time::Stopwatch;
use sim_process::SimProcess;
pub use verdict::Verdict;

/// What the demo is to show.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Instances to ask for.
    #[arg(long, default_value_t = 1_200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    /// Everything that is left to chance in the simulated EC2 comes from this.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Percentage of instances that are broken; half of those hang.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub broken: f64,
    /// Percentage of EC2 calls that are throttled whatever the buckets say.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub throttle: f64,
    /// Percentage of EC2 calls that take effect and whose reply is lost.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub lost_replies: f64,
    /// Database to use instead of a SQLite file: sqlite:PATH or postgres://...
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Directory for the database and the configuration, kept afterwards; a temporary one if not
    /// given.
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
    /// How many times faster than the wall time runs; 1 is real time. By default as fast as makes
    /// the run take about 25 s.
    #[arg(long, value_name = "FACTOR", value_parser = scale)]
    pub time_scale: Option<f64>,
    /// End when the run is over instead of serving on.
    #[arg(long)]
    pub exit: bool,
    /// Print one JSON object on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let p: f64 = text.parse().map_err(|_| "write a number from 0 to 100".to_string())?;
    if (0.0..=100.0).contains(&p) { Ok(p) } else { Err("allowed are 0 to 100".into()) }
}

fn scale(text: &str) -> Result<f64, String> {
    let s: f64 = text.parse().map_err(|_| "write a number, for example 10".to_string())?;
    if (0.1..=1_000.0).contains(&s) { Ok(s) } else { Err("allowed are 0.1 to 1000".into()) }
}

impl Options {
    /// The factor asked for, or the one that makes the run take about 25 s of wall time: launches
    /// are over after (count - 1,000) / 2 s, and the slowest instance takes about 130 s; broken
    /// ones are launched again and found out late, which doubles it.
    fn scale(&self) -> f64 {
        self.time_scale.unwrap_or_else(|| {
            let replaced = 1.0 + self.broken / 100.0;
            let launching = (f64::from(self.count) * replaced - 1_000.0).max(0.0) / 2.0;
            let tail = if self.broken > 0.0 { 260.0 } else { 130.0 };
            ((launching + tail) / 22.0).clamp(1.0, 20.0)
        })
    }
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

/// Runs the demo. Returns whether every wanted instance is in service or accounted for; `None` if it
/// was interrupted before that was known.
///
/// # Errors
/// If something could not be started or asked.
pub async fn run(options: Options) -> anyhow::Result<Option<bool>> {
    // Held to the end, however that comes: it takes its folder away.
    let temporary;
    let dir = if let Some(dir) = &options.dir {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        dir.clone()
    } else {
        temporary = tempfile::Builder::new().prefix("muster-demo-").tempdir()?;
        temporary.path().to_path_buf()
    };
    let (sim, service, verdict) = tokio::select! {
        played = Box::pin(play(&options, &dir)) => played?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            return Ok(None);
        }
    };
    if options.json {
        println!("{}", serde_json::to_string(&verdict)?);
    } else {
        print!("{}", verdict.table());
    }
    if !options.exit {
        eprintln!("serving on at http://{}; Ctrl-C ends", service.address);
        tokio::signal::ctrl_c().await?;
    }
    service.run_until(std::future::ready(())).await?;
    sim.stop().await?;
    Ok(Some(verdict.good()))
}

/// Starts both sides, asks for the instances, follows them to the end and judges.
async fn play(options: &Options, dir: &Path) -> anyhow::Result<(SimProcess, Service, Verdict)> {
    let wall = Stopwatch::start();
    let scale = options.scale();
    let sim = SimProcess::start(options, scale).await.context("the simulated EC2 did not start")?;
    let text = setting::config(options, &sim.announced, scale, dir);
    let file = dir.join("muster.toml");
    std::fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    let config = Config::parse(&file.display().to_string(), &text, &config_variables())?;
    let service = Box::pin(Service::start(&config)).await?;
    let url = format!("http://{}", service.address);
    eprintln!("muster serves at {url} (try: curl {url}/v1/scale-ups); time runs {scale:.1} times as fast");
    eprintln!(
        "simulated EC2 at {} with seed {}; everything is in {}",
        sim.announced.ec2,
        options.seed,
        dir.display()
    );

    let ask = serde_json::json!({ "group": setting::GROUP, "count": options.count, "reason": "muster demo" });
    let created: Created =
        web::post(&format!("{url}/v1/scale-ups"), &ask).await.context("the scale-up was not accepted")?;
    follow::to_the_end(&service.handle, &created.id).await?;
    let verdict = Verdict::reach(options, &sim, &service, &created.id, wall.elapsed()).await?;
    Ok((sim, service, verdict))
}

/// The environment's overrides apply to the demo as they do to the service.
fn config_variables() -> crate::config::Variables {
    std::env::vars_os().collect()
}

/// How long anything that is asked of a process on this machine may take, on the wall.
const PATIENCE: Duration = Duration::from_secs(10);

fn too_slow<T>(what: &str) -> anyhow::Result<T> {
    bail!("{what} did not answer within {} s", PATIENCE.as_secs())
}
