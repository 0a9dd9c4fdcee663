//! The simulated EC2 and its instances.
pub mod bound;
pub mod cidr;
mod draw;
pub mod fate;
pub mod ledger;
pub mod model;
pub mod settings;
