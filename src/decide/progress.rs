//! What is shown: progress, reasons and estimates, read off the books without deciding anything.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Core;
use super::budget::api::ApiBudget;
use super::launches::MOST_IN_GROUP;
use super::ledger::ScaleUp;
use super::pace;
use super::signal::Agreement;
use super::signal::agree::agreement;
use super::view::{AsgView, FailingLaunch, GroupView, Progress, View, Waiting};
use super::wait::Wait;
use super::words::{Phase, ScaleUpSeq, Time};

/// Scale-ups that are done and still shown.
const RECENT: usize = 100;

/// The last scale-ups that ended, oldest first.
#[derive(Debug, Default)]
pub struct Recent(VecDeque<Progress>);

impl Recent {
    pub fn push(&mut self, p: Progress) {
        if self.0.len() == RECENT {
            self.0.pop_front();
        }
        self.0.push_back(p);
    }
}

/// The share of a scale-up's instances that broke, at most nine in ten; 0 until 20 have ended up
/// somehow.
fn share_broken(s: &ScaleUp) -> f64 {
    let ended = s.broken_so_far + s.row.in_service;
    if ended < 20 { 0.0 } else { (f64::from(s.broken_so_far) / f64::from(ended)).min(0.9) }
}

/// Launches that it takes to have so many that work.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
fn with_replacements(n: u32, broken: f64) -> u32 {
    (f64::from(n) / (1.0 - broken)).ceil() as u32
}

/// A scale-up that is done, as it is shown from now on.
#[must_use]
pub fn of_closed(s: &ScaleUp) -> Progress {
    Progress {
        seq: s.row.seq,
        id: s.row.id.clone(),
        group: s.row.group.clone(),
        origin: s.row.origin,
        wanted: s.row.wanted,
        state: s.row.state,
        accepted_at: s.row.accepted_at,
        by: s.row.by,
        done_at: s.row.done_at,
        phases: s.phases,
        broken_so_far: s.broken_so_far,
        waits: Vec::new(),
        eta: s.row.done_at,
        late: false,
    }
}

impl Core {
    /// Everything that is shown, as of now.
    #[must_use]
    pub fn view(&self, now: Time) -> View {
        let launching = self.launching_waits();
        let permits = self.permit_waits();
        let mut scale_ups: Vec<Progress> = self.recent.0.iter().cloned().collect();
        // Older scale-ups of a group go first: what each waits for includes what they want.
        let mut ahead = vec![0; self.ledger.groups.len()];
        for s in self.ledger.scale_ups.values() {
            ahead[s.group] += s.phases.get(Phase::Queued);
            scale_ups.push(self.progress(s, ahead[s.group], &launching, &permits, now));
        }
        View {
            at: now,
            scale_ups,
            groups: self.group_views(now),
            scale_ins: self.retiring.scale_ins.views(),
            zones: self.zone_views(),
            budgets: self.budgets().iter().flat_map(|a| a.views(now)).collect(),
            contacts: self.contacts.view(),
            keep_failing: self.keep_failing(),
            hooks_expired: self.hooks.expired,
            holds: self.hold_views(),
            freezes: self.freeze_views(),
            quarantine: self.quarantine_views(),
            never_shown: self.boots.never_shown,
        }
    }

    /// When a scale-up's last slot is expected in service; `None` if that waits for something that
    /// has no time (a full group, a breaker, a limit).
    ///
    /// `queued` counts the slots of its group that are launched before its last: its own and those
    /// of older scale-ups. What breaks is counted in, at the rate at which its instances have done so far.
    #[must_use]
    pub fn eta(&self, s: &ScaleUp, queued: u32, now: Time) -> Option<Time> {
        let tokens = self.run.instances()?;
        let under_way = [Phase::Booting, Phase::Configuring, Phase::Verifying, Phase::Admitting];
        let under_way: u32 = under_way.iter().map(|p| s.phases.get(*p)).sum();
        let shape = self.paces[s.group].shape(under_way);
        let broken = share_broken(s);
        let mut eta = now;
        let mut last_launch = now;
        let fresh = Duration::ZERO;
        if s.phases.get(Phase::Queued) > 0 {
            let launches = with_replacements(queued, broken);
            last_launch = self.launched_by(s.group, launches, now)?;
            eta = eta.max(pace::eta(now, self.at_once(s.group, now), launches, last_launch, shape));
        }
        if s.phases.get(Phase::Launching) > 0 {
            let claimed = self.claimed();
            let last = if claimed > 0 { tokens.passed_at(now, claimed) } else { now };
            eta = eta.max(last.plus(shape.slowest(s.phases.get(Phase::Launching), fresh)));
        }
        if under_way > 0 {
            let launched = s.entered[Phase::Launching as usize];
            eta = eta.max(launched.plus(shape.slowest(under_way, now.since(launched))));
        }
        // What is being taken away has to be launched once more.
        let going = s.phases.get(Phase::Broken) + s.phases.get(Phase::Terminating);
        if going > 0 {
            eta = eta.max(now.plus(shape.slowest(going, fresh)));
        }
        let open = s.row.wanted - s.phases.get(Phase::InService) - s.phases.get(Phase::Withdrawn);
        if open > 0 && self.asgs[s.group].asks_to_be_answered() {
            // Each is told to go on, and whoever broke to give up, by a call of its own.
            let ahead =
                self.hooks.iter().filter(|h| h.row.instance.is_none_or(|i| i.slot.scale_up != s.row.seq));
            let ahead = u32::try_from(ahead.count()).unwrap_or(u32::MAX);
            eta = eta.max(self.auto_passed(now, ahead.saturating_add(with_replacements(open, broken))));
        }
        let launched = if last_launch > now {
            last_launch
        } else {
            s.entered[Phase::Launching as usize].max(s.row.accepted_at)
        };
        Some(eta.max(pace::replaced(launched, open, broken, shape).unwrap_or(eta)))
    }

