//! `/v1/quarantine`: broken instances that are kept for people to look at.

pub mod list;
pub mod release;
