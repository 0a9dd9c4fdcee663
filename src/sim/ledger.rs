//! The ledger of the simulated EC2 and its verdict: who is right when muster's books and the
//! cloud's disagree is the cloud.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::fate::Broken;
use super::model::ApiCounters;
use super::model::autoscaling::words::{HealthStatus, LifecycleState, Process};
use super::model::autoscaling::{HookAction, Tally};
use super::model::ec2::State;
use super::model::events::RuleCounts;
use super::model::outbox::DeliveryCounts;
use super::model::sns::TopicCounts;
use super::model::sqs::QueueCounts;

/// Everything that was launched and called (`GET /_sim/ledger`). Times in milliseconds of the
/// model's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    pub seed: u64,
    pub now_ms: i64,
    /// By action.
    pub apis: BTreeMap<String, ApiCounters>,
    /// Calls of actions that the model does not know.
    pub unknown_actions: u64,
    /// In the order of their launch.
    pub instances: Vec<Entry>,
    /// Auto Scaling groups, by name.
    #[serde(default)]
    pub groups: Vec<GroupEntry>,
    /// Every lifecycle action there ever was, in the order of their beginning.
    #[serde(default)]
    pub hook_actions: Vec<HookAction>,
    #[serde(default)]
    pub messages: Messages,
}

/// One Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEntry {
    pub name: String,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    pub deleting: bool,
    pub suspended: Vec<Process>,
    /// How many members are in which part of their life.
    pub tally: Tally,
    /// The most there ever were at one moment: coming and in service; in whatever state; coming and
    /// in service beyond the maximum of that moment.
    pub most_counted: u32,
    pub most_members: u32,
    pub most_over_max: u32,
    /// In the order of their launch.
    pub members: Vec<MemberEntry>,
}

/// One instance of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberEntry {
    pub id: String,
    /// Its number among all instances ever launched, from 0.
    pub ordinal: u32,
    pub zone: String,
    pub state: LifecycleState,
    /// Since when it is in this state, and since when it was last in service.
    pub since_ms: i64,
    pub in_service_ms: Option<i64>,
    pub health: HealthStatus,
    /// From scale-in.
    pub protected: bool,
    /// With the group's load balancers.
    pub registered: bool,
}

/// What the services told each other and the world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// What went through each SQS queue, by name.
    pub queues: BTreeMap<String, QueueCounts>,
    /// What went through each SNS topic, by name.
    pub topics: BTreeMap<String, TopicCounts>,
    /// What went by each `EventBridge` rule, by name.
    pub rules: BTreeMap<String, RuleCounts>,
    /// What left over HTTP, by its sender.
    pub deliveries: BTreeMap<String, DeliveryCounts>,
    /// Messages to queues and topics that do not exist.
    pub astray: u64,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub id: String,
    /// Its number among all instances ever launched, from 0.
    pub ordinal: u32,
    /// Client token of the call that launched it.
    pub token: Option<String>,
    pub zone: String,
    pub subnet: String,
    pub address: Ipv4Addr,
    pub tags: BTreeMap<String, String>,
    pub state: State,
    /// How it is broken, if it is.
    pub broken: Option<Broken>,
    pub launched_ms: i64,
    pub running_ms: Option<i64>,
    /// A request to its agent would be answered now.
    pub answers: bool,
    /// When it took its configuration, and the slot and attempt that the push named.
    pub configured_ms: Option<i64>,
    pub slot: Option<String>,
    pub attempt: Option<u32>,
    /// It is good: its health endpoint would answer 200 now, to everybody, at once, as the version
    /// that was launched. And since when.
    pub serving: bool,
    pub serving_since_ms: Option<i64>,
    pub terminated_ms: Option<i64>,
}

/// The verdict (`GET /_sim/summary?wanted=N&batch=B`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub seed: u64,
    pub now_ms: i64,
    pub wanted: u32,
    pub launched: u64,
    /// Pending or running.
    pub live: u64,
    /// Live, configured and good.
    pub serving: u64,
    /// Live and not serving: still on their way, broken, or orphans.
    pub live_not_serving: u64,
    pub broken_live: u64,
    /// Live instances configured for a slot that another live one was configured for too.
    pub duplicates: u64,
    /// Shutting down or terminated.
    pub ended: u64,
    pub terminated: u64,
    /// Calls by action, and in all.
    pub calls: BTreeMap<String, u64>,
    pub ec2_calls: u64,
    pub throttled_calls: u64,
    /// When the first `RunInstances` arrived, and when the `wanted`-th of those serving now began to.
    pub first_launch_call_ms: Option<i64>,
    pub served_ms: Option<i64>,
    /// From the one to the other, in seconds: comparable with `bound_s`.
    pub elapsed_s: Option<f64>,
    /// What no scheduler could beat; none if it cannot be reached at all.
    pub bound_s: Option<f64>,
}

