//! The configuration the demo writes, runs on and leaves for the reader.

use std::fmt::Write as _;
use std::path::Path;

use super::Options;
use crate::app::sqlite_url;
use crate::sim::Announcement;

/// The demo's one group.
pub const GROUP: &str = "web";

/// A complete configuration file.
#[must_use]
pub fn config(options: &Options, sim: &Announcement, scale: f64, dir: &Path) -> String {
    let url = options.database.clone().unwrap_or_else(|| sqlite_url(&dir.join("muster.db")));
    let port = sim.agent_port;
    let mut subnets = String::new();
    for s in &sim.subnets {
        let _ = writeln!(subnets, "  {{ id = \"{}\", zone = \"{}\", weight = 100 }},", s.id, s.zone);
    }
    format!(
        r#"# Written by `muster demo`. `muster config example` explains every key.
[server]
listen = "127.0.0.1:0"

[store]
url = {url:?}

[time]
scale = {scale}

[aws]
region = "us-east-1"
endpoint = "{ec2}"

[limits]
count = {count}

[log]
level = "warn"

[groups.{GROUP}]
# A database that is kept may hold the instances of earlier runs.
max = 1000000

[groups.{GROUP}.launch]
image = "ami-0123456789abcdef0"
instance_type = "m5.large"
subnets = [
{subnets}]

# 0: the demo vouches for its image. With the default of 10, the rest would wait for the first ten.
[groups.{GROUP}.canary]
size = 0

[groups.{GROUP}.configure]
method = "PUT"
port = {port}
path = "/configure"
body = '{{"slot":"{{{{slot}}}}","attempt":{{{{attempt}}}},"instance":"{{{{instance_id}}}}"}}'
expect = [200, 202]
timeout = "5s"

[[groups.{GROUP}.probes]]
kind = "http"
port = {port}
path = "/health"
expect = [200]
timeout = "5s"
"#,
        ec2 = sim.ec2,
        count = options.count.max(10_000),
    )
}
