//! What EC2 says of common instance types: vCPUs, memory, network interfaces, addresses.
//!
//! The figures are AWS's own, as `DescribeInstanceTypes` answers them.

/// One instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    pub name: &'static str,
    pub vcpus: u32,
    pub memory_mib: u32,
    /// Most network interfaces, on its first card.
    pub interfaces: u32,
    /// Most IPv4 addresses on one interface.
    pub addresses: u32,
}

impl TypeInfo {
    /// What comes before the dot.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(family, _)| family)
    }

    /// `arm64` for the families with Graviton processors.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        if self.family().ends_with('g') && !self.family().starts_with('g') { "arm64" } else { "x86_64" }
    }

    #[must_use]
    pub fn is_metal(&self) -> bool {
        self.name.contains(".metal")
    }
}

/// The type of this name, if it is in the table.
#[must_use]
pub fn type_info(name: &str) -> Option<&'static TypeInfo> {
    TYPES.binary_search_by(|t| t.name.cmp(name)).ok().and_then(|at| TYPES.get(at))
}

const fn t(name: &'static str, vcpus: u32, memory_mib: u32, interfaces: u32, addresses: u32) -> TypeInfo {
    TypeInfo { name, vcpus, memory_mib, interfaces, addresses }
}

/// In the order of their names.
pub(super) const TYPES: &[TypeInfo] = &[
    t("c5.12xlarge", 48, 98_304, 8, 30),
    t("c5.18xlarge", 72, 147_456, 15, 50),
    t("c5.24xlarge", 96, 196_608, 15, 50),
    t("c5.2xlarge", 8, 16_384, 4, 15),
    t("c5.4xlarge", 16, 32_768, 8, 30),
    t("c5.9xlarge", 36, 73_728, 8, 30),
    t("c5.large", 2, 4_096, 3, 10),
    t("c5.metal", 96, 196_608, 15, 50),
    t("c5.xlarge", 4, 8_192, 4, 15),
    t("c6g.12xlarge", 48, 98_304, 8, 30),
    t("c6g.16xlarge", 64, 131_072, 15, 50),
    t("c6g.2xlarge", 8, 16_384, 4, 15),
    t("c6g.4xlarge", 16, 32_768, 8, 30),
    t("c6g.8xlarge", 32, 65_536, 8, 30),
    t("c6g.large", 2, 4_096, 3, 10),
    t("c6g.medium", 1, 2_048, 2, 4),
    t("c6g.metal", 64, 131_072, 15, 50),
    t("c6g.xlarge", 4, 8_192, 4, 15),
    t("c6i.12xlarge", 48, 98_304, 8, 30),
    t("c6i.16xlarge", 64, 131_072, 15, 50),
    t("c6i.24xlarge", 96, 196_608, 15, 50),
    t("c6i.2xlarge", 8, 16_384, 4, 15),
    t("c6i.32xlarge", 128, 262_144, 15, 50),
    t("c6i.4xlarge", 16, 32_768, 8, 30),
    t("c6i.8xlarge", 32, 65_536, 8, 30),
    t("c6i.large", 2, 4_096, 3, 10),
    t("c6i.metal", 128, 262_144, 15, 50),
    t("c6i.xlarge", 4, 8_192, 4, 15),
    t("c7g.12xlarge", 48, 98_304, 8, 30),
    t("c7g.16xlarge", 64, 131_072, 15, 50),
    t("c7g.2xlarge", 8, 16_384, 4, 15),
    t("c7g.4xlarge", 16, 32_768, 8, 30),
    t("c7g.8xlarge", 32, 65_536, 8, 30),
    t("c7g.large", 2, 4_096, 3, 10),
    t("c7g.medium", 1, 2_048, 2, 4),
    t("c7g.metal", 64, 131_072, 15, 50),
    t("c7g.xlarge", 4, 8_192, 4, 15),
    t("c7i.12xlarge", 48, 98_304, 8, 30),
    t("c7i.16xlarge", 64, 131_072, 15, 50),
    t("c7i.24xlarge", 96, 196_608, 15, 50),
    t("c7i.2xlarge", 8, 16_384, 4, 15),
    t("c7i.48xlarge", 192, 393_216, 15, 50),
    t("c7i.4xlarge", 16, 32_768, 8, 30),
    t("c7i.8xlarge", 32, 65_536, 8, 30),
    t("c7i.large", 2, 4_096, 3, 10),
    t("c7i.metal-24xl", 96, 196_608, 15, 50),
    t("c7i.metal-48xl", 192, 393_216, 15, 50),
    t("c7i.xlarge", 4, 8_192, 4, 15),
    t("g4dn.12xlarge", 48, 196_608, 8, 30),
    t("g4dn.16xlarge", 64, 262_144, 4, 15),
    t("g4dn.2xlarge", 8, 32_768, 3, 10),
    t("g4dn.4xlarge", 16, 65_536, 3, 10),
    t("g4dn.8xlarge", 32, 131_072, 4, 15),
    t("g4dn.metal", 96, 393_216, 15, 50),
    t("g4dn.xlarge", 4, 16_384, 3, 10),
    t("g5.12xlarge", 48, 196_608, 15, 50),
    t("g5.16xlarge", 64, 262_144, 8, 30),
    t("g5.24xlarge", 96, 393_216, 15, 50),
    t("g5.2xlarge", 8, 32_768, 4, 15),
    t("g5.48xlarge", 192, 786_432, 7, 50),
    t("g5.4xlarge", 16, 65_536, 8, 30),
    t("g5.8xlarge", 32, 131_072, 8, 30),
    t("g5.xlarge", 4, 16_384, 4, 15),
    t("i3.16xlarge", 64, 499_712, 15, 50),
    t("i3.2xlarge", 8, 62_464, 4, 15),
    t("i3.4xlarge", 16, 124_928, 8, 30),
    t("i3.8xlarge", 32, 249_856, 8, 30),
    t("i3.large", 2, 15_616, 3, 10),
    t("i3.xlarge", 4, 31_232, 4, 15),
    t("i4i.12xlarge", 48, 393_216, 8, 30),
    t("i4i.16xlarge", 64, 524_288, 15, 50),
    t("i4i.24xlarge", 96, 786_432, 15, 30),
    t("i4i.2xlarge", 8, 65_536, 4, 15),
    t("i4i.32xlarge", 128, 1_048_576, 15, 50),
    t("i4i.4xlarge", 16, 131_072, 8, 30),
    t("i4i.8xlarge", 32, 262_144, 8, 30),
    t("i4i.large", 2, 16_384, 3, 10),
    t("i4i.metal", 128, 1_048_576, 15, 50),
    t("i4i.xlarge", 4, 32_768, 4, 15),
    t("inf1.24xlarge", 96, 196_608, 11, 30),
    t("inf1.2xlarge", 8, 16_384, 4, 10),
    t("inf1.6xlarge", 24, 49_152, 8, 30),
    t("inf1.xlarge", 4, 8_192, 4, 10),
    t("m5.12xlarge", 48, 196_608, 8, 30),
    t("m5.16xlarge", 64, 262_144, 15, 50),
    t("m5.24xlarge", 96, 393_216, 15, 50),
    t("m5.2xlarge", 8, 32_768, 4, 15),
    t("m5.4xlarge", 16, 65_536, 8, 30),
    t("m5.8xlarge", 32, 131_072, 8, 30),
    t("m5.large", 2, 8_192, 3, 10),
    t("m5.metal", 96, 393_216, 15, 50),
    t("m5.xlarge", 4, 16_384, 4, 15),
    t("m5a.12xlarge", 48, 196_608, 8, 30),
    t("m5a.16xlarge", 64, 262_144, 15, 50),
    t("m5a.24xlarge", 96, 393_216, 15, 50),
    t("m5a.2xlarge", 8, 32_768, 4, 15),
    t("m5a.4xlarge", 16, 65_536, 8, 30),
    t("m5a.8xlarge", 32, 131_072, 8, 30),
    t("m5a.large", 2, 8_192, 3, 10),
    t("m5a.xlarge", 4, 16_384, 4, 15),
    t("m6g.12xlarge", 48, 196_608, 8, 30),
    t("m6g.16xlarge", 64, 262_144, 15, 50),
    t("m6g.2xlarge", 8, 32_768, 4, 15),
    t("m6g.4xlarge", 16, 65_536, 8, 30),
    t("m6g.8xlarge", 32, 131_072, 8, 30),
    t("m6g.large", 2, 8_192, 3, 10),
    t("m6g.medium", 1, 4_096, 2, 4),
    t("m6g.metal", 64, 262_144, 15, 50),
    t("m6g.xlarge", 4, 16_384, 4, 15),
    t("m6i.12xlarge", 48, 196_608, 8, 30),
    t("m6i.16xlarge", 64, 262_144, 15, 50),
    t("m6i.24xlarge", 96, 393_216, 15, 50),
    t("m6i.2xlarge", 8, 32_768, 4, 15),
    t("m6i.32xlarge", 128, 524_288, 15, 50),
    t("m6i.4xlarge", 16, 65_536, 8, 30),
    t("m6i.8xlarge", 32, 131_072, 8, 30),
    t("m6i.large", 2, 8_192, 3, 10),
    t("m6i.metal", 128, 524_288, 15, 50),
    t("m6i.xlarge", 4, 16_384, 4, 15),
    t("m7g.12xlarge", 48, 196_608, 8, 30),
    t("m7g.16xlarge", 64, 262_144, 15, 50),
    t("m7g.2xlarge", 8, 32_768, 4, 15),
    t("m7g.4xlarge", 16, 65_536, 8, 30),
    t("m7g.8xlarge", 32, 131_072, 8, 30),
    t("m7g.large", 2, 8_192, 3, 10),
    t("m7g.medium", 1, 4_096, 2, 4),
    t("m7g.metal", 64, 262_144, 15, 50),
    t("m7g.xlarge", 4, 16_384, 4, 15),
    t("m7i.12xlarge", 48, 196_608, 8, 30),
    t("m7i.16xlarge", 64, 262_144, 15, 50),
    t("m7i.24xlarge", 96, 393_216, 15, 50),
    t("m7i.2xlarge", 8, 32_768, 4, 15),
    t("m7i.48xlarge", 192, 786_432, 15, 50),
    t("m7i.4xlarge", 16, 65_536, 8, 30),
    t("m7i.8xlarge", 32, 131_072, 8, 30),
    t("m7i.large", 2, 8_192, 3, 10),
    t("m7i.metal-24xl", 96, 393_216, 15, 50),
    t("m7i.metal-48xl", 192, 786_432, 15, 50),
    t("m7i.xlarge", 4, 16_384, 4, 15),
    t("p4d.24xlarge", 96, 1_179_648, 60, 50),
    t("r5.12xlarge", 48, 393_216, 8, 30),
    t("r5.16xlarge", 64, 524_288, 15, 50),
    t("r5.24xlarge", 96, 786_432, 15, 50),
    t("r5.2xlarge", 8, 65_536, 4, 15),
    t("r5.4xlarge", 16, 131_072, 8, 30),
    t("r5.8xlarge", 32, 262_144, 8, 30),
    t("r5.large", 2, 16_384, 3, 10),
    t("r5.metal", 96, 786_432, 15, 50),
    t("r5.xlarge", 4, 32_768, 4, 15),
    t("r6g.12xlarge", 48, 393_216, 8, 30),
    t("r6g.16xlarge", 64, 524_288, 15, 50),
    t("r6g.2xlarge", 8, 65_536, 4, 15),
    t("r6g.4xlarge", 16, 131_072, 8, 30),
    t("r6g.8xlarge", 32, 262_144, 8, 30),
    t("r6g.large", 2, 16_384, 3, 10),
    t("r6g.medium", 1, 8_192, 2, 4),
    t("r6g.metal", 64, 524_288, 15, 50),
    t("r6g.xlarge", 4, 32_768, 4, 15),
    t("r6i.12xlarge", 48, 393_216, 8, 30),
    t("r6i.16xlarge", 64, 524_288, 15, 50),
    t("r6i.24xlarge", 96, 786_432, 15, 50),
    t("r6i.2xlarge", 8, 65_536, 4, 15),
    t("r6i.32xlarge", 128, 1_048_576, 15, 50),
    t("r6i.4xlarge", 16, 131_072, 8, 30),
    t("r6i.8xlarge", 32, 262_144, 8, 30),
    t("r6i.large", 2, 16_384, 3, 10),
    t("r6i.metal", 128, 1_048_576, 15, 50),
    t("r6i.xlarge", 4, 32_768, 4, 15),
    t("r7g.12xlarge", 48, 393_216, 8, 30),
    t("r7g.16xlarge", 64, 524_288, 15, 50),
    t("r7g.2xlarge", 8, 65_536, 4, 15),
    t("r7g.4xlarge", 16, 131_072, 8, 30),
    t("r7g.8xlarge", 32, 262_144, 8, 30),
    t("r7g.large", 2, 16_384, 3, 10),
    t("r7g.medium", 1, 8_192, 2, 4),
    t("r7g.metal", 64, 524_288, 15, 50),
    t("r7g.xlarge", 4, 32_768, 4, 15),
    t("t2.2xlarge", 8, 32_768, 3, 15),
    t("t2.large", 2, 8_192, 3, 12),
    t("t2.medium", 2, 4_096, 3, 6),
    t("t2.micro", 1, 1_024, 2, 2),
    t("t2.nano", 1, 512, 2, 2),
    t("t2.small", 1, 2_048, 3, 4),
    t("t2.xlarge", 4, 16_384, 3, 15),
    t("t3.2xlarge", 8, 32_768, 4, 15),
    t("t3.large", 2, 8_192, 3, 12),
    t("t3.medium", 2, 4_096, 3, 6),
    t("t3.micro", 2, 1_024, 2, 2),
    t("t3.nano", 2, 512, 2, 2),
    t("t3.small", 2, 2_048, 3, 4),
    t("t3.xlarge", 4, 16_384, 4, 15),
    t("t3a.2xlarge", 8, 32_768, 4, 15),
    t("t3a.large", 2, 8_192, 3, 12),
    t("t3a.medium", 2, 4_096, 3, 6),
    t("t3a.micro", 2, 1_024, 2, 2),
    t("t3a.nano", 2, 512, 2, 2),
    t("t3a.small", 2, 2_048, 2, 4),
    t("t3a.xlarge", 4, 16_384, 4, 15),
    t("t4g.2xlarge", 8, 32_768, 4, 15),
    t("t4g.large", 2, 8_192, 3, 12),
    t("t4g.medium", 2, 4_096, 3, 6),
    t("t4g.micro", 2, 1_024, 2, 2),
    t("t4g.nano", 2, 512, 2, 2),
    t("t4g.small", 2, 2_048, 3, 4),
    t("t4g.xlarge", 4, 16_384, 4, 15),
    t("trn1.2xlarge", 8, 32_768, 4, 15),
    t("trn1.32xlarge", 128, 524_288, 40, 50),
    t("x1.16xlarge", 64, 999_424, 8, 30),
    t("x1.32xlarge", 128, 1_998_848, 8, 30),
];

#[cfg(test)]
mod tests {
    use super::super::places::vcpus_by_size;
    use super::*;

    #[test]
    fn the_table_is_in_order_and_agrees_with_the_sizes() {
        assert!(TYPES.is_sorted_by(|a, b| a.name < b.name));
        // The sizes of these do not say how many vCPUs they have.
        let odd = |t: &TypeInfo| t.is_metal() || t.family() == "t2";
        for info in TYPES.iter().filter(|t| !odd(t)) {
            assert_eq!(vcpus_by_size(info.name), Some(info.vcpus), "{}", info.name);
        }
    }

    #[test]
    fn a_type_is_found_by_its_name() {
        let info = type_info("m5.large").unwrap();
        assert_eq!((info.vcpus, info.memory_mib, info.interfaces, info.addresses), (2, 8_192, 3, 10));
        assert_eq!((info.family(), info.architecture(), info.is_metal()), ("m5", "x86_64", false));
        let architecture = |name| type_info(name).unwrap().architecture();
        assert_eq!((architecture("c7g.metal"), architecture("g5.xlarge")), ("arm64", "x86_64"));
        assert_eq!(type_info("m5.huge"), None);
    }
}
