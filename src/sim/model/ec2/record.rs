//! What the ledger says of each instance.

use std::collections::BTreeMap;

use super::super::super::ledger::Entry;
use super::Ec2;
use super::instance::{Door, Instance};
use super::names::Kind;

impl Ec2 {
    /// How many instances were ever launched.
    pub(in super::super) fn launched(&self) -> u64 {
        self.instances.len() as u64
    }

    /// Every instance that was ever launched.
    pub(in super::super) fn entries(&self, now_ms: i64) -> Vec<Entry> {
        self.instances.iter().map(|i| self.entry(i, now_ms)).collect()
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
            tags: BTreeMap::clone(&instance.tags),
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
