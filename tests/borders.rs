//! The borders between the rooms, held: who may name whom, and who may name which crate.
//!
//! It reads the sources as text, so a name counts wherever it stands, imported or written out in full.
//! What is compiled for tests only is free: a test may look over any wall.

use std::collections::BTreeSet;

use crate::source::{Named, code_only, names, read, sources, test_files};

/// Each room (a folder or file directly under src) and what it may import of the others. An entry with
/// a path allows that path only. A room that is missing here may import nothing, and is reported.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "api",
        &[
            "decide",
            "engine::AskError",
            "engine::Handle",
            "engine::Readiness",
            "engine::handle",
            "hooks",
            "ids",
            "net",
            "store",
            "time",
        ],
    ),
    (
        "app",
        &[
            "api", "cli", "cloud", "config", "contact", "decide", "demo", "engine", "hooks", "ids", "net",
            "sim", "store", "time",
        ],
    ),
    // Operator commands speak only HTTP; the long-running ones are entered and no more.
    (
        "cli",
        &[
            "api::types",
            "app::serve",
            "config",
            "decide::words",
            "demo::Options",
            "demo::run",
            "doctor",
            "ids",
            "sim::SimOptions",
            "sim::run",
            "simulate::SimulateOptions",
            "simulate::run",
            "time",
        ],
    ),
    ("cloud", &["decide", "net", "time"]),
    ("config", &["decide"]),
    ("contact", &["decide", "net", "time"]),
    ("decide", &[]),
    // It runs the service inside itself, and judges muster's books against the simulated EC2's.
    (
        "demo",
        &[
            "api::types",
            "app",
            "cli",
            "config",
            "decide",
            "engine::Handle",
            "engine::Readiness",
            "ids",
            "net",
            "sim",
            "store::InstanceFilter",
            "time",
        ],
    ),
    // It asks AWS by the service's own adapters, and opens no store.
    ("doctor", &["app::aws_settings", "app::fd_limits", "cloud", "config", "decide", "net::fds", "time"]),
    ("engine", &["cloud", "contact", "decide", "ids", "net", "store", "time"]),
    ("hooks", &["cloud::sqs", "decide", "engine::AskError", "engine::Handle", "net", "time"]),
    ("ids", &["decide"]),
    ("net", &["decide", "ids", "time"]),
    ("sim", &["decide", "ids", "net", "time"]),
    // The core and the engine's protocol against the simulated AWS, in one thread and virtual time.
    ("simulate", &["cloud", "contact", "decide", "engine", "ids", "sim", "store", "time"]),
    ("store", &["decide", "time"]),
    ("time", &["decide"]),
];

/// Single files that may import more than their room.
const FILES: &[(&str, &[&str])] = &[];

/// Crates that belong to some rooms, by the beginning of their name, and why. All others are free,
/// except in `decide`.
const CRATES: &[(&str, &[&str], &str)] = &[
    ("aws_config", &["cloud"], "AWS stays behind our own words"),
    ("aws_lc_rs", &["hooks", "sim"], "the only signatures made and checked by hand are SNS's"),
    ("aws_sdk", &["cloud"], "AWS stays behind our own words"),
    ("aws_smithy", &["cloud"], "AWS stays behind our own words"),
    ("sqlx", &["store"], "all SQL is in one place"),
    ("getrandom", &["ids"], "entropy is an argument"),
    ("uuid", &["ids", "sim"], "ids are arguments; the simulated EC2 makes its own from its seed"),
    ("governor", &["decide"], "there is one limiter, in the core"),
    ("croner", &["decide"], "there is one calendar, in the core"),
    ("rand", &["sim"], "what decides draws from its own seed; only the simulated world has chance"),
    ("axum", &["api", "net"], "HTTP is served by the API, on net's listener"),
    ("utoipa", &["api"], "the API describes itself"),
    ("clap", &["cli", "demo", "sim", "simulate"], "only commands have command lines"),
    ("indicatif", &["cli", "demo"], "only commands have a terminal"),
    ("rustix", &["doctor"], "who asks the kernel asks by std; only the doctor asks how full a disk is"),
    ("rlimit", &["net", "sim"], "the descriptor budget is in one place; the simulator is another process"),
];

