//! The simulated EC2 and its instances.
//!
//! One deterministic [`model`] says what happens; everything else only carries it: [`wire`] speaks
//! AWS's protocols over real sockets, [`deliver`] carries what services send over HTTP with the
//! signatures of [`signer`], [`agents`] answers for the instances on their 127.x addresses, [`in_process`] is both without sockets. What the model knows is the [`ledger`], by
//! which muster is judged, and the [`bound`], the time no scheduler could beat.
//!
//! Nothing in [`model`] asks for the time, for entropy or for I/O: the time is an argument, and
//! chance is a function of the seed and a number.

pub mod agents;
pub mod bound;
pub mod cidr;
mod deliver;
mod draw;
pub mod fate;
pub mod ledger;
pub mod model;
mod options;
mod run;
pub mod settings;
mod shared;
pub(crate) mod signer;
mod sockets;
pub mod wire;

pub use ledger::{Ledger, Summary};
pub use model::Model;
pub use options::SimOptions;
pub use run::{Announcement, Sim, run};
pub use settings::Settings;
pub use shared::Shared;
