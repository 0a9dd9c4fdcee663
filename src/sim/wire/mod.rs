//! The wire front: AWS's protocols over real sockets, and `/_sim/` beside them.
//!
//! It speaks plain HTTP, and TLS to those who begin with it: as the host of SNS's certificates.
//!
//! All services share one address, as the SDKs allow; a request tells by itself which one it is for
//! (see [`dialect`]).
//!
//! Signatures are checked if the settings say so. A call takes effect when it has been read; its
//! answer leaves after the latency that the model drew, and a lost one closes the connection instead.

mod autoscaling;
mod body;
mod cbor;
mod certificates;
mod cloudwatch;
mod control;
mod dialect;
mod ec2;
mod elbv2;
mod events;
mod form;
#[cfg(test)]
mod fuzz;
mod json;
#[cfg(test)]
pub(crate) mod mutation;
mod query;
mod quotas;
mod refused;
mod signature;
mod sns;
mod sqs;
mod support;
mod value;
mod xml;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::decide::words::Time;

use self::body::Payload;
use self::dialect::Dialect;
use self::signature::Audience;
use super::model::call::{Answer, Call, Failure, Garbled, Outcome};
use super::model::{Handshake, Listening, Model, Resumed};
use super::settings::Signatures;
use super::shared::Shared;
use super::sockets::{accept, closed};

/// The largest request: a message of 1 MiB, each byte of it escaped to three, and what is around it.
const BODY_MAX: usize = 4 << 20;
/// The connection closes without an answer, as the model said.
#[derive(Debug, thiserror::Error)]
#[error("the reply is lost")]
struct Lost;

/// A bound listener for the query protocol.
pub struct Front {
    listener: TcpListener,
    shared: Shared,
    limits: FrontLimits,
}

/// What the front may use.
#[derive(Clone, Copy, Debug)]
pub struct FrontLimits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Most instances in one call, for bounds that do not say.
    pub batch: u32,
}

/// What every request needs to know and what does not change while it runs.
#[derive(Clone, Copy)]
struct Rules {
    batch: u32,
    signatures: Signatures,
}

impl Front {
    /// # Errors
    /// If the address cannot be bound.
    pub async fn bind(address: SocketAddr, limits: FrontLimits, shared: Shared) -> io::Result<Front> {
        Ok(Front { listener: TcpListener::bind(address).await?, shared, limits })
    }

    /// # Errors
    /// If the socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves for ever. Dropping the future stops accepting; open connections end by themselves.
    pub async fn serve(self) {
        let Front { mut listener, shared, limits } = self;
        let slots = Arc::new(Semaphore::new(limits.connections));
        let signatures = shared.with(|model, _| model.settings().signatures);
        let rules = Rules { batch: limits.batch, signatures };
        let clock = shared.clock();
        loop {
            // Whatever stirs from here on is told, also between the look and the wait.
            let mut stirred = pin!(shared.stirred());
            stirred.as_mut().enable();
            let until = match shared.with(Model::listening) {
                Listening::Open { until_ms } => until_ms.map_or(Time::NEVER, Time),
                Listening::Closed { until_ms } => {
                    let Ok(again) = closed(listener, clock.sleep_until(Time(until_ms))).await else { return };
                    listener = again;
                    continue;
                }
            };
            let (socket, slot) = tokio::select! {
                accepted = accept(&listener, &slots) => accepted,
                () = stirred => continue,
                () = clock.sleep_until(until) => continue,
            };
            if !shared.with(Model::connect) {
                // Makes the close that follows a reset; an ordinary close is as bad an answer.
                let _ = socket.set_zero_linger();
                continue;
            }
            let shared = shared.clone();
            tokio::spawn(async move {
                connection(socket, &shared, rules).await;
                drop(slot);
            });
        }
    }
}

async fn connection(socket: TcpStream, shared: &Shared, rules: Rules) {
    /// What a TLS client says first: a handshake record.
    const HANDSHAKE: u8 = 0x16;
    // Small answers must not wait for more to send. If it cannot be set they are only slower.
    let _ = socket.set_nodelay(true);
    let mut first = [0];
    let secure = matches!(socket.peek(&mut first).await, Ok(1)) && first == [HANDSHAKE];
    if !secure {
        return serve(socket, shared, rules).await;
    }
    // As SNS's host; others have no certificate here. A client that does not like it goes away.
    let config = match shared.with(Model::handshake) {
        Handshake::Made => shared.signer().server(),
        Handshake::Stranger => shared.signer().stranger(),
        // What the client has said is not read: that makes the close a reset.
        Handshake::Broken => return,
    };
    let Some(config) = config else { return };
    if let Ok(socket) = TlsAcceptor::from(config).accept(socket).await {
        serve(socket, shared, rules).await;
    }
}

async fn serve<S>(socket: S, shared: &Shared, rules: Rules)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| respond(request, shared, rules));
    // An error here is a client that went away or a reply that was to be lost: nobody to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn respond(
    request: Request<Incoming>,
    shared: &Shared,
    rules: Rules,
) -> Result<Response<Payload>, Lost> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let body = read(body).await?;
    if head.method == Method::GET
        && let Some(pem) = certificates::at(head.uri.path(), shared)
    {
        return Ok(response(StatusCode::OK, certificates::PEM, None, Payload::whole(pem)));
    }
    if let Some(path) = head.uri.path().strip_prefix("/_sim/") {
        let body = body.unwrap_or_default();
        let (status, text) = control::answer(shared, &head.method, path, query, &body, rules.batch);
        return Ok(response(status, "application/json", None, Payload::whole(text)));
    }
    let received = body.clone().unwrap_or_default();
    let dialect = Dialect::of(&head, &received);
    let call = match body {
        Ok(body) => dialect.read(&head, &body),
        Err(too_large) => dialect.unreadable(too_large),
    };
    match signed(shared, rules.signatures, &head, &received, &call) {
        Ok(()) => answer(dialect, &call, shared).await,
        Err((failure, skew_ms)) => {
            let id = shared.with(Model::turn_away);
            let outcome = Outcome::Error(failure);
            let (status, document) = written(dialect, &outcome, &id)?;
            let answer = response(status, dialect.content_type(), Some(&id), Payload::whole(document));
            headed(answer, dialect, &outcome, skew_ms)
        }
    }
}

