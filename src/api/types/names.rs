//! Schemas of the core's fixed names, so that the `OpenAPI` text lists what may appear.

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::decide::gateway::calendar::words::MissedRule;
use crate::decide::gateway::call::ZoneState;
use crate::decide::gateway::gate::GateMode;
use crate::decide::gateway::words::{GatewayEnd, GatewayKind, GatewayState};
use crate::decide::guard::lease::{HoldWay, KeepState, LeaseEnd, LeaseState, Marking};
use crate::decide::hook::notice::{HookResult, HookState, Transition};
use crate::decide::quarantine::words::{Keeping, QuarantineEnd, QuarantineState};
use crate::decide::retire::words::ScaleInState;
use crate::decide::signal::series::Says;
use crate::decide::signal::{Agreement, Tells};
use crate::decide::words::{Origin, Phase, ScaleUpState};
use crate::hooks::inlet::Outcome;

fn one_of(names: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

/// Every [`Phase`].
pub fn phase() -> Object {
    one_of(Phase::ALL.iter().map(|p| p.as_str()))
}

/// Every [`Keeping`].
pub fn keeping() -> Object {
    one_of(Keeping::ALL.iter().map(|k| k.as_str()))
}

/// Every [`QuarantineState`] of a broken one that is not over.
pub fn quarantine_state() -> Object {
    // What joins is of the reserve, and a slot's.
    let hidden = [QuarantineState::Joining, QuarantineState::Done];
    let shown = QuarantineState::ALL.iter().filter(|s| !hidden.contains(s));
    one_of(shown.map(|s| s.as_str()))
}

/// Every [`QuarantineEnd`] of a broken one.
pub fn quarantine_end() -> Object {
    let of_reserve = [QuarantineEnd::Used, QuarantineEnd::Unfit, QuarantineEnd::Surplus];
    let shown = QuarantineEnd::ALL.iter().filter(|e| !of_reserve.contains(e));
    one_of(shown.map(|e| e.as_str()))
}

/// Every [`ScaleUpState`].
pub fn scale_up_state() -> Object {
    one_of(ScaleUpState::ALL.iter().map(|s| s.as_str()))
}

/// Every [`Origin`].
pub fn origin() -> Object {
    one_of(Origin::ALL.iter().map(|o| o.as_str()))
}

/// Every [`Transition`].
pub fn transition() -> Object {
    one_of(Transition::ALL.iter().map(|t| t.as_str()))
}

/// Every [`Agreement`].
pub fn agreement() -> Object {
    one_of(Agreement::ALL.iter().map(|a| a.as_str()))
}

/// Every [`Tells`].
pub fn tells() -> Object {
    one_of(Tells::ALL.iter().map(|t| t.as_str()))
}

/// Every [`Says`].
pub fn says() -> Object {
    one_of(Says::ALL.iter().map(|s| s.as_str()))
}

/// Every [`ScaleInState`].
pub fn scale_in_state() -> Object {
    one_of(ScaleInState::ALL.iter().map(|s| s.as_str()))
}

/// Every [`HookState`].
pub fn hook_state() -> Object {
    one_of(HookState::ALL.iter().map(|s| s.as_str()))
}

/// Every [`HookResult`].
pub fn hook_result() -> Object {
    one_of(HookResult::ALL.iter().map(|r| r.as_str()))
}

/// Every [`Outcome`].
pub fn hook_outcome() -> Object {
    one_of(Outcome::ALL.iter().map(|o| o.as_str()))
}

/// Every [`HoldWay`].
pub fn hold_way() -> Object {
    one_of(HoldWay::ALL.iter().map(|x| x.as_str()))
}

/// Every [`LeaseState`].
pub fn lease_state() -> Object {
    one_of(LeaseState::ALL.iter().map(|x| x.as_str()))
}

/// Every [`LeaseEnd`].
pub fn lease_end() -> Object {
    one_of(LeaseEnd::ALL.iter().map(|x| x.as_str()))
}

/// Every [`Marking`].
pub fn marking() -> Object {
    one_of(Marking::ALL.iter().map(|x| x.as_str()))
}

/// Every [`GateMode`].
pub fn gate_mode() -> Object {
    one_of(GateMode::ALL.iter().map(|x| x.as_str()))
}

/// Every [`GatewayKind`].
pub fn gateway_kind() -> Object {
    one_of(GatewayKind::ALL.iter().map(|x| x.as_str()))
}

/// Every [`GatewayState`].
pub fn gateway_state() -> Object {
    one_of(GatewayState::ALL.iter().map(|x| x.as_str()))
}

/// Every [`MissedRule`].
pub fn missed_rule() -> Object {
    one_of(MissedRule::ALL.iter().map(|x| x.as_str()))
}

/// Every [`GatewayEnd`].
pub fn gateway_end() -> Object {
    one_of(GatewayEnd::ALL.iter().map(|x| x.as_str()))
}

/// Every [`ZoneState`].
pub fn zone_state() -> Object {
    one_of(ZoneState::ALL.iter().map(|x| x.as_str()))
}

/// Every [`KeepState`].
pub fn keep_state() -> Object {
    one_of(KeepState::ALL.iter().map(|x| x.as_str()))
}
