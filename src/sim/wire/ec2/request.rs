//! From the query protocol's parameters to EC2's calls.

use std::collections::BTreeMap;

use super::super::super::model::ec2::call::{Action, Call, Filter, Read, RunInstances, TemplateRef};
use super::super::super::model::ec2::error::{ApiError, Code};
use super::super::form::{Form, FormError, Node};

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

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(form: &Form) -> Call {
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
        Action::RunInstances => Call::RunInstances(run_instances(form)?),
        Action::DescribeInstances => Call::DescribeInstances(describe(root, "InstanceId")?),
        Action::TerminateInstances => Call::TerminateInstances { ids: root.texts("InstanceId") },
        Action::DescribeSubnets => Call::DescribeSubnets(describe(root, "SubnetId")?),
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

fn run_instances(form: &Form) -> Result<RunInstances, ApiError> {
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
        tags: tags(root)?,
        other: other(form),
    })
}

fn template(root: &Node) -> Option<Box<TemplateRef>> {
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

/// The tags for the instances.
fn tags(root: &Node) -> Result<BTreeMap<String, String>, ApiError> {
    const KINDS: [&str; 4] = ["instance", "volume", "network-interface", "spot-instances-request"];
    let mut tags = BTreeMap::new();
    for specification in root.list("TagSpecification") {
        let kind = specification
            .text("ResourceType")
            .ok_or_else(|| ApiError::missing("TagSpecification.ResourceType"))?;
        if !KINDS.contains(&kind) {
            return Err(ApiError::invalid(format!(
                "'{kind}' is not a valid taggable resource type for this operation."
            )));
        }
        for tag in specification.list("Tag").into_iter().filter(|_| kind == "instance") {
            let key = tag.text("Key").ok_or_else(|| ApiError::missing("Tag.Key"))?.to_string();
            let value = tag.text("Value").unwrap_or_default().to_string();
            if tags.insert(key.clone(), value).is_some() {
                return Err(ApiError::invalid(format!("Duplicate tag key '{key}' specified.")));
            }
        }
    }
    Ok(tags)
}

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
