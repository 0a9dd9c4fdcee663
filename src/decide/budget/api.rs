//! Everything that limits calls to one AWS API: request tokens, instance tokens, calls in flight,
//! and a pause that grows while the API keeps failing.

use std::time::Duration;

use super::bucket::{Bucket, Rate};
use super::lane::Lane;
use super::learned::Learned;
use super::metered::{Chance, Metered};
use crate::decide::event::CallError;
use crate::decide::rng::Rng;
use crate::decide::rows::BudgetRow;
use crate::decide::view::BudgetView;
use crate::decide::wait::Wait;
use crate::decide::words::{Api, ErrorClass, Time};

/// Limits of one API (aws-facts 1.2 and 1.3; Service Quotas may say otherwise).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApiLimits {
    pub requests: Rate,
    /// The second bucket, one token for each instance in the call.
    pub instances: Option<Rate>,
    pub in_flight: u32,
}

impl ApiLimits {
    /// The published defaults.
    #[must_use]
    pub fn published(api: Api) -> ApiLimits {
        let rate = |burst, refill| Rate { burst, refill };
        match api {
            Api::RunInstances => {
                ApiLimits { requests: rate(5, 2.0), instances: Some(rate(1_000, 2.0)), in_flight: 5 }
            }
            // A describe by ids may count as unfiltered and unpaginated (50 + 10/s, not 100 + 20/s):
            // AWS does not say, so the smaller bucket is believed.
            Api::DescribeInstances => ApiLimits { requests: rate(50, 10.0), instances: None, in_flight: 4 },
            Api::TerminateInstances => {
                ApiLimits { requests: rate(100, 5.0), instances: Some(rate(1_000, 20.0)), in_flight: 2 }
            }
            // Unpublished; DRILLS.md's figure, from where it is learned. Sixteen at 300 ms are 53 a second.
            Api::AutoScaling
            | Api::LaunchInstances
            | Api::CompleteLifecycleAction
            | Api::RecordLifecycleActionHeartbeat
            | Api::DescribeAutoScalingGroups
            | Api::DescribeLifecycleHooks
            | Api::TerminateInstanceInAutoScalingGroup
            | Api::SetDesiredCapacity
            | Api::SetInstanceProtection
            | Api::EnterStandby
            | Api::ExitStandby
            | Api::DetachInstances
            | Api::SuspendProcesses
            | Api::ResumeProcesses => ApiLimits { requests: rate(50, 10.0), instances: None, in_flight: 16 },
            // One bucket for both is believed, and learned: changes have 50 + 5/s, reads a larger one
            // (aws-facts 1.2). Twenty holds are forty calls, eighty where every second one is throttled: sixteen
            // at once at 300 ms are through with them in 2 s. Sockets are the shell's to give: there they wait.
            // `CreateTags` has a larger one of its own (aws-facts 1.3), and the few calls we make are paid here.
            Api::ModifyInstanceAttribute | Api::DescribeInstanceAttribute | Api::CreateTags => {
                ApiLimits { requests: rate(50, 10.0), instances: None, in_flight: 16 }
            }
            Api::GetMetricData => ApiLimits { requests: rate(50, 50.0), instances: None, in_flight: 2 },
            // Our own, far below the slowest of these APIs (GetServiceQuota: 5 + 5/s, aws-facts 1.5): a picture of
            // ten numbers is there after a few round trips, and a hundred numbers cost a call a second.
            Api::Preflight
            | Api::GetServiceQuota
            | Api::GetAwsDefaultServiceQuota
            | Api::DescribeInstanceTypes
            | Api::DescribeSubnets
            | Api::DescribeNetworkInterfaces
            | Api::DescribeTargetHealth
            | Api::DescribeLaunchTemplateVersions => {
                ApiLimits { requests: rate(10, 2.0), instances: None, in_flight: LOOKS_AT_ONCE }
            }
            // Our own, below each of them: ELBv2's rates are unpublished (aws-facts 10), an increase is asked for at
            // 3 + 3/s (1.5), a NAT gateway's addresses change at 10 + 1/s (6.3); a request needs a few calls a minute.
            Api::Gateway
            | Api::DescribeCapacityReservation
            | Api::ModifyCapacityReservation
            | Api::GetRequestedServiceQuotaChange
            | Api::ListRequestedServiceQuotaChangeHistoryByQuota
            | Api::RequestServiceQuotaIncrease
            | Api::DescribeNatGateways
            | Api::AssociateNatGatewayAddress
            | Api::DescribeCases
            | Api::CreateCase
            | Api::DisassociateNatGatewayAddress => {
                ApiLimits { requests: rate(5, 1.0), instances: None, in_flight: GATEWAY_CALLS_AT_ONCE }
            }
        }
    }
}

