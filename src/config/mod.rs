//! The configuration: one tree, read from one TOML file and `MUSTER_*` variables, validated whole.
//!
//! ```text
//! file ──► node (values with their lines) ◄── env (variables over it)
//!                │
//!                ▼
//!   server, aws, limits, group/*: one reader for each section, through `section`
//!                │
//!                ▼
//!      Config, or Problems: all of them, each with its place and what is allowed
//! ```

mod aws;
pub mod duration;
mod env;
mod gateway;
mod group;
mod hooks;
mod limits;
mod node;
mod observed;
mod problem;
mod secret;
mod section;
mod server;
mod suggest;
#[cfg(test)]
mod testing;
mod version;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

pub use aws::{ApiLimits, Aws, CloudWatchProtocol};
pub use env::Variables;
pub use hooks::{ApiKey, Hooks, SnsTopics, SqsDoor};
pub use limits::{Descriptors, Limits};
pub use problem::{Place, Problem, Problems};
use section::{Read, Reported, Section};
pub use server::{Log, LogFormat, LogLevel, Server, Store, TimeSettings};

use crate::decide::budget::api::{GATEWAY_CALLS_AT_ONCE, LOOKS_AT_ONCE};
use crate::decide::gateway::words::Gateway;
use crate::decide::group::Group;
use crate::decide::quarantine::words::TAGS_AT_ONCE;

/// Everything that can be set, as it is after validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub server: Server,
    pub store: Store,
    pub time: TimeSettings,
    pub aws: Aws,
    pub hooks: Hooks,
    pub limits: Limits,
    pub log: Log,
    pub groups: BTreeMap<String, Arc<Group>>,
    pub gateways: BTreeMap<String, Arc<Gateway>>,
}

/// A commented file with every key, its default, unit and range. It is valid as it stands.
pub const EXAMPLE: &str = include_str!("../../config/example.toml");

/// Largest file that is read: 10,000 groups fit, a wrong path such as `/dev/zero` does not.
const FILE_MOST: u64 = 16 * 1024 * 1024;

impl Config {
    /// Reads a file, and the process's environment over it.
    pub fn load(file: &Path) -> Result<Config, Problems> {
        let name = file.display().to_string();
        let variables = std::env::vars_os().collect();
        match read(file) {
            Ok(text) => Config::parse(&name, &text, &variables),
            Err(e) => Err(Problems {
                file: name,
                list: vec![Problem {
                    place: Place::File,
                    key: String::new(),
                    what: format!("cannot be read: {e}"),
                }],
            }),
        }
    }

