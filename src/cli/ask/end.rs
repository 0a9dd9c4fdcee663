//! `unhold` and `thaw`: the end of a hold or a freeze before its time.

use super::{ended, path, printed};
use crate::api::types::LeaseTaken;
use crate::cli::args::End;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;

pub async fn run(at: &str, args: &End, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let path = path(at, &args.id);
    let document = ended(&path, &args.who, args.overrides, &args.retry, client, io).await?;
    printed(&document, json, io, |taken: &LeaseTaken| {
        format!("{} ends; what was so before is restored\n", taken.id)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn the_name_goes_with_it_and_an_override_is_said() {
        let fake = Fake::start(|request| {
            let expected = match request.number {
                0 => "/v1/holds/0191?by=ann",
                1 => "/v1/holds/0191?by=bob&override=true",
                _ => "/v1/freezes/0192?by=ann",
            };
            assert_eq!((request.method.as_str(), request.path.as_str()), ("DELETE", expected));
            Reply::json(202, &json!({ "id": "0191", "repeated": false }))
        })
        .await;
        for args in [
            vec!["unhold", "0191", "--as", "ann"],
            vec!["unhold", "0191", "--as", "bob", "--override"],
            vec!["thaw", "0192", "--as", "ann"],
        ] {
            assert_eq!(run(&fake, &args).await.0, 0);
        }
    }
}
