//! What an Auto Scaling group asks of EC2. It asks by a service-linked role, so it pays from no
//! bucket of the account unless the caller says so (aws-facts 0.2).

use std::ops::Range;
use std::sync::Arc;

use super::super::counters::ApiCounters;
use super::Ec2;
use super::call::{Action, RunInstances};
use super::error::ApiError;
use super::instance::{Launch, State};
use super::names::Kind;

/// What a group sees of an instance.
#[derive(Clone, Debug)]
pub(in super::super) struct Seen {
    pub(in super::super) launch: Arc<Launch>,
    pub(in super::super) state: State,
    /// When EC2 says or will say `running`, if it ever does and nobody ends it before.
    pub(in super::super) running_ms: Option<i64>,
    /// When it was ended, or will end by itself.
    pub(in super::super) ends_ms: Option<i64>,
    /// When it is, or will be, terminated.
    pub(in super::super) terminated_ms: Option<i64>,
    /// Its health endpoint answers 200.
    pub(in super::super) serving: bool,
}

impl Ec2 {
    /// Launches at least one and at most `max_count` instances; the ordinals of those launched.
    ///
    /// # Errors
    /// As `RunInstances`, if not even one can be launched.
    pub(in super::super) fn launch_for_group(
        &mut self,
        call: &RunInstances,
        pays: bool,
        now_ms: i64,
    ) -> Result<Range<u32>, ApiError> {
        if pays {
            self.pay_instances(Action::RunInstances, call.max_count, &mut ApiCounters::default(), now_ms)?;
        }
        let reservation = self.launch_unmetered(call, now_ms)?;
        let first = reservation.launch.first;
        Ok(first..first + u32::try_from(reservation.instances.len()).unwrap_or(u32::MAX))
    }

    /// Ends one instance, past its termination protection.
    pub(in super::super) fn terminate_for_group(&mut self, ordinal: u32, now_ms: i64) {
        self.terminate(ordinal, now_ms);
    }

    pub(in super::super) fn seen(&self, ordinal: u32, now_ms: i64) -> Option<Seen> {
        let instance = self.instances.get(ordinal as usize)?;
        Some(Seen {
            launch: instance.launch.clone(),
            state: instance.state(now_ms),
            running_ms: instance.running_ms(),
            ends_ms: instance.dies_ms().or(instance.ended_by_user_ms),
            terminated_ms: instance.terminated_ms(),
            serving: instance.serving_since_ms(now_ms).is_some(),
        })
    }

    pub(in super::super) fn id_of(&self, ordinal: u32) -> String {
        self.names.name(Kind::Instance, u64::from(ordinal))
    }

    /// The ordinal of an id that was given out.
    pub(in super::super) fn ordinal_of(&self, id: &str) -> Option<u32> {
        let ordinal = u32::try_from(self.names.number(Kind::Instance, id)?).ok()?;
        self.instances.get(ordinal as usize).map(|_| ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{PoolCapacity, Settings};
    use super::super::testing::*;
    use super::*;

    fn ec2(change: impl FnOnce(&mut Settings)) -> Ec2 {
        let mut settings = small_settings();
        change(&mut settings);
        Ec2::new(Arc::new(settings), 1)
    }

    #[test]
    fn a_group_launches_past_the_buckets_unless_it_pays() {
        let mut ec2 = ec2(|s| s.buckets.run_instances_resource.start = Some(3.0));
        let call = run_in(B, "t", 1, 5);
        assert_eq!(ec2.launch_for_group(&call, false, 0).unwrap(), 0..5);
        assert_eq!(ec2.launch_for_group(&call, true, 0).unwrap_err().code.as_str(), "RequestLimitExceeded");
        assert_eq!(ec2.ordinal_of(&ec2.id_of(4)), Some(4));
        assert_eq!(ec2.ordinal_of("i-0123456789abcdef0"), None);
    }

    #[test]
    fn it_gets_what_fits_or_the_reason() {
        let pool = PoolCapacity { zone: "us-east-1b".into(), instance_type: None, instances: 2 };
        let mut ec2 = ec2(|s| s.capacity = vec![pool]);
        assert_eq!(ec2.launch_for_group(&run_in(B, "t", 1, 5), false, 0).unwrap(), 0..2);
        let error = ec2.launch_for_group(&run_in(B, "u", 1, 5), false, 0).unwrap_err();
        assert_eq!(error.code.as_str(), "InsufficientInstanceCapacity");
    }

    #[test]
    fn it_sees_an_instances_life() {
        let mut ec2 = ec2(|_| {});
        ec2.launch_for_group(&run_in(A, "t", 1, 1), false, 0).unwrap();
        let running = ec2.seen(0, 0).unwrap().running_ms.unwrap();
        assert_eq!(ec2.seen(0, running).unwrap().state, State::Running);
        ec2.terminate_for_group(0, running + 1);
        let seen = ec2.seen(0, running + 1).unwrap();
        assert_eq!((seen.state, seen.ends_ms), (State::ShuttingDown, Some(running + 1)));
        assert_eq!(seen.terminated_ms, Some(running + 3_001));
    }
}
