//! The simulated EC2's own endpoints, which AWS does not have: `/_sim/...`, in JSON.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::super::model::Change;
use super::super::shared::Shared;

/// A status and a JSON document.
pub(super) type Answer = (StatusCode, String);

/// The largest number a bound is computed for: at 4 draws a launch it takes well under a second.
const COUNT_MAX: u32 = 1_000_000;

/// Answers a request to a path under `/_sim/`. `batch` is the default for bounds.
pub(super) fn answer(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &str,
    body: &Bytes,
    batch: u32,
) -> Answer {
    match (path, method) {
        ("healthz", &Method::GET) => ok(&json!({ "ok": true })),
        ("ledger", &Method::GET) => {
            let ledger = shared.with(super::super::model::Model::ledger);
            ok(&ledger)
        }
        ("summary", &Method::GET) => with_counts(query, "wanted", batch, |wanted, batch| {
            let (ledger, bound) = shared.with(|model, now| (model.ledger(now), model.bound(wanted, batch)));
            ok(&ledger.summary(wanted, bound.as_ref()))
        }),
        ("bound", &Method::GET) => with_counts(query, "count", batch, |count, batch| {
            match shared.with(|model, _| model.bound(count, batch)) {
                Some(bound) => ok(&bound),
                None => {
                    error(StatusCode::UNPROCESSABLE_ENTITY, "so many good instances can never be reached")
                }
            }
        }),
        ("faults", &Method::POST) => change(shared, body),
        ("faults", &Method::GET) => shown_settings(shared),
        ("healthz" | "ledger" | "summary" | "bound", _) => error(StatusCode::METHOD_NOT_ALLOWED, "use GET"),
        ("faults", _) => error(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST"),
        _ => {
            error(StatusCode::NOT_FOUND, "there are healthz, ledger, summary, bound and faults under /_sim/")
        }
    }
}

fn change(shared: &Shared, body: &Bytes) -> Answer {
    let change: Change = match serde_json::from_slice(body) {
        Ok(change) => change,
        Err(e) => return error(StatusCode::BAD_REQUEST, &e.to_string()),
    };
    match shared.with(|model, _| model.change(&change)) {
        Ok(()) => shown_settings(shared),
        Err(e) => error(StatusCode::BAD_REQUEST, &e.to_string()),
    }
}

/// All that can be changed, as it is.
fn shown_settings(shared: &Shared) -> Answer {
    let s = shared.with(|model, _| model.settings().clone());
    ok(&json!({
        "throttle": s.faults.throttle,
        "lost_replies": s.faults.lost_replies,
        "lost_replies_before": s.faults.lost_replies_before,
        "errors": s.faults.errors,
        "latency": s.latency,
        "capacity": s.capacity,
        "vcpu_quota": s.vcpu_quota.unwrap_or(0),
    }))
}

/// Reads `name=N`, which is required, and `batch=N`.
fn with_counts(query: &str, name: &str, batch: u32, f: impl FnOnce(u32, u32) -> Answer) -> Answer {
    let read = |wanted: &str| {
        let value = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == wanted);
        value.map(|(_, value)| value.parse::<u32>().ok().filter(|n| *n <= COUNT_MAX))
    };
    match (read(name), read("batch").unwrap_or(Some(batch))) {
        (Some(Some(count)), Some(batch)) if batch > 0 => f(count, batch),
        _ => error(
            StatusCode::BAD_REQUEST,
            &format!(
                "write ?{name}=N with N from 0 to {COUNT_MAX}, and &batch=N from 1 if it is not {batch}"
            ),
        ),
    }
}

fn ok(value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(text) => (StatusCode::OK, text),
        Err(e) => error(StatusCode::INTERNAL_SERVER_ERROR, &e.to_string()),
    }
}

fn error(status: StatusCode, message: &str) -> Answer {
    (status, json!({ "error": message }).to_string())
}

#[cfg(test)]
mod tests {
    use super::super::super::model::ec2::testing::plain;
    use super::*;
    use crate::time::Clock;

    fn ask(method: &Method, path: &str, query: &str, body: &'static str) -> (u16, serde_json::Value) {
        let shared = Shared::new(plain(), Clock::real());
        let (status, text) = answer(&shared, method, path, query, &Bytes::from_static(body.as_bytes()), 100);
        (status.as_u16(), serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn faults_are_changed_and_shown() {
        let (status, shown) = ask(&Method::POST, "faults", "", r#"{"throttle": 50, "vcpu_quota": 64}"#);
        assert_eq!((status, &shown["throttle"], &shown["vcpu_quota"]), (200, &json!(50.0), &json!(64)));
        let (status, shown) = ask(&Method::POST, "faults", "", r#"{"throttle": 500}"#);
        assert_eq!(status, 400);
        assert!(shown["error"].as_str().is_some_and(|e| e.starts_with("faults.throttle: 500")), "{shown}");
        assert_eq!(ask(&Method::POST, "faults", "", "{").0, 400);
        assert_eq!(ask(&Method::POST, "faults", "", r#"{"nope": 1}"#).0, 400);
    }

    #[test]
    fn what_is_shown_can_be_sent_back() {
        let shared = Shared::new(plain(), Clock::real());
        let (_, shown) = answer(&shared, &Method::GET, "faults", "", &Bytes::new(), 100);
        let body = Bytes::from(shown.clone());
        assert_eq!(answer(&shared, &Method::POST, "faults", "", &body, 100), (StatusCode::OK, shown));
    }

    #[test]
    fn counts_are_read_or_refused() {
        let (status, bound) = ask(&Method::GET, "bound", "count=1200", "");
        assert_eq!((status, &bound["batch"]), (200, &json!(100)));
        assert!(bound["bound_s"].as_f64().is_some_and(|s| s > 100.0));
        assert_eq!(ask(&Method::GET, "bound", "count=10&batch=5", "").1["batch"], json!(5));
        for query in ["", "count=", "count=-1", "count=2000000", "count=1&batch=0", "count=1&batch=x"] {
            assert_eq!(ask(&Method::GET, "bound", query, "").0, 400, "{query}");
        }
        let (status, summary) = ask(&Method::GET, "summary", "wanted=3", "");
        assert_eq!((status, &summary["live"], &summary["wanted"]), (200, &json!(0), &json!(3)));
    }

    #[test]
    fn other_paths_and_methods_say_what_there_is() {
        assert_eq!(ask(&Method::GET, "healthz", "", ""), (200, json!({ "ok": true })));
        assert_eq!(ask(&Method::POST, "ledger", "", "").0, 405);
        assert_eq!(ask(&Method::DELETE, "faults", "", "").0, 405);
        assert_eq!(ask(&Method::GET, "nothing", "", "").0, 404);
    }
}
