//! What of a quota is in use.

use super::places::vcpus;
use super::{Ec2, State};

impl Ec2 {
    /// The vCPUs of the instances that ran at a time. Those that are pending do not count
    /// (aws-facts 5.1).
    pub(in super::super) fn vcpus_running(&self, at_ms: i64) -> u32 {
        let ran = |i: &&super::instance::Instance| {
            i.launch.launched_ms <= at_ms && i.state(at_ms) == State::Running
        };
        self.instances.iter().filter(ran).filter_map(|i| vcpus(&i.launch.instance_type)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn instances_count_from_running_to_terminated() {
        let mut ec2 = Ec2::new(Arc::new(small_settings()), 1);
        let ids = ec2.launch_for_group(&run_in(A, "", 2, 2), 1_000).unwrap();
        assert_eq!((ec2.vcpus_running(0), ec2.vcpus_running(1_000)), (0, 0));
        assert_eq!(ec2.vcpus_running(600_000), 4);
        ec2.terminate_for_group(&ids[..1], 700_000);
        assert_eq!((ec2.vcpus_running(600_000), ec2.vcpus_running(800_000)), (4, 2));
    }
}
