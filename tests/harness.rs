//! Real processes for tests: a simulated EC2 and musters that can be killed.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use muster::sim::{Announcement, Ledger, Summary};
use muster::time::{Stopwatch, sleep_on_the_wall, timeout_on_the_wall, wall_now};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// The longest that anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(120);

const MUSTER: &str = env!("CARGO_BIN_EXE_muster");

/// Asks until the answer is yes; panics with the last no when `PATIENCE` is over.
pub async fn wait_for<T>(what: &str, reached: impl AsyncFnMut() -> Result<T, String>) -> T {
    wait_as_long((PATIENCE, Duration::from_millis(20)), what, reached).await
}

/// The same with another patience, and another pause before each further look.
pub async fn wait_as_long<T>(
    (patience, pause): (Duration, Duration),
    what: &str,
    mut reached: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let watch = Stopwatch::start();
    loop {
        match reached().await {
            Ok(t) => return t,
            Err(last) => assert!(watch.elapsed() < patience, "waited {patience:?} for {what}: {last}"),
        }
        sleep_on_the_wall(pause).await;
    }
}

/// A simulated EC2 in a process of its own.
pub struct Sim {
    pub announced: Announcement,
    pub scale: f64,
    pub origin_ms: i64,
    _child: Child,
}

impl Sim {
    /// Time runs `scale` times as fast in it and in every muster made for it.
    pub async fn start(scale: f64, args: &[&str]) -> Sim {
        let origin_ms = wall_now().0;
        let mut child = Command::new(MUSTER)
            .args(["sim", "--exit-with-parent", "--time-scale", &scale.to_string()])
            .args(["--origin-ms", &origin_ms.to_string()])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        timeout_on_the_wall(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await.unwrap().unwrap();
        let announced = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        Sim { announced, scale, origin_ms, _child: child }
    }

    pub async fn ledger(&self) -> Ledger {
        let (_, body) = http("GET", &format!("{}/_sim/ledger", self.announced.ec2), &[], "").await.unwrap();
        serde_json::from_str(&body).unwrap()
    }

    pub async fn summary(&self, wanted: u32) -> Summary {
        let url = format!("{}/_sim/summary?wanted={wanted}", self.announced.ec2);
        serde_json::from_str(&http("GET", &url, &[], "").await.unwrap().1).unwrap()
    }

    /// So many are served, each slot by exactly one live instance, and nothing else lives.
    pub async fn assert_served(&self, wanted: u32) {
        let s = self.summary(wanted).await;
        assert_eq!(
            (s.serving, s.live, s.duplicates, s.live_not_serving),
            (wanted.into(), wanted.into(), 0, 0),
            "serving, live, duplicates, orphans: {s:?}"
        );
    }
}

/// A muster that can be started, killed and started again on the same database and port.
pub struct Muster {
    pub url: String,
    pub dir: TempDir,
    config: PathBuf,
    child: Option<Child>,
}

impl Muster {
    /// On SQLite in a directory of its own.
    pub fn new(sim: &Sim, more: &str) -> Muster {
        let dir = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", dir.path().join("muster.db").display());
        Muster::on(sim, &database, more, dir)
    }

    /// On this database. `more` is appended to the configuration.
    pub fn on(sim: &Sim, database: &str, more: &str, dir: TempDir) -> Muster {
        Muster::with(dir, |port| config_text(sim, port, database, more))
    }

    /// With this configuration, for a port of its own.
    pub fn with(dir: TempDir, text: impl FnOnce(u16) -> String) -> Muster {
        let port = free_port();
        let config = dir.path().join("muster.toml");
        std::fs::write(&config, text(port)).unwrap();
        Muster { url: format!("http://127.0.0.1:{port}"), dir, config, child: None }
    }

    pub fn database(&self) -> String {
        format!("sqlite:{}", self.dir.path().join("muster.db").display())
    }

