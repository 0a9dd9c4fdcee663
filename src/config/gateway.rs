//! `[gateways.NAME]`: what may be asked to be scaled ahead of time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::section::{Read, Section};
use crate::decide::gateway::case::SupportSpec;
use crate::decide::gateway::nat::IN_CONNECTIONS;
use crate::decide::gateway::words::{Gateway, GatewayKind};
use crate::decide::gateway::{ANSWER_WITHIN, MOST_CAPACITY, MOST_GATEWAYS};
use crate::decide::group::Group;

/// Longest name of a unit.
const UNIT_MOST: usize = 32;
/// Most allocations that may be added to a NAT gateway, of which it takes seven and others may have the rest.
const POOL_MOST: usize = 32;
/// Most e-mail addresses that get a copy of a support case (aws-facts 6.4).
const COPIES_MOST: usize = 10;

pub(super) fn read(name: &str, s: &mut Section<'_>) -> Read<Gateway> {
    let kinds: Vec<&str> = GatewayKind::ALL.iter().map(|k| k.as_str()).collect();
    let kind = s.text("kind", &format!("one of {}", kinds.join(", ")), None, |t| t.parse().ok())?;
    let (resource, unit, remind_every) = match kind {
        GatewayKind::TransitGateway => {
            let allowed = "a transit gateway's id such as \"tgw-0123456789abcdef0\"";
            let id = s.text("transit_gateway_id", allowed, None, transit_gateway);
            let unit = s.text("unit", "text of 1 to 32 characters", "Gbit/s".to_string(), unit);
            let range = Duration::from_mins(1)..=Duration::from_hours(7 * 24);
            let remind_every = s.duration("remind_every", range, Duration::from_hours(1));
            (id, unit, remind_every)
        }
        GatewayKind::LoadBalancer => {
            let allowed = "the ARN of an Application or Network Load Balancer";
            let arn = s.text("load_balancer_arn", allowed, None, load_balancer);
            // Nobody has to be reminded: AWS itself says what is there.
            (arn, Ok("LCU".to_string()), Ok(Duration::from_hours(1)))
        }
        GatewayKind::Quota => {
            let service = s.text("service_code", "a service's code such as \"ec2\"", None, service_code);
            let code = s.text("quota_code", "a quota's code such as \"L-1216C47A\"", None, quota_code);
            let unit = s.text("unit", "text of 1 to 32 characters", None, unit);
            let of = service.and_then(|service| code.map(|code| format!("{service}/{code}")));
            (of, unit, Ok(Duration::from_hours(1)))
        }
        GatewayKind::Nat => {
            let allowed = "a NAT gateway's id such as \"nat-0123456789abcdef0\"";
            let id = s.text("nat_gateway_id", allowed, None, |text| hexadecimal(text, "nat-"));
            let units = "\"addresses\" or \"connections\"";
            let unit = s.text("unit", units, "addresses".to_string(), |text| {
                ["addresses", IN_CONNECTIONS].contains(&text).then(|| text.to_string())
            });
            (id, unit, Ok(Duration::from_hours(1)))
        }
    };
    // What may be added to it; nothing else has such a thing.
    let pool = match kind {
        GatewayKind::Nat => {
            let allowed = "an Elastic IP address's allocation such as \"eipalloc-0123456789abcdef0\"";
            s.list("allocations", 1..=POOL_MOST, allowed, None, |item| item.text().and_then(allocation))
        }
        GatewayKind::TransitGateway | GatewayKind::LoadBalancer | GatewayKind::Quota => Ok(Vec::new()),
    };
    let support = match kind {
        GatewayKind::TransitGateway => s.maybe_table("support", support),
        GatewayKind::LoadBalancer | GatewayKind::Quota | GatewayKind::Nat => Ok(None),
    };
    let declared = s.number("declared", 0..=MOST_CAPACITY, 0);
    let range = Duration::from_mins(1)..=Duration::from_hours(24);
    let answer_within = s.duration("answer_within", range, ANSWER_WITHIN);
    Ok(Gateway {
        name: name.to_string(),
        kind,
        resource: resource?,
        unit: unit?,
        declared: declared?,
        pool: pool?,
        support: support?.map(Arc::new),
        remind_every: remind_every?,
        answer_within: answer_within?,
    })
}

