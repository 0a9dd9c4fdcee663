//! What Service Quotas is asked and what it answers, in no wire's words.

use crate::decide::words::named;

use super::error::ApiError;

named! {
    /// The actions the model knows.
    pub enum Action {
        ListServices = "ListServices",
        ListServiceQuotas = "ListServiceQuotas",
        GetServiceQuota = "GetServiceQuota",
        GetAwsDefaultServiceQuota = "GetAWSDefaultServiceQuota",
        ListAwsDefaultServiceQuotas = "ListAWSDefaultServiceQuotas",
        RequestServiceQuotaIncrease = "RequestServiceQuotaIncrease",
        GetRequestedServiceQuotaChange = "GetRequestedServiceQuotaChange",
        ListRequestedServiceQuotaChangeHistory = "ListRequestedServiceQuotaChangeHistory",
        ListRequestedServiceQuotaChangeHistoryByQuota = "ListRequestedServiceQuotaChangeHistoryByQuota",
    }
}

named! {
    /// Where a request for more stands.
    pub enum Status {
        Pending = "PENDING",
        CaseOpened = "CASE_OPENED",
        Approved = "APPROVED",
        Denied = "DENIED",
        CaseClosed = "CASE_CLOSED",
        NotApproved = "NOT_APPROVED",
        InvalidRequest = "INVALID_REQUEST",
    }
}

impl Status {
    /// Nobody has answered it yet.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Status::Pending | Status::CaseOpened => true,
            Status::Approved
            | Status::Denied
            | Status::CaseClosed
            | Status::NotApproved
            | Status::InvalidRequest => false,
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    ListServices(Page),
    ListServiceQuotas {
        service: String,
        /// Only this one.
        quota: Option<String>,
        page: Page,
    },
    GetServiceQuota(Of),
    GetAwsDefaultServiceQuota(Of),
    ListAwsDefaultServiceQuotas {
        service: String,
        page: Page,
    },
    RequestServiceQuotaIncrease {
        of: Of,
        desired: f64,
    },
    GetRequestedServiceQuotaChange {
        id: String,
    },
    ListRequestedServiceQuotaChangeHistory {
        service: Option<String>,
        status: Option<Status>,
        page: Page,
    },
    ListRequestedServiceQuotaChangeHistoryByQuota {
        of: Of,
        status: Option<Status>,
        page: Page,
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
            Call::ListServices(_) => Action::ListServices,
            Call::ListServiceQuotas { .. } => Action::ListServiceQuotas,
            Call::GetServiceQuota(_) => Action::GetServiceQuota,
            Call::GetAwsDefaultServiceQuota(_) => Action::GetAwsDefaultServiceQuota,
            Call::ListAwsDefaultServiceQuotas { .. } => Action::ListAwsDefaultServiceQuotas,
            Call::RequestServiceQuotaIncrease { .. } => Action::RequestServiceQuotaIncrease,
            Call::GetRequestedServiceQuotaChange { .. } => Action::GetRequestedServiceQuotaChange,
            Call::ListRequestedServiceQuotaChangeHistory { .. } => {
                Action::ListRequestedServiceQuotaChangeHistory
            }
            Call::ListRequestedServiceQuotaChangeHistoryByQuota { .. } => {
                Action::ListRequestedServiceQuotaChangeHistoryByQuota
            }
            Call::Unreadable { action, .. } => return *action,
        })
    }
}

/// One quota of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    pub service: String,
    pub quota: String,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// 1 to 100, as on the wire: other numbers are refused, not unread.
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Services { services: Vec<ServiceView>, next_token: Option<String> },
    Quotas { quotas: Vec<QuotaView>, next_token: Option<String> },
    Quota(QuotaView),
    Requested(RequestView),
    RequestedList { requests: Vec<RequestView>, next_token: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    pub code: &'static str,
    pub name: &'static str,
}

/// One quota with its value: the account's, or AWS's default.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaView {
    pub service: ServiceView,
    pub code: String,
    pub arn: String,
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    pub adjustable: bool,
    /// Of the `vCPU` class in the `AWS/Usage` namespace, if its use is measured.
    pub usage_class: Option<&'static str>,
}

/// One request for more.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestView {
    pub id: String,
    pub case_id: Option<String>,
    pub quota: QuotaView,
    pub desired: f64,
    pub status: Status,
    /// Milliseconds.
    pub created_ms: i64,
    pub updated_ms: i64,
}
