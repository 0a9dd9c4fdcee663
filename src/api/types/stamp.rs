//! Points in time on the wire.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decide::words::Time;

/// A point in muster's own time: RFC 3339 in UTC with milliseconds, `2026-01-04T15:00:00.000Z`.
///
/// Muster's time runs as fast as the wall's unless `time.scale` says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-01-04T15:00:00.000Z"))]
pub struct Stamp(pub Time);

impl Stamp {
    /// `None` for [`Time::NEVER`], which has no calendar date.
    #[must_use]
    pub fn unless_never(t: Time) -> Option<Stamp> {
        (t != Time::NEVER).then_some(Stamp(t))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A clock set outside the years -9999 to 9999 is shown as the nearest time that has a name.
        let nearest = if self.0.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let at = jiff::Timestamp::from_millisecond(self.0.0).unwrap_or(nearest);
        write!(f, "{at:.3}")
    }
}

impl FromStr for Stamp {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let at: jiff::Timestamp = s
            .parse()
            .map_err(|_| format!("'{s}' is not a time in RFC 3339, for example 2026-01-04T15:00:00Z"))?;
        Ok(Stamp(Time(at.as_millisecond())))
    }
}

impl Serialize for Stamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_reads_back_to_the_millisecond() {
        let stamp = Stamp(Time(1_609_772_400_007));
        assert_eq!(stamp.to_string(), "2021-01-04T15:00:00.007Z");
        assert_eq!(stamp.to_string().parse(), Ok(stamp));
        assert!("yesterday".parse::<Stamp>().is_err_and(|e| e.contains("RFC 3339")));
    }

    #[test]
    fn a_time_without_a_calendar_date_does_not_break_the_answer() {
        assert_eq!(Stamp::unless_never(Time::NEVER), None);
        assert!(Stamp(Time(i64::MAX - 1)).to_string().starts_with("9999-12-"));
        assert!(Stamp(Time(i64::MIN)).to_string().starts_with("-009999-"));
    }
}
