//! In which ways instances are broken, where more of them are, and what those ways take.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::fate::Broken;
use super::{Range, SettingsError, ensure};

/// `[ways]` of the settings file. Which share is broken at all is said by `broken`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ways {
    /// How often each way comes, relative to the others, for example `{ hangs = 3.0, flaps = 1.0 }`.
    /// Empty: half of the broken ones hang; the other half refuses, is never ready, never boots or
    /// dies, each as often (the drills' mix).
    pub weights: BTreeMap<Broken, f64>,
    /// Where another share is broken. The first that fits holds.
    pub by: Vec<BrokenBy>,
    /// What a `slow` instance takes for each answer, milliseconds.
    pub slow_ms: u32,
    /// A `flaps` instance is healthy for so long, then unhealthy for as long, and so on.
    pub flap: Range,
    /// How long one that `dies_later` or whose `agent_stops` serves before that.
    pub serves: Range,
    /// What somebody who names no zone sees of an instance that is healthy from `one_zone` only:
    /// a healthy one (true), as if asked from the instance's own zone, or an unhealthy one (false).
    pub outsiders_see_one_zone_healthy: bool,
}

/// Another share of broken instances for an image, a zone, a type, or what fits all that is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokenBy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// The share that is broken, in place of `broken`.
    pub percent: f64,
    /// All of those in this way; none: as `weights` say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Broken>,
}

/// Where an instance is launched, as far as it decides about its fate.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    pub image: &'a str,
    pub zone: &'a str,
    pub instance_type: &'a str,
}

impl BrokenBy {
    fn fits(&self, site: &Site<'_>) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        same(&self.image, site.image)
            && same(&self.zone, site.zone)
            && same(&self.instance_type, site.instance_type)
    }
}

impl Default for Ways {
    fn default() -> Self {
        Ways {
            weights: BTreeMap::new(),
            by: Vec::new(),
            slow_ms: 20_000,
            flap: Range { min_ms: 5_000, max_ms: 30_000 },
            serves: Range { min_ms: 60_000, max_ms: 600_000 },
            outsiders_see_one_zone_healthy: true,
        }
    }
}

impl Ways {
    /// What is said of this place in particular.
    pub(in super::super) fn at(&self, site: &Site<'_>) -> Option<&BrokenBy> {
        self.by.iter().find(|by| by.fits(site))
    }

    /// The way that `point`, from 0 up to 1, falls on; none if no weights are given.
    pub(in super::super) fn weighed(&self, point: f64) -> Option<Broken> {
        let total: f64 = self.weights.values().sum();
        let mut rest = point * total;
        for (way, weight) in &self.weights {
            if rest < *weight {
                return Some(*way);
            }
            rest -= weight;
        }
        // Rounding may leave a crumb behind the last.
        self.weights.iter().rfind(|(_, weight)| **weight > 0.0).map(|(way, _)| *way)
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let fine = self.weights.values().all(|w| w.is_finite() && *w >= 0.0);
        let some = self.weights.is_empty() || self.weights.values().any(|w| *w > 0.0);
        ensure("ways.weights", fine && some, || "needs weights >= 0, and one above 0".into())?;
        for by in &self.by {
            ensure("ways.by.percent", (0.0..=100.0).contains(&by.percent), || {
                format!("{} is not a percentage, 0 to 100", by.percent)
            })?;
        }
        ensure("ways.flap", 0 < self.flap.min_ms && self.flap.min_ms <= self.flap.max_ms, || {
            "needs 0 < min_ms <= max_ms".into()
        })?;
        ensure("ways.serves", self.serves.min_ms <= self.serves.max_ms, || "needs min_ms <= max_ms".into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn a_file_can_say_all_of_it() {
        let text = r#"
            broken = 10.0
            [ways]
            weights = { flaps = 1.0, slow = 3.0 }
            slow_ms = 4000
            [[ways.by]]
            image = "ami-bad"
            percent = 100.0
            way = "wrong_version"
            [[ways.by]]
            zone = "us-east-1b"
            percent = 0.0
        "#;
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!(settings.check(), Ok(()));
        assert_eq!((settings.ways.slow_ms, settings.ways.weights[&Broken::Slow]), (4_000, 3.0));
        let at = |image, zone| {
            let by = settings.ways.at(&Site { image, zone, instance_type: "m5.large" });
            by.map(|by| (by.percent, by.way))
        };
        assert_eq!(at("ami-bad", "us-east-1b"), Some((100.0, Some(Broken::WrongVersion))));
        assert_eq!(at("ami-good", "us-east-1b"), Some((0.0, None)));
        assert_eq!(at("ami-good", "us-east-1a"), None);
        let again = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&again).unwrap(), settings);
    }

    #[test]
    fn points_fall_on_ways_by_their_weight() {
        let weights = [(Broken::Hangs, 1.0), (Broken::Dies, 0.0), (Broken::Flaps, 3.0)].into();
        let ways = Ways { weights, ..Ways::default() };
        let at = |point| ways.weighed(point);
        assert_eq!([at(0.0), at(0.249)], [Some(Broken::Hangs); 2]);
        assert_eq!([at(0.25), at(0.999), at(1.0)], [Some(Broken::Flaps); 3]);
        assert_eq!(Ways::default().weighed(0.5), None);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        type Spoil = fn(&mut Ways);
        let cases: [(&str, Spoil); 5] = [
            ("ways.weights", |w| w.weights = [(Broken::Hangs, 0.0)].into()),
            ("ways.weights", |w| w.weights = [(Broken::Hangs, -1.0)].into()),
            ("ways.flap", |w| w.flap.min_ms = 0),
            ("ways.serves", |w| w.serves.min_ms = u32::MAX),
            ("ways.by.percent", |w| {
                let by = BrokenBy { image: None, zone: None, instance_type: None, percent: 101.0, way: None };
                w.by.push(by);
            }),
        ];
        for (name, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings.ways);
            assert_eq!(settings.check().unwrap_err().name, name);
        }
    }
}
