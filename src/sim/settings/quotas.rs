//! Service Quotas: values that differ from AWS's defaults, and how requests for more are answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::{BucketSettings, Range, SettingsError, ensure};

named! {
    /// What AWS makes of a request for a larger quota.
    pub enum QuotaVerdict {
        /// `APPROVED`, with the value asked for.
        Approved = "approved",
        /// A part of what was asked for, see [`QuotaSettings::granted_share`].
        Partly = "partly",
        /// Refused, in the words of [`QuotaSettings::refused_as`].
        Denied = "denied",
        /// No answer, ever.
        Never = "never",
    }
}

named! {
    /// The status of a refused request. The API knows all three; which one a person's refusal ends
    /// in is undocumented.
    pub enum RefusedAs {
        CaseClosed = "CASE_CLOSED",
        Denied = "DENIED",
        NotApproved = "NOT_APPROVED",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaSettings {
    /// The account's values by quota code, where they are not AWS's defaults. What is set elsewhere
    /// (`vcpu_quota`, `buckets`) is read there.
    pub applied: BTreeMap<String, f64>,
    /// Quotas without an applied value: `GetServiceQuota` answers `NoSuchResourceException`, and
    /// only the default can be read (aws-facts 5.1).
    pub not_retrieved: Vec<String>,
    pub verdict: QuotaVerdict,
    /// By quota code, in place of `verdict`.
    pub verdicts: BTreeMap<String, QuotaVerdict>,
    /// Of the wanted increase, in percent, what `partly` grants.
    pub granted_share: f64,
    pub refused_as: RefusedAs,
    /// From the request until AWS opens a case for it (`CASE_OPENED`). An answer before that
    /// needs no case.
    pub case_after_ms: u32,
    /// From the request until the answer.
    pub answered_after: Range,
    /// From an approval until the service works with the new value.
    pub in_effect_after_ms: u32,
    /// Open requests at once: in the account and in the Region. One for each quota always
    /// (aws-facts 1.5).
    pub open_in_account: u32,
    pub open_in_region: u32,
    /// May the sizes of EC2's request buckets be raised here? AWS names a support case as the way
    /// (aws-facts 1.3), so not by default.
    pub buckets_are_adjustable: bool,
    /// `GetServiceQuota`, `GetAWSDefaultServiceQuota` and every other read of one thing.
    pub gets: BucketSettings,
    /// The lists.
    pub lists: BucketSettings,
    /// `RequestServiceQuotaIncrease`.
    pub requests: BucketSettings,
}

impl Default for QuotaSettings {
    fn default() -> Self {
        QuotaSettings {
            applied: BTreeMap::new(),
            not_retrieved: Vec::new(),
            verdict: QuotaVerdict::Approved,
            verdicts: BTreeMap::new(),
            granted_share: 50.0,
            refused_as: RefusedAs::CaseClosed,
            case_after_ms: 60_000,
            answered_after: Range { min_ms: 300_000, max_ms: 1_800_000 },
            in_effect_after_ms: 60_000,
            open_in_account: 20,
            open_in_region: 2,
            buckets_are_adjustable: false,
            // Rates and bursts of aws-facts 1.5: so many a second, and as many again at once.
            gets: BucketSettings::full(10.0, 5.0),
            lists: BucketSettings::full(20.0, 10.0),
            requests: BucketSettings::full(6.0, 3.0),
        }
    }
}

impl QuotaSettings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for (code, value) in &self.applied {
            ensure(&format!("quotas.applied.{code}"), (0.0..=1e10).contains(value), || {
                format!("{value} is not from 0 to 10000000000")
            })?;
        }
        ensure("quotas.granted_share", (0.0..=100.0).contains(&self.granted_share), || {
            format!("{} is not a percentage, 0 to 100", self.granted_share)
        })?;
        let range = self.answered_after;
        ensure("quotas.answered_after", range.min_ms <= range.max_ms, || "needs min_ms <= max_ms".into())?;
        for (name, bucket) in
            [("quotas.gets", self.gets), ("quotas.lists", self.lists), ("quotas.requests", self.requests)]
        {
            bucket.check(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_values_are_named() {
        type Spoil = fn(&mut QuotaSettings);
        let cases: [(&str, Spoil); 4] = [
            ("quotas.applied.L-1", |s| s.applied = BTreeMap::from([("L-1".into(), -1.0)])),
            ("quotas.granted_share", |s| s.granted_share = f64::NAN),
            ("quotas.answered_after", |s| s.answered_after.min_ms = u32::MAX),
            ("quotas.lists", |s| s.lists.burst = 0.0),
        ];
        assert_eq!(QuotaSettings::default().check(), Ok(()));
        for (name, spoil) in cases {
            let mut settings = QuotaSettings::default();
            spoil(&mut settings);
            assert_eq!(settings.check().unwrap_err().name, name);
        }
    }
}