/// `[gateways.NAME.support]`: how AWS Support is asked. The codes are those that `DescribeServices` and
/// `DescribeSeverityLevels` list; what an account may use depends on its plan, so AWS judges them.
fn support(s: &mut Section<'_>) -> Read<SupportSpec> {
    let code = |text: &str| is_code(text).then(|| text.to_string());
    let service =
        s.text("service_code", "a service's code such as \"amazon-virtual-private-cloud\"", None, code);
    let category = s.text("category_code", "a category's code such as \"other\"", None, code);
    let severity = s.text("severity_code", "a severity's code such as \"high\"", None, code);
    let language = s.text("language", "a language's code such as \"en\"", "en".to_string(), |text| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase())).then(|| text.to_string())
    });
    let cc = s.list("cc", 0..=COPIES_MOST, "an e-mail address", Some(Vec::new()), |item| {
        item.text()
            .filter(|text| text.contains('@') && text.len() <= 254 && !text.contains(char::is_whitespace))
            .map(String::from)
    });
    Ok(SupportSpec {
        service: service?,
        category: category?,
        severity: severity?,
        language: language?,
        cc: cc?,
    })
}

/// As AWS Support has them: `amazon-virtual-private-cloud`.
fn is_code(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Two requests for one thing would undo each other.
pub(super) fn check(s: &mut Section<'_>, gateways: &BTreeMap<String, Arc<Gateway>>) {
    if gateways.len() > MOST_GATEWAYS {
        s.refuse("gateways", format!("{} are more than the {MOST_GATEWAYS} that may be", gateways.len()));
    }
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, gateway) in gateways {
        if let Some(first) = known.insert(&gateway.resource, name) {
            let what = format!("{} is gateways.{first}'s already", gateway.resource);
            let key = match gateway.kind {
                GatewayKind::TransitGateway => "transit_gateway_id",
                GatewayKind::LoadBalancer => "load_balancer_arn",
                GatewayKind::Quota => "quota_code",
                GatewayKind::Nat => "nat_gateway_id",
            };
            s.refuse(&format!("gateways.{name}.{key}"), what);
        }
    }
}

/// Groups depend on gateways that there are, on each once.
pub(super) fn check_gates(
    s: &mut Section<'_>,
    groups: &BTreeMap<String, Arc<Group>>,
    gateways: &BTreeMap<String, Arc<Gateway>>,
) {
    for (name, group) in groups {
        for (i, gate) in group.bounds.gates.iter().enumerate() {
            let key = format!("groups.{name}.bounds.gates[{i}].gateway");
            if !gateways.contains_key(&*gate.gateway) {
                s.refuse(&key, format!("there is no gateways.{}", gate.gateway));
            } else if group.bounds.gates[..i].iter().any(|other| other.gateway == gate.gateway) {
                s.refuse(&key, format!("{} is named twice", gate.gateway));
            }
        }
    }
}

fn transit_gateway(text: &str) -> Option<String> {
    hexadecimal(text, "tgw-")
}

fn allocation(text: &str) -> Option<String> {
    hexadecimal(text, "eipalloc-")
}

/// An id of EC2's, of what begins so.
fn hexadecimal(text: &str, prefix: &str) -> Option<String> {
    let id = text.strip_prefix(prefix)?;
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| text.to_string())
}

/// `arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID`, or `net` for `app`.
fn load_balancer(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "elasticloadbalancing", region, account, name] = parts[..] else { return None };
    let kind = name.strip_prefix("loadbalancer/")?;
    let known = kind.starts_with("app/") || kind.starts_with("net/");
    let whole = [partition, region, account].iter().all(|part| !part.is_empty());
    (known && whole && text.len() <= 512 && !text.contains(char::is_whitespace)).then(|| text.to_string())
}

