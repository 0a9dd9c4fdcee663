//! What the model is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::super::super::fate::Death;
use super::error::ApiError;
use super::instance::{Launch, State};
use super::type_table::TypeInfo;

pub use super::attribute::{Attribute, AttributeView, ModifyAttribute};
pub use super::fleet::{CreateFleet, FleetConfig, FleetOptions, FleetView, Override, Pool};
pub use super::fleets::FleetDescription;
pub use super::gateways::{
    AddressState, AddressView, AllocateAddress, ChangeNat, Connectivity, CreateNat, NatAddressView, NatState,
    NatView, ReadAddresses, TransitView,
};
pub use super::images::ImageView;
pub use super::status::{Checks, StatusView};
pub use super::surroundings::{SecurityGroupView, VpcView, ZoneView};
pub use super::tags::{CreateTags, DeleteTags, ResourceKind, TagView};
pub use super::templates::{
    CreateTemplate, CreateVersion, ModifyTemplate, ReadTemplates, ReadVersions, TemplateData, TemplateView,
    VersionView,
};

named! {
    /// The actions the model knows.
    pub enum Action {
        RunInstances = "RunInstances",
        DescribeInstances = "DescribeInstances",
        TerminateInstances = "TerminateInstances",
        DescribeSubnets = "DescribeSubnets",
        CreateTags = "CreateTags",
        DeleteTags = "DeleteTags",
        DescribeTags = "DescribeTags",
        DescribeInstanceStatus = "DescribeInstanceStatus",
        DescribeInstanceTypes = "DescribeInstanceTypes",
        DescribeImages = "DescribeImages",
        DescribeAvailabilityZones = "DescribeAvailabilityZones",
        DescribeVpcs = "DescribeVpcs",
        DescribeSecurityGroups = "DescribeSecurityGroups",
        DescribeNetworkInterfaces = "DescribeNetworkInterfaces",
        CreateLaunchTemplate = "CreateLaunchTemplate",
        CreateLaunchTemplateVersion = "CreateLaunchTemplateVersion",
        DescribeLaunchTemplates = "DescribeLaunchTemplates",
        DescribeLaunchTemplateVersions = "DescribeLaunchTemplateVersions",
        ModifyLaunchTemplate = "ModifyLaunchTemplate",
        DeleteLaunchTemplate = "DeleteLaunchTemplate",
        CreateFleet = "CreateFleet",
        DescribeFleets = "DescribeFleets",
        StopInstances = "StopInstances",
        StartInstances = "StartInstances",
        RebootInstances = "RebootInstances",
        ModifyInstanceAttribute = "ModifyInstanceAttribute",
        DescribeInstanceAttribute = "DescribeInstanceAttribute",
        AllocateAddress = "AllocateAddress",
        ReleaseAddress = "ReleaseAddress",
        DescribeAddresses = "DescribeAddresses",
        CreateNatGateway = "CreateNatGateway",
        DeleteNatGateway = "DeleteNatGateway",
        DescribeNatGateways = "DescribeNatGateways",
        AssociateNatGatewayAddress = "AssociateNatGatewayAddress",
        DisassociateNatGatewayAddress = "DisassociateNatGatewayAddress",
        AssignPrivateNatGatewayAddress = "AssignPrivateNatGatewayAddress",
        DescribeTransitGateways = "DescribeTransitGateways",
        DescribeTransitGatewayAttachments = "DescribeTransitGatewayAttachments",
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    RunInstances(RunInstances),
    DescribeInstances(Read),
    TerminateInstances {
        ids: Vec<String>,
    },
    DescribeSubnets(Read),
    CreateTags(CreateTags),
    DeleteTags(DeleteTags),
    DescribeTags(Read),
    DescribeInstanceStatus {
        read: Read,
        /// Those that do not run as well.
        include_all: bool,
    },
    DescribeInstanceTypes(Read),
    DescribeImages(Read),
    DescribeAvailabilityZones(Read),
    DescribeVpcs(Read),
    DescribeSecurityGroups(Read),
    DescribeNetworkInterfaces(Read),
    CreateLaunchTemplate(Box<CreateTemplate>),
    CreateLaunchTemplateVersion(Box<CreateVersion>),
    DescribeLaunchTemplates(ReadTemplates),
    DescribeLaunchTemplateVersions(ReadVersions),
    ModifyLaunchTemplate(ModifyTemplate),
    DeleteLaunchTemplate(TemplateRef),
    CreateFleet(Box<CreateFleet>),
    DescribeFleets(Read),
    StopInstances {
        ids: Vec<String>,
    },
    StartInstances {
        ids: Vec<String>,
    },
    RebootInstances {
        ids: Vec<String>,
    },
    ModifyInstanceAttribute(ModifyAttribute),
    DescribeInstanceAttribute {
        instance: String,
        attribute: Attribute,
    },
    AllocateAddress(AllocateAddress),
    ReleaseAddress {
        allocation: String,
    },
    DescribeAddresses(ReadAddresses),
    CreateNatGateway(Box<CreateNat>),
    DeleteNatGateway {
        id: String,
    },
    DescribeNatGateways(Read),
    ChangeNatGateway(ChangeNat),
    DescribeTransitGateways(Read),
    DescribeTransitGatewayAttachments(Read),
    /// The front could not make sense of it. It is still metered, counted and answered here, so
    /// that a bad request costs what it costs at EC2. Without an action it costs nothing.
    Unreadable {
        action: Option<Action>,
        error: ApiError,
    },
}

impl Call {
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self {
            Call::RunInstances(_) => Some(Action::RunInstances),
            Call::DescribeInstances(_) => Some(Action::DescribeInstances),
            Call::TerminateInstances { .. } => Some(Action::TerminateInstances),
            Call::DescribeSubnets(_) => Some(Action::DescribeSubnets),
            Call::CreateTags(_) => Some(Action::CreateTags),
            Call::DeleteTags(_) => Some(Action::DeleteTags),
            Call::DescribeTags(_) => Some(Action::DescribeTags),
            Call::DescribeInstanceStatus { .. } => Some(Action::DescribeInstanceStatus),
            Call::DescribeInstanceTypes(_) => Some(Action::DescribeInstanceTypes),
            Call::DescribeImages(_) => Some(Action::DescribeImages),
            Call::DescribeAvailabilityZones(_) => Some(Action::DescribeAvailabilityZones),
            Call::DescribeVpcs(_) => Some(Action::DescribeVpcs),
            Call::DescribeSecurityGroups(_) => Some(Action::DescribeSecurityGroups),
            Call::DescribeNetworkInterfaces(_) => Some(Action::DescribeNetworkInterfaces),
            Call::CreateLaunchTemplate(_) => Some(Action::CreateLaunchTemplate),
            Call::CreateLaunchTemplateVersion(_) => Some(Action::CreateLaunchTemplateVersion),
            Call::DescribeLaunchTemplates(_) => Some(Action::DescribeLaunchTemplates),
            Call::DescribeLaunchTemplateVersions(_) => Some(Action::DescribeLaunchTemplateVersions),
            Call::ModifyLaunchTemplate(_) => Some(Action::ModifyLaunchTemplate),
            Call::DeleteLaunchTemplate(_) => Some(Action::DeleteLaunchTemplate),
            Call::CreateFleet(_) => Some(Action::CreateFleet),
            Call::DescribeFleets(_) => Some(Action::DescribeFleets),
            Call::StopInstances { .. } => Some(Action::StopInstances),
            Call::StartInstances { .. } => Some(Action::StartInstances),
            Call::RebootInstances { .. } => Some(Action::RebootInstances),
            Call::ModifyInstanceAttribute(_) => Some(Action::ModifyInstanceAttribute),
            Call::DescribeInstanceAttribute { .. } => Some(Action::DescribeInstanceAttribute),
            Call::AllocateAddress(_) => Some(Action::AllocateAddress),
            Call::ReleaseAddress { .. } => Some(Action::ReleaseAddress),
            Call::DescribeAddresses(_) => Some(Action::DescribeAddresses),
            Call::CreateNatGateway(_) => Some(Action::CreateNatGateway),
            Call::DeleteNatGateway { .. } => Some(Action::DeleteNatGateway),
            Call::DescribeNatGateways(_) => Some(Action::DescribeNatGateways),
            Call::ChangeNatGateway(change) => Some(change.action()),
            Call::DescribeTransitGateways(_) => Some(Action::DescribeTransitGateways),
            Call::DescribeTransitGatewayAttachments(_) => Some(Action::DescribeTransitGatewayAttachments),
            Call::Unreadable { action, .. } => *action,
        }
    }

    /// What it reads, if it describes something.
    pub(super) fn read(&self) -> Option<&Read> {
        match self {
            Call::DescribeInstances(read)
            | Call::DescribeSubnets(read)
            | Call::DescribeTags(read)
            | Call::DescribeInstanceStatus { read, .. }
            | Call::DescribeInstanceTypes(read)
            | Call::DescribeImages(read)
            | Call::DescribeAvailabilityZones(read)
            | Call::DescribeVpcs(read)
            | Call::DescribeSecurityGroups(read)
            | Call::DescribeNetworkInterfaces(read)
            | Call::DescribeLaunchTemplates(ReadTemplates { read, .. })
            | Call::DescribeLaunchTemplateVersions(ReadVersions { read, .. })
            | Call::DescribeAddresses(ReadAddresses { read, .. })
            | Call::DescribeNatGateways(read)
            | Call::DescribeTransitGateways(read)
            | Call::DescribeTransitGatewayAttachments(read)
            | Call::DescribeFleets(read) => Some(read),
            Call::RunInstances(_)
            | Call::TerminateInstances { .. }
            | Call::CreateTags(_)
            | Call::DeleteTags(_)
            | Call::CreateLaunchTemplate(_)
            | Call::CreateLaunchTemplateVersion(_)
            | Call::ModifyLaunchTemplate(_)
            | Call::DeleteLaunchTemplate(_)
            | Call::CreateFleet(_)
            | Call::StopInstances { .. }
            | Call::StartInstances { .. }
            | Call::RebootInstances { .. }
            | Call::ModifyInstanceAttribute(_)
            | Call::DescribeInstanceAttribute { .. }
            | Call::AllocateAddress(_)
            | Call::ReleaseAddress { .. }
            | Call::CreateNatGateway(_)
            | Call::DeleteNatGateway { .. }
            | Call::ChangeNatGateway(_)
            | Call::Unreadable { .. } => None,
        }
    }
}

