//! What the core writes down: one row for each thing that must survive a crash.
//!
//! A decision's [`Changes`] are committed in one transaction, before any of its actions is
//! performed. Rows are whole (an upsert by primary key), so writing one twice changes nothing.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::words::{
    Ec2Id, ErrorClass, HookSeq, InstanceRef, LaunchSeq, LaunchState, Origin, Phase, ScaleUpSeq, ScaleUpState,
    SlotId, Time,
};
use crate::decide::gateway::calendar::words::ScheduleRow;
use crate::decide::gateway::gate::{GateRow, OverrideRow};
use crate::decide::gateway::words::GatewayRow;
use crate::decide::guard::lease::{FreezeRow, HoldRow, KeepRow};
use crate::decide::hook::notice::{HookResult, HookState, Place, Transition};
use crate::decide::quarantine::words::QuarantineRow;
use crate::decide::retire::words::{RemovalCause, RemovalState, ScaleInState};

/// Key: `seq`; `id` is unique too, and `idempotency_key` among those that are not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaleUpRow {
    pub seq: ScaleUpSeq,
    pub id: String,
    pub group: String,
    pub origin: Origin,
    pub wanted: u32,
    /// Slots 0..planned have been given to a launch or withdrawn at least once and have rows of
    /// their own; the rest are queued and have none yet.
    pub planned: u32,
    pub by: Option<Time>,
    pub reason: String,
    pub idempotency_key: Option<String>,
    pub state: ScaleUpState,
    pub accepted_at: Time,
    pub done_at: Option<Time>,
    pub in_service: u32,
    pub withdrawn: u32,
    /// Launch rate bound and expected tail at acceptance, in milliseconds from `accepted_at`.
    pub eta_ms: i64,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
}

/// Key: `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchRow {
    pub seq: LaunchSeq,
    pub group: String,
    pub version: String,
    pub token: String,
    /// The exact request, as JSON.
    pub body: String,
    pub count: u32,
    pub state: LaunchState,
    /// Times it was sent.
    pub sends: u32,
    pub created_at: Time,
    /// Not sent (again) before.
    pub not_before: Time,
    pub settled_at: Option<Time>,
    /// Instances EC2 launched for it.
    pub launched: u32,
    /// The last error's class, code and message.
    pub error_class: Option<ErrorClass>,
    pub error: Option<String>,
}

/// Key: (slot, attempt).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceRow {
    pub instance: InstanceRef,
    pub group: String,
    pub phase: Phase,
    /// When it entered the phase.
    pub since: Time,
    pub launch: Option<LaunchSeq>,
    pub id: Option<Ec2Id>,
    pub address: Option<IpAddr>,
    pub zone: Option<String>,
    /// Why it is broken, gone or withdrawn. Kept once set: an upsert with `None` leaves it.
    pub reason: Option<String>,
}

/// Key: (group, version). What is known of one launch version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionRow {
    pub group: String,
    pub version: String,
    /// First instance of it in service.
    pub proven_at: Option<Time>,
    /// Breaker: closed if `None`, otherwise open until then, half open after.
    pub open_until: Option<Time>,
    /// Times in a row that it opened without closing.
    pub opened: u32,
}

/// Key: `name`. The state of one token bucket, so that a restart does not believe it full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRow {
    pub name: String,
    /// When the bucket will be full again, in nanoseconds since the Unix epoch, muster's time
    /// (the "theoretical arrival time" of the GCRA).
    pub full_at_ns: i64,
}

/// Key: `seq`. One lifecycle action of an Auto Scaling group that waits, or waited, for our answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRow {
    pub seq: HookSeq,
    /// Ours; `asg` is the Auto Scaling group's own name.
    pub group: String,
    pub asg: String,
    pub hook: String,
    /// `LifecycleActionToken`, unique within `asg`. Unknown while the notification is lost: the
    /// action was found by looking at the group, and is answered by instance id.
    pub token: Option<String>,
    pub transition: Transition,
    pub id: Ec2Id,
    pub origin: Option<Place>,
    pub destination: Option<Place>,
    /// The instance's place in our books; none for an instance that leaves and is not in them.
    pub instance: Option<InstanceRef>,
    pub state: HookState,
    /// What we have decided to answer: committed before the call goes out.
    pub result: Option<HookResult>,
    pub noticed_at: Time,
    /// Unless a heartbeat or an answer arrives, the group acts on its default result then.
    pub expires_at: Time,
    /// The action's own end, whatever its heartbeats.
    pub ends_at: Time,
    /// Calls sent for it.
    pub completions: u32,
    pub heartbeats: u32,
    pub done_at: Option<Time>,
    /// The last error's code and message.
    pub error: Option<String>,
}

