//! What writing something twice, or very much at once, comes to.

use muster::decide::rows::{
    BudgetRow, Changes, HookRow, InstanceRow, JournalRow, LaunchRow, ScaleUpRow, VersionRow,
};
use muster::decide::words::{LaunchSeq, Phase, Time};

use super::Place;
use super::rows::{at, every_instance, every_line, everything, hook, instance, launch, line, scale_up};

stories!(
    writing_the_same_again_changes_nothing,
    the_later_of_two_rows_with_one_key_counts,
    a_commit_of_twenty_thousand_instances_is_one,
);

async fn writing_the_same_again_changes_nothing(place: &Place) {
    let (store, epoch) = place.owned().await;
    let changes = Changes {
        scale_ups: vec![ScaleUpRow { idempotency_key: Some("k".into()), ..scale_up(1, 3) }, scale_up(2, 3)],
        launches: vec![launch(1, 3)],
        instances: (0..3)
            .map(|o| InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, o, 1), Phase::Launching) })
            .collect(),
        versions: vec![VersionRow {
            group: "web".into(),
            version: "1".into(),
            proven_at: None,
            open_until: Some(Time(9)),
            opened: 2,
        }],
        budgets: vec![BudgetRow { name: "calls".into(), full_at_ns: 7 }],
        hooks: vec![hook(1), hook(2)],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    let once = everything(&store).await;
    for _ in 0..3 {
        store.commit(epoch, &changes).await.unwrap();
        assert_eq!(everything(&store).await, once);
    }
}

async fn the_later_of_two_rows_with_one_key_counts(place: &Place) {
    let (store, epoch) = place.owned().await;
    let broken = InstanceRow { reason: Some("hangs".into()), ..instance(at(1, 0, 1), Phase::Broken) };
    let changes = Changes {
        scale_ups: vec![scale_up(1, 5), scale_up(2, 7), ScaleUpRow { planned: 5, ..scale_up(1, 5) }],
        launches: vec![launch(1, 5), LaunchRow { sends: 1, ..launch(1, 5) }],
        instances: vec![
            broken,
            instance(at(1, 1, 1), Phase::Booting),
            instance(at(1, 0, 1), Phase::Terminating),
            instance(at(1, 0, 1), Phase::Gone),
        ],
        versions: (0..3)
            .map(|opened| VersionRow {
                group: "web".into(),
                version: "1".into(),
                proven_at: None,
                open_until: None,
                opened,
            })
            .collect(),
        budgets: (0..3).map(|full_at_ns| BudgetRow { name: "calls".into(), full_at_ns }).collect(),
        hooks: vec![hook(1), HookRow { heartbeats: 3, ..hook(1) }],
        journal: vec![line(at(1, 0, 1), "same"), line(at(1, 0, 1), "same")],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    assert_eq!(store.scale_up("0191-1").await.unwrap().unwrap().planned, 5);
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!(restored.launches[0].sends, 1);
    assert_eq!((restored.versions[0].opened, restored.budgets[0].full_at_ns), (2, 2));
    assert_eq!(restored.hooks, [HookRow { heartbeats: 3, ..hook(1) }]);
    let rows = every_instance(&store).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].phase, rows[0].reason.as_deref()),
        (Phase::Gone, Some("hangs")),
        "its reason is kept"
    );
    assert_eq!(every_line(&store).await.len(), 2, "the journal repeats what it is told twice");
}

async fn a_commit_of_twenty_thousand_instances_is_one(place: &Place) {
    let (store, epoch) = place.owned().await;
    // Not a multiple of any batch size.
    let rows: Vec<InstanceRow> = (0..20_011).map(|o| instance(at(1, o, 1), Phase::Booting)).collect();
    let journal: Vec<JournalRow> = rows.iter().map(|r| line(r.instance, "booting")).collect();
    let changes = Changes {
        scale_ups: vec![scale_up(1, 20_011)],
        instances: rows.clone(),
        journal: journal.clone(),
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    assert_eq!(every_instance(&store).await, rows);
    assert_eq!(every_line(&store).await.into_iter().map(|(_, l)| l).collect::<Vec<_>>(), journal);
    assert_eq!(store.restore(Time(0)).await.unwrap().instances, rows);
}
