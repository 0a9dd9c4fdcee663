//! What there is in EC2 besides instances, and what it takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::model::ec2::VcpuClass;
use super::{Range, SettingsError, ensure};
use crate::decide::words::named;

/// EC2's surroundings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ec2Settings {
    /// The images that exist. None named: every id that looks like an image's does.
    pub images: Vec<String>,
    /// The security groups that exist besides the default one. None named: every id that looks like
    /// one does.
    pub security_groups: Vec<String>,
    /// From `running` until the status checks pass: some minutes at EC2 (aws-facts 9.2), and every
    /// minute one check.
    pub status_checks: Range,
    /// From launch until describe shows the address (eventual consistency).
    pub address_after: Range,
    /// How long a client token is known after its instances are terminated; none: for ever. AWS
    /// says nothing now and said at least a day once (aws-facts 2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_lifetime_ms: Option<u32>,
    /// How long a terminated instance still counts toward the vCPU quotas: "for a while" at EC2
    /// (aws-facts 2.3).
    pub terminated_count_ms: u32,
    /// From the call until a NAT gateway is available, or deleted.
    pub nat_gateway_ms: u32,
    /// From the call until an address of a NAT gateway can be used, or has left.
    pub nat_address_ms: u32,
    pub transit_gateways: Vec<TransitGateway>,
    pub transit_attachments: Vec<TransitAttachment>,
    pub limits: Limits,
    /// What a launch from a template that does not exist leads to.
    pub unknown_templates: UnknownTemplates,
}

/// What the account may have (aws-facts 5 and 6.3). None: any number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Network interfaces in each zone, one for each instance: 5,000 at AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interfaces_per_zone: Option<u32>,
    /// Network address usage of the whole network: 64,000 at AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_addresses: Option<u32>,
    /// On-Demand vCPUs of each class of types, beside `vcpu_quota`, which counts them all.
    pub vcpus: BTreeMap<VcpuClass, u32>,
    /// Elastic IP addresses of the account.
    pub elastic_ips: u32,
    pub nat_gateways_per_zone: u32,
    /// Elastic IP addresses of one public NAT gateway: at most 8 after an increase.
    pub nat_public_addresses: u32,
    /// Addresses of one private NAT gateway.
    pub nat_private_addresses: u32,
}

/// AWS's defaults, but without those that would end a bulk launch: they are set where they are meant.
impl Default for Limits {
    fn default() -> Self {
        Limits {
            interfaces_per_zone: None,
            network_addresses: None,
            vcpus: BTreeMap::new(),
            elastic_ips: 5,
            nat_gateways_per_zone: 5,
            nat_public_addresses: 2,
            nat_private_addresses: 8,
        }
    }
}

/// A Transit Gateway, which can only be described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitGateway {
    pub id: String,
    /// `pending`, `available`, `modifying`, `deleting` or `deleted`.
    pub state: String,
}

/// An attachment of a Transit Gateway, which can only be described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitAttachment {
    pub id: String,
    pub gateway: String,
    /// For example `vpc`.
    pub resource_type: String,
    pub resource: String,
    /// As the gateway's, and `pendingAcceptance`, `failed` and others before they are `available`.
    pub state: String,
}

named! {
    /// Whether a launch may name a template that nobody made. EC2 refuses it; a test of launches
    /// may not care to make one.
    pub enum UnknownTemplates {
        /// It is taken, whatever it is called, until the first template is made.
        TakenUntilOneExists = "taken_until_one_exists",
        Taken = "taken",
        Refused = "refused",
    }
}

impl Default for Ec2Settings {
    fn default() -> Self {
        Ec2Settings {
            images: Vec::new(),
            security_groups: Vec::new(),
            status_checks: Range { min_ms: 60_000, max_ms: 180_000 },
            address_after: Range { min_ms: 0, max_ms: 0 },
            token_lifetime_ms: None,
            terminated_count_ms: 0,
            nat_gateway_ms: 60_000,
            nat_address_ms: 10_000,
            transit_gateways: Vec::new(),
            transit_attachments: Vec::new(),
            limits: Limits::default(),
            unknown_templates: UnknownTemplates::TakenUntilOneExists,
        }
    }
}

impl Ec2Settings {
    /// # Errors
    /// The first value that makes no sense.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for (name, range) in
            [("ec2.status_checks", self.status_checks), ("ec2.address_after", self.address_after)]
        {
            ensure(name, range.min_ms <= range.max_ms, || "needs min_ms <= max_ms".into())?;
        }
        Ok(())
    }
}
