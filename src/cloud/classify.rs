//! What an error code from EC2 means for what we do next (aws-facts 2.3).
//!
//! Three questions, asked of each code in this order:
//! 1. *May it have happened?* Then it is [`ErrorClass::Unknown`], and the same request is sent again
//!    until EC2 says what became of it.
//! 2. *Would it go through later, or elsewhere, unchanged?* Then the class names what is waited for.
//! 3. Otherwise the request is wrong: [`ErrorClass::Configuration`], which ends work in a shortfall.
//!    Nothing lands there by default except a refusal in EC2's own words with a 4xx status: a
//!    statement that the request was read and not carried out.
//!
//! **Credentials** that are missing, expired, not yet active or wrongly signed are `Unknown` too,
//! although nothing happened: people repair them in minutes (a role, a clock, a rotated key), and
//! work that was accepted must not become a shortfall meanwhile. A *permission* that is missing
//! (`UnauthorizedOperation`) is a statement about this request by somebody who read it:
//! configuration.

use crate::decide::words::ErrorClass;

/// The class of an error answer: EC2's code, the HTTP status, and the message where the code alone
/// does not decide.
#[must_use]
pub fn classify(code: &str, status: u16, message: &str) -> ErrorClass {
    // Older answers and some texts name the side at fault: `Client.RequestLimitExceeded`.
    let code = code.strip_prefix("Client.").or_else(|| code.strip_prefix("Server.")).unwrap_or(code);
    by_code(code, message).unwrap_or_else(|| by_shape(code, status))
}

fn by_code(code: &str, message: &str) -> Option<ErrorClass> {
    Some(match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "EC2ThrottledException"
        | "RateExceeded"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "SlowDown" => ErrorClass::Throttle,

        // The same code for a key that is no good and for an image that is not shared with us.
        "AuthFailure" if message.contains("Not authorized for") => ErrorClass::Configuration,
        "InternalError"
        | "ServerInternal"
        | "InternalFailure"
        | "Unavailable"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "RequestTimeoutException"
        // The first call with this token is still at work: ask again with the same token.
        | "IdempotentCallInProgress"
        | "ResourceContention"
        // Credentials: see the page's head.
        | "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => ErrorClass::Unknown,
        // At most 7 instances of a spread placement group fit in a zone: waiting does not help.
        "InsufficientInstanceCapacity" if message.contains("spread placement group") => ErrorClass::Unsupported,
        "InsufficientInstanceCapacity"
        | "InsufficientCapacity"
        | "InsufficientCapacityOnHost"
        | "InsufficientHostCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "InsufficientVolumeCapacity"
        | "InsufficientAddressCapacity"
        | "UnfulfillableCapacity"
        | "SpotMaxPriceTooLow"
        | "ReservationCapacityExceeded" => ErrorClass::Capacity,

        "Unsupported" | "VolumeTypeNotAvailableInZone" => ErrorClass::Unsupported,

        // The interface limit is enforced for each zone (aws-facts 0.15), so what helps is what
        // helps against a full subnet: another zone.
        "InsufficientFreeAddressesInSubnet" | "NetworkInterfaceLimitExceeded" => ErrorClass::Addresses,

        "VcpuLimitExceeded"
        | "InstanceLimitExceeded"
        | "MaxSpotInstanceCountExceeded"
        | "MaxFleetCountExceeded"
        | "VolumeLimitExceeded"
        | "MaxIOPSLimitExceeded"
        | "NetworkAddressUsageLimitExceeded"
        | "NetworkAddressUsagePeeredLimitExceeded" => ErrorClass::Quota,

        "ResourceCountExceeded" | "RequestResourceCountExceeded" => ErrorClass::TooMany,
        "IdempotentInstanceTerminated" => ErrorClass::TokenSpent,
        "IdempotentParameterMismatch" => ErrorClass::TokenMismatch,

        // Only instances appear with a delay: images, subnets and groups that are not found were
        // not made by us a moment ago.
        "InvalidInstanceID.NotFound" => ErrorClass::NotFound,

        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "OperationNotPermitted"
        | "PendingVerification"
        | "Blocked"
        | "OptInRequired"
        | "PrivateIpAddressLimitExceeded"
        | "SecurityGroupsPerInstanceLimitExceeded"
        | "MissingParameter"
        | "ValidationError" => ErrorClass::Configuration,

        _ => return None,
    })
}

