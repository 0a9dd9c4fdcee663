//! The only way in: a permit first, then `accept`.
//!
//! Where no permit is free the kernel's backlog waits, so a flood of connections costs the flooders
//! time and muster nothing. When the API's share is used up, the operator's share takes connections
//! from this machine, for one request each and not for long: `muster status` gets in. Connections
//! from elsewhere are told to come back, since a backlog full of them would hide the operator's.
//!
//! Times in this file are the wall's: people and scripts at the other end live on it, whatever
//! the scale of muster's own time.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::connect::{PaidStream, is_out_of_descriptors};
use super::fds::{FdClass, FdPermit, Fds};
use super::upload::Upload;
use crate::time::{sleep_on_the_wall, timeout_on_the_wall};

/// How much time connections get, on the wall.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// For a request's head, for its body, between two requests, and for the other side to
    /// acknowledge what was sent. Shorter: followers reconnect for nothing. Longer: 24 idle
    /// browsers, and the API's share is gone for that long.
    idle: Duration,
    /// The whole life of a connection in the operator's share: with 4 of them and 10 s each,
    /// somebody gets in every 2.5 s however bad the flood.
    operator: Duration,
    /// How long open connections may go on after the order to stop, event streams included.
    grace: Duration,
}

const PATIENCE: Patience = Patience {
    idle: Duration::from_secs(15),
    operator: Duration::from_secs(10),
    grace: Duration::from_secs(5),
};

/// Pause after an `accept` that failed for want of something of ours; doubles up to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Room for a request's head. hyper's own is 400 KiB, for each connection.
const HEAD: usize = 32 * 1024;

/// What a connection from elsewhere gets when only the operator's share is left.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Serves HTTP until `shutdown` is ready, then lets open requests end, for at most 5 s.
///
/// Requests carry [`ConnectInfo<SocketAddr>`]. Never holds more sockets than the shares of
/// [`FdClass::Api`] and [`FdClass::Operator`].
pub async fn serve(listener: TcpListener, router: Router, fds: Arc<Fds>, shutdown: impl Future<Output = ()>) {
    serve_with(PATIENCE, listener, router, fds, shutdown).await;
}

async fn serve_with(
    patience: Patience,
    listener: TcpListener,
    router: Router,
    fds: Arc<Fds>,
    shutdown: impl Future<Output = ()>,
) {
    let (stopping, stop) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (permit, stream, peer) = tokio::select! {
            next = admit(&listener, &fds) => next,
            () = &mut shutdown => break,
        };
        // Those that ended are forgotten here; permits bound how many have not.
        while open.try_join_next().is_some() {}
        open.spawn(converse(patience, permit, stream, peer, router.clone(), stop.clone()));
    }
    drop(listener);
    let _ = stopping.send(true);
    let ended = async { while open.join_next().await.is_some() {} };
    if timeout_on_the_wall(patience.grace, ended).await.is_none() {
        tracing::info!(grace_s = patience.grace.as_secs(), "connections that were still open are cut");
    }
}

/// The next connection that may be served, and what pays for it.
async fn admit(listener: &TcpListener, fds: &Arc<Fds>) -> (FdPermit, TcpStream, SocketAddr) {
    let mut pause = BACK_OFF.0;
    loop {
        let mut permit = tokio::select! {
            biased;
            permit = fds.take(FdClass::Api) => permit,
            permit = fds.take(FdClass::Operator) => permit,
        };
        let accepted = loop {
            tokio::select! {
                biased;
                // The API's own share again: the operator's is for when there is nothing else.
                better = fds.take(FdClass::Api), if permit.class() == FdClass::Operator => permit = better,
                accepted = listener.accept() => break accepted,
            }
        };
        match accepted {
            Ok((stream, peer))
                if permit.class() == FdClass::Operator && !peer.ip().to_canonical().is_loopback() =>
            {
                // Best effort: a connection that cannot take these bytes at once is only closed.
                let _ = stream.try_write(BUSY);
            }
            Ok((stream, peer)) => return (permit, stream, peer),
            Err(e) if is_the_peers(&e) => {}
            Err(e) => {
                // The permit is held through the pause: it is the one that pays for the next try.
                let out_of_descriptors = is_out_of_descriptors(&e);
                tracing::error!(error = %e, out_of_descriptors, pause_ms = pause.as_millis(), "accept failed");
                sleep_on_the_wall(pause).await;
                pause = (pause * 2).min(BACK_OFF.1);
            }
        }
    }
}

