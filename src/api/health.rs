//! Alive and ready: what a supervisor and a load balancer ask.

use axum::Json;
use axum::extract::State;

use super::problem::Problem;
use super::state::ApiState;
use super::types::{Alive, ProblemBody, Ready};

/// The process runs and answers; says nothing about its engine.
#[utoipa::path(
    get, path = "/healthz", operation_id = "alive", tag = "health", security(()),
    responses((status = 200, description = "Alive", body = Alive)),
)]
pub async fn healthz() -> Json<Alive> {
    Json(Alive { status: "alive".into(), version: env!("CARGO_PKG_VERSION").into() })
}

/// Requests are taken; if not, the problem says why.
#[utoipa::path(
    get, path = "/readyz", operation_id = "ready", tag = "health", security(()),
    responses(
        (status = 200, description = "Ready", body = Ready),
        (status = 503, description = "Not ready, and why", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn readyz(State(state): State<ApiState>) -> Result<Json<Ready>, Problem> {
    state.check_ready()?;
    Ok(Json(Ready { status: "ready".into() }))
}
