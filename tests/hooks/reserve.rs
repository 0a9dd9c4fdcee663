//! A group's reserve: members in standby, which come back into service for an emergency.

use serde_json::{Value, json};

use super::group::{ASG, hook, muster_with, simulated};
use crate::harness::{Sim, wait_for};

const GROUP: &str = "asg = { name = \"web-asg\", heartbeat = \"1h\" }\nreserve = { size = 4 }";

/// Waits until the group itself has so many members in service and in standby, nobody else, and wants no others.
async fn has(sim: &Sim, in_service: usize, in_standby: usize) {
    wait_for("the group's members", async || {
        let ledger = sim.ledger().await;
        let group = ledger.groups.iter().find(|g| g.name == ASG).ok_or("no group")?;
        let count = |state| group.members.iter().filter(|m| m.state.as_str() == state).count();
        let there = (count("InService"), count("Standby"), group.members.len(), group.desired as usize);
        let wanted = (in_service, in_standby, in_service + in_standby, in_service);
        if there == wanted { Ok(()) } else { Err(format!("in service, standby, all, desired: {there:?}")) }
    })
    .await;
}

#[tokio::test]
async fn an_emergency_brings_members_back_from_standby_and_the_reserve_is_filled_anew() {
    let (sim, client) = simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let mut muster = muster_with(&sim, &sim.announced.ec2, 100, GROUP, "", dir);
    hook(&client, None).await;
    muster.start().await;
    has(&sim, 0, 4).await;
    let body = json!({ "group": "web", "count": 6, "reason": "07:01", "emergency": true });
    let (status, body) = muster.post("/v1/scale-ups", &body.to_string()).await;
    assert_eq!(status, 202, "{body}");
    let id = serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_string();
    let show = muster.done(&id).await;
    assert_eq!(show["in_service"], 6, "{show}");
    has(&sim, 6, 4).await;
    let given_up = muster.given_up().await;
    assert_eq!(sim.ledger().await.instances.len(), 10 + given_up.len(), "{given_up:?}");
}
