//! What other services of AWS do with instances in the account's name, through their service-linked
//! roles: no bucket of the account's is drawn on (aws-facts 0.2), and they see what they launched at
//! once. What limits the account limits them too: capacity, addresses, vCPUs.

use std::sync::Arc;

use super::call::{InstanceView, RunInstances, StateChange};
use super::error::ApiError;
use super::instance::Launch;
use super::names::Kind;
use super::run::check;
use super::{Ec2, State};

/// One instance as a service that launched it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub launch: Arc<Launch>,
    pub view: InstanceView,
    /// Milliseconds: when it began to run or will, if it ever does.
    pub running_ms: Option<i64>,
    /// Milliseconds: when it was terminated or will be, as far as that is decided by now.
    pub terminated_ms: Option<i64>,
}

impl Ec2 {
    /// Launches `MinCount` to `MaxCount` instances, as `RunInstances` does: with the reserved tags
    /// that its caller gives them (`aws:autoscaling:groupName`), and once for each call, whatever
    /// its token says (a service keeps its own). Returns their ids, which may be fewer than
    /// `MaxCount`.
    ///
    /// # Errors
    /// Those of `RunInstances`: no capacity, no addresses, a quota, a parameter that makes no sense.
    /// Nothing is launched then.
    pub fn launch_for_group(&mut self, call: &RunInstances, now_ms: i64) -> Result<Vec<String>, ApiError> {
        let call = &RunInstances { token: None, ..call.clone() };
        check(call)?;
        let full = self.resolved(call)?;
        let wanted = self.wanted(&full)?;
        let count = self.room(&full, &wanted)?;
        let reservation = self.launch(&full, &wanted, count, now_ms);
        Ok(reservation.instances.into_iter().map(|i| i.id).collect())
    }

    /// Terminates those of these instances that exist, protected or not. The others are left out of
    /// the answer.
    pub fn terminate_for_group(&mut self, ids: &[String], now_ms: i64) -> Vec<StateChange> {
        let ordinals: Vec<u32> = ids.iter().filter_map(|id| self.ordinal_of(id)).collect();
        ordinals.into_iter().filter_map(|ordinal| self.terminate(ordinal, now_ms)).collect()
    }

    /// One instance as it is now, for as long as the model runs.
    #[must_use]
    pub fn watched(&self, id: &str, now_ms: i64) -> Option<Watched> {
        let ordinal = self.ordinal_of(id)?;
        let instance = self.instances.get(ordinal as usize)?;
        Some(Watched {
            launch: instance.launch.clone(),
            view: self.view(ordinal, now_ms)?,
            running_ms: instance.running_ms(),
            terminated_ms: instance.terminated_ms(),
        })
    }

    /// The state of one instance now. None if there never was one of this id.
    #[must_use]
    pub fn state_of(&self, id: &str, now_ms: i64) -> Option<State> {
        Some(self.instances.get(self.ordinal_of(id)? as usize)?.state(now_ms))
    }

    /// The zone of a subnet.
    #[must_use]
    pub fn zone_of(&self, subnet: &str) -> Option<&str> {
        Some(self.network.subnet(subnet)?.settings.zone.as_str())
    }

    /// The ordinal of an id that was given out.
    pub(in super::super) fn ordinal_of(&self, id: &str) -> Option<u32> {
        let ordinal = u32::try_from(self.names.number(Kind::Instance, id)?).ok()?;
        self.instances.get(ordinal as usize).map(|i| i.ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{PoolCapacity, Settings};
    use super::super::testing::*;
    use super::*;

    fn ec2(settings: Settings) -> Ec2 {
        Ec2::new(Arc::new(settings), 1)
    }

    #[test]
    fn a_group_launches_without_any_bucket_and_sees_at_once() {
        let mut ec2 = ec2(Settings { subnets: Settings::default().subnets, ..small_settings() });
        let mut call = run_in(A, "t", 1, 2_000);
        call.tags.insert("aws:autoscaling:groupName".into(), "web".into());
        let ids = ec2.launch_for_group(&call, 0).unwrap();
        assert_eq!(ids.len(), 2_000);
        assert_eq!(ec2.launch_for_group(&call, 0).unwrap().len(), 2_000, "a token says nothing here");
        let seen = ec2.watched(&ids[0], 0).unwrap();
        assert_eq!(
            (seen.view.state, seen.view.tags["aws:autoscaling:groupName"].as_str()),
            (State::Pending, "web")
        );
        assert_eq!((seen.launch.zone.as_str(), seen.terminated_ms), ("us-east-1a", None));
        let running = seen.running_ms.unwrap();
        assert_eq!(ec2.state_of(&ids[0], running - 1), Some(State::Pending));
        assert_eq!(ec2.state_of(&ids[0], running), Some(State::Running));
        assert_eq!((ec2.zone_of(B), ec2.zone_of("subnet-9")), (Some("us-east-1b"), None));
    }

    #[test]
    fn what_limits_the_account_limits_a_group() {
        let capacity = vec![PoolCapacity { zone: "us-east-1b".into(), instance_type: None, instances: 3 }];
        let mut ec2 = ec2(Settings { capacity, ..small_settings() });
        assert_eq!(ec2.launch_for_group(&run_in(B, "", 1, 5), 0).unwrap().len(), 3);
        let error = ec2.launch_for_group(&run_in(B, "", 1, 5), 0).unwrap_err();
        assert_eq!(error.code.as_str(), "InsufficientInstanceCapacity");
    }

    #[test]
    fn a_group_terminates_what_exists_and_skips_the_rest() {
        let mut ec2 = ec2(small_settings());
        let mut ids = ec2.launch_for_group(&run_in(A, "", 1, 2), 0).unwrap();
        ids.push("i-0123456789abcdef0".into());
        let changes = ec2.terminate_for_group(&ids, 10);
        assert_eq!(changes.len(), 2);
        assert_eq!(ec2.state_of(&ids[0], 10), Some(State::ShuttingDown));
        assert_eq!(ec2.watched(&ids[0], 10).unwrap().terminated_ms, Some(3_010));
        assert_eq!(ec2.state_of(&ids[2], 10), None);
    }
}
