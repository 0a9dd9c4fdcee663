//! One topic's life at the simulated AWS: asked, confirmed, notified with copies, stopped.

use crate::decide::hook::notice::{HookNotice, Place};
use crate::hooks::body::{self, Notice};
use crate::hooks::sns::testing::Sns;
use crate::sim::Settings;
use crate::sim::model::sns::call::{Answer, Call, NewMessage, Subscribe};
use crate::sim::settings::SnsSettings;
use crate::time::wall_now;

use super::*;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:hooks";
const ENDPOINT: &str = "https://127.0.0.1:1/v1/hooks/sns";
const HOOKS: usize = 200;

/// As Auto Scaling publishes it.
fn hook(i: usize) -> String {
    format!(
        "{{\"Origin\":\"EC2\",\"LifecycleHookName\":\"h\",\"Destination\":\"AutoScalingGroup\",\
         \"AccountId\":\"000000000000\",\"LifecycleTransition\":\"autoscaling:EC2_INSTANCE_LAUNCHING\",\
         \"AutoScalingGroupName\":\"g\",\"NotificationMetadata\":\"a\\n\\\"b\\\"\",\
         \"EC2InstanceId\":\"i-{i:017x}\",\"LifecycleActionToken\":\"00000000-0000-0000-0000-{i:012x}\"}}"
    )
}

async fn received(door: &SnsDoor, sns: &Sns) -> Vec<Received> {
    let mut all = Vec::new();
    for (headers, body) in sns.deliveries() {
        let received = door.receive(&headers, body.as_bytes(), wall_now()).await.unwrap();
        door.taken(received.id(), wall_now());
        all.push(received);
    }
    all
}

#[tokio::test]
async fn a_topic_is_confirmed_notifies_and_stops() {
    let sns = SnsSettings { copies_max: 5, ..SnsSettings::default() };
    let sns = Sns::with(Settings { sns, ..Settings::default() }).await;
    let config = SnsConfig { topics: Topics::new([TOPIC]).unwrap(), ..SnsConfig::default() };
    let door = SnsDoor::new(config, sns.trust(), Arc::new(sns.fetch()));

    let attributes = [("SignatureVersion".to_owned(), "2".to_owned())].into();
    sns.ask(Call::CreateTopic { name: "hooks".into(), attributes });
    sns.ask(Call::Subscribe(Subscribe {
        topic: TOPIC.into(),
        protocol: "https".into(),
        endpoint: ENDPOINT.into(),
        ..Subscribe::default()
    }));
    let asked = received(&door, &sns).await;
    let [Received::Confirm { confirmation, .. }] = &asked[..] else { panic!("{asked:?}") };
    door.confirm(confirmation).await.unwrap();

    for i in 0..HOOKS {
        let message = NewMessage { message: hook(i), ..NewMessage::default() };
        sns.ask(Call::Publish { topic: TOPIC.into(), message });
    }
    let all = received(&door, &sns).await;
    let mut hooks: Vec<HookNotice> = Vec::new();
    for one in &all {
        match one {
            Received::Notification { message, .. } => {
                let Ok(Notice::Action(hook)) = body::read(message) else { panic!("{message}") };
                hooks.push(hook);
            }
            Received::Again { .. } => {}
            Received::Confirm { .. } | Received::Unsubscribed { .. } => panic!("{one:?}"),
        }
    }
    assert!(all.len() > 2 * HOOKS, "{} deliveries", all.len());
    let mut tokens: Vec<&str> = hooks.iter().map(|hook| hook.token.as_str()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!((hooks.len(), tokens.len()), (HOOKS, HOOKS));
    assert_eq!(hooks[0].destination, Some(Place::Group));

    let listed = sns.ask(Call::ListSubscriptionsByTopic { topic: TOPIC.into(), next_token: None });
    let Answer::Subscriptions { all: subscriptions, .. } = listed else { panic!("{listed:?}") };
    sns.ask(Call::Unsubscribe { subscription: subscriptions[0].arn.clone() });
    let stopped = received(&door, &sns).await;
    assert!(matches!(&stopped[..], [Received::Unsubscribed { .. }]), "{stopped:?}");

    let tally = door.tally();
    assert_eq!((tally.verified, tally.certificates), (all.len() as u64 + 2, 1));
    assert_eq!(tally.again, (all.len() - HOOKS) as u64);
    assert!(tally.refused.iter().all(|(_, n)| *n == 0), "{tally:?}");
}
