//! The calls about lifecycle hooks and their actions (aws-facts 3.6).

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::books::Now;
use super::call::{Action, ActionName, Answer, PutHook};
use super::error::{ApiError, Code};
use super::group::Group;
use super::hook::{Ending, Hook};
use super::notify;
use super::words::{HookResult, Transition};

/// Hooks of one group (aws-facts 3.1).
const HOOKS_MAX: usize = 50;
const METADATA_MAX: usize = 4_000;
/// Seconds.
const HEARTBEAT: std::ops::RangeInclusive<i64> = 30..=7_200;
const HEARTBEAT_DEFAULT: u32 = 3_600;
/// A token is written as a UUID.
const TOKEN_LENGTH: usize = 36;

impl AutoScaling {
    pub(super) fn put_lifecycle_hook(
        &mut self,
        name: &str,
        call: &PutHook,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        group.put_hook(call, &mut now)?;
        Ok(Answer::Done(Action::PutLifecycleHook))
    }

    /// Actions that wait for it end: launches are abandoned, terminations go on.
    pub(super) fn delete_hook(
        &mut self,
        name: &str,
        hook: &str,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        let Some(removed) = group.hooks.remove(hook) else {
            return Err(ApiError::invalid(format!(
                "No Lifecycle Hook found with name {hook} for Auto Scaling group {name}"
            )));
        };
        let result = match removed.transition {
            Transition::Launching => HookResult::Abandon,
            Transition::Terminating => HookResult::Continue,
        };
        let ordinals: Vec<u32> = group.members.keys().copied().collect();
        for ordinal in ordinals {
            for number in now.books.actions.open_of(ordinal).to_vec() {
                if now.books.actions.get(number).is_some_and(|a| a.hook == hook) {
                    group.answered(number, Ending::HookDeleted, result, &mut now);
                }
            }
        }
        Ok(Answer::Done(Action::DeleteLifecycleHook))
    }

    pub(super) fn describe_hooks(&self, name: &str, names: &[String]) -> Result<Answer, ApiError> {
        let group = self.groups.get(name).ok_or_else(|| ApiError::no_group(name))?;
        let asked = |hook: &&Hook| names.is_empty() || names.contains(&hook.name);
        Ok(Answer::Hooks(group.hooks.values().filter(asked).map(|h| h.view(&group.name)).collect()))
    }

    pub(super) fn heartbeat(
        &mut self,
        call: &ActionName,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (_, now) = self.at(&call.group, ec2, now_ms)?;
        let number = find(call, &now)?;
        now.books.actions.heartbeat(number, now_ms);
        Ok(Answer::Done(Action::RecordLifecycleActionHeartbeat))
    }

    pub(super) fn complete(
        &mut self,
        call: &ActionName,
        result: HookResult,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(&call.group, ec2, now_ms)?;
        let number = find(call, &now)?;
        let ending = match result {
            HookResult::Continue => Ending::Continued,
            HookResult::Abandon => Ending::Abandoned,
        };
        group.answered(number, ending, result, &mut now);
        Ok(Answer::Done(Action::CompleteLifecycleAction))
    }
}

/// The action that waits, by its token or by its instance.
fn find(call: &ActionName, now: &Now<'_>) -> Result<usize, ApiError> {
    let actions = &now.books.actions;
    let fits =
        |number: &usize| actions.get(*number).is_some_and(|a| a.group == call.group && a.hook == call.hook);
    match (&call.token, &call.instance) {
        (Some(token), _) if token.len() != TOKEN_LENGTH => Err(ApiError::constraint(
            token,
            "LifecycleActionToken",
            "Member must have length between 36 and 36",
        )),
        (Some(token), _) => actions
            .open_with_token(token)
            .filter(fits)
            .ok_or_else(|| ApiError::invalid(format!("No active Lifecycle Action found with token {token}"))),
        (None, Some(id)) => {
            let open = now.ec2.ordinal_of(id).map_or(&[][..], |ordinal| actions.open_of(ordinal));
            open.iter().copied().find(fits).ok_or_else(|| {
                ApiError::invalid(format!("No active Lifecycle Action found with instance ID {id}"))
            })
        }
        (None, None) => {
            Err(ApiError::invalid("Either the LifecycleActionToken or the InstanceId must be specified."))
        }
    }
}

impl Group {
    /// A hook is made, or changed where something is said. Its target hears of it.
    pub(super) fn put_hook(&mut self, call: &PutHook, now: &mut Now<'_>) -> Result<(), ApiError> {
        let before = self.hooks.get(&call.name);
        if before.is_none() && self.hooks.len() >= HOOKS_MAX {
            return Err(ApiError::new(
                Code::LimitExceeded,
                format!("The limit of {HOOKS_MAX} lifecycle hooks of an Auto Scaling group is reached"),
            ));
        }
        let hook = read(call, before)?;
        if let Some(target) = &hook.target
            && call.target.is_some()
        {
            notify::test(target, &self.name, &self.arn, now);
        }
        self.hooks.insert(hook.name.clone(), hook);
        Ok(())
    }
}

