//! Every filter, in pages.

use muster::decide::rows::{Changes, InstanceRow, LaunchRow, ScaleUpRow};
use muster::decide::words::{LaunchState, Phase, ScaleUpSeq, ScaleUpState};
use muster::store::{InstanceFilter, ScaleUpFilter};

use super::Place;
use super::rows::{at, instance, launch, scale_up};

stories!(lists_filter_and_page);

async fn lists_filter_and_page(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut rows = Vec::new();
    for seq in 1..=6 {
        let mut row = scale_up(seq, 5);
        row.group = if seq % 2 == 0 { "web" } else { "db" }.into();
        row.state = ScaleUpState::ALL[seq as usize % ScaleUpState::ALL.len()];
        rows.push(row);
    }
    let launches: Vec<LaunchRow> =
        (1..=6).map(|n| LaunchRow { state: LaunchState::ALL[n as usize % 3], ..launch(n, 1) }).collect();
    let instances: Vec<InstanceRow> = (0..60)
        .map(|n: u32| {
            let mut row = instance(
                at(1 + n / 20, (n % 20) / 2, 1 + u16::from(n % 2 == 1)),
                Phase::ALL[n as usize % Phase::ALL.len()],
            );
            row.group = if n.is_multiple_of(4) { "db" } else { "web" }.into();
            row.id = n.is_multiple_of(3).then(|| format!("i-{:08x}", n / 2).parse().unwrap());
            row
        })
        .collect();
    let changes = Changes {
        scale_ups: rows.clone(),
        launches: launches.clone(),
        instances: instances.clone(),
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();

    // Scale-ups: newest first, every filter against the same filter in Rust, in pages of two.
    rows.reverse();
    for state in [None, Some(ScaleUpState::Open), Some(ScaleUpState::Cancelling), Some(ScaleUpState::Done)] {
        for group in [None, Some("web".to_string()), Some("nobody".to_string())] {
            let filter = ScaleUpFilter { state, group: group.clone() };
            let expected: Vec<ScaleUpRow> = rows
                .iter()
                .filter(|r| {
                    state.is_none_or(|s| r.state == s) && group.as_ref().is_none_or(|g| r.group == *g)
                })
                .cloned()
                .collect();
            let (mut before, mut listed) = (None, Vec::new());
            loop {
                let page = store.scale_ups(&filter, before, 2).await.unwrap();
                let Some(last) = page.last() else { break };
                before = Some(last.seq);
                listed.extend(page);
            }
            assert_eq!(listed, expected, "{filter:?}");
        }
    }

    for state in [None, Some(LaunchState::Unsettled), Some(LaunchState::Settled), Some(LaunchState::Refused)]
    {
        let mut expected: Vec<LaunchRow> =
            launches.iter().filter(|l| state.is_none_or(|s| l.state == s)).cloned().collect();
        expected.reverse();
        assert_eq!(store.launches(state, 100).await.unwrap(), expected);
        assert_eq!(store.launches(state, 1).await.unwrap(), expected[..1]);
    }

    let filters = [
        InstanceFilter::default(),
        InstanceFilter { scale_up: Some(ScaleUpSeq(2)), ..InstanceFilter::default() },
        InstanceFilter { group: Some("db".into()), ..InstanceFilter::default() },
        InstanceFilter { phase: Some(Phase::Booting), ..InstanceFilter::default() },
        InstanceFilter { id: Some("i-00000006".parse().unwrap()), ..InstanceFilter::default() },
        InstanceFilter { id: Some("i-ffffffff".parse().unwrap()), ..InstanceFilter::default() },
        InstanceFilter {
            scale_up: Some(ScaleUpSeq(3)),
            group: Some("web".into()),
            phase: Some(Phase::Gone),
            ..InstanceFilter::default()
        },
    ];
    for filter in filters {
        let expected: Vec<InstanceRow> = instances
            .iter()
            .filter(|r| {
                filter.scale_up.is_none_or(|s| r.slot().scale_up == s)
                    && filter.group.as_ref().is_none_or(|g| r.group == *g)
                    && filter.phase.is_none_or(|p| r.phase == p)
                    && filter.id.is_none_or(|id| r.id == Some(id))
            })
            .cloned()
            .collect();
        let (mut after, mut listed) = (None, Vec::new());
        loop {
            let page = store.instances(&filter, after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.instance);
            listed.extend(page);
        }
        assert_eq!(listed, expected, "{filter:?}");
    }
}
