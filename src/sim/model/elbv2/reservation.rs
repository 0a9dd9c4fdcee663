//! Capacity that is reserved ahead of time (aws-facts 6.2): what may be asked for, and what becomes
//! of it in each zone.

use super::super::super::draw::{Draw, Purpose};
use super::super::super::settings::{Elbv2Settings, PendingAs, ReservationOutcome};
use super::super::quotas::{ALB_UNITS, NLB_UNITS};
use super::balancer::Balancer;
use super::call::{Action, Answer, Kind, ReservationState, ReservationView, Reserve, ZoneView};
use super::error::{ApiError, Code};
use super::{Around, Elbv2};

const DAY_MS: i64 = 86_400_000;

/// Least and most units of one Application Load Balancer, all zones together.
const ALB: std::ops::RangeInclusive<u32> = 100..=15_000;
/// Least and most units of one Network Load Balancer in each of its zones.
const NLB: std::ops::RangeInclusive<u32> = 2_750..=45_000;
/// Where capacity can be reserved for Network Load Balancers.
const NLB_REGIONS: [&str; 10] = [
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "ap-east-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "eu-central-1",
    "eu-west-1",
    "eu-north-1",
];

/// What is reserved for one load balancer.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservation {
    /// None after a reset, and before the first.
    units: Option<u32>,
    modified_ms: Option<i64>,
    zones: Vec<Zone>,
    /// When it was decreased.
    decreases: Vec<i64>,
}

#[derive(Clone, Debug)]
struct Zone {
    name: String,
    /// In effect before this request, and asked for by it.
    before: f64,
    wanted: f64,
    outcome: ReservationOutcome,
    /// When it was asked for, and when that is decided. Milliseconds.
    asked_ms: i64,
    decided_ms: i64,
}

impl Zone {
    fn state(&self, now_ms: i64) -> ReservationState {
        if now_ms < self.decided_ms {
            return ReservationState::Pending;
        }
        match self.outcome {
            ReservationOutcome::Failed | ReservationOutcome::Insufficient => ReservationState::Failed,
            ReservationOutcome::Never => ReservationState::Pending,
            ReservationOutcome::Rebalancing if now_ms < 2 * self.decided_ms - self.asked_ms => {
                ReservationState::Rebalancing
            }
            ReservationOutcome::Rebalancing | ReservationOutcome::Provisioned => {
                ReservationState::Provisioned
            }
        }
    }

    fn units(&self, now_ms: i64) -> f64 {
        match self.state(now_ms) {
            ReservationState::Provisioned | ReservationState::Rebalancing => self.wanted,
            ReservationState::Pending | ReservationState::Failed => self.before,
        }
    }
}

impl Reservation {
    fn is_complete(&self, now_ms: i64) -> bool {
        self.zones.iter().all(|zone| match zone.state(now_ms) {
            ReservationState::Provisioned | ReservationState::Failed => true,
            ReservationState::Pending | ReservationState::Rebalancing => false,
        })
    }

    /// How often it may still be decreased today.
    fn decreases_remaining(&self, settings: &Elbv2Settings, now_ms: i64) -> u32 {
        let today = |at: i64| {
            if settings.day_begins_at_midnight {
                at.div_euclid(DAY_MS) == now_ms.div_euclid(DAY_MS)
            } else {
                at > now_ms - DAY_MS
            }
        };
        let done = self.decreases.iter().filter(|at| today(**at)).count();
        settings.decreases.saturating_sub(u32::try_from(done).unwrap_or(u32::MAX))
    }

    fn view(&self, settings: &Elbv2Settings, now_ms: i64) -> ReservationView {
        let zone = |zone: &Zone| {
            let state = zone.state(now_ms);
            ZoneView {
                zone: zone.name.clone(),
                units: zone.units(now_ms),
                state,
                reason: (state == ReservationState::Failed)
                    .then_some("There is insufficient capacity in this Availability Zone"),
            }
        };
        ReservationView {
            modified_ms: self.modified_ms,
            decreases_remaining: self.decreases_remaining(settings, now_ms),
            units: self.units,
            zones: self.zones.iter().map(zone).collect(),
        }
    }
}

