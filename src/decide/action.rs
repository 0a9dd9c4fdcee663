//! What the core asks the shell to do, always after the commit that records the intent.

use std::net::IpAddr;
use std::sync::Arc;

use super::event::Ticket;
use super::gateway::calendar::error::CalendarError;
use super::gateway::call::GatewayCall;
use super::group::{Group, LaunchBody};
use super::hook::notice::{HookAction, HookResult};
use super::mark::Mark;
use super::preflight::look::Look;
use super::preflight::verdict::Verdict;
use super::signal::Metric;
use super::words::{Ec2Id, HookSeq, InstanceRef, LaunchSeq, Time};

/// One effect. Every action but an answer to a caller comes back as exactly one
/// [`super::event::Event`].
#[derive(Clone, Debug)]
pub enum Action {
    /// `RunInstances` with exactly this body, or `LaunchInstances` if it names an Auto Scaling group.
    Launch { launch: LaunchSeq, body: Arc<LaunchBody> },
    /// DescribeInstances by a launch's client token: what it made, if EC2 saw it.
    FindLaunch { launch: LaunchSeq, token: String },
    /// DescribeInstances of at most 1,000 ids.
    Describe { asked: Vec<(Ec2Id, InstanceRef)> },
    /// TerminateInstances of at most 1,000 ids; each was journalled with its reason first.
    Terminate { asked: Vec<(Ec2Id, InstanceRef)> },
    /// Push the configuration once.
    Configure(Target),
    /// One round of all probes.
    Probe(Target),
    /// `CompleteLifecycleAction` with this result; it was committed first.
    Complete { hook: HookSeq, action: Arc<HookAction>, result: HookResult },
    /// `RecordLifecycleActionHeartbeat`.
    Heartbeat { hook: HookSeq, action: Arc<HookAction> },
    /// `DescribeAutoScalingGroups` of at most 100 names, one page of it.
    DescribeGroups { asked: Vec<Arc<str>>, page: Option<String> },
    /// `DescribeLifecycleHooks` of one group.
    DescribeHooks { asg: Arc<str> },
    /// `TerminateInstanceInAutoScalingGroup` of at most 100 ids, which replaces them unless `decrement`;
    /// each was journalled with its reason first.
    TerminateInGroup { asg: Arc<str>, asked: Vec<(Ec2Id, InstanceRef)>, decrement: bool },
    /// A call that marks a group or an instance; what it is for was committed first.
    Mark { mark: Mark },
    /// `GetMetricData` of at most 500 metrics, for this time.
    ReadMetrics { asked: Arc<[Metric]>, from: Time, until: Time },
    /// One look for the picture that requests are held against, as of now.
    Look { look: Look, at: Time },
    /// A call about a gateway, for this request; one that changes something was committed first.
    Gateway { request: Arc<str>, call: GatewayCall },
    /// Tell a caller what would become of a request.
    Foretell { ticket: Ticket, verdict: Result<Arc<Verdict>, Refusal> },
    /// Tell a caller what became of its request.
    Answer { ticket: Ticket, answer: Result<Accepted, Refusal> },
}

/// Whom to contact, and as what.
#[derive(Clone, Debug)]
pub struct Target {
    pub instance: InstanceRef,
    pub id: Ec2Id,
    pub address: IpAddr,
    pub zone: Arc<str>,
    pub group: Arc<Group>,
}

/// A request that is now durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Public id.
    pub id: String,
    /// True if this very request (same idempotency key and content) had been accepted before.
    pub repeated: bool,
}

