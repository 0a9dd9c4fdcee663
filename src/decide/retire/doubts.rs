//! What stands against taking anything out of service now. Asked before it is decided, and again before
//! each call that is known not to have gone through.

use std::time::Duration;

use crate::decide::Core;
use crate::decide::action::Doubt;
use crate::decide::asg::seen::Lifecycle;
use crate::decide::ledger::ScaleUp;
use crate::decide::signal::agree::{Agreement, FEWEST, agreement};
use crate::decide::words::{Origin, Phase, ScaleUpState, Time};

/// Beyond two beats and so much of a group's looks, what it looks like is not known.
const LATE: Duration = Duration::from_secs(10);

impl Core {
    /// What stands against removing anything in service of a group, whatever for.
    pub(in crate::decide) fn removal_doubts(&self, group: usize, now: Time) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if let Some(until) = self.frozen_until(group, now) {
            let text = format!("scale-in is frozen for {} s more", until.since(now).as_secs());
            doubts.push(Doubt { guard: "freeze", text });
        }
        if let Some(shut) = self.valves[group].shut() {
            let ago = now.since(shut.since).as_secs();
            let text = format!("the removal valve is shut for {ago} s: {}", shut.why);
            doubts.push(Doubt { guard: "valve", text });
        }
        doubts.extend(self.unseen(group, now));
        doubts
    }

    /// The group was not looked at lately.
    fn unseen(&self, group: usize, now: Time) -> Option<Doubt> {
        let every = self.ledger.groups[group].spec.asg.as_ref()?.sweep_every;
        let seen = self.asgs[group].seen.as_ref().map(|s| s.at);
        let text = match seen {
            Some(at) if now.since(at) <= every * 2 + LATE => return None,
            Some(at) => format!("its Auto Scaling group was last seen {} s ago", now.since(at).as_secs()),
            None => "its Auto Scaling group has not been seen yet".to_string(),
        };
        Some(Doubt { guard: "unseen", text })
    }

    /// What stands against a scale-in by so many more.
    pub(in crate::decide) fn scale_in_doubts(&self, group: usize, count: u32, now: Time) -> Vec<Doubt> {
        let mut doubts = self.removal_doubts(group, now);
        doubts.extend(self.signal_doubt(group, now));
        doubts.extend(self.growing(group));
        doubts.extend(self.below_floor(group, count));
        doubts
    }

    /// All signals have to say idle, and at least two.
    fn signal_doubt(&self, group: usize, now: Time) -> Option<Doubt> {
        let readings = self.readings(group, now);
        let agreement = agreement(&readings);
        if agreement == Agreement::Idle {
            return None;
        }
        let told: Vec<String> = readings.iter().map(|r| r.describe(now)).collect();
        let text = if readings.len() < FEWEST {
            format!("{} signals are configured, and {FEWEST} have to agree", readings.len())
        } else {
            format!("signals {agreement}: {}", told.join(", "))
        };
        Some(Doubt { guard: "signals", text })
    }

    /// The group is being made larger, by us or by somebody else.
    fn growing(&self, group: usize) -> Option<Doubt> {
        // What fills the reserve is not to serve.
        let grows = |s: &ScaleUp| s.row.state != ScaleUpState::Done && s.row.origin != Origin::Reserving;
        let open = self.ledger.scale_ups.values().filter(|s| s.group == group && grows(s));
        let coming: u32 = open
            .map(|s| s.row.wanted - s.phases.get(Phase::InService) - s.phases.get(Phase::Withdrawn))
            .sum();
        if coming > 0 {
            let text = format!("a scale-up is under way: {coming} are not in service yet");
            return Some(Doubt { guard: "scale_up", text });
        }
        let seen = self.asgs[group].seen.as_ref()?;
        let serving = seen.members.values().filter(|m| m.lifecycle == Lifecycle::InService).count();
        let serving = u32::try_from(serving).unwrap_or(u32::MAX);
        (seen.desired > serving).then(|| Doubt {
            guard: "scale_up",
            text: format!("its Auto Scaling group wants {} and has {serving} in service", seen.desired),
        })
    }

    fn below_floor(&self, group: usize, count: u32) -> Option<Doubt> {
        let g = &self.ledger.groups[group];
        let (serving, min) = match &self.asgs[group].seen {
            Some(seen) => (seen.desired, seen.min),
            None => (g.in_service, 0),
        };
        let floor = g.spec.floor.max(min);
        // Those that leave already are counted in the desired capacity no more, or in the books.
        (serving < floor.saturating_add(count)).then(|| Doubt {
            guard: "floor",
            text: format!("{count} fewer than {serving} would be below the floor of {floor}"),
        })
    }
}
