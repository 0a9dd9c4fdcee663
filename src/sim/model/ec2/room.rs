//! How many instances a launch can have: the account's limits, the subnet, the pool.

use super::Ec2;
use super::call::RunInstances;
use super::error::{ApiError, Code};
use super::places::{Places, VcpuClass};
use super::run::Wanted;

/// What is meant to be launched beside this and is not launched yet: it counts as if it were.
pub(super) struct Beside<'a> {
    pub(super) places: &'a Places,
    /// Instances in the same subnet, in the same zone, and in all.
    pub(super) planned: u32,
    pub(super) in_zone: u32,
    pub(super) in_all: u32,
}

impl Ec2 {
    /// How many are launched: `MinCount` to `MaxCount`, or why not.
    pub(super) fn room(&self, call: &RunInstances, wanted: &Wanted<'_>) -> Result<u32, ApiError> {
        let beside = Beside { places: &self.places, planned: 0, in_zone: 0, in_all: 0 };
        self.room_beside(call, wanted, &beside)
    }

    /// The same beside others.
    pub(super) fn room_beside(
        &self,
        call: &RunInstances,
        wanted: &Wanted<'_>,
        beside: &Beside<'_>,
    ) -> Result<u32, ApiError> {
        let limits_need =
            if self.settings.switches.limits_cut_the_count { call.min_count } else { call.max_count };
        let mut count = call.max_count;
        for (room, error) in self.limits(wanted, beside) {
            if room < limits_need {
                return Err(error);
            }
            count = count.min(room);
        }
        let pool = beside.places.room_in_pool(&self.settings.capacity, &wanted.zone, wanted.instance_type);
        if pool < call.min_count {
            return Err(self.no_capacity(wanted));
        }
        Ok(count.min(pool))
    }

    /// Each limit of the account and the network: what it leaves, and what is said if that is too
    /// little.
    fn limits(&self, wanted: &Wanted<'_>, beside: &Beside<'_>) -> [(u32, ApiError); 5] {
        let limits = &self.settings.ec2.limits;
        let class = VcpuClass::of(wanted.instance_type);
        let (quota, of_class) = (self.settings.vcpu_quota, limits.vcpus.get(&class).copied());
        let left = |limit: Option<u32>, used: u32| limit.map_or(u32::MAX, |l| l.saturating_sub(used));
        let interfaces = self.network.used_in(&wanted.zone).saturating_add(beside.in_zone);
        let addresses = self.network_address_usage().saturating_add(beside.in_all);
        let free = self.network.subnet(&wanted.subnet).map_or(0, super::network::Subnet::free);
        [
            (beside.places.room_under_quota(quota, wanted.instance_type), too_many_vcpus(quota)),
            (beside.places.room_in_class(of_class, wanted.instance_type), too_many_vcpus(of_class)),
            (
                left(limits.interfaces_per_zone, interfaces),
                ApiError::new(
                    Code::NetworkInterfaceLimitExceeded,
                    "You have reached the limit for network interfaces in this Availability Zone.",
                ),
            ),
            (
                left(limits.network_addresses, addresses),
                ApiError::new(
                    Code::NetworkAddressUsageLimitExceeded,
                    "The network address usage (NAU) limit of the VPC is exceeded.",
                ),
            ),
            (
                free.saturating_sub(beside.planned),
                ApiError::new(
                    Code::InsufficientFreeAddressesInSubnet,
                    format!(
                        "There are not enough free addresses in subnet '{}' to satisfy the requested number of \
                         instances.",
                        wanted.subnet
                    ),
                ),
            ),
        ]
    }

    /// # Errors
    /// `InsufficientInstanceCapacity` if the pool cannot hold one more.
    pub(super) fn room_in_pool(&self, wanted: &Wanted<'_>) -> Result<(), ApiError> {
        let room = self.places.room_in_pool(&self.settings.capacity, &wanted.zone, wanted.instance_type);
        if room > 0 { Ok(()) } else { Err(self.no_capacity(wanted)) }
    }

