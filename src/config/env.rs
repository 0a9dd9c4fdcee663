//! Environment variables over the file: `MUSTER_SERVER__LISTEN=127.0.0.1:7000` sets `server.listen`.
//!
//! Levels are joined by two underscores and may be written in any case. A group's name may have
//! `_` for `-`, since shells take no `-` in a variable's name. A value is what the key wants it to
//! be: text as it stands, everything else as TOML (`[200, 202]`, `{ id = "lt-1" }`, `true`, `5`).

use std::ffi::OsString;

use super::node::{Node, Table, Value, parse_value};
use super::problem::{Place, Report};

const PREFIX: &str = "MUSTER_";

/// Variables with a meaning of their own.
const RESERVED: [&str; 6] =
    ["MUSTER_TOKEN", "MUSTER_HOOK_KEY", "MUSTER_URL", "MUSTER_CONFIG", "MUSTER_LOG", "MUSTER_TOOLS"];

/// Variables that tests and developers use around muster.
const RESERVED_PREFIXES: [&str; 2] = ["MUSTER_TEST_", "MUSTER_DEV_"];

/// Environment variables, as `std::env::vars_os` gives them.
pub type Variables = Vec<(OsString, OsString)>;

/// Puts the variables over what the file says.
pub(super) fn apply(table: &mut Table, variables: &Variables, report: &mut Report) {
    let mut ours: Vec<(&str, Option<&str>)> = variables
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value.to_str())))
        .filter(|(name, _)| name.starts_with(PREFIX) && !RESERVED.contains(name))
        .filter(|(name, _)| !RESERVED_PREFIXES.iter().any(|p| name.starts_with(p)))
        .collect();
    // A whole table comes before its parts: MUSTER_TIME before MUSTER_TIME__SCALE.
    ours.sort_unstable();
    for (name, value) in ours {
        let place = Place::Variable(name.to_string());
        let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
        let Some(text) = value else {
            report.add(place, path.join("."), "not UTF-8: write text");
            continue;
        };
        let parsed = parse_value(text, &place).map(Box::new);
        let node = Node { place: place.clone(), value: Value::Variable { text: text.to_string(), parsed } };
        if let Err(what) = set(table, &path, node) {
            report.add(place, path.join("."), what);
        }
    }
}

fn set(table: &mut Table, path: &[String], node: Node) -> Result<(), String> {
    let mut here = table;
    let Some((last, levels)) = path.split_last() else { return Ok(()) };
    for (depth, level) in levels.iter().enumerate() {
        let key = if depth == 1 && levels[0] == "groups" { group_name(here, level)? } else { level.clone() };
        let next = here
            .entry(key.clone())
            .or_insert_with(|| Node { place: node.place.clone(), value: Value::Table(Table::new()) });
        let found = next.found();
        here = next
            .table_mut()
            .ok_or_else(|| format!("{key} is {found}, which has no '{last}': set it whole"))?;
    }
    here.insert(last.clone(), node);
    Ok(())
}

/// The group of the file that `level` names. A variable shapes a group; it does not make one, or a
/// slip in its name would be a second group.
fn group_name(groups: &Table, level: &str) -> Result<String, String> {
    let as_variable = |name: &str| name.replace('-', "_");
    let found = groups.keys().find(|name| as_variable(name) == as_variable(level));
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> = groups.keys().map(String::as_str).collect();
        format!("the file has no group '{level}'; its groups: {}", names.join(", "))
    })
}

/// The variable's value, if it is set to anything.
pub(super) fn get<'a>(variables: &'a Variables, name: &str) -> Option<&'a OsString> {
    variables.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v)
}
