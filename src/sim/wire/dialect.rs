//! Which service a request is for, and how that service speaks.
//!
//! The query protocols name their version in the parameter `Version`, which is different for each
//! service. What cannot be told apart is taken for EC2's, which answers `InvalidAction` as it would.

use std::io;

use http::Method;
use http::request::Parts;

use super::super::model::call::{Answer, Call, Failure};
use super::super::model::ec2::call::Call as Ec2Call;
use super::ec2;
use super::form::{Form, FormError};

/// One service in one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// EC2's own flavour of the query protocol, version 2016-11-15.
    Ec2,
}

impl Dialect {
    /// The dialect that a request is in.
    pub(super) fn of(_head: &Parts, _body: &[u8]) -> Dialect {
        Dialect::Ec2
    }

    /// The call that a request makes. What cannot be read becomes a call that is answered why.
    pub(super) fn read(self, head: &Parts, body: &[u8]) -> Call {
        match self {
            Dialect::Ec2 => Call::Ec2(match Form::parse(parameters(head, body)) {
                Ok(form) => ec2::request::call(&form),
                Err(error) => Ec2Call::Unreadable { action: None, error: error.into() },
            }),
        }
    }

    /// A call that could not even be received.
    pub(super) fn unreadable(self, why: String) -> Call {
        match self {
            Dialect::Ec2 => {
                Call::Ec2(Ec2Call::Unreadable { action: None, error: FormError::Malformed(why).into() })
            }
        }
    }

    /// An answer's document.
    pub(super) fn answer(self, answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
        match (self, answer) {
            (Dialect::Ec2, Answer::Ec2(answer)) => ec2::answer::answer(answer, request_id),
        }
    }

    /// An error's document.
    pub(super) fn error(self, failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
        match self {
            Dialect::Ec2 => ec2::answer::error(failure, request_id),
        }
    }

    /// What an error says in headers beside its document.
    pub(super) fn error_headers(self, _failure: &Failure) -> Vec<(&'static str, String)> {
        match self {
            Dialect::Ec2 => Vec::new(),
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Dialect::Ec2 => "text/xml;charset=UTF-8",
        }
    }
}

/// The form of a query request: the body, or the query of a GET.
pub(super) fn parameters<'a>(head: &'a Parts, body: &'a [u8]) -> &'a [u8] {
    if head.method == Method::GET { head.uri.query().unwrap_or_default().as_bytes() } else { body }
}