/// Most questions about the account, for the preflight, that are out at once.
pub const LOOKS_AT_ONCE: u32 = 2;
/// Most calls about gateways that are out at once.
pub const GATEWAY_CALLS_AT_ONCE: u32 = 2;

/// First pause after a failure without a throttle. Doubles to the cap below.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause: with jitter 7.5 to 15 s, 4 to 8 probes a minute (D7 allows 10 per API).
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Unanswered calls in a row from which each further call is a probe, and the next one waits at
/// least half the longest pause, whether or not this one is answered: a call may hang for a minute.
const WEATHER: u32 = 5;
/// First pause after a throttle; doubles while this API's calls are throttled one after the other.
const AFTER_THROTTLE: Duration = Duration::from_millis(500);
/// Longest pause after a throttle.
const LONGEST_AFTER_THROTTLE: Duration = Duration::from_secs(4);
/// Calls that are remembered, to tell how many are throttled.
const MEMORY: u32 = 64;

/// Tokens that we do not believe in, of each bucket. AWS's bucket begins to refill when our call
/// *arrives*; ours when it leaves. Whoever spends exactly what the arithmetic allows is therefore
/// throttled every few calls. One request token is half a second of RunInstances' refill, two
/// instance tokens are a second: more than a call takes to arrive. Costs one second in all.
const SPARE: (u32, u32) = (1, 2);

/// A bucket without its spare tokens; one that holds hardly more is left as it is.
fn believed(rate: Rate, spare: u32) -> Rate {
    Rate { burst: if rate.burst > 2 * spare { rate.burst - spare } else { rate.burst }, ..rate }
}

/// One API's budget.
#[derive(Debug)]
pub struct ApiBudget {
    api: Api,
    requests: Bucket,
    instances: Option<Metered>,
    lane: Lane,
    /// Where the bucket's speed is not published.
    learned: Option<Learned>,
    failures: u32,
    /// The last calls that were answered, the newest lowest: 1 if throttled.
    answers: u64,
    answered: u32,
    not_before: Time,
    sent: u64,
    throttled: u64,
    failed: u64,
}

impl ApiBudget {
    #[must_use]
    pub fn new(api: Api, limits: &ApiLimits) -> ApiBudget {
        ApiBudget {
            api,
            requests: Bucket::full(believed(limits.requests, SPARE.0)),
            instances: limits.instances.map(|rate| Metered::full(believed(rate, SPARE.1))),
            lane: Lane::new(1, limits.in_flight, limits.in_flight),
            learned: None,
            failures: 0,
            answers: 0,
            answered: 0,
            not_before: Time(0),
            sent: 0,
            throttled: 0,
            failed: 0,
        }
    }

    /// For an API whose bucket is not published: `limits` is where learning starts.
    #[must_use]
    pub fn learning(api: Api, limits: &ApiLimits) -> ApiBudget {
        let learned = Some(Learned::from(limits.requests.refill));
        ApiBudget { learned, ..ApiBudget::new(api, limits) }
    }

    #[must_use]
    pub fn api(&self) -> Api {
        self.api
    }

    /// Calls a second that get through, by what is known.
    #[must_use]
    pub fn yields(&self) -> f64 {
        self.learned.as_ref().map_or(self.requests.rate().refill, Learned::yields)
    }

