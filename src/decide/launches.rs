//! Queued slots become launches; launches are settled.
//!
//! A launch is committed with its token and exact body before the call goes out. From then on it is
//! *unsettled*, and only EC2 settles it, by an answer to this very call or by showing all it launched:
//! a throttle or a lost answer leads to the same call again, never to a new one for the same slots. What
//! became of a lost one is asked first where a repeat has its price ([`super::lost`]).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::event::{CallError, Seen};
use super::group::{Group, LaunchBody};
use super::guard::pools::{Offer, Pools};
use super::guard::version::VersionGuard;
use super::ledger::Ledger;
use super::rows::LaunchRow;
use super::wait::Wait;
use super::words::{Api, Ec2Id, ErrorClass, InstanceRef, LaunchSeq, LaunchState, Phase, ScaleUpState, Time};
use super::{Core, Now};

/// A batch smaller than this waits for more tokens while more is queued. At 2 instance tokens a
/// second 20 are there in 10 s. Lower: more calls for each instance (aim: 0.10 in all). Higher: the
/// first of a batch waits longer; the last never does, since it waits for its own token anyway.
const WORTHWHILE: u32 = 20;
/// Most instances in one `LaunchInstances` (aws-facts 3.1).
pub(super) const MOST_IN_GROUP: u32 = 100;
/// First pause before a throttled launch goes out again; doubles to 4 times that (2 s). Buckets are
/// what limits calls; this only keeps one launch from taking every chance of the others.
const AFTER_THROTTLE: Duration = Duration::from_millis(500);
/// First pause before a launch whose answer was lost goes out again; doubles to 32 times that.
const AFTER_LOSS: Duration = Duration::from_secs(1);
/// Sends without an answer that settles it after which a launch is on the keep-failing list.
/// 1 + 2 + 4 + 8 + 16 s of pauses: half a minute of trouble is weather, more is this launch's own.
const KEEPS_FAILING: u32 = 6;
/// Pause between tries from then on, for ever: it may have launched something, so it is never
/// dropped.
const SLOW_PACE: Duration = Duration::from_secs(60);
/// How long a call that nobody waits for any more may still arrive: TCP sends a lost packet again after
/// 1, 2, 4, 8 and 16 s, 31 s in all, and whoever sent it may have been killed meanwhile. Twice that. A
/// refusal before then is not final, since an earlier copy of the same call may be granted after it.
const UNDER_WAY: Duration = Duration::from_secs(60);
/// Refusals in a row for the group's configuration before its queued slots end as a shortfall.
/// More than one, because a `NotFound` right after something was created is not final.
const CONFIGURATION_TRIES: u32 = 3;
/// What AWS answers where a group does not allow `LaunchInstances`, as one with a warm pool (aws-facts 3.5). Where it
/// says so in other words, that counts as a wrong configuration, and the other way is taken after
/// [`CONFIGURATION_TRIES`].
const NOT_ALLOWED: &str = "UnsupportedOperation";
/// Pause after such a refusal; times 4 each (5, 20 s).
const AFTER_CONFIGURATION: Duration = Duration::from_secs(5);

/// One launch that is not settled.
#[derive(Debug)]
pub struct Launch {
    pub row: LaunchRow,
    pub body: Arc<LaunchBody>,
    pub group: usize,
    pub pool: usize,
    pub slots: Vec<InstanceRef>,
    pub in_flight: bool,
    /// Instance tokens that were taken for the call that is out.
    holds: u32,
    /// AWS may have seen this call: an answer was lost, or another process sent it.
    pub(super) seen: bool,
    /// When EC2 was last asked what became of it, since its answer was lost.
    pub(super) looked_at: Option<Time>,
    /// When some of its instances were first shown.
    pub(super) shown_at: Option<Time>,
    /// Until then such a copy may still arrive.
    under_way_until: Time,
    /// Answers in a row of each kind.
    pub(super) throttles: u32,
    losses: u32,
    /// Its time has come, and it waits for this.
    pub(super) held_up: Option<Wait>,
}

