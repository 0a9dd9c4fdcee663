//! A fleet's reserve over real sockets: instances that were launched, configured and verified, and serve nobody until an
//! emergency asks for them.

use muster::api::types::Groups;
use serde_json::{Value, json};

use crate::harness::{Muster, Sim, wait_for};

const RESERVE: &str = "[groups.web.reserve]\nsize = 5\n";

/// The reserve as muster shows it.
async fn ready(muster: &Muster) -> Result<u32, String> {
    let (_, body) = muster.get("/v1/groups").await?;
    let shown: Groups = serde_json::from_str(&body).map_err(|e| format!("{e}: {body}"))?;
    shown.groups[0].reserve.as_ref().map(|r| r.ready).ok_or(body)
}

async fn until_ready(muster: &Muster, wanted: u32) {
    wait_for("the reserve to be ready", async || {
        let ready = ready(muster).await?;
        if ready == wanted { Ok(()) } else { Err(format!("{ready} are")) }
    })
    .await;
}

#[tokio::test]
async fn an_emergency_gets_the_reserve_also_from_a_process_that_did_not_fill_it() {
    let sim = Sim::start(20.0, &["--seed", "21"]).await;
    let mut muster = Muster::new(&sim, RESERVE);
    muster.start().await;
    until_ready(&muster, 5).await;
    let reserved: Vec<String> = sim.ledger().await.instances.iter().map(|i| i.id.clone()).collect();
    muster.kill().await;
    muster.start().await;
    until_ready(&muster, 5).await;

    let body = json!({ "group": "web", "count": 8, "reason": "07:01", "emergency": true });
    let (status, body) = muster.post("/v1/scale-ups", &body.to_string()).await;
    assert_eq!(status, 202, "{body}");
    let id = serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_string();
    let show = muster.done(&id).await;
    assert_eq!(show["in_service"], 8, "{show}");

    // Those that had been kept serve it; three were launched for the rest, and five for the next emergency.
    let (_, page) = muster.get(&format!("/v1/instances?scale_up={id}&phase=in_service")).await.unwrap();
    let page: Value = serde_json::from_str(&page).unwrap();
    let serve: Vec<&str> =
        page["instances"].as_array().unwrap().iter().filter_map(|i| i["id"].as_str()).collect();
    assert!(
        reserved.iter().all(|id| serve.contains(&id.as_str())),
        "{reserved:?} were kept, {serve:?} serve"
    );
    until_ready(&muster, 5).await;
    sim.assert_served(13).await;
    let given_up = muster.given_up().await;
    assert_eq!(sim.ledger().await.instances.len(), 13 + given_up.len(), "{given_up:?}");
}
