//! A client that keeps its connections, and sees heads.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// One that asks one address.
pub struct Caller {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Seconds to wait before the next try, if it says so.
    pub fn retry_after(&self) -> Option<u64> {
        self.headers.get("retry-after")?.to_str().ok()?.parse().ok()
    }
}

impl Caller {
    pub fn new(url: &str) -> Caller {
        Caller { url: url.to_owned(), client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends one request; `None` if the connection broke.
    pub async fn try_post(&self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Option<Answer> {
        let mut request = Request::post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.request(request.body(Full::new(body)).unwrap()).await.ok()?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    /// The same, again while the connection breaks: the other side may close one that is idle.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Bytes) -> Answer {
        loop {
            if let Some(answer) = self.try_post(path, headers, body.clone()).await {
                return answer;
            }
        }
    }
}
