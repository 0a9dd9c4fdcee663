//! Gateways ahead of time: a request that something which everybody's traffic goes through be scaled before it
//! has to be.
//!
//! A request is an object with a life of its own, from the asking to its end: one row, and a line in the journal
//! for each step.
//!
//! ```text
//! wanted ─► submitted ─► pending ─► in_effect | partly_in_effect ─► (releasing) ─► released
//!   │           │           │                                          ▲   │
//!   └───────────┴───────────┴── refused, or its time is over ──────────┘   └──► refused | expired
//! ```
//!
//! A gateway has one request at a time, since what is asked for is absolute: two would undo each other. Its kind
//! says who is asked ([`words::GatewayKind`]), and each kind has one file: [`balancer`], [`quota`] and [`nat`] for
//! what AWS has a call for, [`people`] for what it has none for, who may be asked by a support case as well ([`case`], [`support`]). Another
//! kind is another file, its calls in [`call::GatewayCall`] and what they show in [`asking`].
//!
//! What groups plan to send through gateways is held against what they carry by [`gates`].
//!
//! What is asked for again and again, ahead of peaks that are known by the calendar, [`calendar`] asks for.
//!
//! Calls go out of a budget of their own, one at a time for each request, and only after the row that says so is
//! committed ([`asking`]).

pub mod addresses;
pub mod asking;
pub mod balancer;
pub mod calendar;
pub mod call;
pub mod case;
pub mod gate;
#[cfg(test)]
mod gate_tests;
pub mod gates;
pub mod increase;
pub mod letter;
pub mod load;
pub mod nat;
pub mod overrides;
pub mod people;
pub mod quota;
pub mod shown;
pub mod support;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::action::{Accepted, Refusal};
use super::budget::api::{ApiBudget, ApiLimits};
use super::guard::hold::EndAsk;
use super::ledger::Ledger;
use super::words::{Api, Time};
use super::{Core, Now};
use calendar::Calendar;
use call::{GatewayCall, ZoneCapacity};
use case::SupportSpec;
use gates::Gates;
use words::{Gateway, GatewayEnd, GatewayKind, GatewayRow, GatewayState};

/// Longest from the asking to the end: a season. What is reserved is paid for until then.
pub const LONGEST: Duration = Duration::from_secs(92 * 86_400);
/// Most of any unit that may be asked for: far above any gateway's, and a limit against slips of the hand.
pub const MOST_CAPACITY: u32 = 10_000_000;
/// Most gateways that may be configured, and so most requests at once.
pub const MOST_GATEWAYS: usize = 100;
/// Requests that are over and still shown.
const SHOWN_OVER: usize = 100;
/// Where the configuration does not know the gateway any more.
const REMIND_EVERY: Duration = Duration::from_secs(3_600);
/// The same: whoever was asked has answered by then, or it is an alarm (D19).
pub const ANSWER_WITHIN: Duration = Duration::from_secs(300);

/// A request as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAsk {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    pub gateway: String,
    /// The whole capacity that it is to have, in the gateway's unit.
    pub capacity: u32,
    /// To be there by then.
    pub needed_by: Option<Time>,
    /// Given back then.
    pub until: Time,
    pub owner: String,
    pub reason: String,
}

/// What people say of a gateway that AWS has no call for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmAsk {
    pub id: String,
    /// What it can carry now. 0: it will not be done.
    pub capacity: u32,
    pub by: String,
    pub note: Option<String>,
}

/// One request that is not over.
#[derive(Debug)]
pub struct Request {
    pub row: GatewayRow,
    /// When there is something to do about it.
    due: Time,
    /// What is to be called then; a look if none.
    next: Option<GatewayCall>,
    /// The call that is out.
    out: Option<GatewayCall>,
    /// What `row.unanswered` was before that call.
    lost: Option<Time>,
    /// The last look showed somebody else's reservation.
    changed: bool,
    zones: Vec<ZoneCapacity>,
    /// Allocations that could not be had, by this process.
    passed: Vec<Arc<str>>,
    remind_every: Duration,
    /// How its support case is made; none: people are asked alone.
    support: Option<Arc<SupportSpec>>,
    /// When there is something to do about its support case.
    case_due: Time,
}

