//! `scale-ins`: those that are open, and the last ones that are over.

use super::printed;
use crate::api::types::{ScaleInItem, ScaleIns};
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table};

pub async fn run(client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get("/v1/scale-ins").await?;
    printed(&document, json, io, |shown: &ScaleIns| table(&shown.scale_ins))
}

fn table(scale_ins: &[ScaleInItem]) -> String {
    let mut table = Table::new(&[
        ("SCALE-IN", Align::Left),
        ("GROUP", Align::Left),
        ("STATE", Align::Left),
        ("REMOVED", Align::Right),
        ("OF", Align::Right),
        ("REASON", Align::Left),
        ("WAITS FOR", Align::Left),
    ]);
    for s in scale_ins {
        let waits = if s.waits.is_empty() { s.note.clone().unwrap_or_default() } else { s.waits.join("; ") };
        table.row([
            s.id.clone(),
            s.group.clone(),
            s.state.to_string(),
            s.removed.to_string(),
            s.count.to_string(),
            s.reason.clone(),
            waits,
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn scale_ins_make_a_table() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/scale-ins");
            Reply::json(
                200,
                &json!({ "scale_ins": [{ "id": "019", "group": "web", "count": 60, "removed": 20,
                    "reason": "evening", "state": "open", "asked_at": "2026-01-04T15:00:00.000Z",
                    "waits": ["the removal valve is shut"] }] }),
            )
        })
        .await;
        let (code, out, _) = run(&fake, &["scale-ins"]).await;
        assert_eq!(code, 0);
        assert_eq!(
            out,
            "SCALE-IN  GROUP  STATE  REMOVED  OF  REASON   WAITS FOR\n\
             019       web    open        20  60  evening  the removal valve is shut\n"
        );
    }
}