impl Launch {
    /// A launch as it was stored. What it was last told is unknown, so it is sent at once; a copy that
    /// another process sent may be under way.
    #[must_use]
    pub fn stored(
        row: LaunchRow,
        body: Arc<LaunchBody>,
        group: usize,
        pool: usize,
        slots: Vec<InstanceRef>,
        now: Time,
    ) -> Launch {
        Launch {
            row,
            body,
            group,
            pool,
            slots,
            in_flight: false,
            holds: 0,
            seen: true,
            looked_at: None,
            shown_at: None,
            under_way_until: now.plus(UNDER_WAY),
            throttles: 0,
            losses: 0,
            held_up: None,
        }
    }

    /// Instance tokens that sending it now takes. A repeat pays like the first call if AWS charges
    /// repeats (it does not say). One that keeps failing is sent a dozen times an hour and takes
    /// none, or it would wait for ever behind others that want fewer.
    pub(super) fn price(&self, repeats_pay: bool, burst: u32) -> u32 {
        let free = self.keeps_failing() || self.seen && !repeats_pay || self.body.asg.is_some();
        if free { 0 } else { self.row.count.min(burst) }
    }

    /// It was only ever throttled, and wants more tokens than there are, though fewer would do: its
    /// slots are launched sooner by a smaller call, which also finds out sooner what a bucket holds
    /// that is emptier than was believed.
    fn is_too_large(&self) -> bool {
        !self.seen && self.row.count > WORTHWHILE
    }

    #[must_use]
    pub fn keeps_failing(&self) -> bool {
        self.losses >= KEEPS_FAILING
    }
}

/// What planning knows of one group.
#[derive(Debug)]
pub struct GroupPlan {
    pub guard: VersionGuard,
    pub pools: Pools,
    /// Why the head of the queue waits; `None` if nothing is queued.
    pub wait: Option<Wait>,
    /// Refusals in a row that blame the group's configuration.
    refusals: u32,
    /// No new launch before.
    not_before: Time,
    /// When a launch was last settled.
    pub settled_at: Time,
}

/// Every unsettled launch, and what planning knows of each group.
#[derive(Debug)]
pub struct Launches {
    pub open: BTreeMap<LaunchSeq, Launch>,
    pub plans: Vec<GroupPlan>,
    pub last_seq: u64,
}

impl Launches {
    #[must_use]
    pub fn new(groups: &[Arc<Group>]) -> Launches {
        let plans = groups
            .iter()
            .map(|g| GroupPlan {
                guard: VersionGuard::new(g.canary, g.breaker),
                pools: Pools::new(g.launch.pools.len()),
                wait: None,
                refusals: 0,
                not_before: Time(0),
                settled_at: Time(0),
            })
            .collect();
        Launches { open: BTreeMap::new(), plans, last_seq: 0 }
    }
}

impl Core {
    /// Sends what is to be sent again, then makes new launches, group by group in order of
    /// priority.
    pub(super) fn plan_launches(&mut self, now: &mut Now) {
        self.resend(now);
        let mut order: Vec<usize> = (0..self.ledger.groups.len()).collect();
        order.sort_by_key(|g| std::cmp::Reverse(self.ledger.groups[*g].spec.priority));
        for group in order {
            let wait = loop {
                if self.ledger.groups[group].queued == 0 {
                    break None;
                }
                if let Err(wait) = self.launch_next(group, now) {
                    if self.asgs[group].name.is_some() && matches!(wait, Wait::GroupMax { .. }) {
                        self.let_go_of_replaced(group, now);
                    }
                    break Some(wait);
                }
            };
            self.launches.plans[group].wait = wait;
        }
    }

    /// Sends again what is due, before anything new: what may exist already comes first.
    fn resend(&mut self, now: &mut Now) {
        self.recall(now);
        let due: Vec<LaunchSeq> = self
            .launches
            .open
            .values()
            .filter(|l| !l.in_flight && l.row.not_before <= now.time)
            .map(|l| l.row.seq)
            .collect();
        let mut too_large = Vec::new();
        for seq in due {
            let (repeats_pay, burst) = (self.settings.repeats_pay, self.instance_burst());
            let Some(launch) = self.launches.open.get_mut(&seq) else { continue };
            let price = launch.price(repeats_pay, burst);
            if price > 0 && launch.is_to_be_found(now.time) && self.describe.check(now.time).is_ok() {
                self.find(seq, now);
                continue;
            }
            let api = if launch.body.asg.is_some() { &mut self.auto } else { &mut self.run };
            if let Err(wait) = api.take(now.time, price) {
                if let Wait::InstanceTokens { ready_at, .. } = wait {
                    // Its own tokens may take long; a smaller one need not wait behind it.
                    launch.row.not_before = launch.next_look(now.time).min(ready_at);
                    if launch.is_too_large() {
                        too_large.push(seq);
                    }
                }
                launch.held_up = Some(wait);
                continue;
            }
            launch.holds = price;
            send(launch, &mut self.ledger, now);
        }
        self.take_back(too_large, now);
    }

