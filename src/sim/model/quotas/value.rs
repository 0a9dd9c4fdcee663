//! The values in effect: where they are kept, and how a granted one gets there.

use super::super::super::settings::Settings;
use super::super::arn::arn;
use super::Quotas;
use super::call::{Of, QuotaView, ServiceView};
use super::catalogue::{Entry, Home, Part, SERVICES};
use super::error::ApiError;

/// What the account is told of a quota that nothing holds it to.
const UNLIMITED: f64 = 1e6;

impl Quotas {
    /// The value in effect of a quota; 0 if there is none with this code.
    #[must_use]
    pub fn value(&self, code: &str) -> f64 {
        let entry = self.catalogue.iter().find(|entry| entry.code == code);
        entry.map_or(0.0, |entry| self.value_of(entry))
    }

    pub(super) fn entry(&self, of: &Of) -> Result<&Entry, ApiError> {
        let found = self.catalogue.iter().find(|e| e.service == of.service && e.code == of.quota);
        found.ok_or_else(ApiError::no_such_quota)
    }

    pub(super) fn value_of(&self, entry: &Entry) -> f64 {
        match entry.home {
            Home::Here => {
                let code: &str = &entry.code;
                let given = self.granted.get(code).or_else(|| self.settings.quotas.applied.get(code));
                given.copied().unwrap_or(entry.default)
            }
            Home::Vcpus => self.settings.vcpu_quota.map_or(UNLIMITED, f64::from),
            Home::Bucket { action, of, part } => {
                self.settings.buckets.of(action, of).map_or(0.0, |bucket| match part {
                    Part::Capacity => bucket.burst,
                    Part::Refill => bucket.refill,
                })
            }
        }
    }

    /// As a call shows it: with the account's value, or with AWS's default.
    pub(super) fn view(&self, entry: &Entry, value: f64) -> QuotaView {
        let resource = format!("{}/{}", entry.service, entry.code);
        QuotaView {
            service: service(entry.service),
            code: entry.code.to_string(),
            arn: arn("servicequotas", &self.settings.region, &resource),
            name: entry.name.to_string(),
            value,
            unit: "None",
            adjustable: self.is_adjustable(entry),
            usage_class: entry.usage_class,
        }
    }

    pub(super) fn is_adjustable(&self, entry: &Entry) -> bool {
        match entry.home {
            Home::Here | Home::Vcpus => entry.adjustable,
            Home::Bucket { .. } => self.settings.quotas.buckets_are_adjustable,
        }
    }

    /// Puts everything that is granted by now into effect. The settings with it, if they changed.
    pub(in super::super) fn settle(&mut self, now_ms: i64) -> Option<Settings> {
        let mut changed: Option<Settings> = None;
        let mut due: Vec<_> = self.requests.iter().filter(|r| r.is_due(now_ms)).collect();
        due.sort_by_key(|r| r.in_effect_ms());
        let granted: Vec<(String, f64)> =
            due.into_iter().filter_map(|r| Some((r.code.clone(), r.granted?))).collect();
        for (code, value) in granted {
            let Some(home) = self.catalogue.iter().find(|e| e.code == code).map(|e| e.home) else { continue };
            let mut settings = || changed.take().unwrap_or_else(|| (*self.settings).clone());
            match home {
                Home::Here => drop(self.granted.insert(code, value)),
                Home::Vcpus => changed = Some(Settings { vcpu_quota: Some(whole(value)), ..settings() }),
                Home::Bucket { action, of, part } => {
                    let mut new = settings();
                    if let Some(mut bucket) = new.buckets.of(action, of) {
                        match part {
                            Part::Capacity => bucket.burst = value,
                            Part::Refill => bucket.refill = value,
                        }
                        new.buckets.set(action, of, bucket);
                    }
                    changed = Some(new);
                }
            }
        }
        for request in &mut self.requests {
            request.settle(now_ms);
        }
        changed
    }
}

