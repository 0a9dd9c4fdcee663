//! The simulated AWS, asked by clients that nobody here wrote: several versions of boto3 and the AWS CLI; and
//! what it answers beside what moto answers (tests/clients/README.md).

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

/// The newest boto3 asks everything, a folder at a time; old versions do not know the newest calls.
const LEAST_CHECKS: usize = 150;

/// A test for each folder of checks, and their names.
macro_rules! the_newest_boto3_asks {
    ($($folder:ident)*) => {
        const FOLDERS: &[&str] = &[$(stringify!($folder)),*];

        mod the_newest_boto3_is_answered_as_aws_would_by {
            $(#[tokio::test]
            async fn $folder() {
                super::suite("MUSTER_TEST_BOTO3_NEWEST", &[stringify!($folder)]).await;
            })*
        }
    };
}

the_newest_boto3_asks!(autoscaling cloudwatch ec2 elbv2 events quotas sns sqs support wire);

#[tokio::test]
async fn no_folder_of_checks_is_forgotten() {
    let asked = FOLDERS.iter().chain(&["cli", "differential"]).map(|f| (*f).to_string());
    assert_eq!(asked.collect::<BTreeSet<_>>(), folders_of_checks());
    let options = [&["--collect-only"], FOLDERS].concat();
    let output = pytest("MUSTER_TEST_BOTO3_NEWEST", &options).await;
    let said = String::from_utf8_lossy(&output.stdout);
    let checks = said.lines().filter(|line| line.contains("::")).count();
    assert!(checks >= LEAST_CHECKS, "{checks} checks are fewer than {LEAST_CHECKS}:\n{said}");
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

/// Runs these folders of tests/clients (none: those of pytest.ini) with the Python that the variable names, and shows
/// the closing line.
async fn suite(variable: &str, folders: &[&str]) {
    let Output { status, stdout, stderr } = pytest(variable, folders).await;
    let (said, complained) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}\n{said}{complained}");
    let (closing, passed) = closing(&said).unwrap_or_else(|| panic!("no closing line in\n{said}"));
    println!("{closing}");
    assert!(passed > 0, "nothing was checked:\n{said}");
}

async fn pytest(variable: &str, arguments: &[&str]) -> Output {
    Command::new(set(variable))
        // Nothing is written beside the sources.
        .args(["-B", "-m", "pytest", "--quiet"])
        .args(arguments)
        .current_dir(checks())
        .env("MUSTER_PROGRAM", env!("CARGO_BIN_EXE_muster"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python starts")
}

fn checks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Those that have a file of checks.
fn folders_of_checks() -> BTreeSet<String> {
    let is_check = |entry: DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        name.starts_with("test_") && entry.path().extension().is_some_and(|e| e == "py")
    };
    let folders = std::fs::read_dir(checks()).unwrap().map(Result::unwrap).filter(|e| e.path().is_dir());
    folders
        .filter(|f| std::fs::read_dir(f.path()).unwrap().any(|entry| is_check(entry.unwrap())))
        .map(|f| f.file_name().into_string().unwrap())
        .collect()
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
