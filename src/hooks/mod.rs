//! The doors for Auto Scaling's lifecycle actions.
//!
//! - [`body`]: the forms in which a notification is written.
//! - [`inlet`]: the one way in behind all doors.
//! - [`sqs`]: queues that are polled.
//! - [`sns`]: SNS over HTTPS, where nothing is believed before its signature was verified.
pub mod body;
pub mod inlet;
mod object;
pub mod sns;
pub mod sqs;
