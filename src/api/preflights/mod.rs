//! Preflights: what a request would come to.

pub mod create;