    /// Takes back what was throttled and never seen by AWS, where the breaker has opened meanwhile, the zone was
    /// closed or the pool has turned out to have nothing to give: nothing is launched of a version that breaks,
    /// or there, and these have launched nothing yet.
    fn recall(&mut self, now: &Now) {
        let unwanted = |l: &Launch| {
            let plan = &self.launches.plans[l.group];
            plan.guard.is_open(now.time)
                || plan.pools.rests(l.pool, now.time)
                || self.zones.percent(&l.row.group, &l.body.zone) == 0
        };
        let open = self.launches.open.values();
        let recalled: Vec<LaunchSeq> =
            open.filter(|l| !l.in_flight && !l.seen && unwanted(l)).map(|l| l.row.seq).collect();
        self.take_back(recalled, now);
    }

    fn take_back(&mut self, launches: Vec<LaunchSeq>, now: &Now) {
        for seq in launches {
            if let Some(launch) = self.launches.open.remove(&seq) {
                self.refused(launch, now);
            }
        }
    }

    /// Most instance tokens there can ever be.
    fn instance_burst(&self) -> u32 {
        self.run.instances().map_or(u32::MAX, |b| b.rate().burst)
    }

    /// Instance tokens that launches wait for that are to be sent again. New ones leave them alone:
    /// they want fewer at a time, and would take each few as they come.
    pub(super) fn claimed(&self) -> u32 {
        let (repeats_pay, burst) = (self.settings.repeats_pay, self.instance_burst());
        let waiting = self.launches.open.values().filter(|l| !l.in_flight && l.body.asg.is_none());
        waiting.map(|l| l.price(repeats_pay, burst)).fold(0, u32::saturating_add)
    }

    /// As many more as may exist in a group now.
    fn room(&mut self, group: usize, now: &Now) -> Result<u32, Wait> {
        if self.asgs[group].name.is_some() {
            return self.room_in_group(group, now);
        }
        let g = &self.ledger.groups[group];
        match g.spec.max.saturating_sub(g.taken) {
            0 => Err(Wait::GroupMax { max: g.spec.max, live: g.taken }),
            room => Ok(room),
        }
    }

    /// Makes one launch out of the head of a group's queue, or says what it waits for.
    fn launch_next(&mut self, group: usize, now: &mut Now) -> Result<(), Wait> {
        let plan = &self.launches.plans[group];
        if now.time < plan.not_before {
            return Err(Wait::Refused { refusals: plan.refusals, until: plan.not_before });
        }
        let room = self.room(group, now)?;
        let percents = self.percents(group);
        let reserved = self.in_reserve(group);
        let plan = &mut self.launches.plans[group];
        let g = &self.ledger.groups[group];
        let under_way = g.taken.saturating_sub(g.in_service).saturating_sub(reserved);
        let allowed = plan.guard.allowance(now.time, under_way)?;
        let wanted = g.queued.min(room).min(allowed);
        if self.asgs[group].raises_desired {
            return self.raise_next(group, wanted, now);
        }
        let offer = Offer { pools: &g.spec.launch.pools, percents: &percents, taken: &g.per_pool, wanted };
        let choice = plan.pools.choose(now.time, &offer)?;
        let unsettled = self.launches.open.values().filter(|l| !l.keeps_failing()).count();
        if unsettled >= self.settings.run_instances.in_flight as usize {
            return Err(Wait::CallsInFlight {
                api: Api::RunInstances,
                limit: self.settings.run_instances.in_flight,
            });
        }
        let most = wanted.min(choice.most).min(g.spec.launch.batch);
        if g.spec.asg.is_some() {
            self.may_launch_in(group)?;
            // Its own launches draw on no instance tokens of ours; its calls on Auto Scaling's bucket.
            self.auto.take(now.time, 0)?;
            self.launch(group, choice.pool, most.min(MOST_IN_GROUP), now);
            return Ok(());
        }
        self.run.check(now.time)?;
        self.comes_after()?;
        let claimed = self.claimed();
        let n = most.min(self.run.instance_tokens(now.time).saturating_sub(claimed));
        let want = most.min(WORTHWHILE);
        if n < want {
            let all = want.saturating_add(claimed).min(self.instance_burst());
            let ready_at = self.run.instances().map_or(Time::NEVER, |b| b.ready_at(now.time, all));
            return Err(Wait::InstanceTokens { have: n, want, ready_at });
        }
        self.run.take(now.time, n)?;
        self.launch(group, choice.pool, n, now);
        Ok(())
    }

