//! Instances as load balancers see them.

use std::net::Ipv4Addr;

use super::instance::{Door, Instance};
use super::names::Kind;
use super::{Ec2, State};

/// One instance as the target of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub zone: String,
    pub state: State,
    /// What connecting to it leads to.
    pub door: Door,
    /// Since when it passes its health checks, if it does. Milliseconds.
    pub serving_since_ms: Option<i64>,
}

impl Ec2 {
    /// The instance with this id, or the one that has this address now.
    pub(in super::super) fn reached(&self, id_or_address: &str, now_ms: i64) -> Option<Reached> {
        let ordinal = match id_or_address.parse::<Ipv4Addr>() {
            Ok(address) => self.network.holder(address)?,
            Err(_) => u32::try_from(self.names.number(Kind::Instance, id_or_address)?).ok()?,
        };
        let instance: &Instance = self.instances.get(ordinal as usize)?;
        Some(Reached {
            zone: instance.launch.zone.clone(),
            state: instance.state(now_ms),
            door: instance.door(now_ms),
            serving_since_ms: instance.serving_since_ms(now_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn an_instance_is_seen_by_id_and_by_address() {
        let mut ec2 = Ec2::new(Arc::new(small_settings()), 1);
        let ids = ec2.launch_for_group(&run_in(A, "", 1, 1), 0).unwrap();
        let by_id = ec2.reached(&ids[0], 0).unwrap();
        assert_eq!(
            (by_id.zone.as_str(), by_id.state, by_id.door),
            ("us-east-1a", State::Pending, Door::Reset)
        );
        assert_eq!(ec2.reached("127.80.0.4", 0), Some(by_id));
        assert_eq!((ec2.reached("127.80.0.5", 0), ec2.reached("i-0123456789abcdef0", 0)), (None, None));
    }
}
