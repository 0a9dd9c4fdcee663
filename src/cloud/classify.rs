//! What an error code from AWS means for what we do next (aws-facts 2.3, 3.6 and 3.8).
//!
//! Three questions, asked of each code in this order:
//! 1. *May it have happened?* Then it is [`ErrorClass::Unknown`], and the same request is sent again
//!    until AWS says what became of it.
//! 2. *Would it go through later, or elsewhere, unchanged?* Then the class names what is waited for.
//! 3. Otherwise the request is wrong: [`ErrorClass::Configuration`], which ends work in a shortfall.
//!    Nothing lands there by default except a refusal in AWS's own words with a 4xx status: a
//!    statement that the request was read and not carried out.
//!
//! **Credentials** that are missing, expired, not yet active or wrongly signed are `Unknown` too,
//! although nothing happened: people repair them in minutes (a role, a clock, a rotated key), and
//! work that was accepted must not become a shortfall meanwhile. A *permission* that is missing
//! (`UnauthorizedOperation`) is a statement about this request by somebody who read it:
//! configuration.
//!
//! **Auto Scaling** has one code, `ValidationError`, for nearly all that it refuses: what was wrong is
//! only in the sentence. Sentences that clients in the field rely on are told apart here
//! (`by_sentence`); one that we do not know is configuration.

use crate::decide::words::ErrorClass;

/// What may stand before a code. Older answers and some texts name the side at fault
/// (`Client.RequestLimitExceeded`), SQS's query protocol names the service.
const SIDES: &[&str] = &["Client.", "Server.", "AWS.SimpleQueueService."];

/// The class of an error answer: AWS's code, the HTTP status, and the message where the code alone
/// does not decide.
#[must_use]
pub fn classify(code: &str, status: u16, message: &str) -> ErrorClass {
    let code = SIDES.iter().find_map(|side| code.strip_prefix(side)).unwrap_or(code);
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
        // Credentials: see the page's head.
        | "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        // The same in the JSON protocols.
        | "InvalidSignatureException"
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
        | "LimitExceeded"
        // Some 120,000 messages of a queue are received and not deleted.
        | "OverLimit"
        | "NetworkAddressUsageLimitExceeded"
        | "NetworkAddressUsagePeeredLimitExceeded" => ErrorClass::Quota,

        "ResourceCountExceeded" | "RequestResourceCountExceeded" => ErrorClass::TooMany,
        "IdempotentInstanceTerminated" => ErrorClass::TokenSpent,
        "IdempotentParameterMismatch" => ErrorClass::TokenMismatch,

        // Another request or activity has the group, the instance or the resource: later it has not.
        // Of "ResourceContention", a 500, nobody says that nothing happened.
        "ResourceContention" | "PriorRequestNotComplete" | "CapacityReservationPending"
        | "ScalingActivityInProgress" | "ResourceInUse" | "InstanceRefreshInProgress" => ErrorClass::Contention,

        // Only instances appear with a delay: images, subnets and groups that are not found were
        // not made by us a moment ago. And a message whose visibility timeout is over: it was deleted, or
        // will be received again.
        "InvalidInstanceID.NotFound" | "MessageNotInflight" => ErrorClass::NotFound,

        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "OperationNotPermitted"
        | "PendingVerification"
        | "Blocked"
        | "OptInRequired"
        | "PrivateIpAddressLimitExceeded"
        | "SecurityGroupsPerInstanceLimitExceeded"
        | "MissingParameter" => ErrorClass::Configuration,
        "ValidationError" => by_sentence(message),

        _ => return None,
    })
}

/// What Auto Scaling's `ValidationError` says. The texts are AWS's as seen by clients (aws-facts 3.3,
/// 3.4 and 3.6); "below min value" and the sentence on the minimum are from memory there.
fn by_sentence(message: &str) -> ErrorClass {
    let says = |part: &str| message.contains(part);
    if says("No active Lifecycle Action found") {
        ErrorClass::NoAction
    } else if says("is above max value") || says("is below min value") || says("min size constraint") {
        ErrorClass::Size
    } else if says("AutoScalingGroup name not found")
        || says("No managed instance found")
        || says("Instance Id not found")
        || says("is not part of Auto Scaling group")
    {
        ErrorClass::NotFound
    } else {
        ErrorClass::Configuration
    }
}

