//! What AWS Support is asked and what it answers, in no wire's words.

use crate::decide::words::named;

use super::error::ApiError;

named! {
    /// The actions the model knows.
    pub enum Action {
        AddCommunicationToCase = "AddCommunicationToCase",
        CreateCase = "CreateCase",
        DescribeCases = "DescribeCases",
        DescribeCommunications = "DescribeCommunications",
        DescribeServices = "DescribeServices",
        DescribeSeverityLevels = "DescribeSeverityLevels",
        ResolveCase = "ResolveCase",
    }
}

named! {
    /// Where a case stands.
    pub enum Status {
        Unassigned = "unassigned",
        WorkInProgress = "work-in-progress",
        PendingCustomerAction = "pending-customer-action",
        Reopened = "reopened",
        Resolved = "resolved",
    }
}

/// One call. With `dry_run` it is checked and has no effect.
#[derive(Clone, Debug)]
pub struct Call {
    pub dry_run: bool,
    pub verb: Verb,
}

#[derive(Clone, Debug)]
pub enum Verb {
    CreateCase(CreateCase),
    DescribeCases(DescribeCases),
    AddCommunicationToCase {
        case_id: Option<String>,
        body: String,
    },
    DescribeCommunications {
        case_id: String,
        times: Times,
        page: Page,
    },
    ResolveCase {
        case_id: Option<String>,
    },
    DescribeServices {
        /// All, if it is empty.
        codes: Vec<String>,
    },
    DescribeSeverityLevels,
    /// The front could not make sense of it; metered and answered here. Without an action it costs
    /// nothing.
    Unreadable {
        action: Option<Action>,
        error: ApiError,
    },
}

impl Call {
    #[must_use]
    pub fn unreadable(action: Option<Action>, error: ApiError) -> Call {
        Call { dry_run: false, verb: Verb::Unreadable { action, error } }
    }

    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match &self.verb {
            Verb::CreateCase(_) => Action::CreateCase,
            Verb::DescribeCases(_) => Action::DescribeCases,
            Verb::AddCommunicationToCase { .. } => Action::AddCommunicationToCase,
            Verb::DescribeCommunications { .. } => Action::DescribeCommunications,
            Verb::ResolveCase { .. } => Action::ResolveCase,
            Verb::DescribeServices { .. } => Action::DescribeServices,
            Verb::DescribeSeverityLevels => Action::DescribeSeverityLevels,
            Verb::Unreadable { action, .. } => return *action,
        })
    }
}

/// There is no idempotency token: the same call again makes another case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateCase {
    pub subject: String,
    pub body: String,
    pub service: Option<String>,
    pub category: Option<String>,
    pub severity: Option<String>,
    pub cc: Vec<String>,
    pub language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeCases {
    /// At most 100; all, if it is empty.
    pub ids: Vec<String>,
    pub display_id: Option<String>,
    pub times: Times,
    pub include_resolved: bool,
    /// With the latest communications of each.
    pub include_communications: bool,
    pub page: Page,
}

impl Default for DescribeCases {
    fn default() -> Self {
        DescribeCases {
            ids: Vec::new(),
            display_id: None,
            times: Times::default(),
            include_resolved: false,
            include_communications: true,
            page: Page::default(),
        }
    }
}

/// Milliseconds: from the one, and up to the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub after_ms: Option<i64>,
    pub before_ms: Option<i64>,
}

impl Times {
    #[must_use]
    pub fn contain(self, at_ms: i64) -> bool {
        self.after_ms.is_none_or(|after| at_ms >= after)
            && self.before_ms.is_none_or(|before| at_ms <= before)
    }
}

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// 10 to 100, as on the wire: other numbers are refused, not unread.
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Created { case_id: String },
    Cases { cases: Vec<CaseView>, next_token: Option<String> },
    Added,
    Communications { communications: Vec<Communication>, next_token: Option<String> },
    Resolved { initial: Status, last: Status },
    Services(Vec<ServiceView>),
    SeverityLevels(Vec<Named>),
}

/// One case as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseView {
    pub id: String,
    pub display_id: String,
    pub created: CreateCase,
    pub status: Status,
    /// Milliseconds.
    pub created_ms: i64,
    /// The latest first; none if they were not asked for.
    pub communications: Option<Recent>,
}

/// The latest communications of a case, and the token for those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    pub communications: Vec<Communication>,
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Communication {
    pub case_id: String,
    pub body: String,
    pub submitted_by: String,
    /// Milliseconds.
    pub at_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    pub service: Named,
    pub categories: Vec<Named>,
}

/// A code and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub code: &'static str,
    pub name: &'static str,
}
