//! Service Quotas' errors: code, HTTP status and message (aws-facts 1.5, 5.1, 6.4). The model of its
//! API gives no statuses: 400 is the protocol's for the caller's fault, 500 for its own.

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        IllegalArgument = "IllegalArgumentException",
        InvalidPaginationToken = "InvalidPaginationTokenException",
        InvalidResourceState = "InvalidResourceStateException",
        NoSuchResource = "NoSuchResourceException",
        QuotaExceeded = "QuotaExceededException",
        ResourceAlreadyExists = "ResourceAlreadyExistsException",
        Serialization = "SerializationException",
        Service = "ServiceException",
        TooManyRequests = "TooManyRequestsException",
        UnknownOperation = "UnknownOperationException",
        Validation = "ValidationException",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::Service => 500,
            Code::IllegalArgument
            | Code::InvalidPaginationToken
            | Code::InvalidResourceState
            | Code::NoSuchResource
            | Code::QuotaExceeded
            | Code::ResourceAlreadyExists
            | Code::Serialization
            | Code::TooManyRequests
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

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::TooManyRequests, "Rate exceeded")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(Code::Service, "Something went wrong.")
    }

    #[must_use]
    pub fn no_such_quota() -> ApiError {
        let message = "The request failed because the specified service quota does not exist.";
        ApiError::new(Code::NoSuchResource, message)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            code: error.code.as_str(),
            http_status: error.code.http_status(),
            message: error.message,
            throttle: error.code == Code::TooManyRequests,
        }
    }
}
