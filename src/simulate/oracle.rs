//! The judge: looks at every event, by the simulated AWS's own state.
//!
//! What muster committed is read only to ask whether it *knew* (an intent before its effect, an
//! instance that somebody answers for), never to learn what is true.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use serde::Serialize;

use crate::decide::budget::api::ApiLimits;
use crate::decide::budget::bucket::Rate;
use crate::decide::hook::notice::HookResult;
use crate::decide::quarantine::words::{Purpose, QuarantineEnd, QuarantineState};
use crate::decide::rows::{Changes, InstanceRow, ZoneRow};
use crate::decide::words::{Api, Ec2Id, HookSeq, InstanceRef, LaunchState, Phase, ScaleUpState, Time, named};
use crate::sim::Model;
use crate::sim::ledger::Entry;
use crate::sim::model::ec2::{Happening, Health};

use super::books::Books;
use super::gates::Gated;
use super::held::Marks;
use super::plan::{Plan, Provisioner, START};
use super::world::STRANGER;

/// How long an instance that nobody answers for may live (I3).
const ORPHAN_MS: i64 = 5 * 60_000;
/// Whoever is let in has served so long ago at most: a proof is good for 30 s, and a call takes some.
const PROVEN_MS: i64 = 60_000;
/// Calls that may be sent beyond what a bucket held and gained: the clock that fills it is read a
/// little later than the one that empties it.
const SLACK_CALLS: f64 = 3.0;
/// Violations of one invariant that are kept, and of all together after which a run ends: the first
/// ones tell.
const OF_ONE: usize = 3;
const ENOUGH: usize = 6;

named! {
    /// What must hold (DRILLS.md). I7 (the dashboard) has nothing to judge yet.
    pub enum Invariant {
        /// No accepted request is lost.
        I1 = "I1",
        /// No duplicate, and never more than the maximum.
        I2 = "I2",
        /// No orphan.
        I3 = "I3",
        /// Descriptors and calls within their budgets.
        I4 = "I4",
        /// No instance under a hold is terminated.
        I5 = "I5",
        /// Nothing in service is removed without agreement.
        I6 = "I6",
        /// Nothing new is launched where an operator has closed the zone.
        Zones = "zones",
        /// Each effect was written down first.
        I8 = "I8",
        /// No lifecycle action times out while AWS answers.
        Hooks = "hooks",
        /// What holds and freezes changed is as it was before.
        Restored = "restored",
        /// A group that is halted launches nothing by itself.
        Halts = "halts",
        /// Few are kept in quarantine, and none of them is in service.
        Quarantine = "quarantine",
        /// In service means serving.
        Serving = "serving",
        /// Whoever waits can be told for what, and until when where that is known.
        Explained = "explained",
        /// No more is planned to go through a gateway than may be, unless somebody said so.
        Gates = "gates",
        /// Once faults have healed, everything settles.
        Liveness = "liveness",
        /// What the store gives back is what was committed.
        Store = "store",
    }
}

/// One thing that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Milliseconds from the beginning of the run.
    pub at_ms: i64,
    pub invariant: Invariant,
    pub text: String,
}

struct Live {
    id: Ec2Id,
    token: String,
    group: Option<usize>,
    slot: Option<String>,
    /// Since when nobody answers for it.
    unknown_since: Option<Time>,
}

/// The judge of one run.
pub struct Oracle {
    pub(super) names: Vec<String>,
    /// Their Auto Scaling groups' names.
    asgs: Vec<Option<String>>,
    most: Vec<u32>,
    /// Most that each group may keep in quarantine, and in reserve.
    most_kept: Vec<(u32, u32)>,
    descriptors: u32,
    live: BTreeMap<u32, Live>,
    pub(super) per_group: Vec<u32>,
    pub(super) gated: Gated,
    per_token: HashMap<String, u32>,
    buckets: BTreeMap<Api, Counted>,
    by_slot: HashMap<String, u32>,
    /// Those that were ever said to be in service.
    served: HashSet<InstanceRef>,
    closed: Closed,
    /// No answer is lost: whoever is let in was let in by the answer that is being judged.
    hears_all: bool,
    /// Whoever decides here does not even try to keep these.
    excused: &'static [Invariant],
    /// What was marked before the first hold.
    pub(super) before: Option<Marks>,
    pub violations: Vec<Violation>,
    pub peak_descriptors: u32,
    pub launched: u32,
    pub most_live: u32,
    /// When how many were launched, and who has ended.
    pub launches_at: Vec<(Time, u32)>,
    pub ended: Vec<u32>,
}

