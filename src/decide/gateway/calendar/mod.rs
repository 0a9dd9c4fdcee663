//! The calendar: gateway requests that are made ahead of peaks which come again and again, such as the first
//! Monday of January.
//!
//! A schedule says when its peaks are ([`plan::Plan`]), how long ahead each is asked for, and when it is given back.
//! Each peak makes one gateway request: the request's row and the schedule's row that says that this peak is dealt
//! with are in the same commit, so a kill around it makes neither two nor none, and the request's id is made from
//! the schedule's and the peak ([`words::ScheduleRow::request_id`]).
//!
//! A gateway has one request at a time. While it has another, the peak that is due waits, and is asked for when
//! that one is over, if the peak is not over by then. One that was due while nothing ran is late: the schedule's
//! rule says whether it is asked for all the same ([`words::MissedRule`]).

pub mod error;
pub mod plan;
pub mod shown;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use super::{GatewayAsk, LONGEST, MOST_CAPACITY};
use crate::decide::action::{Accepted, Refusal};
use crate::decide::guard::hold::EndAsk;
use crate::decide::ledger::Ledger;
use crate::decide::words::Time;
use crate::decide::{Core, Now};
use error::{CalendarError, hours};
use plan::Plan;
use words::{MissedRule, ScheduleRow};

/// Most schedules at once: as many as gateways.
pub const MOST_SCHEDULES: usize = 100;
/// Shortest time from a peak's beginning to its end: a load balancer's reserved capacity can be lowered twice a
/// day, and takes minutes to come (aws-facts 6.2).
pub const SHORTEST: Duration = Duration::from_secs(600);
/// One that is asked for later than this is one that was missed. Longer than a restart or a takeover, which nobody
/// wants to hear of; shorter than what anybody needs to act.
pub const LATE_AFTER: Duration = Duration::from_secs(300);
/// Peaks of one schedule that one decision deals with: after a year away, an hourly one has 8,760.
const AT_ONCE: usize = 200;
/// Longest name, in characters.
const MOST_NAME: usize = 64;
/// Shown of each schedule: those that come next.
const SHOWN: usize = 3;

/// A schedule as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleAsk {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    pub name: String,
    pub gateway: String,
    /// The whole capacity that the gateway is to have, in its unit.
    pub capacity: u32,
    /// When the peaks begin: five fields.
    pub cron: String,
    /// IANA's name of the time zone whose clocks it is read on.
    pub zone: String,
    /// Dates in that zone, as `2027-01-04`, on which there is no peak.
    pub except: Vec<String>,
    /// Asked for so long before.
    pub lead: Duration,
    /// Given back so long after a peak's beginning.
    pub release_after: Duration,
    pub missed: MissedRule,
    pub owner: String,
    pub reason: String,
}

impl ScheduleAsk {
    /// The row of a schedule of which nothing was dealt with yet.
    #[must_use]
    pub fn row(self, at: Time) -> ScheduleRow {
        ScheduleRow {
            id: self.id,
            name: self.name,
            gateway: self.gateway,
            capacity: self.capacity,
            cron: self.cron,
            zone: self.zone,
            except: self.except,
            lead: self.lead,
            release_after: self.release_after,
            missed: self.missed,
            owner: self.owner,
            reason: self.reason,
            added_at: at,
            through: at,
            waiting: None,
            last: None,
            request: None,
            asked: 0,
            passed: 0,
            note: None,
            removed_at: None,
            removed_by: None,
        }
    }

    /// The same schedule, whatever its id.
    fn is(&self, row: &ScheduleRow) -> bool {
        let same = ScheduleAsk { id: row.id.clone(), ..self.clone() }.row(row.added_at);
        let untouched = ScheduleRow {
            through: row.through,
            waiting: row.waiting,
            last: row.last,
            request: row.request.clone(),
            asked: row.asked,
            passed: row.passed,
            note: row.note.clone(),
            ..same
        };
        untouched == *row
    }
}

/// One schedule that is not removed.
#[derive(Debug)]
struct Schedule {
    row: ScheduleRow,
    /// What was taken once may not be read by a later version, or a later time zone database.
    plan: Result<Plan, CalendarError>,
    /// The next peaks behind `row.through`.
    upcoming: Vec<Time>,
    /// The one that waits is worth another try.
    retry: bool,
}

