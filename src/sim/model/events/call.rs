//! What `EventBridge` is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;

use crate::decide::words::named;

use super::error::ApiError;

named! {
    /// The actions the model knows.
    pub enum Action {
        PutRule = "PutRule",
        DeleteRule = "DeleteRule",
        ListRules = "ListRules",
        PutTargets = "PutTargets",
        RemoveTargets = "RemoveTargets",
        ListTargetsByRule = "ListTargetsByRule",
        PutEvents = "PutEvents",
        CreateConnection = "CreateConnection",
        DeleteConnection = "DeleteConnection",
        CreateApiDestination = "CreateApiDestination",
        DescribeApiDestination = "DescribeApiDestination",
        DeleteApiDestination = "DeleteApiDestination",
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    PutRule(PutRule),
    DeleteRule {
        name: String,
    },
    ListRules(List),
    PutTargets {
        rule: String,
        targets: Vec<Target>,
    },
    RemoveTargets {
        rule: String,
        ids: Vec<String>,
    },
    /// Of the rule with this name.
    ListTargetsByRule {
        rule: String,
        page: List,
    },
    PutEvents {
        entries: Vec<NewEvent>,
    },
    CreateConnection(CreateConnection),
    DeleteConnection {
        name: String,
    },
    CreateApiDestination(CreateApiDestination),
    DescribeApiDestination {
        name: String,
    },
    DeleteApiDestination {
        name: String,
    },
    /// The front could not make sense of it.
    Unreadable {
        action: Option<Action>,
        error: ApiError,
    },
}

impl Call {
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match self {
            Call::PutRule(_) => Action::PutRule,
            Call::DeleteRule { .. } => Action::DeleteRule,
            Call::ListRules(_) => Action::ListRules,
            Call::PutTargets { .. } => Action::PutTargets,
            Call::RemoveTargets { .. } => Action::RemoveTargets,
            Call::ListTargetsByRule { .. } => Action::ListTargetsByRule,
            Call::PutEvents { .. } => Action::PutEvents,
            Call::CreateConnection(_) => Action::CreateConnection,
            Call::DeleteConnection { .. } => Action::DeleteConnection,
            Call::CreateApiDestination(_) => Action::CreateApiDestination,
            Call::DescribeApiDestination { .. } => Action::DescribeApiDestination,
            Call::DeleteApiDestination { .. } => Action::DeleteApiDestination,
            Call::Unreadable { action, .. } => return *action,
        })
    }
}

/// `PutRule`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutRule {
    pub name: String,
    /// JSON.
    pub pattern: Option<String>,
    pub schedule: Option<String>,
    /// `ENABLED` (also if not given) or `DISABLED`.
    pub state: Option<String>,
    pub description: Option<String>,
    pub role_arn: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    pub prefix: Option<String>,
    /// 1 to 100.
    pub limit: Option<i64>,
    pub next_token: Option<String>,
}

/// A target of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub id: String,
    /// Of an SQS queue or an API destination.
    pub arn: String,
    pub role_arn: Option<String>,
    /// Sent in place of the event.
    pub input: Option<String>,
    /// The part of the event to be sent, as `$.detail`.
    pub input_path: Option<String>,
    /// It has an input transformer.
    pub transformer: bool,
    pub http: HttpParameters,
    /// ARN of a queue for what could not be delivered.
    pub dead_letter: Option<String>,
    /// 0 to 185, the default.
    pub max_retries: Option<i64>,
    /// Seconds, 60 to 86,400, the default.
    pub max_age_s: Option<i64>,
}

/// What a target adds to requests to an API destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpParameters {
    /// In place of each `*` in the path.
    pub path_values: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
}

/// One event of `PutEvents`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEvent {
    pub source: Option<String>,
    pub detail_type: Option<String>,
    /// JSON.
    pub detail: Option<String>,
    pub resources: Vec<String>,
    pub bus: Option<String>,
}

/// `CreateConnection`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateConnection {
    pub name: String,
    pub authorization: String,
    /// Name and value of the header with the API key.
    pub api_key: Option<(String, String)>,
    /// Headers of every invocation.
    pub headers: Vec<(String, String)>,
}

/// `CreateApiDestination`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateApiDestination {
    pub name: String,
    pub description: Option<String>,
    pub connection_arn: String,
    pub endpoint: String,
    pub method: String,
    /// 1 or more invocations a second.
    pub rate: Option<i64>,
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done, and there is nothing more to say.
    Done,
    Rule {
        arn: String,
    },
    Rules {
        all: Vec<RuleView>,
        next_token: Option<String>,
    },
    Targets {
        all: Vec<Target>,
        next_token: Option<String>,
    },
    /// Of `PutTargets` and `RemoveTargets`: the targets that failed, by their id.
    Entries {
        failed: BTreeMap<String, ApiError>,
    },
    /// An id for each event that was taken.
    Events(Vec<Result<String, NotTaken>>),
    Connection {
        arn: String,
        created_ms: i64,
    },
    Destination(Box<DestinationView>),
}

/// Why an event was not taken. These codes are no errors of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    pub code: &'static str,
    pub message: String,
}

/// One rule of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleView {
    pub name: String,
    pub arn: String,
    pub pattern: String,
    pub enabled: bool,
    pub description: Option<String>,
    pub role_arn: Option<String>,
}

/// An API destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationView {
    /// It was just created: a name and the like need not be told.
    pub created: bool,
    pub arn: String,
    pub name: String,
    pub description: Option<String>,
    pub connection_arn: String,
    pub endpoint: String,
    pub method: String,
    pub rate: u32,
    pub created_ms: i64,
}
