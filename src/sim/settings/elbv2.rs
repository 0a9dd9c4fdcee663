//! Elastic Load Balancing: how fast it works, and what becomes of reserved capacity.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::{BucketSettings, Range, SettingsError, ensure};

named! {
    /// What becomes of capacity that is asked for, in one zone.
    pub enum ReservationOutcome {
        Provisioned = "provisioned",
        /// There, and for as long again on its way from one place to another.
        Rebalancing = "rebalancing",
        Failed = "failed",
        /// Pending for ever.
        Never = "never",
        /// Refused at once, with `InsufficientCapacity`.
        Insufficient = "insufficient",
    }
}

named! {
    /// The answer while a request before is not complete. Both codes exist; which one comes is
    /// undocumented. The SDKs repeat the first by themselves.
    pub enum PendingAs {
        PriorRequestNotComplete = "PriorRequestNotComplete",
        CapacityReservationPending = "CapacityReservationPending",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Elbv2Settings {
    /// How fast calls may come, all actions together. The rate is unpublished (aws-facts 10).
    pub calls: BucketSettings,
    /// From the creation of a load balancer until it is `active`.
    pub active_after_ms: u32,
    /// From the registration of a target until its first health check.
    pub registered_after_ms: u32,
    /// Network Load Balancers send to the targets of all zones: then each may have as many as
    /// otherwise one of its zones (aws-facts 5.4).
    pub nlb_cross_zone: bool,
    /// What becomes of reserved capacity, and where it becomes something else.
    pub reservation: ReservationOutcome,
    pub reservation_in_zone: BTreeMap<String, ReservationOutcome>,
    /// From a request for capacity until it is there or has failed: "most within a few minutes, up to
    /// a few hours" (aws-facts 6.2).
    pub reserved_after: Range,
    pub pending_as: PendingAs,
    /// Decreases of one reservation on one day.
    pub decreases: u32,
    /// Does that day begin at midnight UTC (true), or is it the last 24 hours (false)? Undocumented.
    pub day_begins_at_midnight: bool,
    /// Is a reset one of the decreases? Undocumented.
    pub reset_is_a_decrease: bool,
}

impl Default for Elbv2Settings {
    fn default() -> Self {
        Elbv2Settings {
            calls: BucketSettings::full(40.0, 10.0),
            active_after_ms: 120_000,
            registered_after_ms: 5_000,
            nlb_cross_zone: false,
            reservation: ReservationOutcome::Provisioned,
            reservation_in_zone: BTreeMap::new(),
            reserved_after: Range { min_ms: 120_000, max_ms: 600_000 },
            pending_as: PendingAs::PriorRequestNotComplete,
            decreases: 2,
            day_begins_at_midnight: false,
            reset_is_a_decrease: false,
        }
    }
}

impl Elbv2Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let range = self.reserved_after;
        ensure("elbv2.reserved_after", range.min_ms <= range.max_ms, || "needs min_ms <= max_ms".into())?;
        self.calls.check("elbv2.calls")
    }
}
