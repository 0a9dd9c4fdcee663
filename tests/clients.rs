//! The simulated AWS, asked by clients that nobody here wrote: several versions of boto3 and the AWS CLI; and
//! what it answers beside what moto answers (tests/clients/README.md).

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::process::Command;

/// The newest boto3 asks everything; old versions do not know the newest calls.
const LEAST_CHECKS: usize = 150;

#[tokio::test]
async fn the_newest_boto3_is_answered_as_aws_would() {
    let passed = suite("MUSTER_TEST_BOTO3_NEWEST", &[]).await;
    assert!(passed >= LEAST_CHECKS, "{passed} checks are fewer than {LEAST_CHECKS}");
}

#[tokio::test]
async fn the_boto3_of_ubuntu_24_04_is_answered_as_aws_would() {
    suite("MUSTER_TEST_BOTO3_UBUNTU", &[]).await;
}

#[tokio::test]
async fn the_boto3_of_debian_12_is_answered_as_aws_would() {
    suite("MUSTER_TEST_BOTO3_DEBIAN", &[]).await;
}

#[tokio::test]
async fn the_aws_cli_is_answered_as_aws_would() {
    // It is a program of its own, started by the checks in any Python.
    set("MUSTER_TEST_AWS_CLI");
    suite("MUSTER_TEST_BOTO3_NEWEST", &["cli"]).await;
}

#[tokio::test]
async fn moto_and_the_simulator_agree_but_for_the_differences_that_are_listed() {
    set("MUSTER_TEST_MOTO");
    suite("MUSTER_TEST_BOTO3_NEWEST", &["differential"]).await;
}

/// Runs these folders of tests/clients (none: those of pytest.ini) with the Python that the variable names.
/// Shows the closing line, and returns the number of checks that passed.
async fn suite(variable: &str, folders: &[&str]) -> usize {
    let output = Command::new(set(variable))
        // Nothing is written beside the sources.
        .args(["-B", "-m", "pytest", "--quiet"])
        .args(folders)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients"))
        .env("MUSTER_PROGRAM", env!("CARGO_BIN_EXE_muster"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python starts");
    let Output { status, stdout, stderr } = output;
    let (said, complained) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}\n{said}{complained}");
    let (closing, passed) = closing(&said).unwrap_or_else(|| panic!("no closing line in\n{said}"));
    println!("{closing}");
    assert!(passed > 0, "nothing was checked:\n{said}");
    passed
}

/// The line of tests/clients/conftest.py that says how many checks passed, and the number.
fn closing(said: &str) -> Option<(&str, usize)> {
    said.lines().find_map(|line| {
        let (_, rest) = line.split_once(": ")?;
        let (number, _) = rest.split_once(" checks passed")?;
        Some((line, number.parse().ok()?))
    })
}

/// What ./test has set this variable to.
fn set(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run ./test, which installs what this test needs"))
}

#[test]
fn the_closing_line_is_found_among_others() {
    let said =
        "....\n=== summary ===\nboto3 1.44.5: 234 checks passed, 3 known defects\n234 passed in 8.27s\n";
    assert_eq!(closing(said), Some(("boto3 1.44.5: 234 checks passed, 3 known defects", 234)));
    assert_eq!(closing("234 passed in 8.27s\nno tests ran\n"), None);
}
