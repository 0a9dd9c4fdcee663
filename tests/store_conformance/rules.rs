//! What the schema does not let in, and what every column takes.

use std::net::{IpAddr, Ipv6Addr};

use muster::decide::rows::{BudgetRow, Changes, InstanceRow, JournalRow, LaunchRow, ScaleUpRow};
use muster::decide::words::{LaunchSeq, Phase, ScaleUpSeq, ScaleUpState, Time};
use muster::store::{CommitError, InstanceFilter, StoreError, Trouble};

use super::Place;
use super::rows::{at, every_instance, every_line, everything, instance, launch, line, scale_up};

stories!(
    what_must_be_unique_is,
    an_instance_needs_its_launch,
    any_text_survives_but_nul,
    the_ends_of_every_range_survive,
);

async fn what_must_be_unique_is(place: &Place) {
    let (store, epoch) = place.owned().await;
    let keyed = |seq| ScaleUpRow { idempotency_key: Some("monday".into()), ..scale_up(seq, 5) };
    let first = Changes { scale_ups: vec![keyed(1)], launches: vec![launch(1, 5)], ..Changes::default() };
    store.commit(epoch, &first).await.unwrap();
    let before = everything(&store).await;

    let beside = vec![instance(at(9, 0, 1), Phase::Booting)];
    let same_key = Changes { scale_ups: vec![keyed(2)], ..Changes::default() };
    let same_id = Changes {
        scale_ups: vec![ScaleUpRow { id: "0191-1".into(), ..scale_up(2, 5) }],
        ..Changes::default()
    };
    let same_token = Changes {
        launches: vec![LaunchRow { token: "muster-1".into(), ..launch(2, 5) }],
        ..Changes::default()
    };
    for twice in [same_key.clone(), same_id, same_token] {
        let refused =
            Changes { instances: beside.clone(), journal: vec![line(at(9, 0, 1), "booting")], ..twice };
        assert_conflict(store.commit(epoch, &refused).await);
        assert_eq!(everything(&store).await, before, "all or nothing");
    }

    // A key whose scale-up is done and forgotten may come again: one old request must not stop the rest.
    let done = Changes {
        scale_ups: vec![ScaleUpRow { state: ScaleUpState::Done, ..keyed(1) }],
        ..Changes::default()
    };
    store.commit(epoch, &done).await.unwrap();
    store.commit(epoch, &same_key).await.unwrap();
    assert_eq!(store.scale_up("0191-2").await.unwrap(), Some(keyed(2)));
}

fn assert_conflict(outcome: Result<(), CommitError>) {
    match outcome {
        Err(CommitError::Storage(StoreError::Database { trouble: Trouble::Conflict, .. })) => {}
        other => panic!("expected a conflict, got {other:?}"),
    }
}

async fn an_instance_needs_its_launch(place: &Place) {
    let (store, epoch) = place.owned().await;
    let row = InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, 0, 1), Phase::Launching) };
    let without = Changes { instances: vec![row], ..Changes::default() };
    assert_conflict(store.commit(epoch, &without).await);
    assert_eq!(every_instance(&store).await, []);
    store.commit(epoch, &Changes { launches: vec![launch(1, 1)], ..without }).await.unwrap();
    assert_eq!(every_instance(&store).await.len(), 1);
}

async fn any_text_survives_but_nul(place: &Place) {
    let (store, epoch) = place.owned().await;
    let odd = "caf\u{e9} \u{1F980} \u{202e}rtl \"quoted\" 'single' \\n \r\n\t \u{1} $1 ? %s {\"json\":[1]} ; DROP TABLE instance";
    let row = InstanceRow {
        reason: Some(format!("{odd}\0end")),
        group: odd.into(),
        zone: Some(String::new()),
        ..instance(at(1, 0, 1), Phase::Broken)
    };
    let changes = Changes {
        scale_ups: vec![ScaleUpRow {
            reason: odd.into(),
            idempotency_key: Some(odd.into()),
            ..scale_up(1, 1)
        }],
        instances: vec![row.clone()],
        journal: vec![JournalRow { text: "\0\0".into(), ..line(at(1, 0, 1), "broken") }],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    let stored = InstanceRow { reason: Some(format!("{odd}\u{fffd}end")), ..row };
    assert_eq!(every_instance(&store).await, std::slice::from_ref(&stored));
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!(restored.instances, std::slice::from_ref(&stored));
    assert_eq!(restored.scale_ups, changes.scale_ups);
    assert_eq!(every_line(&store).await[0].1.text, "\u{fffd}\u{fffd}");
    let by_group = InstanceFilter { group: Some(odd.into()), ..InstanceFilter::default() };
    assert_eq!(store.instances(&by_group, None, 9).await.unwrap(), [stored]);
}

async fn the_ends_of_every_range_survive(place: &Place) {
    let (store, epoch) = place.owned().await;
    // Scale-ups are counted from 1 and their slots fit 64 signed bits: up to 2^31 - 1.
    let last = u32::MAX >> 1;
    let changes = Changes {
        scale_ups: vec![ScaleUpRow {
            wanted: u32::MAX,
            planned: u32::MAX,
            by: Some(Time(i64::MAX)),
            accepted_at: Time(i64::MIN),
            eta_ms: i64::MIN,
            cancel_reason: Some(String::new()),
            ..scale_up(last, 0)
        }],
        launches: vec![LaunchRow {
            sends: u32::MAX,
            body: "x".repeat(100_000),
            ..launch(i64::MAX.unsigned_abs(), u32::MAX)
        }],
        instances: vec![InstanceRow {
            launch: Some(LaunchSeq(i64::MAX.unsigned_abs())),
            address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            since: Time(-1),
            ..instance(at(last, u32::MAX, u16::MAX), Phase::Queued)
        }],
        budgets: vec![BudgetRow { name: String::new(), full_at_ns: i64::MIN }],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!(restored.scale_ups, changes.scale_ups);
    assert_eq!(restored.launches, changes.launches);
    assert_eq!(restored.instances, changes.instances);
    assert_eq!(restored.budgets, changes.budgets);
    assert_eq!((restored.last_scale_up, restored.last_launch), (last, i64::MAX.unsigned_abs()));
    let of_last = InstanceFilter { scale_up: Some(ScaleUpSeq(last)), ..InstanceFilter::default() };
    assert_eq!(store.instances(&of_last, None, 9).await.unwrap(), changes.instances);
}