    /// Request tokens in hand.
    #[must_use]
    pub fn calls_in_hand(&self, now: Time) -> u32 {
        self.requests.have(now)
    }

    /// Instance tokens in hand; unlimited for an API without that bucket.
    #[must_use]
    pub fn instance_tokens(&self, now: Time) -> u32 {
        self.instances.as_ref().map_or(u32::MAX, |m| m.bucket().have(now))
    }

    /// The instance bucket, if this API has one.
    #[must_use]
    pub fn instances(&self) -> Option<&Bucket> {
        self.instances.as_ref().map(Metered::bucket)
    }

    /// What the last calls that were answered tell of throttles.
    #[must_use]
    pub fn chance(&self) -> Chance {
        Chance { throttled: self.answers.count_ones(), calls: self.answered }
    }

    /// Calls in a row that were not answered.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How long the subject of a call that was throttled just now waits before the next one.
    #[must_use]
    pub fn after_throttle(&self) -> Duration {
        let before = self.answers.trailing_ones().saturating_sub(1);
        (AFTER_THROTTLE * 2u32.saturating_pow(before.min(8))).min(LONGEST_AFTER_THROTTLE)
    }

    /// Whether a call could go out now, and what it would wait for.
    pub fn check(&self, now: Time) -> Result<(), Wait> {
        if now < self.not_before {
            return Err(Wait::ApiBackoff { api: self.api, failures: self.failures, until: self.not_before });
        }
        if self.lane.room() == 0 {
            return Err(Wait::CallsInFlight { api: self.api, limit: self.lane.limit() });
        }
        if self.requests.have(now) == 0 {
            return Err(Wait::RequestTokens { api: self.api, ready_at: self.requests.ready_at(now, 1) });
        }
        Ok(())
    }

    /// Takes what one call about `instances` instances needs, or says what it waits for and takes
    /// nothing.
    ///
    /// # Panics
    /// If a token that was there a moment ago is not: a defect in the bucket.
    pub fn take(&mut self, now: Time, instances: u32) -> Result<(), Wait> {
        self.check(now)?;
        if let Some(bucket) = self.instances.as_mut().map(Metered::bucket_mut)
            && !bucket.take(now, instances)
        {
            return Err(Wait::InstanceTokens {
                have: bucket.have(now),
                want: instances,
                ready_at: bucket.ready_at(now, instances),
            });
        }
        let taken = self.requests.take(now, 1) && self.lane.enter();
        assert!(taken, "checked above: {} has a request token and room", self.api);
        self.sent += 1;
        if self.failures >= WEATHER {
            self.not_before = now.plus(LONGEST_PAUSE / 2);
        }
        Ok(())
    }

    /// Books the answer to a call that took `instances` tokens; the tokens of a call that launched
    /// nothing come back. `elsewhere` is how often calls of other APIs are throttled.
    pub fn answered(
        &mut self,
        now: Time,
        instances: u32,
        error: Option<&CallError>,
        elsewhere: Chance,
        rng: &mut Rng,
    ) {
        let Some(error) = error else {
            self.learn(true, now);
            self.is_well();
            if let Some(metered) = &mut self.instances {
                metered.granted(now, instances, elsewhere);
            }
            return;
        };
        match error.class {
            ErrorClass::Throttle => {
                self.throttled += 1;
                self.book(true);
                self.lane.leave();
                if self.learned.is_some() {
                    self.learn(false, now);
                } else {
                    // The request bucket is the smaller and the likelier culprit, so it goes to empty at
                    // once: two calls a second come back for RunInstances.
                    self.requests.correct_to(now, 0);
                }
                self.give_back(instances);
                if let Some(metered) = &mut self.instances {
                    metered.throttled(now, instances, elsewhere);
                }
            }
            ErrorClass::Unknown => {
                self.failed += 1;
                self.failures += 1;
                // A single lost answer is noise; a second in a row is weather.
                if self.failures >= 2 {
                    let pause = FIRST_PAUSE * 2u32.saturating_pow((self.failures - 2).min(10));
                    self.not_before = self.not_before.max(now.plus(rng.jitter(pause.min(LONGEST_PAUSE))));
                }
                self.lane.leave_in_trouble();
                if let Some(metered) = &mut self.instances {
                    metered.unanswered(self.failures >= WEATHER);
                }
            }
            // AWS answered, and answered about this one request.
            ErrorClass::Capacity
            | ErrorClass::Unsupported
            | ErrorClass::Addresses
            | ErrorClass::Quota
            | ErrorClass::TooMany
            | ErrorClass::TokenSpent
            | ErrorClass::TokenMismatch
            | ErrorClass::Contention
            | ErrorClass::NoAction
            | ErrorClass::Size
            | ErrorClass::NotFound
            | ErrorClass::Configuration => {
                self.learn(true, now);
                self.is_well();
                self.give_back(instances);
            }
        }
    }

