//! Increases of a quota: one that is open is followed, whoever asked for it; ours is asked for once, and the row of
//! the request knows its id, whatever was lost.

use super::*;
use crate::decide::gateway::testing::gateway;
use crate::decide::gateway::words::GatewayState;
use crate::sim::model::elbv2;
use crate::sim::model::quotas::call::{Answer, Call, Page, RequestView};
use crate::sim::model::quotas::testing;
use crate::sim::settings::{QuotaVerdict, RefusedAs};

/// Network interfaces of the Region, 5,000 by default.
const SERVICE: &str = "vpc";
const CODE: &str = "L-DF5E4CA3";
const WANTED: u32 = 9_000;
/// What somebody else asked for.
const THEIRS: f64 = 7_000.0;

fn world(seed: u64, verdict: QuotaVerdict) -> World {
    let mut dice = Dice::new(seed, 0x900a);
    let mut model = elbv2::testing::model(|s| {
        s.quotas.verdict = verdict;
        s.quotas.refused_as = match dice.between(0, 2) {
            0 => RefusedAs::CaseClosed,
            1 => RefusedAs::Denied,
            _ => RefusedAs::NotApproved,
        };
        if dice.chance(50.0) {
            // Answered before a lost call is looked for.
            s.quotas.answered_after.min_ms = 1_000;
        }
    });
    if seed.is_multiple_of(2) {
        let long_ago = START.minus(MINUTE);
        testing::request(&mut model, SERVICE, CODE, THEIRS, long_ago.0).unwrap();
    }
    let vcpus = Gateway { resource: format!("{SERVICE}/{CODE}"), ..gateway("vcpus") };
    World::new(model, dice, vcpus, WANTED)
}

fn increases(world: &mut World) -> Vec<RequestView> {
    let (of, now) = (testing::of(SERVICE, CODE), world.now.0);
    let call =
        Call::ListRequestedServiceQuotaChangeHistoryByQuota { of, status: None, page: Page::default() };
    let answer = testing::ask(&mut world.model, call, now).unwrap();
    let Answer::RequestedList { requests, .. } = answer else { panic!("{answer:?}") };
    requests
}

/// How many came into effect, wholly or in part, and the kills.
fn judge(seeds: std::ops::Range<u64>, verdict: QuotaVerdict) -> (u32, u32) {
    let (mut reached, mut kills) = (0, 0);
    for seed in seeds {
        let mut world = one(world(seed, verdict), seed);
        let Some(row) = world.row().cloned() else { panic!("seed {seed}: never committed") };
        assert!(row.state.is_over(), "seed {seed}: {row:?}");
        let all = increases(&mut world);
        let ours: Vec<&RequestView> = all.iter().filter(|r| r.desired > THEIRS).collect();
        assert!(ours.len() <= 1, "seed {seed}: asked for twice: {ours:?}");
        if let Some(ours) = ours.first() {
            assert_eq!(row.reference.as_ref(), Some(&ours.id), "seed {seed}: forgotten: {row:?}");
        }
        match verdict {
            QuotaVerdict::Approved => {}
            QuotaVerdict::Partly => assert!(row.in_effect < WANTED, "seed {seed}: {row:?}"),
            QuotaVerdict::Denied | QuotaVerdict::Never => {
                assert!(!world.reached, "seed {seed}: {row:?}");
                let given = row.ended_by.is_some() && row.state == GatewayState::Released;
                let no = matches!(row.state, GatewayState::Refused | GatewayState::Expired);
                assert!(given || no, "seed {seed}: {row:?}");
            }
        }
        reached += u32::from(world.reached);
        kills += world.kills;
    }
    (reached, kills)
}

#[test]
fn an_increase_is_asked_for_once_and_known_whatever_is_lost_or_killed() {
    let (reached, kills) = judge(0..200, QuotaVerdict::Approved);
    assert!(reached >= 120, "{reached} of 200 came into effect");
    assert!(kills >= 100, "{kills} kills");
}

#[test]
fn a_part_that_is_granted_is_in_effect() {
    let (reached, _) = judge(200..300, QuotaVerdict::Partly);
    assert!(reached >= 40, "{reached} of 100 came into effect in part");
}

#[test]
fn what_is_refused_or_never_answered_ends() {
    assert_eq!(judge(300..400, QuotaVerdict::Denied).0, 0);
    assert_eq!(judge(400..450, QuotaVerdict::Never).0, 0);
}
