//! The command line's shape: commands, options, and what `--help` says of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use url::Url;

use super::ask::schedule::Schedule;
use super::exit;
use crate::config::duration;
use crate::decide::words::{Ec2Id, Phase};

/// Brings servers into service on AWS by the thousand: launch, configure, verify.
#[derive(Debug, Parser)]
#[command(name = "muster", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub service: Service,

    #[command(subcommand)]
    pub command: Command,
}

/// Which service to talk to, and how to print what it says.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Talking to the service")]
pub struct Service {
    /// Where the service is.
    #[arg(long, global = true, env = "MUSTER_URL", default_value = "http://127.0.0.1:7087", value_parser = url)]
    pub url: Url,

    /// A file with the bearer token; the variable `MUSTER_TOKEN` may hold the token itself.
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Print data as JSON: one document, or one line for each event with --follow.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service.
    Serve(Serve),

    /// Show it all at work: a service, a simulated EC2, and a scale-up of 1,200 instances.
    Demo(crate::demo::Options),

    /// Run the simulated AWS and its instances alone, on loopback.
    Sim(crate::sim::SimOptions),

    /// Run drills in virtual time: thousands of seeds, an oracle at every event.
    Simulate(crate::simulate::SimulateOptions),

    #[command(flatten)]
    Ask(Ask),

    /// Write or check a configuration.
    #[command(subcommand)]
    Config(Config),

    /// Tell what this machine and the AWS account lack for a configuration, and what to do about it.
    Doctor(Doctor),
}

#[derive(Args, Debug)]
pub struct Doctor {
    /// The configuration; `muster config example` prints one.
    #[arg(long, env = "MUSTER_CONFIG", value_name = "FILE")]
    pub config: PathBuf,

    /// Check this machine only: nobody is asked.
    #[arg(long)]
    pub offline: bool,

    /// Check nothing; print the IAM policy with the permissions that this configuration needs.
    #[arg(long, conflicts_with = "offline")]
    pub policy: bool,
}

#[derive(Args, Debug)]
pub struct Serve {
    /// The configuration; `muster config example` prints one.
    #[arg(long, env = "MUSTER_CONFIG", value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print a commented configuration with every key, its default and its range.
    Example,

    /// Tell everything that is wrong with a configuration, environment variables included.
    Check {
        #[arg(env = "MUSTER_CONFIG", value_name = "FILE")]
        file: PathBuf,
    },
}

/// What can be asked of a service.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// Ask for COUNT more instances of GROUP in service.
    ScaleUp(ScaleUp),

    /// Show all scale-ups, or one with its progress.
    Status(Status),

    /// Tell why a scale-up, a slot or an instance is not further than it is.
    Explain(Explain),

    /// List instances with their phase and reason.
    Instances(Instances),

    /// List the lifecycle actions of Auto Scaling groups that wait for an answer.
    Hooks(Hooks),

    /// Ask for COUNT fewer instances of GROUP in service.
    ScaleIn(ScaleIn),

    /// List scale-ins with what they wait for.
    ScaleIns,

    /// Show what a group's signals say, one by one and together.
    Signals(Signals),

    /// Stop a scale-up: what is not in service yet is undone.
    Cancel(Cancel),

    /// Let nobody end an instance, whoever wants to, until you are done with it.
    Hold(Hold),

    /// List who holds what until when.
    Holds,

    /// End a hold before its time.
    Unhold(End),

    /// Let no group, or one, be scaled in.
    Freeze(Freeze),

    /// List what is frozen until when.
    Freezes,

    /// End a freeze before its time.
    Thaw(End),

    /// Broken instances that are kept for people to look at.
    #[command(subcommand)]
    Quarantine(Quarantine),

    /// Ask that a gateway or load balancer be scaled ahead of time.
    #[command(subcommand)]
    Gateway(Gateway),

    /// Show how full every group is, and what stands in its way.
    Groups,

    /// List the zones of every group with their share of new launches.
    Zones(Zones),

    /// Order what a zone gets.
    #[command(subcommand)]
    Zone(Zone),
}

