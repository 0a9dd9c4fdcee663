//! What holds of groups whatever is called: checked over many random sequences.

use std::collections::BTreeSet;

use super::super::super::draw::{Draw, Purpose};
use super::super::super::ledger::{GroupEntry, Ledger};
use super::super::super::settings::{AutoScalingSwitches, Faults, PoolCapacity, Range, Settings};
use super::super::ec2::testing::{Ask, terminate as end};
use super::call::{Call, CreateGroup, PutWarmPool, Shape};
use super::testing::*;
use super::words::{HealthStatus, HookResult, LifecycleState, PoolState, Process, Stage, Transition};
use super::{Adjustment, Tally};

/// Chance decides who breaks, what is lost, who is short, and which way each switch stands.
fn world(draw: &mut Draw) -> Settings {
    let mut settings = settings();
    settings.broken = 25.0;
    settings.shutdown = Range { min_ms: 1_000, max_ms: 30_000 };
    settings.faults = Faults { throttle: 5.0, lost_replies: 5.0, lost_replies_before: 5.0, errors: 5.0 };
    settings.capacity =
        vec![PoolCapacity { zone: "us-east-1a".into(), instance_type: None, instances: 2 + draw.below(9) }];
    settings.autoscaling.acts_after = Range { min_ms: 0, max_ms: 5_000 };
    settings.autoscaling.switches = AutoScalingSwitches {
        rebalances: draw.chance(50.0),
        terminating_counts_against_max: draw.chance(50.0),
        ..AutoScalingSwitches::default()
    };
    settings
}

fn any_group(draw: &mut Draw) -> CreateGroup {
    let mut group = create(0, 30, i64::from(draw.below(20)));
    for (name, transition) in [("up", Transition::Launching), ("down", Transition::Terminating)] {
        if draw.chance(50.0) {
            group.hooks.push(hook(name, transition));
        }
    }
    group.shape.retains = Some(draw.chance(30.0));
    group
}

/// Some ids of the group, or of strangers.
fn some(draw: &mut Draw, group: &GroupEntry) -> Vec<String> {
    let all: Vec<String> = group.members.iter().map(|m| m.id.clone()).collect();
    if all.is_empty() || draw.chance(3.0) {
        return vec!["i-0123456789abcdef0".into()];
    }
    let from = draw.below(u32::try_from(all.len()).unwrap()) as usize;
    all[from..all.len().min(from + 1 + draw.below(4) as usize)].to_vec()
}

fn any_call(draw: &mut Draw, ledger: &Ledger, group: &GroupEntry) -> Call {
    let ids = some(draw, group);
    let decrement = draw.chance(50.0);
    let process = Process::ALL[draw.below(u32::try_from(Process::ALL.len()).unwrap()) as usize];
    match draw.below(16) {
        0 | 1 => set_desired(i64::from(draw.below(33)) - 1),
        2 => launch(
            &format!("t{}", draw.below(40)),
            i64::from(1 + draw.below(6)),
            if decrement { A } else { B },
        ),
        3 => Call::EnterStandby { members: members(&ids), decrement },
        4 => Call::ExitStandby(members(&ids)),
        5 => Call::DetachInstances { members: members(&ids), decrement },
        6 => {
            let strays = ledger.instances.iter().filter(|i| group.members.iter().all(|m| m.id != i.id));
            let strays: Vec<String> = strays.rev().take(2).map(|i| i.id.clone()).collect();
            Call::AttachInstances(members(&strays))
        }
        7 => terminate(&ids, decrement),
        8 => Call::SetInstanceProtection { members: members(&ids), protected: decrement },
        9 => Call::SetInstanceHealth {
            id: ids[0].clone(),
            status: HealthStatus::Unhealthy,
            respect_grace_period: decrement,
        },
        10 => Call::SuspendProcesses { group: WEB.into(), processes: vec![process] },
        11 => Call::ResumeProcesses { group: WEB.into(), processes: vec![] },
        12 => {
            let shape = Shape { max: Some(i64::from(5 + draw.below(30))), ..Shape::default() };
            Call::UpdateAutoScalingGroup { group: WEB.into(), shape: Box::new(shape) }
        }
        13 => {
            let (max_prepared, state) = (Some(i64::from(draw.below(25))), Some(PoolState::Running));
            let pool = PutWarmPool { max_prepared, state, reuse_on_scale_in: Some(decrement), min: None };
            Call::PutWarmPool { group: WEB.into(), pool }
        }
        14 => Call::DeleteWarmPool { group: WEB.into(), force: decrement },
        _ => match ledger.hook_actions.iter().rev().find(|a| a.ended.is_none()) {
            Some(action) if draw.chance(70.0) => complete(action, HookResult::Continue),
            Some(action) => complete(action, HookResult::Abandon),
            None => set_desired(10),
        },
    }
}