/// The crates that the core may name: it has no I/O, no clock, no entropy, no async, no logging. JSON is
/// the form of a launch's exact request, which the core fixes before anything is sent; croner and jiff count the days
/// of a calendar, with a time zone database that is compiled in.
const CORE: (&str, &[&str]) =
    ("decide", &["croner", "governor", "jiff", "serde", "serde_json", "std", "thiserror"]);

/// The only file that asks the system for the time, and the names by which one would ask.
const CLOCK: (&str, &[[&str; 2]]) =
    ("src/time.rs", &[["Instant", "now"], ["SystemTime", "now"], ["Timestamp", "now"], ["Zoned", "now"]]);

#[test]
fn rooms_name_only_what_they_may() {
    let sources = sources();
    let crates = dependencies();
    let mut found = Vec::new();
    let only_tests = test_files(&sources);
    for (file, text) in sources.iter().filter(|(file, _)| !only_tests.contains(*file)) {
        found.extend(violations(file, text, &crates));
    }
    assert!(found.is_empty(), "{} borders are crossed:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_room_is_listed_and_every_listed_room_is_there() {
    let there: BTreeSet<String> = sources().keys().filter_map(|file| room(file)).map(str::to_owned).collect();
    let listed: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(there, listed, "left: rooms in src; right: ROOMS in tests/borders.rs");
}

/// Everything in a file that its room may not name, each as `file:line: what, and what is allowed`.
fn violations(file: &str, text: &str, crates: &BTreeSet<String>) -> Vec<String> {
    let Some(room) = room(file) else { return Vec::new() };
    let code = code_only(text);
    let mut found = Vec::new();
    for Named { line, path } in names(&code) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let said = path.join("::");
        let mut report = |what: String| found.push(format!("{file}:{line}: {said}: {what}"));
        if let Some(path) = from_root(file, &path) {
            if let Some(allowed) = forbidden_room(file, room, path) {
                report(format!("the room '{room}' may import {allowed} (ROOMS in tests/borders.rs)"));
            }
        } else if crates.contains(path[0]) {
            if room == CORE.0 && !CORE.1.contains(&path[0]) {
                report(format!("the core may name the crates {} and no others", CORE.1.join(", ")));
            }
            for (name, rooms, why) in CRATES.iter().filter(|_| room != CORE.0) {
                if path[0].starts_with(name) && !rooms.contains(&room) {
                    report(format!("only {} may name {name}*: {why}", rooms.join(", ")));
                }
            }
        }
        if file != CLOCK.0 && CLOCK.1.iter().any(|ask| path.ends_with(ask)) {
            report(format!("only {} asks for the time: time is an argument", CLOCK.0));
        }
    }
    found
}

/// The path from the crate's root that this one means, if it is one within the crate and leaves the
/// module it stands in.
fn from_root<'a>(file: &str, path: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let supers = path.iter().take_while(|s| **s == "super").count();
    let modules =
        file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
    if matches!(path[0], "crate" | "muster") {
        Some(&path[1..])
    } else if supers > 0 && supers >= modules {
        Some(&path[supers..])
    } else {
        None
    }
}

/// What the room may import instead, if it may not import this path.
fn forbidden_room(file: &str, room: &str, path: &[&str]) -> Option<String> {
    let of_room = ROOMS.iter().filter(|(r, _)| *r == room).flat_map(|(_, may)| *may);
    let of_file = FILES.iter().filter(|(f, _)| *f == file).flat_map(|(_, may)| *may);
    let may: Vec<&str> = of_room.chain(of_file).copied().collect();
    let within = |entry: &str| path.starts_with(&entry.split("::").collect::<Vec<_>>());
    if within(room) || may.iter().any(|entry| within(entry)) {
        None
    } else if may.is_empty() {
        Some("nothing".to_owned())
    } else {
        Some(may.join(", "))
    }
}

/// The room a source file belongs to; `None` for the two roots.
fn room(file: &str) -> Option<&str> {
    let inside = file.strip_prefix("src/")?;
    let first = inside.split('/').next()?;
    if matches!(inside, "lib.rs" | "main.rs") { None } else { Some(first.trim_end_matches(".rs")) }
}

/// The names by which the sources know the crates of Cargo.toml.
fn dependencies() -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml is TOML");
    let table = manifest["dependencies"].as_table().expect("[dependencies] is a table");
    let names: BTreeSet<String> = table.keys().map(|name| name.replace('-', "_")).collect();
    assert!(names.contains("sqlx") && names.contains("aws_sdk_ec2"), "{names:?}");
    names.into_iter().chain(["std".to_owned()]).collect()
}

