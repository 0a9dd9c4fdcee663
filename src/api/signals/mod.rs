//! Signals of groups: what they say, and samples that others send.

pub mod push;
pub mod show;
