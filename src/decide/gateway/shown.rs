//! What is shown of gateways and their requests.

use super::Request;
use super::call::ZoneCapacity;
use super::gate::{Gate, GateMode, GateRow, OverrideRow};
use super::load::Load;
use super::observed::ObservedView;
use super::words::{GatewayKind, GatewayRow, GatewayState};
use crate::decide::Core;
use crate::decide::words::Time;

/// One configured gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayView {
    pub name: String,
    pub kind: GatewayKind,
    pub resource: String,
    pub unit: String,
    /// What it carries without being asked; 0: nobody has said.
    pub declared: u32,
    /// What it carries now: what is declared, or what a request brought if that is more.
    pub capacity: u32,
    /// Its request that is not over.
    pub request: Option<String>,
    /// What is planned to go through it.
    pub load: Load,
    /// What it carries now. None: it is not observed.
    pub observed: Option<ObservedView>,
    /// The groups that depend on it.
    pub gates: Vec<GateView>,
}

/// One group that depends on a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateView {
    pub group: String,
    pub mode: GateMode,
    /// What one instance brings, in thousandths of the gateway's unit.
    pub each: u32,
    /// Instances that are there, on their way, or not gone yet.
    pub instances: u32,
    pub queued: u32,
    /// More is wanted than may be planned.
    pub short: Option<GateRow>,
}

/// One request, and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayRequestView {
    pub row: GatewayRow,
    /// Of a load balancer: zone by zone, as last seen.
    pub zones: Vec<ZoneCapacity>,
    /// A sentence.
    pub waits: Option<String>,
}

impl Core {
    pub(in crate::decide) fn gateway_views(&self, now: Time) -> Vec<GatewayView> {
        let view = |g: &std::sync::Arc<super::words::Gateway>| {
            let request = self.gateways.open.values().find(|r| r.row.gateway == g.name);
            GatewayView {
                name: g.name.clone(),
                kind: g.kind,
                resource: g.resource.clone(),
                unit: g.unit.clone(),
                declared: g.declared,
                capacity: self.gateways.carried(g, now),
                request: request.map(|r| r.row.id.clone()),
                load: self.load_of(&g.name, now),
                observed: self.observed_view(&g.name, now),
                gates: self.depend_on(&g.name).map(|(group, gate)| self.gate_view(group, gate)).collect(),
            }
        };
        self.gateways.configured.iter().map(view).collect()
    }

    fn gate_view(&self, group: usize, gate: &Gate) -> GateView {
        let g = &self.ledger.groups[group];
        let key = (g.spec.name.clone(), gate.gateway.to_string());
        GateView {
            mode: gate.mode,
            each: gate.load,
            instances: self.there_in(group),
            queued: g.queued,
            short: self.gateways.gates.short.get(&key).cloned(),
            group: key.0,
        }
    }

    /// Overrides in force, oldest first.
    pub(in crate::decide) fn override_views(&self) -> Vec<OverrideRow> {
        self.gateways.gates.overrides.values().cloned().collect()
    }

    /// Those that are over, and then those that are not, oldest first.
    pub(in crate::decide) fn gateway_request_views(&self, now: Time) -> Vec<GatewayRequestView> {
        let over = |row: &GatewayRow| GatewayRequestView { row: row.clone(), zones: Vec::new(), waits: None };
        let open = |r: &Request| GatewayRequestView {
            row: r.row.clone(),
            zones: r.zones.clone(),
            waits: self.gateway_waits(r, now),
        };
        self.gateways.over.iter().map(over).chain(self.gateways.open.values().map(open)).collect()
    }

    /// The very reason that planning passed it by for.
    fn gateway_waits(&self, request: &Request, now: Time) -> Option<String> {
        let in_s = |at: Time| at.since(now).as_secs();
        if let Some(call) = &request.out {
            return Some(format!("{} is being answered", call.api()));
        }
        let people = request.row.kind.is_of_people();
        if !people && request.due <= now {
            return self.gateways.budget.check(now).err().map(|wait| wait.describe(now));
        }
        Some(match request.row.state {
            GatewayState::Submitted if people => {
                let case = match (&request.row.reference, &request.row.reference_state) {
                    (Some(id), Some(state)) => format!("; support case {id} is {state}"),
                    (Some(id), None) => format!("; support case {id} is made"),
                    (None, _) => String::new(),
                };
                format!("somebody has to confirm it; the next reminder is in {} s{case}", in_s(request.due))
            }
            GatewayState::InEffect | GatewayState::PartlyInEffect => {
                format!("its end, in {} s", in_s(request.row.until))
            }
            GatewayState::Wanted | GatewayState::Submitted | GatewayState::Pending => {
                format!("AWS is looked at in {} s", in_s(request.due))
            }
            GatewayState::Releasing if request.row.kind == GatewayKind::Quota => {
                format!("a lost call is looked for in {} s", in_s(request.due))
            }
            GatewayState::Releasing if request.row.kind == GatewayKind::Nat => {
                format!("what was added leaves: AWS is looked at in {} s", in_s(request.due))
            }
            GatewayState::Releasing => {
                format!("what was before is restored: AWS is looked at in {} s", in_s(request.due))
            }
            GatewayState::Refused | GatewayState::Expired | GatewayState::Released => return None,
        })
    }
}
