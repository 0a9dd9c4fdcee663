//! Which service a request is for, and how that service speaks.
//!
//! The JSON protocols name the service in the header `X-Amz-Target`; the query protocols name their
//! version in the parameter `Version`, which is different for each service. What cannot be told apart
//! is taken for EC2's, which answers `InvalidAction` as it would.

use std::io;

use http::Method;
use http::request::Parts;

use super::super::model::autoscaling::call::Call as AutoScalingCall;
use super::super::model::call::{Answer, Call, Failure};
use super::super::model::ec2::call::Call as Ec2Call;
use super::super::model::events::call::Call as EventsCall;
use super::super::model::sns::call::Call as SnsCall;
use super::super::model::sqs::call::Call as SqsCall;
use super::super::model::sqs::error::ApiError as SqsError;
use super::form::{Form, FormError};
use super::json::{Fields, JsonError};
use super::{autoscaling, cloudwatch, ec2, elbv2, events, json, query, quotas, sns, sqs, support};

/// One service in one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// EC2's own flavour of the query protocol, version 2016-11-15.
    Ec2,
    /// The query protocol, version 2011-01-01.
    AutoScaling,
    CloudWatch(cloudwatch::Protocol),
    /// The query protocol, version 2015-12-01.
    Elbv2,
    /// `EventBridge` in AWS JSON 1.1.
    Events,
    /// Service Quotas in AWS JSON 1.1.
    Quotas,
    /// SNS in the query protocol, version 2010-03-31, and the links in its messages.
    Sns,
    /// SQS in AWS JSON 1.0.
    SqsJson,
    /// SQS in the query protocol, version 2012-11-05: boto3 until 1.34.
    SqsQuery,
    /// AWS JSON 1.1.
    Support,
}

impl Dialect {
    /// The dialect that a request is in.
    pub(super) fn of(head: &Parts, body: &[u8]) -> Dialect {
        if cloudwatch::operation(head).is_some() {
            return Dialect::CloudWatch(cloudwatch::Protocol::Cbor);
        }
        if let Some((prefix, _)) = json::target(head) {
            return match prefix {
                cloudwatch::TARGET => Dialect::CloudWatch(cloudwatch::Protocol::Json),
                events::request::TARGET => Dialect::Events,
                quotas::TARGET => Dialect::Quotas,
                sqs::request::TARGET => Dialect::SqsJson,
                support::TARGET => Dialect::Support,
                _ => Dialect::Ec2,
            };
        }
        match query::version(head, body).as_deref() {
            Some(autoscaling::VERSION) => Dialect::AutoScaling,
            Some(cloudwatch::VERSION) => Dialect::CloudWatch(cloudwatch::Protocol::Query),
            Some(elbv2::VERSION) => Dialect::Elbv2,
            Some(sns::request::VERSION) => Dialect::Sns,
            Some(sqs::parameters::VERSION) => Dialect::SqsQuery,
            None if sns::request::is_link(head.uri.query().unwrap_or_default()) => Dialect::Sns,
            Some(_) | None => Dialect::Ec2,
        }
    }

    /// The call that a request makes. What cannot be read becomes a call that is answered why.
    pub(super) fn read(self, head: &Parts, body: &[u8]) -> Call {
        let form = || Form::parse(parameters(head, body));
        let unread = |error: FormError| self.unread(error);
        match self {
            Dialect::Ec2 => form().map_or_else(unread, |form| Call::Ec2(ec2::request::call(&form))),
            Dialect::AutoScaling => {
                form().map_or_else(unread, |form| Call::AutoScaling(autoscaling::request::call(&form)))
            }
            Dialect::Sns => form().map_or_else(unread, |form| Call::Sns(sns::request::call(&form))),
            Dialect::SqsQuery => {
                form().map_or_else(unread, |form| Call::Sqs(sqs::parameters::call(&form, head.uri.path())))
            }
            Dialect::CloudWatch(protocol) => {
                Call::CloudWatch(cloudwatch::request::call(protocol, head, body))
            }
            Dialect::Elbv2 => Call::Elbv2(elbv2::request::call(parameters(head, body))),
            Dialect::Quotas => Call::Quotas(quotas::request::call(head, body)),
            Dialect::Support => Call::Support(support::request::call(head, body)),
            Dialect::Events => Call::Events(events::request::call(action(head), Fields::parse(body))),
            Dialect::SqsJson => {
                let fields = Fields::parse(body).map_err(SqsError::from);
                Call::Sqs(sqs::request::call(action(head), fields))
            }
        }
    }

    /// A call that could not even be received.
    pub(super) fn unreadable(self, why: String) -> Call {
        self.unread(FormError::Malformed(why))
    }

    fn unread(self, why: FormError) -> Call {
        let json = || JsonError::Malformed(why.to_string());
        match self {
            Dialect::Ec2 => Call::Ec2(Ec2Call::Unreadable { action: None, error: why.into() }),
            Dialect::AutoScaling => {
                Call::AutoScaling(AutoScalingCall::Unreadable { action: None, error: why.into() })
            }
            Dialect::CloudWatch(_) => Call::CloudWatch(cloudwatch::request::unreadable(why.to_string())),
            Dialect::Elbv2 => Call::Elbv2(elbv2::request::unreadable(why.to_string())),
            Dialect::Events => Call::Events(EventsCall::Unreadable { action: None, error: json().into() }),
            Dialect::Quotas => Call::Quotas(quotas::request::unreadable(why.to_string())),
            Dialect::Sns => Call::Sns(SnsCall::Unreadable { action: None, error: why.into() }),
            Dialect::SqsJson => Call::Sqs(SqsCall::Unreadable { action: None, error: json().into() }),
            Dialect::SqsQuery => Call::Sqs(SqsCall::Unreadable { action: None, error: why.into() }),
            Dialect::Support => Call::Support(support::request::unreadable(why.to_string())),
        }
    }

