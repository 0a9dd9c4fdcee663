//! Answers that AWS would not give: none of them makes a call panic, and none that is not whole is
//! believed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Ec2;
use super::account::Account;
use super::autoscaling::testing::answer;
use super::autoscaling::{AutoScaling, AwsAutoScaling, GroupLaunch};
use super::cloudwatch::{AwsCloudWatch, CloudWatch, MetricQuery};
use super::ec2::testing::{body, patient, settings};
use super::sqs::{AwsSqs, Sqs};
use super::whole;
use crate::decide::rng::Rng;
use crate::decide::words::Time;
use crate::net::fds::FdLimits;
use crate::net::testing::{Peer, Reply, fds_with};
use crate::sim::wire::mutation::{Until, spoiled};
use crate::time::Clock;

const LAUNCHED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><reservationId>r-1</reservationId><instancesSet><item><instanceId>i-01</instanceId><instanceState><code>0</code><name>pending</name></instanceState><privateIpAddress>127.1.0.4</privateIpAddress></item><item><instanceId>i-02</instanceId><instanceState><code>16</code><name>running</name></instanceState></item></instancesSet></RunInstancesResponse>";
const REFUSED: &str = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InsufficientInstanceCapacity</Code><Message>none</Message></Error></Errors><RequestID>7f</RequestID></Response>";
const REFUSED_BY_GROUPS: &str = "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>No active Lifecycle Action found with token t</Message></Error><RequestId>r</RequestId></ErrorResponse>";
const LAUNCHED_IN_GROUP: &str = "<AutoScalingGroupName>web</AutoScalingGroupName><ClientToken>t</ClientToken><Instances><member><SubnetId>subnet-a</SubnetId><InstanceIds><member>i-01</member><member>i-02</member></InstanceIds></member></Instances><Errors><member><ErrorCode>InsufficientInstanceCapacity</ErrorCode><ErrorMessage>no</ErrorMessage></member></Errors>";
const GROUPS: &str = "<AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>4</MaxSize><DesiredCapacity>2</DesiredCapacity><Instances><member><InstanceId>i-01</InstanceId><LifecycleState>InService</LifecycleState><HealthStatus>Healthy</HealthStatus></member></Instances></member></AutoScalingGroups><NextToken>t</NextToken>";
const MESSAGES: &str = r#"{"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":"b","Attributes":{"SentTimestamp":"1700000000123"}},{"MessageId":"n","ReceiptHandle":"s","Body":"c"}]}"#;
const DELETED: &str = r#"{"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","SenderFault":true,"Code":"ReceiptHandleIsInvalid","Message":"no"}]}"#;
const METRICS: &str = r#"{"MetricDataResults":[{"Id":"q0","Timestamps":[1700000060,1700000000.0],"Values":[2,1.5],"StatusCode":"Complete"}],"Messages":[]}"#;
const REFUSED_IN_JSON: &str = r#"{"__type":"com.amazonaws.sqs#OverLimit","message":"no"}"#;

/// A peer that answers everything with these, spoiled, and the document that it sent last.
async fn spoiling(corpus: &[&str]) -> (Peer, Arc<Mutex<(Vec<u8>, u64)>>) {
    let page = ["<html><body>503</body></html>"];
    let corpus: Vec<Vec<u8>> = corpus.iter().chain(&page).map(|text| text.as_bytes().to_vec()).collect();
    let last: Arc<Mutex<(Vec<u8>, u64)>> = Arc::default();
    let shared = Arc::clone(&last);
    let peer = Peer::answering(move |_| {
        let mut last = shared.lock().unwrap();
        last.1 += 1;
        let mut rng = Rng::new(last.1);
        last.0 = spoiled(&corpus, &mut rng);
        let status = ["200 OK", "200 OK", "200 OK", "500 x", "503 x", "400 x"]
            [usize::try_from(rng.next_u64() % 6).unwrap()];
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", last.0.len());
        Reply::Send([head.as_bytes(), &last.0].concat())
    })
    .await;
    (peer, last)
}

