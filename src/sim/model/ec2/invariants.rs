//! What holds after any sequence of calls, whatever they were: checked over many random ones.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::draw::{Draw, Purpose};
use super::super::super::ledger::Ledger;
use super::super::super::settings::{Faults, PoolCapacity, Settings};
use super::State;
use super::call::{Answer, Call};
use super::testing::*;

/// At most this many in zone a.
const CAPACITY: u32 = 40;
/// m5.large has two vCPUs: at most 150 in all.
const VCPUS: u32 = 300;

fn settings() -> Settings {
    Settings {
        broken: 30.0,
        faults: Faults { throttle: 10.0, lost_replies: 10.0, lost_replies_before: 5.0, errors: 10.0 },
        capacity: vec![PoolCapacity { zone: "us-east-1a".into(), instance_type: None, instances: CAPACITY }],
        vcpu_quota: Some(VCPUS),
        ..Settings::default()
    }
}

/// Some call: launches with few tokens (so that many are repeats), and ends of what was launched.
fn any_call(draw: &mut Draw, ids: &[String]) -> Call {
    let some = |draw: &mut Draw| {
        let from = draw.below(u32::try_from(ids.len()).unwrap()) as usize;
        ids[from..ids.len().min(from + 1 + draw.below(9) as usize)].to_vec()
    };
    match draw.below(10) {
        0..5 => {
            let token = format!("t{}", draw.below(60));
            let count = 1 + draw.below(30);
            let subnet = if draw.chance(50.0) { A } else { B };
            Call::RunInstances(run_in(subnet, &token, 1 + draw.below(count), count))
        }
        5..7 if !ids.is_empty() => terminate(&some(draw)),
        7 if !ids.is_empty() => describe(&some(draw)),
        _ => describe_all(5 + i64::from(draw.below(100))),
    }
}

fn check_reply(call: &Call, reply: &Reply) {
    if let (Call::RunInstances(run), Outcome::Answer(AnyAnswer::Ec2(Answer::Launched(r)))) =
        (call, &reply.outcome)
    {
        let range = run.min_count as usize..=run.max_count as usize;
        assert!(range.contains(&r.instances.len()), "{} of {range:?}", r.instances.len());
    }
}

fn check_ledger(ledger: &Ledger) {
    let standing: Vec<_> = ledger.instances.iter().filter(|i| i.state != State::Terminated).collect();
    let addresses: BTreeSet<_> = standing.iter().map(|i| i.address).collect();
    assert_eq!(addresses.len(), standing.len(), "an address has one holder");
    let ids: BTreeSet<_> = ledger.instances.iter().map(|i| &i.id).collect();
    assert_eq!(ids.len(), ledger.instances.len(), "an id is given once");
    let in_a = standing.iter().filter(|i| i.zone == "us-east-1a").count();
    assert!(in_a <= CAPACITY as usize, "{in_a} in a pool of {CAPACITY}");
    assert!(standing.len() * 2 <= VCPUS as usize, "{} instances", standing.len());
    // One launch for each token and zone: its instances have one launch time.
    let mut launches = BTreeMap::new();
    for i in &ledger.instances {
        let first = launches.entry((&i.token, &i.zone)).or_insert(i.launched_ms);
        assert_eq!(*first, i.launched_ms, "{:?} launched twice in {}", i.token, i.zone);
    }
    for (name, c) in &ledger.apis {
        let ends = c.succeeded + c.errors + c.throttled() + c.lost_before + c.lost_after;
        // A lost reply may be that of a throttled call, which is counted as both.
        assert!((c.calls..=c.calls + c.lost_after).contains(&ends), "{name}: {c:?}");
        #[allow(clippy::cast_precision_loss)]
        let taken = c.request_tokens as f64;
        assert!(taken <= c.request_tokens_offered + 1e-6, "{name}: {c:?}");
    }
}

#[test]
fn they_hold_after_any_sequence_of_calls() {
    let mut most = 0;
    for seed in 0..40 {
        let mut model = Model::new(settings(), seed).unwrap();
        let mut draw = Draw::new(seed, Purpose::Call, u64::MAX);
        let (mut now, mut ids) = (0, Vec::new());
        for _ in 0..300 {
            now += i64::from(draw.below(2_000));
            let call = any_call(&mut draw, &ids);
            let reply = model.ask(&call, now);
            check_reply(&call, &reply);
            if let Outcome::Answer(AnyAnswer::Ec2(Answer::Launched(r))) = &reply.outcome {
                ids.extend(r.instances.iter().map(|i| i.id.clone()));
            }
            check_ledger(&model.ledger(now));
        }
        most = most.max(model.ledger(now).instances.len());
    }
    assert!(most > 200, "the calls launched too little to prove anything: {most}");
}
