//! From accepted to done, and what is kept on the way.

use std::net::{IpAddr, Ipv4Addr};

use muster::decide::rows::{BudgetRow, Changes, InstanceRow, JournalRow, Restored, ScaleUpRow, VersionRow};
use muster::decide::words::{ErrorClass, LaunchSeq, LaunchState, Phase, ScaleUpSeq, ScaleUpState, Time};
use muster::store::JournalFilter;

use super::Place;
use super::rows::{at, every_instance, every_line, instance, launch, line, scale_up};

stories!(
    a_scale_up_lives_from_accepted_to_done,
    a_reason_stays_once_it_is_set,
    the_journal_keeps_its_order_and_pages,
);

async fn a_scale_up_lives_from_accepted_to_done(place: &Place) {
    let (store, epoch) = place.owned().await;
    assert_eq!(store.restore(Time(0)).await.unwrap(), Restored::default());

    let mut asked =
        ScaleUpRow { idempotency_key: Some("monday".into()), by: Some(Time(600_000)), ..scale_up(1, 2) };
    let accepted = Changes { scale_ups: vec![asked.clone()], ..Changes::default() };
    store.commit(epoch, &accepted).await.unwrap();
    assert_eq!(store.scale_up("0191-1").await.unwrap().as_ref(), Some(&asked));
    assert_eq!(store.scale_up("0191-2").await.unwrap(), None);

    asked.planned = 2;
    let mut call = launch(1, 2);
    let mut first = InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, 0, 1), Phase::Launching) };
    let second = InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, 1, 1), Phase::Launching) };
    let version = VersionRow {
        group: "web".into(),
        version: call.version.clone(),
        proven_at: None,
        open_until: None,
        opened: 0,
    };
    let budget = BudgetRow { name: "RunInstances requests".into(), full_at_ns: 1_700_000_000_123_456_789 };
    let intent = Changes {
        scale_ups: vec![asked.clone()],
        launches: vec![call.clone()],
        instances: vec![first.clone(), second.clone()],
        versions: vec![version.clone()],
        budgets: vec![budget.clone()],
        journal: vec![line(at(1, 0, 1), "launching"), line(at(1, 1, 1), "launching")],
        ..Changes::default()
    };
    store.commit(epoch, &intent).await.unwrap();
    let mut known = Restored {
        scale_ups: vec![asked.clone()],
        launches: vec![call.clone()],
        instances: vec![first.clone(), second.clone()],
        versions: vec![version.clone()],
        budgets: vec![budget],
        last_scale_up: 1,
        last_launch: 1,
        ..Restored::default()
    };
    assert_eq!(store.restore(Time(0)).await.unwrap(), known);

    // Fewer than asked came; the other slot is withdrawn with a reason.
    call.state = LaunchState::Settled;
    call.settled_at = Some(Time(5_000));
    (call.sends, call.launched) = (2, 1);
    (call.error_class, call.error) =
        (Some(ErrorClass::Throttle), Some("RequestLimitExceeded: slow down".into()));
    first.phase = Phase::Booting;
    first.id = Some("i-0123456789abcdef0".parse().unwrap());
    first.address = Some(IpAddr::V4(Ipv4Addr::new(127, 1, 0, 1)));
    first.zone = Some("us-east-1a".into());
    let withdrawn = InstanceRow {
        reason: Some("InsufficientInstanceCapacity".into()),
        phase: Phase::Withdrawn,
        ..second
    };
    let settled = Changes {
        launches: vec![call.clone()],
        instances: vec![first.clone(), withdrawn.clone()],
        ..Changes::default()
    };
    store.commit(epoch, &settled).await.unwrap();
    known.launches.clear();
    known.instances = vec![first.clone(), withdrawn.clone()];
    assert_eq!(store.restore(Time(0)).await.unwrap(), known);
    assert_eq!(store.launches(None, 10).await.unwrap(), [call]);

    for phase in [Phase::Configuring, Phase::Verifying, Phase::InService] {
        first.phase = phase;
        first.since = first.since.plus(std::time::Duration::from_secs(1));
        let step = Changes {
            instances: vec![first.clone()],
            journal: vec![line(at(1, 0, 1), phase.as_str())],
            ..Changes::default()
        };
        store.commit(epoch, &step).await.unwrap();
        assert_eq!(store.attempts(at(1, 0, 1).slot).await.unwrap(), [first.clone()]);
    }

    (asked.state, asked.done_at, asked.in_service, asked.withdrawn) =
        (ScaleUpState::Done, Some(Time(9_000)), 1, 1);
    let proven = VersionRow { proven_at: Some(Time(8_000)), ..version };
    let done =
        Changes { scale_ups: vec![asked.clone()], versions: vec![proven.clone()], ..Changes::default() };
    store.commit(epoch, &done).await.unwrap();
    (known.scale_ups, known.instances, known.versions) =
        (vec![asked.clone()], vec![first.clone()], vec![proven]);
    assert_eq!(store.restore(Time(1_001)).await.unwrap(), known, "its key is still remembered");
    known.scale_ups.clear();
    assert_eq!(store.restore(Time(1_002)).await.unwrap(), known, "its key is forgotten, its instance counts");
    assert_eq!(every_instance(&store).await, [first, withdrawn], "nothing is ever deleted");

    let kinds: Vec<String> = every_line(&store).await.into_iter().map(|(_, l)| l.kind).collect();
    assert_eq!(kinds, ["launching", "launching", "configuring", "verifying", "in_service"]);

    // What was written is there for the next process.
    store.close().await;
    assert_eq!(place.open().await.scale_up("0191-1").await.unwrap(), Some(asked));
}

