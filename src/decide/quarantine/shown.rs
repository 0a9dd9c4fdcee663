//! What is shown of quarantines.

use super::words::QuarantineRow;
use super::{Kept, QuarantineState};
use crate::decide::Core;

impl Core {
    /// Those that are not done, the oldest first.
    pub(in crate::decide) fn quarantine_views(&self) -> Vec<QuarantineRow> {
        let mut rows: Vec<QuarantineRow> = self.quarantine.rows.values().map(|k| k.row.clone()).collect();
        rows.sort_by_key(|row| (row.since, row.id));
        rows
    }

    /// So many of a group are kept.
    pub(in crate::decide) fn in_quarantine(&self, group: usize) -> u32 {
        let kept = |k: &&Kept| k.group == group && k.row.state == QuarantineState::Kept;
        u32::try_from(self.quarantine.rows.values().filter(kept).count()).unwrap_or(u32::MAX)
    }
}
