//! Reading muster's sources as text: where the names in them stand, without comments, literals and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every Rust source under src, by its path from the repository's root.
pub fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec!["src".to_owned()];
    while let Some(folder) = folders.pop() {
        for name in entries(&folder) {
            let path = format!("{folder}/{name}");
            if is_folder(&path) {
                folders.push(path);
            } else if Path::new(&path).extension().is_some_and(|kind| kind == "rs") {
                let text = read(&path);
                found.insert(path, text);
            }
        }
    }
    assert!(found.contains_key("src/lib.rs"), "src/lib.rs is not among {:?}", found.keys());
    found
}

/// The text of a file, by its path from the repository's root.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(at_root(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The names of a folder's entries.
pub fn entries(path: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(at_root(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

pub fn is_folder(path: &str) -> bool {
    at_root(path).is_dir()
}

fn at_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Files that are declared under `#[cfg(test)]`.
pub fn test_files(sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (file, text) in sources {
        let folder = file.strip_suffix("/mod.rs").unwrap_or(file.trim_end_matches(".rs"));
        for name in test_modules(&blank_text(text)) {
            files.insert(format!("{folder}/{name}.rs"));
            files.insert(format!("{folder}/{name}/mod.rs"));
        }
    }
    files
}

const FOR_TESTS: &str = "#[cfg(test)]";

/// Names of the modules that are declared, without a body, for tests only.
fn test_modules(code: &str) -> Vec<String> {
    code.split(FOR_TESTS)
        .skip(1)
        .filter_map(|after| {
            let declaration = after.split([';', '{']).next()?;
            let bodiless = after[declaration.len()..].starts_with(';');
            let (_, name) = declaration.split_once("mod ")?;
            bodiless.then(|| name.trim().to_owned())
        })
        .collect()
}

/// The text without comments, literals and items for tests, every line where it was.
pub fn code_only(text: &str) -> String {
    let mut code = blank_text(text);
    while let Some(start) = code.find(FOR_TESTS) {
        let end = start + item_length(&code[start..]);
        let blank: String = code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blank);
    }
    code
}

/// How long an item is, its attributes included: up to a semicolon outside braces or the end of its body.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The text with comments and the insides of literals turned into spaces, every line where it was.
fn blank_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_name = false;
    while let Some(c) = rest.chars().next() {
        let blanked = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if c == '\'' {
            char_literal(rest)
        } else if after_name {
            if c == '"' { string(rest, 0, 0) } else { 0 }
        } else {
            string_literal(rest)
        };
        let taken = if blanked == 0 { c.len_utf8() } else { blanked };
        for c in rest[..taken].chars() {
            out.push(if blanked == 0 || c == '\n' { c } else { ' ' });
        }
        after_name = blanked == 0 && (c.is_alphanumeric() || c == '_');
        rest = &rest[taken..];
    }
    out
}

/// Length of the comment that begins here; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of the character literal that begins at this quote; 0 if it is a lifetime.
fn char_literal(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8();
            text[from..].find('\'').map_or(0, |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// Length of the string literal of any kind that begins here; 0 if none does.
fn string_literal(text: &str) -> usize {
    let prefix = text.len() - text.trim_start_matches(['b', 'c', 'r']).len();
    let raw = text[..prefix].contains('r');
    let hashes = if raw { text[prefix..].len() - text[prefix..].trim_start_matches('#').len() } else { 0 };
    if prefix > 2 || !text[prefix + hashes..].starts_with('"') {
        return 0;
    }
    if raw {
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = prefix + hashes + 1;
        return text[inside..].find(&end).map_or(text.len(), |at| inside + at + end.len());
    }
    string(text, prefix, hashes)
}

/// Length of the plain string whose opening quote stands after `prefix` and `hashes`.
fn string(text: &str, prefix: usize, hashes: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(prefix + hashes + 1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// A path in the code, with the line it stands on.
#[derive(Debug)]
pub struct Named {
    pub line: usize,
    pub path: Vec<String>,
}

/// Every path in the code, with the groups of imports spelt out.
pub fn names(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let text_at = |at: usize| tokens.get(at).map_or("", |(_, text)| *text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let field = at > 0 && text_at(at - 1) == ".";
        if text_at(at) == "use" {
            let leading = usize::from(text_at(at + 1) == "::");
            at = path_from(&tokens, at + 1 + leading, &mut Vec::new(), &mut found);
        } else if is_name(text_at(at)) && !field && text_at(at + 1) == "::" {
            at = path_from(&tokens, at, &mut Vec::new(), &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one path or group of paths from a token on; returns where it ends.
fn path_from(
    tokens: &[(usize, &str)],
    start: usize,
    prefix: &mut Vec<String>,
    found: &mut Vec<Named>,
) -> usize {
    let text_at = |at: usize| tokens.get(at).map_or("", |(_, text)| *text);
    let (mut at, own) = (start, prefix.len());
    loop {
        if text_at(at) == "{" {
            at += 1;
            while at < tokens.len() && text_at(at) != "}" {
                let inner = path_from(tokens, at, prefix, found);
                at = if inner == at { at + 1 } else { inner };
            }
            at += 1;
            break;
        }
        if !is_name(text_at(at)) && text_at(at) != "*" {
            break;
        }
        prefix.push(text_at(at).to_owned());
        at += 1;
        if text_at(at) != "::" || !(is_name(text_at(at + 1)) || ["{", "*"].contains(&text_at(at + 1))) {
            found.push(Named { line: tokens[start].0, path: prefix.clone() });
            break;
        }
        at += 1;
    }
    prefix.truncate(own);
    at
}

/// Words after which a path may begin with `::`, so that they are no part of it.
const KEYWORDS: &[&str] =
    &["as", "dyn", "else", "for", "if", "impl", "in", "match", "mut", "return", "where", "while"];

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && !KEYWORDS.contains(&text)
}

/// Names, `::`, and every other character by itself, each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(c) = rest.chars().next() {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            found.push((number + 1, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    found
}

#[test]
fn a_file_declared_for_tests_only_is_free() {
    let sources = BTreeMap::from([
        ("src/net/mod.rs".to_owned(), "pub mod fds;\n#[cfg(test)]\npub(crate) mod testing;".to_owned()),
        ("src/net/fds.rs".to_owned(), "#[cfg(test)]\nmod tests { fn f() { g(); } }".to_owned()),
    ]);
    assert_eq!(
        test_files(&sources),
        BTreeSet::from(["src/net/testing.rs".to_owned(), "src/net/testing/mod.rs".to_owned()])
    );
}
