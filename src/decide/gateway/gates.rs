//! Gates: groups are launched no faster than the gateways carry that they depend on.
//!
//! What is planned to go through a gateway is what all groups that depend on it have, in service or on its way, times
//! what one instance of each brings ([`super::load`]), and what it carries beside that ([`super::observed`]). Everything that takes a place counts, since who is broken may
//! carry still. It is one more budget of a launch, asked for room before each ([`Core::through_gates`]), and an
//! override lets through what has none ([`super::overrides`]).
//!
//! Where more is wanted than may be planned the gate is *short*: a row and a line in the journal, when it begins and
//! when it ends. Short for too long is an alarm, and somebody's choice: to confirm more, or to override it. What
//! a group launches by itself asks nobody; it counts from the next look on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::gate::{Gate, GateMode, GateRow, OverrideRow};
use super::load::{self, Load, MILLI, shown};
use super::words::{Gateway, GatewayState};
use super::{GatewayAsk, MOST_CAPACITY, journal};
use crate::decide::asg::adopt::id_of;
use crate::decide::wait::Wait;
use crate::decide::words::Time;
use crate::decide::{Core, Now};

/// What muster asks for by itself is given back after so long, unless somebody asks for it until later.
const FILED_FOR: Duration = Duration::from_secs(86_400);
/// Who asks then.
pub const MUSTER: &str = "muster";

/// What is short, and what is overridden.
#[derive(Debug, Default)]
pub struct Gates {
    /// By group and gateway.
    pub short: BTreeMap<(String, String), GateRow>,
    /// By id, so the oldest first.
    pub overrides: BTreeMap<String, OverrideRow>,
    /// When time alone changes something.
    pub wake: Option<Time>,
}

impl Core {
    /// As many more as the gateways let this group launch now, or what the next waits for.
    pub(in crate::decide) fn through_gates(&self, group: usize, now: Time) -> Result<u32, Wait> {
        let g = &self.ledger.groups[group];
        if g.spec.bounds.gates.is_empty() {
            return Ok(u32::MAX);
        }
        let overridden = self.overridden(group, now);
        if overridden >= g.queued {
            return Ok(overridden);
        }
        let mut most = u32::MAX;
        let mut wait = None;
        for gate in &g.spec.bounds.gates {
            let lets = match gate.mode {
                GateMode::Warn => continue,
                GateMode::Pace => self.fits_through(gate, now)?,
                GateMode::Wait => {
                    // The next scale-up is held against it when it is its turn.
                    let whole = self.ledger.queued_next(group);
                    if self.fits_through(gate, now)? >= whole { whole } else { 0 }
                }
            };
            if lets < most {
                (most, wait) = (lets, Some(gate));
            }
        }
        match (most.max(overridden), wait) {
            (0, Some(gate)) => Err(self.gate_wait(group, gate, now)),
            (lets, _) => Ok(lets),
        }
    }

    /// Not all of so many are let through without an answer of somebody's.
    pub(in crate::decide) fn gates_hold(&self, group: usize, wanted: u32, now: Time) -> bool {
        let gates = &self.ledger.groups[group].spec.bounds.gates;
        let holds = |gate: &Gate| {
            gate.mode != GateMode::Warn && self.load_of(&gate.gateway, now).room(gate.load) < wanted
        };
        gates.iter().any(holds) && self.overridden(group, now) < wanted
    }

    /// More is planned than may be, since a gateway carries less than it did, and nobody has said that this is right.
    pub(in crate::decide) fn is_over_planned(&self, group: usize, now: Time) -> bool {
        let gates = &self.ledger.groups[group].spec.bounds.gates;
        let over = |gate: &Gate| {
            let load = self.load_of(&gate.gateway, now);
            gate.mode != GateMode::Warn && load.counted() > load.may()
        };
        gates.iter().any(over) && self.overridden(group, now) == 0
    }

    /// So many more instances fit through a gateway. Of a group that was not seen yet nobody knows how many there are.
    fn fits_through(&self, gate: &Gate, now: Time) -> Result<u32, Wait> {
        let unseen = |g: usize| self.asgs[g].name.is_some() && self.asgs[g].seen.is_none();
        if self.depend_on(&gate.gateway).any(|(g, _)| unseen(g)) {
            return Err(Wait::Unseen { since: None });
        }
        Ok(self.load_of(&gate.gateway, now).room(gate.load))
    }

