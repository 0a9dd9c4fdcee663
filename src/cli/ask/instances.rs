//! `instances`: what became of each attempt at filling a slot.

use super::query;
use crate::api::types::{InstanceItem, InstancePage};
use crate::cli::args::Instances;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table};
use crate::decide::words::Phase;

/// Instances a request: the most that the service gives.
const PAGE: &str = "1000";

pub async fn run(args: &Instances, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let parameters = [
            ("scale_up", args.scale_up.as_deref()),
            ("group", args.group.as_deref()),
            ("phase", args.phase.map(Phase::as_str)),
            ("limit", Some(PAGE)),
            ("after", after.as_deref()),
        ];
        let page: Page = client.get(&query("/v1/instances", &parameters)).await?.read()?;
        all.extend(page.instances);
        // A cursor that does not move would be read for ever.
        if page.next.is_none() || page.next == after {
            break;
        }
        after = page.next;
    }
    if json {
        io.line(&serde_json::json!({ "instances": all }).to_string())?;
    } else {
        let read: InstancePage = serde_json::from_value(serde_json::json!({ "instances": all }))
            .map_err(|e| Failure::Failed(format!("the service's answer cannot be understood: {e}")))?;
        io.data(&table(&read.instances))?;
    }
    Ok(Done::Well)
}

/// A page whose instances keep the fields that we do not know.
#[derive(serde::Deserialize)]
struct Page {
    instances: Vec<serde_json::Value>,
    #[serde(default)]
    next: Option<String>,
}

fn table(instances: &[InstanceItem]) -> String {
    let mut table = Table::new(&[
        ("SLOT", Align::Left),
        ("TRY", Align::Right),
        ("GROUP", Align::Left),
        ("PHASE", Align::Left),
        ("SINCE", Align::Left),
        ("INSTANCE", Align::Left),
        ("ADDRESS", Align::Left),
        ("ZONE", Align::Left),
        ("REASON", Align::Left),
    ]);
    for i in instances {
        table.row([
            i.slot.to_string(),
            i.attempt.to_string(),
            i.group.clone(),
            i.phase.to_string(),
            i.since.to_string(),
            i.id.map(|id| id.to_string()).unwrap_or_default(),
            i.address.map(|a| a.to_string()).unwrap_or_default(),
            i.zone.clone().unwrap_or_default(),
            i.reason.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::testing::{Fake, Reply, run};

    fn instance(slot: &str, reason: Option<&str>) -> Value {
        json!({
            "slot": slot, "attempt": 1, "group": "web", "phase": "broken", "since": "2026-01-04T15:00:00.000Z",
            "id": "i-0123456789abcdef0", "address": "127.64.0.7", "zone": "us-east-1a", "reason": reason, "launch": 3,
        })
    }

    fn pages() -> impl Fn(&crate::cli::testing::Asked) -> Reply {
        |request| match request.path.as_str() {
            "/v1/instances?scale_up=12&phase=broken&limit=1000" => Reply::json(
                200,
                &json!({ "instances": [instance("12-0", Some("hung\n3 times"))], "next": "12-0/1" }),
            ),
            "/v1/instances?scale_up=12&phase=broken&limit=1000&after=12-0%2F1" => {
                Reply::json(200, &json!({ "instances": [instance("12-7", None)] }))
            }
            path => panic!("asked for {path}"),
        }
    }

    const ARGS: [&str; 5] = ["instances", "--scale-up", "12", "--phase", "broken"];

    #[tokio::test]
    async fn all_pages_make_one_table() {
        let fake = Fake::start(pages()).await;
        assert_eq!(
            run(&fake, &ARGS).await,
            (
                0,
                "SLOT  TRY  GROUP  PHASE   SINCE                     INSTANCE             ADDRESS     ZONE        REASON\n\
                 12-0    1  web    broken  2026-01-04T15:00:00.000Z  i-0123456789abcdef0  127.64.0.7  us-east-1a  hung\u{fffd}3 times\n\
                 12-7    1  web    broken  2026-01-04T15:00:00.000Z  i-0123456789abcdef0  127.64.0.7  us-east-1a  -\n"
                    .into(),
                String::new()
            )
        );
    }

    #[tokio::test]
    async fn all_pages_make_one_document() {
        let fake = Fake::start(pages()).await;
        let args: Vec<&str> = ARGS.into_iter().chain(["--json"]).collect();
        let (code, out, err) = run(&fake, &args).await;
        assert_eq!((code, err.as_str()), (0, ""));
        let document: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            document,
            json!({ "instances": [instance("12-0", Some("hung\n3 times")), instance("12-7", None)] })
        );
    }

    #[tokio::test]
    async fn a_cursor_that_stands_still_ends_the_reading() {
        let fake = Fake::start(|_| {
            Reply::json(200, &json!({ "instances": [instance("1-0", None)], "next": "1-0/1" }))
        })
        .await;
        let (code, out, _) = run(&fake, &["instances"]).await;
        assert_eq!((code, out.lines().count(), fake.requests()), (0, 3, 2));
    }
}
