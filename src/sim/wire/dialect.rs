//! Which service a request is for, and how that service speaks.
//!
//! The query protocols name their version in the parameter `Version`, which is different for each
//! service. What cannot be told apart is taken for EC2's, which answers `InvalidAction` as it would.

use std::io;

use http::Method;
use http::request::Parts;

use super::super::model::call::{Answer, Call, Failure};
use super::super::model::ec2::call::Call as Ec2Call;
use super::form::{Form, FormError};
use super::{ec2, elbv2, json, query, quotas, support};

/// One service in one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// EC2's own flavour of the query protocol, version 2016-11-15.
    Ec2,
    /// The query protocol, version 2015-12-01.
    Elbv2,
    /// AWS JSON 1.1.
    Quotas,
    /// AWS JSON 1.1.
    Support,
}

impl Dialect {
    /// The dialect that a request is in.
    pub(super) fn of(head: &Parts, body: &[u8]) -> Dialect {
        match json::target(head) {
            Some((quotas::TARGET, _)) => Dialect::Quotas,
            Some((support::TARGET, _)) => Dialect::Support,
            Some(_) => Dialect::Ec2,
            None => match query::version(head, body).as_deref() {
                Some(elbv2::VERSION) => Dialect::Elbv2,
                Some(_) | None => Dialect::Ec2,
            },
        }
    }

    /// The call that a request makes. What cannot be read becomes a call that is answered why.
    pub(super) fn read(self, head: &Parts, body: &[u8]) -> Call {
        match self {
            Dialect::Ec2 => Call::Ec2(match Form::parse(parameters(head, body)) {
                Ok(form) => ec2::request::call(&form),
                Err(error) => Ec2Call::Unreadable { action: None, error: error.into() },
            }),
            Dialect::Elbv2 => Call::Elbv2(elbv2::request::call(parameters(head, body))),
            Dialect::Quotas => Call::Quotas(quotas::request::call(head, body)),
            Dialect::Support => Call::Support(support::request::call(head, body)),
        }
    }

    /// A call that could not even be received.
    pub(super) fn unreadable(self, why: String) -> Call {
        match self {
            Dialect::Ec2 => {
                Call::Ec2(Ec2Call::Unreadable { action: None, error: FormError::Malformed(why).into() })
            }
            Dialect::Elbv2 => Call::Elbv2(elbv2::request::unreadable(why)),
            Dialect::Quotas => Call::Quotas(quotas::request::unreadable(why)),
            Dialect::Support => Call::Support(support::request::unreadable(why)),
        }
    }

    /// An answer's document.
    pub(super) fn answer(self, answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
        match (self, answer) {
            (Dialect::Ec2, Answer::Ec2(answer)) => ec2::answer::answer(answer, request_id),
            (Dialect::Elbv2, Answer::Elbv2(answer)) => elbv2::answer::answer(answer, request_id),
            (Dialect::Quotas, Answer::Quotas(answer)) => quotas::answer::answer(answer),
            (Dialect::Support, Answer::Support(answer)) => support::answer::answer(answer),
            (Dialect::Ec2 | Dialect::Elbv2 | Dialect::Quotas | Dialect::Support, _) => {
                Err(io::Error::other("another service's answer"))
            }
        }
    }

    /// An error's document.
    pub(super) fn error(self, failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
        match self {
            Dialect::Ec2 => ec2::answer::error(failure, request_id),
            Dialect::Elbv2 => query::error(elbv2::NAMESPACE, failure, request_id),
            Dialect::Quotas | Dialect::Support => json::error(failure, None),
        }
    }

    /// What an error says in headers beside its document.
    pub(super) fn error_headers(self, failure: &Failure) -> Vec<(&'static str, String)> {
        match self {
            Dialect::Ec2 | Dialect::Elbv2 => Vec::new(),
            Dialect::Quotas | Dialect::Support => vec![(json::ERROR_TYPE, failure.code.into())],
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Dialect::Ec2 => "text/xml;charset=UTF-8",
            Dialect::Elbv2 => "text/xml",
            Dialect::Quotas | Dialect::Support => json::JSON_1_1,
        }
    }
}

/// The form of a query request: the body, or the query of a GET.
pub(super) fn parameters<'a>(head: &'a Parts, body: &'a [u8]) -> &'a [u8] {
    if head.method == Method::GET { head.uri.query().unwrap_or_default().as_bytes() } else { body }
}
