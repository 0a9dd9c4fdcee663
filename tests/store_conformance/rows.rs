//! Rows to write, and everything that was.

use muster::decide::hook::notice::{HookState, Transition};
use muster::decide::rows::{HookRow, InstanceRow, JournalRow, LaunchRow, ScaleUpRow};
use muster::decide::words::{
    HookSeq, InstanceRef, LaunchSeq, LaunchState, Origin, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time,
};
use muster::store::{HookFilter, InstanceFilter, JournalFilter, ScaleUpFilter, Store};

pub fn scale_up(seq: u32, wanted: u32) -> ScaleUpRow {
    ScaleUpRow {
        seq: ScaleUpSeq(seq),
        id: format!("0191-{seq}"),
        group: "web".into(),
        origin: Origin::Asked,
        wanted,
        planned: 0,
        by: None,
        reason: "Monday".into(),
        idempotency_key: None,
        state: ScaleUpState::Open,
        accepted_at: Time(1_000 + i64::from(seq)),
        done_at: None,
        in_service: 0,
        withdrawn: 0,
        eta_ms: 90_000,
        cancel_reason: None,
    }
}

pub fn launch(seq: u64, count: u32) -> LaunchRow {
    LaunchRow {
        seq: LaunchSeq(seq),
        group: "web".into(),
        version: "00ff00ff00ff00ff".into(),
        token: format!("muster-{seq}"),
        body: format!(r#"{{"token":"muster-{seq}","max_count":{count}}}"#),
        count,
        state: LaunchState::Unsettled,
        sends: 0,
        created_at: Time(2_000),
        not_before: Time(2_000),
        settled_at: None,
        launched: 0,
        error_class: None,
        error: None,
    }
}

pub fn at(scale_up: u32, ordinal: u32, attempt: u16) -> InstanceRef {
    InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(scale_up), ordinal }, attempt }
}

pub fn instance(instance: InstanceRef, phase: Phase) -> InstanceRow {
    InstanceRow {
        instance,
        group: "web".into(),
        phase,
        since: Time(3_000),
        launch: None,
        id: None,
        address: None,
        zone: None,
        reason: None,
    }
}

/// A lifecycle action that holds an instance on its way in.
pub fn hook(seq: u64) -> HookRow {
    HookRow {
        seq: HookSeq(seq),
        group: "web".into(),
        asg: "web-asg".into(),
        hook: "muster".into(),
        token: Some(format!("917070d0-a303-474b-a36c-{seq:012}")),
        transition: Transition::Launching,
        id: format!("i-{seq:017x}").parse().unwrap(),
        origin: None,
        destination: None,
        instance: None,
        state: HookState::Open,
        result: None,
        noticed_at: Time(5_000),
        expires_at: Time(35_000),
        ends_at: Time(3_005_000),
        completions: 0,
        heartbeats: 0,
        done_at: None,
        error: None,
    }
}

pub fn line(instance: InstanceRef, kind: &str) -> JournalRow {
    JournalRow {
        at: Time(4_000),
        scale_up: Some(instance.slot.scale_up),
        instance: Some(instance),
        gateway: None,
        kind: kind.into(),
        text: format!("{instance} is {kind}"),
    }
}

pub async fn every_instance(store: &Store) -> Vec<InstanceRow> {
    store.instances(&InstanceFilter::default(), None, 1_000_000).await.unwrap()
}

pub async fn every_line(store: &Store) -> Vec<(i64, JournalRow)> {
    store.journal(&JournalFilter::default(), 0, 1_000_000).await.unwrap()
}

/// Everything there is, to compare before and after.
pub async fn everything(store: &Store) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        store.scale_ups(&ScaleUpFilter::default(), None, 1_000_000).await.unwrap(),
        store.launches(None, 1_000_000).await.unwrap(),
        every_instance(store).await,
        every_line(store).await,
        store.hooks(&HookFilter::default(), None, 1_000_000).await.unwrap(),
        store.restore(Time(0)).await.unwrap(),
    )
}
