//! A group behind a gateway over real sockets: what fits is launched, the rest waits, muster asks for what is missing,
//! nobody answers, and an operator lets it through by name, across a kill.

use muster::api::types::{Explanation, Gateways, LeaseTaken, ScaleUp};
use serde_json::json;

use crate::harness::{Muster, Sim, wait_for};

/// 2 Gbit/s: 1.6 may be planned, which eight instances of a fifth bring.
const GATED: &str = "[gateways.core]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-0a1b\"\ndeclared = 2\n\
                     answer_within = \"1m\"\n[[groups.web.bounds.gates]]\ngateway = \"core\"\nload = 0.2\n\
                     at_most = \"1m\"\nfiles = true\n";
const WANTED: u32 = 20;
const FIT: u32 = 8;

async fn gateways(muster: &Muster) -> Result<Gateways, String> {
    let (_, body) = muster.get("/v1/gateways").await?;
    serde_json::from_str(&body).map_err(|e| format!("{e}: {body}"))
}

#[tokio::test]
async fn what_fits_is_launched_and_the_rest_once_somebody_lets_it_through() {
    let sim = Sim::start(60.0, &["--seed", "19"]).await;
    let mut muster = Muster::new(&sim, GATED);
    muster.start().await;
    let wanted = json!({ "group": "web", "count": WANTED }).to_string();
    let (status, body) = muster.post("/v1/scale-ups", &wanted).await;
    assert_eq!(status, 202, "{body}");
    let created: serde_json::Value = serde_json::from_str(&body).unwrap();
    let id = created["id"].as_str().unwrap().to_string();
    wait_for("what fits in service", async || {
        let (_, body) = muster.get(&format!("/v1/scale-ups/{id}")).await?;
        let shown: ScaleUp = serde_json::from_str(&body).map_err(|e| e.to_string())?;
        if shown.item.in_service == FIT { Ok(()) } else { Err(body) }
    })
    .await;
    let (_, body) = muster.get(&format!("/v1/explain/{id}")).await.unwrap();
    let told: Explanation = serde_json::from_str(&body).unwrap();
    let arithmetic = "gateway core carries 2 Gbit/s confirmed, 1.6 may be planned, 1.6 are (web 8 × 0.2)";
    assert!(told.waits.iter().any(|w| w.text.contains(arithmetic)), "{body}");

    // 20 x 0.2 are 80 % of 5.
    wait_for("both alarms", async || {
        let all = gateways(&muster).await?;
        let request = all.requests.first().ok_or("nothing was asked for")?;
        assert_eq!((request.owner.as_str(), request.wanted), ("muster", 5));
        let alarmed = request.alarmed_at.is_some() && all.gateways[0].gates[0].alarmed_at.is_some();
        if alarmed { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
    muster.kill().await;
    muster.start().await;
    let body = json!({ "subject": id, "owner": "ann", "reason": "the peak is here" }).to_string();
    let (status, body) = muster.post("/v1/gates/overrides", &body).await;
    assert_eq!(status, 202, "{body}");
    let taken: LeaseTaken = serde_json::from_str(&body).unwrap();
    assert!(!taken.repeated);
    let done = muster.done(&id).await;
    let shown: ScaleUp = serde_json::from_value(done).unwrap();
    assert_eq!((shown.item.in_service, shown.item.withdrawn), (WANTED, 0));
    sim.assert_served(WANTED).await;
    wait_for("the end of the override", async || {
        let all = gateways(&muster).await?;
        assert_eq!(all.requests.len(), 1, "asked for once: {all:?}");
        if all.overrides.is_empty() { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
}
