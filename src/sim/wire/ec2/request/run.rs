//! `RunInstances`.

use std::collections::BTreeMap;

use super::super::super::form::{Form, Node};
use super::tags::specified;
use crate::sim::model::ec2::call::{RunInstances, TemplateRef};
use crate::sim::model::ec2::error::{ApiError, Code};

/// Parameters of `RunInstances` that are read, or that say nothing about what is launched (the
/// protocol's own and those of a signature in the query).
const READ: [&str; 26] = [
    "Action",
    "Version",
    "DryRun",
    "ClientToken",
    "MinCount",
    "MaxCount",
    "SubnetId",
    "Placement",
    "ImageId",
    "InstanceType",
    "LaunchTemplate",
    "KeyName",
    "UserData",
    "TagSpecification",
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

pub(super) fn run_instances(form: &Form) -> Result<RunInstances, ApiError> {
    let root = form.root();
    let text = |name: &str| root.text(name).map(str::to_string);
    let count = |name: &str| root.number::<u32>(name)?.ok_or_else(|| ApiError::missing(name));
    Ok(RunInstances {
        token: text("ClientToken"),
        min_count: count("MinCount")?,
        max_count: count("MaxCount")?,
        subnet: subnet(root)?,
        zone: root.under("Placement").text("AvailabilityZone").map(str::to_string),
        image: text("ImageId"),
        instance_type: text("InstanceType"),
        template: template(root),
        key_name: text("KeyName"),
        user_data: text("UserData"),
        tags: specified(root, "instance", &TAGGABLE)?,
        other: other(form),
    })
}

pub(super) fn template(root: &Node) -> Option<Box<TemplateRef>> {
    let text = |name: &str| root.under("LaunchTemplate").text(name).map(str::to_string);
    let named = || TemplateRef {
        id: text("LaunchTemplateId"),
        name: text("LaunchTemplateName"),
        version: text("Version"),
    };
    root.has("LaunchTemplate").then(|| Box::new(named()))
}

/// The subnet is named by itself or by the first network interface, never by both.
fn subnet(root: &Node) -> Result<Option<String>, ApiError> {
    let interfaces = root.list("NetworkInterface");
    let of_interface = interfaces.iter().find_map(|node| node.text("SubnetId"));
    match (root.text("SubnetId"), interfaces.is_empty()) {
        (Some(_), false) => Err(ApiError::new(
            Code::InvalidParameterCombination,
            "Network interfaces and an instance-level subnet ID may not be specified on the same request",
        )),
        (named, _) => Ok(named.or(of_interface).map(str::to_string)),
    }
}

/// What a launch may tag.
pub(super) const TAGGABLE: [&str; 4] = ["instance", "volume", "network-interface", "spot-instances-request"];

/// What has no effect here, but must be the same again under the same token: everything unread,
/// and what the read parameters say beside what is read of them.
fn other(form: &Form) -> BTreeMap<String, String> {
    let mut other = form.others(&READ);
    let beside = form
        .others(&[])
        .into_iter()
        .filter(|(name, _)| name.starts_with("Placement.") && name != "Placement.AvailabilityZone");
    other.extend(beside);
    other
}

#[cfg(test)]
mod tests {
    use super::super::call;
    use super::*;
    use crate::sim::model::ec2::call::{Action, Call};

    fn of(text: &str) -> Call {
        call(&Form::parse(text.as_bytes()).unwrap())
    }

    fn refused(text: &str) -> (Option<Action>, &'static str) {
        let Call::Unreadable { action, error } = of(text) else { panic!("{text} was read") };
        (action, error.code.as_str())
    }

    const RUN: &str =
        "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=3&ImageId=ami-1&ClientToken=t";

    fn run(more: &str) -> RunInstances {
        let Call::RunInstances(run) = of(&format!("{RUN}&{more}")) else { panic!("{more} was not read") };
        run
    }

    #[test]
    fn a_launch_is_read_whole() {
        let run = run("SubnetId=subnet-1&InstanceType=m5.large&KeyName=k&UserData=QQ%3D%3D\
            &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=1\
            &TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=b&TagSpecification.2.Tag.1.Value=2\
            &SecurityGroupId.1=sg-1&IamInstanceProfile.Name=p");
        assert_eq!((run.min_count, run.max_count), (1, 3));
        assert_eq!(run.subnet.as_deref(), Some("subnet-1"));
        assert_eq!(run.user_data.as_deref(), Some("QQ=="));
        assert_eq!(run.tags, [("a".to_string(), "1".to_string())].into());
        let other: Vec<&str> = run.other.keys().map(String::as_str).collect();
        assert_eq!(other, ["IamInstanceProfile.Name", "SecurityGroupId.1"]);
    }

    #[test]
    fn the_signature_is_no_part_of_the_request_and_a_templates_version_is() {
        let (a, b) = (run("X-Amz-Date=1&Timestamp=1"), run("X-Amz-Date=2&Timestamp=2"));
        assert_eq!(a, b);
        let template = |v| run(&format!("LaunchTemplate.LaunchTemplateId=lt-1&LaunchTemplate.Version={v}"));
        assert_ne!(template(1), template(2));
        assert!(template(1).template.is_some() && a.template.is_none());
        assert_ne!(run("Placement.GroupName=x"), a);
    }

    #[test]
    fn an_interface_may_name_the_subnet_but_not_both() {
        let run = run("NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId=subnet-2");
        assert_eq!(run.subnet.as_deref(), Some("subnet-2"));
        let both = format!("{RUN}&SubnetId=subnet-1&NetworkInterface.1.SubnetId=subnet-2");
        assert_eq!(refused(&both), (Some(Action::RunInstances), "InvalidParameterCombination"));
    }
}
