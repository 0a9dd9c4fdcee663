//! What goes wrong with a call, and how long its answer takes: drawn from the seed and the call's
//! number.

use serde::Deserialize;

use super::super::draw::{Draw, Purpose};
use super::super::settings::{Faults, Latency, PoolCapacity, Settings, SettingsError};
use super::call::Action;

/// One call's luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Luck {
    pub(super) lost_before: bool,
    pub(super) throttled: bool,
    pub(super) error_before: bool,
    pub(super) error_after: bool,
    pub(super) lost_after: bool,
    /// Of an answer, and of an error.
    pub(super) answer_ms: u32,
    pub(super) error_ms: u32,
}

impl Luck {
    pub(super) fn of(settings: &Settings, seed: u64, number: u64, action: Option<Action>) -> Luck {
        let (faults, latency) = (&settings.faults, &settings.latency);
        let mut draw = Draw::new(seed, Purpose::Call, number);
        // Always the same draws in the same order: turning one fault up leaves the others alone.
        let lost_before = draw.chance(faults.lost_replies_before);
        let throttled = draw.chance(faults.throttle);
        let (error, before) = (draw.chance(faults.errors), draw.chance(50.0));
        let lost_after = draw.chance(faults.lost_replies);
        let error_ms = draw.range(latency.other);
        let answer_ms =
            if action.is_some_and(Action::launches) { draw.range(latency.run_instances) } else { error_ms };
        Luck {
            lost_before,
            throttled,
            error_before: error && before,
            error_after: error && !before,
            lost_after,
            answer_ms,
            error_ms,
        }
    }
}

/// What can be changed while it runs (`POST /_sim/faults`). What is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    pub throttle: Option<f64>,
    pub lost_replies: Option<f64>,
    pub lost_replies_before: Option<f64>,
    pub errors: Option<f64>,
    pub latency: Option<Latency>,
    /// All of the pools with a limit, in place of those before.
    pub capacity: Option<Vec<PoolCapacity>>,
    /// 0 takes the quota away.
    pub vcpu_quota: Option<u32>,
}

impl Change {
    /// The settings with this change.
    ///
    /// # Errors
    /// If the result is not valid; it is to be thrown away then.
    pub(super) fn applied_to(&self, settings: &Settings) -> Result<Settings, SettingsError> {
        let mut new = settings.clone();
        let before = settings.faults;
        new.faults = Faults {
            throttle: self.throttle.unwrap_or(before.throttle),
            lost_replies: self.lost_replies.unwrap_or(before.lost_replies),
            lost_replies_before: self.lost_replies_before.unwrap_or(before.lost_replies_before),
            errors: self.errors.unwrap_or(before.errors),
        };
        new.latency = self.latency.unwrap_or(settings.latency);
        if let Some(capacity) = &self.capacity {
            new.capacity.clone_from(capacity);
        }
        if let Some(quota) = self.vcpu_quota {
            new.vcpu_quota = (quota > 0).then_some(quota);
        }
        new.check()?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ec2;
    use super::*;

    fn luck(faults: Faults, number: u64) -> Luck {
        let settings = Settings { faults, ..Settings::default() };
        Luck::of(&settings, 11, number, Some(Action::Ec2(ec2::call::Action::RunInstances)))
    }

    #[test]
    fn shares_are_as_set() {
        let faults = Faults { throttle: 50.0, lost_replies: 10.0, lost_replies_before: 5.0, errors: 20.0 };
        let all: Vec<Luck> = (0..10_000).map(|n| luck(faults, n)).collect();
        let count = |f: fn(&Luck) -> bool| all.iter().filter(|l| f(l)).count();
        assert!((4_800..5_200).contains(&count(|l| l.throttled)));
        assert!((850..1_150).contains(&count(|l| l.lost_after)));
        assert!((400..600).contains(&count(|l| l.lost_before)));
        assert!((850..1_150).contains(&count(|l| l.error_before)));
        assert!((850..1_150).contains(&count(|l| l.error_after)));
        assert!(all.iter().all(|l| (1_000..=3_000).contains(&l.answer_ms) && l.error_ms == 300));
    }

    #[test]
    fn turning_one_up_leaves_the_others_alone() {
        for n in 0..200 {
            let calm = luck(Faults::default(), n);
            let loud = luck(Faults { throttle: 100.0, ..Faults::default() }, n);
            assert_eq!(Luck { throttled: false, ..loud }, calm);
        }
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name_and_is_checked() {
        let settings = Settings { vcpu_quota: Some(8), ..Settings::default() };
        let change: Change = serde_json::from_str(r#"{"throttle": 30, "vcpu_quota": 0}"#).unwrap();
        let new = change.applied_to(&settings).unwrap();
        assert_eq!((new.faults.throttle, new.vcpu_quota), (30.0, None));
        assert_eq!(new.latency, settings.latency);
        let bad = Change { errors: Some(200.0), ..Change::default() };
        assert_eq!(bad.applied_to(&settings).unwrap_err().name, "faults.errors");
        assert!(serde_json::from_str::<Change>(r#"{"throtle": 30}"#).is_err());
    }
}
