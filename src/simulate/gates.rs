//! The judge of gates: what lives is held against what gateways were said to carry, by the judge's own sums.

use crate::decide::gateway::gate::{Gate, GateMode};
use crate::decide::words::Time;

use super::books::Books;
use super::oracle::{Invariant, Oracle};
use super::plan::Plan;

/// A launch that was let through by an override may reach AWS so long after its end: it is sent again until it is
/// answered.
const UNDER_WAY_MS: i64 = 120_000;

/// What gateways carry without being asked, and who depends on them.
pub struct Gated {
    declared: Vec<(String, u32)>,
    /// By group.
    gates: Vec<Vec<Gate>>,
}

impl Gated {
    #[must_use]
    pub fn of(plan: &Plan) -> Gated {
        Gated {
            declared: plan.core.gateways.iter().map(|g| (g.name.clone(), g.declared)).collect(),
            gates: plan.groups.iter().map(|g| g.bounds.gates.clone()).collect(),
        }
    }
}

impl Oracle {
    /// Instances of this group were launched for muster.
    pub(super) fn judge_gates(&mut self, now: Time, group: usize, books: &Books) {
        let gates = self.gated.gates[group].iter().filter(|g| g.mode != GateMode::Warn);
        let over: Vec<String> = gates.filter_map(|g| self.overload(now, &g.gateway, books)).collect();
        let since = now.0 - UNDER_WAY_MS;
        let name = &self.names[group];
        let overridden = books.overrides.values().any(|o| {
            o.group == *name && o.lease.ended_at.unwrap_or(o.lease.until).min(o.lease.until).0 >= since
        });
        for text in over.into_iter().filter(|_| !overridden) {
            self.violated(now, Invariant::Gates, text);
        }
    }

    /// More than 80 % of what is confirmed.
    fn overload(&self, now: Time, gateway: &str, books: &Books) -> Option<String> {
        let brought = books.gateways.values().filter(|r| r.gateway == gateway && r.state.carries());
        let brought = brought.filter(|r| now < r.until).map(|r| r.in_effect).max().unwrap_or(0);
        let declared = self.gated.declared.iter().find(|(name, _)| name == gateway).map_or(0, |(_, n)| *n);
        let carries = u64::from(brought.max(declared));
        let loads = self.gated.gates.iter().zip(&self.per_group);
        let load: u64 = loads
            .flat_map(|(gates, live)| gates.iter().map(move |gate| (gate, *live)))
            .filter(|(gate, _)| *gate.gateway == *gateway)
            .map(|(gate, live)| u64::from(gate.load) * u64::from(live))
            .sum();
        // In thousandths: 80 % of a unit are 800.
        (load > carries * 800).then(|| {
            format!("{load} thousandths go through gateway {gateway}, which was said to carry {carries}")
        })
    }
}
