//! What Auto Scaling tells others, in its exact words (aws-facts 3.6).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::arn::{ACCOUNT, arn};
use super::super::notice::Notice;
use super::activity::Activity;
use super::books::Now;
use super::hook::{Hook, HookAction};
use super::words::{Place, Transition};

const SERVICE: &str = "AWS Auto Scaling";
const SOURCE: &str = "aws.autoscaling";

/// What a queue or a topic gets when an instance begins to wait.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(clippy::struct_field_names)] // AWS's names
struct Lifecycle<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Place>,
    lifecycle_hook_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Place>,
    account_id: &'a str,
    request_id: &'a str,
    lifecycle_transition: Transition,
    auto_scaling_group_name: &'a str,
    service: &'a str,
    time: String,
    #[serde(rename = "EC2InstanceId")]
    ec2_instance_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_metadata: Option<&'a str>,
    lifecycle_action_token: &'a str,
}

/// What a queue or a topic gets when a hook is put that names it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Test<'a> {
    account_id: &'a str,
    request_id: &'a str,
    #[serde(rename = "AutoScalingGroupARN")]
    group_arn: &'a str,
    auto_scaling_group_name: &'a str,
    service: &'a str,
    event: &'a str,
    time: String,
}

/// Where an instance comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) origin: Place,
    pub(super) destination: Place,
}

/// An instance begins to wait for a hook: a message to the hook's target, if it has one, and an
/// event.
pub(super) fn lifecycle_action(hook: &Hook, action: &HookAction, arn: &str, route: Route, now: &mut Now<'_>) {
    let shown = now.books.set().switches.origin_and_destination.then_some(route);
    if let Some(target) = &hook.target {
        let request_id = now.books.uuid();
        let body = Lifecycle {
            origin: shown.map(|r| r.origin),
            lifecycle_hook_name: &hook.name,
            destination: shown.map(|r| r.destination),
            account_id: ACCOUNT,
            request_id: &request_id,
            lifecycle_transition: hook.transition,
            auto_scaling_group_name: &action.group,
            service: SERVICE,
            time: time(now.ms),
            ec2_instance_id: &action.instance,
            notification_metadata: hook.metadata.as_deref(),
            lifecycle_action_token: &action.token,
        };
        let word = match hook.transition {
            Transition::Launching => "LAUNCHING",
            Transition::Terminating => "TERMINATING",
        };
        let subject =
            format!("Auto Scaling:  Lifecycle action '{word}' for instance {} in progress.", action.instance);
        message(target, subject, &body, now);
    }
    let mut detail = json!({
        "LifecycleActionToken": action.token,
        "AutoScalingGroupName": action.group,
        "LifecycleHookName": hook.name,
        "EC2InstanceId": action.instance,
        "LifecycleTransition": hook.transition,
    });
    put(&mut detail, "NotificationMetadata", hook.metadata.as_deref());
    put(&mut detail, "Origin", shown.map(|r| r.origin.as_str()));
    put(&mut detail, "Destination", shown.map(|r| r.destination.as_str()));
    let detail_type = match hook.transition {
        Transition::Launching => "EC2 Instance-launch Lifecycle Action",
        Transition::Terminating => "EC2 Instance-terminate Lifecycle Action",
    };
    now.tell(Notice::Event { source: SOURCE, detail_type, resources: vec![arn.into()], detail });
}

/// A hook was put that names a target.
pub(super) fn test(target: &str, group: &str, group_arn: &str, now: &mut Now<'_>) {
    let request_id = now.books.uuid();
    let body = Test {
        account_id: ACCOUNT,
        request_id: &request_id,
        group_arn,
        auto_scaling_group_name: group,
        service: SERVICE,
        event: "autoscaling:TEST_NOTIFICATION",
        time: time(now.ms),
    };
    message(target, format!("Auto Scaling: test notification for group \"{group}\""), &body, now);
}

/// What became of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Result {
    Launched,
    NotLaunched,
    Terminated,
}

