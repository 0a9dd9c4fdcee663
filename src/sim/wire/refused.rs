//! Requests whose signature is not accepted, and how the services say so.
//!
//! EC2's codes are those of its page of client errors; the other query services' are AWS's common
//! errors, and the JSON services' the same with `Exception` after them, always with status 400.

use http::request::Parts;

use super::super::model::call::{Failure, Service};

/// Why a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is none.
    Missing,
    /// There is one, but not a whole one.
    Incomplete(&'static str),
    UnknownKey,
    /// It is for another service, region or day.
    Scope(String),
    /// It is not what the key makes of this request.
    Wrong,
    /// It was made too long ago, or (`early`) will be made too far in the future.
    Expired {
        signed: String,
        early: bool,
    },
}

/// How a service speaks of such things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Ec2,
    Query,
    Json,
}

impl Refused {
    /// The answer to this request. `ec2_says_auth_failure`: see the switch of that name.
    pub(super) fn failure(&self, head: &Parts, service: Service, ec2_says_auth_failure: bool) -> Failure {
        let json = ["x-amz-target", "smithy-protocol"].iter().any(|name| head.headers.contains_key(*name));
        let family = match (json, service == Service::Ec2) {
            (true, _) => Family::Json,
            (false, true) => Family::Ec2,
            (false, false) => Family::Query,
        };
        let (code, http_status) = self.code(family, ec2_says_auth_failure);
        Failure { code, http_status, message: self.message(code), throttle: false }
    }

    fn code(&self, family: Family, ec2_says_auth_failure: bool) -> (&'static str, u16) {
        match (self, family) {
            (Refused::Missing, Family::Ec2 | Family::Query) => ("MissingAuthenticationToken", 403),
            (Refused::Missing, Family::Json) => ("MissingAuthenticationTokenException", 400),
            (Refused::Incomplete(_), Family::Ec2 | Family::Query) => ("IncompleteSignature", 400),
            (Refused::Incomplete(_), Family::Json) => ("IncompleteSignatureException", 400),
            (Refused::UnknownKey, Family::Ec2) => ("AuthFailure", 401),
            (Refused::UnknownKey, Family::Query) => ("InvalidClientTokenId", 403),
            (Refused::UnknownKey, Family::Json) => ("UnrecognizedClientException", 400),
            (Refused::Scope(_) | Refused::Wrong, Family::Ec2) if ec2_says_auth_failure => {
                ("AuthFailure", 401)
            }
            (Refused::Expired { .. }, Family::Ec2) => ("RequestExpired", 400),
            (Refused::Scope(_) | Refused::Wrong, Family::Ec2 | Family::Query)
            | (Refused::Expired { .. }, Family::Query) => ("SignatureDoesNotMatch", 403),
            (Refused::Scope(_) | Refused::Wrong | Refused::Expired { .. }, Family::Json) => {
                ("InvalidSignatureException", 400)
            }
        }
    }

    fn message(&self, code: &str) -> String {
        match (self, code) {
            (_, "AuthFailure") => "AWS was not able to validate the provided access credentials".into(),
            (_, "RequestExpired") => "Request has expired.".into(),
            (Refused::Missing, _) => "Request is missing Authentication Token".into(),
            (Refused::Incomplete(what), _) => (*what).into(),
            (Refused::UnknownKey, _) => "The security token included in the request is invalid.".into(),
            (Refused::Scope(why), _) => why.clone(),
            (Refused::Wrong, _) => {
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details."
                    .into()
            }
            (Refused::Expired { signed, early: false }, _) => {
                format!("Signature expired: {signed} is now earlier than the service allows (5 min.)")
            }
            (Refused::Expired { signed, early: true }, _) => {
                format!("Signature not yet current: {signed} is still later than the service allows (5 min.)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn said(refused: &Refused, target: Option<&str>, auth_failure: bool) -> (&'static str, u16) {
        let mut request = Request::post("/");
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let failure = refused.failure(&head, Service::Ec2, auth_failure);
        assert!(!failure.message.is_empty() && !failure.throttle);
        (failure.code, failure.http_status)
    }

    #[test]
    fn ec2_has_codes_of_its_own() {
        let late = Refused::Expired { signed: "20261122T030405Z".into(), early: false };
        assert_eq!(said(&Refused::Missing, None, true), ("MissingAuthenticationToken", 403));
        assert_eq!(said(&Refused::UnknownKey, None, true), ("AuthFailure", 401));
        assert_eq!(said(&Refused::Wrong, None, true), ("AuthFailure", 401));
        assert_eq!(said(&Refused::Wrong, None, false), ("SignatureDoesNotMatch", 403));
        assert_eq!(said(&late, None, true), ("RequestExpired", 400));
    }

    #[test]
    fn json_services_answer_exceptions_with_400() {
        let target = Some("AmazonSQS.ReceiveMessage");
        let late = Refused::Expired { signed: "20261122T030405Z".into(), early: true };
        assert_eq!(said(&Refused::Missing, target, true), ("MissingAuthenticationTokenException", 400));
        assert_eq!(said(&Refused::UnknownKey, target, true), ("UnrecognizedClientException", 400));
        assert_eq!(said(&Refused::Wrong, target, true), ("InvalidSignatureException", 400));
        assert_eq!(said(&late, target, true), ("InvalidSignatureException", 400));
    }

    #[test]
    fn the_other_query_services_answer_the_common_errors() {
        let late = Refused::Expired { signed: "20261122T030405Z".into(), early: false };
        let code = |refused: &Refused| refused.code(Family::Query, true);
        assert_eq!(code(&Refused::UnknownKey), ("InvalidClientTokenId", 403));
        assert_eq!(code(&Refused::Wrong), ("SignatureDoesNotMatch", 403));
        assert_eq!(code(&late), ("SignatureDoesNotMatch", 403));
        assert_eq!(code(&Refused::Incomplete("x")), ("IncompleteSignature", 400));
    }
}
