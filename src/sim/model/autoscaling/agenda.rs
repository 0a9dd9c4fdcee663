//! What will happen by itself, in order of its time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Something that is due. Whoever acts on it looks first whether it still holds: nothing is ever
/// taken off the agenda.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The group compares what it has with what it should have.
    Scale(Arc<str>),
    /// The group looks at its instances' health.
    Look(Arc<str>),
    /// A member's state ends.
    Step(Arc<str>, u32),
    /// The group notices that a member's instance has ended.
    Ended(Arc<str>, u32),
    /// The heartbeat of the lifecycle action with this number may have run out.
    Heartbeat(usize),
}

#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// By time; what is due at one time goes in the order in which it was planned.
    queue: BinaryHeap<Reverse<(i64, u64, Event)>>,
    planned: u64,
}

impl Agenda {
    pub(super) fn plan(&mut self, at_ms: i64, event: Event) {
        self.queue.push(Reverse((at_ms, self.planned, event)));
        self.planned += 1;
    }

    /// When the next thing is due.
    pub(super) fn due(&self) -> Option<i64> {
        self.queue.peek().map(|Reverse((at, _, _))| *at)
    }

    /// The next thing, if it is due by then.
    pub(super) fn next(&mut self, now_ms: i64) -> Option<(i64, Event)> {
        if self.due()? > now_ms {
            return None;
        }
        self.queue.pop().map(|Reverse((at, _, event))| (at, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_order_of_time_then_of_planning() {
        let mut agenda = Agenda::default();
        for (at, n) in [(5, 1), (3, 2), (5, 0), (9, 4)] {
            agenda.plan(at, Event::Heartbeat(n));
        }
        assert_eq!(agenda.due(), Some(3));
        let all: Vec<_> = std::iter::from_fn(|| agenda.next(5)).collect();
        assert_eq!(all, [(3, Event::Heartbeat(2)), (5, Event::Heartbeat(1)), (5, Event::Heartbeat(0))]);
        assert_eq!(agenda.due(), Some(9));
    }
}
