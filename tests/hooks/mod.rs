//! Lifecycle actions by every door: real processes, real sockets; the simulated AWS's ledger is the judge.

mod by_call;
mod by_events;
mod by_queue;
mod by_topic;
mod caller;
mod flood;
mod forged;
mod gate;
pub mod group;
mod held;
mod recorder;
mod reserve;
mod thousand;

pub use by_queue::queue;