    /// Reads the text of a file called `name`, and `variables` over it.
    pub fn parse(name: &str, text: &str, variables: &Variables) -> Result<Config, Problems> {
        let mut report = problem::Report::default();
        let mut table = node::parse(text, &mut report);
        if !report.list.is_empty() {
            // What could not be read would show up as missing.
            return Err(report.into_problems(name));
        }
        env::apply(&mut table, variables, &mut report);
        let config = section::root(&table, &mut report, |s| tree(s, variables));
        match config {
            Ok(config) if report.list.is_empty() => Ok(config),
            Ok(_) | Err(Reported) => Err(report.into_problems(name)),
        }
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(file)?.take(FILE_MOST + 1).read_to_string(&mut text)?;
    if read as u64 > FILE_MOST {
        return Err(std::io::Error::other(format!("it is larger than {FILE_MOST} bytes")));
    }
    Ok(text)
}

fn tree(s: &mut Section<'_>, variables: &Variables) -> Read<Config> {
    let server = s.table("server", |s| server::server(s, variables));
    let store = s.table("store", server::store);
    let time = s.table("time", server::time);
    let aws = s.table("aws", aws::read);
    let hooks = s.table("hooks", |s| hooks::read(s, variables));
    let limits = s.table("limits", limits::read);
    let log = s.table("log", server::log);
    let gateways = s.named_tables("gateways", group::NAME, group::is_name, gateway::read);
    let groups = s.named_tables("groups", group::NAME, group::is_name, group::read);
    if groups.as_ref().is_ok_and(Vec::is_empty) {
        s.refuse("groups", "missing: without a group nothing can be launched, write [groups.NAME]");
    }
    let config = Config {
        server: server?,
        store: store?,
        time: time?,
        aws: aws?,
        hooks: hooks?,
        limits: limits?,
        log: log?,
        groups: groups?.into_iter().map(|g| (g.name.clone(), Arc::new(g))).collect(),
        gateways: gateways?.into_iter().map(|g| (g.name.clone(), Arc::new(g))).collect(),
    };
    check(s, &config);
    Ok(config)
}

/// What one section cannot see alone.
fn check(s: &mut Section<'_>, config: &Config) {
    let aws = &config.aws;
    #[allow(clippy::float_cmp)] // exactly 1 is what the default and people write
    if config.time.scale != 1.0 && aws.endpoint.is_none() {
        s.refuse(
            "time.scale",
            "AWS keeps real time, so its limits would be overrun: write 1, or an aws.endpoint that is a simulated EC2",
        );
    }
    check_descriptors(s, config);
    gateway::check(s, &config.gateways);
    gateway::check_gates(s, &config.groups, &config.gateways);
    let mut asgs: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, group) in &config.groups {
        if let Some(asg) = group.asg_name()
            && let Some(first) = asgs.insert(asg, name)
        {
            let what = format!("{asg} is groups.{first}'s already: one group for each Auto Scaling group");
            s.refuse(&format!("groups.{name}.asg.name"), what);
        }
        for (i, pool) in group.launch.pools.iter().enumerate() {
            if !pool.zone.starts_with(&aws.region) {
                let what = format!("{} is not in aws.region {}", pool.zone, aws.region);
                s.refuse(&format!("groups.{name}.launch.subnets[{i}].zone"), what);
            }
        }
    }
}

