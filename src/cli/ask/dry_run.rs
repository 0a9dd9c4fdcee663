//! `scale-up --dry-run`: what it would come to, without asking for it.

use std::fmt::Write as _;

use crate::api::types::{NewScaleUp, Preflight};
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::retry::keep_trying;
use crate::cli::text::{clean, seconds};

/// Ends with what a scale-up that is short ends with, if not all of them fit.
pub async fn run(
    body: &NewScaleUp,
    retry_for: std::time::Duration,
    client: &Client,
    json: bool,
    io: &Io,
) -> Result<Done, Failure> {
    let document = keep_trying(
        retry_for,
        |text| io.note(text),
        async || client.post("/v1/preflights", body, None).await,
    )
    .await?;
    let told: Preflight = document.read()?;
    if json {
        io.line(&document.line()?)?;
    } else {
        io.data(&text(&told))?;
    }
    Ok(if told.fits == told.wanted { Done::Well } else { Done::Short })
}

/// For people, a line for each thing.
fn text(told: &Preflight) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{name:<12}{}", clean(value));
    };
    line("fits", &format!("{} of {} of {}", told.fits, told.wanted, told.group));
    for short in &told.shortfall {
        line("short", &format!("{}: {}", short.missing, short.text));
    }
    for ask in &told.ask {
        line("ask AWS for", &format!("{} as {}/{} ({})", ask.value, ask.service, ask.code, ask.title));
    }
    let expected = told.eta_s.map_or("cannot be told".to_string(), |s| format!("in {}", seconds(s)));
    let late = if told.late { ", too late" } else { "" };
    line("in service", &format!("{expected}{late}, at least {}", seconds(told.bound_s)));
    line("basis", &told.basis);
    let age =
        told.picture_age_s.map_or("AWS has not been seen yet".to_string(), |s| format!("{} old", seconds(s)));
    line("picture", &age);
    for note in &told.notes {
        line("note", note);
    }
    for what in &told.unknown {
        line("not known", what);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::testing::{Fake, Reply, run};

    fn told(fits: u32) -> Value {
        let vcpus = json!({
            "name": "vcpus", "subject": "L-1216C47A", "number": 1800, "taken": 0, "each": 2, "fits": fits,
            "text": "quota L-1216C47A allows 1800 vCPUs", "source": "Service Quotas", "age_s": 12,
        });
        let short = json!([{ "name": "vcpus", "subject": "L-1216C47A", "missing": 300,
            "text": "quota L-1216C47A allows 1800 vCPUs" }]);
        let ask = json!([{ "service": "ec2", "code": "L-1216C47A", "title": "vCPUs", "value": 2400 }]);
        let all = fits == 1_200;
        json!({
            "group": "web", "wanted": 1200, "fits": fits, "binding": if all { Value::Null } else { vcpus.clone() },
            "shortfall": if all { json!([]) } else { short }, "ask": if all { json!([]) } else { ask },
            "eta_s": 250, "bound_s": 100, "basis": "tokens", "late": false, "picture_age_s": 12,
            "unknown": ["free addresses of subnet-0a"], "notes": [], "limits": [vcpus],
        })
    }

    #[tokio::test]
    async fn it_tells_what_fits_and_what_to_ask_for() {
        let fake = Fake::start(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/preflights"));
            assert_eq!(request.json(), json!({ "group": "web", "count": 1200 }));
            assert_eq!(request.header("idempotency-key"), "");
            Reply::json(200, &told(900))
        })
        .await;
        let (code, out, err) = run(&fake, &["scale-up", "web", "1200", "--dry-run"]).await;
        assert_eq!((code, err.as_str()), (5, ""));
        assert_eq!(
            out,
            "fits        900 of 1200 of web\n\
             short       300: quota L-1216C47A allows 1800 vCPUs\n\
             ask AWS for 2400 as ec2/L-1216C47A (vCPUs)\n\
             in service  in 4m10s, at least 1m40s\n\
             basis       tokens\n\
             picture     12s old\n\
             not known   free addresses of subnet-0a\n"
        );
    }

    #[tokio::test]
    async fn as_json_it_is_the_document_and_all_is_well_if_all_fit() {
        let fake = Fake::start(|_| Reply::json(200, &told(1_200))).await;
        let (code, out, _) = run(&fake, &["scale-up", "web", "1200", "--dry-run", "--json"]).await;
        assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()), (0, told(1_200)));
    }
}
