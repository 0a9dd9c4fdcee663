//! Lifecycle actions of Auto Scaling groups: taken in by one idempotent door, kept alive by
//! heartbeats, answered in time.
//!
//! [`door`] takes notices in and finds or makes the instance's place in the books; [`answers`] decides
//! what goes out and books what came of it; [`deadline`] is the arithmetic of who is next; [`proof`] probes those
//! again that waited long; [`hopeless`] gives up what cannot be met; [`book`] keeps the actions; [`notice`]
//! has the words.

pub mod answers;
pub mod book;
pub mod deadline;
pub mod door;
pub mod hopeless;
pub mod notice;
mod proof;

pub use book::HookBook;
