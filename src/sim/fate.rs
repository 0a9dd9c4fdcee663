//! What becomes of one instance: decided at its launch by the seed, its ordinal and its place.

use crate::decide::words::named;

use super::draw::{Draw, Purpose};
use super::settings::{Settings, Site};

named! {
    /// The ways in which an instance is broken.
    pub enum Broken {
        /// The agent accepts connections and never answers.
        Hangs = "hangs",
        /// The agent resets every connection.
        Refuses = "refuses",
        /// Takes its configuration and answers 503 for ever.
        NeverReady = "never_ready",
        /// Stays pending for ever.
        NeverBoots = "never_boots",
        /// Terminated by EC2 while pending, with a state reason.
        Dies = "dies",
        /// Answers everything as a good one does, but takes `ways.slow_ms` for each answer.
        Slow = "slow",
        /// Once configured, its health is good and bad in turn.
        Flaps = "flaps",
        /// Healthy, but what runs there is another version than was launched: the body of its
        /// health, its header `x-version` and its `/version` say so.
        WrongVersion = "wrong_version",
        /// Good at first; terminated by itself after it served for `ways.serves`.
        DiesLater = "dies_later",
        /// Good at first; its agent resets every connection after it served for `ways.serves`, while
        /// EC2 goes on saying `running`.
        AgentStops = "agent_stops",
        /// Healthy to those who ask from its own zone, 503 to those in another.
        OneZone = "one_zone",
    }
}

named! {
    /// What EC2 says of an instance that died while pending, by the code of its state reason.
    pub enum Death {
        LaunchError = "Client.InternalError",
        VolumeLimit = "Client.VolumeLimitExceeded",
        SnapshotGone = "Client.InvalidSnapshot.NotFound",
        NoCapacity = "Server.InsufficientInstanceCapacity",
        ServerError = "Server.InternalError",
    }
}

impl Death {
    /// The state reason's message.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Death::LaunchError => "Client.InternalError: Client error on launch",
            Death::VolumeLimit => "Client.VolumeLimitExceeded: Volume limit exceeded",
            Death::SnapshotGone => "Client.InvalidSnapshot.NotFound: The specified snapshot was not found",
            Death::NoCapacity => {
                "Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request"
            }
            Death::ServerError => "Server.InternalError: Internal error on launch",
        }
    }
}

impl Broken {
    /// What the half that does not hang is spread over if no weights are given.
    const LOUD: [Broken; 4] = [Broken::Refuses, Broken::NeverReady, Broken::NeverBoots, Broken::Dies];

    /// It serves like a good one, though not for ever.
    #[must_use]
    pub fn is_good_at_first(self) -> bool {
        match self {
            Broken::DiesLater | Broken::AgentStops => true,
            Broken::Hangs
            | Broken::Refuses
            | Broken::NeverReady
            | Broken::NeverBoots
            | Broken::Dies
            | Broken::Slow
            | Broken::Flaps
            | Broken::WrongVersion
            | Broken::OneZone => false,
        }
    }
}

/// One instance's future. Durations in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// From launch until the agent answers; EC2 says `running`, or the instance dies, at half of it.
    pub boot_ms: u32,
    /// From the configure push until healthy.
    pub configure_ms: u32,
    /// From launch until describe and terminate know the id.
    pub visible_ms: u32,
    /// From the terminate call until terminated.
    pub shutdown_ms: u32,
    /// From running until the status checks pass.
    pub checked_ms: u32,
    /// From launch until describe shows the address.
    pub address_ms: u32,
    pub broken: Option<Broken>,
    /// If it flaps: how long it is healthy, and unhealthy, at a time.
    pub flap_ms: u32,
    /// If it is good at first: how long it serves.
    pub serves_ms: u32,
    /// What EC2 says if it dies while pending.
    pub death: Death,
}

impl Fate {
    /// The fate of the instance that is launched as number `ordinal` (from 0) under this seed,
    /// wherever that is: shares for single places are left aside.
    #[must_use]
    pub fn of(settings: &Settings, seed: u64, ordinal: u64) -> Fate {
        Fate::drawn(settings, seed, ordinal, None)
    }

    /// The same for an instance at a place.
    #[must_use]
    pub fn at(settings: &Settings, seed: u64, ordinal: u64, site: &Site<'_>) -> Fate {
        Fate::drawn(settings, seed, ordinal, Some(site))
    }

