//! From the query protocol's parameters to EC2's calls.

mod attribute;
mod fleet;
mod gateways;
mod run;
mod tags;
mod templates;

use super::super::form::{Form, FormError, Node};
use crate::sim::model::ec2::call::{Action, Call, Filter, Read};
use crate::sim::model::ec2::error::{ApiError, Code};

/// For reads that cannot name what they want.
const NO_IDS: &str = "";

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super::super) fn call(form: &Form) -> Call {
    let root = form.root();
    let unreadable = |action, error| Call::Unreadable { action, error };
    let Some(name) = root.text("Action").filter(|name| !name.is_empty()) else {
        let message = "The request is missing an action or a required parameter.";
        return unreadable(None, ApiError::new(Code::MissingAction, message));
    };
    let Ok(action) = name.parse::<Action>() else {
        let message = format!("The action {name} is not valid for this web service.");
        return unreadable(None, ApiError::new(Code::InvalidAction, message));
    };
    read(action, form).unwrap_or_else(|error| unreadable(Some(action), error))
}

fn read(action: Action, form: &Form) -> Result<Call, ApiError> {
    let root = form.root();
    let call = match action {
        Action::RunInstances => Call::RunInstances(run::run_instances(form)?),
        Action::CreateLaunchTemplate => Call::CreateLaunchTemplate(Box::new(templates::create(form)?)),
        Action::CreateLaunchTemplateVersion => {
            Call::CreateLaunchTemplateVersion(Box::new(templates::create_version(form)?))
        }
        Action::DescribeLaunchTemplates => Call::DescribeLaunchTemplates(templates::read(root)?),
        Action::DescribeLaunchTemplateVersions => {
            Call::DescribeLaunchTemplateVersions(templates::read_versions(root)?)
        }
        Action::ModifyLaunchTemplate => Call::ModifyLaunchTemplate(templates::modify(root)),
        Action::DeleteLaunchTemplate => Call::DeleteLaunchTemplate(templates::named(root, NO_IDS)),
        Action::CreateFleet => Call::CreateFleet(Box::new(fleet::create(root)?)),
        Action::DescribeFleets => Call::DescribeFleets(describe(root, "FleetId")?),
        Action::StopInstances => Call::StopInstances { ids: root.texts("InstanceId") },
        Action::StartInstances => Call::StartInstances { ids: root.texts("InstanceId") },
        Action::RebootInstances => Call::RebootInstances { ids: root.texts("InstanceId") },
        Action::ModifyInstanceAttribute => Call::ModifyInstanceAttribute(attribute::modify(root)?),
        Action::DescribeInstanceAttribute => Call::DescribeInstanceAttribute {
            instance: attribute::instance(root)?,
            attribute: attribute::attribute(root)?,
        },
        Action::AllocateAddress => Call::AllocateAddress(gateways::allocate(root)?),
        Action::ReleaseAddress => gateways::release(root)?,
        Action::DescribeAddresses => Call::DescribeAddresses(gateways::read(root)?),
        Action::CreateNatGateway => Call::CreateNatGateway(Box::new(gateways::create(root)?)),
        Action::DeleteNatGateway => gateways::delete(root)?,
        Action::DescribeNatGateways => Call::DescribeNatGateways(describe(root, "NatGatewayId")?),
        Action::AssociateNatGatewayAddress => Call::ChangeNatGateway(gateways::associate(root)?),
        Action::DisassociateNatGatewayAddress => Call::ChangeNatGateway(gateways::disassociate(root)?),
        Action::AssignPrivateNatGatewayAddress => Call::ChangeNatGateway(gateways::assign_private(root)?),
        Action::DescribeTransitGateways => {
            Call::DescribeTransitGateways(describe(root, "TransitGatewayIds")?)
        }
        Action::DescribeTransitGatewayAttachments => {
            Call::DescribeTransitGatewayAttachments(describe(root, "TransitGatewayAttachmentIds")?)
        }
        Action::DescribeInstances => Call::DescribeInstances(describe(root, "InstanceId")?),
        Action::TerminateInstances => Call::TerminateInstances { ids: root.texts("InstanceId") },
        Action::DescribeSubnets => Call::DescribeSubnets(describe(root, "SubnetId")?),
        Action::CreateTags => Call::CreateTags(tags::create(root)?),
        Action::DeleteTags => Call::DeleteTags(tags::delete(root)?),
        Action::DescribeTags => Call::DescribeTags(describe(root, NO_IDS)?),
        Action::DescribeInstanceStatus => Call::DescribeInstanceStatus {
            read: describe(root, "InstanceId")?,
            include_all: root.flag("IncludeAllInstances")?,
        },
        Action::DescribeInstanceTypes => Call::DescribeInstanceTypes(describe(root, "InstanceType")?),
        Action::DescribeImages => Call::DescribeImages(describe(root, "ImageId")?),
        Action::DescribeAvailabilityZones => Call::DescribeAvailabilityZones(describe(root, "ZoneName")?),
        Action::DescribeVpcs => Call::DescribeVpcs(describe(root, "VpcId")?),
        Action::DescribeNetworkInterfaces => {
            Call::DescribeNetworkInterfaces(describe(root, "NetworkInterfaceId")?)
        }
        Action::DescribeSecurityGroups => Call::DescribeSecurityGroups(describe(root, "GroupId")?),
    };
    // A dry run is refused whether or not the call would have succeeded: nobody here is without
    // permission.
    if root.flag("DryRun")? {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::new(Code::DryRunOperation, message));
    }
    Ok(call)
}

