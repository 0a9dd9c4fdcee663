//! Load balancers: the target groups that a group is attached to, who of its members is registered with them,
//! and who has to drain before it can go (aws-facts 3.1, 3.2, 3.7).
//!
//! A group only asks for it, by an [`Order`]. The model passes it on to Elastic Load Balancing, and brings
//! back from when on those that were deregistered are free.

use super::super::ec2::Ec2;
use super::super::elbv2::Elbv2;
use super::AutoScaling;
use super::books::Now;
use super::call::{Action, Answer, PageRequest};
use super::error::{ApiError, Code};
use super::group::Group;
use super::page::Page;
use super::words::{ActivityStatus, LifecycleState, Process};

const PAGE_MAX: u32 = 100;
/// Target groups of one group, and of one call (aws-facts 3.1).
const TARGETS_MAX: usize = 50;
const TARGETS_PER_CALL: usize = 10;
/// From attaching until every member is registered.
const ADDING_MS: i64 = 2_000;

/// What a group asks of its target groups, about one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub at_ms: i64,
    pub ordinal: u32,
    pub instance: String,
    /// ARNs.
    pub target_groups: Vec<String>,
    pub wants: Wants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    Register,
    /// It stays where it is until it is let go ([`AutoScaling::let_go`]).
    Deregister,
    /// The target group is detached, and its members serve on.
    Forget,
}

impl AutoScaling {
    pub(super) fn attach_targets(
        &mut self,
        name: &str,
        arns: &[String],
        (ec2, elbv2): (&mut Ec2, &Elbv2),
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        check_targets(arns)?;
        let before = group.target_groups.clone();
        group.add_targets(arns, elbv2, now_ms)?;
        let new: Vec<String> = arns.iter().filter(|arn| !before.contains_key(*arn)).cloned().collect();
        if group.does(Process::AddToLoadBalancer) {
            for ordinal in group.serving() {
                group.ask(ordinal, Wants::Register, new.clone(), &mut now);
            }
        }
        Ok(Answer::Done(Action::AttachLoadBalancerTargetGroups))
    }

    pub(super) fn detach_targets(
        &mut self,
        name: &str,
        arns: &[String],
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        check_targets(arns)?;
        if let Some(arn) = arns.iter().find(|arn| !group.target_groups.contains_key(*arn)) {
            return Err(ApiError::invalid(format!(
                "Trying to remove Target Groups that are not part of the group: {arn}"
            )));
        }
        group.target_groups.retain(|arn, _| !arns.contains(arn));
        for ordinal in group.serving() {
            group.ask(ordinal, Wants::Forget, arns.to_vec(), &mut now);
        }
        Ok(Answer::Done(Action::DetachLoadBalancerTargetGroups))
    }

    pub(super) fn describe_targets(
        &self,
        name: &str,
        page: &PageRequest,
        (ec2, elbv2): (&Ec2, &Elbv2),
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let page = Page::asked(page, PAGE_MAX, PAGE_MAX)?;
        let group = self.groups.get(name).ok_or_else(|| ApiError::no_group(name))?;
        let passes = |arn: &String| {
            let healthy = |id: &String| elbv2.is_healthy(arn, id, ec2, now_ms);
            group.serving().into_iter().any(|ordinal| healthy(&ec2.id_of(ordinal)))
        };
        let state = |arn: &String, since: i64| {
            if now_ms < since + ADDING_MS {
                "Adding"
            } else if passes(arn) {
                "InService"
            } else {
                "Added"
            }
        };
        let all =
            group.target_groups.iter().map(|(arn, since)| (arn.clone(), (arn.clone(), state(arn, *since))));
        let (targets, next_token) = page.cut(all);
        Ok(Answer::TargetGroups { targets: targets.into_iter().collect(), next_token })
    }

    /// What was asked since the last time.
    pub(in super::super) fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.books.orders)
    }

    /// A member that was deregistered has drained at that time: now, or later.
    pub(in super::super) fn let_go(&mut self, ordinal: u32, free_ms: i64, ec2: &mut Ec2, now_ms: i64) {
        let Some(name) = self.books.homes.get(&ordinal).cloned() else { return };
        let Some(group) = self.groups.get_mut(&name) else { return };
        group.let_go(ordinal, free_ms, &mut Now { ms: now_ms, books: &mut self.books, ec2 });
    }
}

impl Group {
    pub(super) fn add_targets(
        &mut self,
        arns: &[String],
        elbv2: &Elbv2,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        if !arns.iter().all(|arn| elbv2.has_group(arn)) {
            return Err(ApiError::invalid(
                "Provided Target Groups may not be valid. Please ensure they exist and try again.",
            ));
        }
        let new = arns.iter().filter(|arn| !self.target_groups.contains_key(*arn)).count();
        if self.target_groups.len() + new > TARGETS_MAX {
            return Err(ApiError::new(
                Code::LimitExceeded,
                format!("A group may have at most {TARGETS_MAX} target groups"),
            ));
        }
        for arn in arns {
            self.target_groups.entry(arn.clone()).or_insert(now_ms);
        }
        Ok(())
    }