/// As Service Quotas has them: `ec2`, `elasticloadbalancing`.
fn service_code(text: &str) -> Option<String> {
    let fits = (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then(|| text.to_string())
}

/// `L-` and capital hexadecimal digits.
fn quota_code(text: &str) -> Option<String> {
    let code = text.strip_prefix("L-")?;
    let fits =
        (1..=126).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    fits.then(|| text.to_string())
}

fn unit(text: &str) -> Option<String> {
    let fits = (1..=UNIT_MOST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, refused};
    use super::*;

    const ARN: &str =
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188";

    #[test]
    fn every_kind_is_read() {
        let text = format!(
            "[gateways.core]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-0a1b\"\ndeclared = 100\n\
             remind_every = \"30m\"\nsupport = {{ service_code = \"amazon-virtual-private-cloud\", \
             category_code = \"other\", severity_code = \"high\", cc = [\"ann@example.org\"] }}\n[gateways.web]\nkind = \"load-balancer\"\nload_balancer_arn = \"{ARN}\"\n\
             [gateways.vcpus]\nkind = \"quota\"\nservice_code = \"ec2\"\nquota_code = \"L-1216C47A\"\nunit = \"vCPU\"\n\
             [gateways.out]\nkind = \"nat\"\nnat_gateway_id = \"nat-0a1b\"\nallocations = [\"eipalloc-01\", \"eipalloc-02\"]\n"
        );
        let config = read(&text).unwrap();
        let core = &config.gateways["core"];
        assert_eq!((core.resource.as_str(), core.unit.as_str(), core.declared), ("tgw-0a1b", "Gbit/s", 100));
        assert_eq!((core.remind_every, core.answer_within), (Duration::from_mins(30), ANSWER_WITHIN));
        let support = core.support.as_ref().unwrap();
        assert_eq!((support.category.as_str(), support.language.as_str()), ("other", "en"));
        assert_eq!(support.cc, ["ann@example.org"]);
        let web = &config.gateways["web"];
        assert_eq!(web.support, None);
        assert_eq!((web.resource.as_str(), web.unit.as_str(), web.declared), (ARN, "LCU", 0));
        let vcpus = &config.gateways["vcpus"];
        assert_eq!((vcpus.resource.as_str(), vcpus.unit.as_str()), ("ec2/L-1216C47A", "vCPU"));
        let out = &config.gateways["out"];
        assert_eq!((out.resource.as_str(), out.unit.as_str()), ("nat-0a1b", "addresses"));
        assert_eq!(out.pool, ["eipalloc-01", "eipalloc-02"]);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let problems = refused(
            "[gateways.a]\nkind = \"vpn\"\n[gateways.f]\nkind = \"nat\"\nunit = \"LCU\"\nallocations = [\"1.2.3.4\"]\n[gateways.b]\nkind = \"load-balancer\"\nload_balancer_arn = \"web\"\n\
             [gateways.c]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"vgw-1\"\nload_balancer_arn = \"x\"\n\
             support = { service_code = \"VPC\", category_code = \"other\", language = \"english\", cc = [\"ann\"] }\n\
             [gateways.e]\nkind = \"quota\"\nservice_code = \"ec2/x\"\nquota_code = \"1216C47A\"\n\
             [gateways.D]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-1\"\n",
        );
        for said in [
            "gateways.a.kind: \"vpn\" is not one of transit-gateway, load-balancer, quota, nat",
            "gateways.f.nat_gateway_id",
            "gateways.f.unit: \"LCU\" is not \"addresses\" or \"connections\"",
            "\"1.2.3.4\" is not an Elastic IP address's allocation",
            "gateways.e.service_code: \"ec2/x\" is not a service's code",
            "gateways.e.quota_code: \"1216C47A\" is not a quota's code",
            "gateways.e.unit",
            "gateways.b.load_balancer_arn: \"web\" is not the ARN",
            "gateways.c.transit_gateway_id: \"vgw-1\" is not a transit gateway's id",
            "gateways.c.load_balancer_arn: unknown key",
            "gateways.c.support.service_code: \"VPC\" is not a service's code",
            "gateways.c.support.severity_code",
            "gateways.c.support.language: \"english\" is not a language's code",
            "\"ann\" is not an e-mail address",
            "the name \"D\" is not 1 to 64",
        ] {
            assert!(problems.contains(said), "{said} in\n{problems}");
        }
    }

    #[test]
    fn one_thing_is_one_gateway() {
        let one = |name: &str| {
            format!("[gateways.{name}]\nkind = \"transit-gateway\"\ntransit_gateway_id = \"tgw-1\"\n")
        };
        let problems = refused(&format!("{}{}", one("a"), one("b")));
        assert!(
            problems.contains("gateways.b.transit_gateway_id: tgw-1 is gateways.a's already"),
            "{problems}"
        );
    }
}
