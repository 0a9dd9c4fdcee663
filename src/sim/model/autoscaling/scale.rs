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

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::PoolCapacity;
    use super::super::call::{Call, CreateGroup, Shape};
    use super::super::testing::*;
    use super::super::words::{ActivityStatus, LifecycleState as State, TerminationPolicy};
    use super::*;

    fn short(zone: &str, instances: u32) -> PoolCapacity {
        PoolCapacity { zone: zone.into(), instance_type: None, instances }
    }

    fn suspend(process: Process) -> Call {
        Call::SuspendProcesses { group: WEB.into(), processes: vec![process] }
    }

    fn resume(process: Process) -> Call {
        Call::ResumeProcesses { group: WEB.into(), processes: vec![process] }
    }

    fn created(
        change: impl FnOnce(&mut super::super::super::super::settings::Settings),
        call: CreateGroup,
    ) -> Model {
        let mut model = model(change);
        model.done(Call::CreateAutoScalingGroup(Box::new(call)), 0);
        model
    }

    #[test]
    fn it_launches_a_little_later_balanced_over_its_zones() {
        let mut model = with_group(create(0, 9, 7));
        assert_eq!(group(&mut model, 999).tally.all(), 0);
        assert_eq!(group(&mut model, 1_000).tally.coming, 7);
        assert_eq!(zones(&mut model, 1_000), [3, 2, 2]);
        assert_eq!(group(&mut model, 10_999).tally.coming, 7);
        assert_eq!(group(&mut model, 11_000).tally.in_service, 7);
        let all = activities(&mut model, 11_000);
        assert_eq!(all.len(), 7);
        assert_eq!(all[0].status, ActivityStatus::Successful);
        assert!(all[0].cause.ends_with("increasing the capacity from 0 to 7."), "{}", all[0].cause);
        assert!(all[0].description.starts_with("Launching a new EC2 instance: i-"));
    }

    #[test]
    fn it_goes_elsewhere_when_a_zone_has_no_capacity_and_says_so() {
        let mut model = created(|s| s.capacity = vec![short("us-east-1a", 1)], create(0, 9, 9));
        assert_eq!(zones(&mut model, 1_000), [1, 4, 4]);
        let failed: Vec<_> = activities(&mut model, 1_000)
            .into_iter()
            .filter(|a| a.status == ActivityStatus::Failed)
            .collect();
        assert_eq!(failed.len(), 1);
        assert!(
            failed[0].description.contains("Launching EC2 instance failed."),
            "{}",
            failed[0].description
        );
    }

    #[test]
    fn without_any_capacity_it_tries_again_less_and_less_often() {
        let zones = ["us-east-1a", "us-east-1b", "us-east-1c"];
        let mut model = created(|s| s.capacity = zones.map(|z| short(z, 0)).to_vec(), create(0, 9, 1));
        let tries = |model: &mut Model, now| {
            let mut at: Vec<i64> = activities(model, now).iter().map(|a| a.start_ms).collect();
            at.dedup();
            at
        };
        assert_eq!(tries(&mut model, 200_000), [106_000, 46_000, 16_000, 1_000]);
        let change = super::super::super::Change { capacity: Some(Vec::new()), ..Default::default() };
        model.change(&change).unwrap();
        assert_eq!(in_service(&mut model, 300_000).len(), 1);
    }

    #[test]
    fn it_launches_in_batches_if_it_is_to() {
        let mut model = created(|s| s.autoscaling.launch_batch = 3, create(0, 9, 7));
        let counted = |model: &mut Model, now| group(model, now).tally.counted();
        assert_eq!([1_000, 2_000, 3_000].map(|now| counted(&mut model, now)), [3, 6, 7]);
    }

    #[test]
    fn a_scale_in_takes_the_oldest_of_the_fullest_zone_and_no_protected_one() {
        let mut model = serving(0, 9, 4);
        model.done(set_desired(7), 60_000);
        let old: Vec<_> = in_service(&mut model, 70_000);
        assert_eq!(zones(&mut model, 120_000), [3, 2, 2]);
        let protect = Call::SetInstanceProtection { members: members(&old[..1]), protected: true };
        model.done(protect, 120_000);
        model.done(set_desired(3), 120_000);
        let gone = ids_in(&mut model, State::Terminating, 121_000);
        assert_eq!(gone.len(), 4);
        assert!(!gone.contains(&old[0]), "protected");
        assert!(old[1..].iter().all(|id| gone.contains(id)), "the oldest go first");
        assert_eq!(zones(&mut model, 180_000), [1, 1, 1]);
        assert!(activities(&mut model, 180_000)[0].cause.contains("difference between desired and actual"));
    }

    #[test]
    fn the_newest_go_first_if_that_is_the_policy() {
        let mut call = create(0, 9, 3);
        call.shape.termination_policies = vec![TerminationPolicy::NewestInstance];
        let mut model = created(|_| {}, call);
        let old = in_service(&mut model, 60_000);
        model.done(set_desired(6), 60_000);
        group(&mut model, 120_000);
        model.done(set_desired(3), 120_000);
        assert_eq!(in_service(&mut model, 180_000), old);
    }

    #[test]
    fn with_everyone_protected_a_scale_in_waits_for_nobody() {
        let mut call = create(0, 9, 3);
        call.shape.protects_new = Some(true);
        let mut model = created(|_| {}, call);
        assert_eq!(in_service(&mut model, 60_000).len(), 3);
        model.done(set_desired(0), 60_000);
        assert_eq!(in_service(&mut model, 120_000).len(), 3);
    }

    #[test]
    fn launch_and_terminate_can_be_suspended_and_are_caught_up_with() {
        let mut model = serving(0, 9, 3);
        model.done(suspend(Process::Launch), 60_000);
        model.done(set_desired(5), 60_000);
        assert_eq!(group(&mut model, 120_000).tally.counted(), 3);
        model.done(resume(Process::Launch), 120_000);
        assert_eq!(group(&mut model, 180_000).tally.in_service, 5);
        model.done(suspend(Process::Terminate), 180_000);
        model.done(set_desired(1), 180_000);
        assert_eq!(group(&mut model, 240_000).tally.in_service, 5);
        model.done(resume(Process::Terminate), 240_000);
        assert_eq!(group(&mut model, 300_000).tally.all(), 1);
    }

    /// Zone a is full up to 2 at first, so that the others get more; then it has room again.
    fn unbalanced(change: impl FnOnce(&mut super::super::super::super::settings::Settings)) -> Model {
        let both = |s: &mut super::super::super::super::settings::Settings| {
            s.capacity = vec![short("us-east-1a", 0)];
            change(s);
        };
        let mut model = created(both, create(0, 20, 10));
        assert_eq!(zones(&mut model, 12_000), [0, 5, 5]);
        let change = super::super::super::Change { capacity: Some(Vec::new()), ..Default::default() };
        model.change(&change).unwrap();
        model
    }

    #[test]
    fn zones_are_balanced_by_launching_first_and_beyond_the_desired_size_for_a_while() {
        let mut model = unbalanced(|_| {});
        assert_eq!(zones(&mut model, 900_000), [3, 3, 4]);
        let group = group(&mut model, 900_000);
        assert_eq!((group.tally.in_service, group.most_counted), (10, 12), "10 % of the maximum beyond");
    }

    #[test]
    fn a_full_group_goes_over_its_maximum_to_balance_its_zones_unless_it_may_not() {
        let full = |rebalances: bool| {
            let mut model = unbalanced(|s| s.autoscaling.switches.rebalances = rebalances);
            let shape = Shape { max: Some(10), ..Shape::default() };
            model.done(Call::UpdateAutoScalingGroup { group: WEB.into(), shape: Box::new(shape) }, 12_000);
            let group = group(&mut model, 900_000);
            (zones(&mut model, 900_000), group.most_over_max)
        };
        assert_eq!(full(true), ([3, 3, 4], 1));
        assert_eq!(full(false), ([0, 5, 5], 0));
    }

    #[test]
    fn terminating_ones_keep_their_place_if_the_switch_says_so() {
        for (counts, standing) in [(false, 6), (true, 3)] {
            let mut model = created(
                |s| {
                    s.autoscaling.switches.terminating_counts_against_max = counts;
                    s.shutdown =
                        super::super::super::super::settings::Range { min_ms: 60_000, max_ms: 60_000 };
                },
                create(0, 3, 3),
            );
            let ids = in_service(&mut model, 60_000);
            model.done(terminate(&ids, false), 60_000);
            assert_eq!(group(&mut model, 90_000).tally.all(), standing, "{counts}");
            assert_eq!(group(&mut model, 200_000).tally.in_service, 3, "{counts}");
        }
    }

    #[test]
    fn its_launches_draw_on_the_accounts_instances_if_the_switch_says_so() {
        let launched = |pays: bool| {
            let mut model = created(
                |s| {
                    s.autoscaling.switches.launches_draw_on_run_instances = pays;
                    s.buckets.run_instances_resource.start = Some(4.0);
                },
                create(0, 9, 9),
            );
            group(&mut model, 1_000).tally.counted()
        };
        assert_eq!((launched(false), launched(true)), (9, 3), "three at a time: one zone pays");
    }

    #[test]
    fn one_that_dies_while_it_boots_is_a_failed_launch_and_replaced() {
        let mut model = created(|s| s.broken = 30.0, create(0, 60, 40));
        let group = group(&mut model, 600_000);
        let ledger = model.ledger(600_000);
        let dead = |i: &&super::super::super::super::ledger::Entry| {
            i.broken == Some(super::super::super::super::fate::Broken::Dies)
        };
        assert!(ledger.instances.iter().filter(dead).count() > 0);
        assert_eq!(group.tally.counted(), 40);
        let failed = activities(&mut model, 600_000);
        let message =
            failed.iter().find(|a| a.status == ActivityStatus::Failed).and_then(|a| a.message.clone());
        assert!(message.is_some_and(|m| m.contains("Client.InternalError: Client error on launch")));
    }
}
