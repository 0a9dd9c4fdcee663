//! Probes: is this instance serving, seen from outside?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{HttpContacts, exchange};
use crate::decide::event::Contact;
use crate::decide::group::{Probe, ProbeKind};
use crate::net::connect::PaidStream;
use crate::net::fds::FdClass;

/// Runs one probe once.
pub(super) async fn run(contacts: &HttpContacts, address: IpAddr, probe: &Probe) -> Contact {
    let to = SocketAddr::new(address, probe.port);
    match &probe.kind {
        ProbeKind::Tcp => tcp(contacts, to, probe.timeout).await,
        ProbeKind::Http { path, expect } => match exchange::request("GET", to, path, String::new()) {
            Ok(request) => exchange::exchange(contacts, to, request, expect, probe.timeout).await,
            Err(contact) => contact,
        },
    }
}

/// Passes when a connection opens; closes it at once.
async fn tcp(contacts: &HttpContacts, to: SocketAddr, within: Duration) -> Contact {
    let permit = contacts.fds.take(FdClass::Contact).await;
    match contacts.clock.timeout(within, PaidStream::open(permit, to)).await {
        Ok(Ok(_)) => Contact::Passed,
        Ok(Err(e)) => exchange::unconnected(&e),
        Err(elapsed) => Contact::Unreachable(format!("TCP :{}: not connected, {elapsed}", to.port())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Contacts;
    use crate::contact::testing::{contacts, target_at};
    use crate::net::fds::FdLimits;
    use crate::net::testing::{Peer, Reply, full_backlog, nothing_listens_at};
    use std::sync::Arc;

    const AMPLE: Duration = Duration::from_secs(20);

    fn tcp_at(address: SocketAddr, timeout: Duration) -> Probe {
        Probe { kind: ProbeKind::Tcp, port: address.port(), timeout }
    }

    fn http_at(address: SocketAddr) -> Probe {
        let kind = ProbeKind::Http { path: "/health?deep=1".into(), expect: vec![200] };
        Probe { kind, port: address.port(), timeout: AMPLE }
    }

    async fn probed(probes: Vec<Probe>) -> Contact {
        let mut target = target_at("127.0.0.1:1".parse().unwrap(), Duration::from_secs(1));
        Arc::make_mut(&mut target.group).probes = probes;
        contacts(FdLimits::default()).probe(&target).await
    }

    #[tokio::test]
    async fn a_port_that_opens_is_enough_for_tcp() {
        let silent = Peer::answering(|_| Reply::SendAndHold(vec![])).await;
        assert_eq!(probed(vec![tcp_at(silent.address, AMPLE)]).await, Contact::Passed);
        let full = full_backlog();
        for closed in [nothing_listens_at(), full.address()] {
            let contact = probed(vec![tcp_at(closed, Duration::from_millis(300))]).await;
            assert!(matches!(contact, Contact::Unreachable(_)), "{contact:?}");
        }
    }

    #[tokio::test]
    async fn all_probes_run_in_order_until_one_does_not_pass() {
        let good = Peer::answering(|_| Reply::http("200 OK", "fine")).await;
        let sick = Peer::answering(|_| Reply::http("503 Sick", "warming up")).await;
        assert_eq!(probed(vec![tcp_at(good.address, AMPLE), http_at(good.address)]).await, Contact::Passed);
        assert!(good.requests()[0].starts_with("GET /health?deep=1 HTTP/1.1\r\n"), "{:?}", good.requests());

        let contact = probed(vec![http_at(good.address), http_at(sick.address), http_at(good.address)]).await;
        assert!(
            matches!(&contact, Contact::Rejected(why) if why.ends_with("/health: warming up")),
            "{contact:?}"
        );
        assert_eq!(good.requests().len(), 2, "the third probe must not have run");
    }
}