/// Is the request signed as the settings want it? If not, how it is refused, and how far ahead the service's
/// clock is, milliseconds.
fn signed(
    shared: &Shared,
    signatures: Signatures,
    head: &Parts,
    body: &[u8],
    call: &Call,
) -> Result<(), (Failure, i64)> {
    match signatures {
        Signatures::Accepted => Ok(()),
        Signatures::Checked => {
            let (service, action) = (call.service(), call.action());
            let (settings, skew_ms) =
                shared.with(|model, now| (model.shared_settings(), model.skew_ms(service, action, now)));
            // Clients sign by the time of the wall, however fast the model's runs.
            let now_ms = crate::time::wall_now().0 + skew_ms;
            let to = Audience { region: &settings.region, service: service.as_str(), now_ms };
            let checked = signature::check(head, body, &settings.access_keys, to);
            let ec2_says_auth_failure = settings.switches.ec2_says_auth_failure;
            checked.map_err(|refused| (refused.failure(head, service, ec2_says_auth_failure), skew_ms))
        }
    }
}

/// The whole body; a sentence to be answered if it is too large.
async fn read(body: Incoming) -> Result<Result<Bytes, String>, Lost> {
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(body) => Ok(Ok(body.to_bytes())),
        Err(e) if e.is::<LengthLimitError>() => {
            Ok(Err(format!("The request is larger than {BODY_MAX} bytes")))
        }
        // The client went away in the middle of its request.
        Err(_) => Err(Lost),
    }
}

async fn answer(dialect: Dialect, call: &Call, shared: &Shared) -> Result<Response<Payload>, Lost> {
    let mut reply = shared.with(|model, now| model.handle(call, now));
    if let Some(until_ms) = reply.waits_until_ms() {
        reply.outcome = Outcome::Answer(poll(call, until_ms, shared).await);
    }
    if reply.latency_ms > 0 {
        shared.clock().sleep(Duration::from_millis(u64::from(reply.latency_ms))).await;
    }
    let id = &reply.request_id;
    let response = match &reply.garbled {
        None => {
            let (status, document) = written(dialect, &reply.outcome, id)?;
            response(status, dialect.content_type(), Some(id), Payload::whole(document))
        }
        Some(Garbled::Html(status)) => html(*status),
        Some(Garbled::Truncated(whole)) => {
            let (status, document) = written(dialect, whole, id)?;
            let length = document.len();
            let mut cut = response(status, dialect.content_type(), Some(id), Payload::half(document));
            cut.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            cut
        }
    };
    headed(response, dialect, &reply.outcome, reply.skew_ms)
}

/// With the headers that the protocol has, and the date by the service's clock.
fn headed(
    mut response: Response<Payload>,
    dialect: Dialect,
    outcome: &Outcome,
    skew_ms: i64,
) -> Result<Response<Payload>, Lost> {
    if let Some((name, value)) = dialect.protocol_header() {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Outcome::Error(failure) = outcome {
        for (name, value) in dialect.error_headers(failure) {
            let value = HeaderValue::from_str(&value).map_err(|_| Lost)?;
            response.headers_mut().insert(name, value);
        }
    }
    if skew_ms != 0
        && let Some(date) = date(crate::time::wall_now().0 + skew_ms)
    {
        response.headers_mut().insert(header::DATE, date);
    }
    Ok(response)
}

/// Status and document of what can be read.
fn written(dialect: Dialect, outcome: &Outcome, id: &str) -> Result<(StatusCode, Vec<u8>), Lost> {
    let (status, document) = match outcome {
        Outcome::Answer(answer) => (StatusCode::OK, dialect.answer(answer, id)),
        Outcome::Error(failure) => {
            let status = StatusCode::from_u16(failure.http_status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, dialect.error(failure, id))
        }
        Outcome::Lost => return Err(Lost),
    };
    Ok((status, document.map_err(|_| Lost)?))
}

/// Waits for the answer of a long poll. Without an end of its own: the model ends it in time.
async fn poll(call: &Call, deadline_ms: i64, shared: &Shared) -> Answer {
    let clock = shared.clock();
    loop {
        // Whatever stirs from here on is told, also between the look and the wait.
        let mut stirred = pin!(shared.stirred());
        stirred.as_mut().enable();
        match shared.with(|model, now| model.resume(call, deadline_ms, now)) {
            Resumed::Answer(answer) => return *answer,
            Resumed::Waits { until_ms } => tokio::select! {
                () = stirred => {}
                () = clock.sleep_until(Time(until_ms)) => {}
            },
        }
    }
}

/// As something answers that stands before a service and cannot reach it: without a request id.
fn html(status: u16) -> Response<Payload> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let page = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         </body>\r\n</html>\r\n"
    );
    response(status, "text/html", None, Payload::whole(page))
}

/// A time, in milliseconds since the epoch, as headers write it.
fn date(ms: i64) -> Option<HeaderValue> {
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    HeaderValue::try_from(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

fn response(status: StatusCode, kind: &'static str, id: Option<&str>, body: Payload) -> Response<Payload> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