/// An instance was launched, or not, or terminated.
pub(super) fn result(
    result: Result,
    activity: &Activity,
    instance: Option<&str>,
    route: Route,
    now: &mut Now<'_>,
) {
    let (detail_type, status) = match result {
        Result::Launched => ("EC2 Instance Launch Successful", "InProgress"),
        Result::NotLaunched => ("EC2 Instance Launch Unsuccessful", "Failed"),
        Result::Terminated => ("EC2 Instance Terminate Successful", "InProgress"),
    };
    let mut detail = json!({
        "StatusCode": status,
        "Description": activity.description,
        "AutoScalingGroupName": &*activity.group,
        "ActivityId": activity.id,
        "Details": activity.details(),
        // An activity's request has its id.
        "RequestId": activity.id,
        "StatusMessage": activity.message.as_deref().unwrap_or_default(),
        "EC2InstanceId": instance.unwrap_or_default(),
        "StartTime": time(activity.start_ms),
        "EndTime": time(now.ms),
        "Cause": &*activity.cause,
    });
    if now.books.set().switches.origin_and_destination {
        put(&mut detail, "Origin", Some(route.origin.as_str()));
        put(&mut detail, "Destination", Some(route.destination.as_str()));
    }
    let mut resources = vec![activity.group_arn.to_string()];
    let region = &now.books.settings.region;
    resources.extend(instance.map(|id| arn("ec2", region, &format!("instance/{id}"))));
    now.tell(Notice::Event { source: SOURCE, detail_type, resources, detail });
}

fn message(target: &str, subject: String, body: &impl Serialize, now: &mut Now<'_>) {
    // Writing plain words as JSON does not fail.
    let Ok(value) = serde_json::to_value(body) else { return };
    let lines = is_topic(target) && !now.books.set().switches.sns_messages_are_json;
    let body = if lines { key_value(&value) } else { serde_json::to_string(body).unwrap_or_default() };
    now.tell(Notice::Message { arn: target.into(), subject: Some(subject), body });
}

fn is_topic(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("sns")
}

/// `Key: value` lines, as the guide prints them.
fn key_value(value: &Value) -> String {
    let pairs = value.as_object().into_iter().flatten();
    pairs.fold(String::new(), |text, (key, value)| {
        text + key + ": " + value.as_str().unwrap_or_default() + "\n"
    })
}

fn put(detail: &mut Value, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        detail[key] = value.into();
    }
}

