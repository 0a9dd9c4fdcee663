//! `configure`, `probes` and `verify` of a group: how its instances are reached.

use std::time::Duration;

use crate::config::section::{Read, Section};
use crate::decide::group::{Configure, Probe, ProbeKind};

/// The methods that carry a body to an agent, and GET for agents that need none.
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "PATCH"];

/// What a body may hold between `{{` and `}}`.
const PLACEHOLDERS: [&str; 6] = ["slot", "attempt", "instance_id", "address", "group", "zone"];

/// The body of a configure push if none is written: who the instance is.
const BODY: &str = r#"{"group":"{{group}}","slot":"{{slot}}","attempt":{{attempt}},"instance_id":"{{instance_id}}","zone":"{{zone}}"}"#;

/// Larger configurations belong in a store that the agent fetches from.
const BODY_MOST: usize = 64 * 1024;

const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn configure(s: &mut Section<'_>) -> Read<Configure> {
    let method = s.text("method", "\"GET\", \"POST\", \"PUT\" or \"PATCH\"", "PUT".to_string(), |t| {
        METHODS.contains(&t).then(|| t.to_string())
    });
    let port = s.number("port", 1..=u16::MAX, None);
    let path = path(s, "/configure");
    let body = s.text("body", "text", BODY.to_string(), |t| Some(t.to_string()));
    let expect = expect(s, &[200, 202]);
    let timeout = s.duration("timeout", TIMEOUTS, TIMEOUT);
    if let Ok(body) = &body {
        check_body(s, body);
    }
    Ok(Configure {
        method: method?,
        port: port?,
        path: path?,
        body: body?,
        expect: expect?,
        timeout: timeout?,
    })
}

pub(super) fn probe(s: &mut Section<'_>) -> Read<Probe> {
    let kind =
        s.text("kind", "\"http\" or \"tcp\"", None, |t| ["http", "tcp"].contains(&t).then(|| t.to_string()));
    let port = s.number("port", 1..=u16::MAX, None);
    let path = path(s, "/health");
    let expect = expect(s, &[200]);
    let timeout = s.duration("timeout", TIMEOUTS, TIMEOUT);
    let tcp = kind? == "tcp";
    for key in ["path", "expect"] {
        if tcp && s.is_written(key) {
            s.refuse(
                key,
                format!("a tcp probe only opens a connection: it has no {key} (kind \"http\" has)"),
            );
        }
    }
    let kind = if tcp { ProbeKind::Tcp } else { ProbeKind::Http { path: path?, expect: expect? } };
    Ok(Probe { kind, port: port?, timeout: timeout? })
}

/// How often probes must pass.
pub(super) struct Verify {
    pub passes: u8,
    pub every: Duration,
}

pub(super) fn verify(s: &mut Section<'_>) -> Read<Verify> {
    let passes = s.number("passes", 1..=20, 2);
    let every =
        s.duration("every", Duration::from_millis(100)..=Duration::from_mins(5), Duration::from_secs(3));
    Ok(Verify { passes: passes?, every: every? })
}

fn path(s: &mut Section<'_>, default: &str) -> Read<String> {
    s.text("path", "a path such as \"/health\": visible ASCII after a /", default.to_string(), |t| {
        let plain = t.len() <= 2_048 && t.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        let reads = t.parse::<http::uri::PathAndQuery>().is_ok();
        (t.starts_with('/') && plain && reads && !t.contains("{{")).then(|| t.to_string())
    })
}

fn expect(s: &mut Section<'_>, default: &[u16]) -> Read<Vec<u16>> {
    s.list("expect", 1..=50, "an HTTP status from 100 to 599", default.to_vec(), |item| {
        u16::try_from(item.integer()?).ok().filter(|status| (100..=599).contains(status))
    })
}

