//! An endpoint of a topic's that writes down what it is sent.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One on a port of its own; it takes everything.
pub struct Recorder {
    pub url: String,
    heard: Arc<Mutex<Vec<Bytes>>>,
    connections: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl Recorder {
    pub async fn start() -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<Vec<Bytes>>>::default();
        let connections = Arc::<AtomicU64>::default();
        let (all, count) = (heard.clone(), connections.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Relaxed);
                let all = all.clone();
                let take = service_fn(move |request: Request<Incoming>| {
                    let all = all.clone();
                    async move {
                        if let Ok(body) = request.into_body().collect().await {
                            all.lock().unwrap().push(body.to_bytes());
                        }
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), take));
            }
        });
        Recorder { url, heard, connections, serving }
    }

    /// Those that were opened to it, whatever came of them.
    pub fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }

    /// The messages of this `Type` so far, each once.
    pub fn messages(&self, kind: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        for body in self.heard.lock().unwrap().iter() {
            let message: Value = serde_json::from_slice(body).unwrap();
            if message["Type"] == kind && !all.iter().any(|m| m["MessageId"] == message["MessageId"]) {
                all.push(message);
            }
        }
        all
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
