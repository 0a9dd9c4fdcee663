//! What must be true of the core, told as stories.

use std::time::Duration;

use super::world::{Faults, START, World, group};
use crate::decide::Settings;
use crate::decide::action::Refusal;
use crate::decide::event::CallError;
use crate::decide::group::{Canary, Group};
use crate::decide::wait::Wait;
use crate::decide::words::{Api, ErrorClass, Phase, ScaleUpState};

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn twelve_hundred_come_into_service_within_the_calls_allowed() {
    let mut w = World::new(1, Faults::default(), vec![group("web")]);
    w.ask("web", 1_200);
    w.run(HOUR);
    w.assert_served(1_200);
    assert_eq!(w.launched(), 1_200);
    let calls: u64 = w.calls.values().sum();
    assert!(calls <= 120, "{calls} calls: {:?}", w.calls);
    // 1,000 at once, 200 at 2 a second, then the slowest boot and configure: 100 + 60 + 35 s.
    let took = w.now.since(START).as_secs();
    assert!((100..=215).contains(&took), "{took} s");
}

#[test]
fn faults_of_every_kind_and_a_crash_every_few_rounds_lose_and_duplicate_nothing() {
    for seed in 0..36 {
        let faults = Faults {
            throttle: [0, 50, 20][seed as usize % 3],
            lost: [0, 10, 30][seed as usize / 3 % 3],
            broken: [0, 10, 30][seed as usize / 9 % 3],
            crash_every: [0, 7, 40][seed as usize / 2 % 3],
            partial: seed % 2 == 0,
            ..Faults::default()
        };
        let mut w = World::new(seed, faults, vec![group("web")]);
        w.ask("web", 150);
        // First safety, then liveness: the faults heal, and everything must settle.
        w.run(HOUR / 60);
        w.faults = Faults { broken: w.faults.broken, ..Faults::default() };
        w.run(HOUR);
        assert_eq!(
            w.scale_up(1).state,
            ScaleUpState::Done,
            "seed {seed} {faults:?}: {:?}",
            w.core.view(w.now)
        );
        assert_eq!(w.scale_up(1).in_service, 150, "seed {seed}");
        w.assert_served(150);
    }
}

#[test]
fn a_lost_answer_leads_to_a_look_or_the_same_call_and_no_second_launch() {
    let mut calls = 0;
    for seed in 0..20 {
        let mut w = World::new(seed, Faults { lost: 60, ..Faults::default() }, vec![group("web")]);
        w.ask("web", 100);
        w.run(HOUR);
        w.assert_served(100);
        assert_eq!(w.launched(), 100, "found or sent again, never launched again");
        calls += w.calls[&Api::RunInstances];
    }
    // Of 20, 12 are lost; their looks are lost as often; and so on: 1 / (1 - 0.36) calls each.
    assert!((21..=50).contains(&calls), "{calls} calls for 20 launches");
}

#[test]
fn half_of_all_calls_throttled_defers_batches_and_stays_within_the_tokens() {
    let mut w = World::new(5, Faults { throttle: 50, ..Faults::default() }, vec![group("web")]);
    w.ask("web", 1_200);
    w.run(HOUR);
    w.assert_served(1_200);
    assert_eq!(w.launched(), 1_200);
    let s = w.now.since(START).as_secs_f64();
    let runs = w.calls[&Api::RunInstances];
    assert!(runs as f64 <= 5.0 + 2.0 * s, "{runs} launches in {s} s");
    let batches = w.core.launches.last_seq;
    assert!(batches <= 60, "{batches} batches for 1,200: none smaller than the 20 that are worthwhile");
    assert!(s < 400.0, "{s} s");
}

#[test]
fn broken_ones_give_their_place_back_before_they_are_replaced() {
    let mut spec = group("web");
    spec.max = 200;
    let mut w = World::new(7, Faults { broken: 30, ..Faults::default() }, vec![spec]);
    w.ask("web", 200);
    w.run(HOUR);
    w.assert_served(200);
    assert_eq!(w.most_live, 200, "never above the maximum, broken ones included");
    assert!(w.launched() > 200);
    let reasons: Vec<_> =
        w.instances().filter(|i| i.phase == Phase::Gone).filter_map(|i| i.reason.clone()).collect();
    assert_eq!(reasons.len(), w.launched() - 200, "each with its reason");
    assert!(reasons.iter().any(|r| r.contains("no answer, 3 times in a row")), "{reasons:?}");
}

#[test]
fn an_unproven_version_is_tried_with_ten_and_a_bad_one_wastes_at_most_twenty() {
    let unproven = |broken| {
        let spec = Group { canary: Canary::default(), ..group("web") };
        let mut w = World::new(11, Faults { broken, ..Faults::default() }, vec![spec]);
        w.ask("web", 500);
        w.run(Duration::from_secs(8));
        assert_eq!(w.launched(), 10);
        assert!(matches!(w.core.view(w.now).groups[0].wait, Some(Wait::Canary { tried: 10, size: 10 })));
        w
    };
    let mut good = unproven(0);
    good.run(HOUR);
    good.assert_served(500);
    assert_eq!(good.journal("proven").len(), 1);
    let mut bad = unproven(100);
    bad.run(Duration::from_secs(600));
    assert!(bad.launched() <= 20, "{} wasted", bad.launched());
    assert!(!bad.journal("breaker_open").is_empty());
}