    /// Groups that depend on a gateway.
    pub(super) fn depend_on<'a>(&'a self, gateway: &'a str) -> impl Iterator<Item = (usize, &'a Gate)> {
        let groups = self.ledger.groups.iter().enumerate();
        groups.flat_map(move |(i, g)| {
            let gates = g.spec.bounds.gates.iter();
            gates.filter(move |gate| *gate.gateway == *gateway).map(move |gate| (i, gate))
        })
    }

    /// Instances of a group that are there, on their way, or not gone yet.
    pub(super) fn there_in(&self, group: usize) -> u32 {
        let grouped = self.asgs[group].name.is_some();
        if grouped { self.occupied(group).1 } else { self.ledger.groups[group].taken }
    }

    /// What is known of a gateway, and planned.
    pub(in crate::decide) fn load_of(&self, gateway: &str, now: Time) -> Load {
        let planned = self.depend_on(gateway).map(|(g, gate)| load::of(self.there_in(g), gate.load)).sum();
        let confirmed = self.gateways.known(gateway).map_or(0, |g| self.gateways.carried(g, now));
        let unplanned = self.gateways.unplanned(gateway, now);
        Load { confirmed: u64::from(confirmed) * MILLI, planned, unplanned }
    }

    fn gate_wait(&self, group: usize, gate: &Gate, now: Time) -> Wait {
        let open = self.gateways.open.values().find(|r| *r.row.gateway == *gate.gateway);
        let answered = |r: &&super::Request| r.row.state != GatewayState::InEffect;
        Wait::Gate {
            told: self.told_of(&gate.gateway, now),
            each: shown(gate.load.into()),
            whole: (gate.mode == GateMode::Wait).then(|| self.ledger.queued_next(group)),
            request: open.filter(answered).map(|r| r.row.id.clone()),
        }
    }

    /// The arithmetic in a sentence.
    pub(in crate::decide) fn told_of(&self, gateway: &str, now: Time) -> String {
        let load = self.load_of(gateway, now);
        let unit = self.gateways.known(gateway).map_or("", |g| g.unit.as_str());
        let mut sum = String::new();
        for (g, gate) in self.depend_on(gateway) {
            let plus = if sum.is_empty() { "" } else { " + " };
            let (name, n) = (&self.ledger.groups[g].spec.name, self.there_in(g));
            let _ = write!(sum, "{plus}{name} {n} × {}", shown(gate.load.into()));
        }
        let mut told = format!(
            "gateway {gateway} carries {} {unit} confirmed, {} may be planned, {} are ({sum})",
            shown(load.confirmed),
            shown(load.may()),
            shown(load.planned),
        );
        if load.unplanned > 0 {
            let _ = write!(told, " and {} beside the plan", shown(load.unplanned));
        }
        let observed = self.observed_text(gateway, now);
        if !observed.is_empty() {
            let _ = write!(told, "; {observed}");
        }
        told
    }

    /// What gateways hold up of so many more of a group, for whoever asks before.
    pub(in crate::decide) fn gates_short(&self, group: usize, count: u32, now: Time) -> Vec<String> {
        let g = &self.ledger.groups[group];
        let short = |gate: &&Gate| {
            let load = self.load_of(&gate.gateway, now);
            load.room(gate.load) < count.saturating_add(g.queued)
        };
        let note = |gate: &Gate| {
            let load = self.load_of(&gate.gateway, now);
            let fits = load.room(gate.load).saturating_sub(g.queued).min(count);
            let does = does(gate.mode);
            let sum = load::sum(load, count.saturating_add(g.queued), gate.load);
            format!("{}; {sum}: room for {fits} of {count} now: {does}", self.told_of(&gate.gateway, now))
        };
        g.spec.bounds.gates.iter().filter(short).map(note).collect()
    }

    /// Begins and ends what is short, asks for what is missing, and says what lasts too long.
    pub(in crate::decide) fn plan_gates(&mut self, now: &mut Now) {
        self.gateways.gates.wake = None;
        self.end_overrides(now.time);
        let gated = self.ledger.groups.iter().enumerate();
        let gated: Vec<(usize, Gate)> =
            gated.flat_map(|(i, g)| g.spec.bounds.gates.iter().map(move |gate| (i, gate.clone()))).collect();
        let known = |(group, gateway): &(String, String)| {
            let of_it = |(i, gate): &(usize, Gate)| {
                self.ledger.groups[*i].spec.name == *group && *gate.gateway == **gateway
            };
            gated.iter().any(of_it)
        };
        let gone: Vec<_> = self.gateways.gates.short.keys().filter(|key| !known(key)).cloned().collect();
        for key in gone {
            self.gate_ends(&key, "it is not configured any more", now.time);
        }
        for (group, gate) in gated {
            self.plan_gate(group, &gate, now);
        }
    }

    fn plan_gate(&mut self, group: usize, gate: &Gate, now: &mut Now) {
        let load = self.load_of(&gate.gateway, now.time);
        // A reserve gives way, and asks for nothing.
        let queued = self.ledger.groups[group].queued.saturating_sub(self.queued_for_reserve(group));
        let wanted = load::of(queued, gate.load);
        let key = (self.ledger.groups[group].spec.name.clone(), gate.gateway.to_string());
        if load.counted().saturating_add(wanted) <= load.may() {
            if self.gateways.gates.short.contains_key(&key) {
                let text = self.told_of(&gate.gateway, now.time);
                self.gate_ends(&key, &text, now.time);
            }
            return;
        }
        if !self.gateways.gates.short.contains_key(&key) {
            self.gate_begins(&key, gate, queued, now.time);
        }
        if gate.files {
            self.file_for(&key, gate, now);
        }
        let waits = queued > 0 && gate.mode != GateMode::Warn && self.overridden(group, now.time) < queued;
        let Some(row) = self.gateways.gates.short.get_mut(&key).filter(|_| waits) else { return };
        if row.alarmed_at.is_some() {
            return;
        }
        let due = row.since.plus(gate.at_most);
        if due > now.time {
            let wake = self.gateways.gates.wake.get_or_insert(due);
            *wake = due.min(*wake);
            return;
        }
        row.alarmed_at = Some(now.time);
        let row = row.clone();
        let minutes = now.time.since(row.since).as_secs() / 60;
        let text = format!(
            "group {}: {queued} have waited for {minutes} min: {}. Have more confirmed, or let them through: muster \
             gateway override {} --as NAME --reason TEXT",
            row.group,
            self.told_of(&gate.gateway, now.time),
            row.group
        );
        self.ledger.journal(now.time, None, None, "gate_alarm", text);
        self.ledger.changes.gates.push(row);
    }

    fn gate_begins(&mut self, key: &(String, String), gate: &Gate, queued: u32, now: Time) {
        let row = GateRow {
            group: key.0.clone(),
            gateway: key.1.clone(),
            since: now,
            filed: 0,
            alarmed_at: None,
            ended_at: None,
        };
        let does = does(gate.mode);
        let each = shown(gate.load.into());
        let told = self.told_of(&gate.gateway, now);
        let text = format!("group {}: {told}, and {queued} more × {each} are wanted: {does}", row.group);
        self.ledger.journal(now, None, None, "gate_short", text);
        self.ledger.changes.gates.push(row.clone());
        self.gateways.gates.short.insert(key.clone(), row);
    }

    fn gate_ends(&mut self, key: &(String, String), why: &str, now: Time) {
        let Some(mut row) = self.gateways.gates.short.remove(key) else { return };
        row.ended_at = Some(now);
        self.ledger.journal(now, None, None, "gate_open", format!("group {}: {why}", row.group));
        self.ledger.changes.gates.push(row);
    }

    /// Asks for the capacity that all who depend on a gateway want of it, unless as much was asked for before.
    fn file_for(&mut self, key: &(String, String), gate: &Gate, now: &mut Now) {
        let Some(gateway) = self.gateways.known(&gate.gateway).cloned() else { return };
        let wants = |(g, gate): (usize, &Gate)| {
            let queued = self.ledger.groups[g].queued.saturating_sub(self.queued_for_reserve(g));
            load::of(queued, gate.load)
        };
        let more = self.depend_on(&gate.gateway).map(wants).sum();
        let capacity = self.load_of(&gate.gateway, now.time).needed(more).min(MOST_CAPACITY);
        // Whoever was refused as much is not asked again for the same wish.
        let asked = |row: &GateRow| row.gateway == key.1 && row.filed >= capacity;
        let busy = self.gateways.open.values().any(|r| r.row.resource == gateway.resource);
        if busy || capacity == 0 || self.gateways.gates.short.values().any(asked) {
            return;
        }
        let told = self.told_of(&gate.gateway, now.time);
        let ask = GatewayAsk {
            id: id_of(now.time, now.rng.next_u64(), now.rng.next_u64()),
            gateway: gateway.name.clone(),
            capacity,
            needed_by: None,
            until: now.time.plus(FILED_FOR),
            owner: MUSTER.to_string(),
            reason: format!("group {} wants more: {told}, and {} more are wanted", key.0, shown(more)),
        };
        if self.ask_gateway(ask, now).is_err() {
            return;
        }
        if let Some(row) = self.gateways.gates.short.get_mut(key) {
            row.filed = capacity;
            self.ledger.changes.gates.push(row.clone());
        }
    }

    /// Says of requests that nobody has answered them for too long.
    pub(in crate::decide) fn plan_unanswered(&mut self, now: Time) {
        let due: Vec<String> = self
            .gateways
            .open
            .values()
            .filter(|r| self.gateways.unanswered_at(&r.row).is_some_and(|at| at <= now))
            .map(|r| r.row.id.clone())
            .collect();
        for id in due {
            let Some(request) = self.gateways.open.get_mut(&id) else { continue };
            request.row.alarmed_at = Some(now);
            let row = request.row.clone();
            let waiting: Vec<String> = self
                .gateways
                .gates
                .short
                .values()
                .filter(|short| short.gateway == row.gateway)
                .map(|short| short.group.clone())
                .collect();
            let who = if waiting.is_empty() {
                String::new()
            } else {
                format!("; {} wait for it: have it confirmed, or override the gate", waiting.join(", "))
            };
            let minutes = now.since(row.asked_at).as_secs() / 60;
            let text = format!(
                "{} {} were asked for {minutes} min ago, and nobody has answered{who}",
                row.wanted, row.unit
            );
            journal(&mut self.ledger, &row, now, "gateway_unanswered", &text);
            self.ledger.changes.gateways.push(row);
        }
    }

    /// What was short and overridden goes on being so.
    pub(in crate::decide) fn take_up_gates(&mut self, short: Vec<GateRow>, overrides: Vec<OverrideRow>) {
        let gates = &mut self.gateways.gates;
        gates.short.extend(short.into_iter().map(|row| ((row.group.clone(), row.gateway.clone()), row)));
        gates.overrides.extend(overrides.into_iter().map(|row| (row.lease.id.clone(), row)));
    }
}

