//! The one way in behind all doors: read, hand to the engine, wait until it is stored, count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::body::{self, Notice, Unreadable};
use crate::decide::action::Refusal;
use crate::decide::words::named;
use crate::engine::{AskError, Handle};

named! {
    /// A way in.
    pub enum Door {
        Sqs = "sqs",
        Sns = "sns",
        EventBridge = "eventbridge",
        Direct = "direct",
    }
}

named! {
    /// What became of a notification: the label of its counter.
    pub enum Outcome {
        /// A lifecycle action that nobody had told of; it is stored.
        Taken = "taken",
        /// One that was told of before.
        Repeated = "repeated",
        /// A test, or an event that asks nothing of anybody.
        Acknowledged = "acknowledged",
        /// No notification in any form.
        Unreadable = "unreadable",
        /// Larger than any notification; it was not read.
        TooLarge = "too_large",
        /// The sender has not the door's key. What SNS's door turns away it counts by itself, by reason.
        Untrusted = "untrusted",
        /// Of an Auto Scaling group that no group here has.
        UnknownGroup = "unknown_group",
        /// The inbox was full, or the engine had stopped: to be sent again.
        Later = "later",
    }
}

/// What the engine said of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// Stored, now or before, under this token.
    Stored {
        token: String,
        repeated: bool,
    },
    /// Nothing had to be done about this.
    Acknowledged {
        what: String,
    },
    Unreadable(Unreadable),
    UnknownGroup(Refusal),
    /// To be sent again.
    Later(AskError),
}

impl Handed {
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Handed::Stored { repeated: false, .. } => Outcome::Taken,
            Handed::Stored { repeated: true, .. } => Outcome::Repeated,
            Handed::Acknowledged { .. } => Outcome::Acknowledged,
            Handed::Unreadable(Unreadable::TooLarge(_)) => Outcome::TooLarge,
            Handed::Unreadable(_) => Outcome::Unreadable,
            Handed::UnknownGroup(_) => Outcome::UnknownGroup,
            Handed::Later(_) => Outcome::Later,
        }
    }
}

/// Takes notifications in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Inlet {
    handle: Handle,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts([[AtomicU64; Outcome::ALL.len()]; Door::ALL.len()]);

impl Inlet {
    #[must_use]
    pub fn new(handle: Handle) -> Inlet {
        Inlet { handle, counts: Arc::default() }
    }

    /// Reads a notification and hands it in. Answered once what it says is stored.
    pub async fn hand_in(&self, door: Door, text: &str) -> Handed {
        let handed = self.handed(text).await;
        self.count(door, handed.outcome());
        handed
    }

    /// Books what a door dealt with by itself.
    pub fn count(&self, door: Door, outcome: Outcome) {
        self.counts.0[door as usize][outcome as usize].fetch_add(1, Relaxed);
    }

    async fn handed(&self, text: &str) -> Handed {
        let notice = match body::read(text) {
            Ok(Notice::Action(notice)) => notice,
            Ok(Notice::Test { asg }) => {
                return Handed::Acknowledged { what: format!("a test notification of {asg}") };
            }
            Ok(Notice::Other { what }) => return Handed::Acknowledged { what },
            Err(unreadable) => return Handed::Unreadable(unreadable),
        };
        match self.handle.hook(notice).await {
            Ok(accepted) => Handed::Stored { token: accepted.id, repeated: accepted.repeated },
            Err(AskError::Refused(refusal)) => Handed::UnknownGroup(refusal),
            Err(error @ (AskError::Busy { .. } | AskError::Stopped)) => Handed::Later(error),
        }
    }

    /// When to send again what was refused for now, on the wall.
    #[must_use]
    pub fn retry_after(&self, error: &AskError) -> Duration {
        self.handle.clock().on_the_wall(pause(error))
    }

    /// Notifications so far, by door and outcome.
    #[must_use]
    pub fn tally(&self) -> Vec<(Door, Outcome, u64)> {
        let each = Door::ALL.iter().flat_map(|d| Outcome::ALL.iter().map(move |o| (*d, *o)));
        each.map(|(d, o)| (d, o, self.counts.0[d as usize][o as usize].load(Relaxed))).collect()
    }
}

