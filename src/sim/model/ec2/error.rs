//! EC2's errors: code, HTTP status and message (aws-facts 2.3).

use crate::decide::words::named;

use super::super::call::Failure;

named! {
    /// The codes the model answers with.
    pub enum Code {
        AddressLimitExceeded = "AddressLimitExceeded",
        DryRunOperation = "DryRunOperation",
        FilterLimitExceeded = "FilterLimitExceeded",
        IdempotentInstanceTerminated = "IdempotentInstanceTerminated",
        IdempotentParameterMismatch = "IdempotentParameterMismatch",
        IncorrectInstanceState = "IncorrectInstanceState",
        IncorrectState = "IncorrectState",
        InsufficientFreeAddressesInSubnet = "InsufficientFreeAddressesInSubnet",
        InsufficientInstanceCapacity = "InsufficientInstanceCapacity",
        InternalError = "InternalError",
        InvalidAction = "InvalidAction",
        InvalidAddressNotFound = "InvalidAddress.NotFound",
        InvalidAllocationIdNotFound = "InvalidAllocationID.NotFound",
        InvalidAmiIdMalformed = "InvalidAMIID.Malformed",
        InvalidAmiIdNotFound = "InvalidAMIID.NotFound",
        InvalidAssociationIdNotFound = "InvalidAssociationID.NotFound",
        InvalidFleetIdNotFound = "InvalidFleetId.NotFound",
        InvalidGroupNotFound = "InvalidGroup.NotFound",
        InvalidId = "InvalidID",
        InvalidInstanceIdMalformed = "InvalidInstanceID.Malformed",
        InvalidInstanceIdNotFound = "InvalidInstanceID.NotFound",
        InvalidInstanceType = "InvalidInstanceType",
        InvalidIpAddressInUse = "InvalidIPAddress.InUse",
        InvalidLaunchTemplateIdMalformed = "InvalidLaunchTemplateId.Malformed",
        InvalidLaunchTemplateIdNotFound = "InvalidLaunchTemplateId.NotFound",
        InvalidLaunchTemplateIdVersionNotFound = "InvalidLaunchTemplateId.VersionNotFound",
        InvalidLaunchTemplateNameAlreadyExists = "InvalidLaunchTemplateName.AlreadyExistsException",
        InvalidLaunchTemplateNameMalformed = "InvalidLaunchTemplateName.MalformedException",
        InvalidLaunchTemplateNameNotFound = "InvalidLaunchTemplateName.NotFoundException",
        InvalidNetworkInterfaceIdNotFound = "InvalidNetworkInterfaceID.NotFound",
        InvalidNextToken = "InvalidNextToken",
        InvalidParameterCombination = "InvalidParameterCombination",
        InvalidParameterValue = "InvalidParameterValue",
        InvalidSubnetIdNotFound = "InvalidSubnetID.NotFound",
        InvalidTransitGatewayAttachmentIdNotFound = "InvalidTransitGatewayAttachmentID.NotFound",
        InvalidTransitGatewayIdNotFound = "InvalidTransitGatewayID.NotFound",
        InvalidUserDataMalformed = "InvalidUserData.Malformed",
        InvalidVolumeNotFound = "InvalidVolume.NotFound",
        InvalidVpcIdNotFound = "InvalidVpcID.NotFound",
        MalformedQueryString = "MalformedQueryString",
        MissingAction = "MissingAction",
        MissingParameter = "MissingParameter",
        NatGatewayLimitExceeded = "NatGatewayLimitExceeded",
        NatGatewayNotFound = "NatGatewayNotFound",
        NetworkAddressUsageLimitExceeded = "NetworkAddressUsageLimitExceeded",
        NetworkInterfaceLimitExceeded = "NetworkInterfaceLimitExceeded",
        OperationNotPermitted = "OperationNotPermitted",
        RequestLimitExceeded = "RequestLimitExceeded",
        ResourceAlreadyAssociated = "Resource.AlreadyAssociated",
        ResourceCountExceeded = "ResourceCountExceeded",
        TagLimitExceeded = "TagLimitExceeded",
        UnsupportedOperation = "UnsupportedOperation",
        VcpuLimitExceeded = "VcpuLimitExceeded",
    }
}

