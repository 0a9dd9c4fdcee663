//! `DescribeAutoScalingGroups` and `DescribeAutoScalingInstances`, a page at a time.

use super::super::failure;
use super::client::texts;
use super::{AwsAutoScaling, GroupSeen, Member, Page, read};
use crate::decide::event::CallError;
use crate::decide::words::Ec2Id;

/// Most groups on a page. The default, 50, is also how many names it allows.
const GROUPS: i32 = 100;
/// Most instances on a page.
const MEMBERS: i32 = 50;

pub(super) async fn groups(
    aws: &AwsAutoScaling,
    names: &[String],
    with_members: bool,
    page: Option<&str>,
) -> Result<Page<GroupSeen>, CallError> {
    if names.is_empty() {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let request = aws
        .client
        .describe_auto_scaling_groups()
        .set_auto_scaling_group_names(Some(names.to_vec()))
        // With members is the default, and old servers do not know the parameter.
        .set_include_instances((!with_members).then_some(false))
        .max_records(GROUPS)
        .set_next_token(page.map(str::to_owned));
    let answer = aws.calls.make(request.send()).await?;
    let items = answer.auto_scaling_groups().iter().map(read::group).collect::<Result<_, _>>();
    Ok(Page { items: items.map_err(failure::unreadable)?, next: read::next(answer.next_token) })
}

pub(super) async fn members(
    aws: &AwsAutoScaling,
    ids: &[Ec2Id],
    page: Option<&str>,
) -> Result<Page<Member>, CallError> {
    if ids.is_empty() {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let request = aws
        .client
        .describe_auto_scaling_instances()
        .set_instance_ids(Some(texts(ids)))
        .max_records(MEMBERS)
        .set_next_token(page.map(str::to_owned));
    let answer = aws.calls.make(request.send()).await?;
    let items = answer.auto_scaling_instances().iter().map(read::details).collect::<Result<_, _>>();
    Ok(Page { items: items.map_err(failure::unreadable)?, next: read::next(answer.next_token) })
}
