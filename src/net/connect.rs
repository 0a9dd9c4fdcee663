//! The only way out: a permit first, then the socket; both are given back together.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::fds::{FdClass, FdPermit, Fds};
pub use super::reach::Reach;
use crate::time::Clock;

/// Name lookups at a time. Each may open a descriptor or two that nobody pays for
/// (`/etc/resolv.conf`, the resolver's socket): 4 x 2 is half of the reserve.
const LOOKUPS: usize = 4;

/// Addresses of one name that are tried, in the resolver's order, each with its part of the time.
const ADDRESSES: usize = 4;

/// Why there is no connection. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// `EMFILE` or `ENFILE`: the budget is wrong or something leaks. Says nothing about the other end.
    #[error("no descriptor was left although one was paid for: {0}")]
    Descriptors(io::Error),
    /// Something else of ours ran out: local ports, memory. Says nothing about the other end either.
    #[error("this machine cannot open another connection: {0}")]
    Exhausted(io::Error),
    #[error("'{0}' is not an address to connect to: it needs a host")]
    NoHost(Uri),
    #[error("'{host}' has no address: {cause}")]
    Lookup { host: String, cause: io::Error },
    #[error("'{host}' leads to {address}, which is not public")]
    NotPublic { host: String, address: IpAddr },
    #[error("no connection to {to} within {:.1} s", within.as_secs_f64())]
    TimedOut { to: String, within: Duration },
    #[error("no connection to {to}: {cause}")]
    Unreachable { to: SocketAddr, cause: io::Error },
}

impl ConnectError {
    /// The fault lies with this process or this machine, not with the other end.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self {
            ConnectError::Descriptors(_) | ConnectError::Exhausted(_) => true,
            ConnectError::NoHost(_)
            | ConnectError::Lookup { .. }
            | ConnectError::NotPublic { .. }
            | ConnectError::TimedOut { .. }
            | ConnectError::Unreachable { .. } => false,
        }
    }

    fn of(to: SocketAddr, cause: io::Error) -> ConnectError {
        if is_out_of_descriptors(&cause) {
            ConnectError::Descriptors(cause)
        } else if matches!(cause.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory) {
            ConnectError::Exhausted(cause)
        } else {
            ConnectError::Unreachable { to, cause }
        }
    }
}

/// True for `EMFILE` (this process) and `ENFILE` (the whole machine), which have no
/// [`io::ErrorKind`]. The numbers are the same on every Unix.
pub(super) fn is_out_of_descriptors(e: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(e.raw_os_error(), Some(ENFILE | EMFILE))
}

/// A TCP connection and the permit that pays for it.
#[derive(Debug)]
pub struct PaidStream {
    // Fields are dropped in this order: the descriptor is closed before its permit goes to another.
    io: TcpStream,
    _permit: FdPermit,
}

impl PaidStream {
    /// Opens a connection with a permit already taken. Waits as long as the system does: the caller
    /// sets the time, which must not include the wait for the permit.
    pub async fn open(permit: FdPermit, to: SocketAddr) -> Result<PaidStream, ConnectError> {
        let io = TcpStream::connect(to).await.map_err(|e| ConnectError::of(to, e))?;
        PaidStream::accepted(permit, io).map_err(|e| ConnectError::of(to, e))
    }

    /// A connection that came in. One request at a time goes over it, so Nagle's algorithm is off.
    pub(super) fn accepted(permit: FdPermit, io: TcpStream) -> io::Result<PaidStream> {
        io.set_nodelay(true)?;
        Ok(PaidStream { io, _permit: permit })
    }
}

/// Connects by name or address; one for each class and purpose, cheap to clone.
///
/// As a [`tower::Service`] it is what hyper-util's client and hyper-rustls open connections with.
#[derive(Clone, Debug)]
pub struct Connector {
    fds: Arc<Fds>,
    class: FdClass,
    clock: Clock,
    within: Duration,
    lookups: Arc<Semaphore>,
    reach: Reach,
}

impl Connector {
    /// Connections of `class`, each to be open within a duration of muster's time, counted from
    /// when its permit is there.
    #[must_use]
    pub fn new(fds: Arc<Fds>, class: FdClass, clock: Clock, within: Duration) -> Connector {
        let lookups = Arc::new(Semaphore::new(LOOKUPS));
        Connector { fds, class, clock, within, lookups, reach: Reach::Anywhere }
    }

