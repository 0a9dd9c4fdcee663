//! The command line. Commands that ask something of a service speak only HTTP.

mod args;
mod ask;
mod bars;
mod client;
mod config;
mod doctor;
mod exit;
mod follow;
mod io;
mod retry;
mod show;
mod sse;
#[cfg(test)]
mod testing;
mod text;

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
            here(crate::app::serve(config))?;
            Ok(Done::Well)
        }
        Command::Demo(options) => match here(crate::demo::run(options.clone()))? {
            Some(true) => Ok(Done::Well),
            Some(false) => Err(Failure::Failed("not every instance is accounted for".into())),
            None => Err(Failure::Interrupted),
        },
        Command::Sim(options) => {
            here(crate::sim::run(options.clone()))?;
            Ok(Done::Well)
        }
        Command::Simulate(options) => {
            let passed = crate::simulate::run(options).map_err(|e| failed(&e))?;
            if passed {
                Ok(Done::Well)
            } else {
                Err(Failure::Failed("not every invariant held and every figure was reached".into()))
            }
        }
        Command::Ask(ask) => ask::run(ask, &cli.service, io),
        Command::Config(command) => config::run(command, cli.service.json, io),
        Command::Doctor(command) => doctor::run(command, cli.service.json, io),
    }
}

/// Threads for what is never done on the async ones: name lookups and files. Few and fixed: none
/// grows with the work (DESIGN section 6).
const BLOCKING_THREADS: usize = 8;

/// Runs a service's future in this process to its end.
fn here<T>(service: impl Future<Output = anyhow::Result<T>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|e| Failure::Failed(format!("cannot start the threads: {e}")))?;
    let result = runtime.block_on(service);
    // A name lookup that hangs must not keep the process from ending.
    runtime.shutdown_background();
    result.map_err(|e| failed(&e))
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
