//! The simulated EC2's own endpoints, which AWS does not have: `/_sim/...`, in JSON.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::model::Change;
use super::super::model::autoscaling::Adjustment;
use super::super::model::ec2::call::Action;
use super::super::settings::{BucketSettings, Buckets, Part};
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
        ("state", &Method::GET) => state(shared),
        ("faults", &Method::POST) => change(shared, body),
        ("faults", &Method::GET) => shown_settings(shared),
        ("alarm", &Method::POST) => alarm(shared, body),
        ("healthz" | "ledger" | "summary" | "bound" | "state", _) => {
            error(StatusCode::METHOD_NOT_ALLOWED, "use GET")
        }
        ("alarm", _) => error(StatusCode::METHOD_NOT_ALLOWED, "use POST"),
        ("faults", _) => error(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST"),
        _ => error(
            StatusCode::NOT_FOUND,
            "there are healthz, state, ledger, summary, bound, faults and alarm under /_sim/",
        ),
    }
}

/// A scaling policy's alarm: a desired capacity, or a change of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alarm {
    group: String,
    desired: Option<i64>,
    add: Option<i64>,
}

fn alarm(shared: &Shared, body: &Bytes) -> Answer {
    let alarm: Alarm = match serde_json::from_slice(body) {
        Ok(alarm) => alarm,
        Err(e) => return error(StatusCode::BAD_REQUEST, &e.to_string()),
    };
    let adjustment = match (alarm.desired, alarm.add) {
        (Some(desired), None) => Adjustment::To(desired),
        (None, Some(add)) => Adjustment::By(add),
        (Some(_), Some(_)) | (None, None) => {
            return error(StatusCode::BAD_REQUEST, "write either desired or add");
        }
    };
    match shared.with(|model, now| model.alarm(&alarm.group, adjustment, now)) {
        Ok(desired) => ok(&json!({ "group": alarm.group, "desired": desired })),
        Err(e) => error(StatusCode::NOT_FOUND, &e.message),
    }
}

/// The settings as they are now, the time, and counts of everything; without what only owners of keys
/// may know.
fn state(shared: &Shared) -> Answer {
    let (seed, now_ms, totals, scripts, mut settings) = shared.with(|model, now| {
        (model.seed(), now, model.totals(now), model.scripts(now), model.settings().clone())
    });
    settings.access_keys.values_mut().for_each(|secret| *secret = "(secret)".into());
    let time_scale = shared.clock().scale();
    ok(&json!({
        "seed": seed,
        "now_ms": now_ms,
        "time_scale": time_scale,
        "totals": totals,
        "script": scripts,
        "settings": settings,
    }))
}

fn change(shared: &Shared, body: &Bytes) -> Answer {
    let change: Change = match serde_json::from_slice(body) {
        Ok(change) => change,
        Err(e) => return error(StatusCode::BAD_REQUEST, &e.to_string()),
    };
    // At this time, not at that of the last call: buckets have filled since.
    match shared.with(|model, now| model.change(&change, now)) {
        Ok(()) => shown_settings(shared),
        Err(e) => error(StatusCode::BAD_REQUEST, &e.to_string()),
    }
}

/// All that can be changed, as it is.
fn shown_settings(shared: &Shared) -> Answer {
    let (s, scripts) = shared.with(|model, now| (model.settings().clone(), model.scripts(now)));
    ok(&json!({
        "throttle": s.faults.throttle,
        "lost_replies": s.faults.lost_replies,
        "lost_replies_before": s.faults.lost_replies_before,
        "errors": s.faults.errors,
        "latency": s.latency,
        "packet_loss": s.packet_loss,
        "script": scripts,
        "broken": s.broken,
        "bad_images": s.bad_images,
        "ways": s.ways,
        "capacity": s.capacity,
        "vcpu_quota": s.vcpu_quota.unwrap_or(0),
        "buckets": buckets(&s.buckets),
    }))
}

/// Every bucket of EC2, by the action's name.
fn buckets(buckets: &Buckets) -> BTreeMap<&'static str, BTreeMap<&'static str, BucketSettings>> {
    let of = |action: Action| {
        let parts = Part::ALL.iter().filter_map(|part| Some((part.as_str(), buckets.of(action, *part)?)));
        parts.collect()
    };
    Action::ALL.iter().map(|action| (action.as_str(), of(*action))).collect()
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
    use super::super::super::model::ec2::testing::{Model, plain};
    use super::super::super::settings::Settings;
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
    fn scripts_are_replaced_or_added_and_their_times_count_from_now() {
        let shared = Shared::new(plain(), Clock::real());
        let post = |body: &'static str| {
            let body = Bytes::from_static(body.as_bytes());
            let (status, text) = answer(&shared, &Method::POST, "faults", "", &body, 100);
            let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
            let faults: Vec<String> = shown["script"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|s| s["fault"].as_str().unwrap_or_default().to_string())
                .collect();
            (status.as_u16(), faults)
        };
        assert_eq!(
            post(r#"{"script": [{"fault": "throttle", "at_s": 60}]}"#),
            (200, vec!["throttle".into()])
        );
        let both = vec!["throttle".to_string(), "lost_after".into()];
        assert_eq!(post(r#"{"add_script": [{"fault": "lost_after", "percent": 20}]}"#), (200, both.clone()));
        assert_eq!(post(r#"{"add_script": [{"fault": "hang"}]}"#).0, 400);
        assert_eq!(post(r#"{"add_script": [{"fault": "fire"}]}"#).0, 400);
        assert_eq!(post("{}"), (200, both));
        assert_eq!(post(r#"{"script": []}"#), (200, vec![]));
    }

    #[test]
    fn the_state_has_settings_time_and_counts_but_no_secrets() {
        let settings = Settings {
            access_keys: [("AKIDEXAMPLE".to_string(), "hush".to_string())].into(),
            ..Settings::default()
        };
        let shared = Shared::new(Model::new(settings, 7).unwrap(), Clock::real());
        let (status, text) = answer(&shared, &Method::GET, "state", "", &Bytes::new(), 100);
        assert!(status.is_success() && !text.contains("hush"));
        let state: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&state["seed"], &state["totals"]["launched"]), (&json!(7), &json!(0)));
        assert_eq!(state["settings"]["buckets"]["run_instances"]["burst"], json!(5.0));
        assert!(state["now_ms"].as_i64().is_some_and(|now| now > 0));
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
    fn an_alarm_needs_a_group_and_one_adjustment() {
        for body in
            ["{", r#"{"group": "g"}"#, r#"{"group": "g", "desired": 1, "add": 1}"#, r#"{"desired": 1}"#]
        {
            assert_eq!(ask(&Method::POST, "alarm", "", body).0, 400, "{body}");
        }
        let (status, text) = ask(&Method::POST, "alarm", "", r#"{"group": "g", "add": 1}"#);
        assert_eq!(status, 404);
        assert!(text["error"].as_str().is_some_and(|e| e.contains("AutoScalingGroup g not found")), "{text}");
        assert_eq!(ask(&Method::GET, "alarm", "", "").0, 405);
    }

    #[test]
    fn other_paths_and_methods_say_what_there_is() {
        assert_eq!(ask(&Method::GET, "healthz", "", ""), (200, json!({ "ok": true })));
        assert_eq!(ask(&Method::POST, "ledger", "", "").0, 405);
        assert_eq!(ask(&Method::DELETE, "faults", "", "").0, 405);
        assert_eq!(ask(&Method::GET, "nothing", "", "").0, 404);
    }
}
