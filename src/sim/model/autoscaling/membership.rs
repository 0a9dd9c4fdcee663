//! `AttachInstances`, `DetachInstances`, `EnterStandby`, `ExitStandby`: no hooks run for them
//! (aws-facts 0.10).

use super::super::ec2::{Ec2, State as Ec2State};
use super::AutoScaling;
use super::activity::ActivityNumber;
use super::books::{Books, Now};
use super::call::{Action, Answer, Members};
use super::desired::within;
use super::error::ApiError;
use super::group::Group;
use super::member::{Member, Way};
use super::words::{ActivityStatus, LifecycleState, Process, Stage};

/// Most ids of one call (aws-facts 3.1).
const IDS_MAX: usize = 20;

impl AutoScaling {
    pub(super) fn attach(&mut self, call: &Members, ec2: &mut Ec2, now_ms: i64) -> Result<Answer, ApiError> {
        check_count(call)?;
        let (group, mut now) = self.at(&call.group, ec2, now_ms)?;
        group.starts("attach instances")?;
        let ordinals: Vec<u32> =
            call.ids.iter().map(|id| group.attachable(id, &now)).collect::<Result<_, _>>()?;
        group.desired = within(group, more(group, call))?;
        for ordinal in ordinals {
            let Some(seen) = now.ec2.seen(ordinal, now.ms) else { continue };
            let mut member = Member::new(ordinal, seen.launch, LifecycleState::Pending, now.ms);
            member.way = Way::Attached;
            group.join(member, &mut now);
            group.moves(ordinal, Move::Attach, &mut now);
        }
        Ok(Answer::Done(Action::AttachInstances))
    }

    pub(super) fn detach(
        &mut self,
        call: &Members,
        decrement: bool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_count(call)?;
        let (group, mut now) = self.at(&call.group, ec2, now_ms)?;
        let stages = [Stage::InService, Stage::Aside, Stage::Retained];
        let mut ordinals = Vec::new();
        for id in &call.ids {
            let ordinal = group.member_in(id, &stages, "InService, Standby or Terminating:Retained", &now)?;
            if decrement && group.members.get(&ordinal).is_some_and(|m| m.stage() == Stage::Retained) {
                return Err(ApiError::invalid(format!(
                    "The instance {id} is retained: it can only be detached with ShouldDecrementDesiredCapacity \
                     set to false."
                )));
            }
            ordinals.push(ordinal);
        }
        group.shrink_by(decrement, &ordinals)?;
        let begun = group.move_all(&ordinals, Move::Detach, &mut now);
        Ok(self.books.activities(Action::DetachInstances, &begun))
    }

    pub(super) fn enter_standby(
        &mut self,
        call: &Members,
        decrement: bool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_count(call)?;
        let (group, mut now) = self.at(&call.group, ec2, now_ms)?;
        let ordinals = group.all_in(&call.ids, Stage::InService, "InService", &now)?;
        group.shrink_by(decrement, &ordinals)?;
        let begun = group.move_all(&ordinals, Move::EnterStandby, &mut now);
        Ok(self.books.activities(Action::EnterStandby, &begun))
    }

    pub(super) fn exit_standby(
        &mut self,
        call: &Members,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_count(call)?;
        let (group, mut now) = self.at(&call.group, ec2, now_ms)?;
        group.starts("exit standby")?;
        let ordinals = group.all_in(&call.ids, Stage::Aside, "Standby", &now)?;
        if let Some(id) = call
            .ids
            .iter()
            .find(|id| group.member(id, &now).is_ok_and(|m| m.state != LifecycleState::Standby))
        {
            return Err(ApiError::invalid(format!("The instance {id} is not in Standby.")));
        }
        group.desired = within(group, more(group, call))?;
        let begun = group.move_all(&ordinals, Move::ExitStandby, &mut now);
        Ok(self.books.activities(Action::ExitStandby, &begun))
    }
}

impl Books {
    /// An answer with these activities.
    pub(super) fn activities(&self, action: Action, numbers: &[ActivityNumber]) -> Answer {
        let activities = numbers.iter().filter_map(|n| self.log.view(*n)).collect();
        Answer::Activities { action, activities, next_token: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Attach,
    Detach,
    EnterStandby,
    ExitStandby,
}

impl Move {
    fn what(self) -> &'static str {
        match self {
            Move::Attach => "Attaching an existing EC2 instance",
            Move::Detach => "Detaching EC2 instance",
            Move::EnterStandby => "Moving EC2 instance to Standby",
            Move::ExitStandby => "Moving EC2 instance out of Standby",
        }
    }

    fn cause(self) -> &'static str {
        match self {
            Move::Attach => "an instance was attached in response to a user request.",
            Move::Detach => "an instance was detached in response to a user request.",
            Move::EnterStandby => "an instance was moved to standby in response to a user request.",
            Move::ExitStandby => "an instance was moved out of standby in response to a user request.",
        }
    }

