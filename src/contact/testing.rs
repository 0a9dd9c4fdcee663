//! Groups and targets for the tests of this room.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Contacts, HttpContacts};
use crate::decide::action::Target;
use crate::decide::event::Contact;
use crate::decide::group::{Bounds, Breaker, Canary, Configure, Group, LaunchSpec, Watchdogs};
use crate::decide::words::{InstanceRef, ScaleUpSeq, SlotId};
use crate::net::fds::FdLimits;
use crate::net::testing::fds_with;
use crate::time::Clock;

/// Slot 3-41, second attempt, of group `web`, which has neither a configure step nor probes.
pub(super) fn target(address: IpAddr) -> Target {
    let launch = LaunchSpec {
        image: None,
        instance_type: "c7g.large".into(),
        template: None,
        pools: vec![],
        security_groups: vec![],
        key_name: None,
        instance_profile: None,
        user_data: None,
        tags: std::collections::BTreeMap::new(),
        batch: 100,
    };
    let group = Group {
        name: "web".into(),
        max: 100,
        priority: 5,
        launch,
        asg: None,
        version: "0123456789abcdef".into(),
        configure: None,
        probes: vec![],
        passes: 2,
        contact_every: Duration::from_secs(3),
        watchdogs: Watchdogs::default(),
        canary: Canary::default(),
        breaker: Breaker::default(),
        valve: crate::decide::guard::valve::ValveSpec::default(),
        floor: 0,
        signals: Vec::new(),
        quarantine: None,
        reserve: None,
        bounds: Bounds::default(),
    };
    Target {
        instance: InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(3), ordinal: 41 }, attempt: 2 },
        id: "i-0abc".parse().unwrap(),
        address,
        zone: "us-east-1a".into(),
        group: Arc::new(group),
    }
}

/// The same with a configure step to where a peer listens.
pub(super) fn target_at(peer: SocketAddr, timeout: Duration) -> Target {
    let mut target = target(peer.ip());
    Arc::make_mut(&mut target.group).configure = Some(Configure {
        method: "PUT".into(),
        port: peer.port(),
        path: "/configure".into(),
        body: r#"{"slot":"{{slot}}","id":"{{instance_id}}"}"#.into(),
        expect: vec![200, 202],
        timeout,
    });
    target
}

pub(super) fn contacts(limits: FdLimits) -> HttpContacts {
    HttpContacts::new(fds_with(limits), Clock::real())
}

/// What one push to the peer shows.
pub(super) async fn configured(peer: SocketAddr, timeout: Duration) -> Contact {
    contacts(FdLimits::default()).configure(&target_at(peer, timeout)).await
}
