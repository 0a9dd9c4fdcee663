//! Schedules: given back until they are removed, in the same commit as the request that one of them made.

use std::time::Duration;

use muster::decide::gateway::calendar::ScheduleAsk;
use muster::decide::gateway::calendar::words::{MissedRule, ScheduleRow};
use muster::decide::rows::Changes;
use muster::decide::words::Time;

use super::Place;

stories!(schedules_are_given_back_until_they_are_removed);

async fn schedules_are_given_back_until_they_are_removed(place: &Place) {
    let (store, epoch) = place.owned().await;
    let of = |schedules: &[ScheduleRow]| Changes { schedules: schedules.to_vec(), ..Changes::default() };
    let ask = ScheduleAsk {
        id: "0191-b".into(),
        name: "january".into(),
        gateway: "core".into(),
        capacity: 200,
        cron: "0 4 * 1 MON#1".into(),
        zone: "Europe/Berlin".into(),
        except: Vec::new(),
        lead: Duration::from_hours(7 * 24),
        release_after: Duration::from_hours(24),
        missed: MissedRule::CatchUp,
        owner: "ann".into(),
        reason: String::new(),
    };
    let bare = ask.row(Time(7));
    let mut full = ScheduleRow {
        id: "0191-a".into(),
        name: "july".into(),
        except: vec!["2027-07-04".into(), "2027-07-05".into()],
        missed: MissedRule::Report,
        reason: "the sale, \"big\"".into(),
        through: Time(9_000),
        waiting: Some(Time(8_000)),
        last: Some(Time(7_000)),
        request: Some("0191-c".into()),
        asked: 3,
        passed: 2,
        note: Some("it waits".into()),
        ..bare.clone()
    };
    store.commit(epoch, &of(&[bare.clone(), full.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().schedules, [full.clone(), bare.clone()]);
    (full.waiting, full.note, full.request) = (None, None, None);
    store.commit(epoch, &of(&[full.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().schedules, [full.clone(), bare.clone()]);
    (full.removed_at, full.removed_by) = (Some(Time(10_000)), Some("eve".into()));
    store.commit(epoch, &of(&[full])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().schedules, [bare]);
}
