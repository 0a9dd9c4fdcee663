//! Which messages were taken already.
//!
//! SNS delivers a message once or more, each time with one `MessageId`, and somebody who saw one may
//! send it again: a copy is acknowledged and has no effect. A message is entered once its effect is
//! committed, not when it is verified: SNS sends again what we could not commit, and that must come
//! through. Only what was verified is entered, so nobody but AWS can fill the list.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::decide::words::Time;

/// Ids kept by count and by age.
#[derive(Debug)]
pub(super) struct Replay {
    ids: HashSet<Arc<str>>,
    /// The same in the order in which they were entered.
    order: VecDeque<(Time, Arc<str>)>,
    most: usize,
    keep: Duration,
}

impl Replay {
    /// Keeps `most` ids (some 150 bytes each), for a duration after which the messages themselves are
    /// too old. With more in that time the oldest are forgotten: a copy of theirs comes through to
    /// the hook's own token, which is answered once.
    pub(super) fn new(most: usize, keep: Duration) -> Replay {
        Replay { ids: HashSet::new(), order: VecDeque::new(), most, keep }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    pub(super) fn enter(&mut self, id: &str, now: Time) {
        let id: Arc<str> = id.into();
        if !self.ids.insert(id.clone()) {
            return;
        }
        self.order.push_back((now, id));
        while self
            .order
            .front()
            .is_some_and(|(at, _)| self.order.len() > self.most || now.since(*at) > self.keep)
        {
            if let Some((_, id)) = self.order.pop_front() {
                self.ids.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn an_id_is_known_until_it_is_too_old() {
        let mut replay = Replay::new(10, HOUR);
        replay.enter("a", Time(0));
        replay.enter("a", Time(1));
        replay.enter("b", Time(3_600_000));
        assert!(replay.has("a") && replay.has("b") && !replay.has("c"));
        replay.enter("c", Time(3_600_001));
        assert!(!replay.has("a") && replay.has("b") && replay.has("c"));
    }

    #[test]
    fn the_limit_binds_and_the_oldest_goes() {
        let mut replay = Replay::new(3, HOUR);
        for i in 0..100 {
            replay.enter(&i.to_string(), Time(0));
            assert!(replay.ids.len() <= 3 && replay.ids.len() == replay.order.len());
        }
        assert!(replay.has("97") && replay.has("99") && !replay.has("96"));
    }
}
