//! Gateway requests over real sockets: capacity of a load balancer is reserved at the simulated AWS, followed and
//! given back, a quota is raised once, addresses are added to a NAT gateway and taken off, whatever is killed around
//! the calls; and people are asked where AWS has no
//! call.

use muster::api::types::{GatewayRequestHistory, GatewayTaken, Gateways};
use muster::decide::gateway::words::GatewayState;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Muster, Sim, http, wait_for};

/// 2,000 units may be reserved in this Region, and are there after a minute; as long takes the answer to whoever asks
/// for more of them.
const SETTINGS: &str = r#"
visible_after = { min_ms = 0, max_ms = 0 }
latency = { run_instances = { min_ms = 0, max_ms = 0 }, other = { min_ms = 0, max_ms = 0 } }

[ec2.limits]
nat_public_addresses = 3

[elbv2]
active_after_ms = 0
reserved_after = { min_ms = 60000, max_ms = 60000 }

[quotas]
answered_after = { min_ms = 60000, max_ms = 60000 }

[quotas.applied]
"L-8A66D0E6" = 2000.0
"#;

/// A request in the query protocol.
async fn query(sim: &Sim, query: &str) -> String {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let (status, body) = http("POST", &sim.announced.ec2, &form, query).await.unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

/// The first text between these tags.
fn between<'a>(xml: &'a str, tag: &str) -> Option<&'a str> {
    xml.split_once(&format!("<{tag}>"))?.1.split_once('<').map(|(text, _)| text)
}

