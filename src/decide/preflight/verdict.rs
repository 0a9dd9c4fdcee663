//! What a request for more is told before its first launch.

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

named! {
    /// What there may be only so much of.
    pub enum Limit {
        /// The group's own maximum, or its Auto Scaling group's.
        GroupMax = "group_max",
        /// A ceiling that the configuration declares.
        Ceiling = "ceiling",
        /// vCPUs of the account.
        Vcpus = "vcpus",
        /// Free addresses of the group's subnets.
        Addresses = "addresses",
        /// Network interfaces in the group's zones.
        Interfaces = "interfaces",
        /// Targets of a target group.
        Targets = "targets",
        /// The launch template's version has to exist.
        LaunchTemplate = "launch_template",
    }
}

/// One limit, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    pub limit: Limit,
    /// What exactly: a quota's code, a ceiling's name, a target group's ARN, subnets, zones.
    pub subject: String,
    /// So much there may be, in the limit's own unit.
    pub number: i64,
    /// So much of it is in use, or promised to what was asked for before.
    pub taken: i64,
    /// So much of it one instance takes.
    pub each: u32,
    /// So many more instances fit.
    pub fits: u32,
    /// A sentence with the numbers.
    pub text: String,
    /// Where the numbers are from.
    pub source: String,
    /// Seconds since they were seen; none for what muster knows by itself.
    pub age_s: Option<u64>,
    /// What would make all of the wanted fit.
    pub ask: Option<QuotaAsk>,
}

/// An increase to ask AWS for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaAsk {
    /// The service's code at Service Quotas.
    pub service: String,
    /// The quota's.
    pub code: String,
    pub title: String,
    /// The value to ask for.
    pub value: i64,
}

/// What a request is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub group: String,
    pub wanted: u32,
    /// So many of them fit, by all that is known.
    pub fits: u32,
    /// Every limit that is known, the tightest first.
    pub bounds: Vec<Bound>,
    /// Seconds until the last of those that fit is expected in service; none if that cannot be told.
    pub eta_s: Option<u64>,
    /// Seconds that no scheduler could do without.
    pub bound_s: u64,
    /// How these two were reckoned.
    pub basis: String,
    /// Seconds until the deadline.
    pub by_s: Option<u64>,
    /// The deadline cannot be met.
    pub late: bool,
    /// Seconds since the oldest of the numbers that change by themselves was seen; none if none was.
    pub picture_age_s: Option<u64>,
    /// What is not known: it binds nothing.
    pub unknown: Vec<String>,
    /// What will hold launches up for a while, and does not forbid them.
    pub notes: Vec<String>,
}

impl Verdict {
    /// The limits that keep some of the wanted out, the tightest first.
    pub fn short(&self) -> impl Iterator<Item = &Bound> {
        self.bounds.iter().filter(|b| b.fits < self.wanted)
    }

    /// The limit that decides how many fit, if not all do.
    #[must_use]
    pub fn binding(&self) -> Option<&Bound> {
        self.short().next()
    }

    /// How many do not fit.
    #[must_use]
    pub fn missing(&self) -> u32 {
        self.wanted.saturating_sub(self.fits)
    }

    /// Why some do not fit: every limit that is too low, in one line. Empty if all fit.
    #[must_use]
    pub fn why(&self) -> String {
        let told: Vec<String> = self.short().map(Bound::told).collect();
        told.join("; ")
    }
}

impl Bound {
    /// Its sentence, and what to ask for.
    #[must_use]
    pub fn told(&self) -> String {
        match &self.ask {
            Some(ask) => format!("{}: ask AWS for {} ({}/{})", self.text, ask.value, ask.service, ask.code),
            None => self.text.clone(),
        }
    }
}
