//! `PutWarmPool`, `DescribeWarmPool`, `DeleteWarmPool`.

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::call::{Action, Answer, PageRequest, PutWarmPool};
use super::error::{ApiError, Code};
use super::member::Leaves;
use super::page::Page;
use super::warm::WarmPool;
use super::words::{PoolState, Stage};

/// Instances in one page of `DescribeWarmPool` (aws-facts 3.8).
const PAGE_MAX: u32 = 50;

impl AutoScaling {
    pub(super) fn put_warm_pool(
        &mut self,
        name: &str,
        call: &PutWarmPool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        let before = group.warm_pool.as_ref().filter(|p| !p.deleting);
        let count = |value: i64, parameter: &str| {
            u32::try_from(value).map_err(|_| {
                ApiError::constraint(value, parameter, "Member must have value greater than or equal to 0")
            })
        };
        let max_prepared = match call.max_prepared {
            None => before.and_then(|p| p.max_prepared),
            Some(-1) => None,
            Some(value) => Some(count(value, "MaxGroupPreparedCapacity")?),
        };
        let min = call.min.map(|v| count(v, "MinSize")).transpose()?.or(before.map(|p| p.min)).unwrap_or(0);
        group.warm_pool = Some(WarmPool {
            max_prepared,
            min,
            state: call.state.or(before.map(|p| p.state)).unwrap_or(PoolState::Stopped),
            reuse_on_scale_in: call
                .reuse_on_scale_in
                .or(before.map(|p| p.reuse_on_scale_in))
                .unwrap_or(false),
            deleting: false,
        });
        group.plan_scale_soon(&mut now);
        Ok(Answer::Done(Action::PutWarmPool))
    }

    pub(super) fn describe_warm_pool(
        &self,
        name: &str,
        page: &PageRequest,
        ec2: &Ec2,
    ) -> Result<Answer, ApiError> {
        let page = Page::asked(page, PAGE_MAX, PAGE_MAX)?;
        let group = self.groups.get(name).ok_or_else(|| ApiError::no_group(name))?;
        let all = group.members.values().filter(|m| matches!(m.stage(), Stage::Warm | Stage::LeavingWarm));
        let (members, next_token) = page.cut(all.map(|m| (format!("{:08x}", m.ordinal), m)));
        let instances = members.into_iter().map(|m| group.instance_view(m, ec2)).collect();
        Ok(Answer::WarmPool { pool: group.warm_pool.as_ref().map(WarmPool::view), instances, next_token })
    }

    /// By force its instances go at once and without hooks.
    pub(super) fn delete_warm_pool(
        &mut self,
        name: &str,
        force: bool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        let has = group.tally.warm + group.tally.leaving_warm;
        let Some(pool) = &mut group.warm_pool else {
            return Err(ApiError::invalid(format!("No warm pool found for the Auto Scaling group {name}")));
        };
        if !force && has > 0 && pool.deleting {
            return Err(ApiError::new(
                Code::ScalingActivityInProgress,
                "The warm pool is being deleted already.",
            ));
        }
        pool.deleting = true;
        if force {
            let warm = group.members.values().filter(|m| m.stage() == Stage::Warm).map(|m| m.ordinal);
            for ordinal in warm.collect::<Vec<_>>() {
                group.leave(ordinal, Leaves::Deletion, &mut now);
            }
        }
        group.plan_scale_soon(&mut now);
        Ok(Answer::Done(Action::DeleteWarmPool))
    }
}
