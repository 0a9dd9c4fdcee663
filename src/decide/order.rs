//! What an operator orders beside scale-ups. Each is answered after it is stored, and acts from then on.

use super::action::{Accepted, Refusal};
use super::gateway::calendar::ScheduleAsk;
use super::gateway::overrides::OverrideAsk;
use super::gateway::{ConfirmAsk, GatewayAsk};
use super::guard::freeze::FreezeAsk;
use super::guard::hold::{EndAsk, HoldAsk};
use super::guard::zones::Weigh;
use super::quarantine::ReleaseAsk;
use super::retire::scale_in::ScaleInAsk;
use super::signal::push::Pushed;
use super::{Core, Now};

/// One order, well-formed, but not yet checked against anything.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Samples of a group's signals.
    Signals(Pushed),
    /// Fewer instances in a group.
    ScaleIn(ScaleInAsk),
    /// Nobody ends an instance until then.
    Hold(HoldAsk),
    /// A hold ends before its time.
    Release(EndAsk),
    /// No scale-in until then.
    Freeze(FreezeAsk),
    /// A freeze ends before its time.
    Thaw(EndAsk),
    /// A zone's share of new launches.
    Weigh(Weigh),
    /// A quarantine ends before its time.
    EndQuarantine(ReleaseAsk),
    /// A gateway is to be scaled ahead of time.
    AskGateway(GatewayAsk),
    /// Somebody says what a gateway carries now.
    ConfirmGateway(ConfirmAsk),
    /// A gateway request ends before its time.
    ReleaseGateway(EndAsk),
    /// A group may launch more than its gateways are known to carry.
    Override(OverrideAsk),
    /// An override ends before its time.
    EndOverride(EndAsk),
    /// Gateway requests are to be made by the calendar.
    AddSchedule(ScheduleAsk),
    /// They are not, any more; the id is the schedule's name.
    RemoveSchedule(EndAsk),
}

impl Core {
    /// Takes an order, or says why not.
    pub(super) fn ordered(&mut self, order: Order, now: &mut Now) -> Result<Accepted, Refusal> {
        match order {
            Order::Signals(pushed) => self.pushed(&pushed, now),
            Order::ScaleIn(ask) => self.scale_in_asked(ask, now),
            Order::Hold(ask) => self.hold(ask, now),
            Order::Release(ask) => self.release(ask, now),
            Order::Freeze(ask) => self.freeze(ask, now),
            Order::Thaw(ask) => self.thaw(ask, now),
            Order::Weigh(order) => self.weigh(order, now),
            Order::EndQuarantine(ask) => self.release_kept(ask, now),
            Order::AskGateway(ask) => self.ask_gateway(ask, now),
            Order::ConfirmGateway(ask) => self.confirm_gateway(ask, now),
            Order::ReleaseGateway(ask) => self.release_gateway(ask, now),
            Order::Override(ask) => self.override_gates(ask, now),
            Order::EndOverride(ask) => self.end_override(ask, now),
            Order::AddSchedule(ask) => self.add_schedule(ask, now),
            Order::RemoveSchedule(ask) => self.remove_schedule(ask, now),
        }
    }
}
