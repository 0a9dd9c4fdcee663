//! From the model's answers to the XML of the EC2 query protocol, as the SDKs parse it.

mod fleet;
mod gateways;
mod instance;
mod network;
mod status;
mod tags;
mod templates;
mod types;

use std::collections::BTreeMap;
use std::io;

use super::super::xml::Xml;
use crate::sim::model::arn::ACCOUNT;
use crate::sim::model::call::Failure;
use crate::sim::model::ec2::call::{Action, Answer};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// An error's document.
pub(in super::super::super) fn error(failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
    let mut x = Xml::new()?;
    x.element("Response", |x| {
        x.element("Errors", |x| {
            x.element("Error", |x| {
                x.text("Code", failure.code)?;
                x.text("Message", &failure.message)
            })
        })?;
        x.text("RequestID", request_id)
    })?;
    Ok(x.done())
}

/// An answer's document.
pub(in super::super::super) fn answer(answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
    let mut x = Xml::new()?;
    let action = action(answer);
    x.root(&format!("{action}Response"), NAMESPACE, |x| {
        x.text("requestId", request_id)?;
        match answer {
            Answer::Done(_) => x.text("return", "true"),
            Answer::TemplateCreated(view)
            | Answer::TemplateModified(view)
            | Answer::TemplateDeleted(view) => x.element("launchTemplate", |x| templates::template(x, view)),
            Answer::VersionCreated(view) => {
                x.element("launchTemplateVersion", |x| templates::version(x, view))
            }
            Answer::Templates { templates: all, next_token } => {
                x.list("launchTemplates", all, templates::template)?;
                next(x, next_token.as_ref())
            }
            Answer::Versions { versions, next_token } => {
                x.list("launchTemplateVersionSet", versions, templates::version)?;
                next(x, next_token.as_ref())
            }
            Answer::Fleet(view) => fleet::fleet(x, view),
            Answer::Fleets { fleets, next_token } => {
                x.list("fleetSet", fleets, fleet::description)?;
                next(x, next_token.as_ref())
            }
            Answer::Stopping(changes) | Answer::Starting(changes) => {
                x.list("instancesSet", changes, instance::change)
            }
            Answer::Attribute(view) => {
                x.text("instanceId", &view.instance)?;
                x.element(view.attribute.as_str(), |x| x.text("value", &view.value))
            }
            Answer::Allocated { allocation, public_ip } => {
                x.text("publicIp", &public_ip.to_string())?;
                x.text("domain", "vpc")?;
                x.text("allocationId", allocation)
            }
            Answer::Addresses(addresses) => x.list("addressesSet", addresses, gateways::address),
            Answer::NatCreated { token, view } => {
                x.optional("clientToken", token.as_deref())?;
                x.element("natGateway", |x| gateways::nat(x, view))
            }
            Answer::NatDeleted(id) => x.text("natGatewayId", id),
            Answer::Nats { gateways: all, next_token } => {
                x.list("natGatewaySet", all, gateways::nat)?;
                next(x, next_token.as_ref())
            }
            Answer::NatChanged { gateway, addresses, .. } => {
                x.text("natGatewayId", gateway)?;
                x.list("natGatewayAddressSet", addresses, gateways::nat_address)
            }
            Answer::TransitGateways { gateways: all, next_token } => {
                x.list("transitGatewaySet", all, gateways::transit_gateway)?;
                next(x, next_token.as_ref())
            }
            Answer::TransitAttachments { attachments, next_token } => {
                x.list("transitGatewayAttachments", attachments, gateways::attachment)?;
                next(x, next_token.as_ref())
            }
            Answer::Launched(r) => instance::reservation(x, r),
            Answer::Instances { reservations, next_token } => {
                x.list("reservationSet", reservations, instance::reservation)?;
                next(x, next_token.as_ref())
            }
            Answer::Terminating(changes) => x.list("instancesSet", changes, instance::change),
            Answer::Subnets { subnets, next_token } => {
                x.list("subnetSet", subnets, network::subnet)?;
                next(x, next_token.as_ref())
            }
            Answer::Tags { tags, next_token } => {
                x.list("tagSet", tags, tags::tag)?;
                next(x, next_token.as_ref())
            }
            Answer::Statuses { statuses, next_token } => {
                x.list("instanceStatusSet", statuses, status::status)?;
                next(x, next_token.as_ref())
            }
            Answer::Types { types, next_token } => {
                x.list("instanceTypeSet", types, |x, t| types::instance_type(x, t))?;
                next(x, next_token.as_ref())
            }
            Answer::Images { images, next_token } => {
                x.list("imagesSet", images, network::image)?;
                next(x, next_token.as_ref())
            }
            Answer::Zones(zones) => x.list("availabilityZoneInfo", zones, network::zone),
            Answer::Vpcs(vpcs) => x.list("vpcSet", vpcs, network::vpc),
            Answer::Interfaces { interfaces, next_token } => {
                x.list("networkInterfaceSet", interfaces, network::interface)?;
                next(x, next_token.as_ref())
            }
            Answer::SecurityGroups { groups, next_token } => {
                x.list("securityGroupInfo", groups, network::security_group)?;
                next(x, next_token.as_ref())
            }
        }
    })?;
    Ok(x.done())
}