/// `RunInstances`. Two calls with one token are the same call if everything but the token is equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunInstances {
    pub token: Option<String>,
    pub min_count: u32,
    pub max_count: u32,
    /// `SubnetId`, or that of the first network interface.
    pub subnet: Option<String>,
    /// Placement.AvailabilityZone.
    pub zone: Option<String>,
    pub image: Option<String>,
    pub instance_type: Option<String>,
    pub template: Option<Box<TemplateRef>>,
    pub key_name: Option<String>,
    /// Base64, as on the wire.
    pub user_data: Option<String>,
    /// For the instances.
    pub tags: BTreeMap<String, String>,
    /// Every other parameter, as on the wire: has no effect but on the comparison.
    pub other: BTreeMap<String, String>,
}

/// A launch template by its id or its name, as a call names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateRef {
    pub id: Option<String>,
    pub name: Option<String>,
    /// A number, `$Latest` or `$Default`; the default version if it is not given.
    pub version: Option<String>,
}

impl TemplateRef {
    /// By its id if it looks like one, by its name otherwise.
    #[must_use]
    pub fn of(id_or_name: &str, version: &str) -> TemplateRef {
        let named = Some(id_or_name.to_string());
        let (id, name) = if id_or_name.starts_with("lt-") { (named, None) } else { (None, named) };
        TemplateRef { id, name, version: Some(version.into()) }
    }
}

