//! The HTTP client of the command line: one request at a time, each with a limit on time and size.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::exit::{Failure, describe};
use super::retry::{Again, Trouble};
use super::sse::{Event, Parser};
use super::text::clean;
use crate::api::types::ProblemBody;
use crate::time::timeout_on_the_wall;

/// Longest wait for an answer. The service answers within a second, or says 429 or 503.
const ANSWER: Duration = Duration::from_secs(30);

/// Longest silence on a stream of events; the service says at least every 5 s that it is there.
const SILENCE: Duration = Duration::from_secs(30);

/// Largest answer: a page of 1,000 instances is about 300 KiB.
const LARGEST: usize = 16 * 1024 * 1024;

/// Speaks to one service.
pub struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    token: Option<HeaderValue>,
}

/// An answer that is a success: a JSON document.
#[derive(Clone, Debug)]
pub struct Document(Bytes);

impl Document {
    /// Reads it as what it should be.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.0)
            .map_err(|e| Failure::Failed(format!("the service's answer cannot be understood: {e}")))
    }

    /// The document as one line of JSON, with everything the service said.
    pub fn line(&self) -> Result<String, Failure> {
        self.read::<serde_json::Value>().map(|v| v.to_string())
    }
}

impl Client {
    /// A client for the service at `base` (http or https, perhaps with a path before `/v1`).
    pub fn new(base: &Url, token: Option<HeaderValue>) -> Result<Client, Failure> {
        let cannot = |e: &dyn std::fmt::Display| Failure::Failed(format!("cannot set up TLS: {e}"));
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let builder = if base.scheme() == "https" {
            builder.with_provider_and_native_roots(provider).map_err(|e| cannot(&e))?
        } else {
            // Reading the system's certificates takes time, and a system without any is no obstacle.
            let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
                .with_safe_default_protocol_versions()
                .map_err(|e| cannot(&e))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        let pool = Pool::builder(TokioExecutor::new()).build(builder.https_or_http().enable_http1().build());
        Ok(Client { pool, base: base.as_str().trim_end_matches('/').to_string(), token })
    }

    /// One GET of a path on the service.
    pub async fn get(&self, path: &str) -> Result<Document, Failure> {
        let request = self.request(Method::GET, path)?;
        self.document(request).await.map_err(|trouble| trouble.failure)
    }

    /// One GET of a path whose answer is text for people, as it is.
    pub async fn text(&self, path: &str) -> Result<String, Failure> {
        let mut request = self.request(Method::GET, path)?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/plain"));
        let Document(text) = self.document(request).await.map_err(|trouble| trouble.failure)?;
        String::from_utf8(text.into())
            .map_err(|e| Failure::Failed(format!("the service's answer cannot be understood: {e}")))
    }

    /// One POST; may be sent again if the trouble says so.
    pub async fn post<T: Serialize>(
        &self,
        path: &str,
        body: &T,
        idempotency_key: Option<&str>,
    ) -> Result<Document, Trouble> {
        let body = serde_json::to_vec(body).map_err(|e| Trouble::for_good(Failure::Failed(e.to_string())))?;
        let mut request = self.request(Method::POST, path).map_err(Trouble::for_good)?;
        *request.body_mut() = Full::from(body);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = idempotency_key {
            let key = HeaderValue::from_str(key).map_err(|_| {
                Trouble::for_good(Failure::Usage(
                    "an idempotency key is 1 to 128 visible ASCII characters".into(),
                ))
            })?;
            request.headers_mut().insert("idempotency-key", key);
        }
        self.document(request).await
    }

    /// One DELETE of a path on the service; may be sent again if the trouble says so.
    pub async fn delete(&self, path: &str) -> Result<Document, Trouble> {
        let request = self.request(Method::DELETE, path).map_err(Trouble::for_good)?;
        self.document(request).await
    }

    /// One PUT, which may always be sent again.
    pub async fn put<T: Serialize>(&self, path: &str, body: &T) -> Result<Document, Trouble> {
        let body = serde_json::to_vec(body).map_err(|e| Trouble::for_good(Failure::Failed(e.to_string())))?;
        let mut request = self.request(Method::PUT, path).map_err(Trouble::for_good)?;
        *request.body_mut() = Full::from(body);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.document(request).await
    }

    /// Opens a stream of events, after the event with this id.
    pub async fn events(&self, path: &str, after: Option<&str>) -> Result<Events, Trouble> {
        let mut request = self.request(Method::GET, path).map_err(Trouble::for_good)?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(Ok(id)) = after.map(HeaderValue::from_str) {
            request.headers_mut().insert("last-event-id", id);
        }
        let response = self.send(request).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(response).await);
        }
        Ok(Events { body: response.into_body(), parser: Parser::default(), ready: Vec::new().into_iter() })
    }

    fn request(&self, method: Method, path: &str) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("muster/", env!("CARGO_PKG_VERSION")))
            .body(Full::default())
            .map_err(|e| Failure::Usage(format!("'{}{path}' is not a URL: {e}", self.base)))?;
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        Ok(request)
    }

    async fn document(&self, request: Request<Full<Bytes>>) -> Result<Document, Trouble> {
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        collect(response.into_body()).await.map(Document)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Trouble> {
        let unreachable =
            |why: &str| Trouble::again(Failure::Unreachable(format!("no answer from {}: {why}", self.base)));
        match timeout_on_the_wall(ANSWER, self.pool.request(request)).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(unreachable(&innermost(&error))),
            None => Err(unreachable(&format!("nothing within {} s", ANSWER.as_secs()))),
        }
    }
}