fn read(call: &PutHook, before: Option<&Hook>) -> Result<Hook, ApiError> {
    let Some(transition) = call.transition.or(before.map(|h| h.transition)) else {
        return Err(ApiError::missing("LifecycleTransition"));
    };
    let valid = !call.name.is_empty()
        && call.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'));
    if !valid || call.name.len() > 255 {
        return Err(ApiError::constraint(
            &call.name,
            "LifecycleHookName",
            r"Member must have 1 to 255 characters and satisfy regular expression pattern: [A-Za-z0-9\-_\/]+",
        ));
    }
    let heartbeat_timeout = match call.heartbeat_timeout {
        None => before.map_or(HEARTBEAT_DEFAULT, |h| h.heartbeat_timeout),
        Some(seconds) => {
            u32::try_from(seconds).ok().filter(|_| HEARTBEAT.contains(&seconds)).ok_or_else(|| {
                ApiError::invalid(format!(
                    "Heartbeat timeout of {seconds} s is invalid. It must be between {} and {} seconds.",
                    HEARTBEAT.start(),
                    HEARTBEAT.end()
                ))
            })?
        }
    };
    if call.metadata.as_ref().is_some_and(|m| m.is_empty() || m.len() > METADATA_MAX) {
        return Err(ApiError::invalid(format!(
            "NotificationMetadata must have 1 to {METADATA_MAX} characters"
        )));
    }
    Ok(Hook {
        name: call.name.clone(),
        transition,
        target: target(call, before)?,
        role: call.role.clone().or_else(|| before.and_then(|h| h.role.clone())),
        metadata: call.metadata.clone().or_else(|| before.and_then(|h| h.metadata.clone())),
        heartbeat_timeout,
        default_result: call
            .default_result
            .or(before.map(|h| h.default_result))
            .unwrap_or(HookResult::Abandon),
    })
}

/// A queue or a topic of the same region, and no FIFO one. An empty ARN takes it away.
fn target(call: &PutHook, before: Option<&Hook>) -> Result<Option<String>, ApiError> {
    let Some(arn) = &call.target else { return Ok(before.and_then(|h| h.target.clone())) };
    if arn.is_empty() {
        return Ok(None);
    }
    let parts: Vec<&str> = arn.split(':').collect();
    let fits = parts.len() == 6
        && parts.first() == Some(&"arn")
        && matches!(parts.get(2), Some(&("sqs" | "sns")))
        && parts.last().is_some_and(|name| !name.is_empty() && !has_fifo(name));
    if fits {
        Ok(Some(arn.clone()))
    } else {
        Err(ApiError::invalid(format!(
            "Unable to publish test message to notification target {arn} using IAM role {}. Please check your target \
             and role configuration and try to put lifecycle hook again.",
            call.role.as_deref().unwrap_or_default()
        )))
    }
}

