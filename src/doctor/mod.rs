//! `muster doctor`: what the host and the account lack for this configuration, and what to do about it.
//!
//! It reads and tries, and changes nothing: no call of it writes at AWS, and the database is not opened. Its
//! checks run one after another in a process of their own, beside a service or before its first start.

mod account;
mod files;
mod folder;
mod gateways;
mod groups;
mod limits;
mod policy;
mod report;
mod sockets;

pub use files::Files;
pub use policy::Policy;
pub use report::{Check, Family, Outcome, Report};

use std::time::Duration;

use crate::app::{aws_settings, fd_limits};
use crate::cloud::account::Account;
use crate::cloud::autoscaling::AwsAutoScaling;
use crate::cloud::rehearsals::AwsRehearsals;
use crate::config::Config;
use crate::net::fds::Fds;
use crate::time::Clock;
use limits::Needs;

/// Checks this machine for this configuration. Asks nobody.
#[must_use]
pub fn host(config: &Config, files: &Files) -> Vec<Check> {
    let descriptors = fd_limits(config);
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let mut checks = limits::checks(files, &Needs { descriptors, processors });
    checks.extend(sockets::checks(files, &descriptors, config.server.listen));
    if let Some(folder) = folder::of(&config.store.url) {
        checks.extend(folder::checks(files, &folder));
    }
    checks
}

/// Every check, or only those that ask nobody.
pub async fn run(config: &Config, offline: bool) -> Report {
    let mut checks = host(config, &Files::below("/"));
    if !offline {
        // Without a client for AWS the rest is told all the same.
        let asked = cloud(config).await;
        checks.extend(asked.unwrap_or_else(|why| vec![account::not_asked(&why)]));
    }
    checks.extend(gateways::checks(config));
    Report { checks }
}

/// The longest that one call may take, on the wall: an answer takes some 300 ms, and whoever asks waits for all.
const CALL: Duration = Duration::from_secs(5);

/// What only AWS knows.
async fn cloud(config: &Config) -> anyhow::Result<Vec<Check>> {
    let clock = Clock::scaled(config.time.scale, config.time.origin);
    let fds = Fds::at_start(&fd_limits(config))?;
    let mut settings = aws_settings(config);
    settings.call_timeout = settings.call_timeout.min(CALL.mul_f64(config.time.scale));
    let account = Account::new(&settings, fds, clock).await?;
    let found = account::checks(config, &AwsRehearsals::of(&account), &clock).await;
    let mut checks = found.checks;
    if found.answers {
        checks.extend(groups::checks(config, &AwsAutoScaling::of(&account)).await);
    }
    Ok(checks)
}