    /// The same, going no further than this when it connects by name.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Connector {
        Connector { reach, ..self }
    }

    /// Connects to an address.
    pub async fn connect(&self, to: SocketAddr) -> Result<PaidStream, ConnectError> {
        let permit = self.fds.take(self.class).await;
        self.open(permit, to, self.within).await
    }

    /// Connects to the host of a URI; the port is its own or its scheme's.
    pub async fn connect_to(&self, uri: &Uri) -> Result<PaidStream, ConnectError> {
        let (host, port) = host_and_port(uri).ok_or_else(|| ConnectError::NoHost(uri.clone()))?;
        let mut paid = Some(self.fds.take(self.class).await);
        let addresses = self.addresses(host, port).await?;
        // One is enough to refuse them all: a name that leads to both is not what it says.
        if let Some(to) = addresses.iter().find(|to| !self.reach.covers(to.ip())) {
            return Err(ConnectError::NotPublic { host: host.to_owned(), address: to.ip() });
        }
        let each = self.within / u32::try_from(addresses.len().max(1)).unwrap_or(1);
        let mut last = None;
        for to in addresses {
            // A try that failed has closed its socket and given its permit back.
            let permit = match paid.take() {
                Some(permit) => permit,
                None => self.fds.take(self.class).await,
            };
            match self.open(permit, to, each).await {
                Ok(stream) => return Ok(stream),
                Err(e) if e.is_ours() => return Err(e),
                Err(e) => last = Some(e),
            }
        }
        Err(last.unwrap_or_else(|| ConnectError::Lookup {
            host: host.to_owned(),
            cause: io::Error::new(io::ErrorKind::NotFound, "the resolver knows no address"),
        }))
    }

    async fn open(
        &self,
        permit: FdPermit,
        to: SocketAddr,
        within: Duration,
    ) -> Result<PaidStream, ConnectError> {
        match self.clock.timeout(within, PaidStream::open(permit, to)).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::TimedOut { to: to.to_string(), within }),
        }
    }

    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let lookup = async {
            let turn = Arc::clone(&self.lookups).acquire_owned().await.map_err(io::Error::other)?;
            let name = (host.to_owned(), port);
            // The resolver cannot be interrupted: the turn is over when its thread is done, not when
            // we stop waiting for it.
            let found = tokio::task::spawn_blocking(move || {
                let found = name.to_socket_addrs().map(|all| all.take(ADDRESSES).collect());
                drop(turn);
                found
            });
            found.await.map_err(io::Error::other)?
        };
        match self.clock.timeout(self.within, lookup).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(e)) if is_out_of_descriptors(&e) => Err(ConnectError::Descriptors(e)),
            Ok(Err(cause)) => Err(ConnectError::Lookup { host: host.to_owned(), cause }),
            Err(_) => Err(ConnectError::TimedOut { to: host.to_owned(), within: self.within }),
        }
    }
}

/// Where a URI leads: the host without the brackets of an IPv6 address, and the port.
fn host_and_port(uri: &Uri) -> Option<(&str, u16)> {
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    Some((host, uri.port_u16().unwrap_or(usual)))
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<PaidStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect_to(&uri).await.map(TokioIo::new) })
    }
}

impl Connection for PaidStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for PaidStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl AsyncWrite for PaidStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::fds::FdLimits;
    use crate::net::testing::{self, fds_with, nothing_listens_at};
    use tokio::net::TcpListener;

    fn connector(fds: &Arc<Fds>) -> Connector {
        Connector::new(Arc::clone(fds), FdClass::Cloud, Clock::real(), Duration::from_secs(20))
    }

    fn in_use(fds: &Fds) -> u32 {
        fds.usage().in_use
    }

    #[tokio::test]
    async fn a_permit_lives_as_long_as_its_connection() {
        let fds = fds_with(FdLimits { cloud: 3, ..FdLimits::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connector(&fds).connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(stream.io.nodelay().unwrap());
        assert_eq!(in_use(&fds), 1);
        drop(stream);
        assert_eq!(in_use(&fds), 0);
    }

    #[tokio::test]
    async fn a_refused_connection_gives_its_permit_back() {
        let fds = fds_with(FdLimits::default());
        let e = connector(&fds).connect(nothing_listens_at()).await.unwrap_err();
        assert!(matches!(e, ConnectError::Unreachable { .. }), "{e}");
        assert!(!e.is_ours());
        assert_eq!(in_use(&fds), 0);
    }

    #[test]
    fn a_uri_says_where_to_connect() {
        let of = |uri: &'static str| host_and_port(&Uri::from_static(uri)).map(|(h, p)| format!("{h} {p}"));
        assert_eq!(
            of("https://ec2.eu-west-1.amazonaws.com/").as_deref(),
            Some("ec2.eu-west-1.amazonaws.com 443")
        );
        assert_eq!(of("http://169.254.169.254/latest").as_deref(), Some("169.254.169.254 80"));
        assert_eq!(of("http://[fd00:ec2::254]:8080/").as_deref(), Some("fd00:ec2::254 8080"));
        assert_eq!(of("/only/a/path"), None);
    }

    #[tokio::test]
    async fn a_host_is_found_by_name_and_by_address() {
        let fds = fds_with(FdLimits::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for uri in [format!("http://localhost:{port}/x"), format!("https://127.0.0.1:{port}")] {
            connector(&fds).connect_to(&uri.parse().unwrap()).await.unwrap();
        }
        assert_eq!(in_use(&fds), 0);
    }

    #[tokio::test]
    async fn a_connection_that_does_not_open_in_time_is_given_up() {
        let fds = fds_with(FdLimits::default());
        let full = testing::full_backlog();
        let hasty =
            Connector::new(Arc::clone(&fds), FdClass::Cloud, Clock::real(), Duration::from_millis(50));
        let e = hasty.connect(full.address()).await.unwrap_err();
        assert!(matches!(e, ConnectError::TimedOut { .. }), "{e}");
        assert_eq!(in_use(&fds), 0);
    }

    /// In a process of its own, since it uses up every descriptor there is.
    #[test]
    fn running_out_of_descriptors_is_our_fault_not_theirs() {
        testing::in_a_process_of_its_own(
            "net::connect::tests::running_out_of_descriptors_is_our_fault_not_theirs",
            || {
                tokio::runtime::Runtime::new().unwrap().block_on(async {
                    let fds = fds_with(FdLimits::default());
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let hog = testing::use_up_descriptors();
                    let e = connector(&fds).connect(listener.local_addr().unwrap()).await.unwrap_err();
                    assert!(matches!(e, ConnectError::Descriptors(_)) && e.is_ours(), "{e}");
                    assert_eq!(in_use(&fds), 0);
                    drop(hog);
                    connector(&fds).connect(listener.local_addr().unwrap()).await.unwrap();
                });
            },
        );
    }
}