/// Key: `id`. One instance in service that is taken out of it, or was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalRow {
    pub id: Ec2Id,
    pub group: String,
    /// Its place in our books; none for a member that muster did not bring into service.
    pub instance: Option<InstanceRef>,
    pub cause: RemovalCause,
    /// The scale-in that wants it gone.
    pub scale_in: Option<String>,
    /// The scale-up that brings its replacement; none where its group replaces it.
    pub scale_up: Option<ScaleUpSeq>,
    /// What was known when it was decided: each signal, its value and its age.
    pub evidence: String,
    pub state: RemovalState,
    pub decided_at: Time,
    pub done_at: Option<Time>,
}

/// Key: `id`. One accepted scale-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleInRow {
    /// Public id (UUID v7).
    pub id: String,
    pub group: String,
    pub count: u32,
    /// Instances that have left for it.
    pub removed: u32,
    pub reason: String,
    pub idempotency_key: Option<String>,
    pub state: ScaleInState,
    pub asked_at: Time,
    pub done_at: Option<Time>,
    /// Why it was stopped.
    pub note: Option<String>,
}

/// Key: `group`. Muster suspended `ReplaceUnhealthy` in this Auto Scaling group, where it ran before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthRow {
    pub group: String,
    pub asg: String,
    /// Written before the call goes out.
    pub suspended_at: Time,
    /// When it was resumed again.
    pub resumed_at: Option<Time>,
}

/// Key: (group, zone). What operators order of a zone's share of new launches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneRow {
    /// Empty: of every group.
    pub group: String,
    pub zone: String,
    /// Percent of what is configured; none: nothing is ordered any more.
    pub percent: Option<u8>,
    pub reason: String,
    pub at: Time,
}

/// Key: `group`. An Auto Scaling group that launches nothing while its launch version's breaker is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaltRow {
    pub group: String,
    pub asg: String,
    pub since: Time,
    /// AWS said that `Launch` is suspended, and we have not set out to resume it since.
    pub suspended: bool,
    /// So much of its desired capacity is put off until the breaker closes.
    pub put_off: u32,
    /// Its desired capacity is being set from this to that: done before anything else.
    pub setting: Option<(u32, u32)>,
    pub ended_at: Option<Time>,
}

/// Key: `subject`. One number of the picture that requests are held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRow {
    /// What it is about, see [`crate::decide::preflight::look::Subject`].
    pub subject: String,
    pub value: i64,
    /// How many of our instances (of a quota of vCPUs: how many of our vCPUs) it counts already.
    pub ours: u32,
    pub as_of: Time,
    pub seen_at: Time,
    /// AWS's default, since the account has no value of its own.
    pub is_default: bool,
}

/// Key: `scale_up`. What was said of a scale-up when it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightRow {
    pub scale_up: ScaleUpSeq,
    /// The verdict, as JSON.
    pub verdict: String,
}

/// One line of history. Append only; the store numbers them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalRow {
    pub at: Time,
    pub scale_up: Option<ScaleUpSeq>,
    pub instance: Option<InstanceRef>,
    /// The gateway request that it is about.
    pub gateway: Option<String>,
    /// A short fixed word: a phase's name, `accepted`, `cancelled`, `done`, `launch`, `terminate`,
    /// `breaker_open`, `breaker_closed`, `proven`, `keep_failing`, ...
    pub kind: String,
    /// A sentence for people.
    pub text: String,
}

