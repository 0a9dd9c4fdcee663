//! What an Auto Scaling group sees of its instances: by their ordinals, for it looks at thousands.

use std::sync::Arc;

use super::super::counters::ApiCounters;
use super::Ec2;
use super::call::Action;
use super::error::ApiError;
use super::instance::{Launch, State};
use super::names::Kind;

/// One instance at one moment. Times in milliseconds.
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
}

impl Ec2 {
    pub(in super::super) fn seen(&self, ordinal: u32, now_ms: i64) -> Option<Seen> {
        let instance = self.instances.get(ordinal as usize)?;
        Some(Seen {
            launch: instance.launch.clone(),
            state: instance.state(now_ms),
            running_ms: instance.running_ms(),
            ends_ms: instance.dies_ms().or(instance.ended_by_user_ms),
            terminated_ms: instance.terminated_ms(),
        })
    }

    pub(in super::super) fn id_of(&self, ordinal: u32) -> String {
        self.names.name(Kind::Instance, u64::from(ordinal))
    }

    /// For a group that is set to draw on the account's bucket of instances.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if it is empty.
    pub(in super::super) fn pay_for_group(&mut self, count: u32, now_ms: i64) -> Result<(), ApiError> {
        self.pay_instances(Action::RunInstances, count, &mut ApiCounters::default(), now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn ec2(instance_tokens: f64) -> Ec2 {
        let mut settings = small_settings();
        settings.buckets.run_instances_resource.start = Some(instance_tokens);
        Ec2::new(Arc::new(settings), 1)
    }

    #[test]
    fn it_sees_an_instances_life() {
        let mut ec2 = ec2(0.0);
        let ids = ec2.launch_for_group(&run_in(A, "t", 1, 1), 0).unwrap();
        assert_eq!(ec2.id_of(0), ids[0]);
        let running = ec2.seen(0, 0).unwrap().running_ms.unwrap();
        assert_eq!(ec2.seen(0, running).unwrap().state, State::Running);
        ec2.terminate_for_group(&ids, running + 1);
        let seen = ec2.seen(0, running + 1).unwrap();
        assert_eq!((seen.state, seen.ends_ms), (State::ShuttingDown, Some(running + 1)));
        assert_eq!(seen.terminated_ms, Some(running + 3_001));
        assert!(ec2.seen(1, 0).is_none());
    }

    #[test]
    fn a_group_that_pays_pays_from_the_accounts_bucket() {
        let mut ec2 = ec2(3.0);
        assert_eq!(ec2.pay_for_group(3, 0), Ok(()));
        assert_eq!(ec2.pay_for_group(1, 0), Err(ApiError::throttled()));
    }
}
