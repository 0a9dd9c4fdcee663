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
        let until = now.passing();
        self.enter(ordinal, step.state(), Some(until), now);
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
