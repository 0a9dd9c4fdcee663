//! Real sockets for tests: peers that answer by script, that stay silent, that are not there.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::fds::{FdLimits, Fds};

/// A budget with room for every class's cap.
pub(crate) fn fds_with(limits: FdLimits) -> Arc<Fds> {
    Fds::within(10_000, 20, &limits).unwrap()
}

/// An address of this machine at which nothing listens: a port that was just free.
pub(crate) fn nothing_listens_at() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// What a scripted peer does with a request.
pub(crate) enum Reply {
    /// Sends this and closes.
    Send(Vec<u8>),
    /// Sends this and then nothing, until the other side closes.
    SendAndHold(Vec<u8>),
    /// Closes without a word.
    Close,
}

impl Reply {
    /// A complete HTTP answer.
    pub(crate) fn http(status: &str, body: &str) -> Reply {
        let length = body.len();
        Reply::Send(
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
                .into(),
        )
    }
}

/// Answers each connection's one request by a script and keeps what it was sent.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    busy: Arc<Level>,
}

#[derive(Default)]
struct Level {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Peer {
    pub(crate) async fn answering(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Peer {
        let reply = Arc::new(reply);
        Peer::scripted(move |request| {
            let reply = Arc::clone(&reply);
            Box::pin(async move { reply(&request) })
        })
        .await
    }

    pub(crate) async fn scripted(
        script: impl Fn(String) -> BoxFuture<'static, Reply> + Send + Sync + 'static,
    ) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, busy, script) = (Arc::default(), Arc::new(Level::default()), Arc::new(script));
        let peer = Peer { address, requests: Arc::clone(&requests), busy: Arc::clone(&busy) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&script), Arc::clone(&requests), Arc::clone(&busy)));
            }
        });
        peer
    }

    /// Every request so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Most requests that were being answered at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.busy.most.load(SeqCst)
    }
}

async fn talk<S>(mut stream: TcpStream, script: Arc<S>, requests: Arc<Mutex<Vec<String>>>, busy: Arc<Level>)
where
    S: Fn(String) -> BoxFuture<'static, Reply>,
{
    let Some(request) = read_request(&mut stream).await else { return };
    let now = busy.now.fetch_add(1, SeqCst) + 1;
    busy.most.fetch_max(now, SeqCst);
    requests.lock().unwrap().push(request.clone());
    let reply = script(request).await;
    busy.now.fetch_sub(1, SeqCst);
    match reply {
        Reply::Send(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Reply::SendAndHold(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut [0]).await;
        }
        Reply::Close => {}
    }
}

/// One request's head and as much body as it announces; none if the connection ends first.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let announced = head.lines().find_map(|l| {
                let (name, value) = l.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
            });
            if body.len() >= announced.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A listener that takes no more connections: to it, a SYN has no answer.
pub(crate) struct FullBacklog {
    listener: Socket,
    _queued: Socket,
}

impl FullBacklog {
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap().as_socket().unwrap()
    }
}

/// Linux queues backlog + 1 connections that nobody accepted and drops further SYNs.
pub(crate) fn full_backlog() -> FullBacklog {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let queued = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    queued.connect(&listener.local_addr().unwrap()).unwrap();
    FullBacklog { listener, _queued: queued }
}

/// Runs the test's body in a process of its own: this test binary again, with only that test.
pub(crate) fn in_a_process_of_its_own(test: &str, body: impl FnOnce()) {
    const MARK: &str = "MUSTER_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let out = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{printed}{}", String::from_utf8_lossy(&out.stderr));
    assert!(printed.contains("1 passed"), "'{test}' is not the test's name: {printed}");
}

/// Opens files until there is no descriptor left.
pub(crate) fn use_up_descriptors() -> Vec<File> {
    let (_, hard) = rlimit::Resource::NOFILE.get().unwrap();
    rlimit::Resource::NOFILE.set(256.min(hard), hard).unwrap();
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}
