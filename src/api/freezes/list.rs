//! `GET /v1/freezes`: what is frozen until when, and what of it is in force.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{FreezeItem, Freezes};

/// Lists the freezes that are not over, and those that are and not wholly restored yet.
#[utoipa::path(
    get, path = "/v1/freezes", operation_id = "listFreezes", tag = "guards",
    responses((status = 200, description = "All of them, oldest first", body = Freezes)),
)]
pub async fn list(State(state): State<ApiState>, params: Params) -> Result<Json<Freezes>, Problem> {
    params.finish()?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    Ok(Json(Freezes { freezes: view.freezes.iter().map(|f| FreezeItem::of(f, now)).collect() }))
}
