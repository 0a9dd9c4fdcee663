//! `doctor`: what the host and the account lack.

use super::args;
use super::config;
use super::exit::{Done, Failure};
use super::io::Io;
use super::text::counted;
use crate::doctor::{Outcome, Policy, Report};

pub fn run(command: &args::Doctor, json: bool, io: &Io) -> Result<Done, Failure> {
    let config = config::load(&command.config)?;
    if command.policy {
        io.line(&format!("{:#}", Policy::of(&config).document()))?;
        return Ok(Done::Well);
    }
    let report: Report = super::here(async { Ok(crate::doctor::run(&config, command.offline).await) })?;
    if json {
        io.line(&report.json().to_string())?;
    } else {
        io.data(&report.text())?;
    }
    match report.count(Outcome::Fail) {
        0 => Ok(Done::Well),
        failed => Err(Failure::Failed(format!("{} failed", counted(failed, "check")))),
    }
}