/// What becomes of those that do not fit.
fn does(mode: GateMode) -> &'static str {
    match mode {
        GateMode::Warn => "they are launched all the same",
        GateMode::Pace => "the rest waits until more is confirmed, or somebody overrides it",
        GateMode::Wait => "nothing is launched until all fit together, or somebody overrides it",
    }
}

impl super::Gateways {
    /// What it carries now, in its unit: what is declared, or what a request brought if that is more.
    pub(super) fn carried(&self, gateway: &Arc<Gateway>, now: Time) -> u32 {
        let of_it = |r: &&super::Request| r.row.gateway == gateway.name && r.row.state.carries();
        let brought = self.open.values().find(of_it).filter(|r| now < r.row.until);
        brought.map_or(0, |r| r.row.in_effect).max(gateway.declared)
    }

    /// When it is to be said that nobody has answered a request; none if that is said, or somebody has.
    pub(super) fn unanswered_at(&self, row: &super::words::GatewayRow) -> Option<Time> {
        let waits = match row.state {
            GatewayState::Wanted | GatewayState::Submitted => row.alarmed_at.is_none(),
            GatewayState::Pending
            | GatewayState::InEffect
            | GatewayState::PartlyInEffect
            | GatewayState::Releasing
            | GatewayState::Refused
            | GatewayState::Expired
            | GatewayState::Released => false,
        };
        let within = self.known(&row.gateway).map_or(super::ANSWER_WITHIN, |g| g.answer_within);
        waits.then(|| row.asked_at.plus(within))
    }
}
