//! What is shown of quarantines.

use super::words::{Purpose, QuarantineRow};
use super::{Kept, QuarantineState};
use crate::decide::Core;
use crate::decide::view::ReserveView;

impl Core {
    /// Those that are not done, the oldest first.
    pub(in crate::decide) fn quarantine_views(&self) -> Vec<QuarantineRow> {
        let broken = self.quarantine.rows.values().filter(|k| k.row.purpose == Purpose::Broken);
        let mut rows: Vec<QuarantineRow> = broken.map(|k| k.row.clone()).collect();
        rows.sort_by_key(|row| (row.since, row.id));
        rows
    }

    /// So many of a group are kept because they broke.
    pub(in crate::decide) fn in_quarantine(&self, group: usize) -> u32 {
        self.kept_for(group, Purpose::Broken)
    }

    /// So many of a group are in reserve.
    pub(in crate::decide) fn in_reserve(&self, group: usize) -> u32 {
        self.kept_for(group, Purpose::Reserve)
    }

    fn kept_for(&self, group: usize, purpose: Purpose) -> u32 {
        let kept =
            |k: &&Kept| k.group == group && k.row.purpose == purpose && k.row.state == QuarantineState::Kept;
        u32::try_from(self.quarantine.rows.values().filter(kept).count()).unwrap_or(u32::MAX)
    }

    /// What a group has in reserve; none if it is to have none.
    pub(in crate::decide) fn reserve_view(&self, group: usize) -> Option<ReserveView> {
        let size = self.ledger.groups[group].spec.reserve?.size;
        let ready = match self.warm_pool_of(group) {
            Some(ready) => ready,
            None => self.in_reserve(group),
        };
        Some(ReserveView { size, ready })
    }
}
