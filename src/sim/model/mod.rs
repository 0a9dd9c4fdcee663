//! The deterministic model of AWS: `handle(call, now)`, no I/O, no clock, no entropy.
//!
//! A call takes effect when it arrives; its reply says how long the answer takes from there and
//! whether it gets through at all. Each service is a folder with a state of its own; what they have
//! in common (faults, counting, request ids, the time) is here. The same seed and the same calls at
//! the same times give the same replies, byte for byte.

pub mod arn;
pub mod autoscaling;
mod balancing;
pub mod call;
pub mod cloudwatch;
mod counters;
mod delivery;
pub mod ec2;
pub mod elbv2;
pub mod events;
mod faults;
mod front;
mod listing;
mod messaging;
pub mod notice;
pub mod outbox;
mod packets;
mod playbook;
pub mod quotas;
#[cfg(test)]
mod scripted;
pub mod sns;
pub mod sqs;
pub mod support;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::bound::{Bound, bound};
use super::draw::{Draw, Purpose};
use super::ledger::Ledger;
use super::settings::{Script, Settings, SettingsError};
use autoscaling::{Adjustment, AutoScaling};
use call::{Action, Answer, Call, Failure, Garbled, Outcome, Reply};
use cloudwatch::CloudWatch;
use ec2::{Door, Ec2, Happening, Health, Seen};
use elbv2::Elbv2;
use events::Events;
use faults::Luck;
use notice::Notice;
use outbox::Outbox;
use playbook::Playbook;
use quotas::Quotas;
use sns::Sns;
use sqs::Sqs;
use support::Support;

pub use counters::{ApiCounters, Totals};
pub use faults::{BucketChange, BucketChanges, Change};
pub use messaging::Resumed;
pub use packets::Contact;
pub use playbook::{Handshake, Listening};

/// The simulated AWS of one account in one region.
#[derive(Debug)]
pub struct Model {
    settings: Arc<Settings>,
    seed: u64,
    /// The latest time it was told; earlier ones count as this one.
    now_ms: i64,
    calls: u64,
    /// Contacts with instances.
    contacts: u64,
    /// Connections to the front.
    connections: u64,
    /// TLS handshakes with it.
    handshakes: u64,
    /// Requests whose signature was not accepted.
    turned_away: u64,
    playbook: Playbook,
    /// Calls whose callers are gone and that take effect later, by when and by their number.
    late: BTreeMap<(i64, u64), Call>,
    counters: BTreeMap<Action, ApiCounters>,
    /// Calls of anything else.
    unknown_actions: u64,
    ec2: Ec2,
    autoscaling: AutoScaling,
    sqs: Sqs,
    sns: Sns,
    events: Events,
    outbox: Outbox,
    /// Messages to queues and topics that do not exist.
    astray: u64,
    /// Notices on their way, by the time of their arrival and the number of their copy.
    on_the_way: BTreeMap<(i64, u64), Notice>,
    /// Notices told, and copies of them sent.
    told: u64,
    copies: u64,
    cloudwatch: CloudWatch,
    quotas: Quotas,
    support: Support,
    elbv2: Elbv2,
}

