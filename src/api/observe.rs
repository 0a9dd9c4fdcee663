//! Around every request: its id, its end counted, its failure logged once, its time limited.

use std::any::Any;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;

use super::headers::{REQUEST_ID, request_id};
use super::metrics::{Answer, HttpMetrics};
use super::problem::{Kind, Problem, Trace};
use crate::time::{Clock, Stopwatch, timeout_on_the_wall};

/// Longest that a request may take until its answer begins, on the wall: body, commit and reads.
/// Too low: a slow disk's commit is told as a failure. Too high: a stuck sender holds one of the
/// few connections that long. An event stream only begins within it.
pub const LONGEST: Duration = Duration::from_secs(10);

/// Gives a request its id, counts how it ended and logs what was our fault.
pub async fn observe(
    State((http, clock)): State<(HttpMetrics, Clock)>,
    request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers()).unwrap_or_else(|| crate::ids::uuid(clock.now()));
    let (method, path) = (request.method().clone(), request.uri().path().to_string());
    let started = Stopwatch::start();
    let mut response = next.run(request).await;
    if let Some(trace) = response.extensions().get::<Trace>() {
        http.refused(trace.kind);
        let (status, took_ms) = (response.status().as_u16(), started.elapsed().as_millis());
        if trace.kind.status().is_server_error() && trace.kind != Kind::NotReady {
            tracing::error!(
                request_id = id, %method, path, status, kind = %trace.kind, took_ms,
                "a request failed: {}", trace.text
            );
        } else {
            tracing::debug!(
                request_id = id, %method, path, status, kind = %trace.kind, took_ms,
                "a request was refused: {}", trace.text
            );
        }
    } else {
        http.answered(response.extensions().get::<Answer>().copied().unwrap_or(Answer::Read));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Answers in a handler's place when it takes longer than this on the wall.
pub async fn within(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    timeout_on_the_wall(limit, next.run(request)).await.unwrap_or_else(|| {
        Problem::new(
            Kind::TimedOut,
            format!(
                "no answer within {} s; the outcome of a POST is then unknown: send it again with the same \
                 Idempotency-Key",
                limit.as_secs_f64()
            ),
        )
        .retry_after(Duration::from_secs(1))
        .into_response()
    })
}

/// Answers in a handler's place when it panics.
// The signature is the layer's.
#[allow(clippy::needless_pass_by_value)]
pub fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::new(Kind::Internal, "a defect in muster; the log says more")
        .cause(format!("a handler panicked: {said}"))
        .into_response()
}
