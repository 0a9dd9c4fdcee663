//! Load balancers: what a look at the reservation means for a request, and what an error does.
//!
//! AWS takes an absolute number of capacity units, one change at a time, at most two decreases a day, and
//! bills what is reserved until it is reset (aws-facts 6.2). So a request looks before it changes anything,
//! writes down what was reserved before, and restores that when it is over. What a look shows decides, never
//! what was called: a lost answer is settled by the next look.

use std::time::Duration;

use super::call::{Reservation, ZoneState};
use super::words::{GatewayRow, GatewayState};
use crate::decide::event::CallError;
use crate::decide::words::{ErrorClass, Time};

/// Between two looks while AWS is at work: "most requests within a few minutes". Shorter: more calls. Longer:
/// known so much later.
pub const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Between two looks at what is in effect: whether it stays.
pub const WATCH_EVERY: Duration = Duration::from_secs(600);
/// While a request before ours is not complete, whoever made it.
pub const AFTER_PENDING: Duration = Duration::from_secs(60);
/// After a throttle; the budget makes it longer while nothing is answered.
pub const AFTER_THROTTLE: Duration = Duration::from_secs(5);
/// Where AWS has no capacity now, or will not take back what is over: it may in minutes.
pub const AFTER_REFUSAL: Duration = Duration::from_secs(300);
/// After the day's last decrease. When a day ends is undocumented.
pub const AFTER_DECREASES: Duration = Duration::from_secs(3_600);
/// A call whose answer never came may arrive for so long. AWS takes a signature for five minutes, and clocks may be
/// minutes apart: three times that. Shorter, and a reservation could be made, and billed, by a call that everybody
/// has forgotten; longer, and the gateway's next request waits for as long.
pub const SETTLED_AFTER: Duration = Duration::from_secs(900);

const NO_MORE_DECREASES: &str = "CapacityDecreaseRequestLimitExceeded";
const NOT_THERE: &str = "LoadBalancerNotFound";
const QUOTA: &str = "CapacityUnitsLimitExceeded";

/// What follows from a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The reservation is to be set to this; none: reset.
    Reserve(Option<u32>),
    /// It is ours, or was enough before, and stands so.
    Stands { state: GatewayState, in_effect: u32 },
    /// No zone has any of it, for this reason.
    Failed(String),
    /// Somebody else changed it, if the next look says so too.
    Changed(Option<u32>),
    /// It is over and not ours, but a call of ours may arrive yet.
    Unsettled,
    /// It is over, and what was before is restored, or somebody else's.
    Over,
}

/// Compares what is reserved with what the request wants of it.
#[must_use]
pub fn compare(row: &GatewayRow, seen: &Reservation, now: Time) -> Next {
    let ours = row.submitted_at.is_some() && seen.units == Some(row.wanted);
    match row.state {
        GatewayState::Releasing if ours => Next::Reserve(row.before.filter(|units| *units > 0)),
        GatewayState::Releasing if is_unsettled(row, now) => Next::Unsettled,
        GatewayState::Releasing | GatewayState::Refused | GatewayState::Expired | GatewayState::Released => {
            Next::Over
        }
        GatewayState::Wanted
        | GatewayState::Submitted
        | GatewayState::Pending
        | GatewayState::InEffect
        | GatewayState::PartlyInEffect => {
            let enough = row.submitted_at.is_none() && seen.units.is_some_and(|units| units >= row.wanted);
            if ours || enough {
                return stands(row, seen);
            }
            let was_ours = row.submitted_at.is_some()
                && matches!(
                    row.state,
                    GatewayState::Pending | GatewayState::InEffect | GatewayState::PartlyInEffect
                );
            if was_ours { Next::Changed(seen.units) } else { Next::Reserve(Some(row.wanted)) }
        }
    }
}

/// A call that changes the reservation may still arrive.
#[must_use]
pub fn is_unsettled(row: &GatewayRow, now: Time) -> bool {
    row.unanswered.is_some_and(|at| now < at.plus(SETTLED_AFTER))
}

fn stands(row: &GatewayRow, seen: &Reservation) -> Next {
    let in_effect = seen.in_effect();
    let any = |state: ZoneState| seen.zones.iter().any(|z| z.state == state);
    let state = if in_effect >= row.wanted {
        GatewayState::InEffect
    } else if seen.zones.is_empty() || any(ZoneState::Pending) || any(ZoneState::Rebalancing) {
        GatewayState::Pending
    } else if any(ZoneState::Provisioned) {
        GatewayState::PartlyInEffect
    } else {
        let why = seen.zones.iter().find_map(|z| z.reason.as_deref());
        return Next::Failed(format!("no zone has it: {}", why.unwrap_or("AWS gives no reason")));
    };
    Next::Stands { state, in_effect: in_effect.min(row.wanted) }
}

/// What follows from an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setback {
    /// Tried again after so long.
    Wait(Duration),
    /// It will not be done.
    No(String),
    /// There is nothing to restore any more.
    Gone(String),
}

