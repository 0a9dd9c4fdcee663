//! The simulated EC2 as a process of its own, so that the descriptors and the memory measured in
//! this one are muster's.

use std::process::Stdio;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{Options, PATIENCE, too_slow};
use crate::sim::Announcement;
use crate::time::timeout_on_the_wall;

/// The running child. It ends with its standard input, hence with this process, however this one
/// ends.
pub struct SimProcess {
    pub announced: Announcement,
    child: Child,
}

impl SimProcess {
    pub async fn start(options: &Options, scale: f64) -> anyhow::Result<SimProcess> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["sim", "--exit-with-parent"])
            .args(["--seed", &options.seed.to_string()])
            .args(["--broken", &options.broken.to_string()])
            .args(["--throttle", &options.throttle.to_string()])
            .args(["--lost-replies", &options.lost_replies.to_string()])
            .args(["--time-scale", &scale.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            // Ctrl-C is for the demo, which then closes the child's standard input.
            .process_group(0)
            .spawn()?;
        let stdout = child.stdout.take().context("the child has a standard output")?;
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        match timeout_on_the_wall(PATIENCE, reader.read_line(&mut line)).await {
            Some(read) => read?,
            None => return too_slow("the simulated EC2"),
        };
        let announced = serde_json::from_str(&line).with_context(|| format!("it announced {line:?}"))?;
        Ok(SimProcess { announced, child })
    }

    /// Closes its standard input and waits for it to end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        match timeout_on_the_wall(PATIENCE, self.child.wait()).await {
            Some(ended) => {
                ended?;
                Ok(())
            }
            None => Ok(self.child.kill().await?),
        }
    }
}
