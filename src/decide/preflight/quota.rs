//! The account's quotas that stop a bulk launch (aws-facts 5): what AWS calls them, and what they count.

use crate::decide::words::named;

named! {
    /// By their codes at Service Quotas.
    pub enum Quota {
        /// vCPUs of running On-Demand instances of the families A, C, D, H, I, M, R, T and Z.
        StandardVcpus = "L-1216C47A",
        GVcpus = "L-DB2E81BA",
        PVcpus = "L-417A185B",
        InfVcpus = "L-1945791B",
        TrnVcpus = "L-2C3B7624",
        XVcpus = "L-7295265B",
        FVcpus = "L-74FC7D96",
        DlVcpus = "L-6E869C2A",
        HpcVcpus = "L-F7808C92",
        HighMemoryVcpus = "L-43DA4232",
        /// Network interfaces "per Region", enforced in each zone.
        Interfaces = "L-DF5E4CA3",
        /// Targets of one target group.
        Targets = "L-A0D0B863",
    }
}

impl Quota {
    /// The service's code at Service Quotas.
    #[must_use]
    pub fn service(self) -> &'static str {
        match self {
            Quota::StandardVcpus
            | Quota::GVcpus
            | Quota::PVcpus
            | Quota::InfVcpus
            | Quota::TrnVcpus
            | Quota::XVcpus
            | Quota::FVcpus
            | Quota::DlVcpus
            | Quota::HpcVcpus
            | Quota::HighMemoryVcpus => "ec2",
            Quota::Interfaces => "vpc",
            Quota::Targets => "elasticloadbalancing",
        }
    }

    /// For people, much as AWS calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Quota::StandardVcpus => "vCPUs of running On-Demand Standard instances",
            Quota::GVcpus => "vCPUs of running On-Demand G and VT instances",
            Quota::PVcpus => "vCPUs of running On-Demand P instances",
            Quota::InfVcpus => "vCPUs of running On-Demand Inf instances",
            Quota::TrnVcpus => "vCPUs of running On-Demand Trn instances",
            Quota::XVcpus => "vCPUs of running On-Demand X instances",
            Quota::FVcpus => "vCPUs of running On-Demand F instances",
            Quota::DlVcpus => "vCPUs of running On-Demand DL instances",
            Quota::HpcVcpus => "vCPUs of running On-Demand HPC instances",
            Quota::HighMemoryVcpus => "vCPUs of running On-Demand High Memory instances",
            Quota::Interfaces => "network interfaces per Region, enforced in each zone",
            Quota::Targets => "targets per target group",
        }
    }

    /// `Class` of the metric `AWS/Usage ResourceCount` that says how many vCPUs run. Only `Standard/OnDemand`
    /// is documented; the others are formed like it (aws-facts 5.1), and one that AWS does not have says that
    /// nothing of it is in use.
    #[must_use]
    pub fn usage_class(self) -> Option<&'static str> {
        match self {
            Quota::StandardVcpus => Some("Standard/OnDemand"),
            Quota::GVcpus => Some("G/OnDemand"),
            Quota::PVcpus => Some("P/OnDemand"),
            Quota::InfVcpus => Some("Inf/OnDemand"),
            Quota::TrnVcpus => Some("Trn/OnDemand"),
            Quota::XVcpus => Some("X/OnDemand"),
            Quota::FVcpus => Some("F/OnDemand"),
            Quota::DlVcpus => Some("DL/OnDemand"),
            Quota::HpcVcpus => Some("HPC/OnDemand"),
            Quota::HighMemoryVcpus => Some("HighMem/OnDemand"),
            Quota::Interfaces | Quota::Targets => None,
        }
    }

    /// The quota that counts the vCPUs of On-Demand instances of this type; none for a family that muster
    /// does not know.
    #[must_use]
    pub fn of_type(instance_type: &str) -> Option<Quota> {
        let family: String = instance_type.chars().take_while(char::is_ascii_alphabetic).collect();
        Some(match family.as_str() {
            "g" | "gr" | "vt" => Quota::GVcpus,
            "p" => Quota::PVcpus,
            "inf" => Quota::InfVcpus,
            "trn" => Quota::TrnVcpus,
            "x" => Quota::XVcpus,
            "f" => Quota::FVcpus,
            "dl" => Quota::DlVcpus,
            "hpc" => Quota::HpcVcpus,
            "u" => Quota::HighMemoryVcpus,
            "a" | "c" | "d" | "h" | "i" | "im" | "is" | "m" | "r" | "t" | "z" => Quota::StandardVcpus,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_quota() {
        for (instance_type, quota) in [
            ("m5.large", Quota::StandardVcpus),
            ("c7gn.xlarge", Quota::StandardVcpus),
            ("im4gn.large", Quota::StandardVcpus),
            ("t4g.micro", Quota::StandardVcpus),
            ("trn1.2xlarge", Quota::TrnVcpus),
            ("g5.xlarge", Quota::GVcpus),
            ("gr6.4xlarge", Quota::GVcpus),
            ("inf2.xlarge", Quota::InfVcpus),
            ("hpc7g.4xlarge", Quota::HpcVcpus),
            ("dl1.24xlarge", Quota::DlVcpus),
            ("u-6tb1.metal", Quota::HighMemoryVcpus),
            ("x2idn.metal", Quota::XVcpus),
        ] {
            assert_eq!(Quota::of_type(instance_type), Some(quota), "{instance_type}");
        }
        assert_eq!(Quota::of_type("mac1.metal"), None, "counted by hosts");
    }

    #[test]
    fn whatever_counts_vcpus_is_ec2_s() {
        for quota in Quota::ALL {
            assert_eq!(quota.usage_class().is_some(), quota.service() == "ec2", "{quota}");
        }
    }
}