/// What an error of either call means.
#[must_use]
pub fn setback(error: &CallError) -> Setback {
    let told = format!("{}: {}", error.code, error.message);
    match error.class {
        ErrorClass::Throttle => Setback::Wait(AFTER_THROTTLE),
        ErrorClass::Unknown => Setback::Wait(LOOK_EVERY),
        ErrorClass::Contention => Setback::Wait(AFTER_PENDING),
        // First come, first served: who asks again may be served.
        ErrorClass::Capacity => Setback::Wait(AFTER_REFUSAL),
        ErrorClass::Quota if error.code == NO_MORE_DECREASES => Setback::Wait(AFTER_DECREASES),
        ErrorClass::Quota if error.code == QUOTA => Setback::No(format!(
            "{told} (the quota is 0 until it is raised: ask Service Quotas for L-8A66D0E6, Application Load \
             Balancers, or L-723DCCB6, Network Load Balancers)"
        )),
        ErrorClass::NotFound | ErrorClass::Configuration if error.code == NOT_THERE => Setback::Gone(told),
        ErrorClass::Quota
        | ErrorClass::NotFound
        | ErrorClass::Configuration
        | ErrorClass::Unsupported
        | ErrorClass::Addresses
        | ErrorClass::TooMany
        | ErrorClass::TokenSpent
        | ErrorClass::TokenMismatch
        | ErrorClass::NoAction
        | ErrorClass::Size => Setback::No(told),
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::ZoneCapacity;
    use super::super::testing::row;
    use super::*;

    fn seen(units: u32, zones: &[(ZoneState, f64)]) -> Reservation {
        let zone = |(state, units): &(ZoneState, f64)| ZoneCapacity {
            zone: "a".into(),
            units: *units,
            state: *state,
            reason: (*state == ZoneState::Failed).then(|| "full".into()),
        };
        Reservation { units: Some(units).filter(|units| *units > 0), zones: zones.iter().map(zone).collect() }
    }

    fn submitted(state: GatewayState) -> GatewayRow {
        GatewayRow { state, submitted_at: Some(Time(1)), before: Some(0), ..row(300) }
    }

    #[test]
    fn what_was_reserved_by_others_is_raised_and_never_lowered() {
        let wanted = row(300);
        assert_eq!(compare(&wanted, &seen(0, &[]), Time(9)), Next::Reserve(Some(300)));
        assert_eq!(compare(&wanted, &seen(200, &[]), Time(9)), Next::Reserve(Some(300)));
        let enough = seen(500, &[(ZoneState::Provisioned, 250.0), (ZoneState::Provisioned, 250.0)]);
        let stands = Next::Stands { state: GatewayState::InEffect, in_effect: 300 };
        assert_eq!(compare(&wanted, &enough, Time(9)), stands);
    }

    #[test]
    fn what_the_zones_say_is_the_state() {
        use ZoneState::{Failed, Pending, Provisioned, Rebalancing};
        let said = |zones: &[(ZoneState, f64)]| {
            compare(&submitted(GatewayState::Submitted), &seen(300, zones), Time(9))
        };
        let stands = |state, in_effect| Next::Stands { state, in_effect };
        assert_eq!(said(&[]), stands(GatewayState::Pending, 0));
        assert_eq!(said(&[(Pending, 0.0), (Provisioned, 150.0)]), stands(GatewayState::Pending, 150));
        assert_eq!(said(&[(Provisioned, 150.0), (Rebalancing, 150.0)]), stands(GatewayState::InEffect, 300));
        assert_eq!(said(&[(Provisioned, 150.0), (Failed, 0.0)]), stands(GatewayState::PartlyInEffect, 150));
        assert_eq!(said(&[(Failed, 0.0), (Failed, 50.0)]), Next::Failed("no zone has it: full".into()));
    }

    #[test]
    fn a_lost_call_is_made_again_and_a_change_by_others_is_not_fought() {
        let lost = submitted(GatewayState::Submitted);
        assert_eq!(compare(&lost, &seen(0, &[]), Time(9)), Next::Reserve(Some(300)));
        for state in [GatewayState::Pending, GatewayState::InEffect, GatewayState::PartlyInEffect] {
            assert_eq!(compare(&submitted(state), &seen(200, &[]), Time(9)), Next::Changed(Some(200)));
        }
    }

    #[test]
    fn what_was_before_is_restored_unless_it_is_somebody_elses() {
        let over = submitted(GatewayState::Releasing);
        assert_eq!(compare(&over, &seen(300, &[]), Time(9)), Next::Reserve(None));
        let before = GatewayRow { before: Some(200), ..over.clone() };
        assert_eq!(compare(&before, &seen(300, &[]), Time(9)), Next::Reserve(Some(200)));
        assert_eq!(compare(&before, &seen(700, &[]), Time(9)), Next::Over);
        let lost = GatewayRow { unanswered: Some(Time(0)), ..over };
        let settled = Time(0).plus(SETTLED_AFTER);
        assert_eq!(compare(&lost, &seen(0, &[]), settled.minus(Duration::from_millis(1))), Next::Unsettled);
        assert_eq!(compare(&lost, &seen(0, &[]), settled), Next::Over);
    }

    #[test]
    fn each_error_of_the_fact_sheet_has_its_answer() {
        let of = |class, code: &str| {
            setback(&CallError { class, code: code.into(), message: "as it says".into() })
        };
        assert_eq!(of(ErrorClass::Contention, "PriorRequestNotComplete"), Setback::Wait(AFTER_PENDING));
        assert_eq!(of(ErrorClass::Capacity, "InsufficientCapacity"), Setback::Wait(AFTER_REFUSAL));
        assert_eq!(of(ErrorClass::Quota, NO_MORE_DECREASES), Setback::Wait(AFTER_DECREASES));
        assert_eq!(of(ErrorClass::Throttle, "Throttling"), Setback::Wait(AFTER_THROTTLE));
        assert_eq!(of(ErrorClass::Unknown, "timeout"), Setback::Wait(LOOK_EVERY));
        let Setback::No(quota) = of(ErrorClass::Quota, QUOTA) else { panic!("it waits") };
        assert!(quota.contains("L-8A66D0E6") && quota.contains("as it says"), "{quota}");
        assert!(matches!(of(ErrorClass::Configuration, "OperationNotPermitted"), Setback::No(_)));
        assert!(matches!(of(ErrorClass::Configuration, NOT_THERE), Setback::Gone(_)));
    }
}
