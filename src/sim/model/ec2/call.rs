//! What the model is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::error::ApiError;
use super::instance::{Launch, State};

named! {
    /// The actions the model knows.
    pub enum Action {
        RunInstances = "RunInstances",
        DescribeInstances = "DescribeInstances",
        TerminateInstances = "TerminateInstances",
        DescribeSubnets = "DescribeSubnets",
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
            Call::Unreadable { action, .. } => *action,
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

/// `DescribeInstances` or `DescribeSubnets`.
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
    Instances { reservations: Vec<Reservation>, next_token: Option<String> },
    Terminating(Vec<StateChange>),
    Subnets { subnets: Vec<SubnetView>, next_token: Option<String> },
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
    /// `Client.InternalError: Client error on launch`
    LaunchError,
}

impl StateReason {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            StateReason::UserInitiated => "Client.UserInitiatedShutdown",
            StateReason::LaunchError => "Client.InternalError",
        }
    }

    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            StateReason::UserInitiated => "Client.UserInitiatedShutdown: User initiated shutdown",
            StateReason::LaunchError => "Client.InternalError: Client error on launch",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    pub id: String,
    pub previous: State,
    pub current: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetView {
    pub id: String,
    pub zone: String,
    pub cidr: String,
    pub free: u32,
}