/// A code we do not know, or none: what its shape and the status tell.
fn by_shape(code: &str, status: u16) -> ErrorClass {
    match status {
        429 => ErrorClass::Throttle,
        // No code: not AWS's words but those of something on the way.
        _ if code.is_empty() => ErrorClass::Unknown,
        // 401, 403 and 407 are about who asks, 408 is about time: see the page's head.
        // AWS names these alike, and has more of them than any list.
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

    /// Every code that aws-facts 2.3 and 3.8 name, and those of 1.4 and 3.5.
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
                "ServiceLinkedRoleFailure",
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
                "InvalidSignatureException",
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
                "LimitExceeded",
                "OverLimit",
                "NetworkAddressUsageLimitExceeded",
                "NetworkAddressUsagePeeredLimitExceeded",
                "NeverHeardOfItLimitExceeded",
            ],
        ),
        (ErrorClass::TooMany, 400, &["ResourceCountExceeded", "RequestResourceCountExceeded"]),
        (ErrorClass::TokenSpent, 400, &["IdempotentInstanceTerminated"]),
        (ErrorClass::TokenMismatch, 400, &["IdempotentParameterMismatch"]),
        (
            ErrorClass::NotFound,
            400,
            &[
                "InvalidInstanceID.NotFound",
                "MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
            ],
        ),
        (ErrorClass::Contention, 500, &["ResourceContention"]),
        (ErrorClass::Contention, 429, &["PriorRequestNotComplete"]),
        (ErrorClass::Contention, 400, &["CapacityReservationPending"]),
        (ErrorClass::Capacity, 500, &["InsufficientCapacity"]),
        (ErrorClass::Quota, 400, &["CapacityUnitsLimitExceeded", "CapacityDecreaseRequestLimitExceeded"]),
        (ErrorClass::Configuration, 400, &["InvalidConfigurationRequest", "LoadBalancerNotFound"]),
        (
            ErrorClass::Contention,
            400,
            &["ScalingActivityInProgress", "ResourceInUse", "InstanceRefreshInProgress"],
        ),
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
                "AlreadyExists",
                "InvalidNextToken",
                "UnsupportedOperation",
                "ActiveInstanceRefreshNotFound",
                "IrreversibleInstanceRefresh",
                "AWS.SimpleQueueService.NonExistentQueue",
                "QueueDoesNotExist",
                "ReceiptHandleIsInvalid",
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

    /// What Auto Scaling says with the one code it has for most refusals.
    const SENTENCES: &[(ErrorClass, &str)] = &[
        (
            ErrorClass::NoAction,
            "No active Lifecycle Action found with token 917070d0-a303-474b-a36c-a5e38a19de5e",
        ),
        (ErrorClass::NoAction, "No active Lifecycle Action found with instance ID i-0853dfa8ce1627af9"),
        (ErrorClass::Size, "New SetDesiredCapacity value 2 is above max value 1 for the AutoScalingGroup."),
        (ErrorClass::Size, "New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup."),
        (
            ErrorClass::Size,
            "Currently, desiredSize equals minSize (1). Terminating instance without replacement will violate \
             group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's \
             min size.",
        ),
        (ErrorClass::NotFound, "AutoScalingGroup name not found - AutoScalingGroup web not found"),
        (
            ErrorClass::NotFound,
            "Instance Id not found - No managed instance found for instance ID: i-0853dfa8ce1627af9",
        ),
        (ErrorClass::NotFound, "The instance i-0853dfa8ce1627af9 is not part of Auto Scaling group web."),
        (ErrorClass::Configuration, "The instance i-0853dfa8ce1627af9 is not in Standby."),
        (
            ErrorClass::Configuration,
            "1 validation error detected: Value 'x' at 'lifecycleActionToken' failed to satisfy constraint: Member \
             must have length greater than or equal to 36",
        ),
    ];

    #[test]
    fn auto_scalings_sentences_are_told_apart() {
        for (class, sentence) in SENTENCES {
            assert_eq!(classify("ValidationError", 400, sentence), *class, "{sentence}");
        }
    }

    /// Every class is reached by some code or sentence.
    #[test]
    fn the_tables_cover_every_class() {
        for class in ErrorClass::ALL {
            let told = TABLE.iter().any(|(c, _, _)| c == class) || SENTENCES.iter().any(|(c, _)| c == class);
            assert!(told, "{class}");
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
