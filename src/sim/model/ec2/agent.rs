//! The agents on the instances: what a connection, a configure push and a health check meet.

use std::net::Ipv4Addr;

use super::Ec2;
use super::instance::{Door, Instance};

/// What the health endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// 200
    Serving,
    /// 503
    NotReady,
}

impl Ec2 {
    /// What a connection to this address meets now.
    pub(in super::super) fn door(&self, address: Ipv4Addr, now_ms: i64) -> Door {
        self.at(address).map_or(Door::Reset, |i| i.door(now_ms))
    }

    /// A configure push arrives. False if the agent is not there, or not answering, by now.
    pub(in super::super) fn configure(
        &mut self,
        address: Ipv4Addr,
        slot: Option<&str>,
        attempt: Option<u32>,
        now_ms: i64,
    ) -> bool {
        let Some(instance) = self.network.holder(address).and_then(|o| self.instances.get_mut(o as usize))
        else {
            return false;
        };
        let open = instance.door(now_ms) == Door::Open;
        if open {
            instance.configure(slot, attempt, now_ms);
        }
        open
    }

    /// A health check arrives. None if the agent is not there, or not answering, by now.
    pub(in super::super) fn health(&self, address: Ipv4Addr, now_ms: i64) -> Option<Health> {
        let instance = self.at(address).filter(|i| i.door(now_ms) == Door::Open)?;
        let serving = instance.serving_since_ms(now_ms).is_some();
        Some(if serving { Health::Serving } else { Health::NotReady })
    }

    fn at(&self, address: Ipv4Addr) -> Option<&Instance> {
        self.instances.get(self.network.holder(address)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn an_agent_answers_from_boot_to_termination() {
        let mut model = plain();
        let ids = launched(&model.ask(&run("t", 1, 1), 0));
        let address = model.ledger(0).instances[0].address;
        assert_eq!(model.door(address, 0), Door::Reset);
        assert!(!model.configure(address, Some("1-0"), Some(1), 0));
        assert_eq!(model.health(address, 0), None);
        assert_eq!(model.door(address, 300_000), Door::Open);
        assert_eq!(model.health(address, 300_000), Some(Health::NotReady));
        assert!(model.configure(address, Some("1-0"), Some(1), 300_000));
        assert_eq!(model.health(address, 300_001), Some(Health::NotReady));
        assert_eq!(model.health(address, 600_000), Some(Health::Serving));
        model.ask(&terminate(&ids), 700_000);
        assert_eq!(model.door(address, 700_000), Door::Reset);
        let ledger = model.ledger(700_000);
        assert_eq!(ledger.instances[0].slot.as_deref(), Some("1-0"));
        assert_eq!(ledger.instances[0].attempt, Some(1));
    }

    #[test]
    fn nobody_lives_at_other_addresses() {
        let mut model = plain();
        assert_eq!(model.door(Ipv4Addr::LOCALHOST, 0), Door::Reset);
        assert_eq!(model.door(Ipv4Addr::new(127, 64, 0, 4), 0), Door::Reset);
    }
}
