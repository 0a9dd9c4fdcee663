//! The command line. Commands that ask something of a service speak only HTTP.

mod args;
mod ask;
mod bars;
mod client;
mod config;
mod exit;
mod follow;
mod io;
mod retry;
mod show;
mod sse;
#[cfg(test)]
mod testing;
mod text;
mod wire;

use std::process::ExitCode;

use clap::Parser;

pub use args::{Cli, Command};
pub use bars::Bars;
pub use exit::{Done, Failure};
pub use io::Io;

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let io = Io::of_process();
    ExitCode::from(end(&io, run(&cli, &io)))
}

fn run(cli: &Cli, io: &Io) -> Result<Done, Failure> {
    match &cli.command {
        Command::Serve(serve) => {
            let config = config::load(&serve.config)?;
            crate::app::serve(config).map_err(|e| failed(&e))?;
            Ok(Done::Well)
        }
        Command::Demo(options) => crate::demo::run(options).map_err(|e| failed(&e)),
        Command::Ask(ask) => ask::run(ask, &cli.service, io),
        Command::Config(command) => config::run(command, cli.service.json, io),
    }
}

/// The whole chain of causes, once, in one line.
fn failed(error: &anyhow::Error) -> Failure {
    Failure::Failed(format!("{error:#}"))
}

/// Tells how it ended, and gives the exit code.
fn end(io: &Io, result: Result<Done, Failure>) -> u8 {
    match result {
        Ok(done) => done.code(),
        Err(failure) => {
            if let Some(message) = failure.message() {
                io.note(&message);
            }
            failure.code()
        }
    }
}