impl Schedule {
    fn of(row: ScheduleRow, plan: Result<Plan, CalendarError>) -> Schedule {
        let retry = row.waiting.is_some();
        let upcoming = plan.iter().flat_map(|plan| plan.after(row.through).take(SHOWN)).collect();
        Schedule { row, plan, upcoming, retry }
    }

    /// The first of those to come is dealt with, or about to be.
    fn advance(&mut self, peak: Time) {
        self.row.through = peak;
        self.upcoming.retain(|next| *next > peak);
        if let (Ok(plan), Some(last)) = (&self.plan, self.upcoming.last()) {
            self.upcoming.extend(plan.next(*last));
        }
    }

    /// When there is something to do.
    fn due(&self) -> Time {
        let next = self.upcoming.first().map_or(Time::NEVER, |peak| self.row.ask_at(*peak));
        let waiting = self.row.waiting.map_or(Time::NEVER, |peak| self.row.until(peak));
        if self.retry { Time(0) } else { next.min(waiting) }
    }

    fn local(&self, peak: Time) -> String {
        self.plan.as_ref().map_or_else(|_| super::letter::utc(peak), |plan| plan.local(peak))
    }
}

/// All schedules, by name.
#[derive(Debug)]
pub struct Calendar {
    open: BTreeMap<String, Schedule>,
    /// When the first of them has something to do.
    wake: Time,
}

impl Default for Calendar {
    fn default() -> Self {
        Calendar { open: BTreeMap::new(), wake: Time::NEVER }
    }
}

impl Calendar {
    #[must_use]
    pub fn wake(&self) -> Time {
        self.wake
    }

    /// Some gateway's request is over: what waits may be asked for now.
    pub fn retry(&mut self) {
        for schedule in self.open.values_mut() {
            schedule.retry = schedule.row.waiting.is_some();
        }
        self.set_wake();
    }

    fn set_wake(&mut self) {
        self.wake = self.open.values().map(Schedule::due).min().unwrap_or(Time::NEVER);
    }
}

impl Core {
    /// Takes a schedule, or says why not. The same one added twice is one.
    pub(in crate::decide) fn add_schedule(
        &mut self,
        ask: ScheduleAsk,
        now: &Now,
    ) -> Result<Accepted, Refusal> {
        let plan = self.check_schedule(&ask, now.time)?;
        let ask = ScheduleAsk { zone: plan.zone().to_string(), ..ask };
        if let Some(there) = self.gateways.calendar.open.get(&ask.name) {
            let id = there.row.id.clone();
            return if ask.is(&there.row) {
                Ok(Accepted { id, repeated: true })
            } else {
                Err(Refusal::ScheduleExists { name: ask.name })
            };
        }
        if self.gateways.calendar.open.len() >= MOST_SCHEDULES {
            return Err(CalendarError::Full { most: MOST_SCHEDULES }.into());
        }
        let schedule = Schedule::of(ask.row(now.time), Ok(plan));
        let row = schedule.row.clone();
        let first = schedule.upcoming.first().map_or_else(String::new, |peak| schedule.local(*peak));
        let text = format!(
            "{} adds it: {} of {}, '{}' in {}, asked for {} ahead, given back after {}; the next is {first}",
            row.owner,
            row.capacity,
            row.gateway,
            row.cron,
            row.zone,
            hours(row.lead),
            hours(row.release_after),
        );
        journal(&mut self.ledger, &row, now.time, "schedule_added", &text);
        self.ledger.changes.schedules.push(row.clone());
        let id = row.id.clone();
        self.gateways.calendar.open.insert(row.name, schedule);
        self.gateways.calendar.set_wake();
        Ok(Accepted { id, repeated: false })
    }