fn check_body(s: &mut Section<'_>, body: &str) {
    if body.len() > BODY_MOST {
        s.refuse("body", format!("{} bytes are more than {BODY_MOST}", body.len()));
    }
    for open in body.split("{{").skip(1) {
        // `{{{slot}}}` is a placeholder in braces.
        let name = open.split_once("}}").map(|(name, _)| name.trim_start_matches('{'));
        if !name.is_some_and(|n| PLACEHOLDERS.contains(&n)) {
            let found: String = name.unwrap_or(open).chars().take(30).collect();
            let known: Vec<String> = PLACEHOLDERS.iter().map(|p| format!("{{{{{p}}}}}")).collect();
            s.refuse(
                "body",
                format!("{found:?} after {{{{ is no placeholder; there are {}", known.join(", ")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::testing::{group, refused_group};
    use crate::decide::group::{Probe, ProbeKind};

    #[test]
    fn a_configure_step_needs_only_a_port() {
        let configure = group("configure = { port = 8080 }").unwrap().configure.unwrap();
        assert_eq!((configure.method.as_str(), configure.path.as_str()), ("PUT", "/configure"));
        assert_eq!(configure.expect, [200, 202]);
        assert_eq!(configure.timeout, Duration::from_secs(5));
        assert!(
            serde_json::from_str::<serde_json::Value>(&configure.body.replace("{{attempt}}", "1")).is_ok()
        );
    }

    #[test]
    fn a_push_that_no_agent_could_take() {
        let problems = refused_group(
            r#"
[groups.web.configure]
method = "DELETE"
port = 0
path = "configure"
body = "{{slot}} {{name}} {{zone"
expect = [99, 600, "200"]
timeout = "0s"
"#,
        );
        assert_eq!(
            problems,
            r#"muster.toml:13: groups.web.configure.method: "DELETE" is not "GET", "POST", "PUT" or "PATCH"
muster.toml:14: groups.web.configure.port: 0 is not a whole number from 1 to 65535
muster.toml:15: groups.web.configure.path: "configure" is not a path such as "/health": visible ASCII after a /
muster.toml:16: groups.web.configure.body: "name" after {{ is no placeholder; there are {{slot}}, {{attempt}}, {{instance_id}}, {{address}}, {{group}}, {{zone}}
muster.toml:16: groups.web.configure.body: "zone" after {{ is no placeholder; there are {{slot}}, {{attempt}}, {{instance_id}}, {{address}}, {{group}}, {{zone}}
muster.toml:17: groups.web.configure.expect[0]: 99 is not an HTTP status from 100 to 599
muster.toml:17: groups.web.configure.expect[1]: 600 is not an HTTP status from 100 to 599
muster.toml:17: groups.web.configure.expect[2]: "200" is not an HTTP status from 100 to 599
muster.toml:18: groups.web.configure.timeout: "0s" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 10ms to 1m"#
        );
    }

    #[test]
    fn placeholders_may_stand_beside_braces() {
        for body in [r#"{"a":{"b":{{attempt}}}}"#, "{{{slot}}}", "{} }} { {"] {
            assert!(group(&format!("configure = {{ port = 1, body = '{body}' }}")).is_ok(), "{body}");
        }
    }

    #[test]
    fn paths_are_sent_as_they_stand() {
        for path in ["/a b", "/é", "/a#b", "/{{slot}}", "http://x/y", ""] {
            let problems = refused_group(&format!("configure = {{ port = 1, path = '{path}' }}"));
            assert!(
                problems.ends_with("is not a path such as \"/health\": visible ASCII after a /"),
                "{problems}"
            );
        }
        assert!(group("configure = { port = 1, path = '/v1/configure?force=1' }").is_ok());
    }

    #[test]
    fn a_body_has_its_limit() {
        let problems = refused_group(&format!("configure = {{ port = 1, body = '{}' }}", "x".repeat(65_537)));
        assert_eq!(problems, "muster.toml:11: groups.web.configure.body: 65537 bytes are more than 65536");
    }

    #[test]
    fn probes_are_http_or_tcp() {
        let web = group("[[groups.web.probes]]\nkind = \"tcp\"\nport = 22\ntimeout = \"1s\"").unwrap();
        assert_eq!(web.probes[0].kind, ProbeKind::Http { path: "/health".to_string(), expect: vec![200] });
        assert_eq!(web.probes[1], Probe { kind: ProbeKind::Tcp, port: 22, timeout: Duration::from_secs(1) });
        assert_eq!(
            refused_group("[[groups.web.probes]]\nkind = \"tcp\"\nport = 22\npath = \"/\""),
            "muster.toml:14: groups.web.probes[1].path: a tcp probe only opens a connection: it has no path (kind \"http\" has)"
        );
        assert_eq!(
            refused_group("[[groups.web.probes]]\nkind = \"icmp\""),
            "muster.toml:11: groups.web.probes[1].port: missing: write a whole number from 1 to 65535\n\
             muster.toml:12: groups.web.probes[1].kind: \"icmp\" is not \"http\" or \"tcp\""
        );
    }

    #[test]
    fn at_least_one_round_must_pass() {
        assert_eq!(
            refused_group("verify = { passes = 0, every = \"1h\" }"),
            "muster.toml:11: groups.web.verify.every: \"1h\" is not a duration such as \"90s\", \"5m\", \"1h30m\" or \"250ms\" from 100ms to 5m\n\
             muster.toml:11: groups.web.verify.passes: 0 is not a whole number from 1 to 20"
        );
    }
}
