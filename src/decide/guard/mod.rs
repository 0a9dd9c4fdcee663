//! Rules that stop runaway action.

pub mod pools;
pub mod silence;
pub mod valve;
pub mod version;
