//! What Elastic Load Balancing is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;

use crate::decide::words::named;

use super::error::ApiError;

named! {
    /// The actions the model knows.
    pub enum Action {
        CreateListener = "CreateListener",
        CreateLoadBalancer = "CreateLoadBalancer",
        CreateTargetGroup = "CreateTargetGroup",
        DeleteListener = "DeleteListener",
        DeleteLoadBalancer = "DeleteLoadBalancer",
        DeleteTargetGroup = "DeleteTargetGroup",
        DeregisterTargets = "DeregisterTargets",
        DescribeAccountLimits = "DescribeAccountLimits",
        DescribeCapacityReservation = "DescribeCapacityReservation",
        DescribeListeners = "DescribeListeners",
        DescribeLoadBalancers = "DescribeLoadBalancers",
        DescribeTargetGroupAttributes = "DescribeTargetGroupAttributes",
        DescribeTargetGroups = "DescribeTargetGroups",
        DescribeTargetHealth = "DescribeTargetHealth",
        ModifyCapacityReservation = "ModifyCapacityReservation",
        ModifyTargetGroup = "ModifyTargetGroup",
        ModifyTargetGroupAttributes = "ModifyTargetGroupAttributes",
        RegisterTargets = "RegisterTargets",
    }
}

named! {
    /// The kinds of load balancers that the model knows.
    pub enum Kind {
        Application = "application",
        Network = "network",
    }
}

named! {
    /// What a target group's targets are.
    pub enum TargetType {
        Instance = "instance",
        Ip = "ip",
    }
}

named! {
    pub enum Protocol {
        Http = "HTTP",
        Https = "HTTPS",
        Tcp = "TCP",
        Tls = "TLS",
        Udp = "UDP",
        TcpUdp = "TCP_UDP",
    }
}

impl Protocol {
    /// The load balancers that speak it.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Protocol::Http | Protocol::Https => Kind::Application,
            Protocol::Tcp | Protocol::Tls | Protocol::Udp | Protocol::TcpUdp => Kind::Network,
        }
    }
}

named! {
    /// A target's health, as far as the model goes.
    pub enum Health {
        Initial = "initial",
        Healthy = "healthy",
        Unhealthy = "unhealthy",
        Unused = "unused",
        Draining = "draining",
    }
}

named! {
    /// Why a target is not healthy.
    pub enum Reason {
        RegistrationInProgress = "Elb.RegistrationInProgress",
        InitialHealthChecking = "Elb.InitialHealthChecking",
        ResponseCodeMismatch = "Target.ResponseCodeMismatch",
        Timeout = "Target.Timeout",
        FailedHealthChecks = "Target.FailedHealthChecks",
        NotRegistered = "Target.NotRegistered",
        NotInUse = "Target.NotInUse",
        DeregistrationInProgress = "Target.DeregistrationInProgress",
        InvalidState = "Target.InvalidState",
    }
}

impl Reason {
    /// The sentence that comes with it.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Reason::RegistrationInProgress => "Target registration is in progress",
            Reason::InitialHealthChecking => "Initial health checks in progress",
            Reason::ResponseCodeMismatch => "Health checks failed with these codes: [503]",
            Reason::Timeout => "Request timed out",
            Reason::FailedHealthChecks => "Health checks failed",
            Reason::NotRegistered => "Target is not registered to the target group",
            Reason::NotInUse => "Target group is not configured to receive traffic from the load balancer",
            Reason::DeregistrationInProgress => "Target deregistration is in progress",
            Reason::InvalidState => "Target is in the terminated state",
        }
    }
}