fn has_fifo(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo")
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, CreateGroup};
    use super::super::testing::*;
    use super::super::words::{ActivityStatus, LifecycleState as State};
    use super::*;

    fn hooked(desired: i64, hooks: Vec<PutHook>) -> Model {
        with_group(CreateGroup { hooks, ..create(0, 20, desired) })
    }

    fn up() -> PutHook {
        hook("up", Transition::Launching)
    }

    fn down() -> PutHook {
        hook("down", Transition::Terminating)
    }

    fn heartbeat(action: &super::super::HookAction) -> Call {
        Call::RecordLifecycleActionHeartbeat(named(action))
    }

    #[test]
    fn a_launch_waits_until_it_is_continued() {
        let mut model = hooked(1, vec![up()]);
        let waiting = open_actions(&mut model, 11_000);
        assert_eq!((waiting.len(), waiting[0].token.len()), (1, 36));
        assert_eq!(ids_in(&mut model, State::PendingWait, 40_000), [waiting[0].instance.clone()]);
        assert_eq!(activities(&mut model, 40_000)[0].status, ActivityStatus::MidLifecycleAction);
        model.done(complete(&waiting[0], HookResult::Continue), 40_000);
        assert_eq!(ids_in(&mut model, State::PendingProceed, 40_000).len(), 1);
        assert_eq!(in_service(&mut model, 41_000).len(), 1);
        let (code, message) = model.refused(complete(&waiting[0], HookResult::Continue), 41_000);
        assert_eq!(code, "ValidationError");
        assert_eq!(message, format!("No active Lifecycle Action found with token {}", waiting[0].token));
    }

    #[test]
    fn it_may_be_completed_by_its_instance_too() {
        let mut model = hooked(1, vec![up()]);
        let waiting = open_actions(&mut model, 11_000);
        let by_instance = |id: &str| Call::CompleteLifecycleAction {
            action: ActionName { token: None, instance: Some(id.into()), ..named(&waiting[0]) },
            result: HookResult::Continue,
        };
        let (_, message) = model.refused(by_instance("i-0123456789abcdef0"), 11_000);
        assert_eq!(message, "No active Lifecycle Action found with instance ID i-0123456789abcdef0");
        model.done(by_instance(&waiting[0].instance), 11_000);
        assert_eq!(in_service(&mut model, 12_000).len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_no_action() {
        let mut model = hooked(1, vec![up()]);
        let action = named(&open_actions(&mut model, 11_000)[0]);
        let with = |action| Call::RecordLifecycleActionHeartbeat(action);
        let other_hook = ActionName { hook: "other".into(), ..action.clone() };
        assert!(model.refused(with(other_hook), 11_000).1.contains("No active Lifecycle Action"));
        let short = ActionName { token: Some("x".into()), ..action.clone() };
        assert!(model.refused(with(short), 11_000).1.contains("length between 36 and 36"));
        let nothing = ActionName { token: None, ..action };
        assert_eq!(model.refused(with(nothing), 11_000).0, "ValidationError");
    }

    #[test]
    fn silence_abandons_by_default_and_the_instance_is_replaced() {
        let mut model = hooked(1, vec![up()]);
        let waiting = open_actions(&mut model, 11_000);
        assert_eq!(open_actions(&mut model, 70_999).len(), 1);
        assert!(open_actions(&mut model, 71_000).is_empty());
        assert_eq!(endings(&mut model, 71_000), [Some(Ending::TimedOut)]);
        let all = activities(&mut model, 71_000);
        let cancelled = all.iter().find(|a| a.status == ActivityStatus::Cancelled).unwrap();
        assert_eq!(
            cancelled.message.as_deref().unwrap(),
            format!(
                "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {} was abandoned: \
                 Heartbeat Timeout",
                waiting[0].token
            )
        );
        // It backs off for 15 s, and the next one runs after 10.
        let next = open_actions(&mut model, 96_000);
        assert_eq!((next.len(), next[0].started_ms), (1, 96_000));
        assert_ne!(next[0].instance, waiting[0].instance);
        assert!(model.ledger(96_000).instances[0].terminated_ms.is_some());
    }

    #[test]
    fn silence_continues_if_that_is_the_default_result() {
        let mut model = hooked(1, vec![PutHook { default_result: Some(HookResult::Continue), ..up() }]);
        assert_eq!(in_service(&mut model, 72_000).len(), 1);
        let action = &model.ledger(72_000).hook_actions[0];
        assert_eq!((action.ended, action.result), (Some(Ending::TimedOut), Some(HookResult::Continue)));
    }

    #[test]
    fn heartbeats_keep_it_waiting_up_to_the_global_timeout() {
        let mut model = hooked(1, vec![PutHook { heartbeat_timeout: Some(30), ..up() }]);
        let action = open_actions(&mut model, 11_000).remove(0);
        let mut now = 11_000;
        while now < 11_000 + 3_000_000 - 29_000 {
            now += 29_000;
            model.done(heartbeat(&action), now);
        }
        assert_eq!(open_actions(&mut model, 3_010_999).len(), 1);
        assert_eq!(endings(&mut model, 3_011_000), [Some(Ending::TimedOut)]);
        assert_eq!(model.ledger(3_011_000).hook_actions[0].heartbeats, 103);
        assert!(model.refused(heartbeat(&action), 3_011_000).1.contains("No active Lifecycle Action"));
    }

    #[test]
    fn with_several_hooks_all_must_continue_and_one_may_abandon() {
        let second = hook("second", Transition::Launching);
        let mut model = hooked(1, vec![up(), second.clone()]);
        let waiting = open_actions(&mut model, 11_000);
        assert_eq!(waiting.len(), 2);
        model.done(complete(&waiting[0], HookResult::Continue), 11_000);
        assert!(in_service(&mut model, 20_000).is_empty());
        model.done(complete(&waiting[1], HookResult::Continue), 20_000);
        assert_eq!(in_service(&mut model, 21_000).len(), 1);

        let mut model = hooked(1, vec![up(), second]);
        let waiting = open_actions(&mut model, 11_000);
        model.done(complete(&waiting[0], HookResult::Abandon), 11_000);
        assert_eq!(endings(&mut model, 11_000), [Some(Ending::Abandoned), Some(Ending::Dropped)]);
        assert_eq!(ids_in(&mut model, State::Terminating, 11_000).len(), 1);
    }

    #[test]
    fn an_end_waits_too_and_goes_on_either_way() {
        for result in [HookResult::Continue, HookResult::Abandon] {
            let mut model = hooked(2, vec![down()]);
            let ids = in_service(&mut model, 60_000);
            model.done(terminate(&ids[..1], true), 60_000);
            assert_eq!(ids_in(&mut model, State::TerminatingWait, 61_000), ids[..1]);
            assert!(model.ledger(61_000).instances.iter().all(|i| i.state.is_live()), "EC2 is not told yet");
            let waiting = open_actions(&mut model, 61_000);
            model.done(complete(&waiting[0], result), 62_000);
            assert_eq!(ids_in(&mut model, State::TerminatingProceed, 62_000), ids[..1]);
            assert_eq!(group(&mut model, 65_000).tally.all(), 1);
        }
    }

    #[test]
    fn an_abandoned_end_keeps_the_instance_if_the_group_retains() {
        let mut call = create(0, 5, 2);
        call.shape.retains = Some(true);
        call.hooks = vec![down()];
        let mut model = with_group(call);
        let ids = in_service(&mut model, 60_000);
        model.done(terminate(&ids[..1], false), 60_000);
        let waiting = open_actions(&mut model, 61_000);
        model.done(complete(&waiting[0], HookResult::Abandon), 61_000);
        assert_eq!(ids_in(&mut model, State::TerminatingRetained, 120_000), ids[..1]);
        assert_eq!(in_service(&mut model, 120_000).len(), 2, "replaced nevertheless");
        model.done(terminate(&ids[..1], false), 120_000);
        assert_eq!(group(&mut model, 130_000).tally.all(), 2, "without asking the hook again");
    }

    #[test]
    fn an_abandoned_launch_asks_no_termination_hook() {
        let mut model = hooked(1, vec![up(), down()]);
        let waiting = open_actions(&mut model, 11_000);
        model.done(complete(&waiting[0], HookResult::Abandon), 11_000);
        assert_eq!(group(&mut model, 16_000).tally.all(), 0);
        assert_eq!(endings(&mut model, 16_000), [Some(Ending::Abandoned)]);
    }

    #[test]
    fn deleting_a_hook_ends_what_waits_for_it() {
        let delete = |hook: &str| Call::DeleteLifecycleHook { group: WEB.into(), hook: hook.into() };
        let mut model = hooked(1, vec![up()]);
        open_actions(&mut model, 11_000);
        model.done(delete("up"), 11_000);
        assert_eq!(endings(&mut model, 11_000), [Some(Ending::HookDeleted)]);
        assert_eq!(in_service(&mut model, 120_000).len(), 1, "the next one waits for nothing");
        assert!(model.refused(delete("up"), 120_000).1.contains("No Lifecycle Hook found"));
    }

    #[test]
    fn hooks_are_checked_kept_and_described() {
        let mut model = hooked(0, vec![]);
        let put = |hook: PutHook| Call::PutLifecycleHook { group: WEB.into(), hook };
        let long = "x".repeat(4_001);
        for bad in [
            PutHook { heartbeat_timeout: Some(29), ..up() },
            PutHook { heartbeat_timeout: Some(7_201), ..up() },
            PutHook { transition: None, ..up() },
            PutHook { name: "no spaces".into(), ..up() },
            PutHook { metadata: Some(long), ..up() },
            PutHook { target: Some("arn:aws:sqs:us-east-1:1:q.fifo".into()), ..up() },
            PutHook { target: Some("arn:aws:s3:::bucket".into()), ..up() },
        ] {
            assert_eq!(model.refused(put(bad.clone()), 0).0, "ValidationError", "{bad:?}");
        }
        model.done(put(PutHook { metadata: Some("m".into()), heartbeat_timeout: None, ..up() }), 0);
        model.done(
            put(PutHook {
                name: "up".into(),
                default_result: Some(HookResult::Continue),
                ..PutHook::default()
            }),
            0,
        );
        let Answer::Hooks(hooks) =
            model.done(Call::DescribeLifecycleHooks { group: WEB.into(), hooks: vec!["up".into()] }, 0)
        else {
            panic!("no hooks")
        };
        assert_eq!(hooks.len(), 1);
        assert_eq!((hooks[0].heartbeat_timeout, hooks[0].global_timeout), (3_600, 172_800));
        assert_eq!(
            (hooks[0].metadata.as_deref(), hooks[0].default_result),
            (Some("m"), HookResult::Continue)
        );
        for n in 1..50 {
            model.done(put(PutHook { name: format!("h{n}"), ..up() }), 0);
        }
        assert_eq!(model.refused(put(PutHook { name: "h50".into(), ..up() }), 0).0, "LimitExceeded");
    }
}
