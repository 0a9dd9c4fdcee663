//! What the core is told: requests that came in and outcomes of what it asked to be done.

use std::net::IpAddr;
use std::sync::Arc;

use super::asg::seen::{GroupsPage, HookSeen};
use super::gateway::call::{GatewayCall, GatewaySeen};
use super::hook::notice::HookNotice;
use super::mark::{Mark, Marked};
use super::order::Order;
use super::preflight::look::{Look, Looked};
use super::signal::Metric;
use super::signal::read::Points;
use super::words::{Api, Ec2Id, ErrorClass, HookSeq, InstanceRef, LaunchSeq, Time};

/// Names the caller who waits for an answer; the shell keeps the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// One scale-up as asked for: well-formed, but not yet checked against anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    pub group: String,
    pub count: u32,
    /// In service by then.
    pub by: Option<Time>,
    pub reason: String,
    /// Same key, same answer: the caller's protection against asking twice.
    pub idempotency_key: Option<String>,
    /// Refuse it if not all of them fit, instead of taking what does.
    pub all_or_nothing: bool,
    /// What the group has in reserve is for this one.
    pub emergency: bool,
}

/// An instance as a launch answer or a describe shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: Ec2Id,
    pub state: Ec2State,
    /// Private address; AWS may leave it out right after the launch.
    pub address: Option<IpAddr>,
    /// `StateReason`, for example `Client.VolumeLimitExceeded: Volume limit exceeded`.
    pub state_reason: Option<String>,
}

/// EC2's own instance states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ec2State {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

impl Ec2State {
    /// Its place is free, or is being freed by EC2 itself.
    #[must_use]
    pub fn is_ending(self) -> bool {
        match self {
            Ec2State::ShuttingDown | Ec2State::Terminated => true,
            Ec2State::Pending | Ec2State::Running | Ec2State::Stopping | Ec2State::Stopped => false,
        }
    }
}

/// A call that did not succeed, classified.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct CallError {
    pub class: ErrorClass,
    /// AWS's code, or ours in lower case (`timeout`, `connect`, `unreadable`).
    pub code: String,
    pub message: String,
}

/// What one contact with an instance showed.
#[derive(Clone, Debug, PartialEq)]
pub enum Contact {
    /// Accepted the configuration, or passed every probe.
    Passed,
    /// Answered, with something else.
    Rejected(String),
    /// No connection: refused, reset, no route, or no answer to the SYN. Normal while it boots.
    Unreachable(String),
    /// Connected, and then nothing within the time allowed.
    Hung(String),
    /// Muster itself could not try (no descriptor): says nothing about the instance.
    NotTried(String),
}

/// One thing the core is told. Everything outside the core reaches it as one of these.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    ScaleUpAsked {
        ask: Ask,
        ticket: Ticket,
    },
    CancelAsked {
        id: String,
        reason: String,
        ticket: Ticket,
    },
    LaunchAnswered {
        launch: LaunchSeq,
        outcome: Result<Vec<Seen>, CallError>,
    },
    /// Answer to [`super::action::Action::FindLaunch`]: as many of its instances as EC2 shows.
    LaunchFound {
        launch: LaunchSeq,
        outcome: Result<Vec<Seen>, CallError>,
    },
    /// Answer to [`super::action::Action::Describe`]; ids asked for and not in `Ok` are not visible.
    Described {
        asked: Vec<(Ec2Id, InstanceRef)>,
        outcome: Result<Vec<Seen>, CallError>,
    },
    /// Answer to [`super::action::Action::Terminate`]: the states EC2 reports after the call.
    Terminated {
        asked: Vec<(Ec2Id, InstanceRef)>,
        outcome: Result<Vec<(Ec2Id, Ec2State)>, CallError>,
    },
    Configured {
        instance: InstanceRef,
        outcome: Contact,
    },
    Probed {
        instance: InstanceRef,
        outcome: Contact,
    },
    /// A door was told of a lifecycle action. The sender is answered after the commit.
    HookNoticed {
        notice: HookNotice,
        ticket: Ticket,
    },
    /// Answer to [`super::action::Action::Complete`] or [`super::action::Action::Heartbeat`], by `api`.
    HookAnswered {
        hook: HookSeq,
        api: Api,
        outcome: Result<(), CallError>,
    },
    /// Answer to [`super::action::Action::DescribeGroups`].
    GroupsDescribed {
        asked: Vec<Arc<str>>,
        outcome: Result<GroupsPage, CallError>,
    },
    /// Answer to [`super::action::Action::DescribeHooks`].
    HooksDescribed {
        asg: Arc<str>,
        outcome: Result<Vec<HookSeen>, CallError>,
    },
    /// Answer to [`super::action::Action::TerminateInGroup`]. All of them or none.
    TerminatedInGroup {
        asg: Arc<str>,
        asked: Vec<(Ec2Id, InstanceRef)>,
        outcome: Result<(), CallError>,
    },
    /// Answer to [`super::action::Action::Mark`].
    Marked {
        mark: Mark,
        outcome: Result<Marked, CallError>,
    },
    /// Answer to [`super::action::Action::ReadMetrics`]: points for each metric, in their order.
    MetricsRead {
        asked: Arc<[Metric]>,
        outcome: Result<Vec<Points>, CallError>,
    },
    /// Answer to [`super::action::Action::Look`].
    Looked {
        look: Look,
        outcome: Result<Looked, CallError>,
    },
    /// Answer to [`super::action::Action::Gateway`].
    GatewayAnswered {
        request: Arc<str>,
        call: GatewayCall,
        outcome: Result<GatewaySeen, CallError>,
    },
    /// Somebody asks what would become of this, without asking for it.
    PreflightAsked {
        ask: Ask,
        ticket: Ticket,
    },
    /// An operator orders something.
    Ordered {
        order: Order,
        ticket: Ticket,
    },
}