impl Request {
    /// `gateway`: as configured now, if it is.
    fn of(row: GatewayRow, due: Time, gateway: Option<&Gateway>) -> Request {
        let lost = row.unanswered;
        Request {
            row,
            due,
            next: None,
            out: None,
            lost,
            changed: false,
            zones: Vec::new(),
            passed: Vec::new(),
            remind_every: gateway.map_or(REMIND_EVERY, |g| g.remind_every),
            support: gateway.and_then(|g| g.support.clone()),
            case_due: Time::NEVER,
        }
    }

    /// When time alone changes something about it. `chance`: when a call may go out.
    fn next_at(&self, chance: Time) -> Time {
        let due = match &self.out {
            Some(_) => Time::NEVER,
            None if self.row.kind.is_of_people() => self.due.min(self.case_due.max(chance)),
            None => self.due.max(chance),
        };
        if !self.row.state.is_active() {
            return due;
        }
        let said = self.row.late || self.row.state == GatewayState::InEffect;
        let late = self.row.needed_by.filter(|_| !said).unwrap_or(Time::NEVER);
        due.min(late).min(self.row.until)
    }

    /// The same thing may have had another name when it was asked for.
    fn is_of(&self, gateway: &Gateway) -> bool {
        self.row.gateway == gateway.name || self.row.resource == gateway.resource
    }

    fn enter(&mut self, state: GatewayState, now: Time) {
        if self.row.state != state {
            self.row.state = state;
            self.row.since = now;
        }
    }
}

/// All gateways and their requests.
#[derive(Debug)]
pub struct Gateways {
    configured: Vec<Arc<Gateway>>,
    /// By id, so the oldest first.
    open: BTreeMap<String, Request>,
    over: VecDeque<GatewayRow>,
    calendar: Calendar,
    pub(super) budget: ApiBudget,
    pub(super) gates: Gates,
}

impl Gateways {
    #[must_use]
    pub fn new(configured: &[Arc<Gateway>]) -> Gateways {
        Gateways {
            configured: configured.to_vec(),
            open: BTreeMap::new(),
            over: VecDeque::new(),
            calendar: Calendar::default(),
            budget: ApiBudget::new(Api::Gateway, &ApiLimits::published(Api::Gateway)),
            gates: Gates::default(),
        }
    }

    /// When there is something to do, and a chance to.
    #[must_use]
    pub fn wake(&self, now: Time) -> Time {
        let planned = self.gates.wake.unwrap_or(Time::NEVER).min(self.calendar.wake());
        if self.open.is_empty() {
            return planned;
        }
        let chance = self.budget.next_chance(now);
        let answers = self.open.values().filter_map(|r| self.unanswered_at(&r.row));
        self.open.values().map(|r| r.next_at(chance)).chain(answers).fold(planned, Time::min)
    }

    /// Requests are made of them, or may be.
    #[must_use]
    pub fn are_any(&self) -> bool {
        !self.configured.is_empty() || !self.open.is_empty()
    }

    fn known(&self, name: &str) -> Option<&Arc<Gateway>> {
        self.configured.iter().find(|g| g.name == name)
    }

    /// What is configured, in a sentence.
    fn names(&self) -> String {
        let names: Vec<&str> = self.configured.iter().map(|g| g.name.as_str()).collect();
        names.join(", ")
    }

    /// Its request that is not over.
    fn request_of(&self, gateway: &Gateway) -> Option<&Request> {
        self.open.values().find(|r| r.is_of(gateway))
    }
}

