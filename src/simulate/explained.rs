//! The judge of what people are told: whoever waits can be told for what, and until a time that is not over.

use std::time::Duration;

use crate::decide::Core;
use crate::decide::view::Progress;
use crate::decide::words::{Phase, ScaleUpState, Time};

use super::host::Brain;

/// Simulated time from one look to the next: all that is shown is worked out for it, which takes longer than to decide.
pub const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Phases whose time is not a promise: an instance is given up only when somebody has been to look, and that call may be
/// late.
const JUDGED_BY_A_LOOK: [Phase; 3] = [Phase::Booting, Phase::Configuring, Phase::Verifying];

impl Brain {
    /// What could not be explained to somebody who asks now, right after a decision.
    #[must_use]
    pub fn unexplained(&self, now: Time) -> Vec<String> {
        match self {
            Brain::Muster(core) => unexplained(core, now),
            Brain::Naive(_) => Vec::new(),
        }
    }
}

fn unexplained(core: &Core, now: Time) -> Vec<String> {
    let open = core.view(now).scale_ups.into_iter().filter(|p| p.state != ScaleUpState::Done);
    open.flat_map(|p| silent(&p).into_iter().chain(over(&p, now))).collect()
}

/// Slots that wait, and nothing says what for.
fn silent(progress: &Progress) -> Vec<String> {
    let told = |phase: Phase| progress.waits.iter().any(|w| w.wait.phases().contains(&phase));
    let silent = |phase: &Phase| match phase {
        // One whose launch is out waits for nothing of ours.
        Phase::Launching
        | Phase::InService
        | Phase::Reserved
        | Phase::Quarantined
        | Phase::Gone
        | Phase::Withdrawn => false,
        Phase::Queued
        | Phase::Booting
        | Phase::Configuring
        | Phase::Verifying
        | Phase::Admitting
        | Phase::Broken
        | Phase::Terminating => progress.phases.get(*phase) > 0 && !told(*phase),
    };
    let text = |phase: Phase| {
        let n = progress.phases.get(phase);
        format!("{n} of scale-up {} are {phase}, and nothing says what they wait for", progress.id)
    };
    Phase::ALL.iter().copied().filter(silent).map(text).collect()
}

/// What waits until a time that is over.
fn over(progress: &Progress, now: Time) -> Vec<String> {
    let is_over = |until: Time| until < now;
    let judged = |phases: &[Phase]| phases.iter().any(|p| JUDGED_BY_A_LOOK.contains(p));
    progress
        .waits
        .iter()
        .filter(|w| !judged(w.wait.phases()) && w.wait.until().is_some_and(is_over))
        .map(|w| {
            let ago = w.wait.until().map_or(0, |until| now.since(until).as_millis());
            format!("scale-up {}: {} ({ago} ms ago)", progress.id, w.wait.describe(now))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decide::Settings;
    use crate::decide::event::{Ask, Event, Ticket};
    use crate::decide::group::Canary;
    use crate::decide::view::Waiting;
    use crate::decide::wait::Wait;
    use crate::simulate::drill;
    use crate::simulate::plan::START;

    /// A scale-up of 30 in an unproven version: ten are launched, and twenty queued behind that canary.
    fn waiting() -> Progress {
        let (_, mut plan) = (drill::find("D1").unwrap().plans)(1).remove(0);
        let mut spec = plan.groups.remove(0);
        spec.canary = Canary { size: 10 };
        let ask = Ask {
            id: "a".into(),
            group: spec.name.clone(),
            count: 30,
            by: None,
            reason: String::new(),
            idempotency_key: None,
            all_or_nothing: false,
            emergency: false,
        };
        let mut core = Core::new(Settings::default(), vec![Arc::new(spec)]);
        core.decide(START, 7, vec![Event::ScaleUpAsked { ask, ticket: Ticket(1) }]);
        assert_eq!(unexplained(&core, START), [""; 0]);
        core.view(START).scale_ups.remove(0)
    }

    #[test]
    fn slots_that_are_queued_without_a_reason_are_found() {
        let mut progress = waiting();
        assert_eq!(silent(&progress), [""; 0]);
        progress.waits.clear();
        assert_eq!(silent(&progress), ["20 of scale-up a are queued, and nothing says what they wait for"]);
        // A reason that can only hold another phase explains nothing.
        let wait = Wait::Terminating;
        progress.waits = vec![Waiting { count: 20, wait }];
        assert_eq!(silent(&progress).len(), 1);
    }

    #[test]
    fn a_time_that_is_over_explains_nothing() {
        let mut progress = waiting();
        let until = START.plus(Duration::from_secs(5));
        progress.waits =
            vec![Waiting { count: 20, wait: Wait::Quota { code: "VcpuLimitExceeded".into(), until } }];
        assert_eq!(over(&progress, until), [""; 0]);
        let later = until.plus(Duration::from_secs(2));
        let told = "scale-up a: account limit VcpuLimitExceeded: next try in 0 s (2000 ms ago)";
        assert_eq!(over(&progress, later), [told]);
    }
}
