//! AWS is asked: a look, and a change if the look says so, one call at a time for each request.
//!
//! The row says that the call is made before it is made, and `unanswered` when: after a crash, or where no answer
//! comes, the next look tells what became of it. Of a load balancer, what is not so is asked for again, which is
//! harmless, since what is asked for is absolute; only a request that is over has to wait until no copy can arrive
//! any more. What follows for a quota is in [`super::increase`], for a NAT gateway in [`super::addresses`].

use std::time::Duration;

use super::balancer::{
    AFTER_REFUSAL, LOOK_EVERY, Next, SETTLED_AFTER, Setback, WATCH_EVERY, compare, setback,
};
use super::call::{GatewayCall, GatewaySeen, Reservation};
use super::case;
use super::nat::NatCall;
use super::quota::QuotaCall;
use super::words::{GatewayEnd, GatewayKind, GatewayRow, GatewayState};
use super::{Request, journal};
use crate::decide::action::Action;
use crate::decide::event::CallError;
use crate::decide::ledger::Ledger;
use crate::decide::words::{Api, ErrorClass, Time};
use crate::decide::{Core, Now};

impl Core {
    /// Makes the next call for a request, if the budget has it.
    pub(super) fn ask_aws(&mut self, id: &str, now: &mut Now) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let call = request.next.clone().unwrap_or_else(|| first_look(&request.row));
        if self.gateways.budget.take(now.time, 0).is_err() {
            return;
        }
        request.next = None;
        if call.changes() {
            request.lost = request.row.unanswered;
            request.row.unanswered = Some(now.time);
            request.row.calls += 1;
            if request.row.state.is_active() {
                request.enter(GatewayState::Submitted, now.time);
                if request.row.submitted_at.is_none() {
                    request.row.submitted_at = Some(now.time);
                    let before = request.row.before.unwrap_or(0);
                    let text = format!(
                        "AWS is asked for {} {} ({before} before)",
                        request.row.wanted, request.row.unit
                    );
                    journal(&mut self.ledger, &request.row, now.time, "gateway_submitted", &text);
                }
            }
            self.ledger.changes.gateways.push(request.row.clone());
        }
        request.out = Some(call.clone());
        now.actions.push(Action::Gateway { request: id.into(), call });
    }

    /// Books what a call came to.
    pub(in crate::decide) fn gateway_answered(
        &mut self,
        id: &str,
        call: &GatewayCall,
        outcome: Result<GatewaySeen, CallError>,
        now: &mut Now,
    ) {
        let elsewhere = self.throttled_elsewhere(Api::Gateway);
        self.gateways.budget.answered(now.time, 0, outcome.as_ref().err(), elsewhere, &mut now.rng);
        let Some(request) = self.gateways.open.get_mut(id).filter(|r| r.out.as_ref() == Some(call)) else {
            return;
        };
        request.out = None;
        let unknown = outcome.as_ref().is_err_and(|error| error.class == ErrorClass::Unknown);
        if call.changes() && !unknown {
            request.row.unanswered = request.lost;
        }
        match outcome {
            Ok(GatewaySeen::Reservation(seen)) => self.reservation_seen(id, call.changes(), seen, now.time),
            Ok(GatewaySeen::Quota { value, adjustable }) => self.quota_seen(id, value, adjustable, now.time),
            Ok(GatewaySeen::Increases { increases, page }) => {
                self.increases_seen(id, &increases, page.as_ref(), now.time);
            }
            Ok(GatewaySeen::Increase(increase)) => {
                self.increase_seen(id, call.changes(), increase, now.time);
            }
            Ok(GatewaySeen::Nat(seen)) => self.nat_seen(id, &seen, now.time),
            Ok(GatewaySeen::NatChanged) => self.nat_changed(id, now.time),
            Ok(GatewaySeen::Cases { cases, page }) => {
                if let GatewayCall::Support(call) = call {
                    self.cases_seen(id, call, &cases, page.as_ref(), now.time);
                }
            }
            Ok(GatewaySeen::CaseMade { id: case }) => self.case_made(id, case, now.time),
            Err(error) => match call {
                GatewayCall::Look { .. } | GatewayCall::Reserve { .. } => {
                    self.gateway_set_back(id, call.changes(), &error, now.time);
                }
                GatewayCall::Quota { call, .. } => self.quota_set_back(id, call, &error, now.time),
                GatewayCall::Nat { call, .. } => self.nat_set_back(id, call, &error, now.time),
                GatewayCall::Support(_) => self.case_set_back(id, &error, now.time),
            },
        }
    }

    fn reservation_seen(&mut self, id: &str, by_change: bool, seen: Reservation, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let next = compare(&request.row, &seen, now);
        let others = matches!(next, Next::Changed(_));
        match next {
            // What a change answered is not what it asked for: looked at again before it is asked for again.
            Next::Reserve(_) if by_change => {
                request.due = now.plus(LOOK_EVERY);
                self.ledger.changes.gateways.push(request.row.clone());
            }
            Next::Reserve(units) => {
                if request.row.submitted_at.is_none() {
                    request.row.before = Some(seen.units.unwrap_or(0));
                }
                let load_balancer = request.row.resource.as_str().into();
                request.next = Some(GatewayCall::Reserve { load_balancer, units });
                request.due = now;
            }
            Next::Stands { state, in_effect } => {
                stands(request, state, in_effect, None, now, &mut self.ledger);
                request.due = now.plus(if state == GatewayState::Pending { LOOK_EVERY } else { WATCH_EVERY });
            }
            Next::Failed(why) => self.end_gateway(id, GatewayEnd::Refused, None, Some(why), now),
            Next::Changed(units) if request.changed => {
                let units =
                    units.map_or("nothing".to_string(), |units| format!("{units} {}", request.row.unit));
                let why = format!("somebody else changed the reservation: {units} now, and left so");
                self.end_gateway(id, GatewayEnd::Taken, None, Some(why), now);
            }
            Next::Changed(_) => request.due = now.plus(LOOK_EVERY),
            Next::Unsettled => {
                let settled = request.row.unanswered.map_or(now, |at| at.plus(SETTLED_AFTER));
                request.due = settled.min(now.plus(AFTER_REFUSAL));
            }
            Next::Over => self.gateway_is_over(id, now),
        }
        if let Some(request) = self.gateways.open.get_mut(id) {
            request.changed = others;
            request.zones = seen.zones;
        }
    }

    fn gateway_set_back(&mut self, id: &str, by_change: bool, error: &CallError, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let active = request.row.state.is_active();
        let undone = by_change || request.row.submitted_at.is_none();
        let mut wait = |after: Duration| wait(request, error, now.plus(after), now, &mut self.ledger);
        match setback(error) {
            Setback::Wait(after) => wait(after),
            Setback::No(why) if active && undone => {
                self.end_gateway(id, GatewayEnd::Refused, None, Some(why), now);
            }
            // A look that is not allowed, or a reset that is not: it costs money, and is tried until it works.
            Setback::No(_) => wait(AFTER_REFUSAL),
            Setback::Gone(why) => {
                request.row.note = Some(why);
                request.row.end.get_or_insert(GatewayEnd::Refused);
                request.row.ended_at.get_or_insert(now);
                self.gateway_is_over(id, now);
            }
        }
    }
}

