//! Durations as people write them: `90s`, `5m`, `1h30m`, `250ms`.

use std::time::Duration;

/// What [`parse`] takes, for messages.
pub const ALLOWED: &str = "a duration such as \"90s\", \"5m\", \"1h30m\" or \"250ms\"";

/// Units and their milliseconds, in the order in which they may follow each other.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Whole numbers, each with its unit, the larger unit first and each at most once. `None` for
/// anything else, and for what does not fit 64 bits of milliseconds.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let (_, ms) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*ms)?)?;
        if tail.is_empty() {
            return Some(Duration::from_millis(total));
        }
        rest = tail;
    }
}

/// The shortest text that [`parse`] reads back as this, to the millisecond.
#[must_use]
pub fn show(d: Duration) -> String {
    let mut left = u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, ms) in UNITS {
        if left >= ms {
            text.push_str(&(left / ms).to_string());
            text.push_str(name);
            left %= ms;
        }
    }
    if text.is_empty() { "0s".to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        let ms = |text| parse(text).map(|d| d.as_millis());
        assert_eq!(ms("90s"), Some(90_000));
        assert_eq!(ms("5m"), Some(300_000));
        assert_eq!(ms("1h30m"), Some(5_400_000));
        assert_eq!(ms("250ms"), Some(250));
        assert_eq!(ms("1h2m3s4ms"), Some(3_723_004));
        assert_eq!(ms("0s"), Some(0));
    }

    #[test]
    fn refuses_what_could_be_misread() {
        for text in
            ["", "90", "s", "1.5s", "-1s", "30m1h", "1s1s", "1d", "5 m", "5M", "1s ", "20000000000000000000s"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(ms in 0u64..=1_000_000_000_000) {
            let d = Duration::from_millis(ms);
            prop_assert_eq!(parse(&show(d)), Some(d));
        }
    }
}
