//! Whatever is sent, a real muster answers with a clear 4xx, stores nothing and goes on.

use muster::time::wall_now;
use serde_json::{Value, json};

use crate::harness::{Muster, Sim, http};

const JSON: (&str, &str) = ("content-type", "application/json");

/// What is sent, the status that answers it, and what the answer names.
fn poison() -> Vec<(&'static str, String, u16, &'static str)> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_in_field = format!(r#"{{"group":"web","count":{}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let past = wall_now().minus(std::time::Duration::from_secs(86_400 * 365));
    vec![
        ("nothing", String::new(), 400, "body"),
        ("not JSON", "count=5&group=web".into(), 400, "JSON"),
        ("half an object", r#"{"group":"web","#.into(), 400, "JSON"),
        ("a list", r#"["web", 5]"#.into(), 400, "object"),
        ("null", "null".into(), 400, "object"),
        ("an empty object", "{}".into(), 422, "group"),
        ("no count", r#"{"group":"web"}"#.into(), 422, "count"),
        ("a null group", r#"{"group":null,"count":5}"#.into(), 422, "group"),
        ("a blank group", r#"{"group":"  ","count":5}"#.into(), 422, "group"),
        ("a group of another type", r#"{"group":["web"],"count":5}"#.into(), 422, "group"),
        ("an unknown group", r#"{"group":"webb","count":5}"#.into(), 404, "web"),
        ("a null count", r#"{"group":"web","count":null}"#.into(), 422, "count"),
        ("a count in words", r#"{"group":"web","count":"five"}"#.into(), 422, "count"),
        ("a fraction", r#"{"group":"web","count":1.5}"#.into(), 422, "count"),
        ("a negative count", r#"{"group":"web","count":-1}"#.into(), 422, "count"),
        ("count 0", r#"{"group":"web","count":0}"#.into(), 422, "count"),
        ("over the limit", r#"{"group":"web","count":10001}"#.into(), 422, "10000"),
        ("far over the limit", r#"{"group":"web","count":99999999999999999999}"#.into(), 422, "count"),
        (
            "more than the group may have, or nothing",
            r#"{"group":"web","count":5001,"all_or_nothing":true}"#.into(),
            409,
            "5000",
        ),
        ("an unknown field", r#"{"group":"web","count":5,"cuont":6}"#.into(), 422, "cuont"),
        ("a deadline that is none", r#"{"group":"web","count":5,"by":"soon"}"#.into(), 422, "by"),
        ("a null reason of another type", r#"{"group":"web","count":5,"reason":7}"#.into(), 422, "reason"),
        (
            "a past deadline",
            json!({"group": "web", "count": 5, "by": rfc3339(past.0)}).to_string(),
            422,
            "by",
        ),
        ("deep JSON", deep, 413, ""),
        ("deep JSON that fits", deep_in_field, 400, ""),
        ("10 MiB", format!(r#"{{"group":"{}","count":5}}"#, "x".repeat(10 * 1024 * 1024)), 413, ""),
    ]
}

fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

#[tokio::test]
async fn poison_is_refused_by_name_and_leaves_no_trace() {
    let sim = Sim::start(10.0, &["--seed", "1"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let url = format!("{}/v1/scale-ups", muster.url);
    let mut wrong = Vec::new();
    for (what, body, status, names) in poison() {
        match http("POST", &url, &[JSON], &body).await {
            Ok((got, answer)) => {
                let problem: Value = serde_json::from_str(&answer).unwrap_or_default();
                if got != status || !answer.contains(names) || problem["status"] != status {
                    wrong.push(format!("{what}: wanted {status} naming '{names}', got {got} {answer}"));
                }
            }
            // Whoever sends megabytes that nobody reads may find the connection closed.
            Err(e) if status == 413 => assert!(!e.contains("no answer"), "{what}: {e}"),
            Err(e) => wrong.push(format!("{what}: {e}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (status, _) =
        http("POST", &url, &[("content-type", "text/plain")], r#"{"group":"web","count":5}"#).await.unwrap();
    assert_eq!(status, 415);
    let (_, list) = muster.get("/v1/scale-ups").await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["scale_ups"], json!([]), "nothing was stored");
    assert_eq!(muster.get("/healthz").await.unwrap().0, 200, "nothing crashed");
    // And it still does its work.
    let id = muster.scale_up(3).await;
    assert_eq!(muster.done(&id).await["in_service"], 3);
}

#[tokio::test]
async fn paths_and_parameters_that_make_no_sense_get_a_clear_answer() {
    let sim = Sim::start(10.0, &["--seed", "1"]).await;
    let mut muster = Muster::new(&sim, "");
    muster.start().await;
    let asked = [
        ("/v1/nothing", 404),
        ("/v1/scale-ups/no-such-id", 404),
        ("/v1/scale-ups?limit=0", 422),
        ("/v1/scale-ups?limit=many", 422),
        ("/v1/scale-ups?state=asleep", 422),
        ("/v1/scale-ups?colour=red", 422),
        ("/v1/instances?phase=dead", 422),
        ("/v1/instances/i-0123", 404),
        ("/v1/instances/9-9", 404),
        ("/v1/explain/nobody", 404),
    ];
    let mut wrong = Vec::new();
    for (path, status) in asked {
        let (got, answer) = muster.get(path).await.unwrap();
        let problem: Value = serde_json::from_str(&answer).unwrap_or_default();
        // A parameter is part of the request as a whole: 400 and 422 both say so.
        let right = got == status || (status == 422 && got == 400);
        if !right || problem["title"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("{path}: wanted {status}, got {got} {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
