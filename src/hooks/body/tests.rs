use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// As captured from a real queue in 2023 (aws-facts 3.6).
const QUEUE: &str = r#"{"Origin":"EC2","LifecycleHookName":"my-hook","Destination":"AutoScalingGroup","AccountId":"123456789012","RequestId":"5a062a09-2965-8413-43f9-83bd8649c9eb","LifecycleTransition":"autoscaling:EC2_INSTANCE_LAUNCHING","AutoScalingGroupName":"my-asg","Service":"AWS Auto Scaling","Time":"2023-09-11T03:30:33.136Z","EC2InstanceId":"i-0853dfa8ce1627af9","LifecycleActionToken":"917070d0-a303-474b-a36c-a5e38a19de5e"}"#;

/// As sent when a hook is made.
const TESTING: &str = r#"{"AccountId":"123456789012","RequestId":"c0f77046-9a4e-4fcf-8594-34b174a83c04","AutoScalingGroupARN":"arn:aws:autoscaling:ap-northeast-1:123456789012:autoScalingGroup:2f70c37a-fcb4-4f83-95eb-fa0aae7cc9b6:autoScalingGroupName/my-asg","AutoScalingGroupName":"my-asg","Service":"AWS Auto Scaling","Event":"autoscaling:TEST_NOTIFICATION","Time":"2023-09-11T03:03:14.022Z"}"#;

const MAIL: &str = "\
Service: AWS Auto Scaling
Time: 2023-09-11T03:30:33.136Z
RequestId: 5a062a09-2965-8413-43f9-83bd8649c9eb
LifecycleActionToken: 917070d0-a303-474b-a36c-a5e38a19de5e
AccountId: 123456789012
AutoScalingGroupName: my-asg
LifecycleHookName: my-hook
EC2InstanceId: i-0853dfa8ce1627af9
LifecycleTransition: autoscaling:EC2_INSTANCE_LAUNCHING
NotificationMetadata: role: web

--
If you wish to stop receiving notifications, visit https://sns.us-east-1.amazonaws.com/unsubscribe";

fn expected() -> HookNotice {
    HookNotice {
        asg: "my-asg".into(),
        hook: "my-hook".into(),
        token: "917070d0-a303-474b-a36c-a5e38a19de5e".into(),
        transition: Transition::Launching,
        id: "i-0853dfa8ce1627af9".parse().unwrap(),
        origin: Some(Place::Ec2),
        destination: Some(Place::Group),
        sent_at: Some(Time(1_694_403_033_136)),
    }
}

fn event() -> Value {
    json!({
        "version": "0",
        "id": "12345678-1234-1234-1234-123456789012",
        "detail-type": "EC2 Instance-launch Lifecycle Action",
        "source": "aws.autoscaling",
        "account": "123456789012",
        "time": "2023-09-11T03:30:33Z",
        "region": "us-west-2",
        "resources": ["arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:x:autoScalingGroupName/my-asg"],
        "detail": {
            "LifecycleActionToken": "917070d0-a303-474b-a36c-a5e38a19de5e",
            "AutoScalingGroupName": "my-asg",
            "LifecycleHookName": "my-hook",
            "EC2InstanceId": "i-0853dfa8ce1627af9",
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "NotificationMetadata": "m",
            "Origin": "EC2",
            "Destination": "WarmPool",
        },
    })
}

fn with(key: &str, value: Value) -> String {
    let mut object: Value = serde_json::from_str(QUEUE).unwrap();
    object[key] = value;
    object.to_string()
}

fn without(key: &str) -> String {
    let mut object: Value = serde_json::from_str(QUEUE).unwrap();
    object.as_object_mut().unwrap().remove(key);
    object.to_string()
}

#[test]
fn a_queues_notification_is_read() {
    assert_eq!(read(QUEUE), Ok(Notice::Action(expected())));
    let terminating = with("LifecycleTransition", json!("autoscaling:EC2_INSTANCE_TERMINATING"));
    let action = HookNotice { transition: Transition::Terminating, ..expected() };
    assert_eq!(read(&terminating), Ok(Notice::Action(action)));
    assert_eq!(read(&with("NotificationMetadata", json!("m\nn"))), Ok(Notice::Action(expected())));
}

