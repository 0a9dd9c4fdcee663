//! Groups and launches as the view shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names;
use super::stamp::Stamp;
use crate::decide::signal::Agreement;
use crate::decide::view;
use crate::decide::words::{Phase, SlotId, Time};

/// All configured groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Groups {
    pub groups: Vec<GroupItem>,
}

/// One group, as of the newest decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupItem {
    pub name: String,
    /// Identity of its launch spec and configure step.
    pub version: String,
    /// Most instances that may exist, broken ones included.
    pub max: u32,
    /// Places taken: live, pending, broken and not gone yet.
    pub taken: u32,
    pub in_service: u32,
    /// Slots that no launch has yet.
    pub queued: u32,
    /// An instance of this version has been in service.
    pub proven: bool,
    /// How long each phase may take now.
    pub watchdogs: Vec<Watchdog>,
    /// Why the head of its queue waits; absent if nothing waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<String>,
    /// The Auto Scaling group behind it; absent for a plain fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asg: Option<AsgItem>,
    /// What its signals say together.
    #[schema(schema_with = names::agreement)]
    #[serde(default = "blind")]
    pub signals: Agreement,
    /// Why its removal valve is shut; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valve_shut: Option<String>,
    /// Instances in service that are being replaced or removed.
    #[serde(default)]
    pub removals: u32,
    /// Broken instances that are kept for people to look at.
    #[serde(default)]
    pub quarantined: u32,
    /// What it has in reserve; absent if it is to have nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<ReserveItem>,
}

/// The reserve of one group: verified instances that do not serve until they are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReserveItem {
    /// So many are to be kept.
    pub size: u32,
    /// So many are ready; of a warm pool, those that AWS calls so.
    pub ready: u32,
}

/// What an older service knows of its signals.
fn blind() -> Agreement {
    Agreement::Blind
}

impl GroupItem {
    #[must_use]
    pub fn of(g: &view::GroupView, now: Time) -> GroupItem {
        GroupItem {
            name: g.name.clone(),
            version: g.version.clone(),
            max: g.max,
            taken: g.taken,
            in_service: g.in_service,
            queued: g.queued,
            proven: g.proven,
            watchdogs: g.watchdogs.iter().map(Watchdog::of).collect(),
            wait: g.wait.as_ref().map(|w| w.describe(now)),
            asg: g.asg.as_ref().map(AsgItem::of),
            signals: g.agreement,
            valve_shut: g.valve.as_ref().map(|v| v.why.clone()),
            removals: g.removals,
            quarantined: g.quarantined,
            reserve: g.reserve.map(|r| ReserveItem { size: r.size, ready: r.ready }),
        }
    }
}

/// An Auto Scaling group as it was last seen; what was not seen yet is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsgItem {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Names of suspended processes.
    pub suspended: Vec<String>,
    /// Members by their lifecycle state, in AWS's words.
    pub members: BTreeMap<String, u32>,
    /// Lifecycle actions that wait for our answer.
    pub hooks_open: u32,
}

impl AsgItem {
    fn of(a: &view::AsgView) -> AsgItem {
        AsgItem {
            name: a.asg.clone(),
            seen_at: a.seen_at.map(Stamp),
            min: a.min,
            max: a.max,
            desired: a.desired,
            suspended: a.suspended.clone(),
            members: a.members.iter().map(|(state, n)| (state.to_string(), *n)).collect(),
            hooks_open: a.hooks_open,
        }
    }
}

/// How long one phase may take before an instance is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Watchdog {
    #[schema(schema_with = names::phase)]
    pub phase: Phase,
    /// Seconds after which an instance that is slower than its like is given up: learned from those
    /// that work, or as configured while too little is known.
    pub limit_s: u64,
    /// Seconds as configured: nobody is left longer.
    pub configured_s: u64,
    /// Seconds that 99 % of those that came through needed at most; absent until enough did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_s: Option<u64>,
}

impl Watchdog {
    fn of(w: &view::WatchdogView) -> Watchdog {
        Watchdog {
            phase: w.phase,
            limit_s: w.limit.as_secs(),
            configured_s: w.ceiling.as_secs(),
            most_s: w.most.map(|m| m.as_secs()),
        }
    }
}

/// Launches that do not settle after many tries; they go on being tried at a slow pace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailingLaunches {
    pub launches: Vec<FailingLaunch>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailingLaunch {
    /// The launch's number in this database.
    pub launch: u64,
    pub group: String,
    /// Instances it asks for.
    pub count: u32,
    /// Times it was sent.
    pub sends: u32,
    /// The last answer.
    pub error: String,
    /// When it is sent again; absent if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Stamp>,
    /// One slot it holds, to ask about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("12-34"))]
    pub slot: Option<SlotId>,
}

impl FailingLaunch {
    #[must_use]
    pub fn of(f: &view::FailingLaunch) -> FailingLaunch {
        FailingLaunch {
            launch: f.launch.0,
            group: f.group.clone(),
            count: f.count,
            sends: f.sends,
            error: f.error.clone(),
            next_try: Stamp::unless_never(f.next_try),
            slot: f.slot,
        }
    }
}
