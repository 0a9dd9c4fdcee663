//! A request that does not fit, on a simulated AWS over real sockets: told before the first launch, and exactly what
//! fits is launched (D16).

use std::path::Path;

use muster::api::types::{Created, Preflight, ScaleUp};
use muster::time::Stopwatch;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Muster, Sim, http, wait_for};

/// What most runs have in common: answers come at once, and show what is.
const PROMPT: &str = "visible_after = { min_ms = 0, max_ms = 0 }
latency = { run_instances = { min_ms = 0, max_ms = 0 }, other = { min_ms = 0, max_ms = 0 } }
";

/// Where the account is as narrow as in this file of tests/clients/settings.
async fn simulated(settings: &str) -> Sim {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/settings").join(settings);
    Sim::start(20.0, &["--seed", "16", "--settings", path.to_str().unwrap()]).await
}

async fn preflight(muster: &Muster, count: u32) -> Preflight {
    let (status, body) =
        muster.post("/v1/preflights", &json!({ "group": "web", "count": count }).to_string()).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Everything has been looked at once.
async fn seen(muster: &Muster) {
    wait_for("the picture", async || {
        let told = preflight(muster, 1).await;
        if told.unknown.is_empty() { Ok(()) } else { Err(format!("{:?}", told.unknown)) }
    })
    .await;
}

#[tokio::test]
async fn what_fits_is_launched_and_the_rest_is_told_with_the_increase_to_ask_for() {
    let sim = simulated("cliffs.toml").await;
    let ceiling = "[groups.web.bounds]\nceilings = [{ name = \"load balancer slots\", most = 1100 }]";
    let mut muster = Muster::new(&sim, ceiling);
    muster.start().await;
    seen(&muster).await;

    let told = preflight(&muster, 1_200).await;
    let short: Vec<(&str, u32)> = told.shortfall.iter().map(|s| (s.name.as_str(), s.missing)).collect();
    assert_eq!(short, [("vcpus", 300), ("ceiling", 100)], "{told:?}");
    assert_eq!((told.ask[0].code.as_str(), told.ask[0].value), ("L-1216C47A", 2_400));
    assert!(sim.ledger().await.instances.is_empty(), "nothing is launched by asking");

    let body = json!({ "group": "web", "count": 1_200, "all_or_nothing": true }).to_string();
    let (status, problem) = muster.post("/v1/scale-ups", &body).await;
    assert!(status == 409 && problem.contains("does_not_fit") && problem.contains("L-1216C47A"), "{problem}");

    let body = json!({ "group": "web", "count": 1_200 }).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "monday")];
    let ask = async || {
        let (status, body) =
            http("POST", &format!("{}/v1/scale-ups", muster.url), &headers, &body).await.unwrap();
        assert_eq!(status, 202, "{body}");
        serde_json::from_str::<Created>(&body).unwrap()
    };
    let created = ask().await;
    let said = created.preflight.clone().unwrap();
    assert_eq!((said.wanted, said.fits, said.binding.as_ref().unwrap().name.as_str()), (1_200, 900, "vcpus"));
    assert_eq!(ask().await.preflight, Some(said), "the same request gets the same answer");

    let done = muster.done(&created.id).await;
    let shown: ScaleUp = serde_json::from_value(done).unwrap();
    assert_eq!((shown.item.in_service, shown.item.withdrawn), (900, 300));
    assert_eq!(shown.shortfall.len(), 1);
    assert!(shown.shortfall[0].reason.contains("ask AWS for 2400 (ec2/L-1216C47A)"), "{:?}", shown.shortfall);
    // Exactly what fits lives. (More may have been launched: one that is slow is replaced.)
    sim.assert_served(900).await;
}

#[tokio::test]
async fn a_restart_knows_the_account_while_aws_is_silent() {
    let sim = simulated("cliffs.toml").await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    seen(&muster).await;
    muster.kill().await;

    let silent = r#"{"errors": 100}"#;
    let json = [("content-type", "application/json")];
    let (status, body) =
        http("POST", &format!("{}/_sim/faults", sim.announced.ec2), &json, silent).await.unwrap();
    assert_eq!(status, 200, "{body}");
    muster.start().await;
    let told = preflight(&muster, 1_200).await;
    assert_eq!((told.fits, told.binding.unwrap().name.as_str()), (900, "vcpus"));
    assert!(told.picture_age_s.is_some());
}

/// One thing that is too narrow for 1,200, and what is to be told of it.
struct Cliff<'a> {
    /// What the simulated account is like.
    settings: &'a str,
    /// What has been done in the account before, by others.
    before: &'a [&'a str],
    fits: u32,
    /// The name of the limit, and the quota to ask for with its value.
    binding: &'a str,
    ask: Option<(&'a str, i64)>,
}

/// A request in the query protocol, of somebody else's.
async fn others(sim: &Sim, query: &str) -> String {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let (status, body) = http("POST", &sim.announced.ec2, &form, query).await.unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

/// The first text between these tags.
fn between<'a>(xml: &'a str, tag: &str) -> Option<&'a str> {
    xml.split_once(&format!("<{tag}>"))?.1.split_once('<').map(|(text, _)| text)
}

