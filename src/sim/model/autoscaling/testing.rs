//! Short words for the tests of Auto Scaling.

use super::super::super::ledger::GroupEntry;
use super::super::super::settings::{AutoScalingSettings, Delivery, Range, Settings, Spread};
use super::super::notice::Notice;
use super::call::{
    Action, ActionName, Answer, Call, CreateGroup, LaunchInstances, Members, PutHook, Shape, Source,
    TerminateInstances,
};
use super::view::ActivityView;
use super::words::{HookResult, LifecycleState, Transition};
use super::{Ending, HookAction};

pub(crate) use super::super::Model;
pub(crate) use super::super::call::{Answer as AnyAnswer, Call as AnyCall, Outcome, Reply};
pub(crate) use super::super::ec2::testing::{A, B, code, message, small_settings};

/// The group that most tests have.
pub(crate) const WEB: &str = "web";
pub(crate) const C: &str = "subnet-0000000000000000c";

/// Asks Auto Scaling.
pub(crate) trait AskGroups {
    fn asg(&mut self, call: &Call, now_ms: i64) -> Reply;

    /// Asks, and expects an answer.
    fn done(&mut self, call: Call, now_ms: i64) -> Answer {
        let reply = self.asg(&call, now_ms);
        let Outcome::Answer(AnyAnswer::AutoScaling(answer)) = reply.outcome else {
            panic!("{call:?}: {reply:?}")
        };
        answer
    }

    /// Asks, and expects an error: its code and message.
    fn refused(&mut self, call: Call, now_ms: i64) -> (&'static str, String) {
        let reply = self.asg(&call, now_ms);
        (code(&reply), if code(&reply).is_empty() { String::new() } else { message(&reply).into() })
    }
}

impl AskGroups for Model {
    fn asg(&mut self, call: &Call, now_ms: i64) -> Reply {
        self.handle(&AnyCall::AutoScaling(call.clone()), now_ms)
    }
}

/// Instances run 10 s after their launch and are gone 3 s after their end; a group acts after 1 s;
/// passing states last 1 s; nothing is throttled; notices arrive at once.
pub(crate) fn settings() -> Settings {
    let boot = Spread { median_ms: 20_000, p99_ms: 20_000 };
    let second = Range { min_ms: 1_000, max_ms: 1_000 };
    Settings {
        boot,
        subnets: Settings::default().subnets,
        autoscaling: AutoScalingSettings {
            acts_after: second,
            passing: second,
            ..AutoScalingSettings::instant()
        },
        delivery: Delivery::INSTANT,
        ..small_settings()
    }
}

pub(crate) fn model(change: impl FnOnce(&mut Settings)) -> Model {
    let mut settings = settings();
    change(&mut settings);
    Model::new(settings, 1).unwrap()
}

/// A group in three zones.
pub(crate) fn create(min: i64, max: i64, desired: i64) -> CreateGroup {
    CreateGroup {
        group: WEB.into(),
        shape: Shape {
            min: Some(min),
            max: Some(max),
            desired: Some(desired),
            source: Some(Source::Template { id: None, name: Some("web".into()), version: None }),
            subnets: vec![A.into(), B.into(), C.into()],
            ..Shape::default()
        },
        ..CreateGroup::default()
    }
}

pub(crate) fn hook(name: &str, transition: Transition) -> PutHook {
    PutHook {
        name: name.into(),
        transition: Some(transition),
        heartbeat_timeout: Some(60),
        ..PutHook::default()
    }
}

/// A model with the group, created at time 0.
pub(crate) fn with_group(group: CreateGroup) -> Model {
    let mut model = model(|_| {});
    model.done(Call::CreateAutoScalingGroup(Box::new(group)), 0);
    model
}

/// The same, a minute later: everyone is in service who can be.
pub(crate) fn serving(min: i64, max: i64, desired: i64) -> Model {
    let mut model = with_group(create(min, max, desired));
    assert_eq!(group(&mut model, 60_000).tally.in_service, u32::try_from(desired).unwrap());
    model
}

pub(crate) fn group(model: &mut Model, now_ms: i64) -> GroupEntry {
    model.ledger(now_ms).groups.into_iter().find(|g| g.name == WEB).unwrap()
}

/// Ids of members in this state.
pub(crate) fn ids_in(model: &mut Model, state: LifecycleState, now_ms: i64) -> Vec<String> {
    let group = group(model, now_ms);
    group.members.into_iter().filter(|m| m.state == state).map(|m| m.id).collect()
}

pub(crate) fn in_service(model: &mut Model, now_ms: i64) -> Vec<String> {
    ids_in(model, LifecycleState::InService, now_ms)
}

/// Members in each zone.
pub(crate) fn zones(model: &mut Model, now_ms: i64) -> [usize; 3] {
    let group = group(model, now_ms);
    ["us-east-1a", "us-east-1b", "us-east-1c"].map(|z| group.members.iter().filter(|m| m.zone == z).count())
}

pub(crate) fn members(ids: &[String]) -> Members {
    Members { group: WEB.into(), ids: ids.to_vec() }
}

pub(crate) fn set_desired(desired: i64) -> Call {
    Call::SetDesiredCapacity { group: WEB.into(), desired, honor_cooldown: false }
}

pub(crate) fn launch(token: &str, count: i64, subnet: &str) -> Call {
    Call::LaunchInstances(LaunchInstances {
        group: WEB.into(),
        count,
        token: token.into(),
        subnets: vec![subnet.into()],
        ..LaunchInstances::default()
    })
}

pub(crate) fn terminate(ids: &[String], decrement: bool) -> Call {
    let ids = ids.to_vec();
    Call::TerminateInstanceInAutoScalingGroup(TerminateInstances {
        group: Some(WEB.into()),
        ids,
        single: false,
        decrement,
    })
}

pub(crate) fn complete(action: &HookAction, result: HookResult) -> Call {
    Call::CompleteLifecycleAction { action: named(action), result }
}

pub(crate) fn named(action: &HookAction) -> ActionName {
    ActionName {
        group: action.group.clone(),
        hook: action.hook.clone(),
        token: Some(action.token.clone()),
        instance: None,
    }
}

/// Lifecycle actions that wait.
pub(crate) fn open_actions(model: &mut Model, now_ms: i64) -> Vec<HookAction> {
    model.ledger(now_ms).hook_actions.into_iter().filter(|a| a.ended.is_none()).collect()
}

pub(crate) fn endings(model: &mut Model, now_ms: i64) -> Vec<Option<Ending>> {
    model.ledger(now_ms).hook_actions.iter().map(|a| a.ended).collect()
}

/// The newest first.
pub(crate) fn activities(model: &mut Model, now_ms: i64) -> Vec<ActivityView> {
    let call = Call::DescribeScalingActivities(super::call::DescribeActivities {
        group: Some(WEB.into()),
        include_deleted: true,
        ..super::call::DescribeActivities::default()
    });
    let Answer::Activities { activities, .. } = model.done(call, now_ms) else { panic!("no activities") };
    activities
}

/// Bodies of the messages that have arrived, with their ARNs.
pub(crate) fn messages(model: &mut Model, now_ms: i64) -> Vec<(String, String)> {
    let all = model.take_arrived(now_ms).into_iter();
    all.filter_map(|(_, notice)| match notice {
        Notice::Message { arn, body, .. } => Some((arn, body)),
        Notice::Event { .. } => None,
    })
    .collect()
}

pub(crate) fn is_done(answer: &Answer, action: Action) -> bool {
    matches!(answer, Answer::Done(done) if *done == action)
}
