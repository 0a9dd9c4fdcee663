//! A warm pool: instances that are launched ahead and wait beside the group (aws-facts 3.8). They
//! run hooks on their way in, and again on their way into service.
//!
//! EC2's part of stopping and hibernating is not modelled: an instance that the pool shows as
//! stopped runs on.

use super::books::Now;
use super::group::Group;
use super::member::{Leaves, Way};
use super::spread::Wanted;
use super::view::WarmPoolView;
use super::words::{ActivityStatus, LifecycleState as State, PoolState, Process};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WarmPool {
    /// Pool and desired capacity together; none: the group's maximum.
    pub(super) max_prepared: Option<u32>,
    pub(super) min: u32,
    pub(super) state: PoolState,
    pub(super) reuse_on_scale_in: bool,
    pub(super) deleting: bool,
}

impl WarmPool {
    pub(super) fn view(&self) -> WarmPoolView {
        WarmPoolView {
            max_prepared: self.max_prepared,
            min: self.min,
            state: self.state,
            reuse_on_scale_in: self.reuse_on_scale_in,
            deleting: self.deleting,
        }
    }

    /// Instances go back to it on scale-in.
    pub(super) fn takes_back(&self) -> bool {
        self.reuse_on_scale_in && !self.deleting
    }
}

fn rests(state: State) -> bool {
    matches!(state, State::WarmedRunning | State::WarmedStopped | State::WarmedHibernated)
}

impl Group {
    /// So many of the pool begin their way into service; how many there were.
    pub(super) fn take_from_pool(&mut self, most: u32, now: &mut Now<'_>) -> u32 {
        let ready = self.members.values().filter(|m| rests(m.state)).map(|m| m.ordinal);
        let ready: Vec<u32> = ready.take(most as usize).collect();
        for ordinal in &ready {
            if let Some(member) = self.members.get_mut(ordinal) {
                member.way = Way::FromWarmPool;
                member.protected = self.config.protects_new;
            }
            let cause = "an instance was taken from the warm pool in response to a difference between desired and \
                         actual capacity.";
            let what = "Launching a new EC2 instance from warm pool";
            self.begin(what, cause, *ordinal, ActivityStatus::PreInService, now);
            let until = now.passing();
            self.enter(*ordinal, State::Pending, Some(until), now);
        }
        u32::try_from(ready.len()).unwrap_or(most)
    }

    /// It rests in the pool now.
    pub(super) fn rest(&mut self, ordinal: u32, now: &mut Now<'_>) {
        let state = match self.warm_pool.as_ref().map(|p| p.state) {
            Some(PoolState::Stopped) => State::WarmedStopped,
            Some(PoolState::Hibernated) => State::WarmedHibernated,
            Some(PoolState::Running) | None => State::WarmedRunning,
        };
        if let Some(member) = self.members.get_mut(&ordinal) {
            (member.to_pool, member.hooked_out) = (false, false);
            (member.leaves, member.in_service_ms) = (None, None);
        }
        self.enter(ordinal, state, None, now);
        self.settled(ordinal, ActivityStatus::Successful, None, now);
        self.plan_scale(now.ms, now);
    }

    /// Brings the pool to its size.
    pub(super) fn fill_pool(&mut self, now: &mut Now<'_>) {
        let Some(pool) = &self.warm_pool else { return };
        let wanted = if pool.deleting {
            0
        } else {
            pool.max_prepared.unwrap_or(self.max).saturating_sub(self.desired).max(pool.min)
        };
        let has = self.tally.warm;
        if has < wanted && self.tally.counted() >= self.desired && self.does(Process::Launch) {
            if now.ms < self.retry_ms {
                return self.plan_scale(self.retry_ms, now);
            }
            let count = (wanted - has).min(now.books.set().launch_batch);
            let cause = "an instance was started to fill the warm pool.";
            let wanted = Wanted { count, state: State::WarmedPending, cause, extra: false };
            if self.launch(&wanted, now) < count {
                self.back_off(now);
                self.plan_scale(self.retry_ms, now);
            }
        } else if has > wanted && self.does(Process::Terminate) {
            let over = (has - wanted) as usize;
            let resting = self.members.values().filter(|m| rests(m.state)).map(|m| m.ordinal);
            let why = if pool.deleting { Leaves::Deletion } else { Leaves::ScaleIn };
            for ordinal in resting.take(over).collect::<Vec<_>>() {
                self.leave(ordinal, why, now);
            }
        }
        if self.warm_pool.as_ref().is_some_and(|p| p.deleting)
            && self.tally.warm + self.tally.leaving_warm == 0
        {
            self.warm_pool = None;
        }
    }
}
