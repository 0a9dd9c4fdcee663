//! From the query protocol's parameters to the calls of Elastic Load Balancing.

use std::str::FromStr;

use super::super::super::model::elbv2::call::{
    Action, Call, Check, CheckChange, CreateListener, CreateLoadBalancer, CreateTargetGroup, Describe, Kind,
    Page, Protocol, Reserve, TargetName, TargetType, Targets,
};
use super::super::super::model::elbv2::error::{ApiError, Code};
use super::super::form::{Form, FormError, Node};
use super::super::query::{NoAction, action};
use super::VERSION;

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(parameters: &[u8]) -> Call {
    let form = match Form::parse(parameters) {
        Ok(form) => form,
        Err(error) => return Call::Unreadable { action: None, error: error.into() },
    };
    match action::<Action>(&form, VERSION) {
        Err(error) => Call::Unreadable { action: None, error: error.into() },
        Ok(action) => {
            read(action, form.root()).unwrap_or_else(|error| Call::Unreadable { action: Some(action), error })
        }
    }
}

/// A request that could not even be received.
pub(in super::super) fn unreadable(why: String) -> Call {
    Call::Unreadable { action: None, error: FormError::Malformed(why).into() }
}

fn read(action: Action, root: &Node) -> Result<Call, ApiError> {
    let balancer = || required(root, "LoadBalancerArn");
    let group = || required(root, "TargetGroupArn");
    let balancer_if_given = || root.text("LoadBalancerArn").map(str::to_string);
    Ok(match action {
        Action::CreateLoadBalancer => Call::CreateLoadBalancer(create_balancer(root)?),
        Action::DescribeLoadBalancers => Call::DescribeLoadBalancers(describe(root, "LoadBalancerArns")?),
        Action::DeleteLoadBalancer => Call::DeleteLoadBalancer { arn: balancer()? },
        Action::CreateTargetGroup => Call::CreateTargetGroup(create_group(root)?),
        Action::DescribeTargetGroups => Call::DescribeTargetGroups {
            balancer: balancer_if_given(),
            describe: describe(root, "TargetGroupArns")?,
        },
        Action::ModifyTargetGroup => Call::ModifyTargetGroup { arn: group()?, check: check(root)? },
        Action::ModifyTargetGroupAttributes => {
            let attribute = |node: &Node| {
                let value = node.text("Value").unwrap_or_default().to_string();
                Ok((required(node, "Key")?, value))
            };
            let attributes = root.members("Attributes").into_iter().map(attribute);
            let attributes = attributes.collect::<Result<_, ApiError>>()?;
            Call::ModifyTargetGroupAttributes { arn: group()?, attributes }
        }
        Action::DescribeTargetGroupAttributes => Call::DescribeTargetGroupAttributes { arn: group()? },
        Action::DeleteTargetGroup => Call::DeleteTargetGroup { arn: group()? },
        Action::RegisterTargets => Call::RegisterTargets(some_targets(root)?),
        Action::DeregisterTargets => Call::DeregisterTargets(some_targets(root)?),
        Action::DescribeTargetHealth => Call::DescribeTargetHealth(targets(root)?),
        Action::CreateListener => Call::CreateListener(create_listener(root)?),
        Action::DescribeListeners => Call::DescribeListeners {
            balancer: balancer_if_given(),
            describe: describe(root, "ListenerArns")?,
        },
        Action::DeleteListener => Call::DeleteListener { arn: required(root, "ListenerArn")? },
        Action::DescribeAccountLimits => Call::DescribeAccountLimits(page(root)?),
        Action::ModifyCapacityReservation => {
            Call::ModifyCapacityReservation { arn: balancer()?, change: reserve(root)? }
        }
        Action::DescribeCapacityReservation => Call::DescribeCapacityReservation { arn: balancer()? },
    })
}

fn create_balancer(root: &Node) -> Result<CreateLoadBalancer, ApiError> {
    let mappings = root.members("SubnetMappings").into_iter().filter_map(|node| node.text("SubnetId"));
    let subnets = root.member_texts("Subnets").into_iter().chain(mappings.map(str::to_string)).collect();
    Ok(CreateLoadBalancer {
        name: required(root, "Name")?,
        kind: word(root, "Type")?.unwrap_or(Kind::Application),
        subnets,
        scheme: root.text("Scheme").unwrap_or("internet-facing").into(),
    })
}

