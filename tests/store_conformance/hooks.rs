//! Lifecycle actions: from the notification to the answer, and what is remembered of them.

use muster::decide::hook::notice::{HookResult, HookState, Place as Whereabouts, Transition};
use muster::decide::rows::{Changes, HookRow, ScaleUpRow};
use muster::decide::words::{HookSeq, Origin, Time};
use muster::store::{CommitError, HookFilter, StoreError, Trouble};

use super::Place;
use super::rows::{at, everything, hook, scale_up};

stories!(
    a_lifecycle_action_lives_from_notice_to_answer,
    restore_gives_open_actions_and_those_that_may_be_told_of_again,
    one_token_is_one_open_action,
    actions_are_listed_by_state_group_and_instance,
    who_asked_for_a_scale_up_is_kept,
);

fn of(hooks: Vec<HookRow>) -> Changes {
    Changes { hooks, ..Changes::default() }
}

async fn a_lifecycle_action_lives_from_notice_to_answer(place: &Place) {
    let (store, epoch) = place.owned().await;
    // Found by looking: its token comes later.
    let mut row = HookRow { token: None, instance: Some(at(1, 0, 1)), ..hook(1) };
    store.commit(epoch, &of(vec![row.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().hooks, [row.clone()]);

    row.token = Some("917070d0-a303-474b-a36c-a5e38a19de5e".into());
    row.origin = Some(Whereabouts::Ec2);
    row.destination = Some(Whereabouts::WarmPool);
    row.transition = Transition::Terminating;
    row.expires_at = Time(65_000);
    row.heartbeats = u32::MAX;
    row.error = Some("Throttling: Rate exceeded".into());
    store.commit(epoch, &of(vec![row.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().hooks, [row.clone()]);

    row.result = Some(HookResult::Continue);
    row.completions = 1;
    store.commit(epoch, &of(vec![row.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().hooks, [row.clone()], "decided, and not answered yet");

    (row.state, row.done_at) = (HookState::Answered, Some(Time(9_000)));
    store.commit(epoch, &of(vec![row.clone()])).await.unwrap();
    let restored = store.restore(Time(9_001)).await.unwrap();
    assert_eq!((restored.hooks.as_slice(), restored.last_hook), ([].as_slice(), 1));
    assert_eq!(store.hooks(&HookFilter::default(), None, 9).await.unwrap(), [row], "nothing is ever deleted");
}

async fn restore_gives_open_actions_and_those_that_may_be_told_of_again(place: &Place) {
    let (store, epoch) = place.owned().await;
    let rows: Vec<HookRow> = (1..=12)
        .map(|n: u32| {
            let state = HookState::ALL[n as usize % HookState::ALL.len()];
            let done_at = (state != HookState::Open).then(|| Time(i64::from(n) * 100));
            HookRow { state, done_at, ..hook(n.into()) }
        })
        .collect();
    store.commit(epoch, &of(rows.clone())).await.unwrap();
    for since in [0, 500, 501, 1_100, 2_000] {
        let remembered =
            |row: &&HookRow| row.state == HookState::Open || row.done_at.is_some_and(|at| at >= Time(since));
        let expected: Vec<HookRow> = rows.iter().filter(remembered).cloned().collect();
        let restored = store.restore(Time(since)).await.unwrap();
        assert_eq!((restored.hooks, restored.last_hook), (expected, 12), "since {since}");
    }
}

async fn one_token_is_one_open_action(place: &Place) {
    let (store, epoch) = place.owned().await;
    let again = |row: HookRow| HookRow { token: hook(1).token, ..row };
    // Tokens are a group's own, and two without one are two.
    let elsewhere = HookRow { asg: "other".into(), ..again(hook(2)) };
    let tokenless = [HookRow { token: None, ..hook(3) }, HookRow { token: None, ..hook(4) }];
    let first = [vec![hook(1), elsewhere], tokenless.into()].concat();
    store.commit(epoch, &of(first)).await.unwrap();
    let before = everything(&store).await;
    let error = store.commit(epoch, &of(vec![again(hook(5))])).await.unwrap_err();
    let conflict = StoreError::Database { trouble: Trouble::Conflict, detail: String::new() };
    assert!(
        matches!(&error, CommitError::Storage(e) if std::mem::discriminant(e) == std::mem::discriminant(&conflict)),
        "{error}"
    );
    assert_eq!(everything(&store).await, before);

    // Told of again when it is over and forgotten: one old message must not stop the rest.
    let over = HookRow { state: HookState::Over, done_at: Some(Time(1)), ..hook(1) };
    store.commit(epoch, &of(vec![over, again(hook(5))])).await.unwrap();
}

async fn actions_are_listed_by_state_group_and_instance(place: &Place) {
    let (store, epoch) = place.owned().await;
    let rows: Vec<HookRow> = (1..=12)
        .map(|n: u32| HookRow {
            group: if n.is_multiple_of(3) { "db" } else { "web" }.into(),
            id: format!("i-{:017x}", n / 2).parse().unwrap(),
            state: HookState::ALL[n as usize % HookState::ALL.len()],
            ..hook(n.into())
        })
        .collect();
    store.commit(epoch, &of(rows.clone())).await.unwrap();
    let states = [None].into_iter().chain(HookState::ALL.iter().copied().map(Some));
    for state in states {
        for group in [None, Some("db".to_string())] {
            for id in [None, Some(rows[3].id)] {
                let filter = HookFilter { state, group: group.clone(), id };
                let expected: Vec<HookRow> = rows
                    .iter()
                    .filter(|r| {
                        state.is_none_or(|s| r.state == s)
                            && group.as_ref().is_none_or(|g| r.group == *g)
                            && id.is_none_or(|id| r.id == id)
                    })
                    .cloned()
                    .collect();
                let (mut after, mut listed) = (None::<HookSeq>, Vec::new());
                loop {
                    let page = store.hooks(&filter, after, 2).await.unwrap();
                    let Some(last) = page.last() else { break };
                    after = Some(last.seq);
                    listed.extend(page);
                }
                assert_eq!(listed, expected, "{filter:?}");
            }
        }
    }
}

async fn who_asked_for_a_scale_up_is_kept(place: &Place) {
    let (store, epoch) = place.owned().await;
    let rows = vec![scale_up(1, 5), ScaleUpRow { origin: Origin::Adopted, wanted: 0, ..scale_up(2, 0) }];
    store.commit(epoch, &Changes { scale_ups: rows.clone(), ..Changes::default() }).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().scale_ups, rows);
}
