//! `RunInstances`: from `MinCount` to `MaxCount`, as many as fit.

use std::sync::Arc;

use super::super::super::fate::{Broken, Fate};
use super::super::super::settings::Site;
use super::super::counters::ApiCounters;
use super::call::{Action, Answer, Reservation, RunInstances};
use super::error::{ApiError, Code};
use super::instance::{Instance, Launch, State};
use super::names::Kind;
use super::places::vcpus;
use super::tags::check_tags;
use super::tokens::check_token;
use super::{Ec2, Happening, Reverse};

/// EC2's limit before base64, which makes 4 characters of 3 bytes.
const USER_DATA_MAX: usize = 16_384;
/// What EC2 takes if neither the call nor a template says.
const DEFAULT_TYPE: &str = "m1.small";

/// Where and what: the call's parameters with its defaults filled in.
pub(super) struct Wanted<'a> {
    pub(super) subnet: String,
    pub(super) zone: String,
    pub(super) instance_type: &'a str,
}

impl Ec2 {
    pub(super) fn run_instances(
        &mut self,
        call: &RunInstances,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check(call)?;
        check_tags(&call.tags)?;
        let full = self.resolved(call)?;
        let wanted = self.wanted(&full)?;
        let earlier = self.tokens.earlier(call, &wanted.zone, |used| self.is_forgotten(used, now_ms))?;
        if earlier.is_none() || self.settings.switches.repeats_spend_tokens {
            self.pay_instances(Action::RunInstances, call.max_count, meter, now_ms)?;
        }
        if let Some(ordinals) = earlier {
            return self.again(ordinals, now_ms);
        }
        let room = self.room(&full, &wanted);
        if !self.settings.switches.charged_for_max_count
            && let Some(bucket) = self.buckets.resources(Action::RunInstances)
        {
            let unused = call.max_count - room.as_ref().map_or(0, |count| *count);
            bucket.give_back(unused);
            meter.instance_tokens -= u64::from(unused);
        }
        let reservation = self.launch(&full, &wanted, room?, now_ms);
        let first = reservation.launch.first;
        self.tokens.remember(call, &wanted.zone, first..self.next_ordinal());
        Ok(Answer::Launched(reservation))
    }