impl Model {
    /// # Errors
    /// If the settings make no sense.
    pub fn new(settings: Settings, seed: u64) -> Result<Model, SettingsError> {
        settings.check()?;
        let settings = Arc::new(settings);
        Ok(Model {
            seed,
            now_ms: i64::MIN,
            calls: 0,
            contacts: 0,
            connections: 0,
            handshakes: 0,
            turned_away: 0,
            playbook: Playbook::default(),
            late: BTreeMap::new(),
            counters: Action::all().into_iter().map(|a| (a, ApiCounters::default())).collect(),
            unknown_actions: 0,
            ec2: Ec2::new(settings.clone(), seed),
            autoscaling: AutoScaling::new(settings.clone(), seed),
            sqs: Sqs::new(settings.clone(), seed),
            sns: Sns::new(settings.clone(), seed),
            events: Events::new(settings.clone(), seed),
            outbox: Outbox::new(seed),
            astray: 0,
            on_the_way: BTreeMap::new(),
            told: 0,
            copies: 0,
            cloudwatch: CloudWatch::new(settings.clone(), seed),
            quotas: Quotas::new(settings.clone(), seed),
            support: Support::new(settings.clone(), seed),
            elbv2: Elbv2::new(settings.clone(), seed),
            settings,
        })
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same, to be kept while others use the model.
    #[must_use]
    pub fn shared_settings(&self) -> Arc<Settings> {
        self.settings.clone()
    }

    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Answers one call that arrives at this time.
    pub fn handle(&mut self, call: &Call, now_ms: i64) -> Reply {
        let now_ms = self.settle(now_ms);
        let number = self.calls;
        self.calls += 1;
        let action = call.action();
        let luck = self.luck(call, number, now_ms);
        // Taken out and put back, so that the services can count into it.
        let mut meter = action.and_then(|a| self.counters.remove(&a)).unwrap_or_default();
        meter.arrived(now_ms);
        let (outcome, garbled) = if let Some(late_ms) = luck.late_ms {
            meter.late_effects += 1;
            let ended_ms = now_ms + i64::from(luck.error_ms);
            self.late.insert((ended_ms + late_ms, number), call.clone());
            (Outcome::Lost, None)
        } else {
            self.outcome(call, &luck, &mut meter, now_ms)
        };
        self.send_told();
        meter.ended(&outcome);
        match action {
            Some(action) => drop(self.counters.insert(action, meter)),
            None => self.unknown_actions += 1,
        }
        let latency_ms = match outcome {
            Outcome::Answer(_) => luck.answer_ms,
            Outcome::Error(_) | Outcome::Lost => luck.error_ms,
        };
        Reply {
            latency_ms: latency_ms.saturating_add(luck.hang_ms),
            request_id: self.request_id(number),
            skew_ms: luck.skew_ms,
            outcome,
            garbled,
        }
    }

    fn luck(&self, call: &Call, number: u64, now_ms: i64) -> Luck {
        let action = call.action();
        let mut luck = Luck::of(&self.settings, self.seed, number, action);
        let fits = |script: &Script| {
            script.names(call.service(), action)
                && script.zone.as_ref().is_none_or(|zone| match call {
                    Call::Ec2(call) => self.ec2.is_about_zone(call, zone),
                    // Regional services: what happens in one zone is not theirs.
                    Call::AutoScaling(_)
                    | Call::CloudWatch(_)
                    | Call::Elbv2(_)
                    | Call::Events(_)
                    | Call::Quotas(_)
                    | Call::Sns(_)
                    | Call::Sqs(_)
                    | Call::Support(_) => false,
                })
        };
        self.playbook.befall(&mut luck, self.seed, number, now_ms, fits);
        luck
    }

    /// Changes what may be changed while it runs, at this time.
    ///
    /// # Errors
    /// If the result makes no sense; nothing has changed then.
    pub fn change(&mut self, change: &Change, now_ms: i64) -> Result<(), SettingsError> {
        let new = change.applied_to(&self.settings)?;
        let now_ms = self.settle(now_ms);
        if let Some(scripts) = &change.script {
            self.playbook.replace(scripts, now_ms);
        }
        self.playbook.add(change.add_script.as_deref().unwrap_or_default(), now_ms);
        self.adopt(new, now_ms);
        for (action, part, level) in change.levels() {
            self.ec2.set_level(action, part, level, now_ms);
        }
        Ok(())
    }

    /// From now on these settings hold, everywhere.
    fn adopt(&mut self, settings: Settings, now_ms: i64) {
        self.settings = Arc::new(settings);
        self.ec2.adopt(&self.settings, now_ms);
        self.autoscaling.adopt(&self.settings);
        self.cloudwatch.adopt(&self.settings, now_ms);
        self.elbv2.adopt(&self.settings, now_ms);
        self.events.adopt(&self.settings);
        self.quotas.adopt(&self.settings, now_ms);
        self.sns.adopt(&self.settings);
        self.sqs.adopt(&self.settings);
        self.support.adopt(&self.settings, now_ms);
    }

    fn outcome(
        &mut self,
        call: &Call,
        luck: &Luck,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> (Outcome, Option<Garbled>) {
        if luck.lost_before {
            meter.lost_before += 1;
            return (Outcome::Lost, None);
        }
        if let Some(status) = luck.html_before {
            meter.garbled += 1;
            return (Outcome::Lost, Some(Garbled::Html(status)));
        }
        let result = self.answer(call, luck, meter, now_ms);
        if luck.lost_after {
            meter.lost_after += 1;
            return (Outcome::Lost, None);
        }
        if let Some(status) = luck.html_after {
            meter.garbled += 1;
            return (Outcome::Lost, Some(Garbled::Html(status)));
        }
        let outcome = match result {
            Ok(mut answer) => {
                if luck.skew_ms != 0 {
                    answer.skew(luck.skew_ms);
                }
                Outcome::Answer(answer)
            }
            Err(failure) => Outcome::Error(failure),
        };
        if luck.truncated {
            meter.garbled += 1;
            return (Outcome::Lost, Some(Garbled::Truncated(Box::new(outcome))));
        }
        (outcome, None)
    }

    fn answer(
        &mut self,
        call: &Call,
        luck: &Luck,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, Failure> {
        if luck.throttled {
            meter.throttled_by_fault += 1;
            return Err(Failure::throttled(call.service(), &self.settings));
        }
        if luck.denied {
            meter.errors_by_fault += 1;
            return Err(Failure::denied(call.service()));
        }
        if let Some(status) = luck.error_before {
            meter.errors_by_fault += 1;
            return Err(Failure::server(call.service(), status));
        }
        let answer = self.effect(call, meter, now_ms)?;
        if let Some(status) = luck.error_after {
            meter.errors_by_fault += 1;
            return Err(Failure::server(call.service(), status));
        }
        Ok(answer)
    }

    /// Keeps what happens to instances from now on, see [`Model::happened`].
    pub fn watch(&mut self) {
        self.ec2.watch();
    }

    /// What happened to instances up to this time and since this was last asked.
    pub fn happened(&mut self, now_ms: i64) -> Vec<Happening> {
        self.settle(now_ms);
        self.ec2.happened()
    }

    /// The id of the instance that was launched as number `ordinal`.
    #[must_use]
    pub fn id_of(&self, ordinal: u32) -> String {
        self.ec2.id_of(ordinal)
    }

    /// The zone of the instance that was launched as number `ordinal`.
    #[must_use]
    pub fn zone_of_instance(&self, ordinal: u32) -> Option<String> {
        Some(self.ec2.seen(ordinal, 0)?.launch.zone.clone())
    }

    /// The call takes effect.
    fn effect(&mut self, call: &Call, meter: &mut ApiCounters, now_ms: i64) -> Result<Answer, Failure> {
        let answer = match call {
            Call::Ec2(call) => Answer::Ec2(self.ec2.handle(call, meter, now_ms)?),
            Call::AutoScaling(call) => {
                let around = (&mut self.ec2, &self.elbv2);
                Answer::AutoScaling(self.autoscaling.handle(call, around, meter, now_ms)?)
            }
            Call::CloudWatch(call) => Answer::CloudWatch({
                let around = cloudwatch::Around { ec2: &self.ec2, quotas: &self.quotas };
                self.cloudwatch.handle(call, &around, meter, now_ms)?
            }),
            Call::Elbv2(call) => Answer::Elbv2({
                let around = elbv2::Around { ec2: &self.ec2, quotas: &self.quotas };
                self.elbv2.handle(call, &around, meter, now_ms)?
            }),
            Call::Events(call) => Answer::Events(self.events.handle(call, now_ms)?),
            Call::Quotas(call) => Answer::Quotas(self.quotas.handle(call, meter, now_ms)?),
            Call::Support(call) => Answer::Support(self.support.handle(call, meter, now_ms)?),
            Call::Sqs(call) => Answer::Sqs(self.sqs.handle(call, now_ms)?),
            Call::Sns(call) => Answer::Sns(self.sns.handle(call, now_ms)?),
        };
        self.balance();
        self.post(now_ms);
        Ok(answer)
    }

    /// Brings everything to this time, in the order in which it is due, and says which time it is
    /// (never an earlier one).
    pub fn settle(&mut self, now_ms: i64) -> i64 {
        if self.now_ms == i64::MIN {
            let scripts = self.settings.clone();
            self.playbook.add(&scripts.script, now_ms);
        }
        let now_ms = self.now_ms.max(now_ms);
        while let Some(at_ms) = self.due().filter(|at| *at <= now_ms) {
            self.ec2.settle(at_ms);
            self.autoscaling.settle(&mut self.ec2, &self.elbv2, at_ms);
            self.balance();
            self.take_effect_late(at_ms);
            self.send_told();
            while let Some(entry) = self.on_the_way.first_entry().filter(|e| e.key().0 <= at_ms) {
                let notice = entry.remove();
                self.deliver(notice, at_ms);
            }
        }
        self.now_ms = now_ms;
        self.ec2.settle(now_ms);
        self.sqs.settle(now_ms);
        self.support.settle(now_ms);
        self.cloudwatch.settle(now_ms);
        if let Some(settings) = self.quotas.settle(now_ms) {
            self.adopt(settings, now_ms);
        }
        now_ms
    }

    /// Calls whose callers are gone take effect.
    fn take_effect_late(&mut self, at_ms: i64) {
        while let Some(entry) = self.late.first_entry().filter(|e| e.key().0 <= at_ms) {
            let call = entry.remove();
            let action = call.action();
            let mut meter = action.and_then(|a| self.counters.remove(&a)).unwrap_or_default();
            // Nobody is left to be answered.
            let _ = self.effect(&call, &mut meter, at_ms);
            action.and_then(|action| self.counters.insert(action, meter));
        }
    }

    /// The model's time begins, if it has not: times in scripts count from here.
    pub fn begin(&mut self, now_ms: i64) {
        self.settle(now_ms);
    }

    /// Counts of everything.
    pub fn totals(&mut self, now_ms: i64) -> Totals {
        self.settle(now_ms);
        Totals {
            connections: self.connections,
            requests: self.calls,
            turned_away: self.turned_away,
            late: self.late.len() as u64,
            contacts: self.contacts,
            launched: self.ec2.launched(),
        }
    }

    /// The fault scripts that are still to come or go on, as they would be added now.
    pub fn scripts(&mut self, now_ms: i64) -> Vec<Script> {
        let now_ms = self.settle(now_ms);
        self.playbook.ahead(now_ms)
    }

    /// When something happens by itself next: until then only calls change anything.
    #[must_use]
    pub fn due(&self) -> Option<i64> {
        let arrival = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
        let late = self.late.first_key_value().map(|((at, _), _)| *at);
        [self.autoscaling.due(), arrival, late].into_iter().flatten().min()
    }

    /// Puts what services have told on its way, as often and as late as the settings say.
    fn send_told(&mut self) {
        for (at_ms, notice) in self.autoscaling.take_told() {
            self.told += 1;
            for (due_ms, copy) in
                delivery::copies(&self.settings.delivery, self.seed, self.told, &notice, at_ms)
            {
                self.copies += 1;
                self.on_the_way.insert((due_ms, self.copies), copy);
            }
        }
    }

    /// A scaling policy's alarm sounds for this group. The desired capacity afterwards.
    ///
    /// # Errors
    /// If there is no such group.
    pub fn alarm(&mut self, group: &str, adjustment: Adjustment, now_ms: i64) -> Result<u32, Failure> {
        let now_ms = self.settle(now_ms);
        Ok(self.autoscaling.alarm(group, adjustment, &mut self.ec2, now_ms)?)
    }

    /// What a connection to this address meets now.
    pub fn door(&mut self, address: Ipv4Addr, now_ms: i64) -> Door {
        let now_ms = self.settle(now_ms);
        self.ec2.door(address, now_ms)
    }

    /// Somebody connects to this address: what it meets, and when, packets that get lost included.
    pub fn contact(&mut self, address: Ipv4Addr, now_ms: i64) -> Contact {
        let now_ms = self.settle(now_ms);
        let mut draw = Draw::new(self.seed, Purpose::Contact, self.contacts);
        self.contacts += 1;
        let zone = self.zone_of(address);
        let loss = self.playbook.packet_loss(zone, self.settings.packet_loss, now_ms);
        match packets::delay_ms(loss, &mut draw) {
            Some(delay_ms) => {
                let delay_ms = delay_ms.saturating_add(self.ec2.slowness_ms(address));
                Contact { door: self.ec2.door(address, now_ms), delay_ms }
            }
            None => Contact { door: Door::Hang, delay_ms: 0 },
        }
    }

    /// A configure push arrives. False if the agent is not there, or not answering, by now.
    pub fn configure(
        &mut self,
        address: Ipv4Addr,
        slot: Option<&str>,
        attempt: Option<u32>,
        now_ms: i64,
    ) -> bool {
        let now_ms = self.settle(now_ms);
        self.ec2.configure(address, slot, attempt, now_ms)
    }

    /// A health check arrives from this zone, or from nowhere in particular. None if the agent is
    /// not there, or not answering, by now.
    pub fn probe(&mut self, address: Ipv4Addr, from: Option<&str>, now_ms: i64) -> Option<Seen> {
        let now_ms = self.settle(now_ms);
        self.ec2.probe(address, from, now_ms)
    }

    /// The status alone of a [`Model::probe`] from nowhere in particular.
    pub fn health(&mut self, address: Ipv4Addr, now_ms: i64) -> Option<Health> {
        self.probe(address, None, now_ms).map(|seen| seen.health)
    }

    /// Whether EC2's own calls end this instance.
    #[must_use]
    pub fn is_termination_protected(&self, id: &str) -> bool {
        self.ec2.is_protected(id)
    }

    /// Whether somebody ended it, rather than it itself.
    #[must_use]
    pub fn was_ended_by_a_call(&self, ordinal: u32) -> bool {
        self.ec2.was_ended_by_a_call(ordinal)
    }

    /// Whether this instance served its clients at that time, which may be past; none if it is being ended by now.
    #[must_use]
    pub fn served_at(&self, id: &str, at_ms: i64, now_ms: i64) -> Option<bool> {
        self.ec2.served_at(id, at_ms, now_ms)
    }

    /// The zone of the subnet that this address is in, whether or not an instance has it.
    #[must_use]
    pub fn zone_of(&self, address: Ipv4Addr) -> Option<&str> {
        let subnet = self.settings.subnets.iter().find(|s| s.cidr.contains(address))?;
        Some(&subnet.zone)
    }

    /// Every instance that was ever launched, and what was called: the truth that everything else
    /// is judged by.
    pub fn ledger(&mut self, now_ms: i64) -> Ledger {
        let now_ms = self.settle(now_ms);
        let mut apis = BTreeMap::new();
        for (action, counters) in &self.counters {
            let mut counters = counters.clone();
            if let (Some(first), Some(last)) = (counters.first_ms, counters.last_ms) {
                counters.request_tokens_offered = match action {
                    Action::Ec2(action) => self.ec2.offered(*action, first, last),
                    Action::AutoScaling(_) => self.autoscaling.offered(first, last),
                    // Not metered.
                    Action::Events(_) | Action::Sns(_) | Action::Sqs(_) => 0.0,
                    Action::CloudWatch(action) => self.cloudwatch.offered(*action, first, last),
                    Action::Elbv2(_) => self.elbv2.offered(first, last),
                    Action::Support(_) => self.support.offered(first, last),
                    Action::Quotas(action) => self.quotas.offered(*action, first, last),
                };
            }
            apis.insert(action.to_string(), counters);
        }
        Ledger {
            seed: self.seed,
            now_ms,
            apis,
            unknown_actions: self.unknown_actions,
            instances: self.ec2.entries(now_ms),
            groups: self.autoscaling.entries(&self.ec2),
            hook_actions: self.autoscaling.hook_actions(),
            messages: self.messages(),
        }
    }

    /// Each Auto Scaling group's sizes, and how many of its members are where.
    pub fn tallies(&self) -> impl Iterator<Item = (autoscaling::Sizes, autoscaling::Tally)> + '_ {
        self.autoscaling.tallies()
    }

    /// Lifecycle actions that ended in this way.
    #[must_use]
    pub fn hook_actions_ended(&self, ending: autoscaling::Ending) -> usize {
        self.autoscaling.ended(ending)
    }

    #[cfg(test)]
    pub(crate) fn ec2(&self) -> &Ec2 {
        &self.ec2
    }

    /// The bound for this many, see [`super::bound`].
    #[must_use]
    pub fn bound(&self, count: u32, batch: u32) -> Option<Bound> {
        bound(&self.settings, self.seed, count, batch)
    }

    /// Looks like the UUIDs AWS answers with.
    fn request_id(&self, number: u64) -> String {
        Draw::new(self.seed, Purpose::Name, number).uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Faults;
    use super::ec2::call::{Answer as Ec2Answer, Call as Ec2Call};
    use super::ec2::testing::*;
    use super::*;

    /// A day of calls with everything going wrong, as text.
    fn trace(seed: u64) -> String {
        let settings = Settings {
            broken: 20.0,
            faults: Faults { throttle: 20.0, lost_replies: 10.0, lost_replies_before: 5.0, errors: 10.0 },
            ..Settings::default()
        };
        let mut model = Model::new(settings, seed).unwrap();
        let mut lines = Vec::new();
        let mut ids = Vec::new();
        for step in 0..200_u32 {
            let now = i64::from(step) * 700;
            let call = match step % 4 {
                0 => run(&format!("t{}", step / 8), 1, 7),
                1 => describe_all(50),
                2 => describe(&ids),
                _ => Ec2Call::TerminateInstances { ids: ids.iter().take(2).cloned().collect() },
            };
            let reply = model.ask(&call, now);
            if let Outcome::Answer(Answer::Ec2(Ec2Answer::Launched(r))) = &reply.outcome {
                ids = r.instances.iter().map(|i| i.id.clone()).collect();
            }
            lines.push(format!("{now} {call:?} {reply:?}"));
        }
        lines.push(format!("{:?}", model.ledger(1_000_000)));
        lines.join("\n")
    }

    #[test]
    fn the_same_seed_gives_the_same_trace_and_another_does_not() {
        assert_eq!(trace(1), trace(1));
        assert_ne!(trace(1), trace(2));
    }

    #[test]
    fn a_reply_lost_after_the_effect_leaves_the_instances() {
        let mut model = plain();
        model.change(&Change { lost_replies: Some(100.0), ..Change::default() }, 0).unwrap();
        assert!(matches!(model.ask(&run("t", 1, 3), 0).outcome, Outcome::Lost));
        assert_eq!(model.ledger(0).instances.len(), 3);
        model.change(&Change { lost_replies: Some(0.0), ..Change::default() }, 0).unwrap();
        assert_eq!(launched(&model.ask(&run("t", 1, 3), 1)).len(), 3);
        assert_eq!(model.ledger(1).instances.len(), 3);
        assert_eq!(model.ledger(1).apis["RunInstances"].lost_after, 1);
    }

    #[test]
    fn a_call_lost_before_the_effect_does_and_costs_nothing() {
        let mut model = plain();
        model.change(&Change { lost_replies_before: Some(100.0), ..Change::default() }, 0).unwrap();
        for _ in 0..10 {
            assert!(matches!(model.ask(&run("t", 1, 3), 0).outcome, Outcome::Lost));
        }
        let ledger = model.ledger(0);
        assert_eq!((ledger.instances.len(), ledger.apis["RunInstances"].request_tokens), (0, 0));
    }

    #[test]
    fn internal_errors_come_before_and_after_the_effect() {
        let mut model = plain();
        model.change(&Change { errors: Some(100.0), ..Change::default() }, 0).unwrap();
        for i in 0..40 {
            assert_eq!(code(&model.ask(&run(&format!("t{i}"), 1, 1), i * 1_000)), "InternalError");
        }
        let launched = model.ledger(40_000).instances.len();
        assert!((10..30).contains(&launched), "{launched}");
    }

    #[test]
    fn an_unknown_action_is_counted_apart() {
        let mut model = plain();
        let unknown = Ec2Call::Unreadable { action: None, error: ec2::error::ApiError::missing("Action") };
        assert_eq!(code(&model.ask(&unknown, 0)), "MissingParameter");
        assert_eq!(model.ledger(0).unknown_actions, 1);
    }

    #[test]
    fn a_bucket_can_be_emptied_and_shared_while_it_runs() {
        let mut model = plain();
        launched(&model.ask(&run("t1", 1, 100), 0));
        let change = r#"{"buckets": {"RunInstances": {"resource": {"level": 0, "taken_by_others": 1}}}}"#;
        model.change(&serde_json::from_str(change).unwrap(), 0).unwrap();
        assert_eq!(code(&model.ask(&run("t2", 1, 10), 9_000)), "RequestLimitExceeded");
        assert_eq!(launched(&model.ask(&run("t2", 1, 10), 10_000)).len(), 10);
    }
}
