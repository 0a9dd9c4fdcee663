//! What an account and a pool can hold: vCPUs under the quota, instances under a pool's capacity.

use std::collections::BTreeMap;

use super::super::super::settings::PoolCapacity;
use super::type_table::type_info;
use crate::decide::words::named;

/// Instances that are not terminated, by zone and type.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    taken: BTreeMap<(String, String), u32>,
    vcpus: BTreeMap<VcpuClass, u32>,
}

named! {
    /// The classes of instance types that have a vCPU quota of their own (aws-facts 5.1).
    pub enum VcpuClass {
        /// A, C, D, H, I, M, R, T and Z.
        Standard = "standard",
        /// G and VT.
        G = "g",
        P = "p",
        Inf = "inf",
        Trn = "trn",
        X = "x",
        F = "f",
        Dl = "dl",
        Hpc = "hpc",
        HighMemory = "high_memory",
    }
}

impl VcpuClass {
    /// By the letters that a type begins with.
    #[must_use]
    pub fn of(instance_type: &str) -> VcpuClass {
        let letters = instance_type.split(|c: char| !c.is_ascii_lowercase()).next();
        match letters.unwrap_or_default() {
            "g" | "gr" | "vt" => VcpuClass::G,
            "p" => VcpuClass::P,
            "inf" => VcpuClass::Inf,
            "trn" => VcpuClass::Trn,
            "x" => VcpuClass::X,
            "f" => VcpuClass::F,
            "dl" => VcpuClass::Dl,
            "hpc" => VcpuClass::Hpc,
            "u" => VcpuClass::HighMemory,
            _ => VcpuClass::Standard,
        }
    }
}

impl Places {
    pub(super) fn take(&mut self, zone: &str, instance_type: &str) {
        *self.taken.entry((zone.into(), instance_type.into())).or_default() += 1;
        *self.vcpus.entry(VcpuClass::of(instance_type)).or_default() += vcpus(instance_type).unwrap_or(0);
    }

    pub(super) fn give_back(&mut self, zone: &str, instance_type: &str) {
        self.give_back_place(zone, instance_type);
        self.give_back_vcpus(instance_type);
    }

    /// The pool can hold another one; the quota still counts this one.
    pub(super) fn give_back_place(&mut self, zone: &str, instance_type: &str) {
        if let Some(taken) = self.taken.get_mut(&(zone.into(), instance_type.into())) {
            *taken = taken.saturating_sub(1);
        }
    }

    pub(super) fn give_back_vcpus(&mut self, instance_type: &str) {
        if let Some(used) = self.vcpus.get_mut(&VcpuClass::of(instance_type)) {
            *used = used.saturating_sub(vcpus(instance_type).unwrap_or(0));
        }
    }

    /// How many more of this type the zone can hold.
    pub(super) fn room_in_pool(&self, limits: &[PoolCapacity], zone: &str, instance_type: &str) -> u32 {
        let applies = |l: &&PoolCapacity| {
            l.zone == zone && l.instance_type.as_deref().is_none_or(|t| t == instance_type)
        };
        let room = |limit: &PoolCapacity| {
            let taken: u32 = self
                .taken
                .iter()
                .filter(|((z, t), _)| *z == limit.zone && limit.instance_type.as_ref().is_none_or(|l| l == t))
                .map(|(_, n)| n)
                .sum();
            limit.instances.saturating_sub(taken)
        };
        limits.iter().filter(applies).map(room).min().unwrap_or(u32::MAX)
    }

    /// How many more of this type the vCPU quota allows.
    pub(super) fn room_under_quota(&self, quota: Option<u32>, instance_type: &str) -> u32 {
        room(quota, self.vcpus.values().sum(), instance_type)
    }

    /// How many more of this type the vCPU quota of its class allows.
    pub(super) fn room_in_class(&self, quota: Option<u32>, instance_type: &str) -> u32 {
        let used = self.vcpus.get(&VcpuClass::of(instance_type)).copied().unwrap_or(0);
        room(quota, used, instance_type)
    }
}

