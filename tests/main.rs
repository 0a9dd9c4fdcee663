//! Every test that needs more than one room: one binary, since each links the SDK's large library.
#![warn(clippy::pedantic)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::duration_suboptimal_units, clippy::cast_precision_loss, clippy::similar_names)]

mod api;
mod borders;
mod calendar;
mod cli;
mod clients;
mod counterpart;
mod crashes;
mod demo;
mod doctor;
mod gates;
mod gateways;
mod harness;
mod hooks;
mod localstack;
mod moto;
mod poison;
mod preflight;
mod reserve;
mod sdk;
mod sim_wire;
mod source;
mod store_conformance;
mod style;