#[test]
fn a_crossed_border_is_found_however_it_is_written() {
    let crates = dependencies();
    for (file, text) in [
        ("src/decide/words.rs", "use tokio::sync::mpsc;"),
        ("src/decide/words.rs", "use crate::time::Clock;"),
        ("src/decide/words.rs", "use super::super::store::Store;"),
        ("src/decide/mod.rs", "use super::net;"),
        ("src/decide/guard/a.rs", "fn f() { super::super::super::ids::seed(); }"),
        ("src/decide/rows.rs", "#[derive(sqlx::FromRow)] struct A;"),
        ("src/engine/perform.rs", "fn f(x: Option<aws_sdk_ec2::Client>) {}"),
        ("src/engine/perform.rs", "use ::sqlx::Pool;"),
        ("src/engine/perform.rs", "use sqlx;"),
        ("src/engine/perform.rs", "use {sqlx};"),
        ("src/engine/perform.rs", "type A = dyn ::sqlx::Executor;"),
        ("src/engine/perform.rs", "use crate::{decide, api::{self, types}};"),
        ("src/cli/status.rs", "use crate::{time, store::{Store, Epoch}};"),
        ("src/cli/status.rs", "use crate::engine;"),
        ("src/api/mod.rs", "use crate::engine::{Handle, commit::Group};"),
        ("src/cloud/mod.rs", "let t = std::time::Instant::now();"),
        ("src/cloud/mod.rs", "let t = SystemTime\n    ::now();"),
        ("src/cloud/mod.rs", "#[cfg(test)]\nmod tests { const X: char = '}'; }\nuse crate::api;"),
        ("src/cloud/mod.rs", "const A: &str = \"\\\\\"; use crate::api;"),
        ("src/cloud/mod.rs", "const A: &str = r#\"\"\"#; use crate::api; // \""),
        ("src/unheard_of.rs", "use crate::decide;"),
    ] {
        let found = violations(file, text, &crates);
        assert!(!found.is_empty(), "nothing was found in {file}: {text}");
    }
}

#[test]
fn what_is_allowed_is_let_through() {
    let crates = dependencies();
    for (file, text) in [
        (
            "src/decide/words.rs",
            "use std::fmt; use serde::{Deserialize, Serialize}; use super::group::Group;",
        ),
        (
            "src/decide/words.rs",
            "//! See [`crate::store`] and sqlx::Pool.\n/* tokio::spawn /* aws_x::y */ */",
        ),
        (
            "src/decide/words.rs",
            "const A: &str = \"crate::store\"; const B: &str = r#\"\"tokio::x\"#; const C: char = '\"';",
        ),
        (
            "src/decide/words.rs",
            "fn f<'a>(x: &'a str) { x.tokio::<u8>() }\n#[cfg(test)]\nmod tests { use proptest::prelude::*; }",
        ),
        ("src/decide/words.rs", "#[cfg(test)]\nuse crate::{store, net};"),
        (
            "src/store/mod.rs",
            "use sqlx::{Pool, Sqlite}; use crate::decide::rows::Changes; use self::engine::Engine;",
        ),
        ("src/api/mod.rs", "use crate::{engine::{AskError, Handle}, api::types::Instance, time};"),
        ("src/simulate/in_process.rs", "use crate::cloud::Ec2;"),
        ("src/time.rs", "let t = Instant::now();"),
        ("src/main.rs", "fn main() { muster::cli::main() }"),
    ] {
        assert_eq!(violations(file, text, &crates), Vec::<String>::new(), "{file}: {text}");
    }
}

#[test]
fn a_violation_says_where_what_and_why() {
    assert_eq!(
        violations("src/api/mod.rs", "//! The API.\nuse crate::sim;\n\nuse sqlx::Pool;", &dependencies()),
        [
            "src/api/mod.rs:2: crate::sim: the room 'api' may import decide, engine::AskError, engine::Handle, \
             engine::Readiness, engine::handle, hooks, ids, net, store, time (ROOMS in tests/borders.rs)",
            "src/api/mod.rs:4: sqlx::Pool: only store may name sqlx*: all SQL is in one place",
        ]
    );
}
