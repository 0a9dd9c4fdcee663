//! `GET /v1/holds`: who holds what until when, and what of it is in force.

use axum::Json;
use axum::extract::State;

use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::types::{HoldItem, Holds};

/// Lists the holds that are not over, and those that are and not wholly restored yet.
#[utoipa::path(
    get, path = "/v1/holds", operation_id = "listHolds", tag = "guards",
    responses((status = 200, description = "All of them, oldest first", body = Holds)),
)]
pub async fn list(State(state): State<ApiState>, params: Params) -> Result<Json<Holds>, Problem> {
    params.finish()?;
    let (view, now) = (state.handle.view(), state.handle.clock().now());
    Ok(Json(Holds { holds: view.holds.iter().map(|h| HoldItem::of(h, now)).collect() }))
}
