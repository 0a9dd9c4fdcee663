//! Elastic Load Balancing's errors: code, HTTP status and message (aws-facts 6.2).

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        CapacityDecreaseRequestLimitExceeded = "CapacityDecreaseRequestLimitExceeded",
        CapacityReservationPending = "CapacityReservationPending",
        CapacityUnitsLimitExceeded = "CapacityUnitsLimitExceeded",
        DuplicateListener = "DuplicateListener",
        DuplicateLoadBalancerName = "DuplicateLoadBalancerName",
        DuplicateTargetGroupName = "DuplicateTargetGroupName",
        IncompatibleProtocols = "IncompatibleProtocols",
        InsufficientCapacity = "InsufficientCapacity",
        InternalFailure = "InternalFailure",
        InvalidAction = "InvalidAction",
        InvalidConfigurationRequest = "InvalidConfigurationRequest",
        InvalidTarget = "InvalidTarget",
        ListenerNotFound = "ListenerNotFound",
        LoadBalancerNotFound = "LoadBalancerNotFound",
        MalformedQueryString = "MalformedQueryString",
        MissingAction = "MissingAction",
        OperationNotPermitted = "OperationNotPermitted",
        PriorRequestNotComplete = "PriorRequestNotComplete",
        ResourceInUse = "ResourceInUse",
        SubnetNotFound = "SubnetNotFound",
        TargetGroupAssociationLimit = "TargetGroupAssociationLimit",
        TargetGroupNotFound = "TargetGroupNotFound",
        Throttling = "Throttling",
        TooManyTargets = "TooManyTargets",
        ValidationError = "ValidationError",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::InsufficientCapacity | Code::InternalFailure => 500,
            Code::PriorRequestNotComplete => 429,
            Code::CapacityDecreaseRequestLimitExceeded
            | Code::CapacityReservationPending
            | Code::CapacityUnitsLimitExceeded
            | Code::DuplicateListener
            | Code::DuplicateLoadBalancerName
            | Code::DuplicateTargetGroupName
            | Code::IncompatibleProtocols
            | Code::InvalidAction
            | Code::InvalidConfigurationRequest
            | Code::InvalidTarget
            | Code::ListenerNotFound
            | Code::LoadBalancerNotFound
            | Code::MalformedQueryString
            | Code::MissingAction
            | Code::OperationNotPermitted
            | Code::ResourceInUse
            | Code::SubnetNotFound
            | Code::TargetGroupAssociationLimit
            | Code::TargetGroupNotFound
            | Code::Throttling
            | Code::TooManyTargets
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

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::Throttling, "Rate exceeded")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        let message = "The request processing has failed because of an unknown error, exception or failure.";
        ApiError::new(Code::InternalFailure, message)
    }

    #[must_use]
    pub fn unknown_balancer() -> ApiError {
        ApiError::new(Code::LoadBalancerNotFound, "One or more load balancers not found")
    }

    #[must_use]
    pub fn unknown_group() -> ApiError {
        ApiError::new(Code::TargetGroupNotFound, "One or more target groups not found")
    }

    #[must_use]
    pub fn unknown_listener() -> ApiError {
        ApiError::new(Code::ListenerNotFound, "One or more listeners not found")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_the_sdk_decides_by() {
        assert_eq!(Code::PriorRequestNotComplete.http_status(), 429);
        assert_eq!(Code::InsufficientCapacity.http_status(), 500);
        assert_eq!(Code::CapacityReservationPending.http_status(), 400);
    }
}
