//! When the peaks of a schedule are: a cron line, read on the clocks of one time zone.
//!
//! croner finds the next time on the wall clock, jiff knows what the clocks of the zone do. A time that clocks
//! skip in spring is the moment at which they go on (02:30 becomes 03:00), and one that they show twice in autumn
//! is the first of the two, so that every line of the wall's calendar is one moment and none is two.
//!
//! The time zone database is compiled in: what a schedule means does not depend on the machine.

use std::collections::BTreeSet;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::CalendarError;
use crate::decide::words::Time;

/// Longest cron line, in characters: far more than one takes that people can read.
pub const MOST_CRON: usize = 120;
/// Most dates that may be left out: a year of them.
pub const MOST_EXCEPT: usize = 366;
/// Peaks that are compared when a schedule is added: of a daily one more than a year, both changes of the
/// clocks included. More: a slower answer.
const COMPARED: usize = 400;
/// Peaks later than this are not looked for: 29 February may be 8 years away, and on a weekday of one's choice 40.
const HORIZON: Duration = Duration::from_secs(41 * 366 * 86_400);

const FIELDS: [(&str, &str); 5] = [
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31, L, 15W"),
    ("month", "1-12 or JAN-DEC"),
    ("day of week", "0-7 or SUN-SAT, MON#1 for the first, FRI#L for the last"),
];

/// A cron line, a time zone, and the dates that are left out.
#[derive(Clone, Debug)]
pub struct Plan {
    cron: Cron,
    zone: TimeZone,
    except: BTreeSet<Date>,
}

impl Plan {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and what is allowed.
    pub fn read(cron: &str, zone: &str, except: &[String]) -> Result<Plan, CalendarError> {
        let cron = read_cron(cron)?;
        let zone = read_zone(zone)?;
        if except.len() > MOST_EXCEPT {
            return Err(CalendarError::Except(format!(
                "{} dates are left out; at most {MOST_EXCEPT} may be",
                except.len()
            )));
        }
        let except = except.iter().map(|date| read_date(date)).collect::<Result<_, _>>()?;
        Ok(Plan { cron, zone, except })
    }

    /// The zone as the IANA database writes it.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The first peak after this.
    #[must_use]
    pub fn next(&self, after: Time) -> Option<Time> {
        // Every time that the wall shows later is later or, where clocks change, the same or earlier: those are
        // passed by.
        let mut wall = self.wall(after)?;
        let end = after.plus(HORIZON);
        loop {
            wall = self.cron.find_next_occurrence(&wall, false).ok()?;
            let at = self.moment(wall)?;
            if at > end {
                return None;
            }
            if self.except.contains(&wall.date()) {
                wall = wall.date().at(23, 59, 59, 0);
            } else if at > after {
                return Some(at);
            }
        }
    }

    /// Peaks after this, the first ones.
    pub fn after(&self, after: Time) -> impl Iterator<Item = Time> + '_ {
        std::iter::successors(self.next(after), |at| self.next(*at))
    }

    /// The two neighbours that are closest together of those to come; none of a single one.
    #[must_use]
    pub fn closest(&self, now: Time) -> Option<(Time, Time)> {
        let peaks: Vec<Time> = self.after(now).take(COMPARED).collect();
        peaks.windows(2).map(|pair| (pair[0], pair[1])).min_by_key(|(a, b)| b.since(*a))
    }

    /// A time as the zone's clocks show it, to the minute.
    #[must_use]
    pub fn local(&self, at: Time) -> String {
        let wall = self.wall(at).map(|wall| wall.strftime("%Y-%m-%d %H:%M").to_string());
        format!("{} {}", wall.unwrap_or_default(), self.zone())
    }

    fn wall(&self, at: Time) -> Option<DateTime> {
        Some(self.zone.to_datetime(Timestamp::from_millisecond(at.0).ok()?))
    }

    fn moment(&self, wall: DateTime) -> Option<Time> {
        let ambiguous = self.zone.to_ambiguous_timestamp(wall);
        let at = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
            AmbiguousOffset::Gap { before, .. } => {
                // By the clock of before, it is as long after the change as it is into what is skipped.
                let past = before.to_timestamp(wall).ok()?;
                let past = past.checked_add(SignedDuration::from_secs(1)).ok()?;
                self.zone.preceding(past).next()?.timestamp()
            }
        };
        Some(Time(at.as_millisecond()))
    }
}

fn read_cron(line: &str) -> Result<Cron, CalendarError> {
    let wrong = |what: String| Err(CalendarError::Cron(what));
    let names = FIELDS.map(|(name, _)| name).join(", ");
    if line.chars().count() > MOST_CRON {
        return wrong(format!("it has {} characters; at most {MOST_CRON} are allowed", line.chars().count()));
    }
    let fields: Vec<&str> = line.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return wrong(format!("'{line}' has {} fields; it must have 5: {names}", fields.len()));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    // One field after the other, so that the wrong one is named.
    for (place, (field, (name, allowed))) in fields.iter().zip(FIELDS).enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[place] = field;
        if let Err(error) = parser.parse(&alone.join(" ")) {
            return wrong(format!(
                "the {name} '{field}' is not understood ({error}); allowed are {allowed}, *, lists (1,15), ranges \
                 (1-5) and steps (*/2)"
            ));
        }
    }
    parser.parse(&fields.join(" ")).or_else(|error| wrong(format!("'{line}': {error}")))
}

