//! Quotas are asked: what each look does to the request, by what [`super::quota`] says that it means.

use std::sync::Arc;

use super::asking::{stands, wait};
use super::balancer::{AFTER_REFUSAL, LOOK_EVERY, WATCH_EVERY, is_unsettled};
use super::quota::{self, FOLLOW_EVERY, Increase, Next, QuotaCall, Setback};
use super::words::{GatewayEnd, GatewayState};
use super::{Request, journal};
use crate::decide::Core;
use crate::decide::event::CallError;
use crate::decide::words::Time;

impl Core {
    /// The value, applied or default. Looked at before everything else, so that the row has it.
    pub(super) fn quota_seen(&mut self, id: &str, value: f64, adjustable: bool, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let row = &mut request.row;
        let value = quota::whole(value);
        let was = (row.before, row.in_effect);
        row.before.get_or_insert(value);
        // Of a request that is over, what it brought stays in its row.
        if row.state.is_active() {
            row.in_effect = value.min(row.wanted);
        }
        if was != (row.before, row.in_effect) {
            self.ledger.changes.gateways.push(row.clone());
        }
        let next = quota::of_value(row, adjustable);
        self.quota_goes_on(id, next, now);
    }

    pub(super) fn increases_seen(&mut self, id: &str, all: &[Increase], page: Option<&Arc<str>>, now: Time) {
        let Some(request) = self.gateways.open.get(id) else { return };
        let next = quota::of_increases(&request.row, all, page, now);
        self.quota_goes_on(id, next, now);
    }

    /// The one that is followed. `asked`: it was asked for just now, and is followed from now on.
    pub(super) fn increase_seen(&mut self, id: &str, asked: bool, increase: Increase, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let next = if asked {
            // While this one is open there is no other, and nothing else was sent that could arrive.
            request.row.unanswered = None;
            Next::Follow(increase)
        } else {
            quota::of_increase(&request.row, &increase, now)
        };
        self.quota_goes_on(id, next, now);
    }

    fn quota_goes_on(&mut self, id: &str, next: Next, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        match next {
            Next::Call(call) => calls(request, call, now),
            Next::Stands { state, note } => {
                let in_effect = request.row.in_effect;
                stands(request, state, in_effect, note, now, &mut self.ledger);
                let every = if state == GatewayState::Pending { FOLLOW_EVERY } else { WATCH_EVERY };
                request.due = now.plus(every);
            }
            Next::Follow(increase) => {
                let row = &mut request.row;
                row.reference = Some(increase.id.clone());
                let text = format!("increase {} to {} is followed", increase.id, increase.desired);
                journal(&mut self.ledger, row, now, "gateway_followed", &text);
                self.ledger.changes.gateways.push(row.clone());
                let next = quota::of_increase(row, &increase, now);
                self.quota_goes_on(id, next, now);
            }
            Next::Forget => self.forget_increase(id, now),
            Next::Unsettled => {
                let row = &request.row;
                request.due =
                    if row.state.is_active() { now.plus(LOOK_EVERY) } else { quota::looks_again(row, now) };
            }
            Next::Refused(why) => self.end_gateway(id, GatewayEnd::Refused, None, Some(why), now),
            Next::Over => self.gateway_is_over(id, now),
        }
    }

    /// What was followed is over and was not what is wanted: whether there is another is looked for.
    fn forget_increase(&mut self, id: &str, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let Some(increase) = request.row.reference.take() else { return };
        let text = format!("increase {increase} is over, and is not what is wanted");
        journal(&mut self.ledger, &request.row, now, "gateway_unfollowed", &text);
        self.ledger.changes.gateways.push(request.row.clone());
        calls(request, QuotaCall::Increases { page: None }, now);
    }

    pub(super) fn quota_set_back(&mut self, id: &str, call: &QuotaCall, error: &CallError, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let active = request.row.state.is_active();
        // Nothing is left to be found that could still change something.
        if !active && !is_unsettled(&request.row, now) {
            return self.gateway_is_over(id, now);
        }
        match quota::setback(call, error) {
            Setback::Call(next) => calls(request, next, now),
            Setback::Forget if active => self.forget_increase(id, now),
            Setback::Wait(after) => wait(request, error, now.plus(after), now, &mut self.ledger),
            Setback::No(why) if active && (call.changes() || request.row.reference.is_none()) => {
                self.end_gateway(id, GatewayEnd::Refused, None, Some(why), now);
            }
            // A look that is not allowed now, at what AWS has taken.
            Setback::No(_) | Setback::Forget => {
                wait(request, error, now.plus(AFTER_REFUSAL), now, &mut self.ledger);
            }
        }
    }
}

/// Called next, as soon as the budget has it.
fn calls(request: &mut Request, call: QuotaCall, now: Time) {
    request.next = Some(call.of(&request.row));
    request.due = now;
}
