//! The deterministic model: `handle(call, now)`, no I/O, no clock, no entropy.
//!
//! A call takes effect when it arrives; its reply says how long the answer takes from there and
//! whether it gets through at all. State is computed from fates and the time, so there is nothing
//! to step: the only thing that time does is to give back the places of what was terminated.
//! The same seed and the same calls at the same times give the same replies, byte for byte.

mod agent;
mod bucket;
pub mod call;
mod counters;
mod describe;
pub mod error;
mod faults;
mod filter;
mod instance;
#[cfg(test)]
mod invariants;
mod names;
mod network;
mod places;
mod read;
mod record;
mod run;
mod subnets;
mod terminate;
#[cfg(test)]
pub(crate) mod testing;
mod tokens;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::draw::{Draw, Purpose};
use super::settings::{Settings, SettingsError};
use bucket::AllBuckets;
use call::{Action, Answer, Call, Outcome, Reply};
use error::ApiError;
use faults::Luck;
use instance::Instance;
use names::Names;
use network::Network;
use places::Places;
use tokens::ClientTokens;

pub use agent::Health;
pub use counters::ApiCounters;
pub use faults::Change;
pub use instance::{Door, Launch, State};
pub use subnets::VPC;

/// The simulated EC2 of one account in one region.
#[derive(Debug)]
pub struct Model {
    settings: Settings,
    seed: u64,
    /// The latest time it was told; earlier ones count as this one.
    now_ms: i64,
    calls: u64,
    launches: u64,
    names: Names,
    buckets: AllBuckets,
    network: Network,
    places: Places,
    tokens: ClientTokens,
    /// Every instance ever launched; the index is its ordinal.
    instances: Vec<Instance>,
    /// When which instance is terminated, the next first. May name one too early or twice.
    endings: BinaryHeap<Reverse<(i64, u32)>>,
    counters: BTreeMap<Action, ApiCounters>,
    /// Calls of anything else.
    unknown_actions: u64,
}

