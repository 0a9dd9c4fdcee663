//! The picture of the account, and what scale-ups were told by it.

use muster::decide::rows::{Changes, FactRow, PreflightRow};
use muster::decide::words::{ScaleUpSeq, Time};

use super::Place;

stories!(the_newest_number_counts, what_was_said_is_found_by_its_scale_up);

async fn the_newest_number_counts(place: &Place) {
    let (store, epoch) = place.owned().await;
    let row = |subject: &str, value, at| FactRow {
        subject: subject.into(),
        value,
        ours: 7,
        as_of: Time(at - 60),
        seen_at: Time(at),
        is_default: value == 5,
    };
    let of = |facts| Changes { facts, ..Changes::default() };
    let (quota, subnet) = ("quota L-1216C47A", "subnet subnet-0a");
    store.commit(epoch, &of(vec![row(subnet, 251, 1), row(quota, 5, 1)])).await.unwrap();
    store.commit(epoch, &of(vec![row(quota, 5, 2), row(quota, 1_800, 3)])).await.unwrap();
    let facts = store.restore(Time(0)).await.unwrap().facts;
    assert_eq!(facts, [row(quota, 1_800, 3), row(subnet, 251, 1)]);
}

async fn what_was_said_is_found_by_its_scale_up(place: &Place) {
    let (store, epoch) = place.owned().await;
    let row = PreflightRow { scale_up: ScaleUpSeq(7), verdict: r#"{"fits":900}"#.into() };
    let changes = Changes { preflights: vec![row.clone()], ..Changes::default() };
    store.commit(epoch, &changes).await.unwrap();
    assert_eq!(store.preflight(ScaleUpSeq(7)).await.unwrap(), Some(row));
    assert_eq!(store.preflight(ScaleUpSeq(8)).await.unwrap(), None);
}