fn create_group(root: &Node) -> Result<CreateTargetGroup, ApiError> {
    let protocol: Protocol = required_word(root, "Protocol")?;
    Ok(CreateTargetGroup {
        name: required(root, "Name")?,
        protocol,
        port: port(root)?,
        vpc: root.text("VpcId").map(str::to_string),
        target_type: word(root, "TargetType")?.unwrap_or(TargetType::Instance),
        check: Check::of(protocol).with(&check(root)?),
    })
}

fn check(root: &Node) -> Result<CheckChange, ApiError> {
    let text = |name: &str| root.text(name).map(str::to_string);
    Ok(CheckChange {
        protocol: word(root, "HealthCheckProtocol")?,
        port: text("HealthCheckPort"),
        path: text("HealthCheckPath"),
        interval_s: root.number("HealthCheckIntervalSeconds")?,
        timeout_s: root.number("HealthCheckTimeoutSeconds")?,
        healthy: root.number("HealthyThresholdCount")?,
        unhealthy: root.number("UnhealthyThresholdCount")?,
    })
}

fn create_listener(root: &Node) -> Result<CreateListener, ApiError> {
    let mut groups = Vec::new();
    for action in root.members("DefaultActions") {
        // What is not forwarded (a redirect, a fixed response) reaches no target.
        let several = action.under("ForwardConfig").members("TargetGroups");
        groups.extend(several.into_iter().filter_map(|node| node.text("TargetGroupArn")));
        groups.extend(action.text("TargetGroupArn"));
    }
    groups.dedup();
    Ok(CreateListener {
        balancer: required(root, "LoadBalancerArn")?,
        protocol: required_word(root, "Protocol")?,
        port: port(root)?,
        groups: groups.into_iter().map(str::to_string).collect(),
    })
}

fn reserve(root: &Node) -> Result<Reserve, ApiError> {
    let units = root.under("MinimumLoadBalancerCapacity").number("CapacityUnits")?;
    match (units, root.flag("ResetCapacityReservation")?) {
        (Some(units), false) => Ok(Reserve::Units(units)),
        (None, true) => Ok(Reserve::Reset),
        (Some(_), true) | (None, false) => Err(ApiError::invalid(
            "Either MinimumLoadBalancerCapacity or ResetCapacityReservation must be specified",
        )),
    }
}

fn some_targets(root: &Node) -> Result<Targets, ApiError> {
    let targets = targets(root)?;
    if targets.targets.is_empty() { Err(missing("Targets")) } else { Ok(targets) }
}

fn targets(root: &Node) -> Result<Targets, ApiError> {
    let target = |node: &Node| {
        Ok(TargetName { id: required(node, "Id")?, port: node.number("Port")?.filter(|port| *port > 0) })
    };
    let targets = root.members("Targets").into_iter().map(target).collect::<Result<_, ApiError>>()?;
    Ok(Targets { group: required(root, "TargetGroupArn")?, targets })
}

fn describe(root: &Node, arns: &str) -> Result<Describe, ApiError> {
    Ok(Describe { arns: root.member_texts(arns), names: root.member_texts("Names"), page: page(root)? })
}

fn page(root: &Node) -> Result<Page, ApiError> {
    let marker = root.text("Marker").filter(|marker| !marker.is_empty()).map(str::to_string);
    Ok(Page { size: root.number("PageSize")?, marker })
}

fn port(root: &Node) -> Result<u16, ApiError> {
    let port = root.number("Port")?.ok_or_else(|| missing("Port"))?;
    if port == 0 { Err(ApiError::invalid("Port '0' must be from 1 to 65535")) } else { Ok(port) }
}

fn word<T: FromStr>(root: &Node, name: &str) -> Result<Option<T>, ApiError> {
    let parse =
        |text: &str| text.parse().map_err(|_| ApiError::invalid(format!("{name} '{text}' is not valid")));
    root.text(name).map(parse).transpose()
}

fn required_word<T: FromStr>(root: &Node, name: &str) -> Result<T, ApiError> {
    word(root, name)?.ok_or_else(|| missing(name))
}