pub(super) fn service(code: &str) -> ServiceView {
    let found = SERVICES.iter().find(|s| s.code == code);
    found.cloned().unwrap_or(ServiceView { code: "", name: "" })
}

fn whole(value: f64) -> u32 {
    // Within range by construction: an `as` from f64 saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = value as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::BucketSettings;
    use super::super::super::ec2::testing::{Ask, code, describe_all, launched, plain, run, small_settings};
    use super::super::super::{Change, Model};
    use super::super::testing::*;
    use super::super::{ALB_UNITS, STANDARD_VCPUS};
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_granted_vcpu_quota_lets_more_instances_run() {
        let settings = Settings { vcpu_quota: Some(4), ..small_settings() };
        let mut model = Model::new(settings, 1).unwrap();
        assert_eq!(value(&mut model, "ec2", STANDARD_VCPUS, 0), "4");
        assert_eq!(launched(&model.ask(&run("a", 1, 9), 0)).len(), 2);
        assert_eq!(code(&model.ask(&run("b", 1, 1), 0)), "VcpuLimitExceeded");
        request(&mut model, "ec2", STANDARD_VCPUS, 8.0, 0).unwrap();
        assert_eq!(value(&mut model, "ec2", STANDARD_VCPUS, 1_000), "4");
        assert_eq!(launched(&model.ask(&run("b", 1, 9), HOUR)).len(), 2);
        assert_eq!(value(&mut model, "ec2", STANDARD_VCPUS, HOUR), "8");
    }

    #[test]
    fn a_quota_that_is_changed_by_hand_shows() {
        let mut model = plain();
        assert_eq!(value(&mut model, "ec2", STANDARD_VCPUS, 0), UNLIMITED.to_string());
        model.change(&Change { vcpu_quota: Some(64), ..Change::default() }, 0).unwrap();
        assert_eq!(value(&mut model, "ec2", STANDARD_VCPUS, 0), "64");
    }

    #[test]
    fn a_granted_bucket_is_larger_at_once_and_fills_faster() {
        let mut settings = small_settings();
        settings.quotas.buckets_are_adjustable = true;
        settings.buckets.describe_instances = BucketSettings::full(10.0, 0.0);
        let mut model = Model::new(settings, 1).unwrap();
        let find = |name: &str| {
            super::super::catalogue::catalogue().into_iter().find(|e| e.name == name).unwrap().code
        };
        let passed = |model: &mut Model, now| {
            (0..200).filter(|_| code(&model.ask(&describe_all(5), now)).is_empty()).count()
        };
        assert_eq!(passed(&mut model, 0), 10);
        let (capacity, refill) = (
            find("DescribeInstances request bucket maximum capacity"),
            find("DescribeInstances request bucket refill rate"),
        );
        request(&mut model, "ec2", &capacity, 40.0, 0).unwrap();
        request(&mut model, "ec2", &refill, 5.0, 0).unwrap();
        assert_eq!(value(&mut model, "ec2", &capacity, HOUR), "40");
        assert_eq!(passed(&mut model, 2 * HOUR), 40);
        assert_eq!(passed(&mut model, 2 * HOUR + 1_000), 5);
    }

    #[test]
    fn applied_values_and_defaults_are_two_things() {
        let mut settings = small_settings();
        settings.quotas.applied.insert(ALB_UNITS.into(), 500.0);
        let mut model = Model::new(settings, 1).unwrap();
        let view = quota(&mut model, "elasticloadbalancing", ALB_UNITS, 0);
        let expected = "arn:aws:servicequotas:us-east-1:000000000000:elasticloadbalancing/L-8A66D0E6";
        assert_eq!((view.value, view.arn.as_str()), (500.0, expected));
        let default = ask(
            &mut model,
            super::super::Call::GetAwsDefaultServiceQuota(of("elasticloadbalancing", ALB_UNITS)),
            0,
        );
        assert!(matches!(default, Ok(super::super::Answer::Quota(view)) if view.value < 1.0));
    }
}
