//! Removals, scale-ins and suspended health replacement: taken up again until they are over.

use muster::decide::retire::words::{RemovalCause, RemovalState, ScaleInState};
use muster::decide::rows::{Changes, HealthRow, RemovalRow, ScaleInRow};
use muster::decide::words::{InstanceRef, ScaleUpSeq, SlotId, Time};

use super::Place;

stories!(
    a_removal_is_given_back_until_it_is_over,
    a_scale_in_is_given_back_while_it_is_open_or_its_key_remembered,
    suspended_health_replacement_is_given_back_until_it_is_resumed,
);

fn removal(id: &str, state: RemovalState) -> RemovalRow {
    RemovalRow {
        id: id.parse().unwrap(),
        group: "web".into(),
        instance: None,
        cause: RemovalCause::Dead,
        scale_in: None,
        scale_up: None,
        evidence: "dead by two signals".into(),
        state,
        decided_at: Time(7),
        done_at: None,
    }
}

async fn a_removal_is_given_back_until_it_is_over(place: &Place) {
    let (store, epoch) = place.owned().await;
    let slot = SlotId { scale_up: ScaleUpSeq(1), ordinal: 2 };
    let waits = RemovalRow {
        instance: Some(InstanceRef { slot, attempt: 3 }),
        scale_up: Some(ScaleUpSeq(4)),
        ..removal("i-01", RemovalState::Waits)
    };
    let leaves = RemovalRow {
        cause: RemovalCause::ScaleIn,
        scale_in: Some("a".into()),
        ..removal("i-02", RemovalState::Leaving)
    };
    let replaced = removal("i-03", RemovalState::Replaced);
    let of = |removals: &[RemovalRow]| Changes { removals: removals.to_vec(), ..Changes::default() };
    store.commit(epoch, &of(&[leaves.clone(), replaced.clone(), waits.clone()])).await.unwrap();
    assert_eq!(
        store.restore(Time(0)).await.unwrap().removals,
        [waits.clone(), leaves.clone(), replaced.clone()]
    );
    let gone = RemovalRow { state: RemovalState::Gone, done_at: Some(Time(9)), ..leaves };
    let kept = RemovalRow { state: RemovalState::Kept, done_at: Some(Time(9)), ..replaced };
    store.commit(epoch, &of(&[gone, kept])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().removals, [waits]);
}

async fn a_scale_in_is_given_back_while_it_is_open_or_its_key_remembered(place: &Place) {
    let (store, epoch) = place.owned().await;
    let open = ScaleInRow {
        id: "a".into(),
        group: "web".into(),
        count: 60,
        removed: 20,
        reason: "evening".into(),
        idempotency_key: Some("k".into()),
        state: ScaleInState::Open,
        asked_at: Time(7),
        done_at: None,
        note: None,
    };
    let stopped = ScaleInRow {
        id: "b".into(),
        state: ScaleInState::Stopped,
        asked_at: Time(500),
        done_at: Some(Time(900)),
        note: Some("not over after 3600 s".into()),
        ..open.clone()
    };
    let scale_ins = vec![stopped.clone(), open.clone()];
    store.commit(epoch, &Changes { scale_ins, ..Changes::default() }).await.unwrap();
    assert_eq!(store.restore(Time(500)).await.unwrap().scale_ins, [open.clone(), stopped]);
    assert_eq!(store.restore(Time(501)).await.unwrap().scale_ins, [open]);
}

async fn suspended_health_replacement_is_given_back_until_it_is_resumed(place: &Place) {
    let (store, epoch) = place.owned().await;
    let row =
        HealthRow { group: "web".into(), asg: "web-asg".into(), suspended_at: Time(7), resumed_at: None };
    let of = |row: &HealthRow| Changes { health: vec![row.clone()], ..Changes::default() };
    store.commit(epoch, &of(&row)).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().health, std::slice::from_ref(&row));
    store.commit(epoch, &of(&HealthRow { resumed_at: Some(Time(9)), ..row })).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().health, []);
}