/// How long to wait before what was refused for now is handed in again, in muster's time.
#[must_use]
pub fn pause(error: &AskError) -> Duration {
    match error {
        AskError::Busy { retry_after } => *retry_after,
        // A new process takes a moment to start.
        AskError::Stopped | AskError::Refused(_) => Duration::from_secs(2),
    }
}

#[cfg(test)]
pub mod testing {
    use super::Inlet;
    use crate::decide::action::{Accepted, Refusal};
    use crate::engine::handle::{Handle, Request};
    use crate::time::Clock;

    /// A notification of this action, as Auto Scaling sends it to a queue.
    pub fn notification(asg: &str, n: u32) -> String {
        format!(
            r#"{{"Origin":"EC2","LifecycleHookName":"muster","Destination":"AutoScalingGroup",
            "AccountId":"123456789012","RequestId":"5a062a09-2965-8413-43f9-83bd8649c9eb",
            "LifecycleTransition":"autoscaling:EC2_INSTANCE_LAUNCHING","AutoScalingGroupName":"{asg}",
            "Service":"AWS Auto Scaling","Time":"2023-09-11T03:30:33.136Z","EC2InstanceId":"i-{n:017x}",
            "LifecycleActionToken":"917070d0-a303-474b-a36c-{n:012x}"}}"#
        )
    }

    pub const TEST: &str = r#"{"AccountId":"123456789012","RequestId":"c0f77046-9a4e-4fcf-8594-34b174a83c04",
        "AutoScalingGroupARN":"arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:2f70c37a:autoScalingGroupName/web-asg",
        "AutoScalingGroupName":"web-asg","Service":"AWS Auto Scaling","Event":"autoscaling:TEST_NOTIFICATION",
        "Time":"2023-09-11T03:03:14.022Z"}"#;

    /// An inlet into an engine that knows `web-asg` alone, and has room for so many at a time. Nothing is
    /// answered before the returned sender says that the commit is through.
    pub fn inlet(room: usize) -> (Inlet, tokio::sync::watch::Sender<bool>) {
        let (handle, mut ends) = Handle::new(room, Clock::real());
        let (commit, mut committed) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            let mut told = std::collections::BTreeSet::new();
            loop {
                if committed.wait_for(|c| *c).await.is_err() {
                    return;
                }
                let Some(request) = ends.inbox.recv().await else { return };
                // Only hooks come in here.
                let Request::Hook { notice, answer } = request else { return };
                let said = if notice.asg == "web-asg" {
                    Ok(Accepted { repeated: !told.insert(notice.token.clone()), id: notice.token })
                } else {
                    Err(Refusal::UnknownAsg { asg: notice.asg, known: "web-asg".into() })
                };
                let _ = answer.send(said);
            }
        });
        (Inlet::new(handle), commit)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{TEST, inlet, notification};
    use super::*;

    #[tokio::test]
    async fn each_notification_has_its_own_outcome_and_is_counted() {
        let (inlet, commit) = inlet(10);
        commit.send_replace(true);
        let web = notification("web-asg", 1);
        for (text, outcome) in [
            (web.as_str(), Outcome::Taken),
            (web.as_str(), Outcome::Repeated),
            (TEST, Outcome::Acknowledged),
            ("{}", Outcome::Unreadable),
            (" ".repeat(body::MOST + 1).as_str(), Outcome::TooLarge),
            (notification("other", 2).as_str(), Outcome::UnknownGroup),
        ] {
            assert_eq!(inlet.hand_in(Door::Direct, text).await.outcome(), outcome, "{text}");
        }
        inlet.count(Door::Direct, Outcome::Untrusted);
        for (door, outcome, n) in inlet.tally() {
            let counted = door == Door::Direct && outcome != Outcome::Later;
            assert_eq!(n, u64::from(counted), "{door} {outcome}");
        }
    }

    #[tokio::test]
    async fn whoever_finds_the_inbox_full_is_told_to_come_again() {
        let (inlet, _never) = inlet(1);
        let first = inlet.clone();
        let first = tokio::spawn(async move { first.hand_in(Door::Sqs, &notification("web-asg", 1)).await });
        tokio::task::yield_now().await;
        let second = inlet.hand_in(Door::Sqs, &notification("web-asg", 2)).await;
        assert!(matches!(second, Handed::Later(AskError::Busy { .. })), "{second:?}");
        assert!(!first.is_finished(), "answered before the commit");
    }
}
