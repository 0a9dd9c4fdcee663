//! `DescribeWarmPool`.

use super::super::failure;
use super::{AwsAutoScaling, Page, WarmPoolSeen, read};
use crate::decide::event::CallError;

/// Most instances on a page.
const PAGE: i32 = 50;

pub(super) async fn describe(
    aws: &AwsAutoScaling,
    group: &str,
    page: Option<&str>,
) -> Result<WarmPoolSeen, CallError> {
    let request = aws
        .client
        .describe_warm_pool()
        .auto_scaling_group_name(group)
        .max_records(PAGE)
        .set_next_token(page.map(str::to_owned));
    let answer = aws.calls.make(request.send()).await?;
    let pool = answer.warm_pool_configuration().map(read::warm_pool).transpose();
    let items = answer.instances().iter().map(|i| read::member(group, i)).collect::<Result<_, _>>();
    let seen = pool.and_then(|pool| Ok((pool, items?))).map_err(failure::unreadable)?;
    Ok(WarmPoolSeen { pool: seen.0, members: Page { items: seen.1, next: read::next(answer.next_token) } })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, exchanged};
    use super::super::{AutoScaling, Lifecycle, PoolState};

    #[tokio::test]
    async fn a_pool_is_shown_with_its_instances() {
        let text = answer(
            "DescribeWarmPool",
            "<WarmPoolConfiguration><MinSize>2</MinSize><PoolState>Running</PoolState>\
             <MaxGroupPreparedCapacity>-1</MaxGroupPreparedCapacity></WarmPoolConfiguration>\
             <Instances><member><InstanceId>i-01</InstanceId><LifecycleState>Warmed:Running</LifecycleState>\
             </member></Instances>",
        );
        let (seen, sent) =
            exchanged("200 OK", &text, async |aws| aws.describe_warm_pool("web", Some("p")).await).await;
        let seen = seen.unwrap();
        let pool = seen.pool.unwrap();
        assert_eq!((pool.state, pool.min, pool.max_prepared), (PoolState::Running, 2, None));
        let member = &seen.members.items[0];
        assert_eq!((member.group.as_str(), member.state), ("web", Lifecycle::WarmedRunning));
        insta::assert_snapshot!(sent.join("\n\n"), @r"
        Action=DescribeWarmPool
        AutoScalingGroupName=web
        MaxRecords=50
        NextToken=p
        Version=2011-01-01
        ");
    }

    #[tokio::test]
    async fn a_group_without_a_pool_has_none() {
        let text = answer("DescribeWarmPool", "<Instances/>");
        let (seen, _) =
            exchanged("200 OK", &text, async |aws| aws.describe_warm_pool("web", None).await).await;
        let seen = seen.unwrap();
        assert!(seen.pool.is_none() && seen.members.items.is_empty() && seen.members.next.is_none());
    }
}
