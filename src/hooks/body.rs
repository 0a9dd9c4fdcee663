//! The forms in which a lifecycle notification is written (aws-facts 3.6), read into one.
//!
//! - the keys that Auto Scaling sends to a queue or a topic, as JSON, which are also what
//!   `POST /v1/hooks` takes;
//! - the same as `Key: value` lines, which its guide prints for SNS;
//! - EventBridge's envelope, with the keys under `detail`;
//! - SNS's envelope, with one of these as its `Message`, for a queue that is subscribed to a topic.
//!
//! Keys that are not needed are ignored, whatever they hold. Who may send is the door's business.

use super::object::{Object, WrongKind};
use crate::decide::hook::notice::{HookNotice, Place, Transition};
use crate::decide::words::{Ec2Id, Time};

/// Longest notification, bytes. The longest that AWS can mean has 4,000 characters of metadata, each
/// escaped in 6 bytes, and some 2 KiB besides; in an envelope each backslash is escaped again.
pub const MOST: usize = 64 * 1024;

/// Longest name of a group or a hook, characters (botocore, autoscaling).
const NAME_MAX: usize = 255;
/// Length of a `LifecycleActionToken`.
const TOKEN: usize = 36;
/// How much of what is wrong is quoted, characters.
const QUOTE: usize = 128;

const SOURCE: &str = "aws.autoscaling";
const TEST: &str = "autoscaling:TEST_NOTIFICATION";
const LAUNCH_EVENT: &str = "EC2 Instance-launch Lifecycle Action";
const TERMINATE_EVENT: &str = "EC2 Instance-terminate Lifecycle Action";

/// One notification, whichever door it came through and however it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An instance waits for our answer.
    Action(HookNotice),
    /// What AWS sends when a hook is made: to be acknowledged, nothing waits.
    Test { asg: String },
    /// Something else that comes the same way, such as "EC2 Instance Launch Successful": to be
    /// acknowledged and left alone. At most 128 characters.
    Other { what: String },
}

/// Why a text is no notification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the notification has {0} bytes; at most {MOST} are read")]
    TooLarge(usize),
    #[error("the notification is no JSON object: {0}")]
    NotJson(String),
    #[error("the notification is neither a JSON object nor lines of 'Key: value'")]
    NoForm,
    #[error("{0} is there twice")]
    Twice(String),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{key} is '{said}'; must be {allowed}")]
    Wrong { key: &'static str, said: String, allowed: String },
    #[error("{0}")]
    WrongKind(String),
}

impl From<WrongKind> for Unreadable {
    fn from(wrong: WrongKind) -> Unreadable {
        Unreadable::WrongKind(wrong.to_string())
    }
}

/// Reads a notification in any of its forms.
///
/// # Errors
/// What is wrong with it and what would be right.
pub fn read(text: &str) -> Result<Notice, Unreadable> {
    if text.len() > MOST {
        return Err(Unreadable::TooLarge(text.len()));
    }
    let mut object = object(text)?;
    if object.text("Type").ok().flatten().as_deref() == Some("Notification") && object.has("Message") {
        let inner = object.text("Message")?.ok_or(Unreadable::Missing("Message"))?;
        return of_object(self::object(&inner)?);
    }
    of_object(object)
}

fn object(text: &str) -> Result<Object, Unreadable> {
    if text.trim_start().starts_with('{') {
        return Object::read(text.as_bytes()).map_err(|e| Unreadable::NotJson(e.to_string()));
    }
    let mut object = Object::default();
    let mut any = false;
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        // What people read around it (a greeting, a link to unsubscribe) has no such key.
        if !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            object.add(key, value.trim()).map_err(Unreadable::Twice)?;
            any = true;
        }
    }
    if any { Ok(object) } else { Err(Unreadable::NoForm) }
}

fn of_object(mut object: Object) -> Result<Notice, Unreadable> {
    if object.has("detail-type") {
        return event(object);
    }
    let transition = object.text("LifecycleTransition")?;
    let event = object.text("Event")?;
    if [&transition, &event].into_iter().flatten().any(|said| said == TEST) {
        return Ok(Notice::Test { asg: name(&mut object, "AutoScalingGroupName")? });
    }
    match (transition, event) {
        (Some(said), _) => {
            let transition = one_of("LifecycleTransition", &said)?;
            Ok(Notice::Action(action(object, transition)?))
        }
        // Told of by PutNotificationConfiguration, perhaps on the same topic.
        (None, Some(what)) => Ok(Notice::Other { what: cut(&what) }),
        (None, None) => Err(Unreadable::Missing("LifecycleTransition")),
    }
}

