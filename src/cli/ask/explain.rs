//! `explain`: why something is not further than it is.

use super::path;
use crate::api::types::Explanation;
use crate::cli::args::Explain;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::show::waits;
use crate::cli::text::clean;

pub async fn run(args: &Explain, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get(&path("/v1/explain", &args.subject)).await?;
    if json {
        io.line(&document.line()?)?;
        return Ok(Done::Well);
    }
    let explanation: Explanation = document.read()?;
    io.line(&clean(&explanation.subject))?;
    match waits(&explanation.waits) {
        Some(table) => io.data(&table)?,
        None => io.line("nothing waits")?,
    }
    Ok(Done::Well)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn the_decision_s_own_reasons_are_printed() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/explain/12-34");
            Reply::json(200, &json!({
                "subject": "slot 12-34 (group web): queued",
                "waits": [{ "count": 100, "text": "instance tokens: 0 of the 100 for the next batch, there in 38 s" },
                          { "count": 7, "text": "booting, given up in 12 s" }],
            }))
        })
        .await;
        assert_eq!(
            run(&fake, &["explain", "12-34"]).await,
            (
                0,
                "slot 12-34 (group web): queued\n\
                 COUNT  WAITS FOR\n\
                 \x20 100  instance tokens: 0 of the 100 for the next batch, there in 38 s\n\
                 \x20   7  booting, given up in 12 s\n"
                    .into(),
                String::new()
            )
        );
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_refusal() {
        let fake = Fake::start(|_| {
            Reply::json(404, &json!({
                "type": "urn:muster:problem:unknown_slot", "title": "There is no such slot or instance", "status": 404,
                "detail": "scale-up 12 has 5 slots", "errors": [{ "field": "slot", "detail": "write 12-0 to 12-4" }],
            }))
        })
        .await;
        let (code, out, err) = run(&fake, &["explain", "12-34"]).await;
        assert_eq!((code, out.as_str()), (4, ""));
        assert_eq!(
            err,
            "error: There is no such slot or instance: scale-up 12 has 5 slots\n  slot: write 12-0 to 12-4\n"
        );
    }
}
