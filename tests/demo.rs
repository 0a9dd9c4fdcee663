//! The README's first command, as a user would run it, in the ways the README promises.

use std::process::Stdio;
use std::time::Duration;

use muster::time::timeout_on_the_wall;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Runs `demo --exit --json` under a descriptor limit (0: none) and returns what it printed.
async fn demo(descriptors: u32, args: &[&str]) -> Value {
    let limit = if descriptors > 0 { format!("ulimit -n {descriptors}; ") } else { String::new() };
    let script = format!("{limit}exec \"$0\" demo --exit --json \"$@\"");
    let run = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_muster")])
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let out = timeout_on_the_wall(Duration::from_secs(300), run).await.expect("it ends").unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{}: {stdout}{stderr}", out.status);
    assert!(!stderr.contains("Too many open files"), "{stderr}");
    serde_json::from_str(&stdout)
        .unwrap_or_else(|e| panic!("one JSON object and nothing else ({e}): {stdout}"))
}

fn assert_all_in_service(v: &Value, wanted: u64) {
    let n = |key: &str| v[key].as_u64().unwrap_or_else(|| panic!("no {key} in {v}"));
    assert_eq!((n("wanted"), n("in_service")), (wanted, wanted), "{v}");
    assert_eq!((n("shortfall"), n("lost"), n("duplicated"), n("orphans")), (0, 0, 0, 0), "{v}");
    for key in ["elapsed_s", "bound_s", "wall_s"] {
        assert!(v[key].as_f64().is_some_and(|x| x > 0.0), "{key} in {v}");
    }
    for key in ["launch_calls", "ec2_calls", "peak_fds", "fd_budget", "seed"] {
        assert!(n(key) > 0, "{key} in {v}");
    }
    assert!(v["throttled_calls"].is_u64(), "{v}");
}

#[tokio::test]
async fn twelve_hundred_with_few_calls() {
    let v = demo(0, &[]).await;
    assert_all_in_service(&v, 1_200);
    assert!(v["ec2_calls"].as_u64().unwrap() <= 120, "0.10 an instance: {v}");
}

#[tokio::test]
async fn within_256_descriptors_and_with_one_in_ten_broken() {
    let v = demo(256, &["--broken", "10", "--seed", "2"]).await;
    assert_all_in_service(&v, 1_200);
    assert!(v["peak_fds"].as_u64().unwrap() <= 128, "{v}");
}

#[tokio::test]
async fn with_calls_throttled_and_replies_lost() {
    let v = demo(0, &["--throttle", "50", "--lost-replies", "10", "--count", "300", "--seed", "3"]).await;
    assert_all_in_service(&v, 300);
    assert!(v["throttled_calls"].as_u64().unwrap() > 0, "{v}");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_and_exits_with_2() {
    for args in [["--count", "0"], ["--broken", "101"], ["--time-scale", "fast"]] {
        let out = Command::new(env!("CARGO_BIN_EXE_muster")).arg("demo").args(args).output().await.unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(out.stdout.is_empty() && !out.stderr.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn interrupted_it_takes_its_folder_away_and_says_so() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["demo", "--time-scale", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines();
    let told = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it says where everything is");
            if let Some((_, folder)) = line.split_once("everything is in ") {
                return folder.to_string();
            }
        }
    };
    let folder = timeout_on_the_wall(Duration::from_secs(60), told).await.expect("it starts");
    assert!(std::path::Path::new(&folder).is_dir());
    let pid = demo.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    let status = timeout_on_the_wall(Duration::from_secs(60), demo.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(!std::path::Path::new(&folder).exists(), "{folder} is left");
}
