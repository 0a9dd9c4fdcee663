//! Deadlines as people write them: a point in time, or how long from now.

use std::time::Duration;

use super::types::Stamp;
use crate::decide::words::Time;

/// A deadline as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    At(Time),
    In(Duration),
}

/// Furthest ahead that a deadline may lie. Nobody means more; a typo in the year does.
const MOST_AHEAD: Duration = Duration::from_hours(366 * 24);

const ALLOWED: &str = "must be a time in RFC 3339 (2026-01-04T15:00:00Z) or a duration from now (90s, 15m, 1h30m), at most 366 days ahead";

impl By {
    /// Reads either form.
    pub fn parse(s: &str) -> Result<By, String> {
        let wrong = |what: &str| format!("{what}; {ALLOWED}");
        let s = s.trim();
        if let Ok(Stamp(t)) = s.parse() {
            return Ok(By::At(t));
        }
        let Ok(duration) = s.parse::<jiff::SignedDuration>() else {
            return Err(wrong(&format!("'{s}' is neither a time nor a duration")));
        };
        match Duration::try_from(duration) {
            Ok(d) if d.is_zero() => Err(wrong(&format!("'{s}' is no time at all"))),
            Ok(d) if d > MOST_AHEAD => Err(wrong(&format!("'{s}' is too far ahead"))),
            Ok(d) => Ok(By::In(d)),
            Err(_) => Err(wrong(&format!("'{s}' lies in the past"))),
        }
    }

    /// The point in time that is meant. Whether it has passed is the core's to say.
    pub fn at(self, now: Time) -> Result<Time, String> {
        match self {
            By::At(t) if t.since(now) > MOST_AHEAD => {
                Err(format!("'{}' is too far ahead; {ALLOWED}", Stamp(t)))
            }
            By::At(t) => Ok(t),
            By::In(d) => Ok(now.plus(d)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_609_772_400_000);

    fn at(s: &str) -> Result<Time, String> {
        By::parse(s)?.at(NOW)
    }

    #[test]
    fn both_forms_are_understood() {
        assert_eq!(at("15m"), Ok(NOW.plus(Duration::from_mins(15))));
        assert_eq!(at(" 1h30m "), Ok(NOW.plus(Duration::from_mins(90))));
        assert_eq!(at("90s"), Ok(NOW.plus(Duration::from_secs(90))));
        assert_eq!(at("2021-01-04T15:00:00Z"), Ok(NOW));
        assert_eq!(at("2021-01-04T16:00:00.5+01:00"), Ok(NOW.plus(Duration::from_millis(500))));
    }

    #[test]
    fn a_time_in_the_past_is_left_to_the_core() {
        assert_eq!(at("2020-12-31T00:00:00Z"), Ok(Time(1_609_372_800_000)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_told_what_can() {
        for bad in
            ["soon", "15", "15 parsecs", "0s", "-15m", "2021-01-04", "15:00", "9000h", "2031-01-01T00:00:00Z"]
        {
            let error = at(bad).unwrap_err();
            assert!(error.contains(ALLOWED), "{bad}: {error}");
        }
    }
}
