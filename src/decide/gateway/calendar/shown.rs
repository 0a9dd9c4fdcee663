//! What is shown of schedules.

use std::time::Duration;

use super::plan::Plan;
use super::words::ScheduleRow;
use super::{Schedule, ScheduleAsk};
use crate::decide::Core;
use crate::decide::words::Time;

/// A peak that was missed is an alarm until so long after its end: whoever looks once a week sees it.
const ALARM: Duration = Duration::from_secs(7 * 86_400);

/// One peak that is to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeakView {
    pub at: Time,
    /// As the clocks of its zone show it.
    pub local: String,
    pub ask_at: Time,
    pub until: Time,
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleView {
    pub row: ScheduleRow,
    /// The next ones.
    pub upcoming: Vec<PeakView>,
    /// The last one passed a short while ago, and nothing was asked for it.
    pub missed: bool,
    /// A sentence.
    pub waits: String,
}

impl Core {
    /// Those that are not removed, by name.
    pub(in crate::decide) fn schedule_views(&self, now: Time) -> Vec<ScheduleView> {
        self.gateways.calendar.open.values().map(|schedule| view(schedule, now)).collect()
    }
}

/// The next peaks of a schedule that somebody wants to add; none of one that cannot be read.
#[must_use]
pub fn preview(ask: &ScheduleAsk, now: Time) -> Vec<PeakView> {
    let plan = Plan::read(&ask.cron, &ask.zone, &ask.except);
    let schedule = Schedule::of(ask.clone().row(now), plan);
    schedule.upcoming.iter().map(|at| peak(&schedule, *at)).collect()
}

fn peak(schedule: &Schedule, at: Time) -> PeakView {
    let row = &schedule.row;
    PeakView { at, local: schedule.local(at), ask_at: row.ask_at(at), until: row.until(at) }
}

fn view(schedule: &Schedule, now: Time) -> ScheduleView {
    let row = &schedule.row;
    let upcoming: Vec<PeakView> = schedule.upcoming.iter().map(|at| peak(schedule, *at)).collect();
    let waits = match (&schedule.plan, row.waiting, upcoming.first()) {
        (Err(error), _, _) => format!("it cannot be read any more ({error}): remove it and add it anew"),
        (Ok(_), Some(waiting), _) => {
            format!("{} is due: {}", schedule.local(waiting), row.note.as_deref().unwrap_or_default())
        }
        (Ok(_), None, Some(next)) => format!("{}, in {} s", next.local, next.ask_at.since(now).as_secs()),
        (Ok(_), None, None) => "nothing: it never comes again".into(),
    };
    let missed = row.missed_last() && row.last.is_some_and(|last| now < row.until(last).plus(ALARM));
    ScheduleView { row: row.clone(), upcoming, missed, waits }
}
