//! The wire front: AWS's protocols over real sockets, and `/_sim/` beside them.
//!
//! All services share one address, as the SDKs allow; a request tells by itself which one it is for
//! (see [`dialect`]).
//!
//! Signatures are accepted and not checked. A call takes effect when it has been read; its answer
//! leaves after the latency that the model drew, and a lost one closes the connection instead.

mod control;
mod dialect;
mod ec2;
mod elbv2;
mod form;
mod json;
mod query;
mod quotas;
mod support;
mod xml;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use self::dialect::Dialect;
use super::model::call::{Call, Outcome};
use super::shared::Shared;
use super::sockets::accept;

/// The largest request: 1,000 ids take 40 kB, user data at most 22 kB.
const BODY_MAX: usize = 1 << 20;
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
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            let (socket, slot) = accept(&self.listener, &slots).await;
            let (shared, batch) = (self.shared.clone(), self.limits.batch);
            tokio::spawn(async move {
                connection(socket, &shared, batch).await;
                drop(slot);
            });
        }
    }
}

async fn connection(socket: TcpStream, shared: &Shared, batch: u32) {
    // Small answers must not wait for more to send. If it cannot be set they are only slower.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| respond(request, shared, batch));
    // An error here is a client that went away or a reply that was to be lost: nobody to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn respond(
    request: Request<Incoming>,
    shared: &Shared,
    batch: u32,
) -> Result<Response<Full<Bytes>>, Lost> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let body = read(body).await?;
    if let Some(path) = head.uri.path().strip_prefix("/_sim/") {
        let body = body.unwrap_or_default();
        let (status, text) = control::answer(shared, &head.method, path, query, &body, batch);
        return Ok(response(status, "application/json", None, text));
    }
    let dialect = Dialect::of(&head, body.as_deref().unwrap_or_default());
    let call = match body {
        Ok(body) => dialect.read(&head, &body),
        Err(too_large) => dialect.unreadable(too_large),
    };
    answer(dialect, &call, shared).await
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

async fn answer(dialect: Dialect, call: &Call, shared: &Shared) -> Result<Response<Full<Bytes>>, Lost> {
    let reply = shared.with(|model, now| model.handle(call, now));
    if reply.latency_ms > 0 {
        shared.clock().sleep(Duration::from_millis(u64::from(reply.latency_ms))).await;
    }
    let id = &reply.request_id;
    let (status, document) = match &reply.outcome {
        Outcome::Answer(answer) => (StatusCode::OK, dialect.answer(answer, id)),
        Outcome::Error(failure) => {
            let status = StatusCode::from_u16(failure.http_status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, dialect.error(failure, id))
        }
        Outcome::Lost => return Err(Lost),
    };
    let mut response = response(status, dialect.content_type(), Some(id), document.map_err(|_| Lost)?);
    if let Outcome::Error(failure) = &reply.outcome {
        for (name, value) in dialect.error_headers(failure) {
            let value = http::HeaderValue::from_str(&value).map_err(|_| Lost)?;
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn response(
    status: StatusCode,
    kind: &'static str,
    id: Option<&str>,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    if let Some(id) = id.and_then(|id| http::HeaderValue::from_str(id).ok()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