    /// A member serves from now on, and is registered unless the process for it is suspended: then it never is,
    /// by the group (aws-facts 3.7).
    pub(super) fn register(&mut self, ordinal: u32, now: &mut Now<'_>) {
        if self.does(Process::AddToLoadBalancer) {
            self.ask(ordinal, Wants::Register, self.target_groups.keys().cloned().collect(), now);
        }
    }

    /// Enters a state that ends by itself, on the way out of service: one that is registered is deregistered
    /// first, and goes on when it is let go.
    pub(super) fn enter_deregistered(&mut self, ordinal: u32, state: LifecycleState, now: &mut Now<'_>) {
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        let registered = std::mem::take(&mut member.registered);
        let until = if registered && !self.target_groups.is_empty() {
            self.ask(ordinal, Wants::Deregister, self.target_groups.keys().cloned().collect(), now);
            None
        } else {
            Some(now.passing())
        };
        self.enter(ordinal, state, until, now);
    }

    fn let_go(&mut self, ordinal: u32, free_ms: i64, now: &mut Now<'_>) {
        let Some(member) = self.members.get(&ordinal) else { return };
        let (state, activity) = (member.state, member.activity);
        // Of the states that nothing but this ends, only these are entered deregistered.
        let leaves = matches!(
            state,
            LifecycleState::Terminating | LifecycleState::EnteringStandby | LifecycleState::Detaching
        );
        if !leaves || member.until_ms.is_some() {
            return;
        }
        if let Some(number) = activity.filter(|_| free_ms > now.ms) {
            now.books.log.enter(number, ActivityStatus::WaitingForElbConnectionDraining, None, now.ms);
        }
        let until = now.passing().max(free_ms);
        self.enter(ordinal, state, Some(until), now);
    }

    /// The ordinals of the members in service.
    fn serving(&self) -> Vec<u32> {
        let serves = |m: &&super::member::Member| m.state == LifecycleState::InService;
        self.members.values().filter(serves).map(|m| m.ordinal).collect()
    }

    fn ask(&mut self, ordinal: u32, wants: Wants, target_groups: Vec<String>, now: &mut Now<'_>) {
        if let Some(member) = self.members.get_mut(&ordinal) {
            match wants {
                Wants::Register => member.registered = true,
                Wants::Deregister => member.registered = false,
                Wants::Forget => {}
            }
        }
        if !target_groups.is_empty() {
            let instance = now.ec2.id_of(ordinal);
            now.books.orders.push(Order { at_ms: now.ms, ordinal, instance, target_groups, wants });
        }
    }
}