#[test]
fn cancelling_takes_away_what_is_under_way_and_accounts_for_every_slot() {
    for crash_every in [0, 5] {
        let faults = Faults { lost: 20, crash_every, ..Faults::default() };
        let mut w = World::new(13, faults, vec![group("web")]);
        w.ask("web", 1_200);
        w.run(Duration::from_secs(30));
        w.cancel("id-1");
        w.run(HOUR / 12);
        w.faults = Faults::default();
        w.run(HOUR);
        let row = w.scale_up(1);
        assert_eq!(row.state, ScaleUpState::Done);
        assert_eq!(row.in_service + row.withdrawn, 1_200);
        let (kept, short) = (row.in_service, row.withdrawn);
        w.assert_served(kept as usize);
        let with_reason = w.instances().filter(|i| i.phase == Phase::Withdrawn && i.reason.is_some()).count();
        assert_eq!(with_reason, short as usize, "a shortfall with a reason per slot");
        w.cancel("id-1");
        assert!(
            w.answers.values().any(|a| matches!(a, Err(Refusal::UnknownScaleUp { .. }))),
            "done and let go of"
        );
    }
}

/// Found when the test above crashed on for hours: each new process made the broken ones wait for
/// company anew, so none was ever removed.
#[test]
fn a_process_that_is_killed_every_few_seconds_still_removes_what_is_broken() {
    let mut w = World::new(14, Faults { broken: 100, ..Faults::default() }, vec![group("web")]);
    w.ask("web", 20);
    w.run(Duration::from_secs(60));
    w.cancel("id-1");
    for _ in 0..100 {
        w.run(Duration::from_secs(3));
        w.crash();
    }
    assert_eq!(w.live(), 0, "removed between the kills");
}

/// Found by a simulation: each new process looked at booting instances only after five seconds, by
/// when it was killed.
#[test]
fn a_process_that_is_killed_every_few_seconds_still_brings_instances_into_service() {
    let mut calm = World::new(15, Faults::default(), vec![group("web")]);
    calm.ask("web", 300);
    calm.run(HOUR);
    let mut w = World::new(15, Faults::default(), vec![group("web")]);
    w.ask("web", 300);
    while w.scale_up(1).state != ScaleUpState::Done && w.now < START.plus(HOUR) {
        w.run(Duration::from_secs(5));
        w.crash();
    }
    w.assert_served(300);
    let ratio = w.now.since(START).as_secs_f64() / calm.now.since(START).as_secs_f64();
    assert!(ratio <= 1.3, "{ratio} times as long as without kills");
}

/// Found by a simulation: with a describe out and more due, the core asked to be woken every
/// millisecond until it was answered.
#[test]
fn a_call_that_hangs_does_not_keep_the_core_awake() {
    let mut w = World::new(16, Faults::default(), vec![group("web")]);
    w.ask("web", 1_200);
    w.run(Duration::from_secs(20));
    w.outage = Some((START.plus(HOUR), Duration::from_secs(60)));
    let before = w.rounds;
    w.run(Duration::from_secs(300));
    let rounds = w.rounds - before;
    assert!(rounds <= 20_000, "{rounds} decisions in 300 s");
}

#[test]
fn what_no_launch_has_at_the_deadline_is_dropped_and_listed() {
    let mut w = World::new(17, Faults::default(), vec![group("web")]);
    w.ask_by("web", 1_200, Some(START.plus(Duration::from_secs(50))), None);
    w.run(HOUR);
    let row = w.scale_up(1);
    assert!((1_080..=1_100).contains(&row.in_service), "{} by 50 s: 1,000 and 2 a second", row.in_service);
    assert_eq!(row.in_service + row.withdrawn, 1_200);
    w.assert_served(row.in_service as usize);
}

#[test]
fn the_same_key_gives_the_same_answer_and_one_scale_up_even_across_a_restart() {
    let mut w = World::new(19, Faults::default(), vec![group("web")]);
    let first = w.ask_by("web", 10, None, Some("k"));
    let again = w.ask_by("web", 10, Some(START.plus(HOUR)), Some("k"));
    w.run(HOUR);
    w.crash();
    let later = w.ask_by("web", 10, None, Some("k"));
    let other = w.ask_by("web", 11, None, Some("k"));
    let id = |t: u64| w.answers[&t].clone().map(|a| (a.id, a.repeated));
    assert_eq!(id(first), Ok(("id-1".into(), false)));
    assert_eq!(id(again), Ok(("id-1".into(), true)));
    assert_eq!(id(later), Ok(("id-1".into(), true)));
    assert!(matches!(w.answers[&other], Err(Refusal::KeyReused { .. })));
    w.assert_served(10);
}