    fn state(self) -> LifecycleState {
        match self {
            Move::Attach | Move::ExitStandby => LifecycleState::Pending,
            Move::Detach => LifecycleState::Detaching,
            Move::EnterStandby => LifecycleState::EnteringStandby,
        }
    }
}

impl Group {
    fn moves(&mut self, ordinal: u32, step: Move, now: &mut Now<'_>) -> Option<ActivityNumber> {
        let begun = self.begin(step.what(), step.cause(), ordinal, ActivityStatus::InProgress, now);
        if step == Move::ExitStandby
            && let Some(member) = self.members.get_mut(&ordinal)
        {
            member.way = Way::Returned;
        }
        self.enter_deregistered(ordinal, step.state(), now);
        begun
    }

    fn move_all(&mut self, ordinals: &[u32], step: Move, now: &mut Now<'_>) -> Vec<ActivityNumber> {
        let begun = ordinals.iter().filter_map(|o| self.moves(*o, step, now)).collect();
        if self.tally.counted() < self.desired {
            self.plan_scale_soon(now);
        }
        begun
    }

    fn all_in(
        &self,
        ids: &[String],
        stage: Stage,
        expected: &str,
        now: &Now<'_>,
    ) -> Result<Vec<u32>, ApiError> {
        ids.iter().map(|id| self.member_in(id, &[stage], expected, now)).collect()
    }

    /// The desired capacity without these, if it is to be decremented.
    pub(super) fn shrink_by(&mut self, decrement: bool, ordinals: &[u32]) -> Result<(), ApiError> {
        if !decrement || ordinals.is_empty() {
            return Ok(());
        }
        let wanted = i64::from(self.desired) - i64::try_from(ordinals.len()).unwrap_or(i64::MAX);
        if wanted < i64::from(self.min) {
            return Err(ApiError::invalid(format!(
                "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate \
                 group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower \
                 group's min size.",
                self.min
            )));
        }
        self.desired = u32::try_from(wanted).unwrap_or(self.desired);
        Ok(())
    }

    fn starts(&self, what: &str) -> Result<(), ApiError> {
        if self.does(Process::Launch) {
            return Ok(());
        }
        Err(ApiError::invalid(format!(
            "Cannot {what} while the Launch process of the Auto Scaling group {} is suspended.",
            self.name
        )))
    }

    /// An instance that this group can take.
    fn attachable(&self, id: &str, now: &Now<'_>) -> Result<u32, ApiError> {
        let invalid = |why: &str| ApiError::invalid(format!("Invalid Instance: {id}. {why}"));
        let ordinal = now.ec2.ordinal_of(id).ok_or_else(|| invalid("It does not exist."))?;
        let seen = now.ec2.seen(ordinal, now.ms).ok_or_else(|| invalid("It does not exist."))?;
        if seen.state != Ec2State::Running {
            return Err(invalid("It is not in the running state."));
        }
        if let Some(home) = now.books.homes.get(&ordinal) {
            return Err(invalid(&format!("It is already part of AutoScalingGroup:{home}.")));
        }
        if !self.config.subnets.iter().any(|s| s.zone == seen.launch.zone) {
            return Err(invalid("It is in an availability zone that is not one of the group."));
        }
        Ok(ordinal)
    }
}

fn more(group: &Group, call: &Members) -> i64 {
    i64::from(group.desired) + i64::try_from(call.ids.len()).unwrap_or(i64::MAX)
}

/// At most 20, each once.
fn check_count(call: &Members) -> Result<(), ApiError> {
    check_ids(&call.ids, IDS_MAX)
}

/// # Errors
/// `ValidationError` for too many ids, or one that is given twice.
pub(super) fn check_ids(ids: &[String], most: usize) -> Result<(), ApiError> {
    if ids.len() > most {
        return Err(ApiError::invalid(format!(
            "The number of instance ids provided ({}) is more than the limit of {most}.",
            ids.len()
        )));
    }
    let twice = ids.iter().enumerate().find(|(n, id)| ids[..*n].contains(id));
    twice.map_or(Ok(()), |(_, id)| Err(ApiError::invalid(format!("The instance id {id} is given twice."))))
}

#[cfg(test)]
mod tests {
    use super::super::super::ec2::testing::{Ask, launched, run};
    use super::super::call::{Call, PutHook};
    use super::super::testing::*;
    use super::super::words::{LifecycleState as State, Transition};
    use super::*;

    fn standby(ids: &[String], decrement: bool) -> Call {
        Call::EnterStandby { members: members(ids), decrement }
    }

    fn detach(ids: &[String], decrement: bool) -> Call {
        Call::DetachInstances { members: members(ids), decrement }
    }

    #[test]
    fn standby_with_a_decrement_is_replaced_by_nobody_and_comes_back() {
        let mut model = serving(1, 3, 3);
        let ids = in_service(&mut model, 60_000);
        let Answer::Activities { activities, .. } = model.done(standby(&ids[..2], true), 60_000) else {
            panic!("no activities")
        };
        assert!(activities[0].description.starts_with("Moving EC2 instance to Standby: i-"));
        assert_eq!(ids_in(&mut model, State::EnteringStandby, 60_000).len(), 2);
        let group1 = group(&mut model, 120_000);
        assert_eq!((group1.desired, group1.tally.counted(), group1.tally.aside), (1, 1, 2));
        model.done(Call::ExitStandby(members(&ids[..1])), 120_000);
        assert_eq!(in_service(&mut model, 180_000).len(), 2);
        assert_eq!(group(&mut model, 180_000).desired, 2);
    }

