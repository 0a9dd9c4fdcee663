//! Stand-in until the store's branch is merged: the same interface, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::decide::rows::{Changes, InstanceRow, JournalRow, LaunchRow, ScaleUpRow};
use crate::decide::words::{
    Ec2Id, InstanceRef, LaunchSeq, LaunchState, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time,
};

#[derive(Clone, Debug, Default)]
pub struct Store(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    scale_ups: BTreeMap<ScaleUpSeq, ScaleUpRow>,
    instances: BTreeMap<InstanceRef, InstanceRow>,
    launches: BTreeMap<LaunchSeq, LaunchRow>,
    journal: Vec<JournalRow>,
    epoch: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(pub i64);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("fenced by {by}")]
    Fenced { by: String },
    #[error(transparent)]
    Storage(StoreError),
}

#[derive(Clone, Debug, Default)]
pub struct ScaleUpFilter {
    pub state: Option<ScaleUpState>,
    pub group: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct InstanceFilter {
    pub scale_up: Option<ScaleUpSeq>,
    pub group: Option<String>,
    pub phase: Option<Phase>,
    pub id: Option<Ec2Id>,
}

#[derive(Clone, Debug, Default)]
pub struct JournalFilter {
    pub scale_up: Option<ScaleUpSeq>,
    pub slot: Option<SlotId>,
}

fn is<T: PartialEq>(want: Option<&T>, have: &T) -> bool {
    want.is_none_or(|w| w == have)
}

#[allow(clippy::unused_async)]
impl Store {
    pub async fn open(_url: &str) -> Result<Store, StoreError> {
        Ok(Store::default())
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn take_ownership(&self, _holder: &str, _now: Time) -> Result<Epoch, StoreError> {
        let mut rows = self.rows();
        rows.epoch += 1;
        Ok(Epoch(rows.epoch))
    }

    pub async fn commit(&self, epoch: Epoch, changes: &Changes) -> Result<(), CommitError> {
        let mut rows = self.rows();
        if rows.epoch != epoch.0 {
            return Err(CommitError::Fenced { by: "another".into() });
        }
        rows.scale_ups.extend(changes.scale_ups.iter().map(|r| (r.seq, r.clone())));
        rows.instances.extend(changes.instances.iter().map(|r| (r.instance, r.clone())));
        rows.launches.extend(changes.launches.iter().map(|r| (r.seq, r.clone())));
        rows.journal.extend(changes.journal.iter().cloned());
        Ok(())
    }

    pub async fn scale_up(&self, id: &str) -> Result<Option<ScaleUpRow>, StoreError> {
        Ok(self.rows().scale_ups.values().find(|r| r.id == id).cloned())
    }

    pub async fn scale_ups(
        &self,
        filter: &ScaleUpFilter,
        before: Option<ScaleUpSeq>,
        limit: u32,
    ) -> Result<Vec<ScaleUpRow>, StoreError> {
        let rows = self.rows();
        let all = rows.scale_ups.values().rev().filter(|r| before.is_none_or(|b| r.seq < b));
        let kept = all.filter(|r| is(filter.state.as_ref(), &r.state) && is(filter.group.as_ref(), &r.group));
        Ok(kept.take(limit as usize).cloned().collect())
    }

    pub async fn instances(
        &self,
        filter: &InstanceFilter,
        after: Option<InstanceRef>,
        limit: u32,
    ) -> Result<Vec<InstanceRow>, StoreError> {
        let rows = self.rows();
        let all = rows.instances.values().filter(|r| after.is_none_or(|a| r.instance > a));
        let kept = all.filter(|r| {
            is(filter.scale_up.as_ref(), &r.instance.slot.scale_up)
                && is(filter.group.as_ref(), &r.group)
                && is(filter.phase.as_ref(), &r.phase)
                && filter.id.is_none_or(|id| r.id == Some(id))
        });
        Ok(kept.take(limit as usize).cloned().collect())
    }

    pub async fn attempts(&self, slot: SlotId) -> Result<Vec<InstanceRow>, StoreError> {
        Ok(self.rows().instances.values().filter(|r| r.slot() == slot).cloned().collect())
    }

    pub async fn journal(
        &self,
        filter: &JournalFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, JournalRow)>, StoreError> {
        let rows = self.rows();
        let all = rows.journal.iter().zip(1_i64..).filter(|(_, n)| *n > after);
        let kept = all.filter(|(r, _)| {
            filter.scale_up.is_none_or(|s| r.scale_up == Some(s))
                && filter.slot.is_none_or(|s| r.instance.is_some_and(|i| i.slot == s))
        });
        Ok(kept.take(limit as usize).map(|(r, n)| (n, r.clone())).collect())
    }

    pub async fn launches(
        &self,
        state: Option<LaunchState>,
        limit: u32,
    ) -> Result<Vec<LaunchRow>, StoreError> {
        let rows = self.rows();
        Ok(rows
            .launches
            .values()
            .filter(|r| is(state.as_ref(), &r.state))
            .take(limit as usize)
            .cloned()
            .collect())
    }
}
