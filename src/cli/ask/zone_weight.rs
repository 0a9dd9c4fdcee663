//! `zone weight`: order a zone's share of new launches.

use super::{path, zones};
use crate::api::types::{NewWeight, Zones};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::retry::keep_trying;

pub async fn run(args: &args::ZoneWeight, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let path = match &args.group {
        Some(group) => path(&format!("{}/zones", path("/v1/groups", group)), &args.zone),
        None => path("/v1/zones", &args.zone),
    };
    let body = NewWeight { percent: args.percent.0, reason: args.reason.clone() };
    // Ordering the same twice changes nothing, so this may be sent again.
    let document =
        keep_trying(args.retry.retry_for, |text| io.note(text), async || client.put(&path, &body).await)
            .await?;
    zones::print(&document.read::<Zones>()?.zones, json, io)?;
    Ok(Done::Well)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn a_zone_is_drained_by_one_request_that_is_sent_until_it_is_answered() {
        let fake = Fake::start(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/v1/zones/us-east-1a"));
            assert_eq!(request.json(), json!({ "percent": 0, "reason": "grey" }));
            let zone = json!({ "group": "web", "zone": "us-east-1a", "percent": 0, "share": 0, "taken": 3 });
            if request.number == 0 { Reply::cut() } else { Reply::json(200, &json!({ "zones": [zone] })) }
        })
        .await;
        let (code, out, _) = run(&fake, &["zone", "weight", "us-east-1a", "0", "--reason", "grey"]).await;
        assert_eq!(code, 0);
        assert!(out.contains("web    us-east-1a     0 %    0 %      3"), "{out}");
    }

    #[tokio::test]
    async fn one_group_may_be_named_and_an_order_taken_back() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/groups/web/zones/us-east-1a");
            assert_eq!(request.json(), json!({ "percent": null }));
            Reply::json(200, &json!({ "zones": [] }))
        })
        .await;
        let (code, out, _) =
            run(&fake, &["zone", "weight", "us-east-1a", "reset", "--group", "web", "--json"]).await;
        assert_eq!((code, out.as_str()), (0, "{\"zones\":[]}\n"));
    }
}
