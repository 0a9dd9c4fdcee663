//! Every test that needs more than one room: one binary, since each links the SDK's large library.
#![warn(clippy::pedantic)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod borders;
mod cli;
mod counterpart;
mod crashes;
mod demo;
mod harness;
mod localstack;
mod moto;
mod sim_wire;
mod source;
mod store_conformance;
mod style;
