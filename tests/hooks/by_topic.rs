//! By SNS, each message signed by the simulated AWS and verified here.

use super::group::{all_in_service, answered_once, hook, muster, raise, simulated, through};
use crate::harness::{http, wait_for};
use crate::sdk::config;

#[tokio::test]
async fn a_topic_confirms_and_tells_of_every_action() {
    let (sim, client) = simulated().await;
    let sns = aws_sdk_sns::Client::new(&config(&sim));
    let made = sns.create_topic().name("hooks").attributes("SignatureVersion", "2").send().await.unwrap();
    let topic = made.topic_arn.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let roots = dir.path().join("roots.pem");
    let (_, pem) = http("GET", &format!("{}/_sim/ca.pem", sim.announced.ec2), &[], "").await.unwrap();
    std::fs::write(&roots, pem).unwrap();
    let doors = format!("[hooks.sns]\ntopics = [\"{topic}\"]\nroots_file = \"{}\"", roots.display());
    let mut muster = muster(&sim, &doors, dir);
    muster.start().await;
    let endpoint = format!("{}/v1/hooks/sns", muster.url);
    sns.subscribe().topic_arn(&topic).protocol("http").endpoint(endpoint).send().await.unwrap();
    wait_for("the topic to be confirmed", async || {
        let n = through(&muster, "sns", "acknowledged").await;
        let subscriptions = sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
        let confirmed = subscriptions
            .subscriptions()
            .iter()
            .all(|s| s.subscription_arn().is_some_and(|arn| arn.starts_with("arn:")));
        if confirmed { Ok(()) } else { Err(format!("{n} acknowledged, {subscriptions:?}")) }
    })
    .await;

    hook(&client, Some(&topic)).await;
    raise(&client, 60).await;
    all_in_service(&sim, &muster, 60).await;
    answered_once(&sim, 60, 60).await;
    assert!(through(&muster, "sns", "taken").await > 0);
    assert_eq!(through(&muster, "sns", "unreadable").await, 0);
}
