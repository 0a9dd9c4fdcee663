//! What a request for more is told: how many fit, what binds, what to ask AWS for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decide::preflight::verdict::{Bound, QuotaAsk, Verdict};

/// What a scale-up comes to, by what is known when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preflight {
    pub group: String,
    pub wanted: u32,
    /// So many of them fit. What was never seen binds nothing, see `unknown`.
    pub fits: u32,
    /// The limit that decides how many fit; absent if all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<LimitItem>,
    /// Every limit that keeps some out, the tightest first, each by itself.
    pub shortfall: Vec<LimitShort>,
    /// Increases to ask AWS for, so that all would fit.
    pub ask: Vec<AskItem>,
    /// Seconds until the last of those that fit is expected in service; absent if that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<u64>,
    /// Seconds that no scheduler could do without.
    pub bound_s: u64,
    /// How these two were reckoned.
    pub basis: String,
    /// Seconds until the deadline, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_s: Option<u64>,
    /// The deadline cannot be met.
    pub late: bool,
    /// Seconds since AWS was asked for the oldest of the numbers that change by themselves; absent if none was
    /// seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_age_s: Option<u64>,
    /// What is not known, and so binds nothing.
    pub unknown: Vec<String>,
    /// What will hold launches up for a while.
    pub notes: Vec<String>,
    /// Every limit that is known, the tightest first.
    pub limits: Vec<LimitItem>,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitItem {
    /// `group_max`, `ceiling`, `vcpus`, `addresses`, `interfaces`, `targets` or `launch_template`.
    pub name: String,
    /// What exactly: a quota's code, a ceiling's name, a target group, subnets.
    pub subject: String,
    /// So much there may be.
    pub number: i64,
    /// So much of it is in use or promised.
    pub taken: i64,
    /// So much of it one instance takes.
    pub each: u32,
    /// So many more instances fit.
    pub fits: u32,
    /// A sentence with the numbers.
    pub text: String,
    /// Where the numbers are from.
    pub source: String,
    /// Seconds since they were seen; absent for what muster knows by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
}

/// So many do not fit because of this limit alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitShort {
    pub name: String,
    pub subject: String,
    pub missing: u32,
    pub text: String,
}

/// An increase to ask AWS for, at Service Quotas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskItem {
    #[schema(examples("ec2"))]
    pub service: String,
    #[schema(examples("L-1216C47A"))]
    pub code: String,
    pub title: String,
    /// The value to ask for.
    #[schema(examples(2400))]
    pub value: i64,
}

impl Preflight {
    #[must_use]
    pub fn of(verdict: &Verdict) -> Preflight {
        let short = |b: &Bound| LimitShort {
            name: b.limit.to_string(),
            subject: b.subject.clone(),
            missing: verdict.wanted - b.fits,
            text: b.text.clone(),
        };
        Preflight {
            group: verdict.group.clone(),
            wanted: verdict.wanted,
            fits: verdict.fits,
            binding: verdict.binding().map(LimitItem::of),
            shortfall: verdict.short().map(short).collect(),
            ask: verdict.short().filter_map(|b| b.ask.as_ref()).map(AskItem::of).collect(),
            eta_s: verdict.eta_s,
            bound_s: verdict.bound_s,
            basis: verdict.basis.clone(),
            by_s: verdict.by_s,
            late: verdict.late,
            picture_age_s: verdict.picture_age_s,
            unknown: verdict.unknown.clone(),
            notes: verdict.notes.clone(),
            limits: verdict.bounds.iter().map(LimitItem::of).collect(),
        }
    }
}

impl LimitItem {
    fn of(b: &Bound) -> LimitItem {
        LimitItem {
            name: b.limit.to_string(),
            subject: b.subject.clone(),
            number: b.number,
            taken: b.taken,
            each: b.each,
            fits: b.fits,
            text: b.text.clone(),
            source: b.source.clone(),
            age_s: b.age_s,
        }
    }
}

impl AskItem {
    fn of(ask: &QuotaAsk) -> AskItem {
        AskItem {
            service: ask.service.clone(),
            code: ask.code.clone(),
            title: ask.title.clone(),
            value: ask.value,
        }
    }
}
