//! A group with a launch hook in a simulated AWS, and a muster that looks after it.

use aws_sdk_autoscaling::Client;
use tempfile::TempDir;

use crate::harness::{Muster, Sim, http, wait_for};
use crate::sdk::autoscaling::{LAUNCHING, group, with_template_at};
use crate::sdk::config;

/// The Auto Scaling group's name, and the subnet it launches into.
pub const ASG: &str = "web-asg";
pub const SUBNET: &str = "subnet-0000000000000000a";
/// The most that it may have, where nothing else is said.
const MAX: i32 = 100;
/// Who has not answered for so long by the wall's clock hangs, seconds: a busy machine's pauses are shorter. Longer, and
/// those that do hang keep everybody else waiting for a connection.
const CONTACT_S: f64 = 6.0;
/// A group that is looked at every five minutes, so that the doors have to tell, and whose instances may take
/// longer than any test.
const PATIENT: &str = r#"
asg = { name = "web-asg", heartbeat = "1h", sweep_every = "5m" }
[groups.web.watchdogs]
boot = "30m"
configure = "30m"
verify = "30m""#;

/// A simulated AWS with the group in it, ten times as fast as the wall: a busy machine's pauses stay far
/// below every timeout.
pub async fn simulated() -> (Sim, Client) {
    let sim = with_template_at("autoscaling.toml", 10.0).await;
    let client = Client::new(&config(&sim));
    group(&client, ASG, MAX, &[SUBNET]).send().await.unwrap();
    (sim, client)
}

/// Gives the group its hook, which tells `target` of its actions; nobody if there is none.
pub async fn hook(client: &Client, target: Option<&str>) {
    hook_of(client, target, 3_600).await;
}

/// The same with another time to answer in, in seconds.
pub async fn hook_of(client: &Client, target: Option<&str>, heartbeat_s: i32) {
    let hook = client
        .put_lifecycle_hook()
        .auto_scaling_group_name(ASG)
        .lifecycle_hook_name("muster")
        .lifecycle_transition(LAUNCHING)
        .heartbeat_timeout(heartbeat_s)
        .set_notification_target_arn(target.map(str::to_string))
        .set_role_arn(target.map(|_| "arn:aws:iam::000000000000:role/hooks".to_string()));
    hook.send().await.unwrap();
}

/// As an alarm does.
pub async fn raise(client: &Client, desired: i32) {
    let call = client.set_desired_capacity().auto_scaling_group_name(ASG).desired_capacity(desired);
    call.send().await.unwrap();
}

/// A muster with the group. `doors` goes into its configuration.
pub fn muster(sim: &Sim, doors: &str, dir: TempDir) -> Muster {
    muster_with(sim, &sim.announced.ec2, MAX, PATIENT, doors, dir)
}

/// The same of up to `max`, that finds AWS at `endpoint`; `group` has what is said of the group besides.
pub fn muster_with(sim: &Sim, endpoint: &str, max: i32, group: &str, doors: &str, dir: TempDir) -> Muster {
    let database = format!("sqlite:{}", dir.path().join("muster.db").display());
    let agent = sim.announced.agent_port;
    let (scale, origin) = (sim.scale, sim.origin_ms);
    let timeout = sim.scale * CONTACT_S;
    Muster::with(dir, |port| {
        format!(
            r#"
[server]
listen = "127.0.0.1:{port}"
[store]
url = "{database}"
[time]
scale = {scale}
origin_ms = {origin}
[aws]
region = "us-east-1"
endpoint = "{endpoint}"
call_timeout = "5m"
[log]
level = "warn"
[groups.web]
max = {max}
{group}
[groups.web.launch]
subnets = [{{ id = "{SUBNET}", zone = "us-east-1a" }}]
[groups.web.canary]
size = 0
[groups.web.configure]
method = "PUT"
port = {agent}
path = "/configure"
timeout = "{timeout}s"
body = '{{"slot":"{{{{slot}}}}","attempt":{{{{attempt}}}}}}'
[[groups.web.probes]]
kind = "http"
port = {agent}
path = "/health"
timeout = "{timeout}s"
{doors}
"#
        )
    })
}

/// Waits until the group itself says that so many are in service, and nothing else; then each was answered
/// by us, in time.
pub async fn all_in_service(sim: &Sim, muster: &Muster, wanted: usize) {
    wait_for("all to be in service", async || {
        let ledger = sim.ledger().await;
        let group = ledger.groups.iter().find(|g| g.name == ASG).ok_or("no group")?;
        let there = group.members.iter().filter(|m| m.state.as_str() == "InService").count();
        if there == wanted && group.members.len() == wanted {
            Ok(())
        } else {
            Err(format!("{there} of {} members: {:?}", group.members.len(), group.tally))
        }
    })
    .await;
    let ledger = sim.ledger().await;
    assert_eq!(ledger.hook_actions.len(), wanted, "no instance was replaced");
    for action in &ledger.hook_actions {
        assert_eq!(
            action.ended.map(muster::sim::model::autoscaling::Ending::as_str),
            Some("continued"),
            "{action:?}"
        );
    }
    wait_for("no action to be open", async || {
        let (status, body) = muster.get("/v1/hooks").await?;
        let page: serde_json::Value = serde_json::from_str(&body).map_err(|e| e.to_string())?;
        if status == 200 && page["hooks"] == serde_json::json!([]) { Ok(()) } else { Err(body) }
    })
    .await;
}

/// All in service were let in, by at most 1.02 completions for each instance there was. Those that were throttled are
/// left aside: they reached nobody.
pub async fn answered_once(sim: &Sim, in_service: u64, all: u64) {
    let ledger = sim.ledger().await;
    let calls = &ledger.apis["autoscaling:CompleteLifecycleAction"];
    let completions = calls.calls - calls.throttled_by_fault - calls.throttled_by_requests;
    assert!(completions >= in_service, "{completions} completions, {in_service} in service: {calls:?}");
    assert!(completions * 100 <= all * 102, "{completions} completions for {all} instances: {calls:?}");
}

/// What became of notifications at one door, by muster's own counters.
pub async fn through(muster: &Muster, door: &str, outcome: &str) -> u64 {
    counted(muster, &format!("hooks_total{{door=\"{door}\",outcome=\"{outcome}\"}}")).await
}

/// One of muster's counters, by its name and labels.
pub async fn counted(muster: &Muster, name: &str) -> u64 {
    let (_, text) = muster.get("/metrics").await.unwrap();
    let name = format!("muster_{name} ");
    let line = text.lines().find_map(|l| l.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("there is no {name}in\n{text}")).parse().unwrap()
}

/// A call of a service that speaks JSON.
pub async fn json_call(sim: &Sim, target: &str, body: &serde_json::Value) -> serde_json::Value {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDTEST/20260104/us-east-1/events/aws4_request, \
        SignedHeaders=host, Signature=unchecked";
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target),
        ("authorization", authorization),
    ];
    let (status, answer) = http("POST", &sim.announced.ec2, &headers, &body.to_string()).await.unwrap();
    assert_eq!(status, 200, "{target}: {answer}");
    serde_json::from_str(&answer).unwrap()
}
