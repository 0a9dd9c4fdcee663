//! `scale-up`: ask for more instances in service.

use super::{dry_run, path};
use crate::api::types::{Created, NewScaleUp};
use crate::cli::args::ScaleUp;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::follow::{follow, tell_accepted};
use crate::cli::io::Io;
use crate::cli::retry::keep_trying;
use crate::cli::show::accepted;
use crate::ids;
use crate::time::wall_now;

/// Whatever becomes of the connection, the same key goes with every try: the service takes the
/// request once, and gives the same answer again.
pub async fn run(args: &ScaleUp, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    if args.dry_run {
        return dry_run::run(&body_of(args), args.retry.retry_for, client, json, io).await;
    }
    let key = args.idempotency_key.clone().unwrap_or_else(|| ids::uuid(wall_now()));
    let body = body_of(args);
    let document = keep_trying(
        args.retry.retry_for,
        |text| io.note(text),
        async || client.post("/v1/scale-ups", &body, Some(&key)).await,
    )
    .await?;
    let created: Created = document.read()?;
    if args.follow {
        tell_accepted(&created, &document, json, io)?;
        return follow(client, &path("/v1/scale-ups", &created.id), args.retry.retry_for, json, io).await;
    }
    if json {
        io.line(&document.line()?)?;
    } else {
        io.line(&accepted(&created))?;
    }
    Ok(Done::Well)
}

fn body_of(args: &ScaleUp) -> NewScaleUp {
    NewScaleUp {
        group: args.group.clone(),
        count: args.count,
        by: args.by.clone(),
        reason: args.reason.clone(),
        all_or_nothing: args.all_or_nothing,
        emergency: args.emergency,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use crate::cli::testing::{Fake, Reply, event, links, run, scale_up};

    fn created() -> Value {
        json!({ "id": "id-12", "seq": 12, "group": "web", "wanted": 1200, "state": "open", "eta_s": 320, "links": links() })
    }

    #[tokio::test]
    async fn what_is_asked_is_sent_and_the_answer_is_one_line() {
        let fake = Fake::start(|request| {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/scale-ups"));
            assert_eq!(request.header("content-type"), "application/json");
            assert_eq!(
                request.json(),
                json!({ "group": "web", "count": 1200, "by": "15m", "reason": "first working day" })
            );
            Reply::json(202, &created())
        })
        .await;
        assert_eq!(
            run(&fake, &["scale-up", "web", "1200", "--by", "15m", "--reason", "first working day"]).await,
            (
                0,
                "scale-up 12 (id-12) accepted: 1200 of web, expected in service in 5m20s\n".into(),
                String::new()
            )
        );
    }

    #[tokio::test]
    async fn every_try_carries_the_same_key() {
        let keys = Arc::new(Mutex::new(Vec::new()));
        let seen = keys.clone();
        let fake = Fake::start(move |request| {
            seen.lock().unwrap().push(request.header("idempotency-key"));
            match request.number {
                // Perhaps taken, perhaps not: the answer is lost.
                0 => Reply::cut(),
                1 => Reply::json(503, &json!({ "title": "The service is not ready", "status": 503 })),
                2 => Reply::json(429, &json!({ "title": "The inbox is full", "status": 429 })).retry_after(0),
                _ => Reply::json(202, &created()),
            }
        })
        .await;
        let (code, out, err) = run(&fake, &["scale-up", "web", "1200", "--json"]).await;
        assert_eq!(code, 0, "{err}");
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), created());
        assert_eq!(err.lines().filter(|l| l.contains("trying again in")).count(), 3, "{err}");
        let keys = keys.lock().unwrap();
        assert_eq!(keys.len(), 4);
        assert!(keys.iter().all(|k| *k == keys[0] && k.len() == 36), "{keys:?}");
    }

    #[tokio::test]
    async fn a_key_of_one_s_own_is_sent_as_it_is() {
        let fake = Fake::start(|request| {
            assert_eq!(request.header("idempotency-key"), "deploy-7");
            Reply::json(202, &created())
        })
        .await;
        assert_eq!(run(&fake, &["scale-up", "web", "5", "--idempotency-key", "deploy-7"]).await.0, 0);
    }

    #[tokio::test]
    async fn a_service_that_says_come_back_later_than_we_wait_is_a_refusal() {
        let fake = Fake::start(|_| {
            Reply::json(429, &json!({ "title": "Too many scale-ups are open", "status": 429 }))
                .retry_after(30)
        })
        .await;
        let (code, out, err) = run(&fake, &["scale-up", "web", "5", "--retry-for", "10s"]).await;
        assert_eq!((code, out.as_str(), err.as_str()), (4, "", "error: Too many scale-ups are open\n"));
        assert_eq!(fake.requests(), 1);
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        let fake = Fake::start(|_| {
            Reply::json(422, &json!({
                "title": "The count is out of range", "status": 422, "detail": "count 0 is outside 1 to 10000",
                "errors": [{ "field": "count", "detail": "is 0; must be 1 to 10000" }],
            }))
        })
        .await;
        let (code, out, err) = run(&fake, &["scale-up", "web", "0"]).await;
        assert_eq!((code, out.as_str()), (4, ""));
        assert_eq!(
            err,
            "error: The count is out of range: count 0 is outside 1 to 10000\n  count: is 0; must be 1 to 10000\n"
        );
        assert_eq!(fake.requests(), 1);
    }

    #[tokio::test]
    async fn followed_as_json_the_first_line_is_the_acceptance() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/v1/scale-ups" => Reply::json(202, &created()),
            "/v1/scale-ups/id-12/events" => Reply::events(&event("end", None, &scale_up("done", 1200))),
            path => panic!("asked for {path}"),
        })
        .await;
        let (code, out, err) = run(&fake, &["scale-up", "web", "1200", "--follow", "--json"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        let lines: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!((&lines[0]["event"], &lines[0]["data"]["id"]), (&json!("accepted"), &json!("id-12")));
        assert_eq!(lines[1]["event"], "end");

        let (code, out, err) = run(&fake, &["scale-up", "web", "1200", "--follow"]).await;
        assert_eq!(code, 0);
        assert_eq!(err, "scale-up 12 (id-12) accepted: 1200 of web, expected in service in 5m20s\n");
        assert!(out.contains("in service  1200 of 1200\n"), "{out}");
    }

    #[tokio::test]
    async fn nobody_there_is_told_while_it_is_tried_again() {
        let fake = Fake::nobody().await;
        let (code, out, err) = run(&fake, &["scale-up", "web", "5", "--retry-for", "300ms"]).await;
        assert_eq!((code, out.as_str()), (3, ""));
        assert!(err.contains("refused") && err.contains("; trying again in 0."), "{err}");
    }
}
