//! One HTTP request over one connection.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Status and body of the answer, or why there is none. `to` is `http://HOST:PORT/PATH`.
pub async fn send(
    method: &str,
    to: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Result<(u16, String), String> {
    let url = url::Url::parse(to).map_err(|e| format!("{to}: {e}"))?;
    let addresses = url.socket_addrs(|| None).map_err(|e| format!("{to}: {e}"))?;
    let why = |e: &dyn std::fmt::Display| format!("{method} {to}: {e}");
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|e| why(&e))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| why(&e))?;
    let connection = tokio::spawn(connection);
    let mut request = hyper::Request::builder()
        .method(method)
        .uri(&url[url::Position::BeforePath..])
        .header("host", &url[url::Position::BeforeHost..url::Position::BeforePath])
        .header("connection", "close");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|e| why(&e))?;
    let answer = sender.send_request(request).await.map_err(|e| why(&e))?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(|e| why(&e))?.to_bytes();
    connection.abort();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
