//! muster's SQS adapter.

use std::time::Duration;

use muster::cloud::sqs::{AwsSqs, Sqs};
use muster::decide::words::ErrorClass;

use super::sqs::queue;
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

async fn sent(sim: &Sim, bodies: usize) -> (AwsSqs, String) {
    let client = aws_sdk_sqs::Client::new(&config(sim));
    let url = queue(&client, "hooks").await;
    for n in 0..bodies {
        client.send_message().queue_url(&url).message_body(format!("body {n}")).send().await.unwrap();
    }
    (AwsSqs::of(&account(sim).await), url)
}

#[tokio::test]
async fn messages_are_received_ten_at_a_time_and_deleted_each_for_itself() {
    let sim = simulated("services.toml", 1.0).await;
    let (sqs, url) = sent(&sim, 12).await;
    let mut receipts = Vec::new();
    while receipts.len() < 12 {
        let got = sqs.receive(&url, 10, Duration::ZERO, MINUTE).await.unwrap();
        assert!((1..=10).contains(&got.len()), "{got:?}");
        assert!(got.iter().all(|m| m.body.starts_with("body ") && m.receives == Some(1) && m.sent.is_some()));
        receipts.extend(got.into_iter().map(|m| m.receipt));
    }
    let mut some = receipts[..9].to_vec();
    some.insert(4, "made up".into());
    let each = sqs.delete(&url, &some).await.unwrap();
    assert_eq!(each.len(), 10);
    for (n, one) in each.into_iter().enumerate() {
        match one {
            Ok(()) => assert_ne!(n, 4),
            Err(e) => {
                assert_eq!(
                    (n, e.class, e.code.as_str()),
                    (4, ErrorClass::Configuration, "ReceiptHandleIsInvalid")
                );
            }
        }
    }
    assert_eq!(sqs.delete(&url, &[]).await, Ok(vec![]));
    // Given back, the other three come at once, and for the second time.
    let back: Vec<_> = receipts[9..].iter().map(|r| (r.clone(), Duration::ZERO)).collect();
    assert_eq!(sqs.change_visibility(&url, &back).await, Ok(vec![Ok(()); 3]));
    let again = sqs.receive(&url, 10, Duration::ZERO, MINUTE).await.unwrap();
    assert_eq!(again.iter().map(|m| m.receives).collect::<Vec<_>>(), [Some(2); 3]);
    let receipts: Vec<_> = again.into_iter().map(|m| m.receipt).collect();
    assert_eq!(sqs.delete(&url, &receipts).await, Ok(vec![Ok(()); 3]));
    // What is no longer there can be deleted again, and is not kept from anybody.
    assert_eq!(sqs.delete(&url, &receipts[..1]).await, Ok(vec![Ok(())]));
}

#[tokio::test]
async fn a_long_poll_is_not_slowness() {
    // 20 s of muster's time take 1 s; a call may take 5 s of it.
    let sim = simulated("services.toml", 20.0).await;
    let (_, url) = sent(&sim, 0).await;
    let settings = AwsSettings {
        region: "us-east-1".into(),
        endpoint: Some(sim.announced.ec2.clone()),
        call_timeout: Duration::from_secs(15),
        metrics: Protocol::Json,
        keys: Some(AwsKeys { id: "test".into(), secret: "test".into() }),
    };
    let clock = Clock::scaled(sim.scale, None);
    let sqs = AwsSqs::of(&Account::new(&settings, fds(), clock).await.unwrap());
    assert_eq!(sqs.receive(&url, 1, Duration::from_secs(20), MINUTE).await, Ok(vec![]));
}

#[tokio::test]
async fn errors_have_their_classes() {
    let sim = simulated("services.toml", 1.0).await;
    let (sqs, url) = sent(&sim, 1).await;
    let nobody = format!("{url}-that-is-not-there");
    let receive = async |url: &str| {
        let e = sqs.receive(url, 1, Duration::ZERO, MINUTE).await.unwrap_err();
        (e.class, e.code)
    };
    let gone = receive(&nobody).await;
    assert_eq!(gone, (ErrorClass::Configuration, "AWS.SimpleQueueService.NonExistentQueue".into()));
    for (fault, class, code) in [
        ("throttle", ErrorClass::Throttle, "RequestThrottled"),
        ("error", ErrorClass::Unknown, "InternalFailure"),
        ("html", ErrorClass::Unknown, "unreadable"),
        ("truncated", ErrorClass::Unknown, "unreadable"),
        ("lost_before", ErrorClass::Unknown, "connection"),
        ("lost_after", ErrorClass::Unknown, "connection"),
    ] {
        script(&sim, fault, "ReceiveMessage").await;
        assert_eq!(receive(&url).await, (class, code.to_owned()), "{fault}");
    }
}
