//! The simulated EC2 and its instances over real sockets, asked in plain HTTP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use muster::sim::settings::{Latency, Range, Settings, Signatures, Spread};
use muster::sim::{Announcement, Ledger, Sim, SimOptions, Summary};
use muster::time::{sleep_on_the_wall, timeout_on_the_wall};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Ids are visible and answers leave at once; boots and configures take no time.
fn quick() -> Settings {
    let (at_once, zero) = (Range { min_ms: 0, max_ms: 0 }, Spread { median_ms: 0, p99_ms: 0 });
    Settings {
        visible_after: at_once,
        latency: Latency::NONE,
        boot: zero,
        configure: zero,
        ..Settings::default()
    }
}

/// A simulated EC2 that serves until the test ends.
struct Running {
    sim: Announcement,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    sim: SimOptions,
}

impl Running {
    async fn start(settings: Settings, arguments: &[&str]) -> Running {
        let arguments = ["sim", "--seed", "1"].iter().chain(arguments);
        let options = <Command as clap::Parser>::try_parse_from(arguments).expect("options").sim;
        let sim = Sim::bind(&options, settings).await.expect("bind");
        let announcement = sim.announcement().clone();
        Running { sim: announcement, serving: tokio::spawn(sim.serve()) }
    }

    fn ec2(&self) -> SocketAddr {
        self.sim.ec2.strip_prefix("http://").and_then(|a| a.parse().ok()).expect("address")
    }

    fn agent(&self, address: Ipv4Addr) -> SocketAddr {
        SocketAddr::from((address, self.sim.agent_port))
    }

    async fn call(&self, form: &str) -> (u16, String) {
        let kind = "application/x-www-form-urlencoded";
        ask(self.ec2(), "POST", "/", kind, form).await.expect("an answer")
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        let (status, body) = ask(self.ec2(), "GET", path, "-", "").await.expect("an answer");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("JSON")
    }

    async fn ledger(&self) -> Ledger {
        self.json("/_sim/ledger").await
    }

    async fn faults(&self, change: &str) {
        let (status, body) =
            ask(self.ec2(), "POST", "/_sim/faults", "application/json", change).await.expect("an answer");
        assert_eq!(status, 200, "{body}");
    }