    /// An answer's document. A service answers in its own words, whatever dialect it was asked in.
    pub(super) fn answer(self, answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
        match answer {
            Answer::Ec2(answer) => ec2::answer::answer(answer, request_id),
            Answer::AutoScaling(answer) => autoscaling::answer::answer(answer, request_id),
            Answer::CloudWatch(answer) => {
                let protocol = if let Dialect::CloudWatch(protocol) = self {
                    protocol
                } else {
                    cloudwatch::Protocol::Query
                };
                cloudwatch::answer::answer(protocol, answer, request_id)
            }
            Answer::Elbv2(answer) => elbv2::answer::answer(answer, request_id),
            Answer::Events(answer) => events::answer::answer(answer),
            Answer::Quotas(answer) => quotas::answer::answer(answer),
            Answer::Sns(answer) => sns::answer::answer(answer, request_id),
            Answer::Sqs(answer) if self == Dialect::SqsQuery => sqs::document::answer(answer, request_id),
            Answer::Sqs(answer) => sqs::answer::answer(answer),
            Answer::Support(answer) => support::answer::answer(answer),
        }
    }

    /// An error's document.
    pub(super) fn error(self, failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
        match self {
            Dialect::Ec2 => ec2::answer::error(failure, request_id),
            Dialect::AutoScaling => query::error(autoscaling::NAMESPACE, failure, request_id),
            Dialect::CloudWatch(protocol) => cloudwatch::answer::error(protocol, failure, request_id),
            Dialect::Elbv2 => query::error(elbv2::NAMESPACE, failure, request_id),
            Dialect::Events => events::answer::error(failure),
            Dialect::Quotas | Dialect::Support => json::error(failure, None),
            Dialect::Sns => sns::answer::error(failure, request_id),
            Dialect::SqsJson => sqs::answer::error(failure),
            Dialect::SqsQuery => sqs::document::error(failure, request_id),
        }
    }

    /// What an error says in headers beside its document.
    pub(super) fn error_headers(self, failure: &Failure) -> Vec<(&'static str, String)> {
        match self {
            Dialect::Ec2 | Dialect::AutoScaling | Dialect::Elbv2 | Dialect::Sns | Dialect::SqsQuery => {
                Vec::new()
            }
            Dialect::CloudWatch(protocol) => cloudwatch::answer::error_headers(protocol, failure),
            Dialect::Quotas | Dialect::Support => vec![(json::ERROR_TYPE, failure.code.into())],
            Dialect::Events => events::answer::error_headers(failure),
            Dialect::SqsJson => sqs::answer::error_headers(failure),
        }
    }

    /// The header by which the clients of RPC v2 know that an answer is in it.
    pub(super) fn protocol_header(self) -> Option<(&'static str, &'static str)> {
        (self == Dialect::CloudWatch(cloudwatch::Protocol::Cbor))
            .then_some(("smithy-protocol", "rpc-v2-cbor"))
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Dialect::Ec2 | Dialect::Sns | Dialect::SqsQuery => "text/xml;charset=UTF-8",
            Dialect::AutoScaling | Dialect::Elbv2 => "text/xml",
            Dialect::CloudWatch(protocol) => protocol.content_type(),
            Dialect::Events | Dialect::Quotas | Dialect::Support => json::JSON_1_1,
            Dialect::SqsJson => json::JSON_1_0,
        }
    }
}

/// The action that a JSON request's target names.
fn action(head: &Parts) -> &str {
    json::target(head).map_or("", |(_, action)| action)
}

/// The form of a query request: the body, or the query of a GET.
pub(super) fn parameters<'a>(head: &'a Parts, body: &'a [u8]) -> &'a [u8] {
    if head.method == Method::GET { head.uri.query().unwrap_or_default().as_bytes() } else { body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: Option<&str>, body: &str) -> Dialect {
        let mut request = http::Request::builder().method("POST");
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        Dialect::of(&request.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    #[test]
    fn a_request_tells_which_service_it_is_for() {
        assert_eq!(of(None, "Action=RunInstances&Version=2016-11-15"), Dialect::Ec2);
        assert_eq!(of(None, ""), Dialect::Ec2);
        assert_eq!(of(None, "Action=LaunchInstances&Version=2011-01-01"), Dialect::AutoScaling);
        assert_eq!(of(Some("AWSEvents.PutEvents"), "{}"), Dialect::Events);
        assert_eq!(of(Some("AmazonSQS.SendMessage"), "{}"), Dialect::SqsJson);
        assert_eq!(of(None, "Action=SendMessage&Version=2012-11-05"), Dialect::SqsQuery);
        assert_eq!(of(None, "Action=Publish&Version=2010-03-31"), Dialect::Sns);
        let link = http::Request::get("/?Action=ConfirmSubscription&Token=t").body(()).unwrap();
        assert_eq!(Dialect::of(&link.into_parts().0, b""), Dialect::Sns);
        assert_eq!(of(Some("Nobody.Nothing"), "{}"), Dialect::Ec2);
    }
}
