//! What the doors tell of a lifecycle action, in AWS's own words (aws-facts 3.6).

use serde::{Deserialize, Serialize};

use crate::decide::words::{Ec2Id, Time, named};

named! {
    /// Which way an instance is going.
    pub enum Transition {
        Launching = "autoscaling:EC2_INSTANCE_LAUNCHING",
        Terminating = "autoscaling:EC2_INSTANCE_TERMINATING",
    }
}

named! {
    /// Where an instance comes from or goes to.
    pub enum Place {
        Ec2 = "EC2",
        Group = "AutoScalingGroup",
        WarmPool = "WarmPool",
    }
}

named! {
    /// What a lifecycle action can be answered.
    pub enum HookResult {
        Continue = "CONTINUE",
        Abandon = "ABANDON",
    }
}

named! {
    /// How far we are with a lifecycle action.
    pub enum HookState {
        /// It waits for our answer.
        Open = "open",
        /// Answered, and the answer was taken.
        Answered = "answered",
        /// There was no such action any more when we answered: somebody else did, or it timed out.
        Over = "over",
        /// Its time ran out before we could answer.
        Expired = "expired",
    }
}

/// A lifecycle action as a notification tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookNotice {
    /// The Auto Scaling group's name.
    pub asg: String,
    pub hook: String,
    /// 36 characters.
    pub token: String,
    pub transition: Transition,
    pub id: Ec2Id,
    /// Absent in notifications from before 2021.
    pub origin: Option<Place>,
    pub destination: Option<Place>,
    /// When Auto Scaling sent it, by AWS's clock.
    pub sent_at: Option<Time>,
}

/// Names one lifecycle action to AWS: by its token, or by the instance where that is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookAction {
    pub asg: String,
    pub hook: String,
    pub token: Option<String>,
    pub id: Ec2Id,
}