/// What every describe call can say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub ids: Vec<String>,
    pub filters: Vec<Filter>,
    /// As on the wire: negative numbers are refused, not unread.
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

/// All filters must match; a filter matches if one of its values does. `*` and `?` are wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub name: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Answer {
    Launched(Reservation),
    Instances {
        reservations: Vec<Reservation>,
        next_token: Option<String>,
    },
    Terminating(Vec<StateChange>),
    Subnets {
        subnets: Vec<SubnetView>,
        next_token: Option<String>,
    },
    /// It is done, and there is nothing more to say about it.
    Done(Action),
    Tags {
        tags: Vec<TagView>,
        next_token: Option<String>,
    },
    Statuses {
        statuses: Vec<StatusView>,
        next_token: Option<String>,
    },
    Types {
        types: Vec<&'static TypeInfo>,
        next_token: Option<String>,
    },
    Images {
        images: Vec<ImageView>,
        next_token: Option<String>,
    },
    Zones(Vec<ZoneView>),
    Vpcs(Vec<VpcView>),
    SecurityGroups {
        groups: Vec<SecurityGroupView>,
        next_token: Option<String>,
    },
    Interfaces {
        interfaces: Vec<InterfaceView>,
        next_token: Option<String>,
    },
    TemplateCreated(Box<TemplateView>),
    TemplateModified(Box<TemplateView>),
    TemplateDeleted(Box<TemplateView>),
    VersionCreated(Box<VersionView>),
    Templates {
        templates: Vec<TemplateView>,
        next_token: Option<String>,
    },
    Versions {
        versions: Vec<VersionView>,
        next_token: Option<String>,
    },
    Fleet(Box<FleetView>),
    Fleets {
        fleets: Vec<FleetDescription>,
        next_token: Option<String>,
    },
    Stopping(Vec<StateChange>),
    Starting(Vec<StateChange>),
    Attribute(AttributeView),
    Allocated {
        allocation: String,
        public_ip: Ipv4Addr,
    },
    Addresses(Vec<AddressView>),
    NatCreated {
        token: Option<String>,
        view: Box<NatView>,
    },
    NatDeleted(String),
    Nats {
        gateways: Vec<NatView>,
        next_token: Option<String>,
    },
    NatChanged {
        action: Action,
        gateway: String,
        addresses: Vec<NatAddressView>,
    },
    TransitGateways {
        gateways: Vec<TransitView>,
        next_token: Option<String>,
    },
    TransitAttachments {
        attachments: Vec<TransitView>,
        next_token: Option<String>,
    },
}

