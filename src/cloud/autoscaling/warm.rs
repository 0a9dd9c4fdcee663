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