/// Asks over and over. An answer that is believed is whole, and has no more things in it than the
/// document names by `each`.
async fn nothing_broken_is_believed(
    last: &Mutex<(Vec<u8>, u64)>,
    check: fn(&[u8]) -> Result<(), String>,
    each: &str,
    ask: impl AsyncFn() -> Option<usize>,
) {
    let (until, mut runs) = (Until::told(), 0);
    while !until.is_over() {
        let things = ask().await;
        runs += 1;
        let (document, _) = last.lock().unwrap().clone();
        if let Some(things) = things {
            let text = String::from_utf8_lossy(&document);
            assert!(check(&document).is_ok(), "half an answer is believed: {text}");
            let told = text.matches(each).count();
            assert!(things <= told, "{things} of {told} in {text}");
        }
    }
    assert!(runs > 20, "only {runs} answers");
}

async fn account(peer: &Peer) -> Account {
    let settings = settings(peer.address, Duration::from_secs(20));
    Account::new(&settings, fds_with(FdLimits::default()), Clock::real()).await.unwrap()
}

#[tokio::test]
async fn whatever_ec2_answers_is_survived_and_half_an_answer_is_not_believed() {
    let (peer, last) = spoiling(&[LAUNCHED, REFUSED]).await;
    let ec2 = patient(peer.address).await;
    let ask = async || ec2.run_instances(&body()).await.ok().map(|seen| seen.len());
    nothing_broken_is_believed(&last, whole::check, "<instanceId>", ask).await;
}

#[tokio::test]
async fn whatever_auto_scaling_describes_is_survived() {
    let (peer, last) = spoiling(&[&answer("DescribeAutoScalingGroups", GROUPS), REFUSED_BY_GROUPS]).await;
    let aws = AwsAutoScaling::of(&account(&peer).await);
    let names = ["web".to_owned()];
    let ask = async || aws.describe_groups(&names, true, None).await.ok().map(|page| page.items.len());
    nothing_broken_is_believed(&last, whole::check, "<member>", ask).await;
}

#[tokio::test]
async fn whatever_auto_scaling_launches_half_an_answer_is_not_believed() {
    let (peer, last) = spoiling(&[&answer("LaunchInstances", LAUNCHED_IN_GROUP), REFUSED_BY_GROUPS]).await;
    let aws = AwsAutoScaling::of(&account(&peer).await);
    let body = GroupLaunch { group: "web".into(), token: "t".into(), count: 3, place: None };
    let ask = async || aws.launch_instances(&body).await.ok().map(|done| done.instances.len());
    nothing_broken_is_believed(&last, whole::check, "<member>", ask).await;
}

#[tokio::test]
async fn whatever_sqs_gives_is_survived() {
    let (peer, last) = spoiling(&[MESSAGES, "{}", REFUSED_IN_JSON]).await;
    let sqs = AwsSqs::of(&account(&peer).await);
    let ask = async || {
        sqs.receive("http://queue", 10, Duration::ZERO, Duration::ZERO).await.ok().map(|got| got.len())
    };
    nothing_broken_is_believed(&last, whole::check_json, "ReceiptHandle", ask).await;
}

#[tokio::test]
async fn whatever_sqs_says_of_a_batch_only_what_it_names_is_deleted() {
    let (peer, last) = spoiling(&[DELETED, REFUSED_IN_JSON]).await;
    let sqs = AwsSqs::of(&account(&peer).await);
    let receipts = ["a", "b"].map(str::to_owned);
    let ask = async || {
        let each = sqs.delete("http://queue", &receipts).await.ok()?;
        Some(each.iter().filter(|e| e.is_ok()).count())
    };
    nothing_broken_is_believed(&last, whole::check_json, "\"Id\"", ask).await;
}

#[tokio::test]
async fn whatever_cloudwatch_tells_is_survived() {
    let (peer, last) = spoiling(&[METRICS, REFUSED_IN_JSON]).await;
    let cloudwatch = AwsCloudWatch::of(&account(&peer).await);
    let query = MetricQuery {
        namespace: "AWS/EC2".into(),
        name: "CPUUtilization".into(),
        dimensions: vec![],
        period: Duration::from_mins(1),
        statistic: "Average".into(),
    };
    let ask = async || {
        let page =
            cloudwatch.metric_data(std::slice::from_ref(&query), Time(0), Time(60_000), None).await.ok()?;
        Some(page.series.iter().filter(|s| !s.points.is_empty()).count())
    };
    nothing_broken_is_believed(&last, whole::check_json, "\"Timestamps\"", ask).await;
}