/// Why a request was not taken; nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no group '{group}'; configured groups: {known}")]
    UnknownGroup { group: String, known: String },
    #[error("count {count} is outside 1 to {most}")]
    Count { count: u32, most: u32 },
    #[error("the deadline is not in the future (it is {late_ms} ms ago)")]
    PastDeadline { late_ms: i64 },
    #[error(
        "group '{group}' has room for {room} more (maximum {max}, {taken} live, pending or already asked for)"
    )]
    NoRoom { group: String, room: u32, max: u32, taken: u32 },
    #[error("group '{group}': {fits} of {wanted} fit now: {why}")]
    DoesNotFit { group: String, wanted: u32, fits: u32, why: String },
    #[error("the idempotency key was used for another request ({id}); use a new key for a new request")]
    KeyReused { id: String },
    #[error("{open} scale-ups are open, the most allowed; try again when some are done")]
    Full { open: u32 },
    #[error("there is no group of the Auto Scaling group '{asg}'; configured Auto Scaling groups: {known}")]
    UnknownAsg { asg: String, known: String },
    #[error("group '{group}' has no pushed signal '{signal}'; configured ones: {known}")]
    UnknownSignal { signal: String, group: String, known: String },
    #[error("nothing is removed from group '{group}': {}", told(doubts))]
    Unsafe { group: String, doubts: Vec<Doubt> },
    #[error("there is no scale-up '{id}'")]
    UnknownScaleUp { id: String },
    #[error("no group launches in zone '{zone}'; there are: {known}")]
    UnknownZone { zone: String, known: String },
    #[error("{percent} % is outside 0 to 100")]
    Percent { percent: u8 },
    #[error(
        "with zone '{zone}' at 0 % group '{group}' could launch nowhere: raise another of its zones first"
    )]
    NoZoneLeft { group: String, zone: String },
    #[error("scale-up '{id}' is already done; there is nothing left to cancel")]
    AlreadyDone { id: String },
    #[error("the end must lie in the future, and at most {} h from now", most_s / 3_600)]
    LeaseEnd { most_s: u64 },
    #[error("no group has an instance '{id}', as far as is known{}", unseen_text(*unseen))]
    UnknownInstance { id: Ec2Id, unseen: usize },
    #[error("there is no {what} '{id}', or it is over")]
    UnknownLease { what: &'static str, id: String },
    #[error("'{id}' was asked for by {owner}, and not by {by}: ask {owner}, or override it by name")]
    NotTheirs { id: String, owner: String, by: String },
    #[error("'{id}' is not kept in quarantine")]
    NotInQuarantine { id: Ec2Id },
    #[error("'{id}' is held: end its hold first")]
    IsHeld { id: Ec2Id },
    #[error("there is no gateway '{gateway}'; configured gateways: {known}")]
    UnknownGateway { gateway: String, known: String },
    #[error("there is no gateway request '{id}', or it is over")]
    UnknownGatewayRequest { id: String },
    #[error("gateway '{gateway}' has a request already ({id}): release it first")]
    GatewayBusy { gateway: String, id: String },
    #[error("capacity {capacity} is outside 1 to {most}")]
    Capacity { capacity: u32, most: u32 },
    #[error("the time by which it is needed is not before its end")]
    NeededAfterEnd,
    #[error("AWS itself says what gateway '{gateway}' has: it is not confirmed by hand")]
    NotByHand { gateway: String },
    #[error("there is neither a group nor an open scale-up '{subject}'; configured groups: {known}")]
    NothingToOverride { subject: String, known: String },
    #[error("group '{group}' depends on no gateway")]
    NoGates { group: String },
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    #[error("there is no schedule '{name}'")]
    UnknownSchedule { name: String },
    #[error("there is a schedule '{name}' already, and it says something else: remove it first")]
    ScheduleExists { name: String },
    #[error("{most} are open, the most allowed; end some first")]
    LeasesFull { most: usize },
}

fn unseen_text(groups: usize) -> String {
    if groups == 0 { String::new() } else { format!(" ({groups} groups have not been seen yet: try again)") }
}

/// One thing that stands against removing anything in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Who says so: `signals`, `valve`, `freeze`, `floor`, `scale_up`, `unseen`, `scale_in`.
    pub guard: &'static str,
    /// A sentence, with the values.
    pub text: String,
}

/// Doubts in one line.
#[must_use]
pub fn told(doubts: &[Doubt]) -> String {
    let told: Vec<&str> = doubts.iter().map(|d| d.text.as_str()).collect();
    told.join("; ")
}
