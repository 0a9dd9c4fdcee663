//! aws-sdk-sns.

use aws_sdk_sns::Client;
use aws_sdk_sqs::types::QueueAttributeName;

use super::*;
use crate::harness::wait_for;

#[tokio::test]
async fn a_topic_reaches_a_queue() {
    let sim = simulated("services.toml", 1.0).await;
    let (client, sqs) = (Client::new(&config(&sim)), aws_sdk_sqs::Client::new(&config(&sim)));
    let topic = client.create_topic().name("hooks").send().await.unwrap().topic_arn.unwrap();
    let again = client.create_topic().name("hooks").send().await.unwrap();
    assert_eq!(again.topic_arn(), Some(topic.as_str()), "one name is one topic");
    let url = super::sqs::queue(&sqs, "hooks").await;
    let names = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
    let arn = names.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap();
    client.subscribe().topic_arn(&topic).protocol("sqs").endpoint(arn).send().await.unwrap();
    let sent = client.publish().topic_arn(&topic).message("a \"message\"").send().await.unwrap();
    let body = wait_for("the message", async || {
        let got = sqs.receive_message().queue_url(&url).send().await.unwrap();
        got.messages().first().and_then(|m| m.body.clone()).ok_or("none yet".to_owned())
    })
    .await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["Message"], "a \"message\"");
    assert_eq!(body["MessageId"].as_str(), sent.message_id());
}

#[tokio::test]
async fn errors_are_the_modelled_ones() {
    let sim = simulated("services.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    let nobody = "arn:aws:sns:us-east-1:000000000000:nobody";
    let e = client.publish().topic_arn(nobody).message("x").send().await.unwrap_err().into_service_error();
    assert!(e.is_not_found_exception(), "{e:?}");
    let e = client.get_topic_attributes().topic_arn(nobody).send().await.unwrap_err().into_service_error();
    assert!(e.is_not_found_exception(), "{e:?}");
    let e = client.create_topic().name("what a name!").send().await.unwrap_err().into_service_error();
    assert!(e.is_invalid_parameter_exception(), "{e:?}");
    let topic = client.create_topic().name("hooks").send().await.unwrap().topic_arn.unwrap();
    let wrong = client.confirm_subscription().topic_arn(&topic).token("0".repeat(64)).send().await;
    assert!(wrong.unwrap_err().into_service_error().is_invalid_parameter_exception());
    let e = client.subscribe().topic_arn(&topic).protocol("pigeon").endpoint("x").send().await.unwrap_err();
    assert!(e.into_service_error().is_invalid_parameter_exception());
}

#[tokio::test]
async fn topics_come_in_pages() {
    let sim = simulated("services.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    for n in 0..120 {
        client.create_topic().name(format!("t-{n}")).send().await.unwrap();
    }
    let mut pages = client.list_topics().into_paginator().send();
    let (mut topics, mut count) = (0, 0);
    while let Some(page) = pages.next().await {
        topics += page.unwrap().topics().len();
        count += 1;
    }
    assert_eq!((topics, count), (120, 2));
}
