//! Who may write.

use muster::decide::rows::{Changes, InstanceRow};
use muster::decide::words::{Phase, Time};
use muster::store::{CommitError, Epoch};

use super::Place;
use super::rows::{at, every_line, everything, hook, instance, launch, line, scale_up};

stories!(
    an_old_owner_changes_nothing,
    a_commit_races_a_change_of_hands,
    every_taker_gets_an_epoch_of_its_own,
    without_an_owner_nothing_is_written,
);

async fn an_old_owner_changes_nothing(place: &Place) {
    let (old, first) = place.owned().await;
    let row = instance(at(1, 0, 1), Phase::Booting);
    let changes = Changes {
        instances: vec![row.clone()],
        journal: vec![line(at(1, 0, 1), "booting")],
        ..Changes::default()
    };
    old.commit(first, &changes).await.unwrap();

    let new = place.open().await;
    let second = new.take_ownership("the new one", Time(2)).await.unwrap();
    assert!(second > first);
    let before = everything(&new).await;
    let changes = Changes {
        scale_ups: vec![scale_up(1, 1)],
        launches: vec![launch(1, 1)],
        instances: vec![InstanceRow { phase: Phase::Gone, ..row }],
        hooks: vec![hook(1)],
        journal: vec![line(at(1, 0, 1), "gone")],
        ..Changes::default()
    };
    for refused in [&changes, &Changes::default()] {
        let error = old.commit(first, refused).await.unwrap_err();
        assert!(matches!(&error, CommitError::Fenced { by } if by == "the new one"), "{error}");
    }
    assert!(
        error_of(old.commit(Epoch(second.0 + 1), &changes).await).contains("the new one"),
        "an epoch nobody was given"
    );
    assert_eq!(everything(&new).await, before);
    assert_eq!(everything(&old).await, before, "an old owner may still read");
    new.commit(second, &changes).await.unwrap();
    assert_ne!(everything(&new).await, before);
}

fn error_of<T>(outcome: Result<T, CommitError>) -> String {
    outcome.err().map(|e| e.to_string()).unwrap_or_default()
}

/// The old owner commits as fast as it can while the new one takes over: each commit that was
/// confirmed is there, and nothing of it comes after the change of hands.
async fn a_commit_races_a_change_of_hands(place: &Place) {
    let (old, epoch) = place.owned().await;
    let new = place.open().await;
    let writer = tokio::spawn(async move {
        for confirmed in 0_u32.. {
            let changes =
                Changes { journal: vec![line(at(1, confirmed, 1), "booting")], ..Changes::default() };
            match old.commit(epoch, &changes).await {
                Ok(()) => {}
                Err(CommitError::Fenced { by }) => return (confirmed as usize, by),
                Err(CommitError::Storage(e)) => panic!("{e:?}"),
            }
        }
        unreachable!("the ownership changes hands before the numbers end")
    });
    while every_line(&new).await.len() < 5 {
        tokio::task::yield_now().await;
    }
    new.take_ownership("the new one", Time(2)).await.unwrap();
    let at_once = every_line(&new).await.len();
    let (confirmed, by) = writer.await.unwrap();
    assert_eq!(by, "the new one");
    assert_eq!(at_once, confirmed);
    assert_eq!(every_line(&new).await.len(), confirmed);
}

async fn every_taker_gets_an_epoch_of_its_own(place: &Place) {
    let mut takers = Vec::new();
    for taker in 0..4 {
        let store = place.open().await;
        takers.push(tokio::spawn(async move {
            let mut epochs = Vec::new();
            for _ in 0..10 {
                epochs.push(store.take_ownership(&format!("taker {taker}"), Time(taker)).await.unwrap());
            }
            epochs
        }));
    }
    let mut all = Vec::new();
    for taker in takers {
        let epochs = taker.await.unwrap();
        assert!(epochs.is_sorted());
        all.extend(epochs);
    }
    all.sort();
    assert_eq!(all, (1..=40).map(Epoch).collect::<Vec<_>>());
}

async fn without_an_owner_nothing_is_written(place: &Place) {
    let store = place.open().await;
    let changes = Changes { journal: vec![line(at(1, 0, 1), "booting")], ..Changes::default() };
    let error = store.commit(Epoch(0), &changes).await.unwrap_err();
    assert!(matches!(error, CommitError::Fenced { .. }), "{error}");
    assert_eq!(every_line(&store).await, []);
}