    /// The message names the zones that do have capacity, as AWS's does.
    fn no_capacity(&self, wanted: &Wanted<'_>) -> ApiError {
        let Wanted { zone, instance_type, .. } = wanted;
        let mut others: Vec<&str> = self.network.subnets().iter().map(|s| s.settings.zone.as_str()).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|z| self.places.room_in_pool(&self.settings.capacity, z, instance_type) > 0);
        let hint = if others.is_empty() {
            String::new()
        } else {
            format!(
                " You can currently get {instance_type} capacity by not specifying an Availability Zone in your \
                 request or choosing {}.",
                others.join(", ")
            )
        };
        ApiError::new(
            Code::InsufficientInstanceCapacity,
            format!(
                "We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested \
                 ({zone}). Our system will be working on provisioning additional capacity.{hint}"
            ),
        )
    }
}

fn too_many_vcpus(limit: Option<u32>) -> ApiError {
    let limit = limit.unwrap_or(u32::MAX);
    ApiError::new(
        Code::VcpuLimitExceeded,
        format!(
            "You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the \
             instance bucket that the specified instance type belongs to. Please visit \
             http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::Settings;
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    fn with(change: impl FnOnce(&mut Settings)) -> Model {
        let mut settings = Settings { subnets: Settings::default().subnets, ..small_settings() };
        change(&mut settings);
        Model::new(settings, 1).unwrap()
    }

    #[test]
    fn interfaces_are_limited_in_each_zone() {
        let mut model = with(|s| s.ec2.limits.interfaces_per_zone = Some(5));
        assert_eq!(launched(&model.ask(&run("t1", 1, 9), 0)).len(), 5);
        assert_eq!(code(&model.ask(&run("t2", 1, 1), 0)), "NetworkInterfaceLimitExceeded");
        assert_eq!(launched(&model.ask(&Call::RunInstances(run_in(B, "t3", 1, 9)), 0)).len(), 5);
    }

    #[test]
    fn addresses_are_limited_in_the_whole_network() {
        let mut model = with(|s| s.ec2.limits.network_addresses = Some(5));
        assert_eq!(launched(&model.ask(&run("t1", 1, 3), 0)).len(), 3);
        assert_eq!(launched(&model.ask(&Call::RunInstances(run_in(B, "t2", 1, 9)), 0)).len(), 2);
        assert_eq!(code(&model.ask(&run("t3", 1, 1), 0)), "NetworkAddressUsageLimitExceeded");
    }

    #[test]
    fn each_class_of_types_has_its_own_vcpus() {
        let mut model = with(|s| s.ec2.limits.vcpus = [(VcpuClass::Standard, 4), (VcpuClass::P, 0)].into());
        let of = |kind: &str, token: &str| {
            let call = RunInstances { instance_type: Some(kind.into()), ..run_in(A, token, 1, 9) };
            Call::RunInstances(call)
        };
        assert_eq!(launched(&model.ask(&of("m5.large", "t1"), 0)).len(), 2);
        let reply = model.ask(&of("c5.large", "t2"), 0);
        assert_eq!(code(&reply), "VcpuLimitExceeded");
        assert!(message(&reply).contains("limit of 4"));
        assert_eq!(code(&model.ask(&of("p4d.24xlarge", "t3"), 0)), "VcpuLimitExceeded");
        assert_eq!(launched(&model.ask(&of("g5.xlarge", "t4"), 0)).len(), 9);
    }

    #[test]
    fn a_terminated_instance_may_count_for_a_while() {
        for (counts_for, expected) in [(0, ""), (60_000, "VcpuLimitExceeded")] {
            let mut model = with(|s| {
                s.vcpu_quota = Some(4);
                s.ec2.terminated_count_ms = counts_for;
            });
            let ids = launched(&model.ask(&run("t1", 2, 2), 0));
            model.ask(&terminate(&ids), 1_000);
            assert_eq!(code(&model.ask(&run("t2", 1, 1), 4_000)), expected);
            assert_eq!(launched(&model.ask(&run("t3", 1, 1), 64_000)).len(), 1);
        }
    }
}
