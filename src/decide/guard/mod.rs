//! Rules that stop runaway action.

pub mod pools;
pub mod silence;
pub mod version;
pub mod zones;
