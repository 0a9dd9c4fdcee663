//! What is known of the account, the Region and the network: numbers that AWS told, how old they are, and
//! how many of the instances that they count are ours.

use std::collections::BTreeMap;
use std::time::Duration;

use super::look::Subject;
use crate::decide::rows::FactRow;
use crate::decide::words::Time;

/// A fact that has not changed is written again after so long, so that a restart knows its age to about
/// that. Shorter: more rows. Longer: a picture that looks older than it is.
const WRITTEN_EVERY: Duration = Duration::from_secs(600);

/// One number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    pub value: i64,
    /// Of our instances those that AWS's number counts already: they are not to be counted twice.
    pub ours: u32,
    pub as_of: Time,
    pub seen_at: Time,
    /// AWS's default, since the account has no value of its own.
    pub is_default: bool,
}

/// Every number that is known.
#[derive(Debug, Default)]
pub struct Picture {
    facts: BTreeMap<Subject, Fact>,
    written: BTreeMap<Subject, Time>,
}

impl Picture {
    #[must_use]
    pub fn get(&self, subject: &Subject) -> Option<&Fact> {
        self.facts.get(subject)
    }

    /// Books a number; the row to write, if it says something new.
    #[must_use]
    pub fn see(&mut self, subject: &Subject, fact: Fact) -> Option<FactRow> {
        let old = self.facts.insert(subject.clone(), fact);
        let same = old.is_some_and(|old| (old.value, old.ours) == (fact.value, fact.ours));
        let lately = self.written.get(subject).is_some_and(|at| fact.seen_at.since(*at) < WRITTEN_EVERY);
        if same && lately {
            return None;
        }
        self.written.insert(subject.clone(), fact.seen_at);
        Some(row(subject, &fact))
    }

    /// A number as it was stored. One about something that this version does not know is left out.
    pub fn restore(&mut self, row: &FactRow) {
        let Ok(subject) = row.subject.parse::<Subject>() else { return };
        let fact = Fact {
            value: row.value,
            ours: row.ours,
            as_of: row.as_of,
            seen_at: row.seen_at,
            is_default: row.is_default,
        };
        self.written.insert(subject.clone(), row.seen_at);
        self.facts.insert(subject, fact);
    }
}

fn row(subject: &Subject, fact: &Fact) -> FactRow {
    FactRow {
        subject: subject.to_string(),
        value: fact.value,
        ours: fact.ours,
        as_of: fact.as_of,
        seen_at: fact.seen_at,
        is_default: fact.is_default,
    }
}

#[cfg(test)]
mod tests {
    use super::super::quota::Quota;
    use super::*;

    fn fact(value: i64, seen_s: i64) -> Fact {
        Fact { value, ours: 0, as_of: Time(0), seen_at: Time(seen_s * 1_000), is_default: false }
    }

    #[test]
    fn what_has_not_changed_is_written_now_and_then_and_what_has_at_once() {
        let mut picture = Picture::default();
        let subject = Subject::Quota(Quota::StandardVcpus);
        let mut written = |value, at| picture.see(&subject, fact(value, at)).is_some();
        assert!(written(5, 0));
        assert!(!written(5, 60));
        assert!(written(6, 120));
        assert!(!written(6, 719));
        assert!(written(6, 720));
    }

    #[test]
    fn a_restart_goes_on_with_what_was_seen() {
        let subject = Subject::Subnet("subnet-0a".into());
        let row = Picture::default().see(&subject, fact(251, 7)).unwrap();
        let mut next = Picture::default();
        next.restore(&row);
        next.restore(&FactRow { subject: "weather today".into(), ..row });
        assert_eq!(next.get(&subject), Some(&fact(251, 7)));
        assert_eq!(next.see(&subject, fact(251, 60)), None, "written already");
    }
}