/// The connection failed between the peer's SYN and our accept: the next one may be sound.
fn is_the_peers(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// Answers one connection's requests until either side has enough.
async fn converse(
    patience: Patience,
    permit: FdPermit,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let operator = permit.class() == FdClass::Operator;
    // A peer that is gone without a word, or that does not read what it asked for. Fails only on a
    // connection that is gone already, like the next line.
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(patience.idle));
    let Ok(stream) = PaidStream::accepted(permit, stream) else { return };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(|body| Upload::new(body, patience.idle));
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            let Ok(response) = router.oneshot(request).await;
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.idle).max_buf_size(HEAD).keep_alive(!operator);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let talk = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    };
    let ended = if operator { timeout_on_the_wall(patience.operator, talk).await } else { Some(talk.await) };
    if let Some(Err(e)) = ended {
        tracing::debug!(%peer, error = %e, "a connection to the API ended badly");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::fds::FdLimits;
    use crate::net::testing::{self, fds_with};
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;

    struct Api {
        address: SocketAddr,
        fds: Arc<Fds>,
        stop: Option<oneshot::Sender<()>>,
        task: JoinHandle<()>,
    }

    impl Api {
        async fn with(limits: FdLimits, router: Router) -> Api {
            Api::patient(PATIENCE, limits, router).await
        }

        async fn patient(patience: Patience, limits: FdLimits, router: Router) -> Api {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, fds) = (listener.local_addr().unwrap(), fds_with(limits));
            let (stop, stopped) = oneshot::channel();
            let task = tokio::spawn(serve_with(patience, listener, router, Arc::clone(&fds), async {
                let _ = stopped.await;
            }));
            Api { address, fds, stop: Some(stop), task }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        /// Waits until so many permits of the class are out.
        async fn until(&self, class: FdClass, in_use: u32) {
            let reached = timeout_on_the_wall(Duration::from_secs(20), async {
                while self.fds.usage().classes[class as usize].in_use != in_use {
                    tokio::task::yield_now().await;
                }
            });
            assert!(reached.await.is_some(), "not {in_use} {class}: {:?}", self.fds.usage());
        }
    }

    fn hello() -> Router {
        Router::new()
            .route("/", get(|peer: ConnectInfo<SocketAddr>| async move { format!("hello {}", peer.ip()) }))
    }

    async fn ask(stream: &mut TcpStream) {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    }

    async fn until_closed(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    async fn some(stream: &mut TcpStream) -> String {
        let mut bytes = [0; 1024];
        let n = stream.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    }

    #[tokio::test]
    async fn a_connection_holds_one_permit_until_it_is_closed() {
        let api = Api::with(FdLimits::default(), hello()).await;
        api.until(FdClass::Api, 1).await; // for the next accept
        let mut stream = api.connect().await;
        ask(&mut stream).await;
        assert!(some(&mut stream).await.ends_with("hello 127.0.0.1"));
        api.until(FdClass::Api, 2).await;
        drop(stream);
        api.until(FdClass::Api, 1).await;
    }

    #[tokio::test]
    async fn an_operator_gets_one_answer_while_the_api_is_full_of_idle_connections() {
        let limits = FdLimits { api: 3, operator: 1, ..FdLimits::default() };
        let api = Api::with(limits, hello()).await;
        let mut idle = Vec::new();
        for _ in 0..3 {
            idle.push(api.connect().await);
        }
        api.until(FdClass::Operator, 1).await;

        let mut operator = api.connect().await;
        ask(&mut operator).await;
        let answer = until_closed(operator).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");

        // With room in its own share again, the API takes connections as ever.
        idle.pop();
        let mut next = api.connect().await;
        ask(&mut next).await;
        assert!(some(&mut next).await.starts_with("HTTP/1.1 200"));
        assert!(api.fds.usage().peak <= 4, "{:?}", api.fds.usage());
    }

    #[tokio::test]
    async fn a_hundred_connections_never_hold_more_than_the_share() {
        let limits = FdLimits { api: 4, operator: 1, ..FdLimits::default() };
        let api = Api::with(limits, hello()).await;
        let all = (0..100).map(|_| async {
            let mut stream = api.connect().await;
            ask(&mut stream).await;
            some(&mut stream).await
        });
        for answer in futures_util::future::join_all(all).await {
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        let usage = api.fds.usage();
        assert!(usage.classes[FdClass::Api as usize].peak == 4 && usage.peak <= 5, "{usage:?}");
    }

    #[tokio::test]
    async fn an_open_request_is_answered_after_the_order_to_stop() {
        let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = get({
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            move || async move {
                entered.notify_one();
                go.notified().await;
                "done"
            }
        });
        let mut api = Api::with(FdLimits::default(), Router::new().route("/", slow)).await;
        let mut stream = api.connect().await;
        ask(&mut stream).await;
        entered.notified().await;
        let idle = api.connect().await;
        api.until(FdClass::Api, 3).await; // both, and the one for the next accept

        api.stop.take().unwrap().send(()).unwrap();
        go.notify_one();
        assert!(until_closed(stream).await.ends_with("done"));
        assert_eq!(until_closed(idle).await, "");
        api.task.await.unwrap();
        assert_eq!(api.fds.usage().in_use, 0);
    }

    #[tokio::test]
    async fn connections_that_stay_silent_are_closed() {
        let patience = Patience { idle: Duration::from_millis(100), ..PATIENCE };
        let upload =
            axum::routing::post(|body: axum::body::Bytes| async move { format!("got {}", body.len()) });
        let api = Api::patient(patience, FdLimits::default(), hello().route("/up", upload)).await;

        let silent = api.connect().await;
        assert_eq!(until_closed(silent).await, "");

        let mut half_a_head = api.connect().await;
        half_a_head.write_all(b"GET / HT").await.unwrap();
        assert_eq!(until_closed(half_a_head).await, "");

        let mut done = api.connect().await;
        ask(&mut done).await;
        assert!(until_closed(done).await.ends_with("hello 127.0.0.1"));

        let mut half_a_body = api.connect().await;
        half_a_body
            .write_all(b"POST /up HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc")
            .await
            .unwrap();
        assert!(until_closed(half_a_body).await.starts_with("HTTP/1.1 400"));

        api.until(FdClass::Api, 1).await;
    }

    #[tokio::test]
    async fn what_does_not_end_by_itself_is_cut() {
        let short = Duration::from_millis(100);
        let patience = Patience { operator: short, grace: short, ..PATIENCE };
        let never = Router::new().route("/", get(std::future::pending::<()>));
        let limits = FdLimits { api: 3, operator: 1, ..FdLimits::default() };
        let mut api = Api::patient(patience, limits, never).await;
        let mut follower = api.connect().await;
        ask(&mut follower).await;
        let _more = (api.connect().await, api.connect().await);
        api.until(FdClass::Operator, 1).await;

        let mut operator = api.connect().await;
        ask(&mut operator).await;
        assert_eq!(until_closed(operator).await, "");

        api.stop.take().unwrap().send(()).unwrap();
        api.task.await.unwrap();
        assert_eq!(until_closed(follower).await, "");
        assert_eq!(api.fds.usage().in_use, 0);
    }

    /// In a process of its own, since it uses up every descriptor there is.
    #[test]
    fn without_descriptors_accept_waits_and_goes_on() {
        testing::in_a_process_of_its_own(
            "net::listen::tests::without_descriptors_accept_waits_and_goes_on",
            || {
                tokio::runtime::Runtime::new().unwrap().block_on(async {
                    let api = Api::with(FdLimits::default(), hello()).await;
                    let client =
                        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
                    let mut hog = testing::use_up_descriptors();
                    // The server may have been looking into /proc just then, and given that
                    // descriptor back: take whatever comes back until nothing has for a while.
                    let mut quiet = 0;
                    while quiet < 10 {
                        sleep_on_the_wall(Duration::from_millis(5)).await;
                        let more = testing::use_up_descriptors();
                        quiet = if more.is_empty() { quiet + 1 } else { 0 };
                        hog.extend(more);
                    }
                    client.connect(&api.address.into()).unwrap();
                    client.set_nonblocking(true).unwrap();
                    let mut client = TcpStream::from_std(client.into()).unwrap();
                    ask(&mut client).await;
                    // Longer than one pause: at least one accept has failed when the room comes back.
                    assert!(timeout_on_the_wall(BACK_OFF.0 * 2, client.readable()).await.is_none());
                    drop(hog);
                    assert!(some(&mut client).await.starts_with("HTTP/1.1 200"));
                });
            },
        );
    }
}
