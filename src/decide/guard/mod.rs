//! Rules that stop runaway action.

mod cohorts;
pub mod freeze;
pub mod halt;
pub mod hold;
mod keep;
pub mod lease;
mod marked;
pub mod pools;
mod shown;
pub mod silence;
pub mod valve;
pub mod version;
pub mod zones;

pub(in crate::decide) use keep::Guards;