    /// When the last of so many more launches in a group will have gone out.
    pub(super) fn launched_by(&self, group: usize, launches: u32, now: Time) -> Option<Time> {
        if self.asgs[group].name.is_some() {
            // They draw on no tokens but those of the calls.
            return Some(self.auto_passed(now, launches.div_ceil(MOST_IN_GROUP)));
        }
        // Launches that are sent again take their tokens first.
        Some(self.run.instances()?.passed_at(now, self.claimed().saturating_add(launches)))
    }

    /// Instances of a group that could be launched now.
    pub(super) fn at_once(&self, group: usize, now: Time) -> u32 {
        if self.asgs[group].name.is_some() {
            return self.auto.calls_in_hand(now).saturating_mul(MOST_IN_GROUP);
        }
        self.run.instance_tokens(now).saturating_sub(self.claimed())
    }

    /// Lifecycle actions that wait for an answer, of every group.
    pub(super) fn hooks_open_in_all(&self) -> u32 {
        u32::try_from(self.hooks.iter().count()).unwrap_or(u32::MAX)
    }

    /// When so many more calls of Auto Scaling will have got through, at the pace that was learned.
    pub(super) fn auto_passed(&self, now: Time, calls: u32) -> Time {
        pace::passed(now, calls, self.auto.calls_in_hand(now), self.auto.yields())
    }

    fn progress(
        &self,
        s: &ScaleUp,
        queued: u32,
        launching: &BTreeMap<ScaleUpSeq, Vec<Waiting>>,
        permits: &BTreeMap<(ScaleUpSeq, Phase), u32>,
        now: Time,
    ) -> Progress {
        let mut waits = launching.get(&s.row.seq).cloned().unwrap_or_default();
        let mut add = |count: u32, wait: Option<Wait>| {
            if let (Some(wait), true) = (wait, count > 0) {
                waits.push(Waiting { count, wait });
            }
        };
        add(s.phases.get(Phase::Queued), self.launches.plans[s.group].wait.clone());
        let patience = &self.patience[s.group];
        let until = |p: Phase| patience.limit(p).map_or(Time::NEVER, |l| s.entered[p as usize].plus(l));
        add(s.phases.get(Phase::Booting), Some(Wait::Booting { until: until(Phase::Booting) }));
        let held_up = |p: Phase| permits.get(&(s.row.seq, p)).copied().unwrap_or(0).min(s.phases.get(p));
        let (configuring, verifying) = (held_up(Phase::Configuring), held_up(Phase::Verifying));
        add(
            s.phases.get(Phase::Configuring) - configuring,
            Some(Wait::Configuring { until: until(Phase::Configuring) }),
        );
        add(
            s.phases.get(Phase::Verifying) - verifying,
            Some(Wait::Verifying { until: until(Phase::Verifying) }),
        );
        add(configuring + verifying, Some(Wait::Contacts { limit: self.contacts.view().limit }));
        if s.phases.get(Phase::Admitting) > 0 {
            let ready_at = self.auto.next_chance(now);
            add(s.phases.get(Phase::Admitting), Some(Wait::Admitting { ready_at }));
        }
        let going = s.phases.get(Phase::Broken) + s.phases.get(Phase::Terminating);
        let held = self.held_back(s.row.seq, now);
        add(going - u32::try_from(held.len()).unwrap_or(going).min(going), Some(Wait::Terminating));
        for until in held {
            add(1, Some(Wait::Held { until }));
        }
        waits.sort_by(|a, b| b.count.cmp(&a.count).then(a.wait.cmp(&b.wait)));
        Progress { waits, eta: self.eta(s, queued, now), late: s.late, ..of_closed(s) }
    }

