//! Every quota the model knows: code, name and AWS's default (aws-facts 5 and 6).

use std::borrow::Cow;

use super::super::super::draw::mix;
use super::super::super::settings::{BucketSettings, Part as Of};
use super::super::ec2::call::Action;
use super::super::ec2::rates::published;
use super::call::ServiceView;

pub(super) const EC2: &str = "ec2";
pub(super) const VPC: &str = "vpc";
pub(super) const EBS: &str = "ebs";
pub(super) const ELB: &str = "elasticloadbalancing";

/// vCPUs of running On-Demand instances of the standard families.
pub const STANDARD_VCPUS: &str = "L-1216C47A";
pub const TARGETS_PER_ALB: &str = "L-7E6692B2";
pub const TARGETS_PER_TARGET_GROUP: &str = "L-A0D0B863";
pub const TARGETS_PER_ZONE_OF_NLB: &str = "L-B211E961";
/// Reserved capacity units of all Application Load Balancers of the Region.
pub const ALB_UNITS: &str = "L-8A66D0E6";
/// Reserved capacity units of all Network Load Balancers of the Region.
pub const NLB_UNITS: &str = "L-723DCCB6";

pub(super) const SERVICES: [ServiceView; 4] = [
    ServiceView { code: EBS, name: "Amazon Elastic Block Store (Amazon EBS)" },
    ServiceView { code: EC2, name: "Amazon Elastic Compute Cloud (Amazon EC2)" },
    ServiceView { code: ELB, name: "Elastic Load Balancing (ELB)" },
    ServiceView { code: VPC, name: "Amazon Virtual Private Cloud (Amazon VPC)" },
];

/// Which half of a token bucket a quota is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Capacity,
    Refill,
}

/// Where a quota's value is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Home {
    /// With Service Quotas: who obeys it asks here.
    Here,
    /// The setting `vcpu_quota`.
    Vcpus,
    /// One of EC2's token buckets.
    Bucket { action: Action, of: Of, part: Part },
}

/// One quota.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) service: &'static str,
    pub(super) code: Cow<'static, str>,
    pub(super) name: Cow<'static, str>,
    /// AWS's, for new accounts.
    pub(super) default: f64,
    pub(super) adjustable: bool,
    /// In the `AWS/Usage` namespace, for quotas on vCPUs.
    pub(super) usage_class: Option<&'static str>,
    pub(super) home: Home,
}

