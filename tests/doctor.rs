//! `muster doctor` as a process of its own, against the simulated AWS over real sockets.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use aws_sdk_autoscaling::Client;
use muster::time::timeout_on_the_wall;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::{PATIENCE, Sim, free_port};
use crate::hooks::group::{ASG, SUBNET, hook};
use crate::sdk::autoscaling::{group, with_template_at};
use crate::sdk::{config, faults};

/// A simulated AWS in real time with a group, its queue and a hook that leads there; and a configuration for it.
struct Patient {
    sim: Sim,
    groups: Client,
    queue: String,
    dir: TempDir,
}

impl Patient {
    /// Everything is as it should be.
    async fn healthy() -> Patient {
        let sim = with_template_at("autoscaling.toml", 1.0).await;
        let groups = Client::new(&config(&sim));
        group(&groups, ASG, 100, &[SUBNET]).send().await.unwrap();
        let (queue, arn) = crate::hooks::queue(&sim).await;
        hook(&groups, Some(&arn)).await;
        Patient { sim, groups, queue, dir: tempfile::tempdir().unwrap() }
    }

    /// Writes the configuration; `queue` is the one that is polled.
    fn configured(&self, queue: &str) -> PathBuf {
        let file = self.dir.path().join("muster.toml");
        let text = format!(
            r#"
[server]
listen = "127.0.0.1:{port}"
[store]
url = "sqlite:{database}"
[aws]
region = "us-east-1"
endpoint = "{endpoint}"
[hooks.sqs]
queues = ["{queue}"]
[groups.fleet]
max = 10
probes = [{{ kind = "tcp", port = 80 }}]
[groups.fleet.launch]
image = "ami-0123456789abcdef0"
instance_type = "m5.large"
subnets = [{{ id = "{SUBNET}", zone = "us-east-1a" }}]
[groups.web]
max = 100
asg = {{ name = "{ASG}" }}
probes = [{{ kind = "tcp", port = 80 }}]
[groups.web.launch]
subnets = [{{ id = "{SUBNET}", zone = "us-east-1a" }}]
"#,
            port = free_port(),
            database = self.dir.path().join("muster.db").display(),
            endpoint = self.sim.announced.ec2,
        );
        std::fs::write(&file, text).unwrap();
        file
    }

    /// What the doctor says, and its exit code.
    async fn examined(&self) -> (Option<i32>, Value) {
        let file = self.configured(&self.queue);
        doctor(&mut command(&file, &["--json"])).await
    }
}

fn command(file: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["doctor", "--config"]).arg(file).args(args).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn doctor(command: &mut Command) -> (Option<i32>, Value) {
    let output = timeout_on_the_wall(PATIENCE, command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    (output.status.code(), report)
}

/// The check of this name.
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

/// What is about AWS and did not come to "ok"; the machine's own limits are whatever they are.
fn complaints(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let of_aws =
        checks.filter(|c| c["family"] != "host" && ["warn", "fail"].iter().any(|o| c["outcome"] == *o));
    of_aws.map(|c| c["name"].as_str().unwrap().to_string()).collect()
}

#[tokio::test]
async fn a_healthy_account_has_no_complaints_and_nothing_is_changed() {
    let patient = Patient::healthy().await;
    let (_, report) = patient.examined().await;
    assert_eq!(complaints(&report), Vec::<String>::new(), "{report:#}");
    assert_eq!(check(&report, "launch of fleet")["outcome"], "ok");
    assert_eq!(check(&report, "ec2:TerminateInstances")["outcome"], "ok");
    assert_eq!(check(&report, "web-asg hook muster")["outcome"], "ok");
    let untried = check(&report, "other permissions");
    assert!(untried["seen"].as_str().unwrap().contains("autoscaling:SetDesiredCapacity"), "{untried}");
    assert!(patient.sim.ledger().await.instances.is_empty(), "a dry run launches nothing");
    assert!(!patient.dir.path().join("muster.db").exists(), "the database is not made");
}

#[tokio::test]
async fn a_denied_action_and_a_skewed_clock_have_their_lines() {
    let patient = Patient::healthy().await;
    let script = r#"{"script":[{"fault":"denied","action":"TerminateInstances"},
        {"fault":"denied","action":"DescribeLifecycleHooks"},{"fault":"clock_skew","seconds":60}]}"#;
    faults(&patient.sim, script).await;
    let (code, report) = patient.examined().await;
    assert_eq!(code, Some(1));
    assert_eq!(complaints(&report), ["clock", "ec2:TerminateInstances", ASG], "{report:#}");
    let fix = check(&report, "ec2:TerminateInstances")["fix"].as_str().unwrap();
    assert!(fix.starts_with("allow ec2:TerminateInstances: "), "{fix}");
    assert_eq!(check(&report, "clock")["outcome"], "warn");
    faults(&patient.sim, r#"{"script":[{"fault":"clock_skew","seconds":-400}]}"#).await;
    let (_, report) = patient.examined().await;
    assert_eq!(check(&report, "clock")["outcome"], "fail");
}

#[tokio::test]
async fn a_hook_that_is_missing_or_leads_elsewhere_has_its_line() {
    let patient = Patient::healthy().await;
    let other = patient.configured(&patient.queue.replace("hooks", "others"));
    let (code, report) = doctor(&mut command(&other, &["--json"])).await;
    assert_eq!((code, complaints(&report)), (Some(1), vec!["web-asg hook muster".to_string()]), "{report:#}");
    let gone =
        patient.groups.delete_lifecycle_hook().auto_scaling_group_name(ASG).lifecycle_hook_name("muster");
    gone.send().await.unwrap();
    let (_, report) = patient.examined().await;
    assert_eq!(complaints(&report), ["web-asg hooks"]);
    let gone = patient.groups.delete_auto_scaling_group().auto_scaling_group_name(ASG).force_delete(true);
    gone.send().await.unwrap();
    let (_, report) = patient.examined().await;
    assert_eq!(complaints(&report), [ASG], "{report:#}");
}

#[tokio::test]
async fn a_silent_aws_is_told_after_one_call() {
    let patient = Patient::healthy().await;
    faults(&patient.sim, r#"{"script":[{"fault":"lost_before"}]}"#).await;
    let (code, report) = patient.examined().await;
    assert_eq!((code, complaints(&report)), (Some(1), vec!["AWS answers".to_string()]), "{report:#}");
}

#[tokio::test]
async fn a_small_limit_on_descriptors_is_told_with_the_number_to_set() {
    let patient = Patient::healthy().await;
    let file = patient.configured(&patient.queue);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 48; exec \"$0\" doctor --offline --json --config \"$1\""]);
    shell.arg(env!("CARGO_BIN_EXE_muster")).arg(&file).stdin(Stdio::null()).kill_on_drop(true);
    let (code, report) = doctor(&mut shell).await;
    let descriptors = check(&report, "descriptors");
    assert_eq!((code, &descriptors["outcome"]), (Some(1), &Value::from("fail")), "{report:#}");
    assert!(descriptors["fix"].as_str().unwrap().starts_with("LimitNOFILE="), "{descriptors}");
    assert_eq!(complaints(&report), Vec::<String>::new(), "nobody is asked");
}
