//! AWS Support: the plan, the people who answer, and what they say.

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::{BucketSettings, Range, SettingsError, ensure};

named! {
    /// What a person at AWS makes of a case.
    pub enum Person {
        /// Nobody answers, ever.
        Never = "never",
        /// Says that it is done.
        Agrees = "agrees",
        /// Says that it will not be done.
        Refuses = "refuses",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupportSettings {
    /// The account has a plan that includes the API. Without one every call is answered
    /// `SubscriptionRequiredException` (aws-facts 6.4).
    pub subscription: bool,
    pub person: Person,
    /// From a case, or a word added to it, until somebody has it (`work-in-progress`).
    pub assigned_after_ms: u32,
    /// From the same until the person answers.
    pub answered_after: Range,
    /// What is answered when the person agrees, and when not.
    pub agreement: String,
    pub refusal: String,
    /// Does the person resolve the case with the answer, or leave that to the caller?
    pub person_resolves: bool,
    /// Cases that may be open at once before `CaseCreationLimitExceeded`. The number is unpublished.
    pub open_cases: u32,
    /// Is a service, category or severity code that `DescribeServices` and
    /// `DescribeSeverityLevels` do not list refused? It must come from there; with what error is
    /// undocumented.
    pub checks_codes: bool,
    /// How fast calls may come. The rate is unpublished (aws-facts 10).
    pub calls: BucketSettings,
}

impl Default for SupportSettings {
    fn default() -> Self {
        SupportSettings {
            subscription: true,
            person: Person::Agrees,
            assigned_after_ms: 300_000,
            answered_after: Range { min_ms: 900_000, max_ms: 3_600_000 },
            agreement: "We have made the change you asked for. Please verify it and resolve this case."
                .into(),
            refusal: "We cannot make the change you asked for at this time.".into(),
            person_resolves: false,
            open_cases: 50,
            checks_codes: true,
            calls: BucketSettings::full(20.0, 5.0),
        }
    }
}

impl SupportSettings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let range = self.answered_after;
        ensure("support.answered_after", range.min_ms <= range.max_ms, || "needs min_ms <= max_ms".into())?;
        self.calls.check("support.calls")
    }
}
