//! Rules that stop runaway action.

pub mod pools;
pub mod version;