    pub(super) fn wanted<'a>(&self, call: &'a RunInstances) -> Result<Wanted<'a>, ApiError> {
        call.image.iter().try_for_each(|image| self.check_image(image))?;
        let groups = call.other.iter().filter(|(name, _)| name.starts_with("SecurityGroupId."));
        self.check_security_groups(groups.map(|(_, id)| id))?;
        let subnet = match (&call.subnet, &call.zone) {
            (Some(id), _) => self.network.subnet(id).ok_or_else(|| {
                ApiError::new(Code::InvalidSubnetIdNotFound, format!("The subnet ID '{id}' does not exist"))
            })?,
            (None, zone) => {
                // Defaults: the subnet with the most room, in the zone if one is named.
                let fits = self
                    .network
                    .subnets()
                    .iter()
                    .filter(|s| zone.as_ref().is_none_or(|z| *z == s.settings.zone));
                fits.rev().max_by_key(|s| s.free()).ok_or_else(|| {
                    ApiError::invalid(format!(
                        "Invalid availability zone: [{}]",
                        zone.as_deref().unwrap_or_default()
                    ))
                })?
            }
        };
        if let Some(zone) = &call.zone
            && *zone != subnet.settings.zone
        {
            return Err(ApiError::invalid(format!(
                "Invalid availability-zone {zone}: subnet {} is in {}",
                subnet.settings.id, subnet.settings.zone
            )));
        }
        let instance_type = call.instance_type.as_deref().unwrap_or(DEFAULT_TYPE);
        Ok(Wanted { subnet: subnet.settings.id.clone(), zone: subnet.settings.zone.clone(), instance_type })
    }

    /// Launches so many. There is room for them: see [`Ec2::room`].
    pub(super) fn launch(
        &mut self,
        call: &RunInstances,
        wanted: &Wanted<'_>,
        count: u32,
        now_ms: i64,
    ) -> Reservation {
        let first = self.next_ordinal();
        let launch = Arc::new(Launch {
            reservation: self.names.name(Kind::Reservation, self.launches),
            token: call.token.clone(),
            subnet: wanted.subnet.clone(),
            zone: wanted.zone.clone(),
            // A template's image is not known here; any will do to be shown.
            image: call.image.clone().unwrap_or_else(|| "ami-0123456789abcdef0".into()),
            instance_type: wanted.instance_type.into(),
            key_name: call.key_name.clone(),
            launched_ms: now_ms,
            first,
        });
        self.launches += 1;
        let tags = Arc::new(call.tags.clone());
        let protected = call.other.get("DisableApiTermination").is_some_and(|value| value == "true");
        for ordinal in first..first + count {
            // There is room: `count` is at most what the subnet has free.
            let Some(address) = self.network.take(&wanted.subnet, ordinal) else { break };
            self.places.take(&wanted.zone, wanted.instance_type);
            let site =
                Site { image: &launch.image, zone: &launch.zone, instance_type: &launch.instance_type };
            let mut fate = Fate::at(&self.settings, self.seed, u64::from(ordinal), &site);
            if self.settings.bad_images.contains(&launch.image) {
                fate.broken = Some(Broken::Hangs);
            }
            let instance = Instance {
                launch: launch.clone(),
                ordinal,
                address,
                fate,
                tags: tags.clone(),
                begun_ms: now_ms,
                stopped_ms: None,
                protected,
                placed: true,
                ended_by_user_ms: None,
                configured: None,
                released: false,
            };
            self.endings.extend(instance.terminated_ms().map(|at| Reverse((at, ordinal))));
            self.instances.push(instance);
        }
        let ordinals = first..self.next_ordinal();
        self.happenings.push(|| Happening::Launched {
            first,
            count: ordinals.end - first,
            token: call.token.clone(),
            tags: call.tags.clone(),
        });
        Reservation { instances: ordinals.filter_map(|o| self.view(o, now_ms)).collect(), launch }
    }

    /// The answer to a call that has launched before.
    fn again(&self, ordinals: std::ops::Range<u32>, now_ms: i64) -> Result<Answer, ApiError> {
        let spent = ApiError::new(
            Code::IdempotentInstanceTerminated,
            "The client token you have provided is associated with a resource that is already deleted. Please use \
             a different client token.",
        );
        let instances: Vec<_> = ordinals.clone().filter_map(|o| self.view(o, now_ms)).collect();
        let launch = self.instances.get(ordinals.start as usize).map(|i| i.launch.clone());
        match launch {
            Some(launch)
                if self.settings.switches.spent_tokens_repeat
                    || instances.iter().any(|i| i.state != State::Terminated) =>
            {
                Ok(Answer::Launched(Reservation { launch, instances }))
            }
            Some(_) | None => Err(spent),
        }
    }

    /// Were all of these terminated so long ago that their token is free again?
    fn is_forgotten(&self, ordinals: &std::ops::Range<u32>, now_ms: i64) -> bool {
        let Some(lifetime_ms) = self.settings.ec2.token_lifetime_ms else { return false };
        let ended = |ordinal: u32| self.instances.get(ordinal as usize)?.terminated_ms();
        ordinals.clone().all(|o| ended(o).is_some_and(|at| at + i64::from(lifetime_ms) <= now_ms))
    }

    /// Fits: an id per address, and 127.0.0.0/8 has 2^24.
    fn next_ordinal(&self) -> u32 {
        u32::try_from(self.instances.len()).unwrap_or(u32::MAX)
    }
}

/// So many bytes a base64 text stands for: six bits each character, and none for padding and line ends.
fn decoded_len(base64: &str) -> usize {
    let digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    base64.as_bytes().iter().filter(|b| digit(b)).count() * 3 / 4
}

