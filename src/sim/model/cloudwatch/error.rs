//! CloudWatch's errors: the code of its query protocol, the name of the error's shape in the newer
//! protocols, HTTP status and message.

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        InternalServiceError = "InternalServiceError",
        InvalidAction = "InvalidAction",
        InvalidNextToken = "InvalidNextToken",
        InvalidParameterCombination = "InvalidParameterCombination",
        InvalidParameterValue = "InvalidParameterValue",
        MalformedInput = "MalformedInput",
        MissingParameter = "MissingParameter",
        Throttling = "Throttling",
        ValidationError = "ValidationError",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::InternalServiceError => 500,
            Code::InvalidAction
            | Code::InvalidNextToken
            | Code::InvalidParameterCombination
            | Code::InvalidParameterValue
            | Code::MalformedInput
            | Code::MissingParameter
            | Code::Throttling
            | Code::ValidationError => 400,
        }
    }

    /// What the newer protocols call it.
    #[must_use]
    pub fn shape(self) -> &'static str {
        match self {
            Code::InternalServiceError => "InternalServiceFault",
            Code::InvalidAction => "UnknownOperationException",
            Code::InvalidNextToken => "InvalidNextToken",
            Code::InvalidParameterCombination => "InvalidParameterCombinationException",
            Code::InvalidParameterValue => "InvalidParameterValueException",
            Code::MalformedInput => "SerializationException",
            Code::MissingParameter => "MissingRequiredParameterException",
            Code::Throttling => "ThrottlingException",
            Code::ValidationError => "ValidationException",
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
        ApiError::new(Code::InvalidParameterValue, message)
    }

    #[must_use]
    pub fn missing(name: &str) -> ApiError {
        ApiError::new(Code::MissingParameter, format!("The parameter {name} is required."))
    }

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::Throttling, "Rate exceeded")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        let message = "Request processing has failed due to some unknown error, exception, or failure.";
        ApiError::new(Code::InternalServiceError, message)
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
