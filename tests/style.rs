//! How the sources are kept: small files, a map that names every room, migrations for both engines.

use std::collections::BTreeMap;

use crate::source::{entries, is_folder, read, sources};

/// A file over this holds more than one concern. The registry application we learn from has a median of
/// 96 lines; 700 is where a file starts to know everything.
const MOST_LINES: usize = 700;

/// Files that are longer for a reason, with the reason. None is.
const LONGER: &[(&str, &str)] = &[];

#[test]
fn no_file_is_too_long() {
    let long = too_long(&sources());
    assert!(long.is_empty(), "more than {MOST_LINES} lines: split by concern\n{}", long.join("\n"));
}

fn too_long(sources: &BTreeMap<String, String>) -> Vec<String> {
    let excused = |file: &str| LONGER.iter().any(|(name, _)| *name == file);
    let counted = sources.iter().map(|(file, text)| (file, text.lines().count()));
    counted
        .filter(|(file, lines)| *lines > MOST_LINES && !excused(file))
        .map(|(file, lines)| format!("{file}: {lines}"))
        .collect()
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let sources = BTreeMap::from([
        ("src/a.rs".to_owned(), "x\n".repeat(MOST_LINES)),
        ("src/b.rs".to_owned(), "x\n".repeat(MOST_LINES + 1)),
    ]);
    assert_eq!(too_long(&sources), ["src/b.rs: 701"]);
}

#[test]
fn the_architecture_page_names_every_room() {
    let page = read("ARCHITECTURE.md");
    let missing: Vec<String> = entries("src")
        .into_iter()
        .filter(|name| is_folder(&format!("src/{name}")))
        .filter(|room| !page.contains(&format!("src/{room}/")))
        .collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md says nothing of src/{{{}}}/", missing.join(","));
}

#[test]
fn every_migration_exists_for_both_engines() {
    let of = |engine: &str| entries(&format!("migrations/{engine}"));
    let (sqlite, postgres) = (of("sqlite"), of("postgres"));
    assert!(!sqlite.is_empty(), "migrations/sqlite is empty");
    assert_eq!(sqlite, postgres, "left: migrations/sqlite; right: migrations/postgres");
}