fn check_targets(arns: &[String]) -> Result<(), ApiError> {
    if arns.len() > TARGETS_PER_CALL {
        return Err(ApiError::invalid(format!(
            "Trying to update too many Load Balancers/Target Groups at once. The limit is {TARGETS_PER_CALL}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::ec2::testing::{Ask, terminate as end};
    use super::super::super::elbv2::testing as elb;
    use super::super::call::Call;
    use super::super::testing::*;
    use super::super::words::Transition;
    use super::*;

    /// A group of three that is attached to a target group behind a load balancer, a minute old; the target
    /// group's ARN. Nobody configures the instances: they fail the checks.
    fn behind_a_balancer(change: impl FnOnce(&mut super::super::call::CreateGroup)) -> (Model, String) {
        let mut model = model(|_| {});
        let arn = elb::behind_a_balancer(&mut model);
        let mut call = create(0, 9, 3);
        call.target_groups = vec![arn.clone()];
        change(&mut call);
        model.done(Call::CreateAutoScalingGroup(Box::new(call)), 0);
        assert_eq!(group(&mut model, 60_000).tally.in_service, 3);
        (model, arn)
    }

    #[test]
    fn target_groups_exist_and_come_ten_at_a_time_and_have_a_state() {
        let mut model = serving(0, 3, 1);
        let arns: Vec<String> =
            (0..11).map(|n| elb::create_group(&mut model, &format!("t{n}"), elb::HTTP)).collect();
        let attach =
            |arns: &[String]| Call::AttachLoadBalancerTargetGroups { group: WEB.into(), arns: arns.to_vec() };
        assert!(model.refused(attach(&arns), 60_000).1.contains("The limit is 10"));
        assert!(model.refused(attach(&[format!("{}0", arns[0])]), 60_000).1.contains("ensure they exist"));
        model.done(attach(&arns[..1]), 60_000);
        let states = |model: &mut Model, now| {
            let call =
                Call::DescribeLoadBalancerTargetGroups { group: WEB.into(), page: PageRequest::default() };
            let Answer::TargetGroups { targets, .. } = model.done(call, now) else { panic!("no targets") };
            targets.into_values().collect::<Vec<_>>()
        };
        assert_eq!(states(&mut model, 60_000), ["Adding"]);
        assert_eq!(states(&mut model, 62_000), ["Added"]);
        let ids = in_service(&mut model, 62_000);
        assert_eq!(elb::registered(&mut model, &arns[0], 62_000), ids);
        elb::forward(&mut model, &arns[0]);
        let address = model.ledger(62_000).instances[0].address;
        assert!(model.configure(address, None, None, 62_000));
        assert_eq!(states(&mut model, 600_000), ["InService"]);
        let detach = |arn: &String| Call::DetachLoadBalancerTargetGroups {
            group: WEB.into(),
            arns: vec![arn.clone()],
        };
        assert_eq!(model.refused(detach(&arns[5]), 600_000).0, "ValidationError");
        model.done(detach(&arns[0]), 600_000);
        assert!(states(&mut model, 600_000).is_empty());
        assert_eq!(in_service(&mut model, 600_000), ids, "it serves on");
        assert!(elb::registered(&mut model, &arns[0], 600_000).is_empty());
    }

    #[test]
    fn whoever_serves_is_registered_and_whoever_comes_while_that_is_suspended_is_not() {
        let (mut model, arn) = behind_a_balancer(|_| {});
        let three = in_service(&mut model, 60_000);
        assert_eq!(elb::registered(&mut model, &arn, 60_000), three);
        let processes = vec![Process::AddToLoadBalancer];
        model.done(Call::SuspendProcesses { group: WEB.into(), processes: processes.clone() }, 60_000);
        model.done(set_desired(4), 60_000);
        assert_eq!(in_service(&mut model, 120_000).len(), 4);
        model.done(Call::ResumeProcesses { group: WEB.into(), processes }, 120_000);
        assert_eq!(elb::registered(&mut model, &arn, 180_000), three);
    }

    #[test]
    fn whoever_leaves_drains_before_its_hooks_run() {
        let (mut model, arn) =
            behind_a_balancer(|call| call.hooks = vec![hook("down", Transition::Terminating)]);
        let ids = in_service(&mut model, 60_000);
        model.done(terminate(&ids[..1], true), 60_000);
        assert_eq!(elb::registered(&mut model, &arn, 60_000), ids[1..]);
        let activity = |model: &mut Model, now| activities(model, now)[0].status;
        assert_eq!(activity(&mut model, 60_000), ActivityStatus::WaitingForElbConnectionDraining);
        // The target group's delay is five minutes.
        assert_eq!(ids_in(&mut model, LifecycleState::Terminating, 359_999), ids[..1]);
        assert_eq!(ids_in(&mut model, LifecycleState::TerminatingWait, 360_000), ids[..1]);
        assert_eq!(activity(&mut model, 360_000), ActivityStatus::MidLifecycleAction);
    }

    #[test]
    fn nobody_drains_who_is_dead_or_has_no_connections() {
        for connections_stay in [true, false] {
            let mut model = model(|s| s.autoscaling.switches.connections_outlast_draining = connections_stay);
            let arn = elb::behind_a_balancer(&mut model);
            let mut call = create(0, 9, 2);
            call.target_groups = vec![arn];
            model.done(Call::CreateAutoScalingGroup(Box::new(call)), 0);
            let ids = in_service(&mut model, 60_000);
            model.ask(&end(&ids[..1]), 60_000);
            model.done(terminate(&ids[1..], true), 60_000);
            let gone =
                |model: &mut Model, id: &String| !group(model, 240_000).members.iter().any(|m| m.id == *id);
            assert!(gone(&mut model, &ids[0]), "the dead one");
            assert_eq!(gone(&mut model, &ids[1]), !connections_stay);
        }
    }

    #[test]
    fn standby_and_detached_ones_drain_too_and_come_back() {
        let (mut model, arn) = behind_a_balancer(|_| {});
        let ids = in_service(&mut model, 60_000);
        model.done(Call::EnterStandby { members: members(&ids[..1]), decrement: true }, 60_000);
        model.done(Call::DetachInstances { members: members(&ids[1..2]), decrement: true }, 60_000);
        assert_eq!(elb::registered(&mut model, &arn, 60_000), ids[2..]);
        assert_eq!(group(&mut model, 359_999).members.len(), 3);
        let after = group(&mut model, 361_000);
        assert_eq!((after.members.len(), after.tally.aside), (2, 1));
        model.done(Call::ExitStandby(members(&ids[..1])), 361_000);
        assert_eq!(in_service(&mut model, 370_000).len(), 2);
        let both = [ids[0].clone(), ids[2].clone()];
        assert_eq!(elb::registered(&mut model, &arn, 370_000), both);
    }

    #[test]
    fn what_is_attached_later_gets_those_who_serve() {
        let mut model = serving(0, 3, 2);
        let arn = elb::behind_a_balancer(&mut model);
        let attach = Call::AttachLoadBalancerTargetGroups { group: WEB.into(), arns: vec![arn.clone()] };
        model.done(attach.clone(), 60_000);
        let ids = in_service(&mut model, 60_000);
        assert_eq!(elb::registered(&mut model, &arn, 60_000), ids);
        // The same again changes nothing: one that somebody took out by hand stays out.
        elb::deregister(&mut model, &arn, &ids[..1], 60_000);
        model.done(attach, 61_000);
        assert_eq!(elb::registered(&mut model, &arn, 61_000), ids[1..]);
    }
}
