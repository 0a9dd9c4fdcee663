//! `LaunchInstances`: synchronous, in one zone, with a client token (aws-facts 3.5).

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::books::Now;
use super::call::{Answer, LaunchInstances, Source};
use super::config::Subnet;
use super::desired::within;
use super::error::{ApiError, Code};
use super::group::{Group, Used};
use super::spread::Wanted;
use super::view::{LaunchError, Launched};
use super::words::{LifecycleState, Process};

/// Most instances of one call (aws-facts 3.1).
const COUNT_MAX: i64 = 100;
const TOKEN_MAX: usize = 64;

impl AutoScaling {
    pub(super) fn launch_instances(
        &mut self,
        call: &LaunchInstances,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check(call)?;
        let (group, mut now) = self.at(&call.group, ec2, now_ms)?;
        if let Some(used) = group.tokens.get(&call.token) {
            if used.call != *call {
                return Err(ApiError::new(
                    Code::IdempotentParameterMismatch,
                    "Arguments on this idempotent request are inconsistent with arguments used in previous \
                     request(s).",
                ));
            }
            return Ok(answer(call, used));
        }
        let places = group.places(call)?;
        group.may_launch(call, &now)?;
        let used = group.launch_now(call, &places, &mut now);
        let answer = answer(call, &used);
        group.tokens.insert(call.token.clone(), used);
        Ok(answer)
    }
}

fn answer(call: &LaunchInstances, used: &Used) -> Answer {
    Answer::Launched {
        launched: used.launched.clone(),
        errors: used.errors.clone(),
        token: call.token.clone(),
        group: call.group.clone(),
    }
}

impl Group {
    /// The subnets of the one zone it is to be in.
    fn places(&self, call: &LaunchInstances) -> Result<Vec<Subnet>, ApiError> {
        let all = &self.config.subnets;
        let fits = |s: &&Subnet| call.zones.contains(&s.zone) || call.subnets.contains(&s.id);
        let named = !call.zones.is_empty() || !call.subnets.is_empty();
        if !named && self.by_zone().len() > 1 {
            return Err(ApiError::invalid(
                "An Availability Zone or a subnet is required for an Auto Scaling group with several Availability \
                 Zones.",
            ));
        }
        let places: Vec<Subnet> = all.iter().filter(|s| !named || fits(s)).cloned().collect();
        if places.is_empty() {
            return Err(ApiError::invalid(format!(
                "The Availability Zone or subnet is not one of the Auto Scaling group {}.",
                self.name
            )));
        }
        Ok(places)
    }

    fn may_launch(&self, call: &LaunchInstances, now: &Now<'_>) -> Result<(), ApiError> {
        if self.warm_pool.is_some() {
            return Err(ApiError::new(
                Code::UnsupportedOperation,
                "LaunchInstances is not supported for an Auto Scaling group with a warm pool.",
            ));
        }
        if matches!(self.config.source, Some(Source::Configuration(_))) {
            return Err(ApiError::invalid("LaunchInstances requires a launch template."));
        }
        if !self.does(Process::Launch) {
            return Err(ApiError::invalid(format!(
                "The Launch process of the Auto Scaling group {} is suspended.",
                self.name
            )));
        }
        if now.books.set().switches.launch_instances_checks_max {
            within(self, i64::from(self.desired) + call.count)?;
        }
        Ok(())
    }

    fn launch_now(&mut self, call: &LaunchInstances, places: &[Subnet], now: &mut Now<'_>) -> Used {
        let count = u32::try_from(call.count).unwrap_or(0);
        let mut used = Used { call: call.clone(), launched: Vec::new(), errors: Vec::new() };
        let mut left = count;
        let cause = "an instance was started in response to a LaunchInstances request.";
        let wanted = Wanted { count, state: LifecycleState::Pending, cause, extra: false };
        for place in places {
            for kind in self.types() {
                if left == 0 {
                    break;
                }
                let (subnet, zone) = (place.id.clone(), place.zone.clone());
                match self.launch_at(place, kind.as_deref(), left, now) {
                    Ok(ordinals) => {
                        left = left.saturating_sub(u32::try_from(ordinals.len()).unwrap_or(left));
                        let ids = ordinals.iter().map(|o| now.ec2.id_of(*o)).collect();
                        let seen = ordinals.first().and_then(|o| now.ec2.seen(*o, now.ms));
                        let kind = seen.map(|s| s.launch.instance_type.clone());
                        used.launched.push(Launched { instance_type: kind, subnet, zone, ids });
                        self.desired += u32::try_from(ordinals.len()).unwrap_or(0);
                        self.adopt(&ordinals, &wanted, now);
                    }
                    Err(error) => used.errors.push(LaunchError {
                        instance_type: kind,
                        subnet,
                        zone,
                        code: error.code.as_str(),
                        message: error.message,
                    }),
                }
            }
        }
        if left > 0
            && used.errors.is_empty()
            && let (Some(place), Some(kind)) = (places.first(), self.types().into_iter().next())
        {
            used.errors.push(short_of(place, kind));
        }
        if left > 0 && call.retries {
            self.desired = (self.desired + left).min(self.max.max(self.desired));
            self.plan_scale_soon(now);
        }
        self.scaled_ms = Some(now.ms);
        used
    }
}

/// EC2 launched fewer than it was asked for, without a word why.
fn short_of(place: &Subnet, instance_type: Option<String>) -> LaunchError {
    LaunchError {
        message: format!(
            "We currently do not have sufficient {} capacity in the Availability Zone you requested ({}).",
            instance_type.as_deref().unwrap_or_default(),
            place.zone
        ),
        instance_type,
        subnet: place.id.clone(),
        zone: place.zone.clone(),
        code: "InsufficientInstanceCapacity",
    }
}

