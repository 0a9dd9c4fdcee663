//! EC2: instances, what limits them, and the calls about them.

mod agent;
pub mod attribute;
pub(super) mod bucket;
pub mod call;
mod describe;
pub mod error;
mod filter;
mod fleet;
mod fleets;
mod gateways;
mod group;
mod happening;
mod images;
mod instance;
mod interfaces;
#[cfg(test)]
mod invariants;
mod names;
mod network;
mod places;
mod power;
pub mod rates;
mod read;
mod record;
mod room;
mod run;
mod seen;
mod skew;
mod status;
mod subnets;
mod surroundings;
mod tags;
pub(super) mod target;
mod templates;
mod terminate;
#[cfg(test)]
pub(crate) mod testing;
mod tokens;
mod type_table;
mod types;
mod usage;
mod zones;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use super::super::settings::{Part, Settings};
use super::counters::ApiCounters;
use bucket::AllBuckets;
use call::{Action, Answer, Call};
use error::ApiError;
use fleet::FleetTokens;
use fleets::Fleet;
use gateways::{Addresses, Nats};
use happening::Happenings;
use instance::Instance;
use names::Names;
use network::Network;
use places::Places;
use tags::Tags;
use templates::Templates;
use tokens::ClientTokens;

pub use agent::Seen;
pub use group::Watched;
pub use happening::Happening;
pub use instance::{Door, Health, Launch, State};
pub use places::VcpuClass;
pub use surroundings::VPC;
pub use type_table::{TypeInfo, type_info};

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
    tags: Tags,
    templates: Templates,
    addresses: Addresses,
    nats: Nats,
    fleets: FleetTokens,
    fleets_made: Vec<Fleet>,
    /// When vCPUs of terminated instances cease to count, and the type; the next first.
    lingering: VecDeque<(i64, String)>,
    /// Every instance ever launched; the index is its ordinal.
    instances: Vec<Instance>,
    /// When which instance is terminated, the next first. May name one too early or twice.
    endings: BinaryHeap<Reverse<(i64, u32)>>,
    happenings: Happenings,
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
            tags: Tags::default(),
            templates: Templates::default(),
            addresses: Addresses::default(),
            nats: Nats::default(),
            fleets: FleetTokens::default(),
            fleets_made: Vec::new(),
            lingering: VecDeque::new(),
            instances: Vec::new(),
            endings: BinaryHeap::new(),
            happenings: Happenings::default(),
            settings,
        }
    }

    /// Keeps what happens from now on, see [`Ec2::happened`].
    pub(super) fn watch(&mut self) {
        self.happenings.watch();
    }

    /// What happened since this was last asked.
    pub(super) fn happened(&mut self) -> Vec<Happening> {
        self.happenings.take()
    }

    /// From now on these settings hold.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>, now_ms: i64) {
        self.settings = settings.clone();
        self.buckets.adopt(&settings.buckets, now_ms);
    }

    /// Fills or empties a bucket to so many tokens.
    pub(super) fn set_level(&mut self, action: Action, part: Part, level: f64, now_ms: i64) {
        self.buckets.set_level(action, part, level, now_ms);
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
            Call::DescribeNetworkInterfaces(read) => self.describe_interfaces(read),
            Call::CreateTags(call) => self.create_tags(call, now_ms),
            Call::DeleteTags(call) => self.delete_tags(call, now_ms),
            Call::DescribeTags(read) => self.describe_tags(read, now_ms),
            Call::DescribeInstanceStatus { read, include_all } => {
                self.describe_instance_status(read, *include_all, now_ms)
            }
            Call::DescribeInstanceTypes(read) => Ec2::describe_instance_types(read),
            Call::DescribeImages(read) => self.describe_images(read),
            Call::DescribeAvailabilityZones(read) => self.describe_availability_zones(read),
            Call::DescribeVpcs(read) => self.describe_vpcs(read),
            Call::DescribeSecurityGroups(read) => self.describe_security_groups(read),
            Call::CreateLaunchTemplate(call) => self.create_launch_template(call, now_ms),
            Call::CreateLaunchTemplateVersion(call) => self.create_launch_template_version(call, now_ms),
            Call::DescribeLaunchTemplates(call) => self.describe_launch_templates(call),
            Call::DescribeLaunchTemplateVersions(call) => self.describe_launch_template_versions(call),
            Call::ModifyLaunchTemplate(call) => self.modify_launch_template(call),
            Call::DeleteLaunchTemplate(named) => self.delete_launch_template(named),
            Call::CreateFleet(call) => self.create_fleet(call, meter, now_ms),
            Call::DescribeFleets(read) => self.describe_fleets(read, now_ms),
            Call::StopInstances { ids } => self.stop_instances(ids, meter, now_ms),
            Call::StartInstances { ids } => self.start_instances(ids, meter, now_ms),
            Call::RebootInstances { ids } => self.reboot_instances(ids, now_ms),
            Call::ModifyInstanceAttribute(call) => self.modify_instance_attribute(call, now_ms),
            Call::DescribeInstanceAttribute { instance, attribute } => {
                self.describe_instance_attribute(instance, *attribute, now_ms)
            }
            Call::AllocateAddress(call) => self.allocate_address(call),
            Call::ReleaseAddress { allocation } => self.release_address(allocation),
            Call::DescribeAddresses(call) => self.describe_addresses(call),
            Call::CreateNatGateway(call) => self.create_nat_gateway(call, now_ms),
            Call::DeleteNatGateway { id } => self.delete_nat_gateway(id, now_ms),
            Call::DescribeNatGateways(read) => self.describe_nat_gateways(read, now_ms),
            Call::ChangeNatGateway(call) => self.change_nat_gateway(call, now_ms),
            Call::DescribeTransitGateways(read) => self.describe_transit_gateways(read),
            Call::DescribeTransitGatewayAttachments(read) => self.describe_transit_gateway_attachments(read),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// A read of everything at once. Which actions have a smaller bucket for it, their rates say.
    fn is_unfiltered(&self, call: &Call) -> bool {
        let ids_count = !self.settings.switches.ids_are_unfiltered;
        call.read().is_some_and(|read| {
            let bare = read.filters.is_empty() && read.max_results.is_none();
            bare && (read.ids.is_empty() || !ids_count)
        })
    }

    fn pay_request(
        &mut self,
        action: Action,
        unfiltered: bool,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        if self.buckets.take_request(action, unfiltered, now_ms) {
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
            self.release(ordinal, at, now_ms);
        }
        while self.lingering.front().is_some_and(|(until, _)| *until <= now_ms) {
            if let Some((_, instance_type)) = self.lingering.pop_front() {
                self.places.give_back_vcpus(&instance_type);
            }
        }
    }

    /// Gives back what an instance held that came to rest at `at_ms`: a stopped one its place, a
    /// terminated one its address as well.
    fn release(&mut self, ordinal: u32, at_ms: i64, now_ms: i64) {
        let Some(instance) = self.instances.get_mut(ordinal as usize) else { return };
        let terminated = match instance.state(now_ms) {
            State::Terminated => true,
            State::Stopped => false,
            State::Pending | State::Running | State::ShuttingDown | State::Stopping => return,
        };
        if terminated && instance.ended_by_user_ms.is_none() && !instance.released {
            self.happenings.push(|| Happening::Ended { ordinal });
        }
        let (launch, address) = (instance.launch.clone(), instance.address);
        let placed = std::mem::replace(&mut instance.placed, false);
        if placed && !terminated {
            self.places.give_back(&launch.zone, &launch.instance_type);
        } else if placed {
            self.places.give_back_place(&launch.zone, &launch.instance_type);
            let until = at_ms + i64::from(self.settings.ec2.terminated_count_ms);
            self.lingering.push_back((until, launch.instance_type.clone()));
        }
        if terminated && !std::mem::replace(&mut instance.released, true) {
            self.network.give_back(&launch.subnet, address);
        }
    }

    /// Addresses that count toward the network's limit (aws-facts 5.2): one for each instance, 6 for
    /// each NAT gateway (its own addresses are not counted again), 6 for each attachment of a Transit
    /// Gateway to it.
    fn network_address_usage(&self) -> u32 {
        const GATEWAY: u32 = 6;
        let used: u32 = self.network.subnets().iter().map(network::Subnet::used).sum();
        let attached = self.settings.ec2.transit_attachments.iter().filter(|a| a.resource == VPC).count();
        let gateways = self.nats.live().saturating_add(u32::try_from(attached).unwrap_or(u32::MAX));
        let instances = used.saturating_sub(self.network.of_nobody());
        instances.saturating_add(gateways.saturating_mul(GATEWAY))
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
