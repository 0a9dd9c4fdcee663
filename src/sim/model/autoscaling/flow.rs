//! How a member goes from state to state (aws-facts 3.2).

use super::agenda::Event;
use super::books::Now;
use super::error::ApiError;
use super::group::Group;
use super::hook::{Ending, HookAction};
use super::member::{Leaves, Way};
use super::notify::{self, Result as Told};
use super::warm::WarmPool;
use super::words::{ActivityStatus, HookResult, LifecycleState as State, Stage, Transition};

impl Group {
    /// A member's state may be over.
    pub(super) fn step(&mut self, ordinal: u32, now: &mut Now<'_>) {
        let Some(member) = self.members.get(&ordinal) else { return };
        if member.until_ms.is_none_or(|until| until > now.ms) {
            return;
        }
        match member.state {
            State::Pending => match member.way {
                Way::Launched => self.launched(ordinal, State::PendingWait, now),
                Way::FromWarmPool => self.arrived(ordinal, State::PendingWait, now),
                Way::Attached | Way::Returned => self.serve(ordinal, now),
            },
            State::WarmedPending => match member.way {
                Way::Launched => self.launched(ordinal, State::WarmedPendingWait, now),
                Way::FromWarmPool | Way::Attached | Way::Returned => self.rest(ordinal, now),
            },
            State::PendingProceed => self.serve(ordinal, now),
            State::WarmedPendingProceed => self.rest(ordinal, now),
            State::EnteringStandby => self.aside(ordinal, now),
            State::Detaching => self.detached(ordinal, now),
            State::Terminating if !member.ended => {
                let hooks = member.runs_hooks_out();
                if !hooks || !self.fire(ordinal, Transition::Terminating, State::TerminatingWait, now) {
                    self.end(ordinal, now);
                }
            }
            State::WarmedTerminating if !member.ended => {
                let (hooks, wait) = (member.runs_hooks_out(), State::WarmedTerminatingWait);
                if !hooks || !self.fire(ordinal, Transition::Terminating, wait, now) {
                    self.end(ordinal, now);
                }
            }
            State::Terminating
            | State::TerminatingProceed
            | State::WarmedTerminating
            | State::WarmedTerminatingProceed => self.gone(ordinal, now),
            // These end by a call or by somebody's answer.
            State::PendingWait
            | State::InService
            | State::Standby
            | State::TerminatingWait
            | State::TerminatingRetained
            | State::WarmedPendingWait
            | State::WarmedStopped
            | State::WarmedRunning
            | State::WarmedHibernated
            | State::WarmedTerminatingWait => {}
        }
    }

    /// Its instance runs by now, or has died instead.
    fn launched(&mut self, ordinal: u32, wait: State, now: &mut Now<'_>) {
        let Some(seen) = now.ec2.seen(ordinal, now.ms) else { return };
        if !seen.state.is_live() {
            let reason = "Instance became unhealthy while waiting for instance to be in InService state. \
                          Termination Reason: Client.InternalError: Client error on launch";
            self.lost(ordinal, reason, now);
        } else if seen.running_ms.is_some_and(|at| at <= now.ms) {
            self.arrived(ordinal, wait, now);
        } else if let Some(at) = [seen.running_ms, seen.ends_ms].into_iter().flatten().min() {
            let state = self.members.get(&ordinal).map_or(State::Pending, |m| m.state);
            self.enter(ordinal, state, Some(at), now);
        }
    }

    /// Waits for its launch hooks, or goes on.
    fn arrived(&mut self, ordinal: u32, wait: State, now: &mut Now<'_>) {
        if self.fire(ordinal, Transition::Launching, wait, now) {
            return;
        }
        if wait == State::PendingWait {
            self.serve(ordinal, now);
        } else {
            self.rest(ordinal, now);
        }
    }

    fn serve(&mut self, ordinal: u32, now: &mut Now<'_>) {
        self.enter(ordinal, State::InService, None, now);
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        member.in_service_ms = Some(now.ms);
        self.register(ordinal, now);
        self.settled(ordinal, ActivityStatus::Successful, None, now);
        if self.tally.coming == 0 {
            self.plan_scale(now.ms, now);
        }
    }

    fn aside(&mut self, ordinal: u32, now: &mut Now<'_>) {
        self.enter(ordinal, State::Standby, None, now);
        self.settled(ordinal, ActivityStatus::Successful, None, now);
    }

    fn detached(&mut self, ordinal: u32, now: &mut Now<'_>) {
        self.settled(ordinal, ActivityStatus::Successful, None, now);
        self.remove(ordinal, now);
    }

