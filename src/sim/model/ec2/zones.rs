//! Which zone a call is about, for faults that befall one zone only.

use super::Ec2;
use super::call::{Call, Read};
use super::names::Kind;

impl Ec2 {
    /// It launches in this zone, or names an instance that is in it.
    pub(in super::super) fn is_about_zone(&self, call: &Call, zone: &str) -> bool {
        if let Call::RunInstances(run) = call {
            let subnet = run.subnet.as_ref().and_then(|id| self.network.subnet(id));
            let named = subnet.map(|s| s.settings.zone.as_str()).or(run.zone.as_deref());
            return named == Some(zone);
        }
        if let Call::TerminateInstances { ids } | Call::DescribeInstances(Read { ids, .. }) = call {
            return ids.iter().any(|id| self.zone_of_id(id) == Some(zone));
        }
        false
    }

    fn zone_of_id(&self, id: &str) -> Option<&str> {
        let ordinal = usize::try_from(self.names.number(Kind::Instance, id)?).ok()?;
        Some(&self.instances.get(ordinal)?.launch.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::testing::*;

    #[test]
    fn launches_and_named_instances_have_a_zone() {
        let mut model = plain();
        let ids = launched(&model.ask(&Call::RunInstances(run_in(B, "t", 1, 2)), 0));
        let about =
            |call: &Call| ["us-east-1a", "us-east-1b"].map(|zone| model.ec2().is_about_zone(call, zone));
        assert_eq!(about(&run("t", 1, 1)), [true, false]);
        assert_eq!(about(&Call::RunInstances(run_in(B, "t", 1, 1))), [false, true]);
        assert_eq!(about(&terminate(&ids)), [false, true]);
        assert_eq!(about(&describe(&["i-0123456789abcdef0".into(), ids[1].clone()])), [false, true]);
        assert_eq!(about(&describe_all(5)), [false, false]);
    }
}
