//! Gateway requests over real sockets: capacity of a load balancer is reserved at the simulated AWS, followed and
//! given back, whatever is killed around the calls; and people are asked where AWS has no call.

use muster::api::types::{GatewayRequestHistory, GatewayTaken, Gateways};
use muster::decide::gateway::words::GatewayState;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Muster, Sim, http, wait_for};

/// 2,000 units may be reserved in this Region, and are there after a minute.
const SETTINGS: &str = r#"
visible_after = { min_ms = 0, max_ms = 0 }
latency = { run_instances = { min_ms = 0, max_ms = 0 }, other = { min_ms = 0, max_ms = 0 } }

[elbv2]
active_after_ms = 0
reserved_after = { min_ms = 60000, max_ms = 60000 }

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

/// An AWS with one load balancer, and a muster that knows it as `web`, and a transit gateway as `core`.
struct Scene {
    sim: Sim,
    muster: Muster,
    arn: String,
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
        let gateways = format!(
            "[gateways.web]\nkind = \"load-balancer\"\nload_balancer_arn = \"{arn}\"\n\
             [gateways.core]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-0a1b\"\ndeclared = 100\n"
        );
        let muster = Muster::new(&sim, &gateways);
        Scene { sim, muster, arn, _dir: dir }
    }

    /// What AWS has reserved.
    async fn reserved(&self) -> Option<String> {
        let arn: String = url::form_urlencoded::byte_serialize(self.arn.as_bytes()).collect();
        let describe = format!("Action=DescribeCapacityReservation&Version=2015-12-01&LoadBalancerArn={arn}");
        between(&query(&self.sim, &describe).await, "CapacityUnits").map(ToString::to_string)
    }

    async fn ask(&self, gateway: &str, capacity: u32) -> Result<GatewayTaken, String> {
        let body = json!({ "gateway": gateway, "capacity": capacity, "until": "48h", "owner": "ann" });
        let json = [("content-type", "application/json")];
        let url = format!("{}/v1/gateways", self.muster.url);
        let (status, body) = http("POST", &url, &json, &body.to_string()).await?;
        if status == 202 { serde_json::from_str(&body).map_err(|e| e.to_string()) } else { Err(body) }
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
        scene.muster.spawn(&[("MUSTER_DEV_CRASH", crash)]);
        scene.muster.ready().await;
        // The answer may be lost: the abort comes first, or not.
        let _ = scene.ask("web", 300).await;
        let status = wait_for("the abort", async || {
            scene.muster.ended().await.map(|(status, _)| status).ok_or_else(|| crash.to_string())
        })
        .await;
        assert!(!status.success(), "{crash}");
        scene.muster.start().await;
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
