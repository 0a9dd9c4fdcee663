//! Reaching an instance: configure transports and probes.
//!
//! One file for each way of reaching an instance. Another transport (a shell over SSH, AWS's own
//! run-command) is a variant of the group's configure step in the core, a file here, and an arm in
//! [`HttpContacts::configure`]; nothing else knows how a configuration travels.

mod exchange;
mod http_push;
mod probe;
mod template;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::decide::action::Target;
use crate::decide::event::Contact;
use crate::net::fds::Fds;
use crate::time::Clock;

/// Contacts with instances. One call is one try: what to do about a failure is decided in the core.
pub trait Contacts: Send + Sync + 'static {
    /// Pushes the group's configuration to the instance once.
    fn configure<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact>;

    /// Runs every probe of the group once, in order, stopping at the first that does not pass.
    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact>;
}

/// Contacts over TCP and HTTP/1.1.
///
/// One socket for each contact, paid for by [`crate::net::fds::FdClass::Contact`] and closed at the
/// end: an instance is contacted a few times in its life, so a connection kept would only hold a
/// descriptor that another instance waits for. The wait for a permit is not on the contact's clock.
#[derive(Clone, Debug)]
pub struct HttpContacts {
    fds: Arc<Fds>,
    clock: Clock,
}

impl HttpContacts {
    #[must_use]
    pub fn new(fds: Arc<Fds>, clock: Clock) -> HttpContacts {
        HttpContacts { fds, clock }
    }
}

impl Contacts for HttpContacts {
    fn configure<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact> {
        Box::pin(async move {
            match &target.group.configure {
                Some(step) => http_push::push(self, target, step).await,
                // A group whose image configures itself: there is nothing that could fail.
                None => Contact::Passed,
            }
        })
    }

    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Contact> {
        Box::pin(async move {
            for probe in &target.group.probes {
                match probe::run(self, target.address, probe).await {
                    Contact::Passed => {}
                    failed @ (Contact::Rejected(_)
                    | Contact::Unreachable(_)
                    | Contact::Hung(_)
                    | Contact::NotTried(_)) => return failed,
                }
            }
            Contact::Passed
        })
    }
}
