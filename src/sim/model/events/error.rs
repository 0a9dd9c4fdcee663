//! `EventBridge`'s errors: code, HTTP status and message, as in the service's model (BM(events)).

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        InternalException = "InternalException",
        InvalidEventPatternException = "InvalidEventPatternException",
        LimitExceededException = "LimitExceededException",
        ResourceAlreadyExistsException = "ResourceAlreadyExistsException",
        ResourceNotFoundException = "ResourceNotFoundException",
        SerializationException = "SerializationException",
        ThrottlingException = "ThrottlingException",
        UnknownOperationException = "UnknownOperationException",
        ValidationException = "ValidationException",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::InternalException => 500,
            Code::InvalidEventPatternException
            | Code::LimitExceededException
            | Code::ResourceAlreadyExistsException
            | Code::ResourceNotFoundException
            | Code::SerializationException
            | Code::ThrottlingException
            | Code::UnknownOperationException
            | Code::ValidationException => 400,
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
        ApiError::new(Code::ValidationException, message)
    }

    /// The parameter begins with a small letter in this sentence.
    #[must_use]
    pub fn missing(parameter: &str) -> ApiError {
        ApiError::invalid(format!(
            "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: \
             Member must not be null"
        ))
    }

    #[must_use]
    pub fn not_found(what: impl std::fmt::Display) -> ApiError {
        ApiError::new(Code::ResourceNotFoundException, format!("{what} does not exist."))
    }

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::ThrottlingException, "Rate exceeded")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(Code::InternalException, "Internal failure")
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            code: error.code.as_str(),
            http_status: error.code.http_status(),
            message: error.message,
            throttle: error.code == Code::ThrottlingException,
        }
    }
}
