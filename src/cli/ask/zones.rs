//! `zones`: every group's zones and their share of new launches.

use crate::api::types::{ZoneItem, Zones};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table};

pub async fn run(args: &args::Zones, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let mut zones = client.get("/v1/zones").await?.read::<Zones>()?.zones;
    zones.retain(|z| args.group.as_ref().is_none_or(|group| *group == z.group));
    print(&zones, json, io)?;
    Ok(Done::Well)
}

/// Prints zones as a table or as a document.
pub(super) fn print(zones: &[ZoneItem], json: bool, io: &Io) -> Result<(), Failure> {
    if json { io.line(&serde_json::json!({ "zones": zones }).to_string()) } else { io.data(&table(zones)) }
}

fn table(zones: &[ZoneItem]) -> String {
    let mut table = Table::new(&[
        ("GROUP", Align::Left),
        ("ZONE", Align::Left),
        ("WEIGHT", Align::Right),
        ("SHARE", Align::Right),
        ("TAKEN", Align::Right),
        ("ORDERED", Align::Left),
        ("REASON", Align::Left),
    ]);
    for z in zones {
        let order = z.ordered.as_ref();
        table.row([
            z.group.clone(),
            z.zone.clone(),
            format!("{} %", z.percent),
            format!("{} %", z.share),
            z.taken.to_string(),
            order.map(|o| o.at.to_string()).unwrap_or_default(),
            order.and_then(|o| o.reason.clone()).unwrap_or_default(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn zones_make_a_table() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/zones");
            let at = "2026-01-04T15:00:00.000Z";
            Reply::json(
                200,
                &json!({ "zones": [
                { "group": "web", "zone": "us-east-1a", "percent": 0, "share": 0, "taken": 400,
                  "ordered": { "at": at, "own": false, "reason": "grey" } },
                { "group": "web", "zone": "us-east-1b", "percent": 100, "share": 100, "taken": 400 },
                { "group": "api", "zone": "us-east-1a", "percent": 0, "share": 0, "taken": 1 },
            ] }),
            )
        })
        .await;
        let (code, out, err) = run(&fake, &["zones", "--group", "web"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(
            out,
            "GROUP  ZONE        WEIGHT  SHARE  TAKEN  ORDERED                   REASON\n\
             web    us-east-1a     0 %    0 %    400  2026-01-04T15:00:00.000Z  grey\n\
             web    us-east-1b   100 %  100 %    400  -                         -\n"
        );
    }
}