named! {
    /// Where reserved capacity stands in one zone.
    pub enum ReservationState {
        Provisioned = "provisioned",
        Pending = "pending",
        Rebalancing = "rebalancing",
        Failed = "failed",
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    CreateLoadBalancer(CreateLoadBalancer),
    DescribeLoadBalancers(Describe),
    DeleteLoadBalancer {
        arn: String,
    },
    CreateTargetGroup(CreateTargetGroup),
    DescribeTargetGroups {
        /// Only those of this load balancer.
        balancer: Option<String>,
        describe: Describe,
    },
    ModifyTargetGroup {
        arn: String,
        check: CheckChange,
    },
    ModifyTargetGroupAttributes {
        arn: String,
        attributes: BTreeMap<String, String>,
    },
    DescribeTargetGroupAttributes {
        arn: String,
    },
    DeleteTargetGroup {
        arn: String,
    },
    RegisterTargets(Targets),
    DeregisterTargets(Targets),
    /// Of these targets, or of all if there are none.
    DescribeTargetHealth(Targets),
    CreateListener(CreateListener),
    DescribeListeners {
        balancer: Option<String>,
        /// The names in it say nothing.
        describe: Describe,
    },
    DeleteListener {
        arn: String,
    },
    DescribeAccountLimits(Page),
    ModifyCapacityReservation {
        arn: String,
        change: Reserve,
    },
    DescribeCapacityReservation {
        arn: String,
    },
    /// The front could not make sense of it; metered and answered here. Without an action it costs
    /// nothing.
    Unreadable {
        action: Option<Action>,
        error: ApiError,
    },
}

impl Call {
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match self {
            Call::CreateLoadBalancer(_) => Action::CreateLoadBalancer,
            Call::DescribeLoadBalancers(_) => Action::DescribeLoadBalancers,
            Call::DeleteLoadBalancer { .. } => Action::DeleteLoadBalancer,
            Call::CreateTargetGroup(_) => Action::CreateTargetGroup,
            Call::DescribeTargetGroups { .. } => Action::DescribeTargetGroups,
            Call::ModifyTargetGroup { .. } => Action::ModifyTargetGroup,
            Call::ModifyTargetGroupAttributes { .. } => Action::ModifyTargetGroupAttributes,
            Call::DescribeTargetGroupAttributes { .. } => Action::DescribeTargetGroupAttributes,
            Call::DeleteTargetGroup { .. } => Action::DeleteTargetGroup,
            Call::RegisterTargets(_) => Action::RegisterTargets,
            Call::DeregisterTargets(_) => Action::DeregisterTargets,
            Call::DescribeTargetHealth(_) => Action::DescribeTargetHealth,
            Call::CreateListener(_) => Action::CreateListener,
            Call::DescribeListeners { .. } => Action::DescribeListeners,
            Call::DeleteListener { .. } => Action::DeleteListener,
            Call::DescribeAccountLimits(_) => Action::DescribeAccountLimits,
            Call::ModifyCapacityReservation { .. } => Action::ModifyCapacityReservation,
            Call::DescribeCapacityReservation { .. } => Action::DescribeCapacityReservation,
            Call::Unreadable { action, .. } => return *action,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateLoadBalancer {
    pub name: String,
    pub kind: Kind,
    pub subnets: Vec<String>,
    /// `internet-facing` or `internal`.
    pub scheme: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTargetGroup {
    pub name: String,
    pub protocol: Protocol,
    pub port: u16,
    pub vpc: Option<String>,
    pub target_type: TargetType,
    pub check: Check,
}

/// How the health of targets is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub protocol: Protocol,
    /// A number, or `traffic-port`.
    pub port: String,
    pub path: Option<String>,
    /// 5 to 300.
    pub interval_s: u32,
    /// 2 to 120.
    pub timeout_s: u32,
    /// Checks in a row that make a target healthy, or not: 2 to 10.
    pub healthy: u32,
    pub unhealthy: u32,
}

/// What is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckChange {
    pub protocol: Option<Protocol>,
    pub port: Option<String>,
    pub path: Option<String>,
    pub interval_s: Option<u32>,
    pub timeout_s: Option<u32>,
    pub healthy: Option<u32>,
    pub unhealthy: Option<u32>,
}

impl Check {
    /// The same with this change.
    #[must_use]
    pub fn with(self, change: &CheckChange) -> Check {
        Check {
            protocol: change.protocol.unwrap_or(self.protocol),
            port: change.port.clone().unwrap_or(self.port),
            path: change.path.clone().or(self.path),
            interval_s: change.interval_s.unwrap_or(self.interval_s),
            timeout_s: change.timeout_s.unwrap_or(self.timeout_s),
            healthy: change.healthy.unwrap_or(self.healthy),
            unhealthy: change.unhealthy.unwrap_or(self.unhealthy),
        }
    }

    /// AWS's defaults for targets of this protocol.
    #[must_use]
    pub fn of(protocol: Protocol) -> Check {
        let (protocol, path, timeout_s) = match protocol.kind() {
            Kind::Application => (protocol, Some("/".into()), 5),
            Kind::Network => (Protocol::Tcp, None, 10),
        };
        Check {
            protocol,
            port: "traffic-port".into(),
            path,
            interval_s: 30,
            timeout_s,
            healthy: 5,
            unhealthy: 2,
        }
    }
}

/// Targets of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    pub group: String,
    pub targets: Vec<TargetName>,
}

/// An instance id or an address, and the port if it is not the group's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetName {
    pub id: String,
    pub port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateListener {
    pub balancer: String,
    pub protocol: Protocol,
    pub port: u16,
    /// The groups that its default actions forward to.
    pub groups: Vec<String>,
}

/// A describe call: some by their ARNs or names, or a page of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Describe {
    pub arns: Vec<String>,
    pub names: Vec<String>,
    pub page: Page,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// 1 to 400, as on the wire: other numbers are refused, not unread.
    pub size: Option<i64>,
    pub marker: Option<String>,
}