fn describe(root: &Node, ids: &str) -> Result<Read, ApiError> {
    let filter = |node: &&Node| {
        let name = node.text("Name").ok_or_else(|| ApiError::missing("Filter.Name"))?.to_string();
        Ok(Filter { name, values: node.texts("Value") })
    };
    Ok(Read {
        ids: root.texts(ids),
        filters: root.list("Filter").iter().map(filter).collect::<Result<_, ApiError>>()?,
        max_results: root.number("MaxResults")?,
        next_token: root.text("NextToken").map(str::to_string),
    })
}

/// As EC2 says what it cannot read.
impl From<FormError> for ApiError {
    fn from(error: FormError) -> ApiError {
        match error {
            FormError::Malformed(message) => ApiError::new(Code::MalformedQueryString, message),
            FormError::Value { .. } => ApiError::invalid(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Call {
        call(&Form::parse(text.as_bytes()).unwrap())
    }

    fn refused(text: &str) -> (Option<Action>, &'static str) {
        let Call::Unreadable { action, error } = of(text) else { panic!("{text} was read") };
        (action, error.code.as_str())
    }

    const RUN: &str =
        "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=3&ImageId=ami-1&ClientToken=t";

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let run = Some(Action::RunInstances);
        for (text, action, code) in [
            ("", None, "MissingAction"),
            ("Action=", None, "MissingAction"),
            ("Action=LaunchRocket", None, "InvalidAction"),
            ("Action=RunInstances&MaxCount=1", run, "MissingParameter"),
            ("Action=RunInstances&MinCount=1", run, "MissingParameter"),
            ("Action=RunInstances&MinCount=-1&MaxCount=1", run, "InvalidParameterValue"),
            ("Action=RunInstances&MinCount=1&MaxCount=x", run, "InvalidParameterValue"),
            (&format!("{RUN}&TagSpecification.1.ResourceType=planet"), run, "InvalidParameterValue"),
            (&format!("{RUN}&TagSpecification.1.Tag.1.Key=a"), run, "MissingParameter"),
            (&format!("{RUN}&DryRun=true"), run, "DryRunOperation"),
            (
                "Action=DescribeInstances&MaxResults=ten",
                Some(Action::DescribeInstances),
                "InvalidParameterValue",
            ),
            (
                "Action=DescribeInstances&Filter.1.Value.1=x",
                Some(Action::DescribeInstances),
                "MissingParameter",
            ),
        ] {
            assert_eq!(refused(text), (action, code), "{text}");
        }
    }

    #[test]
    fn every_action_is_known_by_its_name_and_none_runs_dry() {
        for action in Action::ALL {
            assert_eq!(of(&format!("Action={action}")).action(), Some(*action));
            // Whatever else is missing is said first.
            let (named, code) = refused(&format!(
                "Action={action}&DryRun=true&MinCount=1&MaxCount=1&InstanceId=i-1&Attribute=instanceType\
                 &LaunchTemplateName=web&LaunchTemplateData.ImageId=ami-1&AllocationId=a&SubnetId=s\
                 &NatGatewayId=nat-1&TargetCapacitySpecification.TotalTargetCapacity=1"
            ));
            assert_eq!((named, code), (Some(*action), "DryRunOperation"));
        }
    }

    #[test]
    fn reads_and_terminates_are_read() {
        let text =
            "Action=DescribeInstances&MaxResults=10&NextToken=n&Filter.1.Name=tag:a&Filter.1.Value.1=b";
        let Call::DescribeInstances(read) = of(text) else { panic!("not read") };
        assert_eq!((read.max_results, read.next_token.as_deref()), (Some(10), Some("n")));
        assert_eq!(read.filters, [Filter { name: "tag:a".into(), values: vec!["b".into()] }]);
        let Call::TerminateInstances { ids } = of("Action=TerminateInstances&InstanceId.1=i-1") else {
            panic!("not read")
        };
        assert_eq!(ids, ["i-1"]);
        let Call::DescribeSubnets(read) = of("Action=DescribeSubnets&SubnetId.1=s") else {
            panic!("not read")
        };
        assert_eq!(read.ids, ["s"]);
    }
}
