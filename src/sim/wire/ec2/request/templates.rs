//! Launch templates.

use super::super::super::form::{Form, Node};
use super::tags::specified;
use super::{describe, run};
use crate::sim::model::ec2::call::{
    CreateTemplate, CreateVersion, ModifyTemplate, ReadTemplates, ReadVersions, TemplateData, TemplateRef,
};
use crate::sim::model::ec2::error::ApiError;

/// Everything about the instances is below this name.
const DATA: &str = "LaunchTemplateData";

pub(super) fn create(form: &Form) -> Result<CreateTemplate, ApiError> {
    let root = form.root();
    let text = |name: &str| root.text(name).map(str::to_string);
    Ok(CreateTemplate {
        token: text("ClientToken"),
        name: text("LaunchTemplateName").ok_or_else(|| ApiError::missing("LaunchTemplateName"))?,
        description: text("VersionDescription"),
        data: data(form)?,
        tags: specified(root, "launch-template", &["launch-template"])?,
    })
}

pub(super) fn create_version(form: &Form) -> Result<CreateVersion, ApiError> {
    let root = form.root();
    let text = |name: &str| root.text(name).map(str::to_string);
    Ok(CreateVersion {
        token: text("ClientToken"),
        template: named(root, "SourceVersion"),
        description: text("VersionDescription"),
        data: data(form)?,
    })
}

pub(super) fn modify(root: &Node) -> ModifyTemplate {
    let version = if root.has("SetDefaultVersion") { "SetDefaultVersion" } else { "DefaultVersion" };
    ModifyTemplate { template: named(root, version) }
}

/// The template that a call about templates names; its version is called differently in each.
pub(super) fn named(root: &Node, version: &str) -> TemplateRef {
    let text = |name: &str| root.text(name).map(str::to_string);
    TemplateRef { id: text("LaunchTemplateId"), name: text("LaunchTemplateName"), version: text(version) }
}

pub(super) fn read(root: &Node) -> Result<ReadTemplates, ApiError> {
    Ok(ReadTemplates { read: describe(root, "LaunchTemplateId")?, names: root.texts("LaunchTemplateName") })
}

pub(super) fn read_versions(root: &Node) -> Result<ReadVersions, ApiError> {
    let named = named(root, super::NO_IDS);
    Ok(ReadVersions {
        read: describe(root, "LaunchTemplateVersion")?,
        template: (named != TemplateRef::default()).then_some(named),
        from: root.number("MinVersion")?,
        to: root.number("MaxVersion")?,
    })
}

/// What the new version says.
fn data(form: &Form) -> Result<TemplateData, ApiError> {
    if !form.root().has(DATA) {
        return Err(ApiError::missing(DATA));
    }
    let node = form.root().under(DATA);
    let text = |name: &str| node.text(name).map(str::to_string);
    let read =
        ["ImageId", "InstanceType", "KeyName", "UserData", "Placement.AvailabilityZone", "TagSpecification"];
    let below = form.others(&[]).into_iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(DATA)?.strip_prefix('.')?;
        let unread = !read
            .iter()
            .any(|r| name.strip_prefix(r).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')));
        unread.then(|| (name.to_string(), value))
    });
    Ok(TemplateData {
        image: text("ImageId"),
        instance_type: text("InstanceType"),
        key_name: text("KeyName"),
        user_data: text("UserData"),
        subnet: node.list("NetworkInterface").iter().find_map(|n| n.text("SubnetId")).map(str::to_string),
        zone: node.under("Placement").text("AvailabilityZone").map(str::to_string),
        tags: specified(node, "instance", &run::TAGGABLE)?,
        other: below.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_read_whole() {
        let text = "LaunchTemplateName=web&ClientToken=t&VersionDescription=first\
            &LaunchTemplateData.ImageId=ami-1&LaunchTemplateData.InstanceType=m5.large\
            &LaunchTemplateData.SecurityGroupId.1=sg-1&LaunchTemplateData.Placement.AvailabilityZone=us-east-1a\
            &LaunchTemplateData.NetworkInterface.1.SubnetId=subnet-1\
            &LaunchTemplateData.TagSpecification.1.ResourceType=instance\
            &LaunchTemplateData.TagSpecification.1.Tag.1.Key=a&LaunchTemplateData.TagSpecification.1.Tag.1.Value=1\
            &TagSpecification.1.ResourceType=launch-template&TagSpecification.1.Tag.1.Key=b";
        let made = create(&Form::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!((made.name.as_str(), made.token.as_deref()), ("web", Some("t")));
        assert_eq!(
            (made.data.image.as_deref(), made.data.zone.as_deref()),
            (Some("ami-1"), Some("us-east-1a"))
        );
        assert_eq!((made.data.subnet.as_deref(), made.data.tags.len()), (Some("subnet-1"), 1));
        assert_eq!(made.tags.keys().collect::<Vec<_>>(), ["b"]);
        let other: Vec<&str> = made.data.other.keys().map(String::as_str).collect();
        assert_eq!(other, ["NetworkInterface.1.SubnetId", "SecurityGroupId.1"]);
    }

    #[test]
    fn name_and_data_are_needed() {
        for text in ["LaunchTemplateName=web", "LaunchTemplateData.ImageId=ami-1"] {
            let error = create(&Form::parse(text.as_bytes()).unwrap()).unwrap_err();
            assert_eq!(error.code.as_str(), "MissingParameter", "{text}");
        }
    }
}