    /// Starts the process; does not wait for anything.
    pub fn spawn(&mut self, env: &[(&str, &str)]) {
        let child = Command::new(MUSTER)
            .args(["serve", "--config"])
            .arg(&self.config)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Starts the process and waits until it takes requests.
    pub async fn start(&mut self) {
        self.spawn(&[]);
        self.ready().await;
    }

    pub async fn ready(&mut self) {
        let url = self.url.clone();
        let child = self.child.as_mut().unwrap();
        let watch = Stopwatch::start();
        while !matches!(http("GET", &format!("{url}/readyz"), &[], "").await, Ok((200, _))) {
            if let Some(status) = child.try_wait().unwrap() {
                let mut said = String::new();
                child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
                panic!("muster ended with {status}: {said}");
            }
            assert!(watch.elapsed() < PATIENCE, "muster is not ready");
            sleep_on_the_wall(Duration::from_millis(5)).await;
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.as_ref().and_then(Child::id).unwrap().try_into().unwrap()
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().await.unwrap();
    }

    /// If the process has ended by itself: how, and what it said on standard error.
    pub async fn ended(&mut self) -> Option<(ExitStatus, String)> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        let mut said = String::new();
        self.child.take()?.stderr.take()?.read_to_string(&mut said).await.unwrap();
        Some((status, said))
    }

    /// Asks for instances; returns the scale-up's id.
    pub async fn scale_up(&self, count: u32) -> String {
        let body = serde_json::json!({ "group": "web", "count": count, "reason": "test" });
        let (status, body) = self.post("/v1/scale-ups", &body.to_string()).await;
        assert_eq!(status, 202, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_string()
    }

    pub async fn get(&self, path: &str) -> Result<(u16, String), String> {
        http("GET", &format!("{}{path}", self.url), &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> (u16, String) {
        let json = [("content-type", "application/json")];
        http("POST", &format!("{}{path}", self.url), &json, body).await.unwrap()
    }

    /// The scale-up as the API shows it; an error while nobody answers.
    pub async fn show(&self, id: &str) -> Result<Value, String> {
        let (status, body) = self.get(&format!("/v1/scale-ups/{id}")).await?;
        if status == 200 { serde_json::from_str(&body).map_err(|e| e.to_string()) } else { Err(body) }
    }

    /// Those that were launched and did not stay, each with the reason: what a test that counts
    /// launches wants to know when there is one too many.
    pub async fn given_up(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for phase in ["broken", "terminating", "gone"] {
            let (_, body) = self.get(&format!("/v1/instances?phase={phase}")).await.unwrap();
            let page: Value = serde_json::from_str(&body).unwrap();
            let items = page["instances"].as_array().unwrap_or_else(|| panic!("{body}"));
            // One that came out of the reserve stays, as another slot's.
            let stays =
                |i: &&Value| i["reason"].as_str().is_some_and(|r| r.starts_with("out of the reserve"));
            let items = items.iter().filter(|i| !stays(i));
            lines.extend(items.map(|i| format!("{} {}: {}", i["slot"], i["phase"], i["reason"])));
        }
        lines
    }

    /// Waits until the scale-up is done, and returns it.
    pub async fn done(&self, id: &str) -> Value {
        wait_for("the scale-up to be done", async || {
            let show = self.show(id).await?;
            if show["state"] == "done" { Ok(show) } else { Err(show.to_string()) }
        })
        .await
    }
}

fn config_text(sim: &Sim, port: u16, database: &str, more: &str) -> String {
    let agent = sim.announced.agent_port;
    let subnets: Vec<String> = sim
        .announced
        .subnets
        .iter()
        .map(|s| format!("{{ id = \"{}\", zone = \"{}\" }}", s.id, s.zone))
        .collect();
    format!(
        r#"
[server]
listen = "127.0.0.1:{port}"
[store]
url = "{database}"
[time]
scale = {scale}
origin_ms = {origin}
[aws]
region = "us-east-1"
endpoint = "{ec2}"
[log]
level = "warn"
[groups.web]
max = 5000
[groups.web.launch]
image = "ami-0123456789abcdef0"
instance_type = "m5.large"
subnets = [{subnets}]
[groups.web.canary]
size = 0
[groups.web.configure]
method = "PUT"
port = {agent}
path = "/configure"
body = '{{"slot":"{{{{slot}}}}","attempt":{{{{attempt}}}}}}'
[[groups.web.probes]]
kind = "http"
port = {agent}
path = "/health"
{more}
"#,
        ec2 = sim.announced.ec2,
        scale = sim.scale,
        origin = sim.origin_ms,
        subnets = subnets.join(", "),
    )
}

/// A port that nobody uses at the moment.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One request on a connection of its own.
pub async fn http(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<(u16, String), String> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(bytes::Bytes::from(body.to_string()))).map_err(|e| e.to_string())?;
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let exchange = async {
        let response = client.request(request).await.map_err(|e| e.to_string())?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    };
    timeout_on_the_wall(Duration::from_secs(10), exchange).await.unwrap_or(Err("no answer".into()))
}
