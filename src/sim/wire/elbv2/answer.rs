//! From the answers of Elastic Load Balancing to the XML of the query protocol.

use std::io;

use super::super::super::model::ec2::VPC;
use super::super::super::model::elbv2::call::{
    Answer, BalancerView, GroupView, HealthView, Kind, ListenerView, Reason, ReservationView,
};
use super::super::query;
use super::super::xml::{Xml, time};
use super::NAMESPACE;

/// The hosted zones of us-east-1's load balancers: what belongs to a name is not in the model.
const HOSTED_ZONE: [(Kind, &str); 2] =
    [(Kind::Application, "Z35SXDOTRQ7X7K"), (Kind::Network, "Z26RNL4JYFTOTI")];

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
    let result = |x: &mut Xml| match answer {
        Answer::LoadBalancers { balancers, next_marker, .. } => {
            x.members("LoadBalancers", balancers, balancer)?;
            x.optional("NextMarker", next_marker.as_deref())
        }
        Answer::TargetGroups { groups, next_marker, .. } => {
            x.members("TargetGroups", groups, group)?;
            x.optional("NextMarker", next_marker.as_deref())
        }
        Answer::Attributes { attributes, .. } => x.members("Attributes", attributes, |x, (key, value)| {
            x.text("Key", key)?;
            x.text("Value", value)
        }),
        Answer::TargetHealth(targets) => x.members("TargetHealthDescriptions", targets, health),
        Answer::Listeners { listeners, next_marker, .. } => {
            x.members("Listeners", listeners, listener)?;
            x.optional("NextMarker", next_marker.as_deref())
        }
        Answer::AccountLimits { limits, next_marker } => {
            x.members("Limits", limits, |x, (name, max)| {
                x.text("Name", name)?;
                x.text("Max", max)
            })?;
            x.optional("NextMarker", next_marker.as_deref())
        }
        Answer::CapacityReservation { reservation: r, .. } => reservation(x, r),
        Answer::Done(_) => Ok(()),
    };
    query::answer(NAMESPACE, answer.action().as_str(), request_id, Some(result))
}

fn balancer(x: &mut Xml, b: &BalancerView) -> io::Result<()> {
    x.text("LoadBalancerArn", &b.arn)?;
    x.text("DNSName", &b.dns_name)?;
    let zone = HOSTED_ZONE.iter().find(|(kind, _)| *kind == b.created.kind);
    x.optional("CanonicalHostedZoneId", zone.map(|(_, id)| *id))?;
    x.text("CreatedTime", &time(b.created_ms))?;
    x.text("LoadBalancerName", &b.created.name)?;
    x.text("Scheme", &b.created.scheme)?;
    x.text("VpcId", VPC)?;
    x.element("State", |x| x.text("Code", if b.active { "active" } else { "provisioning" }))?;
    x.text("Type", b.created.kind.as_str())?;
    x.members("AvailabilityZones", &b.zones, |x, (zone, subnet)| {
        x.text("ZoneName", zone)?;
        x.text("SubnetId", subnet)?;
        x.element("LoadBalancerAddresses", |_| Ok(()))
    })?;
    x.element("SecurityGroups", |_| Ok(()))?;
    x.text("IpAddressType", "ipv4")
}

fn group(x: &mut Xml, g: &GroupView) -> io::Result<()> {
    let (created, check) = (&g.created, &g.created.check);
    x.text("TargetGroupArn", &g.arn)?;
    x.text("TargetGroupName", &created.name)?;
    x.text("Protocol", created.protocol.as_str())?;
    x.text("Port", &created.port.to_string())?;
    x.text("VpcId", created.vpc.as_deref().unwrap_or(VPC))?;
    x.text("HealthCheckProtocol", check.protocol.as_str())?;
    x.text("HealthCheckPort", &check.port)?;
    x.text("HealthCheckEnabled", "true")?;
    x.text("HealthCheckIntervalSeconds", &check.interval_s.to_string())?;
    x.text("HealthCheckTimeoutSeconds", &check.timeout_s.to_string())?;
    x.text("HealthyThresholdCount", &check.healthy.to_string())?;
    x.text("UnhealthyThresholdCount", &check.unhealthy.to_string())?;
    x.optional("HealthCheckPath", check.path.as_deref())?;
    x.member_texts("LoadBalancerArns", &g.balancers)?;
    x.text("TargetType", created.target_type.as_str())?;
    x.text("IpAddressType", "ipv4")
}

fn listener(x: &mut Xml, l: &ListenerView) -> io::Result<()> {
    x.text("ListenerArn", &l.arn)?;
    x.text("LoadBalancerArn", &l.created.balancer)?;
    x.text("Port", &l.created.port.to_string())?;
    x.text("Protocol", l.created.protocol.as_str())?;
    x.element("DefaultActions", |x| {
        let [group] = l.created.groups.as_slice() else {
            return x.element("member", |x| {
                x.text("Type", "forward")?;
                x.element("ForwardConfig", |x| {
                    x.members("TargetGroups", &l.created.groups, |x, arn| x.text("TargetGroupArn", arn))
                })
            });
        };
        x.element("member", |x| {
            x.text("Type", "forward")?;
            x.text("TargetGroupArn", group)
        })
    })
}