/// What was asked.
fn action(answer: &Answer) -> Action {
    match answer {
        Answer::Done(action) | Answer::NatChanged { action, .. } => *action,
        Answer::TemplateCreated(_) => Action::CreateLaunchTemplate,
        Answer::TemplateModified(_) => Action::ModifyLaunchTemplate,
        Answer::TemplateDeleted(_) => Action::DeleteLaunchTemplate,
        Answer::VersionCreated(_) => Action::CreateLaunchTemplateVersion,
        Answer::Templates { .. } => Action::DescribeLaunchTemplates,
        Answer::Versions { .. } => Action::DescribeLaunchTemplateVersions,
        Answer::Fleet(_) => Action::CreateFleet,
        Answer::Fleets { .. } => Action::DescribeFleets,
        Answer::Stopping(_) => Action::StopInstances,
        Answer::Starting(_) => Action::StartInstances,
        Answer::Attribute(_) => Action::DescribeInstanceAttribute,
        Answer::Allocated { .. } => Action::AllocateAddress,
        Answer::Addresses(_) => Action::DescribeAddresses,
        Answer::NatCreated { .. } => Action::CreateNatGateway,
        Answer::NatDeleted(_) => Action::DeleteNatGateway,
        Answer::Nats { .. } => Action::DescribeNatGateways,
        Answer::TransitGateways { .. } => Action::DescribeTransitGateways,
        Answer::TransitAttachments { .. } => Action::DescribeTransitGatewayAttachments,
        Answer::Launched(_) => Action::RunInstances,
        Answer::Instances { .. } => Action::DescribeInstances,
        Answer::Terminating(_) => Action::TerminateInstances,
        Answer::Subnets { .. } => Action::DescribeSubnets,
        Answer::Tags { .. } => Action::DescribeTags,
        Answer::Statuses { .. } => Action::DescribeInstanceStatus,
        Answer::Types { .. } => Action::DescribeInstanceTypes,
        Answer::Images { .. } => Action::DescribeImages,
        Answer::Zones(_) => Action::DescribeAvailabilityZones,
        Answer::Vpcs(_) => Action::DescribeVpcs,
        Answer::SecurityGroups { .. } => Action::DescribeSecurityGroups,
        Answer::Interfaces { .. } => Action::DescribeNetworkInterfaces,
    }
}

/// Who made something, as an ARN: the account itself.
fn creator() -> String {
    format!("arn:aws:iam::{ACCOUNT}:root")
}

fn next(x: &mut Xml, token: Option<&String>) -> io::Result<()> {
    x.optional("nextToken", token.map(String::as_str))
}

/// A resource's tags, as each resource shows them.
fn tag_set(x: &mut Xml, tags: &BTreeMap<String, String>) -> io::Result<()> {
    x.list("tagSet", tags, |x, (key, value)| {
        x.text("key", key)?;
        x.text("value", value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::model::call::{Answer as AnyAnswer, Outcome, Reply};
    use crate::sim::model::ec2::testing::{Ask, describe, plain};

    pub(super) fn text(reply: &Reply) -> String {
        let bytes = match &reply.outcome {
            Outcome::Answer(AnyAnswer::Ec2(a)) => answer(a, &reply.request_id),
            Outcome::Error(e) => error(e, &reply.request_id),
            Outcome::Answer(_) | Outcome::Lost => panic!("{reply:?}"),
        };
        String::from_utf8(bytes.unwrap()).unwrap().replace(&reply.request_id, "ID")
    }

    #[test]
    fn an_error_is_the_document_the_sdk_expects() {
        let mut model = plain();
        let out = text(&model.ask(&describe(&["i-<x>".into()]), 0));
        assert_eq!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>InvalidInstanceID.Malformed</Code>\
             <Message>Invalid id: &quot;i-&lt;x&gt;&quot;</Message></Error></Errors><RequestID>ID</RequestID></Response>"
        );
    }
}