    /// Whoever has used up what the bucket was believed to hold would go faster.
    fn learn(&mut self, through: bool, now: Time) {
        let Some(learned) = &mut self.learned else { return };
        let pressed = self.requests.have(now) <= 1;
        learned.answered(through, pressed, now);
        self.requests.set_refill(now, learned.refill());
    }

    fn is_well(&mut self) {
        if self.failures >= WEATHER {
            self.lane.widen();
        }
        self.failures = 0;
        self.not_before = Time(0);
        self.book(false);
        self.lane.leave_well();
    }

    fn book(&mut self, throttled: bool) {
        self.answers = (self.answers << 1) | u64::from(throttled);
        self.answered = (self.answered + 1).min(MEMORY);
    }

    /// A call whose answer was lost turns out to have taken effect: it is answers that get lost, and the API works.
    pub fn took_effect(&mut self) {
        self.failures = 0;
        self.not_before = Time(0);
    }

    /// Gives back tokens of a call that did not spend them at AWS.
    pub fn give_back(&mut self, instances: u32) {
        if let Some(metered) = &mut self.instances
            && instances > 0
        {
            metered.bucket_mut().give_back(instances);
        }
    }

    /// Bucket states to store with the decision that changed them.
    #[must_use]
    pub fn stored_changes(&mut self) -> Vec<BudgetRow> {
        let api = self.api;
        let mut rows = Vec::new();
        let named = [
            ("requests", Some(&mut self.requests)),
            ("instances", self.instances.as_mut().map(Metered::bucket_mut)),
        ];
        for (what, bucket) in named {
            if let Some(full_at_ns) = bucket.and_then(Bucket::take_change) {
                rows.push(BudgetRow { name: format!("{api} {what}"), full_at_ns });
            }
        }
        rows
    }

    /// Puts a stored bucket back; ignores rows of other budgets.
    pub fn restore(&mut self, now: Time, row: &BudgetRow) {
        if row.name == format!("{} requests", self.api) {
            self.requests.restore(now, row.full_at_ns);
        } else if row.name == format!("{} instances", self.api)
            && let Some(bucket) = self.instances.as_mut().map(Metered::bucket_mut)
        {
            bucket.restore(now, row.full_at_ns);
        }
    }

    /// One line for each bucket.
    #[must_use]
    pub fn views(&self, now: Time) -> Vec<BudgetView> {
        let view = |what: &str, b: &Bucket| BudgetView {
            name: format!("{} {what}", self.api),
            have: b.have(now),
            burst: b.rate().burst,
            refill: b.rate().refill,
            api: self.api,
            calls: self.sent,
            throttled: self.throttled,
            failed: self.failed,
        };
        std::iter::once(view("requests", &self.requests))
            .chain(self.instances.iter().map(|m| view("instances", m.bucket())))
            .collect()
    }