/// Code, name and default. All of these can be raised.
type Row = (&'static str, &'static str, &'static str, f64);

#[rustfmt::skip]
const ROWS: [Row; 46] = [
    (EC2, "L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5.0),
    (EC2, "L-DB2E81BA", "Running On-Demand G and VT instances", 0.0),
    (EC2, "L-3819A6DF", "All G and VT Spot Instance Requests", 0.0),
    (EC2, "L-417A185B", "Running On-Demand P instances", 0.0),
    (EC2, "L-7212CCBC", "All P Spot Instance Requests", 0.0),
    (EC2, "L-1945791B", "Running On-Demand Inf instances", 0.0),
    (EC2, "L-B5D1601B", "All Inf Spot Instance Requests", 0.0),
    (EC2, "L-2C3B7624", "Running On-Demand Trn instances", 0.0),
    (EC2, "L-6B0D517C", "All Trn Spot Instance Requests", 0.0),
    (EC2, "L-7295265B", "Running On-Demand X instances", 0.0),
    (EC2, "L-E3A00192", "All X Spot Instance Requests", 0.0),
    (EC2, "L-74FC7D96", "Running On-Demand F instances", 0.0),
    (EC2, "L-88CF9481", "All F Spot Instance Requests", 0.0),
    (EC2, "L-6E869C2A", "Running On-Demand DL instances", 0.0),
    (EC2, "L-85EED4F7", "All DL Spot Instance Requests", 0.0),
    (EC2, "L-F7808C92", "Running On-Demand HPC instances", 0.0),
    (EC2, "L-43DA4232", "Running On-Demand High Memory instances", 0.0),
    (EC2, "L-0263D0A3", "EC2-VPC Elastic IPs", 5.0),
    (EC2, "L-A2478D36", "Transit gateways per account", 5.0),
    (EC2, "L-E0233F82", "Attachments per transit gateway", 5_000.0),
    (EC2, "L-43872EB7", "Transit gateway route tables per transit gateway", 20.0),
    (EC2, "L-A1B5A36F", "Peering attachments per transit gateway", 50.0),
    (EC2, "L-62499967", "Pending peering attachments per transit gateway", 10.0),
    (EC2, "L-7111C5B1", "Policy table entries per transit gateway", 200.0),
    (VPC, "L-DF5E4CA3", "Network interfaces per Region", 5_000.0),
    (VPC, "L-2AFB9258", "Security groups per network interface", 5.0),
    (VPC, "L-0EA8095F", "Inbound or outbound rules per security group", 60.0),
    (VPC, "L-E79EC296", "VPC security groups per Region", 2_500.0),
    (VPC, "L-407747CB", "Subnets per VPC", 200.0),
    (VPC, "L-F678F1CE", "VPCs per Region", 5.0),
    (VPC, "L-BB24F6E5", "Network Address Usage", 64_000.0),
    (VPC, "L-CD17FD4B", "Peered Network Address Usage", 128_000.0),
    (VPC, "L-FE5A380F", "NAT gateways per Availability Zone", 5.0),
    (VPC, "L-5F53652F", "Elastic IP addresses per public NAT gateway", 2.0),
    (VPC, "L-DFA99DE7", "Private IP addresses per NAT gateway", 8.0),
    (EBS, "L-7A658B76", "Storage for General Purpose SSD (gp3) volumes, in TiB", 50.0),
    (EBS, "L-D18FCD1D", "Storage for General Purpose SSD (gp2) volumes, in TiB", 50.0),
    (EBS, "L-FD252861", "Storage for Provisioned IOPS SSD (io1) volumes, in TiB", 50.0),
    (EBS, "L-09BD8365", "Storage for Provisioned IOPS SSD (io2) volumes, in TiB", 20.0),
    (EBS, "L-B3A130E6", "IOPS for Provisioned IOPS SSD (io1) volumes", 300_000.0),
    (EBS, "L-8D977E7E", "IOPS for Provisioned IOPS SSD (io2) volumes", 100_000.0),
    (ELB, TARGETS_PER_ALB, "Targets per Application Load Balancer", 1_000.0),
    (ELB, TARGETS_PER_TARGET_GROUP, "Targets per Target Group per Region", 1_000.0),
    (ELB, TARGETS_PER_ZONE_OF_NLB, "Targets per Availability Zone per Network Load Balancer", 500.0),
    (ELB, ALB_UNITS, "Application Load Balancer Capacity Units (LCUs) that can be reserved", 0.0),
    (ELB, NLB_UNITS, "Network Load Balancer Capacity Units (LCUs) that can be reserved", 0.0),
];

/// "`RunInstances request bucket maximum capacity`" and the like are AWS's names; that the buckets
/// of instances are called `resource bucket` is not documented, nor is any of the codes.
fn bucket_name(action: Action, of: Of) -> String {
    match of {
        Of::Requests => format!("{action} request bucket"),
        Of::Unfiltered => format!("{action} unfiltered request bucket"),
        Of::Resource => format!("{action} resource bucket"),
    }
}

/// Every quota, by service and then in a fixed order.
pub(super) fn catalogue() -> Vec<Entry> {
    let standard = Entry {
        service: EC2,
        code: STANDARD_VCPUS.into(),
        name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances".into(),
        default: 5.0,
        adjustable: true,
        usage_class: Some("Standard/OnDemand"),
        home: Home::Vcpus,
    };
    let plain = ROWS.into_iter().map(|(service, code, name, default)| Entry {
        service,
        code: code.into(),
        name: name.into(),
        default,
        adjustable: true,
        usage_class: None,
        home: Home::Here,
    });
    let mut all: Vec<Entry> = [standard].into_iter().chain(plain).chain(buckets()).collect();
    all.sort_by_key(|entry| entry.service);
    all
}

/// Every bucket of every action that the model knows: all of EC2's are quotas.
fn buckets() -> impl Iterator<Item = Entry> {
    let of_action = |action: Action| Of::ALL.iter().map(move |of| (action, *of));
    Action::ALL.iter().copied().flat_map(of_action).flat_map(|(action, of)| {
        let both = published(action, of).map(|BucketSettings { burst, refill, .. }| {
            [(Part::Capacity, "maximum capacity", burst), (Part::Refill, "refill rate", refill)]
        });
        both.into_iter().flatten().map(move |(part, words, default)| {
            let name = format!("{} {words}", bucket_name(action, of));
            Entry {
                service: EC2,
                code: made_up_code(&name).into(),
                name: name.into(),
                default,
                adjustable: false,
                usage_class: None,
                home: Home::Bucket { action, of, part },
            }
        })
    })
}

/// A code as AWS's look, for quotas whose code is not known: a function of the name.
fn made_up_code(name: &str) -> String {
    let bits = name.bytes().fold(0, |bits, byte| mix(bits ^ u64::from(byte)));
    format!("L-{:08X}", bits >> 32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_well_formed_and_their_services_exist() {
        let all = catalogue();
        let codes: BTreeSet<_> = all.iter().map(|e| e.code.clone()).collect();
        assert_eq!(codes.len(), all.len());
        for entry in &all {
            let digits = entry.code.strip_prefix("L-").unwrap();
            let hex = digits.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
            assert!(digits.len() == 8 && hex, "{}", entry.code);
            assert!(SERVICES.iter().any(|s| s.code == entry.service), "{}", entry.service);
        }
    }

    #[test]
    fn the_buckets_are_found_by_name() {
        let named = |name: &str| catalogue().into_iter().find(|e| e.name == name).map(|e| e.default);
        assert_eq!(named("RunInstances request bucket maximum capacity"), Some(5.0));
        assert_eq!(named("RunInstances resource bucket refill rate"), Some(2.0));
        assert_eq!(named("CreateTags request bucket refill rate"), Some(10.0));
        assert_eq!(named("CreateTags resource bucket refill rate"), None);
        assert_eq!(named("DescribeInstances unfiltered request bucket maximum capacity"), Some(50.0));
    }
}
