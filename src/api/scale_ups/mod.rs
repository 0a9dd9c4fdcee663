//! Scale-ups: one file per verb.

pub mod cancel;
pub mod create;
mod detail;
pub mod events;
mod follow;
pub mod list;
pub mod show;

/// Longest reason, in characters.
pub const MOST_REASON: usize = 500;
