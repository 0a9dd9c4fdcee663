//! muster's doors on SNS and SQS that others wrote. The software has no Auto Scaling, so the test tells of the
//! lifecycle actions itself; nobody launches anything.

use aws_sdk_sns::Client as Sns;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::QueueAttributeName::{self, ApproximateNumberOfMessages, QueueArn};
use muster::time::wall_now;
use serde_json::{Value, json};

use crate::harness::{Muster, wait_for};
use crate::hooks::group::{counted, through};
use crate::sdk::config_at;

/// More than three batches of SQS's.
const ACTIONS: usize = 35;

/// From a topic through a queue into muster's books; then from the topic to the SNS door, which believes Amazon's
/// signatures and nobody else's.
pub async fn walkthrough(variable: &str) {
    let endpoint = super::endpoint(variable);
    let config = config_at(&endpoint);
    let (sns, sqs) = (Sns::new(&config), Sqs::new(&config));
    let name = format!("hooks-{}", wall_now().0);
    let made = sns.create_topic().name(&name).attributes("SignatureVersion", "2").send().await.unwrap();
    let topic = made.topic_arn.unwrap();
    let url = sqs.create_queue().queue_name(&name).send().await.unwrap().queue_url.unwrap();
    let arn = attribute(&sqs, &url, QueueArn).await;
    sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(arn).send().await.unwrap();
    let mut muster = muster(&endpoint, &url, &topic);
    muster.start().await;

    let test = json!({
        "AccountId": "000000000000", "AutoScalingGroupName": "web-asg", "Service": "AWS Auto Scaling",
        "Event": "autoscaling:TEST_NOTIFICATION", "Time": "2026-01-04T14:00:00.000Z",
    });
    let mut told: Vec<String> = (0..ACTIONS).map(notification).collect();
    told.push(notification(0));
    told.push(test.to_string());
    for message in told {
        sns.publish().topic_arn(&topic).message(message).send().await.unwrap();
    }
    wait_for("all to be taken", async || {
        let taken = [
            through(&muster, "sqs", "taken").await,
            through(&muster, "sqs", "repeated").await,
            through(&muster, "sqs", "acknowledged").await,
        ];
        if taken == [35, 1, 1] { Ok(()) } else { Err(format!("{taken:?}")) }
    })
    .await;
    let (status, body) = muster.get("/v1/hooks?limit=100").await.unwrap();
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, page["hooks"].as_array().unwrap().len()), (200, ACTIONS), "{body}");
    wait_for("the queue to be empty", async || {
        let hidden = attribute(&sqs, &url, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await;
        let left = attribute(&sqs, &url, ApproximateNumberOfMessages).await;
        if (hidden.as_str(), left.as_str()) == ("0", "0") {
            Ok(())
        } else {
            Err(format!("{left}, {hidden} hidden"))
        }
    })
    .await;

    // What comes by HTTP is signed, by somebody who is not Amazon and whose certificate is elsewhere: it is turned
    // away for that alone, so all before it was understood, and nothing was fetched.
    let door = format!("{}/v1/hooks/sns", muster.url);
    sns.subscribe().topic_arn(&topic).protocol("http").endpoint(door).send().await.unwrap();
    wait_for("the confirmation to be turned away", async || {
        let refused = counted(&muster, "sns_refused_total{reason=\"certificate_url\"}").await;
        if refused > 0 { Ok(()) } else { Err("none was".to_owned()) }
    })
    .await;
    assert_eq!(counted(&muster, "sns_verified_total").await, 0);
    assert_eq!(counted(&muster, "sns_fetches_total{what=\"certificate\"}").await, 0);
    assert_eq!(counted(&muster, "sns_fetches_total{what=\"confirmation\"}").await, 0);
    sqs.delete_queue().queue_url(&url).send().await.unwrap();
    sns.delete_topic().topic_arn(&topic).send().await.unwrap();
}

async fn attribute(sqs: &Sqs, url: &str, name: QueueAttributeName) -> String {
    let asked = sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    asked.unwrap().attributes.unwrap().remove(&name).unwrap()
}

fn notification(n: usize) -> String {
    let keys = json!({
        "LifecycleHookName": "muster", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "AutoScalingGroupName": "web-asg", "EC2InstanceId": format!("i-{n:017x}"),
        "LifecycleActionToken": format!("00000000-0000-0000-0000-{n:012x}"), "AccountId": "000000000000",
        "Service": "AWS Auto Scaling", "Origin": "EC2", "Destination": "AutoScalingGroup",
    });
    keys.to_string()
}

fn muster(endpoint: &str, queue: &str, topic: &str) -> Muster {
    let dir = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", dir.path().join("muster.db").display());
    Muster::with(dir, |port| {
        format!(
            r#"
[server]
listen = "127.0.0.1:{port}"
[store]
url = "{database}"
[aws]
region = "us-east-1"
endpoint = "{endpoint}"
[log]
level = "error"
[groups.web]
max = 100
asg = {{ name = "web-asg" }}
[groups.web.launch]
subnets = [{{ id = "subnet-0000000000000000a", zone = "us-east-1a" }}]
[groups.web.configure]
method = "PUT"
port = 8001
path = "/configure"
body = "{{}}"
[[groups.web.probes]]
kind = "http"
port = 8001
path = "/health"
[hooks.sqs]
queues = ["{queue}"]
wait = "1s"
[hooks.sns]
topics = ["{topic}"]
"#
        )
    })
}
