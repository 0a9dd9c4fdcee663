//! AWS Support's errors: code, HTTP status and message (aws-facts 6.4).

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        CaseCreationLimitExceeded = "CaseCreationLimitExceeded",
        CaseIdNotFound = "CaseIdNotFound",
        DryRunOperation = "DryRunOperationException",
        InternalServerError = "InternalServerError",
        Serialization = "SerializationException",
        SubscriptionRequired = "SubscriptionRequiredException",
        Throttling = "ThrottlingException",
        UnknownOperation = "UnknownOperationException",
        Validation = "ValidationException",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::InternalServerError => 500,
            Code::CaseCreationLimitExceeded
            | Code::CaseIdNotFound
            | Code::DryRunOperation
            | Code::Serialization
            | Code::SubscriptionRequired
            | Code::Throttling
            | Code::UnknownOperation
            | Code::Validation => 400,
        }
    }
}

/// One error, as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    pub code: Code,
    pub message: String,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into() }
    }

    pub fn invalid(message: impl Into<String>) -> ApiError {
        ApiError::new(Code::Validation, message)
    }

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::Throttling, "Rate exceeded")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(Code::InternalServerError, "An internal server error occurred.")
    }

    #[must_use]
    pub fn unknown_case(id: &str) -> ApiError {
        ApiError::new(Code::CaseIdNotFound, format!("The requested caseId {id} could not be located."))
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            code: error.code.as_str(),
            http_status: error.code.http_status(),
            message: error.message,
            throttle: error.code == Code::Throttling,
        }
    }
}
