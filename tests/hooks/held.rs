//! A held instance in a real group: scale-in, health replacement, EC2's terminate call and a kill of muster's own.

use aws_sdk_autoscaling::Client;
use muster::sim::ledger::{GroupEntry, MemberEntry};
use serde_json::{Value, json};

use super::group::{ASG, muster_with, raise, simulated};
use crate::harness::{Muster, Sim, http, wait_for};
use crate::sdk::config;

const GROUP: &str = r#"asg = { name = "web-asg", heartbeat = "1h", sweep_every = "15s" }"#;

async fn group(sim: &Sim) -> GroupEntry {
    sim.ledger().await.groups.into_iter().find(|g| g.name == ASG).unwrap()
}

fn serving(group: &GroupEntry) -> Vec<&MemberEntry> {
    group.members.iter().filter(|m| m.state.as_str() == "InService").collect()
}

async fn all_serve(sim: &Sim, wanted: usize) {
    wait_for("the group to serve", async || {
        let group = group(sim).await;
        let there = serving(&group).len();
        if there == wanted && group.members.len() == wanted {
            Ok(())
        } else {
            Err(format!("{:?}", group.tally))
        }
    })
    .await;
}

async fn holds(muster: &Muster) -> Result<Vec<Value>, String> {
    let (status, body) = muster.get("/v1/holds").await?;
    let body: Value = serde_json::from_str(&body).map_err(|e| e.to_string())?;
    if status == 200 { Ok(body["holds"].as_array().unwrap().clone()) } else { Err(body.to_string()) }
}

async fn set_health(client: &Client, id: &str, health: &str) {
    let call = client.set_instance_health().instance_id(id).health_status(health);
    call.should_respect_grace_period(false).send().await.unwrap();
}

async fn is_termination_protected(ec2: &aws_sdk_ec2::Client, id: &str) -> bool {
    let attribute = aws_sdk_ec2::types::InstanceAttributeName::DisableApiTermination;
    let asked = ec2.describe_instance_attribute().instance_id(id).attribute(attribute).send().await.unwrap();
    asked.disable_api_termination.and_then(|a| a.value).unwrap_or_default()
}

#[tokio::test]
async fn a_held_instance_outlives_everything_and_is_given_back_as_it_was() {
    let (sim, client) = simulated().await;
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    let mut muster = muster_with(&sim, &sim.announced.ec2, 100, GROUP, "", tempfile::tempdir().unwrap());
    muster.start().await;
    raise(&client, 4).await;
    all_serve(&sim, 4).await;
    let id = serving(&group(&sim).await)[0].id.clone();

    // Until the group was seen with it, nobody knows of it.
    let ask = json!({ "instance": id, "group": "web", "until": "2h", "owner": "ann", "reason": "heap dump" });
    let (status, taken) = muster.post("/v1/holds", &ask.to_string()).await;
    assert_eq!(status, 202, "{taken}");
    let hold = serde_json::from_str::<Value>(&taken).unwrap()["id"].as_str().unwrap().to_string();
    wait_for("the hold to be in force", async || {
        let there = holds(&muster).await?;
        if there[0]["state"] == "in_force" { Ok(()) } else { Err(there[0].to_string()) }
    })
    .await;
    wait_for("it to be protected", async || {
        let group = group(&sim).await;
        let held = group.members.iter().find(|m| m.id == id).unwrap();
        let suspended = group.suspended.iter().any(|p| p.as_str() == "ReplaceUnhealthy");
        if held.protected && suspended { Ok(()) } else { Err(format!("{held:?}, {:?}", group.suspended)) }
    })
    .await;
    assert!(is_termination_protected(&ec2, &id).await);

    muster.kill().await;
    set_health(&client, &id, "Unhealthy").await;
    raise(&client, 1).await;
    let refused = ec2.terminate_instances().instance_ids(&id).send().await;
    assert!(refused.is_err(), "{refused:?}");
    all_serve(&sim, 1).await;
    assert_eq!(serving(&group(&sim).await)[0].id, id, "the others went");
    muster.start().await;
    let there = holds(&muster).await.unwrap();
    assert_eq!((there.len(), there[0]["owner"].as_str()), (1, Some("ann")));

    set_health(&client, &id, "Healthy").await;
    let by = |name: &str| format!("{}/v1/holds/{hold}?by={name}", muster.url);
    assert_eq!(http("DELETE", &by("bob"), &[], "").await.unwrap().0, 409);
    assert_eq!(http("DELETE", &by("ann"), &[], "").await.unwrap().0, 202);
    wait_for("everything to be restored", async || {
        let there = holds(&muster).await?;
        if there.is_empty() { Ok(()) } else { Err(there[0].to_string()) }
    })
    .await;
    let after = group(&sim).await;
    let held = after.members.iter().find(|m| m.id == id).unwrap();
    assert!(!held.protected && after.suspended.is_empty(), "{held:?}, {:?}", after.suspended);
    assert!(!is_termination_protected(&ec2, &id).await);
}