    fn check_schedule(&self, ask: &ScheduleAsk, now: Time) -> Result<Plan, Refusal> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if ask.name.is_empty() || ask.name.len() > MOST_NAME || !ask.name.chars().all(allowed) {
            return Err(CalendarError::Name(ask.name.clone()).into());
        }
        if self.gateways.known(&ask.gateway).is_none() {
            let known = self.gateways.names();
            return Err(Refusal::UnknownGateway { gateway: ask.gateway.clone(), known });
        }
        if !(1..=MOST_CAPACITY).contains(&ask.capacity) {
            return Err(Refusal::Capacity { capacity: ask.capacity, most: MOST_CAPACITY });
        }
        let length = ask.lead.saturating_add(ask.release_after);
        if ask.release_after < SHORTEST {
            return Err(CalendarError::Short { release_after: ask.release_after, least: SHORTEST }.into());
        }
        if length > LONGEST {
            return Err(CalendarError::Long { length }.into());
        }
        let plan = Plan::read(&ask.cron, &ask.zone, &ask.except)?;
        if plan.next(now).is_none() {
            let (cron, zone) = (ask.cron.clone(), plan.zone().to_string());
            return Err(CalendarError::Never { cron, zone }.into());
        }
        if let Some((first, second)) = plan.closest(now).filter(|(a, b)| b.since(*a) < length) {
            return Err(CalendarError::Overlap {
                lead: ask.lead,
                release_after: ask.release_after,
                first: plan.local(first),
                second: plan.local(second),
                apart: second.since(first),
            }
            .into());
        }
        Ok(plan)
    }

    /// Ends a schedule, by its name; requests that it has made go on.
    pub(in crate::decide) fn remove_schedule(&mut self, ask: EndAsk, now: &Now) -> Result<Accepted, Refusal> {
        let Entry::Occupied(there) = self.gateways.calendar.open.entry(ask.id.clone()) else {
            return Err(Refusal::UnknownSchedule { name: ask.id });
        };
        if there.get().row.owner != ask.by && !ask.overrides {
            let owner = there.get().row.owner.clone();
            return Err(Refusal::NotTheirs { id: ask.id, owner, by: ask.by });
        }
        let mut row = there.remove().row;
        let text = format!("{} removes it; requests that it has made go on", ask.by);
        (row.removed_at, row.removed_by, row.waiting) = (Some(now.time), Some(ask.by), None);
        journal(&mut self.ledger, &row, now.time, "schedule_removed", &text);
        let id = row.id.clone();
        self.ledger.changes.schedules.push(row);
        self.gateways.calendar.set_wake();
        Ok(Accepted { id, repeated: false })
    }

    /// Peaks that are due are asked for.
    pub(in crate::decide) fn plan_calendar(&mut self, now: &Now) {
        if self.gateways.calendar.wake > now.time {
            return;
        }
        let due = self.gateways.calendar.open.values().filter(|s| s.due() <= now.time);
        // Two that want the same gateway: the peak that comes first.
        let first = |s: &Schedule| s.row.waiting.or(s.upcoming.first().copied());
        let mut names: Vec<_> = due.map(|s| (first(s), s.row.name.clone())).collect();
        names.sort();
        for (_, name) in names {
            // Taken out, so that asking may look at everything else.
            let Some(mut schedule) = self.gateways.calendar.open.remove(&name) else { continue };
            let before = schedule.row.clone();
            self.keep_schedule(&mut schedule, now);
            if schedule.row != before {
                self.ledger.changes.schedules.push(schedule.row.clone());
            }
            self.gateways.calendar.open.insert(name, schedule);
        }
        self.gateways.calendar.set_wake();
    }

    fn keep_schedule(&mut self, schedule: &mut Schedule, now: &Now) {
        schedule.retry = false;
        if let Some(peak) = schedule.row.waiting {
            self.deal_with(schedule, peak, now);
        }
        let mut over: Option<(Time, Time, u32)> = None;
        for _ in 0..AT_ONCE {
            let Some(peak) = schedule.upcoming.first().copied() else { break };
            if schedule.row.ask_at(peak) > now.time {
                break;
            }
            schedule.advance(peak);
            if schedule.row.until(peak) <= now.time {
                let (from, count) = over.map_or((peak, 0), |(from, _, count)| (from, count));
                over = Some((from, peak, count + 1));
            } else {
                if let Some(over) = over.take() {
                    self.are_over(schedule, over, now.time);
                }
                if let Some(waiting) = schedule.row.waiting {
                    let why = format!("the next is due, and it still waited: {}", note_of(&schedule.row));
                    self.pass_by(schedule, waiting, why, now.time);
                }
                self.deal_with(schedule, peak, now);
            }
        }
        if let Some(over) = over {
            self.are_over(schedule, over, now.time);
        }
    }

    /// Peaks that came and went while nothing ran: one line for all of them.
    fn are_over(&mut self, schedule: &mut Schedule, over: (Time, Time, u32), now: Time) {
        let (from, to, count) = over;
        schedule.row.passed += count - 1;
        let earlier = if count == 1 {
            String::new()
        } else {
            format!(", and the {} since {} before it", count - 1, schedule.local(from))
        };
        let why = format!("it was over before it could be asked for: nothing ran then{earlier}");
        self.pass_by(schedule, to, why, now);
    }

    /// Asks for one peak, or says why not.
    fn deal_with(&mut self, schedule: &mut Schedule, peak: Time, now: &Now) {
        let row = &schedule.row;
        if row.until(peak) <= now.time {
            let why = format!("it waited until it was over: {}", note_of(row));
            return self.pass_by(schedule, peak, why, now.time);
        }
        let (asked_at, waited) = (row.ask_at(peak), row.waiting == Some(peak));
        let late = now.time.since(asked_at.max(row.added_at));
        // Who was added late is asked for late: that is no fault of ours.
        if late > LATE_AFTER && !waited && row.missed == MissedRule::Report {
            let why = format!(
                "it was to be asked for {} ago, when nothing ran, and the rule is to report that",
                hours(late)
            );
            return self.pass_by(schedule, peak, why, now.time);
        }
        match self.request_peak(schedule, peak, now) {
            Ok(id) => {
                let caught_up =
                    if late > LATE_AFTER { format!(", {} late", hours(late)) } else { String::new() };
                let text = format!("{}: request {id} is made{caught_up}", schedule.local(peak));
                let row = &mut schedule.row;
                (row.waiting, row.note, row.last) = (None, None, Some(peak));
                (row.request, row.asked) = (Some(id), row.asked + 1);
                journal(&mut self.ledger, row, now.time, "schedule_asked", &text);
            }
            Err(why) => {
                let news = schedule.row.note.as_ref() != Some(&why) || !waited;
                let text = format!("{} waits: {why}", schedule.local(peak));
                let row = &mut schedule.row;
                (row.waiting, row.note) = (Some(peak), Some(why));
                if news {
                    journal(&mut self.ledger, row, now.time, "schedule_waits", &text);
                }
            }
        }
    }

    /// Makes the request for a peak.
    fn request_peak(&mut self, schedule: &Schedule, peak: Time, now: &Now) -> Result<String, String> {
        let row = &schedule.row;
        // The same owner who asks for the same again would only move the end of what is there.
        if let Some(gateway) = self.gateways.known(&row.gateway)
            && let Some(open) = self.gateways.request_of(gateway)
        {
            return Err(format!("gateway '{}' has a request already ({})", row.gateway, open.row.id));
        }
        let ask = GatewayAsk {
            id: row.request_id(peak),
            gateway: row.gateway.clone(),
            capacity: row.capacity,
            needed_by: Some(peak).filter(|peak| *peak > now.time),
            until: row.until(peak),
            owner: row.owner.clone(),
            reason: format!("schedule {}, {}: {}", row.name, schedule.local(peak), row.reason),
        };
        self.ask_gateway(ask, now).map(|accepted| accepted.id).map_err(|refusal| refusal.to_string())
    }

    /// Nothing is asked for this peak.
    fn pass_by(&mut self, schedule: &mut Schedule, peak: Time, why: String, now: Time) {
        let text = format!("{} is missed: {why}", schedule.local(peak));
        let row = &mut schedule.row;
        (row.waiting, row.last, row.request) = (None, Some(peak), None);
        (row.passed, row.note) = (row.passed + 1, Some(why));
        journal(&mut self.ledger, row, now, "schedule_missed", &text);
    }

    /// Schedules go on where they were; what was due meanwhile is due now.
    pub(in crate::decide) fn take_up_calendar(&mut self, rows: Vec<ScheduleRow>) {
        for row in rows {
            let plan = Plan::read(&row.cron, &row.zone, &row.except);
            self.gateways.calendar.open.insert(row.name.clone(), Schedule::of(row, plan));
        }
        self.gateways.calendar.set_wake();
    }
}

fn note_of(row: &ScheduleRow) -> &str {
    row.note.as_deref().unwrap_or("nothing is known of it")
}

/// A line of a schedule's history, kept by its id like a request's.
fn journal(ledger: &mut Ledger, row: &ScheduleRow, now: Time, kind: &str, text: &str) {
    ledger.journal_gateway(now, &row.id, kind, format!("schedule {}: {text}", row.name));
}
