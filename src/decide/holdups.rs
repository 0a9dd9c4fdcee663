//! What launches wait for, and until when planning them again is of no use.

use super::Core;
use super::budget::api::ApiBudget;
use super::launches::{Launch, Launches};
use super::ledger::Ledger;
use super::wait::Wait;
use super::words::Time;

/// Throttles in a row after which a launch goes before anything new. Fewer: half of all calls throttled, and every
/// eighth launch holds up the others. More: small ones take longer what a large one waits for.
const GOES_FIRST: u32 = 4;

impl Launch {
    /// What it waits for; `None` while a call is out.
    #[must_use]
    pub fn wait(&self) -> Option<Wait> {
        if self.in_flight {
            return None;
        }
        if let Some(wait) = &self.held_up {
            return Some(wait.clone());
        }
        let (sends, until) = (self.row.sends, self.row.not_before);
        let code =
            self.row.error.as_deref().and_then(|e| e.split(':').next()).unwrap_or("nothing yet").to_string();
        Some(if self.keeps_failing() {
            Wait::KeepFailing { code, sends, until }
        } else {
            Wait::Resend { code, sends, until }
        })
    }
}

impl Launches {
    /// When planning launches is worth another try.
    #[must_use]
    pub fn wake(&self, now: Time, ledger: &Ledger, run: &ApiBudget, auto: &ApiBudget) -> Time {
        let own = |group: usize| ledger.groups[group].spec.asg.is_some();
        let of = |grouped: bool| {
            let next = self.next(now, ledger, |group| own(group) == grouped);
            let api = if grouped { auto } else { run };
            if next == Time::NEVER { next } else { next.max(api.next_chance(now)) }
        };
        of(false).min(of(true))
    }

    fn next(&self, now: Time, ledger: &Ledger, of: impl Fn(usize) -> bool) -> Time {
        let open = self.open.values().filter(|l| !l.in_flight && of(l.group));
        let resend = open.map(|l| l.row.not_before.max(now)).min();
        let groups = ledger.groups.iter().zip(&self.plans).enumerate();
        let queued =
            groups.filter(|(i, (g, _))| g.queued > 0 && of(*i)).filter_map(|(_, (_, p))| match &p.wait {
                Some(
                    Wait::InstanceTokens { ready_at: t, .. }
                    | Wait::RequestTokens { ready_at: t, .. }
                    | Wait::ApiBackoff { until: t, .. }
                    | Wait::Refused { until: t, .. }
                    | Wait::BreakerOpen { until: t, .. }
                    | Wait::Capacity { until: t, .. }
                    | Wait::ZoneWeights { until: t, .. }
                    | Wait::Quota { until: t, .. },
                ) => Some(*t),
                // The rest ends with an answer or an outcome, not with time.
                Some(
                    Wait::CallsInFlight { .. }
                    // The launch that it follows wakes us itself.
                    | Wait::Behind { .. }
                    | Wait::Resend { .. }
                    | Wait::KeepFailing { .. }
                    | Wait::Canary { .. }
                    | Wait::BreakerTrial { .. }
                    | Wait::GroupMax { .. }
                    | Wait::Booting { .. }
                    | Wait::Configuring { .. }
                    | Wait::Verifying { .. }
                    | Wait::Admitting { .. }
                    | Wait::Contacts { .. }
                    | Wait::Unseen { .. }
                    | Wait::Raising { .. }
                    | Wait::NoLaunchHook
                    | Wait::Terminating
                    | Wait::Held { .. }
                    | Wait::Frozen { .. },
                )
                | None => None,
            });
        resend.into_iter().chain(queued).min().unwrap_or(Time::NEVER)
    }
}

impl Core {
    /// While smaller launches get through, what AWS's bucket lacks for a large one is spent as it comes in, and no
    /// throttle tells that we believe too much of that bucket.
    pub(super) fn comes_after(&self) -> Result<(), Wait> {
        let first = self.launches.open.values().find(|l| l.throttles >= GOES_FIRST && l.body.asg.is_none());
        first.map_or(Ok(()), |first| Err(Wait::Behind { throttles: first.throttles, count: first.row.count }))
    }
}