/// What can be said about the parameters alone.
fn check(call: &LaunchInstances) -> Result<(), ApiError> {
    if call.count < 1 {
        return Err(ApiError::constraint(
            call.count,
            "RequestedCapacity",
            "Member must have value greater than or equal to 1",
        ));
    }
    if call.count > COUNT_MAX {
        return Err(ApiError::invalid(format!(
            "RequestedCapacity {} is more than the {COUNT_MAX} instances that one request can launch.",
            call.count
        )));
    }
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
    if call.token.is_empty() || call.token.len() > TOKEN_MAX || !call.token.bytes().all(letter) {
        return Err(ApiError::constraint(
            &call.token,
            "ClientToken",
            r"Member must have 1 to 64 characters and satisfy regular expression pattern: [A-Za-z0-9\-_\/]+",
        ));
    }
    if call.zones.len() + call.subnets.len() > 1 {
        return Err(ApiError::invalid(
            "Only one Availability Zone or subnet can be specified in a LaunchInstances request.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::PoolCapacity;
    use super::super::call::{Call, PutWarmPool};
    use super::super::testing::*;
    use super::*;

    fn ids(answer: &Answer) -> (Vec<String>, Vec<&'static str>) {
        let Answer::Launched { launched, errors, .. } = answer else { panic!("{answer:?}") };
        (launched.iter().flat_map(|l| l.ids.clone()).collect(), errors.iter().map(|e| e.code).collect())
    }

    #[test]
    fn it_answers_with_the_ids_and_raises_the_desired_capacity() {
        let mut model = serving(0, 9, 1);
        let (first, errors) = ids(&model.done(launch("t", 3, B), 60_000));
        assert_eq!((first.len(), errors.len()), (3, 0));
        let group1 = group(&mut model, 60_000);
        assert_eq!((group1.desired, group1.tally.coming), (4, 3));
        assert_eq!(ids(&model.done(launch("t", 3, B), 61_000)).0, first);
        assert_eq!(group(&mut model, 120_000).tally.in_service, 4);
        assert_eq!(model.ledger(120_000).instances.len(), 4);
        assert_eq!(model.refused(launch("t", 2, B), 61_000).0, "IdempotentParameterMismatch");
    }

    #[test]
    fn it_gets_a_part_with_the_reason_for_the_rest() {
        let pool = |n| PoolCapacity { zone: "us-east-1b".into(), instance_type: None, instances: n };
        let mut model = model(|s| s.capacity = vec![pool(2)]);
        model.done(Call::CreateAutoScalingGroup(Box::new(create(0, 9, 0))), 0);
        let (got, errors) = ids(&model.done(launch("t", 3, B), 0));
        assert_eq!((got.len(), errors.as_slice()), (2, &["InsufficientInstanceCapacity"][..]));
        let (got, errors) = ids(&model.done(launch("u", 3, B), 0));
        assert_eq!((got.len(), errors.as_slice()), (0, &["InsufficientInstanceCapacity"][..]));
        assert_eq!(group(&mut model, 0).desired, 2);
        let Call::LaunchInstances(mut retried) = launch("v", 3, B) else { panic!() };
        retried.retries = true;
        model.done(Call::LaunchInstances(retried), 0);
        assert_eq!(group(&mut model, 0).desired, 5, "the group goes on by itself");
        assert_eq!(in_service(&mut model, 60_000).len(), 5);
    }

    #[test]
    fn the_maximum_holds_if_the_switch_says_so() {
        for (checks, expected) in [(true, "ValidationError"), (false, "")] {
            let mut model = model(|s| s.autoscaling.switches.launch_instances_checks_max = checks);
            model.done(Call::CreateAutoScalingGroup(Box::new(create(0, 3, 2))), 0);
            assert_eq!(model.refused(launch("t", 2, A), 60_000).0, expected);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        type Spoil = fn(&mut LaunchInstances);
        let mut model = serving(0, 300, 1);
        let call = |change: Spoil| {
            let Call::LaunchInstances(mut call) = launch("t", 1, A) else { panic!() };
            change(&mut call);
            Call::LaunchInstances(call)
        };
        let cases: [(Spoil, &str); 8] = [
            (|c| c.count = 0, "'requestedCapacity'"),
            (|c| c.count = 101, "100 instances"),
            (|c| c.token.clear(), "'clientToken'"),
            (|c| c.token = "x".repeat(65), "'clientToken'"),
            (|c| c.token = "no spaces".into(), "'clientToken'"),
            (|c| c.zones = vec!["us-east-1a".into()], "Only one"),
            (|c| c.subnets.clear(), "is required for an Auto Scaling group with several"),
            (|c| c.subnets = vec!["subnet-9".into()], "not one of the Auto Scaling group"),
        ];
        for (change, says) in cases {
            let (code, message) = model.refused(call(change), 60_000);
            assert_eq!(code, "ValidationError");
            assert!(message.contains(says), "{message}");
        }
        model.done(call(|c| c.count = 100), 60_000);
        let processes = vec![Process::Launch];
        model.done(Call::SuspendProcesses { group: WEB.into(), processes }, 60_000);
        assert_eq!(model.refused(launch("u", 1, A), 60_000).0, "ValidationError");
        model.done(Call::PutWarmPool { group: WEB.into(), pool: PutWarmPool::default() }, 60_000);
        assert_eq!(model.refused(launch("u", 1, A), 60_000).0, "UnsupportedOperation");
    }
}
