//! Instances that are kept out of service, in quarantine or in reserve: taken up again until they are not any more.

use muster::decide::quarantine::words::{Keeping, Purpose, QuarantineEnd, QuarantineRow, QuarantineState};
use muster::decide::rows::Changes;
use muster::decide::words::{LaunchSeq, Phase, Time};

use super::Place;
use super::rows::at;

stories!(who_is_kept_is_given_back_until_that_is_over);

async fn who_is_kept_is_given_back_until_that_is_over(place: &Place) {
    let (store, epoch) = place.owned().await;
    let of = |quarantine: &[QuarantineRow]| Changes { quarantine: quarantine.to_vec(), ..Changes::default() };
    let broken = QuarantineRow {
        id: "i-0aa".parse().unwrap(),
        group: "web".into(),
        purpose: Purpose::Broken,
        instance: None,
        launch: None,
        address: None,
        zone: None,
        broke_in: Phase::Verifying,
        reason: "status 503".into(),
        how: Keeping::Hook,
        state: QuarantineState::Asked,
        since: Time(7),
        until: Time(14_400_007),
        kept_at: None,
        tagged_at: None,
        ended_at: None,
        end: None,
        ended_by: None,
        error: Some("Throttling: slow down".into()),
    };
    let mut reserved = QuarantineRow {
        id: "i-0bb".parse().unwrap(),
        purpose: Purpose::Reserve,
        instance: Some(at(3, 1, 2)),
        launch: Some(LaunchSeq(5)),
        address: Some("10.0.0.1".parse().unwrap()),
        zone: Some("us-east-1a".into()),
        broke_in: Phase::InService,
        how: Keeping::Standby,
        state: QuarantineState::Kept,
        until: Time::NEVER,
        kept_at: Some(Time(8)),
        error: None,
        ..broken.clone()
    };
    store.commit(epoch, &of(&[broken.clone(), reserved.clone()])).await.unwrap();
    let given = store.restore(Time(0)).await.unwrap().quarantine;
    assert_eq!(given, [broken.clone(), reserved.clone()]);
    (reserved.state, reserved.instance) = (QuarantineState::Joining, Some(at(4, 0, 1)));
    store.commit(epoch, &of(&[reserved.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().quarantine, [broken.clone(), reserved.clone()]);
    (reserved.state, reserved.end) = (QuarantineState::Done, Some(QuarantineEnd::Used));
    store.commit(epoch, &of(&[reserved])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().quarantine, [broken]);
}
