//! `[server]`, `[store]`, `[time]` and `[log]`: the service itself.

use std::net::{Ipv4Addr, SocketAddr};

use super::env::Variables;
use super::secret;
use super::section::{Read, Section};
use crate::decide::words::{Time, named};

/// Where the API listens and who may use it.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Port 0 means any free port; the service tells which when it starts.
    pub listen: SocketAddr,
    /// SHA-256 of the bearer token. The token itself is not kept.
    pub token_sha256: Option<[u8; 32]>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token_sha256.map(|_| "...");
        f.debug_struct("Server").field("listen", &self.listen).field("token_sha256", &token).finish()
    }
}

/// The database.
#[derive(Clone, PartialEq, Eq)]
pub struct Store {
    /// `sqlite:PATH`, `postgres://...` or `postgresql://...`. May hold a password.
    pub url: String,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.url.split_once(':').map_or("", |(scheme, _)| scheme);
        write!(f, "Store {{ url: {scheme}:... }}")
    }
}

/// Muster's own clock (see [`crate::time::Clock::scaled`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeSettings {
    /// Seconds of muster's time in one second.
    pub scale: f64,
    /// Point from which scaled time is counted; the start of the process if not given.
    pub origin: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

named! {
    /// How a line of the log looks.
    pub enum LogFormat {
        Text = "text",
        Json = "json",
    }
}

named! {
    /// Lines of this level and above are written.
    pub enum LogLevel {
        Off = "off",
        Error = "error",
        Warn = "warn",
        Info = "info",
        Debug = "debug",
        Trace = "trace",
    }
}

/// The environment variable that holds a token itself.
const TOKEN: &str = "MUSTER_TOKEN";

pub(super) fn server(s: &mut Section<'_>, variables: &Variables) -> Read<Server> {
    let listen = s.text(
        "listen",
        "an address and port such as \"127.0.0.1:7087\" or \"[::1]:7087\"",
        SocketAddr::from((Ipv4Addr::LOCALHOST, 7087)),
        |t| t.parse().ok(),
    );
    let token_sha256 = secret::read(s, variables, TOKEN, "token", "token_file")?;
    let listen = listen?;
    if token_sha256.is_none() && !listen.ip().is_loopback() {
        return Err(s.refuse(
            "listen",
            format!(
                "{listen} can be reached from other machines and there is no token: \
                 set server.token_file or MUSTER_TOKEN, or listen on 127.0.0.1"
            ),
        ));
    }
    Ok(Server { listen, token_sha256 })
}

pub(super) fn store(s: &mut Section<'_>) -> Read<Store> {
    let url = s.text("url", "a database URL", "sqlite:muster.db".to_string(), |t| Some(t.to_string()))?;
    let path = url.strip_prefix("sqlite:").map(|p| p.strip_prefix("//").unwrap_or(p));
    // The URL may hold a password, so the message does not repeat it.
    let what = match path {
        Some(path) if path.contains(":memory:") || path.contains("mode=memory") => {
            "a database in memory would lose what was accepted: write \"sqlite:PATH\""
        }
        Some(path) if !path.is_empty() && !path.starts_with('?') => return Ok(Store { url }),
        None if ["postgres://", "postgresql://"].iter().any(|p| url.starts_with(p))
            && url::Url::parse(&url).is_ok() =>
        {
            return Ok(Store { url });
        }
        Some(_) | None => {
            "not a database: write \"sqlite:PATH\" or \"postgres://USER:PASSWORD@HOST:PORT/NAME\""
        }
    };
    Err(s.refuse("url", what))
}

pub(super) fn time(s: &mut Section<'_>) -> Read<TimeSettings> {
    let scale = s.real("scale", 0.1..=1_000.0, 1.0);
    // To the year 9999, so that adding any duration to it stays far from the end.
    let origin = s.maybe_number("origin_ms", 0..=253_402_300_799_999);
    Ok(TimeSettings { scale: scale?, origin: origin?.map(Time) })
}

