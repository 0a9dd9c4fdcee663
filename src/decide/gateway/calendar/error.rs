//! What is wrong with a schedule that somebody wants to add, and what is allowed.

use std::time::Duration;

use crate::decide::gateway::LONGEST;

/// Why a schedule is not taken. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("name '{0}' is not allowed: it must have 1 to 64 characters, letters, digits, '-' and '_'")]
    Name(String),
    #[error("cron: {0}")]
    Cron(String),
    #[error("zone: {0}")]
    Zone(String),
    #[error("except: {0}")]
    Except(String),
    #[error("there is no time at which '{cron}' comes in {zone} within 40 years, dates left out included")]
    Never { cron: String, zone: String },
    #[error("given back after {}: it must be at least {}", hours(*release_after), hours(*least))]
    Short { release_after: Duration, least: Duration },
    #[error(
        "asked for ahead and given back after, each takes {}: at most {} are allowed",
        hours(*length), hours(LONGEST)
    )]
    Long { length: Duration },
    #[error(
        "asked for {} ahead and given back after {}, each takes {}, but {first} and {second} are {} apart, and a \
         gateway has one request at a time: at most {} ahead",
        hours(*lead), hours(*release_after), hours(*lead + *release_after), hours(*apart),
        hours(apart.saturating_sub(*release_after))
    )]
    Overlap { lead: Duration, release_after: Duration, first: String, second: String, apart: Duration },
    #[error("there are {most} schedules, the most allowed: remove some first")]
    Full { most: usize },
}

impl CalendarError {
    /// The field of the request that is wrong.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            CalendarError::Name(_) | CalendarError::Full { .. } => "name",
            CalendarError::Cron(_) | CalendarError::Never { .. } => "cron",
            CalendarError::Zone(_) => "zone",
            CalendarError::Except(_) => "except",
            CalendarError::Short { .. } => "release_after",
            CalendarError::Long { .. } | CalendarError::Overlap { .. } => "lead",
        }
    }
}

/// A duration for people.
#[must_use]
pub fn hours(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, 0) => format!("{days} d"),
        (days, hours, 0) => format!("{days} d {hours} h"),
        (days, hours, minutes) => format!("{days} d {hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_days_hours_and_minutes() {
        for (minutes, text) in [
            (0, "0 min"),
            (59, "59 min"),
            (60, "1 h"),
            (61, "1 h 1 min"),
            (1_440, "1 d"),
            (1_500, "1 d 1 h"),
            (10_081, "7 d 0 h 1 min"),
        ] {
            assert_eq!(hours(Duration::from_secs(minutes * 60)), text);
        }
    }

    #[test]
    fn an_overlap_says_how_much_ahead_is_allowed() {
        let hour = Duration::from_secs(3_600);
        let error = CalendarError::Overlap {
            lead: 168 * hour,
            release_after: 12 * hour,
            first: "2021-01-04 04:00 UTC".into(),
            second: "2021-01-05 04:00 UTC".into(),
            apart: 24 * hour,
        };
        let text = error.to_string();
        assert!(text.contains("each takes 7 d 12 h") && text.ends_with("at most 12 h ahead"), "{text}");
    }
}
