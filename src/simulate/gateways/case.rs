//! Support cases about a transit gateway: one for each request, whatever is lost, and the request's row knows its id.

use super::*;
use crate::decide::gateway::ConfirmAsk;
use crate::decide::gateway::case::{SupportSpec, marker};
use crate::decide::gateway::testing::gateway;
use crate::decide::gateway::words::GatewayState;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall};
use crate::sim::model::elbv2;
use crate::sim::model::support::call::{Answer, Call, CaseView, DescribeCases, Verb};
use crate::sim::settings::Person;

const WANTED: u32 = 200;

fn world(seed: u64, subscription: bool) -> World {
    let mut dice = Dice::new(seed, 0x900c);
    let model = elbv2::testing::model(|s| {
        s.support.subscription = subscription;
        s.support.person = Person::Agrees;
        s.support.person_resolves = dice.chance(50.0);
        if dice.chance(50.0) {
            // Answered before a lost call is looked for.
            s.support.answered_after.min_ms = 1_000;
            s.support.assigned_after_ms = 500;
        }
    });
    let spec = SupportSpec {
        service: "amazon-virtual-private-cloud".into(),
        category: "other".into(),
        severity: "high".into(),
        language: "en".into(),
        cc: Vec::new(),
    };
    let core = Gateway { support: Some(Arc::new(spec)), ..gateway("tgw") };
    let mut world = World::new(model, dice, core, WANTED);
    // Somebody says what it carries, sooner or later, or never.
    if seed % 4 < 2 {
        let minute = world.dice.between(1, 150);
        let confirm = ConfirmAsk { id: "request".into(), capacity: WANTED, by: "carl".into(), note: None };
        world.at(START.plus(minute * MINUTE), Coming::Order(Order::ConfirmGateway(confirm)));
    }
    world
}

/// The cases of the request.
fn cases(world: &mut World) -> Vec<CaseView> {
    let all = DescribeCases { include_resolved: true, ..DescribeCases::default() };
    let call = AnyCall::Support(Call { dry_run: false, verb: Verb::DescribeCases(all) });
    let reply = world.model.handle(&call, world.now.0);
    let Outcome::Answer(AnyAnswer::Support(Answer::Cases { mut cases, .. })) = reply.outcome else {
        panic!("{:?}", reply.outcome)
    };
    cases.retain(|case| case.created.subject.starts_with(&marker("request")));
    cases
}

#[test]
fn one_case_is_made_and_known_whatever_is_lost_or_killed() {
    let (mut made, mut kills, mut silent) = (0, 0, 0);
    for seed in 0..300 {
        let mut world = one(world(seed, true), seed);
        let Some(row) = world.row().cloned() else { panic!("seed {seed}: never committed") };
        assert!(row.state.is_over(), "seed {seed}: {row:?}");
        let all = cases(&mut world);
        assert!(all.len() <= 1, "seed {seed}: asked for twice: {all:?}");
        let known = all.first().map(|case| &case.id);
        assert_eq!(row.reference.as_ref(), known, "seed {seed}: forgotten: {row:?}");
        // Whoever was not confirmed is over by its time, or by an order.
        silent += u32::from(row.state == GatewayState::Expired);
        made += all.len();
        kills += world.kills;
    }
    assert!(made >= 200, "{made} cases of 300 requests");
    assert!(silent >= 50, "{silent} of 300 were never confirmed");
    assert!(kills >= 100, "{kills} kills");
}

#[test]
fn without_a_plan_people_are_asked_without_a_case() {
    for seed in 300..350 {
        let world = one(world(seed, false), seed);
        let Some(row) = world.row() else { panic!("seed {seed}: never committed") };
        assert!(row.state.is_over() && row.reference.is_none(), "seed {seed}: {row:?}");
        assert!(row.calls <= 1 + world.kills, "seed {seed}: tried {} times", row.calls);
        assert!(row.reminders > 0 || row.ended_by.is_some() || row.state.is_over(), "seed {seed}: {row:?}");
    }
}