#[test]
fn an_old_notification_and_a_hand_written_one_say_less() {
    let text = r#"{"AutoScalingGroupName":"my-asg","LifecycleHookName":"my-hook",
        "LifecycleTransition":"autoscaling:EC2_INSTANCE_LAUNCHING","EC2InstanceId":"i-0853dfa8ce1627af9",
        "LifecycleActionToken":"917070d0-a303-474b-a36c-a5e38a19de5e"}"#;
    let less = HookNotice { origin: None, destination: None, sent_at: None, ..expected() };
    assert_eq!(read(text), Ok(Notice::Action(less)));
}

#[test]
fn keys_that_are_not_needed_may_hold_anything() {
    for value in [json!(null), json!([[{ "a": [] }]]), json!({ "a": 1 }), json!(1.5), json!(true)] {
        assert_eq!(read(&with("SomethingNew", value)), Ok(Notice::Action(expected())));
    }
}

#[test]
fn a_test_is_told_by_either_key() {
    let expected = Ok(Notice::Test { asg: "my-asg".into() });
    assert_eq!(read(TESTING), expected);
    assert_eq!(read(&with("LifecycleTransition", json!("autoscaling:TEST_NOTIFICATION"))), expected);
}

#[test]
fn the_form_for_mail_says_the_same() {
    let action = HookNotice { origin: None, destination: None, ..expected() };
    for text in [MAIL.to_owned(), MAIL.replace('\n', "\r\n")] {
        assert_eq!(read(&text), Ok(Notice::Action(action.clone())));
    }
    let test = "AutoScalingGroupName: my-asg\nEvent: autoscaling:TEST_NOTIFICATION";
    assert_eq!(read(test), Ok(Notice::Test { asg: "my-asg".into() }));
    // Metadata that would put another token in place of the first.
    let smuggled = MAIL.replace("role: web", "x\nLifecycleActionToken: 00000000-0000-0000-0000-000000000000");
    assert_eq!(read(&smuggled), Err(Unreadable::Twice("LifecycleActionToken".into())));
}

#[test]
fn eventbridges_envelope_is_read() {
    let action = HookNotice {
        destination: Some(Place::WarmPool),
        sent_at: Some(Time(1_694_403_033_000)),
        ..expected()
    };
    assert_eq!(read(&event().to_string()), Ok(Notice::Action(action)));

    let mut other = event();
    other["detail-type"] = json!("EC2 Instance Launch Successful");
    other["detail"] = json!({ "StatusCode": "InProgress" });
    assert_eq!(read(&other.to_string()), Ok(Notice::Other { what: "EC2 Instance Launch Successful".into() }));

    let mut foreign = event();
    foreign["source"] = json!("aws.ec2");
    let what = "EC2 Instance-launch Lifecycle Action of aws.ec2".into();
    assert_eq!(read(&foreign.to_string()), Ok(Notice::Other { what }));

    let mut crossed = event();
    crossed["detail-type"] = json!("EC2 Instance-terminate Lifecycle Action");
    let e = read(&crossed.to_string()).unwrap_err().to_string();
    assert_eq!(
        e,
        "LifecycleTransition is 'autoscaling:EC2_INSTANCE_LAUNCHING'; must be \
         autoscaling:EC2_INSTANCE_TERMINATING in an event 'EC2 Instance-terminate Lifecycle Action'"
    );
    let mut bare = event();
    bare.as_object_mut().unwrap().remove("detail");
    assert_eq!(read(&bare.to_string()), Err(Unreadable::Missing("detail")));
}

#[test]
fn what_sns_put_into_a_queue_is_taken_out_once() {
    let wrapped =
        |text: &str| json!({ "Type": "Notification", "Message": text, "MessageId": "x" }).to_string();
    assert_eq!(read(&wrapped(QUEUE)), Ok(Notice::Action(expected())));
    assert_eq!(read(&wrapped(TESTING)), Ok(Notice::Test { asg: "my-asg".into() }));
    assert!(read(&wrapped(&wrapped(QUEUE))).is_err());
}

#[test]
fn other_notifications_of_a_group_are_left_alone() {
    let text = r#"{"Event":"autoscaling:EC2_INSTANCE_LAUNCH_ERROR","AutoScalingGroupName":"my-asg"}"#;
    assert_eq!(read(text), Ok(Notice::Other { what: "autoscaling:EC2_INSTANCE_LAUNCH_ERROR".into() }));
    let long = format!("{{\"Event\":\"{}\\u001b[31m\"}}", "x".repeat(120));
    let Ok(Notice::Other { what }) = read(&long) else { panic!() };
    assert!(what.len() <= 128 && !what.contains('\u{1b}'), "{what}");
}