    fn launch(&mut self, group: usize, pool: usize, n: u32, now: &mut Now) {
        let seq = LaunchSeq(self.launches.last_seq + 1);
        self.launches.last_seq = seq.0;
        let slots = self.ledger.assign(group, n, seq, u16::try_from(pool).unwrap_or(u16::MAX), now.time);
        self.launches.plans[group].guard.launched(&slots);
        let spec = &self.ledger.groups[group].spec;
        let body = Arc::new(body_of(spec, pool, n, seq, now.rng.next_u64()));
        let row = LaunchRow {
            seq,
            group: spec.name.clone(),
            version: spec.version.clone(),
            token: body.token.clone(),
            body: serde_json::to_string(&*body).unwrap_or_default(),
            count: n,
            state: LaunchState::Unsettled,
            sends: 0,
            created_at: now.time,
            not_before: now.time,
            settled_at: None,
            launched: 0,
            error_class: None,
            error: None,
        };
        let holds = if body.asg.is_some() { 0 } else { n };
        let mut launch =
            Launch { holds, seen: false, ..Launch::stored(row, body, group, pool, slots, now.time) };
        send(&mut launch, &mut self.ledger, now);
        self.launches.open.insert(seq, launch);
    }

    /// Books EC2's answer to a launch.
    pub(super) fn launch_answered(
        &mut self,
        seq: LaunchSeq,
        outcome: Result<Vec<Seen>, CallError>,
        now: &mut Now,
    ) {
        // A launch that is not open was settled by an earlier answer to the same call.
        let Some(mut launch) = self.launches.open.remove(&seq) else { return };
        launch.in_flight = false;
        let holds = std::mem::take(&mut launch.holds);
        if launch.body.asg.is_some() {
            self.auto_answered(outcome.as_ref().err(), now);
        } else {
            let elsewhere = self.throttled_elsewhere(Api::RunInstances);
            self.run.answered(now.time, holds, outcome.as_ref().err(), elsewhere, &mut now.rng);
        }
        if outcome.as_ref().is_err_and(|e| e.class == ErrorClass::Unknown) {
            // What is lost counts as charged. But while no call at all is answered, AWS is down, and
            // paying for each repeat would leave no tokens for when it is back.
            if launch.seen && self.run.failures() >= 2 {
                self.run.give_back(holds);
            }
            launch.seen = true;
            (launch.looked_at, launch.shown_at) = (None, None);
            launch.under_way_until = now.time.plus(UNDER_WAY);
        }
        match outcome {
            Ok(seen) => self.settle(launch, &seen, now),
            Err(error) => self.launch_failed(launch, &error, now),
        }
    }

    /// EC2 said what it launched: the first slots get an instance, the rest go back to the queue.
    pub(super) fn settle(&mut self, mut launch: Launch, seen: &[Seen], now: &mut Now) {
        let got = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let plan = &mut self.launches.plans[launch.group];
        plan.pools.launched(launch.pool, launch.row.count, got);
        plan.refusals = 0;
        plan.settled_at = now.time;
        launch.row.state = LaunchState::Settled;
        launch.row.settled_at = Some(now.time);
        launch.row.launched = got;
        let mut seen = seen.iter();
        for instance in &launch.slots {
            match seen.next() {
                Some(s) => self.launched(*instance, s.id, s.address, now),
                None => self.back_to_the_queue(*instance, now),
            }
        }
        for stray in seen {
            let text = format!(
                "{}: launch {} gave more than its {} slots",
                stray.id, launch.row.seq.0, launch.row.count
            );
            self.ledger.journal(now.time, None, None, "stray", text);
            self.removals.add_stray(stray.id, now.time);
        }
        self.ledger.changes.launches.push(launch.row);
    }

