//! Holds, freezes and what is marked for them: taken up again until everything is restored.

use muster::decide::guard::lease::{
    FreezeRow, HoldRow, HoldWay, KeepRow, KeepState, Lease, LeaseEnd, LeaseState, Marking,
};
use muster::decide::rows::Changes;
use muster::decide::words::Time;

use super::Place;

stories!(holds_and_freezes_are_given_back_until_they_are_done, a_mark_is_given_back_until_it_is_restored);

fn lease(id: &str) -> Lease {
    Lease::new(id.into(), "ann".into(), "a look".into(), Time(7), Time(9_000))
}

fn done(lease: &Lease) -> Lease {
    let mut lease = lease.clone();
    lease.end(LeaseEnd::Overridden, Some("bob".into()), Time(800));
    Lease { state: LeaseState::Done, in_force_at: Some(Time(10)), done_at: Some(Time(900)), ..lease }
}

async fn holds_and_freezes_are_given_back_until_they_are_done(place: &Place) {
    let (store, epoch) = place.owned().await;
    let instance = "i-0123456789abcdef0".parse().unwrap();
    let hold = HoldRow { lease: lease("h1"), instance, group: "web".into(), way: HoldWay::Standby };
    let other = HoldRow { lease: lease("h2"), way: HoldWay::Replacement, ..hold.clone() };
    let freeze = FreezeRow { lease: lease("f1"), group: None };
    let one = FreezeRow { lease: lease("f2"), group: Some("web".into()) };
    let changes = Changes {
        holds: vec![other.clone(), hold.clone()],
        freezes: vec![freeze.clone(), one.clone()],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!(
        (restored.holds, restored.freezes),
        (vec![hold.clone(), other.clone()], vec![freeze, one.clone()])
    );
    let ended = Changes {
        holds: vec![HoldRow { lease: done(&hold.lease), ..hold }],
        freezes: vec![FreezeRow { lease: done(&lease("f1")), group: None }],
        ..Changes::default()
    };
    store.commit(epoch, &ended).await.unwrap();
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!((restored.holds, restored.freezes), (vec![other], vec![one]));
}

async fn a_mark_is_given_back_until_it_is_restored(place: &Place) {
    let (store, epoch) = place.owned().await;
    let row = |subject: &str, marking| KeepRow {
        subject: subject.into(),
        marking,
        asg: Some("web-asg".into()),
        before: None,
        state: KeepState::Unknown,
        since: Time(7),
        error: None,
    };
    let mut mark = row("i-0123456789abcdef0", Marking::ScaleInProtection);
    let process = row("web-asg", Marking::ReplaceUnhealthy);
    let of = |keeps: &[KeepRow]| Changes { keeps: keeps.to_vec(), ..Changes::default() };
    store.commit(epoch, &of(&[process.clone(), mark.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().keeps, [mark.clone(), process.clone()]);
    (mark.before, mark.state) = (Some(true), KeepState::Set);
    mark.error = Some("UnauthorizedOperation: no".into());
    store.commit(epoch, &of(&[mark.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().keeps, [mark.clone(), process.clone()]);
    mark.state = KeepState::Restored;
    store.commit(epoch, &of(&[mark])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().keeps, [process]);
}
