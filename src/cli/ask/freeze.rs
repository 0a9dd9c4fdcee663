//! `freeze`: no scale-in until then.

use super::posted;
use crate::api::types::{LeaseTaken, NewFreeze};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;

pub async fn run(args: &args::Freeze, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let body = NewFreeze {
        group: args.group.clone(),
        until: args.until.clone(),
        owner: args.who.name.clone(),
        reason: args.reason.clone(),
    };
    // The same freeze asked for twice is one freeze, so this may be sent again without a key.
    let document = posted("/v1/freezes", &body, &args.retry, client, io).await?;
    if json {
        io.line(&document.line()?)?;
    } else {
        let taken: LeaseTaken = document.read()?;
        let whom = args.group.as_deref().map_or("every group".to_string(), |g| format!("group {g}"));
        let what = if taken.repeated { "frozen already; its end is moved" } else { "frozen" };
        io.line(&format!("{whom} is {what}: freeze {}", taken.id))?;
        io.note("muster obeys it from now on; `muster freezes` shows when it is in force at AWS");
    }
    Ok(Done::Well)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn one_group_or_all_of_them() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/freezes");
            let one = json!({ "group": "web", "until": "30m", "owner": "ann" });
            let all = json!({ "until": "30m", "owner": "ann" });
            assert_eq!(request.json(), if request.number == 0 { one } else { all });
            Reply::json(202, &json!({ "id": "0191", "repeated": request.number == 1 }))
        })
        .await;
        let (code, out, _) = run(&fake, &["freeze", "web", "--for", "30m", "--as", "ann"]).await;
        assert_eq!((code, out.as_str()), (0, "group web is frozen: freeze 0191\n"));
        let (code, out, _) = run(&fake, &["freeze", "--all", "--for", "30m", "--as", "ann"]).await;
        assert_eq!(
            (code, out.as_str()),
            (0, "every group is frozen already; its end is moved: freeze 0191\n")
        );
    }
}