/// Instances of one launch.
#[derive(Clone, Debug)]
pub struct Reservation {
    pub launch: Arc<Launch>,
    pub instances: Vec<InstanceView>,
}

/// One instance as EC2 shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    pub id: String,
    pub state: State,
    /// Its place in its launch, from 0.
    pub index: u32,
    /// None once terminated.
    pub address: Option<Ipv4Addr>,
    pub state_reason: Option<StateReason>,
    pub tags: Arc<BTreeMap<String, String>>,
    /// When a terminate call ended it, milliseconds.
    pub user_ended_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StateReason {
    /// `Client.UserInitiatedShutdown`
    UserInitiated,
    /// While pending.
    Died(Death),
    /// `Client.InstanceInitiatedShutdown`: it shut itself down.
    InstanceInitiated,
}

impl StateReason {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            StateReason::UserInitiated => "Client.UserInitiatedShutdown",
            StateReason::Died(death) => death.as_str(),
            StateReason::InstanceInitiated => "Client.InstanceInitiatedShutdown",
        }
    }

    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            StateReason::UserInitiated => "Client.UserInitiatedShutdown: User initiated shutdown",
            StateReason::Died(death) => death.message(),
            StateReason::InstanceInitiated => "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    pub id: String,
    pub previous: State,
    pub current: State,
}

/// One network interface, as far as counting them goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceView {
    pub id: String,
    pub subnet: String,
    pub zone: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetView {
    pub id: String,
    pub zone: String,
    pub cidr: String,
    pub free: u32,
    pub tags: Arc<BTreeMap<String, String>>,
}