impl Elbv2 {
    /// `ModifyCapacityReservation`.
    pub(super) fn reserve(
        &mut self,
        arn: &str,
        change: Reserve,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let settings = self.settings.elbv2.clone();
        let balancer = self.balancer(arn)?;
        let decrease = match change {
            Reserve::Reset => settings.reset_is_a_decrease && balancer.reservation.units.is_some(),
            Reserve::Units(units) => balancer.reservation.units.is_some_and(|before| units < before),
        };
        if !balancer.reservation.is_complete(now_ms) {
            return Err(pending(settings.pending_as));
        }
        if decrease && balancer.reservation.decreases_remaining(&settings, now_ms) == 0 {
            let message = "You've exceeded the daily capacity decrease limit for this reservation.";
            return Err(ApiError::new(Code::CapacityDecreaseRequestLimitExceeded, message));
        }
        let (units, zones) = match change {
            Reserve::Reset => (None, Vec::new()),
            Reserve::Units(units) => {
                self.check_units(balancer, units, around)?;
                let zones = self.decide(&settings, balancer, units, now_ms);
                if zones.iter().any(|zone| zone.outcome == ReservationOutcome::Insufficient) {
                    let message = "There is insufficient capacity to reserve.";
                    return Err(ApiError::new(Code::InsufficientCapacity, message));
                }
                self.reserved += 1;
                (Some(units), zones)
            }
        };
        let of = Action::ModifyCapacityReservation;
        let balancer =
            self.balancers.iter_mut().find(|b| b.arn == arn).ok_or_else(ApiError::unknown_balancer)?;
        let mut decreases = std::mem::take(&mut balancer.reservation.decreases);
        decreases.extend(decrease.then_some(now_ms));
        balancer.reservation = Reservation { units, modified_ms: Some(now_ms), zones, decreases };
        Ok(Answer::CapacityReservation { of, reservation: balancer.reservation.view(&settings, now_ms) })
    }

    pub(super) fn describe_reservation(&self, arn: &str, now_ms: i64) -> Result<Answer, ApiError> {
        let reservation = self.balancer(arn)?.reservation.view(&self.settings.elbv2, now_ms);
        Ok(Answer::CapacityReservation { of: Action::DescribeCapacityReservation, reservation })
    }

    /// So many units may be reserved for it: by its own limits and by the Region's quota.
    fn check_units(&self, balancer: &Balancer, units: u32, around: &Around<'_>) -> Result<(), ApiError> {
        let kind = balancer.created.kind;
        let region = self.settings.region.as_str();
        if kind == Kind::Network && !NLB_REGIONS.contains(&region) {
            let message = "Capacity cannot be reserved for Network Load Balancers in this Region.";
            return Err(ApiError::new(Code::OperationNotPermitted, message));
        }
        let zones = u32::try_from(balancer.zones.len()).unwrap_or(u32::MAX);
        let (least, most, quota) = match kind {
            Kind::Application => (*ALB.start(), *ALB.end(), ALB_UNITS),
            Kind::Network => (NLB.start().saturating_mul(zones), NLB.end().saturating_mul(zones), NLB_UNITS),
        };
        if units < least {
            let message = format!("The minimum capacity of this load balancer is {least} capacity units");
            return Err(ApiError::new(Code::InvalidConfigurationRequest, message));
        }
        let others = self.balancers.iter().filter(|b| b.arn != balancer.arn && b.created.kind == kind);
        let reserved: u64 = others.filter_map(|b| b.reservation.units).map(u64::from).sum();
        let quota = around.quotas.value(quota);
        #[allow(clippy::cast_precision_loss)] // units are far below 2^52
        let total = (reserved + u64::from(units)) as f64;
        if units > most || total > quota {
            let message = format!(
                "You've exceeded the capacity units limit: {units} units, {reserved} reserved otherwise, at most \
                 {most} for this load balancer and {quota} in this Region"
            );
            return Err(ApiError::new(Code::CapacityUnitsLimitExceeded, message));
        }
        Ok(())
    }

    /// What becomes of it in each zone: the units are split evenly.
    fn decide(&self, settings: &Elbv2Settings, balancer: &Balancer, units: u32, now_ms: i64) -> Vec<Zone> {
        let mut draw = Draw::new(self.seed, Purpose::Reservation, self.reserved);
        let zones = u32::try_from(balancer.zones.len().max(1)).unwrap_or(u32::MAX);
        let wanted = f64::from(units) / f64::from(zones);
        let now = |zone: &str| {
            let known = balancer.reservation.zones.iter().find(|z| z.name == zone);
            known.map_or(0.0, |z| z.units(now_ms))
        };
        let zone = |(zone, _): &(String, String)| Zone {
            name: zone.clone(),
            before: now(zone),
            wanted,
            outcome: settings.reservation_in_zone.get(zone).copied().unwrap_or(settings.reservation),
            asked_ms: now_ms,
            decided_ms: now_ms + i64::from(draw.range(settings.reserved_after)),
        };
        balancer.zones.iter().map(zone).collect()
    }
}