#[derive(Args, Debug)]
pub struct ScaleUp {
    pub group: String,

    pub count: u32,

    /// In service by then: a duration from now (15m, 1h30m) or a time (2026-01-04T15:00:00Z).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub by: Option<String>,

    /// Why; kept with the scale-up.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Two requests with the same key are one; without it, a new one is made for this call.
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub idempotency_key: Option<String>,

    /// Refuse it if not all of them fit, instead of taking what does.
    #[arg(long)]
    pub all_or_nothing: bool,

    /// What the group has in reserve is for this one: verified again, it serves before anything that is launched.
    #[arg(long)]
    pub emergency: bool,

    /// Only tell what it would come to: how many fit, what binds, what to ask AWS for, how long it takes.
    #[arg(long, conflicts_with_all = ["follow", "idempotency_key"])]
    pub dry_run: bool,

    /// Stay until it is done, and show its progress.
    #[arg(long)]
    pub follow: bool,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct Retry {
    /// How long to keep trying while the service does not answer or is busy.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration_arg)]
    pub retry_for: Duration,
}

#[derive(Args, Debug)]
pub struct Hooks {
    /// Others than the open ones: answered, over, expired, or all.
    #[arg(long)]
    pub state: Option<String>,

    #[arg(long)]
    pub group: Option<String>,

    /// Only those of the instance with this EC2 id.
    #[arg(long)]
    pub id: Option<String>,
}

#[derive(Args, Debug)]
pub struct Status {
    /// Id or number.
    pub scale_up: Option<String>,

    /// Stay until it is done, and show its progress.
    #[arg(long, requires = "scale_up")]
    pub follow: bool,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Debug)]
pub struct Explain {
    /// A scale-up (id or number), a slot (12-34) or an instance (i-0123456789abcdef0).
    #[arg(value_name = "SCALE_UP|SLOT")]
    pub subject: String,
}

#[derive(Args, Debug)]
pub struct Instances {
    /// Only those of this scale-up (id or number).
    #[arg(long)]
    pub scale_up: Option<String>,

    /// Only those of this group.
    #[arg(long)]
    pub group: Option<String>,

    /// Only those in this phase.
    #[arg(long)]
    pub phase: Option<Phase>,
}

#[derive(Args, Debug)]
pub struct ScaleIn {
    pub group: String,

    pub count: u32,

    /// Why; kept with the scale-in.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Two requests with the same key are one; without it, a new one is made for this call.
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub idempotency_key: Option<String>,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Debug)]
pub struct Signals {
    pub group: String,
}

#[derive(Args, Debug)]
pub struct Cancel {
    /// Id or number.
    pub scale_up: String,

    /// Why; kept with the scale-up.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Debug)]
pub struct Zones {
    /// Only those of this group.
    #[arg(long)]
    pub group: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Zone {
    /// Give a zone PERCENT of its configured share of new launches, in every group or in one.
    ///
    /// 0 drains it, 100 is as configured, `reset` takes the order back. It acts on the next launch; what is in
    /// the zone stays there, and what an Auto Scaling group launches by itself goes where that group wants it.
    Weight(ZoneWeight),
}

#[derive(Args, Debug)]
pub struct ZoneWeight {
    pub zone: String,

    /// 0 to 100, or `reset`.
    #[arg(value_parser = percent)]
    pub percent: Percent,

    /// In this group alone; it goes over what is ordered for every group.
    #[arg(long)]
    pub group: Option<String>,

