//! The configure transport over HTTP: one request to the agent on the instance.

use std::net::SocketAddr;

use super::{HttpContacts, exchange, template};
use crate::decide::action::Target;
use crate::decide::event::Contact;
use crate::decide::group::Configure;

/// Pushes the configuration once.
pub(super) async fn push(contacts: &HttpContacts, target: &Target, step: &Configure) -> Contact {
    let to = SocketAddr::new(target.address, step.port);
    let body = template::fill(&step.body, target);
    match exchange::request(&step.method, to, &step.path, body) {
        Ok(request) => exchange::exchange(contacts, to, request, &step.expect, step.timeout).await,
        Err(contact) => contact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::testing::configured;
    use crate::net::testing::{Peer, Reply};
    use std::time::Duration;

    #[tokio::test]
    async fn the_agent_gets_the_filled_body_over_a_connection_of_its_own() {
        let peer = Peer::answering(|_| Reply::http("200 OK", "")).await;
        assert_eq!(configured(peer.address, Duration::from_secs(20)).await, Contact::Passed);
        let requests = peer.requests();
        let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"slot":"3-41","id":"i-0abc"}"#);
        assert!(head.starts_with("PUT /configure HTTP/1.1\r\n"), "{head}");
        for line in
            ["connection: close", "content-type: application/json", &format!("host: {}", peer.address)]
        {
            assert!(head.lines().any(|l| l == line), "no '{line}' in {head}");
        }
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_made_says_nothing_of_the_instance() {
        let mut target = crate::contact::testing::target_at(
            crate::net::testing::nothing_listens_at(),
            Duration::from_secs(1),
        );
        let group = std::sync::Arc::make_mut(&mut target.group);
        let step = group.configure.as_mut().unwrap();
        step.path = "/a b".into();
        let step = step.clone();
        let contacts = crate::contact::testing::contacts(crate::net::fds::FdLimits::default());
        let contact = push(&contacts, &target, &step).await;
        assert!(matches!(&contact, Contact::NotTried(why) if why.contains("'PUT /a b'")), "{contact:?}");
    }
}