fn read_zone(name: &str) -> Result<TimeZone, CalendarError> {
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).map_err(|_| {
        let city = format!("/{}", name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase());
        let near = zones.available().find(|zone| zone.as_str().to_ascii_lowercase().ends_with(&city));
        let meant = near.map_or_else(String::new, |zone| format!("; did you mean '{zone}'?"));
        CalendarError::Zone(format!(
            "there is no time zone '{name}'; it must be one of the IANA database, such as Europe/Berlin or UTC{meant}"
        ))
    })
}

fn read_date(text: &str) -> Result<Date, CalendarError> {
    text.parse()
        .map_err(|_| CalendarError::Except(format!("'{text}' is not a date; it must be one like 2027-01-04")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(cron: &str, zone: &str, except: &[&str]) -> Plan {
        let except: Vec<String> = except.iter().map(ToString::to_string).collect();
        Plan::read(cron, zone, &except).unwrap()
    }

    fn at(text: &str) -> Time {
        Time(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn first(plan: &Plan, after: &str, count: usize) -> Vec<String> {
        let utc = |at: Time| Timestamp::from_millisecond(at.0).unwrap().to_string();
        plan.after(at(after)).take(count).map(utc).collect()
    }

    #[test]
    fn the_first_monday_of_january_is_another_date_each_year() {
        for line in ["0 4 * 1 MON#1", "0 4 * JAN 1#1", "0 4 1-7 1 +MON"] {
            let peaks = first(&plan(line, "Europe/Berlin", &[]), "2020-06-01T00:00:00Z", 3);
            assert_eq!(
                peaks,
                ["2021-01-04T03:00:00Z", "2022-01-03T03:00:00Z", "2023-01-02T03:00:00Z"],
                "{line}"
            );
        }
    }

    #[test]
    fn clocks_that_change_move_nothing_on_the_wall() {
        let daily = plan("30 2 * * *", "Europe/Berlin", &[]);
        // On 28 March 2021 clocks go from 02:00 to 03:00: there is no 02:30, and the hour goes on at 01:00 UTC.
        assert_eq!(
            first(&daily, "2021-03-26T12:00:00Z", 3),
            ["2021-03-27T01:30:00Z", "2021-03-28T01:00:00Z", "2021-03-29T00:30:00Z"]
        );
        // On 31 October they go from 03:00 to 02:00: the first 02:30 counts, and the second does not.
        let autumn = ["2021-10-30T00:30:00Z", "2021-10-31T00:30:00Z", "2021-11-01T01:30:00Z"];
        assert_eq!(first(&daily, "2021-10-29T12:00:00Z", 3), autumn);
        assert_eq!(first(&daily, "2021-10-31T01:10:00Z", 1), autumn[2..]);
        // Half hours: those that are skipped are all one moment.
        let often = plan("*/30 * * * *", "Europe/Berlin", &[]);
        assert_eq!(
            first(&often, "2021-03-28T00:00:00Z", 3),
            ["2021-03-28T00:30:00Z", "2021-03-28T01:00:00Z", "2021-03-28T01:30:00Z"]
        );
    }

    #[test]
    fn a_day_that_a_zone_left_out_is_one_moment() {
        // Samoa had no 30 December 2011.
        let daily = plan("0 4 * * *", "Pacific/Apia", &[]);
        assert_eq!(
            first(&daily, "2011-12-29T00:00:00Z", 3),
            ["2011-12-29T14:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T14:00:00Z"]
        );
    }

    #[test]
    fn a_year_ends_and_a_leap_day_comes() {
        let last = plan("59 23 L 12 *", "America/New_York", &[]);
        assert_eq!(first(&last, "2020-12-30T00:00:00Z", 2), ["2021-01-01T04:59:00Z", "2022-01-01T04:59:00Z"]);
        let friday = plan("0 0 * * FRI#L", "UTC", &[]);
        assert_eq!(
            first(&friday, "2020-12-01T00:00:00Z", 2),
            ["2020-12-25T00:00:00Z", "2021-01-29T00:00:00Z"]
        );
        let leap = plan("0 0 29 2 *", "UTC", &[]);
        assert_eq!(first(&leap, "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"]);
    }

    #[test]
    fn dates_that_are_left_out_are_those_of_the_zone() {
        let daily = plan("30 0 * * *", "Asia/Tokyo", &["2021-01-04", "2021-01-05"]);
        assert_eq!(
            first(&daily, "2021-01-02T15:00:00Z", 2),
            ["2021-01-02T15:30:00Z", "2021-01-05T15:30:00Z"]
        );
    }

    #[test]
    fn what_never_comes_is_known() {
        for (line, except) in [("0 4 31 2 *", &[][..]), ("0 4 31 4,6,9,11 *", &[])] {
            assert_eq!(plan(line, "Europe/Berlin", except).next(at("2021-01-01T00:00:00Z")), None, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_what_is_allowed() {
        let none: &[String] = &[];
        for (line, part) in [
            ("0 4 * 1", "has 4 fields; it must have 5: minute, hour"),
            ("0 0 4 * 1 1#1", "has 6 fields"),
            ("@yearly", "has 1 fields"),
            ("60 4 * * *", "the minute '60' is not understood"),
            ("0 24 * * *", "the hour '24'"),
            ("0 4 32 * *", "the day of month '32'"),
            ("0 4 * JANUARY *", "the month 'JANUARY'"),
            ("0 4 * * MON#6", "the day of week 'MON#6'"),
            ("0 4 * * \u{e9}", "the day of week '\u{e9}'"),
        ] {
            let error = Plan::read(line, "UTC", none).unwrap_err();
            assert_eq!(error.field(), "cron");
            assert!(error.to_string().contains(part), "{error} does not contain {part}");
        }
        let error = Plan::read("0 4 * * *", "Berlin", none).unwrap_err();
        assert!(error.to_string().contains("did you mean 'Europe/Berlin'?"), "{error}");
        for date in ["2021-02-29", "04.01.2021", ""] {
            let error = Plan::read("0 4 * * *", "UTC", &[date.to_string()]).unwrap_err();
            assert_eq!(error.field(), "except", "{error}");
        }
    }

    /// One field, its values counted one by one. 32 bits are enough: the minute is looked at by its tens.
    #[derive(Clone, Debug)]
    struct Field {
        text: String,
        values: Vec<i8>,
    }

    fn field(least: i8, most: i8) -> impl Strategy<Value = Field> {
        let all = Field { text: "*".into(), values: (least..=most).collect() };
        let listed = proptest::collection::vec(least..=most, 1..4).prop_map(|values| Field {
            text: values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            values,
        });
        let ranged = (least..=most, least..=most).prop_map(|(a, b)| Field {
            text: format!("{}-{}", a.min(b), a.max(b)),
            values: (a.min(b)..=a.max(b)).collect(),
        });
        let stepped = (2_i8..7).prop_map(move |step| Field {
            text: format!("*/{step}"),
            values: (least..=most).filter(|v| (v - least) % step == 0).collect(),
        });
        prop_oneof![1 => Just(all), 3 => listed, 1 => ranged, 1 => stepped]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Against a walk over every minute of some days, in which the clocks of the zone may change.
        #[test]
        fn it_is_what_a_walk_by_minutes_finds(
            minute in field(0, 59), hour in field(0, 23), month in field(1, 12), weekday in field(0, 6),
            zone in prop_oneof![
                Just("Europe/Berlin"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("UTC"),
            ],
            start in prop_oneof![
                Just("2021-03-26T00:00:00Z"), Just("2021-10-29T00:00:00Z"), Just("2020-12-30T00:00:00Z"),
                Just("2021-04-02T00:00:00Z"), Just("2021-11-05T00:00:00Z"), Just("2021-03-12T00:00:00Z"),
            ],
        ) {
            const DAYS: i64 = 4;
            let line = format!("{} {} * {} {}", minute.text, hour.text, month.text, weekday.text);
            let plan = plan(&line, zone, &[]);
            let (start, tz) = (at(start), TimeZoneDatabase::bundled().get(zone).unwrap());
            let end = Time(start.0 + DAYS * 86_400_000);
            let found: Vec<Time> = plan.after(start).take_while(|at| *at <= end).collect();

            let matches = |wall: DateTime| {
                let day = wall.weekday().to_sunday_zero_offset();
                minute.values.contains(&wall.minute()) && hour.values.contains(&wall.hour())
                    && month.values.contains(&wall.month()) && weekday.values.contains(&day)
            };
            let mut walked = Vec::new();
            let mut shown = tz.to_datetime(Timestamp::from_millisecond(start.0).unwrap());
            // The latest that the wall has shown so far: what it shows again is not new.
            for ms in (start.0..=end.0).step_by(60_000).skip(1) {
                let wall = tz.to_datetime(Timestamp::from_millisecond(ms).unwrap());
                let mut any = false;
                while shown < wall {
                    shown = shown.checked_add(SignedDuration::from_mins(1)).unwrap();
                    any |= matches(shown);
                }
                if any {
                    walked.push(Time(ms));
                }
            }
            prop_assert_eq!(found, walked, "{} in {}", line, zone);
        }

        #[test]
        fn no_line_of_text_breaks_it(line in "[0-9A-Z*,/#+LW? -]{0,24}") {
            if let Ok(plan) = Plan::read(&line, "Europe/Berlin", &[]) {
                let start = at("2021-01-01T00:00:00Z");
                prop_assert!(plan.next(start).is_none_or(|next| next > start));
            }
        }
    }
}
