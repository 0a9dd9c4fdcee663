//! A small HTTP server for the tests of the command line, and a way to run commands against it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use clap::Parser;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::args::Command;
use super::{Cli, Io, ask, end};

/// What was asked of the server.
pub struct Asked {
    /// The how-manieth request, from 0.
    pub number: usize,
    pub method: String,
    /// Path and query.
    pub path: String,
    pub body: Bytes,
    headers: http::HeaderMap,
}

impl Asked {
    /// A header's value, empty if it is not there.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|v| v.to_str().unwrap().to_string()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the server answers.
pub struct Reply {
    status: u16,
    content_type: &'static str,
    body: String,
    retry_after: Option<u64>,
    broken: bool,
    cut: bool,
}

impl Reply {
    pub fn text(status: u16, body: &str) -> Reply {
        let body = body.to_string();
        Reply { status, content_type: "text/plain", body, retry_after: None, broken: false, cut: false }
    }

    pub fn json(status: u16, body: &Value) -> Reply {
        let content_type = if status < 400 { "application/json" } else { "application/problem+json" };
        Reply { content_type, ..Reply::text(status, &body.to_string()) }
    }

    /// A stream that is closed properly.
    pub fn events(body: &str) -> Reply {
        Reply { content_type: "text/event-stream", ..Reply::text(200, body) }
    }

    /// A stream whose connection breaks after this.
    pub fn broken_events(body: &str) -> Reply {
        Reply { broken: true, ..Reply::events(body) }
    }

    /// No answer: the connection is closed.
    pub fn cut() -> Reply {
        Reply { cut: true, ..Reply::text(200, "") }
    }

    pub fn retry_after(self, seconds: u64) -> Reply {
        Reply { retry_after: Some(seconds), ..self }
    }

    fn into_response(self) -> Result<Response<BoxBody<Bytes, std::io::Error>>, std::io::Error> {
        if self.cut {
            return Err(std::io::Error::other("cut"));
        }
        let mut response = Response::builder().status(self.status).header("content-type", self.content_type);
        if let Some(seconds) = self.retry_after {
            response = response.header("retry-after", seconds);
        }
        let data = Bytes::from(self.body);
        let body = if self.broken {
            let breaks = async {
                // hyper flushes what it has when there is nothing more for now.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("broken"))
            };
            let frames = stream::iter([Ok(Frame::data(data))]).chain(stream::once(breaks));
            BodyExt::boxed(StreamBody::new(frames))
        } else {
            Full::new(data).map_err(|never: Infallible| match never {}).boxed()
        };
        Ok(response.body(body).unwrap())
    }
}

/// A server on a free port of loopback, gone when dropped.
pub struct Fake {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Fake {
    pub async fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let (handler, count) = (Arc::new(handler), requests.clone());
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (handler, count) = (handler.clone(), count.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (handler, count) = (handler.clone(), count.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let asked = Asked {
                            number: count.fetch_add(1, Ordering::SeqCst),
                            method: head.method.to_string(),
                            path: head.uri.path_and_query().unwrap().to_string(),
                            body: body.collect().await.unwrap().to_bytes(),
                            headers: head.headers,
                        };
                        // A panic is an answer that no command tries again.
                        std::panic::catch_unwind(AssertUnwindSafe(|| handler(&asked)))
                            .unwrap_or_else(|_| Reply::text(500, "the handler panicked"))
                            .into_response()
                    }
                });
                tokio::spawn(async move {
                    // An error is what `cut` and `broken_events` are for.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .keep_alive(false)
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Fake { address, requests, task: Some(task) }
    }

    /// An address at which nobody answers.
    pub async fn nobody() -> Fake {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Fake { address, requests: Arc::default(), task: None }
    }

    /// Requests that came so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Runs a command that asks the server: exit code, standard output, standard error.
pub async fn run(fake: &Fake, args: &[&str]) -> (u8, String, String) {
    let url = format!("http://{}", fake.address);
    let args = ["muster", "--url", &url].into_iter().chain(args.iter().copied());
    let cli = Cli::try_parse_from(args).unwrap();
    let Command::Ask(command) = &cli.command else { panic!("not a command that asks") };
    let (out, err) = (Written::default(), Written::default());
    let io = Io::new(Box::new(out.clone()), Box::new(err.clone()), false);
    let code = end(&io, ask::answer(command, &cli.service, &io).await);
    (code, out.text(), err.text())
}

/// Runs a command that asks nobody.
pub fn local(args: &[&str]) -> (u8, String, String) {
    let cli = Cli::try_parse_from(["muster"].iter().chain(args)).unwrap();
    let (out, err) = (Written::default(), Written::default());
    let io = Io::new(Box::new(out.clone()), Box::new(err.clone()), false);
    let code = end(&io, super::run(&cli, &io));
    (code, out.text(), err.text())
}

#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One server-sent event.
pub fn event(name: &str, id: Option<u32>, data: &Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n")
}

/// Where the service says that scale-up 12 is.
pub fn links() -> Value {
    json!({ "self": "/", "events": "/", "cancel": "/", "explain": "/", "instances": "/" })
}

/// Scale-up 12 of 1,200 in group web, as the service shows it.
pub fn scale_up(state: &str, in_service: u32) -> Value {
    json!({
        "id": "id-12", "seq": 12, "group": "web", "wanted": 1200, "state": state,
        "accepted_at": "2026-01-04T15:00:00.000Z", "in_service": in_service, "withdrawn": 0,
        "reason": "first working day", "phases": { "in_service": in_service }, "waits": [], "shortfall": [],
        "links": links(),
    })
}
