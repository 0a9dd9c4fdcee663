//! Gateways and requests for tests.

use std::time::Duration;

use super::words::{Gateway, GatewayKind, GatewayRow, GatewayState};
use crate::decide::words::Time;

/// `tgw`: 100 Gbit/s, people are reminded every hour. `lb`: a load balancer.
pub fn gateway(name: &str) -> Gateway {
    let (kind, resource, unit) = if name == "tgw" {
        (GatewayKind::TransitGateway, "tgw-0a1b2c3d".to_string(), "Gbit/s")
    } else {
        (GatewayKind::LoadBalancer, format!("arn:{name}"), "LCU")
    };
    Gateway {
        name: name.into(),
        kind,
        resource,
        unit: unit.into(),
        declared: 100,
        remind_every: Duration::from_secs(3_600),
    }
}

/// A request for so many units of a load balancer that nobody was asked about yet.
pub fn row(wanted: u32) -> GatewayRow {
    GatewayRow {
        id: "request-1".into(),
        gateway: "lb".into(),
        kind: GatewayKind::LoadBalancer,
        resource: "arn:lb".into(),
        unit: "LCU".into(),
        wanted,
        needed_by: None,
        until: Time(86_400_000),
        reason: "a peak".into(),
        owner: "ann".into(),
        state: GatewayState::Wanted,
        since: Time(0),
        asked_at: Time(0),
        submitted_at: None,
        before: None,
        in_effect: 0,
        confirmed_by: None,
        calls: 0,
        unanswered: None,
        reminders: 0,
        reminded_at: None,
        late: false,
        ended_at: None,
        end: None,
        ended_by: None,
        note: None,
    }
}