    async fn launch(&self, token: &str, count: u32) -> String {
        let (status, body) = self.call(&run(token, count)).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn health(&self, address: Ipv4Addr) -> io::Result<u16> {
        ask(self.agent(address), "GET", "/health", "-", "").await.map(|(status, _)| status)
    }
}

fn run(token: &str, count: u32) -> String {
    format!(
        "Action=RunInstances&Version=2016-11-15&ClientToken={token}&MinCount=1&MaxCount={count}&ImageId=ami-12345678\
         &InstanceType=m5.large&SubnetId=subnet-0000000000000000a&TagSpecification.1.ResourceType=instance\
         &TagSpecification.1.Tag.1.Key=muster%3Aslot&TagSpecification.1.Tag.1.Value=a+%26+b"
    )
}

/// One request on a connection of its own: status and body. An error if the connection fails or
/// closes without an answer.
async fn ask(to: SocketAddr, method: &str, path: &str, kind: &str, body: &str) -> io::Result<(u16, String)> {
    let exchange = async {
        let mut socket = TcpStream::connect(to).await?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\nauthorization: AWS4-HMAC-SHA256 unchecked\r\n\
             content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await?;
        let text = String::from_utf8(answer).map_err(io::Error::other)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        Ok((status, body.to_string()))
    };
    timeout_on_the_wall(Duration::from_secs(20), exchange)
        .await
        .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// The text between the first `<name>` and its end.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let from = xml.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    from.split_once(&format!("</{name}>")).map_or("", |(inside, _)| inside)
}

#[tokio::test]
async fn a_launch_is_described_and_terminated() {
    let sim = Running::start(quick(), &[]).await;
    let launched = sim.launch("t1", 3).await;
    assert_eq!(launched.matches("<instanceId>").count(), 3);
    assert_eq!(element(&launched, "clientToken"), "t1");
    assert_eq!(element(&launched, "tagSet"), "<item><key>muster:slot</key><value>a &amp; b</value></item>");
    let id = element(&launched, "instanceId");

    let (status, described) =
        sim.call(&format!("Action=DescribeInstances&Version=2016-11-15&InstanceId.1={id}")).await;
    assert_eq!((status, element(&described, "instanceId")), (200, id));
    assert_eq!(element(&described, "instanceState"), "<code>16</code><name>running</name>");
    assert_eq!(element(&described, "privateIpAddress"), "127.64.0.4");

    let (_, found) = sim
        .call("Action=DescribeInstances&Filter.1.Name=client-token&Filter.1.Value.1=t1&MaxResults=1000")
        .await;
    assert_eq!(found.matches("<instanceId>").count(), 3);

    let (status, ended) = sim.call(&format!("Action=TerminateInstances&InstanceId.1={id}")).await;
    assert_eq!((status, element(&ended, "currentState")), (200, "<code>32</code><name>shutting-down</name>"));

    let (_, subnets) = sim.call("Action=DescribeSubnets").await;
    assert_eq!(element(&subnets, "availableIpAddressCount"), "262136");
    assert_eq!(subnets.matches("<subnetId>").count(), 3);
}

#[tokio::test]
async fn pages_are_walked_with_their_tokens() {
    let sim = Running::start(quick(), &[]).await;
    sim.launch("t1", 7).await;
    let (_, first) = sim.call("Action=DescribeInstances&MaxResults=5").await;
    let token = element(&first, "nextToken").to_string();
    let (_, second) = sim.call(&format!("Action=DescribeInstances&MaxResults=5&NextToken={token}")).await;
    let counts = (first.matches("<instanceId>").count(), second.matches("<instanceId>").count());
    assert_eq!((counts, element(&second, "nextToken")), ((5, 2), ""));
}

#[tokio::test]
async fn every_error_is_awss_document_and_never_html() {
    let sim = Running::start(quick(), &[]).await;
    let large = format!("Action=RunInstances&UserData={}", "A".repeat(5 << 20));
    for (form, status, code) in [
        ("Action=LaunchRocket&Version=2016-11-15", 400, "InvalidAction"),
        ("", 400, "MissingAction"),
        ("Action=RunInstances&MaxCount=1", 400, "MissingParameter"),
        ("Action=RunInstances&MinCount=1&MaxCount=many", 400, "InvalidParameterValue"),
        ("Action=DescribeInstances&InstanceId.1=i-0123456789abcdef0", 400, "InvalidInstanceID.NotFound"),
        ("Action=TerminateInstances&InstanceId.1=x", 400, "InvalidInstanceID.Malformed"),
        ("Action=DescribeInstances&DryRun=true", 412, "DryRunOperation"),
        ("Action=%00", 400, "MalformedQueryString"),
        (&large, 400, "MalformedQueryString"),
    ] {
        let (got, body) = sim.call(form).await;
        assert_eq!((got, element(&body, "Code")), (status, code), "{body}");
        assert!(
            body.contains("<Response><Errors><Error><Code>") && body.contains("</Errors><RequestID>"),
            "{body}"
        );
    }
    let (status, body) = ask(sim.ec2(), "GET", "/?Action=DescribeSubnets", "-", "").await.expect("an answer");
    assert_eq!((status, body.contains("<DescribeSubnetsResponse")), (200, true));
    let (status, body) = ask(sim.ec2(), "DELETE", "/some/where", "-", "").await.expect("an answer");
    assert_eq!((status, element(&body, "Code")), (400, "MissingAction"));
}

#[tokio::test]
async fn throttles_answer_503_and_lack_of_capacity_500() {
    let sim = Running::start(quick(), &[]).await;
    sim.faults(r#"{"capacity": [{"zone": "us-east-1a", "instances": 0}]}"#).await;
    let (status, body) = sim.call(&run("t1", 1)).await;
    assert_eq!((status, element(&body, "Code")), (500, "InsufficientInstanceCapacity"));
    sim.faults(r#"{"throttle": 100}"#).await;
    let (status, body) = sim.call(&run("t1", 1)).await;
    assert_eq!((status, element(&body, "Code")), (503, "RequestLimitExceeded"));
}

#[tokio::test]
async fn a_lost_reply_closes_the_connection_and_the_same_token_finds_the_instances() {
    let sim = Running::start(quick(), &[]).await;
    sim.faults(r#"{"lost_replies": 100}"#).await;
    let lost = ask(sim.ec2(), "POST", "/", "application/x-www-form-urlencoded", &run("t1", 4)).await;
    assert!(lost.is_err(), "{lost:?}");
    sim.faults(r#"{"lost_replies": 0}"#).await;
    assert_eq!(sim.ledger().await.instances.len(), 4);
    assert_eq!(sim.launch("t1", 4).await.matches("<instanceId>").count(), 4);
    let ledger = sim.ledger().await;
    assert_eq!((ledger.instances.len(), ledger.apis["RunInstances"].lost_after), (4, 1));
}

#[tokio::test]
async fn an_instance_is_configured_and_serves_at_its_own_address() {
    let sim = Running::start(quick(), &[]).await;
    sim.launch("t1", 2).await;
    let addresses: Vec<Ipv4Addr> = sim.ledger().await.instances.iter().map(|i| i.address).collect();
    assert_eq!(sim.health(addresses[0]).await.ok(), Some(503));
    let body = r#"{"slot":"1-0","attempt":1}"#;
    let (status, _) =
        ask(sim.agent(addresses[0]), "PUT", "/configure", "application/json", body).await.expect("an answer");
    assert_eq!((status, sim.health(addresses[0]).await.ok()), (200, Some(200)));
    assert_eq!(sim.health(addresses[1]).await.ok(), Some(503), "the other one is another");

    let ledger = sim.ledger().await;
    let one = &ledger.instances[0];
    assert_eq!((one.slot.as_deref(), one.attempt, one.serving), (Some("1-0"), Some(1), true));
    let summary: Summary = sim.json("/_sim/summary?wanted=1").await;
    assert_eq!((summary.live, summary.serving, summary.duplicates), (2, 1, 0));

    let (status, _) = ask(sim.agent(addresses[0]), "GET", "/configure", "-", "").await.expect("an answer");
    assert_eq!(status, 405);
    let (status, _) = ask(sim.agent(addresses[0]), "GET", "/elsewhere", "-", "").await.expect("an answer");
    assert_eq!(status, 404);
}

#[tokio::test]
async fn who_is_not_there_resets_the_connection() {
    let settings = Settings { boot: Spread { median_ms: 4_000_000, p99_ms: 4_000_000 }, ..quick() };
    let sim = Running::start(settings, &[]).await;
    sim.launch("t1", 1).await;
    let booting = sim.ledger().await.instances[0].address;
    for address in [booting, Ipv4Addr::new(127, 64, 0, 99), Ipv4Addr::LOCALHOST] {
        let kind = sim.health(address).await.map_err(|e| e.kind());
        assert_eq!(kind, Err(io::ErrorKind::ConnectionReset), "{address}");
    }
}

#[tokio::test]
async fn a_hanging_agent_accepts_and_never_answers_but_others_do() {
    let sim = Running::start(Settings { bad_images: vec!["ami-12345678".into()], ..quick() }, &[]).await;
    sim.launch("t1", 1).await;
    let good = run("t2", 1).replace("ami-12345678", "ami-87654321");
    assert_eq!(sim.call(&good).await.0, 200);
    let addresses: Vec<Ipv4Addr> = sim.ledger().await.instances.iter().map(|i| i.address).collect();

    let mut socket = TcpStream::connect(sim.agent(addresses[0])).await.expect("connects");
    socket.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("writes");
    let mut byte = [0];
    let silence = timeout_on_the_wall(Duration::from_millis(300), socket.read(&mut byte)).await;
    assert!(silence.is_none(), "{silence:?}");
    assert_eq!(sim.health(addresses[1]).await.ok(), Some(503));
}

#[tokio::test]
async fn time_runs_as_fast_as_it_is_told() {
    let boot = Spread { median_ms: 60_000, p99_ms: 60_000 };
    let sim = Running::start(Settings { boot, configure: boot, ..quick() }, &["--time-scale", "1000"]).await;
    sim.launch("t1", 1).await;
    let address = sim.ledger().await.instances[0].address;
    // A minute of boot and one of configuring, at a thousandth: within 2,000 looks of 5 ms or never.
    let mut served = false;
    for _ in 0..2_000 {
        let push =
            ask(sim.agent(address), "PUT", "/configure", "application/json", r#"{"slot":"1-0"}"#).await;
        served = push.is_ok() && sim.health(address).await.ok() == Some(200);
        if served {
            break;
        }
        sleep_on_the_wall(Duration::from_millis(5)).await;
    }
    assert!(served);
    let one = &sim.ledger().await.instances[0];
    assert!(one.serving_since_ms.is_some_and(|at| at >= one.launched_ms + 120_000), "{one:?}");
}

#[tokio::test]
async fn many_contacts_at_once_are_all_answered() {
    let sim = Running::start(quick(), &[]).await;
    sim.launch("t1", 200).await;
    let addresses: Vec<Ipv4Addr> = sim.ledger().await.instances.iter().map(|i| i.address).collect();
    let server = &sim;
    let pushes = addresses.iter().map(|address| async move {
        let body = format!(r#"{{"slot":"1-{address}"}}"#);
        ask(server.agent(*address), "POST", "/configure", "application/json", &body)
            .await
            .map(|(status, _)| status)
            .ok()
    });
    let answers = futures_util::future::join_all(pushes).await;
    assert!(answers.iter().all(|status| *status == Some(200)), "{answers:?}");
    let summary: Summary = sim.json("/_sim/summary?wanted=200").await;
    assert_eq!((summary.serving, summary.duplicates), (200, 0));
}

#[tokio::test]
async fn html_instead_of_an_answer_has_its_status() {
    let sim = Running::start(quick(), &[]).await;
    sim.faults(r#"{"script": [{"fault": "html", "status": 503, "action": "RunInstances"}]}"#).await;
    let (status, body) = sim.call(&run("t1", 1)).await;
    assert_eq!((status, element(&body, "title")), (503, "503 Service Unavailable"));
    assert_eq!(sim.call("Action=DescribeSubnets").await.0, 200, "others are left alone");
}

#[tokio::test]
async fn a_truncated_answer_promises_more_than_it_sends() {
    let sim = Running::start(quick(), &[]).await;
    sim.faults(r#"{"add_script": [{"fault": "truncated", "action": "DescribeSubnets"}]}"#).await;
    let mut socket = TcpStream::connect(sim.ec2()).await.expect("connects");
    let request = "GET /?Action=DescribeSubnets HTTP/1.1\r\nhost: x\r\n\r\n";
    socket.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and the beginning of a body");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let promised: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|n| n.parse().ok())
        .expect("a length");
    assert_eq!(body.len(), promised / 2, "{body}");
    assert!(body.contains("<DescribeSubnetsResponse") && !body.contains("</DescribeSubnetsResponse>"));
}

#[tokio::test]
async fn connections_are_reset_and_come_back_when_the_script_ends() {
    let sim = Running::start(quick(), &["--time-scale", "100"]).await;
    sim.faults(r#"{"script": [{"fault": "reset", "for_s": 60}]}"#).await;
    let refused = ask(sim.ec2(), "GET", "/?Action=DescribeSubnets", "-", "").await;
    assert_eq!(refused.map_err(|e| e.kind()), Err(io::ErrorKind::ConnectionReset));
    // A minute, at a hundredth: within 2,000 looks of 5 ms or never.
    let mut back = false;
    for _ in 0..2_000 {
        back = ask(sim.ec2(), "GET", "/?Action=DescribeSubnets", "-", "").await.is_ok();
        if back {
            break;
        }
        sleep_on_the_wall(Duration::from_millis(5)).await;
    }
    assert!(back);
}

#[tokio::test]
async fn connections_are_refused_until_the_script_ends_and_the_address_is_the_same_again() {
    let sim = Running::start(quick(), &["--time-scale", "100"]).await;
    sim.faults(r#"{"script": [{"fault": "refuse", "at_s": 20, "for_s": 60}]}"#).await;
    let mut met = Vec::new();
    // Open, then closed, then open again: within 2,000 looks of 5 ms or never.
    for _ in 0..2_000 {
        let answer = ask(sim.ec2(), "GET", "/?Action=DescribeSubnets&Version=2016-11-15", "-", "").await;
        // One that comes at the moment of the change may be reset instead.
        let is = match answer.map_err(|e| e.kind()) {
            Ok(_) => "answered",
            Err(io::ErrorKind::ConnectionRefused) => "refused",
            Err(_) => "reset",
        };
        if met.last() != Some(&is) && is != "reset" {
            met.push(is);
        }
        if met.len() == 3 {
            break;
        }
        sleep_on_the_wall(Duration::from_millis(5)).await;
    }
    assert_eq!(met, ["answered", "refused", "answered"]);
}

#[tokio::test]
async fn a_skewed_clock_shows_in_headers_and_times() {
    let sim = Running::start(quick(), &[]).await;
    sim.faults(r#"{"script": [{"fault": "clock_skew", "seconds": -315360000}]}"#).await;
    let launched = sim.launch("t1", 1).await;
    let year = |text: &str| text.get(..4).and_then(|y| y.parse::<i32>().ok()).expect("a year");
    let shown = year(element(&launched, "launchTime"));
    sim.faults(r#"{"script": []}"#).await;
    let described = sim.call("Action=DescribeInstances&MaxResults=5").await.1;
    assert_eq!(year(element(&described, "launchTime")) - shown, 10);
}

/// What a probe of the only instance meets: status, `x-version` and body.
async fn probed(sim: &Running, from_zone: &str) -> (u16, String, String) {
    let address = sim.ledger().await.instances[0].address;
    let mut socket = TcpStream::connect(sim.agent(address)).await.expect("connects");
    let request = format!("GET /health HTTP/1.1\r\nhost: x\r\nx-sim-from-zone: {from_zone}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let version = head.lines().find_map(|line| line.strip_prefix("x-version: ")).expect("a version");
    (status, version.to_string(), body.to_string())
}

/// One instance that is broken in this way, configured.
async fn broken(way: &str, arguments: &[&str]) -> Running {
    let sim = Running::start(quick(), arguments).await;
    sim.faults(&format!(r#"{{"broken": 100, "ways": {{"weights": {{"{way}": 1}}}}}}"#)).await;
    sim.launch("t1", 1).await;
    let address = sim.ledger().await.instances[0].address;
    let push = ask(sim.agent(address), "PUT", "/configure", "application/json", "{}").await;
    assert_eq!(push.map(|(status, _)| status).ok(), Some(200));
    sim
}

#[tokio::test]
async fn a_wrong_version_says_so_in_its_body_and_header() {
    let sim = broken("wrong_version", &[]).await;
    let (status, version, body) = probed(&sim, "us-east-1a").await;
    assert_eq!((status, body.as_str()), (200, "serving another version\n"));
    assert_ne!(version, "ami-12345678");
    let address = sim.ledger().await.instances[0].address;
    let (_, same) = ask(sim.agent(address), "GET", "/version", "-", "").await.expect("an answer");
    assert_eq!(same, version);
}

#[tokio::test]
async fn one_zone_sees_an_instance_healthy_that_another_does_not() {
    let sim = broken("one_zone", &[]).await;
    let (status, version, body) = probed(&sim, "us-east-1a").await;
    assert_eq!((status, version.as_str(), body.as_str()), (200, "ami-12345678", "serving\n"));
    assert_eq!(probed(&sim, "us-east-1b").await.0, 503);

    // The same without the header, from addresses in the zones' subnets.
    for (client, seen) in [([127, 64, 9, 9], "200"), ([127, 72, 9, 9], "503"), ([127, 0, 0, 1], "200")] {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::from(client), 0).into()).expect("binds");
        let address = sim.ledger().await.instances[0].address;
        let mut socket = socket.connect(sim.agent(address)).await.expect("connects");
        socket.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("writes");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        assert_eq!(answer.split(' ').nth(1), Some(seen), "from {client:?}");
    }
}

#[tokio::test]
async fn a_slow_one_answers_after_its_time() {
    // 20 s for each answer, at a hundredth.
    let sim = broken("slow", &["--time-scale", "100"]).await;
    let before = sim.ledger().await.now_ms;
    assert_eq!(probed(&sim, "us-east-1a").await.0, 200);
    assert!(sim.ledger().await.now_ms - before >= 20_000);
}

#[tokio::test]
async fn checked_signatures_turn_away_who_has_no_key_and_do_nothing_for_them() {
    let keys = [("AKIDEXAMPLE".to_string(), "secret".to_string())].into();
    let settings = Settings { signatures: Signatures::Checked, access_keys: keys, ..quick() };
    let sim = Running::start(settings, &[]).await;
    // `ask` sends half a signature.
    let (status, body) = sim.call(&run("t1", 1)).await;
    assert_eq!((status, element(&body, "Code")), (400, "IncompleteSignature"));
    assert!(!element(&body, "RequestID").is_empty(), "{body}");
    let ledger = sim.ledger().await;
    assert_eq!((ledger.instances.len(), ledger.apis["RunInstances"].calls), (0, 0));
    let state: serde_json::Value = sim.json("/_sim/state").await;
    assert_eq!(state["totals"]["turned_away"], 1);
}

#[tokio::test]
async fn whatever_the_method_the_answer_is_xml_and_has_a_request_id() {
    let sim = Running::start(quick(), &[]).await;
    for method in ["OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "GET", "HEAD"] {
        let mut socket = TcpStream::connect(sim.ec2()).await.expect("connects");
        let request = format!("{method} /some/where?x=%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("writes");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.contains("content-type: text/xml") && answer.contains("x-amzn-requestid: "),
            "{answer}"
        );
        // A HEAD has no body to tell.
        assert_eq!(element(&answer, "Code"), if method == "HEAD" { "" } else { "MissingAction" }, "{answer}");
    }
    // Not even HTTP: a bare 400, and no page.
    let mut socket = TcpStream::connect(sim.ec2()).await.expect("connects");
    socket.write_all(b"\x01\x03\x01\x00\xa5 hello\r\n\r\n").await.expect("writes");
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && !answer.contains("<html"), "{answer}");
}