impl Code {
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Code::DryRunOperation => 412,
            Code::InsufficientInstanceCapacity | Code::InternalError => 500,
            Code::RequestLimitExceeded => 503,
            Code::AddressLimitExceeded
            | Code::FilterLimitExceeded
            | Code::IdempotentInstanceTerminated
            | Code::IdempotentParameterMismatch
            | Code::IncorrectInstanceState
            | Code::IncorrectState
            | Code::InsufficientFreeAddressesInSubnet
            | Code::InvalidAction
            | Code::InvalidAddressNotFound
            | Code::InvalidAllocationIdNotFound
            | Code::InvalidAmiIdMalformed
            | Code::InvalidAmiIdNotFound
            | Code::InvalidAssociationIdNotFound
            | Code::InvalidFleetIdNotFound
            | Code::InvalidGroupNotFound
            | Code::InvalidId
            | Code::InvalidInstanceIdMalformed
            | Code::InvalidInstanceIdNotFound
            | Code::InvalidInstanceType
            | Code::InvalidIpAddressInUse
            | Code::InvalidLaunchTemplateIdMalformed
            | Code::InvalidLaunchTemplateIdNotFound
            | Code::InvalidLaunchTemplateIdVersionNotFound
            | Code::InvalidLaunchTemplateNameAlreadyExists
            | Code::InvalidLaunchTemplateNameMalformed
            | Code::InvalidLaunchTemplateNameNotFound
            | Code::InvalidNetworkInterfaceIdNotFound
            | Code::InvalidNextToken
            | Code::InvalidParameterCombination
            | Code::InvalidParameterValue
            | Code::InvalidSubnetIdNotFound
            | Code::InvalidTransitGatewayAttachmentIdNotFound
            | Code::InvalidTransitGatewayIdNotFound
            | Code::InvalidUserDataMalformed
            | Code::InvalidVolumeNotFound
            | Code::InvalidVpcIdNotFound
            | Code::MalformedQueryString
            | Code::MissingAction
            | Code::MissingParameter
            | Code::NatGatewayLimitExceeded
            | Code::NatGatewayNotFound
            | Code::NetworkAddressUsageLimitExceeded
            | Code::NetworkInterfaceLimitExceeded
            | Code::OperationNotPermitted
            | Code::ResourceAlreadyAssociated
            | Code::ResourceCountExceeded
            | Code::TagLimitExceeded
            | Code::UnsupportedOperation
            | Code::VcpuLimitExceeded => 400,
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
    pub fn missing(parameter: &str) -> ApiError {
        ApiError::new(Code::MissingParameter, format!("The request must contain the parameter {parameter}"))
    }

    #[must_use]
    pub fn throttled() -> ApiError {
        ApiError::new(Code::RequestLimitExceeded, "Request limit exceeded.")
    }

    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(Code::InternalError, "An internal error has occurred")
    }

    /// EC2 has one sentence for one id and another for several.
    #[must_use]
    pub fn unknown_instances(ids: &[&str]) -> ApiError {
        let message = match ids {
            [id] => format!("The instance ID '{id}' does not exist"),
            ids => format!("The instance IDs '{}' do not exist", ids.join(", ")),
        };
        ApiError::new(Code::InvalidInstanceIdNotFound, message)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            code: error.code.as_str(),
            http_status: error.code.http_status(),
            message: error.message,
            throttle: error.code == Code::RequestLimitExceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_the_sdk_decides_by() {
        assert_eq!(ApiError::throttled().code.http_status(), 503);
        assert_eq!(Code::InsufficientInstanceCapacity.http_status(), 500);
        assert_eq!(Code::IdempotentParameterMismatch.http_status(), 400);
        assert_eq!(Code::DryRunOperation.http_status(), 412);
    }

    #[test]
    fn every_unknown_id_is_listed() {
        assert!(ApiError::unknown_instances(&["i-1"]).message.contains("ID 'i-1' does not"));
        assert!(ApiError::unknown_instances(&["i-1", "i-2"]).message.contains("IDs 'i-1, i-2' do not"));
    }
}
