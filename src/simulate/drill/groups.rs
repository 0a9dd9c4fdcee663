//! The swarm over Auto Scaling groups: alarms up and down, requests of ours, lost notifications, kills.

use crate::decide::asg::IN_ITS_STEAD;
use crate::decide::budget::api::LOOKS_AT_ONCE;
use crate::decide::group::{Asg, Launches};
use crate::decide::quarantine::words::{
    Keeping, Purpose, QuarantineEnd, QuarantineRow, QuarantineState, TAGS_AT_ONCE,
};
use crate::decide::rows::InstanceRow;
use crate::decide::words::{Origin, Phase};
use crate::sim::model::autoscaling::Ending;
use crate::sim::settings::{Faults, Range, Settings};

use super::super::dice::Dice;
use super::super::host::IDLE_DESCRIPTORS;
use super::super::oracle::Invariant;
use super::super::plan::{Alarm, Asked, Kills, Pause, Plan};
use super::super::world::{World, doors};
use super::{Drill, Figure, Ran, base, hooks};

pub(super) const GROUPS: Drill = Drill {
    name: "groups",
    about: "the swarm over Auto Scaling groups: others' alarms and our requests, lost and repeated notifications, kills",
    plans,
    each: |_: &str, _: &World| Vec::new(),
    all: |_: &[Ran]| Vec::<Figure>::new(),
    not_run: &[],
};

/// One seed in so many runs on the real store.
const REAL_STORE_EVERY: u64 = 20;

fn plans(seed: u64) -> Vec<(&'static str, Plan)> {
    let mut d = Dice::new(seed, 11);
    // In a gentle world no lifecycle action may time out.
    let gentle = d.chance(40.0);
    let faults_for_ms = d.between(60, 900) * 1_000;
    let mut aws = Settings {
        broken: d.of(&[0.0, 3.0, 10.0, 30.0]),
        shutdown: Range { min_ms: 1_000, max_ms: d.of(&[2_000, 8_000, 60_000]) },
        ..Settings::default()
    };
    aws.delivery.lost = d.of(&[0.0, 20.0, 60.0]);
    aws.delivery.copies_max = d.of(&[1, 5]);
    aws.delivery.delay = Range { min_ms: 0, max_ms: d.of(&[100, 5_000, 30_000]) };
    aws.faults.throttle = d.of(&[0.0, 0.0, 20.0]);
    aws.autoscaling.switches.rebalances = d.chance(50.0);
    if !gentle {
        aws.faults = Faults {
            throttle: d.of(&[0.0, 20.0, 50.0]),
            lost_replies: d.of(&[0.0, 5.0, 30.0]),
            lost_replies_before: d.of(&[0.0, 5.0]),
            errors: d.of(&[0.0, 5.0, 20.0]),
        };
    }
    let max = d.of(&[10, 40, 150]);
    let heartbeat_s = if gentle { d.of(&[120, 300]) } else { d.of(&[30, 60, 120, 600]) };
    let mut group = hooks::group(&aws, heartbeat_s);
    group.max = max;
    let asks: Vec<Asked> = (0..d.of(&[0, 0, 1, 2])).map(|_| ask(&mut d, max, faults_for_ms)).collect();
    // LaunchInstances is held against the desired capacity alone: beside a scale-in that has lowered it and not
    // acted yet, AWS itself goes beyond the maximum, and a launch that was lost has to be sent again.
    let scales_in = if asks.is_empty() { 25.0 } else { 0.0 };
    let alarm = |d: &mut Dice| Alarm {
        at_ms: d.between(1, faults_for_ms),
        group: 0,
        by: i64::from(d.between(1, max)) * if d.chance(scales_in) { -1 } else { 1 },
    };
    let mut alarms: Vec<Alarm> = (0..d.between(1, 4)).map(|_| alarm(&mut d)).collect();
    alarms.sort_by_key(|a| a.at_ms);
    let pauses = if d.chance(20.0) { vec![pause(&mut d, faults_for_ms)] } else { Vec::new() };
    let base = base::plan(seed);
    let mut plan = Plan {
        terminate_hooks: d.chance(40.0),
        kills: Kills { per_step: if gentle { 0.0 } else { d.of(&[0.0, 0.1, 1.0, 3.0]) }, ..Kills::default() },
        proven: d.chance(70.0),
        pauses: if gentle { Vec::new() } else { pauses },
        groups: vec![group],
        aws,
        alarms,
        asks,
        gentle,
        heal_at_ms: faults_for_ms,
        settled_by_ms: faults_for_ms + 14_400_000,
        real_store: seed.is_multiple_of(REAL_STORE_EVERY),
        descriptors: IDLE_DESCRIPTORS
            + doors::POLLS
            + base.core.contacts
            + 5
            + 4
            + 2
            + base.core.auto_scaling.in_flight
            + LOOKS_AT_ONCE
            + TAGS_AT_ONCE,
        ..base
    };
    // Some groups do not let us launch, with dice of its own, so that nothing else moves.
    if Dice::new(seed, 22).chance(40.0)
        && let Some(asg) = &mut plan.groups[0].asg
    {
        asg.launches = Launches::Desired;
    }
    plan.orders = base::zone_orders(seed, &plan, 25.0);
    base::keep_broken(seed, &mut plan, 25.0);
    base::keep_reserve(seed, &mut plan, 40.0);
    vec![("", plan)]
}