impl Cliff<'_> {
    /// 1,200 are asked for: the limit is named before anything is launched, and what fits comes into service.
    async fn is_told_and_kept_to(&self) {
        let dir = TempDir::new().unwrap();
        let settings = dir.path().join("sim.toml");
        std::fs::write(&settings, format!("{PROMPT}{}", self.settings)).unwrap();
        let sim = Sim::start(20.0, &["--seed", "16", "--settings", settings.to_str().unwrap()]).await;
        let mut more = String::new();
        for query in self.before {
            if let Some(arn) = between(&others(&sim, query).await, "TargetGroupArn") {
                more = format!("[groups.web.bounds]\ntarget_groups = [\"{arn}\"]\n");
            }
        }
        let strangers = sim.summary(0).await.live;
        let mut muster = Muster::new(&sim, &more);
        muster.start().await;
        seen(&muster).await;
        let body = json!({ "group": "web", "count": 1_200 }).to_string();
        let watch = Stopwatch::start();
        let (status, body) = muster.post("/v1/scale-ups", &body).await;
        println!("{} is named after {:?}", self.binding, watch.elapsed());
        assert_eq!(status, 202, "{body}");
        // It is in the answer, and nothing is launched before the answer is stored.
        let created: Created = serde_json::from_str(&body).unwrap();
        let said = created.preflight.unwrap();
        assert_eq!((said.wanted, said.fits), (1_200, self.fits), "{said:?}");
        assert_eq!(said.binding.as_ref().map(|b| b.name.as_str()), Some(self.binding), "{said:?}");
        let ask = said.ask.first().map(|ask| (ask.code.as_str(), ask.value));
        assert_eq!(ask, self.ask, "{said:?}");

        let shown: ScaleUp = serde_json::from_value(muster.done(&created.id).await).unwrap();
        assert_eq!((shown.item.in_service, shown.item.withdrawn), (self.fits, 1_200 - self.fits));
        let s = sim.summary(self.fits).await;
        assert_eq!(
            (s.serving, s.live, s.duplicates),
            (self.fits.into(), strangers + u64::from(self.fits), 0)
        );
    }
}

#[tokio::test]
async fn vcpus_for_nine_hundred() {
    let settings = "vcpu_quota = 1800";
    let ask = Some(("L-1216C47A", 2_400));
    Cliff { settings, before: &[], fits: 900, binding: "vcpus", ask }.is_told_and_kept_to().await;
}

#[tokio::test]
async fn a_subnet_with_four_hundred_addresses() {
    // A /23 block has 507, of which others have 107.
    let settings =
        "subnets = [{ id = \"subnet-0000000000000000b\", zone = \"us-east-1b\", cidr = \"127.81.0.0/23\" }]";
    let run = "Action=RunInstances&Version=2016-11-15&MinCount=107&MaxCount=107&ImageId=ami-0123456789abcdef0&\
               InstanceType=m5.large&SubnetId=subnet-0000000000000000b";
    Cliff { settings, before: &[run], fits: 400, binding: "addresses", ask: None }
        .is_told_and_kept_to()
        .await;
}

#[tokio::test]
async fn a_target_group_at_a_thousand() {
    let create = "Action=CreateTargetGroup&Version=2015-12-01&Name=web&Protocol=HTTP&Port=80&VpcId=vpc-0";
    let ask = Some(("L-A0D0B863", 1_200));
    Cliff { settings: "", before: &[create], fits: 1_000, binding: "targets", ask }
        .is_told_and_kept_to()
        .await;
}

#[tokio::test]
async fn three_hundred_network_interfaces_in_each_zone() {
    let settings = "[ec2.limits]\ninterfaces_per_zone = 300\n[quotas.applied]\n\"L-DF5E4CA3\" = 300.0";
    let ask = Some(("L-DF5E4CA3", 400));
    Cliff { settings, before: &[], fits: 900, binding: "interfaces", ask }.is_told_and_kept_to().await;
}

/// What cannot be known beforehand is found out with two launches at most, and what it would have had comes elsewhere.
#[tokio::test]
async fn no_capacity_in_one_zone() {
    let dir = TempDir::new().unwrap();
    let settings = dir.path().join("sim.toml");
    let empty = format!("{PROMPT}capacity = [{{ zone = \"us-east-1c\", instances = 0 }}]");
    std::fs::write(&settings, empty).unwrap();
    let sim = Sim::start(20.0, &["--seed", "16", "--settings", settings.to_str().unwrap()]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    seen(&muster).await;
    let (status, body) =
        muster.post("/v1/scale-ups", &json!({ "group": "web", "count": 1_200 }).to_string()).await;
    assert_eq!(status, 202, "{body}");
    let created: Created = serde_json::from_str(&body).unwrap();
    assert_eq!(created.preflight.unwrap().fits, 1_200);
    muster.done(&created.id).await;
    sim.assert_served(1_200).await;
    let ledger = sim.ledger().await;
    assert!(ledger.instances.iter().all(|i| i.zone != "us-east-1c"));
}