/// What can be said about the parameters alone.
pub(super) fn check(call: &RunInstances) -> Result<(), ApiError> {
    if call.min_count == 0 || call.max_count == 0 {
        return Err(ApiError::invalid("Invalid value '0' for InstanceCount. Must be at least 1."));
    }
    if call.min_count > call.max_count {
        return Err(ApiError::new(
            Code::InvalidParameterCombination,
            format!("MinCount ({}) must not be greater than MaxCount ({})", call.min_count, call.max_count),
        ));
    }
    match &call.image {
        None if call.template.is_none() => return Err(ApiError::missing("ImageId")),
        Some(_) | None => {}
    }
    if let Some(t) = &call.instance_type
        && vcpus(t).is_none()
    {
        return Err(ApiError::invalid(format!("Invalid value '{t}' for InstanceType.")));
    }
    check_token(call.token.as_deref())?;
    if call.user_data.as_ref().is_some_and(|d| decoded_len(d) > USER_DATA_MAX) {
        let message = format!("User data is limited to {USER_DATA_MAX} bytes");
        return Err(ApiError::new(Code::InvalidUserDataMalformed, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{PoolCapacity, Settings, Switches};
    use super::super::call::{Call, TemplateRef};
    use super::super::testing::*;
    use super::*;

    fn with(change: impl FnOnce(&mut Settings)) -> Model {
        let mut settings = small_settings();
        change(&mut settings);
        Model::new(settings, 1).unwrap()
    }

    fn pool(zone: &str, instances: u32) -> PoolCapacity {
        PoolCapacity { zone: zone.into(), instance_type: None, instances }
    }

    #[test]
    fn it_launches_max_count_with_addresses_in_order() {
        let mut model = small();
        let ids = launched(&model.ask(&run("t", 1, 3), 0));
        assert_eq!(ids.len(), 3);
        let ledger = model.ledger(0);
        let addresses: Vec<String> = ledger.instances.iter().map(|i| i.address.to_string()).collect();
        assert_eq!(addresses, ["127.80.0.4", "127.80.0.5", "127.80.0.6"]);
        assert_eq!(ledger.instances[0].tags["team"], "web");
        assert_eq!(ledger.instances[2].ordinal, 2);
    }

    #[test]
    fn a_pool_gives_what_it_has_or_nothing_below_min_count() {
        let mut model = with(|s| s.capacity = vec![pool("us-east-1a", 5)]);
        assert_eq!(launched(&model.ask(&run("t1", 1, 3), 0)).len(), 3);
        assert_eq!(launched(&model.ask(&run("t2", 1, 3), 0)).len(), 2);
        let reply = model.ask(&run("t3", 1, 3), 0);
        assert_eq!(code(&reply), "InsufficientInstanceCapacity");
        assert!(
            message(&reply).contains("(us-east-1a)") && message(&reply).contains("us-east-1b, us-east-1c")
        );
        assert_eq!(model.ledger(0).instances.len(), 5);
    }

    #[test]
    fn terminated_instances_give_their_places_back() {
        let mut model = with(|s| s.capacity = vec![pool("us-east-1a", 2)]);
        let ids = launched(&model.ask(&run("t1", 1, 2), 0));
        model.ask(&terminate(&ids[..1]), 1_000);
        assert_eq!(code(&model.ask(&run("t2", 1, 1), 3_999)), "InsufficientInstanceCapacity");
        assert_eq!(launched(&model.ask(&run("t2", 1, 1), 4_000)).len(), 1);
    }

    #[test]
    fn a_full_subnet_and_a_full_quota_say_so() {
        let mut model = small();
        assert_eq!(launched(&model.ask(&run("t1", 1, 100), 0)).len(), 11);
        let reply = model.ask(&run("t2", 1, 1), 0);
        assert_eq!(code(&reply), "InsufficientFreeAddressesInSubnet");
        let mut model = with(|s| s.vcpu_quota = Some(7));
        assert_eq!(launched(&model.ask(&run("t1", 1, 10), 0)).len(), 3);
        let reply = model.ask(&run("t2", 1, 1), 0);
        assert_eq!(code(&reply), "VcpuLimitExceeded");
        assert!(message(&reply).contains("limit of 7"));
    }

    #[test]
    fn the_limits_switch_refuses_instead_of_cutting() {
        let mut model = with(|s| {
            s.vcpu_quota = Some(7);
            s.switches = Switches { limits_cut_the_count: false, ..Switches::default() };
        });
        assert_eq!(code(&model.ask(&run("t1", 1, 10), 0)), "VcpuLimitExceeded");
        assert_eq!(launched(&model.ask(&run("t1", 1, 3), 0)).len(), 3);
    }

    #[test]
    fn instances_are_paid_by_max_count_and_again_for_a_repeat() {
        let mut model = plain();
        launched(&model.ask(&run("t1", 1, 600), 0));
        assert_eq!(code(&model.ask(&run("t1", 1, 600), 0)), "RequestLimitExceeded");
        assert_eq!(launched(&model.ask(&run("t1", 1, 600), 100_000)).len(), 600);
        let counters = &model.ledger(100_000).apis["RunInstances"];
        assert_eq!((counters.throttled_by_instances, counters.instance_tokens), (1, 1_200));
    }

    #[test]
    fn the_charging_switches_charge_otherwise() {
        let switches =
            Switches { repeats_spend_tokens: false, charged_for_max_count: false, ..Switches::default() };
        let mut model = with(|s| s.switches = switches);
        for _ in 0..3 {
            assert_eq!(launched(&model.ask(&run("t1", 1, 1_000), 0)).len(), 11);
        }
        assert_eq!(model.ledger(0).apis["RunInstances"].instance_tokens, 11);
        assert_eq!(code(&model.ask(&run("t2", 1, 1_000), 0)), "RequestLimitExceeded");
    }

    #[test]
    fn more_than_the_bucket_can_ever_hold_is_always_throttled() {
        let mut model = plain();
        for s in 0..5 {
            assert_eq!(code(&model.ask(&run("t", 1, 1_001), s * 1_000_000)), "RequestLimitExceeded");
        }
    }

    #[test]
    fn wrong_parameters_are_named() {
        let good = || run_in(A, "t", 1, 1);
        let cases: Vec<(&str, RunInstances)> = vec![
            ("InvalidParameterValue", RunInstances { min_count: 0, ..good() }),
            ("InvalidParameterValue", RunInstances { min_count: 0, max_count: 0, ..good() }),
            ("InvalidParameterCombination", RunInstances { min_count: 2, ..good() }),
            ("MissingParameter", RunInstances { image: None, ..good() }),
            ("InvalidAMIID.Malformed", RunInstances { image: Some("image".into()), ..good() }),
            ("InvalidParameterValue", RunInstances { instance_type: Some("m5".into()), ..good() }),
            ("InvalidSubnetID.NotFound", RunInstances { subnet: Some("subnet-9".into()), ..good() }),
            ("InvalidParameterValue", RunInstances { zone: Some("us-east-1b".into()), ..good() }),
            ("InvalidParameterValue", RunInstances { subnet: None, zone: Some("mars-1a".into()), ..good() }),
            ("InvalidParameterValue", RunInstances { token: Some("t".repeat(65)), ..good() }),
            ("InvalidParameterValue", RunInstances { token: Some(String::new()), ..good() }),
            ("InvalidUserData.Malformed", RunInstances { user_data: Some("A".repeat(21_853)), ..good() }),
            // One byte too many: as long with its padding as what just fits.
            (
                "InvalidUserData.Malformed",
                RunInstances { user_data: Some("A".repeat(21_847) + "="), ..good() },
            ),
            (
                "InvalidParameterValue",
                RunInstances { tags: [("aws:x".into(), String::new())].into(), ..good() },
            ),
            (
                "InvalidParameterValue",
                RunInstances { tags: [("k".repeat(129), String::new())].into(), ..good() },
            ),
            (
                "TagLimitExceeded",
                RunInstances { tags: (0..51).map(|i| (format!("k{i}"), "v".into())).collect(), ..good() },
            ),
        ];
        for (i, (expected, call)) in cases.into_iter().enumerate() {
            let mut model = small();
            assert_eq!(code(&model.ask(&Call::RunInstances(call), 0)), expected, "case {i}");
            assert!(model.ledger(0).instances.is_empty());
        }
    }

    #[test]
    fn without_a_subnet_the_emptiest_one_takes_it() {
        let mut model = small();
        let call = RunInstances { subnet: None, ..run_in(A, "t", 1, 1) };
        launched(&model.ask(&Call::RunInstances(call), 0));
        assert_eq!(model.ledger(0).instances[0].zone, "us-east-1c");
        let call = RunInstances { subnet: None, zone: Some("us-east-1b".into()), ..run_in(A, "t", 1, 1) };
        launched(&model.ask(&Call::RunInstances(call), 0));
        assert_eq!(model.ledger(0).instances[1].zone, "us-east-1b");
    }

    #[test]
    fn a_bad_image_hangs_and_a_template_needs_no_image() {
        let mut model = with(|s| s.bad_images = vec!["ami-bad".into()]);
        let bad = RunInstances { image: Some("ami-bad".into()), ..run_in(A, "t1", 1, 2) };
        launched(&model.ask(&Call::RunInstances(bad), 0));
        let template = RunInstances {
            image: None,
            template: Some(Box::new(TemplateRef::of("web", "1"))),
            ..run_in(A, "t2", 1, 1)
        };
        launched(&model.ask(&Call::RunInstances(template), 0));
        let broken: Vec<_> = model.ledger(0).instances.iter().map(|i| i.broken).collect();
        assert_eq!(broken, [Some(Broken::Hangs), Some(Broken::Hangs), None]);
    }
}