/// With a deadline always: an alarm may take the place that a request waits for, for ever.
fn ask(d: &mut Dice, max: u32, faults_for_ms: u32) -> Asked {
    let count = d.between(1, max / 2);
    let at_ms = d.between(20_000, faults_for_ms);
    Asked { at_ms, group: 0, count, by_ms: Some(at_ms + d.between(60_000, 1_200_000)) }
}

fn pause(d: &mut Dice, faults_for_ms: u32) -> Pause {
    Pause { at_ms: d.between(0, faults_for_ms), for_ms: d.between(100, 60_000) }
}

impl World {
    /// Where AWS answers and nobody dies, no lifecycle action may time out.
    pub(in crate::simulate) fn judge_hooks(&mut self) {
        let timed_out = self.model.hook_actions_ended(Ending::TimedOut);
        if self.plan.gentle && timed_out > 0 {
            let text = format!("{timed_out} lifecycle actions timed out");
            self.oracle.violated(self.now, Invariant::Hooks, text);
        }
    }

    /// A raised desired capacity makes no more instances than alarms and requests together wanted: whatever was
    /// lost, repeated or overtaken. Counted with them: slots that others serve in the stead of; and whoever waited in
    /// quarantine, was replaced by a raise, and was then ended by its group, which replaced it as well.
    pub(in crate::simulate) fn judge_sizes(&mut self) {
        let raises = |asg: &Asg| asg.launches == Launches::Desired;
        if !self.plan.groups.iter().filter_map(|g| g.asg.as_ref()).any(raises) {
            return;
        }
        let by_alarm: i64 = self.plan.alarms.iter().map(|a| a.by.max(0)).sum();
        let asked = self.books.scale_ups.values();
        let asked = asked.filter(|row| matches!(row.origin, Origin::Asked | Origin::Emergency));
        let served = asked.map(|row| i64::from(row.in_service)).sum::<i64>();
        let in_its_stead = |row: &&InstanceRow| {
            row.phase == Phase::Withdrawn && row.reason.as_ref().is_some_and(|r| r.ends_with(IN_ITS_STEAD))
        };
        let others = self.books.instances.values().filter(in_its_stead).count();
        let twice = |row: &&QuarantineRow| row.how == Keeping::Hook && row.end == Some(QuarantineEnd::Taken);
        let twice = self.books.quarantine.values().filter(twice).count();
        // One that is on its way into the reserve serves until its group has let it go.
        let for_reserve =
            |row: &&QuarantineRow| row.purpose == Purpose::Reserve && row.state == QuarantineState::Asked;
        let reserved = self.books.quarantine.values().filter(for_reserve).count();
        let wanted = by_alarm + served + i64::try_from(others + twice + reserved).unwrap_or(i64::MAX);
        let serving: u32 = self.model.tallies().map(|(_, tally)| tally.in_service).sum();
        if i64::from(serving) > wanted {
            let text = format!("{serving} serve, and {wanted} were ever wanted");
            self.oracle.violated(self.now, Invariant::I2, text);
        }
    }
}
