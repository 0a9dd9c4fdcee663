//! `cancel`: stop a scale-up.

use super::{path, printed};
use crate::api::types::Cancel;
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::retry::keep_trying;
use crate::cli::show::summary;

pub async fn run(args: &args::Cancel, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let path = format!("{}/cancel", path("/v1/scale-ups", &args.scale_up));
    let body = Cancel { reason: args.reason.clone() };
    // Cancelling twice is cancelling once, so this may be sent again without a key.
    let document = keep_trying(
        args.retry.retry_for,
        |text| io.note(text),
        async || client.post(&path, &body, None).await,
    )
    .await?;
    printed(&document, json, io, summary)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run, scale_up};

    #[tokio::test]
    async fn cancelling_is_sent_again_until_it_is_answered() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/scale-ups/12/cancel");
            assert_eq!(request.json(), json!({ "reason": "wrong group" }));
            if request.number == 0 { Reply::cut() } else { Reply::json(202, &scale_up("cancelling", 640)) }
        })
        .await;
        let (code, out, _) = run(&fake, &["cancel", "12", "--reason", "wrong group"]).await;
        assert_eq!(code, 0);
        assert!(out.contains("state       cancelling\nin service  640 of 1200\n"), "{out}");
        let (_, out, _) = run(&fake, &["cancel", "12", "--reason", "wrong group", "--json"]).await;
        assert!(out.starts_with('{') && out.lines().count() == 1, "{out}");
    }

    #[tokio::test]
    async fn what_is_done_cannot_be_cancelled() {
        let fake = Fake::start(|_| {
            Reply::json(409, &json!({ "title": "The scale-up is already done", "status": 409 }))
        })
        .await;
        assert_eq!(
            run(&fake, &["cancel", "12"]).await,
            (4, String::new(), "error: The scale-up is already done\n".into())
        );
    }
}