#[test]
fn each_key_that_is_needed_is_named_when_it_is_missing() {
    for key in [
        "LifecycleHookName",
        "LifecycleTransition",
        "AutoScalingGroupName",
        "EC2InstanceId",
        "LifecycleActionToken",
    ] {
        assert_eq!(read(&without(key)).unwrap_err().to_string(), format!("{key} is missing"));
        let e = read(&with(key, json!(7))).unwrap_err().to_string();
        assert_eq!(e, format!("{key} is a number; must be text"));
    }
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    for (key, value, expected) in [
        (
            "LifecycleTransition",
            "x",
            "must be one of autoscaling:EC2_INSTANCE_LAUNCHING, autoscaling:EC2_INST",
        ),
        ("EC2InstanceId", "i-xyz", "must be i- and 8 or 17 hexadecimal digits"),
        ("EC2InstanceId", "i-0853dfa8ce1627af", "must be i- and 8 or 17 hexadecimal digits"),
        ("EC2InstanceId", "", "must be i- and 8 or 17 hexadecimal digits"),
        ("LifecycleActionToken", "917070d0", "must be 36 characters of ASCII"),
        ("AutoScalingGroupName", "", "must be 1 to 255 printable characters"),
        ("AutoScalingGroupName", "a\nb", "must be 1 to 255 printable characters"),
        ("Origin", "Moon", "must be one of EC2, AutoScalingGroup, WarmPool"),
        ("Destination", "' is not ", "must be one of EC2, AutoScalingGroup, WarmPool"),
        ("Time", "yesterday", "must be a time such as 2023-09-11T03:30:33.136Z"),
    ] {
        let e = read(&with(key, json!(value))).unwrap_err().to_string();
        assert!(e.starts_with(&format!("{key} is '")) && e.contains(expected), "{e}");
    }
}

#[test]
fn the_limits_bind() {
    let group = |n: usize| read(&with("AutoScalingGroupName", json!("g".repeat(n))));
    assert!(group(255).is_ok() && group(256).is_err());
    assert!(read(&with("NotificationMetadata", json!("\u{1}".repeat(4_000)))).is_ok());
    let padded = |n: usize| read(&format!("{QUEUE}{}", " ".repeat(n - QUEUE.len())));
    assert!(padded(MOST).is_ok());
    assert_eq!(padded(MOST + 1), Err(Unreadable::TooLarge(MOST + 1)));
    assert!(read(&"x".repeat(1 << 20)).is_err());
}

#[test]
fn what_is_no_notification_is_refused() {
    for text in
        ["", "hello", "[]", "null", "{", "{}", "{\"a\":1}", "http://169.254.169.254/", ": x", "<html>"]
    {
        assert!(read(text).is_err(), "{text}");
    }
    let twice = QUEUE.replacen('{', r#"{"EC2InstanceId":"i-00000000000000000","#, 1);
    assert!(matches!(read(&twice), Err(Unreadable::NotJson(_))));
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = read(&text);
        let _ = read(&format!("{{{text}}}"));
    }

    /// Notifications with any piece replaced by anything.
    #[test]
    fn no_damage_panics(form in 0..3_usize, from in any::<prop::sample::Index>(), cut in 0..40_usize, put in ".{0,20}") {
        let event = event().to_string();
        let text = [QUEUE, MAIL, &event][form];
        let from = from.index(text.len());
        let to = (from + cut).min(text.len());
        let _ = read(&format!("{}{put}{}", &text[..from], &text[to..]));
    }

    /// The order of keys means nothing.
    #[test]
    fn keys_may_come_in_any_order(keys in Just(Vec::from(["Origin", "LifecycleHookName", "Destination",
        "AccountId", "LifecycleTransition", "AutoScalingGroupName", "Time", "EC2InstanceId",
        "LifecycleActionToken"])).prop_shuffle()) {
        let object: Value = serde_json::from_str(QUEUE).unwrap();
        let pairs: Vec<String> = keys.iter().map(|key| format!("\"{key}\" : {}", object[*key])).collect();
        prop_assert_eq!(read(&format!("\n {{ {} }}", pairs.join(" , "))), Ok(Notice::Action(expected())));
    }
}