fn required(root: &Node, name: &str) -> Result<String, ApiError> {
    root.text(name).filter(|text| !text.is_empty()).map(str::to_string).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> ApiError {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    ApiError::invalid(format!(
        "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
    ))
}

/// As Elastic Load Balancing says what it cannot read.
impl From<FormError> for ApiError {
    fn from(error: FormError) -> ApiError {
        match error {
            FormError::Malformed(message) => ApiError::new(Code::MalformedQueryString, message),
            FormError::Value { .. } => ApiError::invalid(error.to_string()),
        }
    }
}

impl From<NoAction> for ApiError {
    fn from(error: NoAction) -> ApiError {
        let code = match error {
            NoAction::Missing => Code::MissingAction,
            NoAction::Unknown { .. } => Code::InvalidAction,
        };
        ApiError::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Call {
        call(format!("Version=2015-12-01&{text}").as_bytes())
    }

    fn refused(text: &str) -> (bool, &'static str) {
        let Call::Unreadable { action, error } = of(text) else { panic!("{text} was read") };
        (action.is_some(), error.code.as_str())
    }

    #[test]
    fn load_balancers_groups_and_listeners_are_read() {
        let text = "Action=CreateLoadBalancer&Name=web&Type=network&Subnets.member.1=subnet-1\
                    &SubnetMappings.member.1.SubnetId=subnet-2";
        let Call::CreateLoadBalancer(balancer) = of(text) else { panic!("not read") };
        assert_eq!((balancer.kind, balancer.subnets.len()), (Kind::Network, 2));
        let text = "Action=CreateTargetGroup&Name=web&Protocol=HTTP&Port=80&HealthCheckIntervalSeconds=5";
        let Call::CreateTargetGroup(group) = of(text) else { panic!("not read") };
        assert_eq!((group.check.interval_s, group.check.healthy, group.port), (5, 5, 80));
        let text = "Action=CreateListener&LoadBalancerArn=lb&Protocol=HTTP&Port=80\
                    &DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn=a\
                    &DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=a";
        let Call::CreateListener(listener) = of(text) else { panic!("not read") };
        assert_eq!(listener.groups, ["a"]);
    }

    #[test]
    fn targets_are_read_with_and_without_a_port() {
        let text = "Action=RegisterTargets&TargetGroupArn=g&Targets.member.1.Id=i-1&Targets.member.2.Id=i-2\
                    &Targets.member.2.Port=8080";
        let Call::RegisterTargets(targets) = of(text) else { panic!("not read") };
        let ports: Vec<_> = targets.targets.iter().map(|t| t.port).collect();
        assert_eq!(ports, [None, Some(8_080)]);
        let text = "Action=DescribeTargetHealth&TargetGroupArn=g";
        assert!(
            matches!(of(text), Call::DescribeTargetHealth(Targets { targets, .. }) if targets.is_empty())
        );
    }

    #[test]
    fn a_reservation_is_made_or_reset_and_not_both() {
        let start = "Action=ModifyCapacityReservation&LoadBalancerArn=lb";
        let change = |more: &str| {
            let Call::ModifyCapacityReservation { change, .. } = of(&format!("{start}&{more}")) else {
                return None;
            };
            Some(change)
        };
        assert_eq!(change("MinimumLoadBalancerCapacity.CapacityUnits=500"), Some(Reserve::Units(500)));
        assert_eq!(change("ResetCapacityReservation=true"), Some(Reserve::Reset));
        assert_eq!(change(""), None);
        assert_eq!(change("MinimumLoadBalancerCapacity.CapacityUnits=5&ResetCapacityReservation=true"), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (text, known, code) in [
            ("", false, "MissingAction"),
            ("Action=Fly", false, "InvalidAction"),
            ("Action=CreateLoadBalancer", true, "ValidationError"),
            ("Action=CreateLoadBalancer&Name=a&Type=gateway", true, "ValidationError"),
            ("Action=CreateTargetGroup&Name=a&Protocol=HTTP&Port=0", true, "ValidationError"),
            ("Action=CreateTargetGroup&Name=a&Protocol=HTTP&Port=x", true, "ValidationError"),
            ("Action=RegisterTargets&TargetGroupArn=g", true, "ValidationError"),
            ("Action=DescribeAccountLimits&PageSize=x", true, "ValidationError"),
            ("Action=a%00", false, "MalformedQueryString"),
        ] {
            assert_eq!(refused(text), (known, code), "{text}");
        }
    }
}
