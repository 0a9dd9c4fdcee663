//! D14 over real sockets: 1,200 notifications within a second, each told up to five times and out of order, among
//! 10,000 that nobody at AWS has signed.
//!
//! The valid ones were signed by the simulated SNS for an endpoint of the test's own, which wrote them down; the test
//! delivers them. All that muster connects to goes through a gate that looks at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use aws_sdk_autoscaling::Client;
use bytes::Bytes;
use muster::time::Stopwatch;
use serde_json::{Value, json};

use super::caller::Caller;
use super::gate::Gate;
use super::group::{ASG, SUBNET, answered_once, counted, hook, muster_with, raise, through};
use super::recorder::Recorder;
use crate::harness::{Muster, Sim, http, wait_as_long, wait_for};
use crate::sdk::autoscaling::{group, with_template_at};
use crate::sdk::config;

const MANY: usize = 1_200;
const FORGED: usize = 10_000;
/// Connections that the valid ones come by, and the forged ones: together fewer than muster serves at a time.
const SENDERS: (usize, usize) = (10, 8);
const PATIENCE: (Duration, Duration) = (Duration::from_secs(180), Duration::from_millis(200));
const HOST: &str = "sns.us-east-1.amazonaws.com";
const PEM: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem";
/// Nobody looks at the group by itself: the doors have to tell.
const GROUP: &str = r#"asg = { name = "web-asg", heartbeat = "1h", sweep_every = "5m" }"#;

