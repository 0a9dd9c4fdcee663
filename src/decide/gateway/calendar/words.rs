//! What is written down of a schedule of gateway requests.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decide::words::{Time, named};

named! {
    /// What becomes of a peak whose time to ask passed while nothing ran.
    pub enum MissedRule {
        /// It is asked for as soon as something runs again, if the peak is not over.
        CatchUp = "catch-up",
        /// It is not asked for; a journal line and a metric say so.
        Report = "report",
    }
}

/// Key: `id`. Gateway requests that are made by the calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRow {
    /// Public id (UUID v7), given by the shell. The ids of its requests are made from it.
    pub id: String,
    /// Unique among those that are not removed.
    pub name: String,
    pub gateway: String,
    /// The whole capacity that the gateway is to have at each peak, in its unit.
    pub capacity: u32,
    /// Five fields: when the peaks begin, on the clocks of `zone`.
    pub cron: String,
    /// IANA's name of a time zone.
    pub zone: String,
    /// Dates in that zone, as `2027-01-04`, on which there is no peak.
    pub except: Vec<String>,
    /// Asked for so long before each peak.
    pub lead: Duration,
    /// Given back so long after each peak's beginning.
    pub release_after: Duration,
    pub missed: MissedRule,
    pub owner: String,
    pub reason: String,
    pub added_at: Time,
    /// Every peak up to then was dealt with, but for the one that waits.
    pub through: Time,
    /// The peak that is due, and that nothing could be asked for yet.
    pub waiting: Option<Time>,
    /// The last peak that was dealt with.
    pub last: Option<Time>,
    /// The request that was made for it; none if it was missed.
    pub request: Option<String>,
    /// Requests made, and peaks that passed without one.
    pub asked: u32,
    pub passed: u32,
    /// Why one waits, or why the last one has no request.
    pub note: Option<String>,
    pub removed_at: Option<Time>,
    pub removed_by: Option<String>,
}

impl ScheduleRow {
    /// When a peak is asked for.
    #[must_use]
    pub fn ask_at(&self, peak: Time) -> Time {
        peak.minus(self.lead)
    }

    /// When what was asked for a peak is given back.
    #[must_use]
    pub fn until(&self, peak: Time) -> Time {
        peak.plus(self.release_after)
    }

    /// The id of the request for a peak: a UUID v7 with the peak's time in the place of the time, and the rest of
    /// the schedule's own. So there can be no second one for the same peak, whoever asks how often.
    #[must_use]
    pub fn request_id(&self, peak: Time) -> String {
        const VERSION_AT: usize = 14;
        let ms = peak.0 & 0xffff_ffff_ffff;
        let rest = self.id.get(VERSION_AT..).unwrap_or(&self.id);
        format!("{:08x}-{:04x}-{rest}", ms >> 16, ms & 0xffff)
    }

    /// The last peak passed, and nothing was asked for it.
    #[must_use]
    pub fn missed_last(&self) -> bool {
        self.last.is_some() && self.request.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::schedule;
    use super::*;

    #[test]
    fn each_peak_of_each_schedule_has_one_id() {
        let january = schedule("january");
        assert_eq!(january.request_id(Time(0x0192_3456_789a)), "01923456-789a-7abc-8def-000000january");
        let other = ScheduleRow { id: "0176cb1e-4d00-7abc-8def-0123456789ab".into(), ..schedule("other") };
        let ids = [&january, &other].map(|s| [Time(1), Time(2)].map(|peak| s.request_id(peak)));
        let all: std::collections::BTreeSet<&String> = ids.iter().flatten().collect();
        assert_eq!(all.len(), 4);
        assert_eq!(other.request_id(Time(1)).len(), 36);
    }

    #[test]
    fn a_peak_has_a_time_before_and_one_after() {
        let row = schedule("january");
        let peak = Time(1_609_729_200_000);
        assert_eq!(row.ask_at(peak), Time(peak.0 - 7 * 86_400_000));
        assert_eq!(row.until(peak), Time(peak.0 + 86_400_000));
    }
}
