//! The simulated instances' agents: one listener answers for all of them.
//!
//! It is bound to every address, but to the loopback device only; which instance is meant is told
//! by the address that a connection was made to. Who is not there, or not yet, or refuses, is told
//! by a reset right after the kernel accepted: a client sees a connection that fails at once. (A
//! probe that only opens a connection cannot see the difference; one that asks for a page can.)
//!
//! What an agent answers:
//!
//! | request | answer |
//! | --- | --- |
//! | `PUT` or `POST` to the configure path | 200; the fields `slot` and `attempt` of a JSON body go into the ledger |
//! | `GET /health` | 200 `serving` once configured, else 503 `not ready`; one that runs another version says `serving another version` |
//! | `GET /version` | the image it runs, which every answer of `/health` has in its header `x-version` too |
//!
//! A request comes from the zone that its header `x-sim-from-zone` names, or from that of the subnet
//! that its source address is in; from 127.0.0.1 it comes from no zone.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::model::ec2::{Door, Health, Seen};
use super::model::{Contact, Model};
use super::shared::Shared;
use super::sockets::accept;

/// Connections the kernel queues while the loop is busy (it may allow fewer: somaxconn).
const BACKLOG: i32 = 4_096;
/// Longest configuration an agent takes.
const BODY_MAX: usize = 64 << 10;
/// A connection ends after so long on the wall, whatever it was doing: ten times what a slow
/// machine needs for one request.
const LIFE_MAX: Duration = Duration::from_secs(30);
/// A silent connection is held as long as its client holds it, and no longer than this.
const HANG_MAX: Duration = Duration::from_mins(5);
/// Where the configuration is pushed to if nothing else is said.
pub const CONFIGURE_PATH: &str = "/configure";
const HEALTH_PATH: &str = "/health";
const VERSION_PATH: &str = "/version";
/// Names the zone that a request comes from.
const FROM_ZONE: &str = "x-sim-from-zone";

/// How many connections there may be at once.
#[derive(Clone, Copy, Debug)]
pub struct AgentLimits {
    /// Of all kinds. More wait in the kernel's queue.
    pub connections: usize,
    /// Of those, silent ones. More are reset.
    pub silent: usize,
}

/// A bound listener for the agents.
pub struct Agents {
    listener: TcpListener,
    shared: Shared,
    state: Arc<State>,
}

struct State {
    configure_path: String,
    limits: AgentLimits,
    silent: Arc<Semaphore>,
}

impl Agents {
    /// Listens on this port (0: a free one) of every loopback address.
    ///
    /// # Errors
    /// If the port cannot be bound.
    pub fn bind(port: u16, configure_path: &str, limits: AgentLimits, shared: Shared) -> io::Result<Agents> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        // Not everybody may bind to a device; then `is_loopback` alone keeps strangers out.
        let _ = socket.bind_device(Some(b"lo"));
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
        socket.listen(BACKLOG)?;
        let silent = Arc::new(Semaphore::new(limits.silent));
        let state = State { configure_path: configure_path.into(), limits, silent };
        Ok(Agents { listener: TcpListener::from_std(socket.into())?, shared, state: Arc::new(state) })
    }

    /// # Errors
    /// If the socket is gone.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Serves for ever. Dropping the future stops accepting; open connections end by themselves.
    pub async fn serve(self) {
        let slots = Arc::new(Semaphore::new(self.state.limits.connections));
        loop {
            let (socket, slot) = accept(&self.listener, &slots).await;
            let Some((address, client)) = loopback(&socket) else {
                reset(&socket);
                continue;
            };
            let Contact { door, delay_ms } = self.shared.with(|model, now| model.contact(address, now));
            match door {
                Door::Reset => reset(&socket),
                Door::Hang => match self.state.silent.clone().try_acquire_owned() {
                    Ok(permit) => {
                        tokio::spawn(async move {
                            hang(socket).await;
                            drop((permit, slot));
                        });
                    }
                    Err(_) => reset(&socket),
                },
                Door::Open => {
                    let (shared, state) = (self.shared.clone(), self.state.clone());
                    tokio::spawn(async move {
                        let agent = Agent { address, client, delay_ms, shared: &shared, state: &state };
                        agent.serve(socket).await;
                        drop(slot);
                    });
                }
            }
        }
    }
}