#[test]
fn what_cannot_be_accepted_is_refused_by_name_and_leaves_no_trace() {
    let mut spec = group("web");
    spec.max = 100;
    let mut w = World::new(23, Faults::default(), vec![spec]);
    let past = w.ask_by("web", 1, Some(START), None);
    let tickets = [w.ask("nobody", 1), w.ask("web", 0), w.ask("web", 10_001), past];
    let said: Vec<_> = tickets.iter().map(|t| w.answers[t].clone().unwrap_err()).collect();
    assert!(
        matches!(
            said[..],
            [
                Refusal::UnknownGroup { .. },
                Refusal::Count { count: 0, .. },
                Refusal::Count { count: 10_001, most: 10_000 },
                Refusal::PastDeadline { .. }
            ]
        ),
        "{said:?}"
    );
    assert!(w.core.view(w.now).scale_ups.is_empty());
    w.ask("web", 100);
    let over = w.ask("web", 1);
    assert!(matches!(w.answers[&over], Err(Refusal::NoRoom { room: 0, max: 100, taken: 100, .. })));
}

#[test]
fn a_wrong_launch_spec_ends_as_a_shortfall_with_awss_words_and_stops_nobody_else() {
    let mut w = World::new(29, Faults::default(), vec![group("web")]);
    w.refuse_launches = Some(CallError {
        class: ErrorClass::Configuration,
        code: "InvalidAMIID.NotFound".into(),
        message: "The image id '[ami-1]' does not exist".into(),
    });
    w.ask("web", 5);
    w.run(HOUR);
    assert_eq!((w.scale_up(1).in_service, w.scale_up(1).withdrawn), (0, 5));
    assert!(w.instances().all(|i| i.reason.as_deref().is_some_and(|r| r.contains("ami-1"))));
    w.refuse_launches = None;
    w.ask("web", 5);
    w.run(HOUR);
    w.assert_served(5);
}

#[test]
fn a_launch_that_never_settles_is_listed_and_holds_up_nobody_else() {
    let mut w = World::new(
        31,
        Faults::default(),
        vec![group("web"), Group { version: "other".into(), ..group("api") }],
    );
    w.refuse_launches = Some(CallError {
        class: ErrorClass::TokenMismatch,
        code: "IdempotentParameterMismatch".into(),
        message: String::new(),
    });
    w.ask("web", 5);
    w.run(Duration::from_secs(120));
    w.refuse_launches = None;
    let failing = w.core.view(w.now).keep_failing;
    assert_eq!(failing.len(), 1);
    assert_eq!(failing[0].count, 5);
    w.ask("api", 20);
    w.run(Duration::from_secs(50));
    assert!(w.launched() >= 20, "another group's launch went out meanwhile");
    w.run(HOUR);
    w.assert_served(25);
}

#[test]
fn when_the_whole_api_is_down_it_is_probed_gently_and_all_goes_on_afterwards() {
    let mut w = World::new(37, Faults::default(), vec![group("web")]);
    w.refuse_launches =
        Some(CallError { class: ErrorClass::Unknown, code: "timeout".into(), message: String::new() });
    w.ask("web", 1_200);
    w.run(Duration::from_secs(60));
    let before = w.calls[&Api::RunInstances];
    w.run(Duration::from_secs(540));
    let probes = w.calls[&Api::RunInstances] - before;
    assert!(probes <= 90, "{probes} calls in nine minutes; D7 allows 10 a minute");
    w.refuse_launches = None;
    w.run(HOUR);
    w.assert_served(1_200);
}

#[test]
fn every_waiting_thing_has_its_reason() {
    let few = Settings { contacts: 8, ..Settings::default() };
    let mut w = World::with(41, Faults::default(), vec![group("web")], few);
    w.ask("web", 1_200);
    let mut seen = Vec::new();
    for _ in 0..30 {
        w.run(Duration::from_secs(5));
        for p in w.core.view(w.now).scale_ups.iter().filter(|p| p.state == ScaleUpState::Open) {
            let waiting: u32 = p.waits.iter().map(|x| x.count).sum();
            let unfinished = p.wanted - p.phases.get(Phase::InService) - p.phases.get(Phase::Withdrawn);
            let called = p.phases.get(Phase::Launching);
            assert!(waiting + called >= unfinished, "{waiting} + {called} of {unfinished}: {:?}", p.waits);
            assert!(p.eta.is_some());
            seen.extend(p.waits.iter().map(|x| x.wait.clone()));
        }
    }
    assert!(seen.iter().any(|w| matches!(w, Wait::InstanceTokens { want: 20, .. })));
    assert!(seen.iter().any(|w| matches!(w, Wait::Contacts { .. })), "8 permits for 1,200 are too few");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let faults = Faults {
            throttle: 30,
            lost: 10,
            broken: 20,
            crash_every: 30,
            partial: true,
            ..Faults::default()
        };
        let mut w = World::new(43, faults, vec![group("web")]);
        w.ask("web", 100);
        w.run(HOUR / 60);
        (w.now, w.calls.clone(), w.instances().cloned().collect::<Vec<_>>())
    };
    assert_eq!(run(), run());
}
