//! The SDK's HTTP client, over paid sockets.
//!
//! The SDK brings one of its own, which opens as many connections as there are calls and keeps them
//! for 90 s. This one pays for each first and keeps few, and not for long.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::whole;
use crate::net::connect::{ConnectError, Connector};
use crate::net::fds::{FdClass, Fds};
use crate::time::Clock;

/// How long a connection may take to open. Linux repeats a lost SYN after 1, 3 and 7 s: three may be
/// lost.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept, on the wall. Shorter: a TLS handshake (two round trips) for
/// each call of a busy lane. Longer: descriptors kept from another host, and connections that the
/// other side is about to close (AWS: after some 20 s).
const IDLE: Duration = Duration::from_secs(5);

/// Most of an answer that is read. A describe of 1,000 instances is about 5 MB.
const BODY: usize = 64 * 1024 * 1024;

/// How much of an answer that cannot be read is quoted, in bytes.
const QUOTE: usize = 200;

/// Why a request has no answer that could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpFailure {
    /// No descriptor or no local port, so nothing was sent. Our fault, not AWS's.
    #[error("{0}")]
    Ours(String),
    /// No connection, so nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// No TLS session, so nothing was sent.
    #[error("no TLS session: {0}")]
    Tls(String),
    /// The connection was lost after all or part of the request had been sent.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// There was an answer, of which only a part came, or which is no document of the kind that the service answers.
    #[error("answered {status} with what cannot be read ({why}){}", prefixed(": ", start))]
    Unreadable { status: u16, why: String, start: String },
}

/// What a client accepts as an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    /// Any bytes, for the providers of credentials.
    Any,
    /// Whole XML documents. Errors too: half a code could pass for another code.
    WholeXml,
    /// Whole JSON documents, errors too.
    WholeJson,
}

/// The client. Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct PaidHttp {
    client: Client<HttpsConnector<Connector>, SdkBody>,
    answers: Answers,
}

impl PaidHttp {
    /// `Err` if the machine has no trusted roots and `plain` does not say that none are needed.
    pub(super) fn new(fds: Arc<Fds>, clock: Clock, plain: bool) -> io::Result<PaidHttp> {
        let idle = fds.share(FdClass::Cloud) as usize;
        let connector = Connector::new(fds, FdClass::Cloud, clock, CONNECT);
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let tls = match HttpsConnectorBuilder::new().with_provider_and_native_roots(provider) {
            Ok(tls) => tls,
            Err(e) if plain => {
                tracing::debug!(error = %e, "no trusted roots; only the plain endpoint can be reached");
                HttpsConnectorBuilder::new().with_tls_config(no_trust()?)
            }
            Err(e) => return Err(e),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle)
            // The one case in which a request is sent again in here: the connection was found closed
            // before any of it was written, so that EC2 cannot have seen it.
            .retry_canceled_requests(true)
            .build(tls.https_or_http().enable_http1().wrap_connector(connector));
        Ok(PaidHttp { client, answers: Answers::Any })
    }

    /// The same client for a service that answers so.
    pub(super) fn accepting(&self, answers: Answers) -> PaidHttp {
        PaidHttp { client: self.client.clone(), answers }
    }
}

fn no_trust() -> io::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

impl HttpClient for PaidHttp {
    // The SDK's timeouts are on the wall's time and off; muster's are set around the whole call.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for PaidHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let answer = http.exchange(request).await.map_err(HttpFailure::into_connector_error)?;
            let status = answer.status().as_u16();
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|e| {
                let why = e.to_string();
                HttpFailure::Unreadable { status, why, start: String::new() }.into_connector_error()
            })
        })
    }
}

impl PaidHttp {
    /// Sends one request and reads its answer, whatever the status is.
    pub(super) async fn exchange(
        &self,
        request: http::Request<SdkBody>,
    ) -> Result<http::Response<Bytes>, HttpFailure> {
        let (head, body) = self.client.request(request).await.map_err(|e| lost(&e))?.into_parts();
        let status = head.status.as_u16();
        let unreadable =
            |why: String, start: &[u8]| HttpFailure::Unreadable { status, why, start: first_words(start) };
        let body =
            Limited::new(body, BODY).collect().await.map_err(|e| unreadable(e.to_string(), &[]))?.to_bytes();
        // Whatever is on the way to AWS and says "too many" in words of its own: the status is enough.
        if head.status != StatusCode::TOO_MANY_REQUESTS {
            let whole = match self.answers {
                Answers::WholeXml => whole::check(&body),
                Answers::WholeJson => whole::check_json(&body),
                Answers::Any => Ok(()),
            };
            whole.map_err(|why| unreadable(why, &body))?;
        }
        Ok(http::Response::from_parts(head, body))
    }
}

impl HttpFailure {
    fn into_connector_error(self) -> ConnectorError {
        ConnectorError::other(self.into(), None)
    }
}

/// What a failure of the client's says: how far the request got.
fn lost(e: &hyper_util::client::legacy::Error) -> HttpFailure {
    if !e.is_connect() {
        return HttpFailure::Lost(causes(e));
    }
    let mut cause = e.source();
    while let Some(c) = cause {
        if let Some(failed) = c.downcast_ref::<ConnectError>() {
            let text = failed.to_string();
            return if failed.is_ours() { HttpFailure::Ours(text) } else { HttpFailure::Connect(text) };
        }
        cause = c.source();
    }
    HttpFailure::Tls(causes(e))
}

/// An error and its causes on one line; a cause that its error repeats is left out.
pub(super) fn causes(e: &(dyn Error + 'static)) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(c) = cause {
        let next = c.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = c.source();
    }
    text
}

/// The start of a body, on one line.
pub(super) fn first_words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(QUOTE)]);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn prefixed(prefix: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{prefix}{text}") }
}
