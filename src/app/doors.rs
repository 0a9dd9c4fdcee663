//! Wiring of the doors for lifecycle actions.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use http::HeaderName;

use crate::api::hooks::{ApiKey, Doors};
use crate::cloud::sqs::Sqs;
use crate::config::{Config, Hooks, SnsTopics, SqsDoor};
use crate::hooks::inlet::Inlet;
use crate::hooks::sns::door::{SnsConfig, SnsDoor};
use crate::hooks::sns::fetch::PaidFetch;
use crate::hooks::sns::topics::Topics;
use crate::hooks::sns::trust::Trust;
use crate::hooks::sqs::{Poller, Queue};
use crate::net::connect::Reach;
use crate::net::fds::Fds;
use crate::time::Clock;

/// The doors that are HTTP's.
///
/// # Errors
/// If topics are listed and their messages cannot be verified on this machine.
pub(super) fn http(config: &Config, inlet: Inlet, fds: &Arc<Fds>, clock: Clock) -> anyhow::Result<Doors> {
    let Hooks { sns, eventbridge, .. } = &config.hooks;
    let api_key = match eventbridge.key_sha256 {
        Some(sha256) => {
            Some(ApiKey { header: HeaderName::from_bytes(eventbridge.header.as_bytes())?, sha256 })
        }
        None => None,
    };
    let sns = match sns.topics.as_slice() {
        [] => None,
        _ => Some(Arc::new(sns_door(sns, config.aws.endpoint.as_deref(), fds, clock)?)),
    };
    Ok(Doors { inlet, api_key, sns })
}

fn sns_door(
    sns: &SnsTopics,
    endpoint: Option<&str>,
    fds: &Arc<Fds>,
    clock: Clock,
) -> anyhow::Result<SnsDoor> {
    let topics =
        Topics::new(sns.topics.iter().map(String::as_str)).map_err(|e| anyhow!("hooks.sns.topics: {e}"))?;
    let trust = match &sns.roots_file {
        Some(file) => {
            let pem =
                std::fs::read_to_string(file).with_context(|| format!("hooks.sns.roots_file {file:?}"))?;
            Trust::of_pem(&pem).with_context(|| format!("hooks.sns.roots_file {file:?}"))?
        }
        None => Trust::native().context("SNS's certificates cannot be verified (hooks.sns)")?,
    };
    let fetch = PaidFetch::new(fds.clone(), clock, &trust, Reach::Public)?;
    // A stand-in for AWS on this machine is SNS's host too.
    let fetch = match endpoint.and_then(on_this_machine) {
        Some(address) => fetch.at(address),
        None => fetch,
    };
    let config = SnsConfig { topics, allow_version_1: sns.signature_version_1, ..SnsConfig::default() };
    Ok(SnsDoor::new(config, trust, Arc::new(fetch)))
}

/// The address of an endpoint on loopback.
fn on_this_machine(endpoint: &str) -> Option<SocketAddr> {
    let url = url::Url::parse(endpoint).ok()?;
    let address: IpAddr = match url.host()? {
        url::Host::Domain("localhost") => IpAddr::from([127, 0, 0, 1]),
        url::Host::Domain(_) => return None,
        url::Host::Ipv4(ip) => ip.into(),
        url::Host::Ipv6(ip) => ip.into(),
    };
    let port = url.port_or_known_default()?;
    address.is_loopback().then_some(SocketAddr::from((address, port)))
}

/// Every queue's pollers. All together they wait on at most half of the sockets to AWS, so that calls get
/// through where descriptors are few; each queue has one at least.
pub(super) fn pollers(
    door: &SqsDoor,
    sqs: &Arc<dyn Sqs>,
    inlet: &Inlet,
    share: u32,
    clock: Clock,
) -> Vec<Poller> {
    let queues = u32::try_from(door.queues.len()).unwrap_or(u32::MAX).max(1);
    let each = door.pollers.min(share / 2 / queues).max(1);
    let pollers = |url: &String| {
        let queue = Queue { url: url.clone(), wait: door.wait, visibility: door.visibility };
        let poller = move || Poller { queue: queue.clone(), sqs: sqs.clone(), inlet: inlet.clone(), clock };
        std::iter::repeat_with(poller).take(each as usize)
    };
    door.queues.iter().flat_map(pollers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_endpoint_on_this_machine_stands_in_for_sns() {
        let at = |endpoint| on_this_machine(endpoint).map(|a| a.to_string());
        assert_eq!(at("http://127.0.0.1:4566").as_deref(), Some("127.0.0.1:4566"));
        assert_eq!(at("http://localhost:4566").as_deref(), Some("127.0.0.1:4566"));
        assert_eq!(at("http://[::1]:4566").as_deref(), Some("[::1]:4566"));
        assert_eq!(at("https://ec2.us-east-1.amazonaws.com"), None);
        assert_eq!(at("http://10.0.0.1:4566"), None);
    }
}