/// A code we do not know, or none: what its shape and the status tell.
fn by_shape(code: &str, status: u16) -> ErrorClass {
    match status {
        429 => ErrorClass::Throttle,
        // No code: not EC2's words but those of something on the way.
        _ if code.is_empty() => ErrorClass::Unknown,
        // 401, 403 and 407 are about who asks, 408 is about time: see the page's head.
        // EC2 names these alike, and has more of them than any list.
        _ if code.ends_with("LimitExceeded") => ErrorClass::Quota,
        _ if code.starts_with("Insufficient") && code.ends_with("Capacity") => ErrorClass::Capacity,
        400..=499 if !matches!(status, 401 | 403 | 407 | 408) || code.starts_with("AuthFailure.") => {
            ErrorClass::Configuration
        }
        _ => ErrorClass::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code that aws-facts 2.3 names, and those of 1.4 and 3.5 that EC2 may answer.
    const TABLE: &[(ErrorClass, u16, &[&str])] = &[
        (
            ErrorClass::Throttle,
            503,
            &[
                "RequestLimitExceeded",
                "Client.RequestLimitExceeded",
                "Throttling",
                "ThrottlingException",
                "ThrottledException",
                "RequestThrottled",
                "RequestThrottledException",
                "EC2ThrottledException",
                "RateExceeded",
                "TooManyRequestsException",
                "BandwidthLimitExceeded",
                "SlowDown",
            ],
        ),
        (
            ErrorClass::Unknown,
            500,
            &[
                "InternalError",
                "ServerInternal",
                "InternalFailure",
                "Unavailable",
                "ServiceUnavailable",
                "RequestTimeout",
                "RequestTimeoutException",
                "IdempotentCallInProgress",
                "ResourceContention",
                "NeverHeardOfIt",
            ],
        ),
        (
            ErrorClass::Unknown,
            401,
            &[
                "AuthFailure",
                "ExpiredToken",
                "ExpiredTokenException",
                "RequestExpired",
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                "SignatureDoesNotMatch",
                "IncompleteSignature",
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                "NeverHeardOfIt",
            ],
        ),
        (ErrorClass::Capacity, 500, &["InsufficientInstanceCapacity", "Server.InsufficientInstanceCapacity"]),
        (
            ErrorClass::Capacity,
            400,
            &[
                "InsufficientCapacity",
                "InsufficientCapacityOnHost",
                "InsufficientHostCapacity",
                "InsufficientReservedInstanceCapacity",
                "InsufficientVolumeCapacity",
                "InsufficientAddressCapacity",
                "UnfulfillableCapacity",
                "SpotMaxPriceTooLow",
                "ReservationCapacityExceeded",
                "InsufficientUnheardOfCapacity",
            ],
        ),
        (ErrorClass::Unsupported, 400, &["Unsupported", "VolumeTypeNotAvailableInZone"]),
        (ErrorClass::Addresses, 400, &["InsufficientFreeAddressesInSubnet", "NetworkInterfaceLimitExceeded"]),
        (
            ErrorClass::Quota,
            400,
            &[
                "VcpuLimitExceeded",
                "InstanceLimitExceeded",
                "MaxSpotInstanceCountExceeded",
                "MaxFleetCountExceeded",
                "VolumeLimitExceeded",
                "MaxIOPSLimitExceeded",
                "NetworkAddressUsageLimitExceeded",
                "NetworkAddressUsagePeeredLimitExceeded",
                "NeverHeardOfItLimitExceeded",
            ],
        ),
        (ErrorClass::TooMany, 400, &["ResourceCountExceeded", "RequestResourceCountExceeded"]),
        (ErrorClass::TokenSpent, 400, &["IdempotentInstanceTerminated"]),
        (ErrorClass::TokenMismatch, 400, &["IdempotentParameterMismatch"]),
        (ErrorClass::NotFound, 400, &["InvalidInstanceID.NotFound"]),
        (
            ErrorClass::Configuration,
            400,
            &[
                "PendingVerification",
                "Blocked",
                "OptInRequired",
                "OperationNotPermitted",
                "PrivateIpAddressLimitExceeded",
                "SecurityGroupsPerInstanceLimitExceeded",
                "InvalidParameter",
                "InvalidParameterValue",
                "InvalidParameterCombination",
                "InvalidAMIID.NotFound",
                "InvalidAMIID.Malformed",
                "InvalidAMIID.Unavailable",
                "InvalidSubnetID.NotFound",
                "InvalidGroup.NotFound",
                "InvalidLaunchTemplateId.NotFound",
                "InvalidLaunchTemplateName.NotFoundException",
                "InvalidUserData.Malformed",
                "InvalidInstanceID.Malformed",
                "MissingParameter",
                "ValidationError",
                "NeverHeardOfIt",
            ],
        ),
        (
            ErrorClass::Configuration,
            403,
            &[
                "UnauthorizedOperation",
                "AccessDenied",
                "AccessDeniedException",
                "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
            ],
        ),
    ];

    #[test]
    fn every_code_has_its_class() {
        for (class, status, codes) in TABLE {
            for code in *codes {
                assert_eq!(classify(code, *status, "any"), *class, "{status} {code}");
            }
        }
    }

    /// Every class but those that only we give is reached by some code.
    #[test]
    fn the_table_covers_every_class() {
        for class in ErrorClass::ALL {
            assert!(TABLE.iter().any(|(c, _, _)| c == class), "{class}");
        }
    }

    #[test]
    fn one_code_can_mean_two_things() {
        let spread = "You've reached the limit of instances in this spread placement group in this zone";
        assert_eq!(classify("InsufficientInstanceCapacity", 500, spread), ErrorClass::Unsupported);
        let image = "Not authorized for images: [ami-0123]";
        assert_eq!(classify("AuthFailure", 401, image), ErrorClass::Configuration);
    }

    #[test]
    fn an_answer_without_a_code_is_not_a_refusal() {
        for status in [200, 302, 400, 403, 404, 413, 500, 502, 503, 504] {
            assert_eq!(classify("", status, ""), ErrorClass::Unknown, "{status}");
        }
        assert_eq!(classify("", 429, ""), ErrorClass::Throttle);
    }
}
