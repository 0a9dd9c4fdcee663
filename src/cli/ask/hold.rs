//! `hold`: nobody ends an instance until then.

use super::posted;
use crate::api::types::{HoldWay, LeaseTaken, NewHold};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;

pub async fn run(args: &args::Hold, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let body = NewHold {
        instance: args.instance,
        group: args.group.clone(),
        until: args.until.clone(),
        owner: args.who.name.clone(),
        reason: args.reason.clone(),
        way: args.standby.then_some(HoldWay::Standby),
    };
    // The same hold asked for twice is one hold, so this may be sent again without a key.
    let document = posted("/v1/holds", &body, &args.retry, client, io).await?;
    if json {
        io.line(&document.line()?)?;
    } else {
        let taken: LeaseTaken = document.read()?;
        let what = if taken.repeated { "held already; its end is moved" } else { "held" };
        io.line(&format!("{} is {what}: hold {}", args.instance, taken.id))?;
        io.note("muster obeys it from now on; `muster holds` shows when it is in force at AWS");
    }
    Ok(Done::Well)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn a_hold_is_sent_again_until_it_is_answered() {
        let fake = Fake::start(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/holds"));
            assert_eq!(
                request.json(),
                json!({ "instance": "i-1", "until": "2h", "owner": "ann", "reason": "heap", "way": "standby" })
            );
            if request.number == 0 {
                Reply::cut()
            } else {
                Reply::json(202, &json!({ "id": "0191", "repeated": false }))
            }
        })
        .await;
        let args = ["hold", "i-1", "--for", "2h", "--as", "ann", "--reason", "heap", "--standby"];
        let (code, out, _) = run(&fake, &args).await;
        assert_eq!((code, out.as_str()), (0, "i-1 is held: hold 0191\n"));
    }

    #[tokio::test]
    async fn what_is_wrong_is_told() {
        let problem = json!({
            "title": "No group has this instance", "status": 404,
            "detail": "no group has an instance 'i-1', as far as is known",
        });
        let fake = Fake::start(move |_| Reply::json(404, &problem)).await;
        let (code, _, err) = run(&fake, &["hold", "i-1", "--for", "2h", "--as", "ann"]).await;
        assert!(code != 0 && err.contains("no group has an instance 'i-1'"), "{err}");
    }
}
