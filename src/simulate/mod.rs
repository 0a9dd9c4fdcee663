//! The simulator: the real core and the engine's own protocol against the simulated AWS, in one
//! thread and virtual time, with faults, crashes and pauses drawn from a seed.
//!
//! A [`plan::Plan`] says what one seed does: the world's settings, the faults and when they heal,
//! who asks for what. [`world::World`] runs it, event after event; [`host::Host`] is one process of
//! muster in it, [`books::Books`] its database, [`network::Network`] what lies between it and
//! everything else. [`oracle::Oracle`] looks at every event and judges by the simulated AWS's own
//! state. [`drill`] holds the plans with the pass figures that muster must reach, and [`report`]
//! says what came of them. [`naive`] is the provisioner that must fail.

mod adapt;
pub mod books;
pub mod dice;
mod disk;
pub mod drill;
mod explained;
mod gates;
mod held;
pub mod host;
pub mod in_process;
pub mod mutant;
pub mod naive;
pub mod network;
mod options;
pub mod oracle;
pub mod plan;
pub mod report;
mod run;
mod ward;
pub mod world;

pub use in_process::InProcess;
pub use options::SimulateOptions;
pub use run::run;

#[cfg(test)]
mod calendar;
#[cfg(test)]
mod gateways;
#[cfg(test)]
mod tests;
