//! `DescribeInstanceTypes`.

use std::io;

use super::super::super::xml::Xml;
use crate::sim::model::ec2::TypeInfo;

pub(super) fn instance_type(x: &mut Xml, t: &TypeInfo) -> io::Result<()> {
    x.text("instanceType", t.name)?;
    x.text("currentGeneration", "true")?;
    x.text("freeTierEligible", "false")?;
    x.list("supportedUsageClasses", ["on-demand", "spot"], Xml::plain)?;
    x.list("supportedRootDeviceTypes", ["ebs"], Xml::plain)?;
    x.list("supportedVirtualizationTypes", ["hvm"], Xml::plain)?;
    x.text("bareMetal", if t.is_metal() { "true" } else { "false" })?;
    if !t.is_metal() {
        x.text("hypervisor", "nitro")?;
    }
    x.element("processorInfo", |x| x.list("supportedArchitectures", [t.architecture()], Xml::plain))?;
    x.element("vCpuInfo", |x| x.text("defaultVCpus", &t.vcpus.to_string()))?;
    x.element("memoryInfo", |x| x.text("sizeInMiB", &t.memory_mib.to_string()))?;
    x.element("networkInfo", |x| {
        x.text("maximumNetworkInterfaces", &t.interfaces.to_string())?;
        x.text("maximumNetworkCards", "1")?;
        x.text("ipv4AddressesPerInterface", &t.addresses.to_string())
    })?;
    x.text("instanceStorageSupported", "false")
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use crate::sim::model::ec2::call::{Call, Read};
    use crate::sim::model::ec2::testing::{Ask, plain};

    #[test]
    fn a_type_says_what_it_holds() {
        let read = Read { ids: vec!["m5.large".into()], ..Read::default() };
        let out = text(&plain().ask(&Call::DescribeInstanceTypes(read), 0));
        for part in [
            "<instanceTypeSet><item><instanceType>m5.large</instanceType>",
            "<vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB>",
            "<supportedArchitectures><item>x86_64</item></supportedArchitectures>",
            "<ipv4AddressesPerInterface>10</ipv4AddressesPerInterface>",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
    }
}
