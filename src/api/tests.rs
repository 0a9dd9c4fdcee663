//! What holds for every route.

use axum::body::Body;
use axum::routing::get;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::testing::{self, Fake};
use super::types::{ProblemBody, ScaleUpPage};
use super::*;
use crate::engine::handle::Readiness;

const TOKEN: &str = "correct-horse-battery";

#[tokio::test]
async fn what_does_not_exist_is_a_problem_too() {
    let fake = Fake::start().await;
    for path in ["/", "/v1", "/v1/scale-ups/", "/v2/scale-ups", "/favicon.ico"] {
        assert_eq!(fake.get(path).await.problem("no_such_path").0, 404, "{path}");
    }
    let wrong = fake.send("DELETE", "/v1/scale-ups", &[], "").await;
    assert_eq!(wrong.problem("method_not_allowed").0, 405);
    let allow = wrong.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test]
async fn with_a_token_only_health_is_open() {
    let fake = Fake::with(Auth::token(TOKEN).unwrap(), 1).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(fake.get(path).await.status, 200, "{path}");
    }
    for path in ["/metrics", "/openapi.json", "/v1/scale-ups", "/v1/groups", "/nothing"] {
        let answer = fake.get(path).await;
        assert_eq!(answer.problem("unauthorized").0, 401, "{path}");
        assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer realm=\"muster\""));
    }
    let header = format!("Bearer {TOKEN}");
    for path in ["/metrics", "/openapi.json", "/v1/scale-ups", "/v1/groups"] {
        assert_eq!(fake.send("GET", path, &[("authorization", &header)], "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn ready_says_why_it_is_not() {
    let fake = Fake::start().await;
    assert_eq!(fake.get("/readyz").await.status, 200);
    for (readiness, part) in [
        (Readiness::Starting, "starting"),
        (Readiness::Fenced("web-7 pid 12".into()), "web-7 pid 12"),
        (Readiness::Stopping, "stopping"),
    ] {
        fake.set_ready(readiness);
        let answer = fake.get("/readyz").await;
        assert_eq!(answer.problem("not_ready").0, 503);
        assert!(answer.text().contains(part) && answer.header("retry-after").is_some());
        assert_eq!(fake.get("/healthz").await.status, 200, "alive is not ready");
        assert_eq!(fake.get("/v1/scale-ups").await.status, 200, "reading needs no engine");
    }
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let fake = Fake::start().await;
    let echoed = fake.send("GET", "/nothing", &[("x-request-id", "r-1")], "").await;
    assert_eq!(echoed.header("x-request-id").as_deref(), Some("r-1"));
    let made = fake.get("/healthz").await.header("x-request-id").unwrap();
    assert_eq!(made.len(), 36);
    let replaced = fake.send("GET", "/healthz", &[("x-request-id", "two words")], "").await;
    assert_eq!(replaced.header("x-request-id").map(|id| id.len()), Some(36));
}

#[tokio::test]
async fn requests_are_counted_by_how_they_ended() {
    let fake = Fake::start().await;
    fake.show(testing::view());
    fake.post("/v1/scale-ups", r#"{"group": "web", "count": 5}"#).await;
    fake.post("/v1/scale-ups", r#"{"group": "wbe", "count": 5}"#).await;
    fake.post("/v1/scale-ups", "{").await;
    fake.get("/v1/groups").await;
    let answer = fake.get("/metrics").await;
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text();
    for line in [
        "muster_requests_total{outcome=\"accepted\"} 1",
        "muster_requests_total{outcome=\"unknown_group\"} 1",
        "muster_requests_total{outcome=\"invalid_body\"} 1",
        "muster_requests_total{outcome=\"read\"} 1",
        "muster_descriptors_budget 96",
        "muster_instances{group=\"web\",phase=\"booting\"} 150",
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn what_the_engine_records_is_shown() {
    use crate::decide::event::Contact;
    use crate::decide::words::{Api, ErrorClass};

    let fake = Fake::start().await;
    let metrics = &fake.state.metrics;
    metrics.decision(Duration::from_micros(50));
    metrics.commit(Duration::from_millis(3));
    metrics.call(Api::RunInstances, Ok(()));
    metrics.call(Api::RunInstances, Err(ErrorClass::Throttle));
    metrics.configure(&Contact::Passed);
    metrics.probe(&Contact::Hung("30 s".into()));
    let text = fake.get("/metrics").await.text();
    for line in [
        "muster_decision_duration_seconds_count 1",
        "muster_commit_duration_seconds_sum 0.003",
        "muster_calls_total{api=\"RunInstances\",outcome=\"ok\"} 1",
        "muster_calls_total{api=\"RunInstances\",outcome=\"throttle\"} 1",
        "muster_contacts_total{step=\"configure\",outcome=\"passed\"} 1",
        "muster_contacts_total{step=\"probe\",outcome=\"hung\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_made() {
    let fake = Fake::start().await;
    let served: serde_json::Value = fake.get("/openapi.json").await.json();
    assert_eq!(served, serde_json::to_value(openapi()).unwrap());
}

/// Poison: each is a clear 4xx, none reaches the engine, nothing is stored.
#[tokio::test]
async fn poison_is_refused_before_anything_happens() {
    let fake = Fake::start().await;
    let deep = format!(r#"{{"group": "web", "count": {}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let huge = " ".repeat(10 << 20);
    let table: &[(&str, &str, u16)] = &[
        ("", "invalid_body", 400),
        ("{", "invalid_body", 400),
        ("null", "invalid_body", 400),
        (&deep, "invalid_body", 400),
        (&huge, "body_too_large", 413),
        ("{}", "invalid_fields", 422),
        (r#"{"group": "", "count": 5}"#, "invalid_fields", 422),
        (r#"{"group": null, "count": 5}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": null}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": "5"}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": 5.5}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": -5}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": 99999999999999999999}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": 5, "by": "soon"}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": 5, "reason": ["x"]}"#, "invalid_fields", 422),
        (r#"{"group": "web", "count": 5, "force": true}"#, "invalid_fields", 422),
    ];
    for (body, kind, status) in table {
        let answer = fake.post("/v1/scale-ups", body).await;
        assert_eq!(answer.problem(kind).0, *status, "{}", fields::cut(body, 80));
    }
    assert_eq!(fake.asked(), 0);
    assert_eq!(fake.get("/v1/scale-ups").await.json::<ScaleUpPage>().scale_ups, []);
}

async fn through_the_layers(routes: Router, limit: Duration) -> ProblemBody {
    let watched = (HttpMetrics::default(), Clock::real());
    let service = wrap(routes, watched, Arc::new(Auth::Open), limit);
    let request = http::Request::get("/").body(Body::empty()).unwrap();
    let body = service.oneshot(request).await.unwrap().into_body();
    serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_that_does_not_tell_why() {
    async fn defect() {
        panic!("secret detail");
    }
    let problem = through_the_layers(Router::new().route("/", get(defect)), observe::LONGEST).await;
    assert_eq!((problem.status, problem.kind.as_str()), (500, "urn:muster:problem:internal"));
    assert!(!problem.detail.contains("secret"));
}

#[tokio::test]
async fn a_handler_that_hangs_is_answered_for() {
    let hangs = get(std::future::pending::<()>);
    let problem = through_the_layers(Router::new().route("/", hangs), Duration::from_millis(20)).await;
    assert_eq!((problem.status, problem.kind.as_str()), (503, "urn:muster:problem:timed_out"));
    assert!(problem.detail.contains("0.02 s") && problem.detail.contains("Idempotency-Key"));
}