    /// Why; kept with the order.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    #[command(flatten)]
    pub retry: Retry,
}

/// A weight, or none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(pub Option<u8>);

fn percent(text: &str) -> Result<Percent, String> {
    if text == "reset" {
        return Ok(Percent(None));
    }
    let percent = text.strip_suffix('%').unwrap_or(text).parse().ok().filter(|p| *p <= 100);
    percent
        .map(|p| Percent(Some(p)))
        .ok_or_else(|| "write a whole number from 0 to 100, or reset".to_string())
}

#[derive(Args, Debug)]
pub struct Hold {
    /// The instance's EC2 id.
    pub instance: Ec2Id,

    /// Until then: a duration from now (2h, at most 168h) or a time (2026-01-04T15:00:00Z).
    #[arg(long = "for", value_name = "WHEN", value_parser = when)]
    pub until: String,

    /// Why; kept with the hold.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Its group, where muster cannot find it by itself.
    #[arg(long)]
    pub group: Option<String>,

    /// Take it out of service: `Standby` instead of suspending its group's `ReplaceUnhealthy`.
    #[arg(long)]
    pub standby: bool,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Debug, Subcommand)]
pub enum Gateway {
    /// Ask that GATEWAY have so much capacity until then.
    Request(GatewayRequest),

    /// List the gateways and what was asked of them.
    List,

    /// Show one request with its history.
    Show {
        /// Its id, as the list shows it.
        id: String,
        /// Only its text for people, as a mail without addresses that is ready to be sent.
        #[arg(long)]
        letter: bool,
    },

    /// Say what a gateway carries that AWS has no call for. 0: it will not be done.
    Confirm(Confirm),

    /// End a request before its time: what was reserved before is restored.
    Release(End),

    /// Requests that are made by the calendar.
    #[command(subcommand)]
    Schedule(Schedule),

    /// Let a group, or one scale-up, launch more than its gateways are known to carry.
    Override(GateOverride),

    /// End an override before its time.
    EndOverride(End),
}

#[derive(Args, Debug)]
pub struct GateOverride {
    /// A group, or the id of an open scale-up: older ones of its group go first, and with it.
    #[arg(value_name = "GROUP|SCALE_UP")]
    pub subject: String,

    /// Until then: a duration from now (2h, at most 24h) or a time. 1h if left out; of a scale-up until it is done.
    #[arg(long = "for", value_name = "WHEN", value_parser = when)]
    pub until: Option<String>,

    /// Why; kept with the override.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Debug)]
pub struct GatewayRequest {
    /// As configured.
    pub gateway: String,

    /// The whole capacity that it is to have, in its unit.
    pub capacity: u32,

    /// To be there by then: a duration from now (30m) or a time (2026-01-04T15:00:00Z).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub by: Option<String>,

    /// Given back then: a duration from now (24h, at most 92 days) or a time.
    #[arg(long = "for", value_name = "WHEN", value_parser = when)]
    pub until: String,

    /// Why; kept with the request.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Debug)]
pub struct Confirm {
    /// The request's id.
    pub id: String,

    /// What the gateway can carry now, in its unit.
    #[arg(long, value_name = "N")]
    pub capacity: u32,

    /// Kept with it.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List who is kept, why and until when.
    List,

    /// End one before its time, and the instance with it.
    Release(Release),
}

#[derive(Args, Debug)]
pub struct Release {
    /// The instance's EC2 id.
    pub instance: Ec2Id,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

/// Who asks.
#[derive(Args, Debug)]
pub struct Who {
    /// Who you are.
    #[arg(id = "who", long = "as", value_name = "NAME", env = "USER")]
    pub name: String,
}

#[derive(Args, Debug)]
pub struct Freeze {
    /// The group; --all for every one.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub group: Option<String>,

    /// Every group.
    #[arg(long)]
    pub all: bool,

    /// Until then: a duration from now (30m, at most 24h) or a time (2026-01-04T15:00:00Z).
    #[arg(long = "for", value_name = "WHEN", value_parser = when)]
    pub until: String,

    /// Why; kept with the freeze.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

#[derive(Args, Debug)]
pub struct End {
    /// Its id, as the list shows it.
    pub id: String,

