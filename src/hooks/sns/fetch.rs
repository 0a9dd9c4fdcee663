//! The only way out: one GET, to where the caller has made sure that it may go.
//!
//! Nothing is followed: a redirect is an answer like any other that is not 200. A name must lead to
//! public addresses, however it was come by. Everything is limited: the time, the head, the body.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::trust::Trust;
use crate::net::connect::{Connector, Reach};
use crate::net::fds::{FdClass, Fds};
use crate::time::Clock;

/// Most that is read of an answer. A certificate has 2 KB, a chain of four 8 KB.
pub const BODY: usize = 64 * 1024;
/// Time for everything, from waiting for a descriptor to the end of the answer. SNS waits 15 s for
/// ours, so that two of these (a certificate and its issuer's) fit.
pub const WITHIN: Duration = Duration::from_secs(5);
/// Room for an answer's head.
const HEAD: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not connected, or cut off.
    #[error("{0}")]
    Lost(String),
    #[error("answered {0} instead of 200")]
    Status(u16),
    #[error("answered with more than {BODY} bytes")]
    TooLarge,
    #[error("no answer within {} s", WITHIN.as_secs())]
    Late,
}

/// Fetches. Each call ends by itself, and soon.
pub trait Fetch: Send + Sync + 'static {
    /// The body of what answers 200 at this URL, `https` or `http`.
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>>;
}

/// Fetches over sockets that were paid for, one for each call.
#[derive(Clone)]
pub struct PaidFetch {
    connector: Connector,
    tls: TlsConnector,
    clock: Clock,
    at: Option<SocketAddr>,
}

impl PaidFetch {
    /// Believes hosts whose certificates these roots vouch for, and goes no further than `reach`.
    ///
    /// # Errors
    /// If this build has no TLS version to offer.
    pub fn new(fds: Arc<Fds>, clock: Clock, trust: &Trust, reach: Reach) -> Result<PaidFetch, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trust.roots().clone())
            .with_no_client_auth();
        let connector = Connector::new(fds, FdClass::Cloud, clock, WITHIN).reaching(reach);
        Ok(PaidFetch { connector, tls: TlsConnector::from(Arc::new(config)), clock, at: None })
    }

    /// Finds every host at this one address: the simulated AWS.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> PaidFetch {
        PaidFetch { at: Some(address), ..self }
    }

    async fn exchange(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let uri: Uri = url.parse().map_err(lost)?;
        let host = uri.host().ok_or_else(|| lost("the URL has no host"))?;
        let stream = match self.at {
            Some(address) => self.connector.connect(address).await,
            None => self.connector.connect_to(&uri).await,
        };
        let stream = stream.map_err(lost)?;
        if uri.scheme_str() == Some("https") {
            let name = ServerName::try_from(host.to_owned()).map_err(lost)?;
            talk(self.tls.connect(name, stream).await.map_err(lost)?, &uri).await
        } else {
            talk(stream, &uri).await
        }
    }
}

impl Fetch for PaidFetch {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(async move {
            self.clock.timeout(WITHIN, self.exchange(url)).await.unwrap_or(Err(FetchError::Late))
        })
    }
}

/// One request and its answer, the connection ending with it.
async fn talk<S>(socket: S, uri: &Uri) -> Result<Vec<u8>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let host = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("muster/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(lost)?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(socket)).await.map_err(lost)?;
    let mut connection = pin!(connection);
    let mut answer = pin!(async {
        let answer = sender.send_request(request).await.map_err(lost)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let body = Limited::new(answer.into_body(), BODY)
            .collect()
            .await
            .map_err(|e| if e.is::<LengthLimitError>() { FetchError::TooLarge } else { lost(e) })?;
        Ok(body.to_bytes().to_vec())
    });
    // The connection does the work, so both are polled; it may end first, with the answer read.
    tokio::select! {
        biased;
        done = &mut answer => return done,
        _ = &mut connection => {}
    }
    answer.await
}

