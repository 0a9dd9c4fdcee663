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

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, exchanged};
    use super::super::{AutoScaling, Lifecycle, Page};
    use crate::decide::words::Ec2Id;

    const GROUPS: &str = "DescribeAutoScalingGroups";
    const INSTANCES: &str = "DescribeAutoScalingInstances";

    fn names() -> [String; 2] {
        ["web", "api"].map(str::to_owned)
    }

    #[tokio::test]
    async fn a_page_of_groups_is_one_request() {
        let text = answer(
            GROUPS,
            "<AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName><MinSize>0</MinSize>\
             <MaxSize>4</MaxSize><DesiredCapacity>2</DesiredCapacity></member></AutoScalingGroups>\
             <NextToken>more</NextToken>",
        );
        let (page, sent) =
            exchanged("200 OK", &text, async |aws| aws.describe_groups(&names(), false, Some("now")).await)
                .await;
        let page = page.unwrap();
        assert_eq!((page.items.len(), page.next.as_deref()), (1, Some("more")));
        let group = &page.items[0];
        assert_eq!((group.name.as_str(), group.min, group.max, group.desired), ("web", 0, 4, 2));
        insta::assert_snapshot!(sent.join("\n\n"), @r"
        Action=DescribeAutoScalingGroups
        AutoScalingGroupNames.member.1=web
        AutoScalingGroupNames.member.2=api
        IncludeInstances=false
        MaxRecords=100
        NextToken=now
        Version=2011-01-01
        ");
    }

    #[tokio::test]
    async fn with_members_is_what_servers_do_anyway() {
        let text = answer(GROUPS, "<AutoScalingGroups/><NextToken></NextToken>");
        let (page, sent) =
            exchanged("200 OK", &text, async |aws| aws.describe_groups(&names(), true, None).await).await;
        assert_eq!(page, Ok(Page { items: vec![], next: None }));
        assert!(!sent[0].contains("IncludeInstances") && !sent[0].contains("NextToken"), "{}", sent[0]);
    }

    #[tokio::test]
    async fn members_are_described_by_their_ids() {
        let text = answer(
            INSTANCES,
            "<AutoScalingInstances><member><AutoScalingGroupName>web</AutoScalingGroupName>\
             <InstanceId>i-01</InstanceId><LifecycleState>Pending:Wait</LifecycleState>\
             <HealthStatus>HEALTHY</HealthStatus></member></AutoScalingInstances>",
        );
        let ids: [Ec2Id; 1] = ["i-01".parse().unwrap()];
        let (page, sent) =
            exchanged("200 OK", &text, async |aws| aws.describe_members(&ids, None).await).await;
        let member = page.unwrap().items.remove(0);
        assert_eq!((member.group.as_str(), member.state), ("web", Lifecycle::PendingWait));
        assert!(member.healthy);
        insta::assert_snapshot!(sent.join("\n\n"), @r"
        Action=DescribeAutoScalingInstances
        InstanceIds.member.1=i-01
        MaxRecords=50
        Version=2011-01-01
        ");
    }

    /// To Auto Scaling no names would be all.
    #[tokio::test]
    async fn nothing_is_described_without_asking() {
        let (all, sent) = exchanged("200 OK", &answer(GROUPS, ""), async |aws| {
            let groups = aws.describe_groups(&[], true, None).await?.items.len();
            Ok(groups + aws.describe_members(&[], None).await?.items.len())
        })
        .await;
        assert_eq!((all, sent.len()), (Ok(0), 0));
    }
}
