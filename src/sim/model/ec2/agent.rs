//! The agents on the instances: what a connection, a configure push and a health check meet.

use std::net::Ipv4Addr;

use super::super::super::fate::Broken;
use super::instance::{Door, Health, Instance, State};
use super::{Ec2, Happening, Reverse};

/// What a health check is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub health: Health,
    /// What it says that it runs: the image that it was launched from, or another one.
    pub version: String,
    /// That is the version that was launched.
    pub right_version: bool,
}

/// The version of those that run a wrong one: one that nobody launches.
const WRONG_VERSION: &str = "ami-00000000000000bad";

impl Ec2 {
    /// What a connection to this address meets now.
    pub(in super::super) fn door(&self, address: Ipv4Addr, now_ms: i64) -> Door {
        self.at(address).map_or(Door::Reset, |i| i.door(now_ms))
    }

    /// How long the agent at this address takes for each answer, milliseconds.
    pub(in super::super) fn slowness_ms(&self, address: Ipv4Addr) -> u32 {
        let slow = self.at(address).is_some_and(|i| i.fate.broken == Some(Broken::Slow));
        if slow { self.settings.ways.slow_ms } else { 0 }
    }

    /// A configure push arrives. False if the agent is not there, or not answering, by now.
    pub(in super::super) fn configure(
        &mut self,
        address: Ipv4Addr,
        slot: Option<&str>,
        attempt: Option<u32>,
        now_ms: i64,
    ) -> bool {
        let Some(ordinal) = self.network.holder(address) else { return false };
        let Some(instance) = self.instances.get_mut(ordinal as usize) else { return false };
        let open = instance.door(now_ms) == Door::Open;
        if open {
            instance.configure(slot, attempt, now_ms);
            // For one that dies later it is known only now when.
            self.endings.extend(instance.dies_ms().map(|at| Reverse((at, instance.ordinal))));
            self.happenings.push(|| Happening::Configured { ordinal, slot: slot.map(Into::into), attempt });
        }
        open
    }

    /// A health check from this zone arrives. None if the agent is not there, or not answering, by
    /// now.
    pub(in super::super) fn probe(&self, address: Ipv4Addr, from: Option<&str>, now_ms: i64) -> Option<Seen> {
        let instance = self.at(address).filter(|i| i.door(now_ms) == Door::Open)?;
        let outside =
            if self.settings.ways.outsiders_see_one_zone_healthy { &instance.launch.zone } else { "" };
        let right_version = instance.fate.broken != Some(Broken::WrongVersion);
        let version = if right_version { &instance.launch.image } else { WRONG_VERSION };
        let health = instance.health(from.unwrap_or(outside), now_ms);
        Some(Seen { health, version: version.to_string(), right_version })
    }

    /// Whether this instance served its clients then; none if EC2 is ending it by now.
    pub(in super::super) fn served_at(&self, id: &str, at_ms: i64, now_ms: i64) -> Option<bool> {
        let instance = self.instances.get(self.ordinal_of(id)? as usize)?;
        let zone = &instance.launch.zone;
        let serves = instance.door(at_ms) == Door::Open && instance.health(zone, at_ms) == Health::Serving;
        (instance.state(now_ms) == State::Running).then_some(serves)
    }

    fn at(&self, address: Ipv4Addr) -> Option<&Instance> {
        self.instances.get(self.network.holder(address)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{Settings, Ways};
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

    /// One instance that is broken like this, configured, and what the ledger says of it.
    fn broken(way: Broken, outsiders_see_one_zone_healthy: bool) -> (Model, Ipv4Addr) {
        let weights = [(way, 1.0)].into();
        let ways = Ways { weights, outsiders_see_one_zone_healthy, ..Ways::default() };
        let subnets = Settings::default().subnets;
        let settings = Settings { broken: 100.0, ways, subnets, ..small_settings() };
        let mut model = Model::new(settings, 1).unwrap();
        launched(&model.ask(&run("t", 1, 1), 0));
        let address = model.ledger(0).instances[0].address;
        assert!(model.configure(address, None, None, 300_000));
        let entry = &model.ledger(350_000).instances[0];
        assert_eq!((entry.broken, entry.serving), (Some(way), way.is_good_at_first()));
        (model, address)
    }

    #[test]
    fn a_wrong_version_shows_in_what_it_says() {
        let (mut model, address) = broken(Broken::WrongVersion, true);
        let seen = model.probe(address, None, 600_000).unwrap();
        assert_eq!((seen.health, seen.right_version), (Health::Serving, false));
        assert_eq!(seen.version, WRONG_VERSION);
        let (mut model, address) = broken(Broken::Flaps, true);
        assert_eq!(model.probe(address, None, 600_000).unwrap().version, "ami-12345678");
    }

    #[test]
    fn one_zone_sees_it_healthy_and_the_others_do_not() {
        let (mut model, address) = broken(Broken::OneZone, true);
        let mut health = |from: Option<&str>| model.probe(address, from, 600_000).unwrap().health;
        assert_eq!(health(Some("us-east-1a")), Health::Serving);
        assert_eq!(health(Some("us-east-1b")), Health::NotReady);
        assert_eq!(health(None), Health::Serving);
        let (mut model, address) = broken(Broken::OneZone, false);
        assert_eq!(model.health(address, 600_000), Some(Health::NotReady));
    }

    #[test]
    fn one_that_dies_later_gives_its_address_back() {
        let (mut model, address) = broken(Broken::DiesLater, true);
        assert_eq!(model.door(address, 360_000), Door::Open);
        // Configured at 300 s; at most 600 s of service after a configure that never takes an hour.
        assert_eq!(model.door(address, 4_500_000), Door::Reset);
        assert_eq!(model.ledger(4_500_000).instances[0].state.as_str(), "terminated");
    }

    #[test]
    fn a_slow_one_takes_its_time_for_every_contact() {
        let (mut model, address) = broken(Broken::Slow, true);
        assert_eq!(model.contact(address, 400_000).delay_ms, 20_000);
        let (mut model, address) = broken(Broken::Flaps, true);
        assert_eq!(model.contact(address, 400_000).delay_ms, 0);
    }
}
