//! `holds`: who holds what until when.

use super::printed;
use crate::api::types::{HoldItem, Holds, PendingItem};
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table, seconds};

pub async fn run(client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get("/v1/holds").await?;
    printed(&document, json, io, |shown: &Holds| table(&shown.holds))
}

fn table(holds: &[HoldItem]) -> String {
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("INSTANCE", Align::Left),
        ("GROUP", Align::Left),
        ("STATE", Align::Left),
        ("LEFT", Align::Right),
        ("OWNER", Align::Left),
        ("REASON", Align::Left),
        ("WAITS FOR", Align::Left),
    ]);
    for h in holds {
        table.row([
            h.lease.id.clone(),
            h.instance.to_string(),
            h.group.clone(),
            h.lease.state.to_string(),
            seconds(h.lease.left_s),
            h.lease.owner.clone(),
            h.lease.reason.clone(),
            waits_for(&h.lease.pending),
        ]);
    }
    table.text()
}

/// What is not marked or restored yet, and what it failed with.
pub fn waits_for(pending: &[PendingItem]) -> String {
    let one = |p: &PendingItem| match &p.error {
        Some(error) => format!("{} ({error})", p.marking),
        None => p.marking.to_string(),
    };
    pending.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn a_hold_is_shown_with_what_it_waits_for() {
        let hold = json!({
            "id": "0191", "owner": "ann", "reason": "heap", "state": "asked", "left_s": 7_140,
            "asked_at": "2026-01-04T15:00:00.000Z", "until": "2026-01-04T17:00:00.000Z",
            "instance": "i-1", "group": "web", "way": "suspend_replacement",
            "pending": [{
                "subject": "i-1", "marking": "termination_protection", "state": "setting",
                "error": "UnauthorizedOperation: no",
            }],
        });
        let fake = Fake::start(move |request| {
            assert_eq!(request.path, "/v1/holds");
            Reply::json(200, &json!({ "holds": [hold] }))
        })
        .await;
        let (code, out, err) = run(&fake, &["holds"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("0191  i-1       web    asked"), "{out}");
        assert!(out.contains("termination_protection (UnauthorizedOperation: no)"), "{out}");
    }
}
