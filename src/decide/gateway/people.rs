//! What AWS has no call for: people are asked, reminded until they answer, and say what is there.

use std::time::Duration;

use super::letter::letter;
use super::words::{GatewayEnd, GatewayRow, GatewayState};
use super::{ConfirmAsk, MOST_CAPACITY, journal};
use crate::decide::action::{Accepted, Refusal};
use crate::decide::words::Time;
use crate::decide::{Core, Now};

/// When people are to be asked, or reminded.
#[must_use]
pub fn due(row: &GatewayRow, every: Duration) -> Time {
    match row.state {
        GatewayState::Wanted => Time(0),
        GatewayState::Submitted => row.reminded_at.map_or(Time(0), |at| at.plus(every)),
        // They have answered.
        GatewayState::Pending
        | GatewayState::InEffect
        | GatewayState::PartlyInEffect
        | GatewayState::Releasing
        | GatewayState::Refused
        | GatewayState::Expired
        | GatewayState::Released => Time::NEVER,
    }
}

impl Core {
    /// Asks, or reminds: the text is in the journal, and whoever carries it takes it from there or from the API.
    pub(super) fn ask_people(&mut self, id: &str, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        if due(&request.row, request.remind_every) > now {
            request.due = due(&request.row, request.remind_every);
            return;
        }
        let (kind, text) = if request.row.state == GatewayState::Wanted {
            request.enter(GatewayState::Submitted, now);
            request.row.submitted_at = Some(now);
            ("gateway_submitted", letter(&request.row))
        } else {
            request.row.reminders += 1;
            let hours = now.since(request.row.asked_at).as_secs_f64() / 3_600.0;
            ("gateway_reminder", format!("nobody has answered for {hours:.1} h: {}", letter(&request.row)))
        };
        request.row.reminded_at = Some(now);
        request.due = now.plus(request.remind_every);
        if kind == "gateway_submitted" {
            request.looks_for_case(now);
        }
        journal(&mut self.ledger, &request.row, now, kind, &text);
        self.ledger.changes.gateways.push(request.row.clone());
    }

    /// Somebody says what is there.
    pub(in crate::decide) fn confirm_gateway(
        &mut self,
        ask: ConfirmAsk,
        now: &Now,
    ) -> Result<Accepted, Refusal> {
        let open = self.gateways.open.get_mut(&ask.id).filter(|r| r.row.state.is_active());
        let Some(request) = open else {
            return Err(Refusal::UnknownGatewayRequest { id: ask.id });
        };
        if !request.row.kind.is_of_people() {
            return Err(Refusal::NotByHand { gateway: request.row.gateway.clone() });
        }
        if ask.capacity > MOST_CAPACITY {
            return Err(Refusal::Capacity { capacity: ask.capacity, most: MOST_CAPACITY });
        }
        if ask.capacity == 0 {
            let note = ask.note.unwrap_or_else(|| "it will not be done".into());
            self.end_gateway(&ask.id, GatewayEnd::Refused, Some(ask.by), Some(note), now.time);
            return Ok(Accepted { id: ask.id, repeated: false });
        }
        let row = &mut request.row;
        let said = (ask.capacity, Some(ask.by.as_str()));
        if row.state.carries() && (row.in_effect, row.confirmed_by.as_deref()) == said {
            return Ok(Accepted { id: ask.id, repeated: true });
        }
        let whole = ask.capacity >= row.wanted;
        let text = format!("{} says that it carries {} of {} {}", ask.by, ask.capacity, row.wanted, row.unit);
        (row.in_effect, row.confirmed_by) = (ask.capacity, Some(ask.by));
        row.note = ask.note.or_else(|| row.note.take());
        let (state, kind) = if whole {
            (GatewayState::InEffect, "gateway_in_effect")
        } else {
            (GatewayState::PartlyInEffect, "gateway_partly")
        };
        request.enter(state, now.time);
        // A case that was to be made is not needed any more.
        (request.due, request.next) = (Time::NEVER, None);
        journal(&mut self.ledger, &request.row, now.time, kind, &text);
        self.ledger.changes.gateways.push(request.row.clone());
        Ok(Accepted { id: ask.id, repeated: false })
    }
}
