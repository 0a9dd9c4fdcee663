//! The doors for Auto Scaling's lifecycle actions.
//!
//! - [`notice`]: what a notification says, in our own words.
//! - [`body`]: the forms in which it is written.
//! - [`inlet`]: the one way in behind all doors.
//! - [`sqs`]: queues that are polled.
//! - [`sns`]: SNS over HTTPS, where nothing is believed before its signature was verified.
pub mod body;
pub mod inlet;
pub mod notice;
mod object;
pub mod sns;
pub mod sqs;
