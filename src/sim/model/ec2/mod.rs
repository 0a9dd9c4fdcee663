//! EC2: instances, what limits them, and the calls about them.

mod agent;
pub(super) mod bucket;
pub mod call;
mod describe;
pub mod error;
mod filter;
mod group;
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
pub(super) mod target;
mod terminate;
#[cfg(test)]
pub(crate) mod testing;
mod tokens;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::super::settings::Settings;
use super::counters::ApiCounters;
use bucket::AllBuckets;
use call::{Action, Answer, Call};
use error::ApiError;
use instance::Instance;
use names::Names;
use network::Network;
use places::Places;
use tokens::ClientTokens;

pub use agent::Health;
pub use group::Watched;
pub use instance::{Door, Launch, State};
pub use subnets::VPC;

/// EC2 of one account in one region.
#[derive(Debug)]
pub struct Ec2 {
    settings: Arc<Settings>,
    seed: u64,
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
}

impl Ec2 {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Ec2 {
        Ec2 {
            seed,
            launches: 0,
            names: Names::new(seed),
            buckets: AllBuckets::new(&settings.buckets),
            network: Network::new(&settings.subnets),
            places: Places::default(),
            tokens: ClientTokens::default(),
            instances: Vec::new(),
            endings: BinaryHeap::new(),
            settings,
        }
    }

    /// From now on these settings hold.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>) {
        self.settings = settings.clone();
        self.buckets.adopt(&settings.buckets);
    }

    /// Answers one call, metered.
    pub(super) fn handle(
        &mut self,
        call: &Call,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if let Some(action) = call.action() {
            self.pay_request(action, self.is_unfiltered(call), meter, now_ms)?;
        }
        match call {
            Call::RunInstances(run) => self.run_instances(run, meter, now_ms),
            Call::DescribeInstances(read) => self.describe_instances(read, now_ms),
            Call::TerminateInstances { ids } => self.terminate_instances(ids, meter, now_ms),
            Call::DescribeSubnets(read) => self.describe_subnets(read),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
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

    fn pay_request(
        &mut self,
        action: Action,
        unfiltered: bool,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        if self.buckets.requests(action, unfiltered).take(1, now_ms) {
            meter.request_tokens += 1;
            Ok(())
        } else {
            meter.throttled_by_requests += 1;
            Err(ApiError::throttled())
        }
    }

    /// Pays for so many instances, where the action has a bucket for them.
    fn pay_instances(
        &mut self,
        action: Action,
        instances: u32,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        if self.buckets.resources(action).is_none_or(|b| b.take(instances, now_ms)) {
            meter.instance_tokens += u64::from(instances);
            Ok(())
        } else {
            meter.throttled_by_instances += 1;
            Err(ApiError::throttled())
        }
    }

    /// The most request tokens of the action that anyone could have taken between two times.
    pub(super) fn offered(&self, action: Action, first_ms: i64, last_ms: i64) -> f64 {
        self.buckets.offered(action, first_ms, last_ms)
    }

    /// Gives back what was held by everything that is terminated by now.
    pub(super) fn settle(&mut self, now_ms: i64) {
        while let Some(Reverse((at, ordinal))) = self.endings.peek().copied()
            && at <= now_ms
        {
            self.endings.pop();
            self.release(ordinal, now_ms);
        }
    }

    /// Gives back what a terminated instance held.
    fn release(&mut self, ordinal: u32, now_ms: i64) {
        let Some(instance) = self.instances.get_mut(ordinal as usize) else { return };
        if instance.released || instance.state(now_ms) != State::Terminated {
            return;
        }
        instance.released = true;
        let (launch, address) = (instance.launch.clone(), instance.address);
        self.network.give_back(&launch.subnet, address);
        self.places.give_back(&launch.zone, &launch.instance_type);
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    #[test]
    fn calls_are_throttled_by_their_own_bucket() {
        let mut model = plain();
        let codes: Vec<_> = (0..6).map(|i| code(&model.ask(&run(&format!("t{i}"), 1, 1), 0))).collect();
        assert_eq!(codes, ["", "", "", "", "", "RequestLimitExceeded"]);
        assert_eq!(code(&model.ask(&describe_all(1_000), 0)), "");
        assert_eq!(code(&model.ask(&run("t9", 1, 1), 500)), "");
        let counters = &model.ledger(500).apis["RunInstances"];
        assert_eq!((counters.calls, counters.succeeded, counters.throttled_by_requests), (7, 6, 1));
        assert_eq!((counters.request_tokens, counters.instance_tokens), (6, 6));
    }

    #[test]
    fn a_describe_of_everything_has_the_smaller_bucket() {
        let mut model = plain();
        let all = Call::DescribeInstances(call::Read::default());
        let allowed = (0..100).filter(|_| code(&model.ask(&all, 0)).is_empty()).count();
        assert_eq!(allowed, 50);
        let allowed = (0..200).filter(|_| code(&model.ask(&describe_all(5), 0)).is_empty()).count();
        assert_eq!(allowed, 100);
    }

    #[test]
    fn an_unreadable_call_is_metered() {
        let mut model = plain();
        let bad = |action| Call::Unreadable { action, error: ApiError::missing("MaxCount") };
        for _ in 0..5 {
            assert_eq!(code(&model.ask(&bad(Some(Action::RunInstances)), 0)), "MissingParameter");
        }
        assert_eq!(code(&model.ask(&bad(Some(Action::RunInstances)), 0)), "RequestLimitExceeded");
    }

    #[test]
    fn time_that_runs_backwards_counts_as_the_latest() {
        let mut model = plain();
        launched(&model.ask(&run("t", 1, 1), 10_000));
        launched(&model.ask(&run("u", 1, 1), 5_000));
        assert_eq!(model.ledger(0).instances[1].launched_ms, 10_000);
    }
}