    /// For each scale-up and phase, the instances whose next contact is due and waits for a permit.
    fn permit_waits(&self) -> BTreeMap<(ScaleUpSeq, Phase), u32> {
        let mut waits = BTreeMap::new();
        for instance in self.contacts.waiting() {
            if let Some(slot) = self.ledger.current(instance) {
                *waits.entry((instance.slot.scale_up, slot.phase)).or_default() += 1;
            }
        }
        waits
    }

    /// For each scale-up, the launches its slots are in and what those wait for.
    fn launching_waits(&self) -> BTreeMap<ScaleUpSeq, Vec<Waiting>> {
        let mut by_scale_up: BTreeMap<ScaleUpSeq, Vec<Waiting>> = BTreeMap::new();
        let launches = self.launches.open.values().filter_map(|l| Some((l.wait()?, l.slots.as_slice())));
        let raises = self.asgs.iter().flat_map(|a| &a.raises).map(|r| (r.wait(), r.slots()));
        for (wait, slots) in launches.chain(raises) {
            let mut counts: BTreeMap<ScaleUpSeq, u32> = BTreeMap::new();
            for i in slots {
                *counts.entry(i.slot.scale_up).or_default() += 1;
            }
            for (seq, count) in counts {
                by_scale_up.entry(seq).or_default().push(Waiting { count, wait: wait.clone() });
            }
        }
        by_scale_up
    }

    /// Auto Scaling's only where there are such groups.
    fn budgets(&self) -> Vec<&ApiBudget> {
        let auto = self.asgs.iter().any(|a| a.name.is_some()).then_some(&self.auto);
        let reads = (self.reads.next() != Time::NEVER).then_some(&self.metrics);
        let looks = self.settings.look_every.is_some().then_some(&self.preflight.budget);
        [&self.run, &self.describe, &self.terminate]
            .into_iter()
            .chain(auto)
            .chain(reads)
            .chain(looks)
            .collect()
    }

    fn hooks_open(&self, group: usize) -> u32 {
        u32::try_from(self.hooks.iter().filter(|h| h.group == group).count()).unwrap_or(u32::MAX)
    }

    fn group_views(&self, now: Time) -> Vec<GroupView> {
        self.ledger
            .groups
            .iter()
            .zip(&self.launches.plans)
            .zip(&self.patience)
            .map(|((g, plan), patience)| GroupView {
                name: g.spec.name.clone(),
                version: g.spec.version.clone(),
                max: g.spec.max,
                taken: g.taken,
                in_service: g.in_service,
                queued: g.queued,
                proven: plan.guard.is_proven(),
                watchdogs: patience.views(),
                wait: plan.wait.clone(),
                asg: None,
                signals: Vec::new(),
                agreement: Agreement::Blind,
                valve: None,
                removals: 0,
                quarantined: 0,
                reserve: None,
            })
            .zip(self.asgs.iter().enumerate())
            .map(|(view, (group, asg))| GroupView {
                taken: if asg.name.is_some() { self.occupied(group).1 } else { view.taken },
                asg: asg.view().map(|a| AsgView { hooks_open: self.hooks_open(group), ..a }),
                ..self.with_signals(view, group, now)
            })
            .collect()
    }

    fn with_signals(&self, view: GroupView, group: usize, now: Time) -> GroupView {
        let signals = self.readings(group, now);
        GroupView {
            agreement: agreement(&signals),
            signals,
            valve: self.valves[group].shut().cloned(),
            quarantined: self.in_quarantine(group),
            reserve: self.reserve_view(group),
            removals: u32::try_from(self.retiring.rows.values().filter(|l| l.group == group).count())
                .unwrap_or(u32::MAX),
            ..view
        }
    }

    fn keep_failing(&self) -> Vec<FailingLaunch> {
        self.launches
            .open
            .values()
            .filter(|l| l.keeps_failing())
            .map(|l| FailingLaunch {
                launch: l.row.seq,
                group: l.row.group.clone(),
                count: l.row.count,
                sends: l.row.sends,
                error: l.row.error.clone().unwrap_or_default(),
                next_try: l.row.not_before,
                slot: l.slots.first().map(|i| i.slot),
            })
            .collect()
    }
}
