//! What is due when. Entries are never removed: an entry that has been overtaken finds, when it is
//! due, that its instance is elsewhere, and does nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::words::{HookSeq, InstanceRef, ScaleUpSeq, Time};

/// What to look at when the time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The phase may have taken too long.
    Watchdog(InstanceRef),
    /// The next contact with the instance.
    Contact(InstanceRef),
    /// The scale-up's deadline.
    Deadline(ScaleUpSeq),
    /// All deadlines: can they still be met?
    Promises,
    /// The lifecycle action's own end is near.
    HookEnd(HookSeq),
}

#[derive(Debug, Default)]
pub struct Timers(BinaryHeap<Reverse<(Time, Due)>>);

impl Timers {
    pub fn set(&mut self, at: Time, due: Due) {
        self.0.push(Reverse((at, due)));
    }

    /// The next thing that is due, if it is due.
    pub fn pop(&mut self, now: Time) -> Option<Due> {
        if self.0.peek()?.0.0 > now {
            return None;
        }
        self.0.pop().map(|Reverse((_, due))| due)
    }

    /// When the next thing is due.
    #[must_use]
    pub fn next(&self) -> Time {
        self.0.peek().map_or(Time::NEVER, |Reverse((at, _))| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_due_early_and_everything_in_order() {
        let mut t = Timers::default();
        t.set(Time(20), Due::Deadline(ScaleUpSeq(2)));
        t.set(Time(10), Due::Deadline(ScaleUpSeq(1)));
        assert_eq!(t.pop(Time(9)), None);
        assert_eq!(t.next(), Time(10));
        assert_eq!(t.pop(Time(30)), Some(Due::Deadline(ScaleUpSeq(1))));
        assert_eq!(t.pop(Time(30)), Some(Due::Deadline(ScaleUpSeq(2))));
        assert_eq!(t.next(), Time::NEVER);
    }
}
