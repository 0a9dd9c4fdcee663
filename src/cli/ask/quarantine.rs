//! `quarantine list` and `quarantine release`: broken instances that are kept for people to look at.

use super::{path, printed, query};
use crate::api::types::{KeptItem, Quarantine, ReleaseTaken};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::retry::keep_trying;
use crate::cli::text::{Align, Table, seconds};

pub async fn run(args: &args::Quarantine, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    match args {
        args::Quarantine::List => list(client, json, io).await,
        args::Quarantine::Release(args) => release(args, client, json, io).await,
    }
}

async fn list(client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get("/v1/quarantine").await?;
    printed(&document, json, io, |shown: &Quarantine| table(&shown.instances))
}

async fn release(args: &args::Release, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let id = args.instance.to_string();
    let path = query(&path("/v1/quarantine", &id), &[("by", Some(args.who.name.as_str()))]);
    // Ending twice is ending once, so this may be sent again.
    let ended =
        keep_trying(args.retry.retry_for, |text| io.note(text), async || client.delete(&path).await).await?;
    printed(&ended, json, io, |taken: &ReleaseTaken| format!("{} is let go of and ended\n", taken.instance))
}

fn table(kept: &[KeptItem]) -> String {
    let mut table = Table::new(&[
        ("INSTANCE", Align::Left),
        ("GROUP", Align::Left),
        ("STATE", Align::Left),
        ("HOW", Align::Left),
        ("LEFT", Align::Right),
        ("BROKE IN", Align::Left),
        ("REASON", Align::Left),
    ]);
    for k in kept {
        let end = k.end.map(|e| format!(" ({e})")).unwrap_or_default();
        table.row([
            k.instance.to_string(),
            k.group.clone(),
            format!("{}{end}", k.state),
            k.how.to_string(),
            seconds(k.left_s),
            k.broke_in.to_string(),
            k.reason.clone(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn who_is_kept_is_listed_and_let_go() {
        let kept = json!({
            "instance": "i-0bad", "group": "web", "broke_in": "verifying", "reason": "status 503",
            "how": "standby", "state": "kept", "since": "2026-01-04T15:00:00.000Z",
            "until": "2026-01-04T19:00:00.000Z", "left_s": 7_200, "tagged": true,
        });
        let fake = Fake::start(move |request| match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/quarantine") => Reply::json(200, &json!({ "instances": [kept] })),
            ("DELETE", "/v1/quarantine/i-0bad?by=ann") => {
                Reply::json(202, &json!({ "instance": "i-0bad", "repeated": false }))
            }
            other => panic!("{other:?}"),
        })
        .await;
        let (code, out, err) = run(&fake, &["quarantine", "list"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("i-0bad    web    kept   standby"), "{out}");
        assert!(out.contains("verifying  status 503"), "{out}");
        let (code, out, _) = run(&fake, &["quarantine", "release", "i-0bad", "--as", "ann"]).await;
        assert_eq!((code, out.as_str()), (0, "i-0bad is let go of and ended\n"));
    }
}
