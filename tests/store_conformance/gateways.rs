//! Gateway requests: taken up again until they are over, found by their ids, with their own history.

use std::time::Duration;

use muster::decide::gateway::GatewayAsk;
use muster::decide::gateway::gate::{GateRow, OverrideRow};
use muster::decide::gateway::words::{Gateway, GatewayEnd, GatewayKind, GatewayRow, GatewayState};
use muster::decide::guard::lease::{Lease, LeaseEnd, LeaseState};
use muster::decide::rows::{Changes, JournalRow};
use muster::decide::words::{ScaleUpSeq, Time};
use muster::store::JournalFilter;

use super::Place;
use super::rows::{at, line};

stories!(
    gateway_requests_are_given_back_until_they_are_over,
    gates_that_are_short_and_overrides_are_given_back_until_they_end,
);

async fn gates_that_are_short_and_overrides_are_given_back_until_they_end(place: &Place) {
    let (store, epoch) = place.owned().await;
    let gate = |group: &str| GateRow {
        group: group.into(),
        gateway: "core".into(),
        since: Time(7),
        filed: 0,
        alarmed_at: None,
        ended_at: None,
    };
    let full = GateRow { filed: 250, alarmed_at: Some(Time(9)), ..gate("web") };
    let over = |id: &str, scale_up| OverrideRow {
        lease: Lease {
            state: LeaseState::InForce,
            in_force_at: Some(Time(8)),
            ..Lease::new(id.into(), "ann".into(), "the peak is here".into(), Time(8), Time(9_000))
        },
        group: "web".into(),
        scale_up,
    };
    let (first, second) = (over("0191-a", None), over("0191-b", Some(ScaleUpSeq(3))));
    let changes = Changes {
        gates: vec![full.clone(), gate("api")],
        overrides: vec![second.clone(), first.clone()],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    let stored = store.restore(Time(0)).await.unwrap();
    assert_eq!(stored.gates, [gate("api"), full.clone()]);
    assert_eq!(stored.overrides, [first.clone(), second.clone()]);
    let mut done = first;
    done.lease.end(LeaseEnd::Overridden, Some("bob".into()), Time(10));
    (done.lease.state, done.lease.done_at) = (LeaseState::Done, Some(Time(10)));
    let ended = GateRow { ended_at: Some(Time(10)), ..full };
    let changes = Changes { gates: vec![ended], overrides: vec![done], ..Changes::default() };
    store.commit(epoch, &changes).await.unwrap();
    let stored = store.restore(Time(0)).await.unwrap();
    assert_eq!((stored.gates, stored.overrides), (vec![gate("api")], vec![second]));
}

async fn gateway_requests_are_given_back_until_they_are_over(place: &Place) {
    let (store, epoch) = place.owned().await;
    let of = |gateways: &[GatewayRow]| Changes { gateways: gateways.to_vec(), ..Changes::default() };
    let ask = GatewayAsk {
        id: "0191-b".into(),
        gateway: "core".into(),
        capacity: 200,
        needed_by: None,
        until: Time(9_000),
        owner: "ann".into(),
        reason: String::new(),
    };
    let core = Gateway {
        name: "core".into(),
        kind: GatewayKind::TransitGateway,
        resource: "tgw-1".into(),
        unit: "Gbit/s".into(),
        declared: 0,
        pool: Vec::new(),
        support: None,
        remind_every: Duration::from_secs(3_600),
        answer_within: Duration::from_secs(300),
    };
    let bare = GatewayRow::asked(ask, &core, Time(7));
    let mut full = GatewayRow {
        id: "0191-a".into(),
        gateway: "web".into(),
        kind: GatewayKind::LoadBalancer,
        needed_by: Some(Time(8_000)),
        reason: "the first working day".into(),
        state: GatewayState::Releasing,
        submitted_at: Some(Time(8)),
        before: Some(0),
        in_effect: 150,
        confirmed_by: Some("bob".into()),
        reference: Some("0f1e".into()),
        reference_state: Some("work-in-progress".into()),
        calls: 3,
        unanswered: Some(Time(9)),
        reminders: 2,
        reminded_at: Some(Time(10)),
        late: true,
        alarmed_at: Some(Time(10)),
        ended_at: Some(Time(11)),
        end: Some(GatewayEnd::Released),
        ended_by: Some("eve".into()),
        note: Some("Throttling: slow down".into()),
        ..bare.clone()
    };
    store.commit(epoch, &of(&[bare.clone(), full.clone()])).await.unwrap();
    assert_eq!(store.restore(Time(0)).await.unwrap().gateways, [full.clone(), bare.clone()]);
    for over in [GatewayState::Refused, GatewayState::Expired, GatewayState::Released] {
        full.state = over;
        store.commit(epoch, &of(&[full.clone()])).await.unwrap();
        assert_eq!(store.restore(Time(0)).await.unwrap().gateways, std::slice::from_ref(&bare), "{over}");
    }
    assert_eq!(store.gateway_request("0191-a").await.unwrap(), Some(full));
    assert_eq!(store.gateway_request("0191-c").await.unwrap(), None);

    let about = |id: &str, kind: &str| JournalRow {
        scale_up: None,
        instance: None,
        gateway: Some(id.into()),
        ..line(at(1, 0, 1), kind)
    };
    let journal = [
        about("0191-a", "gateway_wanted"),
        line(at(1, 0, 1), "booting"),
        about("0191-b", "gateway_wanted"),
        about("0191-a", "gateway_released"),
    ];
    let changes = Changes { journal: journal.to_vec(), ..Changes::default() };
    store.commit(epoch, &changes).await.unwrap();
    let filter = JournalFilter { gateway: Some("0191-a".into()), ..JournalFilter::default() };
    let found: Vec<JournalRow> =
        store.journal(&filter, 0, 10).await.unwrap().into_iter().map(|(_, row)| row).collect();
    assert_eq!(found, [journal[0].clone(), journal[3].clone()]);
}