fn lost(why: impl fmt::Display) -> FetchError {
    FetchError::Lost(format!("{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::sns::testing::{Aws, Sns, aws, trust};
    use crate::net::fds::FdLimits;
    use crate::net::testing::{Peer, Reply, fds_with, full_backlog};

    fn fetch_with(fds: &Arc<Fds>, clock: Clock) -> PaidFetch {
        PaidFetch::new(fds.clone(), clock, &trust(), Reach::Public).unwrap()
    }

    async fn from_peer(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Result<Vec<u8>, FetchError> {
        let peer = Peer::answering(reply).await;
        let fds = fds_with(FdLimits::default());
        let fetch = fetch_with(&fds, Clock::real()).at(peer.address);
        let got = fetch.get("http://crt.r2m01.amazontrust.com/r2m01.cer").await;
        assert_eq!(fds.usage().in_use, 0);
        let requests = peer.requests();
        assert!(requests[0].starts_with("GET /r2m01.cer HTTP/1.1\r\nhost: crt.r2m01.amazontrust.com\r\n"));
        assert_eq!(requests.len(), 1);
        got
    }

    #[tokio::test]
    async fn what_answers_200_is_read() {
        assert_eq!(from_peer(|_| Reply::http("200 OK", "abc")).await, Ok(b"abc".to_vec()));
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let elsewhere = Peer::answering(|_| Reply::http("200 OK", "evil")).await;
        let to = elsewhere.address;
        let redirect = move |_: &str| {
            Reply::Send(
                format!("HTTP/1.1 302 Found\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n").into(),
            )
        };
        assert_eq!(from_peer(redirect).await, Err(FetchError::Status(302)));
        assert!(elsewhere.requests().is_empty());
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut() {
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.resize(endless.len() + BODY + 1, b'x');
        assert_eq!(from_peer(move |_| Reply::SendAndHold(endless.clone())).await, Err(FetchError::TooLarge));
        let mut head = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
        head.resize(4 * HEAD, b'x');
        let got = from_peer(move |_| Reply::SendAndHold(head.clone())).await;
        assert!(matches!(got, Err(FetchError::Lost(_))), "{got:?}");
    }

    #[tokio::test]
    async fn silence_is_given_up_and_its_descriptor_given_back() {
        let silent = Peer::answering(|_| Reply::SendAndHold(vec![])).await;
        let full = full_backlog();
        for address in [silent.address, full.address()] {
            let fds = fds_with(FdLimits::default());
            let fetch = fetch_with(&fds, Clock::scaled(20.0, None)).at(address);
            let got = fetch.get("http://crt.r2m01.amazontrust.com/r2m01.cer").await;
            assert!(matches!(got, Err(FetchError::Late | FetchError::Lost(_))), "{got:?}");
            assert_eq!(fds.usage().in_use, 0);
        }
    }

    /// Names that lead here, to the credentials of this machine, or into its network.
    #[tokio::test]
    async fn nothing_is_sent_to_addresses_that_are_not_public() {
        let peer = Peer::answering(|_| Reply::http("200 OK", "secret")).await;
        let port = peer.address.port();
        let fds = fds_with(FdLimits::default());
        let fetch = fetch_with(&fds, Clock::real());
        for host in ["localhost", "127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
            let got = fetch.get(&format!("http://{host}:{port}/")).await;
            let Err(FetchError::Lost(why)) = got else { panic!("{host}: {got:?}") };
            assert!(why.contains("not public"), "{why}");
        }
        assert!(peer.requests().is_empty());
        assert_eq!(fds.usage().in_use, 0);
    }

    #[tokio::test]
    async fn the_simulated_sns_gives_its_certificate_over_tls_to_those_who_trust_it() {
        let sns = Sns::start().await;
        let fds = fds_with(FdLimits::default());
        let trusting = PaidFetch::new(fds.clone(), Clock::real(), &sns.trust(), Reach::Public).unwrap();
        let pem = trusting.at(sns.address).get(&sns.certificate_url()).await.unwrap();
        assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----"));
        let stranger = Trust::of_pem(&Aws::new().authority()).unwrap();
        for trust in [&stranger, &Trust::of_pem(&aws().authority()).unwrap()] {
            let doubting = PaidFetch::new(fds.clone(), Clock::real(), trust, Reach::Public).unwrap();
            let got = doubting.at(sns.address).get(&sns.certificate_url()).await;
            assert!(matches!(got, Err(FetchError::Lost(_))), "{got:?}");
        }
        assert_eq!(fds.usage().in_use, 0);
    }
}
