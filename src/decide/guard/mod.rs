//! Rules that stop runaway action.

pub mod halt;
pub mod pools;
pub mod silence;
pub mod version;
pub mod zones;
