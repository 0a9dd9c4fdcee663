//! What is shown of the core's state: counts, reasons and estimates, ready to be read by anyone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::action::Doubt;
use super::asg::seen::Lifecycle;
use super::gateway::calendar::shown::ScheduleView;
use super::gateway::gate::OverrideRow;
use super::gateway::shown::{GatewayRequestView, GatewayView};
use super::guard::lease::{FreezeRow, HoldRow, KeepState, Marking};
use super::guard::valve::Shut;
use super::quarantine::words::QuarantineRow;
use super::rows::ScaleInRow;
use super::signal::{Agreement, Reading};
use super::wait::Wait;
use super::words::{Api, LaunchSeq, Origin, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time};

/// Everything that is shown, as of one decision. Cheap to build: counts are kept, not counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    pub at: Time,
    /// Every scale-up that is not done, and the last hundred that are, oldest first.
    pub scale_ups: Vec<Progress>,
    pub groups: Vec<GroupView>,
    /// Group by group, zone by zone.
    pub zones: Vec<ZoneView>,
    pub budgets: Vec<BudgetView>,
    pub contacts: LaneView,
    /// Launches that do not settle after many tries; they go on being tried at a slow pace.
    pub keep_failing: Vec<FailingLaunch>,
    /// Scale-ins that are open, and the last ones that are over, oldest first.
    pub scale_ins: Vec<ScaleInView>,
    /// Lifecycle actions whose time ran out before they could be answered, since the start.
    pub hooks_expired: u64,
    /// Instances that were told of, that EC2 never showed and that were given up for it, since the start.
    pub never_shown: u64,
    /// Holds and freezes that are not done, oldest first.
    pub holds: Vec<HoldView>,
    pub freezes: Vec<FreezeView>,
    /// Quarantines that are not done, oldest first.
    pub quarantine: Vec<QuarantineRow>,
    /// In the order of the configuration.
    pub gateways: Vec<GatewayView>,
    /// The last ones that are over, and all that are not, oldest first.
    pub gateway_requests: Vec<GatewayRequestView>,
    /// Overrides of gates in force, oldest first.
    pub gate_overrides: Vec<OverrideRow>,
    /// Those that are not removed, by name.
    pub schedules: Vec<ScheduleView>,
}

/// One hold, and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct HoldView {
    pub row: HoldRow,
    pub pending: Vec<PendingMark>,
}

/// One freeze, and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct FreezeView {
    pub row: FreezeRow,
    pub pending: Vec<PendingMark>,
}

/// A mark at AWS that is not as it is to be yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMark {
    /// The instance, or the Auto Scaling group whose process it is.
    pub subject: String,
    pub marking: Marking,
    pub state: KeepState,
    /// What the last call about it failed with.
    pub error: Option<String>,
}

impl View {
    #[must_use]
    pub fn scale_up(&self, id: &str) -> Option<&Progress> {
        self.scale_ups.iter().find(|p| p.id == id)
    }
}

/// How far one scale-up has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub seq: ScaleUpSeq,
    pub id: String,
    pub group: String,
    pub origin: Origin,
    pub wanted: u32,
    pub state: ScaleUpState,
    pub accepted_at: Time,
    pub by: Option<Time>,
    pub done_at: Option<Time>,
    /// Slots by the phase of their newest attempt.
    pub phases: PhaseCounts,
    /// Instances that were given up so far.
    pub broken_so_far: u32,
    /// What waits and why, most first.
    pub waits: Vec<Waiting>,
    /// When the last slot is expected in service.
    pub eta: Option<Time>,
    /// Its deadline cannot be met, by what is known.
    pub late: bool,
}

/// So many things wait for this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub count: u32,
    pub wait: Wait,
}

/// A number for each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseCounts([u32; Phase::ALL.len()]);

impl PhaseCounts {
    #[must_use]
    pub fn get(&self, p: Phase) -> u32 {
        self.0[p as usize]
    }

    pub fn get_mut(&mut self, p: Phase) -> &mut u32 {
        &mut self.0[p as usize]
    }

    /// Phases and their numbers, in the order of a life.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, u32)> + '_ {
        Phase::ALL.iter().map(|p| (*p, self.get(*p)))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupView {
    pub name: String,
    pub version: String,
    pub max: u32,
    /// Places taken: live, pending, broken and not gone yet.
    pub taken: u32,
    pub in_service: u32,
    pub queued: u32,
    pub proven: bool,
    /// How long each phase may take now.
    pub watchdogs: Vec<WatchdogView>,
    /// Why the head of its queue waits.
    pub wait: Option<Wait>,
    /// The Auto Scaling group behind it.
    pub asg: Option<AsgView>,
    /// Its signals, as they are read now, and what they say together.
    pub signals: Vec<Reading>,
    pub agreement: Agreement,
    /// Its removal valve, if that is shut.
    pub valve: Option<Shut>,
    /// Instances in service that are being replaced or removed.
    pub removals: u32,
    /// Broken instances that are kept for people to look at.
    pub quarantined: u32,
    /// What it has in reserve, if it is to have any.
    pub reserve: Option<ReserveView>,
}

/// The reserve of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveView {
    /// So many are to be kept.
    pub size: u32,
    /// So many are verified and do not serve. Of a warm pool: those that AWS calls ready.
    pub ready: u32,
}

/// A scale-in, and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleInView {
    pub row: ScaleInRow,
    pub doubts: Vec<Doubt>,
}

/// One zone of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneView {
    pub group: String,
    pub zone: String,
    /// Percent of its configured weight that it has now, by order.
    pub percent: u8,
    /// Percent of the group's new launches that go there, rounded; 0 in every zone: none are made.
    pub share: u32,
    /// Places taken there by what muster launched.
    pub taken: u32,
    /// The order is about this group alone.
    pub own: bool,
    /// When that was ordered; none: nothing is.
    pub at: Option<Time>,
    pub reason: Option<String>,
}

/// An Auto Scaling group as it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct AsgView {
    pub asg: String,
    pub seen_at: Option<Time>,
    pub min: Option<u32>,
    pub max: Option<u32>,
    pub desired: Option<u32>,
    /// Names of suspended processes.
    pub suspended: Vec<String>,
    /// Members by their lifecycle state.
    pub members: BTreeMap<Lifecycle, u32>,
    /// Lifecycle actions that wait for our answer.
    pub hooks_open: u32,
}

/// How long one phase may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchdogView {
    pub phase: Phase,
    /// An instance that stands out is given up after so long in the phase.
    pub limit: Duration,
    /// As configured: nobody is left longer.
    pub ceiling: Duration,
    /// 99 % of those that came through needed at most this; `None` until enough did.
    pub most: Option<Duration>,
}

/// One token bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetView {
    /// `RunInstances requests`, `RunInstances instances`, ...
    pub name: String,
    pub have: u32,
    pub burst: u32,
    /// Tokens a second.
    pub refill: f64,
    /// Calls sent, and how many of those were throttled.
    pub api: Api,
    pub calls: u64,
    pub throttled: u64,
    pub failed: u64,
}

/// Calls or contacts in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneView {
    pub in_flight: u32,
    pub limit: u32,
    pub waiting: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FailingLaunch {
    pub launch: LaunchSeq,
    pub group: String,
    pub count: u32,
    pub sends: u32,
    pub error: String,
    pub next_try: Time,
    /// One slot it holds, to ask about.
    pub slot: Option<SlotId>,
}
