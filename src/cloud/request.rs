//! Our words into EC2's: the three requests.

use aws_sdk_ec2::operation::run_instances::builders::RunInstancesInputBuilder;
use aws_sdk_ec2::types::{
    IamInstanceProfileSpecification, InstanceType, LaunchTemplateSpecification, ResourceType, Tag,
    TagSpecification,
};
use aws_smithy_types::base64;

use crate::decide::group::{LaunchBody, LaunchTemplate};

/// `RunInstances`: nothing in it depends on anything but the body, so that sending it again is
/// sending the same.
pub(super) fn run_instances(body: &LaunchBody) -> RunInstancesInputBuilder {
    RunInstancesInputBuilder::default()
        .client_token(&body.token)
        .min_count(count(body.min_count))
        .max_count(count(body.max_count))
        // The subnet fixes the zone, and with it the scope of the token.
        .subnet_id(&body.subnet)
        .set_image_id(body.image.clone())
        .instance_type(InstanceType::from(body.instance_type.as_str()))
        .set_launch_template(body.template.as_ref().map(template))
        .set_security_group_ids(some(body.security_groups.clone()))
        .set_key_name(body.key_name.clone())
        .set_iam_instance_profile(body.instance_profile.as_deref().map(profile))
        .set_user_data(body.user_data.as_deref().map(base64::encode))
        .set_tag_specifications(some(tags(body)))
}

fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Absent rather than empty: EC2 takes an empty list for a mistake.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn template(t: &LaunchTemplate) -> LaunchTemplateSpecification {
    let spec = LaunchTemplateSpecification::builder().version(&t.version);
    if t.id.starts_with("lt-") { spec.launch_template_id(&t.id) } else { spec.launch_template_name(&t.id) }
        .build()
}

fn profile(named: &str) -> IamInstanceProfileSpecification {
    let spec = IamInstanceProfileSpecification::builder();
    if named.starts_with("arn:") { spec.arn(named) } else { spec.name(named) }.build()
}

/// The tags on instances and on volumes. Tags given at launch spend no `CreateTags` tokens.
fn tags(body: &LaunchBody) -> Vec<TagSpecification> {
    if body.tags.is_empty() {
        return Vec::new();
    }
    let tags =
        body.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect::<Vec<_>>();
    [ResourceType::Instance, ResourceType::Volume]
        .into_iter()
        .map(|on| TagSpecification::builder().resource_type(on).set_tags(Some(tags.clone())).build())
        .collect()
}
