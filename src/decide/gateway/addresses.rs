//! NAT gateways are asked: what each look does to the request, by what [`super::nat`] says that it means.

use std::sync::Arc;

use super::asking::{stands, wait};
use super::balancer::{AFTER_REFUSAL, LOOK_EVERY, SETTLED_AFTER, WATCH_EVERY};
use super::nat::{self, NatCall, NatSeen, NatState, Next, Setback};
use super::words::{GatewayEnd, GatewayState};
use super::{Request, journal};
use crate::decide::Core;
use crate::decide::event::CallError;
use crate::decide::words::Time;

impl Core {
    /// A look at the gateway.
    pub(super) fn nat_seen(&mut self, id: &str, seen: &NatSeen, now: Time) {
        let Some(request) = self.gateways.open.get(id) else { return };
        let pool = self.gateways.known(&request.row.gateway).map(|g| g.pool.clone()).unwrap_or_default();
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let row = &mut request.row;
        let carries = seen.carries(&row.unit);
        // While it is being made, none of its own addresses is there yet.
        if seen.state != NatState::Pending {
            row.before.get_or_insert(carries);
        }
        let in_effect = carries.min(row.wanted);
        match nat::of_look(row, seen, &pool, &request.passed, now) {
            Next::Add(allocation) => {
                row.in_effect = in_effect;
                if !nat::ours(row).any(|ours| *ours == *allocation) {
                    let all: Vec<&str> = nat::ours(row).chain([&*allocation]).collect();
                    row.reference = Some(all.join(","));
                    let text = format!("{allocation} is to be added");
                    journal(&mut self.ledger, row, now, "gateway_address", &text);
                }
                calls(request, NatCall::Associate { allocation }, now);
            }
            Next::TakeOff(associations) => calls(request, NatCall::Disassociate { associations }, now),
            Next::Stands { state, note } => {
                stands(request, state, in_effect, note, now, &mut self.ledger);
                request.due = now.plus(if state == GatewayState::Pending { LOOK_EVERY } else { WATCH_EVERY });
            }
            Next::NotYet => {
                let settled = row.unanswered.map_or(now, |sent| sent.plus(SETTLED_AFTER));
                request.due = settled.max(now.plus(LOOK_EVERY)).min(now.plus(AFTER_REFUSAL));
            }
            Next::Refused(why) => self.end_gateway(id, GatewayEnd::Refused, None, Some(why), now),
            Next::Over => self.gateway_is_over(id, now),
        }
    }

    /// A change was taken: what became of it is looked at, since it takes effect later.
    pub(super) fn nat_changed(&mut self, id: &str, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        if request.row.state.is_active() {
            request.enter(GatewayState::Pending, now);
        }
        // Not at once: a look may show for some seconds what was before (aws-facts 2.6).
        request.due = now.plus(LOOK_EVERY);
        self.ledger.changes.gateways.push(request.row.clone());
    }

    pub(super) fn nat_set_back(&mut self, id: &str, call: &NatCall, error: &CallError, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let active = request.row.state.is_active();
        match nat::setback(call, error) {
            Setback::Wait(after) => wait(request, error, now.plus(after), now, &mut self.ledger),
            Setback::Pass => {
                if let NatCall::Associate { allocation } = call {
                    request.passed.push(allocation.clone());
                }
                // It may be there by an earlier copy of the call, and be shown by then.
                wait(request, error, now.plus(LOOK_EVERY), now, &mut self.ledger);
            }
            Setback::PassAll(why) => {
                let name = request.row.gateway.clone();
                let pool = self.gateways.known(&name).map(|g| g.pool.clone()).unwrap_or_default();
                let Some(request) = self.gateways.open.get_mut(id) else { return };
                let ours: Vec<Arc<str>> = nat::ours(&request.row).map(Arc::from).collect();
                request.passed.extend(pool.iter().map(|allocation| allocation.as_str().into()).chain(ours));
                wait(request, error, now, now, &mut self.ledger);
                request.row.note = Some(why);
            }
            Setback::No(why) if active => self.end_gateway(id, GatewayEnd::Refused, None, Some(why), now),
            // What cannot be taken off costs money: it is tried until it works.
            Setback::No(_) => wait(request, error, now.plus(AFTER_REFUSAL), now, &mut self.ledger),
            Setback::Gone(why) => {
                request.row.note = Some(why);
                request.row.end.get_or_insert(GatewayEnd::Refused);
                request.row.ended_at.get_or_insert(now);
                self.gateway_is_over(id, now);
            }
        }
    }
}

/// Called next, as soon as the budget has it.
fn calls(request: &mut Request, call: NatCall, now: Time) {
    request.next = Some(call.of(&request.row));
    request.due = now;
}
