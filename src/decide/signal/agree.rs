//! A group's signals put together: do they agree?

use std::time::Duration;

use super::series::{Says, Series};
use super::spec::{Signal, Tells};
use crate::decide::Core;
use crate::decide::words::{Time, named};

/// Fewest signals that can agree on anything.
pub const FEWEST: usize = 2;

named! {
    /// What a group's signals say together.
    pub enum Agreement {
        /// Fewer than two signals, or one of them is silent: nobody knows.
        Blind = "blind",
        /// One says idle and another busy, or one has just swung: something is wrong, and it is not
        /// known what.
        Disagree = "disagree",
        /// At least one says busy, and none says idle.
        Busy = "busy",
        Neither = "neither",
        /// All of them say idle.
        Idle = "idle",
    }
}

/// One signal as it is read now.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub name: String,
    pub tells: Tells,
    pub says: Says,
    pub value: Option<f64>,
    /// When its newest sample was taken.
    pub at: Option<Time>,
    /// The configured marks.
    pub idle: f64,
    pub busy: f64,
}

impl Reading {
    fn of(signal: &Signal, series: &Series, now: Time) -> Reading {
        let newest = series.newest();
        Reading {
            name: signal.name.clone(),
            tells: signal.tells,
            says: series.says(signal, now),
            value: newest.map(|(_, value)| value),
            at: newest.map(|(at, _)| at),
            idle: signal.idle,
            busy: signal.busy,
        }
    }

    /// In words, with its value and age.
    #[must_use]
    pub fn describe(&self, now: Time) -> String {
        let newest = match (self.value, self.at) {
            (Some(value), Some(at)) => format!("{value}, {} s old", now.since(at).as_secs()),
            _ => "no sample".to_string(),
        };
        format!("{} says {}: {newest} (idle at {}, busy at {})", self.name, self.says, self.idle, self.busy)
    }
}

/// What readings say together.
#[must_use]
pub fn agreement(readings: &[Reading]) -> Agreement {
    let any = |says| readings.iter().any(|r| r.says == says);
    if readings.len() < FEWEST || any(Says::Stale) {
        Agreement::Blind
    } else if any(Says::Sudden) || any(Says::Idle) && any(Says::Busy) {
        Agreement::Disagree
    } else if any(Says::Busy) {
        Agreement::Busy
    } else if readings.iter().all(|r| r.says == Says::Idle) {
        Agreement::Idle
    } else {
        Agreement::Neither
    }
}

impl Core {
    /// Every signal of a group, as it is read now.
    pub(in crate::decide) fn readings(&self, group: usize, now: Time) -> Vec<Reading> {
        let signals = &self.ledger.groups[group].spec.signals;
        signals.iter().zip(&self.signals[group]).map(|(s, series)| Reading::of(s, series, now)).collect()
    }

    /// Journals what signals say together where that has changed: for those who read, so once a second is
    /// enough. Whoever acts on it looks for itself.
    pub(in crate::decide) fn note_agreements(&mut self, now: Time) {
        if now.since(self.agreed_at) < Duration::from_secs(1) {
            return;
        }
        self.agreed_at = now;
        for group in 0..self.agreements.len() {
            self.note_agreement(group, now);
        }
    }

    fn note_agreement(&mut self, group: usize, now: Time) {
        let readings = self.readings(group, now);
        let agreement = agreement(&readings);
        if readings.is_empty() || self.agreements[group] == Some(agreement) {
            return;
        }
        self.agreements[group] = Some(agreement);
        let told: Vec<String> = readings.iter().map(|r| r.describe(now)).collect();
        let name = &self.ledger.groups[group].spec.name;
        let text = format!("group {name}: signals {agreement}: {}", told.join("; "));
        self.ledger.journal(now, None, None, "signals", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(says: &[Says]) -> Vec<Reading> {
        let one = |says: &Says| Reading {
            name: "x".into(),
            tells: Tells::Other,
            says: *says,
            value: Some(1.0),
            at: Some(Time(0)),
            idle: 1.0,
            busy: 2.0,
        };
        says.iter().map(one).collect()
    }

    #[test]
    fn one_that_differs_or_is_silent_is_enough() {
        use Says::*;
        for (says, expected) in [
            (&[][..], Agreement::Blind),
            (&[Idle], Agreement::Blind),
            (&[Idle, Idle], Agreement::Idle),
            (&[Idle, Idle, Stale], Agreement::Blind),
            (&[Idle, Idle, Busy], Agreement::Disagree),
            (&[Idle, Sudden], Agreement::Disagree),
            (&[Busy, Sudden], Agreement::Disagree),
            (&[Busy, Neither], Agreement::Busy),
            (&[Idle, Neither], Agreement::Neither),
            (&[Idle, Young], Agreement::Neither),
        ] {
            assert_eq!(agreement(&readings(says)), expected, "{says:?}");
        }
    }

    #[test]
    fn a_reading_tells_its_value_age_and_marks() {
        let now = Time(45_000);
        assert_eq!(
            readings(&[Says::Idle])[0].describe(now),
            "x says idle: 1, 45 s old (idle at 1, busy at 2)"
        );
        let none = Reading { value: None, at: None, ..readings(&[Says::Stale])[0].clone() };
        assert_eq!(none.describe(now), "x says stale: no sample (idle at 1, busy at 2)");
    }
}