    /// The launch failed: it was never there.
    pub(super) fn lost(&mut self, ordinal: u32, reason: &str, now: &mut Now<'_>) {
        drop_actions(ordinal, now);
        self.settled(ordinal, ActivityStatus::Failed, Some(reason.into()), now);
        self.remove(ordinal, now);
        self.plan_scale_soon(now);
    }

    /// The member's activity is over; what there is to tell is told.
    pub(super) fn settled(
        &mut self,
        ordinal: u32,
        status: ActivityStatus,
        message: Option<String>,
        now: &mut Now<'_>,
    ) {
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        let (route, way, stage) = (member.route(), member.way, member.stage());
        let detaching = member.state == State::Detaching;
        let Some(number) = member.activity.take() else { return };
        now.books.log.enter(number, status, message, now.ms);
        let told = match stage {
            Stage::Coming | Stage::Warm if status != ActivityStatus::Successful => Told::NotLaunched,
            Stage::Coming | Stage::InService | Stage::Warm => match way {
                Way::Launched | Way::FromWarmPool => Told::Launched,
                Way::Attached | Way::Returned => return,
            },
            Stage::Leaving | Stage::LeavingWarm if !detaching => Told::Terminated,
            Stage::Leaving | Stage::LeavingWarm | Stage::Aside | Stage::Retained => return,
        };
        let Some(activity) = now.books.log.get(number).cloned() else { return };
        let id = now.ec2.id_of(ordinal);
        notify::result(told, &activity, Some(&id), route, now);
    }

    /// Begins the lifecycle actions of all hooks of this transition. False if there are none.
    fn fire(&mut self, ordinal: u32, transition: Transition, wait: State, now: &mut Now<'_>) -> bool {
        let Some(member) = self.members.get(&ordinal) else { return false };
        let route = member.route();
        let hooks: Vec<_> = self.hooks.values().filter(|h| h.transition == transition).cloned().collect();
        if hooks.is_empty() {
            return false;
        }
        if let Some(number) = member.activity {
            now.books.log.enter(number, ActivityStatus::MidLifecycleAction, None, now.ms);
        }
        for hook in &hooks {
            let heartbeat_ms = i64::from(hook.heartbeat_timeout) * 1_000;
            let action = HookAction {
                token: now.books.uuid(),
                group: self.name.to_string(),
                hook: hook.name.clone(),
                transition,
                instance: now.ec2.id_of(ordinal),
                ordinal,
                started_ms: now.ms,
                heartbeat_ms,
                global_ms: i64::from(hook.global_timeout()) * 1_000,
                times_out_ms: now.ms + heartbeat_ms,
                heartbeats: 0,
                default_result: hook.default_result,
                ended: None,
                result: None,
                ended_ms: None,
            };
            notify::lifecycle_action(hook, &action, &self.arn, route, now);
            let number = now.books.actions.begin(action);
            now.books.agenda.plan(now.ms + heartbeat_ms, Event::Heartbeat(number));
        }
        self.enter(ordinal, wait, None, now);
        if let Some(member) = self.members.get_mut(&ordinal) {
            member.hooked_out |= transition == Transition::Terminating;
        }
        true
    }

    /// A lifecycle action ends with this result; the member goes on if that was what it waited for.
    pub(super) fn answered(&mut self, number: usize, ending: Ending, result: HookResult, now: &mut Now<'_>) {
        let Some(action) = now.books.actions.get(number) else { return };
        let (ordinal, transition, token) = (action.ordinal, action.transition, action.token.clone());
        if !now.books.actions.end(number, ending, result, now.ms) {
            return;
        }
        if result == HookResult::Abandon {
            drop_actions(ordinal, now);
        } else if !now.books.actions.open_of(ordinal).is_empty() {
            return;
        }
        match (transition, result) {
            (Transition::Launching, HookResult::Continue) => {
                let warm = self.members.get(&ordinal).is_some_and(|m| m.stage() == Stage::Warm);
                let state = if warm { State::WarmedPendingProceed } else { State::PendingProceed };
                let until = now.passing();
                self.enter(ordinal, state, Some(until), now);
            }
            (Transition::Launching, HookResult::Abandon) => {
                let why = if ending == Ending::TimedOut {
                    "Heartbeat Timeout"
                } else {
                    "Lifecycle Action Completed with ABANDON Result"
                };
                let message = format!(
                    "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {token} was \
                     abandoned: {why}"
                );
                self.settled(ordinal, ActivityStatus::Cancelled, Some(message), now);
                self.back_off(now);
                self.leave(ordinal, Leaves::Abandoned, now);
            }
            (Transition::Terminating, HookResult::Abandon) if self.keeps(ordinal) => {
                self.settled(ordinal, ActivityStatus::Cancelled, None, now);
                self.enter(ordinal, State::TerminatingRetained, None, now);
            }
            (Transition::Terminating, HookResult::Continue | HookResult::Abandon) => {
                let warm = self.members.get(&ordinal).is_some_and(|m| m.stage() == Stage::LeavingWarm);
                let state = if warm { State::WarmedTerminatingProceed } else { State::TerminatingProceed };
                self.enter(ordinal, state, None, now);
                self.end(ordinal, now);
            }
        }
    }

