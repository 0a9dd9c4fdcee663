//! Schedules for tests.

use std::time::Duration;

use super::ScheduleAsk;
use super::words::{MissedRule, ScheduleRow};
use crate::decide::words::Time;

const DAY: Duration = Duration::from_secs(86_400);

/// 300 units of `lb` on the first Monday of January, 04:00 in Berlin, a week ahead, for a day.
pub fn wish(name: &str) -> ScheduleAsk {
    ScheduleAsk {
        id: format!("0176cb1e-4d00-7abc-8def-{name:0>13}"),
        name: name.into(),
        gateway: "lb".into(),
        capacity: 300,
        cron: "0 4 * 1 MON#1".into(),
        zone: "Europe/Berlin".into(),
        except: Vec::new(),
        lead: 7 * DAY,
        release_after: DAY,
        missed: MissedRule::CatchUp,
        owner: "ann".into(),
        reason: "the first working day".into(),
    }
}

/// The row of such a one.
pub fn schedule(name: &str) -> ScheduleRow {
    wish(name).row(Time(0))
}
