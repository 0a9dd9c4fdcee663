//! Performs what SNS and EventBridge deliver over HTTP(S), and tells the model how it ended.
//!
//! The model says what is due, here it is only carried: to loopback addresses and nowhere else, so
//! many at a time, each attempt with its timeout in the model's time and a connection of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::decide::words::Time;

use super::model::outbox::{Body, Delivery, Outcome};
use super::shared::Shared;

/// As much of an answer is read and thrown away.
const ANSWER_MAX: usize = 64 << 10;
/// The model is looked at at least so often: what it does by itself, it does when it is asked.
const BEAT: Duration = Duration::from_secs(1);

/// Delivers for one model.
pub struct Deliverer {
    shared: Shared,
    /// Attempts at once.
    most: usize,
    tls: TlsConnector,
}

/// Why an attempt got no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

impl Deliverer {
    /// At most so many attempts at once. HTTPS endpoints are trusted by the certificates of the
    /// setting `endpoint_authorities`.
    ///
    /// # Errors
    /// If those are no certificates.
    pub fn new(shared: Shared, most: usize) -> anyhow::Result<Deliverer> {
        let authorities = shared.with(|model, _| model.settings().endpoint_authorities.clone());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Deliverer { shared, most: most.max(1), tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Delivers for ever. Dropping the future takes nothing new; what is under way ends by itself.
    pub async fn serve(self) {
        let slots = Arc::new(Semaphore::new(self.most));
        let clock = self.shared.clock();
        loop {
            // Nobody closes it. Held for a moment only: one is free.
            drop(slots.acquire().await);
            let mut stirred = std::pin::pin!(self.shared.stirred());
            stirred.as_mut().enable();
            let free = slots.available_permits();
            let (due, next_ms) =
                self.shared.with(|model, now| (model.take_deliveries(free, now), model.next_delivery_ms()));
            let took = !due.is_empty();
            for delivery in due {
                // As many as were free, and nobody else takes any.
                let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
                let (shared, tls) = (self.shared.clone(), self.tls.clone());
                tokio::spawn(async move {
                    perform(&shared, &tls, delivery).await;
                    drop(slot);
                });
            }
            if !took {
                let beat = clock.now().plus(BEAT);
                tokio::select! {
                    () = stirred => {}
                    () = clock.sleep_until(next_ms.map_or(beat, |ms| beat.min(Time(ms)))) => {}
                }
            }
        }
    }
}

async fn perform(shared: &Shared, tls: &TlsConnector, delivery: Delivery) {
    let id = delivery.id;
    let timeout = Duration::from_millis(u64::from(delivery.timeout_ms));
    let outcome = match loopback(&delivery.url) {
        None => Outcome::NotLoopback,
        Some((url, address)) => {
            // Signed before the time runs: the first signature makes the key.
            match request(shared, &delivery, &url) {
                Ok(request) => {
                    let attempt = attempt(tls, request, &url, address);
                    match shared.clock().timeout(timeout, attempt).await {
                        Ok(Ok(outcome)) => outcome,
                        Ok(Err(_)) => Outcome::Failed,
                        Err(_) => Outcome::TimedOut,
                    }
                }
                Err(_) => Outcome::Failed,
            }
        }
    };
    shared.with(|model, now| model.delivered(id, outcome, now));
}

/// Where a URL leads, if that is on this machine.
fn loopback(url: &str) -> Option<(Url, SocketAddr)> {
    let url = Url::parse(url).ok()?;
    let address = match url.host()? {
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
        Host::Domain("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Host::Domain(_) => return None,
    };
    let port = url.port_or_known_default()?;
    address.is_loopback().then_some((url, SocketAddr::new(address, port)))
}

async fn attempt(
    tls: &TlsConnector,
    request: Request<Full<Bytes>>,
    url: &Url,
    address: SocketAddr,
) -> Result<Outcome, NoAnswer> {
    let socket = TcpStream::connect(address).await?;
    // Small requests must not wait for more to send. If it cannot be set they are only slower.
    let _ = socket.set_nodelay(true);
    if url.scheme() == "https" {
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_string();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        exchange(tls.connect(name, socket).await?, request).await
    } else {
        exchange(socket, request).await
    }
}

fn request(shared: &Shared, delivery: &Delivery, url: &Url) -> Result<Request<Full<Bytes>>, http::Error> {
    let body = match &delivery.body {
        Body::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
        Body::Sns(message) => Bytes::from(message.document(shared.signer())),
    };
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request =
        Request::builder().method(delivery.method.as_str()).uri(path).header(header::HOST, host);
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(body))
}

/// One request and its answer, the connection ending with it.
async fn exchange<S>(socket: S, request: Request<Full<Bytes>>) -> Result<Outcome, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let answered = async move {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        // Status and headers count; the rest is read so that the other side is not cut off.
        let _ = Limited::new(body, ANSWER_MAX).collect().await;
        let retry_after_s = head.headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        Ok(Outcome::Answered { status: head.status.as_u16(), retry_after_s })
    };
    // The connection has to be driven until the answer is there, and no longer.
    tokio::pin!(answered);
    tokio::select! {
        outcome = &mut answered => outcome,
        ended = connection => {
            ended?;
            answered.await
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::model::call::{Call, Outcome as CallOutcome};
    use super::super::model::ec2::testing::plain;
    use super::super::model::sns::call::{Call as SnsCall, NewMessage, Subscribe};
    use super::*;
    use crate::time::Clock;

    const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

    fn ask(shared: &Shared, call: SnsCall) {
        let reply = shared.with(|model, now| model.handle(&Call::Sns(call), now));
        assert!(matches!(reply.outcome, CallOutcome::Answer(_)), "{reply:?}");
    }

    /// Reads one request, answers it with this status, and hands back its head and its body.
    async fn serve_one(listener: &TcpListener, status: &str) -> (String, Value) {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        let (head, length) = loop {
            let mut chunk = [0; 4_096];
            let n = socket.read(&mut chunk).await.unwrap();
            assert!(n > 0, "the request ended early");
            read.extend_from_slice(&chunk[..n]);
            let text = String::from_utf8_lossy(&read);
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
                break (head.to_string(), length.unwrap().parse::<usize>().unwrap());
            }
        };
        while read.len() < head.len() + 4 + length {
            let mut chunk = [0; 4_096];
            let n = socket.read(&mut chunk).await.unwrap();
            read.extend_from_slice(&chunk[..n]);
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        socket.write_all(answer.as_bytes()).await.unwrap();
        (head.clone(), serde_json::from_slice(&read[head.len() + 4..]).unwrap())
    }

    #[tokio::test]
    async fn a_subscription_is_confirmed_and_a_refused_message_comes_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/sns?a=b", listener.local_addr().unwrap());
        // Twenty seconds between SNS's retries are one here, and its patience is 750 ms.
        let shared = Shared::new(plain(), Clock::scaled(20.0, None));
        let running = tokio::spawn(Deliverer::new(shared.clone(), 4).unwrap().serve());
        ask(&shared, SnsCall::CreateTopic { name: "t".into(), attributes: [].into() });
        let subscribe =
            Subscribe { topic: TOPIC.into(), protocol: "http".into(), endpoint, ..Subscribe::default() };
        ask(&shared, SnsCall::Subscribe(subscribe));
        let (head, body) = serve_one(&listener, "200 OK").await;
        assert!(head.starts_with("POST /sns?a=b HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("x-amz-sns-message-type: SubscriptionConfirmation\r\n"), "{head}");
        let token = body["Token"].as_str().unwrap().to_string();
        ask(&shared, SnsCall::ConfirmSubscription { topic: TOPIC.into(), token });

        let message = NewMessage { message: "M".into(), ..NewMessage::default() };
        ask(&shared, SnsCall::Publish { topic: TOPIC.into(), message });
        let (_, first) = serve_one(&listener, "503 Busy").await;
        let (_, second) = serve_one(&listener, "200 OK").await;
        assert_eq!(first["Message"], "M");
        assert!(first["Signature"].as_str().is_some_and(|s| s.len() == 344), "{first}");
        assert_eq!(first, second);
        running.abort();
    }

    #[tokio::test]
    async fn what_would_leave_this_machine_is_counted_and_goes_nowhere() {
        let shared = Shared::new(plain(), Clock::scaled(1_000.0, None));
        let running = tokio::spawn(Deliverer::new(shared.clone(), 1).unwrap().serve());
        ask(&shared, SnsCall::CreateTopic { name: "t".into(), attributes: [].into() });
        for endpoint in ["http://169.254.169.254/", "http://example.com/"] {
            let subscribe = Subscribe {
                topic: TOPIC.into(),
                protocol: "http".into(),
                endpoint: endpoint.into(),
                ..Subscribe::default()
            };
            ask(&shared, SnsCall::Subscribe(subscribe));
        }
        let refused = |shared: &Shared| {
            let ledger = shared.with(super::super::model::Model::ledger);
            ledger.messages.deliveries.get("sns").and_then(|c| c.endings.get("not_loopback").copied())
        };
        while refused(&shared) != Some(2) {
            tokio::task::yield_now().await;
        }
        running.abort();
    }

    #[test]
    fn only_this_machine_is_reached() {
        for url in ["http://127.0.0.1:8080/x", "https://127.9.9.9/", "http://[::1]:1/", "http://localhost/"] {
            assert!(loopback(url).is_some(), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://169.254.169.254/latest",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://[::ffff:10.0.0.1]/",
            "http://0.0.0.0/",
            "mailto:a@b",
            "x",
        ] {
            assert!(loopback(url).is_none(), "{url}");
        }
        assert_eq!(loopback("https://localhost/").unwrap().1, "127.0.0.1:443".parse().unwrap());
    }
}
