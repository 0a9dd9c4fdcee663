//! A request that does not fit, on a simulated AWS over real sockets: told before the first launch, and exactly what
//! fits is launched (D16).

use std::path::Path;

use muster::api::types::{Created, Preflight, ScaleUp};
use serde_json::json;

use crate::harness::{Muster, Sim, http, wait_for};

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
