//! How long it will take, how long at least, and what would hold it up.

use std::time::Duration;

use super::limits::Asked;
use crate::decide::Core;
use crate::decide::ages::Ages;
use crate::decide::launches::MOST_IN_GROUP;
use crate::decide::pace;
use crate::decide::progress::WORKED_OUT;
use crate::decide::tail::Rest;
use crate::decide::words::Time;

/// What can be said of the time that a request takes.
#[derive(Debug)]
pub struct Estimate {
    pub eta: Option<Time>,
    pub bound: Duration,
    pub basis: String,
}

impl Core {
    /// The time that so many more of a group take, behind what is queued already.
    pub(super) fn estimate(&self, asked: Asked) -> Estimate {
        let Asked { group, count, now } = asked;
        let pace = &self.paces[group];
        let course = pace.course(&Ages::default(), 0, 0, now);
        let queued = self.ledger.groups[group].queued.saturating_add(count);
        let last_launch = self.launched_by(group, queued, now);
        let at_once = self.at_once(group, now).min(queued);
        let rough = self.ledger.scale_ups.len() >= WORKED_OUT;
        let mut eta = last_launch.map(|last| {
            if rough {
                return last.plus(pace::roughly(count));
            }
            let mut rest = Rest::new(course);
            rest.to_come(at_once.into(), 0.0);
            rest.spread((queued - at_once).into(), 0.0, last.since(now).as_secs_f64());
            now.plus(Duration::from_secs_f64(rest.finish()))
        });
        let quickest = pace.quickest().unwrap_or_default();
        let (alone, launching) = if self.asgs[group].name.is_some() {
            let calls = queued.div_ceil(MOST_IN_GROUP);
            let answers = if self.asgs[group].asks_to_be_answered() { count } else { 0 };
            let open = self.hooks_open_in_all();
            eta = eta.map(|eta| eta.max(self.auto_passed(now, open.saturating_add(answers))));
            let text = format!(
                "{calls} calls of up to {MOST_IN_GROUP} launch {queued}, and each is answered once, at about {:.0} calls/s \
                 of Auto Scaling's",
                self.auto.yields()
            );
            (self.auto_passed(now, answers.max(count.div_ceil(MOST_IN_GROUP))), text)
        } else {
            let Some(bucket) = self.run.instances() else {
                return Estimate { eta: None, bound: Duration::ZERO, basis: String::new() };
            };
            let text = format!(
                "RunInstances has {} instance tokens and gets {}/s: the last of {queued} goes out in {} s",
                bucket.have(now),
                bucket.rate().refill,
                last_launch.map_or(0, |at| at.since(now).as_secs())
            );
            (bucket.passed_at(now, count), text)
        };
        let measured = match pace.quickest() {
            Some(_) => "as the last ones did",
            None => "as is usual, since too few were measured yet",
        };
        let breaks = match course.broken * 100.0 {
            few if few < 1.0 => "fewer than one in a hundred break".to_string(),
            many => format!(
                "{many:.0} in a hundred break and are launched again after {:.0} s",
                course.given_up.median + course.replaced_in
            ),
        };
        let basis = format!(
            "{launching}; from launch into service one takes {:.0} s, and the slowest of {queued} {:.0} s; {breaks}; {measured}",
            course.good.median,
            course.good.slowest(queued),
        );
        let eta = eta.filter(|_| !self.gates_hold(group, queued, now));
        Estimate { eta, bound: alone.since(now) + quickest, basis }
    }

    /// What is in the way for a while and forbids nothing.
    pub(super) fn holdups(&self, asked: Asked) -> Vec<String> {
        let Asked { group, count, now } = asked;
        let plan = &self.launches.plans[group];
        let mut notes = Vec::new();
        for (pool, until) in plan.pools.resting(now) {
            let Some(pool) = self.ledger.groups[group].spec.launch.pools.get(pool) else { continue };
            notes.push(format!(
                "{} in {} had no capacity or no room lately: tried again in {} s",
                pool.subnet,
                pool.zone,
                until.since(now).as_secs()
            ));
        }
        if plan.guard.is_open(now) {
            notes.push(
                "the launch breaker is open: nothing is launched until a trial instance is in service".into(),
            );
        }
        notes.extend(self.heartbeats_short(group, count));
        notes.extend(self.gates_short(group, count, now));
        notes
    }

    /// Whoever waits at a lifecycle hook needs a heartbeat for each of its timeouts.
    fn heartbeats_short(&self, group: usize, count: u32) -> Option<String> {
        let asg = &self.asgs[group];
        if !asg.asks_to_be_answered() {
            return None;
        }
        let timeout = asg.shortest_heartbeat();
        // Half of what gets through: the rest launches, looks and lets in.
        let most = self.auto.yields() / 2.0;
        let wanted = f64::from(count) / timeout.as_secs_f64().max(1.0);
        (wanted > most).then(|| {
            format!(
                "the group's lifecycle hooks wait {} s, so that {count} instances need up to {wanted:.0} heartbeats/s, of \
                 which about {most:.0}/s get through: raise HeartbeatTimeout to {:.0} s or more",
                timeout.as_secs(),
                (f64::from(count) / most.max(0.1)).ceil()
            )
        })
    }
}
