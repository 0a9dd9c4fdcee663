//! `status`: all scale-ups, or one.

use super::{path, printed};
use crate::api::types::ScaleUpPage;
use crate::cli::args::Status;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::follow::follow;
use crate::cli::io::Io;
use crate::cli::show::{list, summary};

/// Scale-ups in the list: what fits on a few screens. Older ones are a matter for the API.
const NEWEST: u32 = 100;

pub async fn run(args: &Status, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let Some(name) = &args.scale_up else { return all(client, json, io).await };
    let path = path("/v1/scale-ups", name);
    if args.follow {
        return follow(client, &path, args.retry.retry_for, json, io).await;
    }
    let document = client.get(&path).await?;
    printed(&document, json, io, summary)
}

async fn all(client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get(&format!("/v1/scale-ups?limit={NEWEST}")).await?;
    if json {
        io.line(&document.line()?)?;
        return Ok(Done::Well);
    }
    let page: ScaleUpPage = document.read()?;
    if page.scale_ups.is_empty() {
        io.note("there is no scale-up yet");
        return Ok(Done::Well);
    }
    io.data(&list(&page.scale_ups))?;
    if page.next.is_some() {
        io.note(&format!("these are the newest {NEWEST}; there are older ones"));
    }
    Ok(Done::Well)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run, scale_up};

    #[tokio::test]
    async fn the_list_is_a_table_on_standard_output() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/scale-ups?limit=100");
            Reply::json(200, &json!({ "scale_ups": [scale_up("open", 640)], "next": 12 }))
        })
        .await;
        assert_eq!(
            run(&fake, &["status"]).await,
            (
                0,
                "NUMBER  ID     GROUP  STATE  WANTED  IN SERVICE  WITHDRAWN  ACCEPTED                  REASON\n\
                 \x20   12  id-12  web    open     1200         640          0  2026-01-04T15:00:00.000Z  first working day\n"
                    .into(),
                "these are the newest 100; there are older ones\n".into()
            )
        );
    }

    #[tokio::test]
    async fn json_is_what_the_service_said_with_fields_we_do_not_know() {
        let fake = Fake::start(|_| Reply::json(200, &json!({ "scale_ups": [], "news": 1 }))).await;
        assert_eq!(
            run(&fake, &["status", "--json"]).await,
            (0, "{\"news\":1,\"scale_ups\":[]}\n".into(), String::new())
        );
    }

    #[tokio::test]
    async fn nobody_there_is_exit_code_3_at_once() {
        let fake = Fake::nobody().await;
        let (code, out, err) = run(&fake, &["status"]).await;
        assert_eq!((code, out.as_str()), (3, ""));
        assert!(
            err.starts_with("error: no answer from http://127.0.0.1:") && err.contains("refused"),
            "{err}"
        );
    }

    #[tokio::test]
    async fn something_else_that_answers_is_told_apart() {
        let fake = Fake::start(|_| Reply::text(404, "<html>\x1b[2J nginx</html>")).await;
        let (code, _, err) = run(&fake, &["status", "5"]).await;
        assert_eq!((code, err.as_str()), (4, "error: HTTP 404 Not Found: <html>\u{fffd}[2J nginx</html>\n"));
        let fake = Fake::start(|_| Reply::text(200, "hello")).await;
        let (code, _, err) = run(&fake, &["status"]).await;
        assert_eq!(code, 1);
        assert!(err.starts_with("error: the service's answer cannot be understood: "), "{err}");
    }

    #[tokio::test]
    async fn a_defect_of_the_service_is_exit_code_1_and_not_ready_is_3() {
        let fake =
            Fake::start(|_| Reply::json(500, &json!({ "title": "A defect in muster", "status": 500 }))).await;
        assert_eq!(run(&fake, &["status"]).await, (1, String::new(), "error: A defect in muster\n".into()));
        let fake =
            Fake::start(|_| Reply::json(503, &json!({ "title": "The service is not ready", "status": 503 })))
                .await;
        assert_eq!(run(&fake, &["status"]).await.0, 3);
    }

    #[tokio::test]
    async fn the_token_comes_from_a_file_and_never_shows() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        let path = file.path().to_str().unwrap();
        let fake = Fake::start(|request| {
            assert_eq!(request.header("authorization"), "Bearer 0123456789abcdef");
            Reply::json(401, &json!({ "title": "A valid bearer token is needed", "status": 401 }))
        })
        .await;
        let (code, _, err) = run(&fake, &["status", "--token-file", path]).await;
        assert_eq!((code, err.as_str()), (4, "error: A valid bearer token is needed\n"));
        std::fs::write(&file, "two words").unwrap();
        let (code, _, err) = run(&fake, &["status", "--token-file", path]).await;
        assert_eq!(code, 2);
        assert!(err.ends_with("is not visible ASCII characters in one line\n"), "{err}");
        assert_eq!(run(&fake, &["status", "--token-file", "/nowhere/token"]).await.0, 2);
    }
}
