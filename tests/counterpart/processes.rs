//! The processes of the walkthrough: the agents' stand-in, muster's service and its commands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{free_port, http, wait_for};

/// A script of localstack/, ready to run.
fn script(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("localstack").join(name));
    command.kill_on_drop(true);
    command
}

/// One localstack/agent.py, which ends with this value or this process.
pub struct Agents {
    port: u16,
    _process: Child,
}

impl Agents {
    pub async fn start(arguments: &[&str]) -> Agents {
        let mut process = script("agent.py")
            .arg("--exit-with-stdin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).await.unwrap();
        let said: Value =
            serde_json::from_str(&said).unwrap_or_else(|e| panic!("agent.py said '{said}': {e}"));
        let port = said["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port");
        Agents { port, _process: process }
    }

    /// What was pushed to whom.
    pub async fn pushes(&self) -> BTreeMap<String, Value> {
        let url = format!("http://127.0.0.1:{}/pushes", self.port);
        let (status, body) = http("GET", &url, &[], "").await.unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// A muster.toml, and what the test must know of it.
pub struct Config {
    path: PathBuf,
    tree: toml::Table,
}

impl Config {
    /// The subnet that a group launches into.
    pub fn subnet(&self, group: &str) -> String {
        let id = &self.tree["groups"][group]["launch"]["subnets"][0]["id"];
        id.as_str().expect("a subnet's id is text").to_owned()
    }
}

/// Makes the network and the configuration by localstack/prepare.py.
pub async fn prepare(endpoint: &str, web: &Agents, stuck: &Agents, folder: &Path) -> Config {
    let ran = script("prepare.py")
        .args(["--endpoint", endpoint, "--web-port", &web.port.to_string()])
        .args(["--stuck-port", &stuck.port.to_string()])
        .output()
        .await
        .expect("python3 starts");
    let said = Said::from(ran);
    assert_eq!(said.code, Some(0), "{said}");
    let tree = said.stdout.parse().unwrap_or_else(|e| panic!("{e} in\n{}", said.stdout));
    let path = folder.join("muster.toml");
    std::fs::write(&path, &said.stdout).unwrap();
    Config { path, tree }
}

/// A serving muster, killed when it is dropped.
pub struct Muster {
    url: String,
    process: Child,
}

impl Muster {
    /// Starts it on `SQLite` in the folder, and waits until it is ready.
    pub async fn serve(config: &Config, folder: &Path) -> Muster {
        let listen = format!("127.0.0.1:{}", free_port());
        let process = muster()
            .args(["serve", "--config"])
            .arg(&config.path)
            .env("MUSTER_SERVER__LISTEN", &listen)
            .env("MUSTER_STORE__URL", format!("sqlite:{}", folder.join("muster.db").display()))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .spawn()
            .unwrap();
        let mut muster = Muster { url: format!("http://{listen}"), process };
        let ready = format!("{}/readyz", muster.url);
        wait_for("muster to be ready", async || {
            if let Some(status) = muster.process.try_wait().unwrap() {
                panic!("muster serve ended: {status}");
            }
            match http("GET", &ready, &[], "").await? {
                (200, _) => Ok(()),
                (status, body) => Err(format!("{status} {body}")),
            }
        })
        .await;
        muster
    }

    /// Runs one of muster's commands against the service.
    pub async fn cli(&self, arguments: &[&str]) -> Said {
        muster().args(arguments).args(["--url", &self.url]).output().await.unwrap().into()
    }

    /// What the service says of one scale-up.
    pub async fn show(&self, id: &str) -> Value {
        self.get(&format!("/v1/scale-ups/{id}")).await
    }

    /// The id of the scale-up that was accepted last.
    pub async fn newest_scale_up(&self) -> String {
        let list = self.get("/v1/scale-ups?limit=1").await;
        list["scale_ups"][0]["id"].as_str().unwrap_or_else(|| panic!("no scale-up in {list}")).to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = http("GET", &format!("{}{path}", self.url), &[], "").await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Ends it, and waits until it has ended.
    pub async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }
}

/// muster's program, without what this machine's user has set for a muster of their own.
fn muster() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MUSTER_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What a command said, and its exit code (none if a signal ended it).
pub struct Said {
    pub code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    /// Its standard output as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("not one JSON document ({e}): {self}"))
    }
}

impl From<std::process::Output> for Said {
    fn from(output: std::process::Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\nstdout:\n{}\nstderr:\n{}", self.code, self.stdout, self.stderr)
    }
}