/// Every call that may be out at once needs a descriptor. The calls of holds are left out: twenty at once ask for
/// forty calls, and wait for one another where descriptors are few.
fn check_descriptors(s: &mut Section<'_>, config: &Config) {
    let aws = &config.aws;
    let lanes =
        aws.run_instances.in_flight + aws.describe_instances.in_flight + aws.terminate_instances.in_flight;
    // Questions about the account go out whatever is configured.
    let mut calls = lanes + LOOKS_AT_ONCE;
    let mut what_allows = "aws.*.in_flight and questions about the account allow";
    if config.groups.values().any(|g| g.asg.is_some()) {
        calls += aws.auto_scaling.in_flight;
    }
    if config.groups.values().any(|g| g.quarantine.is_some()) {
        calls += TAGS_AT_ONCE;
        what_allows = "aws.*.in_flight, questions about the account and tags of quarantine allow";
    }
    if config.gateways.values().any(|g| g.calls_aws()) {
        calls += GATEWAY_CALLS_AT_ONCE;
        what_allows = "aws.*.in_flight, questions about the account, tags of quarantine and gateways allow";
    }
    if !config.hooks.sqs.queues.is_empty() {
        calls = calls.saturating_add(config.hooks.sqs.in_flight());
        what_allows = "aws.*.in_flight, questions about the account, tags of quarantine, gateways and \
                       hooks.sqs.pollers, for each queue, allow";
    }
    let cloud = config.limits.descriptors.cloud;
    if calls > cloud {
        let what = format!(
            "limits.descriptors.cloud ({cloud}) is less than the {calls} calls that {what_allows} together, each \
             of which needs a descriptor: raise it or lower those"
        );
        s.refuse_first(
            &[
                "limits.descriptors.cloud",
                "hooks.sqs.pollers",
                "hooks.sqs.queues",
                "aws.auto_scaling.in_flight",
                "aws.run_instances.in_flight",
                "aws.describe_instances.in_flight",
                "aws.terminate_instances.in_flight",
            ],
            what,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{GROUP, parse, read, refused, with_env};
    use super::*;

    #[test]
    fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
        let text = "[server]\nlisen = \"127.0.0.1:1\"\n[log]\nlevel = 5\n[tiem]\nscale = 2.0";
        assert_eq!(
            refused(text),
            r#"muster.toml:2: server.lisen: unknown key: did you mean 'listen'? Allowed here: listen, token_file
muster.toml:4: log.level: 5 is not "off", "error", "warn", "info", "debug" or "trace"
muster.toml:5: tiem: unknown key: did you mean 'time'? Allowed here: aws, gateways, groups, hooks, limits, log, server, store, time"#
        );
    }

    #[test]
    fn a_section_is_a_table() {
        assert_eq!(
            refused("limits = 5\nlog = [1]"),
            "muster.toml:1: limits: 5 is not a table\nmuster.toml:2: log: a list is not a table"
        );
        let groups = parse("groups = { web = 1 }\n[aws]\nregion = \"us-east-1\"").unwrap_err().to_string();
        assert_eq!(groups, "muster.toml:1: groups.web: 1 is not a table");
    }

    #[test]
    fn text_that_is_not_toml_is_told_and_nothing_else() {
        let problems = parse("[server\nlisten = 5").unwrap_err().to_string();
        assert!(problems.starts_with("muster.toml:1: not TOML: "), "{problems}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_problem_too() {
        let problems = Config::load(Path::new("/nowhere/muster.toml")).unwrap_err().to_string();
        assert_eq!(problems, "/nowhere/muster.toml: cannot be read: No such file or directory (os error 2)");
        let endless = Config::load(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(endless, "/dev/zero: cannot be read: it is larger than 16777216 bytes");
    }

    #[test]
    fn nothing_at_all_is_not_a_service() {
        assert_eq!(
            parse("").unwrap_err().to_string(),
            "muster.toml: aws.region: missing: write an AWS region such as \"us-east-1\"\n\
             muster.toml: groups: missing: without a group nothing can be launched, write [groups.NAME]"
        );
    }

    #[test]
    fn time_runs_faster_only_beside_a_simulated_ec2() {
        assert_eq!(
            refused("[time]\nscale = 10"),
            "muster.toml:2: time.scale: AWS keeps real time, so its limits would be overrun: write 1, or an \
             aws.endpoint that is a simulated EC2"
        );
        assert!(with_env("[time]\nscale = 10", &[("MUSTER_AWS__ENDPOINT", "http://127.0.0.1:4566")]).is_ok());
        assert_eq!(
            refused("[time]\nscale = 0\norigin_ms = -1"),
            "muster.toml:2: time.scale: 0 is not a number from 0.1 to 1000\n\
             muster.toml:3: time.origin_ms: -1 is not a whole number from 0 to 253402300799999"
        );
    }

    #[test]
    fn every_call_in_flight_has_its_descriptor() {
        let text = "[limits.descriptors]\ncloud = 13";
        assert_eq!(
            refused(text),
            "muster.toml:2: limits.descriptors.cloud: limits.descriptors.cloud (13) is less than the 14 calls that \
             aws.*.in_flight and questions about the account allow together, each of which needs a descriptor: raise \
             it or lower those"
        );
        let tags = format!("{text}\n[aws]\nregion = \"us-east-1\"\n{GROUP}quarantine = {{}}\n");
        let told = parse(&tags).unwrap_err().to_string();
        assert!(told.contains("less than the 16 calls"), "{told}");
        let raised =
            with_env("", &[("MUSTER_AWS__DESCRIBE_INSTANCES__IN_FLIGHT", "40")]).unwrap_err().to_string();
        assert!(raised.starts_with("MUSTER_AWS__DESCRIBE_INSTANCES__IN_FLIGHT: "), "{raised}");
        let queue = "[hooks.sqs]\nqueues = [\"http://127.0.0.1:4566/000000000000/hooks\"]\npollers = 16";
        assert_eq!(read(queue).map(|c| c.hooks.sqs.in_flight()), Ok(16));
        assert_eq!(
            refused(&format!("{queue}\n[limits.descriptors]\ncloud = 29")),
            "muster.toml:5: limits.descriptors.cloud: limits.descriptors.cloud (29) is less than the 30 calls that \
             aws.*.in_flight, questions about the account, tags of quarantine, gateways and hooks.sqs.pollers, for each queue, \
             allow together, each of which needs a descriptor: raise it or lower those"
        );
    }

    #[test]
    fn zones_are_in_the_region() {
        let text = format!("[aws]\nregion = \"eu-central-1\"\n{GROUP}");
        assert_eq!(
            parse(&text).unwrap_err().to_string(),
            "muster.toml:10: groups.web.launch.subnets[0].zone: us-east-1a is not in aws.region eu-central-1"
        );
    }

    #[test]
    fn variables_go_over_the_file_and_are_named_in_problems() {
        let config = with_env(
            "[limits]\ncontacts = 10",
            &[
                ("MUSTER_LIMITS__CONTACTS", "20"),
                ("MUSTER_STORE__URL", "sqlite:other.db"),
                ("MUSTER_GROUPS__WEB__MAX", "7"),
                ("MUSTER_GROUPS__WEB__LAUNCH__KEY_NAME", "123"),
                ("MUSTER_GROUPS__WEB__CONFIGURE", "{ port = 80, expect = [204] }"),
                ("MUSTER_GROUPS__WEB__CONFIGURE__BODY", "{}"),
            ],
        )
        .unwrap();
        assert_eq!((config.limits.contacts, config.store.url.as_str()), (20, "sqlite:other.db"));
        let web = &config.groups["web"];
        assert_eq!((web.max, web.launch.key_name.as_deref()), (7, Some("123")));
        let configure = web.configure.as_ref().unwrap();
        assert_eq!((configure.port, configure.body.as_str(), configure.expect[0]), (80, "{}", 204));

        let problems = with_env(
            "",
            &[
                ("MUSTER_LIMITS__CONTACTS", "0"),
                ("MUSTER_LIMITS__CONTACT", "5"),
                ("MUSTER_SERVER__LISTEN__PORT", "5"),
                ("MUSTER_GROUPS__WEBB__MAX", "5"),
                ("MUSTER_LISTEN", "127.0.0.1:5"),
                ("MUSTER_GROUPS__WEB__PROBES__0__PORT", "5"),
                ("MUSTER_SERVER__LISTEN", "x"),
            ],
        );
        assert_eq!(
            problems.unwrap_err().to_string(),
            r#"MUSTER_GROUPS__WEBB__MAX: groups.webb.max: the file has no group 'webb'; its groups: web
MUSTER_GROUPS__WEB__PROBES__0__PORT: groups.web.probes.0.port: probes is a list, which has no 'port': set it whole
MUSTER_LIMITS__CONTACT: limits.contact: unknown key: did you mean 'contacts'? Allowed here: contacts, count, describe_every, descriptors, inbox, look_every, open_scale_ups
MUSTER_LIMITS__CONTACTS: limits.contacts: 0 is not a whole number from 1 to 4096
MUSTER_LISTEN: listen: unknown key. Allowed here: aws, gateways, groups, hooks, limits, log, server, store, time
MUSTER_SERVER__LISTEN: server.listen: "x" is not an address and port such as "127.0.0.1:7087" or "[::1]:7087"
MUSTER_SERVER__LISTEN__PORT: server.listen.port: listen is "x", which has no 'port': set it whole"#
        );
    }

    #[test]
    fn variables_that_are_not_keys_are_left_alone() {
        let variables =
            ["URL", "CONFIG", "LOG", "TOOLS", "TEST_POSTGRES", "DEV_ABORT"].map(|n| format!("MUSTER_{n}"));
        let variables: Vec<(&str, &str)> = variables.iter().map(|n| (n.as_str(), "x")).collect();
        assert_eq!(with_env("", &variables), read(""));
        assert_eq!(with_env("", &[("PATH", "/bin"), ("MUSTERED__X", "1")]), read(""));
    }

    #[test]
    fn a_group_s_hyphens_are_underscores_in_variables() {
        let text = format!("[aws]\nregion = \"us-east-1\"\n{}", GROUP.replace("web", "web-eu"));
        let variables = vec![("MUSTER_GROUPS__WEB_EU__MAX".into(), "3".into())];
        assert_eq!(Config::parse("f", &text, &variables).unwrap().groups["web-eu"].max, 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_text_is_told() {
        use std::os::unix::ffi::OsStringExt;
        let value = std::ffi::OsString::from_vec(vec![0xff]);
        let problems =
            Config::parse("f", "", &vec![("MUSTER_LOG__LEVEL".into(), value)]).unwrap_err().to_string();
        assert!(problems.contains("MUSTER_LOG__LEVEL: log.level: not UTF-8: write text"), "{problems}");
    }

    /// Settings that are off by default stand in the example as `#key = value`; prose as `# text`.
    fn example_with_everything_on() -> String {
        let on = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => rest.to_string(),
            Some(_) | None => line.to_string(),
        };
        EXAMPLE.lines().map(on).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_is_valid_as_it_stands() {
        let config = parse(EXAMPLE).map_err(|p| p.to_string()).unwrap();
        assert_eq!(config.groups.len(), 1);
    }

    #[test]
    fn the_example_names_every_key() {
        let text = example_with_everything_on();
        let mut report = problem::Report::default();
        let table = node::parse(&text, &mut report);
        // The secrets' files are not there, and the asg launches by a template of its own.
        let _ = section::root(&table, &mut report, |s| tree(s, &Vec::new()));
        let problems = std::mem::take(&mut report.list);
        let files = ["server.token_file", "hooks.eventbridge.key_file"];
        let expected =
            |p: &&Problem| files.contains(&p.key.as_str()) || p.what.contains("launch template: leave");
        assert_eq!(problems.iter().filter(|p| !expected(p)).collect::<Vec<_>>(), Vec::<&Problem>::new());
        let missing: Vec<&String> = report
            .known
            .iter()
            .filter(|path| {
                let in_lists = ["probes", "subnets", "signals", "dimensions", "ceilings", "gates"]
                    .iter()
                    .fold((*path).clone(), |p, list| p.replace(&format!("{list}."), &format!("{list}[0].")));
                node::find(&table, &in_lists).is_none()
            })
            .collect();
        assert!(missing.is_empty(), "config/example.toml does not name {missing:?}");
        assert!(report.known.len() > 60, "only {} keys are known", report.known.len());
    }

    #[test]
    fn the_example_shows_the_defaults() {
        // What is written in the example is what a configuration without it has.
        let shown = parse(EXAMPLE).unwrap();
        let bare = read("").unwrap();
        assert_eq!(
            (shown.server, shown.store, shown.time, shown.aws, shown.hooks, shown.limits, shown.log),
            (bare.server, bare.store, bare.time, bare.aws, bare.hooks, bare.limits, bare.log)
        );
        let (shown, bare) = (&shown.groups["web"], &bare.groups["web"]);
        assert_eq!(
            (shown.priority, shown.passes, shown.contact_every),
            (bare.priority, bare.passes, bare.contact_every)
        );
        assert_eq!(
            (shown.watchdogs, shown.canary, shown.breaker, shown.valve, shown.floor),
            (bare.watchdogs, bare.canary, bare.breaker, bare.valve, bare.floor)
        );
        assert_eq!(shown.launch.batch, bare.launch.batch);
    }
}
