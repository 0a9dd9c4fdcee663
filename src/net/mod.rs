//! Sockets, each paid for out of one budget of descriptors before it is opened.
//!
//! - [`fds`]: how many descriptors there are and who may hold how many.
//! - [`connect`]: the only way out: a permit first, then the socket, both given back together.
//! - [`listen`]: the only way in: a permit first, then `accept`.
pub mod connect;
pub mod fds;
pub mod listen;
mod reach;
mod shares;
#[cfg(test)]
pub(crate) mod testing;
mod upload;
