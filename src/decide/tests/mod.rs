//! The core against a small world of its own: virtual time, a fake EC2 with faults, and a store
//! that is nothing but the rows that were committed. Crashes throw the core away.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

mod drills;
mod halts;
mod holds;
mod hooks;
mod late;
mod limits;
pub(super) mod lives;
mod proofs;
mod quarantine;
mod reserve;
mod retire;
mod scenarios;
pub(super) mod world;
