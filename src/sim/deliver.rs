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
    #[error(transparent)]
    Request(#[from] http::Error),
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
            match shared.clock().timeout(timeout, attempt(shared, tls, delivery, &url, address)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Outcome::Failed,
                Err(_) => Outcome::TimedOut,
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
    shared: &Shared,
    tls: &TlsConnector,
    delivery: Delivery,
    url: &Url,
    address: SocketAddr,
) -> Result<Outcome, NoAnswer> {
    let request = request(shared, &delivery, url)?;
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
    use super::*;

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
