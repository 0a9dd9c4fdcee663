//! `config example`, `config check`, and reading the configuration for `serve`.

use std::path::Path;

use super::args;
use super::exit::{Done, Failure};
use super::io::Io;
use super::text::counted;
use crate::config::{Config, EXAMPLE};

pub fn run(command: &args::Config, json: bool, io: &Io) -> Result<Done, Failure> {
    match command {
        args::Config::Example => io.data(EXAMPLE)?,
        args::Config::Check { file } => {
            let config = load(file)?;
            let names: Vec<&str> = config.groups.keys().map(String::as_str).collect();
            if json {
                io.line(&serde_json::json!({ "ok": true, "groups": names }).to_string())?;
            } else {
                io.line(&format!("ok: {} ({})", counted(names.len(), "group"), names.join(", ")))?;
            }
        }
    }
    Ok(Done::Well)
}

/// Every problem is a line of the failure.
pub fn load(file: &Path) -> Result<Config, Failure> {
    Config::load(file).map_err(|problems| {
        let count = counted(problems.list.len(), "problem");
        Failure::Usage(format!("{count} in the configuration\n{problems}"))
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::local;

    #[test]
    fn the_example_passes_its_own_check() {
        let (code, example, _) = local(&["config", "example"]);
        assert_eq!(code, 0);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, example).unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(local(&["config", "check", path]), (0, "ok: 1 group (web)\n".into(), String::new()));
        assert_eq!(
            local(&["config", "check", path, "--json"]),
            (0, "{\"groups\":[\"web\"],\"ok\":true}\n".into(), String::new())
        );
    }

    #[test]
    fn problems_go_to_standard_error_with_exit_code_2() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "[sever]\n").unwrap();
        let path = file.path().to_str().unwrap();
        let (code, out, err) = local(&["config", "check", path]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.starts_with("error: 3 problems in the configuration\n"), "{err}");
        assert!(err.contains(&format!("{path}:1: sever: unknown key: did you mean 'server'?")), "{err}");
        let (code, out, err) = local(&["serve", "--config", path]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("did you mean 'server'?"), "{err}");
    }
}
