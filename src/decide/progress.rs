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
use super::tail::Rest;
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

/// Launches that it takes to have `n`, and `again` that broke before them, in service.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
fn with_replacements(n: u32, again: f64, broken: f64) -> u32 {
    ((f64::from(n) + again) / (1.0 - broken)).ceil() as u32
}

/// Open scale-ups, oldest first, whose end is worked out. That takes about 30 us for each, and all are shown anew up to 20
/// times a second: 6 % of a core.
pub(super) const WORKED_OUT: usize = 100;

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
        let rough_from = self.rough_from();
        for s in self.ledger.scale_ups.values() {
            ahead[s.group] += s.phases.get(Phase::Queued);
            let eta = self.eta(s, ahead[s.group], rough_from, now);
            scale_ups.push(self.progress(s, eta, &launching, &permits, now));
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
            gateways: self.gateway_views(now),
            gateway_requests: self.gateway_request_views(now),
            gate_overrides: self.override_views(),
            schedules: self.schedule_views(now),
            never_shown: self.boots.never_shown,
        }
    }

    /// When a scale-up's last slot is expected in service: as likely sooner as later. `None` if that waits for
    /// something that has no time (a full group, a breaker, a limit).
    ///
    /// `queued` counts the slots of its group that are launched before its last: its own and those of older
    /// scale-ups. What breaks is counted in, as far as its instances and others of its group have shown; but for
    /// scale-ups from [`Core::rough_from`] on.
    #[must_use]
    pub fn eta(&self, s: &ScaleUp, queued: u32, rough_from: ScaleUpSeq, now: Time) -> Option<Time> {
        if s.phases.get(Phase::Queued) > 0 && self.gates_hold(s.group, queued, now) {
            // Somebody has to confirm more, or to override.
            return None;
        }
        if s.row.seq >= rough_from {
            let last = if queued > 0 { self.launched_by(s.group, queued, now)? } else { now };
            return Some(last.plus(pace::roughly(s.row.wanted - s.row.in_service - s.row.withdrawn)));
        }
        let of = |p: Phase| s.phases.get(p);
        let course = self.paces[s.group].course(&s.ages, s.row.in_service, s.broken_so_far, now);
        let mut rest = Rest::new(course);
        let mut suspects = 0.0;
        for (n, age) in s.ages.iter(now) {
            suspects += f64::from(n) * course.suspicion(age);
            rest.under_way(n, age);
        }
        if of(Phase::Launching) > 0 {
            let claimed = self.claimed();
            let last = if claimed > 0 { self.run.instances()?.passed_at(now, claimed) } else { now };
            rest.spread(of(Phase::Launching).into(), 0.0, last.since(now).as_secs_f64());
        }
        // What is being taken away has to be launched once more.
        let going = of(Phase::Broken) + of(Phase::Terminating);
        rest.to_come(going.into(), course.replaced_in);
        if of(Phase::Queued) > 0 {
            let last = self.launched_by(s.group, queued.saturating_add(going), now)?;
            // Whatever breaks until then is launched before the last of those.
            let long = last.since(now).as_secs_f64() / (course.given_up.median + course.replaced_in);
            let again =
                course.broken * f64::from(queued) * (1.0 - 1.0 / long.max(1.0)) + suspects * long.min(1.0);
            let launches = with_replacements(queued.saturating_add(going), again, course.broken);
            let last = self.launched_by(s.group, launches, now)?.since(now).as_secs_f64();
            let ahead = queued - of(Phase::Queued);
            let at_once = self.at_once(s.group, now).saturating_sub(ahead).min(of(Phase::Queued));
            rest.to_come(at_once.into(), 0.0);
            let from = if at_once > 0 { 0.0 } else { last * f64::from(ahead) / f64::from(queued.max(1)) };
            rest.spread((of(Phase::Queued) - at_once).into(), from, last);
        }
        let eta = now.plus(Duration::from_secs_f64(rest.finish()));
        let open = s.row.wanted - of(Phase::InService) - of(Phase::Withdrawn);
        if open == 0 || !self.asgs[s.group].asks_to_be_answered() {
            return Some(eta);
        }
        // Each is told to go on, and whoever broke to give up, by a call of its own.
        let ahead = self.hooks.iter().filter(|h| h.row.instance.is_none_or(|i| i.slot.scale_up != s.row.seq));
        let ahead = u32::try_from(ahead.count()).unwrap_or(u32::MAX);
        let answers = with_replacements(open, 0.0, course.broken);
        Some(eta.max(self.auto_passed(now, ahead.saturating_add(answers))))
    }

    /// The first open scale-up that has too many before it for its end to be worked out: it is told roughly.
    pub(super) fn rough_from(&self) -> ScaleUpSeq {
        self.ledger.scale_ups.keys().nth(WORKED_OUT).copied().unwrap_or(ScaleUpSeq(u32::MAX))
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
        eta: Option<Time>,
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
        Progress { waits, eta, late: s.late, ..of_closed(s) }
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
        let gateways = self.gateways.are_any().then_some(&self.gateways.budget);
        [&self.run, &self.describe, &self.terminate]
            .into_iter()
            .chain(auto)
            .chain(reads)
            .chain(looks)
            .chain(gateways)
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
