//! SQS's errors: code, HTTP status and message, for both protocols it is spoken to in.
//!
//! The names and statuses are those of the service's models (aws-facts 4.3). The names of
//! `InvalidParameterValueException`, `MissingRequiredParameterException` and `RequestThrottled`'s
//! status are not in them: as clients in the field report them, unverified.

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with, as AWS JSON names them.
    pub enum Code {
        BatchEntryIdsNotDistinct = "BatchEntryIdsNotDistinct",
        BatchRequestTooLong = "BatchRequestTooLong",
        EmptyBatchRequest = "EmptyBatchRequest",
        InternalFailure = "InternalFailure",
        InvalidAttributeName = "InvalidAttributeName",
        InvalidAttributeValue = "InvalidAttributeValue",
        InvalidBatchEntryId = "InvalidBatchEntryId",
        InvalidMessageContents = "InvalidMessageContents",
        InvalidParameterValue = "InvalidParameterValueException",
        MessageNotInflight = "MessageNotInflight",
        MissingAction = "MissingAction",
        MissingParameter = "MissingRequiredParameterException",
        OverLimit = "OverLimit",
        PurgeQueueInProgress = "PurgeQueueInProgress",
        QueueDeletedRecently = "QueueDeletedRecently",
        QueueDoesNotExist = "QueueDoesNotExist",
        QueueNameExists = "QueueNameExists",
        ReceiptHandleIsInvalid = "ReceiptHandleIsInvalid",
        RequestThrottled = "RequestThrottled",
        Serialization = "SerializationException",
        TooManyEntriesInBatchRequest = "TooManyEntriesInBatchRequest",
        UnknownOperation = "UnknownOperationException",
        UnsupportedOperation = "UnsupportedOperation",
    }
}

impl Code {
    /// The code in the query protocol, and in the header `x-amzn-query-error` beside JSON.
    #[must_use]
    pub fn in_query(self) -> &'static str {
        match self {
            Code::BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Code::BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            Code::EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            Code::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Code::InvalidParameterValue => "InvalidParameterValue",
            Code::MessageNotInflight => "AWS.SimpleQueueService.MessageNotInflight",
            Code::MissingParameter => "MissingParameter",
            Code::PurgeQueueInProgress => "AWS.SimpleQueueService.PurgeQueueInProgress",
            Code::QueueDeletedRecently => "AWS.SimpleQueueService.QueueDeletedRecently",
            Code::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Code::QueueNameExists => "QueueAlreadyExists",
            Code::Serialization => "MalformedQueryString",
            Code::TooManyEntriesInBatchRequest => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            Code::UnknownOperation => "InvalidAction",
            Code::UnsupportedOperation => "AWS.SimpleQueueService.UnsupportedOperation",
            Code::InternalFailure
            | Code::InvalidAttributeName
            | Code::InvalidAttributeValue
            | Code::InvalidMessageContents
            | Code::MissingAction
            | Code::OverLimit
            | Code::ReceiptHandleIsInvalid
            | Code::RequestThrottled => self.as_str(),
        }
    }

    /// What stands before the code in JSON: the service's own errors have its namespace, those of
    /// AWS's common framework another.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Code::InternalFailure
            | Code::InvalidParameterValue
            | Code::MissingAction
            | Code::MissingParameter
            | Code::Serialization
            | Code::UnknownOperation => "com.amazon.coral.service",
            Code::BatchEntryIdsNotDistinct
            | Code::BatchRequestTooLong
            | Code::EmptyBatchRequest
            | Code::InvalidAttributeName
            | Code::InvalidAttributeValue
            | Code::InvalidBatchEntryId
            | Code::InvalidMessageContents
            | Code::MessageNotInflight
            | Code::OverLimit
            | Code::PurgeQueueInProgress
            | Code::QueueDeletedRecently
            | Code::QueueDoesNotExist
            | Code::QueueNameExists
            | Code::ReceiptHandleIsInvalid
            | Code::RequestThrottled
            | Code::TooManyEntriesInBatchRequest
            | Code::UnsupportedOperation => "com.amazonaws.sqs",
        }
    }

    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::InternalFailure => 500,
            Code::OverLimit | Code::PurgeQueueInProgress | Code::RequestThrottled => 403,
            Code::BatchEntryIdsNotDistinct
            | Code::BatchRequestTooLong
            | Code::EmptyBatchRequest
            | Code::InvalidAttributeName
            | Code::InvalidAttributeValue
            | Code::InvalidBatchEntryId
            | Code::InvalidMessageContents
            | Code::InvalidParameterValue
            | Code::MessageNotInflight
            | Code::MissingAction
            | Code::MissingParameter
            | Code::QueueDeletedRecently
            | Code::QueueDoesNotExist
            | Code::QueueNameExists
            | Code::ReceiptHandleIsInvalid
            | Code::Serialization
            | Code::TooManyEntriesInBatchRequest
            | Code::UnknownOperation
            | Code::UnsupportedOperation => 400,
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
    pub fn missing(parameter: &str) -> ApiError {
        ApiError::new(Code::MissingParameter, format!("The request must contain the parameter {parameter}."))
    }

    /// A parameter is out of its range.
    #[must_use]
    pub fn invalid(value: impl std::fmt::Display, parameter: &str, reason: &str) -> ApiError {
        let message = format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}");
        ApiError::new(Code::InvalidParameterValue, message)
    }

    #[must_use]
    pub fn no_queue() -> ApiError {
        ApiError::new(Code::QueueDoesNotExist, "The specified queue does not exist.")
    }

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::RequestThrottled, "Request is throttled.")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(Code::InternalFailure, "We encountered an internal error. Please try again.")
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            code: error.code.as_str(),
            http_status: error.code.http_status(),
            message: error.message,
            throttle: error.code == Code::RequestThrottled,
        }
    }
}
