//! `/v1/holds`: nobody ends this instance until then.

pub mod create;
pub mod list;
pub mod release;

/// Longest name of whoever asks.
pub(super) const MOST_OWNER: usize = 64;
/// Longest name of a group, as the configuration has it.
pub(super) const MOST_GROUP: usize = 64;
/// Longest reason, in characters.
pub(super) const MOST_REASON: usize = 500;