impl Core {
    /// Takes a request, or says why not. The same owner who asks again for the same capacity moves the end.
    pub(super) fn ask_gateway(&mut self, ask: GatewayAsk, now: &Now) -> Result<Accepted, Refusal> {
        let Some(gateway) = self.gateways.known(&ask.gateway).cloned() else {
            return Err(Refusal::UnknownGateway { gateway: ask.gateway, known: self.gateways.names() });
        };
        let most = match gateway.kind {
            GatewayKind::Nat => nat::MOST_ADDRESSES.saturating_mul(nat::each(&gateway.unit)),
            GatewayKind::TransitGateway | GatewayKind::LoadBalancer | GatewayKind::Quota => MOST_CAPACITY,
        };
        if !(1..=most).contains(&ask.capacity) {
            return Err(Refusal::Capacity { capacity: ask.capacity, most });
        }
        if ask.until <= now.time || ask.until > now.time.plus(LONGEST) {
            return Err(Refusal::LeaseEnd { most_s: LONGEST.as_secs() });
        }
        if let Some(by) = ask.needed_by {
            if by <= now.time {
                let late = now.time.since(by).as_millis();
                return Err(Refusal::PastDeadline { late_ms: i64::try_from(late).unwrap_or(i64::MAX) });
            }
            if by >= ask.until {
                return Err(Refusal::NeededAfterEnd);
            }
        }
        if let Some(open) = self.gateways.open.values_mut().find(|r| r.is_of(&gateway)) {
            let row = &mut open.row;
            let id = row.id.clone();
            let same = row.state.is_active()
                && row.resource == gateway.resource
                && (row.wanted, &row.owner) == (ask.capacity, &ask.owner);
            if !same {
                return Err(Refusal::GatewayBusy { gateway: gateway.name.clone(), id });
            }
            if ask.until > row.until {
                row.until = ask.until;
                let row = row.clone();
                journal(&mut self.ledger, &row, now.time, "gateway_extended", "its end is moved");
                self.ledger.changes.gateways.push(row);
            }
            return Ok(Accepted { id, repeated: true });
        }
        let id = ask.id.clone();
        let row = GatewayRow::asked(ask, &gateway, now.time);
        let text = format!("{} asks for {} {}: {}", row.owner, row.wanted, row.unit, row.reason);
        journal(&mut self.ledger, &row, now.time, "gateway_wanted", &text);
        self.ledger.changes.gateways.push(row.clone());
        self.gateways.open.insert(id.clone(), Request::of(row, now.time, Some(&gateway)));
        Ok(Accepted { id, repeated: false })
    }

    /// Ends a request before its time.
    pub(super) fn release_gateway(&mut self, ask: EndAsk, now: &Now) -> Result<Accepted, Refusal> {
        let Some(request) = self.gateways.open.get(&ask.id) else {
            return Err(Refusal::UnknownGatewayRequest { id: ask.id });
        };
        if request.row.state.is_active() {
            let owner = &request.row.owner;
            if *owner != ask.by && !ask.overrides {
                return Err(Refusal::NotTheirs { id: ask.id, owner: owner.clone(), by: ask.by });
            }
            self.end_gateway(&ask.id, GatewayEnd::Released, Some(ask.by), None, now.time);
            return Ok(Accepted { id: ask.id, repeated: false });
        }
        Ok(Accepted { id: ask.id, repeated: true })
    }

    /// A request is over: what it reserved is given back first, if it may have reserved anything.
    fn end_gateway(
        &mut self,
        id: &str,
        how: GatewayEnd,
        by: Option<String>,
        note: Option<String>,
        now: Time,
    ) {
        let Some(request) = self.gateways.open.get_mut(id) else { return };
        let row = &mut request.row;
        (row.end, row.ended_at, row.ended_by) = (Some(how), Some(now), by);
        row.note = note.or_else(|| row.note.take());
        let reserved = match row.kind {
            GatewayKind::LoadBalancer => {
                // What others have changed is theirs; but a call of ours that comes late would make it ours again.
                let taken = how == GatewayEnd::Taken && !balancer::is_unsettled(row, now);
                row.submitted_at.is_some() && !taken
            }
            // It stays; but whether a call of ours is heard yet has to be known.
            GatewayKind::Quota | GatewayKind::TransitGateway => balancer::is_unsettled(row, now),
            GatewayKind::Nat => row.reference.is_some(),
        };
        if !reserved {
            self.gateway_is_over(id, now);
            return;
        }
        request.enter(GatewayState::Releasing, now);
        (request.due, request.next) = (now, None);
        request.looks_for_case(now);
        let before = request.row.before.filter(|units| *units > 0);
        let text = match (request.row.kind, before) {
            (GatewayKind::Quota | GatewayKind::TransitGateway, _) => {
                format!("{how}: a call whose answer was lost is looked for")
            }
            (GatewayKind::Nat, _) => {
                let added = request.row.reference.as_deref().unwrap_or_default();
                format!("{how}: what was added is to be taken off: {added}")
            }
            (GatewayKind::LoadBalancer, Some(units)) => {
                format!("{how}: the {units} {} from before are to be restored", request.row.unit)
            }
            (GatewayKind::LoadBalancer, None) => format!("{how}: the reservation is to be reset"),
        };
        journal(&mut self.ledger, &request.row, now, "gateway_releasing", &text);
        self.ledger.changes.gateways.push(request.row.clone());
    }

