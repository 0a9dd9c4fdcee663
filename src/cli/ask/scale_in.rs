//! `scale-in`: ask for fewer instances.

use super::{path, printed};
use crate::api::types::{NewScaleIn, ScaleInTaken};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::retry::keep_trying;

pub async fn run(args: &args::ScaleIn, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let path = format!("{}/scale-ins", path("/v1/groups", &args.group));
    let body = NewScaleIn { count: args.count, reason: args.reason.clone() };
    let key = args.idempotency_key.clone().unwrap_or_else(|| crate::ids::uuid(crate::time::wall_now()));
    let document = keep_trying(
        args.retry.retry_for,
        |text| io.note(text),
        async || client.post(&path, &body, Some(&key)).await,
    )
    .await?;
    printed(&document, json, io, |taken: &ScaleInTaken| format!("{}\n", taken.id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn it_is_asked_for_once_and_its_id_printed() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/groups/web/scale-ins");
            assert_eq!(request.json(), json!({ "count": 60, "reason": "evening" }));
            if request.number == 0 {
                Reply::cut()
            } else {
                Reply::json(202, &json!({ "id": "019", "repeated": true }))
            }
        })
        .await;
        let (code, out, _) = run(&fake, &["scale-in", "web", "60", "--reason", "evening"]).await;
        assert_eq!((code, out.as_str()), (0, "019\n"));
    }

    #[tokio::test]
    async fn what_stands_against_it_is_told() {
        let fake = Fake::start(|_| {
            Reply::json(
                409,
                &json!({ "title": "Nothing may be removed now", "status": 409, "detail": "signals disagree: cpu says idle" }),
            )
        })
        .await;
        let (code, _, err) = run(&fake, &["scale-in", "web", "60", "--reason", "CPU is low"]).await;
        assert_eq!(code, 4);
        assert!(err.contains("signals disagree: cpu says idle"), "{err}");
    }
}