    /// An abandoned termination keeps this one.
    fn keeps(&self, ordinal: u32) -> bool {
        self.config.retains && self.members.get(&ordinal).is_some_and(|m| m.stage() == Stage::Leaving)
    }

    /// Begins to leave: load balancers first, then the hooks, then EC2.
    pub(super) fn leave(&mut self, ordinal: u32, why: Leaves, now: &mut Now<'_>) {
        let Some(member) = self.members.get(&ordinal) else { return };
        if matches!(member.stage(), Stage::Leaving | Stage::LeavingWarm) {
            return;
        }
        let warm = member.stage() == Stage::Warm;
        let counted = member.state.counts();
        let to_pool =
            why == Leaves::ScaleIn && !warm && self.warm_pool.as_ref().is_some_and(WarmPool::takes_back);
        drop_actions(ordinal, now);
        self.begin("Terminating EC2 instance", &why.cause(), ordinal, ActivityStatus::InProgress, now);
        let state = if warm { State::WarmedTerminating } else { State::Terminating };
        self.enter_deregistered(ordinal, state, now);
        if let Some(member) = self.members.get_mut(&ordinal) {
            member.leaves = Some(why);
            member.to_pool = to_pool;
        }
        if (counted || warm) && !self.deleting {
            self.plan_scale_soon(now);
        }
    }

    /// Tells EC2 to end it, unless it is kept for the warm pool.
    fn end(&mut self, ordinal: u32, now: &mut Now<'_>) {
        if self.members.get(&ordinal).is_some_and(|m| m.to_pool) && self.warm_pool.is_some() {
            self.settled(ordinal, ActivityStatus::Successful, None, now);
            return self.rest(ordinal, now);
        }
        now.ec2.terminate_for_group(&[now.ec2.id_of(ordinal)], now.ms);
        let until = now.ec2.seen(ordinal, now.ms).and_then(|s| s.terminated_ms).unwrap_or(now.ms);
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        member.ended = true;
        let state = member.state;
        self.enter(ordinal, state, Some(until.max(now.ms)), now);
    }

    fn gone(&mut self, ordinal: u32, now: &mut Now<'_>) {
        self.settled(ordinal, ActivityStatus::Successful, None, now);
        self.remove(ordinal, now);
        if self.desired > self.tally.counted() || self.warm_pool.is_some() {
            // It may have been in the way (see `terminating_counts_against_max`).
            self.plan_scale_soon(now);
        }
    }

    /// The member with this id if it is in one of these stages.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn member_in(
        &self,
        id: &str,
        stages: &[Stage],
        expected: &str,
        now: &Now<'_>,
    ) -> Result<u32, ApiError> {
        let member = self.member(id, now)?;
        if stages.contains(&member.stage()) {
            Ok(member.ordinal)
        } else {
            Err(ApiError::invalid(format!("The instance {id} is not in {expected}.")))
        }
    }
}

/// Nobody's answer about this instance matters any more.
fn drop_actions(ordinal: u32, now: &mut Now<'_>) {
    for number in now.books.actions.open_of(ordinal).to_vec() {
        now.books.actions.end(number, Ending::Dropped, HookResult::Abandon, now.ms);
    }
}

impl Leaves {
    fn cause(self) -> String {
        let reason = match self {
            Leaves::ScaleIn => "a difference between desired and actual capacity",
            Leaves::NotRunning => "an EC2 health check indicating it has been terminated or stopped",
            Leaves::UserHealth => "a user health-check",
            Leaves::LoadBalancerHealth => "an ELB system health check failure",
            Leaves::UserRequest => "a user request",
            Leaves::Abandoned => "a launch failure",
            Leaves::Deletion => "the deletion of its Auto Scaling group or warm pool",
        };
        format!("an instance was taken out of service in response to {reason}.")
    }
}