impl Ledger {
    /// Judges: were `wanted` instances brought into service, and was nothing left over?
    #[must_use]
    pub fn summary(&self, wanted: u32, bound: Option<&Bound>) -> Summary {
        let count = |f: &dyn Fn(&Entry) -> bool| self.instances.iter().filter(|i| f(i)).count() as u64;
        let first_launch_call_ms = self.apis.get("RunInstances").and_then(|c| c.first_ms);
        let served_ms = self.served_ms(wanted);
        #[allow(clippy::cast_precision_loss)] // exact for 285,000 years of milliseconds
        let elapsed_s = first_launch_call_ms.zip(served_ms).map(|(from, to)| (to - from) as f64 / 1_000.0);
        Summary {
            seed: self.seed,
            now_ms: self.now_ms,
            wanted,
            launched: self.instances.len() as u64,
            live: count(&|i| i.state.is_live()),
            serving: count(&|i| i.serving),
            live_not_serving: count(&|i| i.state.is_live() && !i.serving),
            broken_live: count(&|i| i.state.is_live() && i.broken.is_some()),
            duplicates: self.duplicates(),
            ended: count(&|i| !i.state.is_live()),
            terminated: count(&|i| i.state == State::Terminated),
            calls: self.apis.iter().map(|(name, c)| (name.clone(), c.calls)).collect(),
            ec2_calls: self.unknown_actions + self.apis.values().map(|c| c.calls).sum::<u64>(),
            throttled_calls: self.apis.values().map(ApiCounters::throttled).sum(),
            first_launch_call_ms,
            served_ms,
            elapsed_s,
            bound_s: bound.map(|b| b.bound_s),
        }
    }

    fn duplicates(&self) -> u64 {
        let mut by_slot: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in self.instances.iter().filter(|i| i.state.is_live()) {
            if let Some(slot) = &entry.slot {
                *by_slot.entry(slot).or_default() += 1;
            }
        }
        by_slot.values().filter(|n| **n > 1).sum()
    }

    fn served_ms(&self, wanted: u32) -> Option<i64> {
        let mut times: Vec<i64> = self.instances.iter().filter_map(|i| i.serving_since_ms).collect();
        times.sort_unstable();
        times.get((wanted as usize).checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::super::model::ec2::testing::{Ask, launched, plain, run, terminate};
    use super::*;

    /// Three instances, configured for these slots.
    fn model(slots: [&str; 3]) -> (Model, Vec<String>) {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 3), 0));
        for (entry, slot) in model.ledger(300_000).instances.iter().zip(slots) {
            assert!(model.configure(entry.address, Some(slot), Some(1), 300_000));
        }
        (model, ids)
    }

    #[test]
    fn a_clean_run_has_nothing_left_over() {
        let (mut model, _) = model(["1-0", "1-1", "1-2"]);
        let bound = model.bound(3, 100);
        let summary = model.ledger(900_000).summary(3, bound.as_ref());
        assert_eq!(
            (summary.live, summary.serving, summary.live_not_serving, summary.duplicates),
            (3, 3, 0, 0)
        );
        assert!(summary.elapsed_s.unwrap() > 300.0);
        assert!(summary.bound_s.unwrap() < summary.elapsed_s.unwrap());
        assert_eq!((summary.ec2_calls, summary.calls["RunInstances"]), (1, 1));
    }

    #[test]
    fn two_live_ones_of_one_slot_are_duplicates_until_one_is_ended() {
        let (mut model, ids) = model(["1-0", "1-0", "1-2"]);
        assert_eq!(model.ledger(900_000).summary(2, None).duplicates, 2);
        model.ask(&terminate(&ids[..1]), 900_000);
        let summary = model.ledger(900_000).summary(2, None);
        assert_eq!((summary.duplicates, summary.ended, summary.terminated, summary.serving), (0, 1, 0, 2));
        assert_eq!(model.ledger(910_000).summary(2, None).terminated, 1);
    }

    #[test]
    fn what_is_not_served_yet_has_no_time() {
        let (mut model, _) = model(["1-0", "1-1", "1-2"]);
        assert_eq!(model.ledger(300_000).summary(3, None).elapsed_s, None);
        assert_eq!(model.ledger(900_000).summary(4, None).elapsed_s, None);
        assert_eq!(model.ledger(900_000).summary(0, None).elapsed_s, None);
    }

    #[test]
    fn the_ledger_survives_json() {
        let (mut model, _) = model(["1-0", "1-1", "1-2"]);
        let ledger = model.ledger(900_000);
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }
}
