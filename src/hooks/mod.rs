//! The doors for Auto Scaling's lifecycle actions.
//!
//! - [`body`]: the forms in which a notification is written.
//! - [`sns`]: SNS over HTTPS, where nothing is believed before its signature was verified.
pub mod body;
mod object;
pub mod sns;
