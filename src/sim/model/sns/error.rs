//! SNS's errors: code, HTTP status and message, as in the service's model (aws-facts, BM(sns)).

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        BatchEntryIdsNotDistinct = "BatchEntryIdsNotDistinct",
        BatchRequestTooLong = "BatchRequestTooLong",
        EmptyBatchRequest = "EmptyBatchRequest",
        InternalError = "InternalError",
        InvalidAction = "InvalidAction",
        InvalidBatchEntryId = "InvalidBatchEntryId",
        InvalidParameter = "InvalidParameter",
        MalformedQueryString = "MalformedQueryString",
        MissingAction = "MissingAction",
        NotFound = "NotFound",
        Throttled = "Throttled",
        TooManyEntriesInBatchRequest = "TooManyEntriesInBatchRequest",
        ValidationError = "ValidationError",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::InternalError => 500,
            Code::NotFound => 404,
            Code::Throttled => 429,
            Code::BatchEntryIdsNotDistinct
            | Code::BatchRequestTooLong
            | Code::EmptyBatchRequest
            | Code::InvalidAction
            | Code::InvalidBatchEntryId
            | Code::InvalidParameter
            | Code::MalformedQueryString
            | Code::MissingAction
            | Code::TooManyEntriesInBatchRequest
            | Code::ValidationError => 400,
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

    /// As SNS says what it does not like about a parameter.
    #[must_use]
    pub fn invalid(what: &str) -> ApiError {
        ApiError::new(Code::InvalidParameter, format!("Invalid parameter: {what}"))
    }

    /// The parameter begins with a small letter in this sentence.
    #[must_use]
    pub fn missing(parameter: &str) -> ApiError {
        let message = format!(
            "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: \
             Member must not be null"
        );
        ApiError::new(Code::ValidationError, message)
    }

    #[must_use]
    pub fn not_found(what: &str) -> ApiError {
        ApiError::new(Code::NotFound, format!("{what} does not exist"))
    }

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::Throttled, "Rate exceeded")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(Code::InternalError, "Internal server error")
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            code: error.code.as_str(),
            http_status: error.code.http_status(),
            message: error.message,
            throttle: error.code == Code::Throttled,
        }
    }
}
