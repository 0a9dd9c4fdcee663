//! A group looks at its instances, and replaces those that are not well (aws-facts 3.4).

use super::super::ec2::State;
use super::agenda::Event;
use super::books::Now;
use super::group::Group;
use super::member::{Leaves, Member};
use super::words::{HealthStatus, Process, Stage};

/// Replacing the unhealthy waits until more than this share of the desired capacity serves.
const SERVING_SHARE: f64 = 90.0;

impl Group {
    /// The regular look: who has ended, who is unhealthy, are the zones in balance?
    pub(super) fn look(&mut self, now: &mut Now<'_>) {
        self.looks = false;
        if self.does(Process::HealthCheck) {
            let ordinals: Vec<u32> = self.members.keys().copied().collect();
            for ordinal in ordinals {
                self.look_at(ordinal, now);
            }
        }
        self.replace(now);
        self.rebalance(now);
        self.plan_look(now);
    }

    fn look_at(&mut self, ordinal: u32, now: &mut Now<'_>) {
        let Some(seen) = now.ec2.seen(ordinal, now.ms) else { return };
        let range = now.books.set().end_noticed_after;
        let trusts = self.config.trusts_load_balancers() && !self.target_groups.is_empty();
        let grace_ms = i64::from(self.config.health_check_grace_period) * 1_000;
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        match member.stage() {
            Stage::Coming | Stage::InService | Stage::Warm | Stage::Retained => {}
            // Nobody looks at those.
            Stage::Aside | Stage::Leaving | Stage::LeavingWarm => return,
        }
        if !seen.state.is_live() {
            if !member.noticed {
                member.noticed = true;
                let ended = seen.ends_ms.unwrap_or(now.ms);
                let at = (ended + now.books.draw(range)).max(now.ms);
                now.books.agenda.plan(at, Event::Ended(self.name.clone(), ordinal));
            }
            return;
        }
        // The agent's own health endpoint stands for the load balancer's check.
        let old_enough = member.in_service_ms.is_some_and(|since| since + grace_ms <= now.ms);
        if trusts && member.registered && old_enough && seen.state == State::Running && !seen.serving {
            member.health = HealthStatus::Unhealthy;
        }
    }

    /// The group notices that a member's instance has ended.
    pub(super) fn ended(&mut self, ordinal: u32, now: &mut Now<'_>) {
        if !self.does(Process::HealthCheck) {
            if let Some(member) = self.members.get_mut(&ordinal) {
                member.noticed = false;
            }
            return;
        }
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        match member.stage() {
            Stage::Coming | Stage::InService | Stage::Warm => {
                member.health = HealthStatus::Unhealthy;
                self.replace(now);
            }
            Stage::Retained => {
                self.remove(ordinal, now);
            }
            Stage::Aside | Stage::Leaving | Stage::LeavingWarm => {}
        }
    }

    /// Replaces the unhealthy: those that have ended or that somebody called unhealthy at once, the
    /// others a few at a time.
    pub(super) fn replace(&mut self, now: &mut Now<'_>) {
        if !self.does(Process::ReplaceUnhealthy) || !self.does(Process::Terminate) {
            return;
        }
        let unhealthy = |m: &&Member| {
            let here = matches!(m.stage(), Stage::Coming | Stage::InService | Stage::Warm);
            here && m.health == HealthStatus::Unhealthy
        };
        let mut now_or_later: Vec<(u32, Leaves)> = Vec::new();
        for member in self.members.values().filter(unhealthy) {
            let live = now.ec2.seen(member.ordinal, now.ms).is_some_and(|s| s.state.is_live());
            let why = match (live, member.marked_by_user) {
                (false, _) => Leaves::NotRunning,
                (true, true) => Leaves::UserHealth,
                (true, false) => Leaves::LoadBalancerHealth,
            };
            now_or_later.push((member.ordinal, why));
        }
        let mut few = self.may_replace(now);
        for (ordinal, why) in now_or_later {
            if why == Leaves::LoadBalancerHealth {
                if few == 0 {
                    continue;
                }
                few -= 1;
            }
            self.leave(ordinal, why, now);
        }
    }

    /// How many more that run may be replaced now: 10 % of the desired capacity at a time, at least
    /// one, and none while too few serve.
    fn may_replace(&self, now: &Now<'_>) -> u32 {
        let desired = f64::from(self.desired);
        let share = (desired * now.books.set().replaced_at_once / 100.0).floor();
        // At most the desired capacity, which is a u32.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at_once = (share as u32).max(1);
        let leaving = self.members.values().filter(|m| m.leaves == Some(Leaves::LoadBalancerHealth));
        let under_way = u32::try_from(leaving.count()).unwrap_or(u32::MAX);
        let enough = f64::from(self.tally.in_service) > desired * SERVING_SHARE / 100.0 || under_way == 0;
        if enough { at_once.saturating_sub(under_way) } else { 0 }
    }
}