/// As notifications and sentences write times: to the millisecond.
pub(super) fn time(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// As causes write times: to the second.
pub(super) fn second(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The ARN of a group: its own id keeps two groups of one name apart.
pub(super) fn group_arn(region: &str, id: &str, name: &str) -> Arc<str> {
    arn("autoscaling", region, &format!("autoScalingGroup:{id}:autoScalingGroupName/{name}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_aws_writes_them() {
        assert_eq!(time(1_694_403_033_136), "2023-09-11T03:30:33.136Z");
        assert_eq!(second(1_694_403_033_136), "2023-09-11T03:30:33Z");
    }

    #[test]
    fn a_topic_is_told_by_its_arn() {
        assert!(is_topic("arn:aws:sns:us-east-1:1:t") && !is_topic("arn:aws:sqs:us-east-1:1:q"));
        let lines = key_value(&json!({ "Service": "AWS Auto Scaling", "Time": "now" }));
        assert_eq!(lines, "Service: AWS Auto Scaling\nTime: now\n");
    }

    use super::super::super::super::settings::Settings;
    use super::super::call::{Call, PutHook};
    use super::super::testing::{self, AskGroups, Model, WEB, create, hook, messages, open_actions};
    use super::super::words::HookResult;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:hooks";

    /// A group of one whose launch waits for a hook with this target.
    fn waiting(target: &str, change: impl FnOnce(&mut Settings)) -> Model {
        let mut model = testing::model(change);
        let mut group = create(0, 3, 1);
        group.hooks = vec![PutHook {
            target: Some(target.into()),
            metadata: Some("m".into()),
            ..hook("up", Transition::Launching)
        }];
        model.done(Call::CreateAutoScalingGroup(Box::new(group)), 1_694_403_000_000);
        model
    }

    fn events(model: &mut Model, now_ms: i64) -> Vec<(&'static str, Vec<String>, Value)> {
        let all = model.take_arrived(now_ms).into_iter();
        all.filter_map(|(_, notice)| match notice {
            Notice::Event { detail_type, resources, detail, .. } => Some((detail_type, resources, detail)),
            Notice::Message { .. } => None,
        })
        .collect()
    }

    #[test]
    fn a_queue_gets_the_test_and_then_the_action_in_exact_words() {
        let mut model = waiting(QUEUE, |_| {});
        let action = open_actions(&mut model, 1_694_403_011_000).remove(0);
        let all = messages(&mut model, 1_694_403_011_000);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|(arn, _)| arn == QUEUE));
        let request_id = |body: &str| {
            let value: Value = serde_json::from_str(body).unwrap();
            value["RequestId"].as_str().unwrap().to_string()
        };
        let (test, told) = (&all[0].1, &all[1].1);
        let arn =
            serde_json::from_str::<Value>(test).unwrap()["AutoScalingGroupARN"].as_str().unwrap().to_string();
        assert!(arn.ends_with(":autoScalingGroupName/web"), "{arn}");
        assert_eq!(
            *test,
            format!(
                r#"{{"AccountId":"000000000000","RequestId":"{}","AutoScalingGroupARN":"{arn}","AutoScalingGroupName":"web","Service":"AWS Auto Scaling","Event":"autoscaling:TEST_NOTIFICATION","Time":"2023-09-11T03:30:00.000Z"}}"#,
                request_id(test)
            )
        );
        assert_eq!(
            *told,
            format!(
                r#"{{"Origin":"EC2","LifecycleHookName":"up","Destination":"AutoScalingGroup","AccountId":"000000000000","RequestId":"{}","LifecycleTransition":"autoscaling:EC2_INSTANCE_LAUNCHING","AutoScalingGroupName":"web","Service":"AWS Auto Scaling","Time":"2023-09-11T03:30:11.000Z","EC2InstanceId":"{}","NotificationMetadata":"m","LifecycleActionToken":"{}"}}"#,
                request_id(told),
                action.instance,
                action.token
            )
        );
    }

    #[test]
    fn the_switches_take_origins_away_and_write_lines_to_topics() {
        let topic = "arn:aws:sns:us-east-1:000000000000:hooks";
        let mut model = waiting(topic, |s| {
            s.autoscaling.switches.origin_and_destination = false;
            s.autoscaling.switches.sns_messages_are_json = false;
        });
        let all = messages(&mut model, 1_694_403_011_000);
        let told = &all[1].1;
        assert!(told.contains("LifecycleHookName: up\n") && !told.contains("Origin"), "{told}");
    }

    #[test]
    fn the_bus_hears_of_the_action_of_the_launch_and_of_the_end() {
        let mut model = waiting(QUEUE, |_| {});
        let action = open_actions(&mut model, 1_694_403_011_000).remove(0);
        let first = events(&mut model, 1_694_403_011_000);
        assert_eq!(first.len(), 1);
        let (kind, resources, detail) = &first[0];
        assert_eq!(*kind, "EC2 Instance-launch Lifecycle Action");
        assert!(resources[0].ends_with("autoScalingGroupName/web"));
        assert_eq!(
            *detail,
            json!({
                "LifecycleActionToken": action.token,
                "AutoScalingGroupName": "web",
                "LifecycleHookName": "up",
                "EC2InstanceId": action.instance,
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "NotificationMetadata": "m",
                "Origin": "EC2",
                "Destination": "AutoScalingGroup",
            })
        );
        model.done(testing::complete(&action, HookResult::Continue), 1_694_403_012_000);
        let launched = events(&mut model, 1_694_403_014_000);
        assert_eq!(launched[0].0, "EC2 Instance Launch Successful");
        assert_eq!(launched[0].2["EC2InstanceId"], action.instance.as_str());
        assert_eq!(launched[0].2["Details"]["Availability Zone"], "us-east-1a");
        model.done(Call::DeleteAutoScalingGroup { group: WEB.into(), force: true }, 1_694_403_015_000);
        let ended = events(&mut model, 1_694_403_030_000);
        assert_eq!(ended[0].0, "EC2 Instance Terminate Successful");
        assert_eq!(
            (&ended[0].2["Origin"], &ended[0].2["Destination"]),
            (&json!("AutoScalingGroup"), &json!("EC2"))
        );
    }

    #[test]
    fn an_abandoned_launch_is_unsuccessful() {
        let mut model = waiting(QUEUE, |_| {});
        let action = open_actions(&mut model, 1_694_403_011_000).remove(0);
        model.done(testing::complete(&action, HookResult::Abandon), 1_694_403_012_000);
        let kinds: Vec<_> = events(&mut model, 1_694_403_018_000).iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(
            kinds,
            [
                "EC2 Instance-launch Lifecycle Action",
                "EC2 Instance Launch Unsuccessful",
                "EC2 Instance Terminate Successful"
            ]
        );
    }
}