/// A stream of events.
pub struct Events {
    body: Incoming,
    parser: Parser,
    ready: std::vec::IntoIter<Event>,
}

impl Events {
    /// The next event; `None` when the service closed the stream.
    pub async fn next(&mut self) -> Result<Option<Event>, Trouble> {
        let lost =
            |why: &str| Trouble::again(Failure::Unreachable(format!("the connection was lost: {why}")));
        loop {
            if let Some(event) = self.ready.next() {
                return Ok(Some(event));
            }
            let frame = match timeout_on_the_wall(SILENCE, self.body.frame()).await {
                Some(Some(Ok(frame))) => frame,
                Some(Some(Err(error))) => return Err(lost(&innermost(&error))),
                Some(None) => return Ok(None),
                None => return Err(lost(&format!("nothing within {} s", SILENCE.as_secs()))),
            };
            if let Ok(data) = frame.into_data() {
                let events = self.parser.feed(&data);
                let unreadable =
                    |e| Trouble::for_good(Failure::Failed(format!("not a stream of events: {e}")));
                self.ready = events.map_err(unreadable)?.into_iter();
            }
        }
    }
}

async fn collect(body: Incoming) -> Result<Bytes, Trouble> {
    let lost = |why: &str| Trouble::again(Failure::Unreachable(format!("the answer broke off: {why}")));
    match timeout_on_the_wall(ANSWER, Limited::new(body, LARGEST).collect()).await {
        Some(Ok(body)) => Ok(body.to_bytes()),
        Some(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Trouble::for_good(Failure::Failed(format!("the answer is larger than {LARGEST} bytes"))))
        }
        Some(Err(error)) => Err(lost(&innermost(&*error))),
        None => Err(lost(&format!("nothing within {} s", ANSWER.as_secs()))),
    }
}

/// What an answer means that is not a success.
async fn refused(response: Response<Incoming>) -> Trouble {
    let status = response.status();
    let seconds = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
    let again = Again::Yes(Duration::from_secs(seconds.unwrap_or(0)));
    let body = match collect(response.into_body()).await {
        Ok(body) => body,
        Err(trouble) => return trouble,
    };
    let problem = serde_json::from_slice(&body).unwrap_or_else(|_| no_problem_document(status, &body));
    match status {
        StatusCode::TOO_MANY_REQUESTS => Trouble { failure: Failure::Refused(problem), again },
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Trouble { failure: Failure::Unreachable(describe(&problem)), again }
        }
        status if status.is_client_error() => Trouble::for_good(Failure::Refused(problem)),
        _ => Trouble::for_good(Failure::Failed(describe(&problem))),
    }
}

/// Something between us and the service answered, or it is not muster at all.
fn no_problem_document(status: StatusCode, body: &[u8]) -> ProblemBody {
    let start: String = String::from_utf8_lossy(body).chars().take(200).collect();
    ProblemBody {
        kind: String::new(),
        title: format!("HTTP {status}"),
        status: status.as_u16(),
        detail: clean(start.trim()),
        errors: Vec::new(),
    }
}

/// The last cause of an error: `Connection refused (os error 111)` rather than `client error`.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
