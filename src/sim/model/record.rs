//! The ledger of the model: the truth that everything else is judged by.

use super::super::bound::{Bound, bound};
use super::super::ledger::{Entry, Ledger};
use super::Model;
use super::instance::{Door, Instance};
use super::names::Kind;

impl Model {
    /// Every instance that was ever launched, and what was called.
    pub fn ledger(&mut self, now_ms: i64) -> Ledger {
        let now_ms = self.settle(now_ms);
        let mut apis = std::collections::BTreeMap::new();
        for (action, counters) in &self.counters {
            let mut counters = counters.clone();
            if let (Some(first), Some(last)) = (counters.first_ms, counters.last_ms) {
                counters.request_tokens_offered = self.buckets.offered(*action, first, last);
            }
            apis.insert(action.as_str().to_string(), counters);
        }
        Ledger {
            seed: self.seed,
            now_ms,
            apis,
            unknown_actions: self.unknown_actions,
            instances: self.instances.iter().map(|i| self.entry(i, now_ms)).collect(),
        }
    }

    /// The bound for this many, see [`super::super::bound`].
    #[must_use]
    pub fn bound(&self, count: u32, batch: u32) -> Option<Bound> {
        bound(&self.settings, self.seed, count, batch)
    }

    fn entry(&self, instance: &Instance, now_ms: i64) -> Entry {
        let launch = &instance.launch;
        let configured = instance.configured.as_ref();
        let past = |at: &i64| *at <= now_ms;
        let serving_since_ms = instance.serving_since_ms(now_ms);
        Entry {
            id: self.names.name(Kind::Instance, u64::from(instance.ordinal)),
            ordinal: instance.ordinal,
            token: launch.token.clone(),
            zone: launch.zone.clone(),
            subnet: launch.subnet.clone(),
            address: instance.address,
            tags: launch.tags.clone(),
            state: instance.state(now_ms),
            broken: instance.fate.broken,
            launched_ms: launch.launched_ms,
            running_ms: instance.running_ms().filter(past),
            answers: instance.door(now_ms) == Door::Open,
            configured_ms: configured.map(|c| c.at_ms),
            slot: configured.and_then(|c| c.slot.as_deref().map(str::to_string)),
            attempt: configured.and_then(|c| c.attempt),
            serving: serving_since_ms.is_some(),
            serving_since_ms,
            terminated_ms: instance.terminated_ms().filter(past),
        }
    }
}
