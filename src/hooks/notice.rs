//! What a notification says, whichever door it came through and however it was written.

use crate::decide::words::{Ec2Id, Time, named};

named! {
    /// What the instance is about to do, as `LifecycleTransition` has it.
    pub enum Transition {
        Launching = "autoscaling:EC2_INSTANCE_LAUNCHING",
        Terminating = "autoscaling:EC2_INSTANCE_TERMINATING",
    }
}

named! {
    /// Where an instance comes from or goes to, as `Origin` and `Destination` have it. A terminating
    /// one whose destination is the warm pool is not terminated.
    pub enum Place {
        Ec2 = "EC2",
        AutoScalingGroup = "AutoScalingGroup",
        WarmPool = "WarmPool",
    }
}

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An instance waits for our answer.
    Action(HookNotice),
    /// What AWS sends when a hook is made: to be acknowledged, nothing waits.
    Test { group: String },
    /// Something else that comes the same way, such as "EC2 Instance Launch Successful": to be
    /// acknowledged and left alone. At most 128 characters.
    Other { what: String },
}

/// A lifecycle action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookNotice {
    /// The Auto Scaling group's name, 1 to 255 characters.
    pub group: String,
    /// The hook's name, 1 to 255 characters.
    pub hook: String,
    pub transition: Transition,
    pub instance: Ec2Id,
    /// `LifecycleActionToken`, 36 characters: what the answer names the action by.
    pub token: String,
    /// Not said by notifications from before 2021, nor by hand-written ones.
    pub origin: Option<Place>,
    pub destination: Option<Place>,
    /// `NotificationMetadata`, up to 4,000 characters.
    pub metadata: Option<String>,
    /// When AWS says that it happened.
    pub time: Option<Time>,
    /// The account's number, 12 digits.
    pub account: Option<String>,
}
