//! AWS Support is asked beside people: what each look does to the request, by what [`super::case`] says that it means.

use std::sync::Arc;

use super::balancer::{LOOK_EVERY, WATCH_EVERY};
use super::case::{self, Case, CaseCall, FOLLOW_EVERY, NewCase, Next, RESOLVED, Setback};
use super::quota::looks_again;
use super::words::GatewayState;
use super::{Request, journal};
use crate::decide::Core;
use crate::decide::event::CallError;
use crate::decide::words::Time;

impl Request {
    /// When to look at its case first, where cases are made or one may have been.
    pub(super) fn looks_for_case(&mut self, now: Time) {
        let state = self.row.state;
        let may_be = self.row.reference.is_some() || self.row.unanswered.is_some();
        let asks = self.support.is_some() && state == GatewayState::Submitted;
        if self.row.kind.is_of_people() && (asks || may_be && state != GatewayState::Wanted) {
            self.case_due = now;
        }
    }
}

impl Core {
    pub(super) fn cases_seen(
        &mut self,
        id: &str,
        call: &CaseCall,
        cases: &[Case],
        page: Option<&Arc<str>>,
        now: Time,
    ) {
        let Some(request) = self.gateways.open.get(id) else { return };
        let next = match call {
            CaseCall::Cases { since, .. } => case::of_cases(&request.row, *since, cases, page, now),
            CaseCall::Case { id } => {
                let ours = cases.iter().find(|case| *case.id == **id);
                ours.map_or(Next::Nothing, |case| Next::Follow(case.clone()))
            }
            CaseCall::Create(_) => return,
        };
        self.case_goes_on(id, next, now);
    }

    /// It was made just now: its number and its status show in a look.
    pub(super) fn case_made(&mut self, id: &str, case: String, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let text = format!("support case {case} is made");
        request.row.reference = Some(case);
        request.row.unanswered = None;
        request.case_due = now.plus(LOOK_EVERY);
        journal(&mut self.ledger, &request.row, now, "gateway_case", &text);
        self.ledger.changes.gateways.push(request.row.clone());
        if request.row.state == GatewayState::Releasing {
            self.gateway_is_over(id, now);
        }
    }

    fn case_goes_on(&mut self, id: &str, next: Next, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        match next {
            Next::Call(call) => {
                request.next = Some(call.about());
                request.case_due = now;
            }
            Next::Make => {
                let new = request.support.as_ref().map(|spec| NewCase::of(&request.row, spec));
                request.next = new.map(|new| CaseCall::Create(Arc::new(new)).about());
                request.case_due = if request.next.is_some() { now } else { Time::NEVER };
            }
            Next::Follow(case) => self.follow_case(id, &case, now),
            Next::Unsettled => {
                let row = &request.row;
                request.case_due =
                    if row.state.is_active() { now.plus(LOOK_EVERY) } else { looks_again(row, now) };
            }
            Next::Nothing => request.case_due = Time::NEVER,
            Next::Over => self.gateway_is_over(id, now),
        }
    }

    fn follow_case(&mut self, id: &str, case: &Case, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let row = &mut request.row;
        let resolved = case.status == RESOLVED;
        if row.reference_state.as_ref() != Some(&case.status) || row.reference.is_none() {
            let silent = resolved && row.state == GatewayState::Submitted;
            let but = if silent { ", and nobody has said what the gateway carries" } else { "" };
            let text = format!("support case {} ({}) is {}{but}", case.display_id, case.id, case.status);
            row.reference = Some(case.id.clone());
            row.reference_state = Some(case.status.clone());
            row.unanswered = None;
            journal(&mut self.ledger, row, now, "gateway_case", &text);
            self.ledger.changes.gateways.push(row.clone());
        }
        // One that is resolved may be opened again.
        request.case_due = now.plus(if resolved { WATCH_EVERY } else { FOLLOW_EVERY });
        if request.row.state == GatewayState::Releasing {
            self.gateway_is_over(id, now);
        }
    }

    pub(super) fn case_set_back(&mut self, id: &str, error: &CallError, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        match case::setback(error) {
            Setback::Wait(after) => {
                request.case_due = now.plus(after);
                self.ledger.changes.gateways.push(request.row.clone());
            }
            Setback::NoCase { code, why } => {
                // Said once, restarts included; the next process tries it once more.
                if request.row.reference_state.as_ref() != Some(&code) {
                    let text = format!("{why}; people are asked without a case");
                    journal(&mut self.ledger, &request.row, now, "gateway_no_case", &text);
                    request.row.reference_state = Some(code);
                }
                self.ledger.changes.gateways.push(request.row.clone());
                request.case_due = Time::NEVER;
                if request.row.state == GatewayState::Releasing {
                    self.gateway_is_over(id, now);
                }
            }
        }
    }
}