    /// A slot in a launch has an instance now.
    pub(super) fn launched(
        &mut self,
        instance: InstanceRef,
        id: Ec2Id,
        address: Option<IpAddr>,
        now: &mut Now,
    ) {
        let Some(s) = self.ledger.slot_mut(instance.slot) else { return };
        s.id = Some(id);
        s.address = address;
        s.launched_at = now.time;
        if self.ledger.spec_of(instance.slot).is_some_and(|g| g.asg.is_some()) {
            self.claim(id, instance, now);
        }
        self.ledger.enter(instance.slot, Phase::Booting, now.time, None);
        if self.is_cancelling(instance) {
            self.remove(instance, now);
        } else {
            self.watch_boot(instance, id, now);
        }
    }

    pub(super) fn is_cancelling(&self, instance: InstanceRef) -> bool {
        let scale_up = self.ledger.scale_ups.get(&instance.slot.scale_up);
        scale_up.is_some_and(|s| s.row.state == ScaleUpState::Cancelling)
    }

    /// The launch gave this slot nothing, and never will.
    pub(super) fn back_to_the_queue(&mut self, instance: InstanceRef, now: &Now) {
        if let Some(s) = self.ledger.scale_ups.get(&instance.slot.scale_up) {
            self.launches.plans[s.group].guard.withdrawn(instance);
        }
        self.ledger.enter(instance.slot, Phase::Queued, now.time, None);
        self.withdraw_if_unwanted(instance.slot.scale_up, now.time);
    }

    fn launch_failed(&mut self, mut launch: Launch, error: &CallError, now: &mut Now) {
        launch.row.error_class = Some(error.class);
        launch.row.error = Some(error.to_string());
        if launch.body.asg.is_some() && error.code == NOT_ALLOWED {
            self.raises_from_now_on(launch.group, error, now);
            return self.refused_now(launch, now);
        }
        match error.class {
            ErrorClass::Throttle => {
                launch.losses = 0;
                let pause = AFTER_THROTTLE * 2u32.pow(launch.throttles.min(2));
                launch.throttles += 1;
                self.send_again(launch, pause, now);
            }
            // A mismatch is not an answer about our slots: somebody used our token with another
            // body. Whether anything was launched for us is unknown, so it stays unsettled.
            ErrorClass::Unknown
            | ErrorClass::TokenMismatch
            | ErrorClass::NotFound
            | ErrorClass::Contention
            | ErrorClass::NoAction => {
                launch.throttles = 0;
                let pause = AFTER_LOSS * 2u32.pow(launch.losses.min(5));
                // While no call is answered it is AWS that fails, and the API's own pause is enough.
                let its_own = error.class != ErrorClass::Unknown || self.run.failures() <= 1;
                launch.losses += u32::from(its_own);
                if its_own && launch.losses == KEEPS_FAILING {
                    let text = format!("launch {} of {}: {error}", launch.row.seq.0, launch.row.group);
                    self.ledger.journal(now.time, None, None, "keep_failing", text);
                }
                let pause = if launch.keeps_failing() { SLOW_PACE } else { pause };
                self.send_again(launch, pause, now);
            }
            ErrorClass::Capacity
            | ErrorClass::Unsupported
            | ErrorClass::Addresses
            | ErrorClass::Quota
            | ErrorClass::Size
            | ErrorClass::TooMany => {
                if error.class == ErrorClass::Size {
                    self.is_not_as_seen(launch.group);
                } else {
                    let plan = &mut self.launches.plans[launch.group];
                    plan.pools.refused(now.time, launch.pool, launch.row.count, error.class, &error.code);
                }
                self.refused_now(launch, now);
            }
            // What it launched has been terminated since: settled, with nothing left of it.
            ErrorClass::TokenSpent => self.settle(launch, &[], now),
            // Its group launches nothing just now: that is our doing, and will end.
            ErrorClass::Configuration if self.is_halted(launch.group) => self.refused_now(launch, now),
            ErrorClass::Configuration => {
                let group = launch.group;
                self.refused_now(launch, now);
                self.configuration_refused(group, error, now);
            }
        }
    }

