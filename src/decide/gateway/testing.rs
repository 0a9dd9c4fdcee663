//! Gateways and requests for tests.

use std::time::Duration;

use super::GatewayAsk;
use super::words::{Gateway, GatewayKind, GatewayRow};
use crate::decide::words::Time;

/// `tgw`: 100 Gbit/s, people are reminded every hour. `vcpus`: a quota. `nat`: a NAT gateway that `a` and
/// `b` may be added to. Everything else: a load balancer.
pub fn gateway(name: &str) -> Gateway {
    let (kind, resource, unit) = match name {
        "tgw" => (GatewayKind::TransitGateway, "tgw-0a1b2c3d".to_string(), "Gbit/s"),
        "nat" => (GatewayKind::Nat, "nat-0a1b2c3d".to_string(), "addresses"),
        "vcpus" => (GatewayKind::Quota, "ec2/L-1216C47A".to_string(), "vCPU"),
        _ => (GatewayKind::LoadBalancer, format!("arn:{name}"), "LCU"),
    };
    Gateway {
        name: name.into(),
        kind,
        resource,
        unit: unit.into(),
        declared: 100,
        pool: ["a", "b"].map(String::from).to_vec(),
        support: None,
        remind_every: Duration::from_secs(3_600),
        answer_within: super::ANSWER_WITHIN,
    }
}

/// A request for so many units of a load balancer that nobody was asked about yet.
pub fn row(wanted: u32) -> GatewayRow {
    let ask = GatewayAsk {
        id: "request-1".into(),
        gateway: "lb".into(),
        capacity: wanted,
        needed_by: None,
        until: Time(86_400_000),
        owner: "ann".into(),
        reason: "a peak".into(),
    };
    GatewayRow::asked(ask, &gateway("lb"), Time(0))
}
