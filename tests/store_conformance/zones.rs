//! Zone weights: ordered for one group or for all, changed, and taken back.

use muster::decide::rows::{Changes, ZoneRow};
use muster::decide::words::Time;

use super::Place;

stories!(an_order_about_a_zone_is_kept_until_the_next,);

async fn an_order_about_a_zone_is_kept_until_the_next(place: &Place) {
    let (store, epoch) = place.owned().await;
    let row = |group: &str, percent, at| ZoneRow {
        group: group.into(),
        zone: "us-east-1a".into(),
        percent,
        reason: "grey, says \u{1F980}".into(),
        at: Time(at),
    };
    let of = |zones| Changes { zones, ..Changes::default() };
    store.commit(epoch, &of(vec![row("", Some(0), 1), row("web", Some(100), 1)])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().zones, [row("", Some(0), 1), row("web", Some(100), 1)]);
    // One commit may hold two orders about the same zone: the last one counts.
    store.commit(epoch, &of(vec![row("web", Some(1), 2), row("web", None, 3)])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().zones, [row("", Some(0), 1), row("web", None, 3)]);
}
