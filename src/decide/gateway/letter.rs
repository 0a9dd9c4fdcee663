//! Text for people who scale what AWS has no call for: ready to be sent as it is.

use super::words::GatewayRow;
use crate::decide::words::Time;

/// Columns of a line of a mail (RFC 5322, 2.1.1 says 78 at most).
const COLUMNS: usize = 76;

/// Asks whoever can do it, with everything that they need.
#[must_use]
pub fn letter(row: &GatewayRow) -> String {
    let by = row.needed_by.map_or("as soon as you can".to_string(), |by| format!("by {}", utc(by)));
    format!(
        "Please have the {} {} ({}) ready for {} {} {by}, until {}. Asked by {}{}. When it is, say so: muster gateway \
         confirm {} --capacity N --as NAME, with what it can carry ({} or less; 0 if it cannot be done).",
        words(row),
        row.gateway,
        row.resource,
        row.wanted,
        row.unit,
        utc(row.until),
        row.owner,
        if row.reason.is_empty() { String::new() } else { format!(": {}", row.reason) },
        row.id,
        row.wanted,
    )
}

/// The same as a mail without addresses (RFC 5322): headers, an empty line, the text in lines of at most 76 characters. Whoever
/// sends it says from whom and to whom, and their mail server when: each time that it is sent is a message of its own.
#[must_use]
pub fn mail(row: &GatewayRow) -> String {
    let by = row.needed_by.map(|by| format!(" by {}", utc(by))).unwrap_or_default();
    // A unit may be of any script, and a header only of ASCII: then it is in the text alone.
    let unit = if row.unit.is_ascii() { format!(" {}", row.unit) } else { String::new() };
    let subject = format!("muster: {} to {}{unit}{by} ({})", row.gateway, row.wanted, row.id);
    format!(
        "Subject: {subject}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{}\n",
        wrapped(&letter(row))
    )
}

/// In lines of whole words; a word that is longer than a line has one of its own.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let length = |text: &str| text.chars().count();
        match lines.last_mut().filter(|line| length(line) + 1 + length(word) <= COLUMNS) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_string()),
        }
    }
    lines.join("\n")
}

fn words(row: &GatewayRow) -> String {
    row.kind.as_str().replace('-', " ")
}

/// A time as people write it, to the minute.
#[must_use]
pub fn utc(at: Time) -> String {
    const DAY_MS: i64 = 86_400_000;
    let (days, ms) = (at.0.div_euclid(DAY_MS), at.0.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", ms / 3_600_000, ms / 60_000 % 60)
}

/// The Gregorian date of a day counted from 1970-01-01. Years begin in March here, so that the leap day is
/// the last of its year; an era is 400 of them, 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march_0 = days.saturating_add(719_468);
    let (era, of_era) = (from_march_0.div_euclid(146_097), from_march_0.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::super::testing::row;
    use super::super::words::GatewayKind;
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (1_609_772_400_000, "2021-01-04 15:00 UTC"),
            (951_827_640_000, "2000-02-29 12:34 UTC"),
            (4_107_542_399_999, "2100-02-28 23:59 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
        ] {
            assert_eq!(utc(Time(ms)), text);
        }
    }

    #[test]
    fn it_says_what_how_much_by_when_why_and_how_to_answer() {
        let asked = GatewayRow {
            kind: GatewayKind::TransitGateway,
            resource: "tgw-1".into(),
            unit: "Gbit/s".into(),
            needed_by: Some(Time(1_609_772_400_000)),
            reason: "the first working day".into(),
            ..row(200)
        };
        let text = letter(&asked);
        for said in
            ["transit gateway", "(tgw-1)", "200 Gbit/s", "by 2021-01-04 15:00 UTC", "the first working day"]
        {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(text.contains("muster gateway confirm request-1 --capacity N"), "{text}");
    }

    /// Headers by name, and the text's lines.
    fn parts(mail: &str) -> (Vec<(&str, &str)>, Vec<&str>) {
        let (head, text) = mail.split_once("\n\n").unwrap();
        (head.lines().map(|line| line.split_once(": ").unwrap()).collect(), text.lines().collect())
    }

    #[test]
    fn a_mail_has_a_subject_and_the_whole_letter_in_short_lines() {
        let asked = GatewayRow {
            kind: GatewayKind::TransitGateway,
            unit: "Gbit/s".into(),
            needed_by: Some(Time(1_609_772_400_000)),
            ..row(200)
        };
        let mail = mail(&asked);
        let (headers, lines) = parts(&mail);
        assert_eq!(headers[0], ("Subject", "muster: lb to 200 Gbit/s by 2021-01-04 15:00 UTC (request-1)"));
        assert!(headers.contains(&("Content-Type", "text/plain; charset=utf-8")), "{headers:?}");
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= COLUMNS), "{lines:?}");
        assert_eq!(lines.join(" "), letter(&asked), "nothing is lost");
    }

    #[test]
    fn what_somebody_wrote_cannot_become_a_header() {
        let asked = GatewayRow {
            unit: "Größe".into(),
            reason: format!("x\r\n\r\nBcc: all@example.com {}", "y".repeat(100)),
            ..row(200)
        };
        let mail = mail(&asked);
        let (headers, lines) = parts(&mail);
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]);
        assert!(headers.iter().all(|(_, value)| value.is_ascii()), "{headers:?}");
        assert!(lines.iter().all(|line| !line.is_empty() && !line.starts_with("Bcc")), "{lines:?}");
        assert!(lines.contains(&format!("{}.", "y".repeat(100)).as_str()), "a long word is whole: {lines:?}");
    }
}