/// Everything one decision changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub scale_ups: Vec<ScaleUpRow>,
    pub launches: Vec<LaunchRow>,
    pub instances: Vec<InstanceRow>,
    pub versions: Vec<VersionRow>,
    pub budgets: Vec<BudgetRow>,
    pub hooks: Vec<HookRow>,
    pub removals: Vec<RemovalRow>,
    pub scale_ins: Vec<ScaleInRow>,
    pub health: Vec<HealthRow>,
    pub holds: Vec<HoldRow>,
    pub freezes: Vec<FreezeRow>,
    pub keeps: Vec<KeepRow>,
    pub zones: Vec<ZoneRow>,
    pub halts: Vec<HaltRow>,
    pub quarantine: Vec<QuarantineRow>,
    pub facts: Vec<FactRow>,
    pub preflights: Vec<PreflightRow>,
    pub gateways: Vec<GatewayRow>,
    pub gates: Vec<GateRow>,
    pub overrides: Vec<OverrideRow>,
    pub schedules: Vec<ScheduleRow>,
    pub journal: Vec<JournalRow>,
}

impl Changes {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scale_ups.is_empty()
            && self.launches.is_empty()
            && self.instances.is_empty()
            && self.versions.is_empty()
            && self.budgets.is_empty()
            && self.hooks.is_empty()
            && self.removals.is_empty()
            && self.scale_ins.is_empty()
            && self.health.is_empty()
            && self.holds.is_empty()
            && self.freezes.is_empty()
            && self.keeps.is_empty()
            && self.zones.is_empty()
            && self.halts.is_empty()
            && self.quarantine.is_empty()
            && self.facts.is_empty()
            && self.preflights.is_empty()
            && self.gateways.is_empty()
            && self.gates.is_empty()
            && self.overrides.is_empty()
            && self.schedules.is_empty()
            && self.journal.is_empty()
    }
}

/// What a starting owner reads back: everything that is not finished, and what counts against a
/// group's maximum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// Every scale-up that is not done, and every one with an idempotency key accepted after
    /// `keys_since` (see the store's `restore`).
    pub scale_ups: Vec<ScaleUpRow>,
    /// Unsettled launches.
    pub launches: Vec<LaunchRow>,
    /// The newest attempt of every slot of a scale-up that is not done, and every instance in
    /// service, broken or terminating of any scale-up.
    pub instances: Vec<InstanceRow>,
    pub versions: Vec<VersionRow>,
    pub budgets: Vec<BudgetRow>,
    /// Every hook action that is open, and those that ended after `keys_since`: a notification may
    /// be delivered again.
    pub hooks: Vec<HookRow>,
    /// Every removal that is not over.
    pub removals: Vec<RemovalRow>,
    /// Every scale-in that is open, and every one asked for after `keys_since`.
    pub scale_ins: Vec<ScaleInRow>,
    /// Groups in which `ReplaceUnhealthy` is suspended by us.
    pub health: Vec<HealthRow>,
    /// Every hold and every freeze that is not done, and every mark that is not restored.
    pub holds: Vec<HoldRow>,
    pub freezes: Vec<FreezeRow>,
    pub keeps: Vec<KeepRow>,
    /// All that were ever ordered: as many as groups and zones.
    pub zones: Vec<ZoneRow>,
    /// Every halt that has not ended, by group.
    pub halts: Vec<HaltRow>,
    /// Every quarantine that is not done, by instance.
    pub quarantine: Vec<QuarantineRow>,
    /// The picture as it was seen last.
    pub facts: Vec<FactRow>,
    /// Every gateway request that is not over, by id.
    pub gateways: Vec<GatewayRow>,
    /// Every gate that is short, by group and gateway.
    pub gates: Vec<GateRow>,
    /// Every override in force, by id.
    pub overrides: Vec<OverrideRow>,
    /// Every schedule that is not removed, by id.
    pub schedules: Vec<ScheduleRow>,
    pub last_scale_up: u32,
    pub last_launch: u64,
    pub last_hook: u64,
}

/// Where a slot's newest attempt stands, for those who only need the place.
impl InstanceRow {
    #[must_use]
    pub fn slot(&self) -> SlotId {
        self.instance.slot
    }
}
