//! muster brings servers into service on AWS by the thousand: launch, configure, verify.
//!
//! The rooms, in the order in which a slot passes through them, are described in ARCHITECTURE.md.
#![forbid(unsafe_code)]
#![warn(clippy::pedantic)]
#![warn(
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![allow(
    clippy::module_name_repetitions,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::struct_excessive_bools
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
// Limits are told in the unit of their source: 180 s beside 100 + 60 s.
#![allow(clippy::duration_suboptimal_units)]

pub mod api;
pub mod app;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod contact;
pub mod decide;
pub mod demo;
pub mod doctor;
pub mod engine;
pub mod hooks;
pub mod ids;
pub mod net;
pub mod sim;
pub mod simulate;
pub mod store;
pub mod time;