/// The instance's and the client's address, if both ends are on this machine.
fn loopback(socket: &TcpStream) -> Option<(Ipv4Addr, Ipv4Addr)> {
    match (socket.local_addr().ok()?.ip(), socket.peer_addr().ok()?.ip()) {
        (IpAddr::V4(local), IpAddr::V4(peer)) if local.is_loopback() && peer.is_loopback() => {
            Some((local, peer))
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => None,
    }
}

/// Makes the close that follows a reset. If that fails it is an ordinary close: as bad an answer.
fn reset(socket: &TcpStream) {
    let _ = socket.set_zero_linger();
}

/// Reads and never answers, until the client gives up.
async fn hang(mut socket: TcpStream) {
    let until_closed = async {
        let mut buffer = [0; 1_024];
        while let Ok(1..) = socket.read(&mut buffer).await {}
    };
    let _ = crate::time::timeout_on_the_wall(HANG_MAX, until_closed).await;
}

/// The connection closes without an answer: the client went away, or the instance did.
#[derive(Debug, thiserror::Error)]
#[error("the instance is gone")]
struct Gone;

/// One instance's agent for one connection.
struct Agent<'a> {
    address: Ipv4Addr,
    client: Ipv4Addr,
    /// Before each answer, in the model's time.
    delay_ms: u32,
    shared: &'a Shared,
    state: &'a State,
}

impl Agent<'_> {
    async fn serve(&self, socket: TcpStream) {
        let _ = socket.set_nodelay(true);
        let service = service_fn(|request| self.respond(request));
        // One request a connection: descriptors are what is scarce.
        let serve = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(socket), service);
        let slow = self.shared.clock().on_the_wall(self.delay());
        let _ = crate::time::timeout_on_the_wall(LIFE_MAX + slow, serve).await;
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(u64::from(self.delay_ms))
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Gone> {
        let (head, body) = request.into_parts();
        if self.delay_ms > 0 {
            self.shared.clock().sleep(self.delay()).await;
        }
        let path = head.uri.path();
        if path == HEALTH_PATH {
            return self.seen(&head).map(health);
        }
        if path == VERSION_PATH {
            return self.seen(&head).map(|seen| response(StatusCode::OK, seen.version));
        }
        if path != self.state.configure_path {
            return Ok(response(StatusCode::NOT_FOUND, "there is nothing here\n"));
        }
        if !matches!(head.method, Method::PUT | Method::POST) {
            return Ok(response(StatusCode::METHOD_NOT_ALLOWED, "use PUT or POST\n"));
        }
        let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
            return Ok(response(StatusCode::PAYLOAD_TOO_LARGE, "that is too long\n"));
        };
        let (slot, attempt) = named_in(&body.to_bytes());
        let configure = |model: &mut Model, now| model.configure(self.address, slot.as_deref(), attempt, now);
        if self.shared.with(configure) { Ok(response(StatusCode::OK, "configured\n")) } else { Err(Gone) }
    }

    /// What this client sees of the instance.
    fn seen(&self, head: &Parts) -> Result<Seen, Gone> {
        let named = head.headers.get(FROM_ZONE).and_then(|zone| zone.to_str().ok());
        let probe = |model: &mut Model, now| {
            let from = named.or_else(|| model.zone_of(self.client)).map(str::to_string);
            model.probe(self.address, from.as_deref(), now)
        };
        self.shared.with(probe).ok_or(Gone)
    }
}

fn health(seen: Seen) -> Response<Full<Bytes>> {
    let mut response = match (seen.health, seen.right_version) {
        (Health::Serving, true) => response(StatusCode::OK, "serving\n"),
        (Health::Serving, false) => response(StatusCode::OK, "serving another version\n"),
        (Health::NotReady, _) => response(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    };
    if let Ok(version) = HeaderValue::try_from(seen.version) {
        response.headers_mut().insert("x-version", version);
    }
    response
}

/// The fields `slot` and `attempt` of a JSON body, where there are any. Templates may write the
/// attempt as text.
fn named_in(body: &[u8]) -> (Option<String>, Option<u32>) {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return (None, None) };
    let text = |name: &str| match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    (text("slot"), text("attempt").and_then(|a| a.parse().ok()))
}

fn response(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_and_attempt_are_found_in_any_json() {
        let named = |text: &str| named_in(text.as_bytes());
        let both = (Some("1-7".to_string()), Some(2));
        assert_eq!(named(r#"{"slot":"1-7","attempt":2,"more":[]}"#), both);
        assert_eq!(named(r#"{"slot":"1-7","attempt":"2"}"#), both);
        assert_eq!(named(r#"{"slot":7}"#), (Some("7".into()), None));
        for text in
            ["", "slot", "[]", "null", r#"{"slot":null,"attempt":-1}"#, r#"{"slot":{},"attempt":"x"}"#]
        {
            assert_eq!(named(text), (None, None), "{text}");
        }
    }
}
