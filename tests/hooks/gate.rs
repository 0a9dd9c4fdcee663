//! What a muster connects to, seen from outside: every connection to AWS goes through here.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes connections on to a simulated AWS, and looks at how they begin.
pub struct Gate {
    pub url: String,
    seen: Arc<Seen>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    /// Of those that begin with TLS: what the client says first, the host's name in plain text among it.
    hellos: Mutex<Vec<Vec<u8>>>,
    plain: AtomicU64,
}

impl Gate {
    pub async fn before(aws: &str) -> Gate {
        let to: SocketAddr = aws.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Seen>::default();
        let all = seen.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, to, all.clone()));
            }
        });
        Gate { url, seen, serving }
    }

    /// Connections that began with TLS, to this host and to others.
    pub fn secure_to(&self, host: &str) -> (usize, usize) {
        let hellos = self.seen.hellos.lock().unwrap();
        let there = hellos.iter().filter(|h| h.windows(host.len()).any(|w| w == host.as_bytes())).count();
        (there, hellos.len() - there)
    }

    pub fn plain(&self) -> u64 {
        self.seen.plain.load(Relaxed)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(mut client: TcpStream, to: SocketAddr, seen: Arc<Seen>) {
    // A client says its hello in one piece; nobody sends more before it is answered.
    let mut first = vec![0; 8_192];
    let Ok(n) = client.read(&mut first).await else { return };
    first.truncate(n);
    // 22: a TLS handshake.
    match first.first() {
        Some(22) => seen.hellos.lock().unwrap().push(first.clone()),
        Some(_) => {
            seen.plain.fetch_add(1, Relaxed);
        }
        None => return,
    }
    let Ok(mut server) = TcpStream::connect(to).await else { return };
    if server.write_all(&first).await.is_ok() {
        // Whichever side ends it.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