    /// AWS blames the group's configuration. Not at the first word; but in the end what is queued cannot be
    /// launched, unless there is another way.
    pub(super) fn configuration_refused(&mut self, group: usize, error: &CallError, now: &Now) {
        let plan = &mut self.launches.plans[group];
        plan.refusals += 1;
        plan.not_before = now.time.plus(AFTER_CONFIGURATION * 4u32.pow(plan.refusals.min(4) - 1));
        if plan.refusals < CONFIGURATION_TRIES {
            return;
        }
        plan.refusals = 0;
        if self.asgs[group].name.is_some() && !self.asgs[group].raises_desired {
            return self.raises_from_now_on(group, error, now);
        }
        let reason = format!("launch refused {CONFIGURATION_TRIES} times or more: {error}");
        self.withdraw_all_queued(group, &reason, now.time);
    }

    fn send_again(&mut self, mut launch: Launch, pause: Duration, now: &mut Now) {
        launch.row.not_before = now.time.plus(now.rng.jitter(pause));
        self.ledger.changes.launches.push(launch.row.clone());
        self.launches.open.insert(launch.row.seq, launch);
    }

    /// EC2 refused this copy of the call. If an earlier one may still be under way, and be granted, the
    /// launch stays unsettled until none can be, and is then sent once more.
    fn refused_now(&mut self, mut launch: Launch, now: &Now) {
        if !launch.seen || launch.under_way_until <= now.time {
            return self.refused(launch, now);
        }
        launch.row.not_before = launch.under_way_until;
        self.ledger.changes.launches.push(launch.row.clone());
        self.launches.open.insert(launch.row.seq, launch);
    }

    /// EC2 said that this call launches nothing and never will: its slots are free for another.
    fn refused(&mut self, mut launch: Launch, now: &Now) {
        launch.row.state = LaunchState::Refused;
        launch.row.settled_at = Some(now.time);
        for instance in &launch.slots {
            self.back_to_the_queue(*instance, now);
        }
        self.ledger.changes.launches.push(launch.row);
    }

    fn withdraw_all_queued(&mut self, group: usize, reason: &str, time: Time) {
        let open: Vec<_> =
            self.ledger.scale_ups.iter().filter(|(_, s)| s.group == group).map(|(seq, _)| *seq).collect();
        for seq in open {
            self.ledger.withdraw_queued(seq, time, reason);
        }
    }
}

/// Counts the send, writes the row, and lets the call go out after the commit.
fn send(launch: &mut Launch, ledger: &mut Ledger, now: &mut Now) {
    launch.row.sends += 1;
    launch.in_flight = true;
    launch.held_up = None;
    ledger.changes.launches.push(launch.row.clone());
    now.actions.push(Action::Launch { launch: launch.row.seq, body: launch.body.clone() });
}

/// The exact request for `n` instances of a group in one of its pools.
///
/// The token names the launch and carries 64 random bits, so that two databases (or one that was
/// restored from an old copy) never use the same token for different launches.
pub(super) fn body_of(spec: &Group, pool: usize, n: u32, seq: LaunchSeq, entropy: u64) -> LaunchBody {
    let l = &spec.launch;
    let pool = &l.pools[pool];
    let mut token = String::with_capacity(64);
    let _ = write!(token, "muster-{:x}-{entropy:016x}", seq.0);
    let mut tags = l.tags.clone();
    tags.insert("muster:group".into(), spec.name.clone());
    tags.insert("muster:version".into(), spec.version.clone());
    tags.insert("muster:launch".into(), token.clone());
    LaunchBody {
        token,
        asg: spec.asg_name().map(String::from),
        raised: None,
        min_count: 1,
        max_count: n,
        subnet: pool.subnet.clone(),
        zone: pool.zone.clone(),
        image: l.image.clone(),
        instance_type: l.instance_type.clone(),
        template: l.template.clone(),
        security_groups: l.security_groups.clone(),
        key_name: l.key_name.clone(),
        instance_profile: l.instance_profile.clone(),
        user_data: l.user_data.clone(),
        tags,
    }
}
