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

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::testing::*;
    use super::super::words::{HookResult, LifecycleState as State, Transition};
    use super::*;

    fn put(pool: PutWarmPool) -> Call {
        Call::PutWarmPool { group: WEB.into(), pool }
    }

    fn running(max_prepared: i64) -> PutWarmPool {
        PutWarmPool {
            max_prepared: Some(max_prepared),
            state: Some(PoolState::Running),
            ..PutWarmPool::default()
        }
    }

    fn described(model: &mut Model, now: i64) -> Vec<&'static str> {
        let call = Call::DescribeWarmPool { group: WEB.into(), page: PageRequest::default() };
        let Answer::WarmPool { instances, .. } = model.done(call, now) else { panic!("no pool") };
        instances.iter().map(|i| i.state.as_str()).collect()
    }

    #[test]
    fn a_pool_is_filled_beside_the_group_and_used_first() {
        let mut model = serving(0, 9, 2);
        model.done(put(running(5)), 60_000);
        assert_eq!(described(&mut model, 61_000), ["Warmed:Pending"; 3]);
        assert_eq!(described(&mut model, 80_000), ["Warmed:Running"; 3]);
        assert_eq!(group(&mut model, 80_000).tally.counted(), 2);
        model.done(set_desired(4), 80_000);
        assert_eq!(in_service(&mut model, 82_000).len(), 4, "within two seconds, where a launch takes ten");
        assert_eq!(described(&mut model, 120_000), ["Warmed:Running"; 1]);
        assert_eq!(model.ledger(120_000).instances.len(), 5);
    }

    #[test]
    fn its_instances_wait_for_hooks_on_both_ways() {
        let mut model = serving(0, 9, 0);
        let up = Call::PutLifecycleHook { group: WEB.into(), hook: hook("up", Transition::Launching) };
        model.done(up, 60_000);
        model.done(put(PutWarmPool { max_prepared: Some(1), ..PutWarmPool::default() }), 60_000);
        assert_eq!(described(&mut model, 75_000), ["Warmed:Pending:Wait"]);
        let waiting = open_actions(&mut model, 75_000);
        model.done(complete(&waiting[0], HookResult::Continue), 75_000);
        assert_eq!(described(&mut model, 76_000), ["Warmed:Stopped"]);
        model.done(set_desired(1), 80_000);
        assert_eq!(ids_in(&mut model, State::PendingWait, 85_000).len(), 1);
        let waiting = open_actions(&mut model, 85_000);
        model.done(complete(&waiting[0], HookResult::Continue), 85_000);
        assert_eq!(in_service(&mut model, 86_000).len(), 1);
    }

    #[test]
    fn a_scale_in_gives_back_what_can_be_used_again() {
        let mut model = serving(0, 9, 2);
        model.done(put(PutWarmPool { reuse_on_scale_in: Some(true), ..running(3) }), 60_000);
        assert_eq!(described(&mut model, 90_000).len(), 1);
        model.done(set_desired(1), 90_000);
        assert_eq!(described(&mut model, 120_000), ["Warmed:Running"; 2]);
        assert_eq!(model.ledger(120_000).instances.iter().filter(|i| i.state.is_live()).count(), 3);
    }

    #[test]
    fn a_deleted_pool_empties() {
        for force in [false, true] {
            let mut model = serving(0, 9, 2);
            model.done(put(running(5)), 60_000);
            assert_eq!(described(&mut model, 90_000).len(), 3);
            model.done(Call::DeleteWarmPool { group: WEB.into(), force }, 90_000);
            let group = group(&mut model, 120_000);
            assert_eq!((group.tally.all(), group.tally.in_service), (2, 2));
            assert!(described(&mut model, 120_000).is_empty());
            let again = Call::DeleteWarmPool { group: WEB.into(), force };
            assert_eq!(model.refused(again, 120_000).0, "ValidationError");
        }
    }

    #[test]
    fn impossible_sizes_are_refused_and_minus_one_takes_a_limit_away() {
        let mut model = serving(0, 4, 2);
        assert_eq!(model.refused(put(running(-2)), 60_000).0, "ValidationError");
        model.done(put(running(3)), 60_000);
        assert_eq!(described(&mut model, 90_000).len(), 1);
        model.done(put(PutWarmPool { max_prepared: Some(-1), ..PutWarmPool::default() }), 90_000);
        assert_eq!(described(&mut model, 120_000).len(), 2, "up to the maximum of 4");
    }

    #[test]
    fn those_in_the_pool_cannot_be_terminated_in_the_group() {
        let mut model = serving(0, 9, 2);
        model.done(put(running(3)), 60_000);
        let warm = ids_in(&mut model, State::WarmedRunning, 90_000);
        assert!(model.refused(terminate(&warm, false), 90_000).1.contains("warm pool"));
    }
}