impl Oracle {
    #[must_use]
    pub fn new(plan: &Plan) -> Oracle {
        Oracle {
            names: plan.groups.iter().map(|g| g.name.clone()).collect(),
            asgs: plan.groups.iter().map(|g| g.asg_name().map(String::from)).collect(),
            most: plan.groups.iter().map(|g| g.max).collect(),
            most_kept: plan
                .groups
                .iter()
                .map(|g| (g.quarantine.map_or(0, |q| q.max), g.reserve.map_or(0, |r| r.size)))
                .collect(),
            descriptors: plan.descriptors,
            live: BTreeMap::new(),
            per_group: vec![0; plan.groups.len()],
            gated: Gated::of(plan),
            per_token: HashMap::new(),
            buckets: Api::ALL
                .iter()
                .filter_map(|api| Some((*api, Counted::new(limits(plan, *api)?.requests))))
                .collect(),
            by_slot: HashMap::new(),
            served: HashSet::new(),
            closed: Closed::default(),
            hears_all: hears_all(plan),
            excused: match plan.provisioner {
                Provisioner::Muster => &[],
                // It writes nothing down: told once, and then what comes of it.
                Provisioner::Naive => &[Invariant::I8],
            },
            before: None,
            violations: Vec::new(),
            peak_descriptors: 0,
            launched: 0,
            most_live: 0,
            launches_at: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Enough has gone wrong to stop looking.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.violations.len() >= ENOUGH
    }

    pub fn violated(&mut self, now: Time, invariant: Invariant, text: String) {
        let same = self.violations.iter().filter(|v| v.invariant == invariant).count();
        if same < OF_ONE && !self.excused.contains(&invariant) {
            self.violations.push(Violation { at_ms: now.0 - START.0, invariant, text });
        }
    }

    /// Takes in what happened to instances.
    pub fn happened(&mut self, now: Time, happenings: Vec<Happening>, model: &Model, books: &Books) {
        for happening in happenings {
            match happening {
                // Somebody else's, in the same account.
                Happening::Launched { tags, .. } if tags.contains_key(STRANGER) => {}
                Happening::Launched { first, count, token, tags } => {
                    let by = tags.get("aws:autoscaling:groupName");
                    let group = match by {
                        Some(_) => self.asgs.iter().position(|n| n.as_ref() == by),
                        None => self.names.iter().position(|n| Some(n) == tags.get("muster:group")),
                    };
                    let token = token.unwrap_or_default();
                    let ours = by.is_none() || books.launch_of(&token).is_some();
                    let launched = Launched { ordinals: first..first + count, group, ours };
                    self.was_launched(now, launched, &token, model, books);
                }
                Happening::Ended { ordinal } => {
                    self.was_ended(now, ordinal, model, books);
                    let Some(live) = self.live.remove(&ordinal) else { continue };
                    self.ended.push(ordinal);
                    if let Some(group) = live.group {
                        self.per_group[group] -= 1;
                    }
                    if let Some(slot) = live.slot.filter(|s| self.by_slot.get(s) == Some(&ordinal)) {
                        self.by_slot.remove(&slot);
                    }
                }
                Happening::Configured { ordinal, slot, .. } => {
                    self.was_configured(now, ordinal, slot, books);
                }
            }
        }
    }

    fn was_launched(&mut self, now: Time, launched: Launched, token: &str, model: &Model, books: &Books) {
        let Launched { ordinals, group, ours } = launched;
        let launch = books.launch_of(token);
        self.launches_at.push((now, ordinals.end - ordinals.start));
        let halted = group.and_then(|g| books.halts.get(&self.names[g])).is_some_and(|h| h.suspended);
        if halted && !ours {
            let text = format!("{} were launched while their group is halted", ordinals.len());
            self.violated(now, Invariant::Halts, text);
        }
        for ordinal in ordinals {
            let Ok(id) = model.id_of(ordinal).parse() else { continue };
            let live = Live { id, token: token.to_string(), group, slot: None, unknown_since: None };
            self.live.insert(ordinal, live);
            self.launched += 1;
            let per_token = self.per_token.entry(token.to_string()).or_default();
            *per_token += 1;
            let (asked, given) = (launch.map(|l| l.count), *per_token);
            match asked {
                // Its Auto Scaling group launched it, for reasons of its own.
                _ if !ours => {}
                None => {
                    let text = format!("{id} was launched with token {token}, which nobody had committed");
                    self.violated(now, Invariant::I8, text);
                }
                Some(asked) if given > asked => {
                    let text = format!("{given} instances for {asked} slots of token {token}");
                    self.violated(now, Invariant::I2, text);
                }
                Some(_) => {}
            }
            if let (Some(launch), Some(zone)) = (launch.filter(|_| ours), model.zone_of_instance(ordinal))
                && self.closed.since(&launch.group, &zone).is_some_and(|since| launch.created_at >= since)
            {
                let text =
                    format!("{id} was launched in {zone}, which was closed before for {}", launch.group);
                self.violated(now, Invariant::Zones, text);
            }
            if let Some(group) = group {
                self.per_group[group] += 1;
                // What an Auto Scaling group launches by itself is held against its own counts.
                let (live, most) = (self.per_group[group], self.most[group]);
                if ours && live > most {
                    let text = format!("group {}: {live} live, {most} allowed", self.names[group]);
                    self.violated(now, Invariant::I2, text);
                }
            }
        }
        if let Some(group) = group.filter(|_| ours) {
            self.judge_gates(now, group, books);
        }
        self.most_live = self.most_live.max(u32::try_from(self.live.len()).unwrap_or(u32::MAX));
    }

    fn was_configured(&mut self, now: Time, ordinal: u32, slot: Option<String>, books: &Books) {
        let (Some(live), Some(slot)) = (self.live.get_mut(&ordinal), slot) else { return };
        let id = live.id;
        live.slot = Some(slot.clone());
        if let Some(other) = self.by_slot.insert(slot.clone(), ordinal)
            && other != ordinal
            && let Some(twin) = self.live.get(&other)
            // One that is kept in quarantine is no slot's any more, and that was written down first.
            && !books.is_kept(twin.id)
            // One that was configured for another slot since has left this one: its own launch's answer gave it that.
            && twin.slot.as_ref() == Some(&slot)
        {
            let text = format!("slot {slot} has {} and {id}, both live", twin.id);
            self.violated(now, Invariant::I2, text);
        }
    }

    /// Something was committed.
    pub fn committed(&mut self, now: Time, changes: &Changes, model: &mut Model, books: &Books) {
        for row in &changes.zones {
            self.closed.book(row);
        }
        let (names, asgs) = (self.names.clone(), self.asgs.clone());
        let asg = |name: &str| names.iter().zip(&asgs).any(|(n, a)| n == name && a.is_some());
        // A group is told in its turn, which may be a while after the instance was seen serving.
        let said = |row: &&InstanceRow| match row.phase {
            Phase::InService => !asg(&row.group),
            Phase::Admitting => true,
            Phase::Queued
            | Phase::Launching
            | Phase::Booting
            | Phase::Configuring
            | Phase::Verifying
            | Phase::Broken
            | Phase::Quarantined
            | Phase::Reserved
            | Phase::Terminating
            | Phase::Gone
            | Phase::Withdrawn => false,
        };
        // One that stays in service after all, though it was to go, is not looked at anew.
        let stays = |row: &&InstanceRow| self.served.contains(&row.instance);
        let serving: Vec<&InstanceRow> =
            changes.instances.iter().filter(said).filter(|row| !stays(row)).collect();
        for row in serving {
            let health = match row.address {
                Some(IpAddr::V4(address)) => model.health(address, now.0),
                Some(IpAddr::V6(_)) | None => None,
            };
            // A group may end it while we find out that it serves.
            if health.is_none() && asg(&row.group) {
                continue;
            }
            if health != Some(Health::Serving) {
                let text = format!("{} is said to be in service and does not serve", row.instance);
                self.violated(now, Invariant::Serving, text);
            }
        }
        self.remember_served(changes);
        self.judge_quarantine(now, changes, model, books);
    }

    /// Most that this group may keep in quarantine, or in reserve.
    pub(super) fn most_kept(&self, group: &str, purpose: Purpose) -> usize {
        let at = self.names.iter().position(|n| n == group);
        let (broken, reserve) = at.map_or((0, 0), |at| self.most_kept[at]);
        match purpose {
            Purpose::Broken => broken as usize,
            Purpose::Reserve => reserve as usize,
        }
    }

    /// Remembers who was said to be in service.
    fn remember_served(&mut self, changes: &Changes) {
        let rows = changes.instances.iter().filter(|row| row.phase == Phase::InService);
        self.served.extend(rows.map(|row| row.instance));
    }

    /// It was said to be in service before: whether it may be ended is for the truth to say.
    #[must_use]
    pub fn has_served(&self, instance: InstanceRef) -> bool {
        self.served.contains(&instance)
    }

    /// A terminate call reaches AWS.
    pub fn terminates(&mut self, now: Time, ids: impl Iterator<Item = Ec2Id>, books: &Books) {
        for id in ids {
            match books.holder(id).map(|row| row.phase) {
                Some(Phase::Terminating | Phase::Gone) => {}
                Some(Phase::InService) => {
                    self.violated(now, Invariant::I6, format!("{id} is in service and is terminated"));
                }
                Some(phase) => {
                    let text = format!("{id} is terminated, but what is committed says {phase}");
                    self.violated(now, Invariant::I8, text);
                }
                None if books.is_stray(id) => {}
                None => {
                    self.violated(now, Invariant::I8, format!("{id} is terminated, and nobody had it"));
                }
            }
        }
    }

    /// So many members of a group with this maximum are coming or in service.
    pub fn counts(&mut self, now: Time, counted: u32, max: u32, rebalances: bool) {
        // Rebalancing may add a tenth of the maximum, and one at least (aws-facts 3.3).
        let overshoot = if rebalances { (max / 10).max(1) } else { 0 };
        if counted > max + overshoot {
            let text = format!("an Auto Scaling group counts {counted} members, {max} allowed");
            self.violated(now, Invariant::I2, text);
        }
    }

    /// An answer to a lifecycle action reaches AWS.
    pub fn answers(&mut self, now: Time, hook: HookSeq, result: HookResult, books: &Books, model: &Model) {
        let Some(row) = books.hooks.get(&hook).filter(|row| row.result == Some(result)) else {
            let text =
                format!("lifecycle action {} is answered {result}, and that was not committed", hook.0);
            self.violated(now, Invariant::I8, text);
            return;
        };
        let instance = row.instance.and_then(|i| books.instances.get(&i));
        let phase = instance.map(|row| row.phase);
        if self.hears_all && result == HookResult::Continue && phase == Some(Phase::Admitting) {
            let id = row.id.to_string();
            let dead = |ago_ms| model.served_at(&id, now.0 - ago_ms, now.0) == Some(false);
            if (0..=PROVEN_MS / 5_000).all(|n| dead(n * 5_000)) {
                let text = format!("{id} is let in and has not served for {} s", PROVEN_MS / 1_000);
                self.violated(now, Invariant::Serving, text);
            }
        }
        if result == HookResult::Abandon && phase == Some(Phase::InService) {
            self.violated(now, Invariant::I6, format!("{} is in service and is abandoned", row.id));
        }
    }

    /// A process has so many descriptors open.
    pub fn holds(&mut self, now: Time, descriptors: u32) {
        self.peak_descriptors = self.peak_descriptors.max(descriptors);
        if descriptors > self.descriptors {
            let text = format!("{descriptors} descriptors are open, {} are allowed", self.descriptors);
            self.violated(now, Invariant::I4, text);
        }
    }

    /// Looks for instances that nobody answers for. Once a minute is enough.
    pub fn sweep(&mut self, now: Time, books: &Books) {
        let mut orphans = Vec::new();
        for live in self.live.values_mut() {
            let held = books.holder(live.id).is_some_and(|row| row.phase.occupies());
            let unsettled = books.launch_of(&live.token).is_some_and(|l| l.state == LaunchState::Unsettled);
            if held || unsettled {
                live.unknown_since = None;
                continue;
            }
            let since = *live.unknown_since.get_or_insert(now);
            if now.0 - since.0 > ORPHAN_MS {
                orphans.push(live.id);
            }
        }
        for id in orphans {
            self.violated(now, Invariant::I3, format!("nobody has answered for {id} for five minutes"));
        }
    }

    /// Live instances that are not in service by the books, nor in reserve, where they stay for as long as they like.
    pub fn loose<'a>(&'a self, books: &'a Books) -> impl Iterator<Item = Ec2Id> + 'a {
        let stays = |row: &InstanceRow| matches!(row.phase, Phase::InService | Phase::Reserved);
        self.live.values().map(|live| live.id).filter(move |id| !books.holder(*id).is_some_and(stays))
    }

    /// The run is over: is everything accounted for?
    pub fn finish(&mut self, now: Time, accepted: &[String], model: &mut Model, books: &Books) {
        let ledger = model.ledger(now.0);
        for id in accepted {
            let Some(row) = books.scale_ups.values().find(|row| row.id == *id) else {
                self.violated(now, Invariant::I1, format!("{id} was accepted and is not in the books"));
                continue;
            };
            if row.state != ScaleUpState::Done || row.in_service + row.withdrawn != row.wanted {
                let text = format!(
                    "{id}: {} in service and {} withdrawn of {}, {}",
                    row.in_service, row.withdrawn, row.wanted, row.state
                );
                self.violated(now, Invariant::Liveness, text);
                continue;
            }
            let prefix = format!("{}-", row.seq.0);
            // One that came out of the reserve was configured for the slot that it had before; the books say for which
            // it serves, and whether it serves is not theirs to say.
            let used = |id: &str| {
                let kept = books.quarantine.values().find(|q| q.id.as_str() == id);
                kept.filter(|q| q.end == Some(QuarantineEnd::Used)).and_then(|q| q.instance)
            };
            let of = |e: &&Entry| match used(&e.id) {
                Some(instance) => instance.slot.scale_up == row.seq,
                None => e.slot.as_deref().is_some_and(|s| s.starts_with(&prefix)),
            };
            let serving = ledger.instances.iter().filter(|e| e.serving).filter(of).count();
            // Those that were right to go: each was judged when it went.
            let gone = books.instances.values().filter(|r| r.instance.slot.scale_up == row.seq);
            let gone = gone.filter(|r| r.phase == Phase::Gone && self.served.contains(&r.instance)).count();
            let serving = serving + gone;
            // An Auto Scaling group may have scaled in since, for reasons of its own.
            let grouped = self.names.iter().zip(&self.asgs).any(|(n, asg)| *n == row.group && asg.is_some());
            if serving != row.in_service as usize && !grouped {
                let text = format!("{id}: {} in service by the books, {serving} serve", row.in_service);
                self.violated(now, Invariant::I1, text);
            }
        }
        for row in books.instances.values().filter(|r| r.phase == Phase::Withdrawn && r.reason.is_none()) {
            self.violated(now, Invariant::I1, format!("{} is withdrawn without a reason", row.instance));
        }
        // Where half of all break, one that was launched for the reserve in the last minutes is kept for longer than the run.
        let kept = |id: &Ec2Id| {
            let row = books.quarantine.values().find(|q| q.id == *id);
            row.is_some_and(|q| q.state == QuarantineState::Kept && q.until > now)
        };
        let loose: Vec<Ec2Id> = self.loose(books).filter(|id| !kept(id)).collect();
        for id in loose {
            let last = match books.holder(id) {
                Some(row) => {
                    let why = row.reason.as_deref().unwrap_or("no reason");
                    format!("the books say that {} is {}: {why}", row.instance, row.phase)
                }
                None => "the books do not know it".to_string(),
            };
            self.violated(now, Invariant::I3, format!("{id} is live at the end and nobody's; {last}"));
        }
        for text in &books.disagreements {
            self.violated(now, Invariant::Store, text.clone());
        }
    }

    /// A call goes out: does the bucket that muster believes in still hold a token for it?
    pub fn sends(&mut self, now: Time, api: Api) {
        let Some(bucket) = self.buckets.get_mut(&api) else { return };
        if !bucket.take(now) {
            self.violated(now, Invariant::I4, format!("a call of {api} without a token for it"));
        }
    }
}

/// Zones at 0 %, since when: of one group, or of all of them (the empty name).
#[derive(Default)]
struct Closed(BTreeMap<(String, String), (u8, Time)>);

impl Closed {
    fn book(&mut self, row: &ZoneRow) {
        let key = (row.group.clone(), row.zone.clone());
        match row.percent {
            // Ordered again, it is closed since the first time.
            Some(0) if self.0.get(&key).is_some_and(|(percent, _)| *percent == 0) => {}
            Some(percent) => drop(self.0.insert(key, (percent, row.at))),
            None => drop(self.0.remove(&key)),
        }
    }