pub(super) fn log(s: &mut Section<'_>) -> Read<Log> {
    let format = s.text("format", "\"text\" or \"json\"", LogFormat::Text, |t| t.parse().ok());
    let levels = "\"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
    let level = s.text("level", levels, LogLevel::Info, |t| t.parse().ok());
    Ok(Log { format: format?, level: level? })
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{read, refused, with_env};

    #[test]
    fn the_whole_of_the_service_may_be_left_to_its_defaults() {
        let config = read("").unwrap();
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:7087");
        assert_eq!(config.store.url, "sqlite:muster.db");
        assert_eq!((config.time.scale, config.time.origin), (1.0, None));
        assert_eq!((config.log.format.as_str(), config.log.level.as_str()), ("text", "info"));
    }

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(
            refused("[server]\nlisten = \"127.0.0.1\""),
            r#"muster.toml:2: server.listen: "127.0.0.1" is not an address and port such as "127.0.0.1:7087" or "[::1]:7087""#
        );
    }

    #[test]
    fn beyond_loopback_there_must_be_a_token() {
        let text = "[server]\nlisten = \"0.0.0.0:7087\"";
        assert_eq!(
            refused(text),
            "muster.toml:2: server.listen: 0.0.0.0:7087 can be reached from other machines and there is no \
             token: set server.token_file or MUSTER_TOKEN, or listen on 127.0.0.1"
        );
        let config = with_env(text, &[("MUSTER_TOKEN", "0123456789abcdef")]).unwrap();
        assert!(config.server.token_sha256.is_some());
    }

    #[test]
    fn the_token_is_kept_as_a_hash_and_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        let path = file.path().display();
        let from_file = read(&format!("[server]\ntoken_file = '{path}'")).unwrap();
        let from_env = with_env("", &[("MUSTER_TOKEN", "0123456789abcdef")]).unwrap();
        assert_eq!(from_file.server, from_env.server);
        // sha256sum of the 16 bytes begins so.
        assert_eq!(from_file.server.token_sha256.map(|h| h[..3].to_vec()), Some(vec![0x9f, 0x9f, 0x51]));
        assert_eq!(
            format!("{:?}", from_env.server),
            "Server { listen: 127.0.0.1:7087, token_sha256: Some(\"...\") }"
        );
    }

    #[test]
    fn a_token_that_is_too_short_or_missing_is_told() {
        let short = with_env("", &[("MUSTER_TOKEN", "secret")]).unwrap_err().to_string();
        assert_eq!(short, "MUSTER_TOKEN: has 6 bytes: write 16 to 256 visible ASCII characters");
        let missing = refused("[server]\ntoken_file = \"/nowhere/token\"");
        assert_eq!(
            missing,
            r#"muster.toml:2: server.token_file: the token in "/nowhere/token" cannot be read: No such file or directory (os error 2)"#
        );
    }

    #[test]
    fn a_database_must_outlive_the_process() {
        for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite:x.db?mode=memory"] {
            let text = format!("[store]\nurl = \"{url}\"");
            assert_eq!(
                refused(&text),
                "muster.toml:2: store.url: a database in memory would lose what was accepted: write \"sqlite:PATH\""
            );
        }
    }

    #[test]
    fn a_wrong_database_url_is_not_repeated() {
        for url in
            ["mysql://root:hunter2@localhost/x", "sqlite:", "sqlite:?mode=rwc", "postgres://u:hunter2@[/x"]
        {
            let text = format!("[store]\nurl = \"{url}\"");
            assert_eq!(
                refused(&text),
                "muster.toml:2: store.url: not a database: write \"sqlite:PATH\" or \"postgres://USER:PASSWORD@HOST:PORT/NAME\""
            );
        }
        let config = read("[store]\nurl = \"postgres://u:hunter2@localhost/muster\"").unwrap();
        assert_eq!(format!("{:?}", config.store), "Store { url: postgres:... }");
    }

    #[test]
    fn logs_have_fixed_words() {
        assert_eq!(
            refused("[log]\nformat = \"xml\"\nlevel = \"loud\""),
            "muster.toml:2: log.format: \"xml\" is not \"text\" or \"json\"\n\
             muster.toml:3: log.level: \"loud\" is not \"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\""
        );
    }
}
