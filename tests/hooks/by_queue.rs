//! By SQS.

use aws_sdk_sqs::types::QueueAttributeName;
use muster::sim::Ledger;

use super::group::{all_in_service, answered_once, hook, muster, raise, simulated, through};
use crate::harness::{Sim, wait_for};
use crate::sdk::config;

/// A queue's URL and ARN.
pub async fn queue(sim: &Sim) -> (String, String) {
    let sqs = aws_sdk_sqs::Client::new(&config(sim));
    let url = sqs.create_queue().queue_name("hooks").send().await.unwrap().queue_url.unwrap();
    let asked = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
    let arn = asked.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap();
    (url, arn)
}

/// The door that polls this queue.
pub fn doors(url: &str) -> String {
    format!("[hooks.sqs]\nqueues = [\"{url}\"]")
}

#[tokio::test]
async fn an_alarm_raises_desired_by_sixty_and_all_are_let_in() {
    let (sim, client) = simulated().await;
    let (url, arn) = queue(&sim).await;
    let mut muster = muster(&sim, &doors(&url), tempfile::tempdir().unwrap());
    muster.start().await;
    hook(&client, Some(&arn)).await;
    raise(&client, 60).await;
    all_in_service(&sim, &muster, 60).await;
    answered_once(&sim, 60, 60).await;
    assert_eq!(through(&muster, "sqs", "taken").await, 60);
    wait_for("the queue to be empty", async || {
        let ledger = sim.ledger().await;
        if left(&ledger) == 0 { Ok(()) } else { Err(format!("{:?}", ledger.messages.queues)) }
    })
    .await;
}

/// Kills in the middle: what was received and not deleted comes again, and is known.
#[tokio::test]
async fn kills_in_the_middle_lose_nothing() {
    let (sim, client) = simulated().await;
    let (url, arn) = queue(&sim).await;
    let mut muster = muster(&sim, &doors(&url), tempfile::tempdir().unwrap());
    muster.start().await;
    hook(&client, Some(&arn)).await;
    raise(&client, 60).await;
    for completed in [1, 20, 40] {
        wait_for("some to be let in", async || {
            let done = sim.ledger().await.hook_actions.iter().filter(|a| a.ended.is_some()).count();
            if done >= completed { Ok(()) } else { Err(format!("{done} of {completed}")) }
        })
        .await;
        muster.kill().await;
        muster.start().await;
    }
    all_in_service(&sim, &muster, 60).await;
}

/// Messages that were sent and not deleted.
fn left(ledger: &Ledger) -> u64 {
    ledger.messages.queues.values().map(|q| q.sent.saturating_sub(q.deleted)).sum()
}
