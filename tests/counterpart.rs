//! muster against an EC2 that others wrote: the walkthrough of localstack/README.md, as a test.
//!
//! The judge is that EC2, asked by a few lines of our own and not by muster's client.

pub mod cases;
mod ec2;
pub mod groups;
pub mod metrics;
pub mod notifications;
mod processes;
pub mod queues;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::wait_for;
use ec2::Ec2;
use processes::{Agents, Muster};

/// Instances that come into service, as many as a launch of this size needs to show.
const WEB: usize = 50;
/// Instances that never serve, and are cancelled.
const STUCK: usize = 20;

/// Brings 50 instances into service on the EC2 whose address the variable holds, then launches 20 that
/// never serve, cancels them, and looks at what is left.
pub async fn walkthrough(variable: &str) {
    let endpoint = endpoint(variable);
    let folder = tempfile::tempdir().unwrap();
    let web_agents = Agents::start(&[]).await;
    let stuck_agents = Agents::start(&["--never-configure"]).await;
    let config = processes::prepare(&endpoint, &web_agents, &stuck_agents, folder.path()).await;
    let ec2 = Ec2::new(&endpoint);
    let (web, stuck) = (config.subnet("web"), config.subnet("stuck"));
    let muster = Muster::serve(&config, folder.path()).await;

    // Into service, followed to the end.
    let said = muster.cli(&["scale-up", "web", &WEB.to_string(), "--follow", "--json"]).await;
    assert_eq!(said.code, Some(0), "{said}");
    let id = muster.newest_scale_up().await;
    let show = muster.show(&id).await;
    assert_eq!(count(&show, "in_service"), WEB, "{show}");
    assert_eq!((show["state"].as_str(), count(&show, "wanted")), (Some("done"), WEB), "{show}");
    let running = ec2.instances(&web).await;
    assert_eq!(running.len(), WEB, "launched once each: {running:?}");
    assert!(running.iter().all(|i| i.state == "running"), "{running:?}");
    assert!(running.iter().all(|i| i.tags.iter().any(|t| t.starts_with("muster:"))), "{running:?}");
    // Each instance was configured, for a slot of its own.
    let pushes = web_agents.pushes().await;
    let addresses: BTreeSet<&String> = running.iter().map(|i| &i.address).collect();
    assert_eq!(pushes.keys().collect::<BTreeSet<_>>(), addresses);
    let slots: BTreeSet<&str> = pushes.values().filter_map(|push| push["slot"].as_str()).collect();
    assert_eq!(slots.len(), WEB, "{pushes:?}");

    // Some that never serve: all of them exist and are configured before they are cancelled.
    let said = muster.cli(&["scale-up", "stuck", &STUCK.to_string(), "--json"]).await;
    assert_eq!(said.code, Some(0), "{said}");
    let id = said.json()["id"].as_str().expect("the answer to a scale-up names it").to_owned();
    wait_for("the stuck instances to be configured", async || {
        let configured = stuck_agents.pushes().await.len();
        if configured == STUCK { Ok(()) } else { Err(format!("{configured} of {STUCK} are")) }
    })
    .await;
    assert_eq!(count(&muster.show(&id).await, "in_service"), 0);

    let said = muster.cli(&["cancel", &id, "--reason", "they never serve", "--json"]).await;
    assert_eq!(said.code, Some(0), "{said}");
    wait_for("the cancelled instances to end", async || {
        let states: Vec<String> = ec2.instances(&stuck).await.into_iter().map(|i| i.state).collect();
        let ended = states.iter().filter(|s| *s == "terminated").count();
        if (ended, states.len()) == (STUCK, STUCK) { Ok(()) } else { Err(format!("{states:?}")) }
    })
    .await;
    wait_for("muster to know it", async || {
        let show = muster.show(&id).await;
        if show["state"] == "done" && count(&show, "withdrawn") == STUCK {
            Ok(())
        } else {
            Err(show.to_string())
        }
    })
    .await;

    // Nobody else was touched.
    let running = ec2.instances(&web).await;
    assert_eq!(running.iter().filter(|i| i.state == "running").count(), WEB, "{running:?}");
    muster.stop().await;
}

/// The address that the variable holds.
fn endpoint(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run ./test, which starts what this test talks to"))
}

/// A number of a JSON document.
fn count(document: &Value, key: &str) -> usize {
    let number = document[key].as_u64().unwrap_or_else(|| panic!("no number '{key}' in {document}"));
    usize::try_from(number).unwrap()
}