/// EventBridge's envelope.
fn event(mut object: Object) -> Result<Notice, Unreadable> {
    let source = required(&mut object, "source")?;
    let what = required(&mut object, "detail-type")?;
    if source != SOURCE {
        return Ok(Notice::Other { what: cut(&format!("{what} of {source}")) });
    }
    let transition = match what.as_str() {
        LAUNCH_EVENT => Transition::Launching,
        TERMINATE_EVENT => Transition::Terminating,
        _ => return Ok(Notice::Other { what: cut(&what) }),
    };
    let mut detail = object.object("detail")?.ok_or(Unreadable::Missing("detail"))?;
    let said: Transition = one_of("LifecycleTransition", &required(&mut detail, "LifecycleTransition")?)?;
    if said != transition {
        return Err(wrong(
            "LifecycleTransition",
            said.as_str(),
            format!("{transition} in an event '{what}'"),
        ));
    }
    let mut action = action(detail, transition)?;
    action.sent_at = time(&mut object, "time")?;
    Ok(Notice::Action(action))
}

/// The keys that are the same in every form.
fn action(mut object: Object, transition: Transition) -> Result<HookNotice, Unreadable> {
    let object = &mut object;
    Ok(HookNotice {
        asg: name(object, "AutoScalingGroupName")?,
        hook: name(object, "LifecycleHookName")?,
        token: token(object)?,
        transition,
        id: instance(object)?,
        origin: place(object, "Origin")?,
        destination: place(object, "Destination")?,
        sent_at: time(object, "Time")?,
    })
}

fn required(object: &mut Object, key: &'static str) -> Result<String, Unreadable> {
    object.text(key)?.ok_or(Unreadable::Missing(key))
}

fn name(object: &mut Object, key: &'static str) -> Result<String, Unreadable> {
    let text = required(object, key)?;
    let fits = (1..=NAME_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(wrong(key, &text, format!("1 to {NAME_MAX} printable characters"))) }
}

fn instance(object: &mut Object) -> Result<Ec2Id, Unreadable> {
    const KEY: &str = "EC2InstanceId";
    let text = required(object, KEY)?;
    let digits = text.strip_prefix("i-").unwrap_or_default();
    let fits = matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let id = text.parse().ok().filter(|_| fits);
    id.ok_or_else(|| wrong(KEY, &text, "i- and 8 or 17 hexadecimal digits".into()))
}

fn token(object: &mut Object) -> Result<String, Unreadable> {
    const KEY: &str = "LifecycleActionToken";
    let text = required(object, KEY)?;
    if text.len() == TOKEN && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(wrong(KEY, &text, format!("{TOKEN} characters of ASCII")))
    }
}

fn place(object: &mut Object, key: &'static str) -> Result<Option<Place>, Unreadable> {
    object.text(key)?.map(|said| one_of(key, &said)).transpose()
}

fn time(object: &mut Object, key: &'static str) -> Result<Option<Time>, Unreadable> {
    let Some(text) = object.text(key)? else { return Ok(None) };
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Ok(Some(Time(at.as_millisecond()))),
        Err(_) => Err(wrong(key, &text, "a time such as 2023-09-11T03:30:33.136Z".into())),
    }
}

/// A word of ours by its fixed name.
fn one_of<T: std::str::FromStr<Err = String>>(key: &'static str, said: &str) -> Result<T, Unreadable> {
    said.parse().map_err(|e: String| {
        let (_, allowed) = e.rsplit_once("' is not ").unwrap_or_default();
        wrong(key, said, allowed.to_owned())
    })
}

fn wrong(key: &'static str, said: &str, allowed: String) -> Unreadable {
    Unreadable::Wrong { key, said: cut(said), allowed }
}

/// So much of a text as fits in a line of a log.
fn cut(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(QUOTE).map(plain).collect()
}

#[cfg(test)]
mod tests;
