//! Signals of groups, and what they say together.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::names;
use super::stamp::Stamp;
use crate::decide::signal::series::Says;
use crate::decide::signal::{Agreement, Reading, Tells};
use crate::decide::view;
use crate::decide::words::Time;

/// Samples of a group's signals, all taken at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PushSignals {
    /// A value for each of the signals.
    pub values: BTreeMap<String, f64>,
    /// When they were taken; now if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
}

/// A group's signals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Signals {
    pub group: String,
    /// What they say together. Only `idle` lets anything in service be removed by a scale-in.
    #[schema(schema_with = names::agreement)]
    pub agreement: Agreement,
    pub signals: Vec<SignalItem>,
    /// Why the group's removal valve is shut; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valve_shut: Option<String>,
}

impl Signals {
    #[must_use]
    pub fn of(g: &view::GroupView, now: Time) -> Signals {
        Signals {
            group: g.name.clone(),
            agreement: g.agreement,
            signals: g.signals.iter().map(|r| SignalItem::of(r, now)).collect(),
            valve_shut: g.valve.as_ref().map(|v| v.why.clone()),
        }
    }
}

/// One signal, as it is read now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignalItem {
    pub name: String,
    #[schema(schema_with = names::tells)]
    pub tells: Tells,
    /// `sudden`: it would be idle, but was far from that a moment ago. `young`: it would be idle, but its
    /// samples do not reach back far enough. `stale`: its newest sample is too old.
    #[schema(schema_with = names::says)]
    pub says: Says,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// When the newest sample was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
    /// Seconds since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// The configured marks.
    pub idle: f64,
    pub busy: f64,
}

impl SignalItem {
    fn of(r: &Reading, now: Time) -> SignalItem {
        SignalItem {
            name: r.name.clone(),
            tells: r.tells,
            says: r.says,
            value: r.value,
            at: r.at.map(Stamp),
            age_s: r.at.map(|at| now.since(at).as_secs()),
            idle: r.idle,
            busy: r.busy,
        }
    }
}
