//! A group compares what it has with what it should have, and acts on the difference.

use super::activity::Activity;
use super::books::Now;
use super::group::Group;
use super::member::{Leaves, Member, Way};
use super::notify::{self, Route, second};
use super::spread::{Wanted, fewest};
use super::words::{ActivityStatus, LifecycleState, Place, Process, TerminationPolicy};

/// How soon a group goes on with what it could not do in one round.
const NEXT_ROUND_MS: i64 = 1_000;

impl Group {
    pub(super) fn scale(&mut self, now: &mut Now<'_>) {
        if self.deleting {
            return;
        }
        let counted = self.tally.counted();
        if self.extra > 0
            && self.members.values().all(|m| !m.extra || !m.state.counts() || m.in_service_ms.is_some())
        {
            // Those launched to balance the zones serve, or are gone: back to the desired size.
            self.extra = 0;
        }
        if counted < self.desired {
            self.scale_out(now);
        } else if counted > self.desired + self.extra {
            self.scale_in(now);
        }
        self.fill_pool(now);
    }

    fn scale_out(&mut self, now: &mut Now<'_>) {
        if !self.does(Process::Launch) {
            return;
        }
        if now.ms < self.retry_ms {
            return self.plan_scale(self.retry_ms, now);
        }
        let mut need = self.desired - self.tally.counted();
        if now.books.set().switches.terminating_counts_against_max {
            let taken = self.tally.counted() + self.tally.leaving;
            need = need.min(self.max.saturating_sub(taken));
        }
        self.scaled_ms = Some(now.ms);
        need -= self.take_from_pool(need, now);
        let batch = need.min(now.books.set().launch_batch);
        if batch == 0 {
            return;
        }
        let (before, after) = (self.tally.counted(), self.tally.counted() + need);
        let cause = format!(
            "an instance was started in response to a difference between desired and actual capacity, increasing \
             the capacity from {before} to {after}."
        );
        let wanted = Wanted { count: batch, state: LifecycleState::Pending, cause: &cause, extra: false };
        let launched = self.launch(&wanted, now);
        if launched > 0 {
            self.pause_ms = 0;
        }
        if launched < batch {
            self.back_off(now);
            self.plan_scale(self.retry_ms, now);
        } else if launched < need {
            self.plan_scale(now.ms + NEXT_ROUND_MS, now);
        }
    }

    /// Launches fail consistently: the next one waits longer.
    pub(super) fn back_off(&mut self, now: &mut Now<'_>) {
        let retry = now.books.set().retry;
        self.pause_ms = match self.pause_ms {
            0 => retry.first_ms,
            pause => pause.saturating_mul(2).min(retry.max_ms),
        };
        self.retry_ms = now.ms + i64::from(self.pause_ms);
    }

    /// Launched instances become members; what was not launched becomes a failed activity.
    pub(super) fn adopt(&mut self, ordinals: &[u32], wanted: &Wanted<'_>, now: &mut Now<'_>) {
        for ordinal in ordinals.iter().copied() {
            let Some(seen) = now.ec2.seen(ordinal, now.ms) else { continue };
            let until = [seen.running_ms, seen.ends_ms].into_iter().flatten().min();
            let mut member = Member::new(ordinal, seen.launch, wanted.state, now.ms);
            member.way = Way::Launched;
            member.protected = self.config.protects_new && wanted.state == LifecycleState::Pending;
            member.extra = wanted.extra;
            self.join(member, now);
            let status = ActivityStatus::PreInService;
            self.begin("Launching a new EC2 instance", wanted.cause, ordinal, status, now);
            self.enter(ordinal, wanted.state, until, now);
        }
    }

    /// A launch failed before there was an instance.
    pub(super) fn not_launched(
        &mut self,
        zone: &str,
        subnet: &str,
        cause: &str,
        why: &str,
        now: &mut Now<'_>,
    ) {
        let activity = Activity {
            id: now.books.uuid(),
            group: self.name.clone(),
            group_arn: self.arn.clone(),
            description: format!(
                "Launching a new EC2 instance.  Status Reason: {why} Launching EC2 instance failed."
            ),
            cause: format!("At {} {cause}", second(now.ms)).into(),
            start_ms: now.ms,
            end_ms: None,
            status: ActivityStatus::InProgress,
            message: None,
            zone: zone.into(),
            subnet: subnet.into(),
        };
        let number = now.books.log.begin(activity);
        let message = Some(format!("{why} Launching EC2 instance failed."));
        now.books.log.enter(number, ActivityStatus::Failed, message, now.ms);
        let Some(activity) = now.books.log.get(number).cloned() else { return };
        let route = Route { origin: Place::Ec2, destination: Place::Group };
        notify::result(notify::Result::NotLaunched, &activity, None, route, now);
    }

    fn scale_in(&mut self, now: &mut Now<'_>) {
        if !self.does(Process::Terminate) {
            return;
        }
        let surplus = self.tally.counted() - self.desired - self.extra;
        self.scaled_ms = Some(now.ms);
        for _ in 0..surplus {
            let Some(ordinal) = self.victim() else { break };
            self.leave(ordinal, Leaves::ScaleIn, now);
        }
    }

    /// Whom a scale-in takes next: of those that serve, in the fullest zone, by the group's policy.
    /// Those still on their way go only if nobody that serves may. Never a protected one.
    fn victim(&self) -> Option<u32> {
        let zones = self.by_zone();
        let policy = self.config.termination_policies.first().copied().unwrap_or(TerminationPolicy::Default);
        let free = self.members.values().filter(|m| m.state.counts() && !m.protected);
        let rank = |m: &&Member| {
            let crowd = zones.get(&m.launch.zone).copied().unwrap_or(u32::MAX);
            let serves = m.state == LifecycleState::InService;
            (serves, crowd, policy.age(m.launch.launched_ms), std::cmp::Reverse(m.ordinal))
        };
        free.max_by_key(rank).map(|m| m.ordinal)
    }

    /// The zones are out of balance by two or more: a while later, new ones are launched in the
    /// emptiest, up to 10 % of the maximum beyond the desired size, before as many elsewhere go
    /// (aws-facts 3.3).
    pub(super) fn rebalance(&mut self, now: &mut Now<'_>) {
        let set = now.books.set();
        let (on, range) = (set.switches.rebalances, set.rebalances_after);
        let may = on && self.does(Process::AzRebalance) && self.does(Process::Launch);
        let quiet = self.tally.coming == 0 && self.tally.counted() == self.desired && self.extra == 0;
        let zones = self.by_zone();
        let open =
            zones.iter().filter(|(zone, _)| self.short.get(*zone).is_none_or(|until| *until <= now.ms));
        let (Some((zone, least)), Some(most)) = (fewest(open), zones.values().max()) else { return };
        let gap = most.saturating_sub(least);
        if !may || !quiet || gap < 2 {
            self.rebalances_ms = None;
            return;
        }
        match self.rebalances_ms {
            None => self.rebalances_ms = Some(now.after(range)),
            Some(at) if at > now.ms => {}
            Some(_) => {
                self.rebalances_ms = None;
                let count = (gap / 2).min((self.max / 10).max(1));
                let cause = format!(
                    "an instance was launched in {zone} to balance instances in zones. An instance elsewhere will be \
                     terminated."
                );
                self.extra = count;
                let wanted = Wanted { count, state: LifecycleState::Pending, cause: &cause, extra: true };
                self.extra = self.launch_in(&zone, &wanted, now);
                self.note_peaks();
            }
        }
    }
}