fn health(x: &mut Xml, h: &HealthView) -> io::Result<()> {
    x.element("Target", |x| {
        x.text("Id", &h.id)?;
        x.text("Port", &h.port.to_string())
    })?;
    let checked = h.reason != Some(Reason::NotRegistered);
    x.optional("HealthCheckPort", checked.then_some(h.check_port.as_str()))?;
    x.element("TargetHealth", |x| {
        x.text("State", h.health.as_str())?;
        x.optional("Reason", h.reason.map(Reason::as_str))?;
        x.optional("Description", h.reason.map(Reason::description))
    })
}

fn reservation(x: &mut Xml, r: &ReservationView) -> io::Result<()> {
    x.optional("LastModifiedTime", r.modified_ms.map(time).as_deref())?;
    x.text("DecreaseRequestsRemaining", &r.decreases_remaining.to_string())?;
    if let Some(units) = r.units {
        x.element("MinimumLoadBalancerCapacity", |x| x.text("CapacityUnits", &units.to_string()))?;
    }
    x.members("CapacityReservationState", &r.zones, |x, zone| {
        x.element("State", |x| {
            x.text("Code", zone.state.as_str())?;
            x.optional("Reason", zone.reason)
        })?;
        x.text("AvailabilityZone", &zone.zone)?;
        x.text("EffectiveCapacityUnits", &format!("{:?}", zone.units))
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::elbv2::call::{Call, Protocol, Reserve};
    use super::super::super::super::model::elbv2::testing::{
        ask, create_balancer, create_group, listen, model, targets,
    };
    use super::super::super::super::model::quotas::ALB_UNITS;
    use super::*;

    fn text(of: &Answer) -> String {
        String::from_utf8(answer(of, "ID").unwrap()).unwrap()
    }

    #[test]
    fn a_reservation_is_written_as_the_sdks_read_it() {
        let mut model = model(|s| s.quotas.applied = [(ALB_UNITS.to_string(), 500.0)].into());
        let arn = create_balancer(&mut model, "web", Kind::Application, 0);
        let change = Reserve::Units(101);
        let made =
            ask(&mut model, Call::ModifyCapacityReservation { arn, change }, 1_700_000_000_000).unwrap();
        let zone = |zone: &str| {
            format!(
                "<member><State><Code>pending</Code></State><AvailabilityZone>{zone}</AvailabilityZone>\
                 <EffectiveCapacityUnits>0.0</EffectiveCapacityUnits></member>"
            )
        };
        assert_eq!(
            text(&made),
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ModifyCapacityReservationResponse \
                 xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
                 <ModifyCapacityReservationResult><LastModifiedTime>2023-11-14T22:13:20.000Z</LastModifiedTime>\
                 <DecreaseRequestsRemaining>2</DecreaseRequestsRemaining><MinimumLoadBalancerCapacity>\
                 <CapacityUnits>101</CapacityUnits></MinimumLoadBalancerCapacity><CapacityReservationState>{}{}\
                 </CapacityReservationState></ModifyCapacityReservationResult><ResponseMetadata>\
                 <RequestId>ID</RequestId></ResponseMetadata></ModifyCapacityReservationResponse>",
                zone("us-east-1a"),
                zone("us-east-1b"),
            )
        );
    }

    #[test]
    fn what_was_made_is_described() {
        let mut model = model(|_| {});
        let alb = create_balancer(&mut model, "web", Kind::Application, 0);
        let group = create_group(&mut model, "web", Protocol::Http);
        let listeners = text(&listen(&mut model, &alb, Protocol::Http, &group).unwrap());
        let action = format!("<member><Type>forward</Type><TargetGroupArn>{group}</TargetGroupArn></member>");
        assert!(listeners.contains(&action), "{listeners}");
        let call = Call::DescribeTargetHealth(targets(&group, &["i-0123456789abcdef0".into()]));
        let health = text(&ask(&mut model, call, 0).unwrap());
        let unused = format!(
            "<Target><Id>i-0123456789abcdef0</Id><Port>80</Port></Target><TargetHealth><State>unused</State>\
             <Reason>Target.NotRegistered</Reason><Description>{}</Description></TargetHealth>",
            Reason::NotRegistered.description()
        );
        assert!(health.contains(&unused), "{health}");
        let done = text(&ask(&mut model, Call::DeleteLoadBalancer { arn: alb }, 0).unwrap());
        assert!(done.contains("<DeleteLoadBalancerResult></DeleteLoadBalancerResult>"), "{done}");
    }
}