/// What is called where nothing else is to be.
fn first_look(row: &GatewayRow) -> GatewayCall {
    match row.kind {
        GatewayKind::TransitGateway => case::first_look(row).about(),
        GatewayKind::LoadBalancer => GatewayCall::Look { load_balancer: row.resource.as_str().into() },
        GatewayKind::Quota => QuotaCall::Value.of(row),
        GatewayKind::Nat => NatCall::Look.of(row),
    }
}

/// A call failed, and something is called again then.
pub(super) fn wait(request: &mut Request, error: &CallError, until: Time, now: Time, ledger: &mut Ledger) {
    request.due = until;
    let note = Some(format!("{}: {}", error.code, error.message));
    if error.class != ErrorClass::Throttle && request.row.note != note {
        request.row.note = note;
        let text = request.row.note.clone().unwrap_or_default();
        journal(ledger, &request.row, now, "gateway_setback", &text);
    }
    ledger.changes.gateways.push(request.row.clone());
}

/// So far along it is, and this is said of it.
pub(super) fn stands(
    request: &mut Request,
    state: GatewayState,
    in_effect: u32,
    note: Option<String>,
    now: Time,
    ledger: &mut Ledger,
) {
    let row = &request.row;
    let same = (row.state, row.in_effect, &row.note) == (state, in_effect, &note);
    let kind = match state {
        GatewayState::InEffect => "gateway_in_effect",
        GatewayState::PartlyInEffect => "gateway_partly",
        GatewayState::Wanted
        | GatewayState::Submitted
        | GatewayState::Pending
        | GatewayState::Releasing
        | GatewayState::Refused
        | GatewayState::Expired
        | GatewayState::Released => "gateway_pending",
    };
    let news = note.as_ref().filter(|_| row.note != note);
    let turned = row.state != state || row.in_effect != in_effect || news.is_some();
    let said = news.map(|note| format!("; {note}")).unwrap_or_default();
    request.enter(state, now);
    (request.row.in_effect, request.row.note) = (in_effect, note);
    if turned {
        let text = format!("{in_effect} of {} {} are in effect{said}", request.row.wanted, request.row.unit);
        journal(ledger, &request.row, now, kind, &text);
    }
    if !same {
        ledger.changes.gateways.push(request.row.clone());
    }
}
