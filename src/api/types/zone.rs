//! Zones and their weights on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::stamp::Stamp;
use crate::decide::view;

/// Zones, group by group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Zones {
    pub zones: Vec<ZoneItem>,
}

/// One zone of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZoneItem {
    pub group: String,
    pub zone: String,
    /// Percent of its configured weight that it has now.
    #[schema(maximum = 100)]
    pub percent: u8,
    /// Percent of the group's new launches that muster makes there, rounded. 0 in every zone of a group: muster
    /// launches nothing for it.
    #[schema(maximum = 100)]
    pub share: u32,
    /// Places that what muster launched takes there.
    pub taken: u32,
    /// Who ordered that; absent if nothing is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<ZoneOrder>,
}

/// An order in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZoneOrder {
    pub at: Stamp,
    /// It is about this group alone, and goes over one for every group.
    pub own: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ZoneItem {
    #[must_use]
    pub fn of(z: &view::ZoneView) -> ZoneItem {
        let order = |at| ZoneOrder { at: Stamp(at), own: z.own, reason: z.reason.clone() };
        ZoneItem {
            group: z.group.clone(),
            zone: z.zone.clone(),
            percent: z.percent,
            share: z.share,
            taken: z.taken,
            ordered: z.at.map(order),
        }
    }
}

/// Order a zone's weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWeight {
    /// Percent of what is configured: 0 drains the zone, 100 is as configured. Null takes the order back.
    #[schema(value_type = Option<u8>, required = true, maximum = 100)]
    pub percent: Option<u8>,
    /// Why; kept with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 500)]
    pub reason: Option<String>,
}
