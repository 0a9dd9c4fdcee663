//! JSON over HTTP on this machine.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

use super::{PATIENCE, too_slow};
use crate::time::timeout_on_the_wall;

/// GETs a document.
pub async fn get<T: DeserializeOwned>(url: &str) -> anyhow::Result<T> {
    send(Request::get(url).body(Full::default())?).await
}

/// POSTs a document and reads the answer.
pub async fn post<T: DeserializeOwned>(url: &str, body: &serde_json::Value) -> anyhow::Result<T> {
    let body = Full::from(body.to_string());
    send(Request::post(url).header("content-type", "application/json").body(body)?).await
}

async fn send<T: DeserializeOwned>(request: Request<Full<bytes::Bytes>>) -> anyhow::Result<T> {
    let url = request.uri().to_string();
    let client: Client<HttpConnector, _> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let exchange = async {
        let response = client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        anyhow::ensure!(status.is_success(), "{url} answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    };
    match timeout_on_the_wall(PATIENCE, exchange).await {
        Some(answer) => answer,
        None => too_slow(&url),
    }
}