    #[test]
    fn standby_without_a_decrement_is_replaced_and_may_find_no_way_back() {
        let mut model = serving(1, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(standby(&ids[..1], false), 60_000);
        let group1 = group(&mut model, 120_000);
        assert_eq!((group1.tally.in_service, group1.tally.aside), (3, 1));
        let (code, message) = model.refused(Call::ExitStandby(members(&ids[..1])), 120_000);
        assert_eq!(code, "ValidationError");
        assert!(message.contains("above max value 3"), "{message}");
    }

    #[test]
    fn the_minimum_and_the_state_are_checked_before_anything_moves() {
        let mut model = serving(3, 6, 4);
        let ids = in_service(&mut model, 60_000);
        let (code, message) = model.refused(standby(&ids[..2], true), 60_000);
        assert_eq!(code, "ValidationError");
        assert!(message.contains("desiredSize equals minSize (3)"), "{message}");
        model.done(standby(&ids[..1], true), 60_000);
        assert!(model.refused(standby(&ids[..2], false), 60_000).1.contains("is not in InService"));
        assert!(model.refused(Call::ExitStandby(members(&ids[..1])), 60_000).1.contains("not in Standby"));
        let stranger = ["i-0123456789abcdef0".to_string()];
        assert!(
            model
                .refused(standby(&stranger, true), 60_000)
                .1
                .contains("is not part of Auto Scaling group web.")
        );
        assert_eq!(group(&mut model, 60_000).tally.aside, 1);
    }

    #[test]
    fn twenty_ids_and_each_once() {
        let mut model = serving(0, 40, 21);
        let ids = in_service(&mut model, 60_000);
        assert!(model.refused(standby(&ids, true), 60_000).1.contains("limit of 20"));
        let twice = [ids[0].clone(), ids[0].clone()];
        assert!(model.refused(standby(&twice, true), 60_000).1.contains("given twice"));
        model.done(standby(&ids[..20], true), 60_000);
    }

    #[test]
    fn a_detached_one_lives_on_outside_and_can_be_attached_again() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(detach(&ids[..1], true), 60_000);
        let group1 = group(&mut model, 120_000);
        assert_eq!((group1.desired, group1.tally.all()), (2, 2));
        assert!(model.ledger(120_000).instances.iter().all(|i| i.state.is_live()));
        model.done(Call::AttachInstances(members(&ids[..1])), 120_000);
        assert_eq!(in_service(&mut model, 180_000), ids);
        assert_eq!(group(&mut model, 180_000).desired, 3);
        assert!(
            model.refused(Call::AttachInstances(members(&ids[..1])), 180_000).1.contains("already part of")
        );
    }

    #[test]
    fn a_detached_one_is_replaced_without_a_decrement() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(detach(&ids[..1], false), 60_000);
        assert_eq!(in_service(&mut model, 120_000).len(), 3);
        assert_eq!(model.ledger(120_000).instances.len(), 4);
    }

    #[test]
    fn only_running_instances_of_its_zones_are_attached_up_to_the_maximum_without_hooks() {
        let mut call = create(0, 4, 3);
        call.shape.subnets = vec![B.into()];
        call.hooks = vec![PutHook { ..hook("up", Transition::Launching) }];
        let mut model = with_group(call);
        let own = launched(&model.ask(&run("t", 1, 1), 0));
        let attach = |ids: &[String]| Call::AttachInstances(members(ids));
        assert!(model.refused(attach(&own), 0).1.contains("not in the running state"));
        assert!(model.refused(attach(&own), 60_000).1.contains("availability zone"));
        let b = Call::AttachInstances(members(&launched(&model.ask(
            &super::super::super::ec2::call::Call::RunInstances(super::super::super::ec2::testing::run_in(
                B, "u", 1, 2,
            )),
            60_000,
        ))));
        assert!(model.refused(b.clone(), 120_000).1.contains("value 5 is above max value 4"));
        let Call::AttachInstances(mut two) = b else { panic!() };
        two.ids.pop();
        model.done(Call::AttachInstances(two), 120_000);
        assert_eq!(in_service(&mut model, 130_000).len(), 1, "the others wait for their hook");
    }

    #[test]
    fn nothing_comes_in_while_launching_is_suspended() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(standby(&ids[..1], true), 60_000);
        model.done(Call::SuspendProcesses { group: WEB.into(), processes: vec![Process::Launch] }, 70_000);
        assert!(model.refused(Call::ExitStandby(members(&ids[..1])), 70_000).1.contains("suspended"));
        assert!(model.refused(Call::AttachInstances(members(&[])), 70_000).1.contains("suspended"));
    }
}
