//! Auto Scaling's errors: code, HTTP status and message (aws-facts 3.8).

use std::fmt;

use crate::decide::words::named;

use super::super::super::settings::ThrottleCode;
use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        AlreadyExists = "AlreadyExists",
        IdempotentParameterMismatch = "IdempotentParameterMismatch",
        InternalFailure = "InternalFailure",
        InvalidAction = "InvalidAction",
        InvalidNextToken = "InvalidNextToken",
        LimitExceeded = "LimitExceeded",
        MalformedQueryString = "MalformedQueryString",
        MissingAction = "MissingAction",
        RateExceeded = "RateExceeded",
        ResourceContention = "ResourceContention",
        ResourceInUse = "ResourceInUse",
        ScalingActivityInProgress = "ScalingActivityInProgress",
        Throttling = "Throttling",
        UnsupportedOperation = "UnsupportedOperation",
        ValidationError = "ValidationError",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::InternalFailure | Code::ResourceContention => 500,
            Code::AlreadyExists
            | Code::IdempotentParameterMismatch
            | Code::InvalidAction
            | Code::InvalidNextToken
            | Code::LimitExceeded
            | Code::MalformedQueryString
            | Code::MissingAction
            | Code::RateExceeded
            | Code::ResourceInUse
            | Code::ScalingActivityInProgress
            | Code::Throttling
            | Code::UnsupportedOperation
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

    pub fn invalid(message: impl Into<String>) -> ApiError {
        ApiError::new(Code::ValidationError, message)
    }

    /// A value that breaks a constraint of the service's model, in the sentence it makes of those.
    /// The parameter begins in lower case there.
    #[must_use]
    pub fn constraint(value: impl fmt::Display, parameter: &str, constraint: &str) -> ApiError {
        ApiError::invalid(format!(
            "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {constraint}",
            lower(parameter)
        ))
    }

    #[must_use]
    pub fn missing(parameter: &str) -> ApiError {
        ApiError::invalid(format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be \
             null",
            lower(parameter)
        ))
    }

    #[must_use]
    pub fn no_group(name: &str) -> ApiError {
        ApiError::invalid(format!("AutoScalingGroup name not found - AutoScalingGroup {name} not found"))
    }

    #[must_use]
    pub fn no_instance(id: &str) -> ApiError {
        ApiError::invalid(format!("Instance Id not found - No managed instance found for instance ID: {id}"))
    }

    #[must_use]
    pub fn not_a_member(id: &str, group: &str) -> ApiError {
        ApiError::invalid(format!("The instance {id} is not part of Auto Scaling group {group}."))
    }

    #[must_use]
    pub fn throttled(code: ThrottleCode) -> ApiError {
        let code = match code {
            ThrottleCode::Throttling => Code::Throttling,
            ThrottleCode::RateExceeded => Code::RateExceeded,
        };
        ApiError::new(code, "Rate exceeded")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(
            Code::InternalFailure,
            "The request processing has failed because of an unknown error, exception or failure.",
        )
    }
}

fn lower(parameter: &str) -> String {
    let mut chars = parameter.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            code: error.code.as_str(),
            http_status: error.code.http_status(),
            message: error.message,
            throttle: matches!(error.code, Code::Throttling | Code::RateExceeded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_constraint_reads_as_at_aws() {
        assert_eq!(
            ApiError::constraint(5, "HeartbeatTimeout", "Member must be at least 30").message,
            "1 validation error detected: Value '5' at 'heartbeatTimeout' failed to satisfy constraint: Member \
             must be at least 30"
        );
        assert!(ApiError::missing("InstanceId").message.contains("Value null at 'instanceId'"));
    }

    #[test]
    fn contention_is_the_services_fault_and_throttling_is_not() {
        assert_eq!(Code::ResourceContention.http_status(), 500);
        let failure: Failure = ApiError::throttled(ThrottleCode::RateExceeded).into();
        assert_eq!((failure.code, failure.http_status, failure.throttle), ("RateExceeded", 400, true));
    }
}