    /// Nothing is left to be done for it.
    fn gateway_is_over(&mut self, id: &str, now: Time) {
        let Some(mut request) = self.gateways.open.remove(id) else { return };
        let end = request.row.end.unwrap_or(GatewayEnd::Released);
        let left = match request.row.kind {
            GatewayKind::Quota => quota::stays(&request.row),
            GatewayKind::TransitGateway => case::stays(&request.row),
            GatewayKind::LoadBalancer | GatewayKind::Nat => None,
        };
        let left = left.map(|text| format!("; {text}"));
        request.enter(end.state(), now);
        let (row, left) = (request.row, left.unwrap_or_default());
        let by = row.ended_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let note = row.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let kind = match end {
            GatewayEnd::Refused => "gateway_refused",
            GatewayEnd::Expired => "gateway_expired",
            GatewayEnd::Released => "gateway_released",
            GatewayEnd::Taken => "gateway_taken",
        };
        journal(&mut self.ledger, &row, now, kind, &format!("{end}{by}{note}{left}"));
        self.ledger.changes.gateways.push(row.clone());
        if self.gateways.over.len() == SHOWN_OVER {
            self.gateways.over.pop_front();
        }
        self.gateways.over.push_back(row);
        self.gateways.calendar.retry();
    }

    /// What time does to requests, and what is to be done for them now.
    pub(super) fn plan_gateways(&mut self, now: &mut Now) {
        if self.gateways.wake(now.time) > now.time {
            return;
        }
        let ids: Vec<String> = self.gateways.open.keys().cloned().collect();
        for id in ids {
            self.gateway_times(&id, now.time);
        }
        // What has ended makes room for what is due.
        self.plan_calendar(now);
        let ids: Vec<String> = self.gateways.open.keys().cloned().collect();
        for id in ids {
            let Some(request) = self.gateways.open.get(&id).filter(|r| r.out.is_none()) else { continue };
            let people = request.row.kind.is_of_people();
            if people && request.due <= now.time {
                self.ask_people(&id, now.time);
            }
            let Some(request) = self.gateways.open.get(&id) else { continue };
            if (if people { request.case_due } else { request.due }) <= now.time {
                self.ask_aws(&id, now);
            }
        }
    }

    /// Its end has come, or the time by which it was needed.
    fn gateway_times(&mut self, id: &str, now: Time) {
        let Some(request) = self.gateways.open.get_mut(id).filter(|r| r.row.state.is_active()) else {
            return;
        };
        let row = &mut request.row;
        if row.until <= now {
            let how = if row.state.carries() { GatewayEnd::Released } else { GatewayEnd::Expired };
            self.end_gateway(id, how, None, None, now);
            return;
        }
        if !row.late && row.state != GatewayState::InEffect && row.needed_by.is_some_and(|by| by <= now) {
            row.late = true;
            let text =
                format!("{} of {} {} are there, and it is needed now", row.in_effect, row.wanted, row.unit);
            let row = row.clone();
            journal(&mut self.ledger, &row, now, "gateway_late", &text);
            self.ledger.changes.gateways.push(row);
        }
    }

    /// Requests go on where they were: AWS is looked at at once, and people are not asked again before it is time.
    pub(super) fn take_up_gateways(&mut self, rows: Vec<GatewayRow>, now: Time) {
        for row in rows {
            let gateway = self.gateways.known(&row.gateway).cloned();
            let mut request = Request::of(row, now, gateway.as_deref());
            if request.row.kind.is_of_people() {
                request.due = people::due(&request.row, request.remind_every);
            }
            request.looks_for_case(now);
            self.gateways.open.insert(request.row.id.clone(), request);
        }
    }
}

/// A line of a request's history.
fn journal(ledger: &mut Ledger, row: &GatewayRow, now: Time, kind: &str, text: &str) {
    ledger.journal_gateway(now, &row.id, kind, format!("{}: {text}", row.gateway));
}