    fn since(&self, group: &str, zone: &str) -> Option<Time> {
        let of = |group: &str| self.0.get(&(group.to_string(), zone.to_string())).copied();
        of(group).or_else(|| of("")).filter(|(percent, _)| *percent == 0).map(|(_, since)| since)
    }
}

/// Instances that were launched together.
struct Launched {
    ordinals: std::ops::Range<u32>,
    group: Option<usize>,
    /// For a launch of muster's, and not by their Auto Scaling group for itself.
    ours: bool,
}

/// A token bucket, counted by the judge alone.
struct Counted {
    rate: Rate,
    level: f64,
    at: Time,
}

/// No answer of AWS's is lost, and nobody dies who waits for one.
fn hears_all(plan: &Plan) -> bool {
    let faults = &plan.aws.faults;
    let lost = faults.lost_replies + faults.lost_replies_before + faults.errors;
    lost == 0.0 && plan.kills.per_step == 0.0 && plan.kills.at_ms.is_empty() && plan.pauses.is_empty()
}

/// What muster believes of this API.
fn limits(plan: &Plan, api: Api) -> Option<&ApiLimits> {
    Some(match api {
        Api::RunInstances => &plan.core.run_instances,
        Api::DescribeInstances => &plan.core.describe_instances,
        Api::TerminateInstances => &plan.core.terminate_instances,
        // The bucket is not published, and learned: AWS's own throttles are the judge there.
        Api::AutoScaling
        | Api::LaunchInstances
        | Api::CompleteLifecycleAction
        | Api::RecordLifecycleActionHeartbeat
        | Api::DescribeAutoScalingGroups
        | Api::DescribeLifecycleHooks
        | Api::TerminateInstanceInAutoScalingGroup
        | Api::SetDesiredCapacity
        | Api::SetInstanceProtection
        | Api::EnterStandby
        | Api::ExitStandby
        | Api::DetachInstances
        | Api::SuspendProcesses
        | Api::ResumeProcesses
        | Api::ModifyInstanceAttribute
        | Api::DescribeInstanceAttribute
        | Api::CreateTags
        | Api::GetMetricData
        | Api::Preflight
        | Api::GetServiceQuota
        | Api::GetAwsDefaultServiceQuota
        | Api::DescribeInstanceTypes
        | Api::DescribeSubnets
        | Api::DescribeNetworkInterfaces
        | Api::DescribeTargetHealth
        | Api::DescribeLaunchTemplateVersions
        | Api::Gateway
        | Api::DescribeCapacityReservation
        | Api::ModifyCapacityReservation
        | Api::GetRequestedServiceQuotaChange
        | Api::ListRequestedServiceQuotaChangeHistoryByQuota
        | Api::RequestServiceQuotaIncrease
        | Api::DescribeNatGateways
        | Api::AssociateNatGatewayAddress
        | Api::DescribeCases
        | Api::CreateCase
        | Api::DisassociateNatGatewayAddress => return None,
    })
}

impl Counted {
    fn new(rate: Rate) -> Counted {
        Counted { rate, level: f64::from(rate.burst), at: START }
    }

    fn take(&mut self, now: Time) -> bool {
        let gained = self.rate.refill * now.since(self.at).as_secs_f64();
        self.level = (self.level + gained).min(f64::from(self.rate.burst)) - 1.0;
        self.at = now;
        self.level >= -SLACK_CALLS
    }
}
