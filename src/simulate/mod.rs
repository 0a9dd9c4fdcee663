//! The simulator: the real core and the engine's own protocol against the simulated AWS, in
//! virtual time, with faults and crashes drawn from a seed.

pub mod in_process;

pub use in_process::InProcess;
