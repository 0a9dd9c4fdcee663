//! Schedules: gateway requests that are made by the calendar.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::instance::JournalLine;
use super::names;
use super::stamp::Stamp;
use crate::decide::gateway::calendar::shown::{PeakView, ScheduleView};
use crate::decide::gateway::calendar::words::MissedRule;

/// A schedule that is to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewSchedule {
    /// Letters, digits, `-` and `_`.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// As configured.
    pub gateway: String,
    /// The whole capacity that it is to have at each peak, in its unit.
    #[schema(minimum = 1, maximum = 10_000_000)]
    pub capacity: u32,
    /// When the peaks begin: minute, hour, day of month, month, day of week. `L` is the last day of a month, `MON#1`
    /// its first Monday, `FRI#L` its last Friday.
    #[schema(examples("0 4 * 1 MON#1"))]
    pub cron: String,
    /// The time zone whose clocks that is read on, by IANA's name. What clocks skip in spring is the moment at which
    /// they go on; of what they show twice in autumn it is the first.
    #[schema(examples("Europe/Berlin"))]
    pub zone: String,
    /// Dates in that zone, such as 2027-01-04, on which there is no peak; at most 366.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Asked for so long ahead; a day has 24 hours.
    #[schema(examples("7d"))]
    pub lead: String,
    /// Given back so long after a peak's beginning; with `lead` at most 92 days, and not longer than from one peak to
    /// the next.
    #[schema(examples("24h"))]
    pub release_after: String,
    /// What becomes of a peak whose time to ask passed while nothing ran. Left out: `catch-up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = names::missed_rule)]
    pub missed: Option<MissedRule>,
    /// Whoever wants to remove it and is not the owner has to override it.
    #[schema(min_length = 1, max_length = 64)]
    pub owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// One peak that is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeakItem {
    pub at: Stamp,
    /// As the clocks of its zone show it.
    #[schema(examples("2027-01-04 04:00 Europe/Berlin"))]
    pub local: String,
    pub ask_at: Stamp,
    /// Given back then.
    pub until: Stamp,
}

/// A schedule was added or removed, and that is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleTaken {
    pub id: String,
    /// It was there already, just so.
    pub repeated: bool,
    /// The next three peaks, so that whoever added it sees what it means.
    pub next: Vec<PeakItem>,
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleItem {
    pub id: String,
    pub name: String,
    pub gateway: String,
    pub capacity: u32,
    pub cron: String,
    pub zone: String,
    pub except: Vec<String>,
    /// Seconds that each peak is asked for ahead.
    pub lead_s: u64,
    /// Seconds from a peak's beginning until what was asked for is given back.
    pub release_after_s: u64,
    #[schema(schema_with = names::missed_rule)]
    pub missed_rule: MissedRule,
    pub owner: String,
    pub reason: String,
    pub added_at: Stamp,
    /// The next three peaks.
    pub next: Vec<PeakItem>,
    /// The peak that is due, and that nothing could be asked for yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Stamp>,
    /// The last peak that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Stamp>,
    /// The gateway request that was made for it; none if it was missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The last one was missed, at most a week ago.
    pub missed: bool,
    /// Requests made.
    pub asked: u32,
    /// Peaks that passed without one.
    pub passed: u32,
    /// Why one is due, or why the last one has no request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it waits for.
    pub waits: String,
}

/// All schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedules {
    /// By name.
    pub schedules: Vec<ScheduleItem>,
}

/// One schedule and its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleHistory {
    pub schedule: ScheduleItem,
    /// What happened, oldest first; at most 1,000 lines.
    pub journal: Vec<JournalLine>,
}

impl PeakItem {
    #[must_use]
    pub fn of(view: &PeakView) -> PeakItem {
        PeakItem {
            at: Stamp(view.at),
            local: view.local.clone(),
            ask_at: Stamp(view.ask_at),
            until: Stamp(view.until),
        }
    }
}

impl ScheduleItem {
    #[must_use]
    pub fn of(view: &ScheduleView) -> ScheduleItem {
        let row = &view.row;
        ScheduleItem {
            id: row.id.clone(),
            name: row.name.clone(),
            gateway: row.gateway.clone(),
            capacity: row.capacity,
            cron: row.cron.clone(),
            zone: row.zone.clone(),
            except: row.except.clone(),
            lead_s: row.lead.as_secs(),
            release_after_s: row.release_after.as_secs(),
            missed_rule: row.missed,
            owner: row.owner.clone(),
            reason: row.reason.clone(),
            added_at: Stamp(row.added_at),
            next: view.upcoming.iter().map(PeakItem::of).collect(),
            due: row.waiting.map(Stamp),
            last: row.last.map(Stamp),
            request: row.request.clone(),
            missed: view.missed,
            asked: row.asked,
            passed: row.passed,
            note: row.note.clone(),
            waits: view.waits.clone(),
        }
    }
}
