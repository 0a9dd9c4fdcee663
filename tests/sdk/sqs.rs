//! aws-sdk-sqs.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry as Entry, QueueAttributeName};

use super::*;

/// A new queue's URL.
pub async fn queue(client: &Client, name: &str) -> String {
    client.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap()
}

fn entry(id: &str, receipt: &str) -> Entry {
    Entry::builder().id(id).receipt_handle(receipt).build().unwrap()
}

#[tokio::test]
async fn messages_are_sent_received_and_deleted() {
    let sim = simulated("services.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    let url = queue(&client, "hooks").await;
    for body in ["a", "é日🙂", "{\"a\": \"<b>&\"}"] {
        client.send_message().queue_url(&url).message_body(body).send().await.unwrap();
    }
    let got = client.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
    let mut bodies: Vec<_> = got.messages().iter().filter_map(|m| m.body()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["a", "{\"a\": \"<b>&\"}", "é日🙂"]);
    let entries = got.messages().iter().enumerate();
    let entries = entries.map(|(n, m)| entry(&n.to_string(), m.receipt_handle().unwrap())).collect();
    let done = client.delete_message_batch().queue_url(&url).set_entries(Some(entries)).send().await.unwrap();
    assert_eq!((done.successful().len(), done.failed().len()), (3, 0));
    let left = client
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        .send()
        .await
        .unwrap();
    assert_eq!(left.attributes().unwrap().values().collect::<Vec<_>>(), ["0"]);
}

#[tokio::test]
async fn an_empty_long_poll_waits_and_answers_nothing() {
    // 20 s take a fifth of one.
    let sim = simulated("services.toml", 100.0).await;
    let client = Client::new(&config(&sim));
    let url = queue(&client, "hooks").await;
    let got = client.receive_message().queue_url(&url).wait_time_seconds(20).send().await.unwrap();
    assert_eq!(got.messages().len(), 0);
}

#[tokio::test]
async fn errors_are_the_modelled_ones() {
    let sim = simulated("services.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    let url = queue(&client, "hooks").await;
    let nobody = format!("{url}-that-is-not-there");
    let e = client.receive_message().queue_url(&nobody).send().await.unwrap_err().into_service_error();
    assert!(e.is_queue_does_not_exist(), "{e:?}");
    let e = client.delete_message().queue_url(&url).receipt_handle("made up").send().await.unwrap_err();
    assert!(e.into_service_error().is_receipt_handle_is_invalid());
    let batch = |entries| client.delete_message_batch().queue_url(&url).set_entries(Some(entries)).send();
    let eleven = (0..11).map(|n| entry(&n.to_string(), "x")).collect();
    let e = batch(eleven).await.unwrap_err().into_service_error();
    assert!(e.is_too_many_entries_in_batch_request(), "{e:?}");
    let e = batch(vec![]).await.unwrap_err().into_service_error();
    assert!(e.is_empty_batch_request(), "{e:?}");
    let e = batch(vec![entry("a", "x"), entry("a", "y")]).await.unwrap_err().into_service_error();
    assert!(e.is_batch_entry_ids_not_distinct(), "{e:?}");
    let e = client
        .create_queue()
        .queue_name("hooks")
        .attributes(QueueAttributeName::VisibilityTimeout, "77")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(e.is_queue_name_exists(), "{e:?}");
    script(&sim, "throttle", "ReceiveMessage").await;
    let e = client.receive_message().queue_url(&url).send().await.unwrap_err().into_service_error();
    assert!(e.is_request_throttled(), "{e:?}");
}

#[tokio::test]
async fn queues_come_in_pages() {
    let sim = simulated("services.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    for n in 0..5 {
        queue(&client, &format!("q-{n}")).await;
    }
    let mut pages = client.list_queues().max_results(2).into_paginator().send();
    let (mut urls, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        urls.extend(page.unwrap().queue_urls.unwrap_or_default());
        count += 1;
    }
    urls.sort();
    urls.dedup();
    assert_eq!((urls.len(), count), (5, 3));
}
