//! The deterministic model of AWS: `handle(call, now)`, no I/O, no clock, no entropy.
//!
//! A call takes effect when it arrives; its reply says how long the answer takes from there and
//! whether it gets through at all. Each service is a folder with a state of its own; what they have
//! in common (faults, counting, request ids, the time) is here. The same seed and the same calls at
//! the same times give the same replies, byte for byte.

pub mod arn;
pub mod call;
mod counters;
pub mod ec2;
pub mod elbv2;
mod faults;
mod listing;
pub mod notice;
pub mod quotas;
pub mod support;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::bound::{Bound, bound};
use super::draw::{Draw, Purpose};
use super::ledger::Ledger;
use super::settings::{Settings, SettingsError};
use call::{Action, Answer, Call, Failure, Outcome, Reply};
use ec2::{Door, Ec2, Health};
use elbv2::Elbv2;
use faults::Luck;
use quotas::Quotas;
use support::Support;

pub use counters::ApiCounters;
pub use faults::Change;

/// The simulated AWS of one account in one region.
#[derive(Debug)]
pub struct Model {
    settings: Arc<Settings>,
    seed: u64,
    /// The latest time it was told; earlier ones count as this one.
    now_ms: i64,
    calls: u64,
    counters: BTreeMap<Action, ApiCounters>,
    /// Calls of anything else.
    unknown_actions: u64,
    ec2: Ec2,
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
            counters: Action::all().map(|a| (a, ApiCounters::default())).collect(),
            unknown_actions: 0,
            ec2: Ec2::new(settings.clone(), seed),
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
        let luck = Luck::of(&self.settings, self.seed, number, action);
        // Taken out and put back, so that the services can count into it.
        let mut meter = action.and_then(|a| self.counters.remove(&a)).unwrap_or_default();
        meter.arrived(now_ms);
        let outcome = self.outcome(call, &luck, &mut meter, now_ms);
        meter.ended(&outcome);
        match action {
            Some(action) => drop(self.counters.insert(action, meter)),
            None => self.unknown_actions += 1,
        }
        let latency_ms = match outcome {
            Outcome::Answer(_) => luck.answer_ms,
            Outcome::Error(_) | Outcome::Lost => luck.error_ms,
        };
        Reply { latency_ms, request_id: self.request_id(number), outcome }
    }

    /// Changes what may be changed while it runs.
    ///
    /// # Errors
    /// If the result makes no sense; nothing has changed then.
    pub fn change(&mut self, change: &Change) -> Result<(), SettingsError> {
        self.adopt(change.applied_to(&self.settings)?);
        Ok(())
    }

    /// From now on these settings hold, everywhere.
    fn adopt(&mut self, settings: Settings) {
        self.settings = Arc::new(settings);
        self.ec2.adopt(&self.settings);
        self.quotas.adopt(&self.settings);
        self.support.adopt(&self.settings);
        self.elbv2.adopt(&self.settings);
    }

    fn outcome(&mut self, call: &Call, luck: &Luck, meter: &mut ApiCounters, now_ms: i64) -> Outcome {
        if luck.lost_before {
            meter.lost_before += 1;
            return Outcome::Lost;
        }
        let result = self.answer(call, luck, meter, now_ms);
        if luck.lost_after {
            meter.lost_after += 1;
            return Outcome::Lost;
        }
        match result {
            Ok(answer) => Outcome::Answer(answer),
            Err(failure) => Outcome::Error(failure),
        }
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
            return Err(Failure::throttled(call.service()));
        }
        if luck.error_before {
            meter.errors_by_fault += 1;
            return Err(Failure::internal(call.service()));
        }
        let answer = match call {
            Call::Ec2(call) => Answer::Ec2(self.ec2.handle(call, meter, now_ms)?),
            Call::Elbv2(call) => Answer::Elbv2({
                let around = elbv2::Around { ec2: &self.ec2, quotas: &self.quotas };
                self.elbv2.handle(call, &around, meter, now_ms)?
            }),
            Call::Support(call) => Answer::Support(self.support.handle(call, meter, now_ms)?),
            Call::Quotas(call) => Answer::Quotas(self.quotas.handle(call, meter, now_ms)?),
        };
        if luck.error_after {
            meter.errors_by_fault += 1;
            return Err(Failure::internal(call.service()));
        }
        Ok(answer)
    }

    /// Brings everything to this time, and says which time it is (never an earlier one).
    fn settle(&mut self, now_ms: i64) -> i64 {
        self.now_ms = self.now_ms.max(now_ms);
        self.ec2.settle(self.now_ms);
        self.support.settle(self.now_ms);
        if let Some(settings) = self.quotas.settle(self.now_ms) {
            self.adopt(settings);
        }
        self.now_ms
    }

    /// What a connection to this address meets now.
    pub fn door(&mut self, address: Ipv4Addr, now_ms: i64) -> Door {
        let now_ms = self.settle(now_ms);
        self.ec2.door(address, now_ms)
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

    /// A health check arrives. None if the agent is not there, or not answering, by now.
    pub fn health(&mut self, address: Ipv4Addr, now_ms: i64) -> Option<Health> {
        let now_ms = self.settle(now_ms);
        self.ec2.health(address, now_ms)
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
        }
    }

    /// The bound for this many, see [`super::bound`].
    #[must_use]
    pub fn bound(&self, count: u32, batch: u32) -> Option<Bound> {
        bound(&self.settings, self.seed, count, batch)
    }

    /// Looks like the UUIDs AWS answers with.
    fn request_id(&self, number: u64) -> String {
        let mut draw = Draw::new(self.seed, Purpose::Name, number);
        uuid::Builder::from_random_bytes(
            (u128::from(draw.bits()) << 64 | u128::from(draw.bits())).to_be_bytes(),
        )
        .into_uuid()
        .to_string()
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
        model.change(&Change { lost_replies: Some(100.0), ..Change::default() }).unwrap();
        assert!(matches!(model.ask(&run("t", 1, 3), 0).outcome, Outcome::Lost));
        assert_eq!(model.ledger(0).instances.len(), 3);
        model.change(&Change { lost_replies: Some(0.0), ..Change::default() }).unwrap();
        assert_eq!(launched(&model.ask(&run("t", 1, 3), 1)).len(), 3);
        assert_eq!(model.ledger(1).instances.len(), 3);
        assert_eq!(model.ledger(1).apis["RunInstances"].lost_after, 1);
    }

    #[test]
    fn a_call_lost_before_the_effect_does_and_costs_nothing() {
        let mut model = plain();
        model.change(&Change { lost_replies_before: Some(100.0), ..Change::default() }).unwrap();
        for _ in 0..10 {
            assert!(matches!(model.ask(&run("t", 1, 3), 0).outcome, Outcome::Lost));
        }
        let ledger = model.ledger(0);
        assert_eq!((ledger.instances.len(), ledger.apis["RunInstances"].request_tokens), (0, 0));
    }

    #[test]
    fn internal_errors_come_before_and_after_the_effect() {
        let mut model = plain();
        model.change(&Change { errors: Some(100.0), ..Change::default() }).unwrap();
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
}