    fn drawn(settings: &Settings, seed: u64, ordinal: u64, site: Option<&Site<'_>>) -> Fate {
        let ways = &settings.ways;
        let by = site.and_then(|site| ways.at(site));
        let mut draw = Draw::new(seed, Purpose::Instance, ordinal);
        // Drawn always and in this order, so that a changed share of broken ones changes nothing
        // about the times of the others.
        let boot_ms = draw.spread(settings.boot);
        let configure_ms = draw.spread(settings.configure);
        let visible_ms = draw.range(settings.visible_after);
        let shutdown_ms = draw.range(settings.shutdown);
        let (broken, hangs) = (draw.chance(by.map_or(settings.broken, |by| by.percent)), draw.chance(50.0));
        let loud = Broken::LOUD[draw.below(4) as usize];
        let checked_ms = draw.range(settings.ec2.status_checks);
        let address_ms = draw.range(settings.ec2.address_after);
        let death = Death::ALL[draw.below(5) as usize];
        let usual = if hangs { Broken::Hangs } else { loud };
        let weighed = ways.weighed(draw.unit());
        let way = by.and_then(|by| by.way).or(weighed).unwrap_or(usual);
        let (flap_ms, serves_ms) = (draw.range(ways.flap), draw.range(ways.serves));
        let broken = broken.then_some(way);
        Fate {
            boot_ms,
            configure_ms,
            visible_ms,
            shutdown_ms,
            checked_ms,
            address_ms,
            broken,
            flap_ms,
            serves_ms,
            death,
        }
    }

    /// From launch until EC2 says `running`.
    #[must_use]
    pub fn running_ms(&self) -> u32 {
        self.boot_ms / 2
    }

    /// It comes into service, for some time at least.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.broken.is_none_or(Broken::is_good_at_first)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::settings::{BrokenBy, Ways};
    use super::*;

    #[test]
    fn half_of_the_broken_hang_and_the_rest_is_spread_evenly() {
        let settings = Settings { broken: 40.0, ..Settings::default() };
        let mut kinds = BTreeMap::new();
        for ordinal in 0..20_000 {
            *kinds.entry(Fate::of(&settings, 3, ordinal).broken).or_insert(0_u32) += 1;
        }
        let share = |k| f64::from(kinds[&k]) / 20_000.0;
        assert!((share(None) - 0.6).abs() < 0.02);
        assert!((share(Some(Broken::Hangs)) - 0.2).abs() < 0.015);
        for kind in Broken::LOUD {
            assert!((share(Some(kind)) - 0.05).abs() < 0.01, "{kind}: {}", share(Some(kind)));
        }
        assert_eq!(kinds.len(), 6);
    }

    #[test]
    fn weights_choose_among_all_ways() {
        let weights = Broken::ALL.iter().map(|way| (*way, 1.0)).collect();
        let ways = Ways { weights, ..Ways::default() };
        let settings = Settings { broken: 100.0, ways, ..Settings::default() };
        let mut kinds = BTreeMap::new();
        for ordinal in 0..11_000 {
            *kinds.entry(Fate::of(&settings, 3, ordinal).broken).or_insert(0_u32) += 1;
        }
        assert_eq!(kinds.len(), Broken::ALL.len());
        assert!(kinds.values().all(|n| (850..1_150).contains(n)), "{kinds:?}");
    }

    #[test]
    fn more_broken_ones_leave_the_others_as_they_were() {
        let (few, many) = (Settings::default(), Settings { broken: 30.0, ..Settings::default() });
        for ordinal in 0..500 {
            let (a, b) = (Fate::of(&few, 1, ordinal), Fate::of(&many, 1, ordinal));
            assert_eq!(Fate { broken: None, ..b }, a);
        }
    }

    #[test]
    fn a_place_has_its_own_share_and_way() {
        let by = BrokenBy {
            image: None,
            zone: Some("us-east-1b".into()),
            instance_type: None,
            percent: 100.0,
            way: Some(Broken::OneZone),
        };
        let ways = Ways { by: vec![by], ..Ways::default() };
        let settings = Settings { ways, ..Settings::default() };
        let at =
            |zone, n| Fate::at(&settings, 1, n, &Site { image: "ami-1", zone, instance_type: "m5.large" });
        for n in 0..100 {
            assert_eq!(at("us-east-1b", n).broken, Some(Broken::OneZone));
            assert_eq!(at("us-east-1a", n), Fate::of(&settings, 1, n));
        }
    }

    #[test]
    fn they_die_of_everything() {
        let settings = Settings::default();
        let seen: std::collections::BTreeSet<Death> =
            (0..200).map(|ordinal| Fate::of(&settings, 3, ordinal).death).collect();
        assert_eq!(seen.len(), Death::ALL.len());
        assert!(Death::ALL.iter().all(|d| d.message().starts_with(d.as_str())));
    }
}