impl Model {
    /// # Errors
    /// If the settings make no sense.
    pub fn new(settings: Settings, seed: u64) -> Result<Model, SettingsError> {
        settings.check()?;
        Ok(Model {
            seed,
            now_ms: i64::MIN,
            calls: 0,
            launches: 0,
            names: Names::new(seed),
            buckets: AllBuckets::new(&settings.buckets),
            network: Network::new(&settings.subnets),
            places: Places::default(),
            tokens: ClientTokens::default(),
            instances: Vec::new(),
            endings: BinaryHeap::new(),
            counters: Action::ALL.iter().map(|a| (*a, ApiCounters::default())).collect(),
            unknown_actions: 0,
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
        self.count(action, |c| c.arrived(now_ms));
        if action.is_none() {
            self.unknown_actions += 1;
        }
        let outcome = self.outcome(call, &luck, now_ms);
        self.count(action, |c| c.ended(&outcome));
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
        self.settings = change.applied_to(&self.settings)?;
        Ok(())
    }

    fn outcome(&mut self, call: &Call, luck: &Luck, now_ms: i64) -> Outcome {
        if luck.lost_before {
            self.count(call.action(), |c| c.lost_before += 1);
            return Outcome::Lost;
        }
        let result = self.answer(call, luck, now_ms);
        if luck.lost_after {
            self.count(call.action(), |c| c.lost_after += 1);
            return Outcome::Lost;
        }
        match result {
            Ok(answer) => Outcome::Answer(answer),
            Err(error) => Outcome::Error(error),
        }
    }

    fn answer(&mut self, call: &Call, luck: &Luck, now_ms: i64) -> Result<Answer, ApiError> {
        let action = call.action();
        if luck.throttled {
            self.count(action, |c| c.throttled_by_fault += 1);
            return Err(ApiError::throttled());
        }
        if luck.error_before {
            self.count(action, |c| c.errors_by_fault += 1);
            return Err(ApiError::internal());
        }
        if let Some(action) = action {
            self.pay_request(action, self.is_unfiltered(call), now_ms)?;
        }
        let answer = match call {
            Call::RunInstances(run) => self.run_instances(run, now_ms),
            Call::DescribeInstances(read) => self.describe_instances(read, now_ms),
            Call::TerminateInstances { ids } => self.terminate_instances(ids, now_ms),
            Call::DescribeSubnets(read) => self.describe_subnets(read),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }?;
        if luck.error_after {
            self.count(action, |c| c.errors_by_fault += 1);
            return Err(ApiError::internal());
        }
        Ok(answer)
    }

    fn is_unfiltered(&self, call: &Call) -> bool {
        match call {
            Call::DescribeInstances(read) => {
                let bare = read.filters.is_empty() && read.max_results.is_none();
                bare && (read.ids.is_empty() || self.settings.switches.ids_are_unfiltered)
            }
            Call::RunInstances(_)
            | Call::TerminateInstances { .. }
            | Call::DescribeSubnets(_)
            | Call::Unreadable { .. } => false,
        }
    }

    fn pay_request(&mut self, action: Action, unfiltered: bool, now_ms: i64) -> Result<(), ApiError> {
        if self.buckets.requests(action, unfiltered).take(1, now_ms) {
            self.count(Some(action), |c| c.request_tokens += 1);
            Ok(())
        } else {
            self.count(Some(action), |c| c.throttled_by_requests += 1);
            Err(ApiError::throttled())
        }
    }

    /// Pays for so many instances, where the action has a bucket for them.
    fn pay_instances(&mut self, action: Action, instances: u32, now_ms: i64) -> Result<(), ApiError> {
        if self.buckets.resources(action).is_none_or(|b| b.take(instances, now_ms)) {
            self.count(Some(action), |c| c.instance_tokens += u64::from(instances));
            Ok(())
        } else {
            self.count(Some(action), |c| c.throttled_by_instances += 1);
            Err(ApiError::throttled())
        }
    }

    fn count(&mut self, action: Option<Action>, f: impl FnOnce(&mut ApiCounters)) {
        if let Some(counters) = action.and_then(|a| self.counters.get_mut(&a)) {
            f(counters);
        }
    }

    /// Brings the model to this time, and says which time it is (never an earlier one).
    fn settle(&mut self, now_ms: i64) -> i64 {
        self.now_ms = self.now_ms.max(now_ms);
        while let Some(Reverse((at, ordinal))) = self.endings.peek().copied()
            && at <= self.now_ms
        {
            self.endings.pop();
            self.release(ordinal);
        }
        self.now_ms
    }

    /// Gives back what a terminated instance held.
    fn release(&mut self, ordinal: u32) {
        let Some(instance) = self.instances.get_mut(ordinal as usize) else { return };
        if instance.released || instance.state(self.now_ms) != State::Terminated {
            return;
        }
        instance.released = true;
        let (launch, address) = (instance.launch.clone(), instance.address);
        self.network.give_back(&launch.subnet, address);
        self.places.give_back(&launch.zone, &launch.instance_type);
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
    use super::testing::*;
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
                _ => Call::TerminateInstances { ids: ids.iter().take(2).cloned().collect() },
            };
            let reply = model.handle(&call, now);
            if let Outcome::Answer(Answer::Launched(r)) = &reply.outcome {
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
    fn calls_are_throttled_by_their_own_bucket() {
        let mut model = plain();
        let codes: Vec<_> = (0..6).map(|i| code(&model.handle(&run(&format!("t{i}"), 1, 1), 0))).collect();
        assert_eq!(codes, ["", "", "", "", "", "RequestLimitExceeded"]);
        assert_eq!(code(&model.handle(&describe_all(1_000), 0)), "");
        assert_eq!(code(&model.handle(&run("t9", 1, 1), 500)), "");
        let counters = &model.ledger(500).apis["RunInstances"];
        assert_eq!((counters.calls, counters.succeeded, counters.throttled_by_requests), (7, 6, 1));
        assert_eq!((counters.request_tokens, counters.instance_tokens), (6, 6));
    }

    #[test]
    fn a_describe_of_everything_has_the_smaller_bucket() {
        let mut model = plain();
        let all = Call::DescribeInstances(call::Read::default());
        let allowed = (0..100).filter(|_| code(&model.handle(&all, 0)).is_empty()).count();
        assert_eq!(allowed, 50);
        let allowed = (0..200).filter(|_| code(&model.handle(&describe_all(5), 0)).is_empty()).count();
        assert_eq!(allowed, 100);
    }

    #[test]
    fn a_reply_lost_after_the_effect_leaves_the_instances() {
        let mut model = plain();
        model.change(&Change { lost_replies: Some(100.0), ..Change::default() }).unwrap();
        assert!(matches!(model.handle(&run("t", 1, 3), 0).outcome, Outcome::Lost));
        assert_eq!(model.ledger(0).instances.len(), 3);
        model.change(&Change { lost_replies: Some(0.0), ..Change::default() }).unwrap();
        assert_eq!(launched(&model.handle(&run("t", 1, 3), 1)).len(), 3);
        assert_eq!(model.ledger(1).instances.len(), 3);
        assert_eq!(model.ledger(1).apis["RunInstances"].lost_after, 1);
    }

    #[test]
    fn a_call_lost_before_the_effect_does_and_costs_nothing() {
        let mut model = plain();
        model.change(&Change { lost_replies_before: Some(100.0), ..Change::default() }).unwrap();
        for _ in 0..10 {
            assert!(matches!(model.handle(&run("t", 1, 3), 0).outcome, Outcome::Lost));
        }
        let ledger = model.ledger(0);
        assert_eq!((ledger.instances.len(), ledger.apis["RunInstances"].request_tokens), (0, 0));
    }

    #[test]
    fn internal_errors_come_before_and_after_the_effect() {
        let mut model = plain();
        model.change(&Change { errors: Some(100.0), ..Change::default() }).unwrap();
        for i in 0..40 {
            assert_eq!(code(&model.handle(&run(&format!("t{i}"), 1, 1), i * 1_000)), "InternalError");
        }
        let launched = model.ledger(40_000).instances.len();
        assert!((10..30).contains(&launched), "{launched}");
    }

    #[test]
    fn an_unreadable_call_is_metered_and_an_unknown_action_is_not() {
        let mut model = plain();
        let bad = |action| Call::Unreadable { action, error: ApiError::missing("MaxCount") };
        for _ in 0..5 {
            assert_eq!(code(&model.handle(&bad(Some(Action::RunInstances)), 0)), "MissingParameter");
        }
        assert_eq!(code(&model.handle(&bad(Some(Action::RunInstances)), 0)), "RequestLimitExceeded");
        assert_eq!(code(&model.handle(&bad(None), 0)), "MissingParameter");
        assert_eq!(model.ledger(0).unknown_actions, 1);
    }

    #[test]
    fn time_that_runs_backwards_counts_as_the_latest() {
        let mut model = plain();
        launched(&model.handle(&run("t", 1, 1), 10_000));
        launched(&model.handle(&run("u", 1, 1), 5_000));
        assert_eq!(model.ledger(0).instances[1].launched_ms, 10_000);
    }
}
