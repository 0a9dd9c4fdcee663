//! `/v1/zones`: which share of new launches each zone gets.

pub mod list;
pub mod weigh;