/// The answer to a forgery: its status, and the counter that it is found under.
type Expected = (u16, &'static str);

/// A message, changed.
fn with(message: &Value, key: &str, value: impl Into<Value>) -> Bytes {
    let mut forged = message.clone();
    forged[key] = value.into();
    Bytes::from(forged.to_string())
}

/// Every kind of forgery, made from messages that were signed.
fn forgeries(signed: &[Value], trap: &str) -> Vec<(Bytes, Expected)> {
    let (one, other) = (&signed[0], &signed[1]);
    let text = one["Message"].as_str().unwrap();
    let token = signed[2]["Message"].as_str().unwrap();
    let topic = one["TopicArn"].as_str().unwrap();
    let elsewhere = topic.replace("us-east-1", "us-east-2");
    let certificate = |url: &str| (with(one, "SigningCertURL", url), (403, "certificate_url"));
    let mut confirmation = one.clone();
    confirmation["Type"] = "SubscriptionConfirmation".into();
    confirmation["Token"] = "0".repeat(64).into();
    let mut visits = confirmation.clone();
    visits["SubscribeURL"] = format!("{trap}?Action=ConfirmSubscription&TopicArn={topic}&Token=0").into();
    let url = format!("https://{HOST}/?Action=ConfirmSubscription&TopicArn={topic}&Token={}", "0".repeat(64));
    confirmation["SubscribeURL"] = url.into();
    let mut unsigned = one.clone();
    unsigned.as_object_mut().unwrap().remove("Signature");
    vec![
        // Signed, but not this: another instance, another message's signature, a confirmation nobody sent.
        (with(one, "Message", text.replacen("LAUNCHING", "TERMINATING", 1)), (403, "bad_signature")),
        (with(one, "Message", token), (403, "bad_signature")),
        (with(one, "Signature", other["Signature"].clone()), (403, "bad_signature")),
        (with(one, "MessageId", "00000000-0000-0000-0000-000000000000"), (403, "bad_signature")),
        (Bytes::from(confirmation.to_string()), (403, "bad_signature")),
        // A certificate from elsewhere: S3, a bucket that is called sns, this machine, its credentials, another
        // region, another name, an address that leads on to somewhere else.
        certificate(&format!("https://s3.amazonaws.com/sns/{PEM}")),
        certificate(&format!("https://sns.s3-us-west-2.amazonaws.com/{PEM}")),
        certificate(&format!("https://sns.s3.amazonaws.com/{PEM}")),
        certificate(&format!("http://169.254.169.254/latest/meta-data/{PEM}")),
        certificate(&format!("https://169.254.169.254/{PEM}")),
        certificate(&format!("https://sns.us-east-2.amazonaws.com/{PEM}")),
        certificate(&format!("https://{HOST}.evil.example/{PEM}")),
        certificate(&format!(
            "https://{HOST}@{}/{PEM}",
            trap.trim_start_matches("http://").trim_end_matches('/')
        )),
        certificate(&format!("https://{HOST}/?Action=Redirect&to={trap}&x={PEM}")),
        certificate(&format!("{trap}{PEM}")),
        (Bytes::from(visits.to_string()), (403, "subscribe_url")),
        // Topics that are not ours, another algorithm, too late.
        (with(one, "TopicArn", elsewhere), (403, "topic_not_allowed")),
        (with(one, "TopicArn", format!("{topic}-2")), (403, "topic_not_allowed")),
        (with(one, "SignatureVersion", "1"), (403, "signature_version")),
        (with(one, "Timestamp", "2021-01-04T14:00:00.000Z"), (403, "too_old")),
        // No message at all.
        (Bytes::from(unsigned.to_string()), (400, "malformed")),
        (with(one, "Type", "Rumour"), (400, "unknown_type")),
        (Bytes::from_static(b"not JSON"), (400, "not_json")),
        (Bytes::from(format!("{{\"TopicArn\":\"x\",{}", &one.to_string()[1..])), (400, "not_json")),
        (Bytes::from(vec![b'x'; 1 << 20]), (413, "too_large")),
    ]
}

/// 1,200 messages that the simulated SNS has signed, and told to nobody but the test.
async fn signed(sim: &Sim, groups: &Client, sns: &aws_sdk_sns::Client, topic: &str) -> Vec<Value> {
    let recorder = Recorder::start().await;
    sns.subscribe().topic_arn(topic).protocol("http").endpoint(&recorder.url).send().await.unwrap();
    let asked = wait_for("the topic to ask", async || {
        recorder.messages("SubscriptionConfirmation").pop().ok_or_else(|| "not yet".to_owned())
    })
    .await;
    let token = asked["Token"].as_str().unwrap();
    sns.confirm_subscription().topic_arn(topic).token(token).send().await.unwrap();
    hook(groups, Some(topic)).await;
    raise(groups, i32::try_from(MANY).unwrap()).await;
    wait_as_long(PATIENCE, "1,200 to be told of", async || {
        let mut told = recorder.messages("Notification");
        told.retain(|m| m["Message"].as_str().is_some_and(|m| m.contains("EC2InstanceId")));
        let there = sim.ledger().await.hook_actions.len();
        if told.len() == MANY { Ok(told) } else { Err(format!("{} of {there}", told.len())) }
    })
    .await
}

/// A muster whose SNS door believes the simulated AWS, and finds it behind the gate.
async fn believing(sim: &Sim, gate: &Gate, topic: &str) -> Muster {
    let dir = tempfile::tempdir().unwrap();
    let roots = dir.path().join("roots.pem");
    let (_, pem) = http("GET", &format!("{}/_sim/ca.pem", sim.announced.ec2), &[], "").await.unwrap();
    std::fs::write(&roots, pem).unwrap();
    let doors = format!("[hooks.sns]\ntopics = [\"{topic}\"]\nroots_file = \"{}\"", roots.display());
    let mut muster = muster_with(sim, &gate.url, i32::try_from(MANY).unwrap(), GROUP, &doors, dir);
    muster.start().await;
    muster
}

/// Sends all from so many connections at once; how long each took to be answered.
async fn deliver<T: Send + Sync + 'static>(
    url: &str,
    senders: usize,
    all: Vec<T>,
    body: impl Fn(&T) -> Bytes + Send + Sync + Copy + 'static,
    check: impl Fn(&T, u16, &str) + Send + Sync + Copy + 'static,
) -> Vec<Duration> {
    let (all, next) = (Arc::new(all), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..senders)
        .map(|_| {
            let (all, next, caller) = (all.clone(), next.clone(), Caller::new(url));
            tokio::spawn(async move {
                let mut took = Vec::new();
                while let Some(one) = all.get(next.fetch_add(1, Relaxed)) {
                    let watch = Stopwatch::start();
                    let answer =
                        caller.post("/v1/hooks/sns", &[("content-type", "text/plain")], &body(one)).await;
                    took.push(watch.elapsed());
                    check(one, answer.status, &answer.body);
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await.unwrap());
    }
    took.sort();
    took
}

#[tokio::test]
async fn of_11200_messages_those_are_taken_that_aws_has_signed_each_once() {
    let sim = with_template_at("thousand.toml", 2.0).await;
    let (groups, sns) = (Client::new(&config(&sim)), aws_sdk_sns::Client::new(&config(&sim)));
    group(&groups, ASG, i32::try_from(MANY).unwrap(), &[SUBNET]).send().await.unwrap();
    let made = sns.create_topic().name("hooks").attributes("SignatureVersion", "2").send().await.unwrap();
    let topic = made.topic_arn.unwrap();
    let gate = Gate::before(&sim.announced.ec2).await;
    let muster = believing(&sim, &gate, &topic).await;
    let signed = signed(&sim, &groups, &sns, &topic).await;
    let trap = Recorder::start().await;

    // Each one to five times, far apart and in no order: a stride that shares no factor with their number.
    let copies: Vec<Bytes> =
        (0..MANY).flat_map(|n| std::iter::repeat_n(Bytes::from(signed[n].to_string()), 1 + n % 5)).collect();
    let valid: Vec<Bytes> = (0..copies.len()).map(|n| copies[n * 1_009 % copies.len()].clone()).collect();
    let kinds = forgeries(&signed, &trap.url);
    let forged: Vec<(Bytes, Expected)> = (0..FORGED).map(|n| kinds[n % kinds.len()].clone()).collect();
    let (sent, each) = (valid.len(), FORGED / kinds.len());
    let mut counts = std::collections::BTreeMap::new();
    for (_, (_, reason)) in &kinds {
        *counts.entry(*reason).or_insert(0) += each;
    }

    let watch = Stopwatch::start();
    let valid_ones = deliver(&muster.url, SENDERS.0, valid, Bytes::clone, |_, status, body| {
        assert_eq!(status, 200, "{body}");
    });
    let forged_ones = deliver(
        &muster.url,
        SENDERS.1,
        forged,
        |(body, _)| body.clone(),
        |(_, expected), status, body| {
            assert_eq!(status, expected.0, "{body}");
            assert!(
                body.contains(expected.1) || expected.1 == "too_large",
                "{body} does not say {}",
                expected.1
            );
        },
    );
    let (took, refused) = tokio::join!(valid_ones, forged_ones);
    let elapsed = watch.elapsed();
    let at = |all: &[Duration], percent: usize| all[(all.len() - 1) * percent / 100];
    eprintln!(
        "{sent} valid deliveries and {FORGED} forged ones in {elapsed:?}; acknowledged after p50 {:?} p99 {:?}, \
         at most {:?}; refused after p50 {:?} p99 {:?}",
        at(&took, 50),
        at(&took, 99),
        at(&took, 100),
        at(&refused, 50),
        at(&refused, 99),
    );

    // Each kind has its own counter, and all were counted.
    for (reason, count) in counts {
        let refused = counted(&muster, &format!("sns_refused_total{{reason=\"{reason}\"}}")).await;
        assert_eq!(refused, u64::try_from(count).unwrap(), "{reason}");
    }
    let sent = u64::try_from(sent).unwrap();
    assert_eq!(counted(&muster, "sns_verified_total").await, sent);
    let (taken, repeated) =
        (through(&muster, "sns", "taken").await, through(&muster, "sns", "repeated").await);
    assert_eq!((taken, taken + repeated), (1_200, sent), "one action for each token");
    // Nothing was asked for but the one certificate, and that of SNS's own host.
    assert_eq!(counted(&muster, "sns_fetches_total{what=\"certificate\"}").await, 1);
    assert_eq!(counted(&muster, "sns_fetches_total{what=\"confirmation\"}").await, 0);
    assert_eq!(gate.secure_to(HOST), (1, 0));
    assert!(gate.plain() > 0, "muster's calls to AWS go through the gate");
    assert_eq!(trap.connections(), 0, "nobody went where a forgery led");

    wait_as_long(PATIENCE, "1,200 to be in service", async || {
        let ledger = sim.ledger().await;
        let group = ledger.groups.iter().find(|g| g.name == ASG).ok_or("no group")?;
        let there = group.members.iter().filter(|m| m.state.as_str() == "InService").count();
        if there == MANY { Ok(()) } else { Err(format!("{:?}", group.tally)) }
    })
    .await;
    assert_eq!(sim.ledger().await.hook_actions.len(), MANY, "nobody was replaced");
    answered_once(&sim, 1_200, 1_200).await;

    // A copy of one that was dealt with is acknowledged and changes nothing.
    let again = json!({ "outcome": "repeated", "what": "taken before" });
    let answer =
        Caller::new(&muster.url).post("/v1/hooks/sns", &[], &Bytes::from(signed[0].to_string())).await;
    assert_eq!((answer.status, serde_json::from_str::<Value>(&answer.body).unwrap()), (200, again));
}
