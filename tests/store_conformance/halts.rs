//! Halts of Auto Scaling groups: taken up again until they have ended.

use muster::decide::rows::{Changes, HaltRow};
use muster::decide::words::Time;

use super::Place;

stories!(a_halt_is_given_back_until_it_has_ended);

async fn a_halt_is_given_back_until_it_has_ended(place: &Place) {
    let (store, epoch) = place.owned().await;
    let of = |halts: &[HaltRow]| Changes { halts: halts.to_vec(), ..Changes::default() };
    let mut row = HaltRow {
        group: "web".into(),
        asg: "web-asg".into(),
        since: Time(7),
        suspended: false,
        put_off: 0,
        setting: None,
        ended_at: None,
    };
    let other = HaltRow { group: "api".into(), asg: "api-asg".into(), suspended: true, ..row.clone() };
    store.commit(epoch, &of(&[row.clone(), other.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().halts, [other.clone(), row.clone()]);
    (row.suspended, row.put_off, row.setting) = (true, u32::MAX, Some((0, u32::MAX)));
    store.commit(epoch, &of(&[HaltRow { put_off: 1, ..row.clone() }, row.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().halts, [other.clone(), row.clone()], "the later counts");
    row.ended_at = Some(Time(9));
    store.commit(epoch, &of(&[row])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().halts, [other]);
}