fn pending(pending_as: PendingAs) -> ApiError {
    match pending_as {
        PendingAs::PriorRequestNotComplete => ApiError::new(
            Code::PriorRequestNotComplete,
            "This operation is not allowed while a prior request has not been completed.",
        ),
        PendingAs::CapacityReservationPending => {
            ApiError::new(Code::CapacityReservationPending, "There is a pending capacity reservation.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Model;
    use super::super::super::quotas::testing::request;
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    const MINUTE: i64 = 60_000;

    /// One load balancer, with a quota that lets it reserve.
    fn scene(kind: Kind, change: impl FnOnce(&mut Elbv2Settings)) -> (Model, String) {
        let mut model = model(|s| {
            s.quotas.applied = [(ALB_UNITS.to_string(), 2_000.0), (NLB_UNITS.to_string(), 20_000.0)].into();
            change(&mut s.elbv2);
        });
        let arn = create_balancer(&mut model, "lb", kind, 0);
        (model, arn)
    }

    fn reserve(
        model: &mut Model,
        arn: &str,
        units: u32,
        now_ms: i64,
    ) -> Result<ReservationView, &'static str> {
        modify(model, arn, Reserve::Units(units), now_ms)
    }

    fn modify(
        model: &mut Model,
        arn: &str,
        change: Reserve,
        now: i64,
    ) -> Result<ReservationView, &'static str> {
        ask(model, Call::ModifyCapacityReservation { arn: arn.into(), change }, now).map(view)
    }

    fn read(model: &mut Model, arn: &str, now_ms: i64) -> ReservationView {
        view(ask(model, Call::DescribeCapacityReservation { arn: arn.into() }, now_ms).unwrap())
    }

    fn view(answer: Answer) -> ReservationView {
        let Answer::CapacityReservation { reservation, .. } = answer else { panic!("{answer:?}") };
        reservation
    }

    fn zones(view: &ReservationView) -> Vec<(&'static str, String)> {
        view.zones.iter().map(|z| (z.state.as_str(), z.units.to_string())).collect()
    }

    #[test]
    fn the_quota_is_0_until_it_is_raised() {
        let mut model = model(|_| {});
        let arn = create_balancer(&mut model, "lb", Kind::Application, 0);
        assert_eq!(reserve(&mut model, &arn, 100, 0), Err("CapacityUnitsLimitExceeded"));
        request(&mut model, "elasticloadbalancing", ALB_UNITS, 100.0, 0).unwrap();
        assert!(reserve(&mut model, &arn, 100, 60 * MINUTE).is_ok());
    }

    #[test]
    fn capacity_is_pending_and_then_there_split_over_the_zones() {
        let (mut model, arn) = scene(Kind::Application, |_| {});
        let none = read(&mut model, &arn, 0);
        assert_eq!((none.units, none.modified_ms, none.decreases_remaining), (None, None, 2));
        let made = reserve(&mut model, &arn, 300, MINUTE).unwrap();
        assert_eq!((made.units, made.modified_ms), (Some(300), Some(MINUTE)));
        let both = |state, units: &str| vec![(state, units.to_string()), (state, units.to_string())];
        assert_eq!(zones(&made), both("pending", "0"));
        assert_eq!(reserve(&mut model, &arn, 400, 2 * MINUTE), Err("PriorRequestNotComplete"));
        let there = read(&mut model, &arn, 6 * MINUTE);
        assert_eq!(zones(&there), both("provisioned", "150"));
        let more = reserve(&mut model, &arn, 400, 7 * MINUTE).unwrap();
        assert_eq!(zones(&more), both("pending", "150"), "what was there stays meanwhile");
        assert_eq!(zones(&read(&mut model, &arn, 12 * MINUTE)), both("provisioned", "200"));
    }

    #[test]
    fn a_request_before_may_be_answered_in_other_words() {
        let (mut model, arn) =
            scene(Kind::Application, |s| s.pending_as = PendingAs::CapacityReservationPending);
        reserve(&mut model, &arn, 300, 0).unwrap();
        assert_eq!(reserve(&mut model, &arn, 400, MINUTE), Err("CapacityReservationPending"));
    }

    #[test]
    fn it_may_fail_rebalance_or_wait_in_one_zone() {
        let (mut model, arn) = scene(Kind::Application, |s| {
            s.reservation_in_zone.insert("us-east-1a".into(), ReservationOutcome::Failed);
            s.reservation = ReservationOutcome::Rebalancing;
        });
        reserve(&mut model, &arn, 300, 0).unwrap();
        let at = |model: &mut Model, minute| zones(&read(model, &arn, minute * MINUTE));
        assert_eq!(at(&mut model, 5), [("failed", "0".into()), ("rebalancing", "150".into())]);
        assert_eq!(reserve(&mut model, &arn, 400, 6 * MINUTE), Err("PriorRequestNotComplete"));
        assert_eq!(at(&mut model, 10), [("failed", "0".into()), ("provisioned", "150".into())]);
        assert!(read(&mut model, &arn, 10 * MINUTE).zones[0].reason.is_some());
        assert!(reserve(&mut model, &arn, 400, 10 * MINUTE).is_ok());
        let (mut model, arn) = scene(Kind::Application, |s| s.reservation = ReservationOutcome::Never);
        reserve(&mut model, &arn, 300, 0).unwrap();
        assert_eq!(zones(&read(&mut model, &arn, 9_999 * MINUTE))[0].0, "pending");
        let (mut model, arn) = scene(Kind::Application, |s| s.reservation = ReservationOutcome::Insufficient);
        assert_eq!(reserve(&mut model, &arn, 300, 0), Err("InsufficientCapacity"));
        assert_eq!(read(&mut model, &arn, 0).units, None);
    }

    #[test]
    fn two_decreases_a_day_and_any_number_of_increases() {
        let (mut model, arn) = scene(Kind::Application, |_| {});
        let mut now = 0;
        for units in [400, 500, 600, 500, 400] {
            reserve(&mut model, &arn, units, now).unwrap();
            now += 10 * MINUTE;
        }
        assert_eq!(read(&mut model, &arn, now).decreases_remaining, 0);
        let less = reserve(&mut model, &arn, 300, now);
        assert_eq!(less, Err("CapacityDecreaseRequestLimitExceeded"));
        assert!(reserve(&mut model, &arn, 700, now).is_ok());
        let tomorrow = 30 * MINUTE + DAY_MS;
        assert_eq!(read(&mut model, &arn, tomorrow).decreases_remaining, 1);
        assert!(reserve(&mut model, &arn, 300, tomorrow).is_ok());
    }

    #[test]
    fn a_day_may_begin_at_midnight_and_a_reset_may_count() {
        let (mut model, arn) = scene(Kind::Application, |s| {
            s.day_begins_at_midnight = true;
            s.reset_is_a_decrease = true;
        });
        let evening = DAY_MS - 60 * MINUTE;
        reserve(&mut model, &arn, 300, evening).unwrap();
        modify(&mut model, &arn, Reserve::Reset, evening + 10 * MINUTE).unwrap();
        assert_eq!(read(&mut model, &arn, evening + 10 * MINUTE).decreases_remaining, 1);
        assert_eq!(read(&mut model, &arn, DAY_MS).decreases_remaining, 2);
    }

    #[test]
    fn a_reset_ends_it_and_gives_the_units_back() {
        let (mut model, arn) = scene(Kind::Application, |_| {});
        let other = create_balancer(&mut model, "other", Kind::Application, 0);
        reserve(&mut model, &arn, 1_500, 0).unwrap();
        assert_eq!(reserve(&mut model, &other, 600, 0), Err("CapacityUnitsLimitExceeded"));
        let reset = modify(&mut model, &arn, Reserve::Reset, 10 * MINUTE).unwrap();
        assert_eq!((reset.units, reset.decreases_remaining, reset.zones.len()), (None, 2, 0));
        assert!(reserve(&mut model, &other, 600, 10 * MINUTE).is_ok());
    }

    #[test]
    fn each_kind_has_its_own_least_and_most() {
        let (mut model, arn) = scene(Kind::Application, |_| {});
        assert_eq!(reserve(&mut model, &arn, 99, 0), Err("InvalidConfigurationRequest"));
        assert_eq!(reserve(&mut model, &arn, 15_001, 0), Err("CapacityUnitsLimitExceeded"));
        let (mut model, arn) = scene(Kind::Network, |_| {});
        assert_eq!(reserve(&mut model, &arn, 5_499, 0), Err("InvalidConfigurationRequest"));
        assert!(reserve(&mut model, &arn, 5_500, 0).is_ok(), "2,750 in each of two zones");
        assert_eq!(reserve(&mut model, "arn", 5_500, 0), Err("LoadBalancerNotFound"));
    }

    #[test]
    fn network_load_balancers_cannot_reserve_everywhere() {
        let mut model = model(|s| s.region = "eu-south-1".into());
        let arn = create_balancer(&mut model, "lb", Kind::Network, 0);
        assert_eq!(reserve(&mut model, &arn, 5_500, 0), Err("OperationNotPermitted"));
    }
}
