//! Launch templates.

use std::io;

use super::super::super::xml::{Xml, time};
use super::{creator, tag_set};
use crate::sim::model::ec2::call::{TemplateData, TemplateView, VersionView};

pub(super) fn template(x: &mut Xml, t: &TemplateView) -> io::Result<()> {
    x.text("launchTemplateId", &t.id)?;
    x.text("launchTemplateName", &t.name)?;
    x.text("createTime", &time(t.created_ms))?;
    x.text("createdBy", &creator())?;
    x.text("defaultVersionNumber", &t.default.to_string())?;
    x.text("latestVersionNumber", &t.latest.to_string())?;
    tag_set(x, &t.tags)
}

pub(super) fn version(x: &mut Xml, v: &VersionView) -> io::Result<()> {
    x.text("launchTemplateId", &v.id)?;
    x.text("launchTemplateName", &v.name)?;
    x.text("versionNumber", &v.number.to_string())?;
    x.optional("versionDescription", v.version.description.as_deref())?;
    x.text("createTime", &time(v.version.created_ms))?;
    x.text("createdBy", &creator())?;
    x.text("defaultVersion", if v.is_default { "true" } else { "false" })?;
    x.element("launchTemplateData", |x| data(x, &v.version.data))
}

fn data(x: &mut Xml, d: &TemplateData) -> io::Result<()> {
    let other = |name: &str| d.other.get(name).map(String::as_str);
    x.optional("imageId", d.image.as_deref())?;
    x.optional("instanceType", d.instance_type.as_deref())?;
    x.optional("keyName", d.key_name.as_deref())?;
    x.optional("userData", d.user_data.as_deref())?;
    x.optional("disableApiTermination", other("DisableApiTermination"))?;
    x.optional("ebsOptimized", other("EbsOptimized"))?;
    if let Some(zone) = &d.zone {
        x.element("placement", |x| x.text("availabilityZone", zone))?;
    }
    if d.other.keys().any(|name| name.starts_with("IamInstanceProfile.")) {
        x.element("iamInstanceProfile", |x| {
            x.optional("arn", other("IamInstanceProfile.Arn"))?;
            x.optional("name", other("IamInstanceProfile.Name"))
        })?;
    }
    let groups: Vec<&str> = d
        .other
        .iter()
        .filter(|(name, _)| name.starts_with("SecurityGroupId."))
        .map(|(_, id)| id.as_str())
        .collect();
    if !groups.is_empty() {
        x.list("securityGroupIdSet", groups, Xml::plain)?;
    }
    if let Some(subnet) = &d.subnet {
        x.list("networkInterfaceSet", [subnet], |x, subnet| {
            x.text("deviceIndex", other("NetworkInterface.1.DeviceIndex").unwrap_or("0"))?;
            x.text("subnetId", subnet)
        })?;
    }
    if d.tags.is_empty() {
        return Ok(());
    }
    x.list("tagSpecificationSet", ["instance"], |x, kind| {
        x.text("resourceType", kind)?;
        tag_set(x, &d.tags)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::{Call, CreateTemplate, ReadVersions, TemplateData, TemplateRef};
    use crate::sim::model::ec2::testing::{Ask, plain};

    #[test]
    fn a_template_and_its_version_are_written_as_ec2_writes_them() {
        let mut model = plain();
        let pair = |k: &str, v: &str| (k.to_string(), v.to_string());
        let data = TemplateData {
            image: Some("ami-1".into()),
            tags: [pair("a", "1")].into(),
            other: [pair("SecurityGroupId.1", "sg-1"), pair("IamInstanceProfile.Name", "p")].into(),
            ..TemplateData::default()
        };
        let call = CreateTemplate { name: "web".into(), data, ..CreateTemplate::default() };
        let out = text(&model.ask(&Call::CreateLaunchTemplate(Box::new(call)), 0));
        for part in [
            "<CreateLaunchTemplateResponse xmlns",
            "<launchTemplate><launchTemplateId>lt-0",
            "<launchTemplateName>web</launchTemplateName><createTime>1970-01-01T00:00:00.000Z</createTime>",
            "<defaultVersionNumber>1</defaultVersionNumber><latestVersionNumber>1</latestVersionNumber>",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
        let template = Some(TemplateRef { name: Some("web".into()), ..TemplateRef::default() });
        let read = ReadVersions { template, ..ReadVersions::default() };
        let out = text(&model.ask(&Call::DescribeLaunchTemplateVersions(read), 0));
        let data = "<launchTemplateData><imageId>ami-1</imageId>\
            <iamInstanceProfile><name>p</name></iamInstanceProfile>\
            <securityGroupIdSet><item>sg-1</item></securityGroupIdSet>\
            <tagSpecificationSet><item><resourceType>instance</resourceType>\
            <tagSet><item><key>a</key><value>1</value></item></tagSet></item></tagSpecificationSet>\
            </launchTemplateData></item></launchTemplateVersionSet>";
        assert!(out.contains(data), "{out}");
    }
}