/// In words: the desired capacity is between the bounds; the tally is what counting gives; whoever
/// counts as a member is one instance that EC2 knows, in one group; whoever waits for a hook has an
/// action that waits, and the other way round; nobody who is in service was ended by the group.
fn check(ledger: &Ledger) {
    for group in &ledger.groups {
        assert!((group.min..=group.max).contains(&group.desired) || group.deleting, "{group:?}");
        let mut tally = Tally::default();
        group.members.iter().for_each(|m| tally.add(m.state.stage()));
        assert_eq!(tally, group.tally);
        let ids: BTreeSet<&String> = group.members.iter().map(|m| &m.id).collect();
        assert_eq!(ids.len(), group.members.len(), "a member is in a group once");
        for member in &group.members {
            let instance = &ledger.instances[member.ordinal as usize];
            assert_eq!(instance.id, member.id);
            let open = ledger.hook_actions.iter().filter(|a| a.instance == member.id && a.ended.is_none());
            let waits = matches!(
                member.state,
                LifecycleState::PendingWait
                    | LifecycleState::TerminatingWait
                    | LifecycleState::WarmedPendingWait
                    | LifecycleState::WarmedTerminatingWait
            );
            assert_eq!(open.count() > 0, waits, "{member:?}");
        }
    }
    for action in &ledger.hook_actions {
        let end = action.ended_ms.unwrap_or(ledger.now_ms);
        assert!(end <= action.started_ms + action.global_ms, "{action:?}");
        assert_eq!(action.ended.is_some(), action.result.is_some());
    }
}

/// Nothing was counted beyond the maximum, but for what balances the zones: 10 % of it, at least 1.
fn check_maximum(group: &GroupEntry, may_shrink: bool, rebalances: bool) {
    let margin = if rebalances { (group.max.max(36) / 10).max(1) } else { 0 };
    // A maximum that is lowered finds members that were there before.
    if !may_shrink {
        assert!(group.most_over_max <= margin, "{group:?}");
    }
}

#[test]
fn the_arithmetic_of_a_group_holds_after_any_sequence_of_calls() {
    let (mut launched, mut hooked) = (0, 0);
    for seed in 0..60 {
        let mut draw = Draw::new(seed, Purpose::AutoScaling, u64::MAX);
        let settings = world(&mut draw);
        let rebalances = settings.autoscaling.switches.rebalances;
        let mut model = Model::new(settings, seed).unwrap();
        let group = any_group(&mut draw);
        while model.ledger(0).groups.is_empty() {
            model.asg(&Call::CreateAutoScalingGroup(Box::new(group.clone())), 0);
        }
        let (mut now, mut may_shrink) = (0, false);
        for _ in 0..150 {
            now += i64::from(draw.below(20_000));
            let ledger = model.ledger(now);
            let Some(group) = ledger.groups.first() else { break };
            if draw.chance(10.0) {
                model.ask(&end(&some(&mut draw, group)), now);
            } else if draw.chance(5.0) {
                model.alarm(WEB, Adjustment::By(i64::from(draw.below(20)) - 10), now).unwrap();
            } else {
                let call = any_call(&mut draw, &ledger, group);
                may_shrink |= matches!(call, Call::UpdateAutoScalingGroup { .. });
                model.asg(&call, now);
            }
            let ledger = model.ledger(now);
            check(&ledger);
            check_maximum(&ledger.groups[0], may_shrink, rebalances);
        }
        let ledger = model.ledger(now);
        launched += ledger.instances.len();
        hooked += ledger.hook_actions.len();
    }
    assert!(launched > 2_000 && hooked > 500, "too little happened to prove anything: {launched}, {hooked}");
}

/// When the faults stop and everything is allowed again, the group comes to what is desired.
#[test]
fn a_group_that_is_left_alone_comes_to_its_desired_size() {
    for seed in 0..20 {
        let mut draw = Draw::new(seed, Purpose::AutoScaling, u64::MAX - 1);
        let mut settings = settings();
        settings.autoscaling.switches.terminating_counts_against_max = draw.chance(50.0);
        let mut model = Model::new(settings, seed).unwrap();
        model.done(Call::CreateAutoScalingGroup(Box::new(create(0, 30, 12))), 0);
        let mut now = 0;
        for _ in 0..60 {
            now += i64::from(draw.below(9_000));
            let ledger = model.ledger(now);
            let call = any_call(&mut draw, &ledger, &ledger.groups[0]);
            model.asg(&call, now);
        }
        model.asg(&Call::ResumeProcesses { group: WEB.into(), processes: vec![] }, now);
        let ids: Vec<String> = model.ledger(now).groups[0].members.iter().map(|m| m.id.clone()).collect();
        for ids in ids.chunks(50) {
            for id in ids {
                let one = std::slice::from_ref(id);
                model.asg(&Call::SetInstanceProtection { members: members(one), protected: false }, now);
            }
        }
        let group = group(&mut model, now + 1_800_000);
        assert_eq!(group.tally.in_service, group.desired, "seed {seed}: {group:?}");
        assert_eq!((group.tally.coming, group.tally.leaving), (0, 0), "seed {seed}");
        assert!(group.members.iter().all(|m| m.state.stage() != Stage::LeavingWarm), "seed {seed}");
    }
}
