//! Every way in which a call can end without the answer it is for, as one [`CallError`].

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::classify::classify;
use super::http::{HttpFailure, causes, first_words};
use crate::decide::event::CallError;
use crate::decide::words::ErrorClass;
use crate::time::Elapsed;

/// Longest message kept, in bytes: it goes into the journal with every launch that waits.
const MESSAGE: usize = 500;

/// The call as a whole took too long. It may have taken effect.
pub(super) fn timed_out(elapsed: Elapsed) -> CallError {
    unknown("timeout", elapsed.to_string())
}

/// An answer that says nothing we can use, although the SDK could read it.
pub(super) fn unreadable(why: String) -> CallError {
    unknown("unreadable", why)
}

/// An error in AWS's own words. One that came inside an answer of success, about a part of what was
/// asked for, is as one with a status of 400.
pub(super) fn in_words(code: &str, status: u16, message: &str) -> CallError {
    let class = classify(code, status, message);
    CallError { class, code: code.to_owned(), message: cut(message.to_owned()) }
}

/// An error without words of AWS's: the status, and how the body begins.
pub(super) fn without_words(status: u16, body: &[u8]) -> CallError {
    CallError {
        class: classify("", status, ""),
        code: "unreadable".to_owned(),
        message: cut(format!("answered {status} with what is not AWS's: {}", first_words(body))),
    }
}

/// No answer to a request that was sent without the SDK.
pub(super) fn of_http(failure: &HttpFailure) -> CallError {
    unknown(code_of(failure), failure.to_string())
}

/// Nothing was sent: no credentials, or no signature.
pub(super) fn not_sent(why: String) -> CallError {
    unknown("not_sent", why)
}

/// What an error of the SDK's means.
///
/// Everything but an error in AWS's own words is `Unknown`, also where nothing can have been sent:
/// sending the same again is right for both, and a wrong "nothing happened" would launch twice.
pub(super) fn of<E>(e: &SdkError<E, HttpResponse>) -> CallError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match e {
        SdkError::ServiceError(answer) => said(answer.err(), answer.raw()),
        SdkError::TimeoutError(_) => unknown("timeout", causes(e)),
        SdkError::ResponseError(_) => unknown("unreadable", causes(e)),
        // No credentials, no endpoint, no signature: the request never left the SDK.
        SdkError::ConstructionFailure(_) => unknown("not_sent", causes(e)),
        SdkError::DispatchFailure(_) => match http_failure(e) {
            Some(failure) => unknown(code_of(failure), failure.to_string()),
            None => unknown("not_sent", causes(e)),
        },
        // The SDK may grow kinds; none of them is an answer.
        other => unknown("unreadable", causes(other)),
    }
}

/// AWS answered with an error, or something on the way did.
fn said<E: ProvideErrorMetadata>(e: &E, raw: &HttpResponse) -> CallError {
    let status = raw.status().as_u16();
    match e.code() {
        Some(code) => in_words(code, status, e.message().unwrap_or_default()),
        None => without_words(status, raw.body().bytes().unwrap_or_default()),
    }
}

fn http_failure<'a>(e: &'a (dyn Error + 'static)) -> Option<&'a HttpFailure> {
    let mut cause = Some(e);
    while let Some(c) = cause {
        if let Some(failure) = c.downcast_ref() {
            return Some(failure);
        }
        cause = c.source();
    }
    None
}

fn code_of(failure: &HttpFailure) -> &'static str {
    match failure {
        HttpFailure::Ours(_) => "descriptors",
        HttpFailure::Connect(_) | HttpFailure::Tls(_) => "connect",
        HttpFailure::Lost(_) => "connection",
        HttpFailure::Unreadable { .. } => "unreadable",
    }
}

fn unknown(code: &str, message: String) -> CallError {
    CallError { class: ErrorClass::Unknown, code: code.to_owned(), message: cut(message) }
}

fn cut(mut message: String) -> String {
    if message.len() > MESSAGE {
        message.truncate(message.floor_char_boundary(MESSAGE));
        message.push_str(" ...");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_two_characters() {
        let message = cut("é".repeat(MESSAGE));
        assert!(message.len() <= MESSAGE + 4 && message.ends_with("é ..."), "{message}");
        assert_eq!(cut("short".into()), "short");
    }
}