/// What to do with a reservation. `ResetCapacityReservation` without a value is no change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// So many units, all zones together.
    Units(u32),
    Reset,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    LoadBalancers {
        of: Action,
        balancers: Vec<BalancerView>,
        next_marker: Option<String>,
    },
    TargetGroups {
        of: Action,
        groups: Vec<GroupView>,
        next_marker: Option<String>,
    },
    Attributes {
        of: Action,
        attributes: BTreeMap<String, String>,
    },
    TargetHealth(Vec<HealthView>),
    Listeners {
        of: Action,
        listeners: Vec<ListenerView>,
        next_marker: Option<String>,
    },
    AccountLimits {
        limits: Vec<(&'static str, String)>,
        next_marker: Option<String>,
    },
    CapacityReservation {
        of: Action,
        reservation: ReservationView,
    },
    /// Done, and nothing to say about it.
    Done(Action),
}

impl Answer {
    /// What it answers.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Answer::LoadBalancers { of, .. }
            | Answer::TargetGroups { of, .. }
            | Answer::Attributes { of, .. }
            | Answer::Listeners { of, .. }
            | Answer::CapacityReservation { of, .. }
            | Answer::Done(of) => *of,
            Answer::TargetHealth(_) => Action::DescribeTargetHealth,
            Answer::AccountLimits { .. } => Action::DescribeAccountLimits,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalancerView {
    pub arn: String,
    pub created: CreateLoadBalancer,
    pub dns_name: String,
    /// Milliseconds.
    pub created_ms: i64,
    pub active: bool,
    /// Zone and subnet.
    pub zones: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub arn: String,
    pub created: CreateTargetGroup,
    pub balancers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerView {
    pub arn: String,
    pub created: CreateListener,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthView {
    pub id: String,
    pub port: u16,
    pub check_port: String,
    pub health: Health,
    pub reason: Option<Reason>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReservationView {
    /// Milliseconds; none if there never was one.
    pub modified_ms: Option<i64>,
    pub decreases_remaining: u32,
    /// None if there is none now.
    pub units: Option<u32>,
    pub zones: Vec<ZoneView>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ZoneView {
    pub zone: String,
    /// What is in effect.
    pub units: f64,
    pub state: ReservationState,
    pub reason: Option<&'static str>,
}