    /// When the next call could be possible, for the engine's alarm clock. While as many are out as
    /// may be, only an answer makes one possible, and that wakes the engine by itself.
    #[must_use]
    pub fn next_chance(&self, now: Time) -> Time {
        if self.lane.room() == 0 {
            return Time::NEVER;
        }
        self.not_before.max(self.requests.ready_at(now, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, proptest};

    const NOW: Time = Time(1_800_000_000_000);

    fn error(class: ErrorClass) -> CallError {
        CallError { class, code: "Test".into(), message: String::new() }
    }

    #[test]
    fn one_throttle_costs_the_request_tokens_and_leaves_the_instance_tokens() {
        let mut api = ApiBudget::new(Api::RunInstances, &ApiLimits::published(Api::RunInstances));
        let mut rng = Rng::new(1);
        api.take(NOW, 100).unwrap();
        api.answered(NOW, 100, Some(&error(ErrorClass::Throttle)), Chance::default(), &mut rng);
        assert_eq!(api.instance_tokens(NOW), 998);
        assert!(matches!(api.check(NOW), Err(Wait::RequestTokens { .. })));
        assert!(api.check(NOW.plus(Duration::from_millis(500))).is_ok());
    }

    #[test]
    fn a_full_lane_has_no_chance_in_time() {
        let mut api = ApiBudget::new(Api::TerminateInstances, &ApiLimits::published(Api::TerminateInstances));
        assert_eq!(api.next_chance(NOW), NOW);
        while api.take(NOW, 1).is_ok() {}
        assert_eq!(api.next_chance(NOW), Time::NEVER);
    }

    #[test]
    fn calls_that_hang_are_probed_no_more_often_than_calls_that_fail() {
        let mut api = ApiBudget::new(Api::RunInstances, &ApiLimits::published(Api::RunInstances));
        let (mut rng, mut out, mut probes) = (Rng::new(9), Vec::new(), 0);
        for ms in (0..600_000).step_by(100) {
            let now = Time(NOW.0 + ms);
            while out.first().is_some_and(|sent: &Time| now.since(*sent) >= Duration::from_secs(30)) {
                out.remove(0);
                api.answered(now, 1, Some(&error(ErrorClass::Unknown)), Chance::default(), &mut rng);
            }
            while api.take(now, 1).is_ok() {
                out.push(now);
                probes += u32::from(ms >= 60_000);
            }
        }
        assert!((9..=90).contains(&probes), "{probes} probes in nine minutes");
    }

    #[test]
    fn while_an_api_fails_it_is_probed_at_most_ten_times_a_minute() {
        let mut api = ApiBudget::new(Api::RunInstances, &ApiLimits::published(Api::RunInstances));
        let mut rng = Rng::new(9);
        let (mut now, mut probes) = (NOW, 0);
        let end = NOW.plus(Duration::from_secs(600));
        while now < end {
            if api.take(now, 1).is_ok() {
                if now >= NOW.plus(Duration::from_secs(60)) {
                    probes += 1;
                }
                api.answered(now, 1, Some(&error(ErrorClass::Unknown)), Chance::default(), &mut rng);
            }
            now = now.plus(Duration::from_millis(100));
        }
        assert!((9..=90).contains(&probes), "{probes} probes in nine minutes");
        api.answered(now, 0, None, Chance::default(), &mut rng);
        assert!(api.check(now).is_ok(), "the first success ends it");
    }

    proptest! {
        /// Calls sent never exceed the tokens granted, whatever the answers are.
        #[test]
        fn calls_never_exceed_the_request_bucket(
            steps in proptest::collection::vec((0i64..400, 0u8..4), 1..300), seed in 0u64..1000,
        ) {
            let mut api = ApiBudget::new(Api::RunInstances, &ApiLimits::published(Api::RunInstances));
            let mut rng = Rng::new(seed);
            let (mut now, mut sent) = (NOW, 0u32);
            for (pause, answer) in steps {
                now = Time(now.0 + pause);
                if api.take(now, 1).is_ok() {
                    sent += 1;
                    let e = match answer {
                        0 => None,
                        1 => Some(error(ErrorClass::Throttle)),
                        2 => Some(error(ErrorClass::Unknown)),
                        _ => Some(error(ErrorClass::Capacity)),
                    };
                    api.answered(now, 1, e.as_ref(), Chance::default(), &mut rng);
                }
                prop_assert!(f64::from(sent) <= 5.0 + now.since(NOW).as_secs_f64() * 2.0 + 1e-6);
            }
        }
    }
}
