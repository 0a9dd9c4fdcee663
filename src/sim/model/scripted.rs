//! What fault scripts do to the whole model.

use super::super::settings::{Fault, Script, Settings};
use super::call::{Answer, Garbled};
use super::ec2::Door;
use super::ec2::call::{Answer as Ec2Answer, Call as Ec2Call};
use super::ec2::testing::*;
use super::{Change, Contact};

fn scripted(script: Script) -> Model {
    let mut model = plain();
    model.change(&Change { script: Some(vec![script]), ..Change::default() }, 0).unwrap();
    model
}

#[test]
fn a_late_effect_comes_after_the_caller_has_gone() {
    let late = Script { seconds: Some(30.0), for_s: Some(1.0), ..Script::always(Fault::LateEffect) };
    let mut model = scripted(late);
    assert!(matches!(model.ask(&run("t", 1, 3), 500).outcome, Outcome::Lost));
    assert_eq!(model.ledger(30_499).instances.len(), 0);
    let ledger = model.ledger(40_000);
    assert_eq!(ledger.instances.len(), 3);
    assert!(ledger.instances.iter().all(|i| i.launched_ms == 30_500));
    let counters = &ledger.apis["RunInstances"];
    assert_eq!((counters.calls, counters.late_effects, counters.instance_tokens), (1, 1, 3));
    // The same token meanwhile is the same launch, whichever comes first.
    assert_eq!(launched(&model.ask(&run("t", 1, 3), 41_000)).len(), 3);
    assert_eq!(model.ledger(41_000).instances.len(), 3);
}

#[test]
fn garbled_answers_are_lost_to_those_who_read() {
    let mut model = scripted(Script::always(Fault::Truncated));
    let reply = model.ask(&run("t", 1, 3), 0);
    assert!(matches!(reply.outcome, Outcome::Lost));
    assert!(matches!(reply.garbled, Some(Garbled::Truncated(whole)) if matches!(*whole, Outcome::Answer(_))));
    assert_eq!(model.ledger(0).instances.len(), 3);
    let mut model = scripted(Script { status: Some(503), ..Script::always(Fault::Html) });
    let mut launches = 0;
    for i in 0..40 {
        let reply = model.ask(&run(&format!("t{i}"), 1, 1), i * 1_000);
        assert!(matches!(reply.garbled, Some(Garbled::Html(503))));
        launches = model.ledger(i * 1_000).instances.len();
    }
    assert!((10..30).contains(&launches), "half take effect: {launches}");
    assert_eq!(model.ledger(0).apis["RunInstances"].garbled, 40);
}

#[test]
fn a_zone_can_have_its_own_fault() {
    let zone = Some("us-east-1b".to_string());
    let mut model = scripted(Script { zone, status: Some(503), ..Script::always(Fault::Error) });
    assert_eq!(code(&model.ask(&run("t1", 1, 1), 0)), "");
    let in_b = Ec2Call::RunInstances(run_in(B, "t2", 1, 1));
    assert_eq!(code(&model.ask(&in_b, 0)), "Unavailable");
    assert_eq!(code(&model.ask(&describe_all(5), 0)), "");
}

#[test]
fn a_hang_adds_to_the_latency_and_a_skewed_clock_shows_in_answers() {
    let mut model = scripted(Script { seconds: Some(60.0), ..Script::always(Fault::Hang) });
    assert_eq!(model.ask(&describe_all(5), 0).latency_ms, 60_000);
    let mut model = scripted(Script { seconds: Some(3_600.0), ..Script::always(Fault::ClockSkew) });
    let reply = model.ask(&run("t", 1, 1), 5_000);
    let Outcome::Answer(Answer::Ec2(Ec2Answer::Launched(r))) = &reply.outcome else { panic!("{reply:?}") };
    assert_eq!((reply.skew_ms, r.launch.launched_ms), (3_600_000, 3_605_000));
    assert_eq!(model.ledger(5_000).instances[0].launched_ms, 5_000);
}

#[test]
fn scripts_of_the_settings_count_from_the_beginning() {
    let script = Script { at_s: 10.0, for_s: Some(10.0), ..Script::always(Fault::Throttle) };
    let mut model = Model::new(Settings { script: vec![script], ..small_settings() }, 1).unwrap();
    model.begin(100_000);
    let codes = [109_999, 110_000, 120_000].map(|at| code(&model.ask(&describe_all(5), at)));
    assert_eq!(codes, ["", "RequestLimitExceeded", ""]);
}

#[test]
fn lost_packets_make_contacts_late_or_silent() {
    let zone = Some("us-east-1a".to_string());
    let mut model = scripted(Script { zone, ..Script::always(Fault::PacketLoss) });
    launched(&model.ask(&run("t", 1, 1), 0));
    launched(&model.ask(&Ec2Call::RunInstances(run_in(B, "u", 1, 1)), 0));
    let addresses: Vec<_> = model.ledger(0).instances.iter().map(|i| i.address).collect();
    assert_eq!(model.contact(addresses[0], 300_000).door, Door::Hang);
    assert_eq!(model.contact(addresses[1], 300_000), Contact { door: Door::Open, delay_ms: 0 });
    model
        .change(&Change { script: Some(Vec::new()), packet_loss: Some(10.0), ..Change::default() }, 0)
        .unwrap();
    let late = (0..1_000).filter(|_| model.contact(addresses[0], 300_000).delay_ms >= 1_000).count();
    assert!((140..240).contains(&late), "{late}");
}
