//! How many members are in which stage: kept by every change, so that nothing walks the group to
//! know its size.

use serde::{Deserialize, Serialize};

use super::words::Stage;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// `Pending` and its kin.
    pub coming: u32,
    pub in_service: u32,
    /// Standby, or entering it.
    pub aside: u32,
    /// Detaching, `Terminating` and its kin.
    pub leaving: u32,
    pub retained: u32,
    pub warm: u32,
    pub leaving_warm: u32,
}

impl Tally {
    fn of(&mut self, stage: Stage) -> &mut u32 {
        match stage {
            Stage::Coming => &mut self.coming,
            Stage::InService => &mut self.in_service,
            Stage::Aside => &mut self.aside,
            Stage::Leaving => &mut self.leaving,
            Stage::Retained => &mut self.retained,
            Stage::Warm => &mut self.warm,
            Stage::LeavingWarm => &mut self.leaving_warm,
        }
    }

    pub(super) fn add(&mut self, stage: Stage) {
        *self.of(stage) += 1;
    }

    pub(super) fn remove(&mut self, stage: Stage) {
        let count = self.of(stage);
        *count = count.saturating_sub(1);
    }

    /// What is held against the desired capacity: coming and in service.
    #[must_use]
    pub fn counted(&self) -> u32 {
        self.coming + self.in_service
    }

    /// Every member, in whatever state.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.counted() + self.aside + self.leaving + self.retained + self.warm + self.leaving_warm
    }
}
