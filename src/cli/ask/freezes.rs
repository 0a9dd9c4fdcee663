//! `freezes`: what is frozen until when.

use super::holds::waits_for;
use super::printed;
use crate::api::types::{FreezeItem, Freezes};
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table, seconds};

pub async fn run(client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get("/v1/freezes").await?;
    printed(&document, json, io, |shown: &Freezes| table(&shown.freezes))
}

fn table(freezes: &[FreezeItem]) -> String {
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("GROUP", Align::Left),
        ("STATE", Align::Left),
        ("LEFT", Align::Right),
        ("OWNER", Align::Left),
        ("REASON", Align::Left),
        ("WAITS FOR", Align::Left),
    ]);
    for f in freezes {
        table.row([
            f.lease.id.clone(),
            f.group.clone().unwrap_or_else(|| "all".into()),
            f.lease.state.to_string(),
            seconds(f.lease.left_s),
            f.lease.owner.clone(),
            f.lease.reason.clone(),
            waits_for(&f.lease.pending),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn a_freeze_of_all_groups_says_so() {
        let freeze = json!({
            "id": "0191", "owner": "ann", "reason": "", "state": "in_force", "left_s": 60, "pending": [],
            "asked_at": "2026-01-04T15:00:00.000Z", "until": "2026-01-04T17:00:00.000Z",
        });
        let fake = Fake::start(move |_| Reply::json(200, &json!({ "freezes": [freeze] }))).await;
        let (code, out, _) = run(&fake, &["freezes"]).await;
        assert_eq!(code, 0);
        assert!(out.contains("0191  all    in_force"), "{out}");
    }
}