    /// Also if it is somebody else's. Your name is kept with it.
    #[arg(long = "override")]
    pub overrides: bool,

    #[command(flatten)]
    pub who: Who,

    #[command(flatten)]
    pub retry: Retry,
}

fn url(text: &str) -> Result<Url, String> {
    let allowed = "write http://HOST:PORT or https://HOST:PORT";
    let url = Url::parse(text).map_err(|e| format!("{e}: {allowed}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(allowed.to_string());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "a URL with a password shows it to everyone: use --token-file or MUSTER_TOKEN".to_string()
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("it has a query or a fragment: {allowed}"));
    }
    Ok(url)
}

fn duration_arg(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| format!("write {}", duration::ALLOWED))
}

/// The service reads it again, on its own clock; a slip is told here without asking it.
fn when(text: &str) -> Result<String, String> {
    let time = text.parse::<jiff::Timestamp>().is_ok();
    let from_now = duration::parse(text).is_some_and(|d| !d.is_zero());
    if time || from_now {
        return Ok(text.to_string());
    }
    Err("write a duration from now (15m, 1h30m) or a time with its zone (2026-01-04T15:00:00Z)".to_string())
}

fn key(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(text.to_string()) } else { Err("write 1 to 128 visible ASCII characters".to_string()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn error(args: &[&str]) -> String {
        let all = ["muster"].iter().chain(args);
        let Err(error) = Cli::try_parse_from(all) else { return String::new() };
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    /// clap sees to it in debug builds alone, and these tests are built for release.
    #[test]
    fn no_command_has_two_arguments_of_one_name() {
        fn walk(command: &clap::Command) {
            let mut seen = std::collections::BTreeSet::new();
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(seen.insert(id), "{} has two arguments '{id}'", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn the_help_tells_the_exit_codes() {
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("5  the scale-up ended with a shortfall"), "{help}");
    }

    #[test]
    fn slips_are_told_with_what_is_allowed() {
        assert!(error(&["scale-up", "web"]).contains("<COUNT>"));
        assert!(error(&["scale-up", "web", "many"]).contains("invalid digit"));
        assert!(error(&["scale-up", "web", "5", "--by", "soon"]).contains("a duration from now"));
        assert!(error(&["scale-up", "web", "5", "--by", "0s"]).contains("a duration from now"));
        assert!(error(&["scale-up", "web", "5", "--idempotency-key", "a b"]).contains("visible ASCII"));
        assert!(error(&["scale-up", "web", "5", "--retry-for", "60"]).contains("250ms"));
        assert!(error(&["instances", "--phase", "dead"]).contains("in_service"));
        assert!(error(&["status", "--follow"]).contains("SCALE_UP"));
        assert!(error(&["status", "--url", "localhost:7087"]).contains("http://HOST:PORT"));
        assert!(error(&["status", "--url", "http://u:p@localhost"]).contains("--token-file"));
        assert!(error(&["hold", "i-1", "--as", "ann"]).contains("--for <WHEN>"));
        assert!(error(&["hold", "i-\u{e9}", "--for", "1h"]).contains("not an EC2 instance id"));
        assert!(error(&["freeze", "--for", "1h"]).contains("<GROUP>"));
        assert!(error(&["freeze", "web", "--all", "--for", "1h"]).contains("cannot be used with"));
        assert!(error(&["config", "check"]).contains("<FILE>"));
        assert!(error(&[]).contains("Usage"));
    }

    #[test]
    fn options_of_the_service_may_stand_before_or_after_the_command() {
        for args in [["muster", "--json", "status"], ["muster", "status", "--json"]] {
            assert!(Cli::try_parse_from(args).unwrap().service.json);
        }
    }

    #[test]
    fn both_kinds_of_deadline_pass() {
        for by in ["15m", "2026-01-04T15:00:00Z", "2026-01-04T15:00:00+01:00"] {
            assert_eq!(error(&["scale-up", "web", "5", "--by", by]), "");
        }
    }
}