async fn a_reason_stays_once_it_is_set(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut row =
        InstanceRow { reason: Some("no answer within 240 s".into()), ..instance(at(1, 0, 1), Phase::Broken) };
    let write = async |row: &InstanceRow| {
        store.commit(epoch, &Changes { instances: vec![row.clone()], ..Changes::default() }).await.unwrap();
        store.attempts(row.slot()).await.unwrap().remove(0)
    };
    write(&row).await;
    let gone = InstanceRow { reason: None, ..instance(at(1, 0, 1), Phase::Gone) };
    let stored = write(&gone).await;
    assert_eq!((stored.phase, stored.reason.as_deref()), (Phase::Gone, Some("no answer within 240 s")));
    row.reason = Some("a newer reason".into());
    assert_eq!(write(&row).await.reason.as_deref(), Some("a newer reason"));
}

async fn the_journal_keeps_its_order_and_pages(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut written = Vec::new();
    for commit in 0..10 {
        let journal: Vec<JournalRow> = (0..37)
            .map(|i| match i % 3 {
                0 => JournalRow { scale_up: None, instance: None, ..line(at(1, 0, 1), "breaker_open") },
                1 => JournalRow { instance: None, ..line(at(1 + i % 2, 0, 1), "accepted") },
                _ => line(at(1 + i % 2, i % 5, 1), &format!("step{commit}-{i}")),
            })
            .collect();
        written.extend(journal.clone());
        store.commit(epoch, &Changes { journal, ..Changes::default() }).await.unwrap();
    }
    let paged = async |filter: JournalFilter| {
        let (mut after, mut lines) = (0, Vec::new());
        loop {
            let page = store.journal(&filter, after, 7).await.unwrap();
            let Some((last, _)) = page.last() else { return lines };
            assert!(page.len() <= 7);
            assert!(page.is_sorted_by_key(|(number, _)| *number) && page[0].0 > after);
            after = *last;
            lines.extend(page.into_iter().map(|(_, line)| line));
        }
    };
    assert_eq!(paged(JournalFilter::default()).await, written);
    let of_scale_up = |l: &JournalRow| l.scale_up == Some(ScaleUpSeq(2));
    assert_eq!(
        paged(JournalFilter { scale_up: Some(ScaleUpSeq(2)), ..JournalFilter::default() }).await,
        written.iter().filter(|l| of_scale_up(l)).cloned().collect::<Vec<_>>()
    );
    let slot = at(2, 1, 1).slot;
    let of_slot: Vec<_> =
        written.iter().filter(|l| l.instance.is_some_and(|i| i.slot == slot)).cloned().collect();
    assert!(!of_slot.is_empty());
    assert_eq!(paged(JournalFilter { slot: Some(slot), ..JournalFilter::default() }).await, of_slot);
    let both = |scale_up| JournalFilter {
        scale_up: Some(ScaleUpSeq(scale_up)),
        slot: Some(slot),
        ..JournalFilter::default()
    };
    assert_eq!(paged(both(2)).await, of_slot);
    assert_eq!(paged(both(1)).await, []);
    assert_eq!(store.journal(&JournalFilter::default(), 0, 0).await.unwrap(), []);
}
