//! Secrets that callers prove to have: kept as a hash, from a file or the environment.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::env::{self, Variables};
use super::section::{Read, Section};

/// Longest secret; also keeps a wrong file from being read for ever.
const MOST: usize = 256;

/// Shortest secret: 16 random letters and digits are 95 bits, out of reach of guessing.
const LEAST: usize = 16;

/// SHA-256 of the secret in `variable` or in the file that `key` names; `None` if there is neither.
/// `noun` is what to call it.
pub(super) fn read(
    s: &mut Section<'_>,
    variables: &Variables,
    variable: &str,
    noun: &str,
    key: &'static str,
) -> Read<Option<[u8; 32]>> {
    let file = s.maybe_text(key, "the path of a file", |t| (!t.is_empty()).then(|| t.to_string()));
    match (env::get(variables, variable), file?) {
        // The environment goes over the file, as everywhere.
        (Some(secret), _) => hash(secret).map(Some).map_err(|what| s.refuse_variable(variable, what)),
        (None, Some(file)) => read_file(Path::new(&file))
            .map(Some)
            .map_err(|what| s.refuse(key, format!("the {noun} in {file:?} {what}"))),
        (None, None) => Ok(None),
    }
}

fn read_file(file: &Path) -> Result<[u8; 32], String> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|f| f.take(1 + 2 * MOST as u64).read_to_string(&mut text))
        .map_err(|e| format!("cannot be read: {e}"))?;
    hash(&OsString::from(text.trim_ascii()))
}

fn hash(secret: &OsString) -> Result<[u8; 32], String> {
    let bytes = secret.as_encoded_bytes();
    if !(LEAST..=MOST).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(format!("has {} bytes: write {LEAST} to {MOST} visible ASCII characters", bytes.len()));
    }
    Ok(Sha256::digest(bytes).into())
}
