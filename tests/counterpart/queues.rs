//! muster's SQS adapter on software that others wrote.

use std::collections::BTreeSet;
use std::time::Duration;

use muster::cloud::sqs::{AwsSqs, Message, Sqs};
use muster::time::{Clock, wall_now};

use crate::sdk::{account_at, config_at};

/// More than one batch.
const BODIES: usize = 13;
const HIDDEN: Duration = Duration::from_secs(120);

/// Sends messages by the SDK; receives, gives back and deletes them by the adapter.
pub async fn walkthrough(variable: &str) {
    let endpoint = super::endpoint(variable);
    let client = aws_sdk_sqs::Client::new(&config_at(&endpoint));
    let name = format!("hooks-{}", wall_now().0);
    let url = client.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
    let bodies: BTreeSet<String> = (0..BODIES).map(|n| format!("{{\"n\": \"{n} <é&>\"}}")).collect();
    for body in &bodies {
        client.send_message().queue_url(&url).message_body(body).send().await.unwrap();
    }

    let sqs = AwsSqs::of(&account_at(&endpoint, Clock::real()).await);
    let mut got: Vec<Message> = Vec::new();
    while got.len() < BODIES {
        let some = sqs.receive(&url, 10, Duration::from_secs(20), HIDDEN).await.unwrap();
        assert!((1..=10).contains(&some.len()), "{some:?}");
        got.extend(some);
    }
    assert_eq!(got.iter().map(|m| m.body.clone()).collect::<BTreeSet<_>>(), bodies);
    assert!(got.iter().all(|m| m.receives == Some(1) && m.sent.is_some()), "{got:?}");

    // One is given back and comes again, under its own name and with another receipt.
    let first = got.remove(0);
    let back = [(first.receipt.clone(), Duration::ZERO)];
    assert_eq!(sqs.change_visibility(&url, &back).await, Ok(vec![Ok(())]));
    let again = sqs.receive(&url, 10, Duration::from_secs(20), HIDDEN).await.unwrap().remove(0);
    assert_eq!((&again.id, again.receives), (&first.id, Some(2)));
    assert_ne!(again.receipt, first.receipt);
    got.push(again);

    for batch in got.chunks(10) {
        let receipts: Vec<String> = batch.iter().map(|m| m.receipt.clone()).collect();
        assert_eq!(sqs.delete(&url, &receipts).await, Ok(vec![Ok(()); receipts.len()]));
    }
    let left = sqs.receive(&url, 10, Duration::from_secs(1), HIDDEN).await;
    assert_eq!(left, Ok(vec![]), "a long poll of an empty queue");
    client.delete_queue().queue_url(&url).send().await.unwrap();
    let e = sqs.receive(&url, 1, Duration::ZERO, HIDDEN).await.unwrap_err();
    assert_eq!(e.code, "AWS.SimpleQueueService.NonExistentQueue");
}