/// A request of Service Quotas about the units that may be reserved.
async fn units(sim: &Sim, action: &str) -> serde_json::Value {
    let target = format!("ServiceQuotasV20190624.{action}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    let body = json!({ "ServiceCode": "elasticloadbalancing", "QuotaCode": "L-8A66D0E6" }).to_string();
    let (status, body) = http("POST", &sim.announced.ec2, &headers, &body).await.unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// An AWS with one load balancer, and a muster that knows it as `web`, a transit gateway as `core`, the quota of units
/// that may be reserved as `units`, and a NAT gateway with one address, that two more may be added to, as `out`.
struct Scene {
    sim: Sim,
    muster: Muster,
    arn: String,
    nat: String,
    _dir: TempDir,
}

impl Scene {
    async fn set(scale: f64) -> Scene {
        let dir = TempDir::new().unwrap();
        let settings = dir.path().join("sim.toml");
        std::fs::write(&settings, SETTINGS).unwrap();
        let sim = Sim::start(scale, &["--seed", "5", "--settings", settings.to_str().unwrap()]).await;
        let subnets: Vec<&str> = sim.announced.subnets.iter().map(|s| s.id.as_str()).collect();
        let create = format!(
            "Action=CreateLoadBalancer&Version=2015-12-01&Name=web&Type=application&Subnets.member.1={}\
             &Subnets.member.2={}",
            subnets[0], subnets[1]
        );
        let made = query(&sim, &create).await;
        let arn = between(&made, "LoadBalancerArn").unwrap_or_else(|| panic!("{made}")).to_string();
        let mut allocations = Vec::new();
        for _ in 0..3 {
            let made = query(&sim, "Action=AllocateAddress&Version=2016-11-15").await;
            allocations.push(between(&made, "allocationId").unwrap().to_string());
        }
        let create = format!(
            "Action=CreateNatGateway&Version=2016-11-15&SubnetId={}&AllocationId={}",
            subnets[0], allocations[0]
        );
        let nat = between(&query(&sim, &create).await, "natGatewayId").unwrap().to_string();
        let gateways = format!(
            "[gateways.web]\nkind = \"load-balancer\"\nload_balancer_arn = \"{arn}\"\n\
             [gateways.core]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-0a1b\"\ndeclared = 100\n\
             support = {{ service_code = \"amazon-virtual-private-cloud\", category_code = \"other\", \
             severity_code = \"high\" }}\n\
             [gateways.units]\nkind = \"quota\"\nservice_code = \"elasticloadbalancing\"\n\
             quota_code = \"L-8A66D0E6\"\nunit = \"LCU\"\n\
             [gateways.out]\nkind = \"nat\"\nnat_gateway_id = \"{nat}\"\nallocations = {:?}\n",
            &allocations[1..]
        );
        let muster = Muster::new(&sim, &gateways);
        Scene { sim, muster, arn, nat, _dir: dir }
    }

    /// What AWS has reserved.
    async fn reserved(&self) -> Option<String> {
        let arn: String = url::form_urlencoded::byte_serialize(self.arn.as_bytes()).collect();
        let describe = format!("Action=DescribeCapacityReservation&Version=2015-12-01&LoadBalancerArn={arn}");
        between(&query(&self.sim, &describe).await, "CapacityUnits").map(ToString::to_string)
    }

    /// Addresses that the NAT gateway has, or is getting or losing.
    async fn addresses(&self) -> usize {
        let describe = format!("Action=DescribeNatGateways&Version=2016-11-15&NatGatewayId.1={}", self.nat);
        query(&self.sim, &describe).await.matches("<allocationId>").count()
    }

    /// The increases that were asked for, the latest first, by what was wanted.
    async fn increases(&self) -> Vec<f64> {
        let all = units(&self.sim, "ListRequestedServiceQuotaChangeHistoryByQuota").await;
        let all = all["RequestedQuotas"].as_array().unwrap();
        all.iter().map(|made| made["DesiredValue"].as_f64().unwrap()).collect()
    }

    async fn ask(&self, gateway: &str, capacity: u32) -> Result<GatewayTaken, String> {
        let body = json!({ "gateway": gateway, "capacity": capacity, "until": "48h", "owner": "ann" });
        let json = [("content-type", "application/json")];
        let url = format!("{}/v1/gateways", self.muster.url);
        let (status, body) = http("POST", &url, &json, &body.to_string()).await?;
        if status == 202 { serde_json::from_str(&body).map_err(|e| e.to_string()) } else { Err(body) }
    }

    /// A process does this and dies at that step; the next one is ready.
    async fn dies(&mut self, crash: &str, act: impl AsyncFnOnce(&Scene)) {
        self.muster.spawn(&[("MUSTER_DEV_CRASH", crash)]);
        self.muster.ready().await;
        // The answer may be lost: the abort comes first, or not.
        act(self).await;
        let status = wait_for("the abort", async || {
            self.muster.ended().await.map(|(status, _)| status).ok_or_else(|| crash.to_string())
        })
        .await;
        assert!(!status.success(), "{crash}");
        self.muster.start().await;
    }

    async fn release(&self, id: &str) {
        let url = format!("{}/v1/gateways/{id}?by=ann", self.muster.url);
        let (status, body) = http("DELETE", &url, &[], "").await.unwrap();
        assert_eq!(status, 202, "{body}");
    }

    /// The request, once it is in this state.
    async fn reaches(&self, id: &str, state: GatewayState) -> GatewayRequestHistory {
        wait_for(state.as_str(), async || {
            let (status, body) = self.muster.get(&format!("/v1/gateways/{id}")).await?;
            let shown: GatewayRequestHistory =
                serde_json::from_str(&body).map_err(|e| format!("{status} {e}: {body}"))?;
            if shown.request.state == state { Ok(shown) } else { Err(body) }
        })
        .await
    }
}

#[tokio::test]
async fn capacity_of_a_load_balancer_is_reserved_shown_and_given_back() {
    let mut scene = Scene::set(60.0).await;
    scene.muster.start().await;
    assert_eq!(scene.reserved().await, None);
    let taken = scene.ask("web", 300).await.unwrap();
    assert!(scene.ask("web", 300).await.unwrap().repeated);
    let busy = scene.ask("web", 400).await.unwrap_err();
    assert!(busy.contains("gateway_busy") && busy.contains(&taken.id), "{busy}");
    let shown = scene.reaches(&taken.id, GatewayState::InEffect).await;
    assert_eq!((shown.request.in_effect, shown.request.before), (300, Some(0)));
    let mut kinds: Vec<&str> = shown.journal.iter().map(|line| line.kind.as_str()).collect();
    // Asked for again, its end was moved: before or after AWS was asked.
    kinds.retain(|kind| *kind != "gateway_extended");
    assert!(kinds.starts_with(&["gateway_wanted", "gateway_submitted"]), "{kinds:?}");
    assert_eq!(scene.reserved().await.as_deref(), Some("300"));
    scene.release(&taken.id).await;
    scene.reaches(&taken.id, GatewayState::Released).await;
    assert_eq!(scene.reserved().await, None);
    // More than the Region's quota.
    let taken = scene.ask("web", 3_000).await.unwrap();
    let refused = scene.reaches(&taken.id, GatewayState::Refused).await;
    assert!(refused.request.note.is_some_and(|note| note.contains("L-8A66D0E6")));
    assert_eq!(scene.reserved().await, None);
}

#[tokio::test]
async fn an_abort_around_every_call_reserves_nothing_twice_and_forgets_nothing() {
    // A lost call is waited for a quarter of an hour: 9 s.
    let mut scene = Scene::set(100.0).await;
    for crash in
        ["before-gateway-call:1", "after-gateway-call:1", "before-gateway-call:2", "after-gateway-call:2"]
    {
        scene.dies(crash, async |scene| drop(scene.ask("web", 300).await)).await;
        let taken = scene.ask("web", 300).await.unwrap();
        assert!(taken.repeated, "{crash}: it was committed before the call");
        scene.reaches(&taken.id, GatewayState::InEffect).await;
        assert_eq!(scene.reserved().await.as_deref(), Some("300"), "{crash}");
        scene.release(&taken.id).await;
        scene.reaches(&taken.id, GatewayState::Released).await;
        assert_eq!(scene.reserved().await, None, "{crash}");
        scene.muster.kill().await;
    }
}

#[tokio::test]
async fn people_are_asked_reminded_and_confirm_across_a_restart() {
    let mut scene = Scene::set(600.0).await;
    scene.muster.start().await;
    let taken = scene.ask("core", 200).await.unwrap();
    let letter = taken.letter.unwrap();
    assert!(letter.contains("tgw-0a1b") && letter.contains("200 Gbit/s"), "{letter}");
    wait_for("a reminder", async || {
        let shown = scene.reaches(&taken.id, GatewayState::Submitted).await;
        if shown.request.reminders > 0 { Ok(()) } else { Err(format!("{:?}", shown.request)) }
    })
    .await;
    scene.muster.kill().await;
    scene.muster.start().await;
    let confirm = json!({ "capacity": 150, "by": "bob" }).to_string();
    let (status, body) = scene.muster.post(&format!("/v1/gateways/{}/confirm", taken.id), &confirm).await;
    assert_eq!(status, 202, "{body}");
    let shown = scene.reaches(&taken.id, GatewayState::PartlyInEffect).await;
    assert_eq!(shown.request.confirmed_by.as_deref(), Some("bob"));
    wait_for("what the gateway carries", async || {
        let (_, body) = scene.muster.get("/v1/gateways").await?;
        let all: Gateways = serde_json::from_str(&body).map_err(|e| e.to_string())?;
        let core = all.gateways.iter().find(|g| g.name == "core").ok_or("it is not listed")?;
        if core.capacity == 150 { Ok(()) } else { Err(body) }
    })
    .await;
}

#[tokio::test]
async fn a_quota_is_raised_followed_to_its_answer_and_stays() {
    let mut scene = Scene::set(60.0).await;
    scene.muster.start().await;
    let raise = scene.ask("units", 5_000).await.unwrap();
    assert_eq!(raise.letter, None, "AWS is asked");
    let shown = scene.reaches(&raise.id, GatewayState::InEffect).await.request;
    assert_eq!((shown.in_effect, shown.before), (5_000, Some(2_000)));
    assert!(shown.reference.is_some());
    assert_eq!(scene.increases().await, [5_000.0]);
    // What was above it is below it now.
    let taken = scene.ask("web", 3_000).await.unwrap();
    scene.reaches(&taken.id, GatewayState::InEffect).await;
    scene.release(&raise.id).await;
    let over = scene.reaches(&raise.id, GatewayState::Released).await;
    let last = over.journal.last().unwrap();
    assert!(last.text.ends_with("AWS takes no quota back: it stays as it is"), "{}", last.text);
    assert_eq!(units(&scene.sim, "GetServiceQuota").await["Quota"]["Value"], json!(5_000.0));
}

#[tokio::test]
async fn an_abort_around_every_call_asks_for_no_second_increase() {
    // A lost call is waited for a quarter of an hour: 9 s.
    let mut scene = Scene::set(100.0).await;
    let mut made = Vec::new();
    // The calls are: the value, the increases, the asking.
    for (step, wanted) in
        (1..=3_u32).flat_map(|call| [("before", call), ("after", call)]).zip((3_000..).step_by(1_000))
    {
        let crash = format!("{}-gateway-call:{}", step.0, step.1);
        scene.dies(&crash, async |scene| drop(scene.ask("units", wanted).await)).await;
        let taken = scene.ask("units", wanted).await.unwrap();
        assert!(taken.repeated, "{crash}: it was committed before the call");
        scene.reaches(&taken.id, GatewayState::InEffect).await;
        made.insert(0, f64::from(wanted));
        assert_eq!(scene.increases().await, made, "{crash}");
        scene.release(&taken.id).await;
        scene.reaches(&taken.id, GatewayState::Released).await;
        scene.muster.kill().await;
    }
}

#[tokio::test]
async fn addresses_of_a_nat_gateway_are_added_and_taken_off() {
    let mut scene = Scene::set(60.0).await;
    scene.muster.start().await;
    let taken = scene.ask("out", 3).await.unwrap();
    let shown = scene.reaches(&taken.id, GatewayState::InEffect).await.request;
    assert_eq!((shown.in_effect, shown.before), (3, Some(1)));
    assert_eq!(shown.reference.map(|added| added.matches("eipalloc-").count()), Some(2));
    assert_eq!(scene.addresses().await, 3);
    scene.release(&taken.id).await;
    scene.reaches(&taken.id, GatewayState::Released).await;
    assert_eq!(scene.addresses().await, 1);
    let over = scene.ask("out", 9).await.unwrap_err();
    assert!(over.contains("outside 1 to 8"), "{over}");
}

#[tokio::test]
async fn an_abort_around_every_change_adds_no_address_too_many_and_leaves_none() {
    // A lost call is waited for a quarter of an hour: 9 s.
    let mut scene = Scene::set(100.0).await;
    for when in ["before", "after"] {
        // A look, and the adding; then a look, another for the end, and the taking off.
        let adding = format!("{when}-gateway-call:2");
        scene.dies(&adding, async |scene| drop(scene.ask("out", 2).await)).await;
        let taken = scene.ask("out", 2).await.unwrap();
        assert!(taken.repeated, "{adding}: it was committed before the call");
        scene.reaches(&taken.id, GatewayState::InEffect).await;
        assert_eq!(scene.addresses().await, 2, "{adding}");
        scene.muster.kill().await;
        let leaving = format!("{when}-gateway-call:3");
        let end = format!("{}/v1/gateways/{}?by=ann", scene.muster.url, taken.id);
        scene.dies(&leaving, async |_| drop(http("DELETE", &end, &[], "").await)).await;
        scene.reaches(&taken.id, GatewayState::Released).await;
        assert_eq!(scene.addresses().await, 1, "{leaving}");
        scene.muster.kill().await;
    }
}

#[tokio::test]
async fn an_abort_around_every_call_makes_no_second_support_case() {
    // A lost call is waited for a quarter of an hour: 9 s.
    let mut scene = Scene::set(100.0).await;
    let support = aws_sdk_support::Client::new(&crate::sdk::config_at(&scene.sim.announced.ec2));
    // The calls are: the cases, the making, and a look at the one that was made.
    for (when, call) in (1..=3_u32).flat_map(|call| [("before", call), ("after", call)]) {
        let crash = format!("{when}-gateway-call:{call}");
        scene.dies(&crash, async |scene| drop(scene.ask("core", 200).await)).await;
        let taken = scene.ask("core", 200).await.unwrap();
        assert!(taken.repeated, "{crash}: it was committed before the call");
        let case = wait_for("its case", async || {
            let shown = scene.reaches(&taken.id, GatewayState::Submitted).await;
            shown.request.reference.ok_or_else(|| format!("{:?}", shown.journal))
        })
        .await;
        assert_eq!(
            crate::counterpart::cases::cases_of(&support, &taken.id).await,
            [case.as_str()],
            "{crash}"
        );
        scene.release(&taken.id).await;
        let over = scene.reaches(&taken.id, GatewayState::Released).await;
        let last = &over.journal.last().unwrap().text;
        assert!(
            last.ends_with(&format!("support case {case} stays open until somebody resolves it")),
            "{last}"
        );
        scene.muster.kill().await;
    }
}
