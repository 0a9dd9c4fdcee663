//! The simulated AWS over loopback: requests a second and how long a large launch takes, so that it
//! is known when a drill measures muster and when it measures the simulator.
//!
//! `cargo bench --bench wire` measures everything, clients and server sharing the machine's cores;
//! `-- describe`, `-- terminate` or `-- run` some of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use muster::sim::settings::Settings;
use muster::sim::{Model, Shared, wire};
use muster::time::{Clock, Stopwatch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Clients at once, each with a connection of its own that it keeps.
const CLIENTS: u32 = 32;
/// Launches that are timed one by one.
const LAUNCHES: u32 = 50;
/// The largest call.
const LARGEST: u32 = 1_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let chosen = |name: &str| args.is_empty() || args.iter().any(|a| a == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        if chosen("describe") {
            let server = Server::start().await;
            let ids = server.launch(100).await;
            server
                .rate(
                    "DescribeInstances of 1",
                    &format!("Action=DescribeInstances&InstanceId.1={}", ids[0]),
                    20_000,
                )
                .await;
            server
                .rate("DescribeInstances of 100", &format!("Action=DescribeInstances{}", listed(&ids)), 5_000)
                .await;
        }
        if chosen("terminate") {
            let server = Server::start().await;
            let ids = server.launch(100).await;
            server
                .rate(
                    "TerminateInstances of 1",
                    &format!("Action=TerminateInstances&InstanceId.1={}", ids[0]),
                    20_000,
                )
                .await;
            server
                .rate(
                    "TerminateInstances of 100",
                    &format!("Action=TerminateInstances{}", listed(&ids)),
                    5_000,
                )
                .await;
        }
        if chosen("run") {
            let server = Server::start().await;
            server.large_launches().await;
        }
    });
}

/// The front alone, answering at once from full buckets.
struct Server {
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    async fn start() -> Server {
        let shared = Shared::new(Model::new(Settings::instant(), 1).expect("settings"), Clock::real());
        let limits = wire::FrontLimits { connections: 1_024, batch: 100 };
        let front = wire::Front::bind((Ipv4Addr::LOCALHOST, 0).into(), limits, shared).await.expect("a port");
        Server { address: front.address().expect("an address"), serving: tokio::spawn(front.serve()) }
    }

    /// The ids of so many new instances.
    async fn launch(&self, count: u32) -> Vec<String> {
        let answer = Client::connect(self.address).await.ask(&run(count)).await;
        let ids = answer.split("<instanceId>").skip(1).filter_map(|rest| rest.split_once('<'));
        ids.map(|(id, _)| id.to_string()).collect()
    }

    /// Prints how many of these requests are answered a second.
    async fn rate(&self, what: &str, form: &str, requests: u32) {
        let left = Arc::new(AtomicU32::new(requests));
        let request: Arc<[u8]> = request(form).into();
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = Client::connect(self.address).await;
            let (left, request) = (left.clone(), request.clone());
            clients.push(async move {
                while left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok() {
                    client.send(&request).await;
                    assert_eq!(client.answer().await.0, 200);
                }
            });
        }
        let watch = Stopwatch::start();
        let clients: Vec<_> = clients.into_iter().map(tokio::spawn).collect();
        for client in clients {
            client.await.expect("a client");
        }
        println!("{what}: {:.0} requests/s", f64::from(requests) / watch.elapsed().as_secs_f64());
    }

    /// Prints how long launches of 1,000 take, one after the other.
    async fn large_launches(&self) {
        let mut client = Client::connect(self.address).await;
        let mut times_ms = Vec::new();
        for _ in 0..LAUNCHES {
            let watch = Stopwatch::start();
            let answer = client.ask(&run(LARGEST)).await;
            times_ms.push(watch.elapsed().as_secs_f64() * 1_000.0);
            assert_eq!(answer.matches("<instanceId>").count(), LARGEST as usize);
        }
        times_ms.sort_by(f64::total_cmp);
        let (median, worst) = (times_ms[times_ms.len() / 2], times_ms[times_ms.len() - 1]);
        println!("RunInstances of {LARGEST}: median {median:.1} ms, worst of {LAUNCHES} {worst:.1} ms");
    }
}

fn run(count: u32) -> String {
    format!(
        "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount={count}&ImageId=ami-12345678&InstanceType=m5.large\
         &SubnetId=subnet-0000000000000000a&TagSpecification.1.ResourceType=instance\
         &TagSpecification.1.Tag.1.Key=muster%3Agroup&TagSpecification.1.Tag.1.Value=web"
    )
}

fn listed(ids: &[String]) -> String {
    (1..).zip(ids).map(|(i, id)| format!("&InstanceId.{i}={id}")).collect()
}

/// As long as the SDK's, signature included.
fn request(form: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         user-agent: aws-sdk-rust/1.3.9 ua/2.1 api/ec2/1.274.0 os/linux lang/rust/1.95.0\r\n\
         x-amz-date: 20261122T030405Z\r\namz-sdk-request: attempt=1; max=1\r\n\
         amz-sdk-invocation-id: 01234567-89ab-cdef-0123-456789abcdef\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/ec2/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=b325a5546b1580492c156b1e7f34d088a95a984384fafae22261d52e2a9c941f\r\n\
         content-length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// The leanest client there can be: what is measured is the server.
struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        let socket = TcpStream::connect(address).await.expect("connects");
        socket.set_nodelay(true).expect("no delay");
        Client { socket, buffer: Vec::new() }
    }

    async fn ask(&mut self, form: &str) -> String {
        self.send(&request(form)).await;
        let (status, body) = self.answer().await;
        let text = String::from_utf8(body).expect("text");
        assert_eq!(status, 200, "{text}");
        text
    }

    async fn send(&mut self, request: &[u8]) {
        self.socket.write_all(request).await.expect("writes");
    }

    /// Reads one answer: status and body.
    async fn answer(&mut self) -> (u16, Vec<u8>) {
        loop {
            if let Some((status, from, to)) = self.whole_answer() {
                let body = self.buffer[from..to].to_vec();
                self.buffer.drain(..to);
                return (status, body);
            }
            assert!(self.socket.read_buf(&mut self.buffer).await.expect("reads") > 0, "the server went away");
        }
    }

    /// Status, and where the body begins and ends, once all of it is here.
    fn whole_answer(&self) -> Option<(u16, usize, usize)> {
        let end = self.buffer.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&self.buffer[..end]).expect("a head");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|n| n.parse().ok()).expect("a length");
        (self.buffer.len() >= end + 4 + length).then_some((status, end + 4, end + 4 + length))
    }
}
