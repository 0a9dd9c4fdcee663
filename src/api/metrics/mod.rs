//! `GET /metrics`: what muster counts, in the `OpenMetrics` text format.
//!
//! Labels are made from enums and configured names only, so their number is bounded.

mod engine;
mod hooks;
mod http;
mod view;

use ::http::header::CONTENT_TYPE;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use prometheus_client::registry::Registry;

pub use self::engine::Metrics;
pub use self::http::{Answer, HttpMetrics, OpenStream};
pub use self::view::Descriptors;

use super::problem::{Kind, Problem};
use super::state::ApiState;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters and gauges for a monitoring system.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "health",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = OPEN_METRICS)),
)]
pub async fn metrics(State(state): State<ApiState>) -> Result<Response, Problem> {
    let text =
        render(&state).map_err(|e| Problem::new(Kind::Internal, "the metrics cannot be written").cause(e))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// Gauges are read at the moment of asking from the view and the budgets, counters from where they
/// are kept; a registry is a list of pointers, cheap enough to be made each time.
fn render(state: &ApiState) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("muster");
    state.metrics.register(&mut registry);
    state.http.register(&mut registry);
    hooks::register(&mut registry, &state.doors);
    view::register(&mut registry, &state.handle.view(), &state.handle.ready(), (state.descriptors)());
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}
