//! Reaching an instance: configure transports and probes.

use futures_util::future::BoxFuture;

use crate::decide::action::Target;
use crate::decide::event::Contact;

/// Contacts with instances. One call is one try: what to do about a failure is decided in the core.
pub trait Contacts: Send + Sync + 'static {
    /// Pushes the group's configuration to the instance once.
    fn configure<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact>;

    /// Runs every probe of the group once, in order, stopping at the first that does not pass.
    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact>;
}
