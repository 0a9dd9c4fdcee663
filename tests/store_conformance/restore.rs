//! What a starting owner reads back.

use std::collections::BTreeMap;

use muster::decide::rows::{Changes, InstanceRow, LaunchRow, ScaleUpRow};
use muster::decide::words::{LaunchState, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time};

use super::Place;
use super::rows::{at, instance, launch, scale_up};

stories!(restore_gives_exactly_what_is_unfinished_or_holds_a_place, a_reader_sees_whole_commits,);

/// Every state of a scale-up, every phase, one to three attempts: compared with the rule in words.
async fn restore_gives_exactly_what_is_unfinished_or_holds_a_place(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut all = Changes::default();
    // Done are 1 (its key is too old), 4 (its key is just remembered) and 7 (it has none), so that
    // finished ones lie before, between and behind the others.
    for seq in 1..=7_u32 {
        let state = ScaleUpState::ALL[(seq as usize + 1) % 3];
        all.scale_ups.push(ScaleUpRow {
            state,
            idempotency_key: (seq != 7).then(|| format!("key-{seq}")),
            ..scale_up(seq, 30)
        });
        for (ordinal, phase) in (0..).zip(Phase::ALL) {
            for attempts in 1..=3_u16 {
                let slot = ordinal * 3 + u32::from(attempts) - 1;
                for attempt in 1..attempts {
                    all.instances.push(instance(
                        at(seq, slot, attempt),
                        Phase::ALL[(slot as usize + attempt as usize) % Phase::ALL.len()],
                    ));
                }
                all.instances.push(instance(at(seq, slot, attempts), *phase));
            }
        }
    }
    for n in 1..=5 {
        all.launches.push(LaunchRow { state: LaunchState::ALL[n as usize % 3], ..launch(n, 10) });
    }
    store.commit(epoch, &all).await.unwrap();

    let states: BTreeMap<ScaleUpSeq, ScaleUpState> = all.scale_ups.iter().map(|s| (s.seq, s.state)).collect();
    let mut newest: BTreeMap<SlotId, u16> = BTreeMap::new();
    for row in &all.instances {
        let attempt = newest.entry(row.slot()).or_default();
        *attempt = row.instance.attempt.max(*attempt);
    }
    let mut expected: Vec<InstanceRow> = all
        .instances
        .iter()
        .filter(|row| {
            let unfinished = states[&row.slot().scale_up] != ScaleUpState::Done;
            let holds = [Phase::InService, Phase::Broken, Phase::Terminating].contains(&row.phase);
            holds || (unfinished && newest[&row.slot()] == row.instance.attempt)
        })
        .cloned()
        .collect();
    expected.sort_by_key(|row| row.instance);

    let restored = store.restore(Time(1_004)).await.unwrap();
    assert_eq!(restored.instances, expected);
    let kept: Vec<ScaleUpRow> = all
        .scale_ups
        .iter()
        .filter(|s| {
            s.state != ScaleUpState::Done || (s.idempotency_key.is_some() && s.accepted_at >= Time(1_004))
        })
        .cloned()
        .collect();
    assert!(kept.iter().any(|s| s.state == ScaleUpState::Done) && kept.len() < all.scale_ups.len());
    assert_eq!(restored.scale_ups, kept);
    let unsettled: Vec<LaunchRow> =
        all.launches.iter().filter(|l| l.state == LaunchState::Unsettled).cloned().collect();
    assert!(!unsettled.is_empty());
    assert_eq!(restored.launches, unsettled);
    assert_eq!((restored.last_scale_up, restored.last_launch), (7, 5));
}

/// Every commit adds one instance in service and counts it in the scale-up; whoever restores
/// meanwhile finds the two equal.
async fn a_reader_sees_whole_commits(place: &Place) {
    let (store, epoch) = place.owned().await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 1..=50 {
                let changes = Changes {
                    scale_ups: vec![ScaleUpRow { in_service: n, ..scale_up(1, 50) }],
                    instances: vec![instance(at(1, n, 1), Phase::InService)],
                    ..Changes::default()
                };
                store.commit(epoch, &changes).await.unwrap();
            }
        })
    };
    loop {
        let restored = store.restore(Time(0)).await.unwrap();
        let counted = restored.scale_ups.first().map_or(0, |s| s.in_service);
        assert_eq!(restored.instances.len(), counted as usize);
        if counted == 50 {
            break;
        }
        assert!(!writer.is_finished() || store.restore(Time(0)).await.unwrap().instances.len() == 50);
    }
    writer.await.unwrap();
}
