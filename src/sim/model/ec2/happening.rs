//! What happened to instances, for those who watch the model at every step.

use std::collections::BTreeMap;

/// One thing that happened. Instances are named by their ordinal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// These were launched together.
    Launched { first: u32, count: u32, token: Option<String>, tags: BTreeMap<String, String> },
    /// It stopped being live: a terminate call named it, or EC2 ended it.
    Ended { ordinal: u32 },
    /// Its agent took a configuration.
    Configured { ordinal: u32, slot: Option<String>, attempt: Option<u32> },
}

/// What happened since it was last asked; nothing is kept unless somebody watches.
#[derive(Debug, Default)]
pub(super) struct Happenings(Option<Vec<Happening>>);

impl Happenings {
    pub(super) fn watch(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(super) fn push(&mut self, happening: impl FnOnce() -> Happening) {
        if let Some(all) = &mut self.0 {
            all.push(happening());
        }
    }

    pub(super) fn take(&mut self) -> Vec<Happening> {
        self.0.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
