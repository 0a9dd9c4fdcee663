//! `hooks`: the lifecycle actions that wait for an answer.

use super::query;
use crate::api::types::{HookItem, HookPage};
use crate::cli::args::Hooks;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table};

/// Actions a request: the most that the service gives.
const PAGE: &str = "1000";

pub async fn run(args: &Hooks, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let parameters = [
            ("state", args.state.as_deref()),
            ("group", args.group.as_deref()),
            ("id", args.id.as_deref()),
            ("limit", Some(PAGE)),
            ("after", after.as_deref()),
        ];
        let page: HookPage = client.get(&query("/v1/hooks", &parameters)).await?.read()?;
        all.extend(page.hooks);
        let next = page.next.map(|n| n.to_string());
        // A cursor that does not move would be read for ever.
        if next.is_none() || next == after {
            break;
        }
        after = next;
    }
    if json {
        io.line(&serde_json::json!({ "hooks": all }).to_string())?;
    } else {
        io.data(&table(&all))?;
    }
    Ok(Done::Well)
}

fn table(hooks: &[HookItem]) -> String {
    let mut table = Table::new(&[
        ("INSTANCE", Align::Left),
        ("SLOT", Align::Left),
        ("ASG", Align::Left),
        ("HOOK", Align::Left),
        ("STATE", Align::Left),
        ("ANSWER", Align::Left),
        ("EXPIRES", Align::Left),
        ("IN", Align::Right),
        ("CALLS", Align::Right),
        ("ERROR", Align::Left),
    ]);
    for h in hooks {
        table.row([
            h.id.to_string(),
            h.slot.map(|s| s.to_string()).unwrap_or_default(),
            h.asg.clone(),
            h.hook.clone(),
            h.state.to_string(),
            h.result.map(|r| r.to_string()).unwrap_or_default(),
            h.expires_at.to_string(),
            h.expires_s.map(|s| format!("{s} s")).unwrap_or_default(),
            h.completions.saturating_add(h.heartbeats).to_string(),
            h.error.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::testing::{Fake, Reply, run};

    fn hook(seq: u64) -> Value {
        json!({
            "seq": seq, "group": "web", "asg": "web-asg", "hook": "muster",
            "transition": "autoscaling:EC2_INSTANCE_LAUNCHING", "id": "i-0123456789abcdef0", "slot": "1-0",
            "state": "open", "noticed_at": "2026-01-04T15:00:00.000Z", "expires_at": "2026-01-04T15:02:00.000Z",
            "expires_s": 61, "ends_at": "2026-01-04T18:20:00.000Z", "completions": 0, "heartbeats": 2,
        })
    }

    #[tokio::test]
    async fn all_pages_make_one_table() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/v1/hooks?group=web&limit=1000" => Reply::json(200, &json!({ "hooks": [hook(1)], "next": 1 })),
            "/v1/hooks?group=web&limit=1000&after=1" => Reply::json(200, &json!({ "hooks": [] })),
            path => panic!("asked for {path}"),
        })
        .await;
        let (code, out, err) = run(&fake, &["hooks", "--group", "web"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(
            out,
            "INSTANCE             SLOT  ASG      HOOK    STATE  ANSWER  EXPIRES                     IN  CALLS  ERROR\n\
             i-0123456789abcdef0  1-0   web-asg  muster  open   -       2026-01-04T15:02:00.000Z  61 s      2  -\n"
        );
    }
}