fn room(quota: Option<u32>, used: u32, instance_type: &str) -> u32 {
    match (quota, vcpus(instance_type)) {
        (Some(quota), Some(each)) => quota.saturating_sub(used) / each.max(1),
        (Some(_) | None, _) => u32::MAX,
    }
}

/// The vCPUs of an instance type; none if it is not written like a type.
pub(super) fn vcpus(instance_type: &str) -> Option<u32> {
    type_info(instance_type).map(|info| info.vcpus).or_else(|| vcpus_by_size(instance_type))
}

/// The same for types that are in no table.
pub(super) fn vcpus_by_size(instance_type: &str) -> Option<u32> {
    let (family, size) = instance_type.split_once('.')?;
    let word = |s: &str| {
        !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !word(family) || !word(size) {
        return None;
    }
    match size {
        "nano" | "micro" | "small" | "medium" => Some(if family.starts_with('t') { 2 } else { 1 }),
        "large" => Some(2),
        "xlarge" => Some(4),
        "metal" => Some(96),
        _ => {
            let times: u32 = size
                .strip_suffix("xlarge")
                .or_else(|| size.strip_prefix("metal-")?.strip_suffix("xl"))?
                .parse()
                .ok()?;
            (1..=224).contains(&times).then_some(times * 4)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_vcpus_of_their_size() {
        let known = [
            ("t3.micro", 2),
            ("m5.large", 2),
            ("m5.xlarge", 4),
            ("c7g.16xlarge", 64),
            ("m7i.metal-24xl", 96),
        ];
        for (t, n) in known {
            assert_eq!(vcpus(t), Some(n), "{t}");
        }
        for t in ["", "m5", "m5.", ".large", "m5.huge", "m5.0xlarge", "m5.-1xlarge", "M5.large", "m5.large.2"]
        {
            assert_eq!(vcpus(t), None, "{t}");
        }
    }

    #[test]
    fn the_tightest_limit_of_a_pool_binds() {
        let limit = |t: Option<&str>, n| PoolCapacity {
            zone: "a".into(),
            instance_type: t.map(Into::into),
            instances: n,
        };
        let limits = [limit(None, 5), limit(Some("m5.large"), 3)];
        let mut places = Places::default();
        assert_eq!(places.room_in_pool(&limits, "a", "m5.large"), 3);
        assert_eq!(places.room_in_pool(&limits, "a", "c5.large"), 5);
        assert_eq!(places.room_in_pool(&limits, "b", "m5.large"), u32::MAX);
        for _ in 0..3 {
            places.take("a", "c5.large");
        }
        assert_eq!(places.room_in_pool(&limits, "a", "m5.large"), 2);
        places.give_back("a", "c5.large");
        assert_eq!(places.room_in_pool(&limits, "a", "m5.large"), 3);
    }

    #[test]
    fn the_quota_counts_vcpus() {
        let mut places = Places::default();
        places.take("a", "m5.xlarge");
        assert_eq!(places.room_under_quota(Some(10), "m5.xlarge"), 1);
        assert_eq!(places.room_under_quota(Some(10), "m5.large"), 3);
        assert_eq!(places.room_under_quota(None, "m5.large"), u32::MAX);
        places.give_back("a", "m5.xlarge");
        assert_eq!(places.room_under_quota(Some(10), "m5.xlarge"), 2);
    }

    #[test]
    fn types_belong_to_the_class_of_their_letters() {
        for (name, class) in [
            ("m5.large", VcpuClass::Standard),
            ("im4gn.large", VcpuClass::Standard),
            ("g5.xlarge", VcpuClass::G),
            ("inf1.xlarge", VcpuClass::Inf),
            ("u-6tb1.metal", VcpuClass::HighMemory),
            ("hpc7g.16xlarge", VcpuClass::Hpc),
        ] {
            assert_eq!(VcpuClass::of(name), class, "{name}");
        }
    }
}
