//! The real binary's command line: streams, exit codes, signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn muster(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"MUSTER_") {
            command.env_remove(name);
        }
    }
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A port of loopback at which nobody answers.
fn nobody() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}")
}

#[test]
fn help_is_data_and_a_slip_is_not() {
    let (code, out, err) = run(&mut muster(&["--help"]));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("130  interrupted"), "{out}");
    let (code, out, err) = run(&mut muster(&["scale-up", "web", "-5"]));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("Usage: muster scale-up") && !err.contains('\x1b'), "{err}");
}

#[test]
fn the_example_can_be_written_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("muster.toml");
    let (code, example, _) = run(&mut muster(&["config", "example"]));
    assert_eq!(code, Some(0));
    std::fs::write(&file, example).unwrap();
    let file = file.to_str().unwrap();
    let checked = run(&mut muster(&["config", "check", file]));
    assert_eq!(checked, (Some(0), "ok: 1 group (web)\n".into(), String::new()));
    // The file may come from the environment, and its values go under those of the environment.
    let (code, out, err) =
        run(muster(&["config", "check"]).env("MUSTER_CONFIG", file).env("MUSTER_LIMITS__COUNT", "0"));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(
        err,
        "error: 1 problem in the configuration\n\
         MUSTER_LIMITS__COUNT: limits.count: 0 is not a whole number from 1 to 1000000\n"
    );
}

#[test]
fn a_service_that_is_not_there_is_exit_code_3() {
    let (code, out, err) = run(muster(&["status"]).env("MUSTER_URL", nobody()));
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(err.starts_with("error: no answer from http://127.0.0.1:"), "{err}");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child =
        muster(&["config", "example"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    // It may have written everything before the pipe was closed.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}", output.status);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn ctrl_c_ends_the_watching_and_says_that_the_scale_up_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut child = muster(&["status", "12", "--follow", "--url", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    read_head(&socket);
    let line = r#"{"number":1,"at":"2026-01-04T15:00:00.000Z","kind":"accepted","text":"hello"}"#;
    write!(
        socket,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: journal\ndata: {line}\n\n"
    )
    .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    err.read_line(&mut said).unwrap();
    assert_eq!(said, "2026-01-04T15:00:00.000Z  hello\n");

    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "no longer watching; the scale-up goes on\n");
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "");
}

fn read_head(socket: &TcpStream) {
    let lines = BufReader::new(socket.try_clone().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.is_empty()), "the request has no end");
}
